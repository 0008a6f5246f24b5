"""What is to be asked of a table, by what it declares and what its entries say of it.

Values in, values out. Invariant: of a secret column nothing is asked but how many values it has, and the least and the
greatest value of a masked one are not asked for, so that they do not leave the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.core.profile.checks import Check, checks, is_readable, told_apart
from pipeline.core.sql.dialect import Dialect
from pipeline.core.sql.profiled import Asked, Constant, Key, Parent, Reference
from pipeline.core.sql.source import ForeignKey, SourceColumn, SourceTable
from schemas.catalog import Catalog, folds
from schemas.engines import FACTS, Engine
from schemas.model import Entity
from schemas.parts import Column, RowRule, TenantRule
from schemas.types import UnknownType, legacy_type

#: Converters of texts by which rows are found, though nothing declares them a key.
_OF_KEYS = ("search_key", "email")
#: Whose words a file's columns are declared in, where no entry says so.
_VOCABULARIES: tuple[Engine, ...] = ("mssql", "sqlite", "mysql", "postgresql")
#: Finds the table of an entity in the source, its columns called as the entry calls them.
Find = Callable[[Entity], SourceTable | None]


@dataclass(frozen=True, slots=True)
class NamedReference:
    """A reference: by which name its entry has it, what is asked, and why it is not where it cannot be."""

    name: str
    parents: tuple[str, ...]
    reference: Reference
    is_declared: bool
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A table, and all that is to be asked of it."""

    table: SourceTable
    entities: tuple[Entity, ...]
    asked: tuple[Asked, ...]
    masked: frozenset[str]
    checks: tuple[Check, ...]
    keys: tuple[Key, ...]
    #: The rule that says so of each key, where one does.
    rules: tuple[RowRule | None, ...]
    references: tuple[NamedReference, ...]

    def entry(self, column: SourceColumn) -> Column | None:
        """Give what an entry says of a column."""
        return _entry(self.entities, column)


def subject(
    table: SourceTable,
    entities: Sequence[Entity],
    catalog: Catalog,
    dialect: Dialect,
    *,
    find: Find,
    foreign_keys: Iterable[ForeignKey],
    show_values: bool,
    today: date,
) -> Subject:
    """Gather what is to be asked of a table.

    Args:
        table: the table, its columns called as its entries call them.
        entities: those that are read from it.
        catalog: all entries.
        dialect: the source's.
        find: gives the tables of other entities.
        foreign_keys: those that the table declares.
        show_values: ask for values of persons, too.
        today: the day from which rules see ages.
    """
    asked, masked = [], set()
    for column in table.columns:
        entry = _entry(entities, column)
        is_secret = entry is not None and entry.secret
        family = None if is_secret else _family(column, entities, dialect)
        is_masked = is_secret or (not show_values and _is_personal(column, entry, table, family))
        masked |= {column.name} if is_masked else set()
        asked.append(Asked(column, family, is_shown=not is_masked))
    keys = [*_keys(table, entities, asked, catalog, dialect)]
    return Subject(
        table,
        tuple(entities),
        tuple(asked),
        frozenset(masked),
        tuple(c for e in entities for c in checks(e, table, dialect, today)),
        tuple(key for key, _ in keys),
        tuple(rule for _, rule in keys),
        tuple(_references(table, entities, catalog, find, foreign_keys)),
    )


def _entry(entities: Iterable[Entity], column: SourceColumn) -> Column | None:
    for entity in entities:
        near = [c for name, c in entity.columns.items() if name.lower() == column.called.lower()]
        if near:
            return near[0]
    return None


def _is_personal(column: SourceColumn, entry: Column | None, table: SourceTable, family: str | None) -> bool:
    """Say whether values may tell something of a person: texts do, and what nobody has said anything of."""
    if family in ("text", "binary"):
        return True
    return column.called not in table.key if entry is None else entry.personal


def _family(column: SourceColumn, entities: Sequence[Entity], dialect: Dialect) -> str | None:
    """Say what a column's values are; None where the engine's type is not known."""
    if not FACTS[dialect.engine].is_loose:
        return dialect.legacy_type(column).family if dialect.knows(column) else None
    for vocabulary in (*(e.engine for e in entities), *_VOCABULARIES):
        try:
            return legacy_type(column.declared_type, vocabulary)[1].family
        except UnknownType:
            continue
    return "text"  # no type at all; anything may be looked at as text


def _keys(
    table: SourceTable, entities: Sequence[Entity], asked: Sequence[Asked], catalog: Catalog, dialect: Dialect
) -> Iterator[tuple[Key, RowRule | None]]:
    """List what is to tell rows apart: the key, what others find them by, identifiers; and the gaps of a number."""
    families = {a.column.called: a.family for a in asked}
    found: dict[tuple[str, ...], bool] = {}
    if not entities and table.key:
        found[table.key] = False
    for entity in entities:
        if entity.key:
            found.setdefault(entity.key, False)
        # A key together with what a rule compares is no key by itself.
        for match in (m for m in catalog.match_keys[entity.id] if m.last is None):
            columns = tuple(c for c in match.columns if c not in entity.constants)
            is_folded = not match.exact and columns != entity.key and any(families.get(c) == "text" for c in columns)
            found.setdefault(columns, is_folded)
        # An address by which a row finds its tenant may well stand in many rows.
        leading = entity.tenant.columns if isinstance(entity.tenant, TenantRule) else ()
        for cell in entity.cells:
            if cell.converter in _OF_KEYS and cell.source not in leading:
                found[(cell.source,)] = True
    ruled = {(r.column, *r.other) for e in entities for r in e.rules if r.rule == "unique"}
    known = {k: f for k, f in found.items() if k and all(_is_key(table, c, dialect) for c in k)}
    is_kept = not FACTS[dialect.engine].is_loose
    for columns, is_folded in known.items():
        # What the table's own primary key says need not be looked at, but in a file.
        if columns not in ruled and not (is_kept and {*columns} == {*table.key}):
            yield Key(table, columns, is_folded=is_folded), None
    for entity in entities:
        for rule in entity.rules:
            columns, condition = (rule.column, *rule.other), told_apart(rule, entity, table, dialect)
            if rule.rule == "unique" and condition is not None and all(_is_key(table, c, dialect) for c in columns):
                is_folded = rule.alike is not None or any(families.get(c) == "text" for c in columns)
                yield Key(table, columns, is_folded=is_folded, condition=condition), rule
    for columns in [*(k for k in known if len(k) == 1 and families.get(k[0]) == "integer")][:1]:
        yield Key(table, columns, is_gaps=True), None


def _is_key(table: SourceTable, name: str, dialect: Dialect) -> bool:
    column = table.find(name)
    return column is not None and is_readable(column, dialect) and column.declared_type not in dialect.uncompared


def _references(
    table: SourceTable, entities: Sequence[Entity], catalog: Catalog, find: Find, foreign_keys: Iterable[ForeignKey]
) -> Iterator[NamedReference]:
    """List references that the entries know, then those that only the source declares."""
    declared = [k for k in foreign_keys if k.child == (table.schema, table.name)]
    known = set()
    for entity in entities:
        for name, column in entity.references.items():
            own = column.own_key(name)
            real = [table.find(c) for c in own]
            if any(c is None for c in real):
                continue
            parents = [catalog[p] for p in column.references]
            places = tuple(p.id for p in parents)
            elsewhere = [p for p in parents if p.source != entity.source]
            tables = [(p, t) for p in parents if (t := find(p)) is not None]
            names = tuple(c.name for c in real if c is not None)
            known |= {(names, (t.schema, t.name)) for _, t in tables}
            is_declared = any(
                k.columns == names and k.parent in [(t.schema, t.name) for _, t in tables] for k in declared
            )
            folded = frozenset(c for c in own if c not in entity.constants and folds(entity, c))
            asked = Reference(own, tuple(Parent(t, _by(p, column)) for p, t in tables), folded)
            why_not = None
            if elsewhere:
                why_not = f"{elsewhere[0].id} is in another database"
            elif any(p.derived_from is not None or p.family is not None for p in parents):
                why_not = "its parent's rows are made of others, or stand in many tables"
            elif any(isinstance(b, str) and p.table.find(b) is None for p in asked.parents for b in p.by):
                why_not = "its parent lacks a column by which it is found"
            yield NamedReference(name, places, asked, is_declared, why_not)
    for key in declared:
        if (key.columns, key.parent) in known:
            continue
        yield NamedReference(
            key.columns[0],
            (key.parent[1],),
            Reference(key.columns, ()),
            is_declared=True,
            why_not="no entry follows it",
        )


def _by(parent: Entity, column: Column) -> tuple[str | Constant, ...]:
    keys = column.by or parent.key
    return tuple(Constant(parent.constants[k]) if k in parent.constants else k for k in keys)
