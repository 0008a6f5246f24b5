"""References of a draft: what foreign keys become, where equal values have one text; and why others become nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.core.draft.columns import RESERVED, Subject, affinity, drafted_columns, stored_type
from pipeline.core.draft.names import COLUMN_BYTES, Names, snake
from pipeline.core.sql.source import ForeignKey, SourceColumn
from schemas.engines import FACTS, Engine
from schemas.likeness import written_alike
from schemas.model import Entity
from schemas.types import legacy_type

#: What an entry says of values, which a reference has none of.
_OF_VALUES = ("convert", "finer", "unreadable", "absent")
#: Types whose values come padded to the length declared, or without any padding.
_PADDED = ("character", "bpchar", "char", "nchar", "binary")

#: A table: its schema and its name, as its database spells them.
TablePlace = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Parent:
    """An entry that foreign keys may lead to."""

    entity: str
    engine: Engine
    #: None where a row has none.
    key: tuple[str, ...]
    #: What the entry says of its columns, by what it calls them.
    columns: Mapping[str, Mapping[str, Any]]
    #: The source's name of a column -> what the entry calls it.
    called: Mapping[str, str]
    #: What its references are: the columns that hold a key, and the entity that is found by it.
    references: frozenset[tuple[tuple[str, ...], str]] = frozenset()
    #: Its columns whose texts not all sources compare alike.
    disputed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A foreign key that became no reference, and why."""

    foreign_key: ForeignKey
    why: str


def drafted_parent(subject: Subject, entity: str, engine: Engine) -> Parent:
    """Describe a table that is being drafted."""
    return Parent(
        entity,
        engine,
        subject.table.key if subject.has_key else (),
        dict(drafted_columns(subject, engine)),
        {c.name: c.called for c in subject.table.columns},
        disputed=frozenset(c.called for c in subject.table.columns if c.name in subject.disputed),
    )


def typed_by_parents(
    subject: Subject,
    foreign_keys: Iterable[ForeignKey],
    parents: Mapping[TablePlace, Subject],
    there: Mapping[TablePlace, Parent],
) -> Subject:
    """Give a column of SQLite whose declaration leaves its kind open that of the column which it refers to."""
    types: dict[str, str] = {}
    for key in foreign_keys:
        if key.child == (subject.table.schema, subject.table.name):
            drafted, known = parents.get(key.parent), there.get(key.parent)
            for our, their in zip(key.columns, key.parent_columns, strict=False):
                if drafted is not None and (column := drafted.table.find(their)) is not None:
                    types[our] = stored_type(drafted, column)
                elif known is not None and called(known, their) in known.columns:
                    types[our] = known.columns[called(known, their)]["type"]

    def typed(column: SourceColumn) -> SourceColumn:
        kind = types.get(column.name, "")
        is_open = affinity(column.declared_type) == "any" and affinity(kind) != "any"
        fits = {*subject.storage.get(column.name, ())} <= {kind, "null", "any"}
        return replace(column, declared_type=kind) if is_open and fits else column

    return replace(subject, table=replace(subject.table, columns=tuple(map(typed, subject.table.columns))))


def known_parent(entity: Entity) -> Parent:
    """Describe a table that has an entry already."""
    raw = entity.raw_columns
    return Parent(
        entity.id,
        entity.engine,
        entity.key,
        {n: {**c.model_dump(by_alias=True, exclude_defaults=True), "type": c.type} for n, c in raw.items()},
        {column.column or name: name for name, column in raw.items()},
        frozenset(
            (column.own_key(name), parent) for name, column in entity.references.items() for parent in column.references
        ),
    )


def refer(
    columns: dict[str, dict[str, Any]],
    child: Parent,
    foreign_keys: Iterable[ForeignKey],
    parents: Mapping[TablePlace, Parent],
    without: Mapping[TablePlace, str],
) -> list[NotTaken]:
    """Turn columns of foreign keys into references: in their own place, or beside it where they mean more than that.

    Args:
        columns: those of the child's entry; changed.
        child: the entry that is drafted.
        foreign_keys: those of its table.
        parents: every entry that there is, or will be.
        without: tables that have none -> why.

    Returns:
        The foreign keys that are not taken.
    """
    refused: list[NotTaken] = []
    taken: dict[tuple[tuple[str, ...], str, tuple[str, ...]], ForeignKey] = {}
    for foreign_key in foreign_keys:
        why = _hindrance(foreign_key, child, parents, without)
        if why is not None:
            refused.append(NotTaken(foreign_key, why))
            continue
        parent = parents[foreign_key.parent]
        ours = tuple(called(child, c) for c in foreign_key.columns)
        theirs = tuple(called(parent, c) for c in foreign_key.parent_columns)
        taken.setdefault((ours, parent.entity, theirs), foreign_key)
    used = [column for ours, _, _ in taken for column in ours]
    names = Names(COLUMN_BYTES, {*RESERVED, *(c["to"] for c in columns.values() if "to" in c)})
    for (ours, entity, theirs), foreign_key in taken.items():
        parent = parents[foreign_key.parent]
        reference: dict[str, Any] = {"references": entity}
        if not parent.key or theirs != parent.key:
            reference["by"] = list(theirs)
        if foreign_key.is_guess:
            reference["note"] = f"Guessed: it is named like a reference, and all its values are found in {entity}."
        # Where case does not count, the parent's spelling is not the child's, which is kept in a column of its own.
        is_plain = (
            ours[0] not in child.key and used.count(ours[0]) == 1 and _one_text(child, ours[0], parent, theirs[0])
        )
        if len(ours) == 1 and is_plain:
            column = columns[ours[0]]
            columns[ours[0]] = {k: v for k, v in column.items() if k not in _OF_VALUES} | reference
            continue
        name = Names(10_000, columns).give(f"-> {foreign_key.name}")
        to = names.give(f"{snake('_'.join(ours))}_ref")
        columns[name] = {"type": columns[ours[0]]["type"], "to": to, **reference, "using": list(ours)}
    return refused


def alike(child: Parent, our: str, parent: Parent, their: str) -> bool:
    """Say whether equal values of two columns have equal raw text, once it is folded as the source compares."""
    left, right = child.columns[our]["type"], parent.columns[their]["type"]
    if child.engine == parent.engine:
        return written_alike(left, right, child.engine)
    ones, others = legacy_type(left, child.engine)[1], legacy_type(right, parent.engine)[1]
    return ones.family == others.family and ones.spelling == others.spelling == "one"


def _hindrance(
    foreign_key: ForeignKey, child: Parent, parents: Mapping[TablePlace, Parent], without: Mapping[TablePlace, str]
) -> str | None:
    """Say why a foreign key cannot be a reference, if it cannot."""
    if foreign_key.hindrance:
        return foreign_key.hindrance
    if foreign_key.elsewhere:
        return f"{foreign_key.parent[1]} is elsewhere, in {foreign_key.elsewhere}"
    parent = parents.get(foreign_key.parent)
    if parent is None:
        why = without.get(foreign_key.parent)
        if why is not None:
            return f"{foreign_key.parent[1]} has no entry: {why}"
        as_a_part = ", or only as a part of another" if FACTS[child.engine].has_parts else ""
        return f"there is no table {foreign_key.parent[1]}{as_a_part}"
    if not foreign_key.parent_columns:
        return f"it names no columns of {foreign_key.parent[1]}, which has no primary key"
    if len(foreign_key.columns) != len(foreign_key.parent_columns):
        return f"it has {len(foreign_key.columns)} columns, and what it leads to has {len(foreign_key.parent_columns)}"
    for our, their in zip(foreign_key.columns, foreign_key.parent_columns, strict=True):
        for name, entry in ((our, child), (their, parent)):
            if "excluded" in entry.columns.get(called(entry, name), {"excluded": "not there"}):
                return f"{entry.entity} reads no column {name}"
        left, right = called(child, our), called(parent, their)
        if left in child.disputed or right in parent.disputed:
            return "not all sources compare its texts alike"
        if not alike(child, left, parent, right):
            types = sorted({child.columns[left]["type"], parent.columns[right]["type"]})
            return f"equal values may be written in several ways ({', '.join(types)})"
    return None


def called(entry: Parent, column: str) -> str:
    """Say what an entry calls a column, which it may spell in another case."""
    if column in entry.called:
        return entry.called[column]
    near = [called for name, called in entry.called.items() if name.lower() == column.lower()]
    return near[0] if len(near) == 1 else column


def _one_text(child: Parent, our: str, parent: Parent, their: str) -> bool:
    """Say whether equal values have one text as they stand, unfolded: the source passes over no case and no blanks."""
    left, right = child.columns[our], parent.columns[their]
    sql_type, known = legacy_type(left["type"], child.engine)
    if known.spelling != "collated":
        return True
    # SQLite compares as the parent's column collates, and tells only of columns that have an index how they do.
    if known.family == "text" and not (left.get("case_sensitive") and right.get("case_sensitive")):
        return False
    pads = any(_pads(entry, column) for entry, column in ((child, left), (parent, right)))
    return not pads or (sql_type.base in _PADDED and left["type"] == right["type"])


def _pads(entry: Parent, column: Mapping[str, Any]) -> bool:
    return bool(column.get("pads", legacy_type(column["type"], entry.engine)[1].pads))
