"""The type that holds every value of several: what a column is where not all sources declare it alike.

Values in, values out: declared types of one engine, in its own words. Invariant: what is read of a column of any of the
types has a raw form that the common type reads, and no value of it is another one there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.engines import Engine
from schemas.types import SqlType, UnknownType, legacy_type, parse_type

_I8, _I16, _I24, _I32, _I64 = ((-(2 ** (n - 1)), 2 ** (n - 1) - 1) for n in (8, 16, 24, 32, 64))
_U8, _U16, _U24, _U32, _U64 = ((0, 2**n - 1) for n in (8, 16, 24, 32, 64))
#: Engine -> its types of whole numbers, the smaller ones first -> the least and the greatest.
_RANGES: dict[Engine, dict[str, tuple[int, int]]] = {
    "mssql": {"bit": (0, 1), "tinyint": _U8, "smallint": _I16, "int": _I32, "bigint": _I64},
    "mysql": {
        "bit": (0, 1),
        "tinyint": _I8,
        "tinyint unsigned": _U8,
        "year": (0, 2155),
        "smallint": _I16,
        "smallint unsigned": _U16,
        "mediumint": _I24,
        "mediumint unsigned": _U24,
        "int": _I32,
        "int unsigned": _U32,
        "bigint": _I64,
        "bigint unsigned": _U64,
        "bits": _U64,
    },
    "postgresql": {"boolean": (0, 1), "smallint": _I16, "integer": _I32, "oid": _U32, "bigint": _I64},
    "sqlite": {"integer": _I64},
}
#: Those of them that say more than a number.
_NOT_COMMON = ("bit", "boolean", "year", "oid", "bits")
#: Engine -> its decimals, and the most digits that they have; its texts and bytes of any length.
_DECIMALS: dict[Engine, tuple[str, int]] = {
    "mssql": ("decimal", 38),
    "mysql": ("decimal", 65),
    "postgresql": ("numeric", 1000),
}
_TEXTS: dict[Engine, str] = {"mssql": "nvarchar(max)", "mysql": "longtext", "postgresql": "text", "sqlite": "text"}
_BYTES: dict[Engine, str] = {"mssql": "varbinary(max)", "mysql": "longblob", "postgresql": "bytea"}
#: Binary types that are more than bytes.
_STRUCTURED = (
    "hierarchyid",
    "geometry",
    "geography",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
)
#: Digits before and behind the point of types that declare none.
_MONEY: dict[Engine, dict[str, tuple[int, int]]] = {"mssql": {"money": (15, 4), "smallmoney": (6, 4)}}
#: What holds every value of floats that differ: of a MySQL float come all digits of the double that is next to it.
_FLOATS: dict[Engine, str] = {"mysql": "double"}
#: Digits of a second that a moment has whose type declares none: by engine, and by type where they differ.
_SECONDS: dict[Engine, int] = {"mysql": 0, "postgresql": 6, "sqlite": 0}
_FINE: dict[Engine, dict[str, int]] = {"mssql": {"time": 7, "datetime2": 7, "datetimeoffset": 7}}
#: Types that can declare none, the finest first; and the type that holds the values of several types of moments.
_COARSE: dict[Engine, dict[str, int]] = {"mssql": {"datetime": 3, "smalldatetime": 0}}
_MOMENT: dict[Engine, str] = {"mssql": "datetime2"}
_NUMBERS = {"integer", "boolean", "decimal"}
#: What may stand as text beside texts: it is written in one way only.
_WRITABLE = {*_NUMBERS, "float", "text", "uuid", "day", "clock"}


def widest(declared: Iterable[str], engine: Engine) -> str | None:
    """Name the type that holds what columns of all these types hold; None where there is none."""
    names = list(dict.fromkeys(declared))
    if len(names) == 1:
        return names[0]
    try:
        types = list(dict.fromkeys(_plain(name, engine) for name in names))
        families = {legacy_type(str(t), engine)[1].family for t in types}
    except UnknownType:
        return None
    bases = {t.base for t in types}
    if len(types) == 1:
        return str(types[0])
    if families <= _NUMBERS:
        return _number(types, engine)
    if families <= {"moment", "day"} or (len(families) == len(bases) == 1 and families <= {"utc", "instant", "clock"}):
        return _moment(types, engine)
    if families == {"binary"}:
        return None if bases & {*_STRUCTURED} else _longest(types) or _BYTES.get(engine)
    if families == {"float"} and engine in _FLOATS:
        return _FLOATS[engine]
    if families == {"text"}:
        return _longest(types) or _TEXTS[engine]
    return _TEXTS[engine] if families <= _WRITABLE else None


def text_of(engine: Engine) -> str:
    """Name the type of texts of any length."""
    return _TEXTS[engine]


def holds(expected: str, declared: str, engine: Engine) -> bool:
    """Say whether a column of one type holds all that one of another does, in a raw form that it reads."""
    common = widest((expected, declared), engine)
    return common is not None and (common == expected or _plain(common, engine) == _plain(expected, engine))


def _plain(name: str, engine: Engine) -> SqlType:
    """Read a type, without what is said for show: the width of an integer, leading zeros, no sign at a fraction."""
    sql_type = parse_type(name)
    base = sql_type.base.removesuffix(" zerofill")
    if base in _RANGES[engine]:
        return SqlType(base)
    fine = _FINE.get(engine, {})
    args = sql_type.args or ((fine[base],) if base in fine else ())
    return SqlType(base.removesuffix(" unsigned"), args, sql_type.is_max)


def _number(types: Sequence[SqlType], engine: Engine) -> str:
    ranges = [_RANGES[engine][t.base] for t in types if t.base in _RANGES[engine]]
    if len(ranges) == len(types):
        least, greatest = min(a for a, _ in ranges), max(b for _, b in ranges)
        for base, (low, high) in _RANGES[engine].items():
            if low <= least and greatest <= high and ({t.base for t in types} == {base} or base not in _NOT_COMMON):
                return base
    base, limit = _DECIMALS[engine]
    money = _MONEY.get(engine, {})
    before, behind = 0, 0
    for t in types:
        if t.base in _RANGES[engine]:
            digits = len(str(_RANGES[engine][t.base][1])), 0
        elif t.base in money:
            digits = money[t.base]
        elif not t.args:
            return base  # of any scale
        else:
            precision, scale = (*t.args, 0)[:2]
            digits = max(precision - scale, 0), max(scale, 0)
        before, behind = max(before, digits[0]), max(behind, digits[1])
    return f"{base}({before + behind},{behind})" if before + behind <= limit else _TEXTS[engine]


def _moment(types: Sequence[SqlType], engine: Engine) -> str:
    digits = max(seconds(t, engine) for t in types)
    bases = {t.base for t in types}
    if len(bases) > 1 and engine in _MOMENT:
        coarse = _COARSE[engine]
        return next(iter(coarse)) if bases <= coarse.keys() else f"{_MOMENT[engine]}({digits})"
    (base,) = bases - {"date"}
    return base if digits == _SECONDS.get(engine) else f"{base}({digits})"


def seconds(sql_type: SqlType, engine: Engine) -> int:
    """Say how many digits of a second a value has; of SQL Server's finest types seven where none are declared."""
    if sql_type.args or sql_type.base == "date":
        return (*sql_type.args, 0)[0]
    undeclared = _FINE.get(engine, {}) | _COARSE.get(engine, {})
    return undeclared[sql_type.base] if undeclared else _SECONDS[engine]


def _longest(types: Sequence[SqlType]) -> str | None:
    """Give the longest of one type."""
    if len({t.base for t in types}) > 1:
        return None
    unlimited = [t for t in types if t.is_max or not t.args]
    return str(unlimited[0] if unlimited else max(types, key=lambda t: t.args))
