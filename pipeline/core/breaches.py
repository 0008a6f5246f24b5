"""Which rules of its entry a row breaks, as Polars expressions over tagged rows.

A rule (core/rules.py) sees a value that its column's entry calls absent as NULL, but `present`, which asks for just
that. Values that are compared with others are seen as their column compares them, or as a converter makes them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import polars as pl

from pipeline.core import frame
from pipeline.core.conversion import is_listed
from pipeline.core.keys import compared
from pipeline.core.rules import RULES
from pipeline.core.text import fold_email, fold_identifier, trimmed
from schemas.model import Entity
from schemas.parts import RowRule

_ALIKE: Mapping[str, Callable[[pl.Expr], pl.Expr]] = MappingProxyType(
    {"search_key": fold_identifier, "email": fold_email}
)


def breach(rule: RowRule, entity: Entity, as_of: datetime) -> pl.Expr:
    """Say of each row whether it breaks a rule."""
    see = _comparable if rule.rule == "agrees" else _seen
    columns = {c: see(c, rule, entity) for c in (rule.column, *rule.other)}
    return applies(rule, entity) & RULES[rule.rule].polars(columns, rule, as_of.astimezone(UTC).date())


def applies(rule: RowRule, entity: Entity) -> pl.Expr:
    """Say of each row whether a rule judges it."""
    wanted = [_holds(name, values, entity) for name, values in rule.where.items()]
    spared = [~_holds(name, values, entity) for name, values in rule.unless.items()]
    return pl.all_horizontal(pl.lit(value=True), *wanted, *spared)


def _holds(name: str, values: tuple[str, ...], entity: Entity) -> pl.Expr:
    if values:
        return is_listed(pl.col(frame.column(name)), values)
    return (trimmed(_without_absent(name, entity)) != "").fill_null(value=False)


def _seen(name: str, rule: RowRule, entity: Entity) -> pl.Expr:
    return pl.col(frame.column(name)) if rule.rule == "present" else _without_absent(name, entity)


def _comparable(name: str, rule: RowRule, entity: Entity) -> pl.Expr:
    """Give the text by which a value is compared; null where there is none."""
    value = _without_absent(name, entity)
    text = compared(entity, rule.column, value) if rule.alike is None else _ALIKE[rule.alike](value)
    return pl.when(trimmed(text) != "").then(text)


def _without_absent(name: str, entity: Entity) -> pl.Expr:
    raw, absent = pl.col(frame.column(name)), entity.columns[name].absent
    if not absent:
        return raw
    is_absent = is_listed(raw, absent)
    if entity.is_moment(name):
        is_absent |= is_listed(raw.str.slice(0, 10), absent)
    return pl.when(~is_absent).then(raw)
