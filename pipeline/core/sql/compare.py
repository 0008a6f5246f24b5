"""DuckDB SQL that compares what must be in the target with what is, and says where they differ. Text only.

Every comparison inserts into `difference`: kind, entity, tenant, legacy key, column. No value of a row is ever
in it. Invariant: a comparison can fail; equal means both sides have the same rows and every cell agrees, with
NULL equal only to NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted

DIFFERENCE_TABLE = (
    "CREATE OR REPLACE TABLE difference "
    "(service VARCHAR, kind VARCHAR, entity VARCHAR, tenant VARCHAR, legacy_key VARCHAR, column_name VARCHAR)"
)


def rows(service: str, table: str, columns: Mapping[str, str]) -> str:
    """Compare `expected <table>` with `actual <table>` by id, every cell."""
    cells = [c for c in columns if c != "id"]
    differing = {c: _differs(c, columns[c]) for c in cells}
    differs = " OR ".join(differing.values())
    names = ", ".join(f"CASE WHEN {sql} THEN {quoted(c)} END" for c, sql in differing.items())
    return f"""
INSERT INTO difference
SELECT {quoted(service)}, kind, entity, tenant, legacy_key,
       unnest(CASE WHEN kind = 'different cell' THEN columns ELSE [{quoted(table)}] END)
FROM (
    SELECT CASE WHEN a.id IS NULL THEN 'missing row' WHEN e.id IS NULL THEN 'extra row'
                ELSE 'different cell' END AS kind,
           coalesce(e."#entity", {quoted(f"{service}.{table}")}) AS entity,
           coalesce(e."#tenant", CAST(a.tenant_id AS VARCHAR)) AS tenant,
           coalesce(e."#key", a.legacy_id) AS legacy_key,
           list_filter([{names}], lambda x: x IS NOT NULL) AS columns
    FROM {quote(f"expected {service}.{table}")} e FULL JOIN {quote(f"actual {service}.{table}")} a ON e.id = a.id
    WHERE e.id IS NULL OR a.id IS NULL OR {differs}
)
"""


def _differs(column: str, pg: str) -> str:
    expected, actual = f"e.{quote(column)}", f"a.{quote(column)}"
    distinct = f"{expected} IS DISTINCT FROM {actual}"
    # 0 and -0 are equal to DuckDB, and two values to the legacy database.
    is_float = pg in ("real", "double precision")
    zeros = f"({expected} = 0 AND signbit({expected}) <> signbit({actual}))"
    return f"({distinct} OR {zeros})" if is_float else distinct


def keyed(
    service: str, name: str, *, expected: str, actual: str, keys: tuple[str, ...], cells: tuple[str, ...],
    ordinal: tuple[str, ...] = (),
) -> str:  # fmt: skip
    """Compare two sets of rows of the ledger by their keys, of which the first three are tenant, entity, legacy_key.

    Args:
        name: what is compared, for the report: `id map`, `quarantine`, `finding`, `raw value`.
        ordinal: the column that tells rows of one key apart, where there may be several.
    """
    on = " AND ".join(f"e.{quote(k)} = a.{quote(k)}" for k in (*keys, *ordinal))
    differs = " OR ".join(f"e.{quote(c)} IS DISTINCT FROM a.{quote(c)}" for c in cells) or "false"
    detail = " || ' ' || ".join(f"coalesce(e.{quote(k)}, a.{quote(k)})" for k in keys[3:]) or "''"
    which = "".join(f"WHEN e.{quote(c)} IS DISTINCT FROM a.{quote(c)} THEN {quoted(c)} " for c in cells)
    column = f"CASE WHEN e.tenant IS NULL OR a.tenant IS NULL THEN {detail} {which}ELSE {detail} END"
    return f"""
INSERT INTO difference
SELECT {quoted(service)},
       CASE WHEN a.tenant IS NULL THEN 'missing' WHEN e.tenant IS NULL THEN 'extra'
            ELSE 'different' END || ' in {name}',
       coalesce(e.entity, a.entity), coalesce(e.tenant, a.tenant), coalesce(e.legacy_key, a.legacy_key), {column}
FROM ({expected}) e FULL JOIN ({actual}) a ON {on}
WHERE e.tenant IS NULL OR a.tenant IS NULL OR {differs}
"""


def duplicates(service: str, table: str) -> str:
    """Find ids that stand twice in a table."""
    return (
        f"INSERT INTO difference SELECT {quoted(service)}, 'duplicate id', {quoted(f'{service}.{table}')}, "
        f"CAST(min(tenant_id) AS VARCHAR), min(legacy_id), 'id' "
        f"FROM {quote(f'actual {service}.{table}')} GROUP BY id HAVING count(*) > 1"
    )


def references(service: str, table: str, column: str, parents: str) -> Iterator[str]:
    """Find references to rows that are nowhere, and references into another tenant.

    Args:
        parents: a SELECT of `id` and `tenant` (NULL for shared rows) of every row that the column may name.
    """
    child = quote(f"actual {service}.{table}")
    place = f"{quoted(f'{service}.{table}')}, CAST(c.tenant_id AS VARCHAR), c.legacy_id, {quoted(column)}"
    yield (
        f"INSERT INTO difference SELECT {quoted(service)}, 'orphan', {place} FROM {child} c "
        f"ANTI JOIN ({parents}) p ON p.id = c.{quote(column)} WHERE c.{quote(column)} IS NOT NULL"
    )
    yield (
        f"INSERT INTO difference SELECT {quoted(service)}, 'reference into another tenant', {place} "
        f"FROM {child} c SEMI JOIN ({parents}) p ON p.id = c.{quote(column)} "
        f"ANTI JOIN ({parents}) o ON o.id = c.{quote(column)} "
        "AND coalesce(o.tenant, c.tenant_id) IS NOT DISTINCT FROM c.tenant_id"
    )
