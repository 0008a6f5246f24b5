"""What is wrong with the target cells of an entry: each has one writer, which can make the cell's type.

Values in, sentences out, as checks.py has them. Invariant: of a catalog that passes, every value that an entry gives a
target is in it, or beside it as a raw value, or its row is set aside; nothing is swallowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from schemas.conversions import CONVERSIONS
from schemas.model import BASE_COLUMNS, BASIS_COLUMNS, MOMENT_COLUMNS, Cell, Entity, Place
from schemas.types import parse_type

if TYPE_CHECKING:
    from schemas.catalog import Catalog

#: Target types that a member of a jsonb object can have.
IN_JSON = frozenset({"text", "date", "smallint", "integer", "bigint", "boolean", "numeric"})
#: Columns that every PostgreSQL table has.
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
#: PostgreSQL cuts longer names, in bytes.
_NAME_LENGTH = 63
#: The end of the longest name that a table's own is the beginning of.
_INDEX = "_tenant"
#: Who writes what no entry can.
_MIGRATION = "the migration itself"

#: What is wrong: where in the entry, and what.
Problems = Iterable[tuple[str, str]]


def wrong_cells(catalog: Catalog) -> Iterator[str]:
    """Say what is wrong with the target cells of each entry, and with those that entries share."""
    wrong = [
        f"{entity.service}.toml: {entity.name}.{place}: {what}"
        for entity in catalog.entities.values()
        for place, what in _of_one(entity)
    ]
    yield from wrong or _disagreements(catalog)


def _of_one(entity: Entity) -> list[tuple[str, str]]:
    """List what is wrong with one entry's cells; what would only follow from it is left out."""
    return (
        [*_undeclared(entity), *_misfits(entity)]
        or [*_written_twice(entity), *_unusable_names(entity), *_flags(entity)]
        or [*_uneven_parts(entity)]
    )


def _undeclared(entity: Entity) -> Problems:
    """Find targets that are in no table of the entry."""
    known = {(t.table, t.part) for t in entity.targets}
    for name, column in entity.columns.items():
        targets = [column.to] if isinstance(column.to, str) else column.to
        if targets is not None and not targets:
            yield f"columns.{name}.to", "names no target column"
        for to in targets or ():
            place = entity.place(to)
            if (place.table, place.part) not in known:
                yield f"columns.{name}.to", f"no split {place.table}/{place.part} is declared"


def _misfits(entity: Entity) -> Problems:
    """Find conversions that cannot make the target's type."""
    for cell in entity.cells:
        place, conversion = f"columns.{cell.source}", CONVERSIONS[cell.converter]
        sql_type, known = entity.legacy_type(cell.source)
        base = parse_type(cell.pg_type).base
        if base not in conversion.makes:
            yield place, f"converter {cell.converter!r} makes {' or '.join(conversion.makes)}, not {cell.pg_type}"
        if known.family == "float" and base == "real" and known.pg_type != "real":
            yield place, f"a real does not hold every {sql_type}; take double precision"
        if cell.column.json_to is not None and base not in IN_JSON:
            yield place, f"a member of a jsonb object cannot be {cell.pg_type}; give it a column of its own"
        if cell.column.max_length is not None and base != "text":
            yield place, f"max_length is for text, not for {cell.pg_type}"
        if cell.place in _moments(entity) and cell.pg_type != "timestamptz":
            yield (
                f"{place}.to",
                f"{cell.place.column} is timestamptz: converter {cell.converter!r} makes {cell.pg_type}",
            )
        if conversion.is_beside and not _has_own_place(entity, cell.source):
            yield (
                place,
                f"converter {cell.converter!r} does not give the value back; give that a target of its own, too",
            )
    for name, column in entity.columns.items():
        if column.pg is not None and isinstance(column.to, Mapping):
            made = {b for c in entity.cells if c.source == name for b in CONVERSIONS[c.converter].makes}
            if parse_type(column.pg).base not in made:
                yield f"columns.{name}.pg", f"none of its converters makes {column.pg}"


def _has_own_place(entity: Entity, source: str) -> bool:
    """Say whether the value itself lives on: in the key or by a conversion that keeps it."""
    kept = (c.source == source and not CONVERSIONS[c.converter].is_beside for c in entity.cells)
    return source in entity.key or any(kept)


def _written_twice(entity: Entity) -> Problems:
    """Find cells of two writers; DuckDB tells names apart by all but the case of ASCII letters."""
    first: dict[tuple[str, int, bytes], tuple[str, str]] = {}
    told = set()
    for table, part, column, writer in _writers(entity):
        spelt, other = first.setdefault((table, part, column.encode().lower()), (column, writer))
        if (other != writer or spelt != column) and writer not in told:
            told.add(writer)
            named = f"{table}.{column}" + (f" (part {part})" if part > 1 else "")
            why = "is written by" if spelt == column else f"differs in case alone from {spelt}, of"
            yield writer, f"{named} {why} {other}"


def _writers(entity: Entity) -> Iterator[tuple[str, int, str, str]]:
    """Give table, part, column and writer of every target cell; what an entry cannot change comes first."""
    for target in entity.targets:
        at = target.table, target.part
        filled = () if target.split else [c.place.column for c in entity.cells if c.place in _moments(entity)]
        for column in (*BASE_COLUMNS, *BASIS_COLUMNS):
            if column not in filled:
                yield *at, column, _MIGRATION
        if target.split is not None:
            yield *at, target.split.owner, f"splits.{target.table}.owner"
            if target.split.position is not None:
                yield *at, target.split.position, f"splits.{target.table}.position"
    for json_column, members in entity.json_columns.items():
        yield entity.target, 0, json_column, f"columns.{members[0].source}.json"
    for cell in entity.cells:
        yield cell.place.table, cell.place.part, cell.place.column, f"columns.{cell.source}{_named(cell)}"
    for name, described in {**entity.references, **entity.derivations}.items():
        place = entity.place(str(described.to))
        yield place.table, place.part, place.column, f"columns.{name}.to"
        if described.parent_to is not None:
            yield place.table, place.part, described.parent_to, f"columns.{name}.parent_to"


def _moments(entity: Entity) -> set[Place]:
    """Give the cells of the main row that a column may fill in the migration's stead."""
    return {Place(entity.target, 0, column) for column in MOMENT_COLUMNS}


def _named(cell: Cell) -> str:
    """Say by which key of its column a cell is written; of several targets, by which of them."""
    if cell.column.json_to is not None:
        return ".json"
    return ".to" if isinstance(cell.column.to, str) else f".to.{cell.place.column}"


def _unusable_names(entity: Entity) -> Problems:
    """Find names that PostgreSQL would not have, or cut."""
    for table in (entity.target, *entity.splits):
        if why := _unusable(table, behind=_INDEX):
            yield "target" if table == entity.target else f"splits.{table}", f"{table!r} is no name of a table: {why}"
    for target in entity.targets:
        for column in target.columns:
            if why := _unusable(column):
                yield f"{target.table}", f"{column!r} is no name of a column: {why}"


def _unusable(name: str, *, behind: str = "") -> str | None:
    if not name:
        return "it is empty"
    if "\0" in name:
        return "it holds U+0000"
    if not behind and name in _SYSTEM_COLUMNS:
        return "every PostgreSQL table has one of its own"
    if len(f"{name}{behind}".encode()) > _NAME_LENGTH:
        return f"it has more than {_NAME_LENGTH - len(behind)} bytes" + (f", for an index {behind!r}" if behind else "")
    return None


def _uneven_parts(entity: Entity) -> Problems:
    """Find splits whose parts make rows of different columns, or of none that says whether there is a row."""
    if entity.target in entity.splits:
        yield f"splits.{entity.target}", "is the entry's own target: a split is a further table"
    for table, split in entity.splits.items():
        first, *others = [t for t in entity.targets if t.table == table and t.part]
        for target in others:
            if target.columns != first.columns:
                odd = min(set(target.columns.items()) ^ set(first.columns.items()))[0]
                yield (
                    f"splits.{table}",
                    f"parts 1 and {target.part} differ in {odd}; each part has the same columns, of the same types",
                )
        for target in (first, *others):
            if split.rows == "present" and not _sources(entity, table, target.part):
                yield (
                    f"splits.{table}",
                    f"no column goes to part {target.part}, by which a row of it would be present",
                )


def _sources(entity: Entity, table: str, part: int) -> set[str]:
    """Name the columns of the source that go to a part of a split."""
    found = {c.source for c in entity.cells if (c.place.table, c.place.part) == (table, part)}
    places = {n: entity.place(str(c.to)) for n, c in entity.references.items()}
    return (found | {n for n, p in places.items() if (p.table, p.part) == (table, part)}) - set(entity.constants)


def _flags(entity: Entity) -> Problems:
    """Find flags that archive no row."""
    flags = [name for name, column in entity.columns.items() if column.soft_delete]
    for name in flags[1:]:
        yield f"columns.{name}.soft_delete", f"{flags[0]} is the flag that archives a row already"
    for name in flags:
        if not any(c.source == name and c.pg_type == "boolean" for c in entity.cells):
            yield (
                f"columns.{name}.soft_delete",
                'is for a flag whose target is boolean (convert = "boolean" makes one of 0 and 1)',
            )


def _disagreements(catalog: Catalog) -> Iterator[str]:
    """Find tables to which entries write rows of different shapes."""
    seen: dict[tuple[str, str, bytes], tuple[Entity, str]] = {}
    tables: dict[tuple[str, bytes], str] = {}
    mains: dict[tuple[str, str], tuple[Entity, bool]] = {}
    for entity in catalog.entities.values():
        for target in entity.targets:
            at = (entity.service, target.table)
            spelt = tables.setdefault((entity.service, target.table.encode().lower()), target.table)
            if spelt != target.table:
                yield (
                    f"{entity.service}.toml: {entity.name}.target: {target.table} differs in case alone from the table "
                    f"{spelt}"
                )
            other, is_main = mains.setdefault(at, (entity, target.split is None))
            if is_main != (target.split is None) and other is not entity:
                yield (
                    f"{entity.service}.toml: {entity.name}.{'target' if target.split is None else 'splits'}: "
                    f"{target.table} is {other.id}'s {'own table' if is_main else 'split'}, which has other columns"
                )
            for column, pg_type in target.columns.items():
                said = f"{column} {pg_type}"
                first, expected = seen.setdefault((*at, column.encode().lower()), (entity, said))
                if said != expected:
                    yield (
                        f"{entity.service}.toml: {entity.name}: {target.table} has {said}, of {first.id} {expected}; "
                        "entries that share a table agree on its columns"
                    )
