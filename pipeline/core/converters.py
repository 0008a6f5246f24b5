"""List the named converters: the one table by which the catalog's names find their pairs.

Owns no conversion itself (core/scalars.py and core/moments.py do) and no defaults: which converter a legacy
type takes when its column names none is in schemas/types.py.

Invariant: a converter has both forms, and its cases (tests/unit/test_converters.py) run in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.core import moments, scalars
from pipeline.core.conversion import Converter, Made, MadeSql, Setting, ZoneJoin

__all__ = ["CONVERTERS", "Converter", "Made", "MadeSql", "Setting", "ZoneJoin"]


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split(", "))


_TEXTS = _names(
    "nvarchar, varchar, nchar, char, ntext, text, sysname, xml, sql_variant, hierarchyid, citext, name, json, jsonb, "
    "bpchar, character, character varying, tinytext, mediumtext, longtext, enum, set, varchar2, nvarchar2, clob, nclob"
)
_INTEGERS = _names(
    "bit, tinyint, smallint, mediumint, int, integer, bigint, int2, int4, int8, serial, smallserial, bigserial, year, "
    "tinyint unsigned, smallint unsigned, mediumint unsigned, int unsigned"
)
_DECIMALS = _names("decimal, numeric, dec, number, money, smallmoney, bigint unsigned")
_FLOATS = _names("float, real, double, double precision, float4, float8, binary_float, binary_double")
_GUIDS = _names("uniqueidentifier, uuid")
#: `timestamp` is a moment to most servers, and bytes (a row version) to SQL Server.
_BINARIES = _names(
    "binary, varbinary, image, rowversion, timestamp, bytea, blob, tinyblob, mediumblob, longblob, raw, geometry, "
    "geography"
)
_MOMENTS = _names("datetime, datetime2, smalldatetime, date, timestamp, timestamp without time zone")
_INSTANTS = _names("datetimeoffset, timestamptz, timestamp with time zone")
_DAYS = _names("date")
_CLOCKS = _names("time, time without time zone")
_NUMBERS = _DECIMALS | _INTEGERS | _TEXTS
_ANY = _NUMBERS | _FLOATS | _GUIDS | _BINARIES | _MOMENTS | _INSTANTS | _CLOCKS
_ANY |= _names("interval, timetz, time with time zone, inet, cidr, macaddr")

# Text columns may hold any of them: fields of the result tables are typed by what their definition says.
_ALL = (
    Converter("text", _ANY, frozenset({"text"}), "H48", scalars.text, scalars.text_sql),
    Converter(
        "integer",
        _INTEGERS | _TEXTS,
        frozenset({"smallint", "integer", "bigint"}),
        None,
        scalars.integer,
        scalars.integer_sql,
    ),
    Converter(
        "decimal",
        _NUMBERS,
        frozenset({"numeric"}),
        None,
        scalars.decimal,
        scalars.decimal_sql,
    ),
    Converter(
        "float",
        _FLOATS | _NUMBERS,
        frozenset({"double precision", "real"}),
        None,
        scalars.floating,
        scalars.floating_sql,
    ),
    Converter("binary", _BINARIES | _TEXTS, frozenset({"bytea"}), None, scalars.binary, scalars.binary_sql),
    Converter("boolean", _INTEGERS | _TEXTS, frozenset({"boolean"}), None, scalars.boolean, scalars.boolean_sql),
    Converter("uuid", _GUIDS | _TEXTS, frozenset({"uuid"}), None, scalars.uuid, scalars.uuid_sql),
    Converter(
        "search_key",
        _TEXTS | _INTEGERS,
        frozenset({"text"}),
        "H3",
        scalars.search_key,
        scalars.search_key_sql,
    ),
    Converter("email", _TEXTS, frozenset({"text"}), "H8", scalars.email, scalars.email_sql),
    Converter(
        "date",
        _MOMENTS | _TEXTS,
        frozenset({"date"}),
        "H40",
        moments.date,
        moments.date_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "time_of_day",
        _MOMENTS | _TEXTS,
        frozenset({"time"}),
        "H41",
        moments.time_of_day,
        moments.time_of_day_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "instant_local",
        _MOMENTS | _TEXTS,
        frozenset({"timestamptz"}),
        "H43",
        moments.instant_local,
        moments.instant_local_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "instant_utc",
        _MOMENTS | _TEXTS,
        frozenset({"timestamptz"}),
        None,
        moments.instant_utc,
        moments.instant_utc_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "moment",
        _MOMENTS | _TEXTS,
        frozenset({"timestamp"}),
        None,
        moments.naive,
        moments.naive_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "instant",
        _INSTANTS | _TEXTS,
        frozenset({"timestamptz"}),
        None,
        moments.instant,
        moments.instant_sql,
        moments.moment_utc,
        moments.moment_utc_sql,
        cuts=True,
    ),
    Converter("day", _DAYS | _TEXTS, frozenset({"date"}), None, moments.day, moments.day_sql),
    Converter("clock", _CLOCKS | _TEXTS, frozenset({"time"}), None, moments.clock, moments.clock_sql, cuts=True),
)

CONVERTERS: Mapping[str, Converter] = MappingProxyType({converter.name: converter for converter in _ALL})
