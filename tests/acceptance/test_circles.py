"""Tables that refer to themselves and to one another: rows are resolved, whichever of them are rejected."""

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
#: Employee -> manager, mentor, department that live; of Department, Id -> head.
EMPLOYEES = {
    1: (1, None, 10),
    3: (None, 1, 20),
    4: (None, None, None),
    5: (6, 6, None),
    6: (5, 1, None),
    8: (None, None, 50),
}
DEPARTMENTS = {10: 1, 20: None, 40: None, 50: None, 60: None}
#: What was referred to in vain: column, row, raw text.
DEAD = {
    ("Manager", "[3]", b"2"),
    ("Manager", "[4]", b"99"),
    ("Manager", "[8]", b"7"),
    ("Mentor", "[4]", b"Nobody"),
    ("Mentor", "[8]", b"Gil"),
    ("Department", "[4]", b"30"),
    ("Department", "[5]", b"99"),
}
DEAD_HEADS = {("Head", "[20]", b"2"), ("Head", "[40]", b"99"), ("Head", "[50]", b"7")}


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    entries = {"staff": STAFF, "configuration": CONFIGURATION}
    with small(postgres, tmp_path, entries, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


def _raw_values(made: Small, service: str) -> set[tuple[str, str, bytes]]:
    rows = made.site.rows(
        service, "SELECT column_name AS c, unnest(keys) AS k, unnest(raws) AS r FROM migration.raw_value"
    )
    return {(str(r["c"]), str(r["k"]), bytes(r["r"])) for r in rows}  # type: ignore[call-overload]


@pytest.mark.parametrize("batch_rows", [2, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_circle_with_rejected_rows_in_it_is_moved_whole(made: Small, batch_rows: int) -> None:
    _, verdict = made.run(batch_rows=batch_rows)
    assert told(verdict) == set()
    employees, departments = made.ids("staff", "employees"), made.ids("configuration", "departments")
    rows = made.table("staff", "employees", "manager_id, mentor_id, department_id")
    heads = made.table("configuration", "departments", "head_id")
    for tenant in "ab":
        for key, (manager, mentor, department) in EMPLOYEES.items():
            assert rows.pop(f"{tenant} [{key}]") == {
                "manager_id": employees.get(f"{tenant} [{manager}]"),
                "mentor_id": employees.get(f"{tenant} [{mentor}]"),
                "department_id": departments.get(f"{tenant} [{department}]"),
            }, key
        for key, head in DEPARTMENTS.items():
            assert heads.pop(f"{tenant} [{key}]") == {"head_id": employees.get(f"{tenant} [{head}]")}, key
    assert (rows, heads) == ({}, {})
    assert set(made.ids("staff", "badges")) == {f"{t} [{n}]" for t in "ab" for n in (1, 4)}
    assert _raw_values(made, "staff") == DEAD
    assert _raw_values(made, "configuration") == DEAD_HEADS
    found = made.site.rows("staff", "SELECT column_name AS c, unnest(keys) AS k FROM migration.finding")
    assert {(r["c"], r["k"]) for r in found} == {(c, k) for c, k, _ in DEAD}


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
