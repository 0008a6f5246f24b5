"""The one table of types: what a legacy SQL type arrives as, and what a target type is in each engine.

Owns: parsing a declared legacy type, the default converter of each, and for every PostgreSQL type we
write its Polars, Arrow and DuckDB counterparts. Invariant: a type that is not in these tables stops the
plan with the column's name; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl
import pyarrow as pa

_TYPE = re.compile(r"^\s*(?P<base>[a-z][a-z0-9 ]*?)\s*(?:\(\s*(?P<args>max|\d+(?:\s*,\s*\d+)?)\s*\))?\s*$")
_MAX_DECIMAL_DIGITS = 38


class UnknownType(ValueError):  # noqa: N818 - named by what is wrong
    """The type is not in the table of types."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """A SQL type: its base name and up to two numbers, such as decimal(18,2) or nvarchar(max)."""

    base: str
    args: tuple[int, ...] = ()
    is_max: bool = False

    def __str__(self) -> str:
        if self.is_max:
            return f"{self.base}(max)"
        return f"{self.base}({','.join(map(str, self.args))})" if self.args else self.base


def parse_type(text: str) -> SqlType:
    """Read a declared SQL type such as `decimal(18,2)`.

    Raises:
        UnknownType: the text does not have the form of a type.
    """
    match = _TYPE.match(text.lower())
    if match is None:
        raise UnknownType(f"{text!r} does not read as a SQL type")
    args = match["args"]
    if args == "max":
        return SqlType(match["base"], is_max=True)
    return SqlType(match["base"], tuple(int(a) for a in args.split(",")) if args else ())


@dataclass(frozen=True, slots=True)
class LegacyType:
    """How columns of one legacy base type are read when their entry says no more."""

    family: str
    converter: str | None
    pg_type: str | None


_TEXT = LegacyType("text", "text", "text")

#: Legacy base type -> default conversion. `datetime` has none: it is a day, a time or an instant, and only
#: the catalog knows which. Raw form of all of them from SQLite: text, as `pipeline.core.sql.sqlite` selects it.
LEGACY_TYPES: Mapping[str, LegacyType] = MappingProxyType(
    {
        "int": LegacyType("integer", "integer", "integer"),
        "bigint": LegacyType("integer", "integer", "bigint"),
        "smallint": LegacyType("integer", "integer", "smallint"),
        "tinyint": LegacyType("integer", "integer", "smallint"),
        "bit": LegacyType("boolean", "boolean", "boolean"),
        "decimal": LegacyType("decimal", "decimal", "numeric"),
        "numeric": LegacyType("decimal", "decimal", "numeric"),
        "datetime": LegacyType("moment", None, None),
        "uniqueidentifier": LegacyType("uuid", "uuid", "uuid"),
        **dict.fromkeys(("nvarchar", "varchar", "nchar", "char", "ntext", "text"), _TEXT),
    }
)


def legacy_type(text: str) -> tuple[SqlType, LegacyType]:
    """Look a declared legacy type up in the table.

    Raises:
        UnknownType: the base type is not in the table.
    """
    sql_type = parse_type(text)
    try:
        return sql_type, LEGACY_TYPES[sql_type.base]
    except KeyError:
        known = ", ".join(sorted(LEGACY_TYPES))
        raise UnknownType(f"legacy type {text!r} is not in the table of types ({known})") from None


def default_pg_type(sql_type: SqlType, known: LegacyType) -> str | None:
    """Give the target type of a legacy type when its column names none."""
    if known.pg_type == "numeric":
        precision, scale = (*sql_type.args, 18, 0)[:2] if not sql_type.args else (*sql_type.args, 0)[:2]
        return f"numeric({precision},{scale})"
    return known.pg_type


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
        if 0 <= scale <= precision <= _MAX_DECIMAL_DIGITS:
            return TargetType(
                f"numeric({precision},{scale})",
                pl.Decimal(precision, scale),
                pa.decimal128(precision, scale),
                f"DECIMAL({precision},{scale})",
            )
    raise UnknownType(f"target type {text!r} is not one that is written exactly ({', '.join(_SIMPLE)}, numeric(p,s))")
