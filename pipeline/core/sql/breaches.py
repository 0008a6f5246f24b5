"""DuckDB SQL that says which rules of its entry a row breaks: the twin of `pipeline.core.breaches`. Text only."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.core import frame, ids
from pipeline.core.conversion import is_listed_sql
from pipeline.core.rules import RULES
from pipeline.core.sql.columns import TENANT, column
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.keys import comparable, without_absent
from pipeline.core.text import trimmed_sql
from schemas.model import Entity
from schemas.parts import RowRule


def breach(rule: RowRule, entity: Entity, as_of: datetime) -> str:
    """Say of each row whether it breaks a rule."""
    if rule.rule == "unique":
        return quote(frame.repeated(entity.rules.index(rule)))
    if rule.through is not None:
        return f"({_is_disagreement(rule, entity)} AND {applies(rule, entity)})"
    columns = {c: _seen(c, rule, entity) for c in (rule.column, *rule.other)}
    return f"({RULES[rule.rule].sql(columns, rule, as_of.astimezone(UTC).date())} AND {applies(rule, entity)})"


def applies(rule: RowRule, entity: Entity) -> str:
    """Say of each row whether a rule judges it."""
    wanted = [_holds(name, values, entity) for name, values in rule.where.items()]
    spared = [f"NOT {_holds(name, values, entity)}" for name, values in rule.unless.items()]
    return f"({' AND '.join([*wanted, *spared]) or 'true'})"


def repeated(entity: Entity, rows: str) -> str:
    """Say of each row whether others of its tenant hold what should be unique; `rows` selects from all of them."""
    marks = ""
    for n, rule in entity.unique_rules.items():
        held = f"{TENANT} || {_together(rule, entity)}"
        several = f"SELECT {held} AS held FROM {rows} GROUP BY held HAVING count(*) > 1"
        marks += f", coalesce({held} IN (SELECT held FROM ({several}) WHERE held IS NOT NULL), false)"
        marks += f" AS {quote(frame.repeated(n))}"
    return marks


def _is_disagreement(rule: RowRule, entity: Entity) -> str:
    """Say whether a row's parent holds another value; nothing is said of a row without a parent, or without a value."""
    name = str(rule.through)
    own = comparable(entity, rule.column, _filled(rule.column, entity), rule.alike)
    has_both = f"{quote(frame.given(name))} AND {quote(frame.parent(name))} IS NOT NULL AND {own} IS NOT NULL"
    return f"{has_both} AND NOT {quote(frame.agreeing(entity.rules.index(rule)))}"


def _together(rule: RowRule, entity: Entity) -> str:
    """Write what should be unique; NULL where the rule does not judge the row, or part of it is not there."""
    values = [comparable(entity, c, _filled(c, entity), rule.alike) for c in (rule.column, *rule.other)]
    is_there = " AND ".join([applies(rule, entity), *(f"({v}) IS NOT NULL" for v in values)])
    return f"(CASE WHEN {is_there} THEN {ids.key_json_sql([(v, 'text') for v in values])} END)"


def _holds(name: str, values: tuple[str, ...], entity: Entity) -> str:
    if values:
        return is_listed_sql(column(name), values)
    return f"coalesce(({trimmed_sql(_filled(name, entity))}) <> '', false)"


def _seen(name: str, rule: RowRule, entity: Entity) -> str:
    if rule.rule == "present":
        return column(name)
    value = _filled(name, entity)
    return comparable(entity, rule.column, value, rule.alike) if rule.rule == "agrees" else value


def _filled(name: str, entity: Entity) -> str:
    return without_absent(entity, name, column(name))
