"""Generated near-valid text: a converter's two forms must agree on every value and every flag.

Each example is a whole column, so that a thousand texts cost one query a converter.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any, Literal

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core import fingerprint, ids, scrub
from pipeline.core.clock import transitions_frame
from pipeline.core.converters import CONVERTERS, Setting
from pipeline.core.moments import moment_utc_sql
from pipeline.core.rules import RULES
from schemas.conversions import CONVERSIONS
from schemas.engines import ENGINES
from schemas.parts import RowRule
from tests.support.fleet import INSTALLATION, tenant_id

ZONES = ["America/Chicago", "Asia/Tokyo", "Australia/Lord_Howe", "UTC"]

# DuckDB's Unicode tables end before these letters, see core/text.py.
TOO_NEW = "".join(
    map(chr, [0x1C89, 0xA7CB, 0xA7CC, 0xA7CE, 0xA7D2, 0xA7D4, 0xA7DA, 0xA7DC, *range(0x10D50, 0x10D66)])
) + "".join(map(chr, range(0x16EA0, 0x16EB9)))
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters=TOO_NEW), max_size=12)

NEAR_NUMBERS = st.from_regex(r"\A[ +-]?0{0,3}[0-9]{0,20}([.,][0-9]{0,5}0{0,3})?(e[0-9])?[ \n\x00]?\Z")
NEAR_MOMENTS = st.one_of(
    st.from_regex(
        r"\A(0000|0001|1899|1900|2016|2017|9999)-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])"
        r"([ T]([01][0-9]|2[0-5]):([0-5][0-9]|60):([0-5][0-9]|60)(\.[0-9]{0,8}0{0,2})?)?[ Z]?\Z"
    ),
    # Around the changes of clock in these zones, and local midnights.
    st.builds(
        "2017-{}-{:02} {:02}:{}:00{}".format,
        st.sampled_from(["03", "04", "10", "11"]),
        st.sampled_from([1, 2, 5, 8, 12]),
        st.integers(0, 24),
        st.sampled_from(["00", "29", "30", "59"]),
        st.sampled_from(["", ".000", ".003"]),
    ),
)
NEAR_CLOCKS = st.from_regex(
    r"\A-?([01][0-9]|2[0-5]|838):([0-5][0-9]|60)(:([0-5][0-9]|60)(\.[0-9]{0,8}0{0,2})?)?[ Z]?\Z"
)
NEAR_INSTANTS = st.builds(
    "".join,
    st.tuples(
        st.one_of(NEAR_MOMENTS, st.sampled_from(["0001-01-01 00:00:00", "9999-12-31 23:59:59.9999999"])),
        st.sampled_from(["", " ", "  "]),
        st.one_of(
            st.sampled_from(["Z", "z", "+00", "-00:00", "BC"]), st.from_regex(r"\A[+-]?[01][0-9](:?[0-6][0-9])?\Z")
        ),
    ),
)
NEAR_FLOATS = st.one_of(
    st.floats().map(repr),
    st.floats(width=32).map(repr),
    # Around the largest and smallest of both widths.
    st.from_regex(
        r"\A-?(1\.797693134862315[0-9]{1,3}e\+?0?308|3\.40282[0-9]{1,12}E\+?38|[1-9](\.[0-9]{0,17})?e-(4[4-6]|32[2-5]))\Z"
    ),
    st.from_regex(r"\A[+-]?[0-9]{0,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{0,3})?\Z"),
    st.sampled_from(["Infinity", "-Infinity", "Inf", "-INF", "inf", "NaN", "nan", "-NaN", "+Inf", "Infinit", "1d5"]),
)
NEAR_HEX = st.text(st.sampled_from("0123456789abcdefABCDEFgx \n"), max_size=8)
NEAR_GUIDS = st.from_regex(r"\A\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-){3}[0-9a-fA-FgG]{12}\}?\Z")
NEAR_KEYS = st.text(st.sampled_from("0aAéÉİIıſKΣςσßẞ \t\n\x00\x1f\xa0\u200b\u3000\u0301@."), max_size=8)
ABSENT = ("1900-01-01", "9999-12-31", "-1", "", "0", "0000-00-00", "infinity", "24:00:00", "NaN")
NEAR_ANY = (NEAR_NUMBERS, NEAR_FLOATS, NEAR_MOMENTS, NEAR_INSTANTS, NEAR_CLOCKS, NEAR_GUIDS, NEAR_HEX, NEAR_KEYS)
RAW = st.one_of(st.none(), st.sampled_from(ABSENT), *NEAR_ANY, ANY_TEXT)
COLUMN = st.lists(RAW, min_size=1, max_size=60)

PG_TYPES = {"numeric": ("numeric(6,2)", "numeric(20,0)", "numeric(3,3)")}

MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Joins:
    """Collects the joins that a converter asks for."""

    def __init__(self) -> None:
        self.clauses: list[str] = []

    def __call__(self, moment_sql: str, *, zone: Literal["host", "tenant"], by: Literal["local", "utc"]) -> str:
        alias = f"z{len(self.clauses)}"
        self.clauses.append(
            f"ASOF LEFT JOIN zone {alias} ON r.{zone}_zone = {alias}.zone AND {moment_sql} >= {alias}.from_{by}"
        )
        return alias


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(ids.MACROS_SQL)
        connection.register("transitions", transitions_frame(ZONES))
        connection.execute("CREATE TABLE zone AS FROM transitions")
        yield connection


CONVERSIONS = [
    (name, pg_type)
    for name, made in CONVERSIONS.items()
    for base in sorted(made.makes)
    for pg_type in PG_TYPES.get(base, (base,))
]


SETTINGS = st.builds(
    Setting,
    pg_type=st.just("text"),
    family=st.sampled_from([None, "text", "decimal"]),
    absent=st.sampled_from([(), ABSENT]),
    host_zone=st.sampled_from(ZONES),
    tenant_zone=st.sampled_from(ZONES),
    nul=st.sampled_from(["reject", "replace"]),
    finer=st.sampled_from(["reject", "keep"]),
)


@pytest.mark.parametrize("conversion", CONVERSIONS, ids="-".join)
@given(raws=COLUMN, setting=SETTINGS)
@MANY
def test_a_converter_agrees_with_its_twin(
    duck: duckdb.DuckDBPyConnection, conversion: tuple[str, str], raws: list[str | None], setting: Setting
) -> None:
    name, pg_type = conversion
    setting = replace(setting, pg_type=pg_type)
    made = CONVERTERS[name].polars(pl.col("raw"), setting)
    false = pl.lit(value=False)
    df = pl.DataFrame({"raw": raws}, schema={"raw": pl.String()}).with_row_index("n")
    rows = df.with_columns(host_zone=pl.lit(setting.host_zone), tenant_zone=pl.lit(setting.tenant_zone))
    expected = df.lazy().select(
        "raw",
        value=fingerprint.cell(made.value, pg_type),
        unreadable=made.unreadable,
        altered=false if made.altered is None else made.altered,
        finding=false if made.finding is None else made.finding,
        finer=false if made.finer is None else made.finer,
    )
    joins = Joins()
    twin = CONVERTERS[name].sql("r.raw", setting, joins)
    duck.register("rows", rows)
    found = duck.execute(
        f"SELECT r.raw, concat({fingerprint.cell_sql(twin.value, pg_type)}), {twin.unreadable}, "
        f"{twin.altered or 'false'}, {twin.finding or 'false'}, {twin.finer or 'false'} "
        f"FROM rows r {' '.join(joins.clauses)} ORDER BY r.n"
    ).fetchall()
    assert found == expected.collect().rows()
    for raw, value, unreadable, altered, finding, finer in found:
        assert not (unreadable and value != "-")
        assert not (unreadable and (altered or finding or finer))
        assert not finer or (altered and value != "-")
        assert raw is not None or (value, unreadable, altered, finding) == ("-", False, False, False)


def offset(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


#: Converter and target type, values, and how a server writes one.
WRITTEN: dict[tuple[str, str], tuple[st.SearchStrategy[Any], Callable[[Any], str]]] = {
    ("float", "double precision"): (st.floats(allow_nan=False), repr),
    ("float", "real"): (st.floats(width=32, allow_nan=False), repr),
    ("binary", "bytea"): (st.binary(max_size=20), bytes.hex),
    ("day", "date"): (st.dates(), str),
    ("clock", "time"): (st.times(), lambda t: t.isoformat(timespec="microseconds") + "0"),
    ("moment", "timestamp"): (st.datetimes(), str),
    ("instant", "timestamptz"): (
        st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.builds(offset, st.integers(-840, 840))),
        str,
    ),
    ("decimal", "numeric(38,19)"): (st.decimals(-(10**18), 10**18, places=19), "{:f}".format),
    ("integer", "bigint"): (st.integers(-(2**63), 2**63 - 1), str),
}


@pytest.mark.parametrize("conversion", WRITTEN, ids="-".join)
@given(data=st.data())
@MANY
def test_what_a_server_writes_is_read_as_it_was(conversion: tuple[str, str], data: st.DataObject) -> None:
    name, pg_type = conversion
    strategy, write = WRITTEN[conversion]
    values = data.draw(st.lists(strategy, min_size=1, max_size=60))
    made = CONVERTERS[name].polars(pl.col("raw"), Setting(pg_type))
    read = pl.LazyFrame({"raw": [write(v) for v in values]}).select(made.value).collect().to_series().to_list()
    assert read == values
    if name == "float":  # 0 and -0 are equal
        assert list(map(repr, read)) == list(map(repr, values))


@given(raws=COLUMN)
@MANY
def test_keys_and_ids_agree_with_python(duck: duckdb.DuckDBPyConnection, raws: list[str | None]) -> None:
    tenant = str(tenant_id(1))
    keys = [json.dumps([raw, 7], ensure_ascii=False, separators=(",", ":")) for raw in raws]
    names = [f"{tenant}/district.dbo.T/{key}#parts/1" for key in keys]
    expected = list(zip(keys, (str(uuid.uuid5(INSTALLATION.namespace, name)) for name in names), strict=True))
    df = pl.DataFrame({"raw": raws}, schema={"raw": pl.String()}).with_row_index("n")
    key = ids.key_json([(pl.col("raw"), "text"), (pl.lit("7"), "int")])
    name = ids.row_name(pl.lit(tenant), "district.dbo.T", key, piece="#parts/1")
    assert (
        df.lazy().select(key.alias("key"), ids.uuid5(INSTALLATION.namespace, name).alias("id")).collect().rows()
        == expected
    )
    key_sql = ids.key_json_sql([("raw", "text"), ("'7'", "int")])
    name_sql = ids.row_name_sql(f"'{tenant}'", "district.dbo.T", key_sql, piece="#parts/1")
    duck.register("rows", df)
    sql = f"SELECT {key_sql}, {ids.uuid5_sql(INSTALLATION.namespace, name_sql)}::VARCHAR FROM rows ORDER BY n"
    assert duck.execute(sql).fetchall() == expected


@given(raws=COLUMN)
@MANY
def test_folds_agree(duck: duckdb.DuckDBPyConnection, raws: list[str | None]) -> None:
    df = pl.DataFrame({"raw": raws}, schema={"raw": pl.String()}).with_row_index("n")
    raw = pl.col("raw")
    folded = {engine: ids.fold(raw, engine) for engine in ENGINES}
    expected = df.lazy().select(**folded, email=ids.fold_email(raw)).collect().rows()
    duck.register("rows", df)
    folds = ", ".join(ids.fold_sql("raw", engine) for engine in ENGINES)
    sql = f"SELECT {folds}, {ids.fold_email_sql('raw')} FROM rows ORDER BY n"
    assert duck.execute(sql).fetchall() == expected


TODAY = date(2026, 3, 1)
RULE_ARGS = [
    RowRule(rule="between", action="flag", because="-", hazard="H32", column="a", low="-1.5", high="120"),
    RowRule(rule="between", action="flag", because="-", hazard="H45", column="a", low="20 years ago", high="today"),
    RowRule(rule="ascending", action="flag", because="-", hazard="H50", column="a", other="b"),
    RowRule(rule="agrees", action="flag", because="-", hazard="H54", column="a", other="b"),
    RowRule(rule="not_before", action="flag", because="-", hazard="H61", column="a", other="b"),
    RowRule(rule="pattern", action="flag", because="-", hazard="H49", column="a", pattern="^[A-Za-z. ]{0,4}$"),
    RowRule(rule="present", action="reject", because="-", hazard="H1", column="a"),
    RowRule(rule="one_of", action="flag", because="-", hazard="H34", column="a", values=ABSENT),
]


@pytest.mark.parametrize("args", RULE_ARGS, ids=lambda args: args.rule)
@given(rows=st.lists(st.tuples(RAW, st.one_of(st.none(), NEAR_MOMENTS)), min_size=1, max_size=60))
@MANY
def test_a_rule_agrees_with_its_twin(
    duck: duckdb.DuckDBPyConnection, args: RowRule, rows: list[tuple[str | None, str | None]]
) -> None:
    df = pl.DataFrame(rows, schema={"a": pl.String(), "b": pl.String()}, orient="row").with_row_index("n")
    broken = RULES[args.rule].polars({"a": pl.col("a"), "b": pl.col("b")}, args, TODAY)
    expected = df.lazy().select(broken.alias("broken")).collect().rows()
    duck.register("rows", df)
    sql = RULES[args.rule].sql({"a": "a", "b": "b"}, args, TODAY)
    assert duck.execute(f"SELECT {sql} FROM rows ORDER BY n").fetchall() == expected


TOKEN_PIECES = "?|&|&amp;|%3F|%26|#|;|sig|SIG|token|x_token|signature|=|%3D|a|se|\"|'|<|>|ſig|to\u212aen|sİg|%"
BETWEEN = " |\u00a0|\n|http://x/"
NEAR_TOKENS = st.lists(st.sampled_from(f"{TOKEN_PIECES}|{BETWEEN}".split("|")), max_size=16).map("".join)


@given(raws=st.lists(st.one_of(st.none(), NEAR_TOKENS, ANY_TEXT), min_size=1, max_size=60))
@MANY
def test_the_search_finds_nothing_in_scrubbed_text(duck: duckdb.DuckDBPyConnection, raws: list[str | None]) -> None:
    df = pl.DataFrame({"raw": raws}, schema={"raw": pl.String()})
    cleaned, changed = scrub.access_tokens(pl.col("raw"))
    duck.register("rows", df.lazy().select("raw", cleaned=cleaned, changed=changed).collect())
    left = duck.execute(
        f"SELECT raw, cleaned FROM rows WHERE {scrub.has_token_sql('cleaned')} "
        f"OR changed <> {scrub.has_token_sql('raw')} OR changed IS NULL"
    ).fetchall()
    assert left == []


def test_digits_that_are_no_offset_are_no_number_of_minutes(duck: duckdb.DuckDBPyConnection) -> None:
    """Beside a text that is a moment, DuckDB works out those of one that is none, too."""
    rows = "(VALUES ('0001-01-01 00:00:00Z'), ('-00200000000000')) t(raw)"
    assert duck.execute(f"SELECT {moment_utc_sql('raw')} FROM {rows}").fetchall() == [(datetime(1, 1, 1),), (None,)]
