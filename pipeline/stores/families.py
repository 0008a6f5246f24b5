"""What a source has of the catalog's families: their registries read, and their tables found. Reads; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core import frame
from pipeline.core.family import Found, Row, resolve
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog
from schemas.model import Entity


def find_family(database: LegacyDatabase, entity: Entity, catalog: Catalog) -> Found:
    """Find the tables of a family in a source, and let the source know them.

    Raises:
        SourceError: its registry cannot be read.
        SourceDrift: the registry lacks a column that the entry names.
    """
    family = entity.family
    if family is None:
        raise ValueError(f"{entity.id} is no family")
    registry = catalog[family.registry]
    key = registry.key[0]
    rows = _read(database, registry, [key, *family.tables])
    fields: list[Row] = []
    if family.fields is not None:
        wanted = (family.of, family.column, family.kind, family.place)
        fields = _read(database, catalog[family.fields], [name for name in wanted if name is not None])
    described = (e for e in catalog.entities.values() if e.source == entity.source and e.family is None)
    taken = {t.name for e in described if e.derived_from is None and (t := database.find_of(e)) is not None}
    waived = (w for w in catalog.waived.values() if w.source == entity.source)
    taken |= {t.name for w in waived if (t := database.find(w.schema_name, w.table)) is not None}
    schema, _ = database.place_of(entity.schema_name, "")
    found = resolve(
        entity,
        registry=[(str(row[key]), row) for row in rows],
        fields=fields,
        tables=[t for t in database.tables() if t.schema == schema],
        taken=taken,
    )
    database.families[entity.id] = found.members
    return found


def _read(database: LegacyDatabase, entity: Entity, columns: Sequence[str]) -> list[Row]:
    """Read columns of an entity's rows, in the order of their keys; none where the source has no such table."""
    table = database.find_of(entity)
    if table is None:
        return []
    names = list(dict.fromkeys(columns))
    missing = [n for n in names if entity.columns[n].optional and table.find(n) is None]
    rows = database.read(table, columns=names, key=entity.key, missing=missing).to_pylist()
    return [{name: row[frame.column(name)] for name in names} for row in rows]
