"""List the named converters: the one table by which the catalog's names find their pairs.

Owns no conversion itself (core/scalars.py and core/moments.py do) and no defaults: which converter a legacy
type takes when its column names none is in schemas/types.py.

Invariant: a converter has both forms, and its cases (tests/unit/test_converters.py) run in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pipeline.core import moments, scalars
from pipeline.core.conversion import Converter, Made, MadeSql, Setting, ZoneJoin
from schemas.model import Entity
from schemas.types import parse_type

__all__ = ["CONVERTERS", "Converter", "Made", "MadeSql", "Setting", "ZoneJoin", "misfits"]


_TEXT = frozenset({"text"})
_INTEGERS = frozenset({"integer", "boolean"}) | _TEXT
_NUMBERS = frozenset({"decimal"}) | _INTEGERS
_MOMENTS = frozenset({"moment", "utc", "day"}) | _TEXT
_ANY = _NUMBERS | _MOMENTS | {"float", "uuid", "binary", "instant", "clock"}
#: Target types that a member of a jsonb object can have.
_IN_JSON = frozenset({"text", "date", "smallint", "integer", "bigint", "boolean", "numeric"})

# Text columns may hold anything: fields of the result tables are typed by what their definition says.
_ALL = (
    Converter("text", _ANY, frozenset({"text"}), "H48", scalars.text, scalars.text_sql),
    Converter(
        "integer",
        _INTEGERS,
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
        _NUMBERS | {"float"},
        frozenset({"double precision", "real"}),
        None,
        scalars.floating,
        scalars.floating_sql,
    ),
    Converter("binary", _TEXT | {"binary"}, frozenset({"bytea"}), None, scalars.binary, scalars.binary_sql),
    Converter("boolean", _INTEGERS, frozenset({"boolean"}), None, scalars.boolean, scalars.boolean_sql),
    Converter("uuid", _TEXT | {"uuid"}, frozenset({"uuid"}), None, scalars.uuid, scalars.uuid_sql),
    Converter(
        "search_key",
        _INTEGERS,
        frozenset({"text"}),
        "H3",
        scalars.search_key,
        scalars.search_key_sql,
    ),
    Converter("email", _TEXT, frozenset({"text"}), "H8", scalars.email, scalars.email_sql),
    Converter(
        "date",
        _MOMENTS,
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
        _MOMENTS,
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
        _MOMENTS,
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
        _MOMENTS,
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
        _MOMENTS,
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
        _TEXT | {"instant"},
        frozenset({"timestamptz"}),
        None,
        moments.instant,
        moments.instant_sql,
        moments.moment_utc,
        moments.moment_utc_sql,
        cuts=True,
    ),
    Converter("day", _TEXT | {"day"}, frozenset({"date"}), None, moments.day, moments.day_sql),
    Converter("clock", _TEXT | {"clock"}, frozenset({"time"}), None, moments.clock, moments.clock_sql, cuts=True),
)

CONVERTERS: Mapping[str, Converter] = MappingProxyType({converter.name: converter for converter in _ALL})


def misfits(entity: Entity) -> Iterator[str]:
    """Say what an entry asks of converters that they cannot do: a line each, column and expectation named."""
    for cell in entity.cells:
        place = f"{entity.id}.columns.{cell.source}"
        converter = CONVERTERS.get(cell.converter)
        if converter is None:
            yield f"{place}: there is no converter {cell.converter!r}; known are {', '.join(sorted(CONVERTERS))}"
            continue
        family, base = entity.legacy_type(cell.source)[1].family, parse_type(cell.pg_type).base
        if family not in converter.accepts:
            yield f"{place}: converter {cell.converter!r} does not read {cell.column.type}"
        if base not in converter.pg_types:
            yield f"{place}: converter {cell.converter!r} makes {' or '.join(sorted(converter.pg_types))}, not {base}"
        if cell.column.json_to is not None and base not in _IN_JSON:
            yield f"{place}: a member of a jsonb object cannot be {base}; give it a column of its own"
        if cell.column.max_length is not None and base != "text":
            yield f"{place}: max_length is for text, not for {base}"
