"""DuckDB SQL that derives every expected cell, reject, finding and raw value from the raw files. Text only.

Shares nothing with the transformation but the catalog and the names of verdicts: values, ids, references and
hashes are worked out again here, in SQL. Tables, for an entity E: `raw E` (given), `tagged E` (with tenant and
key), `judged E` (with values, references, verdicts and the laid-out target columns), `live E/<i>` (what children
join with, for the entity's i-th match key).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from pipeline.core import fingerprint, ids
from pipeline.core.converters import CONVERTERS, Setting
from pipeline.core.quality import Kind, Test, Verdict, verdicts
from pipeline.core.rules import RULES
from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted
from schemas.catalog import Catalog, MatchKey, is_text
from schemas.model import Cell, Entity, RowRule, Target, TenantRule
from schemas.types import legacy_type, target_type


@dataclass(slots=True)
class ZoneJoins:
    """Collects the ASOF joins that conversions of local time ask for."""

    joins: list[str] = field(default_factory=list)

    def __call__(self, moment_sql: str, *, zone: Literal["host", "tenant"], by: Literal["local", "utc"]) -> str:
        """Join the transitions of the row's host or tenant zone; return the alias."""
        alias = f"z{len(self.joins)}"
        self.joins.append(
            f'ASOF LEFT JOIN zone {alias} ON t."#{zone}_zone" = {alias}.zone AND {moment_sql} >= {alias}.from_{by}'
        )
        return alias


def tagged(entity: Entity, catalog: Catalog) -> str:
    """Tag raw rows with their key and tenant; a login row may become one row a tenant, or UNRESOLVED."""
    constants = "".join(f", {quoted(v)} AS {quote(n)}" for n, v in entity.constants.items())
    inner = f"SELECT *{constants} FROM {quote(f'raw {entity.id}')}"
    key = f'{_key(entity, entity.key)} AS "#key"'
    create = f"CREATE OR REPLACE VIEW {quote(f'tagged {entity.id}')} AS"
    if entity.is_shared:
        return f"{create} SELECT r.*, {key}, '{ids.NIL}' AS \"#tenant\" FROM ({inner}) r"
    if not isinstance(entity.tenant, TenantRule):
        return f'{create} SELECT r.*, {key}, r."#source_tenant" AS "#tenant" FROM ({inner}) r'
    return (
        f"{create} SELECT r.*, {key}, coalesce(w.tenant, '{ids.UNRESOLVED}') AS \"#tenant\" "
        f"FROM ({inner}) r LEFT JOIN ({_route(entity.tenant, catalog)}) w ON w.match = {_own_match(entity.tenant)}"
    )


def judged(entity: Entity, catalog: Catalog, *, tenants: Iterable[str], as_of: datetime) -> str:
    """Convert, resolve, judge and lay out every row of the selected tenants."""
    zones = ZoneJoins()
    values = list(_values(entity, zones))
    given = [f"({_given(name, entity)}) AS {quote(f'given:{name}')}" for name in entity.references]
    chosen = ", ".join(quoted(t) for t in tenants)
    computed = "".join(f", {sql}" for sql in (*values, *given))
    made = (
        f"SELECT t.*{computed} FROM {quote(f'tagged {entity.id}')} t "
        f'{" ".join(zones.joins)} WHERE t."#tenant" IN ({chosen})'
    )
    found, joins = _references(entity, catalog)
    flags = [f"coalesce({_decided(v, entity)}, false) AS {quote(v.flag)}" for v in verdicts(entity)]
    rejected = " OR ".join(quote(v.flag) for v in verdicts(entity, Kind.REJECT))
    laid = [f"{sql} AS {quote(name)}" for name, sql in _laid_out(entity, as_of)]
    # What the intermediate steps made (values, resolved ids) is in the laid-out columns; storing it costs most.
    kept = [quote(c) for c in ("#tenant", "#key", "#rejected", "#mapped", "#host_zone", "#tenant_zone")]
    kept += [quote(c) for c in (*entity.raw_columns, *entity.constants)]
    kept += [quote(v.flag) for v in verdicts(entity)] + [quote(name) for name, _ in _laid_out(entity, as_of)]
    shared = '"#shared"' if entity.shared else "NULL::VARCHAR"
    return f"""
CREATE OR REPLACE TABLE {quote(f"judged {entity.id}")} AS
WITH made AS ({made}),
found AS (SELECT m.*, {", ".join([*found, f'{_id(entity)} AS "#id"'])} FROM made m {" ".join(joins)}),
flagged AS (SELECT *, {", ".join(flags)} FROM found),
laid AS (SELECT *, {rejected} AS "#rejected", {shared} AS "#mapped", {", ".join(laid)} FROM flagged)
SELECT {", ".join(kept)}, coalesce("#mapped", "#id") AS "#new_id",
       {_source_hash(entity)} AS "#source_hash", {_target_hash(entity)} AS "#target_hash" FROM laid
"""


def live(entity: Entity, catalog: Catalog) -> Iterator[str]:
    """List the living rows by each key that children find them by; of several, the lowest key."""
    for i, key in enumerate(catalog.match_keys[entity.id]):
        match = _match(entity, key, [f"{quote(c)}" for c in key.columns])
        yield (
            f"CREATE OR REPLACE TABLE {quote(f'live {entity.id}/{i}')} AS "
            f'SELECT "#tenant" AS tenant, {match} AS match, '
            'first("#new_id" ORDER BY strlen("#key"), "#key") AS new_id, count(*) > 1 AS ambiguous '
            f'FROM {quote(f"judged {entity.id}")} WHERE NOT "#rejected" GROUP BY 1, 2'
        )


def live_from_keys(entity: Entity, catalog: Catalog, survivors: str) -> Iterator[str]:
    """The same for an entity of which only keys are staged: all of them, or those in the loaded id map.

    Args:
        survivors: a table with columns tenant, entity, legacy_key, new_id and loaded (of the loaded tenants).
    """
    for i, key in enumerate(catalog.match_keys[entity.id]):
        match = _match(entity, key, [f"k.{quote(c)}" for c in key.columns])
        own = ids.row_name_sql('k."#tenant"', entity.path, 'k."#key"')
        yield (
            f'CREATE OR REPLACE TABLE {quote(f"live {entity.id}/{i}")} AS SELECT k."#tenant" AS tenant, '
            f"{match} AS match, first(coalesce(s.new_id, CAST({ids.uuid5_sql(own)} AS VARCHAR)) "
            'ORDER BY strlen(k."#key"), k."#key") AS new_id, count(*) > 1 AS ambiguous '
            f"FROM {quote(f'tagged {entity.id}')} k LEFT JOIN {survivors} s ON s.entity = {quoted(entity.id)} "
            'AND s.tenant = k."#tenant" AND s.legacy_key = k."#key" '
            f'WHERE s.new_id IS NOT NULL OR k."#tenant" NOT IN (SELECT tenant FROM {survivors} '
            f"WHERE entity = {quoted(entity.id)}) GROUP BY 1, 2"
        )


def groups(entity: Entity) -> str:
    """Give the rows of a derived entity: the distinct groups among its origin's survivors."""
    columns = ", ".join(quote(c) for c in entity.raw_columns)
    return (
        f"CREATE OR REPLACE TABLE {quote(f'tagged {entity.id}')} AS SELECT DISTINCT {columns}"
        + "".join(f", {quoted(v)} AS {quote(n)}" for n, v in entity.constants.items())
        + f', {_key(entity, entity.key)} AS "#key", "#tenant", "#host_zone", "#tenant_zone" '
        f'FROM {quote(f"judged {entity.derived_from}")} WHERE NOT "#rejected"'
    )


def expected_rows(entity: Entity, target: Target, number: int) -> str:
    """Select the rows that one target of an entity must hold, with `#entity`, `#tenant` and `#key`."""
    columns = []
    for column, pg in target.columns.items():
        columns.append(f"CAST({quote(f'{number}:{column}')} AS {target_type(pg).duckdb}) AS {quote(column)}")
    return (
        f'SELECT {quoted(entity.id)} AS "#entity", "#tenant", "#key", {", ".join(columns)} '
        f'FROM {quote(f"judged {entity.id}")} WHERE NOT "#rejected" AND {_present(entity, target)}'
    )


def expected_id_map(entity: Entity) -> str:
    """Select the id map rows that an entity must have."""
    return (
        f'SELECT "#tenant" AS tenant, {quoted(entity.id)} AS entity, "#key" AS legacy_key, "#new_id" AS new_id, '
        'CAST(CAST("#source_hash" AS UUID) AS VARCHAR) AS source_hash, '
        'CAST(CAST("#target_hash" AS UUID) AS VARCHAR) AS target_hash '
        f'FROM {quote(f"judged {entity.id}")} WHERE NOT "#rejected"'
    )


def expected_rejects(entity: Entity) -> str:
    """Select the quarantine rows that an entity must have; `reasons` sorted, `row` as JSON text."""
    shown = ", ".join(f"CASE WHEN {quote(v.flag)} THEN {quoted(v.label)} END" for v in verdicts(entity, Kind.REJECT))
    members = " || ',' || ".join(
        f"{quoted(_json_name(n))} || ':' || coalesce({ids.json_text_sql(quote(n))}, 'null')" for n in entity.raw_columns
    )
    return (
        f'SELECT "#tenant" AS tenant, {quoted(entity.id)} AS entity, "#key" AS legacy_key, '
        f"list_sort(list_distinct(list_filter([{shown}], lambda x: x IS NOT NULL))) AS reasons, "
        f"'{{' || {members} || '}}' AS \"row\" FROM {quote(f'judged {entity.id}')} WHERE \"#rejected\""
    )


def expected_notes(entity: Entity, kind: Literal[Kind.FINDING, Kind.RAW]) -> Iterator[str]:
    """Select the findings (or raw values) that an entity must have, a SELECT for each verdict."""
    for verdict in verdicts(entity, kind):
        raw = f", encode({quote(verdict.column)}) AS raw" if kind is Kind.RAW else ""
        yield (
            f'SELECT "#tenant" AS tenant, {quoted(entity.id)} AS entity, "#key" AS legacy_key, '
            f"{quoted(verdict.column)} AS column_name, {quoted(verdict.label)} AS label{raw} "
            f'FROM {quote(f"judged {entity.id}")} WHERE NOT "#rejected" AND {quote(verdict.flag)}'
        )


def source_checksum(entity: Entity) -> str:
    """Select the checksum of each raw file again: columns `#file`, rows, checksum."""
    cells = [fingerprint.cell_sql(quote(c), "text") for c in entity.raw_columns]
    return (
        f'SELECT "#file", count(*) AS rows, {fingerprint.checksum_sql(fingerprint.row_hash_sql(cells))} AS checksum '
        f"FROM {quote(f'raw {entity.id}')} GROUP BY 1"
    )


# -- keys, tenants, references ----------------------------------------------------------------------


def _kind(entity: Entity, column: str) -> ids.KeyKind:
    return "int" if legacy_type(entity.columns[column].type)[1].family == "integer" else "text"


def _key(entity: Entity, columns: Iterable[str]) -> str:
    return ids.key_json_sql([(quote(c), _kind(entity, c)) for c in columns])


def _id(entity: Entity, piece: str = "") -> str:
    name = ids.row_name_sql('"#tenant"', entity.path, '"#key"', piece=piece)
    return f"CAST({ids.uuid5_sql(name)} AS VARCHAR)"


def _match(parent: Entity, key: MatchKey, values: list[str]) -> str:
    parts = []
    for column, value in zip(key.columns, values, strict=True):
        folded = ids.fold_sql(value) if is_text(parent, column) and not key.exact else value
        parts.append((folded, _kind(parent, column)))
    return ids.key_json_sql(parts)


def _route(rule: TenantRule, catalog: Catalog) -> str:
    if rule.through is None:
        number = quote(catalog.registry.key[0])
        tenant = ids.uuid5_sql(f"('tenant/' || {number})")
        raw = quote(f"raw {catalog.registry.id}")
        return f"SELECT DISTINCT {number} AS match, CAST({tenant} AS VARCHAR) AS tenant FROM {raw}"
    through = catalog[rule.through]
    match = _folded(quote(rule.by or through.key[0]), rule)
    return (
        f'SELECT DISTINCT {match} AS match, "#tenant" AS tenant FROM {quote(f"tagged {through.id}")} '
        f"WHERE \"#tenant\" <> '{ids.UNRESOLVED}' AND {match} IS NOT NULL"
    )


def _own_match(rule: TenantRule) -> str:
    if rule.column is not None:
        return f"r.{quote(rule.column)}"
    filled = (f"CASE WHEN trim(r.{quote(c)}, ' ') <> '' THEN r.{quote(c)} END" for c in rule.columns)
    return _folded(f"coalesce({', '.join(filled)})", rule)


def _folded(sql: str, rule: TenantRule) -> str:
    return ids.fold_email_sql(sql) if rule.match == "email" else ids.fold_sql(sql)


def _given(name: str, entity: Entity) -> str:
    return " AND ".join(f"t.{quote(c)} IS NOT NULL" for c in entity.columns[name].using or (name,))


def _means_absent(entity: Entity, name: str) -> str:
    values = ", ".join(quoted(v) for v in entity.columns[name].absent)
    return f"coalesce({quote(name)} IN ({values}), false)" if values else "false"


def _references(entity: Entity, catalog: Catalog) -> tuple[list[str], list[str]]:
    """Give the columns `r:`, `p:`, `amb:` of every reference, and the joins they come from."""
    columns, joins = [], []
    for n, (name, column) in enumerate(entity.references.items()):
        aliases = []
        for i, parent_id in enumerate(column.references):
            parent, alias = catalog[parent_id], f"p{n}_{i}"
            key = MatchKey(column.by or parent.key)
            index = catalog.match_keys[parent_id].index(key)
            own = [f"m.{quote(c)}" for c in column.using or (name,)]
            match = f"CASE WHEN m.{quote(f'given:{name}')} THEN {_match(parent, key, own)} END"
            tenant = "" if parent.is_shared else f' AND {alias}.tenant = m."#tenant"'
            joins.append(f"LEFT JOIN {quote(f'live {parent_id}/{index}')} {alias} ON {alias}.match = {match}{tenant}")
            aliases.append((alias, parent_id))
        which = " ".join(f"WHEN {a}.new_id IS NOT NULL THEN {quoted(p)}" for a, p in aliases)
        columns += [
            f"coalesce({', '.join(f'{a}.new_id' for a, _ in aliases)}) AS {quote(f'r:{name}')}",
            f"CASE {which} END AS {quote(f'p:{name}')}",
            f"coalesce({', '.join(f'{a}.ambiguous' for a, _ in aliases)}) AS {quote(f'amb:{name}')}",
        ]
    if entity.shared is not None:
        shared = catalog[entity.shared.entity]
        on, every, *single = Catalog.shared_keys(entity)
        named = [(on, "#on"), (every, "#shared"), *((k, f"#same:{k.columns[-1]}") for k in single)]
        for i, (key, label) in enumerate(named):
            index = catalog.match_keys[shared.id].index(key)
            match = _match(shared, key, [f"m.{quote(c)}" for c in key.columns])
            joins.append(f"LEFT JOIN {quote(f'live {shared.id}/{index}')} s{i} ON s{i}.match = {match}")
            columns.append(f"s{i}.new_id AS {quote(label)}")
    for name, column in entity.derivations.items():
        derived = catalog[str(column.derived)]
        group = _key(derived, derived.key)
        derived_id = ids.uuid5_sql(ids.row_name_sql('"#tenant"', derived.path, group))
        columns.append(f"CAST({derived_id} AS VARCHAR) AS {quote(f'd:{name}')}")
    return columns, joins


# -- values and verdicts ----------------------------------------------------------------------------


def _values(entity: Entity, zones: ZoneJoins) -> Iterator[str]:
    for cell in entity.cells:
        setting = Setting(pg_type=cell.pg_type, absent=cell.column.absent, nul=cell.column.nul)
        made = CONVERTERS[cell.converter].sql(f"t.{quote(cell.source)}", setting, zones)
        yield f"{made.value} AS {quote(f'v:{cell.name}')}"
        yield f"{made.unreadable} AS {quote(f'u:{cell.name}')}"
        yield f"{made.altered or 'false'} AS {quote(f'a:{cell.name}')}"
        yield f"{made.finding or 'false'} AS {quote(f'f:{cell.name}')}"


def _decided(verdict: Verdict, entity: Entity) -> str:
    name, cell = verdict.column, verdict.cell.name if verdict.cell else ""
    match verdict.test:
        case Test.TENANT:
            return f"\"#tenant\" = '{ids.UNRESOLVED}'"
        case Test.REQUIRED:
            return f"{quote(name)} IS NULL"
        case Test.SCRUBBED:
            return f"{quote(f'{name}#scrubbed')} = '1'"
        case Test.UNREADABLE:
            return quote(f"u:{cell}")
        case Test.TOO_LONG:
            return f"length({quote(f'v:{cell}')}) > {entity.columns[name].max_length}"
        case Test.ALTERED:
            return quote(f"a:{cell}")
        case Test.NOTEWORTHY:
            return f"{quote(f'f:{cell}')} AND {quote(f'v:{cell}')} IS NOT NULL"
        case Test.ABSENT if cell:
            return f"{quote(f'f:{cell}')} AND {quote(f'v:{cell}')} IS NULL"
        case Test.PARENT | Test.DEAD:
            return f"{quote(f'given:{name}')} AND {quote(f'r:{name}')} IS NULL AND NOT {_means_absent(entity, name)}"
        case Test.ABSENT:
            return f"{quote(f'given:{name}')} AND {quote(f'r:{name}')} IS NULL AND {_means_absent(entity, name)}"
        case Test.AMBIGUOUS:
            return quote(f"amb:{name}")
        case Test.DIFFERS:
            return f'"#on" IS NOT NULL AND {quote(f"#same:{name}")} IS NULL'
        case Test.RULE:
            rule = cast(RowRule, verdict.rule)
            return RULES[rule.rule].sql({c: quote(c) for c in (rule.column, rule.other) if c is not None}, rule)


# -- target columns ---------------------------------------------------------------------------------


def _laid_out(entity: Entity, as_of: datetime) -> Iterator[tuple[str, str]]:
    instant = f"TIMESTAMPTZ {quoted(as_of.isoformat())}"
    modified = quote(f"v:{entity.modified.name}") if entity.modified else "NULL::TIMESTAMPTZ"
    archived = f"NOT {quote(f'v:{entity.soft_delete.name}')}" if entity.soft_delete else "false"
    basis = f"CASE WHEN {modified} IS NULL THEN 'as of the run' ELSE {quoted(entity.modified.source if entity.modified else '')} END"
    for n, target in enumerate(entity.targets):
        piece = f"#{target.table}/{target.part}" if target.split else ""
        known = {
            "id": _id(entity, piece) if piece else '"#id"',
            "tenant_id": "NULL::VARCHAR" if entity.is_shared else '"#tenant"',
            "legacy_id": '"#key"',
            "created_at": f"coalesce({modified}, {instant})",
            "created_at_basis": basis,
            "updated_at": modified,
            "deleted_at": f"CASE WHEN {archived} THEN coalesce({modified}, {instant}) END",
            "deleted_at_basis": f"CASE WHEN {archived} THEN {basis} END",
            **{c: _json_object(entity.json_columns[c]) for c, pg in target.columns.items() if pg == "jsonb"},
        }
        if target.split is not None:
            known[target.split.owner] = '"#id"'
            if target.split.position is not None:
                known[target.split.position] = f"{target.part}::SMALLINT"
        for name, column in {**entity.references, **entity.derivations}.items():
            place = entity.place(str(column.to))
            if (place.table, place.part) == (target.table, target.part):
                known[place.column] = quote(f"r:{name}" if column.references else f"d:{name}")
                if column.parent_to is not None:
                    known[column.parent_to] = quote(f"p:{name}")
        for column in target.columns:
            yield f"{n}:{column}", known.get(column) or quote(f"v:{target.table}/{target.part}.{column}")


def _json_object(cells: tuple[Cell, ...]) -> str:
    members = []
    for cell in cells:
        value = quote(f"v:{cell.name}")
        if cell.pg_type.startswith("numeric"):
            value = f"CAST({value} AS {target_type(cell.pg_type).duckdb})"
        text = f"CAST({value} AS VARCHAR)"
        written = ids.json_text_sql(text) if cell.pg_type in ("text", "date") else text
        members.append(f"{quoted(_json_name(cell.source) + ': ')} || coalesce({written}, 'null')")
    return "'{' || " + " || ', ' || ".join(members) + " || '}'"


def _json_name(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _present(entity: Entity, target: Target) -> str:
    if target.split is None:
        return '"#mapped" IS NULL'
    if target.split.rows == "each":
        return "true"
    sources: dict[str, None] = {}
    for name, column in entity.columns.items():
        fates = [column.to] if isinstance(column.to, str) else list(column.to or ())
        places = [entity.place(f) for f in fates]
        if column.constant is None and any((p.table, p.part) == (target.table, target.part) for p in places):
            sources[name] = None
    return "coalesce(" + " OR ".join(_filled(entity, c) for c in sources) + ", false)"


def _filled(entity: Entity, name: str) -> str:
    value = quote(name)
    return (
        f"coalesce({value} = '1', false)"
        if entity.columns[name].type == "bit"
        else f"trim(coalesce({value}, ''), ' ') <> ''"
    )


def _source_hash(entity: Entity) -> str:
    return fingerprint.row_hash_sql([fingerprint.cell_sql(quote(c), "text") for c in entity.raw_columns])


def _target_hash(entity: Entity) -> str:
    rows = []
    for n, target in enumerate(entity.targets):
        cells = [fingerprint.cell_sql(quote(f"{n}:{c}"), pg) for c, pg in target.columns.items()]
        row = f"CASE WHEN {_present(entity, target)} THEN {fingerprint.row_hash_sql(cells)} ELSE '' END"
        rows.append(fingerprint.cell_sql(row, "text"))
    return f'CASE WHEN "#mapped" IS NULL THEN {fingerprint.row_hash_sql(rows)} END'
