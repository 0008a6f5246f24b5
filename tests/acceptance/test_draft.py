"""Drafts: a database that nobody described moves whole, by entries that nobody edited, whatever its tables are like."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.sql import ddl, ledger
from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog, load_catalog
from tests.conftest import Site
from tests.servers import Postgres

_numbers = itertools.count(1)
WIDE = 300
LONG = "a_name_of_a_table_that_is_as_long_as_any_that_postgresql_allows"


class Drafting(Site):
    """One source that no entry names yet, and a target without tables."""

    def catalog(self) -> Catalog:
        return load_catalog(self.directory / "catalog")

    def prepare(self) -> None:
        """Make the tables that the catalog describes."""
        self.execute("operations", *ddl.roles(), *ddl.service_tables(self.catalog(), "operations"))
        self.execute("operations", *ledger.statements())

    def moved(self) -> str:
        """Draft, prepare, plan and run; give what the run printed."""
        self.migrate("draft", "old")
        self.prepare()
        self.migrate("plan")
        return self.migrate("run", "--as-of", "2026-01-01").stdout

    def count(self, table: str, where: str = "true") -> object:
        """Count the rows of a target table."""
        return self.rows("operations", f'SELECT count(*) AS n FROM operations."{table}" WHERE {where}')[0]["n"]


@contextmanager
def drafting(postgres: Server, directory: Path, dsn: str, *, kind: str = "district") -> Iterator[Drafting]:
    """Configure one source and one empty target database."""
    name = f"draft{next(_numbers)}_operations"
    config = directory / "migrate.toml"
    tenant = "tenant = 1" if kind == "district" else ""
    config.write_text(
        f"""
[target.services]
operations = "{postgres.dsn(name)}"
[sources.old]
kind = "{kind}"
{tenant}
name = "Old"
dsn = "{dsn}"
tenant_zone = "America/Chicago"
host_zone = "UTC"
consistency = "frozen"
""".replace(
            'consistency = "frozen"',
            'consistency = "snapshot"' if dsn.startswith("sqlite") else 'consistency = "frozen"',
        ),
        encoding="utf-8",
    )
    with TargetDatabase("postgres", postgres.dsn("postgres"), role=None, autocommit=True) as cluster:
        cluster.execute(f'CREATE DATABASE "{name}"')
    try:
        yield Drafting(directory, config, postgres.dsn(name.replace("operations", "{service}")))
    finally:
        with TargetDatabase("postgres", postgres.dsn("postgres"), role=None, autocommit=True) as cluster:
            cluster.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


POSTGRESQL = [
    'CREATE SCHEMA "Other Schema"',
    "CREATE TYPE mood AS ENUM ('', 'glad', 'Sad')",
    "CREATE DOMAIN short AS varchar(5) CHECK (value <> 'never')",
    "CREATE DOMAIN shorter AS short NOT NULL",
    # Names: of ours, reserved, of one case and another, as long as can be, and not of letters.
    """CREATE TABLE "order" (id int PRIMARY KEY, tenant_id text, legacy_id text, created_at timestamp,
        updated_at timestamptz, deleted_at date, "#oversize" text, filename text, "from" text, "a" text, "A" text,
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
    """CREATE TABLE odd (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, feel mood, code shorter, tags text[],
        spans int4range, doc jsonb, twice int GENERATED ALWAYS AS (7 * 2) STORED, day date, at timestamp, clock time,
        many numeric, few numeric(5, 2), float float8, bits bit(3), raw bytea, path point, ago interval)""",
    """INSERT INTO odd (feel, code, tags, spans, doc, day, at, clock, many, few, float, bits, raw, path, ago) VALUES
        ('', 'ab', '{"a,b",NULL}', '[1,3)', '{"b": 1, "a": null}', '2024-02-29', '2024-01-01 00:00:00.000001',
         '23:59:59.999999', 1e40, 1.10, 0.1, '101', '\\x00ff', '(1,2)', '-1 day'),
        (NULL, 'c', NULL, NULL, NULL, 'infinity', '-infinity', '24:00', 'NaN', 'NaN', '-0', NULL, NULL, NULL, NULL)""",
]


def test_a_postgresql_database_moves_as_it_is(postgres: Server, legacy_postgres: Postgres, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    legacy_postgres.execute(database, *POSTGRESQL)
    with drafting(postgres, tmp_path, legacy_postgres.dsn(database)) as site:
        assert "PARITY" in site.moved()
