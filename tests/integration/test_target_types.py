"""Every target type through the real way: Polars, binary COPY, PostgreSQL, read back into DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipeline.connection import Dsn
from pipeline.core import fingerprint
from pipeline.core.clock import transitions_frame
from pipeline.core.sql import compare, relations
from pipeline.core.text import quoted
from pipeline.demo import server
from pipeline.stores.arrow import to_arrow
from pipeline.stores.parity import ParityDatabase
from pipeline.stores.target import TargetDatabase
from pipeline.verification.target_side import selected
from schemas.targets import spelled, target_type

# Microseconds since 1970 that Python has no datetime for: 1 BC, and the year 10000.
BEFORE_YEAR_1, AFTER_9999 = -62135596800000000 - 5 * 3600 * 1_000_000, 253402300800000000 + 1
DAY_10000 = 2932897

VALUES: dict[str, list[object]] = {
    "text": ["", "é🙂", "null"],
    "uuid": ["0f8fad5b-d9cb-469f-a165-70867728950e"],
    "jsonb": ['{"a": 1}'],
    "smallint": [-32768, 32767],
    "integer": [-2147483648, 2147483647],
    "bigint": [-9223372036854775808, 9223372036854775807],
    "boolean": [True, False],
    "date": [date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31), DAY_10000],
    "time": [time(0), time(23, 59, 59, 999999)],
    "timestamp": [datetime(1, 1, 1), datetime(1900, 1, 1, 0, 0, 0, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "timestamptz": [BEFORE_YEAR_1, -1, 0, AFTER_9999],
    "double precision": [
        0.0,
        -0.0,
        0.1,
        5e-324,
        2.2250738585072014e-308,
        1.7976931348623157e308,
        float("inf"),
        float("-inf"),
        float("nan"),
    ],
    "real": [0.0, -0.0, 0.1, 1.401298464324817e-45, 3.4028234663852886e38, float("-inf"), float("nan")],
    "bytea": [b"", b"\x00", bytes(range(256))],
    "numeric(38,0)": [Decimal(10**38 - 1), Decimal(1 - 10**38)],
    "numeric(38,38)": [Decimal("0." + "9" * 38), Decimal("-0." + "0" * 37 + "1")],
    "numeric(18,2)": [Decimal("-0.05")],
}


def frame(pg_type: str) -> pl.DataFrame:
    """Each value with its number as id, and a null."""
    values = [*VALUES[pg_type], None]
    wanted = target_type(pg_type).polars
    columns = []
    for value in values:
        is_count = wanted.is_temporal() and isinstance(value, int)
        columns.append(pl.Series([value], dtype=None if is_count else wanted, strict=False).cast(wanted))
    return pl.DataFrame({"id": range(len(values)), "value": pl.concat(columns)}, schema_overrides={"id": pl.Int32})


@pytest.fixture(scope="module")
def database(postgres: server.Server) -> Iterator[TargetDatabase]:
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None) as connection:
        yield connection


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[ParityDatabase]:
    with ParityDatabase(tmp_path, transitions_frame(["UTC"])) as connection:
        yield connection


def loaded(database: TargetDatabase, duck: ParityDatabase, pg_type: str) -> pl.DataFrame:
    """Load a type's values, and read them back into DuckDB's table `back` as verification does."""
    df = frame(pg_type)
    database.execute("DROP TABLE IF EXISTS public.typed")
    database.execute(f"CREATE TABLE public.typed (id integer, value {pg_type})")
    database.ingest("public", "typed", to_arrow(df, {"id": "integer", "value": pg_type}))
    shown, typed = selected({"value": pg_type}, database.columns("public")["typed"])
    with database.stream(f"SELECT id, {shown} FROM public.typed") as reader:
        duck.fill("back", reader, select=f"id, {typed}")
    return df


@pytest.mark.parametrize("pg_type", VALUES)
def test_three_engines_write_the_same_cells(database: TargetDatabase, duck: ParityDatabase, pg_type: str) -> None:
    df = loaded(database, duck, pg_type)
    expected = df.lazy().select(fingerprint.cell(pl.col("value"), pg_type)).collect().to_series().to_list()
    in_postgres = database.query(f"SELECT {fingerprint.cell_pg('value', pg_type)} AS c FROM public.typed ORDER BY id")
    value = f"CAST(value AS {target_type(pg_type).duckdb})"
    in_duckdb = duck.rows(f"SELECT concat({fingerprint.cell_sql(value, pg_type)}) AS c FROM back ORDER BY id")
    assert len(set(expected)) == len(VALUES[pg_type]) + 1
    assert in_postgres.column("c").to_pylist() == expected
    assert [row["c"] for row in in_duckdb] == expected


@pytest.mark.parametrize("pg_type", VALUES)
def test_what_comes_back_is_not_distinct(database: TargetDatabase, duck: ParityDatabase, pg_type: str) -> None:
    df = loaded(database, duck, pg_type)
    duck.fill("want", df.to_arrow(compat_level=pl.CompatLevel.oldest()))
    typed, back = (f"CAST({side}.value AS {target_type(pg_type).duckdb})" for side in "wb")
    differing = f"SELECT count(*) AS n FROM want w JOIN back b USING (id) WHERE {typed} IS DISTINCT FROM {back}"
    assert duck.rows(differing) == [{"n": 0}]
    assert duck.rows("SELECT count(*) AS n FROM back") == [{"n": df.height}]


@pytest.mark.parametrize("pg_type", ["double precision", "real"])
def test_a_comparison_tells_zero_from_minus_zero(duck: ParityDatabase, pg_type: str) -> None:
    duckdb_type = target_type(pg_type).duckdb
    tags = "'t' AS tenant_id, id::VARCHAR AS legacy_id, 's.E' AS \"#entity\", 't' AS \"#tenant\", 'k' AS \"#key\""
    values = "(1, '0'), (2, '-0'), (3, 'NaN'), (4, NULL), (5, '0'), (6, '1.5')"
    changed = "(1, '-0'), (2, '0'), (3, 'NaN'), (4, NULL), (5, '0'), (6, '1.5')"
    for name, rows in (("expected", values), ("actual", changed)):
        duck.execute(
            f'CREATE TABLE "{name} s.t" AS SELECT id, CAST(v AS {duckdb_type}) AS value, {tags} '
            f"FROM (VALUES {rows}) x(id, v)"
        )
    duck.execute(compare.DIFFERING_TABLE)
    columns = {"id": "integer", "value": pg_type}
    duck.execute(compare.rows("s", "t", columns, columns))
    found = {"service": "s", "kind": "different cell", "entity": "s.E", "tenant": "t", "legacy_key": "k"}
    assert duck.rows(f"SELECT * FROM {relations.DIFFERING}") == [found | {"column_name": "value"}] * 2


#: The catalog's type, the type that is stored, what must be, what is; equal or not.
STORED = [
    ("date", "timestamp without time zone", "2020-01-01", "2020-01-01 00:00:00", True),
    ("date", "timestamp without time zone", "2020-01-01", "2020-01-01 03:00:00", False),
    ("date", "timestamp with time zone", "2020-01-01", "2020-01-01 00:00:00+00", True),
    ("date", "timestamp with time zone", "2020-01-01", "2020-01-01 23:59:00+00", False),
    ("date", "text", "2020-01-01", "2020-01-01", True),
    ("date", "text", "2020-01-01", "2020-1-1", False),
    ("timestamptz", "timestamp without time zone", "2020-01-01 03:00:00+00", "2020-01-01 03:00:00", True),
    ("timestamptz", "timestamp without time zone", "2020-01-01 03:00:00+00", "2020-01-01 03:00:00.000001", False),
    ("timestamptz", "date", "2020-01-01 03:00:00+00", "2020-01-01", False),
    ("timestamptz", "timestamp(0) with time zone", "2020-01-01 03:00:00.4+00", "2020-01-01 03:00:00+00", False),
    ("time", "text", "08:00:00", "08:00:01", False),
    ("time", "interval", "08:00:00", "08:00:00", True),
    ("numeric(18,2)", "numeric(20,3)", "1.50", "1.500", True),
    ("numeric(18,2)", "numeric(20,3)", "1.50", "1.504", False),
    ("numeric(18,2)", "numeric", "1.50", "1.5", True),
    ("numeric(18,2)", "numeric", "100.00", "100", True),
    ("numeric(18,2)", "numeric", "1.50", "1.50000000000000000000000000000000000000000001", False),
    ("numeric(18,2)", "numeric", "1.50", "1e60", False),
    ("numeric(18,2)", "numeric", None, "Infinity", False),
    ("numeric(18,2)", "numeric", None, "NaN", False),
    ("numeric(18,2)", "numeric(18,0)", "1.50", "2", False),
    ("numeric(18,2)", "double precision", "1.50", "1.5", True),
    ("numeric(18,2)", "double precision", "1.50", "1.5000000000000002", False),
    ("integer", "bigint", "7", "7", True),
    ("integer", "bigint", "7", "4294967303", False),
    ("integer", "numeric", "7", "7.0", True),
    ("integer", "numeric", "7", "7.4", False),
    ("integer", "text", "7", "07", False),
    ("integer", "boolean", "1", "true", True),
    ("boolean", "integer", "true", "1", True),
    ("boolean", "integer", "true", "2", False),
    ("real", "double precision", "0.1", "0.10000000149011612", True),
    ("real", "double precision", "0.1", "0.1", False),
    ("text", "character varying(9)", "x ", "x ", True),
    ("text", "character varying(9)", "x ", "x", False),
    ("text", "integer", "7", "7", True),
    ("text", "integer", "007", "7", False),
    ("uuid", "text", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e", True),
    ("uuid", "text", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950f", False),
    ("uuid", "text", None, "no uuid", False),
    ("jsonb", "json", '{"a": 1}', '{"a": 1}', True),
    ("jsonb", "json", '{"a": 1}', '{"a": 1, "a": 2}', False),
    # Values that a type has, and no legacy row.
    ("date", "date", "2020-01-01", "infinity", False),
    ("date", "date", None, "-infinity", False),
    ("date", "date", "2020-01-01", "5874897-12-31", False),
    ("timestamp", "timestamp without time zone", None, "infinity", False),
    ("timestamptz", "timestamp with time zone", "2020-01-01 03:00:00+00", "infinity", False),
    ("timestamptz", "timestamp with time zone", "2020-01-01 03:00:00+00", "294276-12-31 23:59:59+00", False),
    ("timestamptz", "timestamp with time zone", "2020-01-01 03:00:00+00", "4713-01-01 00:00:00+00 BC", False),
    ("time", "time without time zone", "00:00:00", "24:00:00", False),
    ("numeric(18,2)", "numeric(18,2)", "1.50", "NaN", False),
    ("numeric(18,2)", "numeric(18,2)", None, "NaN", False),
    ("double precision", "double precision", "1.5", "NaN", False),
    ("double precision", "double precision", None, "infinity", False),
]


@pytest.mark.parametrize(("pg_type", "stored", "wanted", "held", "equal"), STORED)
def test_values_are_compared_as_they_are_stored(
    database: TargetDatabase,
    duck: ParityDatabase,
    pg_type: str,
    stored: str,
    wanted: str | None,
    held: str,
    equal: bool,
) -> None:
    value = "NULL" if wanted is None else quoted(wanted)
    duck.execute(
        f"CREATE TABLE {relations.expected('s', 't')} AS "
        f"SELECT 1 AS id, CAST({value} AS {target_type(pg_type).duckdb}) AS value, "
        "'s.E' AS \"#entity\", 't' AS \"#tenant\", 'k' AS \"#key\""
    )
    database.execute("DROP TABLE IF EXISTS public.typed")
    database.execute(f"CREATE TABLE public.typed (value {stored})")
    database.execute(f"INSERT INTO public.typed VALUES ({quoted(held)}::{stored})")
    columns = {"value": pg_type}
    there = database.columns("public")["typed"]
    shown, typed = selected(columns, there)
    with database.stream(f"SELECT {shown} FROM public.typed") as reader:
        duck.fill(relations.actual("s", "t"), reader, select=f"1 AS id, 't' AS tenant_id, 'k' AS legacy_id, {typed}")
    duck.execute(compare.DIFFERING_TABLE)
    duck.execute(compare.rows("s", "t", {"id": "integer", **columns}, {"id": "integer", **there}))
    assert bool(duck.rows(f"SELECT * FROM {relations.DIFFERING}")) is not equal
    # And the checksum is of what is stored: it is no error, whatever that is.
    cell = fingerprint.cell_pg("value", pg_type if there["value"] == spelled(pg_type) else "text")
    assert database.query(f"SELECT {cell} AS c FROM public.typed").num_rows == 1
