"""What is wrong with the entry of a family: what fills its columns, and what it says of its registry.

Values in, sentences out, as checks.py has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.family import FIELDS, Family
from schemas.files import near
from schemas.model import Entity

if TYPE_CHECKING:
    from schemas.catalog import Catalog

#: What is wrong: where in the entry, and what.
Problems = Iterable[tuple[str, str]]


def wrong_families(catalog: Catalog) -> Iterator[str]:
    """Say what is wrong with each family, and with entries that are none and speak like one."""
    for entity in catalog.entities.values():
        found = _of_none(entity) if entity.family is None else _of_one(catalog, entity, entity.family)
        yield from (f"{entity.service}.toml: {entity.name}.{place}: {what}" for place, what in found)


def _of_none(entity: Entity) -> Problems:
    for name, column in entity.columns.items():
        if column.family is not None:
            yield f"columns.{name}.family", "the entry is of no family: leave it out, or say `family` of the entry"
        if FIELDS in _converters(entity, name):
            yield f"columns.{name}", f"converter {FIELDS!r} is for the fields of a family's tables"


def _of_one(catalog: Catalog, entity: Entity, family: Family) -> Problems:
    roles = {name: c.family for name, c in entity.columns.items() if c.family is not None}
    for role in ("table", "fields"):
        if [*roles.values()].count(role) != 1:
            yield "columns", f"one column of a family is its `{role}`: family = {role!r}"
    named_in = next((name for name, role in roles.items() if role == "table"), "")
    if len(entity.key) < 2 or entity.key[0] != named_in:
        yield "key", "a family's rows are known by their table and their key there: the table's column comes first"
    for name, role in roles.items():
        if (FIELDS in _converters(entity, name)) != (role == "fields"):
            yield f"columns.{name}.convert", f"the fields of a row, and they alone, take converter {FIELDS!r}"
        if entity.legacy_type(name)[1].family != "text" and role != "row":
            yield f"columns.{name}.type", "is text that is made of what is read: leave the type out"
        if entity.columns[name].column is not None:
            yield f"columns.{name}.column", "is no column of the tables: leave its name there out"
    for word, said in (("derived_from", entity.derived_from), ("shared", entity.shared)):
        if said is not None:
            yield word, "is not for a family, whose rows are of the tables that a source has"
    if entity.tenant != "source":
        yield "tenant", "is not for a family: its tables are in each tenant's own database"
    yield from _registry(catalog, entity, family)


def _registry(catalog: Catalog, entity: Entity, family: Family) -> Problems:
    wanted = {
        "registry": (family.registry, {"tables": [*family.tables]}),
        "fields": (
            family.fields,
            {word: [name for name in [getattr(family, word)] if name] for word in ("of", "column", "kind", "place")},
        ),
    }
    for word, (name, columns) in wanted.items():
        if name is None:
            continue
        if name not in catalog.entities:
            yield f"family.{word}", f"no entity {name!r} in the catalog; {near(name, catalog.entities)}"
            continue
        other = catalog[name]
        if other.source != entity.source or other.family is not None or other.derived_from is not None:
            yield f"family.{word}", f"{name} is no table of each {entity.source} that could name others"
        elif len(other.key) != 1:
            yield f"family.{word}", f"{name} is known by {len(other.key)} columns, expected one"
        for place, names in columns.items():
            for column in names:
                if column not in other.raw_columns:
                    yield f"family.{place}", f"{name} reads no column {column!r}; {near(column, other.raw_columns)}"
    own = [n for n, c in entity.raw_columns.items() if c.family is None]
    for name in family.like:
        if name not in own:
            yield "family.like", f"its tables have no column {name!r} by the entry; {near(name, own)}"


def _converters(entity: Entity, name: str) -> set[str]:
    return {c.converter for c in entity.cells if c.source == name}
