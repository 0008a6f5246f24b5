"""What the application can do to another tenant's rows, tried: nothing. One pair of tenants a table, all of it undone.

A table with triggers or rules of its own is told and not tried: what they do may reach beyond the transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from pipeline.core.ids import NIL
from pipeline.core.sql.ddl import APP, quote
from pipeline.core.text import said
from pipeline.errors import TargetLocked
from pipeline.stores.target import LOCK_NOT_AVAILABLE, TargetDatabase
from pipeline.verification.scope import Scope
from pipeline.verification.target_side import as_tenant

_DENIED = "42501"
#: The code by which a try is undone that nothing has denied.
_UNDONE = "ZZ000"
#: In a block that catches its errors, for the server's log would tell an operator of each.
_TRY = """
DO $try$ DECLARE touched bigint; BEGIN
    {statement};
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = '{undone}', MESSAGE = touched::text;
EXCEPTION WHEN OTHERS THEN
    PERFORM set_config('migrate.outcome', SQLSTATE || CASE SQLSTATE WHEN '{undone}' THEN SQLERRM ELSE '' END, true);
END $try$"""
_MAY_TRY = "SELECT 1 AS x WHERE has_language_privilege('plpgsql', 'USAGE')"
#: Holds of the first row that a statement may touch. It reads no column: a statement that does is bound by the policies
#: for reading, too, and would hide what those for writing let through.
_SO_FAR = "coalesce(nullif(current_setting('migrate.tried', true), ''), '0')::integer"
_ONE = f"set_config('migrate.tried', ({_SO_FAR} + 1)::text, true)::integer <= 1"


@dataclass(frozen=True, slots=True)
class _Row:
    tenant: str
    id: str


@dataclass(frozen=True, slots=True)
class _Try:
    """A statement of one tenant on another's rows, and what it means if it touches any."""

    tenant: str
    what: str
    sql: str
    denied: bool = False
    """Whether nothing but a denial will do: no row that is there decides on it."""


def tried(scope: Scope) -> None:
    """Try, as the application, to write into another tenant, and to change and delete another's row."""
    for service in scope.workspace.services():
        tables = []
        for table, columns in scope.tables(service).items():
            there = scope.stored[service].get(table, {})
            if not set(columns) <= set(there) or not there["id"] == there["tenant_id"] == "uuid":
                continue  # it is not there, or not whole, or tells tenants otherwise, and that is a difference
            if (place := f"{service}.{table}") in scope.triggered:
                scope.told.append(f"{place}: has triggers or rules of its own, so writing was not tried")
            else:
                tables.append(table)
        with scope.database(service) as owner:
            pairs = {table: _pair(owner, f"{service}.{quote(table)}") for table in tables}
        scope.as_application(service, partial(_try_all, scope, service, pairs))


def _try_all(scope: Scope, service: str, pairs: Mapping[str, list[_Row]], app: TargetDatabase) -> None:
    if not app.query(
        said("Whether the application may use plpgsql, in which writing is tried: it can undo what it does.", _MAY_TRY)
    ).num_rows:
        scope.told.append(f"{service}: {APP} may not use plpgsql, so writing was not tried")
        return
    for table, rows in pairs.items():
        for attempt in _tries(f"{service}.{quote(table)}", [*scope.tables(service)[table]], rows):
            _try(scope, service, table, app, attempt)


def _pair(owner: TargetDatabase, name: str) -> list[_Row]:
    """Find a row of each of two tenants, where there are as many."""
    found: list[_Row] = []
    for _ in range(2):
        after = f"AND tenant_id > '{found[0].tenant}'::uuid " if found else ""
        found += [
            _Row(r["t"], r["i"])
            for r in owner.query(
                said(
                    f"A row of a tenant in {name}, for another to try to change.",
                    f"SELECT tenant_id::text AS t, id::text AS i FROM {name} WHERE tenant_id IS NOT NULL {after}"
                    "AND id IS NOT NULL ORDER BY tenant_id LIMIT 1",
                )
            ).to_pylist()
        ]
    return found


def _tries(name: str, columns: list[str], rows: list[_Row]) -> Iterator[_Try]:
    # The nil tenant has no rows: whatever it can touch is another's.
    nobody, others = _Row(str(NIL), ""), rows or [_Row("11111111-1111-4111-8111-111111111111", "")]
    for me, other in ((nobody, others[0]), *(((rows[0], rows[1]), (rows[1], rows[0])) if len(rows) > 1 else ())):
        of = f"id = '{other.id}' AND " if me.id else ""
        take = f"UPDATE {name} SET tenant_id = '{me.tenant}' WHERE {of}{_ONE}"
        yield _Try(me.tenant, "the application can change rows of another tenant", take)
        yield _Try(
            me.tenant, "the application can delete rows of another tenant", f"DELETE FROM {name} WHERE {of}{_ONE}"
        )
        if me.id:
            give = f"UPDATE {name} SET tenant_id = '{other.tenant}' WHERE {_ONE}"
            yield _Try(me.tenant, "the application can give rows to another tenant", give)
        values = {"id": "gen_random_uuid()", "tenant_id": f"'{other.tenant}'"}
        listed, given = ", ".join(map(quote, columns)), ", ".join(values.get(c, "NULL") for c in columns)
        write = f"INSERT INTO {name} ({listed}) VALUES ({given})"
        yield _Try(me.tenant, "the application can write rows of another tenant", write, denied=True)


def _try(scope: Scope, service: str, table: str, app: TargetDatabase, attempt: _Try) -> None:
    app.query(as_tenant(attempt.tenant))
    app.execute(said(f"Tried, and undone: whether {attempt.what}.", _TRY.format(statement=attempt.sql, undone=_UNDONE)))
    asked = said("What came of it.", "SELECT current_setting('migrate.outcome') AS x")
    outcome = str(app.query(asked).to_pylist()[0]["x"])
    state, touched = outcome[:5], outcome[5:]
    if state == LOCK_NOT_AVAILABLE:
        raise TargetLocked(where=f"service {service}, table {service}.{table}", remedy="wait until it is free")
    # What fails otherwise than by a denial was let past the policy, and met something else.
    if (attempt.denied and state != _DENIED) or touched not in ("", "0"):
        scope.note(service, attempt.what, f"{service}.{table}", tenant=attempt.tenant)
    elif state not in (_UNDONE, _DENIED):
        what = f"{attempt.what}: not denied, but SQLSTATE {state}"
        scope.note(service, what, f"{service}.{table}", tenant=attempt.tenant)
