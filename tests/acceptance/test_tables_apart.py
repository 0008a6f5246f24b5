"""Tables of which nothing can be told are left out by name, at draft and at plan; all others move."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.drafting import drafting, sqlite_file
from tests.support.servers import MariaDb, Postgres

VIRTUAL = """
CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT);
INSERT INTO plain VALUES (1, 'x');
CREATE VIRTUAL TABLE words USING fts5 (body, note);
INSERT INTO words VALUES ('some words', 'n'), ('more', NULL);
CREATE VIRTUAL TABLE boxes USING rtree (id, low, high);
INSERT INTO boxes VALUES (7, 1.5, 2.5);
CREATE TABLE made (id INTEGER PRIMARY KEY, x INT AS (id + 1));
INSERT INTO made (id) VALUES (1);
CREATE TABLE words_apart (id INTEGER PRIMARY KEY);
INSERT INTO words_apart VALUES (5);
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'id + 1', 'of_some_extension(id)') WHERE name = 'made';
INSERT INTO sqlite_schema VALUES
    ('table', 'spelled', 'spelled', 0, 'CREATE VIRTUAL TABLE spelled USING spellfix1'),
    ('table', 'broken', 'broken', 0, 'CREATE VIRTUAL TABLE broken USING fts5 (body)');
"""


@pytest.mark.slow
def test_virtual_tables_without_their_module_and_what_others_are_stored_in(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", VIRTUAL)) as site:
        drafted = " ".join(site.migrate("draft", "old").stdout.split())
        for name in ("spelled", "broken"):
            assert f"left out: {name}: a virtual table that this SQLite cannot open" in drafted
        for name in ("words_data", "words_idx", "words_content", "words_docsize", "words_config", "boxes_node"):
            assert f"left out: {name}: part of the store of a virtual table" in drafted
        assert "left out: made: unknown function: of_some_extension()" in drafted
        assert {e.table for e in site.catalog().entities.values()} == {"plain", "words", "boxes", "words_apart"}
        site.prepare()
        plan = " ".join(site.migrate("plan").stdout.split())
        assert (
            "no entry names made (1 rows), broken (rows not known), spelled (rows not known); left where they are"
            in plan
        )
        assert "left out: broken, spelled: a virtual table that this SQLite cannot open" in plan
        assert "words_data" in plan
        assert "PARITY" in site.migrate("run", "--as-of", "2026-01-01").stdout
        assert site.rows("operations", "SELECT body, note FROM operations.words ORDER BY body DESC") == [
            {"body": "some words", "note": "n"},
            {"body": "more", "note": None},
        ]
        assert site.count("boxes", "low = '1.5'") == 1


def test_a_store_of_a_virtual_table_is_drafted_where_it_is_named(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", VIRTUAL)) as site:
        site.migrate("draft", "old", "--table", "words_content")
        assert {e.table for e in site.catalog().entities.values()} == {"words_content"}
        refused = site.migrate("draft", "old", "--table", "spelled", check=2).stderr
        assert "spelled" in refused
        assert "module is not here" in " ".join(refused.split())


def test_an_entry_of_a_table_that_can_no_longer_be_opened_is_refused_though_it_is_optional(
    postgres: Server, tmp_path: Path
) -> None:
    dsn = sqlite_file(tmp_path / "old.sqlite", VIRTUAL)
    with drafting(postgres, tmp_path, dsn) as site:
        site.migrate("draft", "old")
        entry = site.directory / "catalog" / "operations.toml"
        entry.write_text(
            entry.read_text()
            .replace("[plain]", "[plain]\noptional = true")
            .replace('table = "plain"', 'table = "spelled"')
        )
        site.prepare()
        refused = site.migrate("plan", check=2)
        said = " ".join((refused.stdout + refused.stderr).split())
        assert "a table cannot be read" in said
        assert "its module is not here" in said


@pytest.mark.slow
def test_a_table_that_mariadb_cannot_open(postgres: Server, mariadb: MariaDb, tmp_path: Path) -> None:
    database = mariadb.create()
    mariadb.execute(
        database,
        "CREATE TABLE plain (id int PRIMARY KEY)",
        "INSERT INTO plain VALUES (1)",
        "CREATE TABLE lost (id int PRIMARY KEY) ENGINE = MyISAM",
        "CREATE TABLE spoilt (id int PRIMARY KEY) ENGINE = MyISAM",
        "FLUSH TABLES",
    )
    data = mariadb.directory / "data" / database
    (data / "lost.MYI").unlink()
    (data / "spoilt.frm").write_bytes(b"no definition")
    with drafting(postgres, tmp_path, mariadb.dsn(database)) as site:
        drafted = site.migrate("draft", "old").stdout
        assert "left out: lost: the server cannot open it" in drafted
        assert "left out: spoilt: the server cannot open it" in drafted
        site.prepare()
        plan = " ".join(site.migrate("plan").stdout.split())
        assert "no entry names lost (rows not known), spoilt (rows not known)" in plan
        assert "PARITY" in site.migrate("run").stdout


def test_a_table_without_columns(postgres: Server, legacy_postgres: Postgres, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    legacy_postgres.execute(database, "CREATE TABLE plain (id int)", "CREATE TABLE bare ()")
    with drafting(postgres, tmp_path, legacy_postgres.dsn(database)) as site:
        assert "left out: bare: it has no columns" in site.migrate("draft", "old").stdout


def test_a_table_that_the_user_may_not_read(postgres: Server, legacy_postgres: Postgres, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    legacy_postgres.execute(
        database,
        *(f"CREATE TABLE t{n} (id int PRIMARY KEY)" for n in range(60)),
        "CREATE ROLE some_reader LOGIN PASSWORD 'legacy-pw'",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO some_reader",
        "REVOKE ALL ON t7, t55 FROM some_reader",
    )
    own = legacy_postgres.dsn(database)
    dsn = f"postgresql://some_reader:legacy-pw@{own.rpartition('@')[2]}"
    with drafting(postgres, tmp_path, dsn) as site:
        drafted = site.migrate("draft", "old").stdout
        assert "58 entries drafted" in drafted
        assert "left out: t7: the user may not read t7" in drafted
        assert "left out: t55: the user may not read t55" in drafted
