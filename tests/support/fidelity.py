"""Values of every type that a legacy server can hold, as it writes them itself, and what may become of them.

A case is a column; its values are written by the server's own SQL. What arrives is compared with what the server itself
says of its cells, by expressions that are not those of the table of types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from schemas.targets import target_type
from schemas.types import LEGACY_TYPES, Engine
from tests.standin.declared import SqlType


@dataclass(frozen=True)
class Case:
    """A type, values of it, and how the server says what they are.

    Values are the server's SQL; of the SQL Server stand-in, which is filled without any, Python's or their usual text.
    """

    #: Its name in the table of types.
    base: str
    declared: str
    values: tuple[object, ...]
    #: The server's own words for `{x}`: none means what its family has.
    own: str | None = None
    #: Number of a value, from 1 -> it is rejected, for the target has none like it.
    rejected: frozenset[int] = frozenset()
    #: What the server at hand calls the type, where it has no such one of its own.
    called: str | None = None
    #: Statements that make the type.
    needs: tuple[str, ...] = field(default=())


def case(base: str, declared: str, *values: object, own: str | None = None, rejected: set[int] | None = None,
         called: str | None = None, needs: tuple[str, ...] = ()) -> Case:  # fmt: skip
    return Case(base, declared, ("NULL", *values), own, frozenset(rejected or ()), called, needs)


# Its hex() makes no difference of NULL and empty.
_SQLITE_HEX = "CASE WHEN {x} IS NOT NULL THEN hex({x}) END"
#: What a server says of its own cells, by family; text and bytes as hexadecimal digits.
OWN: dict[Engine, dict[str, str]] = {
    "mysql": {
        "text": "HEX(CONVERT({x} USING utf8mb4))", "binary": "HEX({x})", "float": "CAST({x} AS DOUBLE)",
        "boolean": "BIN({x})", "": "CAST({x} AS CHAR)",
    },
    "postgresql": {
        "text": "encode(convert_to(({x})::text, 'UTF8'), 'hex')", "binary": "{x}::text", "float": "{x}::float8",
        "boolean": "CASE WHEN {x} THEN 1 WHEN NOT {x} THEN 0 END", "": "{x}::text",
    },
    "sqlite": {"text": _SQLITE_HEX, "binary": _SQLITE_HEX, "": "{x}"},
}  # fmt: skip


def own_words(engine: Engine, family: str, x: str, own: str | None = None) -> str:
    """Give the expression by which a server says what a cell holds."""
    words = OWN[engine]
    return (own or words.get(family, words[""])).format(x=x)


def words_of(declared: str, family: str, value: object) -> object:
    """Say of a value that was put into a column of the SQL Server stand-in what a server would say of it."""
    sql_type = SqlType.parse(declared)
    match family:
        case _ if value is None:
            return None
        case "text" if isinstance(value, tuple):
            _, inner = value
            return words_of(declared, family, inner.hex() if isinstance(inner, bytes) else inner)
        case "text":
            missing = sql_type.length - len(str(value).encode("utf-16-le")) // 2
            return (str(value) + " " * missing * (sql_type.base in ("char", "nchar"))).encode().hex()
        case "binary" if isinstance(value, bytes):
            return value.ljust(sql_type.length if sql_type.base == "binary" else 0, b"\0").hex()
        case "float" if sql_type.base == "real":
            return struct.unpack("f", struct.pack("f", value))[0]
        case "boolean":
            return str(int(bool(value)))
    return str(value)


def arrived(family: str, pg_type: str, y: str) -> str:
    """Give the expression by which the target says what a cell holds."""
    base = target_type(pg_type).pg
    if family == "text" and base == "text":
        return f"encode(convert_to({y}, 'UTF8'), 'hex')"
    if base in ("real", "double precision"):
        return f"{y}::float8"
    return f"{y}::int::text" if base == "boolean" else f"encode({y}, 'hex')" if base == "bytea" else f"{y}::text"


def canonical(family: str, said: object) -> object:
    """Make one form of what two servers say of a value of a family; nothing that is part of the value is lost."""
    if said is None:
        return None
    if family == "float":
        # Not every NaN has the same bits, and not one of them is told apart by any server.
        return "NaN" if (number := float(str(said))) != number else struct.pack(">d", number)
    text = said.decode() if isinstance(said, bytes) else str(said)
    match family:
        case "integer":
            return int(text)
        case "boolean":
            return int(text, 2)
        case "decimal":
            # Leading zeros are how MySQL shows a number; trailing ones are its scale.
            body = text.lstrip("-").lstrip("0")
            return text[: text.startswith("-")] + (f"0{body}" if not body or body.startswith(".") else body)
        case "moment" | "utc" | "instant" | "day" | "clock":
            text = text.removesuffix("+00").removesuffix(" +00:00").replace("+00 BC", " BC")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case "uuid" | "binary" | "text":
            return text.lower().removeprefix("\\x") if family == "binary" else text.lower()
    raise AssertionError(family)


def layout(cases: Sequence[Case]) -> dict[Case, tuple[str, str]]:
    """Give each case its table and column: one table for all, but one of its own where a row is rejected."""
    return {c: (f"t{n}" if c.rejected else "wide", f"x{n}") for n, c in enumerate(cases)}


def statements(cases: Sequence[Case]) -> Iterator[str]:
    """Create the tables of cases and fill them, a row for each number of a value."""
    tables: dict[str, dict[str, Case]] = {}
    for one, (table, column) in layout(cases).items():
        tables.setdefault(table, {})[column] = one
    for table, columns in tables.items():
        declared = ", ".join(f"{x} {c.declared}" for x, c in columns.items())
        yield f"CREATE TABLE {table} (k integer PRIMARY KEY, {declared})"
        for row, values in enumerate(zip_longest(*(c.values for c in columns.values()), fillvalue="NULL"), 1):
            yield f"INSERT INTO {table} VALUES ({row}, {', '.join(map(str, values))})"


def family_of(engine: Engine, base: str) -> str:
    return LEGACY_TYPES[engine][base].family


_TEXTS = (
    "''", "' '", "'  trailing  '", "_utf8mb4 X'F09F9880F09F91A9E2808DF09F91A7'", "_utf8mb4 X'65CC81C3A9'",
    "CONCAT('tab', CHAR(9), 'line', CHAR(10), CHAR(13), CHAR(1), CHAR(127))", "'NULL'", "'\\\\N'", "'it''s \"`;--'",
    "_utf8mb4 X'C385E284ABEFBBBF'",
)  # fmt: skip
_NUL = "CONCAT('a', CHAR(0), 'b')"
_BYTES = ("''", "X'00'", "X'FF00FF'", "X'20'", "X'C328'")
_OF_BITS = "CONV(HEX({x}), 16, 10)"
_EIGHT_BITS = ("0", "1", "255", "170")
_FLOATS = ("0", "1", "-1", "0.1", "16777217", "3.4028234e38", "1.17549435e-38", "1e-45")
_DOUBLES = ("0", "0.1", "1e23", "5e-324", "2.2250738585072014e-308", "-1.7976931348623157e308", "9007199254740993",
            "1e15", "1e-7", "123456789012345680")  # fmt: skip
_BIG_DECIMALS = ("0", "0.10", "-0.01", f"'{'9' * 28}.{'9' * 10}'", f"'-{'9' * 28}.{'9' * 10}'", "'1.0000000001'")
_WKB = "ST_GeomFromText('{}')"

MYSQL = (
    case("tinyint", "tinyint", "-128", "127", "0"),
    case("tinyint", "tinyint(4) zerofill", "7", "255"),
    case("tinyint unsigned", "tinyint unsigned", "0", "255"),
    case("smallint", "smallint", "-32768", "32767"),
    case("smallint unsigned", "smallint unsigned", "0", "65535"),
    case("mediumint", "mediumint", "-8388608", "8388607"),
    case("mediumint unsigned", "mediumint unsigned", "0", "16777215"),
    case("int", "int", "-2147483648", "2147483647", "0"),
    case("int unsigned", "int unsigned", "0", "4294967295"),
    case("int unsigned", "int(9) unsigned zerofill", "42"),
    case("bigint", "bigint", "-9223372036854775808", "9223372036854775807"),
    case("fixed double", "double(24,8)", "4.92573208", "-0.5", "123456789012345.12345678"),
    case("fixed double unsigned", "double(10,2) unsigned zerofill", "1.5", "99999999.99"),
    case("fixed float", "float(7,2)", "1.1", "-99999.99"),
    case("fixed float unsigned", "float(7,2) unsigned", "0.01"),
    case("bigint unsigned", "bigint unsigned", "0", "18446744073709551615", "9223372036854775808"),
    case("year", "year", "1901", "2155", "0"),
    case("bit", "bit(1)", "b'0'", "b'1'"),
    case("bits", "bit(64)", "b'0'", "1", "18446744073709551615", "9223372036854775808", own=_OF_BITS),
    case("bits", "bit(8)", *_EIGHT_BITS, own=_OF_BITS),
    case("decimal", "decimal(38,10)", *_BIG_DECIMALS),
    case("decimal", "decimal(65,30)", f"'{'9' * 35}.{'9' * 30}'", "'-0.000000000000000000000000000001'", "0"),
    case("decimal", "decimal(5,2) zerofill", "1.5", "999.99"),
    case("decimal", "decimal(38,38)", f"'0.{'9' * 38}'", f"'-0.{'0' * 37}1'"),
    case("decimal", "decimal(38,0)", f"'{'9' * 38}'", f"'-{'9' * 38}'"),
    case("decimal unsigned", "decimal(10,3) unsigned", "0", "9999999.999"),
    case("float", "float", *_FLOATS, "-3.4028234e38"),
    case("float unsigned", "float unsigned", *[f for f in _FLOATS if not f.startswith("-")]),
    case("double", "double", *_DOUBLES, "1.7976931348623157e308"),
    case("double unsigned", "double unsigned", "0", "0.1", "1.7976931348623157e308", "5e-324"),
    case("date", "date", "'0001-01-01'", "'9999-12-31'", "'2024-02-29'", "'0000-00-00'", "'2024-00-15'"),
    case("datetime", "datetime", "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'0000-00-00 00:00:00'"),
    case("datetime", "datetime(6)", "'9999-12-31 23:59:59.999999'", "'2017-01-01 00:00:00.000001'", "'0000-00-00'",
         "'2024-00-15 10:00:00.5'"),
    case("datetime", "datetime(3)", "'2017-03-12 02:30:00.120'", "'0000-00-00'"),
    # The clock of New York: the hour that is left out, and both of the one that comes twice.
    case("timestamp", "timestamp NULL", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2024-03-10 07:00:00'",
         "'2024-03-10 06:59:59'", "'2024-11-03 05:30:00'", "'2024-11-03 06:30:00'", "'0000-00-00 00:00:00'"),
    case("timestamp", "timestamp(6) NULL", "'2024-11-03 05:30:00.000001'", "'2024-11-03 06:30:00.999999'",
         "'0000-00-00 00:00:00'", "'1970-01-01 00:00:01.5'"),
    case("time", "time", "'00:00:00'", "'23:59:59'", "'-00:00:01'", "'838:59:59'", "'-838:59:59'", "'24:00:00'"),
    case("time", "time(6)", "'-838:59:59.999999'", "'-00:00:00.000001'", "'100:00:00.1'"),
    case("char", "char(40) CHARACTER SET utf8mb4", *_TEXTS),
    case("varchar", "varchar(40) CHARACTER SET utf8mb4", *_TEXTS, _NUL, rejected={12}),
    case("varchar", "varchar(40) CHARACTER SET latin1", "''", "X'E9'", "X'80'", "X'81'", "'  '"),
    case("varchar", "varchar(40) CHARACTER SET utf16", "''", "X'D83DDE00'", "X'00E9'", "'  '"),
    case("varchar", "varchar(40) CHARACTER SET sjis", "''", "X'835C'", "X'B1'"),
    case("tinytext", "tinytext CHARACTER SET utf8mb4", *_TEXTS, "REPEAT('x', 255)"),
    case("text", "text CHARACTER SET utf8mb4", *_TEXTS, "REPEAT(_utf8mb4 X'F09F9880', 10000)", _NUL, rejected={13}),
    case("mediumtext", "mediumtext CHARACTER SET utf8mb4", *_TEXTS, "REPEAT('abc', 100000)"),
    case("longtext", "longtext CHARACTER SET utf8mb4", *_TEXTS, "REPEAT('abc', 100000)"),
    case("enum", "enum('a', 'b ', '', 'é', 'it''s') CHARACTER SET utf8mb4", "'a'", "'é'", "'it''s'", "99"),
    case("set", "set('a', 'b', 'é') CHARACTER SET utf8mb4", "''", "'a,é'", "7"),
    case("inet4", "inet4", "'0.0.0.0'", "'255.255.255.255'"),
    case("inet6", "inet6", "'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"),
    case("json", "json", "'{\"a\": 1, \"a\": 1e400}'", "'null'", "'[]'", "'\"\\\\u0000\"'", called="longtext"),
    case("uuid", "uuid", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
         "'FE9D2925-0487-57BE-B5C3-732F28732454'"),
    case("binary", "binary(3)", *_BYTES),
    case("varbinary", "varbinary(40)", *_BYTES),
    case("tinyblob", "tinyblob", *_BYTES),
    case("blob", "blob", *_BYTES, "REPEAT(X'00FF', 30000)"),
    case("mediumblob", "mediumblob", *_BYTES, "REPEAT(X'00FF', 100000)"),
    case("longblob", "longblob", *_BYTES),
    case("geometry", "geometry", _WKB.format("POINT(1 2)"), "ST_GeomFromText('POINT(1 2)', 4326)"),
    case("point", "point", _WKB.format("POINT(-0.1 1e300)")),
    case("linestring", "linestring", _WKB.format("LINESTRING(0 0, 1 1)")),
    case("polygon", "polygon", _WKB.format("POLYGON((0 0, 1 0, 1 1, 0 0))")),
    case("multipoint", "multipoint", _WKB.format("MULTIPOINT(0 0, 1 1)")),
    case("multilinestring", "multilinestring", _WKB.format("MULTILINESTRING((0 0, 1 1))")),
    case("multipolygon", "multipolygon", _WKB.format("MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))")),
    case("geometrycollection", "geometrycollection", _WKB.format("GEOMETRYCOLLECTION(POINT(1 2))")),
)  # fmt: skip

_PG_TEXTS = (
    "''", "' '", "'  trailing  '", "'😀👩‍👧'", "E'e\\u0301\\u00e9'", "E'tab\\tline\\n\\r\\x01\\x7f'", "'NULL'",
    "'\\N'", "'it''s \"`;--'", "E'\\u00c5\\u212b\\ufeff'",
)  # fmt: skip
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS {}"
POSTGRESQL = (
    case("smallint", "smallint", "-32768", "32767"),
    case("integer", "integer", "-2147483648", "2147483647", "0"),
    case("bigint", "bigint", "-9223372036854775808", "9223372036854775807"),
    case("oid", "oid", "0", "4294967295"),
    case("boolean", "boolean", "true", "false"),
    case("numeric", "numeric", "0", "0.10", "-0.000", "'NaN'", "'Infinity'", "'-Infinity'", "1e400", "1e-400"),
    case("numeric", "numeric(38,10)", *_BIG_DECIMALS, "'NaN'"),
    case("numeric", "numeric(38,38)", f"0.{'9' * 38}", f"-0.{'0' * 37}1"),
    case("numeric", "numeric(39,1)", f"{'9' * 38}.9", "'NaN'"),
    case("numeric", "numeric(3,-2)", "12300", "-99900"),
    case("numeric", "numeric(2,4)", "0.0099", "-0.0001"),
    case("money", "money", "0", "'-92233720368547758.08'", "'92233720368547758.07'", "0.1",
         own="{x}::numeric(20,3)::text"),
    case("real", "real", "0", "'-0'", "0.1", "16777216", "3.4028235e38", "1e-45", "'NaN'", "'Infinity'", "'-Infinity'"),
    case("double precision", "double precision", *_DOUBLES, "'-0'", "'NaN'", "'Infinity'", "'-Infinity'"),
    case("date", "date", "'0001-01-01'", "'9999-12-31'", "'infinity'", "'-infinity'", "'0044-03-15 BC'",
         "'5874897-12-31'", "'2024-02-29'"),
    case("timestamp without time zone", "timestamp", "'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'infinity'",
         "'-infinity'", "'0044-03-15 BC'", "'294276-12-31 23:59:59.999999'", "'2024-03-10 02:30:00.1'"),
    case("timestamp without time zone", "timestamp(0)", "'2024-03-10 02:30:00.6'", "'infinity'"),
    case("timestamp without time zone", "timestamp(3)", "'2024-03-10 02:30:00.12'", "'9999-12-31 23:59:59.999'"),
    case("timestamp with time zone", "timestamptz", "'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'",
         "'infinity'", "'-infinity'", "'0044-03-15 00:00:00+00 BC'", "'2024-11-03 05:30:00+00'",
         "'2024-11-03 06:30:00+00'", "'10000-01-01 00:00:00+00'", "'2024-03-10 02:30:00'"),
    case("timestamp with time zone", "timestamptz(2)", "'2024-11-03 05:30:00.25+05:30'"),
    case("time without time zone", "time", "'00:00:00'", "'23:59:59.999999'", "'24:00:00'", "'08:30'"),
    case("time with time zone", "timetz", "'24:00:00-15:59'", "'08:30:00.5+05:30'"),
    case("interval", "interval", "'1 year 2 mons -3 days 04:05:06.789'", "'-178000000 years'", "'0'", "'infinity'"),
    case("interval", "interval day to second(3)", "'1 day 00:00:00.123456'"),
    case("character", "char(30)", *_PG_TEXTS, own="encode(convert_to(rpad({x}::text, 30), 'UTF8'), 'hex')"),
    case("bpchar", "bpchar", *_PG_TEXTS, own="encode(bpcharsend({x}), 'hex')"),
    case("character varying", "varchar(40)", *_PG_TEXTS),
    case("text", "text", *_PG_TEXTS, "repeat('😀', 50000)"),
    case("citext", "citext", *_PG_TEXTS, needs=(_EXTENSION.format("citext"),)),
    case("json", "json", "'{\"a\": 1,  \"a\": 1e400}'", "'null'", "'\"\\u0000\"'"),
    case("jsonb", "jsonb", "'{\"b\": 1e400, \"a\": [1.10, null, \"é\"]}'", "'null'"),
    case("xml", "xml", "'<a b=\"1\">é</a>'", "''"),
    case("array", "text[]", "'{}'", "'{NULL,\"NULL\",\"\",\"a,b\",\"it''s\",\"\\\"\"}'", "'[2:3]={1,2}'",
         "'{{a,b},{c,d}}'"),
    case("array", "timestamptz[]", "'{2024-11-03 05:30:00+00,infinity,NULL}'"),
    case("composite", "pair", "ROW(NULL, '')", "ROW(1, 'a,\"b')", "ROW(NULL, NULL)",
         needs=("CREATE TYPE pair AS (a int, b text)",)),
    case("range", "numrange", "'empty'", "'[1.10,2)'", "'(,)'"),
    case("range", "int4multirange", "'{}'", "'{[1,3),[5,)}'"),
    case("tsvector", "tsvector", "'a fat:1A cat'", "''"),
    case("tsquery", "tsquery", "'fat & (rat | !cat)'"),
    case("hstore", "hstore", "'a=>NULL,b=>\"NULL\"'", "''", needs=(_EXTENSION.format("hstore"),)),
    case("ltree", "ltree", "'a.b.c'", "''", needs=(_EXTENSION.format("ltree"),)),
    case("name", "name", "'a'", "'é '", "''"),
    case("enum", "mood", "'glad'", "'Größe, it''s'", needs=("CREATE TYPE mood AS ENUM ('glad', 'Größe, it''s')",)),
    case("inet", "inet", "'10.0.0.1'", "'10.0.0.1/8'", "'::1'", "'2001:db8::/32'"),
    case("pg_lsn", "pg_lsn", "'16/B374D848'", "'0/0'"),
    case("one char", '"char"', "'a'", "''"),
    case("cidr", "cidr", "'10.0.0.0/8'", "'::/0'"),
    case("macaddr", "macaddr", "'08:00:2b:01:02:03'"),
    case("macaddr8", "macaddr8", "'08:00:2b:01:02:03:04:05'"),
    case("bit", "bit(64)", "repeat('1', 64)::bit(64)", "B'0'::bit(64)"),
    case("bit varying", "varbit(70)", "repeat('10', 35)::varbit", "B''"),
    case("regclass", "regclass", "'pg_catalog.pg_class'", "0"),
    case("point", "point", "'(0.1,1e300)'", "'(NaN,Infinity)'"),
    case("line", "line", "'{1,-1,0.1}'"),
    case("lseg", "lseg", "'[(0,0),(0.1,1)]'"),
    case("box", "box", "'(1,1),(0,0)'"),
    case("path", "path", "'[(0,0),(1,1)]'", "'((0,0),(1,1))'"),
    case("polygon", "polygon", "'((0,0),(1,0),(1,1))'"),
    case("circle", "circle", "'<(0,0),0.1>'"),
    case("uuid", "uuid", "'00000000-0000-0000-0000-000000000000'", "'FE9D2925-0487-57BE-B5C3-732F28732454'"),
    case("bytea", "bytea", "'\\x'", "'\\x00ff'", "'\\xc328'", "decode(repeat('00ff', 50000), 'hex')"),
    case("character varying", "shortish", "'a '", "'é'", needs=("CREATE DOMAIN shortish AS varchar(5)",)),
)  # fmt: skip

SQLITE = (
    case("integer", "INTEGER", "-9223372036854775808", "9223372036854775807", "0"),
    case("text", "", "7", "1700000000000", "'007'"),
    case("real", "REAL", "0.1", "1e23", "1e15", "-0.0", "123456789012345680.0", "1e-80",
         "9e999", "-9e999", "1.7976931348623157e300", "-5e-324", rejected={10, 11}),
    case("text", "TEXT", "''", "' '", "'😀👩‍👧'", "char(9, 10, 13, 1, 127)", "char(101, 769, 233)", "'NULL'",
         "'0000-00-00'", "char(97, 0, 98)", rejected={9}),
    case("text", "decimal(10,2)", "'1.50x'", "7", "'seven'"),
    case("blob", "BLOB", "x''", "x'00'", "x'FF00FF'", "x'C328'"),
)  # fmt: skip

_WORDS = ("", " ", "  trailing  ", "é\u20ac", "tab\tline\r\n\x01\x7f", "NULL", "it's \"`;--]")
_WIDE_WORDS = (*_WORDS, "😀👩‍👧", "e\u0301\u00e9", "\u00c5\u212b\ufeff")
_GUIDS = ("00000000-0000-0000-0000-000000000000", "FE9D2925-0487-57BE-B5C3-732F28732454")
_ODD_BYTES = (b"", b"\0", b"\xff\x00\xff", b" ", b"\xc3\x28")
#: Values in the very text that is expected of them.
_VARIANTS = (
    ("datetime", "2024-03-10 02:30:00.003"), ("smalldatetime", "2024-03-10 02:30:00"), ("date", "2024-02-29"),
    ("time(7)", "23:59:59.9999999"), ("datetime2(7)", "2024-03-10 02:30:00.1234567"),
    ("datetimeoffset(7)", "2024-01-01 13:14:15.1234567 +05:30"), ("float", "1.0000000000000001e-001"),
    ("real", "1.6777216000000000e+007"), ("money", "922337203685477.5807"), ("smallmoney", "-0.0001"),
    ("varbinary(8)", b"\x00\xff"), ("binary(2)", b"\xff\x00"),
    ("uniqueidentifier", "fe9d2925-0487-57be-b5c3-732f28732454"), ("int", "-7"), ("bit", "1"),
    ("decimal(38,10)", f"-{'9' * 28}.{'9' * 10}"), ("varchar(8000)", "x" * 8_000), ("nchar(3)", "é  "),
)  # fmt: skip
MSSQL = (
    case("bit", "bit", True, False),
    case("tinyint", "tinyint", 0, 255),
    case("smallint", "smallint", -32768, 32767),
    case("int", "int", -(2**31), 2**31 - 1, 0),
    case("bigint", "bigint", -(2**63), 2**63 - 1),
    case("decimal", "decimal(38,10)", "0.0000000000", f"{'9' * 28}.{'9' * 10}", f"-{'9' * 28}.{'9' * 10}"),
    case("decimal", "decimal(38,38)", f"0.{'9' * 38}", f"-0.{'0' * 37}1"),
    case("numeric", "numeric(28,0)", "9" * 28, f"-{'9' * 28}"),
    case("money", "money", "922337203685477.5807", "-922337203685477.5808", "0.0000", "-0.0001"),
    case("smallmoney", "smallmoney", "214748.3647", "-214748.3648"),
    case("float", "float", 0.1, 1e23, 5e-324, -1.7976931348623157e308, 9007199254740993.0, -0.0, 123456789012345680.0),
    case("real", "real", 0.1, 16777216.0, 3.4028234e38, 1e-45, -0.0),
    case("date", "date", "0001-01-01", "9999-12-31", "2024-02-29"),
    case("time", "time(7)", "00:00:00.0000000", "23:59:59.9999999", "08:30:00.5000000"),
    case("time", "time(0)", "23:59:59"),
    case("datetime", "datetime", "1753-01-01 00:00:00.000", "9999-12-31 23:59:59.997", "2024-03-10 02:30:00.003",
         "2024-03-10 02:30:00.007"),
    case("smalldatetime", "smalldatetime", "1900-01-01 00:00:00", "2079-06-06 23:59:00"),
    case("datetime2", "datetime2(7)", "0001-01-01 00:00:00.0000001", "9999-12-31 23:59:59.9999999",
         "2024-03-10 02:30:00.1234560"),
    case("datetime2", "datetime2(0)", "2024-03-10 02:30:00"),
    case("datetimeoffset", "datetimeoffset(7)", "2024-01-01 13:14:15.1234567 +05:30", "0001-01-01 00:00:00.0000000 +00:00",
         "9999-12-31 23:59:59.9999999 +00:00", "2024-11-03 01:30:00.0000000 -05:00"),
    case("uniqueidentifier", "uniqueidentifier", *_GUIDS),
    case("char", "char(30)", *_WORDS),
    case("varchar", "varchar(40)", *_WORDS),
    case("varchar", "varchar(max)", *_WORDS, "x" * 9_000),
    case("nchar", "nchar(30)", *_WIDE_WORDS),
    case("nvarchar", "nvarchar(40)", *_WIDE_WORDS),
    case("nvarchar", "nvarchar(max)", *_WIDE_WORDS, "😀" * 50_000),
    case("nvarchar", "nvarchar(5)", "a\0b", rejected={2}),
    case("sysname", "sysname", "é ", called="nvarchar"),
    case("text", "text", *_WORDS),
    case("ntext", "ntext", *_WIDE_WORDS),
    case("xml", "xml", "", "<a b=\"1\">é😀</a>"),
    case("json", "json", "null", "{\"a\":[1.10,\"é\"]}"),
    case("sql_variant", "sql_variant", "a ", "", "NULL", *_VARIANTS),
    case("binary", "binary(4)", *_ODD_BYTES),
    case("varbinary", "varbinary(40)", *_ODD_BYTES),
    case("varbinary", "varbinary(max)", *_ODD_BYTES, b"\x00\xff" * 50_000),
    case("image", "image", *_ODD_BYTES),
    case("timestamp", "timestamp", b"\0\0\0\0\0\0\x07\xd1"),
    case("rowversion", "rowversion", b"\xff" * 8, called="timestamp"),
    case("hierarchyid", "hierarchyid", b"", b"\x5b\x40"),
    case("geometry", "geometry", bytes.fromhex("00000000010c000000000000f03f0000000000000040")),
    case("geography", "geography", bytes.fromhex("e6100000010c000000000000f03f0000000000000040")),
)  # fmt: skip

CASES: dict[Engine, tuple[Case, ...]] = {"mssql": MSSQL, "mysql": MYSQL, "postgresql": POSTGRESQL, "sqlite": SQLITE}
