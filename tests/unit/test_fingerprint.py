"""Cells, hashes and checksums against literal texts, in Polars and in DuckDB."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from pipeline.core import fingerprint

UUID_TEXT = "0f8fad5b-d9cb-469f-a165-70867728950e"
POLARS_TYPES: dict[str, pl.DataType] = {
    "uuid": pl.String(),
    "text": pl.String(),
    "jsonb": pl.String(),
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "time": pl.Time(),
    "timestamptz": pl.Datetime("us", "UTC"),
    "timestamp": pl.Datetime("us"),
    "double precision": pl.Float64(),
    "real": pl.Float32(),
    "bytea": pl.Binary(),
    "numeric(18,2)": pl.Decimal(18, 2),
    "numeric(5,0)": pl.Decimal(5, 0),
    "numeric(2,2)": pl.Decimal(2, 2),
    "numeric(38,10)": pl.Decimal(38, 10),
}

# target type, value; cell
CELLS = [
    ("text", "", "0:"),
    ("text", "-", "1:-"),
    ("text", "a:b", "3:a:b"),
    ("text", "é🙂e\u0301\x00", "5:é🙂e\u0301\x00"),
    ("uuid", UUID_TEXT, f"36:{UUID_TEXT}"),
    ("jsonb", '{"a": 1}', '8:{"a": 1}'),
    ("smallint", -1, "2:-1"),
    ("integer", 0, "1:0"),
    ("bigint", -9223372036854775808, "20:-9223372036854775808"),
    ("boolean", True, "4:true"),
    ("boolean", False, "5:false"),
    ("date", date(2017, 1, 5), "10:2017-01-05"),
    ("date", date(1, 1, 1), "10:0001-01-01"),
    ("date", date(9999, 12, 31), "10:9999-12-31"),
    ("time", time(0, 0), "1:0"),
    ("time", time(23, 59, 59, 997000), "11:86399997000"),
    ("timestamptz", datetime(1970, 1, 1, tzinfo=UTC), "1:0"),
    ("timestamptz", datetime(1960, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "16:-315619199999999"),
    ("timestamptz", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "18:253402300799999999"),
    ("timestamp", datetime(1960, 1, 1, 0, 0, 0, 1), "16:-315619199999999"),
    ("timestamp", datetime(1, 1, 1), "18:-62135596800000000"),
    ("timestamp", datetime(9999, 12, 31, 23, 59, 59, 999999), "18:253402300799999999"),
    ("double precision", 0.0, "1:0"),
    ("double precision", -0.0, "20:-9223372036854775808"),
    ("double precision", 1.0, "19:4607182418800017408"),
    ("double precision", 5e-324, "1:1"),
    ("double precision", float("inf"), "19:9218868437227405312"),
    ("double precision", float("-inf"), "17:-4503599627370496"),
    ("double precision", float("nan"), "3:NaN"),
    ("double precision", -float("nan"), "3:NaN"),
    ("real", 1.0, "19:4607182418800017408"),
    ("real", 0.1, "19:4591870180174331904"),
    ("real", -0.0, "20:-9223372036854775808"),
    ("real", float("nan"), "3:NaN"),
    ("bytea", b"", "0:"),
    ("bytea", b"\x00\xab\xff", "6:00abff"),
    ("numeric(18,2)", Decimal("12.30"), "5:12.30"),
    ("numeric(18,2)", Decimal("-0.05"), "5:-0.05"),
    ("numeric(18,2)", Decimal("0.00"), "4:0.00"),
    ("numeric(5,0)", Decimal(12), "2:12"),
    ("numeric(2,2)", Decimal("-0.05"), "5:-0.05"),
    ("numeric(2,2)", Decimal("0.50"), "4:0.50"),
    (
        "numeric(38,10)",
        Decimal("1234567890123456789012345678.0123456789"),
        "39:1234567890123456789012345678.0123456789",
    ),
]


def frame(pg_type: str, value: object) -> pl.DataFrame:
    return pl.DataFrame({"value": [value]}, schema={"value": POLARS_TYPES[pg_type]})


def cell_sql(sql: str, pg_type: str) -> str:
    return f"concat({fingerprint.cell_sql(sql, pg_type)})"


def in_duckdb(sql: str, df: pl.DataFrame) -> object:
    with duckdb.connect() as duck:
        duck.register("typed", df)
        return duck.execute(f"SELECT {sql} FROM typed").fetchall()[0][0]


@pytest.mark.parametrize(("pg_type", "value", "expected"), CELLS)
def test_a_cell_reads_alike_in_both(pg_type: str, value: object, expected: str) -> None:
    df = frame(pg_type, value)
    assert df.lazy().select(fingerprint.cell(pl.col("value"), pg_type)).collect().item() == expected
    assert in_duckdb(cell_sql("value", pg_type), df) == expected


@pytest.mark.parametrize("pg_type", POLARS_TYPES)
def test_null_is_a_cell_of_its_own(pg_type: str) -> None:
    df = frame(pg_type, None)
    assert df.lazy().select(fingerprint.cell(pl.col("value"), pg_type)).collect().item() == "-"
    assert in_duckdb(cell_sql("value", pg_type), df) == "-"


def test_duckdb_takes_its_own_uuid_and_naive_utc() -> None:
    assert in_duckdb(cell_sql(f"'{UUID_TEXT.upper()}'::UUID", "uuid"), frame("text", "")) == (f"36:{UUID_TEXT}")
    naive = "TIMESTAMP '1970-01-01 00:00:00.000001'"
    assert in_duckdb(cell_sql(naive, "timestamptz"), frame("text", "")) == "1:1"
    assert uuid.UUID(UUID_TEXT)


def test_a_day_after_9999_has_five_digits() -> None:
    df = pl.DataFrame({"value": [2932897]}, schema={"value": pl.Int32()}).cast(pl.Date())
    assert df.lazy().select(fingerprint.cell(pl.col("value"), "date")).collect().item() == "11:10000-01-01"
    assert in_duckdb(cell_sql("value", "date"), df) == "11:10000-01-01"


def test_a_row_hash_is_the_md5_of_its_cells() -> None:
    df = pl.DataFrame({"a": ["x", "é"], "b": [1, None]}, schema={"a": pl.String(), "b": pl.Int32()})
    expected = [hashlib.md5(text.encode()).hexdigest() for text in ("1:x1:1", "1:é-")]
    cells = [fingerprint.cell(pl.col("a"), "text"), fingerprint.cell(pl.col("b"), "integer")]
    cells_sql = [fingerprint.cell_sql("a", "text"), fingerprint.cell_sql("b", "integer")]
    assert df.lazy().select(h=fingerprint.row_hash(cells)).collect()["h"].to_list() == expected
    with duckdb.connect() as duck:
        duck.register("typed", df)
        found = duck.execute(f"SELECT {fingerprint.row_hash_sql(cells_sql)} FROM typed").fetchall()
    assert [row[0] for row in found] == expected


@pytest.mark.parametrize(
    ("hashes", "expected"),
    [
        ([], "0"),
        (["0" * 32], "0"),
        (["0" * 11 + "1" + "f" * 20, "f" * 32], "281474976710656"),
        (["f" * 32] * 70_000, str(70_000 * (2**48 - 1))),  # beyond 64 bits
    ],
)
def test_a_checksum_is_the_sum_of_the_first_48_bits(hashes: list[str], expected: str) -> None:
    df = pl.DataFrame({"h": hashes}, schema={"h": pl.String()})
    assert df.lazy().select(fingerprint.checksum(pl.col("h"))).collect().item() == expected
    assert in_duckdb(fingerprint.checksum_sql("h"), df) == expected


def test_a_checksum_sums_groups() -> None:
    df = pl.DataFrame({"batch": [2, 1, 2], "h": ["0" * 11 + "1" * 21, "0" * 11 + "5" * 21, "0" * 11 + "2" * 21]})
    grouped = df.lazy().group_by("batch").agg(sum=fingerprint.checksum(pl.col("h"))).sort("batch").collect()
    assert grouped.rows() == [(1, "5"), (2, "3")]


@pytest.mark.parametrize("pg_type", ["money", "numeric", "varchar(10)", "interval"])
def test_a_type_without_canonical_text_is_refused(pg_type: str) -> None:
    for write in (fingerprint.cell_sql, fingerprint.cell_pg):
        with pytest.raises(ValueError, match="no canonical text"):
            write("value", pg_type)
    with pytest.raises(ValueError, match="no canonical text"):
        fingerprint.cell(pl.col("value"), pg_type)
