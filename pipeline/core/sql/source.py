"""What a legacy database says of itself: tables, columns, keys and their ranges, foreign keys.

Values only. Invariant: names are the source's own, and what an entry calls them stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

#: A key column's value: an integer, or raw text; a bound of a range has one for each key column.
KeyValue = int | str
Key = tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The keys in [lower, upper), in the source's own order; None is no bound."""

    lower: Key | None = None
    upper: Key | None = None


#: The range that holds every key.
EVERY_KEY: Final = KeyRange()


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column as the source declares it, its type in lower case; `key_position` counts from 1."""

    name: str
    declared_type: str
    nullable: bool = True
    #: None where it is not part of the primary key.
    key_position: int | None = None
    #: Does the source tell texts apart that differ in case?
    case_sensitive: bool = True
    #: Does it hold texts for equal that differ in trailing blanks alone?
    pads: bool = False
    #: How its texts are sorted and encoded, by the source's name of it; empty where that is of no account.
    collation: str = ""
    #: What its entry calls it, where that is another name.
    known_as: str | None = None

    @property
    def called(self) -> str:
        """Its name in the catalog and in staged files."""
        return self.known_as or self.name


@dataclass(frozen=True)
class Branch:
    """One of several tables that are read as one, and what of it stands in which column of that."""

    table: SourceTable
    #: Columns that are the same in each of its rows.
    literals: Mapping[str, str | None]
    #: The column that gathers the further ones, and those, each with its kind.
    gathering: str
    gathered: tuple[tuple[SourceColumn, str], ...]
    #: The columns of the key, but the first, which names the table.
    key: tuple[str, ...]


@dataclass(frozen=True)
class SourceTable:
    """A table as the source's catalog describes it."""

    schema: str
    name: str
    columns: tuple[SourceColumn, ...]
    #: Would a plain SELECT give the rows of other tables, which inherit from it, besides its own?
    has_heirs: bool = False
    #: What its entry calls columns by that have other names: no column of such a name stands in for one.
    spelled_otherwise: frozenset[str] = frozenset()
    #: The tables whose rows are its own, in the order of their names; it is none that the source has then.
    branches: tuple[Branch, ...] = ()
    #: Its column that names the table that a row is from.
    named_in: str = ""

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns in the key's order; none where the table has no key."""
        return tuple(c.called for c in sorted(self.columns, key=lambda c: c.key_position or 0) if c.key_position)

    def find(self, name: str) -> SourceColumn | None:
        """Find a column by what it is known as, or its name: exactly, else the only one that differs in case alone."""
        if name in self.spelled_otherwise:
            return next((c for c in self.columns if c.known_as == name), None)
        exact = [c for c in self.columns if c.name == name]
        near = exact or [c for c in self.columns if c.name.lower() == name.lower()]
        return near[0] if len(near) == 1 else None

    def spelled(self, names: Mapping[str, str]) -> SourceTable:
        """Call columns as an entry calls them: its name -> the source's."""
        if not names:
            return self
        ours = {theirs: name for name, theirs in names.items()}
        columns = tuple(replace(c, known_as=ours.get(c.name)) for c in self.columns)
        return replace(self, columns=columns, spelled_otherwise=frozenset(names))

    def column(self, name: str) -> SourceColumn:
        """Give a column that is there."""
        if (found := self.find(name)) is None:
            raise ValueError(f"table {self.name} has no column {name}")
        return found


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key as the source declares it."""

    name: str
    child: tuple[str, str]
    columns: tuple[str, ...]
    parent: tuple[str, str]
    #: None where it names none, and its parent has no key that it could mean.
    parent_columns: tuple[str, ...]
    #: The parent's database, where that is another.
    elsewhere: str = ""
    #: Is it declared by nobody, and guessed by names and values?
    is_guess: bool = False
    #: Why it cannot be a reference, where that is known of its own source.
    hindrance: str = ""
