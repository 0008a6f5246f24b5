"""Profile: what legacy databases hold, before anyone trusts them.

Has the source compute what there is to know: of a row no more leaves it than counts, and the least and greatest value
of columns where they may be told. Collects what it can, and says of the rest why not. Writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime

from pipeline.core.profile import (
    ColumnProfile,
    Deviation,
    Hazard,
    KeyProfile,
    RangeProfile,
    ReferenceProfile,
    SourceProfile,
    TableProfile,
)
from pipeline.core.profile.clocks import told
from pipeline.core.profile.deviations import deviations
from pipeline.core.profile.estimates import estimate
from pipeline.core.profile.hazards import of_deviation, of_table, ranked
from pipeline.core.profile.questions import Subject, subject
from pipeline.core.profile.shapes import shape
from pipeline.core.sql import profiled
from pipeline.core.sql.profiled import CLOCKS, HOURS, KEYS_COLUMNS, Asked, Key, Measure
from pipeline.core.sql.source import ForeignKey, SourceTable
from pipeline.errors import MigrationError, SourceError, SourceUnreachable
from pipeline.settings import Settings, Source
from pipeline.stores.asking import each
from pipeline.stores.families import find_family
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog
from schemas.model import Entity
from schemas.parts import Column

#: Of a table: its subject, what is known of it, and for how many rows each check holds.
Looked = tuple[Subject, TableProfile, list[int]]


def profile_source(
    settings: Settings,
    catalog: Catalog,
    source: Source,
    *,
    tables: Collection[str] = (),
    show_values: bool = False,
    structure_only: bool = False,
) -> SourceProfile:
    """Say what a legacy database holds; of one that cannot be read, why not.

    Args:
        settings: the installation's.
        catalog: its catalog.
        source: the database.
        tables: names of those to look at, as `Table` or `schema.Table`; none means all.
        show_values: ask for the least and greatest value of every column, those of persons too.
        structure_only: ask for no row.
    """
    found = SourceProfile(source.id, source.title, source.kind, source.engine, str(source.dsn))
    with closing(LegacyDatabase(source)) as database:
        try:
            there, named = _tables(database, catalog)
            waived, members = _waived(database, catalog), _members(database, catalog)
            found = replace(found, shape=shape(database.tables()))
            keys = () if structure_only else database.foreign_keys()
        except MigrationError as error:
            return replace(found, problem=_why(error))
        looked: list[Looked] = []
        chosen = [t for t in there if not tables or {t.name, f"{t.schema}.{t.name}"} & {*tables}]
        for table in chosen:
            entities = named.get(id(table), [])
            bare, why = Subject(table, tuple(entities), (), frozenset(), (), (), (), ()), waived.get(id(table))
            if structure_only:
                looked.append((bare, replace(_described(bare), waived=why), []))
                continue
            if why is not None:
                looked.append((bare, replace(_look(database, bare, settings)[1], waived=why, columns=()), []))
                continue
            asked = _subject(database, catalog, table, entities, keys, show_values=show_values)
            looked.append(_look(database, asked, settings))
        looked = [(s, _of_family(t, members), checked) for s, t, checked in looked]
        apart = [
            TableProfile(schema, name, (), None, problem=why)
            for (schema, name), why in database.apart().items()
            if not tables and (schema, name) not in {(t.schema, t.name) for t in there}
        ]
        odd = tuple(_deviations(database, catalog, [t for _, t, _ in looked]))
    hazards: list[Hazard] = [h for d in odd if (h := of_deviation(d)) is not None]
    hazards += [h for s, t, checked in looked for h in of_table(s, t, checked)]
    known = [t for _, t, _ in looked]
    return replace(
        found,
        tables=(*known, *apart),
        deviations=odd,
        hazards=ranked(hazards),
        estimate=None if structure_only else estimate(known),
    )


def _why(error: MigrationError) -> str:
    return error.what if error.got is None else f"{error.what}: {error.got}"


def _ids(entities: Iterable[Entity]) -> tuple[str, ...]:
    return tuple(e.id for e in entities)


def _tables(database: LegacyDatabase, catalog: Catalog) -> tuple[list[SourceTable], Mapping[int, list[Entity]]]:
    """Give a source's tables, and by their `id` the entities that are read from them; columns called as these do."""
    named: dict[tuple[str, str], list[Entity]] = {}
    for entity in _of_kind(database, catalog):
        table = database.find(entity.schema_name, entity.table)
        if table is not None:
            named.setdefault((table.schema, table.name), []).append(entity)
    tables = []
    by_id: dict[int, list[Entity]] = {}
    for table in database.tables():
        entities = named.get((table.schema, table.name), [])
        called = table.spelled(entities[0].spellings) if entities else table
        tables.append(called)
        by_id[id(called)] = entities
    return tables, by_id


def _waived(database: LegacyDatabase, catalog: Catalog) -> Mapping[int, str]:
    """Say of the tables that do not migrate why not, by their `id`."""
    own = [w for w in catalog.waived.values() if w.source == database.source.kind]
    return {id(t): w.waived for w in own if (t := database.find(w.schema_name, w.table)) is not None}


def _members(database: LegacyDatabase, catalog: Catalog) -> Mapping[tuple[str, str], str]:
    """Say of the tables of families of which they are; where a registry cannot be read, of none."""
    found: dict[tuple[str, str], str] = {}
    for entity in catalog.entities.values():
        if entity.source == database.source.kind and entity.family is not None:
            with suppress(SourceError):
                members = find_family(database, entity, catalog).members
                found |= dict.fromkeys(((m.schema, m.table) for m in members), entity.id)
    return found


def _of_family(table: TableProfile, members: Mapping[tuple[str, str], str]) -> TableProfile:
    """Say of a table that is one of a family's that its entry reads it, and all of its columns."""
    family = members.get((table.schema, table.table))
    if family is None:
        return table
    return replace(table, entities=(family,), columns=tuple(replace(c, fate="moves") for c in table.columns))


def _of_kind(database: LegacyDatabase, catalog: Catalog) -> list[Entity]:
    own = (e for e in catalog.entities.values() if e.source == database.source.kind)
    return [e for e in own if e.derived_from is None and e.family is None]


def _subject(
    database: LegacyDatabase,
    catalog: Catalog,
    table: SourceTable,
    entities: Sequence[Entity],
    keys: Sequence[ForeignKey],
    *,
    show_values: bool,
) -> Subject:
    def find(entity: Entity) -> SourceTable | None:
        return database.find_of(entity) if entity.source == database.source.kind else None

    return subject(
        table,
        entities,
        catalog,
        database.dialect,
        find=find,
        foreign_keys=keys,
        show_values=show_values,
        today=datetime.now(UTC).date(),
    )


def _described(asked: Subject) -> TableProfile:
    """Say what a table declares."""
    table = asked.table
    columns = tuple(ColumnProfile(c.name, c.declared_type, c.nullable, _fate(asked.entry(c))) for c in table.columns)
    return TableProfile(table.schema, table.name, _ids(asked.entities), None, columns=columns)


def _fate(entry: Column | None) -> str | None:
    return None if entry is None else "moves" if entry.excluded is None else "excluded"


def _look(database: LegacyDatabase, asked: Subject, settings: Settings) -> Looked:
    found = _described(asked)
    try:
        counted = _counted(database, asked, settings)
    except SourceUnreachable:
        raise
    except SourceError as error:
        return asked, replace(found, problem=_why(error)), [0] * len(asked.checks)
    rows = int(counted[-1, "rows"] or 0)
    columns = tuple(_column(asked, n, one, counted, rows, database.source) for n, one in enumerate(asked.asked))
    keys, key_range = _keys(database, asked, {c.name: c for c in columns})
    found = replace(
        found, rows=rows, columns=columns, keys=keys, key_range=key_range, references=_references(database, asked)
    )
    checked = [int(counted[len(asked.asked) + n, "rows"] or 0) for n in range(len(asked.checks))]
    return asked, found, checked


def _counted(database: LegacyDatabase, asked: Subject, settings: Settings) -> dict[tuple[int, str], str | None]:
    """Sum a table up; without a look at its texts, where the source or the reader fails at one that is none."""
    conditions = [c.condition for c in asked.checks]
    limit = settings.run.max_value_bytes
    every = profiled.measures(database.dialect, asked.asked, conditions, max_value_bytes=limit)
    try:
        return _sums(database, asked.table, every)
    except SourceUnreachable:
        raise
    except SourceError:
        tame = [m for m in every if not m.reads_text]
        if tame == every:
            raise
        return _sums(database, asked.table, tame)


def _sums(
    database: LegacyDatabase, table: SourceTable, measures: Sequence[Measure]
) -> dict[tuple[int, str], str | None]:
    found: dict[tuple[int, str], str | None] = {}
    for query, part in profiled.table_queries(database.dialect, table, measures):
        (row,) = database.asking.ask(query, profiled.names(part), table).to_pylist()
        found |= {(m.number, m.name): row[name] for m, name in zip(part, profiled.names(part), strict=True)}
    return found


def _column(
    asked: Subject,
    number: int,
    one: Asked,
    counted: Mapping[tuple[int, str], str | None],
    rows: int,
    source: Source,
) -> ColumnProfile:
    said = {name: value for (n, name), value in counted.items() if n == number}
    filled = int(said["filled"] or 0)
    hours = None
    if one.family in CLOCKS:
        every = {str(hour): int(said[f"hour_{hour}"] or 0) for hour in HOURS}
        hours = {hour: n for hour, n in every.items() if n}
    numbers = {
        name: int(float(value or 0))  # a sum of MySQL's is a decimal
        for name, value in said.items()
        if name not in ("filled", "least", "greatest") and not name.startswith("hour_")
    }
    return ColumnProfile(
        one.column.name,
        one.column.declared_type,
        one.column.nullable,
        _fate(asked.entry(one.column)),
        filled,
        rows - filled,
        is_masked=one.column.name in asked.masked,
        least=said.get("least"),
        greatest=said.get("greatest"),
        hours=hours,
        clock=told(hours, (source.tenant_zone, source.host_zone)) if hours else None,
        **numbers,
    )


def _keys(
    database: LegacyDatabase, asked: Subject, columns: Mapping[str, ColumnProfile]
) -> tuple[tuple[KeyProfile, ...], RangeProfile | None]:
    def ask(part: Sequence[Key]) -> list[dict[str, str] | None]:
        return [*database.asking.numbered(profiled.keys_query(database.dialect, part), KEYS_COLUMNS, len(part))]

    answers = each(asked.keys, ask, lambda _: None)
    found, key_range = [], None
    for key, answer in zip(asked.keys, answers, strict=True):
        count, rows = (None, None) if answer is None else (int(answer["count"]), int(float(answer["rows"])))
        if not key.is_gaps:
            found.append(KeyProfile(key.columns, key.is_folded, count, rows))
            continue
        column = columns[asked.table.column(key.columns[0]).name]
        missing = None
        if column.least is not None and column.greatest is not None and column.distinct is not None:
            missing = int(column.greatest) - int(column.least) + 1 - column.distinct
        widest = None if rows is None else max(rows - 1, 0)
        key_range = RangeProfile(column.name, column.least, column.greatest, missing, count, widest)
    return tuple(found), key_range


def _references(database: LegacyDatabase, asked: Subject) -> tuple[ReferenceProfile, ...]:
    """Follow all references of a table in one pass; where that fails, each by itself."""
    followed = [r for r in asked.references if r.why_not is None]
    counts: dict[int, tuple[int, int] | None] = {}
    together = [followed] if followed else []
    while together:
        part = together.pop()
        references = [r.reference for r in part]
        try:
            query = profiled.references_query(database.dialect, asked.table, references)
            names = profiled.reference_names(references)
            (row,) = database.asking.ask(query, names, asked.table).to_pylist()
        except SourceUnreachable:
            raise
        except SourceError:
            if len(part) > 1:
                together += [[r] for r in part]
            continue
        for n, reference in enumerate(part):
            counts[id(reference)] = int(float(row[f"filled{n}"] or 0)), int(float(row[f"orphans{n}"] or 0))
    return tuple(
        ReferenceProfile(
            r.reference.columns,
            r.parents,
            r.is_declared,
            r.why_not or (None if id(r) in counts else "the source does not compare the columns"),
            *(counts.get(id(r)) or (None, None)),
        )
        for r in asked.references
    )


def _deviations(database: LegacyDatabase, catalog: Catalog, tables: Sequence[TableProfile]) -> Iterable[Deviation]:
    entities = _of_kind(database, catalog)
    found = {e.id: t for e in entities if (t := database.find_of(e)) is not None}
    named = Counter(e for t in tables for e in t.entities)
    return deviations(entities, found, tables, database.tables(), database.source.engine) if named or tables else ()
