"""What we may do in a service's database, and what to grant where that is too little. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.core.sql.ddl import MIGRATOR
from pipeline.core.text import quoted
from pipeline.stores import ledger
from pipeline.stores.target import TargetDatabase

_TABLES = """
SELECT c.relname::text AS t, has_schema_privilege(n.oid, 'USAGE') AS enters,
    has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'SELECT') AS may,
    row_security_active(c.oid) AS bound, pg_has_role(current_user, c.relowner, 'USAGE') AS owns,
    coalesce((SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND NOT a.attisdropped), '[]')::text AS must
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p') ORDER BY 1
"""
_LEDGER = """
SELECT c.relname::text AS t FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'migration' AND c.relkind = 'r' AND c.relname <> 'pending_index'
    AND NOT (has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
    AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) ORDER BY 1
"""
_SHUT = "SELECT 1 AS x FROM pg_namespace WHERE nspname = 'migration' AND NOT has_schema_privilege(oid, 'USAGE')"
_MAY_CREATE = (
    "SELECT has_database_privilege(session_user, current_database(), 'CREATE') AS y, session_user::text AS u, "
    "current_database()::text AS d"
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What would refuse rows that are moved: where, why, and what to do about it."""

    place: str
    why: str
    remedy: str | None = None


def obstacles(database: TargetDatabase, schema: str, known: Mapping[str, Collection[str]]) -> Iterator[Obstacle]:
    """List what would refuse our rows, asked as the migrator.

    Args:
        database: the service's database.
        schema: the service.
        known: the tables that rows go to, with the columns that they fill.
    """
    for row in database.query(_TABLES.format(schema=quoted(schema))).to_pylist():
        table, place = row["t"], f"{schema}.{row['t']}"
        if table not in known:
            continue
        if not row["enters"]:
            yield Obstacle(place, f"{MIGRATOR} may not use its schema", f"GRANT USAGE ON SCHEMA {schema} TO {MIGRATOR}")
        if not row["may"]:
            yield Obstacle(
                place, f"{MIGRATOR} may not insert and select", f"GRANT INSERT, SELECT ON {place} TO {MIGRATOR}"
            )
        if row["bound"]:
            yield Obstacle(
                place,
                f"row-level security binds {MIGRATOR}",
                f"ALTER TABLE {place} NO FORCE ROW LEVEL SECURITY"
                if row["owns"]
                else f"ALTER ROLE {MIGRATOR} BYPASSRLS, as a superuser; or ALTER TABLE {place} OWNER TO {MIGRATOR}: "
                "an owner is not bound",
            )
        for column in json.loads(row["must"]):
            if column not in known[table]:
                yield Obstacle(place, f"column {column} must be filled, and no entry fills it")
    yield from _of_the_ledger(database)


def _of_the_ledger(database: TargetDatabase) -> Iterator[Obstacle]:
    if database.query(_SHUT).num_rows:
        yield Obstacle(
            "migration", f"{MIGRATOR} may not use the schema", f"GRANT USAGE ON SCHEMA migration TO {MIGRATOR}"
        )
        return
    if ledger.exists(database):
        for row in database.query(_LEDGER).to_pylist():
            place = f"migration.{row['t']}"
            yield Obstacle(
                place,
                f"{MIGRATOR} may not read and write it",
                f"GRANT USAGE ON SCHEMA migration TO {MIGRATOR}; "
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {place} TO {MIGRATOR}",
            )
        return
    may = database.query(_MAY_CREATE).to_pylist()[0]
    if not may["y"]:
        yield Obstacle(
            "migration",
            f"there is no such schema, and {may['u']} may not create it",
            f"run what `migrate plan --ddl` prints, or GRANT CREATE ON DATABASE {may['d']} TO {may['u']}",
        )
