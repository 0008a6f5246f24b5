"""Tables that refer to themselves and to one another: rows are resolved, whichever of them are rejected."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

ENTRIES = {
    "staff": """
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
""",
    "configuration": """
[Department]
source = "district"
key = ["Id"]
target = "departments"
[Department.columns]
Id   = { type = "int" }
Size = { to = "size", convert = "integer", pg = "integer" }
Head = { type = "int", to = "head_id", references = "staff.Employee" }

[Site]
source = "district"
key = ["Id"]
target = "sites"
[Site.columns]
Id   = { type = "int" }
Name = { to = "name", max_length = 5 }
""",
}
EMPLOYEES = """
    Id | Name | Manager | Mentor | Department | Site
    1  | Ada  | 1       | NULL   | 10         | 1
    2  | NULL | 1       | Ada    | 10         | 1
    3  | Cy   | 2       | "ADA " | 20         | 1
    4  | Di   | 99      | Nobody | 30         | 1
    5  | Ed   | 6       | Flo    | 99         | 1
    6  | Flo  | 5       | Ada    | NULL       | 1
    7  | Gil  | 1       | NULL   | 10         | 2
    8  | Hal  | 7       | Gil    | 50         | 1
"""
DEPARTMENTS = """
    Id | Size | Head
    10 | 3    | 1
    20 | 1    | 2
    30 | many | 1
    40 | 1    | 99
    50 | 1    | 7
    60 | 0    | NULL
"""


def test_a_circle_with_rejected_rows_in_it_is_moved_whole(becomes: Becomes) -> None:
    becomes(
        ENTRIES,
        {
            "Site a": "Id | Name\n 1 | Main\n 2 | Far too long",
            "Department a": DEPARTMENTS,
            "Employee a": EMPLOYEES,
            "Badge a": "Id | Employee\n 1 | 1\n 2 | 2\n 3 | 7\n 4 | 8",
        },
        employees="""
            row          | manager_id   | mentor_id    | department_id
            Employee a 1 | Employee a 1 | NULL         | Department a 10
            Employee a 3 | NULL         | Employee a 1 | Department a 20
            Employee a 4 | NULL         | NULL         | NULL
            Employee a 5 | Employee a 6 | Employee a 6 | NULL
            Employee a 6 | Employee a 5 | Employee a 1 | NULL
            Employee a 8 | NULL         | NULL         | Department a 50
        """,
        departments="""
            row             | head_id
            Department a 10 | Employee a 1
            Department a 20 | NULL
            Department a 40 | NULL
            Department a 50 | NULL
            Department a 60 | NULL
        """,
        badges="""
            row       | employee_id
            Badge a 1 | Employee a 1
            Badge a 4 | Employee a 8
        """,
        rejects="""
            Site a 2        | too long: Name
            Department a 30 | unreadable: Size
            Employee a 2    | present: Name
            Employee a 7    | parent: Site
            Badge a 2       | parent: Employee
            Badge a 3       | parent: Employee
        """,
        findings="""
            Employee a 3    | Manager    | H39
            Employee a 4    | Manager    | H39
            Employee a 4    | Mentor     | H39
            Employee a 4    | Department | H39
            Employee a 5    | Department | H39
            Employee a 8    | Manager    | H39
            Employee a 8    | Mentor     | H39
            Department a 20 | Head       | H39
            Department a 40 | Head       | H39
            Department a 50 | Head       | H39
        """,
        raws="""
            Employee a 3    | Manager    | 2
            Employee a 4    | Manager    | 99
            Employee a 4    | Mentor     | Nobody
            Employee a 4    | Department | 30
            Employee a 5    | Department | 99
            Employee a 8    | Manager    | 7
            Employee a 8    | Mentor     | Gil
            Department a 20 | Head       | 2
            Department a 40 | Head       | 99
            Department a 50 | Head       | 7
        """,
    )
