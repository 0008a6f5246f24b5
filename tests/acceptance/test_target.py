"""The target's own ways: its encoding, columns that came later, and who sees what in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.core.sql import ddl, ledger
from pipeline.demo.server import Server
from pipeline.errors import TargetError
from pipeline.stores.target import TargetDatabase
from tests.support.site import Site
from tests.support.small import Small, named, small

PUPIL = named("Pupil")
ROWS = "CREATE TABLE Pupil (Id int NOT NULL PRIMARY KEY, Name nvarchar(50)); INSERT INTO Pupil VALUES (1, 'Zoë'), (2, 'Łucja');"


@pytest.fixture
def pupils(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": PUPIL}, {"a": ROWS}) as made:
        yield made


# -- encoding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["LATIN1", *(pytest.param(e, marks=pytest.mark.slow) for e in ("WIN1252", "SQL_ASCII"))]
)
def test_a_target_of_another_encoding_is_refused_by_plan(postgres: Server, pupils: Small, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        )
    try:
        with TargetDatabase("student", Dsn(postgres.dsn(name)), role=None) as database:
            for statement in (*ddl.service_tables(pupils.catalog, "student"), *ledger.statements()):
                database.execute(statement)
            database.commit()
        pupils.configure(pupils.site.pattern, postgres.dsn(name))
        pupils.configure("[target]\ndsn", "[target.services]\nstudent")
        for command in ("plan", "run"):
            said = pupils.site.migrate(command, check=2).stderr
            assert "service student: the target does not store its text as UTF-8" in said
            assert encoding in said
    finally:
        with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
            cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("where", ["environment", "dsn", "database"])
def test_the_connection_states_its_encoding(pupils: Small, where: str) -> None:
    env = {"PGCLIENTENCODING": "LATIN1"} if where == "environment" else {}
    if where == "dsn":
        pupils.configure("{service}", "{service}?client_encoding=LATIN1")
    if where == "database":
        name = pupils.site.dsn("student").rpartition("/")[2]
        pupils.site.execute("student", f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
    pupils.site.migrate_apart("run", env=env)
    rows = pupils.site.rows("student", "SELECT encode(name::bytea, 'hex') AS h FROM student.pupils ORDER BY legacy_id")
    assert [r["h"] for r in rows] == ["Zoë".encode().hex(), "Łucja".encode().hex()]


# -- columns that came later ------------------------------------------------------------------------------


def test_the_ddl_adds_the_columns_that_an_existing_table_lacks(pupils: Small) -> None:
    site = pupils.site
    assert "ADD COLUMN" not in site.migrate("plan", "--ddl", "student").stdout
    entry = site.directory / "services" / "student.toml"
    more = 'Age  = { type = "int", to = "age" }\nNote = { type = "nvarchar(50)", to = "a_note", optional = true }\n'
    entry.write_text(entry.read_text(encoding="utf-8") + more.replace('to = "age"', 'to = "age", optional = true'))
    assert "lacks a column" in site.migrate("plan", check=2).stderr
    script = site.migrate("plan", "--ddl", "student").stdout
    assert 'ALTER TABLE student."pupils" ADD COLUMN "age" integer;' in script
    assert 'ALTER TABLE student."pupils" ADD COLUMN "a_note" text;' in script
    site.execute("student", *(s for s in script.split(";\n\n") if s.strip()))
    site.migrate("run")
    assert "ADD COLUMN" not in site.migrate("plan", "--ddl", "student").stdout


def test_the_ddl_is_printed_where_no_target_answers(pupils: Small) -> None:
    pupils.configure("{service}", "nowhere_{service}")
    done = pupils.site.migrate("plan", "--ddl", "student")
    assert "CREATE TABLE IF NOT EXISTS" in done.stdout
    assert "ADD COLUMN" not in done.stdout
    assert "does not exist" in done.stderr


# -- who sees what ----------------------------------------------------------------------------------------


def as_role(site: Site, service: str, role: str, sql: str, tenant: str = "") -> list[dict[str, object]]:
    with TargetDatabase(service, Dsn(site.dsn(service)), role=role) as database:
        database.query(f"SELECT set_config('app.current_tenant', '{tenant}', true)")
        return database.query(sql).to_pylist()


#: Relation -> its columns, of what the auditor may read.
AUDITOR_SEES = {
    "audit_count": {"run_id", "tenant_id", "entity", "kind", "column_name", "label", "legacy_rows"},
    "audit_run": {
        "run_id",
        "started_at",
        "purged_at",
        "as_of",
        "selection",
        "sources",
        "target",
        "tenants",
        "entities",
        "counts",
    },
}
HIDDEN = ("run", "id_map", "finding", "raw_value", "quarantine")


def test_the_auditor_sees_runs_receipts_verdicts_and_counts(finished: Site) -> None:
    for relation in ledger.AUDITED:
        rows = as_role(finished, "student", "auditor", f"SELECT * FROM migration.{relation}")
        assert rows, relation
        assert AUDITOR_SEES.get(relation, set(rows[0])) == set(rows[0])
    counted = as_role(
        finished, "student", "auditor", "SELECT sum(legacy_rows)::int AS n FROM migration.audit_count GROUP BY kind"
    )
    assert len(counted) == 3
    assert all(row["n"] for row in counted)


def test_the_auditor_sees_no_row_key_or_raw_value(finished: Site) -> None:
    tables = finished.rows("student", "SELECT tablename::text AS t FROM pg_tables WHERE schemaname = 'student'")
    for relation in (*(f"student.{r['t']}" for r in tables), *(f"migration.{name}" for name in HIDDEN)):
        with pytest.raises(TargetError, match="permission denied"):
            as_role(finished, "student", "auditor", f"SELECT 1 AS x FROM {relation} LIMIT 1")
    keys = finished.rows("student", "SELECT legacy_key AS k FROM migration.id_map WHERE entity = 'student.Student'")
    readable = {
        r["n"]
        for r in as_role(
            finished,
            "student",
            "auditor",
            "SELECT relname::text AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
            "WHERE nspname IN ('student', 'migration') AND relkind IN ('r', 'v') AND has_any_column_privilege(c.oid, 'SELECT')",
        )
    }
    assert readable == set(ledger.AUDITED)
    shown = str([as_role(finished, "student", "auditor", f"SELECT * FROM migration.{r}") for r in ledger.AUDITED])
    assert not [row["k"] for row in keys if str(row["k"]) in shown]


def test_the_data_reader_sees_one_tenant_s_rows_and_changes_none(finished: Site) -> None:
    (tenant,) = {
        str(r["t"]) for r in finished.rows("student", "SELECT min(tenant_id::text) AS t FROM student.students")
    }
    seen = as_role(finished, "student", "data_reader", "SELECT tenant_id::text AS t FROM student.students", tenant)
    assert {r["t"] for r in seen} == {tenant}
    assert as_role(finished, "student", "data_reader", "SELECT 1 AS x FROM student.students") == []
    for statement in ("DELETE FROM student.students RETURNING 1 AS x", "SELECT 1 AS x FROM migration.quarantine"):
        with pytest.raises(TargetError, match="permission denied"):
            as_role(finished, "student", "data_reader", statement, tenant)


def test_the_application_sees_shared_rows_and_cannot_change_them(finished: Site) -> None:
    levels = "configuration.grade_levels"
    (tenant,) = {str(r["t"]) for r in finished.rows("configuration", f"SELECT min(tenant_id::text) AS t FROM {levels}")}
    shared = f"FROM {levels} WHERE tenant_id IS NULL"
    assert as_role(finished, "configuration", "app", f"SELECT 1 AS x {shared}", tenant)
    assert not as_role(finished, "configuration", "app", f"DELETE {shared} RETURNING 1 AS x", tenant)
    assert not as_role(
        finished,
        "configuration",
        "app",
        f"UPDATE {levels} SET legacy_id = legacy_id WHERE tenant_id IS NULL RETURNING 1 AS x",
        tenant,
    )
