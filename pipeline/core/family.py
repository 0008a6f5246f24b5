"""What a source has of a family: which tables the rows of its registry name, what their columns hold, and what is odd.

Pure: rows of registry and fields in, as the source has them, and the source's tables; what is to be read out. Nothing
of a table is left out without a word: what cannot be told is an oddity with the table's name, and no reason to stop.
Invariant: a table is read once, and each of its columns once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core.sql.source import Branch, SourceColumn, SourceTable
from schemas.engines import Engine
from schemas.model import Entity
from schemas.widening import text_of, widest

#: A row as the source has it, by the entry's names of its columns.
Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Member:
    """A table of a family in a source."""

    schema: str
    table: str
    #: Of several that a row of the registry names, which it is.
    part: str
    #: The key of that row; None where none names the table.
    row: str | None
    #: Its further columns and what kind of field each is, in the order that jsonb has.
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something about a family's table that its registry does not lead one to expect."""

    what: str
    table: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has of a family."""

    members: tuple[Member, ...] = ()
    oddities: tuple[Oddity, ...] = ()


def resolve(
    entity: Entity,
    *,
    registry: Iterable[tuple[str, Row]],
    fields: Iterable[Row],
    tables: Iterable[SourceTable],
    taken: Collection[str],
) -> Found:
    """Find the tables of a family.

    Args:
        entity: the family's entry.
        registry: its registry's rows with their keys, the lowest first: of two that name one table it is the first's.
        fields: the rows that name columns, in the order of their keys.
        tables: the tables of the schema in which the family's are.
        taken: the names of those that other entries describe.
    """
    search = _Search(entity, tables, taken)
    by_row: dict[str, list[Row]] = {}
    for field in fields:
        by_row.setdefault(field[str(search.family.of)] or "", []).append(field)
    for key, row in registry:
        search.add(key, row, by_row.get(key, []))
    return search.found()


class _Search:
    """Gathers the tables that rows name."""

    def __init__(self, entity: Entity, tables: Iterable[SourceTable], taken: Collection[str]) -> None:
        if entity.family is None:
            raise ValueError(f"{entity.id} is no family")
        self.family = entity.family
        self._entity, self._taken = entity, taken
        self._tables = {t.name: t.spelled(entity.spellings) for t in tables}
        self._folded: dict[str, list[SourceTable]] = {}
        for table in self._tables.values():
            self._folded.setdefault(table.name.lower(), []).append(table)
        #: Table -> its part, the key of its row, and the fields that rows describe, the first row's first.
        self._named: dict[str, tuple[str, str, list[Row]]] = {}
        self._oddities: list[Oddity] = []

    def add(self, key: str, row: Row, fields: Iterable[Row]) -> None:
        """Take the tables that a row of the registry names."""
        named = {part: said for column, part in self.family.tables.items() if (said := (row[column] or "").strip())}
        of_part: dict[str, list[Row]] = {part: [] for part in named}
        for field in fields if named else ():
            part = self.family.part_of(field[self.family.place]) if self.family.place else None
            of_part[part if part in of_part else next(iter(named))].append(field)
        for part, said in named.items():
            table = self._find(said)
            if table is None:
                self._tell("a row names a table that is not there", said)
            elif table.name in self._taken:
                self._tell("a row names a table that has an entry of its own", table.name)
            elif table.name in self._named:
                self._tell("several rows name the table, which is the first one's", table.name)
                self._named[table.name][2].extend(of_part[part])
            else:
                self._named[table.name] = part, key, of_part[part]
            if table is not None and said != table.name:
                self._tell(f"a row spells its name {said}", table.name)

    def found(self) -> Found:
        """Give all tables, those that no row names but that are like them among them, in the order of their names."""
        members = []
        for name, table in sorted(self._tables.items()):
            if name in self._named:
                part, key, fields = self._named[name]
                members.append(Member(table.schema, name, part, key, self._fields(table, fields)))
            elif name not in self._taken and self._is_like(table):
                self._tell("no row names the table", name)
                members.append(Member(table.schema, name, "", None, self._fields(table, [])))
        told = dict.fromkeys(sorted(self._oddities, key=lambda o: (o.table, o.column, o.what)))
        return Found(tuple(members), tuple(told))

    def _fields(self, table: SourceTable, described: Iterable[Row]) -> tuple[tuple[str, str], ...]:
        """Give the columns that are none of the entry's own, each with its kind."""
        own = {c.name for name in fixed(self._entity) if (c := table.find(name)) is not None}
        kinds: dict[str, str] = {}
        for field in described:
            if not (said := (field[str(self.family.column)] or "").strip()):
                continue
            kind = self.family.kind_of(field[self.family.kind]) if self.family.kind else "text"
            column = table.find(said)
            if column is None and kind != "none":
                self._tell("a field's column is not there", table.name, said)
            elif column is not None and column.name not in own:
                # Of a kind that has no column, what is there all the same is text.
                kinds.setdefault(column.name, "text" if kind == "none" else kind)
        further = [c.name for c in table.columns if c.name not in own]
        for name in further if self.family.fields is not None else ():
            if name not in kinds:
                self._tell("no field describes the column, which is taken as text", table.name, name)
        return tuple((n, kinds.get(n, "text")) for n in sorted(further, key=lambda n: (len(n.encode()), n.encode())))

    def _find(self, name: str) -> SourceTable | None:
        alike = self._folded.get(name.lower(), [])
        return self._tables.get(name) or (alike[0] if len(alike) == 1 else None)

    def _is_like(self, table: SourceTable) -> bool:
        return bool(self.family.like) and all(table.find(name) is not None for name in self.family.like)

    def _tell(self, what: str, table: str, column: str = "") -> None:
        self._oddities.append(Oddity(what, table, column))


def fixed(entity: Entity) -> list[str]:
    """Name the columns of a family's entry that its tables themselves have."""
    return [name for name, column in entity.raw_columns.items() if column.family is None]


def united(
    entity: Entity, members: Sequence[Member], tables: Iterable[SourceTable], engine: Engine
) -> SourceTable | None:
    """Describe all tables of a family as one, whose rows a query puts behind one another; None where there is none.

    Raises:
        LookupError: a table or column that was there is there no more; the text names it.
    """
    by_place = {(t.schema, t.name): t for t in tables}
    branches = []
    for member in members:
        table = by_place.get((member.schema, member.table))
        if table is None:
            raise LookupError(f"table {member.table}")
        branches.append(_branch(entity, member, table.spelled(entity.spellings)))
    if not branches:
        return None
    columns = tuple(_column(entity, name, branches, engine) for name in entity.raw_columns)
    return SourceTable(members[0].schema, entity.table, columns, branches=tuple(branches), named_in=entity.key[0])


def _column(entity: Entity, name: str, branches: Iterable[Branch], engine: Engine) -> SourceColumn:
    position = entity.key.index(name) + 1 if name in entity.key else None
    is_fixed = entity.columns[name].family is None
    real = [c for branch in branches if is_fixed and (c := branch.table.find(name)) is not None]
    if not real:
        return SourceColumn(name, text_of(engine), nullable=position is None, key_position=position)
    declared = widest((c.declared_type for c in real), engine) or real[0].declared_type
    nullable = any(c.nullable for c in real)
    return replace(real[0], name=name, declared_type=declared, nullable=nullable, key_position=position, known_as=None)


def _branch(entity: Entity, member: Member, table: SourceTable) -> Branch:
    said = {"table": member.table, "part": member.part, "row": member.row}
    of_family = {name: column.family for name, column in entity.raw_columns.items() if column.family is not None}
    found = {c.name: c for c in table.columns}
    if gone := [name for name, _ in member.fields if name not in found]:
        raise LookupError(f"table {member.table}, column {gone[0]}")
    return Branch(
        table,
        {name: said[role] for name, role in of_family.items() if role != "fields"},
        next(name for name, role in of_family.items() if role == "fields"),
        tuple((found[name], kind) for name, kind in member.fields),
        entity.key[1:],
    )
