"""Several sources as one: the tables and foreign keys that any of them has, each column of the type that holds all.

Tables and columns are one where their names are, or where they differ in case alone and no source has both. Pure: what
each source says of itself in, one description out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pipeline.core.draft.columns import Subject, affinity, stored_type
from pipeline.core.draft.references import TablePlace
from pipeline.core.sql.source import ForeignKey, SourceColumn, SourceTable
from schemas.engines import FACTS, Engine
from schemas.likeness import written_alike
from schemas.types import UnknownType, legacy_type
from schemas.widening import widest

Name = TypeVar("Name", str, TablePlace)


@dataclass(frozen=True, slots=True)
class Described:
    """What one source says of itself."""

    source: str
    #: The tables that are to be drafted.
    subjects: Sequence[Subject]
    foreign_keys: Sequence[ForeignKey]
    #: Every table that it has.
    tables: Sequence[SourceTable]


@dataclass(frozen=True, slots=True)
class United:
    """What all sources say together."""

    subjects: tuple[Subject, ...]
    foreign_keys: tuple[ForeignKey, ...]
    #: Where they do not agree, a sentence each.
    differences: tuple[str, ...] = ()


def united(described: Sequence[Described], engine: Engine) -> United:
    """Describe the tables and foreign keys of all sources together."""
    if len(described) == 1:
        return United(tuple(described[0].subjects), tuple(described[0].foreign_keys))
    groups: dict[TablePlace, dict[str, Subject]] = {}
    tables: dict[TablePlace, SourceTable] = {}
    called_by: dict[str, dict[TablePlace, TablePlace]] = {}
    for one in described:
        own = {(t.schema, t.name): t for t in one.tables}
        called_by[one.source] = near(own, tables)
        for place, found in called_by[one.source].items():
            tables.setdefault(found, own[place])
        for subject in one.subjects:
            found = called_by[one.source][subject.table.schema, subject.table.name]
            groups.setdefault(found, {})[one.source] = subject
    made = {place: _together(group, engine) for place, group in groups.items()}
    for place, (subject, differences) in made.items():
        # A table that could not be looked at is no table that is lacking.
        is_lacking = any(place not in called.values() for called in called_by.values())
        made[place] = replace(subject, is_optional=is_lacking), differences
    tables |= {place: subject.table for place, (subject, _) in made.items()}
    keys: dict[ForeignKey, ForeignKey] = {}
    for one in described:
        called, own = called_by[one.source], {(t.schema, t.name): t for t in one.tables}
        for key in one.foreign_keys:
            spelled = _spelled(key, called, tables)
            same = replace(spelled, name="")
            hindrance = (keys[same].hindrance if same in keys else "") or _hindrance(key, one.source, own, engine)
            keys[same] = replace(spelled, hindrance=hindrance)
    return United(
        tuple(subject for subject, _ in made.values()),
        tuple(keys.values()),
        tuple(difference for _, differences in made.values() for difference in differences),
    )


def near(names: Collection[Name], others: Collection[Name]) -> dict[Name, Name]:
    """Find names among others: each itself, else the only one that differs in case alone; else it stays as it is."""
    found = {name: name for name in names}
    own, rest = _by_case(names), _by_case(others)
    for name in names:
        alike = [o for o in rest.get(_lower(name), ()) if o not in found]
        if name not in others and len(alike) == len(own[_lower(name)]) == 1:
            found[name] = alike[0]
    return found


def _by_case(names: Iterable[Name]) -> dict[object, list[Name]]:
    found: dict[object, list[Name]] = {}
    for name in names:
        found.setdefault(_lower(name), []).append(name)
    return found


def _lower(name: Name) -> object:
    return name.lower() if isinstance(name, str) else tuple(part.lower() for part in name)


def _together(group: Mapping[str, Subject], engine: Engine) -> tuple[Subject, list[str]]:
    """Describe one table as all sources of a group do; say where they differ."""
    columns: dict[str, dict[str, SourceColumn]] = {}
    storage: dict[str, set[str]] = {}
    keys: dict[tuple[str, ...], list[str]] = {}
    for source, subject in group.items():
        own = {c.name: c for c in subject.table.columns}
        called = near(own, columns)
        for name, found in called.items():
            columns.setdefault(found, {})[source] = own[name]
            storage.setdefault(found, set()).update(subject.storage.get(name, ()))
        keys.setdefault(tuple(called[c] for c in subject.table.key), []).append(source)
    first = next(iter(group.values())).table
    optional = {name for name, said in columns.items() if len(said) < len(group)}
    declared = [key for key in keys if key]
    key = declared[0] if len(declared) == 1 and not optional & {*declared[0]} else ()
    made, drifted, disputed, differences = [], dict[str, str](), set[str](), list[str]()
    for name, said in columns.items():
        types = {source: c.declared_type for source, c in said.items()}
        common = _common(types.values(), engine)
        if FACTS[engine].is_loose and common:
            storage[name] |= {affinity(t) for t in types.values()}
        if common is None:
            drifted[name] = f"no type holds what the sources declare: {_by_source(types)}"
        elif len({*types.values()}) > 1:
            differences.append(f"{first.name}.{name}: {_by_source(types)}: drafted so that all fit")
        texts = [c for c in said.values() if _is_text(c, engine)]
        if len({(c.case_sensitive, c.pads) for c in texts}) > 1:
            disputed.add(name)
        made.append(
            replace(
                next(iter(texts or said.values())),
                name=name,
                declared_type=common or next(iter(types.values())),
                nullable=name in optional or any(c.nullable for c in said.values()),
                key_position=key.index(name) + 1 if name in key else None,
            )
        )
    if len(keys) > 1:
        shown = {", ".join(k) or "none": ", ".join(s) for k, s in keys.items()}
        differences.append(
            f"{first.name}: the sources declare different keys ({'; '.join(f'{k} in {s}' for k, s in shown.items())}): "
            + (f"{', '.join(key)} is taken" if key else "none is taken")
        )
    subject = Subject(
        replace(first, columns=tuple(made), has_heirs=any(s.table.has_heirs for s in group.values())),
        has_key=bool(key) and all(s.has_key for s in group.values() if s.table.key),
        storage=storage if FACTS[engine].is_loose else {},
        optional=optional,
        disputed=disputed,
        drifted=drifted,
    )
    if FACTS[engine].is_loose and not all(_keeps_kind(subject, s) for s in group.values()):
        subject = replace(subject, has_key=False)
    return subject, differences


def _keeps_kind(together: Subject, subject: Subject) -> bool:
    """Say whether what a source stores in the key is of the key's kind, where it does not declare one itself."""
    for name in together.table.key:
        column = subject.table.find(name)
        if column is not None and affinity(column.declared_type) == "any":
            kind = stored_type(together, together.table.column(name))
            if not {*subject.storage.get(column.name, ())} <= {kind}:
                return False
    return True


def _is_text(column: SourceColumn, engine: Engine) -> bool:
    """Say whether a column holds texts, which are compared as it collates."""
    if FACTS[engine].is_loose:
        return affinity(column.declared_type) in ("text", "any")
    try:
        return legacy_type(column.declared_type, engine)[1].spelling == "collated"
    except UnknownType:
        return False


def _common(types: Collection[str], engine: Engine) -> str | None:
    """Name the type that holds all; of a loose engine any that is declared, for its kinds are gathered beside it."""
    if not FACTS[engine].is_loose:
        return widest(types, engine)
    kinds = {affinity(t) for t in types} - {"any"}
    return None if "blob" in kinds and len(kinds) > 1 else next((t for t in types if t), "")


def _by_source(types: Mapping[str, str]) -> str:
    return ", ".join(f"{kind or 'none'} in {source}" for source, kind in types.items())


def _spelled(
    key: ForeignKey, called: Mapping[TablePlace, TablePlace], tables: Mapping[TablePlace, SourceTable]
) -> ForeignKey:
    """Name a foreign key's tables and columns as they are called together."""

    def columns(place: TablePlace, names: tuple[str, ...]) -> tuple[str, ...]:
        found = near(names, [c.name for c in tables[place].columns]) if place in tables else {}
        return tuple(found.get(name, name) for name in names)

    child, parent = (
        called.get(key.child, key.child),
        key.parent if key.elsewhere else called.get(key.parent, key.parent),
    )
    return replace(
        key,
        child=child,
        columns=columns(child, key.columns),
        parent=parent,
        parent_columns=key.parent_columns if key.elsewhere else columns(parent, key.parent_columns),
    )


def _hindrance(key: ForeignKey, source: str, tables: Mapping[TablePlace, SourceTable], engine: Engine) -> str:
    """Say why a source's own columns could not refer to one another, if they could not."""
    if FACTS[engine].is_loose or key.child not in tables or key.parent not in tables:
        return ""
    for our, their in zip(key.columns, key.parent_columns, strict=False):
        left, right = tables[key.child].find(our), tables[key.parent].find(their)
        if left is None or right is None:
            continue
        try:
            if not written_alike(left.declared_type, right.declared_type, engine):
                types = ", ".join(sorted({left.declared_type, right.declared_type}))
                return f"in {source}, equal values may be written in several ways ({types})"
        except UnknownType:
            return ""
    return ""
