"""Convert a legacy datetime into what its column means: a day, a time of day, a local or a UTC instant.

The catalog says which; nothing is guessed from values. Raw text is `YYYY-MM-DD`, with or without
`[ T]HH:MM:SS` and a fraction; what names no moment of the years 1 to 9999, or is finer than a microsecond, is
unreadable. Zone arithmetic is core/clock.py's; the SQL asks its caller to join the same rows.

Invariant: raw text is read as it stands, without a zone, and only then given a meaning.
"""

from __future__ import annotations

import polars as pl

from pipeline.core.clock import is_gap, is_overlap, local_to_utc, utc_to_local
from pipeline.core.conversion import (
    Made,
    MadeSql,
    Setting,
    ZoneJoin,
    is_listed,
    is_listed_sql,
    parsed,
    parsed_sql,
)

# Hours end at 23, minutes and seconds at 59, since the parts are added up unchecked; there is no year 0000;
# a seventh digit, which datetime2 has, may only be zero. [0-9], as Rust's \d takes every script's digits.
_GRAMMAR = (
    "^(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}"
    r"(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6}0?)?)?$"
)


def moment(raw: pl.Expr) -> pl.Expr:
    """Read a datetime: naive Datetime("us"), null where it cannot be read."""
    # An empty text stands for null: Polars holds no expression with a null literal for equal to another, and
    # so would compute this anew at each use. What is not well formed is null by its day, whatever its clock.
    formed = pl.when(raw.str.contains(_GRAMMAR)).then(raw).otherwise(pl.lit(""))
    day = formed.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    hours, minutes, seconds = (raw.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (11, 14, 17))
    fraction = raw.str.slice(20, 6).str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    clock = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction
    return day.cast(pl.Datetime("us")) + clock.cast(pl.Duration("us"))


def moment_sql(raw: str) -> str:
    """Read a datetime, in DuckDB: a TIMESTAMP, null where it cannot be read."""
    # The cast refuses months, days, minutes and seconds that do not exist, but takes the year 0, the hour 24
    # and seven digits. The CASE keeps it from what is not of the form, such as 'infinity'.
    form = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{1,7})?)?"
    return (
        f"CASE WHEN regexp_full_match({raw}, '{form}') AND {raw} >= '0001' AND substr({raw}, 12, 2) < '24' "
        f"AND substr({raw}, 27) IN ('', '0') THEN TRY_CAST(left({raw}, 26) AS TIMESTAMP) END"
    )


def _read(raw: pl.Expr, setting: Setting) -> pl.Expr:
    return moment(raw) if setting.read is None else setting.read


def _absent(raw: pl.Expr, read: pl.Expr, setting: Setting) -> pl.Expr:
    # A sentinel counts with any time part: 9999-12-31 is stored as 23:59:59.997 as well.
    sentinel_day = read.is_not_null() & is_listed(raw.str.slice(0, 10), setting.absent)
    return is_listed(raw, setting.absent) | sentinel_day


def _absent_sql(raw: str, read: str, setting: Setting) -> str:
    day = is_listed_sql(f"left({raw}, 10)", setting.absent)
    return f"({is_listed_sql(raw, setting.absent)} OR ({day} AND ({read}) IS NOT NULL))"


def date(raw: pl.Expr, setting: Setting) -> Made:
    """Make a day: the local one if the value is local midnight in the tenant's zone, else its own (H40)."""
    read = _read(raw, setting)
    local = utc_to_local(read, setting.tenant_zone)
    off_midnight = read.dt.truncate("1d") != read
    was_local_midnight = off_midnight & (local.dt.truncate("1d") == local)
    day = pl.when(was_local_midnight).then(local.dt.date()).otherwise(read.dt.date())
    absent = _absent(raw, read, setting)
    return parsed(raw, day, setting, absent=absent, altered=off_midnight, finding=off_midnight)


def date_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Make a day, in DuckDB."""
    read = moment_sql(raw) if setting.read_sql is None else setting.read_sql
    local = f"({read} + to_microseconds({join(read, zone='tenant', by='utc')}.offset_us))"
    off_midnight = f"(({read})::TIME <> TIME '00:00:00')"
    day = f"CASE WHEN {off_midnight} AND {local}::TIME = TIME '00:00:00' THEN {local}::DATE ELSE ({read})::DATE END"
    absent = _absent_sql(raw, read, setting)
    return parsed_sql(raw, day, setting, absent=absent, altered=off_midnight, finding=off_midnight)


def time_of_day(raw: pl.Expr, setting: Setting) -> Made:
    """Make a time of day of a UTC instant, by the tenant zone's offset on the stored date (H41).

    Always altered, as the date part is lost.
    """
    read = _read(raw, setting)
    local = utc_to_local(read, setting.tenant_zone)
    absent = _absent(raw, read, setting)
    return parsed(raw, local.dt.time(), setting, absent=absent, altered=read.is_not_null())


def time_of_day_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Make a time of day of a UTC instant, in DuckDB."""
    read = moment_sql(raw) if setting.read_sql is None else setting.read_sql
    local = f"({read} + to_microseconds({join(read, zone='tenant', by='utc')}.offset_us))"
    absent = _absent_sql(raw, read, setting)
    return parsed_sql(raw, f"{local}::TIME", setting, absent=absent, altered=f"({read}) IS NOT NULL")


def instant_local(raw: pl.Expr, setting: Setting) -> Made:
    """Make an instant of the host clock's local time; gap: shifted forward, overlap: the first (H43)."""
    read = _read(raw, setting)
    odd = is_gap(read, setting.host_zone) | is_overlap(read, setting.host_zone)
    absent = _absent(raw, read, setting)
    instant = local_to_utc(read, setting.host_zone)
    return parsed(raw, instant, setting, absent=absent, altered=odd, finding=odd)


def instant_local_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Make an instant of the host clock's local time, in DuckDB."""
    read = moment_sql(raw) if setting.read_sql is None else setting.read_sql
    zone = join(read, zone="host", by="local")
    odd = f"({read} >= {zone}.odd_from AND {read} < {zone}.odd_to)"
    instant = f"make_timestamptz(epoch_us({read}) - {zone}.offset_us)"
    absent = _absent_sql(raw, read, setting)
    return parsed_sql(raw, instant, setting, absent=absent, altered=odd, finding=odd)


def instant_utc(raw: pl.Expr, setting: Setting) -> Made:
    """Make an instant of a time that is UTC already."""
    read = _read(raw, setting)
    absent = _absent(raw, read, setting)
    return parsed(raw, read.dt.replace_time_zone("UTC"), setting, absent=absent)


def instant_utc_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make an instant of a time that is UTC already, in DuckDB."""
    read = moment_sql(raw) if setting.read_sql is None else setting.read_sql
    absent = _absent_sql(raw, read, setting)
    return parsed_sql(raw, f"make_timestamptz(epoch_us({read}))", setting, absent=absent)
