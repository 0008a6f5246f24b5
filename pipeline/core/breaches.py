"""Which rules of its entry a row breaks, as Polars expressions over tagged rows.

Tagged rows are `marked` first: what is unique is known of all rows of a tenant, and these may be some of them.

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
from pipeline.core.frame import MATCH, ROW, TENANT
from pipeline.core.ids import key_json
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
    if rule.rule == "unique":
        return pl.col(frame.repeated(entity.rules.index(rule)))
    see = _comparable if rule.rule == "agrees" else _seen
    columns = {c: see(c, rule, entity) for c in (rule.column, *rule.other)}
    return applies(rule, entity) & RULES[rule.rule].polars(columns, rule, as_of.astimezone(UTC).date())


def applies(rule: RowRule, entity: Entity) -> pl.Expr:
    """Say of each row whether a rule judges it."""
    wanted = [_holds(name, values, entity) for name, values in rule.where.items()]
    spared = [~_holds(name, values, entity) for name, values in rule.unless.items()]
    return pl.all_horizontal(pl.lit(value=True), *wanted, *spared)


def repeated(tagged: pl.LazyFrame, entity: Entity) -> dict[int, pl.LazyFrame]:
    """List what several rows hold that should be unique: TENANT and MATCH, for each rule that asks.

    Args:
        tagged: all rows of each tenant in it.
    """
    found = {}
    for n, rule in entity.unique_rules.items():
        held = tagged.select(TENANT, _together(rule, entity).alias(MATCH)).drop_nulls(MATCH)
        found[n] = held.group_by(TENANT, MATCH).agg(pl.len().alias(ROW)).filter(pl.col(ROW) > 1).drop(ROW)
    return found


def marked(tagged: pl.LazyFrame, entity: Entity, repeated: Mapping[int, pl.LazyFrame]) -> pl.LazyFrame:
    """Say of each row whether others hold what should be unique."""
    for n, rule in entity.unique_rules.items():
        mark = frame.repeated(n)
        held = repeated[n].with_columns(pl.lit(value=True).alias(mark))
        matched = tagged.with_columns(_together(rule, entity).alias(MATCH))
        joined = matched.join(held, on=[TENANT, MATCH], how="left", maintain_order="left").drop(MATCH)
        tagged = joined.with_columns(pl.col(mark).fill_null(value=False))
    return tagged


def _together(rule: RowRule, entity: Entity) -> pl.Expr:
    """Write what should be unique; null where the rule does not judge the row, or part of it is not there."""
    values = [_compared(c, c, rule, entity) for c in (rule.column, *rule.other)]
    is_there = pl.all_horizontal(applies(rule, entity), *(v.is_not_null() for v in values))
    return pl.when(is_there).then(key_json([(v, "text") for v in values]))


def _holds(name: str, values: tuple[str, ...], entity: Entity) -> pl.Expr:
    if values:
        return is_listed(pl.col(frame.column(name)), values)
    return (trimmed(_without_absent(name, entity)) != "").fill_null(value=False)


def _seen(name: str, rule: RowRule, entity: Entity) -> pl.Expr:
    return pl.col(frame.column(name)) if rule.rule == "present" else _without_absent(name, entity)


def _comparable(name: str, rule: RowRule, entity: Entity) -> pl.Expr:
    return _compared(name, rule.column, rule, entity)


def _compared(name: str, by: str, rule: RowRule, entity: Entity) -> pl.Expr:
    """Give the text by which a value is compared, as the column `by` compares; null where there is none."""
    value = _without_absent(name, entity)
    text = compared(entity, by, value) if rule.alike is None else _ALIKE[rule.alike](value)
    return pl.when(trimmed(text) != "").then(text)


def _without_absent(name: str, entity: Entity) -> pl.Expr:
    raw, absent = pl.col(frame.column(name)), entity.columns[name].absent
    if not absent:
        return raw
    is_absent = is_listed(raw, absent)
    if entity.is_moment(name):
        is_absent |= is_listed(raw.str.slice(0, 10), absent)
    return pl.when(~is_absent).then(raw)
