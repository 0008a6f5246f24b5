"""Columns of a draft: each by its declared type, in the words of its engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.draft.names import COLUMN_BYTES, Names, snake
from pipeline.core.sql.dialects import DIALECTS
from pipeline.core.sql.source import SourceColumn, SourceTable
from schemas.checks import unusable_name
from schemas.engines import FACTS, Engine
from schemas.model import BASE_COLUMNS
from schemas.types import UnknownType, legacy_type
from schemas.widening import seconds

#: PostgreSQL's limit, our own columns among them.
MAX_COLUMNS = 1600 - len(BASE_COLUMNS) - 2
RESERVED = frozenset(
    {*BASE_COLUMNS, "created_at_basis", "deleted_at_basis", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
)
#: Families whose values have a day, and those that have digits of a second.
_DATES = ("day", "moment", "utc")
_CLOCKS = ("clock", "moment", "instant")
#: Digits of a second that the target holds.
_MICRO = 6
#: What a declared type contains -> how SQLite stores a value, in this order.
_AFFINITIES = (
    (("int",), "integer"),
    (("char", "clob", "text"), "text"),
    (("blob",), "blob"),
    (("real", "floa", "doub"), "real"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A table to draft an entry of, as one source describes it or several do."""

    table: SourceTable
    #: Does every row have a key by its primary key?
    has_key: bool
    #: Of a SQLite table: column -> how its values are stored.
    storage: Mapping[str, Collection[str]] = field(default_factory=dict)
    #: Do some sources lack the table? And which of its columns do some lack?
    is_optional: bool = False
    optional: Collection[str] = ()
    #: Columns whose texts the sources do not compare alike.
    disputed: Collection[str] = ()
    #: Columns of which no type holds what the sources declare -> why.
    drifted: Mapping[str, str] = field(default_factory=dict)


def renamed(table: SourceTable) -> SourceTable:
    """Call columns otherwise whose own names cannot stand in a staged file."""
    names, before, called = Names(COLUMN_BYTES, {c.name for c in table.columns}), list[str](), {}
    for column in table.columns:
        if unusable_name(column.name, before):
            called[names.give(snake(column.name))] = column.name
        else:
            before.append(column.name)
    return table.spelled(called)


def drafted_columns(subject: Subject, engine: Engine) -> Iterator[tuple[str, dict[str, Any]]]:
    """Draft each column of a table: its name in the entry, and what the entry says of it."""
    names = Names(COLUMN_BYTES, RESERVED)
    for column in subject.table.columns:
        declared = stored_type(subject, column) if FACTS[engine].is_loose else column.declared_type
        if column.name in subject.drifted:
            yield column.called, {"type": declared or "(none)", "excluded": subject.drifted[column.name]}
            continue
        try:
            sql_type, known = legacy_type(declared, engine)
        except UnknownType as error:
            yield column.called, {"type": declared or "(none)", "excluded": str(error).partition(" (")[0]}
            continue
        wanted = snake(column.name)
        to = names.give(wanted if wanted not in RESERVED else f"source_{wanted}")
        entry: dict[str, Any] = {"type": str(sql_type), "to": to}
        if column.known_as is not None:
            entry["column"] = column.name
        if known.family == "moment":
            entry["convert"] = "moment"
        if known.family in _CLOCKS and seconds(sql_type, engine) > _MICRO:
            entry["finer"] = "keep"
        if FACTS[engine].has_odd_dates and known.family in _DATES:
            entry["unreadable"] = "keep"  # days of no month, and of years before 1 or after 9999
        if absent := DIALECTS[engine].stand_ins(sql_type, known):
            entry["absent"] = absent
        if known.family == "text" and column.case_sensitive:
            entry["case_sensitive"] = True
        if known.spelling == "collated" and known.family == "text" and column.pads != known.pads:
            entry["pads"] = column.pads
        if column.name in subject.optional:
            entry["optional"] = True
        if known.lacks is not None:
            entry["note"] = f"Without {known.lacks}."
        yield column.called, entry


def stored_type(subject: Subject, column: SourceColumn) -> str:
    """Name the type that holds what a SQLite column declares and what it stores, be there other values elsewhere.

    Of a key, which is of one kind, it is what is stored that decides where a declaration leaves it open.
    """
    kinds = {*subject.storage.get(column.name, ())}
    declared = "any" if "any" in kinds else affinity(column.declared_type)
    kinds -= {"null", "any"}
    if declared == "blob" or kinds == {"blob"}:
        return "blob"
    if declared == "any":
        if "blob" in kinds:
            return "a mixture of bytes and others"
        return kinds.pop() if column.called in subject.table.key and len(kinds) == 1 else "text"
    # Bytes fit none of the others: they are set aside where they are read.
    return declared if kinds <= {declared, "blob"} else "text"


def affinity(declared: str) -> str:
    """Say what SQLite makes of values by a declared type: integer, real, text or blob; any, where they stay different.

    A column that SQLite calls numeric holds whole numbers, fractions and texts side by side.
    """
    lowered = declared.lower()
    for words, kind in _AFFINITIES:
        if any(word in lowered for word in words):
            return kind
    return "any"
