"""The parts of a catalog entry, as `services/<service>.toml` writes them: columns, splits, tenant and row rules.

Frozen, closed models: an unknown key is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Annotated, Literal

import polars as pl
from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema, model_validator

from schemas.files import Entry
from schemas.targets import target_type
from schemas.types import UnknownType

# Rust's classes hold every script, RE2's only ASCII; and neither knows what looks around or back.
_NOT_PORTABLE = re.compile(r"\\[dDwWsSbB1-9]|\(\?(?:[=!<]|P[=>])|&&|\[[^\]]*\[(?!:)")
#: What bounds a plausible value: a number; a day as such, or how long before the as-of instant it is.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|today|[1-9][0-9]{0,2} years? ago|[1-9][0-9]{0,4} days? ago")
#: Argument of a row rule -> the rules that take it.
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "other": ("not_before", "ascending", "agrees", "unique"),
    "pattern": ("pattern",),
    "values": ("one_of",),
    "low": ("between",),
    "high": ("between",),
    "alike": ("agrees", "unique"),
    "through": ("agrees",),
}


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_TEXT = {"type": "string"}
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_tuple),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]


#: Converters that make values comparable.
Alike = Literal["search_key", "email"]


class Column(Entry):
    """One legacy column: what it is, and where it goes. Exactly one fate: `to`, `json`, or `excluded`."""

    type: str = "nvarchar(max)"
    """The legacy SQL type. `plan` compares it with the source."""
    column: str | None = None
    """The legacy column's own name, where the entry has to call it otherwise: one of two that differ in case alone."""
    family: Literal["table", "part", "row", "fields"] | None = None
    """Of a family's entry, what fills the column, as no column of its tables does: the table's name, its part, the key
    of the registry's row, or all further columns."""
    constant: str | None = None
    """A value that the entry states itself, the same in every row. The source is not asked."""
    to: str | Mapping[str, str] | None = None
    """The target column: `column`, `table.column` or `table/part.column` of a split; or several, each with its
    converter."""
    json_to: str | None = Field(default=None, alias="json")
    """The jsonb column that gathers this one under its legacy name."""
    excluded: str | None = None
    """Why the column does not migrate. It is not selected."""
    secret: bool = False
    """It must not migrate. Needs `excluded`."""
    personal: bool = False
    """It says something of a person: `profile` shows no value of it, though it is no text."""
    scrub: Literal["access_tokens"] | None = None
    """Named cleaning before the first write. What it takes out is kept nowhere."""
    convert: str | None = None
    """The converter. A `datetime` has no default: it may be a day, a time of day or an instant."""
    pg: str | None = None
    """The target type; of several targets, of those whose converter makes it."""
    absent: tuple[str, ...] = ()
    """Raw values that mean "nothing is here": NULL in the target, the raw value kept."""
    nul: Literal["reject", "replace"] = "reject"
    """Text that holds U+0000: rejects the row, or is replaced by U+FFFD with the raw text kept."""
    finer: Literal["reject", "keep"] = "reject"
    """A moment finer than a microsecond: unreadable, or cut toward the past with the raw text kept and a finding."""
    unreadable: Literal["reject", "keep"] = "reject"
    """A value that cannot be converted rejects its row, or becomes NULL with the raw text kept and a finding."""
    required: bool = False
    """NULL, or a reference to no living row, rejects the row."""
    case_sensitive: bool = False
    """Of a text column: texts that differ in case are different keys. Others are compared with case folded."""
    pads: bool | None = None
    """Of a text column: texts that differ in trailing blanks alone are one key. By default so of SQL Server, of MySQL
    and of PostgreSQL's `char(n)`."""
    max_length: int | None = Field(default=None, gt=0)
    """Longer text rejects the row. It is never cut."""
    optional: bool = False
    """Some sources lack the column; NULL there."""
    soft_delete: StrictBool | Literal["0", "1"] = False
    """The flag that archives a row, by its value that does: `"1"`, or `"0"`, for which `true` stands. NULL means
    active. Its target is boolean."""
    references: Names = ()
    """Parent entities; the first in which the key lives gives its id. One name may stand without a list."""
    by: Names = ()
    """The alternate key of the parent by which it is found. Of several rows the lowest key wins, with a finding."""
    using: Names = ()
    """The own columns that hold that key. A reference that is not among them is no column of the source: it has a name,
    a target and the key of others."""
    parent_to: str | None = None
    """The text column that names the parent entity found, where there are several."""
    derived: str | None = None
    """The derived entity whose id is made of this row's own values."""
    hazard: str | None = None
    """The number under which findings on the column are filed."""
    note: str | None = None
    """For people: what is odd about it."""

    @model_validator(mode="after")
    def _one_fate(self) -> Column:
        given = {"to": self.to, "json": self.json_to, "excluded": self.excluded}
        fates = [name for name, value in given.items() if value is not None]
        if len(fates) > 1:
            raise ValueError(f"has {' and '.join(fates)}; a column has one fate")
        if isinstance(self.to, Mapping) and self.convert is not None:
            raise ValueError("of several targets each has a converter of its own: no convert beside them")
        if (self.references or self.derived) and not isinstance(self.to, str):
            raise ValueError("a reference goes to exactly one target column")
        if (self.references or self.derived) and (self.convert or self.pg or self.max_length or self.soft_delete):
            raise ValueError("becomes another row's id: no convert, pg, max_length or soft_delete")
        if (self.by or self.using or self.parent_to) and not self.references:
            raise ValueError("by, using and parent_to need references")
        if self.secret and self.excluded is None:
            raise ValueError("a secret column is excluded, with its reason")
        if (self.excluded is not None or self.derived is not None) and (self.required or self.scrub is not None):
            raise ValueError("is not read: no required and no scrub")
        if self.constant is not None and self.scrub is not None:
            raise ValueError("is not read, as the entry states its value: no scrub")
        if self.pg is not None:
            try:
                target_type(self.pg)
            except UnknownType as error:
                raise ValueError(str(error)) from None
        return self

    def own_key(self, name: str) -> tuple[str, ...]:
        """Name the own columns that hold a reference's key; `name` is what the entry calls the reference."""
        return self.using or (name,)

    @property
    def archives_when(self) -> bool:
        """Give the value of a soft-delete flag that archives its row."""
        return self.soft_delete == "1"

    @property
    def is_reference(self) -> bool:
        """Say whether the target column holds the id of another row."""
        return bool(self.references or self.derived)


class Split(Entry):
    """A further target table filled from the same legacy row."""

    rows: Literal["each", "present"]
    """One row for every legacy row, or one for every part that holds any value."""
    parts: int = Field(default=1, ge=1)
    """How many rows one legacy row may make."""
    owner: str
    """The column that holds the main row's id."""
    position: str | None = None
    """The column that holds the part's number."""


class TenantRule(Entry):
    """How a row of the directory finds its tenant: by the tenant's key that it holds, or another entity's rows."""

    column: str | None = None
    """The own column that holds the tenant's key, as the registry has it."""
    columns: Names = ()
    """Own columns, the first that is filled counts, matched with `by` of the entity `through`."""
    through: str | None = None
    """The entity of the directory whose rows know their tenant."""
    by: str | None = None
    """The column there that is matched."""
    match: Literal["email", "key"] = "key"
    """Compared as e-mail (trimmed, case folded) or as the key's column compares."""
    pick: Literal["first"] | None = None
    """Of several rows found, follow that of the lowest key alone; with a finding where they lead to several tenants."""
    hazard: str = "H7"
    """Files that finding."""

    @model_validator(mode="after")
    def _picks_among_rows(self) -> TenantRule:
        if self.pick is not None and (self.through is None or not self.columns):
            raise ValueError("pick is for the rows of another entity: say which columns find them (columns, through)")
        return self


class Shared(Entry):
    """A tenant's own copy of a shared lookup: a row equal in every compared column maps to the shared row."""

    entity: str = Field(alias="with")
    """The entity whose rows are shared by all tenants."""
    on: Names
    """Columns that name a lookup."""
    compare: Names
    """Columns that must be equal, too, for the shared row to stand for the tenant's."""
    hazard: str = "H68"
    """Files the finding where they are not, and the tenant keeps a row of its own."""


class RowRule(Entry):
    """A rule over one row, by name; a broken one rejects the row or flags it."""

    rule: Literal["present", "one_of", "pattern", "not_before", "between", "ascending", "agrees", "unique"]
    """Its name, below."""
    action: Literal["reject", "flag"]
    """The row is set aside, or loaded with a finding."""
    because: str
    """For people."""
    hazard: str
    """Files the finding."""
    column: str
    """The column judged."""
    other: Names = ()
    """The column that it is compared with, or the columns, in their order, that belong to it."""
    through: str | None = None
    """The reference to the row that has `other`; else this row has it."""
    pattern: str | None = None
    """A regular expression, of the part that Polars and DuckDB read alike."""
    values: tuple[str, ...] = ()
    """What is allowed."""
    low: str | None = None
    """The least that is plausible: a number; or a day, `today`, `3 days ago`, `25 years ago`, seen from the as-of
    instant."""
    high: str | None = None
    """The most, in the same words."""
    alike: Alike | None = None
    """The converter by which values are made that are compared; else as the column itself compares."""
    where: Mapping[str, Names] = {}
    """Columns and their values (raw text; an empty list: any that is not blank): only rows that have them are
    judged."""
    unless: Mapping[str, Names] = {}
    """The same: rows that have any of them are not judged."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns of the row that it asks."""
        own = self.other if self.through is None else ()
        return tuple(dict.fromkeys((self.column, *own, *self.where, *self.unless)))

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> RowRule:
        needed = {"pattern": ("pattern",), "one_of": ("values",), "between": ("low", "high")}
        needed |= dict.fromkeys(("not_before", "ascending", "agrees"), ("other",))
        for argument, rules in _ARGUMENTS.items():
            if getattr(self, argument) and self.rule not in rules:
                raise ValueError(f"rule {self.rule!r} on {self.column} takes no `{argument}`")
        if self.rule in needed and not any(getattr(self, argument) for argument in needed[self.rule]):
            raise ValueError(f"rule {self.rule!r} on {self.column} needs `{'` or `'.join(needed[self.rule])}`")
        if self.rule in ("not_before", "agrees") and len(self.other) != 1:
            raise ValueError(f"rule {self.rule!r} on {self.column} is compared with one column (`other`)")
        for bound in (self.low, self.high):
            if bound is not None and not (is_number(bound) or _is_day(bound)):
                raise ValueError(
                    f"rule 'between' on {self.column}: {bound!r} is neither a number nor a day "
                    "(2000-01-31, today, 3 days ago, 25 years ago)"
                )
        if self.low is not None and self.high is not None and is_number(self.low) != is_number(self.high):
            raise ValueError(f"rule 'between' on {self.column}: of low and high one is a number and the other a day")
        if self.rule == "pattern" and self.pattern is not None:
            if found := _NOT_PORTABLE.search(self.pattern):
                raise ValueError(
                    f"rule 'pattern' on {self.column}: {found.group()!r} means one thing to Polars and"
                    " another to DuckDB (write classes out, as [0-9])"
                )
            try:
                pl.Series([""]).str.contains(self.pattern)
            except pl.exceptions.ComputeError as error:
                raise ValueError(f"rule 'pattern' on {self.column}: no regular expression: {error}") from None
        return self


def _is_day(bound: str) -> bool:
    if not _DAY.fullmatch(bound):
        return False
    with suppress(ValueError):
        date.fromisoformat(bound)
        return True
    return not bound[0].isdigit() or bound.endswith("ago")


def is_number(bound: str) -> bool:
    """Say whether a bound is a number, and not a day."""
    return bool(_NUMBER.fullmatch(bound))
