"""What an entity's rows look for among others' and what its target cells are made of, resolved once, as values.

Two renderers turn a node into an expression: Polars in `transform`, DuckDB SQL in `sql.judged`. What they read here,
neither works out by itself; the conversions of single values stay pairs written by hand. `explain` shows the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.core import frame
from schemas.catalog import Catalog, MatchKey
from schemas.model import Cell, Entity, Target


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity among whose living rows one is looked for, and by which of its match keys."""

    parent: Entity
    key: MatchKey
    #: The key's place among the match keys.
    index: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """A reference: the raw columns that name a row, and where it may be; the first candidate that has it counts."""

    name: str
    using: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    #: Whether it is asked which candidate has the row, and whether several rows have the name.
    tells_entity: bool
    tells_ambiguity: bool


@dataclass(frozen=True, slots=True)
class SharedLookup:
    """The shared row that is equal in the key's columns: whole, in name alone, or in one compared column beside it."""

    #: Of the frame's column with its id.
    name: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Agreement:
    """The columns that name a row's parent together with what a rule compares, and the parent."""

    #: The rule's place among the entry's.
    number: int
    using: tuple[str, ...]
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Id:
    """The id of the row, or of the further row `#<table>/<part>` that is made of it."""

    piece: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant that the row belongs to; NULL in a table of shared rows."""

    shared: bool


@dataclass(frozen=True, slots=True)
class Key:
    """The legacy key, as text."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a conversion makes of a raw column."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Json:
    """An object of several converted columns, by their legacy names."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """The id of the row that a reference leads to."""

    reference: str


@dataclass(frozen=True, slots=True)
class ParentEntity:
    """The entity of the row that a reference leads to."""

    reference: str


@dataclass(frozen=True, slots=True)
class Derived:
    """The id of the derived row that the row belongs to."""

    column: str


@dataclass(frozen=True, slots=True)
class Position:
    """The number of a part of a split."""

    part: int


@dataclass(frozen=True, slots=True)
class Moment:
    """The first of several moments that the row has, and else, where the row must have one, the as-of instant."""

    cells: tuple[Cell, ...]
    or_as_of: bool
    #: A flag, of which only rows that it archives have a moment at all.
    flag: Cell | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """The name of the column that a moment is taken from, or that it is the as-of instant."""

    of: Moment


Node = Id | Tenant | Key | Value | Json | Parent | ParentEntity | Derived | Position | Moment | Basis


@dataclass(frozen=True, slots=True)
class Filled:
    """A part of a split is there where any of these raw columns is filled; a flag is where it is on."""

    columns: tuple[str, ...]
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Always:
    """A part of a split is there for every row."""


@dataclass(frozen=True, slots=True)
class Part:
    """One target of an entity: a table, or a part of a split, with what its cells are made of."""

    target: Target
    cells: Mapping[str, Node]
    #: Which rows have it; None is of the main target, which every row has that is not mapped to a shared one.
    presence: Filled | Always | None


def lookups(entity: Entity, catalog: Catalog) -> tuple[Lookup, ...]:
    """Resolve the references of an entity."""
    return tuple(
        Lookup(
            name,
            column.own_key(name),
            tuple(_candidate(catalog, p, MatchKey(column.by or catalog[p].key)) for p in column.references),
            tells_entity=column.parent_to is not None,
            tells_ambiguity=bool(column.by),
        )
        for name, column in entity.references.items()
    )


def shared_lookups(entity: Entity, catalog: Catalog) -> tuple[SharedLookup, ...]:
    """Resolve what an entity compares with shared rows; nothing, where it has none."""
    if entity.shared is None:
        return ()
    on, every, *single = catalog.shared_keys(entity)
    named = [(frame.NAMESAKE, on), (frame.SHARED, every), *((frame.same(k.columns[-1]), k) for k in single)]
    return tuple(SharedLookup(name, _candidate(catalog, entity.shared.entity, key)) for name, key in named)


def agreements(entity: Entity, catalog: Catalog) -> tuple[Agreement, ...]:
    """Resolve the rules that compare rows with their parents."""
    found = []
    for number, rule in entity.agreements.items():
        name = str(rule.through)
        using = (*entity.references[name].own_key(name), rule.column)
        found.append(Agreement(number, using, _candidate(catalog, *catalog.agreement_key(entity, rule))))
    return tuple(found)


def candidates(entity: Entity, catalog: Catalog) -> tuple[Candidate, ...]:
    """List all places where an entity's rows look for others."""
    of_references = (c for lookup in lookups(entity, catalog) for c in lookup.candidates)
    of_rules = (agreement.candidate for agreement in agreements(entity, catalog))
    return (*of_references, *of_rules, *(lookup.candidate for lookup in shared_lookups(entity, catalog)))


def _candidate(catalog: Catalog, parent: str, key: MatchKey) -> Candidate:
    return Candidate(catalog[parent], key, catalog.match_keys[parent].index(key))


def parts(entity: Entity) -> tuple[Part, ...]:
    """Resolve an entry: its main target, then each part of each split, columns in the order of the table."""
    return tuple(_part(entity, target) for target in entity.targets)


def presence(entity: Entity, target: Target) -> Filled | Always | None:
    """Say of which rows a target has one."""
    if target.split is None:
        return None
    if target.split.rows == "each":
        return Always()
    here = (target.table, target.part)
    read: dict[str, None] = {}
    for cell in entity.cells:
        if (cell.place.table, cell.place.part) == here and cell.column.constant is None:
            read[cell.source] = None
    for name, column in entity.references.items():
        place = entity.place(str(column.to))
        if (place.table, place.part) == here and column.constant is None:
            read[name] = None
    return Filled(tuple(read), frozenset(n for n in read if entity.columns[n].type == "bit"))


def part_makers(entity: Entity) -> frozenset[str]:
    """Name the cells by which a row of a part is there; where it is not, what they hold is held nowhere."""
    found: set[str] = set()
    for target in entity.targets:
        match presence(entity, target):
            case Filled(columns):
                here = (c for c in entity.cells if (c.place.table, c.place.part) == (target.table, target.part))
                found |= {c.name for c in here if c.source in columns}
    return frozenset(found)


def _part(entity: Entity, target: Target) -> Part:
    created = Moment(_known(entity.created, entity.modified), or_as_of=True)
    deleted = Moment(_known(entity.deleted), or_as_of=False)
    if entity.soft_delete is not None:
        deleted = Moment(_known(entity.deleted, entity.modified), or_as_of=True, flag=entity.soft_delete)
    made: dict[str, Node] = {
        "id": Id(f"#{target.table}/{target.part}" if target.split else ""),
        "tenant_id": Tenant(entity.is_shared),
        "legacy_id": Key(),
        "created_at": created,
        "created_at_basis": Basis(created),
        "updated_at": Moment(_known(entity.modified), or_as_of=False),
        "deleted_at": deleted,
        "deleted_at_basis": Basis(deleted),
    }
    if target.split is not None:
        made[target.split.owner] = Id()
        if target.split.position is not None:
            made[target.split.position] = Position(target.part)
    for name, column in {**entity.references, **entity.derivations}.items():
        place = entity.place(str(column.to))
        if (place.table, place.part) == (target.table, target.part):
            made[place.column] = Parent(name) if column.references else Derived(name)
            if column.parent_to is not None:
                made[column.parent_to] = ParentEntity(name)
    if target.split is None:
        made |= {column: Json(cells) for column, cells in entity.json_columns.items()}
    converted = {
        cell.place.column: Value(cell)
        for cell in entity.cells
        if (cell.place.table, cell.place.part) == (target.table, target.part) and cell.column.json_to is None
    }
    return Part(target, {c: made.get(c) or converted[c] for c in target.columns}, presence(entity, target))


def _known(*cells: Cell | None) -> tuple[Cell, ...]:
    return tuple(cell for cell in cells if cell is not None)
