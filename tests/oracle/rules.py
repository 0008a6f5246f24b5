"""The rules by name: is a row's raw text as its entry says?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.oracle.entries import Column, Entry, names_of
from tests.oracle.rows import Row, match
from tests.oracle.values import BLANKS, Asked, UnreadableError, Value, convert, lower

_DAYS = {"date", "time", "timestamp", "timestamptz"}


def is_blank(raw: str | None) -> bool:
    return raw is None or not raw.strip(BLANKS)


def is_broken(rule: Mapping[str, Any], entry: Entry, raws: Mapping[str, str | None], as_of: datetime) -> bool:
    """Judge a row by a rule that asks for nothing but its own columns."""
    if not applies(rule, entry, raws):
        return False
    if rule["rule"] == "present":
        return is_blank(raws[rule["column"]])
    raw = _seen(entry, rule["column"], raws)
    if raw is None:
        return rule["rule"] == "ascending" and _falls([None, *_others(rule, entry, raws)])
    match rule["rule"]:
        case "one_of":
            return raw not in rule["values"]
        case "pattern":
            return not re.search(rule["pattern"].replace("$", r"\Z"), raw)
        case "between":
            return _is_outside(raw, rule, as_of.date())
        case "ascending":
            return _falls([raw, *_others(rule, entry, raws)])
        case "agrees":
            own, other = (comparable(rule, entry, entry, text) for text in (raw, _others(rule, entry, raws)[0]))
            return None not in (own, other) and own != other
        case _:
            other = _others(rule, entry, raws)[0]
            return other is not None and _earlier(raw, other)


def together(rule: Mapping[str, Any], entry: Entry, raws: Mapping[str, str | None]) -> tuple[str, ...] | None:
    """Give what a rule asks to be unique, where it judges the row and all of it is there."""
    names = [rule["column"], *names_of(rule.get("other", []))]
    values = tuple(comparable({**rule, "column": n}, entry, entry, _seen(entry, n, raws)) for n in names)
    return values if applies(rule, entry, raws) and None not in values else None  # type: ignore[return-value]


def disagrees(rule: Mapping[str, Any], child: Entry, raws: Mapping[str, str | None], parents: Sequence[Row]) -> bool:
    """Say whether none of the rows that a row refers to holds what it does; what is blank or absent contradicts none."""
    own, (name,) = _seen(child, rule["column"], raws), names_of(rule["other"])
    if not parents or not applies(rule, child, raws) or is_blank(own):
        return False
    # The parent's column compares.
    by = {**rule, "column": name}
    entry = parents[0].entry
    theirs = [comparable(by, entry, entry, _seen(entry, name, parent.raws)) for parent in parents]
    return None not in theirs and comparable(by, entry, entry, own) not in theirs


def applies(rule: Mapping[str, Any], entry: Entry, raws: Mapping[str, str | None]) -> bool:
    """Say whether a rule judges a row: `where` and `unless`."""

    def holds(name: str, values: str | list[str]) -> bool:
        return raws[name] in names_of(values) if values else not is_blank(_seen(entry, name, raws))

    wanted, spared = rule.get("where", {}), rule.get("unless", {})
    return all(holds(*c) for c in wanted.items()) and not any(holds(*c) for c in spared.items())


def comparable(rule: Mapping[str, Any], entry: Entry, whose: Entry, raw: str | None) -> str | None:
    """Write a value as it is compared: made alike by a converter, or as the column judged compares it."""
    if raw is None or is_blank(raw):
        return None
    if "alike" in rule:
        made = lower(raw.strip(BLANKS))
        return made if rule["alike"] == "email" else made.lstrip("0") or "0"
    column = whose.columns[rule["column"]]
    return match(column, raw, str(entry.said.get("engine", "mssql")))


def _others(rule: Mapping[str, Any], entry: Entry, raws: Mapping[str, str | None]) -> list[str | None]:
    return [_seen(entry, name, raws) for name in names_of(rule["other"])]


def _seen(entry: Entry, name: str, raws: Mapping[str, str | None]) -> str | None:
    """Take what is absent for NULL; of what becomes a moment also where its day is listed."""
    raw, column = raws[name], entry.columns[name]
    absent = column.said.get("absent", ())
    is_day = any(target.pg in _DAYS for target in column.targets)
    return None if raw in absent or (is_day and raw is not None and raw[:10] in absent) else raw


def _moment(text: str) -> Value | None:
    return convert("moment", text, Asked("timestamp", finer="keep")).value


def _earlier(raw: str, other: str) -> bool:
    try:
        return bool(_moment(raw) < _moment(other))  # type: ignore[operator]
    except UnreadableError:
        return False


def _number(raw: str | None) -> float | None:
    if raw is None or not re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", raw, re.IGNORECASE):
        return None
    made = float(raw)
    return None if made in {float("inf"), float("-inf")} else made


def _falls(raws: list[str | None]) -> bool:
    filled = [number for raw in raws if (number := _number(raw)) is not None]
    return any(later < sooner for sooner, later in pairwise(filled))


def _is_outside(raw: str, rule: Mapping[str, Any], today: date) -> bool:
    bounds = [rule.get("low"), rule.get("high")]
    if re.fullmatch(r"-?[0-9.]+", next(b for b in bounds if b)):
        low, high = (None if b is None else float(b) for b in bounds)
        number = _number(raw)
        return number is not None and ((low is not None and number < low) or (high is not None and number > high))
    try:
        moment = _moment(raw)
    except UnreadableError:
        return False
    assert isinstance(moment, datetime)
    first, last = (None if b is None else _bound(b, today) for b in bounds)
    return (first is not None and moment.date() < first) or (last is not None and moment.date() > last)


def _bound(said: str, today: date) -> date:
    number, _, unit = said.partition(" ")
    if said == "today":
        return today
    if unit.startswith("day"):
        return today - timedelta(int(number))
    if unit.startswith("year"):
        day = min(today.day, 28) if today.month == 2 and (today.year - int(number)) % 4 else today.day
        return date(today.year - int(number), today.month, day)
    return date.fromisoformat(said)


def fills(row: Row, column: Column) -> bool:
    """Say whether a column fills its part: by what the source holds, also where the target cannot hold it."""
    raw = held_of(row, column)
    return not is_blank(raw) and not (column.base == "bit" and raw == "0")


def held_of(row: Row, column: Column) -> str | None:
    """Give what the source holds, which is nothing of what the entry states itself."""
    return None if "constant" in column.said else row.raws.get(column.name)
