"""Every converter's cases, each run in Polars and in DuckDB against the same literal expectation."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

import duckdb
import polars as pl
import pytest

from pipeline.core.clock import transitions_frame
from pipeline.core.converters import CONVERTERS, Setting

CHICAGO, TOKYO, LORD_HOWE = "America/Chicago", "Asia/Tokyo", "Australia/Lord_Howe"
UNREADABLE, ALTERED, FINDING = "unreadable", "altered", "finding"


@dataclass(frozen=True, slots=True)
class Case:
    """One raw text and what must come of it; a moment with a zone is given as naive UTC."""

    converter: str
    raw: str | None
    value: object
    told: frozenset[str] = frozenset()
    setting: Setting = field(default_factory=lambda: Setting("text"))

    def __str__(self) -> str:
        return f"{self.converter}-{self.raw!r}"


def cases(converter: str, setting: Setting, *rows: tuple[Any, ...]) -> list[Case]:
    return [Case(converter, raw, value, frozenset(told), setting) for raw, value, *told in rows]


GAP = (ALTERED, FINDING)
MOMENTS_UNREAD = (
    ("", None, UNREADABLE),
    (" ", None, UNREADABLE),
    ("2017-13-01", None, UNREADABLE),
    ("2017-02-30 00:00:00", None, UNREADABLE),
    ("1900-02-29", None, UNREADABLE),
    ("2017-01-01 24:00:00", None, UNREADABLE),
    ("2017-01-01 23:59:60", None, UNREADABLE),
    ("2017-01-01 10:00", None, UNREADABLE),
    ("2017-01-01 10:00:00.", None, UNREADABLE),
    ("2017-01-01 10:00:00.1234567", None, UNREADABLE),
    ("2017-01-01 10:00:00.12345600", None, UNREADABLE),
    ("2017-01-01 10:00:00Z", None, UNREADABLE),
    ("2017-01-01 10:00:00+00", None, UNREADABLE),
    ("2017-01-01  10:00:00", None, UNREADABLE),
    ("0000-01-01", None, UNREADABLE),
    ("10000-01-01", None, UNREADABLE),
    ("٢٠١٧-01-01", None, UNREADABLE),
    ("infinity", None, UNREADABLE),
    ("5/12/2017", None, UNREADABLE),
    ("2017-01-01\n", None, UNREADABLE),
    ("2017-01-01\x00", None, UNREADABLE),
    (None, None),
)

CASES = [
    *cases(
        "text",
        Setting("text"),
        ("as it stands", "as it stands"),
        (" padded ", " padded "),
        ("", ""),
        ("é🙂\x01\n", "é🙂\x01\n"),
        ("a\x00b", None, UNREADABLE),
        ("\x00", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "text",
        Setting("text", nul="replace"),
        ("a\x00\x00b", "a\ufffd\ufffdb", ALTERED, FINDING),
        ("a\ufffdb", "a\ufffdb"),
        (None, None),
    ),
    *cases(
        "text",
        Setting("text", absent=("", "N/A", "O'x")),
        ("", None, ALTERED, FINDING),
        ("N/A", None, ALTERED, FINDING),
        ("O'x", None, ALTERED, FINDING),
        ("n/a", "n/a"),
        ("a\x00b", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "integer",
        Setting("integer"),
        ("42", 42),
        ("-1", -1),
        ("0", 0),
        ("007", 7, ALTERED),
        ("-0", 0, ALTERED),
        ("00", 0, ALTERED),
        ("-2147483648", -2147483648),
        ("2147483648", None, UNREADABLE),
        ("99999999999999999999999", None, UNREADABLE),
        ("000000000000000000000000000001", 1, ALTERED),
        ("+5", None, UNREADABLE),
        (" 5", None, UNREADABLE),
        ("5 ", None, UNREADABLE),
        ("5.0", None, UNREADABLE),
        ("1e2", None, UNREADABLE),
        ("--5", None, UNREADABLE),
        ("-", None, UNREADABLE),
        ("1_000", None, UNREADABLE),
        ("٣", None, UNREADABLE),
        ("5\n", None, UNREADABLE),
        ("5\x00", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases("integer", Setting("smallint"), ("32767", 32767), ("32768", None, UNREADABLE)),
    *cases(
        "integer",
        Setting("bigint"),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ("9223372036854775808", None, UNREADABLE),
    ),
    *cases(
        "integer",
        Setting("integer", absent=("-1", "")),
        ("-1", None, ALTERED, FINDING),
        ("", None, ALTERED, FINDING),
        ("-01", -1, ALTERED),
        ("1", 1),
        ("x", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "decimal",
        Setting("numeric(18,2)"),
        ("12.30", Decimal("12.30")),
        ("12.3", Decimal("12.30")),
        ("12", Decimal("12.00")),
        ("-0.05", Decimal("-0.05")),
        ("0", Decimal("0.00")),
        ("0.00", Decimal("0.00")),
        ("12.3000000000", Decimal("12.30")),
        ("12.345", None, UNREADABLE),
        ("12.001", None, UNREADABLE),
        ("9999999999999999.99", Decimal("9999999999999999.99")),
        ("10000000000000000", None, UNREADABLE),
        ("012.3", Decimal("12.30"), ALTERED),
        ("00", Decimal("0.00"), ALTERED),
        ("-0", Decimal("0.00"), ALTERED),
        ("-0.00", Decimal("0.00"), ALTERED),
        ("-00.50", Decimal("-0.50"), ALTERED),
        ("0" * 60 + "1.5" + "0" * 60, Decimal("1.50"), ALTERED),
        (".5", None, UNREADABLE),
        ("5.", None, UNREADABLE),
        ("-.5", None, UNREADABLE),
        (".", None, UNREADABLE),
        ("-", None, UNREADABLE),
        ("1e2", None, UNREADABLE),
        ("+5", None, UNREADABLE),
        (" 5", None, UNREADABLE),
        ("1,5", None, UNREADABLE),
        ("1.5.5", None, UNREADABLE),
        ("NaN", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases("decimal", Setting("numeric(2,2)"), ("0.99", Decimal("0.99")), ("1.00", None, UNREADABLE)),
    *cases("decimal", Setting("numeric(5,0)"), ("123.0", Decimal(123)), ("123.5", None, UNREADABLE)),
    *cases(
        "decimal",
        Setting("numeric(38,10)"),
        ("1234567890123456789012345678.0123456789", Decimal("1234567890123456789012345678.0123456789")),
    ),
    *cases(
        "boolean",
        Setting("boolean"),
        ("1", True),
        ("0", False),
        ("true", None, UNREADABLE),
        ("2", None, UNREADABLE),
        ("01", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases("boolean", Setting("boolean", absent=("",)), ("", None, ALTERED, FINDING), ("1", True)),
    *cases(
        "uuid",
        Setting("uuid"),
        ("0F8FAD5B-D9CB-469F-A165-70867728950E", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("{0f8fad5b-d9cb-469f-a165-70867728950e}", None, UNREADABLE),
        ("0f8fad5bd9cb469fa16570867728950e", None, UNREADABLE),
        ("0f8fad5b-d9cb-469f-a165-70867728950g", None, UNREADABLE),
        ("0f8fad5b-d9cb-469f-a165-70867728950e ", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "search_key",
        Setting("text"),
        ("  00AB12 ", "ab12"),
        ("000", "0"),
        ("0", "0"),
        ("0 5", " 5"),
        ("0\n5", "\n5"),
        ("", ""),
        (" \t\u00a0", ""),
        ("Α0Σ", "α0σ"),
        ("a\x00", None, UNREADABLE),
        (None, None),
    ),
    *cases("search_key", Setting("text", nul="replace"), ("0A\x00", "a\ufffd")),
    *cases(
        "email",
        Setting("text"),
        (" Ann@X.org\r\n", "ann@x.org"),
        ("", ""),
        ("a\x00", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "date",
        Setting("date", tenant_zone=CHICAGO),
        *MOMENTS_UNREAD,
        ("2017-01-15", date(2017, 1, 15)),
        ("2017-01-15 00:00:00", date(2017, 1, 15)),
        ("2017-01-15T00:00:00.000", date(2017, 1, 15)),
        # Local midnight as UTC: 06:00 in winter, 05:00 in summer, and each only then (H40).
        ("2017-01-15 06:00:00.000", date(2017, 1, 15), ALTERED, FINDING),
        ("2017-07-15 05:00:00.000", date(2017, 7, 15), ALTERED, FINDING),
        ("2017-07-15 06:00:00.000", date(2017, 7, 15), ALTERED, FINDING),
        ("2017-01-15 23:59:59.997", date(2017, 1, 15), ALTERED, FINDING),
        ("2017-01-15 00:00:00.000001", date(2017, 1, 15), ALTERED, FINDING),
        ("9999-12-31 23:59:59.999999", date(9999, 12, 31), ALTERED, FINDING),
        ("0001-01-01 00:00:00", date(1, 1, 1)),
        ("2016-02-29", date(2016, 2, 29)),
    ),
    *cases(
        "date",
        Setting("date", tenant_zone=TOKYO),
        ("2017-01-14 15:00:00.000", date(2017, 1, 15), ALTERED, FINDING),
        ("2017-01-14 15:00:00.003", date(2017, 1, 14), ALTERED, FINDING),
        ("2017-01-14 00:00:00.000", date(2017, 1, 14)),
    ),
    *cases(
        "date",
        Setting("date", absent=("1900-01-01", "9999-12-31", ""), tenant_zone=CHICAGO),
        ("1900-01-01 00:00:00", None, ALTERED, FINDING),
        ("1900-01-01", None, ALTERED, FINDING),
        ("9999-12-31 23:59:59.997", None, ALTERED, FINDING),
        ("", None, ALTERED, FINDING),
        ("1900-01-01 25:00:00", None, UNREADABLE),
        ("1900-01-01junk", None, UNREADABLE),
        ("1900-01-02", date(1900, 1, 2)),
        (None, None),
    ),
    *cases(
        "time_of_day",
        Setting("time", tenant_zone=CHICAGO),
        *MOMENTS_UNREAD,
        # One class: 14:30 UTC in winter, 13:30 in summer (H41).
        ("2017-01-15 14:30:00.000", time(8, 30), ALTERED),
        ("2017-07-15 13:30:00.000", time(8, 30), ALTERED),
        ("2017-07-16 03:00:00.003", time(22, 0, 0, 3000), ALTERED),
        ("2017-07-16", time(19, 0), ALTERED),
        # The hour that comes twice, and the one that never does, seen from UTC: no oddity.
        ("2017-11-05 06:30:00", time(1, 30), ALTERED),
        ("2017-11-05 07:30:00", time(1, 30), ALTERED),
        ("2017-03-12 08:30:00", time(3, 30), ALTERED),
    ),
    *cases(
        "time_of_day",
        Setting("time", absent=("1900-01-01",), tenant_zone=CHICAGO),
        ("1900-01-01 08:00:00", None, ALTERED, FINDING),
        ("1900-01-02 14:00:00", time(8, 0), ALTERED),
    ),
    *cases(
        "instant_local",
        Setting("timestamptz", host_zone=CHICAGO),
        *MOMENTS_UNREAD,
        ("2017-01-15 10:00:00.003", datetime(2017, 1, 15, 16, 0, 0, 3000)),
        ("2017-07-15T10:00:00.007", datetime(2017, 7, 15, 15, 0, 0, 7000)),
        ("2017-07-15 10:00:00.1234560", datetime(2017, 7, 15, 15, 0, 0, 123456)),
        ("2017-07-15", datetime(2017, 7, 15, 5)),
        # Gap: 02:30 becomes 03:30 CDT. Overlap: the first 01:30, CDT (H43).
        ("2017-03-12 01:59:59.999", datetime(2017, 3, 12, 7, 59, 59, 999000)),
        ("2017-03-12 02:00:00", datetime(2017, 3, 12, 8), *GAP),
        ("2017-03-12 02:30:00", datetime(2017, 3, 12, 8, 30), *GAP),
        ("2017-03-12 03:00:00", datetime(2017, 3, 12, 8)),
        ("2017-11-05 00:59:59.999", datetime(2017, 11, 5, 5, 59, 59, 999000)),
        ("2017-11-05 01:00:00", datetime(2017, 11, 5, 6), *GAP),
        ("2017-11-05 01:30:00", datetime(2017, 11, 5, 6, 30), *GAP),
        ("2017-11-05 02:00:00", datetime(2017, 11, 5, 8)),
    ),
    *cases(
        "instant_local",
        Setting("timestamptz", host_zone=LORD_HOWE),
        ("2024-10-06 02:15:00", datetime(2024, 10, 5, 15, 45), *GAP),
        ("2024-10-06 02:30:00", datetime(2024, 10, 5, 15, 30)),
        ("2024-04-07 01:45:00", datetime(2024, 4, 6, 14, 45), *GAP),
        ("2024-04-07 02:00:00", datetime(2024, 4, 6, 15, 30)),
    ),
    *cases(
        "instant_local",
        Setting("timestamptz", host_zone="UTC"),
        ("2017-03-12 02:30:00", datetime(2017, 3, 12, 2, 30)),
    ),
    *cases(
        "instant_local",
        Setting("timestamptz", absent=("1900-01-01",), host_zone=CHICAGO),
        ("1900-01-01 00:00:00", None, ALTERED, FINDING),
        ("2017-03-12 02:30:00", datetime(2017, 3, 12, 8, 30), *GAP),
        ("2017-03-12 03:30:00", datetime(2017, 3, 12, 8, 30)),
        ("x", None, UNREADABLE),
    ),
    *cases(
        "instant_utc",
        Setting("timestamptz", host_zone=CHICAGO, tenant_zone=CHICAGO),
        *MOMENTS_UNREAD,
        ("2017-03-12 02:30:00.003", datetime(2017, 3, 12, 2, 30, 0, 3000)),
        ("0001-01-01", datetime(1, 1, 1)),
    ),
    *cases(
        "instant_utc",
        Setting("timestamptz", absent=("9999-12-31",)),
        ("9999-12-31 23:59:59.997", None, ALTERED, FINDING),
        ("9999-12-30 23:59:59.997", datetime(9999, 12, 30, 23, 59, 59, 997000)),
    ),
]


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
        yield connection


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
    )
    row = outcome.collect().row(0, named=True)
    value = row.pop("value")
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    assert None not in row.values()
    assert value == case.value
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
        f"SELECT {value_sql}, {made.unreadable}, {made.altered or 'false'}, {made.finding or 'false'} "
        f"FROM one r {' '.join(joins.clauses)}"
    )
    value, *told = duck.execute(sql).fetchall()[0]
    if isinstance(value, uuid.UUID):
        value = str(value)
    names = (UNREADABLE, ALTERED, FINDING)
    assert None not in told
    assert value == case.value
    assert {name for name, holds in zip(names, told, strict=True) if holds} == case.told


def test_every_converter_has_cases() -> None:
    assert {case.converter for case in CASES} == set(CONVERTERS)


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
    }
    for pg_type in converter.pg_types:
        setting = Setting("numeric(9,3)" if pg_type == "numeric" else pg_type, absent=("-1",))
        made = converter.polars(pl.col("raw"), setting)
        schema = pl.LazyFrame(schema={"raw": pl.String()}).select(value=made.value).collect_schema()
        assert schema["value"] == polars_types[pg_type]


def test_a_decimal_needs_its_scale() -> None:
    with pytest.raises(ValueError, match="numeric"):
        CONVERTERS["decimal"].polars(pl.col("raw"), Setting("integer"))
