"""The form of a catalog entry: one legacy entity, as `services/<service>.toml` describes it.

Frozen, closed models: an unknown key is an error. What an entry leaves out (a default converter, a target
type) is worked out here once, so that transform, load and verify all read the same resolved fields.
Holds no rows and runs no query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from schemas.conversions import CONVERSIONS
from schemas.engines import Engine
from schemas.family import Family, completed
from schemas.files import Entry
from schemas.history import History, written_out
from schemas.parts import Column, RowRule, Shared, Split, TenantRule
from schemas.targets import target_type
from schemas.types import LegacyType, SqlType, UnknownType, default_converter, default_pg_type, legacy_type, parse_type

#: What is staged of a batch beside its target tables, which are called otherwise.
STAGED = ("id_map", "rejects", "findings", "raw_values")
#: Bytes of the longest name of an entity or target table: with its service it names a directory.
_LONGEST = 200
#: Columns that every target table carries, and their types; `created_at_basis` only on main tables.
BASE_COLUMNS: Mapping[str, str] = {
    "id": "uuid",
    "tenant_id": "uuid",
    "legacy_id": "text",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "deleted_at": "timestamptz",
}

#: Schema of a legacy table where its entry names none, and in databases that know no schemas.
DEFAULT_SCHEMA = "dbo"
#: A part of a split, as `to` writes it: the table and its number.
_PART = re.compile(r"(.+)/([1-9][0-9]*)")
#: A name that stands in a path as it is; any other is written as a JSON string, so that its dots divide nothing.
_PLAIN_NAME = re.compile(r"[\w$ -]+")

#: Of these, the columns of the main table that a legacy column may fill.
MOMENT_COLUMNS = ("created_at", "updated_at", "deleted_at")
#: The columns that say where a moment is from.
BASIS_COLUMNS = ("created_at_basis", "deleted_at_basis")

#: Of these and the basis of `created_at`, the columns that every row of every target table fills.
_ALWAYS_FILLED = ("id", "legacy_id", "created_at", "created_at_basis")


def is_always_filled(column: str, *, shared: bool) -> bool:
    """Say whether every row of a target table fills a column; `shared`: rows of no tenant may stand in the table."""
    return column in _ALWAYS_FILLED or (column == "tenant_id" and not shared)


def _path_name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A target column: table, part of a split (0: the main row), column name."""

    table: str
    part: int
    column: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A resolved conversion: one legacy column into one target column (or one jsonb member)."""

    source: str
    column: Column
    place: Place
    converter: str
    pg_type: str
    #: The legacy type's family; `text` where that leaves open how one value is spelled.
    family: str

    @property
    def name(self) -> str:
        """Name of the intermediate column, unique within the entity."""
        return f"{self.place.table}/{self.place.part}.{self.place.column}"


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved target table of an entity: its columns with their types, in order, base columns included."""

    table: str
    part: int
    columns: Mapping[str, str]
    split: Split | None


class Entity(Entry):
    """One legacy table as the catalog describes it."""

    namespace: UUID
    """The namespace of its rows' ids. Not written in the entry."""
    service: str
    """The service whose database holds the targets. Not written in the entry."""
    name: str
    """The entity is `service.Name` everywhere. Not written in the entry."""
    source: str
    """Which kind of legacy database has the table, as `installation.toml` calls it: by default that of the tenants. A
    derived entity takes it from its origin."""
    engine: Engine = "mssql"
    """Whose words the columns' types are. A source of another engine may hold the table, where its types have the same
    raw form."""
    schema_name: str = Field(default=DEFAULT_SCHEMA, alias="schema", min_length=1)
    """The schema of the legacy table, as its database spells it. It is part of every id."""
    table: str
    """The legacy table, as its database spells it. It is part of every id."""
    key: tuple[str, ...] = ()
    """The columns that identify a row, never NULL. A table without a key has none here either: a row's key is then the
    hash of all that is read of it, and its number among equal rows. Rows that share a key are set aside, all of them,
    and so is one whose key is written in more than 2,000 bytes."""
    target: str
    """The main target table, in the service's schema. Entries may share one if each has a constant of its own in the
    same column."""
    description: str = ""
    """For people."""
    reviewed: bool = True
    """Whether a person has agreed to the entry, or it stands as it was drafted from a database."""
    optional: bool = False
    """Some sources lack the table; to them it is empty."""
    tenant: TenantRule | Literal["source", "shared"] = "source"
    """Whose a row is: that of the source it was read from; of the directory's, also everybody's or found by a rule."""
    shared: Shared | None = None
    """A tenant's copy of a shared lookup."""
    derived_from: str | None = None
    """The entity whose rows are grouped: one row for each distinct `key` among those that live. Types and constants of
    the key are those of the origin."""
    family: Family | None = None
    """The entity is not one table but many, which the rows of another name."""
    columns: Mapping[str, Column]
    """The legacy columns, in order."""
    splits: Mapping[str, Split] = {}
    """Further target tables filled from the same row, by name."""
    rules: tuple[RowRule, ...] = ()
    """Judgements over a row."""
    history: History | None = None
    """The columns that tell who changed a row, when and from where: a row of the service's `audit_records`."""

    @model_validator(mode="before")
    @classmethod
    def _history(cls, entry: Any) -> Any:
        """Say a history in the other words of the catalog, and what follows from being a family."""
        if isinstance(entry, Mapping) and isinstance(entry.get("family"), Mapping):
            entry = completed(entry)
        is_told = isinstance(entry, Mapping) and isinstance(entry.get("history"), Mapping)
        return written_out(entry) if is_told else entry

    @field_validator("name", "target", "splits")
    @classmethod
    def _inside(cls, named: str | Mapping[str, Split]) -> str | Mapping[str, Split]:
        """Entities and target tables name directories and files of staged rows, and must not lead out of theirs."""
        for name in (named,) if isinstance(named, str) else named:
            if set(name) & set("/\\\0") or not 0 < len(name.encode()) <= _LONGEST:
                raise ValueError(f"{name!r} cannot name a file: 1 to {_LONGEST} bytes, without slashes and U+0000")
            if name in STAGED:
                raise ValueError(f"{name!r} is what a staged file is called that holds other rows")
        return named

    @model_validator(mode="after")
    def _known_types(self) -> Entity:
        for name, column in self.columns.items():
            is_read = column.excluded is None and name not in self.composites
            try:
                family = self.legacy_type(name)[1].family if is_read else ""
            except UnknownType as error:
                raise ValueError(f"columns.{name}: {error}") from None
            for attribute in ("case_sensitive", "pads"):
                if getattr(column, attribute) and family not in ("text", ""):
                    raise ValueError(f"columns.{name}: {attribute} is for text, not for {column.type}")
            if column.optional and name in self.key:
                raise ValueError(f"columns.{name}: a column of the key cannot be optional")
        return self

    @property
    def id(self) -> str:
        """The entity's name in the whole catalog, `service.Name`."""
        return f"{self.service}.{self.name}"

    @property
    def path(self) -> str:
        """The middle part of an id's name: where the key is a key; of a family without the table, as it has many."""
        if self.derived_from:
            return f"derived.{self.target}"
        if self.family is not None:
            return f"{self.source}.{_path_name(self.schema_name)}"
        return f"{self.source}.{_path_name(self.schema_name)}.{_path_name(self.table)}"

    @property
    def is_shared(self) -> bool:
        """Say whether its rows belong to no tenant."""
        return self.tenant == "shared"

    @cached_property
    def raw_columns(self) -> Mapping[str, Column]:
        """Columns that are read from the source, in order: not the excluded, constant, derived and composite ones."""
        return {
            n: c
            for n, c in self.columns.items()
            if c.excluded is None and c.constant is None and c.derived is None and n not in self.composites
        }

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """The source's own names of columns that the entry calls otherwise."""
        return {n: c.column for n, c in self.columns.items() if c.column is not None}

    @cached_property
    def limited_columns(self) -> tuple[str, ...]:
        """Columns whose values may be too long to be fetched; of a key, whose length has a limit of its own, none."""
        return tuple(
            n for n in self.raw_columns if n not in self.key and self.legacy_type(n)[1].family in ("text", "binary")
        )

    def legacy_type(self, column: str) -> tuple[SqlType, LegacyType]:
        """Look the type of one of its columns up in the table of types."""
        described = self.columns[column]
        # What an entry leaves out is said in the catalog's own words.
        return legacy_type(described.type, self.engine if "type" in described.model_fields_set else "mssql")

    @cached_property
    def constants(self) -> Mapping[str, str]:
        """Values that the entry states itself, by column name."""
        return {n: c.constant for n, c in self.columns.items() if c.constant is not None}

    @cached_property
    def unique_rules(self) -> Mapping[int, RowRule]:
        """Rules that ask for the other rows of the tenant, by their places among the rules."""
        return {n: rule for n, rule in enumerate(self.rules) if rule.rule == "unique"}

    @cached_property
    def agreements(self) -> Mapping[int, RowRule]:
        """Rules that compare a row with its parent, by their places among the rules."""
        return {n: rule for n, rule in enumerate(self.rules) if rule.through is not None}

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every conversion of a raw column, references left out."""
        found = []
        for name, column in self.columns.items():
            if column.excluded is not None or column.is_reference:
                continue
            found += [self._cell(name, column, place, converter) for place, converter in self._fates(name, column)]
        return tuple(found)

    def is_moment(self, column: str) -> bool:
        """Say whether a column becomes a day, a time of day or an instant."""
        return any(c.source == column and c.pg_type in ("date", "time", "timestamp", "timestamptz") for c in self.cells)

    @cached_property
    def references(self) -> Mapping[str, Column]:
        """Columns that become another row's id, by legacy column name."""
        return {n: c for n, c in self.columns.items() if c.references}

    @cached_property
    def composites(self) -> Mapping[str, Column]:
        """References that are no column of the source: other columns hold their key."""
        return {n: c for n, c in self.columns.items() if c.using and n not in c.using}

    @cached_property
    def derivations(self) -> Mapping[str, Column]:
        """Columns that hold the id of a derived row, by column name."""
        return {n: c for n, c in self.columns.items() if c.derived is not None}

    @cached_property
    def json_columns(self) -> Mapping[str, tuple[Cell, ...]]:
        """Target jsonb column -> the conversions it gathers, in jsonb's key order (byte length, then bytes)."""
        gathered: dict[str, list[Cell]] = {}
        for cell in self.cells:
            if cell.column.json_to is not None:
                gathered.setdefault(cell.column.json_to, []).append(cell)
        return {
            target: tuple(sorted(cells, key=lambda c: (len(c.source.encode()), c.source.encode())))
            for target, cells in gathered.items()
        }

    @cached_property
    def soft_delete(self) -> Cell | None:
        """The conversion of the flag that archives a row, where there is one."""
        return next((c for c in self.cells if c.column.soft_delete and c.pg_type == "boolean"), None)

    @cached_property
    def created(self) -> Cell | None:
        """The conversion that fills created_at, where there is one."""
        return self._filling("created_at")

    @cached_property
    def modified(self) -> Cell | None:
        """The conversion that fills updated_at, where there is one."""
        return self._filling("updated_at")

    @cached_property
    def deleted(self) -> Cell | None:
        """The conversion that fills deleted_at, where there is one."""
        return self._filling("deleted_at")

    def _filling(self, column: str) -> Cell | None:
        return next((c for c in self.cells if c.place == Place(self.target, 0, column)), None)

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The tables its rows go to: the main one, then each part of each split."""
        found = [Target(self.target, 0, self._target_columns(self.target, 0, None), None)]
        for table, split in self.splits.items():
            for part in range(1, split.parts + 1):
                found.append(Target(table, part, self._target_columns(table, part, split), split))
        return tuple(found)

    def target_of(self, cell: Cell) -> Target:
        """Give the target table that a conversion fills."""
        return next(t for t in self.targets if (t.table, t.part) == (cell.place.table, cell.place.part))

    def place(self, to: str) -> Place:
        """Read `column`, `table.column` or `table/part.column`."""
        table, dot, column = to.rpartition(".")
        if not dot:
            return Place(self.target, 0, to)
        part = _PART.fullmatch(table)
        return Place(part[1], int(part[2]), column) if part else Place(table, 1, column)

    def _fates(self, name: str, column: Column) -> Iterator[tuple[Place, str | None]]:
        if column.json_to is not None:
            # A member of a jsonb object: the "column" is the member, told apart by its own name.
            yield Place(self.target, 0, f"{column.json_to}:{name}"), column.convert
        elif isinstance(column.to, str):
            yield self.place(column.to), column.convert
        elif column.to is not None:
            for to, converter in column.to.items():
                yield self.place(to), converter

    def _cell(self, name: str, column: Column, place: Place, named: str | None) -> Cell:
        sql_type, known = self.legacy_type(name)
        converter = named or default_converter(sql_type, known)
        if converter is None:
            raise ValueError(f"columns.{name}: a {column.type} needs a converter (date, time or instant?)")
        conversion = CONVERSIONS.get(converter)
        if conversion is None:
            known_ones = ", ".join(sorted(CONVERSIONS))
            raise ValueError(f"columns.{name}: there is no converter {converter!r}; known are {known_ones}")
        if known.family not in conversion.reads:
            raise ValueError(f"columns.{name}: converter {converter!r} does not read {column.type}")
        pg_type = None if column.pg is None else target_type(column.pg).pg
        # Of several targets, `pg` is the type of those that can have it.
        if pg_type is None or (isinstance(column.to, Mapping) and parse_type(pg_type).base not in conversion.makes):
            pg_type = conversion.target_type(default_pg_type(sql_type, known))
        if pg_type is None:
            made = " or ".join(conversion.makes)
            raise ValueError(f"columns.{name}: converter {converter!r} makes {made}: say which (pg = ...)")
        # A decimal of no declared scale may hold 1 and 1.0.
        is_free = known.pg_type == "numeric" and not sql_type.args
        return Cell(name, column, place, converter, pg_type, "text" if is_free else known.family)

    def _target_columns(self, table: str, part: int, split: Split | None) -> Mapping[str, str]:
        columns = {"id": "uuid", "tenant_id": "uuid", "legacy_id": "text"}
        if split is not None:
            columns[split.owner] = "uuid"
            if split.position is not None:
                columns[split.position] = "smallint"
        pg_types = {c.name: c.pg_type for c in self.cells}
        for name, column in self.columns.items():
            if column.excluded is not None:
                continue
            if isinstance(column.to, str) and column.is_reference:
                place = self.place(column.to)
                if (place.table, place.part) == (table, part):
                    columns[place.column] = "uuid"
                    if column.parent_to is not None:
                        columns[column.parent_to] = "text"
                continue
            for place, _ in self._fates(name, column):
                if (place.table, place.part) != (table, part):
                    continue
                if column.json_to is not None:
                    columns[column.json_to] = "jsonb"
                elif place.column not in BASE_COLUMNS:
                    columns[place.column] = pg_types[f"{table}/{part}.{place.column}"]
        columns |= {"created_at": "timestamptz"}
        if split is None:
            columns["created_at_basis"] = "text"
        columns |= {"updated_at": "timestamptz", "deleted_at": "timestamptz"}
        if split is None and (self.soft_delete or self.deleted):
            columns["deleted_at_basis"] = "text"
        return columns
