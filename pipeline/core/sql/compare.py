"""DuckDB SQL that compares what must be in the target with what is, and says where they differ. Text only.

Every comparison inserts into `differing`: kind, entity, tenant, legacy key, column. No value of a row is ever
in it. Invariant: a comparison can fail; equal means both sides have the same rows and every cell agrees, with
NULL equal only to NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.core.fingerprint import numeric_text_sql
from pipeline.core.sql import relations
from pipeline.core.sql.columns import ENTITY, ID, KEY, REJECTED, TENANT
from pipeline.core.sql.columns import column as framed
from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted, said
from schemas.model import Entity
from schemas.targets import spelled, stored_type, target_type

DIFFERENCE_TABLE = said(
    "Where what is there is not what must be there: an empty table at the end is parity.",
    f"CREATE OR REPLACE TABLE {relations.DIFFERENCE.typed}",
)
DIFFERING_TABLE = said("The same, of the rows in hand.", f"CREATE OR REPLACE TABLE {relations.DIFFERING.typed}")
#: In an order, so that they are the same ones each time.
_SOME = "ORDER BY 1 LIMIT 10000"
#: What ends each step of the comparison.
SETTLED = (
    said(
        "What differs of the rows in hand goes with the rest.",
        f"INSERT INTO {relations.DIFFERENCE} FROM {relations.DIFFERING}",
    ),
    said("The next rows have none yet.", f"DELETE FROM {relations.DIFFERING}"),
)


def rows(service: str, table: str, columns: Mapping[str, str], stored: Mapping[str, str]) -> str:
    """Compare the rows that a table must have with those it has by id, every cell.

    Args:
        service: the service.
        table: the table.
        columns: its columns and types, as the catalog says.
        stored: its columns and types, as PostgreSQL says.
    """
    # A tenant is read as the id that it is, whatever its column's type.
    there = {**stored, **{c: pg for c, pg in columns.items() if c == "tenant_id"}}
    differing = {c: _differs(c, pg, there.get(c)) for c, pg in columns.items() if c != "id"}
    differs = " OR ".join(differing.values())
    names = ", ".join(f"CASE WHEN {sql} THEN {quoted(c)} END" for c, sql in differing.items())
    sentence = f"Every row of {service}.{table}, by its id: missing, extra, or with a cell that differs."
    return said(
        sentence,
        f"""
INSERT INTO {relations.DIFFERING}
SELECT {quoted(service)}, kind, entity, tenant, legacy_key,
       unnest(CASE WHEN kind = 'different cell' THEN columns ELSE [{quoted(table)}] END)
FROM (
    SELECT CASE WHEN e.id IS NULL THEN 'extra row' WHEN a.id IS NULL THEN 'missing row'
                ELSE 'different cell' END AS kind,
           coalesce(e.{ENTITY}, {quoted(f"{service}.{table}")}) AS entity,
           coalesce(e.{TENANT}, CAST(a.tenant_id AS VARCHAR)) AS tenant,
           coalesce(e.{KEY}, a.legacy_id) AS legacy_key,
           list_filter([{names}], lambda x: x IS NOT NULL) AS columns
    FROM {relations.expected(service, table)} e FULL JOIN {relations.actual(service, table)} a ON e.id = a.id
    WHERE e.id IS NULL OR a.id IS NULL OR {differs}
)
""",
    )


def as_text(pg: str, stored: str | None) -> bool:
    """Say whether a column is read as text: a number, which may be none, and what is of another type than it should."""
    return stored != spelled(pg) or pg.startswith("numeric")


def _differs(column: str, pg: str, stored: str | None) -> str:
    expected, actual = f"e.{framed(column)}", f"a.{quote(column)}"
    if stored is None:
        return f"{expected} IS NOT NULL"
    if stored != spelled(pg):
        return _differs_as_stored(expected, pg, actual, stored)
    if pg.startswith("numeric"):
        return f"{numeric_text_sql(expected, pg)} IS DISTINCT FROM {actual}"
    distinct = f"{expected} IS DISTINCT FROM {actual}"
    # 0 and -0 are equal to DuckDB, and two values to the legacy database.
    is_float = pg in ("real", "double precision")
    zeros = f"({expected} = 0 AND signbit({expected}) <> signbit({actual}))"
    return f"({distinct} OR {zeros})" if is_float else distinct


def _differs_as_stored(expected: str, pg: str, actual: str, stored: str) -> str:
    """Compare a value with the text of one of another type: equal is what either type can say, and says alike."""
    one_lacks = f"({expected} IS NULL) <> ({actual} IS NULL)"
    known = stored_type(stored)
    if known is None:  # numeric of any scale, varchar, an array, ...: by its text
        return f"({one_lacks} OR {_plain(f'CAST({expected} AS VARCHAR)')} IS DISTINCT FROM {_plain(actual)})"
    own = f"TRY_CAST({actual} AS {known.duckdb})"
    there, back = f"TRY_CAST({expected} AS {known.duckdb})", f"TRY_CAST({own} AS {target_type(pg).duckdb})"
    return f"({one_lacks} OR {there} IS DISTINCT FROM {own} OR {back} IS DISTINCT FROM {expected})"


def _plain(text: str) -> str:
    """Take the last zeros off a decimal fraction, which say nothing of the value."""
    return rf"regexp_replace({text}, '^(-?[0-9]+)(?:\.0*|(\.[0-9]*[1-9])0*)$', '\1\2')"


def keyed(
    service: str,
    name: str,
    *,
    expected: str,
    actual: str,
    keys: tuple[str, ...],
    cells: tuple[str, ...],
    ordinal: tuple[str, ...] = (),
) -> str:
    """Compare two sets of rows of the ledger by their keys, of which the first three are tenant, entity, legacy_key.

    Args:
        service: the service.
        name: what is compared, as the report ends: `in id map`, `receipt`.
        expected: SELECT of the rows that must be.
        actual: SELECT of those that are.
        keys: the columns that tell which row is which; of those expected, no two are alike.
        cells: the columns that are compared.
        ordinal: the column that tells rows of one key apart, where there may be several.
    """
    on = " AND ".join(f"e.{quote(k)} = a.{quote(k)}" for k in (*keys, *ordinal))
    differs = " OR ".join(f"e.{quote(c)} IS DISTINCT FROM a.{quote(c)}" for c in cells) or "false"
    detail = " || ' ' || ".join(f"coalesce(e.{quote(k)}, a.{quote(k)})" for k in keys[3:]) or "''"
    which = "".join(f"WHEN e.{quote(c)} IS DISTINCT FROM a.{quote(c)} THEN {quoted(c)} " for c in cells)
    column = f"CASE WHEN e.tenant IS NULL OR a.tenant IS NULL THEN {detail} {which}ELSE {detail} END"
    sentence = f"Every row of the ledger of {service}, missing, extra or different: {name}."
    return said(
        sentence,
        f"""
INSERT INTO {relations.DIFFERING}
SELECT {quoted(service)},
       CASE WHEN a.tenant IS NULL THEN 'missing' WHEN e.tenant IS NULL THEN 'extra'
            ELSE 'different' END || {quoted(f" {name}")},
       coalesce(e.entity, a.entity), coalesce(e.tenant, a.tenant), coalesce(e.legacy_key, a.legacy_key), {column}
FROM ({expected}) e FULL JOIN ({actual}) a ON {on}
WHERE e.tenant IS NULL OR a.tenant IS NULL OR {differs}
""",
    )


def doubled(service: str, name: str, *, actual: str, keys: tuple[str, ...], ordinal: tuple[str, ...] = ()) -> str:
    """Find rows of the ledger that have the keys of another; the arguments are those of `keyed`."""
    detail = " || ' ' || ".join(map(quote, keys[3:])) or "''"
    return said(
        f"Rows of the ledger of {service} that stand twice: {name}.",
        f"INSERT INTO {relations.DIFFERING} SELECT {quoted(service)}, {quoted(f'doubled {name}')}, entity, tenant, "
        f"legacy_key, {detail} FROM ({actual}) GROUP BY {', '.join(map(quote, (*keys, *ordinal)))} HAVING count(*) > 1",
    )


def duplicates(service: str, table: str) -> str:
    """Find ids that stand twice in a table."""
    return said(
        f"Ids that stand twice in {service}.{table}.",
        f"INSERT INTO {relations.DIFFERING} SELECT {quoted(service)}, 'duplicate id', {quoted(f'{service}.{table}')}, "
        f"CAST(min(tenant_id) AS VARCHAR), min(legacy_id), 'id' "
        f"FROM {relations.actual(service, table)} GROUP BY id HAVING count(*) > 1",
    )


def lost(service: str, table: str) -> str:
    """Select `id` of rows that must be in a table and are not in hand, up to ten thousand: they may be elsewhere."""
    return said(
        f"Rows that {service}.{table} must have and that are not in hand: another tenant may have them.",
        f"SELECT CAST(e.id AS VARCHAR) AS id FROM {relations.expected(service, table)} e "
        f"ANTI JOIN {relations.actual(service, table)} a ON a.id = e.id {_SOME}",
    )


def _named(column: str) -> str:
    """Give the id that a column of a child `c` names."""
    return f"TRY_CAST(c.{quote(column)} AS UUID)"


def led_astray(service: str, table: str, column: str, parents: str) -> str:
    """Select a row if there are any that a column leads to no row of their own tenant, or of all; see `references`."""
    named = _named(column)
    return said(
        f"Whether {service}.{table}.{column} leads anywhere but to rows of the same tenant, or of all.",
        f"SELECT 1 AS x FROM {relations.actual(service, table)} c ANTI JOIN ({parents}) p ON p.id = {named} "
        f"AND coalesce(p.tenant, c.tenant_id) IS NOT DISTINCT FROM c.tenant_id WHERE {named} IS NOT NULL LIMIT 1",
    )


def lost_references(service: str, table: str, column: str, parents: str) -> str:
    """Select `id` of rows that a column names and that are not in hand, up to ten thousand; see `references`."""
    named = _named(column)
    return said(
        f"Rows that {service}.{table}.{column} names and that are not in hand: another tenant may have them.",
        f"SELECT DISTINCT CAST({named} AS VARCHAR) AS id FROM {relations.actual(service, table)} c "
        f"ANTI JOIN ({parents}) p ON p.id = {named} WHERE {named} IS NOT NULL {_SOME}",
    )


def not_there(parent: Entity, *, is_sure: bool) -> str:
    """Select `id` and `is_rejected` of what `named` names and an entity has not, up to ten thousand.

    Args:
        parent: the entity.
        is_sure: whether all of it is of that entity; else only what was rejected is known to be.
    """
    rejected = f"SELECT DISTINCT {ID} AS id FROM {relations.judged(parent.id)} WHERE {REJECTED}"
    return said(
        f"Rows of {parent.id} that rows of another run refer to, and that are not there; whether they were rejected.",
        f"SELECT n.id, r.id IS NOT NULL AS is_rejected FROM {relations.NAMED} n "
        f"ANTI JOIN {relations.actual(parent.service, parent.target)} a ON a.id = TRY_CAST(n.id AS UUID) "
        f"{'LEFT' if is_sure else 'INNER'} JOIN ({rejected}) r ON r.id = TRY_CAST(n.id AS UUID) {_SOME}",
    )


def counts_agree(service: str, name: str, *, expected: str, actual: str, table: str = "") -> str:
    """Select `agree`: whether what is missing and extra explains by how much the counts differ.

    Then no row stands twice, which is dear to look for. `name` ends the kinds of difference that say so.
    """
    told = f"service = {quoted(service)}" + (f" AND column_name = {quoted(table)}" if table else "")
    missing, extra = (
        f"(SELECT count(*) FROM {relations.DIFFERING} WHERE {told} AND kind = {quoted(f'{how} {name}')})"
        for how in ("missing", "extra")
    )
    sides = f"(SELECT count(*) FROM ({expected})) - {missing} = (SELECT count(*) FROM ({actual})) - {extra}"
    sentence = (
        f"Whether what is missing and extra explains how the counts differ, so that none stands twice: {table or name}."
    )
    return said(sentence, f"SELECT {sides} AS agree")


def references(service: str, table: str, column: str, parents: str) -> Iterator[str]:
    """Find references to rows that are nowhere, and references into another tenant.

    Args:
        parents: a SELECT of `id` and `tenant` (NULL for shared rows) of every row that the column may name.
    """
    child, named = relations.actual(service, table), _named(column)
    place = f"{quoted(f'{service}.{table}')}, CAST(c.tenant_id AS VARCHAR), c.legacy_id, {quoted(column)}"
    yield said(
        f"References of {service}.{table}.{column} to no row that is there.",
        f"INSERT INTO {relations.DIFFERING} SELECT {quoted(service)}, 'orphan', {place} FROM {child} c "
        f"ANTI JOIN ({parents}) p ON p.id = {named} WHERE {named} IS NOT NULL",
    )
    yield said(
        f"References of {service}.{table}.{column} into another tenant.",
        f"INSERT INTO {relations.DIFFERING} SELECT {quoted(service)}, 'reference into another tenant', {place} "
        f"FROM {child} c SEMI JOIN ({parents}) p ON p.id = {named} "
        f"ANTI JOIN ({parents}) o ON o.id = {named} "
        "AND coalesce(o.tenant, c.tenant_id) IS NOT DISTINCT FROM c.tenant_id",
    )
