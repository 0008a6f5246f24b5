"""What `migrate verify --sql` writes: every statement of the proof with its sentence, and the same verdict again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb
import pytest

from pipeline.demo.server import Server
from tests.support.site import Site, cloned

#: What DuckDB's extension for PostgreSQL would read; it is no part of this suite, so the rows are read beside it.
READ = re.compile(r"postgres_query\('service_(\w+)', '((?:[^']|'')*)'\)")


def replayed(directory: Path, site: Site) -> set[tuple[object, ...]]:
    """Run the statements for DuckDB one after the other, and give the differences they find."""
    here = Path.cwd()
    os.chdir(directory)
    try:
        with duckdb.connect() as duck:
            for path in sorted(directory.glob("*.duckdb.sql"))[1:]:
                for statement in duck.extract_statements(path.read_text(encoding="utf-8")):
                    run(duck, statement.query, site)
            found = duck.execute("SELECT kind, entity, tenant, legacy_key, column_name FROM difference")
            return set(found.fetchall())
    finally:
        os.chdir(here)


def run(duck: duckdb.DuckDBPyConnection, sql: str, site: Site) -> None:
    asked = READ.search(sql)
    if asked is None:
        duck.execute(sql).fetchall()
        return
    with site.connect(asked[1]) as database:
        duck.register("there", database.query(asked[2].replace("''", "'")))
        duck.execute(READ.sub("there", sql)).fetchall()
        duck.unregister("there")


@pytest.fixture(scope="module")
def site(postgres: Server, finished: Site, tmp_path_factory: pytest.TempPathFactory) -> object:
    with cloned(postgres, finished, tmp_path_factory.mktemp("transcript")) as own:
        yield own


@pytest.mark.slow
def test_every_statement_has_a_sentence_and_none_a_password(site: Site, tmp_path: Path) -> None:
    site.migrate("verify", "--sql", str(tmp_path / "proof"), check=None)
    files = sorted((tmp_path / "proof").glob("*.sql"))
    assert [int(f.name[:4]) for f in files] == list(range(len(files)))
    assert (tmp_path / "proof" / "README.txt").exists()
    text = "".join(f.read_text(encoding="utf-8") for f in files)
    assert not re.search(r"\bincoming\b", text)
    password = re.search(r":([^:@]+)@", site.pattern)
    assert password is not None
    assert password[1] not in text
    for file in files:
        for statement in file.read_text(encoding="utf-8").split(";\n\n")[:-1]:
            assert re.match(r"(-- In the database of service \w+, as \w+\.\n)?-- [A-Z].*[.:]\n\S", statement), (
                f"{file.name}: {statement[:200]}"
            )


@pytest.mark.slow
def test_the_statements_give_the_same_verdict_when_run_by_hand(site: Site, tmp_path: Path) -> None:
    site.migrate("verify", "--sql", str(tmp_path / "proof"), check=None)
    assert replayed(tmp_path / "proof", site) == set()
    site.execute("student", "UPDATE student.students SET first_name = 'another' WHERE legacy_id = '[1]'")
    rows = site.rows("student", "SELECT tenant_id::text AS t FROM student.students WHERE legacy_id = '[1]'")
    assert replayed(tmp_path / "proof", site) == {
        ("different cell", "student.Student", row["t"], "[1]", "first_name") for row in rows
    }


@pytest.mark.slow
def test_what_postgresql_was_asked_is_answered_alike_by_hand(site: Site, tmp_path: Path) -> None:
    site.migrate("verify", "--sql", str(tmp_path / "proof"), check=None)
    seen, outcomes = [], []
    for path in sorted((tmp_path / "proof").glob("*.postgresql.sql")):
        text = path.read_text(encoding="utf-8")
        heading = re.match(r"-- In the database of service (\w+), as (\w+)\.\n", text)
        assert heading is not None
        with site.connect(heading[1]) as database:
            for statement in text.split(";\n\n")[:-1]:
                if re.search("^(SET|DO) ", statement, re.MULTILINE):
                    database.execute(statement)
                    continue
                answer = database.query(statement).to_pylist()
                seen += [row["foreign_rows"] for row in answer if "foreign_rows" in row]
                outcomes += [row["x"] for row in answer if "migrate.outcome" in statement]
    assert seen
    assert set(seen) == {0}
    assert set(outcomes) == {"42501", "ZZ0000"}


def test_a_directory_that_holds_something_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused = site.migrate("verify", "--sql", str(tmp_path), check=2)
    assert "a new or empty directory" in refused.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"
