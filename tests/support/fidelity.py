"""Values of every type that a legacy server can hold, as it writes them itself, and what may become of them.

A case is a column; its values are written by the server's own SQL. What arrives is compared with what the server itself
says of its cells, by expressions that are not those of the table of types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from schemas.engines import Engine
from schemas.targets import target_type
from schemas.types import LEGACY_TYPES
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


def case(
    base: str,
    declared: str,
    *values: object,
    own: str | None = None,
    rejected: set[int] | None = None,
    called: str | None = None,
    needs: tuple[str, ...] = (),
) -> Case:
    return Case(base, declared, ("NULL", *values), own, frozenset(rejected or ()), called, needs)


# Its hex() makes no difference of NULL and empty.
_SQLITE_HEX = "CASE WHEN {x} IS NOT NULL THEN hex({x}) END"
#: What a server says of its own cells, by family; text and bytes as hexadecimal digits.
OWN: dict[Engine, dict[str, str]] = {
    "mysql": {
        "text": "HEX(CONVERT({x} USING utf8mb4))",
        "binary": "HEX({x})",
        "float": "CAST({x} AS DOUBLE)",
        "boolean": "BIN({x})",
        "": "CAST({x} AS CHAR)",
    },
    "postgresql": {
        "text": "encode(convert_to(({x})::text, 'UTF8'), 'hex')",
        "binary": "{x}::text",
        "float": "{x}::float8",
        "boolean": "CASE WHEN {x} THEN 1 WHEN NOT {x} THEN 0 END",
        "": "{x}::text",
    },
    "sqlite": {"text": _SQLITE_HEX, "binary": _SQLITE_HEX, "": "{x}"},
}


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
