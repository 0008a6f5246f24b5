"""Where a source is not what the catalog says: tables and columns that are missing, of another type, or of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.core.profile import Deviation, TableProfile
from pipeline.core.sql.source import SourceTable
from schemas.engines import Engine
from schemas.likeness import fits
from schemas.model import Entity


def deviations(
    entities: Iterable[Entity],
    found: Mapping[str, SourceTable],
    profiles: Sequence[TableProfile],
    tables: Iterable[SourceTable],
    engine: Engine,
) -> Iterator[Deviation]:
    """Compare a source's tables with the entries that are read from it.

    Args:
        entities: those of its kind.
        found: the tables of those that it has, columns called as their entries call them.
        profiles: what is known of its tables.
        tables: as it describes them.
        engine: its engine.
    """
    # Of a family's tables the entry is another one.
    spoken_of = {(p.schema, p.table) for p in profiles if p.waived is not None or p.entities}
    rows = {(p.schema, p.table): p.rows for p in profiles}
    filled = {(p.schema, p.table, c.name): c.filled for p in profiles for c in p.columns}
    known: dict[tuple[str, str], set[str]] = {}
    for entity in entities:
        table = found.get(entity.id)
        if table is None:
            kind = "absent table" if entity.optional else "missing table"
            yield Deviation(kind, entity.table, None, entity.id, None, None)
            continue
        place = table.schema, table.name
        known.setdefault(place, set()).update(c.lower() for c in entity.columns)
        for name, column in entity.raw_columns.items():
            real = table.find(name)
            if real is None:
                kind = "absent column" if column.optional else "missing column"
                yield Deviation(kind, table.name, name, column.type, None, rows.get(place))
            elif not fits(real.declared_type, engine, column.type, entity.engine):
                yield Deviation("retyped column", table.name, name, column.type, real.declared_type, rows.get(place))
    called = {(t.schema, t.name): t for t in found.values()}
    for table in tables:
        place = table.schema, table.name
        if place not in known and place in spoken_of:
            continue
        if place not in known:
            yield Deviation("own table", table.name, None, None, None, rows.get(place))
            continue
        for own in called[place].columns:
            if own.called.lower() not in known[place]:
                values = filled.get((*place, own.name))
                yield Deviation("extra column", table.name, own.name, None, own.declared_type, values)
