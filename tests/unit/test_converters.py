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
from schemas.conversions import CONVERSIONS

CHICAGO, TOKYO, LORD_HOWE = "America/Chicago", "Asia/Tokyo", "Australia/Lord_Howe"
UNREADABLE, ALTERED, FINDING, FINER = "unreadable", "altered", "finding", "finer"
#: Of a value cut to a microsecond.
CUT = (ALTERED, FINER)


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


ODD_DATES = ("0000-00-00", "0000-00-00 00:00:00", "infinity", "-infinity")
GAP = (ALTERED, FINDING)
MOMENTS_UNREAD = (
    ("", None, UNREADABLE),
    (" ", None, UNREADABLE),
    ("2017-13-01", None, UNREADABLE),
    ("2017-02-30 00:00:00", None, UNREADABLE),
    ("1900-02-29", None, UNREADABLE),
    ("2017-01-01 24:00:00", None, UNREADABLE),
    ("2017-01-01 23:59:60", None, UNREADABLE),
    ("2017-01-01 10", None, UNREADABLE),
    ("2017-01-01 10:", None, UNREADABLE),
    ("2017-01-01 ", None, UNREADABLE),
    ("2017-01-01 10:60", None, UNREADABLE),
    ("2017-01-01 24:00", None, UNREADABLE),
    ("2017-01-01 10:00:00.", None, UNREADABLE),
    ("2017-01-01 10:00.5", None, UNREADABLE),
    ("2017-01-01 10:00:00.1234567", None, UNREADABLE),
    ("2017-01-01 10:00:00.123456001", None, UNREADABLE),
    ("2017-01-01 10:00:00.1234560000", None, UNREADABLE),
    ("0000-00-00 00:00:00", None, UNREADABLE),
    ("2024-00-15", None, UNREADABLE),
    ("2017-01-01 10:00:00Z", None, UNREADABLE),
    ("2017-01-01 10:00:00+00", None, UNREADABLE),
    ("2017-01-01 10:00:00.1234567 -05:00", None, UNREADABLE),
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
        "decimal",
        Setting("numeric(38,0)"),
        ("9" * 38, Decimal("9" * 38)),
        ("-" + "9" * 38, Decimal("-" + "9" * 38)),
        ("1" + "0" * 38, None, UNREADABLE),
        ("0.5", None, UNREADABLE),
    ),
    *cases(
        "decimal",
        Setting("numeric(38,38)"),
        ("0." + "9" * 38, Decimal("0." + "9" * 38)),
        ("-0." + "0" * 37 + "1", Decimal("-0." + "0" * 37 + "1")),
        ("0." + "0" * 38 + "1", None, UNREADABLE),
        ("1", None, UNREADABLE),
    ),
    *cases("decimal", Setting("numeric(20,0)"), ("18446744073709551615", Decimal(2**64 - 1))),
    *cases("decimal", Setting("numeric(19,4)"), ("-922337203685477.5808", Decimal("-922337203685477.5808"))),
    *cases(
        "decimal", Setting("numeric(5,2)", absent=("NaN",)), ("NaN", None, ALTERED, FINDING), ("1.50", Decimal("1.50"))
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
        ("2017-07-15 10:00:00.123456000", datetime(2017, 7, 15, 15, 0, 0, 123456)),
        ("2017-07-15 10:00", datetime(2017, 7, 15, 15)),
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
        ("9999-12-31 23:59:59.9999999", None, ALTERED, FINDING),
        ("9999-12-30 23:59:59.9999999", None, UNREADABLE),
    ),
    *cases(
        "instant_utc",
        Setting("timestamptz", absent=("9999-12-31",), finer="keep"),
        ("9999-12-31 23:59:59.9999999", None, ALTERED, FINDING),
        ("2017-01-01 10:00:00.1234567", datetime(2017, 1, 1, 10, 0, 0, 123456), *CUT),
        ("2017-01-01 10:00:00.1234560", datetime(2017, 1, 1, 10, 0, 0, 123456)),
    ),
    *cases(
        "instant_local",
        Setting("timestamptz", host_zone=CHICAGO, finer="keep"),
        ("2017-03-12 02:30:00.0000009", datetime(2017, 3, 12, 8, 30), *GAP, FINER),
        ("2017-03-12 01:59:59.9999999", datetime(2017, 3, 12, 7, 59, 59, 999999), *CUT),
        ("1850-03-12 01:59:59.9999999", datetime(1850, 3, 12, 7, 59, 59, 999999), *CUT),
    ),
    *cases(
        "date",
        Setting("date", tenant_zone=CHICAGO, finer="keep"),
        ("2017-01-15 00:00:00.0000001", date(2017, 1, 15), *CUT),
        ("2017-01-15 06:00:00.0000001", date(2017, 1, 15), *GAP, FINER),
        ("2017-01-15 23:59:59.9999999", date(2017, 1, 15), *GAP, FINER),
    ),
    *cases(
        "time_of_day",
        Setting("time", tenant_zone=CHICAGO, finer="keep"),
        ("2017-01-15 14:30:00.0000001", time(8, 30), *CUT),
        ("2017-01-15 05:59:59.9999999", time(23, 59, 59, 999999), *CUT),
    ),
    *cases(
        "moment",
        Setting("timestamp", host_zone=CHICAGO, tenant_zone=CHICAGO),
        *MOMENTS_UNREAD,
        ("2017-03-12 02:30:00.003", datetime(2017, 3, 12, 2, 30, 0, 3000)),
        ("2017-03-12T02:30", datetime(2017, 3, 12, 2, 30)),
        ("2017-03-12 02:30:01.1234560", datetime(2017, 3, 12, 2, 30, 1, 123456)),
        ("2017-03-12", datetime(2017, 3, 12)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999999)),
        ("44-03-15 BC", None, UNREADABLE),
        ("-infinity", None, UNREADABLE),
    ),
    *cases(
        "moment",
        Setting("timestamp", absent=(*ODD_DATES, "1900-01-01"), finer="keep"),
        *((odd, None, *GAP) for odd in ODD_DATES),
        ("1900-01-01 00:00:00.0000001", None, *GAP),
        ("1899-12-31 23:59:59.99999999", datetime(1899, 12, 31, 23, 59, 59, 999999), *CUT),
        ("2017-01-01 10:00:00.000000001", datetime(2017, 1, 1, 10), *CUT),
        ("2017-01-01 10:00:00.123456000", datetime(2017, 1, 1, 10, 0, 0, 123456)),
        ("2017-02-30 10:00:00.0000001", None, UNREADABLE),
        ("2017-01-01 10:00:00.0000000001", None, UNREADABLE),
        ("0000-00-00 00:00:01", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "instant",
        Setting("timestamptz", host_zone=CHICAGO, tenant_zone=CHICAGO),
        ("2017-01-01 10:00:00.1234560 +00:00", datetime(2017, 1, 1, 10, 0, 0, 123456)),
        ("2017-01-01 10:00:00 -00:00", datetime(2017, 1, 1, 10)),
        ("2017-01-01T10:00:00Z", datetime(2017, 1, 1, 10)),
        ("2017-01-01 10:00:00.5 Z", datetime(2017, 1, 1, 10, 0, 0, 500000)),
        ("2017-01-01 10:00:00+00", datetime(2017, 1, 1, 10)),
        ("2017-01-01 10:00:00+05:30", datetime(2017, 1, 1, 4, 30), ALTERED),
        ("2017-01-01 10:00:00.0000000 -14:00", datetime(2017, 1, 2), ALTERED),
        ("2017-01-01 10:00:00+14", datetime(2016, 12, 31, 20), ALTERED),
        ("2017-01-01 10:00:00-00:01", datetime(2017, 1, 1, 10, 1), ALTERED),
        ("0001-01-01 15:59:00+15:59", datetime(1, 1, 1), ALTERED),
        ("2017-01-01 10:00:00.1234567 +00:00", None, UNREADABLE),
        ("2017-01-01 10:00:00.1234567 +01:00", None, UNREADABLE),
        ("2017-01-01 10:00:00+16:00", None, UNREADABLE),
        ("2017-01-01 10:00:00+05:60", None, UNREADABLE),
        ("2017-01-01 10:00:00+0530", None, UNREADABLE),
        ("2017-01-01 10:00:00+5", None, UNREADABLE),
        ("2017-01-01 10:00:00+05:", None, UNREADABLE),
        ("2017-01-01 10:00:00  +05:00", None, UNREADABLE),
        ("2017-01-01 10:00:00 z", None, UNREADABLE),
        ("2017-01-01 10:00:00 UTC", None, UNREADABLE),
        ("2017-01-01 10:00:00 +05:30 BC", None, UNREADABLE),
        ("2017-01-01 10:00:00", None, UNREADABLE),
        ("2017-01-01", None, UNREADABLE),
        ("2017-01-01+05", None, UNREADABLE),
        ("2017-01-05", None, UNREADABLE),
        ("2017-02-30 10:00:00+00", None, UNREADABLE),
        ("2017-01-01 24:00:00+00", None, UNREADABLE),
        ("0000-01-01 00:00:00+00", None, UNREADABLE),
        ("10:00:00+05", None, UNREADABLE),
        ("infinity", None, UNREADABLE),
        ("", None, UNREADABLE),
        ("2017-01-01 10:00:00+00\n", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "instant",
        Setting("timestamptz", absent=("infinity", "-infinity", "9999-12-31", ""), finer="keep"),
        ("infinity", None, *GAP),
        ("-infinity", None, *GAP),
        ("", None, *GAP),
        ("9999-12-31 23:59:59.9999999 +00:00", None, *GAP),
        ("9999-12-31 23:59:59.9999999", None, UNREADABLE),
        ("9999-12-31", None, *GAP),
        ("2017-01-01 10:00:00.1234567 +00:00", datetime(2017, 1, 1, 10, 0, 0, 123456), *CUT),
        ("1917-01-01 10:00:00.1234569 +01:00", datetime(1917, 1, 1, 9, 0, 0, 123456), *CUT),
        ("2017-01-01 10:00:00.1234560 +01:00", datetime(2017, 1, 1, 9, 0, 0, 123456), ALTERED),
    ),
    *cases(
        "day",
        Setting("date", tenant_zone=CHICAGO),
        ("2017-01-15", date(2017, 1, 15)),
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        ("2016-02-29", date(2016, 2, 29)),
        ("2017-02-29", None, UNREADABLE),
        ("2017-01-15 00:00:00", None, UNREADABLE),
        ("2017-01-15T", None, UNREADABLE),
        ("0000-00-00", None, UNREADABLE),
        ("0000-01-01", None, UNREADABLE),
        ("10000-01-01", None, UNREADABLE),
        ("2017-1-15", None, UNREADABLE),
        ("20170115", None, UNREADABLE),
        (" 2017-01-15", None, UNREADABLE),
        ("2017-01-15\n", None, UNREADABLE),
        ("infinity", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "day",
        Setting("date", absent=ODD_DATES),
        *((odd, None, *GAP) for odd in ODD_DATES),
        ("2017-01-15", date(2017, 1, 15)),
    ),
    *cases(
        "clock",
        Setting("time", tenant_zone=CHICAGO),
        ("00:00", time(0)),
        ("08:30", time(8, 30)),
        ("08:30:15", time(8, 30, 15)),
        ("08:30:15.5", time(8, 30, 15, 500000)),
        ("23:59:59.9999990", time(23, 59, 59, 999999)),
        ("23:59:59.9999999", None, UNREADABLE),
        ("24:00:00", None, UNREADABLE),
        ("24:00", None, UNREADABLE),
        ("23:60", None, UNREADABLE),
        ("23:59:60", None, UNREADABLE),
        ("-01:00:00", None, UNREADABLE),
        ("838:59:59", None, UNREADABLE),
        ("8:30", None, UNREADABLE),
        ("08:30:", None, UNREADABLE),
        ("08:30:15.", None, UNREADABLE),
        ("08:30:15+00", None, UNREADABLE),
        ("08:30:15Z", None, UNREADABLE),
        ("2017-01-01 08:30", None, UNREADABLE),
        ("08", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "clock",
        Setting("time", absent=("24:00:00", ""), finer="keep"),
        ("24:00:00", None, *GAP),
        ("", None, *GAP),
        ("23:59:59.9999999", time(23, 59, 59, 999999), *CUT),
        ("00:00:00.000000001", time(0), *CUT),
        ("00:00:00.000000000", time(0)),
        (None, None),
    ),
    *cases(
        "float",
        Setting("double precision"),
        ("1.2345678901234567e+000", 1.2345678901234567),
        ("1e+20", 1e20),
        ("1E5", 1e5),
        ("-0", -0.0),
        ("-0.0", -0.0),
        ("0", 0.0),
        ("0e400", 0.0),
        ("007.50", 7.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("0.1", 0.1),
        ("9007199254740993", 9007199254740992.0),
        ("5e-324", 5e-324),
        ("2.4703282292062328e-324", 5e-324),
        ("2.4703282292062327e-324", None, UNREADABLE),
        ("-1e-400", None, UNREADABLE),
        ("2.2250738585072011e-308", 2.225073858507201e-308),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("1.7976931348623159e308", None, UNREADABLE),
        ("-1e99999999999999999999", None, UNREADABLE),
        ("Infinity", float("inf")),
        ("-Infinity", float("-inf")),
        ("Inf", float("inf")),
        ("NaN", float("nan")),
        ("Nan", float("nan")),
        ("-NaN", None, UNREADABLE),
        ("+Infinity", None, UNREADABLE),
        ("infinit", None, UNREADABLE),
        ("+1", None, UNREADABLE),
        ("1e", None, UNREADABLE),
        ("e5", None, UNREADABLE),
        (".", None, UNREADABLE),
        ("-", None, UNREADABLE),
        ("1e5.5", None, UNREADABLE),
        ("1,5", None, UNREADABLE),
        ("1_000", None, UNREADABLE),
        ("0x1p3", None, UNREADABLE),
        (" 1", None, UNREADABLE),
        ("1 ", None, UNREADABLE),
        ("1\n", None, UNREADABLE),
        ("٣", None, UNREADABLE),
        ("", None, UNREADABLE),
        (None, None),
    ),
    *cases(
        "float",
        Setting("real"),
        ("0.1", 0.10000000149011612),
        ("0.10000000149011612", 0.10000000149011612),
        ("16777217", 16777216.0),
        # Rounded twice, by way of a double, these would be 1.0 and the next above.
        ("1.00000005960464477539062500000000000001", 1.0000001192092896),
        ("1.00000017881393432617187499", 1.0000001192092896),
        ("3.4028234663852886e38", 3.4028234663852886e38),
        ("3.4028236e38", None, UNREADABLE),
        ("1e308", None, UNREADABLE),
        ("1e-45", 1.401298464324817e-45),
        ("7e-46", None, UNREADABLE),
        ("-0", -0.0),
        ("-Inf", float("-inf")),
        ("NaN", float("nan")),
    ),
    *cases(
        "float",
        Setting("double precision", absent=("NaN", "-1")),
        ("NaN", None, *GAP),
        ("-1", None, *GAP),
        ("-1.0", -1.0),
        ("nan", float("nan")),
    ),
    *cases(
        "binary",
        Setting("bytea"),
        ("", b""),
        ("00", b"\x00"),
        ("00aBFf", b"\x00\xab\xff"),
        ("0", None, UNREADABLE),
        ("0x00", None, UNREADABLE),
        ("\\x00", None, UNREADABLE),
        ("0g", None, UNREADABLE),
        ("00 00", None, UNREADABLE),
        ("00\n", None, UNREADABLE),
        ("é", None, UNREADABLE),
        (None, None),
    ),
    *cases("binary", Setting("bytea", absent=("", "00")), ("", None, *GAP), ("00", None, *GAP), ("0000", b"\x00\x00")),
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
        f"{made.finer or 'false'} "
        f"FROM one r {' '.join(joins.clauses)}"
    )
    value, *told = duck.execute(sql).fetchall()[0]
    if isinstance(value, uuid.UUID):
        value = str(value)
    names = (UNREADABLE, ALTERED, FINDING, FINER)
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
    }
    for pg_type in CONVERSIONS[name].makes:
        setting = Setting("numeric(9,3)" if pg_type == "numeric" else pg_type, absent=("-1",))
        made = converter.polars(pl.col("raw"), setting)
        schema = pl.LazyFrame(schema={"raw": pl.String()}).select(value=made.value).collect_schema()
        assert schema["value"] == polars_types[pg_type]


def test_a_decimal_needs_its_scale() -> None:
    with pytest.raises(ValueError, match="numeric"):
        CONVERTERS["decimal"].polars(pl.col("raw"), Setting("integer"))
