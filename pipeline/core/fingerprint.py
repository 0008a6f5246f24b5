"""Fingerprint typed rows alike in Polars, DuckDB and PostgreSQL.

A cell is `-` for NULL, else `<length>:<text>`, the length in code points, so that no two rows of cells run
together alike. The text by target type: uuid in lower case; text and jsonb as they stand (jsonb in the
spelling of PostgreSQL); integers as digits; boolean true/false; date ISO; time, timestamp and timestamptz as
microseconds since midnight, since 1970 and since 1970 UTC; numeric with exactly its scale; double precision the 64
bits as a signed integer, real those of the equal double, every NaN `NaN`; bytea as lower hex. A row's hash is the
MD5 of its cells, concatenated in column order; a set's checksum is the sum of the first 48 bits of its rows'
hashes, so the order of rows does not matter.

Invariant: the three engines give the same text for the same value; a checksum is compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl
import polars_hash as plh

_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_AS_IS = ("text", "jsonb")
_INTEGERS = ("smallint", "integer", "bigint")
_EPOCHS = ("timestamp", "timestamptz")
_FLOATS = ("double precision", "real")
_HASH_DIGITS = 12


def _refused(pg_type: str) -> ValueError:
    return ValueError(f"no canonical text is defined for the target type {pg_type!r}")


def _canonical(expr: pl.Expr, pg_type: str) -> pl.Expr:
    if pg_type in _AS_IS or pg_type == "uuid":
        return expr
    if pg_type in _INTEGERS or pg_type == "boolean":
        return expr.cast(pl.String)
    if pg_type == "date":
        # A year beyond 9999 is possible: 9999-12-31 18:00 UTC is a later day further east.
        return expr.dt.to_string("%Y-%m-%d").str.strip_prefix("+")
    if pg_type == "time":
        return (expr.cast(pl.Int64) // 1000).cast(pl.String)
    if pg_type in _EPOCHS:
        return expr.dt.epoch("us").cast(pl.String)
    if pg_type in _FLOATS:
        double = expr.cast(pl.Float64)
        bits = double.reinterpret(dtype=pl.Int64).cast(pl.String)
        return pl.when(double.is_nan()).then(pl.lit("NaN")).otherwise(bits)
    if pg_type == "bytea":
        return expr.bin.encode("hex")
    if numeric := _NUMERIC.fullmatch(pg_type):
        return expr.cast(pl.Decimal(int(numeric[1]), int(numeric[2]))).cast(pl.String)
    raise _refused(pg_type)


def cell(expr: pl.Expr, pg_type: str) -> pl.Expr:
    """Write a typed value as a cell; never null.

    A uuid is text here; time is pl.Time, timestamp Datetime("us"), timestamptz Datetime("us", "UTC").

    Raises ValueError where no canonical text is defined for the target type.
    """
    text = _canonical(expr, pg_type)
    length = pl.lit("36") if pg_type == "uuid" else text.str.len_chars().cast(pl.String)
    return pl.concat_str([length, pl.lit(":"), text]).fill_null("-")


def cell_sql(sql: str, pg_type: str) -> str:
    """Write a typed value as a cell, in DuckDB, as two arguments of one `concat`: its length, and its text.

    That copies a text once. A timestamptz may also be a naive timestamp in UTC.

    Raises ValueError where no canonical text is defined for the target type.
    """
    if pg_type == "uuid":
        return f"CASE WHEN ({sql}) IS NULL THEN '-' ELSE '36:' END, {sql}"
    if pg_type in (*_AS_IS, *_INTEGERS, "boolean", "date"):
        text = f"({sql})::VARCHAR"
    elif pg_type in ("time", *_EPOCHS):
        text = f"epoch_us({sql})::VARCHAR"
    elif pg_type in _FLOATS:
        double = f"({sql})::DOUBLE"
        text = f"CASE WHEN isnan({double}) THEN 'NaN' ELSE {double}::BIT::BIGINT::VARCHAR END"
    elif pg_type == "bytea":
        text = f"lower(hex({sql}))"
    elif _NUMERIC.fullmatch(pg_type):
        text = numeric_text_sql(sql, pg_type)
    else:
        raise _refused(pg_type)
    return f"coalesce(length({text}) || ':', '-'), {text}"


def numeric_text_sql(sql: str, pg_type: str) -> str:
    """Write a number with exactly its scale, as PostgreSQL does, in DuckDB."""
    numeric = _NUMERIC.fullmatch(pg_type)
    if numeric is None:
        raise _refused(pg_type)
    text = f"({sql})::DECIMAL({numeric[1]},{numeric[2]})::VARCHAR"
    # All digits behind the point: DuckDB then writes none before it.
    return rf"regexp_replace({text}, '^(-?)\.', '\10.')" if numeric[1] == numeric[2] else text


def cell_pg(sql: str, pg_type: str) -> str:
    """Write a typed value as a cell, in PostgreSQL.

    Raises ValueError where no canonical text is defined for the target type.
    """
    if pg_type in (*_AS_IS, *_INTEGERS, "uuid", "boolean"):
        text = f"({sql})::text"
    elif pg_type == "date":
        # No timestamp is as late as a date can be, nor to_char's.
        text = f"CASE WHEN {sql} < '200000-01-01' THEN to_char({sql}, 'YYYY-MM-DD') ELSE ({sql})::text END"
    elif pg_type in ("time", *_EPOCHS):
        # No bigint: infinity, and what no legacy row can be, must give another text and no error.
        text = f"trunc(extract(epoch FROM {sql}) * 1000000)::text"
    elif pg_type in _FLOATS:
        bits = f"('x' || encode(float8send(({sql})::float8), 'hex'))::bit(64)::bigint::text"
        text = f"CASE WHEN {sql} = 'NaN' THEN 'NaN' ELSE {bits} END"
    elif pg_type == "bytea":
        text = f"encode({sql}, 'hex')"
    elif _NUMERIC.fullmatch(pg_type):
        text = f"({sql})::{pg_type}::text"
    else:
        raise _refused(pg_type)
    return f"coalesce(length({text}) || ':' || {text}, '-')"


def row_hash(cells: Sequence[pl.Expr]) -> pl.Expr:
    """Hash a row's cells, in column order: 32 hex digits in lower case."""
    return plh.NonCryptographicHashingNameSpace(pl.concat_str(cells)).md5()


def row_hash_sql(cells: Sequence[str]) -> str:
    """Hash a row's cells, in DuckDB."""
    # One concat: a chain of || copies the growing text once for every cell. It passes over the text of a NULL.
    return f"md5(concat({', '.join(cells)}))"


def row_hash_pg(cells: Sequence[str]) -> str:
    """Hash a row's cells, in PostgreSQL."""
    # A function there takes a hundred arguments, an array as many as a table has columns; no cell is NULL.
    return f"md5(array_to_string(ARRAY[{', '.join(cells)}], ''))"


def hash_cell(row: str, *, present: str = "true") -> str:
    """Write a row's hash as a cell of the hash over its parts, an absent part as an empty one; in either SQL.

    Every hash is 32 digits long. Written by `cell_sql`, which names its text twice, it would be worked out twice:
    neither DuckDB nor PostgreSQL sees that it is the same.
    """
    return f"CASE WHEN {present} THEN '32:' || {row} ELSE '0:' END" if present != "true" else f"'32:' || {row}"


def checksum(hash_expr: pl.Expr) -> pl.Expr:
    """Sum up the hashes of a set of rows: decimal digits as text, `0` for no rows."""
    # Int64 holds the sum of no more than 32,767 rows.
    head = hash_expr.str.slice(0, _HASH_DIGITS).str.to_integer(base=16, dtype=pl.Int64)
    return head.cast(pl.Int128).sum().cast(pl.String)


def checksum_sql(hash_sql: str) -> str:
    """Sum up the hashes of a set of rows, in DuckDB (an aggregate)."""
    return f"coalesce(sum(('0x' || substr({hash_sql}, 1, {_HASH_DIGITS}))::BIGINT), 0)::VARCHAR"


def checksum_pg(hash_sql: str) -> str:
    """Sum up the hashes of a set of rows, in PostgreSQL (an aggregate)."""
    return f"coalesce(sum(('x' || left({hash_sql}, {_HASH_DIGITS}))::bit(48)::bigint), 0)::text"
