"""`migrate profile`: what it counts of a legacy database with planted dirt, and what it lets nobody see."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import commands
from tests.support.commands import migrate
from tests.support.profiled import VALUES, planted


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted(tmp_path_factory.mktemp("profile"))


def profiled(config: Path, *arguments: str) -> dict[str, Any]:
    (source,) = json.loads(migrate(config, "profile", "--json", *arguments).stdout)["sources"]
    return dict(source)


@pytest.fixture(scope="module")
def found(config: Path) -> dict[str, Any]:
    return profiled(config)


def table(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(t for t in found["tables"] if t["table"] == name)


def column(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Give what is counted of a pupil's column; what is null is left out."""
    said = next(c for c in table(found, "Pupil")["columns"] if c["name"] == name)
    return {k: v for k, v in said.items() if v is not None and k not in ("name", "type", "nullable", "fate", "bytes")}


COLUMNS = {
    "Id": {
        "filled": 8,
        "nulls": 0,
        "distinct": 8,
        "is_masked": False,
        "least": "1",
        "greatest": "12",
        "zeros": 0,
        "minus_ones": 0,
        "odd": 0,
    },
    "Name": {
        "filled": 7,
        "nulls": 1,
        "distinct": 7,
        "is_masked": True,
        "longest": 14,
        "empty": 1,
        "blank": 1,
        "padded": 1,
        "broken": 1,
        "nul": 1,
        "odd": 0,
        "too_long": 0,
    },
    "Level": {"filled": 8, "nulls": 0, "distinct": 5, "is_masked": True, "zeros": 1, "minus_ones": 1, "odd": 1},
    "Born": {
        "filled": 8,
        "nulls": 0,
        "distinct": 8,
        "is_masked": True,
        "no_day": 1,
        "last_day": 1,
        # A text that is no date is out of its range, too.
        "out_of_range": 2,
        "midnight": 5,
        "hours": {"5": 1, "6": 1},
        "clock": {"zone": "America/Chicago", "rows": 2},
        "odd": 1,
    },
    "Secret": {"filled": 2, "nulls": 6, "is_masked": True},
    "Shoe": {"filled": 1, "nulls": 7, "distinct": 1, "is_masked": True, "zeros": 0, "minus_ones": 0, "odd": 0},
}


@pytest.mark.parametrize(("name", "expected"), COLUMNS.items(), ids=COLUMNS)
def test_what_is_counted_of_a_column(found: dict[str, Any], name: str, expected: dict[str, Any]) -> None:
    assert column(found, name) == expected


def test_keys_gaps_and_references(found: dict[str, Any]) -> None:
    pupil = table(found, "Pupil")
    assert (pupil["rows"], pupil["entities"]) == (8, ["student.Pupil"])
    assert pupil["key_range"] == {
        "column": "Id",
        "least": "1",
        "greatest": "12",
        "missing": 4,
        "gaps": 1,
        "widest_gap": 4,
    }
    assert [(k["columns"], k["is_folded"], k["doubled_keys"], k["doubled_rows"]) for k in pupil["keys"]] == [
        (["Id"], False, 0, 0),
        (["Code"], True, 1, 2),
    ]
    assert pupil["references"] == [
        {
            "columns": ["RoomId"],
            "parents": ["student.Room"],
            "is_declared": False,
            "why_not": None,
            "filled": 7,
            "orphans": 1,
        }
    ]


def test_where_it_is_not_what_the_catalog_says(found: dict[str, Any]) -> None:
    assert [(d["kind"], d["table"], d["column"], d["expected"], d["got"], d["rows"]) for d in found["deviations"]] == [
        ("absent column", "Pupil", "Nick", "nvarchar(max)", None, 8),
        ("retyped column", "Room", "Seats", "int", "nvarchar(9)", 2),
        ("absent table", "Desk", None, "student.Desk", None, None),
        ("own table", "Cupboard", None, None, None, 1),
        ("extra column", "Pupil", "Shoe", None, "int", 1),
    ]


def test_of_what_is_waived_only_the_rows_are_counted(config: Path) -> None:
    found = table(profiled(config, "--show-values"), "Reset")
    assert (found["waived"], found["rows"], found["columns"], found["keys"]) == ("transient", 2, [], [])


HAZARDS = [
    ("stops", 2, "Room.Seats", "retyped column", "nvarchar(9), where int is expected"),
    ("rejects", 3, "Pupil.Level", "not so: there are two levels", None),
    ("rejects", 1, "Pupil.Born", "not of its column's type", None),
    ("rejects", 1, "Pupil.Level", "not of its column's type", None),
    ("rejects", 1, "Pupil.Name", "NULL, and required", None),
    ("rejects", 1, "Pupil.Name", "text of more than 12 characters", None),
    ("rejects", 1, "Pupil.Name", "text that holds U+0000", None),
    ("flags", 3, "Pupil.Name", "not so: a pupil has a name", None),
    ("flags", 1, "Pupil.Left", "not so: nobody leaves before", None),
    ("flags", 1, "Pupil.RoomId", "leads to no row of student.Room, and becomes NULL", None),
    ("normalises", 2, "Pupil.Born", "a day with a time", "2 of them midnight of America/Chicago read as UTC"),
    ("normalises", 1, "Pupil.Born", "stands for nothing, and becomes NULL", None),
    ("left behind", 1, "Cupboard", "own table", None),
    ("left behind", 1, "Pupil.Shoe", "extra column", None),
    ("loads", 2, "Pupil.Born", "before 1900 or after 2099", None),
    ("loads", 2, "Pupil.Code", "the same as in other rows, though rows are found by it", None),
    ("loads", 2, "Pupil.Name", "empty or blank, where NULL may be meant", None),
    ("loads", 1, "Pupil.Name", "text that another code page may have broken", None),
]


def test_what_would_become_of_the_rows_the_worst_first(found: dict[str, Any]) -> None:
    said = [
        (
            h["action"],
            h["rows"],
            h["table"] + ("" if h["column"] is None else f".{h['column']}"),
            h["what"],
            h["detail"],
        )
        for h in found["hazards"]
    ]
    assert said == HAZARDS


@pytest.mark.parametrize("arguments", [("--json",), ("--table", "Pupil")], ids=["json", "terminal"])
def test_no_value_of_a_person_is_shown(config: Path, arguments: tuple[str, ...]) -> None:
    said = migrate(config, "profile", *arguments).stdout
    assert [value for value in VALUES if value in said] == []


def test_values_are_shown_where_they_are_asked_for(config: Path) -> None:
    found = profiled(config, "--show-values")
    shown = {c["name"]: (c["least"], c["greatest"]) for c in table(found, "Pupil")["columns"]}
    assert shown["Born"] == ("1066-10-14 00:00:00.000", "soon")
    assert shown["Code"] == ("A1", "a1 ")
    assert shown["Shoe"] == ("36", "36")
    # Not even then.
    assert shown["Secret"] == (None, None)


def test_bytes_that_are_no_text_hide_no_more_than_the_values_of_their_table(config: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE Room (Id int PRIMARY KEY, Label text)")
        connection.execute("INSERT INTO Room VALUES (1, CAST(x'ff41' AS text)), (2, 'b')")
    (tmp_path / "migrate.toml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    (masked,), (shown,) = (
        profiled(tmp_path / "migrate.toml", *arguments)["tables"] for arguments in ((), ("--show-values",))
    )
    assert (masked["rows"], masked["columns"][1]["longest"], masked["columns"][1]["broken"]) == (2, 2, 1)
    assert (shown["problem"], shown["rows"], shown["columns"][1]["greatest"]) == (None, 2, None)
    assert (shown["columns"][0]["least"], shown["columns"][0]["greatest"]) == ("1", "2")


def test_structure_asks_for_no_row(config: Path) -> None:
    found = profiled(config, "--structure")
    assert [(t["table"], t["rows"], [c["name"] for c in t["columns"]]) for t in found["tables"]] == [
        ("Cupboard", None, ["Id", "Colour"]),
        ("Pupil", None, ["Id", "Name", "Code", "Level", "Born", "Left", "RoomId", "Secret", "Shoe"]),
        ("Reset", None, ["Id", "Token"]),
        ("Room", None, ["Id", "Label", "Seats"]),
    ]
    assert {c["filled"] for t in found["tables"] for c in t["columns"]} == {None}
    assert [d["kind"] for d in found["deviations"]][:2] == ["absent column", "retyped column"]


FAMILY = """
[Product]
source = "district"
key = ["Id"]
target = "products"
[Product.columns]
Id        = { type = "int" }
TableName = { to = "table_name" }

[Sale]
source = "district"
key = ["_table", "ID"]
target = "sales"
[Sale.family]
registry = "student.Product"
tables = { TableName = "" }
[Sale.columns]
_table   = { family = "table", to = "sold_as" }
_fields  = { family = "fields", to = "fields", convert = "fields" }
ID       = { type = "int" }
"""


def test_the_tables_of_a_family_have_an_entry(config: Path, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "student.toml").write_text(FAMILY, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE Product (Id int PRIMARY KEY, TableName text)")
        connection.execute("INSERT INTO Product VALUES (1, 'SoldLamp')")
        connection.execute("CREATE TABLE SoldLamp (ID int PRIMARY KEY, Watts int)")
        connection.execute("INSERT INTO SoldLamp VALUES (1, 40), (2, 60)")
        connection.execute("CREATE TABLE Other (ID int PRIMARY KEY)")
    (tmp_path / "migrate.toml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    found = profiled(tmp_path / "migrate.toml")
    assert [(t["table"], t["entities"], t["rows"]) for t in found["tables"]] == [
        ("Other", [], 0),
        ("Product", ["student.Product"], 1),
        ("SoldLamp", ["student.Sale"], 2),
    ]
    assert [(d["kind"], d["table"]) for d in found["deviations"]] == [("own table", "Other")]
    assert found["estimate"]["rows"] == 3


def test_a_table_that_is_nowhere_is_refused_by_name(config: Path) -> None:
    done = migrate(config, "profile", "--table", "Pupil", "--table", "Pupils", check=2)
    assert "no table is named Pupils" in done.stderr


def test_a_source_that_cannot_be_read_is_named_and_the_others_are_shown(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = config.read_text(encoding="utf-8")
    other = text[text.index("[sources.a]") :].replace("sources.a", "sources.b").replace("tenant = 1", "tenant = 2")
    (config.parent / "two.toml").write_text(text + other.replace("a.sqlite", "none.sqlite"), encoding="utf-8")
    done = migrate(config.parent / "two.toml", "profile", "--json", check=2)
    assert "source b" in done.stderr
    sources = json.loads(done.stdout)["sources"]
    assert [(s["source"], s["problem"] is None, len(s["tables"])) for s in sources] == [("a", True, 4), ("b", False, 0)]


def test_the_command_is_the_first_to_be_listed_after_init() -> None:
    assert list(commands.migrate.commands)[:3] == ["init", "profile", "plan"]  # type: ignore[attr-defined]
