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

_TEXTS = frozenset({"nvarchar", "varchar", "nchar", "char", "ntext", "text"})
_INTEGERS = frozenset({"bit", "tinyint", "smallint", "int", "bigint"})
_DECIMALS = frozenset({"decimal", "numeric"})
_GUIDS = frozenset({"uniqueidentifier"})
_MOMENTS = frozenset({"datetime", "datetime2", "smalldatetime", "date"})
_ANY = _TEXTS | _INTEGERS | _DECIMALS | _GUIDS | _MOMENTS

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
        _DECIMALS | _INTEGERS | _TEXTS,
        frozenset({"numeric"}),
        None,
        scalars.decimal,
        scalars.decimal_sql,
    ),
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
    ),
)

CONVERTERS: Mapping[str, Converter] = MappingProxyType({converter.name: converter for converter in _ALL})
