"""Drafts of several sources: each column of the type that holds all, what some lack optional; and then all of them move."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.demo.server import Server
from schemas.parts import Column
from tests.support.drafting import Drafting, drafting, sqlite_file
from tests.support.servers import MariaDb, Postgres


def columns(site: Drafting, table: str) -> dict[str, Column]:
    (entity,) = (e for e in site.catalog().entities.values() if e.table.lower() == table.lower())
    return dict(entity.columns)


def moved(site: Drafting) -> None:
    site.prepare()
    site.migrate("plan")
    assert "PARITY" in site.migrate("run", "--as-of", "2026-01-01").stdout
    assert not site.rows("operations", "SELECT legacy_key FROM migration.quarantine")


POSTGRESQL_A = [
    "CREATE TABLE school (code numeric(8,2) PRIMARY KEY, at timestamp(0), n int, word varchar(9), same text, day date)",
    "INSERT INTO school VALUES (1.50, '2024-01-01 10:00', 2147483647, 'abc', 'x', '2024-02-29')",
    "CREATE TABLE pupil (id int PRIMARY KEY, school numeric(8,2) REFERENCES school, only_a text, flag boolean)",
    "INSERT INTO pupil VALUES (1, 1.50, 'a', true), (2, NULL, NULL, NULL)",
    "CREATE TABLE extra (id int PRIMARY KEY, pupil int REFERENCES pupil)",
    "INSERT INTO extra VALUES (1, 2)",
    "CREATE TABLE mixed (id int, other int, odd timestamp, PRIMARY KEY (id))",
    "INSERT INTO mixed VALUES (1, 2, now())",
]
POSTGRESQL_B = [
    'CREATE TABLE "School" (code numeric(10,4) PRIMARY KEY, at timestamp, n bigint, word text, same text, day timestamp)',
    """INSERT INTO "School" VALUES (1.5001, '2024-01-01 10:00:00.000001', 9223372036854775807, repeat('y', 50), 'x',
        '2024-02-29 01:02:03')""",
    'CREATE TABLE pupil (id int, "School" numeric(10,4) REFERENCES "School", flag int, mark text)',
    "INSERT INTO pupil VALUES (1, 1.5001, 7, 'm'), (3, NULL, 0, NULL)",
    "CREATE TABLE mixed (id int, other int, odd timestamptz, PRIMARY KEY (other))",
    "INSERT INTO mixed VALUES (1, 2, now())",
]


@pytest.mark.slow
def test_postgresql(postgres: Server, legacy_postgres: Postgres, tmp_path: Path) -> None:
    a, b = legacy_postgres.create(), legacy_postgres.create()
    legacy_postgres.execute(a, *POSTGRESQL_A)
    legacy_postgres.execute(b, *POSTGRESQL_B)
    with drafting(postgres, tmp_path, legacy_postgres.dsn(a), legacy_postgres.dsn(b)) as site:
        told = " ".join(site.migrate("draft", "old1", "old2").stdout.split())
        school, pupil = columns(site, "school"), columns(site, "pupil")
        types = {name: column.type for name, column in school.items()}
        assert types == {
            "code": "numeric(10,4)",
            "at": "timestamp without time zone",
            "n": "bigint",
            "word": "text",
            "same": "text",
            "day": "timestamp without time zone",
        }
        assert not any(column.optional for column in school.values())
        assert {name for name, column in pupil.items() if column.optional} == {"only_a", "mark"}
        assert pupil["school"].references == ("operations.school",)
        assert pupil["flag"].type == "integer"
        entities = {e.table: e for e in site.catalog().entities.values()}
        assert [name for name, e in entities.items() if e.optional] == ["extra"]
        # One of them has lost its key; of two others' keys, none is the table's.
        assert entities["pupil"].key == ("id",)
        assert entities["mixed"].key == ()
        assert "pupil: the sources declare different keys (id in old1; none in old2): id is taken" in told
        assert "mixed: the sources declare different keys (id in old1; other in old2): none is taken" in told
        assert "school.code: numeric(8,2) in old1, numeric(10,4) in old2" in told
        assert "left out: mixed.odd: no type holds what the sources declare" in told
        moved(site)
        assert site.count("school") == 2
        assert site.count("pupil", "school IS NOT NULL") == 2
        assert site.rows("operations", "SELECT word, n::text AS n FROM operations.school ORDER BY n") == [
            {"word": "abc", "n": "2147483647"},
            {"word": "y" * 50, "n": "9223372036854775807"},
        ]


@pytest.mark.slow
def test_mariadb(postgres: Server, mariadb: MariaDb, tmp_path: Path) -> None:
    a, b = mariadb.create(), mariadb.create()
    mariadb.execute(
        a,
        "CREATE TABLE t (id int PRIMARY KEY, at datetime, n int, word varchar(9), u bigint, d decimal(8,2), f float)",
        "INSERT INTO t VALUES (1, '2024-01-01', 1, 'a', -1, 1.5, 0.1), (2, '0000-00-00', NULL, NULL, NULL, NULL, NULL)",
    )
    mariadb.execute(
        b,
        "CREATE TABLE t (ID bigint PRIMARY KEY, at datetime(6), n varchar(20), word text, u bigint unsigned, "
        "d decimal(10,4), f double)",
        "INSERT INTO t VALUES (1, '2024-01-01 00:00:00.5', 'one', 'b', 18446744073709551615, 1.5, 0.1)",
    )
    with drafting(postgres, tmp_path, mariadb.dsn(a), mariadb.dsn(b)) as site:
        site.migrate("draft", "--all")
        assert {name: column.type for name, column in columns(site, "t").items()} == {
            "id": "bigint",
            "at": "datetime(6)",
            "n": "longtext",
            "word": "longtext",
            "u": "decimal(20,0)",
            "d": "decimal(10,4)",
            "f": "double",
        }
        moved(site)
        rows = site.rows("operations", "SELECT n, u::text AS u FROM operations.t ORDER BY n")
        assert rows == [{"n": "1", "u": "-1"}, {"n": "one", "u": "18446744073709551615"}, {"n": None, "u": None}]


@pytest.mark.slow
def test_keys_that_not_all_declare_alike(postgres: Server, mariadb: MariaDb, tmp_path: Path) -> None:
    a, b = mariadb.create(), mariadb.create()
    declared = {a: ("int", "datetime", "decimal(8,2)"), b: ("varchar(9)", "datetime(6)", "decimal(10,4)")}
    for database, types in declared.items():
        for n, kind in enumerate(types):
            mariadb.execute(
                database,
                f"CREATE TABLE p{n} (k {kind} PRIMARY KEY, x int)",
                f"CREATE TABLE c{n} (id int PRIMARY KEY, k {kind}, FOREIGN KEY (k) REFERENCES p{n} (k))",
            )
        mariadb.execute(
            database,
            "INSERT INTO p0 VALUES (7, 1), (10, 2), (9, 3)",
            "INSERT INTO c0 VALUES (1, 7), (2, 10), (3, NULL)",
            "INSERT INTO p1 VALUES ('2024-01-01 10:00', 1), ('2024-01-02', 2)",
            "INSERT INTO c1 VALUES (1, '2024-01-01 10:00'), (2, '2024-01-02')",
            "INSERT INTO p2 VALUES (1.5, 1), (10.25, 2)",
            "INSERT INTO c2 VALUES (1, 1.5), (2, 10.25)",
        )
    with drafting(postgres, tmp_path, mariadb.dsn(a), mariadb.dsn(b)) as site:
        told = site.migrate("draft", "--all").stdout
        assert "no reference" not in told
        config = site.config.read_text()
        site.config.write_text(config + "\n[run]\nbatch_rows = 1\n")
        moved(site)
        found = {}
        for n in range(3):
            # Where case does not count, the reference stands beside the child's own spelling.
            column = "k_ref" if n == 0 else "k"
            joined = f"operations.c{n} c JOIN operations.p{n} p ON p.id = c.{column} AND p.tenant_id = c.tenant_id"
            found[n] = site.rows("operations", f"SELECT count(*) AS n FROM {joined}")[0]["n"]
        assert found == {0: 4, 1: 4, 2: 4}


@pytest.mark.slow
def test_a_time_is_a_key_at_its_entrys_digits_of_a_second(
    postgres: Server, legacy_postgres: Postgres, tmp_path: Path
) -> None:
    a, b = legacy_postgres.create(), legacy_postgres.create()
    for database, digits in ((a, 3), (b, 0)):
        legacy_postgres.execute(
            database,
            f"CREATE TABLE p (at timestamp({digits}) PRIMARY KEY)",
            "INSERT INTO p VALUES ('2024-01-01 10:00')",
            "CREATE TABLE c (id int PRIMARY KEY, at timestamp(3) REFERENCES p)",
            "INSERT INTO c SELECT 1, at FROM p",
        )
    with drafting(postgres, tmp_path, legacy_postgres.dsn(a), legacy_postgres.dsn(b)) as site:
        site.migrate("draft", "old1")
        moved(site)
        assert site.count("c", "at IS NULL") == 0
        assert site.count("p", """legacy_id = '["2024-01-01 10:00:00.000"]'""") == 2


def test_sqlite(postgres: Server, tmp_path: Path) -> None:
    a = sqlite_file(
        tmp_path / "a.sqlite",
        "CREATE TABLE T (id INTEGER PRIMARY KEY, price DECIMAL, code, x INT, gone TEXT, odd TEXT);"
        "INSERT INTO T VALUES (1, 7, 7, 7, 'g', 'o'); CREATE TABLE same (k PRIMARY KEY); CREATE TABLE other (k PRIMARY KEY);"
        "INSERT INTO same VALUES (7), (8); INSERT INTO other VALUES (7)",
    )
    b = sqlite_file(
        tmp_path / "b.sqlite",
        "CREATE TABLE t (ID INTEGER PRIMARY KEY, price DECIMAL, code, x TEXT, odd BLOB);"
        "CREATE TABLE same (k PRIMARY KEY); CREATE TABLE other (k PRIMARY KEY); CREATE TABLE uses (s REFERENCES same);"
        "INSERT INTO same VALUES (7); INSERT INTO other VALUES ('007'); INSERT INTO uses VALUES (7);"
        "CREATE TABLE loan (id INTEGER PRIMARY KEY, t_id INT);"
        "INSERT INTO t VALUES (1, 7.5, '007', 'seven', NULL); INSERT INTO loan VALUES (1, 1);",
    )
    with drafting(postgres, tmp_path, a, b) as site:
        told = " ".join(site.migrate("draft", "old1", "old2", "--guess").stdout.split())
        made = columns(site, "t")
        assert made.pop("odd").excluded
        assert "left out: T.odd: no type holds what the sources declare: text in old1, blob in old2" in told
        # Where a declaration leaves the kind of a key open, all sources must store the same.
        entities = {e.table: e for e in site.catalog().entities.values()}
        assert [(e.key, e.columns["k"].type) for e in (entities["same"], entities["other"])] == [
            (("k",), "integer"),
            ((), "text"),
        ]
        assert columns(site, "uses")["s"].references == ("operations.same",)
        assert {name: column.type for name, column in made.items()} == {
            "id": "integer",
            "price": "text",
            "code": "text",
            "x": "text",
            "gone": "text",
        }
        assert [name for name, column in made.items() if column.optional] == ["gone"]
        assert columns(site, "loan")["t_id"].references == ("operations.T",)
        moved(site)
        assert site.rows("operations", "SELECT k FROM operations.other ORDER BY k") == [{"k": "007"}, {"k": "7"}]
        assert site.rows("operations", "SELECT price, code FROM operations.t ORDER BY price") == [
            {"price": "7", "code": "7"},
            {"price": "7.5", "code": "007"},
        ]


def test_a_reference_that_one_source_could_not_resolve_is_none(
    postgres: Server, mariadb: MariaDb, tmp_path: Path
) -> None:
    a, b = mariadb.create(), mariadb.create()
    for database, digits in ((a, 6), (b, 0)):
        mariadb.execute(
            database,
            "CREATE TABLE p (at datetime(6) PRIMARY KEY)",
            f"CREATE TABLE c (id int PRIMARY KEY, at datetime({digits}), FOREIGN KEY (at) REFERENCES p (at))",
        )
    with drafting(postgres, tmp_path, mariadb.dsn(a), mariadb.dsn(b)) as site:
        told = " ".join(site.migrate("draft", "--all").stdout.split())
        assert "no reference: c.at -> p: in old2, equal values may be written in several ways" in told


@pytest.mark.parametrize("arguments", [(), ("old1", "--all")])
def test_sources_are_named_or_all(postgres: Server, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    dsns = [sqlite_file(tmp_path / f"{name}.sqlite", "CREATE TABLE t (id)") for name in "ab"]
    with drafting(postgres, tmp_path, *dsns) as site:
        assert "no source is named" in site.migrate("draft", *arguments, check=2).stderr


def test_engines_are_not_drafted_together(postgres: Server, legacy_postgres: Postgres, tmp_path: Path) -> None:
    file = sqlite_file(tmp_path / "a.sqlite", "CREATE TABLE t (id)")
    with drafting(postgres, tmp_path, file, legacy_postgres.dsn(legacy_postgres.create())) as site:
        assert "several engines" in site.migrate("draft", "--all", check=2).stderr
