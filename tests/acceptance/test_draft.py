"""Drafts: a database that nobody described moves whole, by entries that nobody edited, whatever its tables are like."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.drafting import drafting, sqlite_file
from tests.support.servers import MariaDb, Postgres

WIDE = 300
LONG = "a_name_of_a_table_that_is_as_long_as_any_that_postgresql_allows"


POSTGRESQL = [
    'CREATE SCHEMA "Other Schema"',
    "CREATE TYPE mood AS ENUM ('', 'glad', 'Sad')",
    "CREATE DOMAIN short AS varchar(5) CHECK (value <> 'never')",
    "CREATE DOMAIN shorter AS short NOT NULL",
    # Names: of ours, reserved, of one case and another, as long as can be, and not of letters.
    """CREATE TABLE "order" (id int PRIMARY KEY, tenant_id text, legacy_id text, created_at timestamp,
        updated_at timestamptz, deleted_at date, "#unfit" text, filename text, "from" text, "a" text, "A" text,
        "ä" text, "ö" text, "1" text, "0:id" text, "#tenant" text, "#key" text, "t.x" text, "so ""hi"" so" text)""",
    """INSERT INTO "order" VALUES (1, 't', 'l', '2024-02-29 12:00', '2024-11-03 06:30:00+00', '2024-01-01', 'o', 'f',
        'w', 'a', 'A', 'ae', 'oe', 'one', 'z', 'x', 'k', 'd', 'h')""",
    'INSERT INTO "order" (id) VALUES (2)',
    'CREATE TABLE "Order" (id int PRIMARY KEY, "order" int REFERENCES "order" (id))',
    'INSERT INTO "Order" VALUES (1, 1), (2, NULL)',
    f"CREATE TABLE {LONG} (id int PRIMARY KEY, {LONG} text, {LONG[:-1]}x text)",
    f"INSERT INTO {LONG} VALUES (1, 'x', 'y')",
    f"CREATE TABLE {LONG[:-1]}x (id int PRIMARY KEY, {LONG} int REFERENCES {LONG} (id))",
    f"INSERT INTO {LONG[:-1]}x VALUES (1, 1)",
    'CREATE TABLE "Other Schema"."order" ("Id" uuid PRIMARY KEY, "order" int REFERENCES public."order" (id))',
    """INSERT INTO "Other Schema"."order" VALUES ('00000000-0000-0000-0000-00000000000A', 2)""",
    'CREATE TABLE "学生" ("学号" int PRIMARY KEY, "Größe" text, "größe_" text, "ИмяУченика" text, "имя_ученика" text)',
    """INSERT INTO "学生" VALUES (1, 'groß', 'klein', 'Имя', 'имя')""",
    'CREATE TABLE "Оценка" (id int PRIMARY KEY, "学号" int REFERENCES "学生")',
    'INSERT INTO "Оценка" VALUES (1, 1)',
    # Keys: none, nine columns, of texts that differ in case, of every other type.
    "CREATE TABLE keyless (a text, b int)",
    "INSERT INTO keyless VALUES ('x', 1), ('x', 1), (NULL, NULL), (NULL, NULL), ('', 0)",
    f"CREATE TABLE nine ({', '.join(f'c{n} int' for n in range(9))}, "
    f"PRIMARY KEY ({', '.join(f'c{n}' for n in range(9))}))",
    "INSERT INTO nine SELECT n, 2, 3, 4, 5, 6, 7, 8, 9 FROM generate_series(1, 3) n",
    "CREATE TABLE codes (code short, at timestamptz, n numeric(9, 2), ok boolean, PRIMARY KEY (code, at, n, ok))",
    "INSERT INTO codes VALUES ('a', '2024-01-01', -0.5, true), ('A', '2024-01-01', -0.5, false), ('a ', 'epoch', 0, true)",
    # References: to a unique key, of two columns of which one may be NULL, to itself, in a circle, to a partition's parent.
    "CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, x int, y text, UNIQUE (x, y))",
    "INSERT INTO parent VALUES (1, 'a', 1, 'a'), (2, 'A', 1, 'A'), (3, NULL, 2, NULL), (4, '', NULL, NULL)",
    """CREATE TABLE child (id int PRIMARY KEY, code text REFERENCES parent (code), x int, y text,
        boss int REFERENCES child, FOREIGN KEY (x, y) REFERENCES parent (x, y))""",
    "INSERT INTO child VALUES (1, 'A', 1, 'A', 1), (2, NULL, 1, NULL, 3), (3, '', NULL, NULL, 2), (4, 'a', 9, NULL, NULL)",
    "CREATE TABLE egg (id int PRIMARY KEY, hen int NOT NULL)",
    "CREATE TABLE hen (id int PRIMARY KEY, egg int NOT NULL REFERENCES egg DEFERRABLE INITIALLY DEFERRED)",
    "ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen DEFERRABLE INITIALLY DEFERRED",
    "INSERT INTO egg VALUES (1, 1), (2, 3), (3, 2)",
    "INSERT INTO hen VALUES (1, 1), (2, 2), (3, 3)",
    "CREATE TABLE parts (day date, id int, what text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day)",
    "CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
    "CREATE TABLE parts_b PARTITION OF parts DEFAULT",
    "INSERT INTO parts VALUES ('2024-05-01', 1, 'x'), ('2030-05-01', 1, 'y')",
    "CREATE TABLE uses (id int PRIMARY KEY, day date, part int, FOREIGN KEY (day, part) REFERENCES parts)",
    "INSERT INTO uses VALUES (1, '2030-05-01', 1), (2, '2024-05-01', NULL)",
    "CREATE TABLE base (id int PRIMARY KEY, what text)",
    "CREATE TABLE heir (extra text, PRIMARY KEY (id)) INHERITS (base)",
    "INSERT INTO base VALUES (1, 'of base'), (2, 'of base')",
    "INSERT INTO heir VALUES (1, 'of heir', 'e')",
    # Columns: three hundred, none, generated, of types of its own.
    f"CREATE TABLE wide (id int PRIMARY KEY, {', '.join(f'c{n} text' for n in range(WIDE))})",
    f"INSERT INTO wide SELECT n, {', '.join(f'n || {n}::text' for n in range(WIDE))} FROM generate_series(1, 3) n",
    "CREATE TABLE nothing ()",
    "INSERT INTO nothing DEFAULT VALUES",
    "CREATE TABLE empty (id int PRIMARY KEY, what text)",
    # Names that would be those of indexes; a key with a column beside it, of names of ours, of a type that nobody reads.
    "CREATE TABLE account_pkey (id int)",
    "CREATE TABLE account (id int PRIMARY KEY)",
    "CREATE TABLE account_tenant (id int PRIMARY KEY)",
    "INSERT INTO account_tenant VALUES (1), (2)",
    "CREATE TABLE included (id int, code text, PRIMARY KEY (id) INCLUDE (code))",
    "INSERT INTO included VALUES (1, 'a'), (2, NULL)",
    'CREATE TABLE numbered ("#n" int, "#0" int, PRIMARY KEY ("#n", "#0"))',
    "INSERT INTO numbered VALUES (1, 1), (1, 2)",
    "CREATE TABLE kinds (k regtype PRIMARY KEY, v int)",
    "INSERT INTO kinds VALUES ('int', 1), ('text', 1)",
    "CREATE TABLE unread (p xid, q pg_snapshot)",
    "INSERT INTO unread VALUES ('1', NULL)",
    # Equal values that are written in two ways: no reference can be told from them, and they stay as they are.
    "CREATE TABLE subject (code char(10) PRIMARY KEY, n numeric UNIQUE, at timestamp UNIQUE)",
    "INSERT INTO subject VALUES ('MATH', 1, '2024-01-01')",
    """CREATE TABLE lesson (id int PRIMARY KEY, code char(4) REFERENCES subject, n numeric REFERENCES subject (n),
        at timestamp(0) REFERENCES subject (at), same char(10) REFERENCES subject)""",
    "INSERT INTO lesson VALUES (1, 'MATH', 1.0, '2024-01-01', 'MATH')",
    """CREATE TABLE odd (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, feel mood, code shorter, tags text[],
        spans int4range, doc jsonb, twice int GENERATED ALWAYS AS (7 * 2) STORED, day date, at timestamp, clock time,
        many numeric, few numeric(5, 2), float float8, bits bit(3), raw bytea, path point, ago interval)""",
    """INSERT INTO odd (feel, code, tags, spans, doc, day, at, clock, many, few, float, bits, raw, path, ago) VALUES
        ('', 'ab', '{"a,b",NULL}', '[1,3)', '{"b": 1, "a": null}', '2024-02-29', '2024-01-01 00:00:00.000001',
         '23:59:59.999999', 1e40, 1.10, 0.1, '101', '\\x00ff', '(1,2)', '-1 day'),
        (NULL, 'c', NULL, NULL, NULL, 'infinity', '-infinity', '24:00', 'NaN', 'NaN', '-0', NULL, NULL, NULL, NULL)""",
]


MARIADB = [
    "SET foreign_key_checks = 0",
    # Names: of ours, reserved, not of letters; they differ in case alone only where they name tables.
    """CREATE TABLE `order` (id int PRIMARY KEY, tenant_id text, legacy_id text, created_at datetime, `#unfit` text,
        `from` text, `ä` text, `so ``hi`` "so"` text, `0:id` text, `#key` text, ` lead` text,
        xmin int, xmin_ int)""",
    """INSERT INTO `order` VALUES (1, 't', 'l', '0000-00-00', 'o', 'w', 'ae', 'h', 'z', 'k', 'l', 1, 2),
        (2, NULL, NULL, '2024-00-00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    f"CREATE TABLE `学生` (`学号` int PRIMARY KEY, `{'学' * 60}一` text, `{'学' * 60}二` text, `Größe` text)",
    "INSERT INTO `学生` VALUES (1, 'a', 'b', 'groß')",
    "CREATE TABLE `Оценка` (id int PRIMARY KEY, `学号` int, FOREIGN KEY (`学号`) REFERENCES `学生` (`学号`))",
    "INSERT INTO `Оценка` VALUES (1, 1)",
    f"CREATE TABLE too_wide ({', '.join(f'c{n} int' for n in range(1_600))}) ENGINE = MyISAM",
    "CREATE TABLE `Order` (id int PRIMARY KEY, `order` int, FOREIGN KEY (`order`) REFERENCES `order` (id))",
    "INSERT INTO `Order` VALUES (1, 1), (2, NULL), (3, 2)",
    # Keys: none, with equal rows; zerofill, unsigned, of texts alike in all but case or accents; nine columns.
    "CREATE TABLE keyless (a varchar(9), b int)",
    "INSERT INTO keyless VALUES ('x', 1), ('x', 1), (NULL, NULL), (NULL, NULL), ('', 0)",
    "CREATE TABLE padded (id int(6) unsigned zerofill PRIMARY KEY, up int(6) unsigned zerofill, "
    "FOREIGN KEY (up) REFERENCES padded (id))",
    "INSERT INTO padded VALUES (7, 7), (4294967295, 42), (42, 4294967295)",
    "CREATE TABLE codes (code varchar(9) COLLATE utf8mb4_bin PRIMARY KEY, n bigint unsigned UNIQUE)",
    "INSERT INTO codes VALUES ('a', 1), ('A', 2), ('ä', 18446744073709551615), ('', NULL)",
    "CREATE TABLE folded (code varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY, x int)",
    "INSERT INTO folded VALUES ('abc', 1), ('Abd', 2)",
    "CREATE TABLE uses (id int PRIMARY KEY, code varchar(9) COLLATE utf8mb4_general_ci, n bigint unsigned, "
    "FOREIGN KEY (code) REFERENCES folded (code), FOREIGN KEY (n) REFERENCES codes (n))",
    "INSERT INTO uses VALUES (1, 'ABC', 1), (2, 'abd', 18446744073709551615), (3, NULL, NULL)",
    f"CREATE TABLE nine ({', '.join(f'c{n} int' for n in range(9))}, "
    f"PRIMARY KEY ({', '.join(f'c{n}' for n in range(9))}))",
    "INSERT INTO nine VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9), (2, 2, 3, 4, 5, 6, 7, 8, 9)",
    # References: a circle, and dead ones that a server without checks has let in.
    "CREATE TABLE hen (id int PRIMARY KEY, egg int NOT NULL)",
    "CREATE TABLE egg (id int PRIMARY KEY, hen int NOT NULL, FOREIGN KEY (hen) REFERENCES hen (id))",
    "ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg (id)",
    "INSERT INTO hen VALUES (1, 1), (2, 3), (3, 9)",
    "INSERT INTO egg VALUES (1, 1), (3, 2)",
    # Columns: three hundred, generated, invisible, of every awkward type; tables of other engines, and versions of rows.
    f"CREATE TABLE wide (id int PRIMARY KEY, {', '.join(f'c{n} text' for n in range(WIDE))}) ENGINE = MyISAM",
    f"INSERT INTO wide VALUES (1, {', '.join(map(repr, map(str, range(WIDE))))})",
    """CREATE TABLE odd (id int AUTO_INCREMENT PRIMARY KEY, twice int AS (id * 2) VIRTUAL, kept int AS (7) PERSISTENT,
        hidden text INVISIBLE, flags set('a', 'b'), one enum('', 'x'), bits bit(12), yes bit(1), y year, t time(3),
        d date, ts timestamp(2) NULL, n decimal(65, 30), f float, l text CHARACTER SET latin1, b longblob, j json, g point)""",
    """INSERT INTO odd (hidden, flags, one, bits, yes, y, t, d, ts, n, f, l, b, j, g) VALUES
        ('h', 'a,b', 'none such', b'101', 1, 2155, '-838:59:59.999', '0000-00-00', '2024-11-03 06:30:00.25',
         -0.000000000000000000000000000001, 0.1, 'ÿ€', X'00FF', '{"a": 1e400}', POINT(1, 2)),
        (NULL, '', '', NULL, 0, 0, '00:00', NULL, NULL, NULL, NULL, '', '', NULL, NULL)""",
    """CREATE TABLE parts (id int, y int, PRIMARY KEY (id, y)) PARTITION BY RANGE (y)
        (PARTITION a VALUES LESS THAN (5), PARTITION b VALUES LESS THAN MAXVALUE)""",
    "INSERT INTO parts VALUES (1, 1), (1, 9)",
    "CREATE TABLE versions (id int PRIMARY KEY, what text) WITH SYSTEM VERSIONING",
    "INSERT INTO versions VALUES (1, 'old'), (2, 'gone')",
    "UPDATE versions SET what = 'new' WHERE id = 1",
    "DELETE FROM versions WHERE id = 2",
    "CREATE TABLE empty (id int PRIMARY KEY)",
    "CREATE VIEW seen AS SELECT id FROM odd",
]
SQLITE = """
CREATE TABLE "order" (id INTEGER PRIMARY KEY, tenant_id, "from" TEXT, "so ""hi"" [so]" TEXT, "#key" TEXT, ä TEXT);
INSERT INTO "order" VALUES (1, 't', 'w', 'h', 'k', 'ae'), (2, 7, NULL, '', NULL, NULL), (9223372036854775807, 0.1, '', '', '', '');
CREATE TABLE uses (id INTEGER PRIMARY KEY AUTOINCREMENT, "order" REFERENCES "order", up INT REFERENCES uses (id));
INSERT INTO uses VALUES (1, 1, 2), (2, 9223372036854775807, 1), (3, 99, 98), (4, NULL, NULL);
CREATE TABLE codes (code TEXT COLLATE NOCASE PRIMARY KEY, x) WITHOUT ROWID;
INSERT INTO codes VALUES ('abc', 1), ('ABD', 2.5), ('', x'00FF'), ('a', 1), ('a ', 2), ('Ä', 3), ('ä', 4);
CREATE TABLE coded (code TEXT COLLATE NOCASE REFERENCES codes, n INT, PRIMARY KEY (n, code));
INSERT INTO coded VALUES ('ABC', 1), ('abd', 1), ('A ', 2), ('Ä', 2);
CREATE TABLE users (name TEXT PRIMARY KEY, city TEXT COLLATE NOCASE);
INSERT INTO users VALUES ('bob', 'X'), ('Bob', 'Y');
CREATE TABLE orders (id INTEGER PRIMARY KEY, user TEXT REFERENCES users (name));
INSERT INTO orders VALUES (1, 'bob'), (2, 'Bob');
CREATE TABLE "学生" ("学号" INTEGER PRIMARY KEY, Größe TEXT, GRÖẞE TEXT, "ИмяУченика" TEXT);
INSERT INTO "学生" VALUES (1, 'groß', 'GROSS', 'Имя');
CREATE TABLE Оценка (id INTEGER PRIMARY KEY, "学号" INT REFERENCES "学生");
INSERT INTO Оценка VALUES (1, 1);
CREATE TABLE keyless (a, b);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), ('1', 'x'), (NULL, NULL), (NULL, NULL);
CREATE TABLE half (id TEXT PRIMARY KEY, x INT);
INSERT INTO half VALUES ('a', 1), (NULL, 2), (NULL, 2);
CREATE TABLE strict (id INT PRIMARY KEY, r REAL, b BLOB, a ANY) STRICT;
INSERT INTO strict VALUES (1, 0.1, x'', 'x'), (2, NULL, NULL, 7);
CREATE TABLE made (id INTEGER PRIMARY KEY, twice INT AS (id * 2), kept TEXT AS ('k' || id) STORED);
INSERT INTO made (id) VALUES (1), (2);
CREATE TABLE odd (id INTEGER PRIMARY KEY, t TEXT, d datetime, n decimal(9,2), "" TEXT, r REAL);
INSERT INTO odd VALUES (1, 'a' || char(0) || 'b', 'yesterday', 'many', 'e', 1e300), (2, '', '2024-02-30', 1.005, '', -0.0),
    (3, '', '', 6.02e200, '', 1.5);
CREATE TABLE empty (id INTEGER PRIMARY KEY, x);
CREATE VIEW seen AS SELECT id FROM odd;
CREATE VIRTUAL TABLE words USING fts5 (body);
INSERT INTO words VALUES ('some words');
"""


@pytest.mark.slow
def test_a_mariadb_database_moves_as_it_is(postgres: Server, mariadb: MariaDb, tmp_path: Path) -> None:
    database = mariadb.create()
    mariadb.execute(database, *MARIADB)
    with drafting(postgres, tmp_path, mariadb.dsn(database)) as site:
        assert "PARITY" in site.moved()
        assert not site.rows("operations", "SELECT legacy_key FROM migration.quarantine")
        # A day of no month is kept as text.
        raws = "SELECT convert_from(unnest(raws), 'UTF8') AS raw FROM migration.raw_value"
        assert {"raw": "2024-00-00 00:00:00"} in site.rows("operations", raws)
        assert site.count("padded", "up IS NOT NULL") == 3
        assert site.count("uses", "code_ref IS NOT NULL AND n IS NOT NULL") == 2
        codes = site.rows("operations", "SELECT code FROM operations.uses WHERE code_ref IS NOT NULL ORDER BY code")
        assert [r["code"] for r in codes] == ["ABC", "abd"]  # as the child spells them
        assert site.count("versions") == 1
        assert site.rows("operations", f'SELECT "{"学" * 19}_2" AS b, größe FROM operations.学生') == [
            {"b": "b", "größe": "groß"}
        ]
        assert site.count("оценка", "学号 IS NOT NULL") == 1


def test_a_sqlite_file_moves_as_it_is(postgres: Server, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript(SQLITE)
    with drafting(postgres, tmp_path, f"sqlite://{tmp_path / 'old.sqlite'}") as site:
        assert "PARITY" in site.moved()
        rejected = site.rows("operations", "SELECT entity, legacy_key, reasons FROM migration.quarantine")
        assert [tuple(r.values()) for r in rejected] == [
            ("operations.odd", "[1]", ["unreadable: r", "unreadable: t"]),
            ("operations.odd", "[3]", ["unreadable: n"]),
        ]
        assert site.count("keyless") == 5
        assert site.rows("operations", "SELECT größe, größe_2, имя_ученика FROM operations.学生") == [
            {"größe": "groß", "größe_2": "GROSS", "имя_ученика": "Имя"}
        ]
        assert site.count("оценка", "学号 = (SELECT id FROM operations.学生)") == 1
        assert site.count("half") == 3
        assert site.count("coded", "code_ref IS NOT NULL") == 4
        assert site.rows("operations", "SELECT code FROM operations.coded WHERE legacy_id = '[2,\"A \"]'")
        named = "SELECT u.name FROM operations.orders o JOIN operations.users u ON u.id = o.user ORDER BY o.legacy_id"
        assert [r["name"] for r in site.rows("operations", named)] == ["bob", "Bob"]


def test_what_a_sqlite_file_stores_otherwise_than_declared_costs_its_row_and_not_its_column(
    postgres: Server, tmp_path: Path
) -> None:
    script = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, photo BLOB, n INT, any);
        INSERT INTO t VALUES (1, '68656c6c6f', x'ff', 1, NULL), (2, x'68656c6c6f', NULL, 1, x'00'), (3, 'x', 'cafe', 1, 1),
            (4, 'y', NULL, 'many', NULL);
    """
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", script)) as site:
        assert "left out: t.any: sqlite type 'a mixture of bytes and others'" in site.migrate("draft", "old").stdout
        site.prepare()
        assert "PARITY" in site.migrate("run").stdout
        assert site.rows("operations", "SELECT name, photo, n FROM operations.t ORDER BY name") == [
            {"name": "68656c6c6f", "photo": b"\xff", "n": "1"},
            {"name": "y", "photo": None, "n": "many"},
        ]
        aside = "SELECT legacy_key AS k, reasons[1] AS why FROM migration.quarantine ORDER BY legacy_key"
        assert site.rows("operations", aside) == [
            {"k": "[2]", "why": "stored as blob: name"},
            {"k": "[3]", "why": "stored as text: photo"},
        ]


@pytest.mark.slow
def test_a_postgresql_database_moves_as_it_is(postgres: Server, legacy_postgres: Postgres, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    legacy_postgres.execute(database, *POSTGRESQL)
    with drafting(postgres, tmp_path, legacy_postgres.dsn(database)) as site:
        drafted = site.migrate("draft", "old").stdout
        assert "left out: unread: none of its columns can be read" in drafted
        site.prepare()
        site.migrate("plan")
        assert "PARITY" in site.migrate("run", "--as-of", "2026-01-01").stdout
        assert site.count("account_tenant_2") == 2  # account_tenant is an index
        assert site.count("included", "legacy_id IN ('[1]', '[2]')") == 2
        assert site.count("kinds", "v = 1") == 2
        assert site.rows("operations", "SELECT имя_ученика AS a, имя_ученика_2 AS b FROM operations.学生") == [
            {"a": "Имя", "b": "имя"}
        ]
        assert site.count("оценка", "学号 IS NOT NULL") == 1
        [lesson] = site.rows("operations", "SELECT code, n, at::text AS at, same FROM operations.lesson")
        assert (lesson["code"], lesson["n"], lesson["at"]) == ("MATH", "1.0", "2024-01-01 00:00:00")
        assert site.count("subject", f"id = '{lesson['same']}'") == 1


def test_a_key_of_more_columns_than_are_used_is_said(postgres: Server, tmp_path: Path) -> None:
    names = ", ".join(f"c{n}" for n in range(14))
    dsn = sqlite_file(tmp_path / "wide.sqlite", f"CREATE TABLE wide ({names}, PRIMARY KEY ({names}))")
    with drafting(postgres, tmp_path, dsn) as site:
        assert "wide (a key of 14 columns; at most 8 are used)" in site.migrate("draft", "old").stdout
