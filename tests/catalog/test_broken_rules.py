"""A rule that asks for what is not there, or could not be decided, is refused when the catalog is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalog import load_catalog
from schemas.files import CatalogProblem

ENTRIES = """
[School]
source = "district"
key = ["Id"]
target = "schools"
[School.columns]
Id   = { type = "int" }
Head = { type = "int", to = "head_id", references = "student.Student" }
Town = { to = "town" }

[Student]
source = "district"
key = ["Id"]
target = "students"
rules = [{ %s, hazard = "H1", because = "it is so" }]
[Student.columns]
Id     = { type = "int" }
Town   = { to = "town" }
School = { type = "int", to = "school_id", references = "student.School" }
Either = { type = "int", to = "either_id", references = ["student.School", "student.Student"] }
Group  = { to = "group_id", derived = "student.Town" }

[Town]
derived_from = "student.Student"
key = ["Town"]
target = "towns"
%s
[Town.columns]
Town = { to = "town" }
"""
FLAG, AGREES = 'action = "flag"', 'rule = "agrees", column = "Town", other = "Town"'
REFUSED = {
    "where no column is": (
        f'rule = "present", column = "Town", where = {{ Home = [] }}, {FLAG}',
        "",
        "Student.rules.present: student.Student reads no column 'Home'",
    ),
    "through no reference": (
        f'{AGREES}, through = "Town", {FLAG}',
        "",
        "Student.rules.agrees.through: 'Town' is no reference to one parent",
    ),
    "through one of several": (
        f'{AGREES}, through = "Either", {FLAG}',
        "",
        "Student.rules.agrees.through: 'Either' is no reference to one parent",
    ),
    "no column of the parent": (
        f'rule = "agrees", column = "Town", other = "Home", through = "School", {FLAG}',
        "",
        "Student.rules.agrees.other: student.School reads no column 'Home'",
    ),
    "a fate that hangs on a circle": (
        f'{AGREES}, through = "School", action = "reject"',
        "",
        'student.Student -> student.School -> student.Student; let it flag a row (action = "flag")',
    ),
    "unique in groups": (
        f'rule = "present", column = "Town", {FLAG}',
        'rules = [{ rule = "unique", column = "Town", action = "flag", hazard = "H1", because = "it is so" }]',
        "Town.rules.unique: a row of a derived entity is unique by its key: say it of student.Student",
    ),
}


@pytest.mark.parametrize(("rule", "of_groups", "message"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_cannot_be_decided_is_refused(tmp_path: Path, rule: str, of_groups: str, message: str) -> None:
    (tmp_path / "student.toml").write_text(ENTRIES % (rule, of_groups), encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert message in str(caught.value)


def test_a_row_may_be_flagged_by_a_parent_in_its_circle(tmp_path: Path) -> None:
    (tmp_path / "student.toml").write_text(ENTRIES % (f'{AGREES}, through = "School", {FLAG}', ""), encoding="utf-8")
    assert load_catalog(tmp_path).circle("student.Student") == {"student.Student", "student.School"}
