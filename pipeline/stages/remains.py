"""What remains in a source: its tables and columns that no entry names, and about how many rows. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.outcome import Unnamed
from pipeline.core.sql.described import APART
from pipeline.core.sql.source import SourceTable
from pipeline.errors import SourceError
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog
from schemas.model import DEFAULT_SCHEMA, Entity
from schemas.waivers import Waived


def unnamed(database: LegacyDatabase, entities: Iterable[Entity], catalog: Catalog) -> tuple[Unnamed, ...]:
    """List the tables of a source that no entry names, and the columns that those of some entities do not."""
    source = database.source
    known: list[Entity | Waived] = [
        *(e for e in catalog.entities.values() if e.source == source.kind and e.derived_from is None),
        *(w for w in catalog.waived.values() if w.source == source.kind),
    ]
    named = {id(table) for e in known if (table := database.find(e.schema_name, e.table)) is not None}
    named |= {id(database.find(m.schema, m.table)) for members in database.families.values() for m in members}
    apart, there = database.apart(), database.tables()
    found = [
        (t, shown(t.schema, t.name))
        for t in there
        if id(t) not in named and apart.get((t.schema, t.name)) != APART["shadow"]
    ]
    for entity in entities:
        table = database.find_of(entity)
        columns = {n.lower() for n in entity.columns}
        for column in table.columns if table is not None else ():
            if table is not None and column.called.lower() not in columns:
                found.append((table, f"{shown(table.schema, table.name)}.{column.name}"))
    rows = _rows(database, [table for table, _ in found])
    is_estimate = database.dialect.estimates_query() is not None
    closed = [place for place in apart if place not in {(t.schema, t.name) for t in there}]
    return (
        *(Unnamed(source.id, name, n, is_estimate) for (_, name), n in zip(found, rows, strict=True)),
        *(Unnamed(source.id, shown(*place), None, is_estimate) for place in closed),
    )


def waived(database: LegacyDatabase, tables: Iterable[Waived]) -> dict[str, int]:
    """Count the rows of those tables that a source has, of tables that do not migrate."""
    own = (w for w in tables if w.source == database.source.kind)
    there = {w.id: table for w in own if (table := database.find(w.schema_name, w.table)) is not None}
    return dict(zip(there, database.count(*there.values()), strict=True)) if there else {}


def _rows(database: LegacyDatabase, tables: Sequence[SourceTable]) -> list[int | None]:
    if not tables:
        return []
    try:
        return database.about_rows(tables)
    except SourceError as error:
        if error.transient:
            raise
        return [None] * len(tables)  # a table of a module that is not there, a catalog that is not granted


def shown(schema: str, table: str) -> str:
    """Name a table; the schema that SQLite has, and every engine may, is not said."""
    return table if schema == DEFAULT_SCHEMA else f"{schema}.{table}"
