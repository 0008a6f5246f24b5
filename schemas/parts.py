"""The parts of a catalog entry, as `services/<service>.toml` writes them: columns, splits, tenant and row rules.

Frozen, closed models: an unknown key is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from schemas.targets import target_type
from schemas.types import UnknownType

# Rust's classes hold every script, RE2's only ASCII; and neither knows what looks around or back.
_NOT_PORTABLE = re.compile(r"\\[dDwWsSbB1-9]|\(\?(?:[=!<]|P[=>])|&&|\[[^\]]*\[(?!:)")


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class Entry(BaseModel):
    """What an entry and its parts have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Column(Entry):
    """One legacy column: what it is, and where it goes. Exactly one fate: `to`, `json`, or `excluded`."""

    type: str = "nvarchar(max)"
    #: The column's own name, where the entry has to call it otherwise.
    column: str | None = None
    #: A value that the entry states itself, the same in every row; the source is not asked for it.
    constant: str | None = None
    #: Target column, `table.column` or `table/part.column` for a split; or several, each with its converter.
    to: str | Mapping[str, str] | None = None
    #: Target jsonb column that gathers this column under its legacy name.
    json_to: str | None = Field(default=None, alias="json")
    #: Why the column does not migrate. A secret column is not even selected.
    excluded: str | None = None
    secret: bool = False
    #: Named cleaning before the first write.
    scrub: Literal["access_tokens"] | None = None
    convert: str | None = None
    pg: str | None = None
    #: Raw values that mean "nothing is here": NULL in the target, the raw value kept.
    absent: tuple[str, ...] = ()
    nul: Literal["reject", "replace"] = "reject"
    #: A moment finer than a microsecond is unreadable, or cut with its raw text kept.
    finer: Literal["reject", "keep"] = "reject"
    #: A value that cannot be read rejects its row, or is NULL with its raw text kept.
    unreadable: Literal["reject", "keep"] = "reject"
    required: bool = False
    #: The source holds texts that differ in case for different ones.
    case_sensitive: bool = False
    #: The source holds texts that differ in trailing blanks alone for equal; by default as its engine's types do.
    pads: bool | None = None
    max_length: int | None = Field(default=None, gt=0)
    optional: bool = False
    #: The flag that archives a row, by the value that does: `"1"`, or `"0"`, for which true stands; NULL means active
    #: (H51).
    soft_delete: StrictBool | Literal["0", "1"] = False
    #: Parent entities, the first in which the key lives wins.
    references: Names = ()
    #: The parent's alternate key, and the own columns that hold it (by default this one).
    by: Names = ()
    using: Names = ()
    #: Text column that names the parent entity found, where there are several.
    parent_to: str | None = None
    #: Derived entity whose id is made of this row's own group values.
    derived: str | None = None
    hazard: str | None = None
    note: str | None = None

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

    #: `each`: one row for every legacy row; `present`: one for every part that holds any value.
    rows: Literal["each", "present"]
    parts: int = Field(default=1, ge=1)
    #: Column that holds the main row's id.
    owner: str
    #: Column that holds the part's number, where there are several.
    position: str | None = None


class TenantRule(Entry):
    """How a login row finds its tenant: its own district number, or another entity's rows."""

    column: str | None = None
    #: Own columns, the first that is filled counts, matched with `by` of the entity `through`.
    columns: Names = ()
    through: str | None = None
    by: str | None = None
    match: Literal["email", "key"] = "key"


class Shared(Entry):
    """A tenant's own copy of a shared lookup: a row equal in every compared column maps to the shared row."""

    entity: str = Field(alias="with")
    on: Names
    compare: Names
    hazard: str = "H68"


class RowRule(Entry):
    """A rule over one row, by name; a broken one rejects the row or flags it."""

    rule: Literal["present", "one_of", "pattern", "not_before"]
    action: Literal["reject", "flag"]
    because: str
    hazard: str
    column: str
    other: str | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> RowRule:
        needed = {"not_before": "other", "pattern": "pattern", "one_of": "values"}.get(self.rule)
        if needed is not None and not getattr(self, needed):
            raise ValueError(f"rule {self.rule!r} on {self.column} needs `{needed}`")
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
