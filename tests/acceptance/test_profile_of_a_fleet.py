"""`migrate profile` of three hundred databases: which lack what, which declare another type, and which are alike."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.support.commands import migrate

ENTRIES = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id    = { type = "int" }
Name  = { type = "nvarchar(50)", to = "name" }
Email = { type = "nvarchar(50)", to = "email", optional = true }
"""
DATABASES = 300
#: What some have otherwise: every seventh lacks the e-mail, two declare a longer name, one has a table of its own.
LACKING = [n for n in range(1, DATABASES + 1) if n % 7 == 0]
WIDE, OWN = (5, 250), (100,)


def _source(number: int) -> str:
    return f"d{number:03}"


def _script(number: int) -> str:
    name = "nvarchar(200)" if number in WIDE else "nvarchar(50)"
    email = "" if number in LACKING else ", Email nvarchar(50)"
    own = "CREATE TABLE Bus (Id int PRIMARY KEY, Seats int);" if number in OWN else ""
    rows = f"INSERT INTO Pupil (Id, Name) VALUES (1, 'a'), (2, '{'' if number == 9 else 'b'}');"
    return f"CREATE TABLE Pupil (Id int PRIMARY KEY, Name {name}{email}); {own} {rows}"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fleet")
    (directory / "catalog").mkdir()
    (directory / "catalog" / "student.toml").write_text(ENTRIES, encoding="utf-8")
    lines = ["[target]", 'dsn = "postgresql://nobody@127.0.0.1:1/{service}"', "[run]", "parallel = 4"]
    for number in range(1, DATABASES + 1):
        with closing(sqlite3.connect(directory / f"{number}.sqlite")) as connection:
            connection.executescript(_script(number))
        lines += [
            f"[sources.{_source(number)}]",
            f"tenant = {number}",
            f'name = "District {number}"',
            f'dsn = "sqlite://{number}.sqlite"',
            'tenant_zone = "UTC"',
            'host_zone = "UTC"',
            'consistency = "snapshot"',
        ]
    path = directory / "migrate.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def fleet(config: Path) -> dict[str, Any]:
    began = monotonic()
    (found,) = json.loads(migrate(config, "profile", "--structure", "--json").stdout)["fleets"]
    # Seconds where nothing else is to be done: it must not be minutes.
    assert monotonic() - began < 60
    return dict(found)


def _difference(fleet: dict[str, Any], table: str, column: str | None) -> dict[str, Any]:
    (found,) = [d for d in fleet["differences"] if (d["table"], d["column"]) == (table, column)]
    return dict(found)


def test_which_lack_a_column(fleet: dict[str, Any]) -> None:
    found = _difference(fleet, "Pupil", "Email")
    assert found["lacking"] == [_source(n) for n in LACKING]
    assert (len(found["having"]), found["is_named"]) == (DATABASES - len(LACKING), True)


def test_which_hold_a_wider_type(fleet: dict[str, Any]) -> None:
    found = _difference(fleet, "Pupil", "Name")
    assert found["types"]["nvarchar(200)"] == [_source(n) for n in WIDE]
    assert (found["widest"], found["lacking"]) == ("nvarchar(200)", [])


def test_which_have_tables_of_their_own(fleet: dict[str, Any]) -> None:
    found = _difference(fleet, "Bus", None)
    assert (found["having"], found["is_named"]) == ([_source(n) for n in OWN], False)


def test_there_is_no_other_difference(fleet: dict[str, Any]) -> None:
    assert [(d["table"], d["column"]) for d in fleet["differences"]] == [
        ("Bus", None),
        ("Pupil", "Name"),
        ("Pupil", "Email"),
    ]


def test_which_are_alike(fleet: dict[str, Any]) -> None:
    odd = {*LACKING, *WIDE, *OWN}
    groups = [a["sources"] for a in fleet["alike"]]
    assert [len(g) for g in groups] == [DATABASES - len(odd), len(LACKING), len(WIDE), len(OWN)]
    assert groups[0] == [_source(n) for n in range(1, DATABASES + 1) if n not in odd]
    assert groups[2] == [_source(n) for n in WIDE]


def test_a_terminal_shows_it_in_lines(config: Path) -> None:
    said = migrate(config, "profile", "--structure").stdout
    assert "300 databases of the kind district" in said
    assert "all but d100" in said
    assert "d007, d014, d021, d028, d035, d042, d049, d056 and 34 more" in " ".join(said.split())


def test_what_would_become_of_rows_is_added_up(config: Path) -> None:
    chosen = [argument for n in (1, 5, 7, 9) for argument in ("--tenant", _source(n))]
    (fleet,) = json.loads(migrate(config, "profile", "--json", *chosen).stdout)["fleets"]
    assert [(t["action"], t["what"], t["rows"], t["sources"]) for t in fleet["together"]] == [
        ("loads", "empty or blank, where NULL may be meant", 1, 1)
    ]
