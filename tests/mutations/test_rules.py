"""Each argument of each rule dropped, in the Polars renderer: some row is judged otherwise, and that is noticed.

Both renderings of the whole entry judge all rows alike. That a mutant is noticed needs a row by which its argument
decides something: a rule that is new here, or has a new argument, fails until there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from pipeline.core import breaches, frame, keys, transform
from pipeline.core.clock import transitions_frame
from pipeline.core.quality import Test as Judgement
from pipeline.core.quality import verdicts
from pipeline.core.sql import judged, relations
from pipeline.core.sql.ddl import quote
from pipeline.stores.parity import ParityDatabase
from schemas.catalog import Catalog
from schemas.model import Entity
from schemas.parts import RowRule
from tests.mutations.rows import TENANTS, ZONE
from tests.support.promise import read_catalog

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
#: What every rule has: without it there is none.
_ALWAYS = {"rule", "action", "because", "hazard", "column"}
ENTRY = """
[Room]
source = "district"
key = ["Id"]
target = "rooms"
[Room.columns]
Id   = { type = "int" }
Code = { to = "code" }

[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
rules = [
    { rule = "present", column = "A", hazard = "1", where = { W = "on" }, unless = { U = [] }, action = "flag", because = "-" },
    { rule = "one_of", column = "A", values = ["x", "y"], hazard = "2", action = "flag", because = "-" },
    { rule = "pattern", column = "A", pattern = "^[a-x]$", hazard = "3", action = "flag", because = "-" },
    { rule = "not_before", column = "Until", other = "Since", hazard = "4", action = "flag", because = "-" },
    { rule = "between", column = "N", low = "1", high = "9", hazard = "5", action = "flag", because = "-" },
    { rule = "between", column = "Since", low = "2 years ago", high = "today", hazard = "6", action = "flag", because = "-" },
    { rule = "ascending", column = "N", other = ["M", "O"], hazard = "7", action = "flag", because = "-" },
    { rule = "agrees", column = "A", other = "B", alike = "search_key", hazard = "8", action = "flag", because = "-" },
    { rule = "unique", column = "A", other = "B", alike = "email", where = { W = ["on", "off"] }, hazard = "9", action = "flag", because = "-" },
    { rule = "agrees", column = "A", through = "N", other = "Code", where = { W = "on" }, hazard = "10", action = "flag", because = "-" },
]
[Pupil.columns]
Id    = { type = "int" }
A     = { to = "a" }
B     = { to = "b" }
W     = { to = "w" }
U     = { to = "u" }
N     = { type = "int", to = "room_id", references = "student.Room" }
M     = { type = "int", to = "m" }
O     = { type = "int", to = "o" }
Since = { type = "date", to = "since" }
Until = { type = "date", to = "until" }
"""
#: Rooms: Id, Code.
ROOMS = [("1", "X "), ("0", "other"), ("4", "other"), ("5", None), ("10", "")]
#: A, B, W, U, N, M, O, Since, Until.
ROWS = [
    ("x", "x", "on", None, "1", "2", "3", "2025-01-01", "2025-01-02"),
    ("", "0", "on", None, "0", "2", "1", "2025-02-01", "2025-01-02"),
    ("", "1", "off", None, "10", "3", None, "2020-02-01", "2025-01-02"),
    ("", "2", "on", "u", "5", None, "4", "2027-02-01", None),
    ("z", "00z", None, None, "4", "3", "9", None, None),
    ("z", "00z", None, None, "4", "5", "9", None, None),
    ("y", "8", "on", None, None, None, None, None, None),
    ("q", "m ", "on", None, "4", None, None, None, None),
    (" Q", "M", "off", None, None, None, None, None, None),
    ("q", "n", "on", None, None, None, None, None, None),
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return read_catalog(tmp_path_factory.mktemp("catalog"), {"student": ENTRY})


def rows(entity: Entity) -> pl.LazyFrame:
    held = ROOMS if entity.name == "Room" else [(str(n), *row) for n, row in enumerate(ROWS)]
    raw = dict(zip(entity.raw_columns, map(list, zip(*held, strict=True)), strict=True))
    df = pl.DataFrame(raw, schema=dict.fromkeys(raw, pl.String())).with_columns(
        pl.lit(TENANTS[0]).alias(frame.TENANT),
        pl.lit(None, pl.String).alias(frame.UNFIT),
        pl.lit("a").alias(frame.SOURCE),
        pl.lit(0, pl.Int32).alias(frame.BATCH),
        pl.lit(ZONE).alias(frame.HOST_ZONE),
        pl.lit(ZONE).alias(frame.TENANT_ZONE),
    )
    return keys.with_key(df.lazy(), entity)


def flags(entity: Entity) -> list[str]:
    return [v.flag for v in verdicts(entity) if v.test is Judgement.RULE]


def parents(catalog: Catalog) -> keys.Parents:
    room = catalog["student.Room"]
    found = keys.keys_of(rows(room), room, catalog)
    match_keys = catalog.match_keys[room.id]
    return {(room.id, key): keys.living(found, n, own=n == 0) for n, key in enumerate(match_keys)}


def in_polars(entity: Entity, catalog: Catalog) -> pl.DataFrame:
    tagged = rows(entity)
    marked = breaches.marked(tagged, entity, breaches.repeated(tagged, entity))
    context = transform.Context(ZONE, ZONE, AS_OF)
    prepared = transform.prepare(marked, entity, catalog=catalog, parents=parents(catalog), context=context)
    return prepared.select(frame.KEY, *flags(entity)).sort(frame.KEY).collect()


def mutants(rules: tuple[RowRule, ...]) -> Iterator[tuple[str, tuple[RowRule, ...]]]:
    """Give the rules with something of one of them left out."""
    for n, rule in enumerate(rules):
        yield (
            f"no {rule.rule} of {rule.column}",
            (*rules[:n], rule.model_copy(update={"where": {"W": ("none",)}}), *rules[n + 1 :]),
        )
        for name in sorted(rule.model_fields_set - _ALWAYS):
            if rule.through is not None and name != "where":
                continue  # what of the parent is compared is part of its match keys
            value: Any = getattr(rule, name)
            for what, left in _less(value):
                # Not validated: what is left need not make sense.
                mutant = rule.model_copy(update={name: left})
                yield f"{rule.rule} without {name} {what}".strip(), (*rules[:n], mutant, *rules[n + 1 :])


def _less(value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            yield "", {}
            for column, values in value.items():
                yield from ((v, {**value, column: tuple(w for w in values if w != v)}) for v in values[1:])
        case tuple() if len(value) > 1:
            yield from ((v, tuple(w for w in value if w != v)) for v in value)
        case str() if value.isdigit() or " " in value or value == "today":
            yield "", None
        case "search_key" | "email":
            yield "", None


def with_rules(entity: Entity, rules: tuple[RowRule, ...]) -> Entity:
    mutant = entity.model_copy(update={"rules": rules})
    for resolved in ("unique_rules", "agreements"):
        mutant.__dict__.pop(resolved, None)
    return mutant


def test_a_rule_that_is_less_than_it_should_be_is_noticed(catalog: Catalog, tmp_path: Path) -> None:
    entity = catalog["student.Pupil"]
    assert {r.rule for r in entity.rules} == {*get_args(RowRule.model_fields["rule"].annotation)}
    with ParityDatabase(tmp_path, transitions_frame([ZONE])) as duck:
        duck.fill(relations.tagged(entity.id), rows(entity).collect().to_arrow())
        for n, living in enumerate(parents(catalog).values()):
            duck.fill(relations.live("student.Room", n), living.collect().to_arrow())
        duck.execute(judged.judged(entity, catalog, tenants=TENANTS, as_of=AS_OF))
        named = ", ".join(map(quote, [frame.KEY, *flags(entity)]))
        derived = duck.rows(f"SELECT {named} FROM {relations.judged(entity.id)} ORDER BY 1")
    assert in_polars(entity, catalog).to_dicts() == derived
    tried = {what: in_polars(with_rules(entity, rules), catalog).to_dicts() for what, rules in mutants(entity.rules)}
    assert len(tried) > 10
    assert [what for what, found in tried.items() if found == derived] == []
