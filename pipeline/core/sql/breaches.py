"""DuckDB SQL that says which rules of its entry a row breaks: the twin of `pipeline.core.breaches`. Text only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from pipeline.core import frame, ids
from pipeline.core.conversion import is_listed_sql
from pipeline.core.rules import RULES
from pipeline.core.sql.columns import TENANT, column
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.keys import compared
from pipeline.core.text import fold_email_sql, fold_identifier_sql, trimmed_sql
from schemas.model import Entity
from schemas.parts import RowRule

_ALIKE: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"search_key": fold_identifier_sql, "email": fold_email_sql}
)


def breach(rule: RowRule, entity: Entity, as_of: datetime) -> str:
    """Say of each row whether it breaks a rule."""
    if rule.rule == "unique":
        return quote(frame.repeated(entity.rules.index(rule)))
    see = _comparable if rule.rule == "agrees" else _seen
    columns = {c: see(c, rule, entity) for c in (rule.column, *rule.other)}
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


def _together(rule: RowRule, entity: Entity) -> str:
    """Write what should be unique; NULL where the rule does not judge the row, or part of it is not there."""
    values = [_compared(c, c, rule, entity) for c in (rule.column, *rule.other)]
    is_there = " AND ".join([applies(rule, entity), *(f"({v}) IS NOT NULL" for v in values)])
    return f"(CASE WHEN {is_there} THEN {ids.key_json_sql([(v, 'text') for v in values])} END)"


def _holds(name: str, values: tuple[str, ...], entity: Entity) -> str:
    if values:
        return is_listed_sql(column(name), values)
    return f"coalesce(({trimmed_sql(_without_absent(name, entity))}) <> '', false)"


def _seen(name: str, rule: RowRule, entity: Entity) -> str:
    return column(name) if rule.rule == "present" else _without_absent(name, entity)


def _comparable(name: str, rule: RowRule, entity: Entity) -> str:
    return _compared(name, rule.column, rule, entity)


def _compared(name: str, by: str, rule: RowRule, entity: Entity) -> str:
    """Give the text by which a value is compared, as the column `by` compares; NULL where there is none."""
    value = _without_absent(name, entity)
    text = compared(entity, by, value) if rule.alike is None else _ALIKE[rule.alike](value)
    return f"CASE WHEN ({trimmed_sql(text)}) <> '' THEN {text} END"


def _without_absent(name: str, entity: Entity) -> str:
    raw, absent = column(name), entity.columns[name].absent
    if not absent:
        return raw
    is_absent = is_listed_sql(raw, absent)
    if entity.is_moment(name):
        is_absent = f"({is_absent} OR {is_listed_sql(f'left({raw}, 10)', absent)})"
    return f"(CASE WHEN NOT {is_absent} THEN {raw} END)"
