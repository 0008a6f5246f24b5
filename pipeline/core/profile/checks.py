"""What an entry says of each row of its table, as conditions that the source itself can tell.

They follow what the transformation would do, by other means, so that they are near to it and not the same: what a run
does with a row is decided when it reads it. Rules that the source cannot tell are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.core.profile import Action
from pipeline.core.rules import bound_day
from pipeline.core.sql.dialect import Dialect
from pipeline.core.sql.profiled import DAYS
from pipeline.core.sql.source import SourceColumn, SourceTable
from schemas.engines import FACTS
from schemas.model import Entity
from schemas.parts import RowRule, is_number


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is asked of each row of a table because an entry says so."""

    entity: str
    column: str
    action: Action
    hazard: str | None
    what: str
    condition: str


@dataclass(frozen=True, slots=True)
class _Value:
    """A column of the table in a condition: itself, as exact text, and as text without blanks at its ends."""

    x: str
    raw: str
    trimmed: str
    #: When a value is no more than blanks; None of what is no text.
    blank: str | None
    #: When it holds what stands for nothing.
    absent: str | None


def checks(entity: Entity, table: SourceTable, dialect: Dialect, today: date) -> Iterator[Check]:
    """List what an entry says of the rows of its table.

    Args:
        entity: the entry.
        table: the table, its columns called as the entry calls them.
        dialect: the source's.
        today: the day from which rules see ages.
    """
    values = _values(entity, table, dialect)
    for name, value in values.items():
        entry = entity.columns[name]
        if value.absent is not None:
            what = "stands for nothing, and becomes NULL"
            yield Check(entity.id, name, "normalises", entry.hazard, what, value.absent)
        if entry.max_length is not None:
            length = dialect.characters(dialect.text(value.x, table.column(name)))
            what = f"text of more than {entry.max_length} characters"
            yield Check(entity.id, name, "rejects", entry.hazard, what, f"{length} > {entry.max_length}")
    for rule in entity.rules:
        if all(name in values for name in rule.columns):
            condition = _condition(rule, values, dialect, today)
            if condition is not None:
                action: Action = "rejects" if rule.action == "reject" else "flags"
                yield Check(entity.id, rule.column, action, rule.hazard, f"not so: {rule.because}", condition)


def told_apart(rule: RowRule, entity: Entity, table: SourceTable, dialect: Dialect) -> str | None:
    """Say of which rows a rule tells that no other may be like them; None where the source lacks a column of it."""
    values = _values(entity, table, dialect)
    if not all(name in values for name in rule.columns):
        return None
    asked = [values[name] for name in (rule.column, *rule.other)]
    judged = [f"NOT {v.blank}" for v in asked if v.blank is not None]
    return " AND ".join(f"({one})" for one in (*judged, *_of_rows(rule, values, asked, dialect)))


def is_readable(column: SourceColumn, dialect: Dialect) -> bool:
    """Say whether something can be asked of a column's values."""
    return FACTS[dialect.engine].is_loose or dialect.knows(column)


def _values(entity: Entity, table: SourceTable, dialect: Dialect) -> dict[str, _Value]:
    found: dict[str, _Value] = {}
    for name in entity.raw_columns:
        column = table.find(name)
        if column is not None and is_readable(column, dialect):
            found[name] = _value(entity, name, column, dialect)
    return found


def _value(entity: Entity, name: str, column: SourceColumn, dialect: Dialect) -> _Value:
    x = f"t.{dialect.quote(column.name)}"
    raw, family = dialect.raw(x, column), entity.legacy_type(name)[1].family
    absent = None
    if values := entity.columns[name].absent:
        absent = _listed(raw, values, dialect)
        if family in DAYS:
            absent = f"({absent} OR {_listed(dialect.part(raw, 1, 10), values, dialect)})"
    if family != "text":
        return _Value(x, raw, raw, None, absent)
    trimmed = dialect.trimmed(dialect.text(x, column))
    return _Value(x, raw, trimmed, f"{dialect.characters(trimmed)} = 0", absent)


def _listed(text: str, values: Sequence[str], dialect: Dialect) -> str:
    return f"{text} IN ({', '.join(map(dialect.text_literal, values))})"


def _condition(rule: RowRule, values: Mapping[str, _Value], dialect: Dialect, today: date) -> str | None:
    """Say when a row breaks a rule; None where the source cannot tell."""
    if rule.through is not None:
        return None  # what another row holds, no condition on this one tells
    value, others = values[rule.column], [values[name] for name in rule.other]
    match rule.rule:
        case "present":
            broken = " OR ".join(filter(None, (f"{value.x} IS NULL", value.blank)))
        case "one_of":
            broken = f"{value.x} IS NOT NULL AND NOT {_listed(value.raw, rule.values, dialect)}"
        case "not_before":
            broken = f"{value.x} < {others[0].x}"
        case "between":
            broken = _outside(rule, value, dialect, today)
        case "ascending":
            broken = _falling([value.x, *(o.x for o in others)])
        case "agrees" if rule.alike is not None:
            broken = f"lower({value.trimmed}) <> lower({others[0].trimmed})"
        case "agrees":
            broken = f"{value.raw} <> {others[0].raw}"
        case _:  # every engine has regular expressions of its own, or none; `unique` is asked of keys
            return None
    asked = [] if rule.rule == "present" else [value, *others]
    return " AND ".join(f"({one})" for one in (broken, *_of_rows(rule, values, asked, dialect)))


def _of_rows(rule: RowRule, values: Mapping[str, _Value], asked: Sequence[_Value], dialect: Dialect) -> Iterator[str]:
    """Say which rows a rule judges: those that it is said of, and in which nothing stands for nothing."""
    yield from (f"NOT {v.absent}" for v in asked if v.absent is not None)
    yield from (_has(values[name], chosen, dialect) for name, chosen in rule.where.items())
    yield from (f"NOT {_has(values[name], chosen, dialect)}" for name, chosen in rule.unless.items())


def _has(value: _Value, chosen: Sequence[str], dialect: Dialect) -> str:
    """Say whether a column holds one of some values, or where none is named any that is not blank."""
    has = [f"{value.x} IS NOT NULL"]
    if chosen:
        has.append(_listed(value.raw, chosen, dialect))
    elif value.blank is not None:
        has.append(f"NOT {value.blank}")
    return f"({' AND '.join(has)})"


def _outside(rule: RowRule, value: _Value, dialect: Dialect, today: date) -> str:
    is_numeric = is_number(str(rule.low or rule.high))
    x = value.x if is_numeric else dialect.part(value.raw, 1, 10)

    def bound(text: str) -> str:
        return text if is_numeric else dialect.text_literal(bound_day(text, today).isoformat())

    outside = [f"{x} < {bound(rule.low)}"] if rule.low is not None else []
    outside += [f"{x} > {bound(rule.high)}"] if rule.high is not None else []
    return f"({' OR '.join(outside)})"


def _falling(values: Sequence[str]) -> str:
    """Say whether one of some numbers is less than the filled one before it."""
    falls = []
    for at, later in enumerate(values):
        for before in range(at):
            between = [f"{x} IS NULL" for x in values[before + 1 : at]]
            falls.append(" AND ".join([f"{later} < {values[before]}", *between]))
    return f"({' OR '.join(f'({one})' for one in falls)})"
