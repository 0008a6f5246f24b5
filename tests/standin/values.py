"""Python values of SQL Server's types, as the stand-in stores them.

Owns the stored form of every family (see `declared.SqlType.stored`), for loading and for the literals of a
query. Invariant: a stored value is one that SQL Server itself could hold, rounded as it rounds; anything else
is refused.
"""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from tests.standin.declared import MAX, SqlType

TICKS_A_SECOND: Final = 10_000_000
TICKS_A_DAY: Final = 86_400 * TICKS_A_SECOND
TICKS_A_MINUTE: Final = 60 * TICKS_A_SECOND
#: Days from 0001-01-01 to 1900-01-01 and 1753-01-01.
DAYS_1900: Final = date(1900, 1, 1).toordinal() - 1
DAYS_1753: Final = date(1753, 1, 1).toordinal() - 1
OFFSET_FACTOR: Final = 4096
OFFSET_ZERO: Final = 2048
# The default context has 28 digits, a decimal 38.
_EXACT: Final = Context(prec=80)
_INTEGERS: Final = {
    "tinyint": range(2**8),
    "smallint": range(-(2**15), 2**15),
    "int": range(-(2**31), 2**31),
    "bigint": range(-(2**63), 2**63),
}
_MOMENT: Final = re.compile(
    r"(?:(\d{4})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d))"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?\s*(Z|[+-]\d\d:\d\d)?"
)
#: Stands between the base type of a variant and its value.
VARIANT_MARK: Final = "\x1f"
_TIME: Final = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?")


def stored(sql_type: SqlType, value: object) -> object:
    """Give the stored form of a value: numbers, text, bytes, date and time objects, or their usual text.

    Raises ValueError or TypeError where SQL Server could not hold the value in a column of the type.
    """
    if value is None:
        return None
    match sql_type.family:
        case "integer":
            return _integer(sql_type, value)
        case "decimal" | "money":
            return _decimal(sql_type, value)
        case "float":
            return float(value)
        case "text" if sql_type.base == "sql_variant":
            return _variant(value)
        case "text":
            return _text(sql_type, value)
        case "binary":
            return _binary(sql_type, value)
        case "guid":
            return guid_key(value)
        case "time":
            return _rounded(_ticks_of_day(value), sql_type.scale) % TICKS_A_DAY
        case "date":
            ticks, _ = _ticks(value)
            return date.fromordinal(ticks // TICKS_A_DAY + 1)
        case "offset":
            ticks, offset = _ticks(value)
            utc = _rounded(ticks - offset * TICKS_A_MINUTE, sql_type.scale)
            return utc * OFFSET_FACTOR + offset + OFFSET_ZERO
        case "moment":
            return _moment(sql_type, value)


def guid_key(value: object) -> str:
    """Give the 32 digits of a GUID in the order in which SQL Server compares them: its last six bytes first."""
    digits = (value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))).bytes_le.hex()
    return digits[20:] + digits[16:20] + digits[12:16] + digits[8:12] + digits[:8]


def guid_bytes(key: str) -> bytes:
    """Give the 16 bytes that SQL Server sends for a stored GUID."""
    return bytes.fromhex(key[24:] + key[20:24] + key[16:20] + key[12:16] + key[:12])


def _integer(sql_type: SqlType, value: object) -> int:
    number = int(value)
    if sql_type.base == "bit":
        return int(number != 0)
    if number not in _INTEGERS[sql_type.base]:
        raise ValueError(f"{number} does not fit in {sql_type}")
    return int(number)


def _decimal(sql_type: SqlType, value: object) -> Decimal:
    # A float's shortest text is what was meant by it: 9999999999999.99, not its 17 digits.
    number = Decimal(repr(value) if isinstance(value, float) else str(value))
    rounded = number.quantize(Decimal(1).scaleb(-sql_type.scale), ROUND_HALF_UP, _EXACT)
    if rounded.copy_abs() >= Decimal(10) ** (sql_type.precision - sql_type.scale):
        raise ValueError(f"{value} does not fit in {sql_type}")
    return rounded


def _text(sql_type: SqlType, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{sql_type} holds text, not {type(value).__name__}")
    if sql_type.length in {0, MAX}:
        return value
    units = len(value.encode("utf-16-le")) // 2 if sql_type.is_wide else len(value)
    if units > sql_type.length:
        raise ValueError(f"a text of {units} characters does not fit in {sql_type}")
    return value + " " * (sql_type.length - units) if sql_type.base in {"char", "nchar"} else value


def _variant(value: object) -> str:
    """Give base type and stored form of a value of a type: (its declaration, the value), or text alone."""
    declared, inner = value if isinstance(value, tuple) else ("nvarchar(4000)", value)
    sql_type = SqlType.parse(declared)
    kept = stored(sql_type, inner)
    return f"{sql_type.base}{VARIANT_MARK}{kept.hex() if isinstance(kept, bytes) else kept}"


def _binary(sql_type: SqlType, value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"{sql_type} holds bytes, not {type(value).__name__}")
    length = 8 if sql_type.base == "timestamp" else sql_type.length
    if length in {0, MAX}:
        return value
    if len(value) > length:
        raise ValueError(f"{len(value)} bytes do not fit in {sql_type}")
    return value if sql_type.base == "varbinary" else value.ljust(length, b"\0")


def _moment(sql_type: SqlType, value: object) -> int:
    ticks, _ = _ticks(value)
    match sql_type.base:
        case "datetime":
            if ticks < DAYS_1753 * TICKS_A_DAY:
                raise ValueError(f"{value} is before 1753-01-01, the first day of datetime")
            days, within = divmod(ticks, TICKS_A_DAY)
            # Kept as the 100 ns that SQL Server shows when it casts the 1/300 s to datetime2(7).
            return days * TICKS_A_DAY + from_thirds(to_thirds(within))
        case "smalldatetime":
            return (ticks + TICKS_A_MINUTE // 2) // TICKS_A_MINUTE * TICKS_A_MINUTE
    return _rounded(ticks, sql_type.scale)


def to_thirds(ticks: int) -> int:
    """Round 100 ns to SQL Server's 1/300 s."""
    return (ticks * 3 + 50_000) // 100_000


def from_thirds(thirds: int) -> int:
    """Round 1/300 s to 100 ns."""
    return (thirds * 100_000 + 1) // 3


def _rounded(ticks: int, digits: int) -> int:
    unit = 10 ** (7 - digits)
    return (ticks + unit // 2) // unit * unit


def _ticks_of_day(value: object) -> int:
    if isinstance(value, time):
        value = value.isoformat()
    if (form := _TIME.fullmatch(str(value))) is None:
        raise ValueError(f"{value!r} is no time of day")
    return _clock(*form.groups())


def _clock(hour: str | None, minute: str | None, second: str | None, fraction: str | None) -> int:
    clock = time(int(hour or 0), int(minute or 0), int(second or 0))
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    return seconds * TICKS_A_SECOND + int((fraction or "").ljust(7, "0"))


def _ticks(value: object) -> tuple[int, int]:
    """Give the local time of a moment in 100 ns since 0001-01-01, and its offset in minutes."""
    if isinstance(value, date):
        value = value.isoformat()
    form = _MOMENT.fullmatch(str(value))
    if form is None:
        raise ValueError(f"{value!r} is no date")
    year, month, day = form.group(1, 2, 3) if form[1] else form.group(4, 5, 6)
    days = datetime(int(year), int(month), int(day)).toordinal() - 1
    zone = form[11] or "Z"
    offset = 0 if zone == "Z" else (int(zone[1:3]) * 60 + int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    if abs(offset) > 14 * 60:
        raise ValueError(f"{value!r} has an offset beyond 14 hours")
    return days * TICKS_A_DAY + _clock(*form.group(7, 8, 9, 10)), offset
