"""Tables of every type that a server has, and the values that each of its columns may be drawn from.

A column is a declared type, the family by which its values are compared, and a strategy; of each cell it is said whether
the target has no such value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

#: Rows of an example.
ROWS = 16
Values = st.SearchStrategy[object]


@dataclass(frozen=True)
class Field:
    """A column: its type, how its family is compared, and the values it may take."""

    declared: str
    family: str
    values: Values
    own: str | None = None


def field(declared: str, family: str, values: st.SearchStrategy[object], own: str | None = None) -> Field:
    return Field(declared, family, st.integers(0, 9).flatmap(lambda n: values if n else st.none()), own)


@dataclass(frozen=True)
class Table:
    """Columns, and of each of its cells whether no target holds it."""

    fields: Mapping[str, Field]
    #: Family and the server's own text -> there is no such value in the target.
    is_refused: Callable[[str, object], bool]

    def rows(self) -> st.SearchStrategy[list[tuple[object, ...]]]:
        return st.lists(st.tuples(*(f.values for f in self.fields.values())), min_size=ROWS, max_size=ROWS)

    def create(self, name: str) -> str:
        return f"CREATE TABLE {name} (k integer PRIMARY KEY, {', '.join(f'{x} {f.declared}' for x, f in self)})"

    def __iter__(self) -> Iterator[tuple[str, Field]]:
        return iter(self.fields.items())


# -- values -----------------------------------------------------------------------------------------

#: Around the hours that New York's clocks leave out, and have twice.
CHANGES = st.builds(
    lambda change, offset: change + timedelta(microseconds=offset),
    st.sampled_from([datetime(2024, 3, 10, 7), datetime(2024, 11, 3, 6), datetime(1987, 4, 5, 7)]),
    st.integers(-7_200_000_000, 7_200_000_000),
)
DAYS = st.one_of(st.dates(), st.sampled_from([date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29)])).map(str)
MOMENTS = st.one_of(st.datetimes(), CHANGES).map(str)
#: Before year 1, in whose years February ends elsewhere; a PostgreSQL date goes back to 4713 BC.
DAYS_BC = st.dates(max_value=date(4712, 12, 31)).filter(lambda d: (d.month, d.day) != (2, 29)).map("{} BC".format)
MOMENTS_BC = st.datetimes(max_value=datetime(4712, 12, 31)).map(lambda m: f"{m.replace(day=1)} BC")
_SPECIAL = st.sampled_from(
    [
        "",
        " ",
        "a ",
        "\t",
        "\r\n",
        "\x01\x7f\x85",
        "NULL",
        "\\N",
        "\\",
        "'\"`",
        "é",
        "e\u0301",
        "\U0001f469\u200d\U0001f467",
        "\U0010ffff",
        "\ufeff",
        "\u212b\u00c5",
        "İı",
        "0000-0-0",
        "%s",
        "{x}",
    ]
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9), _SPECIAL)
BYTES = st.binary(max_size=9)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
_MOST = (2 - 2**-23) * 2.0**127
#: Bounded: drawn from all doubles, one too large would discard its whole example.
REALS = st.floats(-_MOST, _MOST, width=32)
UUIDS = st.uuids().map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('aé\U0001f600\\" ', max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
).map(lambda value: json.dumps(value, ensure_ascii=False))


def whole(bits: int, *, signed: bool = True) -> Values:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.one_of(st.integers(low, high), st.sampled_from([low, high])).map(str)


def decimals(precision: int, scale: int, *, signed: bool = True) -> Values:
    most = 10**precision - 1
    unscaled = st.one_of(st.integers(-most if signed else 0, most), st.sampled_from([most, 0, 1]))
    point = f".{{1:0{scale}}}" if scale else ""
    return unscaled.map(lambda n: "-" * (n < 0) + ("{0}" + point).format(*divmod(abs(n), 10**scale)))


def _scaled(bits: int) -> Values:
    """Give SQL Server's money: integers of ten-thousandths."""
    return st.one_of(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), st.just(-(2 ** (bits - 1)))).map(
        lambda n: f"{'-' * (n < 0)}{abs(n) // 10_000}.{abs(n) % 10_000:04}"
    )


def spans(most: timedelta) -> Values:
    """Give lengths of time as `-838:59:59.999999`."""
    limit = most // timedelta(microseconds=1)
    return st.one_of(st.integers(-limit, limit), st.sampled_from([limit, -limit, -1])).map(_span)


def _span(microseconds: int) -> str:
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    return f"{'-' * (microseconds < 0)}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


def _array(items: Sequence[str | None]) -> str:
    escaped = ("NULL" if i is None else '"' + i.replace("\\", "\\\\").replace('"', '\\"') + '"' for i in items)
    return f"{{{','.join(escaped)}}}"


def _dotted(bits: int) -> Values:
    return st.lists(st.booleans(), min_size=bits, max_size=bits).map(lambda b: "".join("01"[i] for i in b))


# -- tables -----------------------------------------------------------------------------------------


def never(_family: str, _said: object) -> bool:
    return False


def nul_is_refused(family: str, said: object) -> bool:
    """U+0000 in text has no target."""
    return family == "text" and "00" in (str(said)[i : i + 2] for i in range(0, len(str(said)), 2))


def sqlite_refuses(_family: str, said: object) -> bool:
    """Beyond these bounds SQLite makes no exact text of a number."""
    size = abs(float(str(said)))
    return 0 < size < 1e-80 or 1e80 < size < float("inf")


_UTF8 = "CHARACTER SET utf8mb4"
_BITS = "CONV(HEX({x}), 16, 10)"
_PARTIAL = st.builds(
    lambda y, m, d: f"{y:04}-{m:02}-{d:02}", st.sampled_from([0, 1, 2024]), st.integers(0, 12), st.integers(0, 28)
)
MYSQL = {
    "plain": Table(
        {
            "i8": field("tinyint", "integer", whole(8)),
            "u8": field("tinyint unsigned zerofill", "integer", whole(8, signed=False)),
            "i16": field("smallint", "integer", whole(16)),
            "i24": field("mediumint", "integer", whole(24)),
            "i32": field("int", "integer", whole(32)),
            "u32": field("int unsigned", "integer", whole(32, signed=False)),
            "i64": field("bigint", "integer", whole(64)),
            "u64": field("bigint unsigned", "integer", whole(64, signed=False)),
            "b1": field("bit(1)", "boolean", st.booleans()),
            "b64": field("bit(64)", "integer", st.integers(0, 2**64 - 1), _BITS),
            "y": field("year", "integer", st.integers(1901, 2155) | st.just(0)),
            "d38": field("decimal(38,10)", "decimal", decimals(38, 10)),
            "d38_38": field("decimal(38,38)", "decimal", decimals(38, 38)),
            "d65": field("decimal(65,30)", "decimal", decimals(65, 30)),
            "du": field("decimal(10,3) unsigned zerofill", "decimal", decimals(10, 3, signed=False)),
            "f": field("float", "float", REALS),
            "g": field("double", "float", DOUBLES),
            "d": field("date", "day", DAYS | st.just("0000-00-00")),
            "dt": field("datetime(6)", "moment", MOMENTS | st.just("0000-00-00 00:00:00")),
            "dt0": field("datetime", "moment", st.one_of(st.datetimes(), CHANGES).map(lambda m: str(m)[:19])),
            "ts": field(
                "timestamp(6) NULL",
                "utc",
                st.one_of(st.datetimes(datetime(1970, 1, 2), datetime(2038, 1, 18)), CHANGES, CHANGES).map(str)
                | st.just("0000-00-00 00:00:00"),
            ),
            "t": field("time(6)", "text", spans(timedelta(hours=838, minutes=59, seconds=59))),
            "c": field(f"char(9) {_UTF8}", "text", TEXTS),
            "v": field(f"varchar(9) {_UTF8}", "text", TEXTS),
            "l": field("varchar(9) CHARACTER SET latin1", "text", TEXTS),
            "x": field(f"longtext {_UTF8}", "text", TEXTS),
            "j": field("json", "text", JSON),
            "e": field(f"enum('a', '', 'é', 'x ') {_UTF8}", "text", st.sampled_from(["a", "", "é", "x", "none"])),
            "s": field(f"set('a', 'b', 'é') {_UTF8}", "text", st.sampled_from(["", "a", "a,b,é", "é,a"])),
            "u": field("uuid", "uuid", UUIDS),
            "vb": field("varbinary(9)", "binary", BYTES),
            "bn": field("binary(9)", "binary", BYTES),
            "lb": field("longblob", "binary", BYTES),
        },
        never,
    ),
    "odd": Table(
        {
            "d": field("date", "day", _PARTIAL),
            "dt": field("datetime(3)", "moment", _PARTIAL.map(lambda d: f"{d} 01:02:03.456") | MOMENTS),
            "v": field(f"varchar(9) {_UTF8}", "text", TEXTS | st.text("a\0 ", max_size=5)),
        },
        nul_is_refused,
    ),
}

_ENDLESS = st.sampled_from(["infinity", "-infinity"])
_NAN = st.sampled_from(["NaN"])
_NUMERICS = st.builds("{}e{}".format, st.integers(), st.integers(-200, 200)) | decimals(60, 30)
_INTERVALS = st.builds(
    "{} months {} days {} microseconds".format,
    st.integers(-(10**7), 10**7),
    st.integers(-(10**6), 10**6),
    st.integers(-(10**17), 10**17),
)
POSTGRESQL = {
    "plain": Table(
        {
            "i16": field("smallint", "integer", whole(16)),
            "i32": field("integer", "integer", whole(32)),
            "i64": field("bigint", "integer", whole(64)),
            "b": field("boolean", "boolean", st.booleans()),
            "n": field("numeric", "text", _NUMERICS | _NAN | _ENDLESS),
            "n38": field("numeric(38,10)", "decimal", decimals(38, 10) | _NAN),
            "n60": field("numeric(60,30)", "text", decimals(60, 30)),
            "m": field(
                "money",
                "decimal",
                st.integers(-(2**63), 2**63 - 1).map(lambda n: f"{'-' * (n < 0)}{abs(n) // 100}.{abs(n) % 100:02}"),
                "{x}::numeric(20,3)::text",
            ),
            "f": field("real", "float", REALS | st.sampled_from([float("nan"), float("inf"), float("-inf")])),
            "g": field("double precision", "float", st.floats()),
            "d": field("date", "day", DAYS | _ENDLESS),
            "ts": field("timestamp", "moment", MOMENTS | _ENDLESS),
            "ts3": field("timestamp(3)", "moment", CHANGES.map(str)),
            "tz": field("timestamptz", "utc", MOMENTS.map(lambda m: f"{m}+00") | _ENDLESS),
            "t": field("time", "clock", st.times().map(str) | st.just("24:00:00")),
            "tt": field("timetz", "text", st.builds("{}{:+03}:30".format, st.times(), st.integers(-15, 14))),
            "iv": field("interval", "text", _INTERVALS),
            "c": field("char(9)", "text", TEXTS, "encode(convert_to(rpad({x}::text, 9), 'UTF8'), 'hex')"),
            "v": field("varchar(9)", "text", TEXTS),
            "x": field("text", "text", TEXTS),
            "j": field("json", "text", JSON),
            "jb": field("jsonb", "text", JSON),
            "a": field("text[]", "text", st.lists(st.none() | TEXTS, max_size=4).map(_array)),
            "az": field(
                "timestamptz[]", "text", st.lists(CHANGES, max_size=3).map(lambda m: _array([f"{i}+00" for i in m]))
            ),
            "e": field("mood", "text", st.sampled_from(["glad", "Größe", ""])),
            "ip": field("inet", "text", st.ip_addresses().map(str)),
            "b64": field("bit(64)", "text", _dotted(64)),
            "vb": field("varbit", "text", st.integers(0, 9).flatmap(_dotted)),
            "u": field("uuid", "uuid", UUIDS),
            "by": field("bytea", "binary", BYTES),
            "r": field(
                "int8range",
                "text",
                st.tuples(whole(32), whole(32)).map(lambda p: f"[{min(map(int, p))},{max(map(int, p))})"),
            ),
        },
        never,
    ),
    "odd": Table(
        {
            "d": field("date", "day", DAYS | DAYS_BC | st.just("5874897-12-31")),
            "ts": field("timestamp", "moment", MOMENTS | MOMENTS_BC),
            "tz": field("timestamptz", "utc", MOMENTS.map(lambda m: f"{m}+00") | st.just("294276-12-31 00:00:00+00")),
        },
        never,
    ),
}

SQLITE = {
    "plain": Table(
        {
            "i": field("INTEGER", "integer", st.integers(-(2**63), 2**63 - 1)),
            "r": field(
                "REAL", "float", st.floats(1e-80, 1e80) | st.floats(-1e80, -1e-80) | st.sampled_from([0.0, -0.0])
            ),
            "x": field("TEXT", "text", TEXTS),
            "b": field("BLOB", "binary", BYTES),
        },
        never,
    ),
    "odd": Table({"r": field("REAL", "float", st.floats(allow_nan=False))}, sqlite_refuses),
}


#: What code page 1252 has, and no lone control character that it has not.
_NARROW = st.text("aZ09 '\\\"éßÿ€\u2019\t\n", max_size=9)
#: Nine UTF-16 units at the most.
_WIDE = TEXTS.filter(lambda text: len(text.encode("utf-16-le")) <= 18)
_TICKS_A_DAY = 864_000_000_000


def _clock(ticks: int, digits: int) -> str:
    """Write 100 ns since midnight with as many digits as a column has."""
    seconds, fraction = divmod(ticks, 10_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:07}"[: len(text) + digits + (digits > 0)]


def _clocks(digits: int) -> Values:
    return st.one_of(st.integers(0, _TICKS_A_DAY - 1), st.sampled_from([0, 1, _TICKS_A_DAY - 1])).map(
        lambda ticks: _clock(ticks, digits)
    )


def _moments(digits: int, first: date = date(1, 1, 1), last: date = date(9999, 12, 31)) -> Values:
    days = st.one_of(st.dates(first, last), st.sampled_from([first, last]), CHANGES.map(datetime.date))
    return st.builds("{} {}".format, days, _clocks(digits))


#: A datetime counts 1/300 s, and shows them as .000, .003 and .007.
_OLD_MOMENTS = st.builds(
    lambda day, third: f"{day} {_clock(third * 100_000 // 3 // 10_000 * 10_000 + (third % 3 == 2) * 10_000, 3)}",
    st.one_of(st.dates(date(1753, 1, 1)), st.sampled_from([date(1753, 1, 1), date(9999, 12, 31)])),
    st.integers(0, 25_919_999),
)
_OFFSETS = st.integers(-840, 840).map(lambda m: f"{'-' if m < 0 else '+'}{abs(m) // 60:02}:{abs(m) % 60:02}")
#: As many days from the ends of the calendar as no offset crosses.
_ZONED = st.builds("{} {}".format, _moments(7, date(1, 1, 2), date(9999, 12, 30)), _OFFSETS | st.just("+00:00"))
MSSQL = {
    "plain": Table(
        {
            "b": field("bit", "boolean", st.booleans()),
            "i8": field("tinyint", "integer", whole(8, signed=False)),
            "i16": field("smallint", "integer", whole(16)),
            "i32": field("int", "integer", whole(32)),
            "i64": field("bigint", "integer", whole(64)),
            "d18": field("decimal(18,2)", "decimal", decimals(18, 2)),
            "d38": field("decimal(38,10)", "decimal", decimals(38, 10)),
            "d38_38": field("decimal(38,38)", "decimal", decimals(38, 38)),
            "n9": field("numeric(9,0)", "decimal", decimals(9, 0)),
            "m": field("money", "decimal", _scaled(64)),
            "sm": field("smallmoney", "decimal", _scaled(32)),
            "g": field("float", "float", DOUBLES),
            "f": field("real", "float", REALS),
            "d": field("date", "day", DAYS),
            "t": field("time(7)", "clock", _clocks(7)),
            "t3": field("time(3)", "clock", _clocks(3)),
            "dt": field("datetime", "moment", _OLD_MOMENTS),
            "sd": field(
                "smalldatetime",
                "moment",
                st.datetimes(datetime(1900, 1, 1), datetime(2079, 6, 6)).map(lambda m: f"{m:%Y-%m-%d %H:%M}:00"),
            ),
            "d2": field("datetime2(7)", "moment", _moments(7)),
            "d2_0": field("datetime2(0)", "moment", _moments(0)),
            "d2_3": field("datetime2(3)", "moment", _moments(3)),
            "o": field("datetimeoffset(7)", "instant", _ZONED),
            "u": field("uniqueidentifier", "uuid", UUIDS),
            "c": field("char(9)", "text", _NARROW),
            "v": field("varchar(9)", "text", _NARROW),
            "nc": field("nchar(9)", "text", _WIDE),
            "nv": field("nvarchar(9)", "text", _WIDE),
            "vx": field("varchar(max)", "text", _NARROW),
            "nx": field("nvarchar(max)", "text", TEXTS),
            "x": field("text", "text", _NARROW),
            "y": field("ntext", "text", TEXTS),
            "xml": field("xml", "text", TEXTS.map(lambda text: f"<a>{text.encode().hex()}</a>")),
            "s": field("sql_variant", "text", TEXTS),
            "bn": field("binary(9)", "binary", BYTES),
            "vb": field("varbinary(9)", "binary", BYTES),
            "bx": field("varbinary(max)", "binary", BYTES),
            "im": field("image", "binary", BYTES),
            "rv": field("rowversion", "binary", st.binary(min_size=8, max_size=8)),
        },
        never,
    ),
    "odd": Table({"v": field("nvarchar(9)", "text", _WIDE | st.text("a\0 ", max_size=5))}, nul_is_refused),
}
