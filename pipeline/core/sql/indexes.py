"""What is asked and said of a table's indexes where it is filled without them. Text only.

Invariant: only a table that holds nothing, whose indexes are those of our DDL and on which nothing else depends, is
told to be fit; what is recorded of an index is what the server itself writes of it.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.core.ids import NIL
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.ledger import primary_keys
from pipeline.core.text import quoted

#: What the DDL makes, as the server writes it, the primary key first.
_OF_TABLES = ("PRIMARY KEY (id)", "btree (tenant_id)")
_OF_ID_MAP = (f"PRIMARY KEY ({primary_keys()['id_map']})", "btree (new_id)")
_ID_MAP = ("migration", "id_map")

_INDEXES = """
SELECT c.oid AS rel, x.oid AS index, x.relname::text AS name, k.conname::text AS key,
    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(x.oid) ELSE pg_get_constraintdef(k.oid) END AS form,
    i.indisunique AND k.oid IS NULL OR NOT i.indisvalid OR i.indisclustered OR i.indisreplident
        OR x.reltablespace <> 0 OR x.reloptions IS NOT NULL OR obj_description(x.oid, 'pg_class') IS NOT NULL
        OR obj_description(k.oid, 'pg_constraint') IS NOT NULL AS is_odd
FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
"""

# Of a table that never held anything there is not a page. A view is told by its name, all else as the server does.
_EMPTY = """
SELECT m.s AS schema, m.t AS name, CASE
    WHEN NOT (pg_has_role(session_user, c.relowner, 'USAGE') AND has_schema_privilege(session_user, n.oid, 'CREATE')
        AND coalesce(pg_has_role(session_user, l.relowner, 'USAGE'), true))
        THEN session_user || ' does not own it and the ledger, or may create nothing in its schema'
    WHEN c.relkind <> 'r' OR c.relispartition OR c.relhassubclass
        OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) THEN 'it is, or has, a part of another table'
    WHEN (SELECT array_agg(CASE WHEN is_odd THEN 'odd' WHEN key IS NULL THEN split_part(form, ' USING ', 2)
            ELSE form END ORDER BY key IS NULL) FROM ({indexes}) i WHERE i.rel = c.oid) IS DISTINCT FROM m.made
        THEN 'its indexes are not those of the DDL'
    WHEN d.what IS NOT NULL THEN d.what || ' depends on it'
    WHEN EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) THEN 'it has a trigger'
    WHEN EXISTS (SELECT FROM pg_publication_tables p WHERE p.schemaname = n.nspname AND p.tablename = c.relname)
        THEN 'what is written to it is published'
    END AS why
FROM (VALUES {made}) m (s, t, made)
JOIN pg_namespace n ON n.nspname = m.s JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = m.t
LEFT JOIN pg_class l ON l.oid = to_regclass('migration.pending_index')
LEFT JOIN LATERAL (SELECT string_agg(DISTINCT what, ', ') AS what FROM (
    SELECT pg_describe_object('pg_constraint'::regclass, f.oid, 0) AS what FROM pg_constraint f
        WHERE f.contype = 'f' AND f.confrelid = c.oid
    UNION ALL SELECT 'view ' || w.ev_class::regclass FROM pg_depend v JOIN pg_rewrite w ON w.oid = v.objid
        WHERE v.classid = 'pg_rewrite'::regclass AND v.refclassid = 'pg_class'::regclass AND v.refobjid = c.oid
            AND w.ev_class <> c.oid) u) d ON true
WHERE pg_relation_size(c.oid) = 0
"""


def empty(tables: Collection[tuple[str, str]]) -> str:
    """Select the tables that hold nothing, by `schema` and `name`, and `why` one must keep its indexes."""
    made = ", ".join(
        f"({quoted(schema)}, {quoted(table)}, ARRAY[{', '.join(map(quoted, _made(schema, table)))}])"
        for schema, table in tables
    )
    return _EMPTY.format(indexes=_INDEXES, made=made)


def _made(schema: str, table: str) -> tuple[str, str]:
    return _OF_ID_MAP if (schema, table) == _ID_MAP else _OF_TABLES


def lock(schema: str, table: str) -> str:
    """Keep everybody else away from a table until the transaction ends."""
    return f"LOCK TABLE {_place(schema, table)} IN ACCESS EXCLUSIVE MODE"


def described(schema: str, table: str) -> str:
    """Select each index of a table: `name`, and the statements that `drop` it and `build` it again."""
    place = quoted(_place(schema, table))
    return (
        f"SELECT name, CASE WHEN key IS NULL THEN 'DROP INDEX ' || index::regclass "
        f"ELSE 'ALTER TABLE ' || {place} || ' DROP CONSTRAINT ' || quote_ident(key) END AS drop, "
        f"CASE WHEN key IS NULL THEN form "
        f"ELSE 'ALTER TABLE ' || {place} || ' ADD CONSTRAINT ' || quote_ident(key) || ' ' || form END AS build "
        f"FROM ({_INDEXES}) i WHERE rel = {place}::regclass ORDER BY name"
    )


def refused(schema: str, table: str) -> str:
    """Select the tenants, as `t`, that have rows which the primary key of a table refuses."""
    place, key = _place(schema, table), primary_keys()["id_map"] if (schema, table) == _ID_MAP else "id"
    return (
        f"SELECT DISTINCT coalesce(tenant_id, '{NIL}')::text AS t FROM {place} "
        f"WHERE ({key}) IN (SELECT {key} FROM {place} GROUP BY {key} HAVING count(*) > 1)"
    )


def _place(schema: str, table: str) -> str:
    return f"{schema}.{quote(table)}"
