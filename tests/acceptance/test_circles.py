"""Circles of tables in batches, in part, and damaged; what becomes of each row is in tests/behaviours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from pipeline.stages.transform import Transformer
from tests.support.small import Small, small, told, verified_again

STAFF = """
[Employee]
source = "district"
key = ["Id"]
target = "employees"
rules = [{ rule = "present", column = "Name", action = "reject", hazard = "H1", because = "an employee has a name" }]
[Employee.columns]
Id         = { type = "int" }
Name       = { to = "name" }
Manager    = { type = "int", to = "manager_id", references = "staff.Employee" }
Mentor     = { to = "mentor_id", references = "staff.Employee", by = "Name" }
Department = { type = "int", to = "department_id", references = "configuration.Department" }
Site       = { type = "int", to = "site_id", references = "configuration.Site", required = true }

[Badge]
source = "district"
key = ["Id"]
target = "badges"
[Badge.columns]
Id       = { type = "int" }
Employee = { type = "int", to = "employee_id", references = "staff.Employee", required = true }
"""
CONFIGURATION = """
[Department]
source = "district"
key = ["Id"]
target = "departments"
[Department.columns]
Id   = { type = "int" }
Size = { type = "int", to = "size" }
Head = { type = "int", to = "head_id", references = "staff.Employee" }

[Site]
source = "district"
key = ["Id"]
target = "sites"
[Site.columns]
Id   = { type = "int" }
Name = { to = "name", max_length = 5 }
"""
LEGACY = """
CREATE TABLE Site (Id int PRIMARY KEY, Name "nvarchar(max)");
INSERT INTO Site VALUES (1, 'Main'), (2, 'Far too long');
CREATE TABLE Department (Id int PRIMARY KEY, Size int, Head int);
INSERT INTO Department VALUES (10, 3, 1), (20, 1, 2), (30, 'many', 1), (40, 1, 99), (50, 1, 7), (60, 0, NULL);
CREATE TABLE Employee (Id int PRIMARY KEY, Name "nvarchar(max)", Manager int, Mentor "nvarchar(max)",
    Department int, Site int);
INSERT INTO Employee VALUES
    (1, 'Ada', 1, NULL, 10, 1),
    (2, NULL, 1, 'Ada', 10, 1),
    (3, 'Cy', 2, 'ADA ', 20, 1),
    (4, 'Di', 99, 'Nobody', 30, 1),
    (5, 'Ed', 6, 'Flo', 99, 1),
    (6, 'Flo', 5, 'Ada', NULL, 1),
    (7, 'Gil', 1, NULL, 10, 2),
    (8, 'Hal', 7, 'Gil', 50, 1);
CREATE TABLE Badge (Id int PRIMARY KEY, Employee int);
INSERT INTO Badge VALUES (1, 1), (2, 2), (3, 7), (4, 8);
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    entries = {"staff": STAFF, "configuration": CONFIGURATION}
    with small(postgres, tmp_path, entries, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


def test_a_circle_in_batches_of_two_rows_is_moved_whole(made: Small) -> None:
    """What becomes of each row is among the behaviours; here its parents lie in other batches."""
    _, verdict = made.run(batch_rows=2)
    assert told(verdict) == set()
    employees, rows = made.ids("staff", "employees"), made.table("staff", "employees", "manager_id, mentor_id")
    assert {key.partition(" ")[2] for key in rows} == {f"[{n}]" for n in (1, 3, 4, 5, 6, 8)}
    for tenant in "ab":
        assert rows[f"{tenant} [5]"] == dict.fromkeys(("manager_id", "mentor_id"), employees[f"{tenant} [6]"])
        assert rows[f"{tenant} [8]"] == dict.fromkeys(("manager_id", "mentor_id"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "table", "column", "entity"),
    [
        ("staff", "employees", "manager_id", "staff.Employee"),
        ("configuration", "departments", "head_id", "configuration.Department"),
    ],
)
def test_a_re_pointed_reference_in_a_circle_is_told(
    made: Small, service: str, table: str, column: str, entity: str
) -> None:
    workspace, verdict = made.run()
    assert told(verdict) == set()
    employees = made.ids("staff", "employees")
    right, wrong = employees["a [1]"], employees["a [8]"]
    made.site.execute(service, f"UPDATE {service}.{table} SET {column} = '{wrong}' WHERE {column} = '{right}'")
    key = "[1]" if table == "employees" else "[10]"
    assert ("different cell", entity, key, column) in told(verified_again(workspace))
    rejected = "00000000-0000-0000-0000-00000000dead"
    made.site.execute(service, f"UPDATE {service}.{table} SET {column} = '{rejected}' WHERE {column} = '{wrong}'")
    assert ("orphan", f"{service}.{table}", key, column) in told(verified_again(workspace))


@pytest.mark.slow
def test_survivors_that_the_transformation_gets_wrong_are_told(made: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification works them out by itself."""
    whole = Transformer._surviving_ahead
    monkeypatch.setattr(Transformer, "_surviving_ahead", lambda *args: whole(*args).clear())
    _, verdict = made.run()
    assert {(e, k, c) for kind, e, k, c in told(verdict) if kind == "different cell"} == {
        *(("staff.Employee", f"[{k}]", "manager_id") for k in (1, 5, 6)),
        *(("staff.Employee", f"[{k}]", "mentor_id") for k in (3, 5, 6)),
        *(("staff.Employee", f"[{k}]", "department_id") for k in (1, 3, 8)),
        ("configuration.Department", "[10]", "head_id"),
    }


def test_a_part_of_a_circle_moves_with_the_keys_of_the_rest(made: Small) -> None:
    workspace, verdict = made.run("staff.Employee")
    assert told(verdict) == set()
    assert workspace.record.key_entities == ("configuration.Department", "configuration.Site")
    rows = made.table("staff", "employees", "department_id, manager_id")
    assert rows["a [4]"]["department_id"] is not None, "pending: nothing is known of its rejection yet"
    assert rows["a [3]"]["manager_id"] is None
    assert rows["a [7]"]["manager_id"] == made.ids("staff", "employees")["a [1]"], "its site is pending too"
