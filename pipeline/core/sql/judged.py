"""DuckDB SQL that converts, resolves, judges and lays out the rows of an entity. Text only.

The heart of verification: values, references, verdicts, target columns and hashes are worked out here from tagged
raw rows, by SQL that shares nothing with the transformation but the catalog and the names of verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, cast

from pipeline.core import fingerprint, frame, ids, recipe
from pipeline.core.clock import FIRST, LAST
from pipeline.core.converters import CONVERTERS, setting_of
from pipeline.core.quality import AS_OF, MOST_KEY_BYTES, Kind, Test, Verdict, verdicts
from pipeline.core.sql import relations
from pipeline.core.sql.breaches import breach, repeated
from pipeline.core.sql.columns import (
    AMBIGUOUS,
    BATCH,
    CONTESTED,
    FOUND,
    HOST_ZONE,
    ID,
    KEY,
    MATCH,
    NAMESAKE,
    ORDINAL,
    REJECTED,
    SHARED,
    SOURCE,
    SOURCE_HASH,
    TARGET_HASH,
    TENANT,
    TENANT_ZONE,
    UNFIT,
    column,
)
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.keys import content_hash, key_text, match_text, row_id, value
from pipeline.core.text import quoted, said
from schemas.catalog import Catalog
from schemas.model import Cell, Entity, Target
from schemas.targets import target_type


def zone_years() -> Iterator[str]:
    """Give each transition a row for every year in which it holds, so that a join of equals finds few for a moment."""
    for by, relation in relations.ZONE_YEARS.items():
        since, until = f"from_{by}", f"lead(from_{by}, 1, TIMESTAMP '20000-01-01')"
        yield said(
            f"What holds of the run's zones in which year, by {'UTC' if by == 'utc' else 'local time'}.",
            f"CREATE OR REPLACE TABLE {relation} AS SELECT *, "
            f"unnest(range({_year('since')}, {_year('until')} + 1)) AS year FROM (SELECT *, {since} AS since, "
            f"{until} OVER (PARTITION BY zone ORDER BY {since}) AS until FROM {relations.ZONE})",
        )


def _year(moment_sql: str) -> str:
    return f"least(greatest(year({moment_sql}), {FIRST.year}), {LAST.year})"


@dataclass(slots=True)
class ZoneJoins:
    """Collects the joins that conversions of local time ask for."""

    joins: list[str] = field(default_factory=list)

    def __call__(self, moment_sql: str, *, zone: Literal["host", "tenant"], by: Literal["local", "utc"]) -> str:
        """Join the transitions of the row's host or tenant zone; return the alias."""
        alias = f"z{len(self.joins)}"
        own = HOST_ZONE if zone == "host" else TENANT_ZONE
        self.joins.append(
            f"LEFT JOIN {relations.ZONE_YEARS[by]} {alias} ON {alias}.zone = t.{own} "
            f"AND {alias}.year = {_year(moment_sql)} AND {moment_sql} >= {alias}.since AND {moment_sql} < {alias}.until"
        )
        return alias


def judged(entity: Entity, catalog: Catalog, *, tenants: Iterable[str], as_of: datetime) -> str:
    """Convert, resolve, judge and lay out every row of the selected tenants."""
    zones = ZoneJoins()
    values = list(_values(entity, zones))
    given = [f"({_given(name, entity)}) AS {quote(frame.given(name))}" for name in entity.references]
    chosen = ", ".join(quoted(t) for t in tenants)
    computed = "".join(f", {sql}" for sql in (*values, *given))
    rows = f"{relations.tagged(entity.id)} WHERE {TENANT} IN ({chosen})"
    taken = f"SELECT *{_composed(entity)}{_read(entity)}{repeated(entity, rows)} FROM {rows}"
    made = f"SELECT t.*{computed} FROM ({taken}) t {' '.join(zones.joins)}"
    found, joins = _references(entity, catalog)
    ids_of = [f"{row_id(entity)} AS {ID}", *_derived_ids(entity, catalog)]
    flags = [f"coalesce({_decided(v, entity, as_of)}, false) AS {quote(v.flag)}" for v in verdicts(entity)]
    rejected = " OR ".join(quote(v.flag) for v in verdicts(entity, Kind.REJECT))
    laid = list(_laid_out(entity, as_of))
    # What the intermediate steps made (values, resolved ids) is in the laid-out columns; storing it costs most.
    tags = (TENANT, KEY, ORDINAL, REJECTED, SHARED, ID, HOST_ZONE, TENANT_ZONE, SOURCE, BATCH)
    kept = [*tags, *_legacy_columns(entity, catalog)]
    kept += [] if entity.derived_from else [UNFIT]
    kept += [quote(v.flag) for v in verdicts(entity)] + [name for name, _ in laid]
    sentence = (
        f"What every row of {entity.id} must become: values converted, references resolved, verdicts given, "
        "target columns laid out, hashes."
    )
    return said(
        sentence,
        f"""
CREATE OR REPLACE TABLE {relations.judged(entity.id)} AS
WITH made AS ({made}),
found AS (SELECT m.*, {", ".join(found)} FROM made m {" ".join(joins)}),
flagged AS (SELECT *, {", ".join([*ids_of, *flags])} FROM found),
laid AS (SELECT *, {", ".join([f"{rejected} AS {REJECTED}", *(f"{sql} AS {name}" for name, sql in laid)])} FROM flagged)
SELECT {", ".join(kept)}, {_as_id(_source_hash(entity))} AS {SOURCE_HASH},
       {_as_id(_target_hash(entity))} AS {TARGET_HASH} FROM laid
""",
    )


def _legacy_columns(entity: Entity, catalog: Catalog) -> Iterator[str]:
    """Keep of the legacy columns what is read again: of some every row, of the others those that are set down as raw.

    Most columns of most rows say no more than the target's columns beside them.
    """
    whole = {c for key in catalog.match_keys[entity.id] for c in key.columns}
    for derived in (e for e in catalog.entities.values() if e.derived_from == entity.id):
        # Constants too: where both have one of a name, that of the row is read.
        whole |= {*derived.raw_columns, *derived.constants}
    for part in recipe.parts(entity):
        if isinstance(part.presence, recipe.Filled):
            whole |= {*part.presence.columns}
    for name in (*entity.raw_columns, *entity.constants, *entity.composites):
        flags = [quote(v.flag) for v in verdicts(entity, Kind.RAW) if v.column == name]
        kept = f"CASE WHEN {' OR '.join([REJECTED, *flags])} THEN {column(name)} END AS {column(name)}"
        yield column(name) if name in whole else kept


def _given(name: str, entity: Entity) -> str:
    return " AND ".join(f"t.{column(c)} IS NOT NULL" for c in entity.columns[name].own_key(name))


def _lost(reference: str) -> str:
    return f"{quote(frame.given(reference))} AND {quote(frame.parent(reference))} IS NULL"


def _means_absent(entity: Entity, name: str) -> str:
    values = ", ".join(quoted(v) for v in entity.columns[name].absent)
    return f"coalesce({column(name)} IN ({values}), false)" if values else "false"


def _references(entity: Entity, catalog: Catalog) -> tuple[list[str], list[str]]:
    """Give what is found of the parents that every reference names, and the joins that it comes from."""
    columns, joins = [], []
    for n, lookup in enumerate(recipe.lookups(entity, catalog)):
        name, given = lookup.name, f"m.{quote(frame.given(lookup.name))}"
        aliases = [(f"p{n}_{i}", candidate) for i, candidate in enumerate(lookup.candidates)]
        for alias, candidate in aliases:
            using = [value(c, entity.constants, "m.") for c in lookup.using]
            match = match_text(candidate.parent, candidate.key, using)
            joins.append(_joined(alias, candidate, f"CASE WHEN {given} THEN {match} END"))
        columns.append(f"coalesce({', '.join(f'{a}.{FOUND}' for a, _ in aliases)}) AS {quote(frame.parent(name))}")
        if lookup.tells_entity:
            which = " ".join(f"WHEN {a}.{FOUND} IS NOT NULL THEN {quoted(c.parent.id)}" for a, c in aliases)
            columns.append(f"CASE {which} END AS {quote(frame.parent_entity(name))}")
        if lookup.tells_ambiguity:
            ambiguous = ", ".join(f"{a}.{AMBIGUOUS}" for a, _ in aliases)
            columns.append(f"coalesce({ambiguous}) AS {quote(frame.ambiguous(name))}")
    for agreement in recipe.agreements(entity, catalog):
        candidate, alias = agreement.candidate, f"a{agreement.number}"
        held = [value(c, entity.constants, "m.") for c in agreement.using]
        for n, last in enumerate((held[-1], "NULL::VARCHAR")):
            match = match_text(candidate.parent, candidate.key, [*held[:-1], last])
            joins.append(_joined(f"{alias}_{n}", candidate, match))
        told = quote(frame.agreeing(agreement.number))
        columns.append(f"coalesce({alias}_0.{FOUND}, {alias}_1.{FOUND}) IS NOT NULL AS {told}")
    for n, shared in enumerate(recipe.shared_lookups(entity, catalog)):
        key = shared.candidate.key
        match = match_text(shared.candidate.parent, key, [f"m.{column(c)}" for c in key.columns])
        joins.append(_joined(f"s{n}", shared.candidate, match))
        columns.append(f"s{n}.{FOUND} AS {quote(shared.name)}")
    if entity.shared is None:
        columns.append(f"NULL::UUID AS {SHARED}")
    return columns, joins


def _joined(alias: str, candidate: recipe.Candidate, match: str) -> str:
    """Join the living rows of a candidate."""
    tenant = "" if candidate.parent.is_shared else f" AND {alias}.{TENANT} = m.{TENANT}"
    live = relations.live(candidate.parent.id, candidate.index)
    return f"LEFT JOIN {live} {alias} ON {alias}.{MATCH} = {match}{tenant}"


def _derived_ids(entity: Entity, catalog: Catalog) -> Iterator[str]:
    """Form the id of the derived row that a row belongs to."""
    for name, origin in entity.derivations.items():
        derived = catalog[str(origin.derived)]
        group = key_text(derived, derived.key, entity.constants)
        derived_id = ids.uuid5_sql(derived.namespace, ids.row_name_sql(TENANT, derived.path, group))
        yield f"{derived_id} AS {quote(frame.derived(name))}"


def _composed(entity: Entity) -> str:
    """Write as JSON what holds the key of a reference that is no column of its own; NULL where all of it is NULL."""
    columns = ""
    for name, reference in entity.composites.items():
        filled = f"coalesce({', '.join(map(column, reference.using))}) IS NOT NULL"
        columns += f", CASE WHEN {filled} THEN {key_text(entity, reference.using)} END AS {column(name)}"
    return columns


def _read(entity: Entity) -> str:
    """Take the dear first step of conversions once for each column."""
    steps = {CONVERTERS[c.converter].step(c.source): c for c in entity.cells}
    return "".join(
        f", {reads(column(cell.source))} AS {quote(step)}"
        for step, cell in steps.items()
        if step is not None and (reads := CONVERTERS[cell.converter].reads_sql)
    )


def _values(entity: Entity, zones: ZoneJoins) -> Iterator[str]:
    asked = {v.outcome for v in verdicts(entity)}
    for cell in entity.cells:
        step = CONVERTERS[cell.converter].step(cell.source)
        setting = replace(setting_of(cell), read_sql=None if step is None else f"t.{quote(step)}")
        made = CONVERTERS[cell.converter].sql(f"t.{column(cell.source)}", setting, zones)
        made = made.tolerant() if cell.column.unreadable == "keep" else made
        yield f"{made.value} AS {_value(cell)}"
        outcomes = {
            frame.unreadable(cell.name): made.unreadable,
            frame.altered(cell.name): made.altered,
            frame.noteworthy(cell.name): made.finding,
            frame.finer(cell.name): made.finer,
            **{frame.odd(cell.name, oddity): told for oddity, told in made.odd.items()},
        }
        yield from (f"{sql or 'false'} AS {quote(name)}" for name, sql in outcomes.items() if name in asked)


def _decided(verdict: Verdict, entity: Entity, as_of: datetime) -> str:
    name, cell = verdict.column, verdict.cell.name if verdict.cell else ""
    match verdict.test:
        case Test.TENANT:
            return f"{TENANT} = '{ids.UNRESOLVED}'"
        case Test.CONTESTED:
            return CONTESTED
        case Test.REQUIRED:
            return f"NOT {quote(frame.given(name))}" if name in entity.composites else f"{column(name)} IS NULL"
        case Test.UNFIT:
            return f"{UNFIT} IS NOT NULL"
        case Test.DOUBLED:
            return f"{ORDINAL} > 0"
        case Test.LONG_KEY:
            return f"strlen({KEY}) > {MOST_KEY_BYTES}"
        case Test.SCRUBBED:
            return f"{quote(frame.scrubbed(name))} = '1'"
        case Test.UNREADABLE | Test.ALTERED | Test.FINER | Test.AMBIGUOUS | Test.ODD:
            return quote(verdict.outcome)
        case Test.TOO_LONG:
            return f"length({quote(frame.value(cell))}) > {entity.columns[name].max_length}"
        case Test.NOTEWORTHY:
            return f"{quote(verdict.outcome)} AND {quote(frame.value(cell))} IS NOT NULL"
        case Test.ABSENT if cell:
            return f"{quote(verdict.outcome)} AND {quote(frame.value(cell))} IS NULL"
        case Test.UNFILLED:
            return f"{column(name)} IS NOT NULL AND NOT {present(entity, entity.target_of(cast(Cell, verdict.cell)))}"
        case Test.RESTORED:
            return f"{quote(frame.value(cell))} IS NOT NULL AND NOT {_archived(cast(Cell, entity.soft_delete))}"
        case Test.PARENT | Test.DEAD:
            return f"{_lost(name)} AND NOT {_means_absent(entity, name)}"
        case Test.ABSENT:
            return f"{_lost(name)} AND {_means_absent(entity, name)}"
        case Test.DIFFERS:
            return f"{NAMESAKE} IS NOT NULL AND {quote(frame.same(name))} IS NULL"
        case Test.RULE:
            return " OR ".join(breach(rule, entity, as_of) for rule in verdict.rules)


def _laid_out(entity: Entity, as_of: datetime) -> Iterator[tuple[str, str]]:
    """Give the columns that target cells are laid out in, and what they are made of."""
    for n, part in enumerate(recipe.parts(entity)):
        for name, node in part.cells.items():
            if (own := quote(frame.laid_out(n, name))) == laid_out(n, name, node):
                yield own, f"CAST({rendered(node, entity, as_of)} AS {target_type(part.target.columns[name]).duckdb})"


def laid_out(number: int, name: str, node: recipe.Node) -> str:
    """Give the SQL of a cell of the n-th target, over judged rows: a column of its own, or one that a row has once."""
    match node:
        case recipe.Id(""):
            return ID
        case recipe.Tenant(shared):
            return "NULL::UUID" if shared else f"CAST({TENANT} AS UUID)"
        case recipe.Key():
            return KEY
    return quote(frame.laid_out(number, name))


def rendered(node: recipe.Node, entity: Entity, as_of: datetime) -> str:
    """Give the SQL of a node, over rows that are converted and resolved."""
    match node:
        case recipe.Id(piece):
            return row_id(entity, piece) if piece else ID
        case recipe.Tenant(shared):
            return "NULL::UUID" if shared else TENANT
        case recipe.Key():
            return KEY
        case recipe.Value(cell):
            return _value(cell)
        case recipe.Json(cells):
            return _json_object(cells)
        case recipe.Parent(reference):
            return quote(frame.parent(reference))
        case recipe.ParentEntity(reference):
            return quote(frame.parent_entity(reference))
        case recipe.Derived(name):
            return quote(frame.derived(name))
        case recipe.Position(number):
            return f"{number}::SMALLINT"
        case recipe.Moment():
            known = [_value(c) for c in node.cells]
            if node.or_as_of:
                known.append(f"TIMESTAMPTZ {quoted(as_of.isoformat())}")
            return _of_archived(f"coalesce({', '.join(known)})" if known else "NULL::TIMESTAMPTZ", node)
        case recipe.Basis(moment):
            told = "".join(f"WHEN {_value(c)} IS NOT NULL THEN {quoted(c.source)} " for c in moment.cells)
            otherwise = quoted(AS_OF) if moment.or_as_of else "NULL::VARCHAR"
            return _of_archived(f"CASE {told}ELSE {otherwise} END" if told else otherwise, moment)


def _of_archived(sql: str, moment: recipe.Moment) -> str:
    return sql if moment.flag is None else f"CASE WHEN {_archived(moment.flag)} THEN {sql} END"


def _value(cell: Cell) -> str:
    return quote(frame.value(cell.name))


def _archived(flag: Cell) -> str:
    return f"({_value(flag)} IS {'TRUE' if flag.column.archives_when else 'FALSE'})"


def _json_object(cells: tuple[Cell, ...]) -> str:
    members = []
    for cell in cells:
        value = _value(cell)
        if cell.pg_type.startswith("numeric"):
            value = f"CAST({value} AS {target_type(cell.pg_type).duckdb})"
        text = f"CAST({value} AS VARCHAR)"
        if cell.pg_type.startswith("numeric"):
            # DuckDB writes a decimal that is all fraction without the zero before its point.
            text = rf"regexp_replace({text}, '^(-?)[.]', '\10.')"
        written = ids.json_text_sql(text) if cell.pg_type in ("text", "date") else text
        members.append(f"{quoted(json_name(cell.source) + ': ')}, coalesce({written}, 'null')")
    return "concat('{', " + ", ', ', ".join(members) + ", '}')"


def json_name(name: str) -> str:
    """Write a column's name as a JSON string."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def present(entity: Entity, target: Target) -> str:
    """Say of each row whether it has a row in the target: of a split, whether any of the part's columns is filled."""
    match recipe.presence(entity, target):
        case recipe.Filled(columns, flags):
            found = (
                f"coalesce({raw} = '1', false)" if name in flags else f"trim(coalesce({raw}, ''), ' ') <> ''"
                for name, raw in ((n, column(n)) for n in columns)
            )
            return f"coalesce({' OR '.join(found)}, false)"
        case recipe.Always():
            return "true"
        case None:
            return f"{SHARED} IS NULL"


def _as_id(hash_sql: str) -> str:
    """Bring a hash to the 16 bytes that it is, which is how the ledger has it."""
    return f"CAST(unhex({hash_sql}) AS UUID)"


def _source_hash(entity: Entity) -> str:
    """Hash what was read of a row; of a derived one only if it is rejected, for its id map holds none."""
    source_hash = content_hash(entity)
    return f"CASE WHEN {REJECTED} THEN {source_hash} END" if entity.derived_from else source_hash


def _target_hash(entity: Entity) -> str:
    rows = []
    for n, part in enumerate(recipe.parts(entity)):
        pg = part.target.columns
        cells = [fingerprint.cell_sql(laid_out(n, c, node), pg[c]) for c, node in part.cells.items()]
        rows.append(fingerprint.hash_cell(fingerprint.row_hash_sql(cells), present=present(entity, part.target)))
    return f"CASE WHEN {SHARED} IS NULL THEN {fingerprint.row_hash_sql(rows)} END"
