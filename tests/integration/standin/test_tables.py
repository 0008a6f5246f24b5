"""Tables that the SQL Server stand-in takes: what a column cannot hold is refused, and an estate comes back whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.demo.estate import build_estate
from tests.integration.standin.asking import (
    INT_TEXT,
    MOMENT_TEXT,
    PASSWORD,
    TEXT,
    ask,
)
from tests.standin import Database, Standin
from tests.standin.declared import BASES, SqlType
from tests.standin.from_sqlite import Altered, load_sqlite
from tests.standin.values import stored

IMPOSSIBLE = [
    ("int", 2**31),
    ("tinyint", -1),
    ("decimal(5,2)", "1000"),
    ("money", "1e16"),
    ("datetime", "1752-12-31"),
    ("datetime", "garbage"),
    ("datetime", "2020-02-30"),
    ("date", ""),
    ("time(7)", "25:00:00"),
    ("datetimeoffset(7)", "2020-01-01 00:00:00 +15:00"),
    ("uniqueidentifier", "zz"),
    ("nvarchar(1)", "😀"),
    ("varchar(3)", "abcd"),
    ("varbinary(1)", b"ab"),
    ("nvarchar(5)", 5),
    ("int", "abc"),
]


@pytest.mark.parametrize(("declared", "impossible"), IMPOSSIBLE)
def test_what_a_column_cannot_hold_is_refused(declared: str, impossible: object) -> None:
    with pytest.raises((ValueError, TypeError), match=r"dbo\.t\.x: "):
        Database().load_table("dbo", "t", [("x", declared, True)], [], [(impossible,)])


@pytest.mark.parametrize("declared", ["", "integerr", "decimal(18", "hierarchy", "varchar(x)"])
def test_types_that_are_none_are_refused(declared: str) -> None:
    with pytest.raises(ValueError, match="is no type of SQL Server"):
        SqlType.parse(declared)


@pytest.mark.parametrize("declared", [*BASES, "decimal(38,10)", "time(0)", "nvarchar(max)", "char(10)"])
def test_declarations_are_read_as_they_are_written(declared: str) -> None:
    assert SqlType.parse(str(SqlType.parse(declared))) == SqlType.parse(declared)


def test_a_table_is_loaded_once_and_its_key_must_exist() -> None:
    database = Database()
    database.load_table("dbo", "t", [("x", "int", False)])
    with pytest.raises(ValueError, match=r"dbo\.T is there already"):
        database.load_table("dbo", "T", [("x", "int", False)])
    with pytest.raises(ValueError, match="the key names no column y"):
        database.load_table("dbo", "u", [("x", "int", False)], ["y"])
    with pytest.raises(ValueError, match=r"there is no table dbo\.v"):
        database.foreign_key("k", ("dbo", "t"), ["x"], ("dbo", "v"), ["x"])


def test_a_database_is_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    first = Database(path)
    first.load_table("dbo", "t", [("x", "datetime", False)], ["x"], [("2020-01-01 00:00:00.003",)])
    first.connection.close()
    with Standin({"a": path}, logins={"reader": PASSWORD}) as again:
        assert ask(again, "SELECT CONVERT(varchar(30), x, 121) AS x FROM t", "a")["x"].to_pylist() == [
            "2020-01-01 00:00:00.003"
        ]


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_estate(tmp_path_factory.mktemp("estate"), students={"a": 60, "b": 40}, years=4).directory


def test_an_estate_table_comes_back_whole(estate: Path) -> None:
    path = estate / "district_a.sqlite"
    database, altered = load_sqlite(path, tables=["Student"])
    assert altered == []
    with closing(sqlite3.connect(path)) as snapshot:
        described = snapshot.execute("PRAGMA table_info(Student)").fetchall()
        rows = snapshot.execute("SELECT * FROM Student ORDER BY Id").fetchall()
    forms = {"datetime": MOMENT_TEXT, "int": INT_TEXT, "bit": INT_TEXT}
    selected = ", ".join(
        f"{forms.get(SqlType.parse(declared).base, TEXT).format(f'[{name}]')} AS [{name}]"
        for _, name, declared, *_ in described
    )
    with Standin({"district_a": database}, logins={"reader": PASSWORD}) as server:
        table = ask(server, f"SELECT {selected} FROM dbo.Student ORDER BY Student.Id")
    # SQLite holds datetimes in the very text of style 121, and every other column's text is its str().
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        tuple(None if cell is None else str(cell) for cell in row) for row in rows
    ]
    assert table.num_rows >= 60


def test_what_sql_server_cannot_hold_is_reported(estate: Path) -> None:
    _, altered = load_sqlite(estate / "district_a.sqlite", tables=["AssessmentFP"])
    assert {(one.column, one.declared, one.value, one.kept) for one in altered} == {
        ("TextLevel", "int", "abc", None),
        ("TotalScore", "decimal(18,2)", 1.005, Decimal("1.01")),
    }
    assert all(isinstance(one, Altered) and len(one.key) == 1 for one in altered)


def test_a_null_is_not_invented_in_a_column_that_has_none(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(path)) as source:
        source.execute('CREATE TABLE t (d "datetime" NOT NULL)')
        source.execute("INSERT INTO t VALUES ('soon')")
        source.commit()
    with pytest.raises(ValueError, match=r"t\.d: datetime cannot hold 'soon', and NULL neither"):
        load_sqlite(path)


def test_moments_are_kept_as_sql_server_compares_them() -> None:
    """Since SQL Server 2016 a datetime of .003 is .0033333 beside a datetime2."""
    tick = stored(SqlType.parse("datetime"), "2020-01-01 00:00:00.003")
    assert tick == stored(SqlType.parse("datetime2(7)"), "2020-01-01 00:00:00.0033333")
