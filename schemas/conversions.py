"""What each named converter reads and makes: families of legacy types in, target types out.

The facts alone, so that an entry can be checked where it is read; how a value is made is in pipeline/core, a pair of
forms for each name. Invariant: a conversion that is not in this table is refused before a row moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.types import parse_type

_TEXT = frozenset({"text"})
_INTEGERS = frozenset({"integer", "boolean"}) | _TEXT
_NUMBERS = frozenset({"decimal"}) | _INTEGERS
_MOMENTS = frozenset({"moment", "utc", "day"}) | _TEXT
_ANY = _NUMBERS | _MOMENTS | {"float", "uuid", "binary", "instant", "clock"}


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a converter reads, and what it can make of it."""

    #: Families of legacy types. Text columns may hold anything: what they hold is typed by what their entry says.
    reads: frozenset[str]
    #: Base names of target types.
    makes: tuple[str, ...]
    #: The one of them that it makes where neither entry nor legacy type says; without one, the entry must say.
    usual: str | None
    #: Families of which the value cannot give every raw text back; where it cannot, the raw text is kept.
    alters: frozenset[str] = frozenset()
    #: What it makes serves to find a row and does not give the text back: the value itself has another place.
    is_beside: bool = False

    def target_type(self, legacy_default: str | None) -> str | None:
        """Give the target type where the entry names none: the legacy type's own, if it can be made, or the usual."""
        if legacy_default is not None and parse_type(legacy_default).base in self.makes:
            return legacy_default
        return self.usual


def _one(
    reads: frozenset[str], makes: str, alters: frozenset[str] = frozenset(), *, is_beside: bool = False
) -> Conversion:
    return Conversion(reads, (makes,), makes, alters, is_beside)


CONVERSIONS: Mapping[str, Conversion] = MappingProxyType(
    {
        "text": _one(_ANY, "text"),
        "integer": Conversion(_INTEGERS, ("smallint", "integer", "bigint"), None, _TEXT),
        "decimal": Conversion(_NUMBERS, ("numeric",), None, _TEXT),
        "float": Conversion(_NUMBERS | {"float"}, ("double precision", "real"), "double precision", _NUMBERS),
        "binary": _one(_TEXT | {"binary"}, "bytea", _TEXT),
        "boolean": _one(_INTEGERS, "boolean"),
        "uuid": _one(_TEXT | {"uuid"}, "uuid", _TEXT),
        "search_key": _one(_INTEGERS, "text", is_beside=True),
        "email": _one(_TEXT, "text", is_beside=True),
        "date": _one(_MOMENTS, "date", _MOMENTS),
        "time_of_day": _one(_MOMENTS, "time", _MOMENTS),
        "instant_local": _one(_MOMENTS, "timestamptz", _MOMENTS),
        "instant_utc": _one(_MOMENTS, "timestamptz", _MOMENTS),
        "moment": _one(_MOMENTS, "timestamp", _TEXT),
        "instant": _one(_TEXT | {"instant"}, "timestamptz", _TEXT | {"instant"}),
        "day": _one(_TEXT | {"day"}, "date"),
        "clock": _one(_TEXT | {"clock"}, "time", _TEXT),
        "fields": _one(_TEXT, "jsonb", _TEXT),
    }
)
