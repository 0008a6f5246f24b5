"""What is: the target's rows read back as they are stored, and what the application's role sees.

Invariant: no value that PostgreSQL can hold ends a verification, or is taken for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pipeline.core.sql import compare, relations
from pipeline.core.sql.ddl import has_shared_rows, quote, table_columns
from pipeline.core.text import quoted, said
from pipeline.stores.target import TargetDatabase
from pipeline.stores.transcript import read_of
from pipeline.verification.scope import Scope
from schemas.targets import spelled, target_type

#: What a database or a role may be set to, and how a value is written depends on.
_SETTINGS = {
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "search_path": "pg_catalog",
}
#: No legacy row is as early or late. Beyond, and at infinity, one other value stands for all: no Arrow type has them.
_EARLIEST, _LATEST = "4000-01-01 BC", "200000-01-01"
_BOUNDED = ("date", "timestamp", "timestamptz")


def read_back(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Read the target rows in hand that no other run answers for, as they are stored."""
    set_plain(database)
    ask_columns(scope, service, database)
    for table, columns in scope.tables(service).items():
        there, actual = scope.stored[service].get(table), relations.actual(service, table)
        if scope.answers((service, table)):
            types_differ(scope, service, f"{service}.{table}", columns, there)
        shown, typed = selected(columns, there or {})
        if there is None or not scope.can_be_told(service, table):
            nothing = ", ".join(f"NULL::VARCHAR AS {quote(c)}" for c in columns)
            empty = f"CREATE OR REPLACE TABLE {actual} AS SELECT {typed} FROM (SELECT {nothing}) WHERE false"
            scope.db.execute(said(f"The rows of {service}.{table}: none can be told apart.", empty))
            continue
        sql = f"SELECT {shown} FROM {service}.{quote(table)} WHERE {scope.mine(service, table)}"
        with database.stream(sql) as reader:
            what = f"The rows of {service}.{table}, as they are."
            scope.db.fill(actual, reader, select=typed, what=what, origin=read_of(service, sql))


def read_elsewhere(scope: Scope, service: str, table: str, ids: Iterable[str]) -> bool:
    """Read others' rows by their ids into `elsewhere`; say whether they can be told apart at all."""
    with scope.database(service) as database:
        set_plain(database)
        ask_columns(scope, service, database)
        if not scope.can_be_told(service, table):
            return False
        there = scope.stored[service][table]
        shown, typed = selected(table_columns(scope.catalog, service)[table], there)
        named = "id" if there["id"] == "uuid" else "id::text"
        listed, mine = (", ".join(map(quoted, values)) for values in (ids, scope.record.tenants))
        others = f"coalesce(tenant_id::text, '') NOT IN ({mine})"
        sql = f"SELECT {shown} FROM {service}.{quote(table)} WHERE {named} IN ({listed}) AND {others}"
        what = f"Rows of {service}.{table} that are not in hand, as far as others have them."
        with database.stream(sql) as reader:
            into = relations.elsewhere(service, table)
            scope.db.fill(into, reader, select=typed, what=what, origin=read_of(service, sql))
    return True


def ask_columns(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Ask once what the tables of a service are made of."""
    if service not in scope.stored:
        scope.stored[service] = database.columns(service)


def set_plain(database: TargetDatabase) -> None:
    """Have values written as by a server's defaults, until the transaction ends."""
    plain = ", ".join(f"set_config({quoted(k)}, {quoted(v)}, true)" for k, v in _SETTINGS.items())
    database.query(
        said("Values are written as by a server's defaults.", f"SELECT array_to_string(ARRAY[{plain}], ' ') AS x")
    )


def types_differ(
    scope: Scope, service: str, place: str, columns: Mapping[str, str], there: Mapping[str, str] | None
) -> None:
    """Note a table that is missing, and columns that are missing or of another type than they should be."""
    if there is None:
        scope.note(service, "missing table", place)
        return
    for column, pg in columns.items():
        got = there.get(column)
        if got is None:
            scope.note(service, "missing column", place, column=column)
        elif got != spelled(pg):
            scope.note(service, f"column of another type: {got}, not {spelled(pg)}", place, column=column)


def selected(columns: Mapping[str, str], stored: Mapping[str, str]) -> tuple[str, str]:
    """Give what is selected of a table in PostgreSQL, and what of that in DuckDB.

    Args:
        columns: the table's columns and types, as the catalog says.
        stored: as PostgreSQL says.
    """
    shown = ", ".join(_readable(c, pg, stored.get(c)) for c, pg in columns.items())
    return shown, ", ".join(_typed(c, pg, stored.get(c)) for c, pg in columns.items())


def _readable(column: str, pg: str, stored: str | None) -> str:
    """Read a column so that no value is refused and none is changed."""
    name = quote(column)
    if stored is None:
        return f"NULL::text AS {name}"
    if compare.as_text(pg, stored) or pg == "jsonb":
        return f"{name}::text AS {name}"
    if pg in _BOUNDED:
        early, late = f"'{_EARLIEST}'::{pg}", f"'{_LATEST}'::{pg}"
        return f"CASE WHEN {name} > {late} THEN {late} WHEN {name} < {early} THEN {early} ELSE {name} END AS {name}"
    return name


def _typed(column: str, pg: str, stored: str | None) -> str:
    """Give what was read its type in DuckDB: the catalog's, or text where it is read as that."""
    if column in ("id", "tenant_id"):
        return f"TRY_CAST({quote(column)} AS UUID) AS {quote(column)}"
    if stored is not None and compare.as_text(pg, stored):
        return quote(column)
    return f"CAST({quote(column)} AS {target_type(pg).duckdb}) AS {quote(column)}"


def application_view(scope: Scope) -> None:
    """Count, under the application's role, what each tenant sees in every table: its own rows and no other."""
    tenants = [t for t in scope.record.tenants if t in {s.tenant_id for s in scope.record.sources.values()}]
    for service in scope.workspace.services():
        tables = {
            t: has_shared_rows(scope.catalog, service, t) for t in scope.tables(service) if t in scope.stored[service]
        }
        if not tables:
            continue
        with scope.database(service) as owner:
            true = {
                (r["tenant"], r["t"]): r["n"]
                for r in owner.query(
                    said(
                        "How many rows each tenant has, asked past row-level security.",
                        " UNION ALL ".join(
                            f"SELECT tenant_id::text AS tenant, '{t}' AS t, count(*) AS n "
                            f"FROM {service}.{quote(t)} GROUP BY 1"
                            for t in tables
                        ),
                    )
                ).to_pylist()
            }
        scope.as_application(service, partial(_all_seen, scope, service, (*tenants, ""), tables, true))


def as_tenant(tenant: str) -> str:
    """Give the statement by which the application acts for a tenant; for none, where it is empty."""
    whom = f"tenant {tenant}" if tenant else "no tenant"
    return said(f"From here on for {whom}.", f"SELECT set_config('app.current_tenant', {quoted(tenant)}, true) AS x")


def _all_seen(
    scope: Scope,
    service: str,
    tenants: Iterable[str],
    tables: dict[str, bool],
    true: dict[tuple[str | None, str], int],
    app: TargetDatabase,
) -> None:
    for tenant in tenants:
        for row in _seen(app, service, tenant, tables):
            table, seen, foreign = row["t"], row["n"], row["foreign_rows"]
            own = true.get((tenant, table), 0) + (true.get((None, table), 0) if tables[table] else 0)
            if seen != own or foreign:
                kind = f"the application sees {seen} rows, {foreign} of others; {own} are its own"
                scope.note(service, kind, f"{service}.{table}", tenant=tenant)


def _seen(app: TargetDatabase, service: str, tenant: str, tables: Iterable[str]) -> list[dict[str, Any]]:
    """Count what a tenant sees of each table, and what of that is another's."""
    app.query(as_tenant(tenant))
    counts = app.query(
        said(
            "How many rows the application sees as this tenant, and how many of them are another's.",
            " UNION ALL ".join(
                f"SELECT '{t}' AS t, count(*) AS n, "
                f"count(*) FILTER (WHERE tenant_id::text <> {quoted(tenant)}) AS foreign_rows FROM {service}.{quote(t)}"
                for t in tables
            ),
        )
    )
    app.commit()
    return list(counts.to_pylist())
