"""Turn local times into instants and back, by an explicit table of each zone's transitions.

Polars has no shift-forward at a gap, and DuckDB and PostgreSQL read a time in an overlap as the second: so
neither is asked. The rule: where the clock goes from offset `before` to `after` at the instant u, local times
below u + max(before, after) have the offset `before`. A time in the gap is so shifted forward, and one in the
overlap is taken as the first occurrence (H43), which is also what Python's zoneinfo does with fold=0.

Polars looks a value up by binary search in a constant series; DuckDB joins the same rows, in a table named
`zone` filled from `transitions_frame`, by their years (`zone_years`): an ASOF JOIN sorts all that it joins. The
rows cover 1900 to 2150; the first and the last reach on without end. zoneinfo reads constant data (package tzdata);
nothing else here has an outside.

Invariant: every time has exactly one row, so a lookup never fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

#: What the transitions cover.
FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2150, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(days=3)  # no zone changes its clock and changes it back within six days
_SECOND: Final = timedelta(seconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND  # no raw value lies before it

_MOMENT = pl.Datetime("us")


@dataclass(frozen=True, slots=True)
class Transition:
    """One offset of a zone, and the local times at its end that do not exist or that come twice.

    Microseconds; local ones count from 1970-01-01 00:00 local. The odd times are [odd_from, odd_to), a gap if
    `odd_is_gap`, else an overlap; they end where the next row begins. The last row has none.
    """

    from_local: int
    from_utc: int
    offset: int
    odd_from: int | None = None
    odd_to: int | None = None
    odd_is_gap: bool = False


@functools.cache
def transitions(zone: str) -> tuple[Transition, ...]:
    """List the offsets of an IANA zone from 1900 to 2150, oldest first.

    Raises zoneinfo.ZoneInfoNotFoundError where there is no such zone.
    """
    clock = ZoneInfo(zone)
    offset = _offset(clock, FIRST)
    from_local = from_utc = _BEGINNING
    rows = []
    low = FIRST
    while low < LAST:
        high = low + _STEP
        if _offset(clock, high) != offset:
            instant = _change(clock, low, high)
            at = (instant - _EPOCH) // _MICROSECOND
            after = _offset(clock, instant)
            rows.append(
                Transition(
                    from_local,
                    from_utc,
                    offset,
                    odd_from=at + min(offset, after),
                    odd_to=at + max(offset, after),
                    odd_is_gap=after > offset,
                )
            )
            from_local, from_utc, offset = at + max(offset, after), at, after
        low = high
    return (*rows, Transition(from_local, from_utc, offset))


def _offset(clock: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(clock).utcoffset()
    return 0 if offset is None else offset // _MICROSECOND


def _change(clock: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Find the first second at which the offset is no longer that of `low`."""
    before = _offset(clock, low)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if _offset(clock, middle) == before:
            low = middle
        else:
            high = middle
    return high


def transitions_frame(zones: Iterable[str]) -> pl.DataFrame:
    """Give the rows of DuckDB's table `zone` for these zones.

    Columns: zone; from_local, from_utc (naive timestamps, the first row of a zone at 0001-01-01); offset_us;
    odd_from, odd_to (naive local timestamps of the gap or overlap at the row's end, null at the last).
    """
    rows = [
        (zone, row.from_local, row.from_utc, row.offset, row.odd_from, row.odd_to)
        for zone in sorted(set(zones))
        for row in transitions(zone)
    ]
    schema = {
        "zone": pl.String(),
        "from_local": pl.Int64(),
        "from_utc": pl.Int64(),
        "offset_us": pl.Int64(),
        "odd_from": pl.Int64(),
        "odd_to": pl.Int64(),
    }
    moments = pl.col("from_local", "from_utc", "odd_from", "odd_to")
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(moments.cast(_MOMENT))


def local_to_utc(expr: pl.Expr, zone: str) -> pl.Expr:
    """Turn a naive local Datetime("us") into the instant, Datetime("us", "UTC")."""
    offset = _at(expr, zone, _by_local, lambda row: row.offset)
    return (expr - offset.cast(pl.Duration("us"))).dt.replace_time_zone("UTC")


def utc_to_local(expr: pl.Expr, zone: str) -> pl.Expr:
    """Turn a naive Datetime("us") that means UTC into the naive local one."""
    offset = _at(expr, zone, _by_utc, lambda row: row.offset)
    return expr + offset.cast(pl.Duration("us"))


def is_gap(expr: pl.Expr, zone: str) -> pl.Expr:
    """Say whether a naive local time does not exist; a null does."""
    return _is_odd(expr, zone, gap=True)


def is_overlap(expr: pl.Expr, zone: str) -> pl.Expr:
    """Say whether a naive local time comes twice; a null does not."""
    return _is_odd(expr, zone, gap=False)


def _by_local(row: Transition) -> int:
    return row.from_local


def _by_utc(row: Transition) -> int:
    return row.from_utc


def _is_odd(expr: pl.Expr, zone: str, *, gap: bool) -> pl.Expr:
    # The odd times end where the next row begins, so only their beginning is to be compared.
    odd_from = _at(expr, zone, _by_local, lambda row: row.odd_from if row.odd_is_gap is gap else None)
    return (expr >= odd_from.cast(_MOMENT)).fill_null(value=False)


def _at(
    expr: pl.Expr, zone: str, start: Callable[[Transition], int], value: Callable[[Transition], int | None]
) -> pl.Expr:
    """Look up a value of the row that a time falls into; null times find the first row."""
    rows = transitions(zone)
    starts = pl.Series([start(row) for row in rows[1:]], dtype=pl.Int64).cast(_MOMENT)
    values = pl.Series([value(row) for row in rows], dtype=pl.Int64)
    if not len(starts):
        return pl.lit(values.item(), dtype=pl.Int64)
    return pl.lit(values).gather(pl.lit(starts).search_sorted(expr, side="right"))
