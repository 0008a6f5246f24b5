"""List the named converters: the one table by which the catalog's names find their pairs.

Owns no conversion itself (core/scalars.py and core/moments.py do) and no defaults: which converter a legacy
type takes when its column names none is in schemas/types.py, what each reads and makes in schemas/conversions.py.

Invariant: a converter has both forms, and its cases (tests/unit/conversions) run in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.core import fields, moments, scalars
from pipeline.core.conversion import Converter, Made, MadeSql, Setting, ZoneJoin, setting_of

__all__ = ["CONVERTERS", "Converter", "Made", "MadeSql", "Setting", "ZoneJoin", "setting_of"]


_ALL = (
    Converter("text", "H48", scalars.text, scalars.text_sql),
    Converter("integer", None, scalars.integer, scalars.integer_sql),
    Converter("decimal", None, scalars.decimal, scalars.decimal_sql),
    Converter("float", None, scalars.floating, scalars.floating_sql),
    Converter("binary", None, scalars.binary, scalars.binary_sql),
    Converter("boolean", None, scalars.boolean, scalars.boolean_sql),
    Converter("uuid", None, scalars.uuid, scalars.uuid_sql),
    Converter("search_key", "H3", scalars.search_key, scalars.search_key_sql),
    Converter("email", "H8", scalars.email, scalars.email_sql),
    Converter("date", "H40", moments.date, moments.date_sql, moments.moment, moments.moment_sql, cuts=True),
    Converter(
        "time_of_day",
        "H41",
        moments.time_of_day,
        moments.time_of_day_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "instant_local",
        "H43",
        moments.instant_local,
        moments.instant_local_sql,
        moments.moment,
        moments.moment_sql,
        cuts=True,
    ),
    Converter(
        "instant_utc", None, moments.instant_utc, moments.instant_utc_sql, moments.moment, moments.moment_sql, cuts=True
    ),
    Converter("moment", None, moments.naive, moments.naive_sql, moments.moment, moments.moment_sql, cuts=True),
    Converter(
        "instant", None, moments.instant, moments.instant_sql, moments.moment_utc, moments.moment_utc_sql, cuts=True
    ),
    Converter("day", None, moments.day, moments.day_sql),
    Converter("clock", None, moments.clock, moments.clock_sql, cuts=True),
    Converter("fields", None, fields.fields, fields.fields_sql, fields.members, fields.members_sql),
)

CONVERTERS: Mapping[str, Converter] = MappingProxyType({converter.name: converter for converter in _ALL})
