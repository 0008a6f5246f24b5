"""How a value is written: in a checksum, in jsonb, in a key, and as PostgreSQL says it in JSON."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from tests.oracle.values import Real, Value, single


class Jsonb(str):
    """A jsonb object, in the spelling of PostgreSQL."""

    __slots__ = ()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cell(text: str | None) -> str:
    return "-" if text is None else f"{len(text)}:{text}"


def md5(texts: Iterable[str | None]) -> str:
    return hashlib.md5("".join(map(cell, texts)).encode()).hexdigest()


def checksum_text(value: Value | None) -> str | None:
    """Write a value as the hash of a row has it."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return str((aware - _EPOCH) // (datetime.resolution))
        case time():
            return str(((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond)
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case float():
            return "NaN" if math.isnan(value) else str(struct.unpack("<q", struct.pack("<d", value))[0])
        case bytes():
            return value.hex()
        case _:
            return str(value)


def json_text(value: Value | list[int] | None) -> str:
    """Write a value as a member of a jsonb."""
    match value:
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return json.dumps(value)
        case Decimal():
            return f"{value:f}"
        case date() if not isinstance(value, datetime):
            return json.dumps(value.isoformat())
        case _:
            raise TypeError(f"no member of a jsonb: {type(value).__name__}")


def jsonb(members: Mapping[str, Value | list[int] | None]) -> Jsonb:
    """Write an object as PostgreSQL does: shorter names first, a blank behind each colon and comma."""
    names = sorted(members, key=lambda name: (len(name.encode()), name.encode()))
    return Jsonb("{" + ", ".join(f"{json.dumps(n, ensure_ascii=False)}: {json_text(members[n])}" for n in names) + "}")


def _trimmed(text: str) -> str:
    """Leave out the zeros at the end of a fraction, as PostgreSQL does."""
    head, point, fraction = text.partition(".")
    return head + (point + fraction.rstrip("0") if fraction.rstrip("0") else "")


def number(text: str) -> str:
    """Write a number in one spelling; a row's hash covers how many digits it has."""
    return str(Decimal(text).normalize()) if Decimal(text) else "0"


def read_json(text: str) -> Any:
    """Read JSON with its numbers in one spelling."""
    return json.loads(text, parse_float=number, parse_int=number)


def told(value: Value | None) -> object:
    """Give a value as PostgreSQL's `to_json` does, numbers in one spelling."""
    match value:
        case None | bool():
            return value
        case int() | Decimal():
            return number(str(value))
        case Jsonb():
            return read_json(value)
        case datetime():
            return _trimmed(value.replace(tzinfo=None).isoformat()) + ("+00:00" if value.tzinfo else "")
        case time():
            return _trimmed(value.isoformat())
        case date() | uuid.UUID():
            return str(value)
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case Real():
            return number(next(text for n in range(1, 10) if single(float(text := f"{value:.{n}g}")) == value))
        case float():
            return number(repr(value))
        case bytes():
            return rf"\x{value.hex()}"
        case _:
            return value
