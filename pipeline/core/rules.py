"""Judge rows by named rules, each a pair of Polars expression and DuckDB SQL, true where a row breaks it.

Rules read the raw text of the row's columns, as `core/breaches.py` hands it out. They never judge what is absent
(`present` does just that) or unreadable, which the converters tell. The catalog names a rule and its arguments
(schemas.parts.RowRule).

Invariant: an outcome is true or false, never null, and the same in both forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import polars as pl

from pipeline.core.conversion import is_listed, is_listed_sql
from pipeline.core.moments import moment, moment_sql
from pipeline.core.text import quoted, trimmed, trimmed_sql
from schemas.parts import RowRule, is_number


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule in its two forms; each takes the columns by name, the catalog's arguments and the as-of day."""

    name: str
    polars: Callable[[Mapping[str, pl.Expr], RowRule, date], pl.Expr]
    sql: Callable[[Mapping[str, str], RowRule, date], str]


def _not_before(columns: Mapping[str, pl.Expr], args: RowRule, _today: date) -> pl.Expr:
    early = moment(columns[args.column]) < moment(columns[args.other[0]])
    return early.fill_null(value=False)


def _not_before_sql(columns: Mapping[str, str], args: RowRule, _today: date) -> str:
    early = f"({moment_sql(columns[args.column])}) < ({moment_sql(columns[args.other[0]])})"
    return f"coalesce({early}, false)"


def _matches(columns: Mapping[str, pl.Expr], args: RowRule, _today: date) -> pl.Expr:
    return (~columns[args.column].str.contains(str(args.pattern))).fill_null(value=False)


def _matches_sql(columns: Mapping[str, str], args: RowRule, _today: date) -> str:
    return f"coalesce(NOT regexp_matches({columns[args.column]}, {quoted(str(args.pattern))}), false)"


def _present(columns: Mapping[str, pl.Expr], args: RowRule, _today: date) -> pl.Expr:
    return (trimmed(columns[args.column]) == "").fill_null(value=True)


def _present_sql(columns: Mapping[str, str], args: RowRule, _today: date) -> str:
    return f"coalesce(({trimmed_sql(columns[args.column])}) = '', true)"


def _one_of(columns: Mapping[str, pl.Expr], args: RowRule, _today: date) -> pl.Expr:
    column = columns[args.column]
    return column.is_not_null() & ~is_listed(column, args.values)


def _one_of_sql(columns: Mapping[str, str], args: RowRule, _today: date) -> str:
    column = columns[args.column]
    return f"({column} IS NOT NULL AND NOT {is_listed_sql(column, args.values)})"


#: A finite number, as `float` reads it.
_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def _number(raw: pl.Expr) -> pl.Expr:
    found = pl.when(raw.str.contains(f"^{_NUMBER}$")).then(raw).cast(pl.Float64, strict=False)
    return pl.when(found.is_finite()).then(found)


def _number_sql(raw: str) -> str:
    found = f"TRY_CAST({raw} AS DOUBLE)"
    return f"CASE WHEN regexp_full_match({raw}, '{_NUMBER}') AND NOT isinf({found}) THEN {found} END"


def bound_day(bound: str, today: date) -> date:
    """Give the day of a bound; the 29th of February a number of years ago may be the 28th."""
    match bound.split(" "):
        case [number, "day" | "days", _]:
            return today - timedelta(days=int(number))
        case [number, "year" | "years", _]:
            year = today.year - int(number)
            return date(year, 2, 28) if (today.month, today.day) == (2, 29) else today.replace(year=year)
        case ["today"]:
            return today
    return date.fromisoformat(bound)


def _day_sql(bound: str, today: date) -> str:
    match bound.split(" "):
        case [number, unit, _]:
            return f"CAST(DATE {quoted(str(today))} - INTERVAL {number} {unit.removesuffix('s')} AS DATE)"
        case ["today"]:
            return f"DATE {quoted(str(today))}"
    return f"DATE {quoted(bound)}"


def _between(columns: Mapping[str, pl.Expr], args: RowRule, today: date) -> pl.Expr:
    column = columns[args.column]
    is_numeric = is_number(str(args.low or args.high))
    value = _number(column) if is_numeric else moment(column).dt.date()

    def bound(text: str) -> pl.Expr:
        return pl.lit(float(text)) if is_numeric else pl.lit(bound_day(text, today))

    outside = [value < bound(args.low)] if args.low is not None else []
    outside += [value > bound(args.high)] if args.high is not None else []
    return pl.any_horizontal(outside).fill_null(value=False)


def _between_sql(columns: Mapping[str, str], args: RowRule, today: date) -> str:
    column = columns[args.column]
    is_numeric = is_number(str(args.low or args.high))
    value = f"({_number_sql(column)})" if is_numeric else f"CAST({moment_sql(column)} AS DATE)"

    def bound(text: str) -> str:
        return f"CAST({quoted(text)} AS DOUBLE)" if is_numeric else _day_sql(text, today)

    outside = [f"{value} < {bound(args.low)}"] if args.low is not None else []
    outside += [f"{value} > {bound(args.high)}"] if args.high is not None else []
    return f"coalesce({' OR '.join(outside)}, false)"


def _ascending(columns: Mapping[str, pl.Expr], args: RowRule, _today: date) -> pl.Expr:
    values = [_number(columns[c]) for c in (args.column, *args.other)]
    falls = []
    before = values[0]
    for value in values[1:]:
        falls.append((value < before).fill_null(value=False))
        before = pl.coalesce(value, before)
    return pl.any_horizontal(falls)


def _ascending_sql(columns: Mapping[str, str], args: RowRule, _today: date) -> str:
    filled = ", ".join(_number_sql(columns[c]) for c in (args.column, *args.other))
    values = f"list_filter([{filled}], lambda x: x IS NOT NULL)"
    return f"({values} <> list_sort({values}))"


def _agrees(columns: Mapping[str, pl.Expr], args: RowRule, _today: date) -> pl.Expr:
    return (columns[args.column] != columns[args.other[0]]).fill_null(value=False)


def _agrees_sql(columns: Mapping[str, str], args: RowRule, _today: date) -> str:
    return f"coalesce({columns[args.column]} <> {columns[args.other[0]]}, false)"


_ALL = (
    Rule("not_before", _not_before, _not_before_sql),  # `column` is an earlier moment than `other`
    Rule("pattern", _matches, _matches_sql),  # `pattern` is found nowhere in `column`
    Rule("present", _present, _present_sql),  # `column` is null, empty or only blanks
    Rule("one_of", _one_of, _one_of_sql),  # `column` is none of `values`
    Rule("between", _between, _between_sql),  # `column` is below `low` or above `high`
    Rule("ascending", _ascending, _ascending_sql),  # of `column` and `other` one is less than the filled one before it
    Rule("agrees", _agrees, _agrees_sql),  # `column` and `other` are filled, and differ
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _ALL})
