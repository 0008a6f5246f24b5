"""What a source is asked because an entry says so: rules and sentinels as conditions, run on a file; clocks and shapes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from uuid import UUID

import pytest

from pipeline.core.profile import Clock
from pipeline.core.profile.checks import checks, told_apart
from pipeline.core.profile.clocks import midnights, told
from pipeline.core.profile.shapes import shape
from pipeline.core.sql.source import SourceColumn, SourceTable
from pipeline.core.sql.sqlite import SQLITE
from schemas.model import Entity

TODAY = date(2026, 1, 1)
TYPES = {
    "Id": "int",
    "Name": "nvarchar(max)",
    "Mail": "nvarchar(max)",
    "A": "int",
    "B": "int",
    "C": "int",
    "At": "datetime",
}
#: A row each: what is not said is NULL, and the key is the row's number.
ROWS: tuple[Mapping[str, object], ...] = (
    {"Name": "Ada", "Mail": "ada@x", "A": 1, "B": 2, "C": 3, "At": "2015-05-05 00:00:00.000"},
    {"Name": "  ", "Mail": " ADA@X", "A": 3, "B": 2, "C": 3, "At": "1990-05-05 00:00:00.000"},
    {"Mail": "bo@x", "A": 5, "C": 4, "At": "9999-12-31 00:00:00.000"},
    {"Name": "Bo", "A": 0, "B": 9, "At": "2025-12-31 23:00:00.000"},
)
BASE = {"action": "flag", "hazard": "H1", "because": "so"}
CASES = {
    "present": ({"rule": "present", "column": "Name"}, {2, 3}),
    "present, where": ({"rule": "present", "column": "Name", "where": {"A": ["5", "6"]}}, {3}),
    "present, where filled": ({"rule": "present", "column": "Mail", "where": {"Name": []}}, {4}),
    "present, unless": ({"rule": "present", "column": "Name", "unless": {"A": "5"}}, {2}),
    "one of": ({"rule": "one_of", "column": "A", "values": ["0", "1"]}, {2, 3}),
    "between numbers": ({"rule": "between", "column": "A", "low": "1", "high": "4"}, {3, 4}),
    "not below": ({"rule": "between", "column": "A", "low": "1"}, {4}),
    # What stands for nothing is not judged.
    "between days": ({"rule": "between", "column": "At", "low": "25 years ago", "high": "today"}, {2}),
    "not after a day": ({"rule": "between", "column": "At", "high": "2025-12-30"}, {4}),
    "ascending": ({"rule": "ascending", "column": "A", "other": ["B", "C"]}, {2, 3}),
    "agrees": ({"rule": "agrees", "column": "A", "other": "C"}, {1, 3}),
    "agrees, alike": ({"rule": "agrees", "column": "Mail", "other": "Name", "alike": "email"}, {1, 2}),
    "not before": ({"rule": "not_before", "column": "C", "other": "A"}, {3}),
}


def _entity(rules: list[dict[str, object]]) -> Entity:
    columns: dict[str, dict[str, object]] = {n: {"type": t, "to": n.lower()} for n, t in TYPES.items() if n != "Id"}
    columns["At"] |= {"convert": "date", "absent": ["9999-12-31"]}
    columns["Name"] |= {"max_length": 2}
    named = {
        "namespace": UUID(int=0),
        "service": "student",
        "name": "P",
        "source": "district",
        "table": "P",
        "target": "p",
    }
    return Entity.model_validate(
        {**named, "key": ["Id"], "columns": {"Id": {"type": "int"}, **columns}, "rules": rules}
    )


def _table() -> SourceTable:
    return SourceTable("dbo", "P", tuple(SourceColumn(n, t) for n, t in TYPES.items()))


@contextmanager
def _filled() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE P ({', '.join(f'{n} {t.partition(chr(40))[0]}' for n, t in TYPES.items())})")
        for number, row in enumerate(ROWS, 1):
            values = [number, *(row.get(n) for n in TYPES if n != "Id")]
            connection.execute(f"INSERT INTO P VALUES ({', '.join('?' * len(values))})", values)
        yield connection


def _broken(entity: Entity) -> list[tuple[str, set[int]]]:
    """Run what is asked of each row; give for each check its sentence and the rows for which it holds."""
    with _filled() as connection:
        return [
            (c.what, {n for (n,) in connection.execute(f"SELECT Id FROM P AS t WHERE {c.condition}")})
            for c in checks(entity, _table(), SQLITE, TODAY)
        ]


@pytest.mark.parametrize(("rule", "expected"), CASES.values(), ids=CASES)
def test_a_rule_is_a_condition(rule: dict[str, object], expected: set[int]) -> None:
    assert _broken(_entity([{**BASE, **rule}]))[-1] == ("not so: so", expected)


def test_sentinels_and_lengths_are_conditions() -> None:
    assert _broken(_entity([])) == [
        ("text of more than 2 characters", {1}),
        ("stands for nothing, and becomes NULL", {3}),
    ]


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "pattern", "pattern": "x"},
        {"rule": "unique"},
        {"rule": "agrees", "through": "A", "other": "Theirs"},
        {"rule": "agrees", "through": "A", "other": "Mail"},
    ],
    ids=str,
)
def test_what_the_source_cannot_tell_of_a_row_is_not_asked(rule: dict[str, object]) -> None:
    assert len(_broken(_entity([{**BASE, "column": "Name", **rule}]))) == 2


UNIQUE: dict[str, tuple[dict[str, object], str, int]] = {
    "of every row": ({"column": "C"}, "C", 2),
    "of some rows": ({"column": "C", "unless": {"B": "2"}}, "C", 0),
    "of rows with a name": ({"column": "C", "where": {"Name": []}}, "C", 0),
    "blanks are nothing": ({"column": "Name"}, "lower(Name)", 0),
}


@pytest.mark.parametrize(("rule", "by", "rows"), UNIQUE.values(), ids=UNIQUE)
def test_what_no_other_row_may_hold_is_asked_of_the_rows_that_are_meant(
    rule: dict[str, object], by: str, rows: int
) -> None:
    entity = _entity([{**BASE, "rule": "unique", **rule}])
    condition = told_apart(entity.rules[0], entity, _table(), SQLITE)
    with _filled() as connection:
        connection.execute("INSERT INTO P (Id, Name) VALUES (5, ' ')")
        doubled = f"SELECT count(*) AS n FROM P AS t WHERE {condition or '1 = 1'} AND {by} IS NOT NULL GROUP BY {by} HAVING n > 1"
        assert sum(n for (n,) in connection.execute(doubled)) == rows


CLOCKS: dict[str, tuple[dict[str, int], tuple[str, ...], Clock | None]] = {
    "its own zone, in summer and winter": (
        {"5": 40, "6": 50, "12": 3},
        ("America/Chicago",),
        Clock("America/Chicago", 90),
    ),
    "the first that fits": ({"6": 9}, ("Europe/Rome", "America/Chicago"), Clock("America/Chicago", 9)),
    "a zone east of UTC": ({"14": 5}, ("Pacific/Guam",), Clock("Pacific/Guam", 5)),
    "none of them, by its offset": ({"7": 60, "8": 40}, ("America/Chicago",), Clock("UTC-8 or UTC-7", 100)),
    "one offset, east": ({"22": 100}, ("UTC",), Clock("UTC+2", 100)),
    "too few to guess": ({"7": 19}, ("UTC",), None),
    "all hours alike": ({str(h): 10 for h in range(1, 24)}, ("America/Chicago",), None),
}


@pytest.mark.parametrize(("hours", "zones", "expected"), CLOCKS.values(), ids=CLOCKS)
def test_hours_tell_a_zone(hours: dict[str, int], zones: tuple[str, ...], expected: Clock | None) -> None:
    assert told(hours, zones) == expected


def test_a_zone_of_half_hours_has_no_full_ones() -> None:
    assert (midnights("Asia/Kolkata"), midnights("UTC"), midnights("America/Denver")) == (set(), set(), {6, 7})


def test_a_shape_is_of_columns_in_whatever_order_and_case() -> None:
    columns = _table().columns
    other = SourceTable("dbo", "p", tuple(SourceColumn(c.name.upper(), c.declared_type) for c in reversed(columns)))
    assert shape([_table()]) == shape([other])
    wider = SourceTable("dbo", "P", (*columns[:-1], SourceColumn("At", "datetime2(3)")))
    required = SourceTable("dbo", "P", (*columns[:-1], SourceColumn("At", "datetime", nullable=False)))
    assert len({shape([t]) for t in (_table(), wider, required)}) == 3
