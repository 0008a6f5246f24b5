"""Every converter's cases, each run in Polars and in DuckDB against the same literal expectation."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Literal

import duckdb
import polars as pl
import pytest

from pipeline.core.clock import transitions_frame
from pipeline.core.converters import CONVERTERS, Setting
from pipeline.core.ids import MACROS_SQL
from schemas.conversions import CONVERSIONS
from tests.unit.conversions import fields, moments, numbers, texts
from tests.unit.conversions.case import (
    ALTERED,
    CHICAGO,
    FINDING,
    FINER,
    LORD_HOWE,
    TOKYO,
    UNREADABLE,
    Case,
)

CASES = [*texts.CASES, *numbers.CASES, *moments.CASES, *fields.CASES]


class Joins:
    """Collects the joins that a converter asks for, as the verification's SQL does."""

    def __init__(self) -> None:
        self.clauses: list[str] = []

    def __call__(self, moment_sql: str, *, zone: Literal["host", "tenant"], by: Literal["local", "utc"]) -> str:
        alias = f"z{len(self.clauses)}"
        self.clauses.append(
            f"ASOF LEFT JOIN zone {alias} ON r.{zone}_zone = {alias}.zone AND {moment_sql} >= {alias}.from_{by}"
        )
        return alias


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.register("rows", transitions_frame(["UTC", CHICAGO, TOKYO, LORD_HOWE]))
        connection.execute("CREATE TABLE zone AS FROM rows")
        connection.execute(MACROS_SQL)
        yield connection


def named(oddity: str) -> str:
    """Tell a field that cannot be read from a row's text that cannot."""
    return "unreadable_field" if oddity == UNREADABLE else oddity


def same(found: object, expected: object) -> bool:
    """Compare to the last bit: 0 and -0 are two, and NaN is itself."""
    return (found == expected and repr(found) == repr(expected)) or repr(found) == repr(expected) == "nan"


def in_polars(case: Case, setting: Setting) -> None:
    converter, raw = CONVERTERS[case.converter], pl.col("raw")
    lf = pl.LazyFrame({"raw": [case.raw]}, schema={"raw": pl.String()})
    if setting.read is not None and converter.reads is not None:
        lf = lf.with_columns(converter.reads(raw).alias("read"))
    made = converter.polars(raw, setting)
    false = pl.lit(value=False)
    outcome = lf.select(
        value=made.value,
        unreadable=made.unreadable,
        altered=false if made.altered is None else made.altered,
        finding=false if made.finding is None else made.finding,
        finer=false if made.finer is None else made.finer,
        **{named(oddity): told for oddity, told in made.odd.items()},
    )
    row = outcome.collect().row(0, named=True)
    value = row.pop("value")
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    assert None not in row.values()
    assert same(value, case.value)
    assert {name for name, holds in row.items() if holds} == case.told


@pytest.mark.parametrize("case", CASES, ids=str)
def test_polars_makes_what_is_expected(case: Case) -> None:
    in_polars(case, case.setting)


@pytest.mark.parametrize("case", [case for case in CASES if CONVERTERS[case.converter].reads], ids=str)
def test_a_first_step_may_be_taken_before(case: Case) -> None:
    in_polars(case, replace(case.setting, read=pl.col("read")))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_duckdb_makes_what_is_expected(duck: duckdb.DuckDBPyConnection, case: Case) -> None:
    joins = Joins()
    made = CONVERTERS[case.converter].sql("r.raw", case.setting, joins)
    zones = {"host_zone": case.setting.host_zone, "tenant_zone": case.setting.tenant_zone}
    schema = {"raw": pl.String(), "host_zone": pl.String(), "tenant_zone": pl.String()}
    duck.register("one", pl.DataFrame({"raw": [case.raw], **{k: [v] for k, v in zones.items()}}, schema=schema))
    # Python has no type for DuckDB's TIMESTAMPTZ without pytz.
    value_sql = f"timezone('UTC', {made.value})" if case.setting.pg_type == "timestamptz" else made.value
    sql = (
        f"SELECT {value_sql}, {made.unreadable}, {made.altered or 'false'}, {made.finding or 'false'}, "
        f"{', '.join([made.finer or 'false', *made.odd.values()])} "
        f"FROM one r {' '.join(joins.clauses)}"
    )
    value, *told = duck.execute(sql).fetchall()[0]
    if isinstance(value, uuid.UUID):
        value = str(value)
    names = (UNREADABLE, ALTERED, FINDING, FINER, *map(named, made.odd))
    assert None not in told
    assert same(value, case.value)
    assert {name for name, holds in zip(names, told, strict=True) if holds} == case.told


def test_every_converter_has_cases() -> None:
    assert {case.converter for case in CASES} == set(CONVERTERS) == set(CONVERSIONS)


@pytest.mark.parametrize("name", CONVERTERS)
def test_only_a_converter_that_cuts_tells_of_it(name: str) -> None:
    converter = CONVERTERS[name]
    pg_type = min(CONVERSIONS[name].makes).replace("numeric", "numeric(9,3)")
    for finer, tells in (("reject", False), ("keep", converter.cuts)):
        setting = replace(Setting(pg_type), finer=finer)
        assert (converter.polars(pl.col("raw"), setting).finer is not None) is tells
        assert (converter.sql("raw", setting, Joins()).finer is not None) is tells


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_converter_makes_the_types_it_says(name: str) -> None:
    converter = CONVERTERS[name]
    polars_types = {
        "text": pl.String(),
        "uuid": pl.String(),
        "smallint": pl.Int16(),
        "integer": pl.Int32(),
        "bigint": pl.Int64(),
        "numeric": pl.Decimal(9, 3),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "time": pl.Time(),
        "timestamptz": pl.Datetime("us", "UTC"),
        "timestamp": pl.Datetime("us"),
        "double precision": pl.Float64(),
        "real": pl.Float32(),
        "bytea": pl.Binary(),
        "jsonb": pl.String(),
    }
    for pg_type in CONVERSIONS[name].makes:
        setting = Setting("numeric(9,3)" if pg_type == "numeric" else pg_type, absent=("-1",))
        made = converter.polars(pl.col("raw"), setting)
        schema = pl.LazyFrame(schema={"raw": pl.String()}).select(value=made.value).collect_schema()
        assert schema["value"] == polars_types[pg_type]


def test_a_decimal_needs_its_scale() -> None:
    with pytest.raises(ValueError, match="numeric"):
        CONVERTERS["decimal"].polars(pl.col("raw"), Setting("integer"))


@pytest.mark.parametrize("name", CONVERTERS)
def test_both_halves_can_say_the_same(name: str) -> None:
    pg_type = min(CONVERSIONS[name].makes).replace("numeric", "numeric(9,3)")
    for family, absent, nul, finer in product(
        sorted(CONVERSIONS[name].reads), ((), ("0",)), ("reject", "replace"), ("reject", "keep")
    ):
        setting = Setting(pg_type, family, absent=absent, nul=nul, finer=finer)
        left, right = CONVERTERS[name].polars(pl.col("x"), setting), CONVERTERS[name].sql("x", setting, Joins())
        for outcome in ("altered", "finding", "finer"):
            assert (getattr(left, outcome) is None) == (getattr(right, outcome) is None), (setting, outcome)
