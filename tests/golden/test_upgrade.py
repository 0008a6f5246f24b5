"""What an earlier version left behind: its ledger is upgraded whole or refused by name, its runs likewise."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.core.sql import ddl
from pipeline.core.sql import ledger as ledger_ddl
from pipeline.demo.server import Server
from pipeline.errors import LedgerVersion, TargetError
from pipeline.stores import ledger
from pipeline.stores.target import TargetDatabase
from tests.support.databases import EMPTY, databases

#: The ledger of the first version, as it was made; never to be changed.
FIRST = (Path(__file__).parent / "ledger_1.sql").read_text(encoding="utf-8").split(";\n")
RUN, TENANT, BATCH = (
    "20250101T000000.000-0000",
    "241315cd-4efe-5724-a6b2-ba411da5b1ce",
    "823cc6a7-0868-5b28-a6fc-b191b1f51ae7",
)
#: A row of each of its tables.
ROWS = (
    f"INSERT INTO migration.run (run_id, record) VALUES ('{RUN}', '{{}}')",
    f"INSERT INTO migration.claim VALUES ('{TENANT}', 'student.Student', '{RUN}', 'complete')",
    "INSERT INTO migration.receipt (batch_id, run_id, tenant_id, entity, kind, source, number, mapped, rejected, "
    f"checksum, entry_hash) VALUES ('{BATCH}', '{RUN}', '{TENANT}', 'student.Student', 'load', 'a', 0, 1, 1, '1', 'x')",
    f"INSERT INTO migration.id_map VALUES ('{TENANT}', 'student.Student', '[1]', '{BATCH}', '{BATCH}', '{BATCH}', '{BATCH}')",
    f"INSERT INTO migration.finding VALUES ('{BATCH}', 'Name', 'odd', '{{[1]}}')",
    f"INSERT INTO migration.raw_value VALUES ('{BATCH}', 'Name', 'odd', '{{[1]}}', '{{x}}')",
    f"INSERT INTO migration.quarantine VALUES ('{BATCH}', '{TENANT}', 'student.Student', '[2]', '{{odd}}', '{{}}', '{BATCH}')",
    f"INSERT INTO migration.verification (run_id, tenant_id, service, parity, differences) VALUES ('{RUN}', '{TENANT}', 'student', true, 0)",
)
TABLES = ("run", "claim", "receipt", "id_map", "finding", "raw_value", "quarantine", "verification")
#: Everything that PostgreSQL knows of the schema, but the order of columns: what is added comes last.
FORM = {
    "columns": """
        SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum), a.attidentity::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'migration'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
          AND NOT a.attisdropped""",
    "relations": """
        SELECT relname::text, relkind::text, relpersistence::text, relrowsecurity, obj_description(oid, 'pg_class'),
               ARRAY(SELECT x::text FROM unnest(relacl) x ORDER BY 1)
        FROM pg_class WHERE relnamespace = 'migration'::regnamespace""",
    "constraints": """
        SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'migration'::regnamespace""",
    "indexes": "SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'migration'",
    "functions": """
        SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'migration'::regnamespace""",
    "schema": "SELECT ARRAY(SELECT x::text FROM unnest(nspacl) x ORDER BY 1) FROM pg_namespace WHERE nspname = 'migration'",
    "version": "SELECT version FROM migration.version",
}
_numbers = itertools.count(1)


@pytest.fixture
def database(postgres: Server) -> Iterator[TargetDatabase]:
    """An empty database."""
    name = f"ledger{next(_numbers)}"
    with databases(postgres, {name: EMPTY}), TargetDatabase("student", Dsn(postgres.dsn(name)), role=None) as connected:
        for statement in ddl.roles():
            connected.execute(statement)
        connected.commit()
        yield connected


def _run(database: TargetDatabase, *statements: str) -> None:
    for statement in statements:
        if statement.strip():
            database.execute(statement)


def _form(database: TargetDatabase, *parts: str) -> dict[str, list[str]]:
    return {
        what: sorted(json.dumps(list(row.values())) for row in database.query(FORM[what]).to_pylist())
        for what in parts or FORM
    }


def _counts(database: TargetDatabase) -> dict[str, int]:
    return {t: database.query(f"SELECT count(*) AS n FROM migration.{t}").to_pylist()[0]["n"] for t in TABLES}


def test_an_upgraded_ledger_is_what_a_new_one_is(database: TargetDatabase) -> None:
    assert ledger.prepare(database) is None
    new = _form(database)
    database.execute("DROP SCHEMA migration CASCADE")
    _run(database, *FIRST, *ROWS)
    assert ledger.version(database) == 1
    assert ledger.prepare(database) == 1
    database.commit()
    assert _form(database) == new
    assert _counts(database) == dict.fromkeys(TABLES, 1)
    assert ledger.exists(database)
    assert ledger.prepare(database) is None


def test_printed_statements_do_not_call_an_old_ledger_new(database: TargetDatabase) -> None:
    _run(database, *FIRST, *ROWS, *ledger_ddl.statements())
    assert ledger.version(database) == 1
    assert ledger.prepare(database) == 1
    assert ledger.exists(database)


def test_an_upgrade_that_fails_leaves_the_old_ledger_whole(database: TargetDatabase, postgres: Server) -> None:
    _run(database, *FIRST, *ROWS)
    database.commit()
    [named] = database.query("SELECT current_database()::text AS name").to_pylist()
    before = _form(database, *set(FORM) - {"version"})
    # In the way of a table that the upgrade makes.
    database.execute("CREATE SEQUENCE migration.holder")
    with pytest.raises(TargetError, match="holder"):
        ledger.prepare(database)
    database.close()
    with TargetDatabase("student", Dsn(postgres.dsn(named["name"])), role=None) as again:
        assert ledger.version(again) == 1
        assert _form(again, *set(FORM) - {"version"}) == before
        assert _counts(again) == dict.fromkeys(TABLES, 1)


def test_a_ledger_of_another_version_is_refused_by_name(database: TargetDatabase) -> None:
    _run(database, *FIRST)
    with pytest.raises(LedgerVersion, match="service student") as caught:
        ledger.exists(database)
    assert (caught.value.got, caught.value.expected) == ("version 1", f"version {ledger_ddl.VERSION}")
    assert "upgrades it" in (caught.value.remedy or "")
    ledger.prepare(database)
    database.execute("UPDATE migration.version SET version = version + 1")
    for ask in (ledger.exists, ledger.prepare):
        with pytest.raises(LedgerVersion) as caught:
            ask(database)
        assert "or a newer one" in (caught.value.remedy or "")


@pytest.mark.parametrize("rows", [0, 2])
def test_a_ledger_that_does_not_say_its_version_once_is_refused(database: TargetDatabase, rows: int) -> None:
    _run(database, *ledger_ddl.statements(), "ALTER TABLE migration.version DROP CONSTRAINT version_pkey")
    database.execute(
        "INSERT INTO migration.version TABLE migration.version" if rows else "DELETE FROM migration.version"
    )
    for ask in (ledger.exists, ledger.prepare):
        with pytest.raises(LedgerVersion, match="service student") as caught:
            ask(database)
        assert caught.value.got == f"{rows} rows in migration.version"


def test_a_ledger_that_has_lost_its_version_is_upgraded_to_what_it_is(database: TargetDatabase) -> None:
    _run(database, *ledger_ddl.statements())
    form = _form(database)
    database.execute("DROP TABLE migration.version")
    assert ledger.prepare(database) == 1
    assert _form(database) == form
    assert ledger.exists(database)
