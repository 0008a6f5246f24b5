"""Legacy datetimes as text, the way SQL Server would show them: milliseconds that end in 0, 3 or 7.

Reads no clock. Instants fall between 07:00 and 17:59, so none meets a change of the clocks by accident; those
that do are planted on purpose.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from random import Random
from zoneinfo import ZoneInfo

LOCAL_DAY = tuple(f"{hour:02}:{minute:02}" for hour in range(7, 18) for minute in range(60))


def day(value: date) -> str:
    """Return a calendar day as a legacy datetime at midnight."""
    return f"{value.isoformat()} 00:00:00.000"


def instant(random: Random, value: date) -> str:
    """Return some instant of the day's working hours, to the tick of 1/300 s."""
    minute = LOCAL_DAY[int(random.random() * len(LOCAL_DAY))]
    second, hundredth = int(random.random() * 60), int(random.random() * 100)
    return f"{value.isoformat()} {minute}:{second:02}.{hundredth:02}{random.choice('037')}"


def instant_or_none(random: Random, year: int) -> str | None:
    """Return an instant of the school year, or None half of the time, as ModifiedDate is."""
    if random.random() < 0.5:
        return None
    return instant(
        random,
        date(year + (month := random.randint(9, 17)) // 13, (month - 1) % 12 + 1, random.randint(1, 28)),
    )


def utc(value: date, clock: time, zone: str) -> str:
    """Return a local time of a day as the UTC instant that a browser would have sent."""
    moment = datetime.combine(value, clock, ZoneInfo(zone)).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.000")
