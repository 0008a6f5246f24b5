"""DuckDB SQL that derives every expected cell, reject, finding and raw value from the raw files. Text only.

Shares nothing with the transformation but the catalog and the names of verdicts: values, ids, references and
hashes are worked out again here, in SQL, from one relation to the next: raw (given), tagged, judged, live.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from pipeline.core import fingerprint, frame, ids, recipe
from pipeline.core.quality import OF_KEYS, Kind, verdicts
from pipeline.core.sql import relations
from pipeline.core.sql.columns import (
    AMBIGUOUS,
    BATCH,
    BATCH_ID,
    CONTESTED,
    ENTITY,
    FILE,
    FOUND,
    HOST_ZONE,
    ID,
    KEY,
    MATCH,
    ORDINAL,
    REJECTED,
    SHARED,
    SOURCE,
    SOURCE_HASH,
    SOURCE_TENANT,
    TARGET_HASH,
    TENANT,
    TENANT_ZONE,
    UNFIT,
    column,
)
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.judged import json_name, laid_out, present
from pipeline.core.sql.keys import (
    compared,
    content_hash,
    content_key,
    key_text,
    match_text,
    quarantined_key,
    row_name,
    written,
)
from pipeline.core.text import quoted, said
from schemas.catalog import Catalog, MatchKey
from schemas.model import Entity, Target
from schemas.parts import TenantRule

#: The id that stands for a row in the target.
_NEW_ID = f"coalesce({SHARED}, {ID})"


def doubled(entity: Entity, sources: Iterable[str]) -> str:
    """List the texts by which several rows of one of these sources are found, in `doubled E`: SOURCE, MATCH."""
    listed = ", ".join(map(quoted, sources))
    match = match_text(entity, MatchKey(entity.key), [column(c) for c in entity.key])
    return said(
        f"The keys of {entity.id} that several rows of a source have.",
        f"CREATE OR REPLACE TABLE {relations.doubled(entity.id)} AS "
        f"SELECT {SOURCE}, {match} AS {MATCH} FROM ({_with_constants(entity)}) "
        f"WHERE {SOURCE} IN ({listed}) GROUP BY 1, 2 HAVING count(*) > 1",
    )


def _with_constants(entity: Entity) -> str:
    constants = "".join(f", {quoted(v)} AS {column(n)}" for n, v in entity.constants.items())
    return f"SELECT *{constants} FROM {relations.raw(entity.id)}"


def _numbered(entity: Entity, *, keys_only: bool) -> str:
    """Number the rows of doubled keys: of those that are written alike, in the order of their hashes."""
    match = match_text(entity, MatchKey(entity.key), [f"x.{column(c)}" for c in entity.key])
    number = "1"
    if not keys_only:
        told = [UNFIT, *(quote(frame.scrubbed(n)) for n, c in entity.raw_columns.items() if c.scrub)]
        order = ", ".join([content_hash(entity, "x."), *(f"coalesce(x.{c}, '')" for c in told)])
        written = key_text(entity, entity.key)
        number = f"row_number() OVER (PARTITION BY x.{SOURCE}, {written} ORDER BY {order})"
    return (
        f"SELECT x.*, CASE WHEN d.{MATCH} IS NULL THEN 0 ELSE {number} END AS {ORDINAL} "
        f"FROM ({_with_constants(entity)}) x LEFT JOIN {relations.doubled(entity.id)} d "
        f"ON d.{SOURCE} = x.{SOURCE} AND d.{MATCH} = {match}"
    )


def tagged(entity: Entity, catalog: Catalog, *, doubled: Literal["no", "rows", "keys"] = "no") -> str:
    """Tag raw rows with their key and tenant; a row of the directory may become one a tenant, or UNRESOLVED.

    Args:
        doubled: whether `doubled E` lists any key, of rows that were read whole or of their keys alone.
    """
    # A row is numbered before it becomes several tenants'.
    if doubled != "no":
        inner = _numbered(entity, keys_only=doubled == "keys")
    else:
        content = "" if entity.key else f", {content_key(entity)} AS {KEY}"
        inner = f"SELECT *{content}, 0 AS {ORDINAL} FROM ({_with_constants(entity)})"
    key = f", {key_text(entity, entity.key)} AS {KEY}" if entity.key else ""
    view = f"CREATE OR REPLACE VIEW {relations.tagged(entity.id)} AS"
    create = said(f"The rows of {entity.id}, each with its legacy key and its tenant.", view)
    if entity.is_shared:
        return f"{create} SELECT r.*{key}, '{ids.NIL}' AS {TENANT} FROM ({inner}) r"
    if not isinstance(entity.tenant, TenantRule):
        return f"{create} SELECT r.*{key}, r.{SOURCE_TENANT} AS {TENANT} FROM ({inner}) r"
    route, match = _route(entity.tenant, catalog), _own_match(entity.tenant, catalog)
    contested = "" if entity.tenant.pick is None else f", coalesce(w.{CONTESTED}, false) AS {CONTESTED}"
    return (
        f"{create} SELECT r.*{key}, coalesce(w.{TENANT}, '{ids.UNRESOLVED}') AS {TENANT}{contested} "
        f"FROM ({inner}) r LEFT JOIN ({route}) w ON w.{MATCH} = {match}"
    )


def live(entity: Entity, catalog: Catalog) -> Iterator[str]:
    """List the living rows by each key that children find them by; of several, the lowest key."""
    for i, key in enumerate(catalog.match_keys[entity.id]):
        match = match_text(entity, key, [column(c) for c in key.columns])
        by = ", ".join(key.columns) or "what they hold"
        yield said(
            f"The living rows of {entity.id} by {by}; of several, the one of the lowest key.",
            f"CREATE OR REPLACE TABLE {relations.live(entity.id, i)} AS "
            f"SELECT {TENANT}, {match} AS {MATCH}, "
            f"first({_NEW_ID} ORDER BY strlen({KEY}), {KEY}) AS {FOUND}, count(*) > 1 AS {AMBIGUOUS} "
            f"FROM {relations.judged(entity.id)} WHERE NOT {REJECTED} GROUP BY 1, 2",
        )


def live_none(entity: Entity, catalog: Catalog) -> Iterator[str]:
    """The same with no rows in it: what references inside a circle find before its survivors are known."""
    for i in range(len(catalog.match_keys[entity.id])):
        yield said(
            f"The living rows of {entity.id}, none of them known yet.",
            f"CREATE OR REPLACE TABLE {relations.live(entity.id, i).typed}",
        )


def live_from_keys(entity: Entity, catalog: Catalog) -> Iterator[str]:
    """The same for an entity of which only keys are staged: all of them, or those in the loaded id map."""
    survivors = relations.SURVIVORS
    for i, key in enumerate(catalog.match_keys[entity.id]):
        match = match_text(entity, key, [f"k.{column(c)}" for c in key.columns])
        own = row_name(entity, "k.")
        yield said(
            f"The living rows of {entity.id}, no part of the run: those loaded before, else all that legacy has.",
            f"CREATE OR REPLACE TABLE {relations.live(entity.id, i)} AS SELECT k.{TENANT}, "
            f"{match} AS {MATCH}, first(coalesce(CAST(s.new_id AS UUID), {ids.uuid5_sql(entity.namespace, own)}) "
            f"ORDER BY strlen(k.{KEY}), k.{KEY}) AS {FOUND}, count(*) > 1 AS {AMBIGUOUS} "
            f"FROM {relations.tagged(entity.id)} k LEFT JOIN {survivors} s ON s.entity = {quoted(entity.id)} "
            f"AND s.tenant = k.{TENANT} AND s.legacy_key = k.{KEY} "
            f"WHERE k.{ORDINAL} = 0 AND (s.new_id IS NOT NULL OR k.{TENANT} NOT IN (SELECT tenant FROM {survivors} "
            f"WHERE entity = {quoted(entity.id)})) GROUP BY 1, 2",
        )


def groups(entity: Entity, origin: Entity, *, batch_rows: int) -> str:
    """Give the rows of a derived entity: the distinct groups among its origin's survivors, cut into batches."""
    columns = [*(column(c) for c in entity.raw_columns), TENANT, HOST_ZONE, TENANT_ZONE, SOURCE]
    constants = "".join(f", {quoted(v)} AS {column(n)}" for n, v in entity.constants.items())
    order = ", ".join(f"{column(c)} NULLS FIRST" for c in entity.raw_columns)
    number = f"(row_number() OVER (PARTITION BY {SOURCE}, {TENANT} ORDER BY {order}) - 1) // {batch_rows}"
    return said(
        f"The rows of {entity.id}: the groups among the living rows of {origin.id}.",
        f"CREATE OR REPLACE TABLE {relations.tagged(entity.id)} AS SELECT *{constants}, "
        f"{key_text(entity, entity.key, origin.constants)} AS {KEY}, 0 AS {ORDINAL}, "
        f"CAST({number} AS INTEGER) AS {BATCH} "
        f"FROM (SELECT DISTINCT {', '.join(columns)} FROM {relations.judged(origin.id)} WHERE NOT {REJECTED})",
    )


def expected_receipts(entity: Entity, *, run_id: str, entry_hash: str) -> str:
    """Select the receipts that an entity must have, one for each tenant in each batch."""
    named = ", ".join((quoted(f"batch/{run_id}/"), "source", quoted(f"/{entity.id}/"), "digits", "'/'", "tenant"))
    hashes = f"replace(CAST(CASE WHEN NOT {REJECTED} THEN {TARGET_HASH} END AS VARCHAR), '-', '')"
    return f"""
SELECT {quoted(entity.service)} AS service, tenant, {quoted(entity.id)} AS entity,
       concat(source, '/', digits) AS legacy_key, {ids.uuid5_sql(ids.BATCHES, f"concat({named})")} AS batch_id,
       {quoted(run_id)} AS run_id, 'load' AS kind, source, number, mapped, rejected, checksum,
       {quoted(entry_hash)} AS entry_hash, NULL::VARCHAR AS loaded_at
FROM (SELECT {SOURCE} AS source, {BATCH} AS number, printf('%05d', {BATCH}) AS digits, {TENANT} AS tenant,
             count(*) FILTER (NOT {REJECTED}) AS mapped, count(*) FILTER ({REJECTED}) AS rejected,
             {fingerprint.checksum_sql(hashes)} AS checksum
      FROM {relations.judged(entity.id)} GROUP BY 1, 2, 4)
"""


def _in_batches(entity: Entity) -> str:
    """Give an entity's judged rows, each with the id of the batch that loaded it."""
    return (
        f"(SELECT j.*, r.batch_id AS {BATCH_ID} FROM {relations.judged(entity.id)} j "
        f"JOIN {relations.EXPECTED_RECEIPT} r ON r.entity = {quoted(entity.id)} AND r.source = j.{SOURCE} "
        f"AND r.number = j.{BATCH} AND r.tenant = j.{TENANT})"
    )


def expected_rows(entity: Entity, target: Target, number: int) -> str:
    """Select the rows that one target of an entity must hold, with ENTITY, TENANT and KEY."""
    cells = recipe.parts(entity)[number].cells.items()
    columns = [f"{laid_out(number, name, node)} AS {column(name)}" for name, node in cells]
    return (
        f"SELECT {quoted(entity.id)} AS {ENTITY}, {TENANT}, {KEY}, {', '.join(columns)} "
        f"FROM {relations.judged(entity.id)} WHERE NOT {REJECTED} AND {present(entity, target)}"
    )


def expected_id_map(entity: Entity) -> str:
    """Select the id map rows that an entity must have."""
    return (
        f"SELECT {TENANT} AS tenant, {quoted(entity.id)} AS entity, {KEY} AS legacy_key, "
        f"{_NEW_ID} AS new_id, {SOURCE_HASH} AS source_hash, {TARGET_HASH} AS target_hash, {BATCH_ID} AS batch_id "
        f"FROM {_in_batches(entity)} WHERE NOT {REJECTED}"
    )


def expected_rejects(entity: Entity) -> str:
    """Select the quarantine rows that an entity must have; `reasons` sorted, `row` as JSON text."""
    shown = ", ".join(
        f"CASE WHEN {quote(v.flag)} THEN {quoted(v.label)}{f' || {quote(v.told_by)}' if v.told_by else ''} END"
        for v in verdicts(entity, Kind.REJECT)
    )
    # One concat: a chain of || is as deep as the row is wide, and DuckDB refuses a thousand steps.
    members = ", ',', ".join(
        f"{quoted(json_name(n) + ':')}, coalesce({ids.json_text_sql(column(n))}, 'null')" for n in entity.raw_columns
    )
    return (
        f"SELECT {TENANT} AS tenant, {quoted(entity.id)} AS entity, {quarantined_key()} AS legacy_key, "
        f"greatest({ORDINAL}, 1) AS ordinal, "
        f"list_sort(list_distinct(list_filter([{shown}], lambda x: x IS NOT NULL))) AS reasons, "
        f"concat('{{', {members}, '}}') AS \"row\", {SOURCE_HASH} AS source_hash, "
        f"{BATCH_ID} AS batch_id FROM {_in_batches(entity)} WHERE {REJECTED}"
    )


def set_aside(entity: Entity) -> str:
    """Select the rows that were set aside for their keys: tenant, reason, how many, and three of the keys."""
    return said(
        f"The rows of {entity.id} that were set aside for what their keys are.",
        " UNION ALL ".join(
            f"SELECT {TENANT} AS tenant, {quoted(v.label)} AS reason, count(*) AS rows, "
            f"list_sort(list(DISTINCT {quarantined_key()}))[1:3] AS keys "
            f"FROM {relations.judged(entity.id)} WHERE {quote(v.flag)} GROUP BY 1"
            for v in OF_KEYS
        ),
    )


def held(entity: Entity) -> str:
    """Select of each finding and raw value, and of `REJECTED`, whether it holds for any row: few of many do."""
    flags = [frame.REJECTED, *(v.flag for v in verdicts(entity, Kind.FINDING, Kind.RAW))]
    asked = ", ".join(f"bool_or({quote(flag)}) AS {quote(flag)}" for flag in flags)
    sentence = f"Which findings, raw values and rejects {entity.id} has at all."
    return said(sentence, f"SELECT {asked} FROM {relations.judged(entity.id)}")


def expected_notes(entity: Entity, kind: Literal[Kind.FINDING, Kind.RAW], flags: Collection[str]) -> Iterator[str]:
    """Select the findings (or raw values) that an entity must have, a SELECT for each verdict that any row has."""
    for verdict in verdicts(entity, kind):
        if verdict.flag not in flags:
            continue
        raw = f", encode({column(verdict.column)}) AS raw" if kind is Kind.RAW else ""
        yield (
            f"SELECT {TENANT} AS tenant, {quoted(entity.id)} AS entity, {KEY} AS legacy_key, "
            f"{quoted(verdict.column)} AS column_name, {quoted(verdict.label)} AS label{raw}, {BATCH_ID} AS batch_id "
            f"FROM {_in_batches(entity)} WHERE NOT {REJECTED} AND {quote(verdict.flag)}"
        )


def source_checksum(entity: Entity) -> str:
    """Select the checksum of each raw file again: columns FILE, rows, checksum."""
    cells = [fingerprint.cell_sql(c, "text") for c in (*map(column, entity.raw_columns), UNFIT)]
    return said(
        f"The rows and the checksum of each raw file of {entity.id}, to be those that it was staged with.",
        f"SELECT {FILE}, count(*) AS rows, {fingerprint.checksum_sql(fingerprint.row_hash_sql(cells))} AS checksum "
        f"FROM {relations.raw(entity.id)} GROUP BY 1",
    )


def _route(rule: TenantRule, catalog: Catalog) -> str:
    through = catalog.through(rule)
    if rule.through is None:
        (name,) = through.key
        match, key = compared(through, name, column(name)), written(through, name, column(name))
        tenant = ids.tenant_sql(catalog.installation, key)
        raw = relations.raw(through.id)
        return f"SELECT DISTINCT {match} AS {MATCH}, CAST({tenant} AS VARCHAR) AS {TENANT} FROM {raw}"
    match = _compared(column(rule.by or through.key[0]), rule, through)
    leading = f"{relations.tagged(through.id)} WHERE {TENANT} <> '{ids.UNRESOLVED}' AND {match} IS NOT NULL"
    if rule.pick is None:
        return f"SELECT DISTINCT {match} AS {MATCH}, {TENANT} FROM {leading}"
    return (
        f"SELECT {match} AS {MATCH}, first({TENANT} ORDER BY strlen({KEY}), {KEY}, {TENANT}) AS {TENANT}, "
        f"count(DISTINCT {TENANT}) > 1 AS {CONTESTED} FROM {leading} GROUP BY 1"
    )


def _own_match(rule: TenantRule, catalog: Catalog) -> str:
    if rule.column is not None:
        return _compared(f"r.{column(rule.column)}", rule, catalog.through(rule))
    filled = (f"CASE WHEN trim(r.{column(c)}, ' ') <> '' THEN r.{column(c)} END" for c in rule.columns)
    return _compared(f"coalesce({', '.join(filled)})", rule, catalog.through(rule))


def _compared(sql: str, rule: TenantRule, through: Entity) -> str:
    return ids.fold_email_sql(sql) if rule.match == "email" else compared(through, rule.by or through.key[0], sql)
