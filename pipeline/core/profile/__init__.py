"""What is known of legacy databases before anyone trusts them: values, as `migrate profile --json` prints them.

Holds no value of a row but those that were asked for. Invariant: what is not counted is None, and never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

#: What would become of a row or a value, the worst first: no run begins; the row is set aside; it is loaded with a
#: finding; its value becomes another one, with the raw text kept; it stays where it is, as no entry names it; it is
#: loaded as it stands, though it does not look right.
Action = Literal["stops", "rejects", "flags", "normalises", "left behind", "loads"]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Clock:
    """The zone whose midnight a column's times are, read as UTC."""

    zone: str
    #: How many of the values are it.
    rows: int


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: what it declares, and what is counted of its values."""

    name: str
    type: str
    nullable: bool
    #: What its entry says of it, and nothing where none does.
    fate: str | None
    filled: int | None = None
    nulls: int | None = None
    distinct: int | None = None
    #: Were its least and greatest value left where they are, as they may say something of a person?
    is_masked: bool = False
    least: str | None = None
    greatest: str | None = None
    bytes: int | None = None
    #: Characters of the longest text, bytes of the longest binary value.
    longest: int | None = None
    empty: int | None = None
    blank: int | None = None
    padded: int | None = None
    broken: int | None = None
    nul: int | None = None
    zeros: int | None = None
    minus_ones: int | None = None
    #: 1900-01-01, and 9999-12-31; outside of 1900 to 2099 otherwise.
    no_day: int | None = None
    last_day: int | None = None
    out_of_range: int | None = None
    midnight: int | None = None
    #: Of times on the hour: hour -> how many.
    hours: Mapping[str, int] | None = None
    clock: Clock | None = None
    #: Stored as something else than its type is.
    odd: int | None = None
    too_long: int | None = None


@dataclass(frozen=True, slots=True)
class KeyProfile:
    """Columns that are to tell rows apart, and whether they do."""

    columns: tuple[str, ...]
    #: Of text: without regard to case and to blanks at its ends.
    is_folded: bool
    #: None where the source could not say.
    doubled_keys: int | None
    doubled_rows: int | None


@dataclass(frozen=True, slots=True)
class RangeProfile:
    """The whole numbers of a key."""

    column: str
    least: str | None
    greatest: str | None
    #: Numbers between them that no row has, in how many gaps, and the widest.
    missing: int | None
    gaps: int | None
    widest_gap: int | None


@dataclass(frozen=True, slots=True)
class ReferenceProfile:
    """Columns that name a row of another table, and how many lead nowhere."""

    columns: tuple[str, ...]
    parents: tuple[str, ...]
    #: Does the source itself declare it?
    is_declared: bool
    #: Why it was not followed, where it was not.
    why_not: str | None = None
    filled: int | None = None
    orphans: int | None = None


@dataclass(frozen=True, slots=True)
class TableProfile:
    """One table."""

    schema: str
    table: str
    #: The entities that are read from it.
    entities: tuple[str, ...]
    rows: int | None
    #: Why nothing more is known of it.
    problem: str | None = None
    #: Why it does not migrate, where an entry says so: then its rows are counted, and nothing else is asked of it.
    waived: str | None = None
    columns: tuple[ColumnProfile, ...] = ()
    key_range: RangeProfile | None = None
    keys: tuple[KeyProfile, ...] = ()
    references: tuple[ReferenceProfile, ...] = ()


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where a source is not what the catalog says."""

    #: missing table, absent table, missing column, absent column, retyped column, extra column, own table.
    kind: str
    table: str
    column: str | None
    expected: str | None
    got: str | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class Hazard:
    """Rows of which something would become."""

    action: Action
    rows: int
    entity: str | None
    table: str
    column: str | None
    what: str
    #: Its number, where the catalog has one for it.
    hazard: str | None = None
    #: What is particular to this source.
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What moving a source would take, by what others took."""

    rows: int
    bytes: int
    seconds: float
    staged_bytes: int
    target_bytes: int


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """One legacy database."""

    source: str
    title: str
    kind: str
    engine: str
    location: str
    #: Why nothing is known of it.
    problem: str | None = None
    #: Of its tables, columns and types: databases of one fingerprint are alike.
    shape: str = ""
    tables: tuple[TableProfile, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Alike:
    """Databases of one shape."""

    shape: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A table, or a column of one, that not all databases of a kind have alike."""

    table: str
    column: str | None
    #: Does an entry name it?
    is_named: bool
    having: tuple[str, ...]
    #: Of a column, those that have its table.
    lacking: tuple[str, ...]
    #: Of a column: type, with `not null` where none may be, -> those that declare it.
    types: Mapping[str, tuple[str, ...]]
    #: The type that holds what all of these do, where there is one.
    widest: str | None


@dataclass(frozen=True, slots=True)
class Together:
    """What would become of rows of several databases."""

    action: Action
    rows: int
    sources: int
    table: str
    column: str | None
    what: str
    hazard: str | None


@dataclass(frozen=True, slots=True)
class Fleet:
    """The databases of one kind."""

    kind: str
    sources: int
    #: The largest group first.
    alike: tuple[Alike, ...]
    differences: tuple[Difference, ...]
    together: tuple[Together, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """All databases that were looked at."""

    #: Are values of persons among what it holds?
    shows_values: bool
    sources: tuple[SourceProfile, ...]
    fleets: tuple[Fleet, ...] = ()

    @property
    def unread(self) -> tuple[SourceProfile, ...]:
        """List the databases of which nothing is known."""
        return tuple(s for s in self.sources if s.problem is not None)
