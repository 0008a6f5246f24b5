"""What a target type is in each engine: for every PostgreSQL type that is written, its Polars, Arrow and DuckDB form.

Invariant: a type that is not in this table is refused; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl
import pyarrow as pa

from schemas.types import MAX_DECIMAL_DIGITS, UnknownType, parse_type


@dataclass(frozen=True, slots=True)
class TargetType:
    """A PostgreSQL type and its counterparts: in core frames, in staged files, in DuckDB."""

    pg: str
    polars: pl.DataType
    arrow: pa.DataType
    duckdb: str


_SIMPLE: Mapping[str, TargetType] = MappingProxyType(
    {
        # Core frames hold a uuid as 36 characters; it becomes 16 bytes where it is staged.
        "uuid": TargetType("uuid", pl.String(), pa.uuid(), "UUID"),
        "text": TargetType("text", pl.String(), pa.string(), "VARCHAR"),
        "smallint": TargetType("smallint", pl.Int16(), pa.int16(), "SMALLINT"),
        "integer": TargetType("integer", pl.Int32(), pa.int32(), "INTEGER"),
        "bigint": TargetType("bigint", pl.Int64(), pa.int64(), "BIGINT"),
        "boolean": TargetType("boolean", pl.Boolean(), pa.bool_(), "BOOLEAN"),
        "date": TargetType("date", pl.Date(), pa.date32(), "DATE"),
        "time": TargetType("time", pl.Time(), pa.time64("us"), "TIME"),
        "timestamptz": TargetType("timestamptz", pl.Datetime("us", "UTC"), pa.timestamp("us", "UTC"), "TIMESTAMPTZ"),
        "timestamp": TargetType("timestamp", pl.Datetime("us"), pa.timestamp("us"), "TIMESTAMP"),
        "double precision": TargetType("double precision", pl.Float64(), pa.float64(), "DOUBLE"),
        "real": TargetType("real", pl.Float32(), pa.float32(), "FLOAT"),
        "bytea": TargetType("bytea", pl.Binary(), pa.binary(), "BLOB"),
        "jsonb": TargetType("jsonb", pl.String(), pa.json_(), "VARCHAR"),
    }
)


#: How PostgreSQL spells the types that the catalog writes shorter.
_SPELLED = {
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
}
_SHORT = {spelling: short for short, spelling in _SPELLED.items()}


def spelled(pg_type: str) -> str:
    """Write a target type as PostgreSQL does."""
    return _SPELLED.get(pg_type, pg_type)


def stored_type(spelling: str) -> TargetType | None:
    """Look a type up as PostgreSQL writes it; None where it is not one that we write."""
    try:
        return target_type(_SHORT.get(spelling, spelling))
    except UnknownType:
        return None


def target_type(text: str) -> TargetType:
    """Look a target column's PostgreSQL type up in the table.

    Raises:
        UnknownType: it is not one we can write exactly.
    """
    if text in _SIMPLE:
        return _SIMPLE[text]
    sql_type = parse_type(text)
    if sql_type.base == "numeric" and len(sql_type.args) == 2:
        precision, scale = sql_type.args
        if 0 <= scale <= precision <= MAX_DECIMAL_DIGITS and precision > 0:
            return TargetType(
                f"numeric({precision},{scale})",
                pl.Decimal(precision, scale),
                pa.decimal128(precision, scale),
                f"DECIMAL({precision},{scale})",
            )
    raise UnknownType(f"target type {text!r} is not one that is written exactly ({', '.join(_SIMPLE)}, numeric(p,s))")
