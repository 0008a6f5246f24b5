"""The one table of types: what a legacy SQL type arrives as.

Owns the fidelity table (`LEGACY_TYPES`): for each source engine and SQL type the cast by which it is selected as
exact text, what would arrive without it, how its equal values are written, the default converter and target type.
Invariant: a type that is not in this table stops the plan with the column's name; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from schemas.engines import Engine

#: When two equal values of a type have one raw text: always; where their columns are declared alike; as far as case and
#: trailing blanks tell no texts apart, which a collation says; or not even then.
Spelling = Literal["one", "declared", "collated", "many"]

_ARGUMENTS = re.compile(r"\s*\(\s*(?P<args>max|-?\d+(?:\s*,\s*-?\d+)?)\s*\)\s*")
_BASE = re.compile(r"[a-z][a-z0-9_ ]*(?:\[\])?")
#: What a decimal of 128 bits holds.
MAX_DECIMAL_DIGITS = 38


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
    """Read a declared SQL type such as `decimal(18,2)`, `int(10) unsigned` or `timestamp(3) with time zone`.

    Raises:
        UnknownType: the text does not have the form of a type.
    """
    lowered = text.strip().lower()
    match = _ARGUMENTS.search(lowered)
    base = " ".join(_ARGUMENTS.sub(" ", lowered, count=1).split())
    if _BASE.fullmatch(base) is None:
        raise UnknownType(f"{text!r} does not read as a SQL type")
    args = match["args"] if match else ""
    if args == "max":
        return SqlType(base, is_max=True)
    return SqlType(base, tuple(int(a) for a in args.split(",")) if args else ())


@dataclass(frozen=True, slots=True)
class LegacyType:
    """How columns of one base type of one engine are read, and what they become when their entry says no more."""

    #: What the raw text is: integer, boolean, decimal, float, moment, instant, utc, day, clock, uuid, binary, text.
    family: str
    #: The expression that makes exact text of the value `{x}`, in the engine's SQL; `{n}` is the first argument.
    cast: str
    #: What ConnectorX would deliver without the cast.
    uncast: str
    converter: str | None
    pg_type: str | None
    #: Where the text is not the whole value: what it lacks.
    lacks: str | None = None
    #: May a value be longer than `max_value_bytes`?
    is_long: bool = False
    spelling: Spelling = "one"
    #: Of collated values: are those equal that differ in trailing blanks alone (of bytes: zeros), unless a collation
    #: says otherwise?
    pads: bool = False


_DEFAULTS: Mapping[str, tuple[str | None, str | None]] = {
    "integer": ("integer", "bigint"),
    "boolean": ("boolean", "boolean"),
    "decimal": ("decimal", "numeric"),
    "float": ("float", "double precision"),
    # A day, a time or an instant: only the catalog knows which.
    "moment": (None, None),
    "instant": ("instant", "timestamptz"),
    # An instant written as UTC, without an offset.
    "utc": ("instant_utc", "timestamptz"),
    "day": ("day", "date"),
    "clock": ("clock", "time"),
    "uuid": ("uuid", "uuid"),
    "binary": ("binary", "bytea"),
    "text": ("text", "text"),
}


_SPELLINGS: Mapping[str, Spelling] = {
    # One number may be written at several scales, one moment with more digits or fewer.
    **dict.fromkeys(("decimal", "moment", "instant", "utc", "clock"), "declared"),
    "float": "many",  # 0 and -0
    "text": "collated",
}


def _rows(
    names: str,
    family: str,
    cast: str,
    uncast: str,
    pg: str | None = None,
    *,
    lacks: str | None = None,
    is_long: bool = False,
    spelling: Spelling | None = None,
    pads: bool = False,
) -> dict[str, LegacyType]:
    """Give each of the comma-separated names the same row."""
    converter, default = _DEFAULTS[family]
    if family == "integer" and pg is not None and pg.startswith("numeric"):
        converter = "decimal"  # no integer of PostgreSQL holds 64 bits without a sign
    spelling = spelling or _SPELLINGS.get(family, "one")
    row = LegacyType(family, cast, uncast, converter, pg or default, lacks, is_long, spelling, pads)
    return dict.fromkeys((name.strip() for name in names.split(",")), row)


_SAME = "the same text"
_PANIC = "panics"

#: A variant's text, by the type that each value has: the default style is inexact for most.
_VARIANT_CAST = " ".join(
    (
        "CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({x}, 'BaseType'))",
        "WHEN N'datetime' THEN CONVERT(nvarchar(max), CONVERT(datetime, {x}), 121)",
        "WHEN N'smalldatetime' THEN CONVERT(nvarchar(max), CONVERT(smalldatetime, {x}), 120)",
        "WHEN N'date' THEN CONVERT(nvarchar(max), CONVERT(date, {x}), 23)",
        "WHEN N'time' THEN CONVERT(nvarchar(max), CONVERT(time(7), {x}), 121)",
        "WHEN N'datetime2' THEN CONVERT(nvarchar(max), CONVERT(datetime2(7), {x}), 121)",
        "WHEN N'datetimeoffset' THEN CONVERT(nvarchar(max), CONVERT(datetimeoffset(7), {x}), 121)",
        "WHEN N'float' THEN CONVERT(nvarchar(max), CONVERT(float, {x}), 3)",
        "WHEN N'real' THEN CONVERT(nvarchar(max), CONVERT(real, {x}), 3)",
        "WHEN N'money' THEN CONVERT(nvarchar(max), CONVERT(money, {x}), 2)",
        "WHEN N'smallmoney' THEN CONVERT(nvarchar(max), CONVERT(smallmoney, {x}), 2)",
        "WHEN N'binary' THEN LOWER(CONVERT(varchar(max), CONVERT(varbinary(8000), {x}), 2))",
        "WHEN N'varbinary' THEN LOWER(CONVERT(varchar(max), CONVERT(varbinary(8000), {x}), 2))",
        "WHEN N'uniqueidentifier' THEN LOWER(CONVERT(nvarchar(max), CONVERT(uniqueidentifier, {x})))",
        "ELSE CONVERT(nvarchar(max), {x}) END",
    )
)
_MSSQL = {
    **_rows("tinyint, smallint", "integer", "CONVERT(varchar(20), {x})", "int64", "smallint"),
    **_rows("int", "integer", "CONVERT(varchar(20), {x})", "int64", "integer"),
    **_rows("bigint", "integer", "CONVERT(varchar(20), {x})", "int64", "bigint"),
    **_rows("bit", "boolean", "CONVERT(varchar(1), {x})", "bool"),
    **_rows(
        "decimal, numeric",
        "decimal",
        "CONVERT(varchar(50), {x})",
        "decimal(38,10): scale over 10 cut, over 28 digits panics",
    ),
    **_rows("money", "decimal", "CONVERT(varchar(30), {x}, 2)", "double, rounded", "numeric(19,4)", spelling="one"),
    **_rows(
        "smallmoney",
        "decimal",
        "CONVERT(varchar(30), {x}, 2)",
        "double, rounded; or panics",
        "numeric(10,4)",
        spelling="one",
    ),
    **_rows("float", "float", "CONVERT(varchar(40), {x}, 3)", "double"),
    **_rows("real", "float", "CONVERT(varchar(40), {x}, 3)", "float or double, by nullability", "real"),
    **_rows("date", "day", "CONVERT(varchar(10), {x}, 23)", "date32"),
    **_rows("time", "clock", "CONVERT(varchar(16), {x}, 121)", "time64[us]: 7th digit dropped"),
    **_rows("datetime", "moment", "CONVERT(varchar(23), {x}, 121)", "timestamp[us]: .997 becomes .996666"),
    **_rows("smalldatetime", "moment", "CONVERT(varchar(19), {x}, 120)", "timestamp[us]"),
    **_rows("datetime2", "moment", "CONVERT(varchar(27), {x}, 121)", "timestamp[us]: 7th digit dropped"),
    **_rows(
        "datetimeoffset",
        "instant",
        "CONVERT(varchar(34), {x}, 121)",
        "timestamp[us, UTC], wrong: offset subtracted twice",
        spelling="many",
    ),
    **_rows("uniqueidentifier", "uuid", "LOWER(CONVERT(char(36), {x}))", "text, lower case"),
    **_rows(
        "char, varchar, nchar, nvarchar, sysname", "text", "CONVERT(nvarchar(max), {x})", _SAME, is_long=True, pads=True
    ),
    **_rows("text, ntext", "text", "CONVERT(nvarchar(max), {x})", _SAME, is_long=True, pads=True),
    **_rows("xml, json", "text", "CONVERT(nvarchar(max), {x})", _PANIC, is_long=True, spelling="many"),
    **_rows(
        "sql_variant",
        "text",
        _VARIANT_CAST,
        _PANIC,
        lacks="the base type of each value",
        spelling="many",
    ),
    **_rows(
        "binary, varbinary",
        "binary",
        "LOWER(CONVERT(varchar(max), {x}, 2))",
        "large_binary",
        is_long=True,
        spelling="collated",
        pads=True,
    ),
    **_rows(
        "image",
        "binary",
        "LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), {x}), 2))",
        "large_binary",
        is_long=True,
    ),
    **_rows(
        "timestamp, rowversion", "binary", "LOWER(CONVERT(varchar(16), CONVERT(varbinary(8), {x}), 2))", "large_binary"
    ),
    **_rows(
        "hierarchyid, geometry, geography",
        "binary",
        "LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), {x}), 2))",
        _PANIC,
        is_long=True,
    ),
}

_MYSQL_TEXT = "CONVERT({x} USING utf8mb4)"
_MYSQL = {
    **_rows("tinyint, smallint, tinyint unsigned, year", "integer", "CAST({x} + 0 AS CHAR)", "int64", "smallint"),
    **_rows(
        "mediumint, int, mediumint unsigned, smallint unsigned", "integer", "CAST({x} + 0 AS CHAR)", "int64", "integer"
    ),
    **_rows("bigint, int unsigned", "integer", "CAST({x} + 0 AS CHAR)", "int64", "bigint"),
    **_rows("bigint unsigned", "integer", "CAST({x} + 0 AS CHAR)", "uint64", "numeric(20,0)"),
    **_rows("bit", "boolean", "CAST({x} + 0 AS CHAR)", "bytes"),
    **_rows("bits", "integer", "CAST({x} + 0 AS CHAR)", "bytes", "numeric(20,0)"),
    **_rows(
        "decimal, decimal unsigned",
        "decimal",
        "CAST({x} + 0 AS CHAR)",
        "decimal(38,10); over 28 digits panics",
    ),
    **_rows("float, float unsigned", "float", "CAST({x} * 1e0 AS CHAR)", "double", "real"),
    # double(M,D): shown, and meant, as D digits; what is stored differs from them by a bit.
    **_rows(
        "fixed double, fixed double unsigned, fixed float, fixed float unsigned",
        "decimal",
        "CAST({x} AS CHAR)",
        "double",
        spelling="many",
    ),
    **_rows("double, double unsigned", "float", "CAST({x} * 1e0 AS CHAR)", "double"),
    **_rows("date", "day", "CAST({x} AS CHAR)", "date32; 0000-00-00 panics"),
    **_rows("datetime", "moment", "CAST({x} AS CHAR)", "timestamp[us]; zero dates panic"),
    # Through the number that is stored: text would follow the session's time zone, and lose the hour that comes twice.
    **_rows(
        "timestamp",
        "utc",
        "CASE WHEN UNIX_TIMESTAMP({x}) = 0 THEN '0000-00-00 00:00:00' ELSE CAST(TIMESTAMP'1970-01-01 00:00:00' "
        "+ INTERVAL UNIX_TIMESTAMP({x}) SECOND AS CHAR) END",
        "timestamp[us] in the connection's time zone",
    ),
    # A duration from -838:59:59 to 838:59:59, and no time of day.
    **_rows("time", "text", "CAST({x} AS CHAR)", "time64[us]; negative or over 24 h panics", spelling="declared"),
    **_rows("char, varchar, tinytext, text, mediumtext, longtext", "text", _MYSQL_TEXT, _SAME, is_long=True, pads=True),
    # A value is a number, and its text what its own column calls that number.
    **_rows("enum, set", "text", _MYSQL_TEXT, _SAME, spelling="many"),
    **_rows("inet4, inet6", "text", _MYSQL_TEXT, _SAME, spelling="one"),
    **_rows("json", "text", _MYSQL_TEXT, _SAME, is_long=True, spelling="many"),
    **_rows("uuid", "uuid", _MYSQL_TEXT, _SAME),
    **_rows(
        "binary, varbinary, tinyblob, blob, mediumblob, longblob",
        "binary",
        "LOWER(HEX({x}))",
        "large_binary",
        is_long=True,
    ),
    **_rows(
        "geometry, point, linestring, polygon, multipoint, multilinestring, multipolygon, geometrycollection",
        "binary",
        "LOWER(HEX({x}))",
        _PANIC,
        is_long=True,
    ),
}

# A fixed number of digits, where the column declares it; what no calendar of four digits holds stays as it is written.
_PG_MOMENT = (
    "CASE WHEN {x} >= '0001-01-01' AND {x} < '10000-01-01' "
    "THEN rtrim(left(to_char({x}, 'YYYY-MM-DD HH24:MI:SS.US'), 20 + {n}), '.') ELSE ({x})::text END"
)
_POSTGRESQL = {
    **_rows("smallint", "integer", "({x})::text", "int64", "smallint"),
    **_rows("integer", "integer", "({x})::text", "int64", "integer"),
    **_rows("bigint, oid", "integer", "({x})::text", "int64", "bigint"),
    **_rows("boolean", "boolean", "({x})::int::text", "bool"),
    **_rows("numeric", "decimal", "({x})::text", "decimal(38,10); wider or NaN panics"),
    **_rows("money", "decimal", "({x})::numeric::text", _PANIC, "numeric(20,3)", spelling="one"),
    **_rows("real", "float", "({x})::text", "float", "real"),
    **_rows("double precision", "float", "({x})::text", "double"),
    **_rows("date", "day", "({x})::text", "date32; infinity and BC panic"),
    **_rows("timestamp without time zone", "moment", _PG_MOMENT, "timestamp[us]; infinity and BC panic"),
    **_rows(
        "timestamp with time zone",
        "utc",
        _PG_MOMENT.replace("{x}", "({x} AT TIME ZONE 'UTC')"),
        "timestamp[us, UTC]; infinity and BC panic",
    ),
    **_rows("time without time zone", "clock", "({x})::text", "time64[us]", spelling="one"),
    **_rows("time with time zone", "text", "({x})::text", _PANIC, spelling="one"),
    **_rows("interval", "text", "({x})::text", _PANIC, spelling="many"),
    **_rows(
        "character, bpchar", "text", "CASE WHEN {x} IS NOT NULL THEN concat({x}) END", _SAME, is_long=True, pads=True
    ),
    **_rows("character varying, text, citext", "text", "({x})::text", _SAME, is_long=True),
    **_rows("json, jsonb", "text", "({x})::text", _SAME, is_long=True, spelling="many"),
    # What they hold may be of any type.
    **_rows("xml, array, composite, range", "text", "({x})::text", _PANIC, is_long=True, spelling="many"),
    **_rows("tsvector, tsquery, hstore, ltree", "text", "({x})::text", _PANIC, is_long=True, spelling="one"),
    **_rows("name, enum, inet, pg_lsn", "text", "({x})::text", _SAME, spelling="one"),
    **_rows(
        "one char, cidr, macaddr, macaddr8, bit, bit varying, regclass", "text", "({x})::text", _PANIC, spelling="one"
    ),
    **_rows(
        "point, line, lseg, box, path, polygon, circle", "text", "({x})::text", _PANIC, is_long=True, spelling="many"
    ),
    **_rows("uuid", "uuid", "({x})::text", _SAME),
    **_rows("bytea", "binary", "encode({x}, 'hex')", "large_binary", is_long=True),
}

# A SQLite value has its own type, whatever its column declares; a drafted entry names the one that all values have.
_SQLITE = {
    **_rows("integer", "integer", "text by the value's own storage class", "by the first row's type"),
    **_rows("real", "float", "text by the value's own storage class", "by the first row's type"),
    **_rows("text", "text", "text by the value's own storage class", "by the first row's type", is_long=True),
    **_rows("blob", "binary", "text by the value's own storage class", "by the first row's type", is_long=True),
}

#: Engine -> base type -> how it is read.
LEGACY_TYPES: Mapping[Engine, Mapping[str, LegacyType]] = MappingProxyType(
    {"mssql": _MSSQL, "mysql": _MYSQL, "postgresql": _POSTGRESQL, "sqlite": _SQLITE}
)


def legacy_type(text: str, engine: Engine = "mssql") -> tuple[SqlType, LegacyType]:
    """Look a declared legacy type up in the table.

    Raises:
        UnknownType: the base type is not in the table.
    """
    sql_type = parse_type(text)
    known = LEGACY_TYPES[engine]
    # Leading zeros are how a number is shown; the raw text is the number.
    base = sql_type.base.removesuffix(" zerofill")
    try:
        return sql_type, known[base]
    except KeyError:
        raise UnknownType(f"{engine} type {text!r} is not in the table of types ({', '.join(sorted(known))})") from None


def default_converter(sql_type: SqlType, known: LegacyType) -> str | None:
    """Give the converter of a legacy type when its column names none."""
    return "text" if known.pg_type == "numeric" and _numeric(sql_type) is None else known.converter


def default_pg_type(sql_type: SqlType, known: LegacyType) -> str | None:
    """Give the target type of a legacy type when its column names none.

    A decimal of more digits than a decimal of 128 bits holds, or of no fixed scale, is kept as text, exactly.
    """
    return _numeric(sql_type) or "text" if known.pg_type == "numeric" else known.pg_type


def _numeric(sql_type: SqlType) -> str | None:
    if not sql_type.args:
        # MySQL's and SQL Server's declarations always come with their numbers; PostgreSQL's may hold any scale.
        return None
    precision, scale = (*sql_type.args, 0)[:2]
    digits = max(precision - scale, 0) + max(scale, 0)
    return f"numeric({digits},{max(scale, 0)})" if digits <= MAX_DECIMAL_DIGITS else None
