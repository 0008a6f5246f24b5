"""Where a legacy type leaves open how one value is spelled, a text that the value does not give back is kept."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline.core.clock import transitions_frame
from pipeline.core.converters import CONVERTERS, Setting
from pipeline.core.loss import Fate, loss_ledger
from schemas.catalog import load_catalog
from tests.properties.test_pairs import Joins

#: Converter and target type -> texts that the value gives back; others of the same values.
TEXTS = {
    ("integer", "bigint"): (["7", "-1", "0"], ["007", "-0", "00"]),
    ("decimal", "numeric(9,2)"): (["1.50", "0.00", "-3.25"], ["1.5", "1.500", "01.50", "-0.00", "2"]),
    ("decimal", "numeric(9,0)"): (["7"], ["7.0", "07"]),
    ("decimal", "numeric(2,2)"): (["0.50"], ["0.5", "00.50"]),
    ("float", "double precision"): (
        ["0.1", "-1.5", "7", "-0", "123456789012345", "0.00012", "Infinity", "-Infinity", "NaN"],
        ["1.50", "07", "1e3", "1.", ".5", "inf", "nan", "0.1000000000000000055", "9007199254740993", "5e-324"],
    ),
    ("float", "real"): (["0.1", "123456"], ["0.1234567", "1234567", "16777217"]),
    ("uuid", "uuid"): (["0e984725-c51c-4bf4-9960-e1c80e27aba0"], ["0E984725-C51C-4BF4-9960-E1C80E27ABA0"]),
    ("binary", "bytea"): (["00ff", ""], ["00FF", "aB"]),
    ("boolean", "boolean"): (["0", "1"], []),
    ("day", "date"): (["2020-01-01"], []),
    ("date", "date"): (["2020-01-01"], ["2020-01-01 00:00", "2020-01-01T00:00:00", "2020-01-01 12:00:00"]),
    ("clock", "time"): (["08:30:00", "08:30:00.5"], ["08:30", "08:30:00.0", "08:30:00.50"]),
    **{
        (name, pg): (
            ["2020-01-01 08:30:00", "2020-01-01 08:30:00.25"],
            ["2020-01-01", "2020-01-01 08:30", "2020-01-01T08:30:00", "2020-01-01 08:30:00.250"],
        )
        for name, pg in (("moment", "timestamp"), ("instant_utc", "timestamptz"), ("instant_local", "timestamptz"))
    },
    ("instant", "timestamptz"): (
        ["2020-01-01 08:30:00+00", "2020-01-01 08:30:00.5+00"],
        ["2020-01-01 08:30:00Z", "2020-01-01 08:30:00 +00", "2020-01-01 08:30:00+00:00", "2020-01-01 08:30:00+01"],
    ),
    ("time_of_day", "time"): ([], ["2020-01-01 08:30:00"]),
}
#: Of what is a number already, but no float: what has more digits than a float gives back, whatever its zeros.
NUMBERS = {
    "double precision": (
        ["1.50", "0.0000000000", "123456789012345", "1000000000000000000000.00"],
        ["9007199254740993", "1234567890123456", "0.1234567890123456"],
    ),
    "real": (["1.50", "123456", "100000000.0"], ["16777217", "0.1234567"]),
}


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("transitions", transitions_frame(["UTC"]))
    return connection.execute("CREATE TABLE zone AS FROM transitions")


def kept(duck: duckdb.DuckDBPyConnection, converter: str, setting: Setting, raws: list[str]) -> list[str]:
    """List the texts that are kept, by both forms of a converter."""
    df = pl.DataFrame({"raw": raws, "host_zone": "UTC", "tenant_zone": "UTC"})
    made = CONVERTERS[converter].polars(pl.col("raw"), setting)
    assert df.select(made.unreadable.any()).item() is False
    found: list[str] = df.filter(pl.lit(False) if made.altered is None else made.altered)["raw"].to_list()
    joins = Joins()
    twin = CONVERTERS[converter].sql("r.raw", setting, joins)
    duck.register("rows", df)
    sql = f"SELECT r.raw FROM rows r {' '.join(joins.clauses)} WHERE {twin.altered or 'false'}"
    assert sorted(raw for (raw,) in duck.execute(sql).fetchall()) == sorted(found)
    return found


@pytest.mark.parametrize("conversion", TEXTS, ids="-".join)
def test_a_text_that_the_value_does_not_give_back_is_kept(
    duck: duckdb.DuckDBPyConnection, conversion: tuple[str, str]
) -> None:
    own, other = TEXTS[conversion]
    assert kept(duck, conversion[0], Setting(conversion[1], family="text"), own + other) == other


@pytest.mark.parametrize("pg_type", NUMBERS)
def test_a_number_of_more_digits_than_a_float_has_is_kept(duck: duckdb.DuckDBPyConnection, pg_type: str) -> None:
    own, other = NUMBERS[pg_type]
    assert kept(duck, "float", Setting(pg_type, family="decimal"), own + other) == other


def test_what_a_type_spells_in_one_way_is_not_kept(duck: duckdb.DuckDBPyConnection) -> None:
    for family, converter, pg_type, raws in (
        ("decimal", "decimal", "numeric(9,4)", ["1.50", "2"]),
        ("float", "float", "double precision", ["1.0000000000000000e-001", "5e-324"]),
        ("moment", "instant_utc", "timestamptz", ["2020-01-01 08:30:00.250", "2020-01-01 08:30:00.000"]),
        ("uuid", "uuid", "uuid", ["0E984725-C51C-4BF4-9960-E1C80E27ABA0"]),
    ):
        assert kept(duck, converter, Setting(pg_type, family=family), raws) == []


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        ('convert = "integer", pg = "integer"', Fate.RAW_KEPT),
        ('convert = "decimal", pg = "numeric(9,2)"', Fate.RAW_KEPT),
        ('convert = "float"', Fate.RAW_KEPT),
        ('convert = "uuid"', Fate.RAW_KEPT),
        ('convert = "clock"', Fate.RAW_KEPT),
        ('convert = "boolean"', Fate.EXACT),
        ('convert = "day"', Fate.EXACT),
        ('type = "int"', Fate.EXACT),
        ('type = "decimal(9,2)"', Fate.EXACT),
        ('type = "decimal(9,2)", pg = "numeric(18,4)"', Fate.EXACT),
        ('type = "decimal(9,2)", convert = "float"', Fate.RAW_KEPT),
        ('type = "bigint", convert = "float"', Fate.RAW_KEPT),
        ('type = "float"', Fate.EXACT),
        ('type = "uniqueidentifier"', Fate.EXACT),
    ],
)
def test_the_ledger_knows_whose_text_is_kept(tmp_path: Path, said: str, fate: Fate) -> None:
    (tmp_path / "student.toml").write_text(
        '[Pupil]\nsource = "district"\nkey = ["Id"]\ntarget = "pupils"\n[Pupil.columns]\nId = { type = "int" }\n'
        f'X = {{ {said}, to = "x" }}',
        encoding="utf-8",
    )
    losses = {x.column: x.fate for x in loss_ledger(load_catalog(tmp_path), ["student.Pupil"])}
    assert losses["X"] is fate


def test_a_decimal_of_no_scale_leaves_its_spelling_open(tmp_path: Path) -> None:
    (tmp_path / "student.toml").write_text(
        '[Pupil]\nsource = "district"\nengine = "postgresql"\nkey = ["Id"]\ntarget = "pupils"\n[Pupil.columns]\n'
        'Id = { type = "integer" }\nX = { type = "numeric", convert = "decimal", pg = "numeric(9,2)", to = "x" }',
        encoding="utf-8",
    )
    losses = {x.column: x.fate for x in loss_ledger(load_catalog(tmp_path), ["student.Pupil"])}
    assert losses["X"] is Fate.RAW_KEPT


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ("", "student.Pupil, in its spelling"),
        ("case_sensitive = true, ", "student.Pupil"),
        ('type = "uniqueidentifier", ', "student.Pupil"),
    ],
)
def test_the_ledger_says_in_whose_spelling_a_reference_lives(tmp_path: Path, said: str, by: str) -> None:
    (tmp_path / "student.toml").write_text(
        '[Pupil]\nsource = "district"\nkey = ["Id"]\ntarget = "pupils"\n[Pupil.columns]\n'
        f'Id = {{ {said}note = "a key" }}\nFriend = {{ {said}to = "friend_id", references = "student.Pupil" }}',
        encoding="utf-8",
    )
    losses = {x.column: (x.fate, x.by) for x in loss_ledger(load_catalog(tmp_path), ["student.Pupil"])}
    assert losses["Friend"] == (Fate.REFERENCE, by)
