"""What only some customers have: a column or a table is named with what to write, and then to the others it is empty."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.core.plan import Held
from pipeline.demo.server import Server
from pipeline.errors import MigrationError, SourceDrift
from pipeline.runs import Selection
from pipeline.runs.plan import make_plan
from pipeline.settings import load_settings
from schemas.catalog import load_catalog
from schemas.files import CatalogProblem
from tests.support.small import Small, small, told, verified_again

HEAD = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id    = { type = "int" }
Photo = { type = "nvarchar(50)", to = "photo"PHOTO }
HallId = { type = "int", to = "hall_id", references = "student.Hall", optional = true }

[Hall]
source = "district"
HALL
key = ["Id"]
target = "halls"
[Hall.columns]
Id   = { type = "int" }
Name = { type = "nvarchar(50)", to = "name" }
"""
A = """
CREATE TABLE Hall (Id int NOT NULL PRIMARY KEY, Name "nvarchar(50)");
CREATE TABLE Pupil (Id int NOT NULL PRIMARY KEY, Photo "nvarchar(50)", HallId int);
INSERT INTO Hall VALUES (1, 'one');
INSERT INTO Pupil VALUES (1, 'a.jpg', 1);
"""
B = "CREATE TABLE Pupil (Id int NOT NULL PRIMARY KEY); INSERT INTO Pupil VALUES (7);"


def entry(*, photo: str = ", optional = true", hall: str = "optional = true") -> dict[str, str]:
    return {"student": HEAD.replace("PHOTO", photo).replace("HALL", hall)}


@pytest.fixture
def site(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, entry(), {"a": A, "b": B}) as made:
        yield made


def problems(made: Small) -> list[MigrationError]:
    return make_plan(load_settings(made.site.config), made.catalog, Selection()).problems


@pytest.mark.parametrize(
    ("change", "words"),
    [({"photo": ""}, "b, Pupil.Photo: a column is missing"), ({"hall": ""}, "b: a table is missing")],
)
def test_what_only_some_have_is_named_with_what_to_write(
    change: dict[str, str], words: str, postgres: Server, tmp_path: Path
) -> None:
    with small(postgres, tmp_path, entry(**change), {"a": A, "b": B}) as made:
        (problem,) = problems(made)
    assert isinstance(problem, SourceDrift)
    assert words in str(problem)
    assert "write `optional = true`" in str(problem.remedy)


def test_to_those_who_lack_it_it_is_empty_and_all_are_at_parity(site: Small) -> None:
    workspace, verdict = site.run()
    assert verdict.parity
    assert workspace.record.absent == (Held("b", "student.Hall"),)
    assert {key: row["photo"] for key, row in site.table("student", "pupils").items()} == {
        "a [1]": "a.jpg",
        "b [7]": None,
    }
    assert list(site.table("student", "halls")) == ["a [1]"]


def test_the_keys_of_a_table_that_is_lacking_are_none(site: Small) -> None:
    _, verdict = site.run("student.Pupil")
    assert verdict.parity
    assert set(site.table("student", "pupils")) == {"a [1]", "b [7]"}


def test_plan_says_who_lacks_the_table(site: Small) -> None:
    assert "No table, so no rows, of what is optional: b/student.Hall" in site.site.migrate("plan").stdout


@pytest.mark.slow
@pytest.mark.parametrize("consistency", ["snapshot", "live"])
def test_a_table_that_appears_later_is_noticed(site: Small, consistency: str) -> None:
    site.configure('"snapshot"', f'"{consistency}"')
    workspace, verdict = site.run()
    assert verdict.parity
    with closing(sqlite3.connect(site.site.directory / "b.sqlite")) as connection:
        connection.executescript(
            'CREATE TABLE Hall (Id int PRIMARY KEY, Name "nvarchar(50)"); INSERT INTO Hall VALUES (1, 1)'
        )
    workspace = type(workspace)(
        workspace.settings, workspace.catalog, workspace.record, workspace.staging, workspace.audit
    )
    again = verified_again(workspace)
    assert not again.parity, told(again)
    if consistency == "snapshot":
        assert told(again) == {("changed since the run", "student.Hall", "[1]", "")}


def test_a_key_cannot_be_optional(tmp_path: Path) -> None:
    text = entry()["student"].replace('Id    = { type = "int" }', 'Id    = { type = "int", optional = true }')
    (tmp_path / "student.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogProblem, match=r"student.toml: Pupil.columns.Id: a column of the key cannot be optional"):
        load_catalog(tmp_path)
