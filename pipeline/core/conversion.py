"""Say what a converter is: a pair that makes typed values of raw text, in Polars and in DuckDB SQL.

A named converter turns one raw text column into one typed target column and says of every value whether it
could, and whether the raw text must be kept beside it. The SQL is written from the definition, never derived
from the expression: verification shares nothing with transformation.

Invariant: `value` is null wherever `unreadable` is true; the Boolean outcomes are never null.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import polars as pl

from pipeline.core import frame
from pipeline.core.text import quoted
from schemas.family import Oddity
from schemas.model import Cell


@dataclass(frozen=True, slots=True)
class Made:
    """What a converter makes of one raw text column, in Polars."""

    value: pl.Expr
    """Typed; null where raw is null, means absent, or is unreadable."""
    unreadable: pl.Expr
    """Raw holds something, and no value can be made of it: the row is rejected."""
    altered: pl.Expr | None = None
    """The value cannot give the raw text back: the raw text is kept."""
    finding: pl.Expr | None = None
    """Worth a finding."""
    finer: pl.Expr | None = None
    """Cut to a microsecond, which is worth a finding of its own; given only where the setting keeps such values."""
    odd: Mapping[Oddity, pl.Expr] = field(default_factory=dict)
    """Of the fields of a family's row: what is odd about any of them."""

    def tolerant(self) -> Made:
        """Take what is unreadable for absent: null and told, its raw text kept, and no reason to reject the row."""
        altered, finding = (
            self.unreadable if said is None else self.unreadable | said for said in (self.altered, self.finding)
        )
        return replace(self, unreadable=pl.lit(value=False), altered=altered, finding=finding)


@dataclass(frozen=True, slots=True)
class MadeSql:
    """What a converter makes of one raw text column, as DuckDB SQL; its fields mean what those of Made do."""

    value: str
    unreadable: str
    altered: str | None = None
    finding: str | None = None
    finer: str | None = None
    odd: Mapping[Oddity, str] = field(default_factory=dict)

    def tolerant(self) -> MadeSql:
        """Take what is unreadable for absent: null and told, its raw text kept, and no reason to reject the row."""
        altered, finding = (
            self.unreadable if said is None else f"({self.unreadable} OR {said})"
            for said in (self.altered, self.finding)
        )
        return replace(self, unreadable="false", altered=altered, finding=finding)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a column's entry and its source tell the converter."""

    pg_type: str
    """Target type, such as numeric(18,2)."""
    family: str | None = None
    """Family of the legacy type; `text` where that leaves open how one value is spelled."""
    absent: tuple[str, ...] = ()
    """Raw values that mean absent: date and time converters compare their day too, all compare the text."""
    host_zone: str = "UTC"
    """Zone of the clock that wrote local instants; SQL finds it by a join instead."""
    tenant_zone: str = "UTC"
    """Zone of the tenant; SQL finds it by a join instead."""
    nul: Literal["reject", "replace"] = "reject"
    """What becomes of text that holds U+0000, which PostgreSQL refuses (H48)."""
    finer: Literal["reject", "keep"] = "reject"
    """What becomes of a moment finer than a microsecond: unreadable, or cut toward the past."""
    read: pl.Expr | None = field(default=None, compare=False)
    """What the converter's `reads` makes of the raw text, if the caller has put it into a column already."""
    read_sql: str | None = None
    """The same for `reads_sql`."""


def setting_of(cell: Cell) -> Setting:
    """Give a converter what a column's entry says, whatever its source."""
    entry = cell.column
    return Setting(cell.pg_type, cell.family, absent=entry.absent, nul=entry.nul, finer=entry.finer)


class ZoneJoin(Protocol):
    """Registers a join with DuckDB's table `zone` (core/clock.py) and returns the alias of its row."""

    def __call__(self, moment_sql: str, *, zone: Literal["host", "tenant"], by: Literal["local", "utc"]) -> str:
        """Join the row whose from_local or from_utc is the last at or before the naive timestamp."""
        ...


@dataclass(frozen=True, slots=True)
class Converter:
    """A named converter: its two forms; what it reads and can make is in schemas/conversions.py."""

    name: str
    hazard: str | None
    """Hazard that its findings name unless the entry says another."""
    polars: Callable[[pl.Expr, Setting], Made]
    sql: Callable[[str, Setting, ZoneJoin], MadeSql]
    reads: Callable[[pl.Expr], pl.Expr] | None = None
    """A dear first step of the Polars form.

    Polars does not share it among all outcomes of a column by itself, so a caller in a hurry puts it into a
    column first and hands that in, as `Setting.read`.
    """
    reads_sql: Callable[[str], str] | None = None
    """The same of the SQL form, handed in as `Setting.read_sql`."""
    cuts: bool = False
    """It can cut a moment to a microsecond, where the setting says so."""

    def step(self, source: str) -> str | None:
        """Name the column that holds the first step of a source column, where there is one."""
        return None if self.reads is None else frame.read(self.reads.__name__, source)


def is_listed(expr: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    """Say whether text is one of a few constants; null is not."""
    # Not is_in: Polars finds its literal list unequal to itself, and so would compute it anew at each use.
    return functools.reduce(operator.or_, [expr.eq_missing(value) for value in values], pl.lit(value=False))


def is_listed_sql(sql: str, values: tuple[str, ...]) -> str:
    """Say whether text is one of a few constants, in DuckDB; null is not."""
    return f"coalesce({sql} IN ({', '.join(map(quoted, values))}), false)" if values else "false"


def parsed(
    raw: pl.Expr,
    typed: pl.Expr,
    setting: Setting,
    *,
    absent: pl.Expr | None = None,
    altered: pl.Expr | None = None,
    finding: pl.Expr | None = None,
    finer: pl.Expr | None = None,
    spelt: pl.Expr | None = None,
) -> Made:
    """Join what all parsing converters share: null stays null, absent is null and told, the rest parses.

    `typed` is null where raw cannot be read; `altered` and `finding` are what the conversion itself adds; `finer`
    says of a value that can be read whether it was cut to a microsecond, which the setting allows or not; `spelt`
    whether raw is the one spelling that the value gives back, where raw could have others.
    """
    if finer is not None and setting.finer == "reject":
        typed = pl.when(~finer).then(typed)
        altered = None if altered is None else altered & ~finer
        finding = None if finding is None else finding & ~finer
        finer = None
    if finer is not None:
        finer = (finer & typed.is_not_null()).fill_null(value=False)
        altered = finer if altered is None else altered.fill_null(value=False) | finer
    if spelt is not None and setting.family == "text":
        other = typed.is_not_null() & ~spelt.fill_null(value=True)
        altered = other if altered is None else altered.fill_null(value=False) | other
    if not setting.absent:
        return Made(typed, raw.is_not_null() & typed.is_null(), _sure(altered), _sure(finding), finer)
    absent = is_listed(raw, setting.absent) if absent is None else absent
    return Made(
        value=pl.when(~absent).then(typed),
        unreadable=raw.is_not_null() & ~absent & typed.is_null(),
        altered=absent if altered is None else absent | altered.fill_null(value=False),
        finding=absent if finding is None else absent | finding.fill_null(value=False),
        finer=None if finer is None else finer & ~absent,
    )


def _sure(expr: pl.Expr | None) -> pl.Expr | None:
    return None if expr is None else expr.fill_null(value=False)


def parsed_sql(
    raw: str,
    typed: str,
    setting: Setting,
    *,
    absent: str | None = None,
    altered: str | None = None,
    finding: str | None = None,
    finer: str | None = None,
    spelt: str | None = None,
) -> MadeSql:
    """Join what all parsing converters share, in DuckDB."""
    if finer is not None and setting.finer == "reject":
        typed = f"CASE WHEN NOT {finer} THEN {typed} END"
        altered = None if altered is None else f"({altered} AND NOT {finer})"
        finding = None if finding is None else f"({finding} AND NOT {finer})"
        finer = None
    if finer is not None:
        finer = f"({finer} AND {typed} IS NOT NULL)"
        altered = finer if altered is None else f"({_sure_sql(altered)} OR {_sure_sql(finer)})"
    if spelt is not None and setting.family == "text":
        other = f"({typed} IS NOT NULL AND NOT {spelt})"
        altered = other if altered is None else f"({_sure_sql(altered)} OR {_sure_sql(other)})"
    unread = f"{raw} IS NOT NULL AND {typed} IS NULL"
    if not setting.absent:
        return MadeSql(typed, f"({unread})", _sure_sql(altered), _sure_sql(finding), _sure_sql(finer))
    absent = absent or is_listed_sql(raw, setting.absent)
    return MadeSql(
        value=f"CASE WHEN NOT {absent} THEN {typed} END",
        unreadable=f"({unread} AND NOT {absent})",
        altered=absent if altered is None else f"({absent} OR {_sure_sql(altered)})",
        finding=absent if finding is None else f"({absent} OR {_sure_sql(finding)})",
        finer=None if finer is None else f"({_sure_sql(finer)} AND NOT {absent})",
    )


def _sure_sql(sql: str | None) -> str | None:
    return None if sql is None else f"coalesce({sql}, false)"
