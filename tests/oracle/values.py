"""Converters as docs/catalog.md words them: a raw text in, a value out, or no value because it cannot be read."""

from __future__ import annotations

import re
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from zoneinfo import ZoneInfo

#: A target value; a timestamptz is aware, a timestamp is not.
Value = str | int | bool | Decimal | date | datetime | clock | uuid.UUID | float | bytes
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?")
_OFFSET = re.compile(r"(.* ?[0-9:.]+?) ?(?:(Z)|([+-])(0[0-9]|1[0-5])(?::([0-5][0-9]))?)", re.DOTALL)
_CLOCK = re.compile(r"([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?")
_FLOAT = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
#: What Unicode calls white space; Python's own `strip` takes four control characters more.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
#: Converters of a moment, for which `absent` may name a day.
MOMENTS = {"date", "time_of_day", "instant_local", "instant_utc", "moment", "instant"}


class Real(float):
    """A value of four bytes."""

    __slots__ = ()


class UnreadableError(Exception):
    """A text that the converter cannot read."""


@dataclass(frozen=True)
class Made:
    """What came of a raw text: whether its raw text is kept, and the hazards that it is filed under."""

    value: Value | None
    is_kept: bool = False
    hazards: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """What a column asks of its converter, and the zones of its source."""

    pg: str
    absent: tuple[str, ...] = ()
    nul: str = "reject"
    finer: str = "reject"
    host_zone: str = "UTC"
    tenant_zone: str = "UTC"


#: Stands for the column's own hazard.
OWN = ""
#: What digits finer than a microsecond are filed under.
FINER = "finer than a microsecond"
#: Made beside a target of the value itself, which keeps what they lose.
BESIDE = {"search_key", "email"}


def convert(converter: str, raw: str | None, asked: Asked) -> Made:
    """Convert a raw text; what cannot be read raises UnreadableError."""
    if raw is None:
        return Made(None)
    if raw in asked.absent or (converter in MOMENTS and raw[:10] in asked.absent and _is_moment(converter, raw)):
        return Made(None, is_kept=True, hazards=frozenset({OWN}))
    return _CONVERTERS[converter](raw, asked)


def _is_moment(converter: str, raw: str) -> bool:
    found = _OFFSET.fullmatch(raw) if converter == "instant" else None
    try:
        _moment(found[1] if found else raw, "keep")
    except UnreadableError:
        return False
    return bool(found) or converter != "instant"


def _without_nul(raw: str, asked: Asked) -> str:
    if "\0" in raw and asked.nul == "reject":
        raise UnreadableError
    return raw.replace("\0", "\ufffd")


def _text(raw: str, asked: Asked) -> Made:
    made = _without_nul(raw, asked)
    return Made(made, made != raw, frozenset({"H48"}) if made != raw else frozenset())


def lower(text: str) -> str:
    """Write in lower case, letter by letter: a sigma at a word's end is a sigma like any other."""
    return "".join(letter.lower() for letter in text)


def _search_key(raw: str, asked: Asked) -> Made:
    trimmed = lower(_without_nul(raw, asked).strip(BLANKS))
    return Made(trimmed.lstrip("0") or trimmed[-1:])


def _email(raw: str, asked: Asked) -> Made:
    return Made(lower(_without_nul(raw, asked).strip(BLANKS)))


def _integer(raw: str, asked: Asked) -> Made:
    if not re.fullmatch(r"-?[0-9]+", raw) or not -_RANGES[asked.pg] <= int(raw) < _RANGES[asked.pg]:
        raise UnreadableError
    return Made(int(raw), str(int(raw)) != raw)


def _decimal(raw: str, asked: Asked) -> Made:
    digits, scale = map(int, re.findall(r"[0-9]+", asked.pg))
    found = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]+))?", raw)
    if not found:
        raise UnreadableError
    sign, whole, fraction = found[1], found[2].lstrip("0"), (found[3] or "").rstrip("0")
    if len(fraction) > scale or len(whole) > digits - scale:
        raise UnreadableError
    text = f"{whole or '0'}.{fraction.ljust(scale, '0')}".rstrip(".")
    is_odd = (len(found[2]) > 1 and found[2][0] == "0") or bool(sign and not (whole or fraction))
    return Made(Decimal(sign * bool(whole or fraction) + text), is_odd)


def _boolean(raw: str, asked: Asked) -> Made:
    if raw not in {"0", "1"}:
        raise UnreadableError
    return Made(raw == "1")


def _uuid(raw: str, asked: Asked) -> Made:
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", raw):
        raise UnreadableError
    return Made(uuid.UUID(raw))


def _moment(raw: str, finer: str) -> tuple[datetime, bool]:
    """Read a date and time; and whether digits finer than a microsecond were cut from it."""
    found = _MOMENT.fullmatch(raw)
    if not found:
        raise UnreadableError
    fraction = (found[4] or "").rstrip("0")
    if len(fraction) > 6 and finer == "reject":
        raise UnreadableError
    try:
        whole = datetime.fromisoformat(f"{found[1]} {found[2] or '00:00'}:{found[3] or '00'}")
    except ValueError:
        raise UnreadableError from None
    return whole + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))), len(fraction) > 6


def _cut(is_cut: bool) -> frozenset[str]:
    return frozenset({FINER}) if is_cut else frozenset()


def _offset(zone: str, local: datetime, *, fold: int = 0) -> timedelta:
    """Look up a zone's offset at a local time; the rules are those of 1900 to 2150."""
    within = min(max(local, datetime(1900, 1, 2)), datetime(2150, 12, 30))
    offset = within.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset()
    assert offset is not None
    return offset


def _in_zone(utc: datetime, zone: str) -> datetime:
    if not datetime(1900, 1, 2) < utc < datetime(2150, 12, 30):
        return utc + _offset(zone, utc)
    return utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _date(raw: str, asked: Asked) -> Made:
    moment, is_cut = _moment(raw, asked.finer)
    if moment.time() == clock(0) and not is_cut:
        return Made(moment.date())
    if moment.time() == clock(0):
        return Made(moment.date(), is_kept=True, hazards=_cut(is_cut))
    local = _in_zone(moment, asked.tenant_zone) if 1 < moment.year < 9999 else moment
    day = local.date() if local.time() == clock(0) else moment.date()
    return Made(day, is_kept=True, hazards=frozenset({"H40"}) | _cut(is_cut))


def _time_of_day(raw: str, asked: Asked) -> Made:
    moment, is_cut = _moment(raw, asked.finer)
    return Made(_in_zone(moment, asked.tenant_zone).time(), is_kept=True, hazards=_cut(is_cut))


def _instant_local(raw: str, asked: Asked) -> Made:
    moment, is_cut = _moment(raw, asked.finer)
    first, second = (_offset(asked.host_zone, moment, fold=fold) for fold in (0, 1))
    is_odd = first != second
    hazards = frozenset({"H43"}) if is_odd else frozenset()
    return Made((moment - first).replace(tzinfo=UTC), is_odd or is_cut, hazards | _cut(is_cut))


def _instant_utc(raw: str, asked: Asked) -> Made:
    moment, is_cut = _moment(raw, asked.finer)
    return Made(moment.replace(tzinfo=UTC), is_cut, _cut(is_cut))


def _plain_moment(raw: str, asked: Asked) -> Made:
    moment, is_cut = _moment(raw, asked.finer)
    return Made(moment, is_cut, _cut(is_cut))


def _instant(raw: str, asked: Asked) -> Made:
    found = _OFFSET.fullmatch(raw)
    if not found or not re.search(r"[ T]", found[1]):
        raise UnreadableError
    moment, is_cut = _moment(found[1], asked.finer)
    offset = timedelta(hours=int(found[4] or 0), minutes=int(found[5] or 0))
    utc = moment + offset if found[3] == "-" else moment - offset
    return Made(utc.replace(tzinfo=UTC), bool(offset) or is_cut, _cut(is_cut))


def _day(raw: str, asked: Asked) -> Made:
    if len(raw) != 10:
        raise UnreadableError
    return Made(_moment(raw, "reject")[0].date())


def _clock(raw: str, asked: Asked) -> Made:
    if not _CLOCK.fullmatch(raw):
        raise UnreadableError
    moment, is_cut = _moment(f"2000-01-01 {raw}", asked.finer)
    return Made(moment.time(), is_cut, _cut(is_cut))


def single(value: float) -> float:
    """Round to the nearest value of four bytes; one too large raises OverflowError."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _float(raw: str, asked: Asked) -> Made:
    if raw.lower() in {"nan", "infinity", "-infinity", "inf", "-inf"}:
        return Made(Real(raw) if asked.pg == "real" else float(raw))
    if not _FLOAT.fullmatch(raw):
        raise UnreadableError
    try:
        made = Real(single(float(raw))) if asked.pg == "real" else float(raw)
    except OverflowError:
        raise UnreadableError from None
    if made in {float("inf"), float("-inf")} or (not made and re.search(r"[1-9]", raw.lower().partition("e")[0])):
        raise UnreadableError
    return Made(made)


def _binary(raw: str, asked: Asked) -> Made:
    if not re.fullmatch(r"([0-9a-fA-F]{2})*", raw):
        raise UnreadableError
    return Made(bytes.fromhex(raw))


_CONVERTERS = {
    "text": _text,
    "search_key": _search_key,
    "email": _email,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "uuid": _uuid,
    "date": _date,
    "time_of_day": _time_of_day,
    "instant_local": _instant_local,
    "instant_utc": _instant_utc,
    "moment": _plain_moment,
    "instant": _instant,
    "day": _day,
    "clock": _clock,
    "float": _float,
    "binary": _binary,
}


def is_given_back(converter: str, value: Value, raw: str) -> bool:
    """Say whether a value gives back the text that it was read from, where its legacy type leaves the spelling open."""
    match value:
        case float():
            plain = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", raw)
            return raw in {"Infinity", "-Infinity", "NaN"} or bool(plain)
        case bool() | str():
            return True
        case datetime():
            spelled = value.replace(tzinfo=None).isoformat(" ") + ("+00" if converter == "instant" else "")
        case clock():
            spelled = value.isoformat()
        case bytes():
            return value.hex() == raw
        case _:
            return f"{value:f}" == raw if isinstance(value, Decimal) else str(value) == raw
    return re.sub(r"(\.[0-9]*?)0+(?=\+|$)", r"\1", spelled) == raw


def is_too_long(raw: str, pg: str) -> bool:
    """Say whether a number has more digits than a float gives back."""
    digits = re.sub(r"[^0-9]", "", raw.lower().partition("e")[0]).strip("0")
    return len(digits) > (6 if pg == "real" else 15)
