from __future__ import annotations

import json
import re
import sqlite3
import stat
import tomllib
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.demo.estate import Estate, build_estate, config_text
from pipeline.demo.planting import Planted

SMALL = {"a": 60, "b": 40}
SOURCES = ("login", "district_a", "district_b")
REJECTED = {
    "H7": {"StaffDistrict", "AspNetUsers", "AspNetUserRoles"},
    "H29": {"AssessmentFP"},
    "H39": {"StudentSchool", "StudentSection", "AssessmentFP", "AssessmentLID", "StudentNote", "StaffSchool"},
    "H48": {"Student"},
    "H49": {"District", "Staff"},
    "H50": {"AssessmentFP"},
}
HAZARDS = {
    "H1",
    "H2",
    "H3",
    "H4",
    "H5",
    "H7",
    "H8",
    "H12",
    "H14",
    "H15",
    "H16",
    "H17",
    "H18",
    "H19",
    "H20",
    "H21",
    "H22",
    "H23",
    "H24",
    "H25",
    "H26",
    "H28",
    "H29",
    "H31",
    "H32",
    "H37",
    "H39",
    "H40",
    "H41",
    "H43",
    "H44",
    "H45",
    "H46",
    "H47",
    "H48",
    "H49",
    "H50",
    "H51",
    "H52",
    "H53",
    "H55",
    "H56",
    "H57",
    "H58",
    "H59",
    "H60",
    "H61",
    "H62",
    "H63",
    "H65",
    "H66",
    "H68",
    "collation",
}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return build_estate(tmp_path_factory.mktemp("estate") / "legacy", students=SMALL, years=3)


@pytest.fixture(params=SOURCES)
def source(estate: Estate, request: pytest.FixtureRequest) -> Iterator[tuple[str, sqlite3.Connection]]:
    with closing(sqlite3.connect(estate.directory / f"{request.param}.sqlite")) as connection:
        yield request.param, connection


def opened(estate: Estate, name: str) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(estate.directory / f"{name}.sqlite"))


def count(connection: sqlite3.Connection, table: str, where: str = "TRUE") -> int:
    return int(connection.execute(f'SELECT count(*) FROM "{table}" WHERE {where}').fetchone()[0])


def key_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    found = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,))
    return [name for (name,) in found]


def contents(directory: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def test_same_arguments_same_bytes(estate: Estate, tmp_path: Path) -> None:
    again = build_estate(tmp_path / "again", students=SMALL, years=3)
    assert contents(again.directory) == contents(estate.directory)
    assert again.planted == estate.planted


def test_rebuilding_replaces_in_place(estate: Estate, tmp_path: Path) -> None:
    build_estate(tmp_path, students=SMALL, years=3, dirt=False, seed=7)
    build_estate(tmp_path, students=SMALL, years=3)
    assert contents(tmp_path) == contents(estate.directory)


def test_other_seed_other_people(estate: Estate, tmp_path: Path) -> None:
    other = build_estate(tmp_path / "other", students=SMALL, years=3, seed=1)
    assert all(contents(other.directory)[name] != digest for name, digest in contents(estate.directory).items())


def test_only_the_owner_may_read(estate: Estate) -> None:
    assert stat.S_IMODE(estate.directory.stat().st_mode) == 0o700
    files = sorted(estate.directory.iterdir())
    assert [path.name for path in files] == ["district_a.sqlite", "district_b.sqlite", "login.sqlite"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_students_are_counted_without_their_twins(estate: Estate) -> None:
    for name, wanted in (("district_a", 60), ("district_b", 40)):
        with opened(estate, name) as connection:
            assert count(connection, "Student") == wanted + 1


def test_exact_number_of_results(tmp_path: Path) -> None:
    estate = build_estate(tmp_path, students=SMALL, years=3, results=1234)
    with opened(estate, "district_a") as connection:
        assert count(connection, "AssessmentFP") == 1234


def test_results_meet_each_due_date_once_before_any_twice(tmp_path: Path) -> None:
    estate = build_estate(tmp_path, students=SMALL, years=3, results=180 * 24, dirt=False)
    with opened(estate, "district_a") as connection:
        pairs = 'SELECT 1 FROM "AssessmentFP" GROUP BY "StudentID", "TestDueDateID" HAVING count(*) > 1'
        assert connection.execute(pairs).fetchall() == []


def test_wide_student_has_54_columns_narrow_20(estate: Estate) -> None:
    for name, wanted in (("district_a", 20), ("district_b", 54)):
        with opened(estate, name) as connection:
            assert connection.execute("SELECT count(*) FROM pragma_table_info('Student')").fetchone() == (wanted,)


def test_declared_types_are_the_legacy_ones(source: tuple[str, sqlite3.Connection]) -> None:
    _, connection = source
    types = connection.execute(
        "SELECT DISTINCT c.type FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    ).fetchall()
    legacy = re.compile(r"int|bit|datetime|n?varchar\((max|128|256)\)|decimal\(18,2\)", re.IGNORECASE)
    assert [one for (one,) in types if not legacy.fullmatch(one)] == []


def test_districts_ids_overlap_and_have_gaps(estate: Estate) -> None:
    for name in ("district_a", "district_b"):
        with opened(estate, name) as connection:
            first, last, number = connection.execute('SELECT min("Id"), max("Id"), count(*) FROM "Student"').fetchone()
            assert first == 1
            assert last > number


def test_datetimes_end_in_sql_server_ticks(source: tuple[str, sqlite3.Connection]) -> None:
    _, connection = source
    columns = connection.execute(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c "
        "WHERE t.type = 'table' AND c.type = 'datetime'"
    ).fetchall()
    shape = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][037]"
    for table, column in columns:
        assert count(connection, table, f"\"{column}\" NOT GLOB '{shape}'") == 0, (table, column)


def test_grades_equal_the_systems_but_for_two(estate: Estate) -> None:
    with opened(estate, "login") as connection:
        system = set(connection.execute('SELECT "ShortName", "LongName", "GradeOrder" FROM "NSGrade"'))
    for name, own in (
        ("district_a", set()),
        ("district_b", {("K", "Kdg", 2), ("TK", "Transitional Kindergarten", 15)}),
    ):
        with opened(estate, name) as connection:
            grades = set(connection.execute('SELECT "ShortName", "LongName", "GradeOrder" FROM "Grade"'))
        assert grades - system == own


def test_planted_keys_exist(estate: Estate) -> None:
    for name, planted in estate.planted.items():
        assert name.startswith(f"{planted.source}.")
        assert planted.keys
        with opened(estate, planted.source) as connection:
            condition = " AND ".join(f'"{one}" IS ?' for one in key_columns(connection, planted.entity))
            for key in planted.keys:
                found = connection.execute(
                    f'SELECT count(*) FROM "{planted.entity}" WHERE {condition}', json.loads(key)
                ).fetchone()
                assert found == (1,), (name, key)


def assert_none_is_rejected_and_kept(estate: Estate) -> None:
    def rows(outcome_is_reject: bool) -> set[tuple[str, str, str]]:
        return {
            (one.source, one.entity, key)
            for one in estate.planted.values()
            if (one.outcome == "reject") is outcome_is_reject
            for key in one.keys
        }

    assert rows(True) & rows(False) == set()


def test_no_row_is_planted_to_be_rejected_and_kept(estate: Estate) -> None:
    assert_none_is_rejected_and_kept(estate)


def test_every_hazard_is_planted(estate: Estate) -> None:
    assert {one.hazard for one in estate.planted.values()} == HAZARDS


@pytest.mark.parametrize("hazard", REJECTED)
def test_rejects_are_planted_in(hazard: str, estate: Estate) -> None:
    found = {one.entity for one in estate.planted.values() if one.hazard == hazard and one.outcome == "reject"}
    assert REJECTED[hazard] <= found


def test_children_of_the_rejected_student_are_all_named(estate: Estate) -> None:
    for name in ("district_a", "district_b"):
        (student,) = json.loads(estate.planted[f"{name}.student-nul"].keys[0])
        with opened(estate, name) as connection:
            tables = connection.execute(
                "SELECT t.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE c.name = 'StudentID'"
            ).fetchall()
            for (table,) in tables:
                planted = estate.planted.get(f"{name}.child-of-rejected-{table}")
                named = len(planted.keys) if isinstance(planted, Planted) else 0
                assert count(connection, table, f'"StudentID" = {student}') == named, table


def test_nul_survives_in_the_file(estate: Estate) -> None:
    for name in ("student-nul", "note-nul"):
        planted = estate.planted[f"district_a.{name}"]
        column = {"Student": "LastName", "StudentNote": "Note"}[planted.entity]
        with opened(estate, "district_a") as connection:
            text = connection.execute(
                f'SELECT "{column}" FROM "{planted.entity}" WHERE "Id" = ?', json.loads(planted.keys[0])
            ).fetchone()[0]
        assert "\0" in text


def test_without_dirt_every_reference_lives(tmp_path: Path) -> None:
    estate = build_estate(tmp_path, students=SMALL, years=3, dirt=False)
    assert estate.planted == {}
    for name in ("district_a", "district_b"):
        with opened(estate, name) as connection:
            for table, column, parent, key in (
                ("StudentSchool", "StudentID", "Student", "Id"),
                ("StudentSchool", "SchoolStartYear", "SchoolYear", "SchoolStartYear"),
                ("StudentSection", "ClassID", "Section", "Id"),
                ("AssessmentFP", "SectionID", "Section", "Id"),
                ("AssessmentFP", "TestDueDateID", "TestDueDate", "Id"),
                ("AssessmentField", "GroupId", "AssessmentFieldGroup", "Id"),
                ("AssessmentField", "CategoryId", "AssessmentFieldCategory", "Id"),
                ("District_Benchmark", "GradeID", "Grade", "Id"),
                ("StudentNote", "StaffID", "Staff", "Id"),
                ("InterventionAttendance", "SectionID", "InterventionGroup", "Id"),
                ("InterventionAttendance", "ClassStartEndID", "StudentInterventionGroup", "Id"),
            ):
                dead = f'"{column}" NOT IN (SELECT "{key}" FROM "{parent}")'
                assert count(connection, table, dead) == 0, (name, table, column)


def test_config_text_reads_back(estate: Estate, tmp_path: Path) -> None:
    text = config_text(estate.directory, 'postgresql://postgres:p"w@127.0.0.1:1/{service}', tmp_path / "staging")
    config = tomllib.loads(text)
    assert config["target"]["dsn"] == 'postgresql://postgres:p"w@127.0.0.1:1/{service}'
    assert list(config["sources"]) == list(SOURCES)
    assert config["sources"]["district_b"]["host_zone"] == "UTC"
    assert config["sources"]["district_b"]["tenant"] == 2
    for one in config["sources"].values():
        assert Path(one["dsn"].removeprefix("sqlite://")).is_file()


def test_config_text_may_be_relative(estate: Estate) -> None:
    text = config_text(estate.directory, "postgresql://h/{service}", "staging", relative_to=estate.directory.parent)
    assert tomllib.loads(text)["sources"]["login"]["dsn"] == "sqlite://legacy/login.sqlite"


@pytest.mark.parametrize(
    "arguments",
    [{"students": {"a": 60}}, {"students": {"a": 60, "b": 39}}, {"years": 2}, {"results": 1}],
    ids=["missing district", "few students", "few years", "few results"],
)
def test_too_small_is_refused(arguments: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="want"):
        build_estate(tmp_path, **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(6))
def test_the_smallest_estate_holds_all_dirt(seed: int, tmp_path: Path) -> None:
    estate = build_estate(tmp_path, students={"a": 40, "b": 40}, years=3, seed=seed)
    assert {one.hazard for one in estate.planted.values()} == HAZARDS
    assert_none_is_rejected_and_kept(estate)
