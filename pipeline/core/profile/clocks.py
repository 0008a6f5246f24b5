"""Which zone a clock tells: days that were written as the UTC instant of a local midnight give their zone away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from pipeline.core.profile import Clock

#: Midwinter and midsummer of a year whose rules are still in force almost everywhere.
_SEASONS = (datetime(2015, 1, 15), datetime(2015, 7, 15))

#: Of fewer values no zone is guessed that is not that of the source.
_FEWEST = 20


def told(hours: Mapping[str, int], zones: Iterable[str]) -> Clock | None:
    """Name the zone whose midnight most times on the hour are; where it is none of these, by its offset from UTC.

    Args:
        hours: hour of the day -> values that are on it; midnight itself tells nothing.
        zones: those that may be meant, the likeliest first.
    """
    every = sum(hours.values())
    for zone in dict.fromkeys(zones):
        rows = sum(hours.get(str(hour), 0) for hour in midnights(zone))
        if 2 * rows > every:
            return Clock(zone, rows)
    # Of a zone with summer time two hours that are neighbours.
    pairs = {hour: hours.get(str(hour), 0) + hours.get(str(hour + 1), 0) for hour in range(1, 23)}
    hour = max(pairs, key=lambda h: pairs[h])
    if every >= _FEWEST and 10 * pairs[hour] > 9 * every:
        used = [h for h in (hour, hour + 1) if 100 * hours.get(str(h), 0) > every]
        return Clock(" or ".join(_offset(h) for h in reversed(used)), pairs[hour])
    return None


@cache
def midnights(zone: str) -> frozenset[int]:
    """List the full hours of UTC at which a zone's day begins; none of a zone that keeps UTC."""
    offsets = [season.replace(tzinfo=ZoneInfo(zone)).utcoffset() for season in _SEASONS]
    minutes = {round(-offset.total_seconds() / 60) % 1440 for offset in offsets if offset is not None}
    return frozenset(m // 60 for m in minutes if m % 60 == 0 and m)


def _offset(hour: int) -> str:
    return f"UTC-{hour}" if hour <= 12 else f"UTC+{24 - hour}"
