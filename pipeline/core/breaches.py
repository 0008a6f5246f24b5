"""Which rules of its entry a row breaks, as Polars expressions over tagged rows.

Tagged rows are `marked` first: what is unique is known of all rows of a tenant, and these may be some of them.

A rule (core/rules.py) sees a value that its column's entry calls absent as NULL, but `present`, which asks for just
that. Values that are compared with others are seen as their column compares them, or as a converter makes them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from pipeline.core import frame
from pipeline.core.conversion import is_listed
from pipeline.core.frame import MATCH, ROW, TENANT
from pipeline.core.ids import key_json
from pipeline.core.keys import comparable, without_absent
from pipeline.core.rules import RULES
from pipeline.core.text import trimmed
from schemas.model import Entity
from schemas.parts import RowRule


def breach(rule: RowRule, entity: Entity, as_of: datetime) -> pl.Expr:
    """Say of each row whether it breaks a rule."""
    if rule.rule == "unique":
        return pl.col(frame.repeated(entity.rules.index(rule)))
    if rule.through is not None:
        return applies(rule, entity) & _is_disagreement(rule, entity)
    columns = {c: _seen(c, rule, entity) for c in (rule.column, *rule.other)}
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


def _is_disagreement(rule: RowRule, entity: Entity) -> pl.Expr:
    """Say whether a row's parent holds another value; nothing is said of a row without a parent, or without a value."""
    name = str(rule.through)
    own = comparable(entity, rule.column, _filled(rule.column, entity), rule.alike)
    has_both = pl.col(frame.given(name)) & pl.col(frame.parent(name)).is_not_null() & own.is_not_null()
    return has_both & ~pl.col(frame.agreeing(entity.rules.index(rule)))


def _together(rule: RowRule, entity: Entity) -> pl.Expr:
    """Write what should be unique; null where the rule does not judge the row, or part of it is not there."""
    values = [comparable(entity, c, _filled(c, entity), rule.alike) for c in (rule.column, *rule.other)]
    is_there = pl.all_horizontal(applies(rule, entity), *(v.is_not_null() for v in values))
    return pl.when(is_there).then(key_json([(v, "text") for v in values]))


def _holds(name: str, values: tuple[str, ...], entity: Entity) -> pl.Expr:
    if values:
        return is_listed(pl.col(frame.column(name)), values)
    return (trimmed(_filled(name, entity)) != "").fill_null(value=False)


def _seen(name: str, rule: RowRule, entity: Entity) -> pl.Expr:
    if rule.rule == "present":
        return pl.col(frame.column(name))
    value = _filled(name, entity)
    return comparable(entity, rule.column, value, rule.alike) if rule.rule == "agrees" else value


def _filled(name: str, entity: Entity) -> pl.Expr:
    return without_absent(entity, name, pl.col(frame.column(name)))
