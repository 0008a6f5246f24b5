"""Judge rows by named rules, each a pair of Polars expression and DuckDB SQL, true where a row breaks it.

Rules read the raw text of the row's columns. They never judge what is absent (`present` does just that) or
unreadable, which the converters tell. The catalog names a rule and its arguments (schemas.model.RowRule).

Invariant: an outcome is true or false, never null, and the same in both forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from pipeline.core.conversion import is_listed, is_listed_sql
from pipeline.core.moments import moment, moment_sql
from pipeline.core.text import quoted, trimmed, trimmed_sql
from schemas.parts import RowRule


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule in its two forms; each takes the raw columns by name and the catalog's arguments."""

    name: str
    polars: Callable[[Mapping[str, pl.Expr], RowRule], pl.Expr]
    sql: Callable[[Mapping[str, str], RowRule], str]


def _not_before(columns: Mapping[str, pl.Expr], args: RowRule) -> pl.Expr:
    early = moment(columns[args.column]) < moment(columns[str(args.other)])
    return early.fill_null(value=False)


def _not_before_sql(columns: Mapping[str, str], args: RowRule) -> str:
    early = f"({moment_sql(columns[args.column])}) < ({moment_sql(columns[str(args.other)])})"
    return f"coalesce({early}, false)"


def _matches(columns: Mapping[str, pl.Expr], args: RowRule) -> pl.Expr:
    return (~columns[args.column].str.contains(str(args.pattern))).fill_null(value=False)


def _matches_sql(columns: Mapping[str, str], args: RowRule) -> str:
    return f"coalesce(NOT regexp_matches({columns[args.column]}, {quoted(str(args.pattern))}), false)"


def _present(columns: Mapping[str, pl.Expr], args: RowRule) -> pl.Expr:
    return (trimmed(columns[args.column]) == "").fill_null(value=True)


def _present_sql(columns: Mapping[str, str], args: RowRule) -> str:
    return f"coalesce(({trimmed_sql(columns[args.column])}) = '', true)"


def _one_of(columns: Mapping[str, pl.Expr], args: RowRule) -> pl.Expr:
    column = columns[args.column]
    return column.is_not_null() & ~is_listed(column, args.values)


def _one_of_sql(columns: Mapping[str, str], args: RowRule) -> str:
    column = columns[args.column]
    return f"({column} IS NOT NULL AND NOT {is_listed_sql(column, args.values)})"


_ALL = (
    Rule("not_before", _not_before, _not_before_sql),  # `column` is an earlier moment than `other`
    Rule("pattern", _matches, _matches_sql),  # `pattern` is found nowhere in `column`
    Rule("present", _present, _present_sql),  # `column` is null, empty or only blanks
    Rule("one_of", _one_of, _one_of_sql),  # `column` is none of `values`
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _ALL})
