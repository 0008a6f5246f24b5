"""The wire forms of SQL Server's types: what a column declares and how its values are encoded (MS-TDS 2.2.5.4-5).

Takes values as `values.stored` gives them. Invariant: a column declared NOT NULL goes out in the fixed form
where TDS has one, as SQL Server sends it; clients trip over the difference.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from pysqlbridge.tds.result import DEFAULT_COLLATION, Column, ColumnType

from tests.standin.declared import CLR, MAX, SqlType, decimal_bytes
from tests.standin.errors import not_supported
from tests.standin.values import (
    DAYS_1900,
    OFFSET_FACTOR,
    OFFSET_ZERO,
    TICKS_A_DAY,
    TICKS_A_MINUTE,
    VARIANT_MARK,
    guid_bytes,
    to_thirds,
)

_NULLABLE: Final = 0x01
_COMPUTED: Final = 0x20
_ROWVERSION_USER_TYPE: Final = 80
_UNBOUNDED: Final = 0xFFFF
_PLP_NULL: Final = b"\xff" * 8

#: base type: (its nullable form, its fixed form, bytes)
_SIZED: Final[dict[str, tuple[int, int, int]]] = {
    "bit": (0x68, 0x32, 1),
    "tinyint": (0x26, 0x30, 1),
    "smallint": (0x26, 0x34, 2),
    "int": (0x26, 0x38, 4),
    "bigint": (0x26, 0x7F, 8),
    "real": (0x6D, 0x3B, 4),
    "float": (0x6D, 0x3E, 8),
    "smallmoney": (0x6E, 0x7A, 4),
    "money": (0x6E, 0x3C, 8),
    "smalldatetime": (0x6F, 0x3A, 4),
    "datetime": (0x6F, 0x3D, 8),
}


def _little(size: int, *, signed: bool = True) -> Callable[[int], bytes]:
    return lambda value: int(value).to_bytes(size, "little", signed=signed)


def _money(value: Decimal) -> bytes:
    # Two 32-bit halves, the high one first.
    high, low = divmod(int(value.scaleb(4)), 2**32)
    return struct.pack("<iI", high, low)


def _datetime(ticks: int) -> bytes:
    days, within = divmod(ticks, TICKS_A_DAY)
    return struct.pack("<iI", days - DAYS_1900, to_thirds(within))


def _smalldatetime(ticks: int) -> bytes:
    days, within = divmod(ticks, TICKS_A_DAY)
    return struct.pack("<HH", days - DAYS_1900, within // TICKS_A_MINUTE)


_ENCODERS: Final[dict[str, Callable[..., bytes]]] = {
    "bit": _little(1, signed=False),
    "tinyint": _little(1, signed=False),
    "smallint": _little(2),
    "int": _little(4),
    "bigint": _little(8),
    "real": struct.Struct("<f").pack,
    "float": struct.Struct("<d").pack,
    "smallmoney": lambda value: int(value.scaleb(4)).to_bytes(4, "little", signed=True),
    "money": _money,
    "smalldatetime": _smalldatetime,
    "datetime": _datetime,
}


@dataclass(frozen=True)
class Sized(ColumnType):
    """Numbers and the old moments: a length byte before each value (INTN, FLTN, MONEYN, DATETIMN), or none."""

    base: str
    nullable: bool = True

    def type_info(self) -> bytes:
        variable, fixed, size = _SIZED[self.base]
        return bytes([variable, size]) if self.nullable else bytes([fixed])

    def encode(self, value: object) -> bytes:
        if value is None:
            if not self.nullable:
                raise ValueError(f"a NULL in a {self.base} column that is NOT NULL")
            return b"\0"
        encoded = _ENCODERS[self.base](value)
        return bytes([len(encoded)]) + encoded if self.nullable else encoded


@dataclass(frozen=True)
class Guid(ColumnType):
    """GUIDN: 16 bytes, the first three fields little-endian."""

    def type_info(self) -> bytes:
        return b"\x24\x10"

    def encode(self, value: object) -> bytes:
        return b"\0" if value is None else b"\x10" + guid_bytes(str(value))


@dataclass(frozen=True)
class Numeric(ColumnType):
    """DECIMALN or NUMERICN: a sign byte (1 is plus) and the unscaled number, little-endian."""

    precision: int
    scale: int
    token: int = 0x6A

    def type_info(self) -> bytes:
        return bytes([self.token, decimal_bytes(self.precision), self.precision, self.scale])

    def encode(self, value: object) -> bytes:
        if value is None:
            return b"\0"
        size = decimal_bytes(self.precision)
        sign, digits, exponent = Decimal(str(value)).as_tuple()
        unscaled = int("".join(map(str, digits))) * 10 ** (self.scale + int(exponent))
        return bytes([size, 1 - sign]) + int(unscaled).to_bytes(size - 1, "little")


@dataclass(frozen=True)
class Moment(ColumnType):
    """DATEN, TIMEN, DATETIME2N, DATETIMEOFFSETN: days since 0001-01-01, units of 10^-scale s, minutes of offset."""

    base: str
    scale: int = 0

    def type_info(self) -> bytes:
        token = {"date": 0x28, "time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}[self.base]
        return bytes([token]) if self.base == "date" else bytes([token, self.scale])

    def encode(self, value: object) -> bytes:
        if value is None:
            return b"\0"
        if isinstance(value, date):
            return b"\x03" + (value.toordinal() - 1).to_bytes(3, "little")
        offset = b""
        ticks = int(value)
        if self.base == "datetimeoffset":
            ticks, minutes = divmod(ticks, OFFSET_FACTOR)
            offset = struct.pack("<h", minutes - OFFSET_ZERO)
        days, within = divmod(ticks, TICKS_A_DAY)
        size = 3 + (self.scale > 2) + (self.scale > 4)
        encoded = (within // 10 ** (7 - self.scale)).to_bytes(size, "little")
        encoded += b"" if self.base == "time" else days.to_bytes(3, "little")
        encoded += offset
        return bytes([len(encoded)]) + encoded


@dataclass(frozen=True)
class Characters(ColumnType):
    """(N)CHAR, (N)VARCHAR, XML and binaries: up to 8000 bytes with a length, longer ones in chunks (PLP).

    `length` in characters or bytes. An own encoder: the one of pysqlbridge leaves out the terminator of an
    empty chunked value, and clients wait for it forever.
    """

    base: str
    length: int

    def type_info(self) -> bytes:
        if self.base == "xml":
            return b"\xf1\0"  # no schema
        token = {"char": 0xAF, "varchar": 0xA7, "nchar": 0xEF, "nvarchar": 0xE7, "binary": 0xAD, "varbinary": 0xA5}
        size = _UNBOUNDED if self.length == MAX else self.length * (2 if self.base.startswith("n") else 1)
        collation = b"" if self.base.endswith("binary") else DEFAULT_COLLATION
        return bytes([token[self.base]]) + struct.pack("<H", size) + collation

    def encode(self, value: object) -> bytes:
        if value is None:
            return _PLP_NULL if self.length == MAX else struct.pack("<H", _UNBOUNDED)
        if isinstance(value, str):
            # Code page 1252 has no more: SQL Server put a question mark when such text was stored.
            narrow = self.base in {"char", "varchar"}
            encoded = value.encode("cp1252", "replace") if narrow else value.encode("utf-16-le", "surrogatepass")
        elif isinstance(value, bytes):
            encoded = value
        else:
            raise TypeError(f"a {self.base} column got a value of type {type(value).__name__}")
        if self.length != MAX:
            return struct.pack("<H", len(encoded)) + encoded
        chunk = struct.pack("<I", len(encoded)) + encoded if encoded else b""
        return struct.pack("<Q", len(encoded)) + chunk + struct.pack("<I", 0)


@dataclass(frozen=True)
class Variant(ColumnType):
    """SSVARIANT, every value as nvarchar: length, base type, properties (collation, bytes), text."""

    def type_info(self) -> bytes:
        return b"\x62" + struct.pack("<I", 8009)

    def encode(self, value: object) -> bytes:
        if value is None:
            return struct.pack("<I", 0)
        text = str(value).partition(VARIANT_MARK)[2].encode("utf-16-le")
        body = b"\xe7\x07" + DEFAULT_COLLATION + struct.pack("<H", 8000) + text
        return struct.pack("<I", len(body)) + body


def wire_type(sql_type: SqlType, *, nullable: bool = True) -> ColumnType:
    """Give the wire form of a declared type; text, ntext and image go out in the (max) form that replaced them."""
    match sql_type.base:
        case base if base in _SIZED:
            return Sized(base, nullable)
        case "decimal" | "numeric" as base:
            return Numeric(sql_type.precision, sql_type.scale, 0x6A if base == "decimal" else 0x6C)
        case "date" | "time" | "datetime2" | "datetimeoffset" as base:
            return Moment(base, sql_type.scale)
        case "uniqueidentifier":
            return Guid()
        case "sql_variant":
            return Variant()
        case "timestamp":
            return Characters("binary", 8)
        case "text" | "ntext" | "image" as base:
            return Characters({"text": "varchar", "ntext": "nvarchar", "image": "varbinary"}[base], MAX)
        case "xml":
            return Characters("xml", MAX)
        case base if base in CLR or base == "json":
            raise not_supported(f"a bare {base} on the wire")
        case base:
            return Characters(base, sql_type.length)


def wire_column(name: str, sql_type: SqlType, *, nullable: bool, computed: bool) -> Column:
    """Give the column as it is described before the rows."""
    flags = _NULLABLE * nullable | _COMPUTED * computed
    user_type = _ROWVERSION_USER_TYPE if sql_type.base == "timestamp" else 0
    return Column(name, wire_type(sql_type, nullable=nullable), flags=flags, user_type=user_type)
