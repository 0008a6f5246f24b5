"""Local times and instants: literal transitions, and both engines against Python's zoneinfo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import polars as pl
import pytest

from pipeline.core.clock import (
    Transition,
    is_gap,
    is_overlap,
    local_to_utc,
    transitions,
    transitions_frame,
    utc_to_local,
)
from pipeline.core.sql.judged import ZoneJoins, zone_years

ZONES = [
    "UTC",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Anchorage",
    "America/St_Johns",
    "Pacific/Honolulu",
    "Pacific/Apia",  # left out a whole day
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # twice a year around Ramadan
    "Africa/Monrovia",  # an offset of seconds
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Europe/Dublin",  # "negative" summer time
]
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1)
HOUR = 3_600_000_000


def near_transitions(zone: str) -> list[datetime]:
    """Local times around every transition, and two of every month."""
    steps = [
        -2 * HOUR,
        -HOUR - 1,
        -HOUR,
        -HOUR + 1,
        -HOUR // 2,
        -1,
        0,
        1,
        HOUR // 2,
        HOUR - 1,
        HOUR,
        2 * HOUR,
    ]
    around = [row.from_local + step for row in transitions(zone)[1:] for step in steps]
    months = [datetime(year, month, 1 + month) for year in range(1901, 2149) for month in range(1, 13)]
    return [*months, *(EPOCH + at * MICROSECOND for at in around)]


@pytest.mark.parametrize("zone", ZONES)
def test_polars_reads_local_times_as_zoneinfo_does(zone: str) -> None:
    clock = ZoneInfo(zone)
    naive = near_transitions(zone)
    instants = [local.replace(tzinfo=clock).astimezone(UTC) for local in naive]
    back = [instant.astimezone(clock).replace(tzinfo=None) for instant in instants]
    gaps = [shown != local for shown, local in zip(back, naive, strict=True)]
    offsets = [(t.replace(tzinfo=clock).utcoffset(), t.replace(tzinfo=clock, fold=1).utcoffset()) for t in naive]
    overlaps = [not gap and first != second for gap, (first, second) in zip(gaps, offsets, strict=True)]
    local = pl.col("local")
    lf = pl.LazyFrame({"local": naive}, schema={"local": pl.Datetime("us")}).select(
        instant=local_to_utc(local, zone),
        back=utc_to_local(local_to_utc(local, zone).dt.replace_time_zone(None), zone),
        gap=is_gap(local, zone),
        overlap=is_overlap(local, zone),
    )
    df = lf.collect()
    assert df["instant"].to_list() == instants
    assert df["back"].to_list() == back
    assert df["gap"].to_list() == gaps
    assert df["overlap"].to_list() == overlaps


def test_duckdb_joins_the_same_rows() -> None:
    frames = [
        pl.DataFrame({"local": near_transitions(zone)}, schema={"local": pl.Datetime("us")}).select(
            pl.lit(zone).alias("host_zone"),
            "local",
            local_to_utc(pl.col("local"), zone).dt.epoch("us").alias("instant"),
            (is_gap(pl.col("local"), zone) | is_overlap(pl.col("local"), zone)).alias("odd"),
        )
        for zone in ZONES
    ]
    with duckdb.connect() as duck:
        duck.register("zone", transitions_frame(ZONES))
        duck.register("r", pl.concat(frames))
        differing = duck.execute("""
            SELECT count(*), count(*) FILTER (epoch_us(r.local) - z.offset_us IS DISTINCT FROM r.instant
                OR coalesce(r.local >= z.odd_from AND r.local < z.odd_to, false) <> r.odd)
            FROM r ASOF LEFT JOIN zone z ON r.host_zone = z.zone AND r.local >= z.from_local""").fetchall()
    assert differing == [(sum(frame.height for frame in frames), 0)]


@pytest.mark.parametrize("by", ["local", "utc"])
def test_a_moment_finds_by_its_year_what_it_finds_among_all(by: Literal["local", "utc"]) -> None:
    odd = [datetime(1, 1, 1), datetime(1899, 12, 31, 23), datetime(2150, 6, 1), datetime.max]
    frames = [pl.DataFrame({"zone": zone, "m": [*near_transitions(zone), *odd]}) for zone in ZONES]
    moments = pl.concat([*frames, pl.DataFrame({"zone": ["UTC"], "m": [None]}, schema=frames[0].schema)])
    with duckdb.connect() as duck:
        duck.register("zone", transitions_frame(ZONES))
        duck.register("t", moments)
        for statement in zone_years():
            duck.execute(statement)
        joins = ZoneJoins()
        alias = joins("t.m", zone="host", by=by)
        found = duck.execute(
            f"SELECT count(*), count(*) FILTER ({alias}.from_utc IS DISTINCT FROM z.from_utc) "
            f'FROM (SELECT *, zone AS "#host_zone" FROM t) t {" ".join(joins.joins)} '
            f"ASOF LEFT JOIN zone z ON t.zone = z.zone AND t.m >= z.from_{by}"
        ).fetchall()
    assert found == [(moments.height, 0)]


def test_the_offsets_of_chicago_in_2017() -> None:
    def us(text: str) -> int:
        return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND

    rows = [row for row in transitions("America/Chicago") if us("2017-01-01") < row.from_utc < us("2018-01-01")]
    assert rows == [
        Transition(
            from_local=us("2017-03-12 03:00"),
            from_utc=us("2017-03-12 08:00"),
            offset=-5 * HOUR,
            odd_from=us("2017-11-05 01:00"),
            odd_to=us("2017-11-05 02:00"),
        ),
        Transition(
            from_local=us("2017-11-05 02:00"),
            from_utc=us("2017-11-05 07:00"),
            offset=-6 * HOUR,
            odd_from=us("2018-03-11 02:00"),
            odd_to=us("2018-03-11 03:00"),
            odd_is_gap=True,
        ),
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_every_time_has_one_row(zone: str) -> None:
    df = transitions_frame([zone, zone])
    assert df["from_local"][0] == df["from_utc"][0] == datetime(1, 1, 1)
    assert df["from_local"].is_sorted()
    assert df["from_local"].is_unique().all()
    assert df["from_utc"].is_sorted()
    assert df["odd_to"].shift(1)[1:].to_list() == df["from_local"][1:].to_list()
    assert (df["odd_from"] >= df["from_local"]).all()


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
def test_null_stays_null(zone: str) -> None:
    lf = pl.LazyFrame({"t": [None]}, schema={"t": pl.Datetime("us")})
    t = pl.col("t")
    row = lf.select(a=local_to_utc(t, zone), b=utc_to_local(t, zone), c=is_gap(t, zone), d=is_overlap(t, zone))
    assert row.collect().row(0) == (None, None, False, False)


def test_times_beyond_the_table_take_its_ends() -> None:
    lf = pl.LazyFrame({"t": [datetime(1, 1, 1), datetime(9999, 12, 31)]}, schema={"t": pl.Datetime("us")})
    assert lf.select(local_to_utc(pl.col("t"), "America/Chicago")).collect()["t"].dt.to_string().to_list() == [
        "0001-01-01 06:00:00.000000+00:00",
        "9999-12-31 06:00:00.000000+00:00",
    ]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        transitions("America/Nowhere")
