"""Convert a legacy date or time into what its column means: a moment, a day, a time of day, an instant.

The catalog says which; nothing is guessed from values. Raw text is `YYYY-MM-DD`, with or without
`[ T]HH:MM[:SS[.fraction]]`; what names no moment of the years 1 to 9999 is unreadable, and so is what is finer than
a microsecond unless the column's entry keeps it, cut. Only `instant` takes an offset behind, and only `clock` a
time alone. Zone arithmetic is core/clock.py's; the SQL asks its caller to join the same rows.

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

# Hours end at 23, minutes and seconds at 59, since the parts are added up unchecked; there is no year 0000.
# [0-9], as Rust's \d takes every script's digits.
_DAY = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_GRAMMAR = f"^{_DAY}(?:[ T]{_CLOCK})?$"
#: Characters of a day alone.
_BARE_DAY = 10
_OFFSET = r" ?(?:Z|[+-](?:0[0-9]|1[0-5])(?::[0-5][0-9])?)"

_CLOCK_SQL = r"\d\d:\d\d(:\d\d(\.\d{1,9})?)?"
_OFFSET_SQL = r" ?(Z|[+-](0\d|1[0-5])(:[0-5]\d)?)"


def moment(raw: pl.Expr) -> pl.Expr:
    """Read a date and time, cut to a microsecond: naive Datetime("us"), null where it cannot be read."""
    # An empty text stands for null: Polars holds no expression with a null literal for equal to another, and
    # so would compute this anew at each use. What is not well formed is null by its day, whatever its clock.
    formed = pl.when(raw.str.contains(_GRAMMAR)).then(raw).otherwise(pl.lit(""))
    day = formed.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    hours, minutes, seconds = (raw.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (11, 14, 17))
    fraction = raw.str.slice(20, 6).str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    clock = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction
    return day.cast(pl.Datetime("us")) + clock.cast(pl.Duration("us"))


def moment_sql(raw: str) -> str:
    """Read a date and time, cut to a microsecond, in DuckDB: a TIMESTAMP, null where it cannot be read."""
    # The cast refuses months, days, minutes and seconds that do not exist, but takes the year 0 and the hour 24.
    # The CASE keeps it from what is not of the form, such as 'infinity'.
    return (
        rf"CASE WHEN regexp_full_match({raw}, '\d{{4}}-\d\d-\d\d([ T]{_CLOCK_SQL})?') AND {raw} >= '0001' "
        f"AND substr({raw}, 12, 2) < '24' THEN TRY_CAST(left({raw}, 26) AS TIMESTAMP) END"
    )


def moment_utc(raw: pl.Expr) -> pl.Expr:
    """Read a date and time with its offset, cut to a microsecond: naive Datetime("us") in UTC."""
    formed = pl.when(raw.str.contains(f"^{_DAY}[ T]{_CLOCK}{_OFFSET}$")).then(raw).otherwise(pl.lit(""))
    behind = formed.str.replace("^.{16}[0-9:.]* ?Z?", "")
    hours, minutes = (behind.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 4))
    east = (hours * 60 + minutes) * 60_000_000
    offset = pl.when(behind.str.starts_with("-")).then(-east).otherwise(east)
    return moment(formed.str.replace(f"{_OFFSET}$", "")) - offset.cast(pl.Duration("us"))


def moment_utc_sql(raw: str) -> str:
    """Read a date and time with its offset, cut to a microsecond, in DuckDB: a TIMESTAMP in UTC."""
    whole = rf"regexp_full_match({raw}, '\d{{4}}-\d\d-\d\d[ T]{_CLOCK_SQL}{_OFFSET_SQL}')"
    local = f"(CASE WHEN {whole} THEN regexp_replace({raw}, '{_OFFSET_SQL}$', '') END)"
    written = rf"regexp_extract({raw}, '([+-])(\d\d):?(\d{{0,2}})$', ['sign', 'hours', 'minutes'])"
    hours, minutes = (f"coalesce(TRY_CAST({written}.{part} AS BIGINT), 0)" for part in ("hours", "minutes"))
    behind = f"CASE {written}.sign WHEN '-' THEN -1 ELSE 1 END * ({hours} * 60 + {minutes}) * 60000000"
    return f"({moment_sql(local)} - to_microseconds({behind}))"


def _is_finer(raw: pl.Expr) -> pl.Expr:
    """Say whether a readable date and time has a digit, not zero, behind its microseconds."""
    return raw.str.slice(26).str.strip_chars_start("0") != ""


def _is_finer_sql(raw: str) -> str:
    return f"(ltrim(substr({raw}, 27), '0') <> '')"


def _absent(raw: pl.Expr, read: pl.Expr, setting: Setting) -> pl.Expr:
    # A sentinel counts with any time part, however fine: 9999-12-31 is stored as 23:59:59.997 as well.
    sentinel_day = read.is_not_null() & is_listed(raw.str.slice(0, 10), setting.absent)
    return is_listed(raw, setting.absent) | sentinel_day


def _absent_sql(raw: str, read: str, setting: Setting) -> str:
    day = is_listed_sql(f"left({raw}, 10)", setting.absent)
    return f"({is_listed_sql(raw, setting.absent)} OR ({day} AND ({read}) IS NOT NULL))"


def _spelt(raw: pl.Expr, behind: str = "") -> pl.Expr:
    """Say whether a readable date and time is written as PostgreSQL writes one: in full, without a zero at its end."""
    return raw.str.contains(rf"^.{{10}} .{{8}}(?:\.[0-9]*[1-9])?{behind}$")


def _spelt_sql(raw: str, behind: str = "") -> str:
    return rf"regexp_full_match({raw}, '.{{10}} \d\d:\d\d:\d\d(\.\d*[1-9])?{behind}')"


def _read(raw: pl.Expr, setting: Setting) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Read a date and time without an offset; say what means absent, and what was cut."""
    read = moment(raw) if setting.read is None else setting.read
    return read, _absent(raw, read, setting), _is_finer(raw)


def _read_sql(raw: str, setting: Setting) -> tuple[str, str, str]:
    read = moment_sql(raw) if setting.read_sql is None else setting.read_sql
    return read, _absent_sql(raw, read, setting), _is_finer_sql(raw)


def naive(raw: pl.Expr, setting: Setting) -> Made:
    """Make a moment of a date and time as they stand, without a zone."""
    read, absent, finer = _read(raw, setting)
    return parsed(raw, read, setting, absent=absent, finer=finer, spelt=_spelt(raw))


def naive_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make a moment of a date and time as they stand, in DuckDB."""
    read, absent, finer = _read_sql(raw, setting)
    return parsed_sql(raw, read, setting, absent=absent, finer=finer, spelt=_spelt_sql(raw))


def instant(raw: pl.Expr, setting: Setting) -> Made:
    """Make an instant of a time with its offset; altered where that is not zero, as an instant has none."""
    read = moment_utc(raw) if setting.read is None else setting.read
    shifted = read.is_not_null() & raw.str.contains("[+-][0-9:]*[1-9][0-9:]*$")
    finer = raw.str.contains(r"\.[0-9]{6}0*[1-9]")
    absent, spelt = _absent(raw, read, setting), _spelt(raw, r"\+00")
    made = read.dt.replace_time_zone("UTC")
    return parsed(raw, made, setting, absent=absent, altered=shifted, finer=finer, spelt=spelt)


def instant_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make an instant of a time with its offset, in DuckDB."""
    read = moment_utc_sql(raw) if setting.read_sql is None else setting.read_sql
    shifted = rf"(({read}) IS NOT NULL AND NOT regexp_matches({raw}, '(Z|[+-]00(:00)?)$'))"
    finer = rf"(ltrim(regexp_extract({raw}, '\.\d{{1,6}}(\d*)', 1), '0') <> '')"
    absent, spelt = _absent_sql(raw, read, setting), _spelt_sql(raw, r"\+00")
    made = f"make_timestamptz(epoch_us({read}))"
    return parsed_sql(raw, made, setting, absent=absent, altered=shifted, finer=finer, spelt=spelt)


def day(raw: pl.Expr, setting: Setting) -> Made:
    """Make a day of a bare `YYYY-MM-DD`."""
    formed = pl.when(raw.str.contains(f"^{_DAY}$")).then(raw)
    return parsed(raw, formed.str.to_date("%Y-%m-%d", strict=False), setting)


def day_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make a day of a bare `YYYY-MM-DD`, in DuckDB."""
    form = rf"regexp_full_match({raw}, '\d{{4}}-\d\d-\d\d') AND {raw} >= '0001'"
    return parsed_sql(raw, f"CASE WHEN {form} THEN TRY_CAST({raw} AS DATE) END", setting)


def clock(raw: pl.Expr, setting: Setting) -> Made:
    """Make a time of day of a bare `HH:MM[:SS[.fraction]]`, from 00:00 to the microsecond before 24:00."""
    dated = pl.concat_str(pl.lit("1970-01-01 "), raw)
    return parsed(raw, moment(dated).dt.time(), setting, finer=_is_finer(dated), spelt=_spelt(dated))


def clock_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make a time of day of a bare `HH:MM[:SS[.fraction]]`, in DuckDB."""
    form = f"regexp_full_match({raw}, '{_CLOCK_SQL}') AND left({raw}, 2) < '24'"
    read = f"CASE WHEN {form} THEN TRY_CAST(left({raw}, 15) AS TIME) END"
    spelt = rf"regexp_full_match({raw}, '\d\d:\d\d:\d\d(\.\d*[1-9])?')"
    return parsed_sql(raw, read, setting, finer=f"(ltrim(substr({raw}, 16), '0') <> '')", spelt=spelt)


def date(raw: pl.Expr, setting: Setting) -> Made:
    """Make a day: the local one if the value is local midnight in the tenant's zone, else its own (H40)."""
    read, absent, finer = _read(raw, setting)
    local = utc_to_local(read, setting.tenant_zone)
    off_midnight = read.dt.truncate("1d") != read
    was_local_midnight = off_midnight & (local.dt.truncate("1d") == local)
    day = pl.when(was_local_midnight).then(local.dt.date()).otherwise(read.dt.date())
    bare = raw.str.len_bytes() == _BARE_DAY
    return parsed(raw, day, setting, absent=absent, altered=off_midnight, finding=off_midnight, finer=finer, spelt=bare)


def date_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Make a day, in DuckDB."""
    read, absent, finer = _read_sql(raw, setting)
    local = f"({read} + to_microseconds({join(read, zone='tenant', by='utc')}.offset_us))"
    off_midnight = f"(({read})::TIME <> TIME '00:00:00')"
    day = f"CASE WHEN {off_midnight} AND {local}::TIME = TIME '00:00:00' THEN {local}::DATE ELSE ({read})::DATE END"
    bare = f"(strlen({raw}) = {_BARE_DAY})"
    return parsed_sql(
        raw, day, setting, absent=absent, altered=off_midnight, finding=off_midnight, finer=finer, spelt=bare
    )


def time_of_day(raw: pl.Expr, setting: Setting) -> Made:
    """Make a time of day of a UTC instant, by the tenant zone's offset on the stored date (H41).

    Always altered, as the date part is lost.
    """
    read, absent, finer = _read(raw, setting)
    local = utc_to_local(read, setting.tenant_zone)
    return parsed(raw, local.dt.time(), setting, absent=absent, altered=read.is_not_null(), finer=finer)


def time_of_day_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Make a time of day of a UTC instant, in DuckDB."""
    read, absent, finer = _read_sql(raw, setting)
    local = f"({read} + to_microseconds({join(read, zone='tenant', by='utc')}.offset_us))"
    return parsed_sql(raw, f"{local}::TIME", setting, absent=absent, altered=f"({read}) IS NOT NULL", finer=finer)


def instant_local(raw: pl.Expr, setting: Setting) -> Made:
    """Make an instant of the host clock's local time; gap: shifted forward, overlap: the first (H43)."""
    read, absent, finer = _read(raw, setting)
    odd = is_gap(read, setting.host_zone) | is_overlap(read, setting.host_zone)
    instant = local_to_utc(read, setting.host_zone)
    spelt = _spelt(raw)
    return parsed(raw, instant, setting, absent=absent, altered=odd, finding=odd, finer=finer, spelt=spelt)


def instant_local_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Make an instant of the host clock's local time, in DuckDB."""
    read, absent, finer = _read_sql(raw, setting)
    zone = join(read, zone="host", by="local")
    odd = f"({read} >= {zone}.odd_from AND {read} < {zone}.odd_to)"
    instant = f"make_timestamptz(epoch_us({read}) - {zone}.offset_us)"
    spelt = _spelt_sql(raw)
    return parsed_sql(raw, instant, setting, absent=absent, altered=odd, finding=odd, finer=finer, spelt=spelt)


def instant_utc(raw: pl.Expr, setting: Setting) -> Made:
    """Make an instant of a time that is UTC already."""
    read, absent, finer = _read(raw, setting)
    return parsed(raw, read.dt.replace_time_zone("UTC"), setting, absent=absent, finer=finer, spelt=_spelt(raw))


def instant_utc_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make an instant of a time that is UTC already, in DuckDB."""
    read, absent, finer = _read_sql(raw, setting)
    made, spelt = f"make_timestamptz(epoch_us({read}))", _spelt_sql(raw)
    return parsed_sql(raw, made, setting, absent=absent, finer=finer, spelt=spelt)
