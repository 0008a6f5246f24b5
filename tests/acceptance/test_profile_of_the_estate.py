"""`migrate profile` of the rehearsal: the dirt that is planted there is counted, and a run rejects what was foretold."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.core.quality import Kind, verdicts
from pipeline.core.quality import Test as Judgement
from pipeline.demo.estate import build_estate, config_text
from tests.support.commands import migrate
from tests.support.sample import load_sample
from tests.support.site import Site

#: What is planted in district A: what would become of it, of how many rows, where, under which hazard.
HAZARDS = """
rejects 1 AssessmentFP.StudentID H39: leads to no row of student.Student
rejects 1 AssessmentFP.TextLevel -: not of its column's type
rejects 1 AssessmentFP.TotalScore -: not of its column's type
rejects 1 AssessmentLID.StudentID H39: leads to no row of student.Student
rejects 1 InterventionAttendance.SectionID H18: leads to no row of intervention.InterventionGroup or section.Section
rejects 1 SchoolAssessment.SchoolId H39: leads to no row of configuration.School
rejects 1 Staff.TeacherIdentifier H49: text of more than 200 characters
rejects 1 StaffAssessment.StaffId H39: leads to no row of staff.Staff
rejects 1 StaffAssessmentFieldVisibility.AssessmentFieldId H39: leads to no row of assessment.AssessmentField
rejects 1 StaffInterventionGroup.StaffID H39: leads to no row of staff.Staff
rejects 1 StaffStudentAttribute.AttributeId H39: leads to no row of student.StudentAttributeType
rejects 1 Student.LastName H48: text that holds U+0000
rejects 1 StudentNote.StudentID H39: leads to no row of student.Student
rejects 1 StudentSchool.StudentID H39: leads to no row of student.Student
rejects 1 StudentSection.StudentID H39: leads to no row of student.Student
rejects 1 TeamMeeting.StaffID H39: leads to no row of staff.Staff
flags 2 InterventionAttendance.AttendanceReasonID H20: leads to no row of intervention.AttendanceReason, and becomes NULL
flags 2 Student.FirstName H1: not so: a student should have a first name
flags 2 StudentSchool.EndDate H61: not so: an enrollment should not end before it starts
flags 1 AssessmentFP.RecorderID H39: leads to no row of staff.Staff, and becomes NULL
flags 1 AssessmentFP.SectionID H22: leads to no row of section.Section, and becomes NULL
flags 1 AssessmentFP.TestDueDateID H39: leads to no row of assessment.TestDueDate, and becomes NULL
flags 1 InterventionAttendance.ClassStartEndID H19: leads to no row of intervention.StudentInterventionGroup, and becomes NULL
flags 1 InterventionGroup.InterventionTierID H39: leads to no row of intervention.InterventionTier, and becomes NULL
flags 1 InterventionGroup.InterventionTypeID H39: leads to no row of intervention.InterventionType, and becomes NULL
flags 1 InterventionTool.ToolTypeID H39: leads to no row of intervention.InterventionToolType, and becomes NULL
flags 1 InterventionType.CategoryID H39: leads to no row of intervention.InterventionCategory, and becomes NULL
flags 1 Section.InterventionTypeID H39: leads to no row of intervention.InterventionType, and becomes NULL
flags 1 Staff.Email H1: not so: a member of staff should have an e-mail
flags 1 StaffInterventionGroup.StaffHierarchyPermissionID H59: not so: a teacher is the primary one (1) or a co-teacher (2)
flags 1 StaffSetting.Attribute H64: not so: a setting should be one that the product knows
flags 1 Student.DOB H1: not so: a student should have a date of birth
flags 1 StudentAttributeData.AttributeValueID H15: leads to no row of student.StudentAttributeLookupValue, and becomes NULL
flags 1 StudentInterventionGroup.EndDate H63: not so: a stint should not end before it starts
flags 1 StudentSchool.GradeId H39: leads to no row of configuration.Grade, and becomes NULL
flags 1 StudentSection.LastAssociatedTDDID H39: leads to no row of assessment.TestDueDate, and becomes NULL
flags 1 TeamMeeting.SchoolYear H39: leads to no row of configuration.SchoolYear, and becomes NULL
flags 1 TeamMeeting.TestDueDateId H39: leads to no row of assessment.TestDueDate, and becomes NULL
flags 1 TeamMeetingAttendance.SchoolID H39: leads to no row of configuration.School, and becomes NULL
flags 1 TestDueDate.DueDate H57: not so: a test window should have a due date
flags 1 TestDueDate.SchoolStartYear H57: leads to no row of configuration.SchoolYear, and becomes NULL
normalises 4 Student.DOB H40: a day with a time (2 of them midnight of America/Chicago read as UTC)
normalises 2 Student.DOB H45: stands for nothing, and becomes NULL
normalises 2 StudentAttributeData.AttributeValueID H15: stands for nothing, and becomes NULL
normalises 2 StudentSchool.EndDate H40: a day with a time (1 of them midnight of America/Chicago read as UTC)
normalises 2 StudentSchool.StartDate H40: a day with a time (1 of them midnight of America/Chicago read as UTC)
normalises 1 AssessmentFP.DateTestTaken H40: a day with a time
normalises 1 AssessmentFP.DateTestTaken H25: stands for nothing, and becomes NULL
normalises 1 AssessmentFP.SectionID H22: stands for nothing, and becomes NULL
normalises 1 AssessmentLID.SectionID H22: stands for nothing, and becomes NULL
normalises 1 DistrictCalendar.End H40: a day with a time
normalises 1 DistrictCalendar.Start H40: a day with a time (1 of them midnight of America/Chicago read as UTC)
normalises 1 DistrictCalendar.Start H25: stands for nothing, and becomes NULL
normalises 1 InterventionAttendance.AttendanceDate H40: a day with a time
normalises 1 SchoolCalendar.End H40: a day with a time
normalises 1 SchoolCalendar.Start H40: a day with a time (1 of them midnight of America/Chicago read as UTC)
normalises 1 SchoolCalendar.Start H25: stands for nothing, and becomes NULL
normalises 1 StudentNote.Note H48: text that holds U+0000
normalises 1 StudentSchool.StartDate H25: stands for nothing, and becomes NULL
normalises 1 TeamMeetingStudentNote.Note H48: text that holds U+0000
normalises 1 TestDueDate.DueDate H40: a day with a time
normalises 1 TestDueDate.DueDate H25: stands for nothing, and becomes NULL
"""
#: Where the district differs whose tables were changed by hand.
DEVIATIONS = [
    ("absent column", "FPComparison", "Lexiles", 27),
    ("absent column", "FPComparison", "DRAID", 27),
    ("absent column", "InterventionType", "WorkshopID", 6),
    ("absent column", "InterventionTier", "TierColor", 2),
    ("absent table", "InterventionWorkshop", None, None),
    ("absent column", "StaffAssessmentFieldVisibility", "DisplayInEditResultList", 18),
    ("absent column", "TeamMeetingAttendance", "IncludeAllStudents", 48),
    ("own table", "PrintSetting", None, 1),
    ("extra column", "Section", "Room", 0),
    ("extra column", "Student", "BusRoute", 41),
    ("own table", "Student_backup_2012", None, 4),
]
TYPES = {
    ("InterventionToolType", "Id"): (
        {"int not null": ["district_a", "district_b"], "smallint not null": ["district_e"]},
        "int",
    ),
    ("InterventionToolType", "Name"): (
        {"varchar(max)": ["district_a", "district_b"], "varchar(40)": ["district_e"]},
        "varchar(max)",
    ),
    ("StudentSchool", "GradeId"): ({"int": ["district_a", "district_b"], "int not null": ["district_e"]}, None),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("rehearsal")
    build_estate(directory, students={"a": 60, "b": 40, "e": 40}, years=3, whole=True)
    config = directory / "migrate.toml"
    text = config_text(directory, "postgresql://nobody@127.0.0.1:1/{service}", "staging", districts="abe")
    config.write_text(text, encoding="utf-8")
    return dict(json.loads(migrate(config, "profile", "--json").stdout))


def _source(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(s for s in found["sources"] if s["source"] == name)


def _line(h: dict[str, Any]) -> str:
    where = h["table"] if h["column"] is None else f"{h['table']}.{h['column']}"
    detail = "" if h["detail"] is None else f" ({h['detail']})"
    return f"{h['action']} {h['rows']} {where} {h['hazard'] or '-'}: {h['what']}{detail}"


def test_the_dirt_that_is_planted_is_counted(found: dict[str, Any]) -> None:
    lines = [_line(h) for h in _source(found, "district_a")["hazards"]]
    assert [line for line in HAZARDS.strip().splitlines() if line not in lines] == []


def test_every_table_could_be_asked(found: dict[str, Any]) -> None:
    assert [
        (s["source"], t["table"], t["problem"]) for s in found["sources"] for t in s["tables"] if t["problem"]
    ] == []


@pytest.mark.parametrize(
    ("source", "zone"),
    [("district_a", "America/Chicago"), ("district_b", "America/Denver"), ("district_e", "Pacific/Guam")],
)
def test_a_birth_date_that_is_a_local_midnight_gives_its_zone_away(
    found: dict[str, Any], source: str, zone: str
) -> None:
    (student,) = [t for t in _source(found, source)["tables"] if t["table"] == "Student"]
    (born,) = [c for c in student["columns"] if c["name"] == "DOB"]
    assert born["clock"] == {"zone": zone, "rows": 2}


def test_where_a_district_differs_that_was_changed_by_hand(found: dict[str, Any]) -> None:
    # What is wide of a student is optional, and the tables of imports have no entry.
    said = [
        (d["kind"], d["table"], d["column"], d["rows"])
        for d in _source(found, "district_e")["deviations"]
        if not d["table"].endswith("Rollover") and (d["table"], d["kind"]) != ("Student", "absent column")
    ]
    assert said == DEVIATIONS


def test_which_types_districts_declare(found: dict[str, Any]) -> None:
    (fleet,) = found["fleets"]
    assert {
        (d["table"], d["column"]): (d["types"], d["widest"]) for d in fleet["differences"] if len(d["types"]) > 1
    } == TYPES
    assert [a["sources"] for a in fleet["alike"]] == [["district_a"], ["district_b"], ["district_e"]]


def test_a_run_rejects_what_was_foretold(finished: Site) -> None:
    """And nothing else, but for children of rejected rows, and rows of no tenant."""
    foretold: Counter[tuple[str, str]] = Counter()
    for source in json.loads(finished.migrate("profile", "--json").stdout)["sources"]:
        for h in source["hazards"]:
            if h["action"] == "rejects":
                foretold[h["entity"], h["column"]] += h["rows"]
    reasons = [
        (reject["entity"], reason.partition(": "))
        for reject in json.loads(finished.migrate("rejects", "--json").stdout)
        for reason in reject["reasons"]
        if reason != "no tenant"
    ]
    rejected = Counter((entity, column) for entity, (_, _, column) in reasons)
    of_parents = {(entity, column) for entity, (what, _, column) in reasons if what == "parent"}
    assert foretold
    assert {place: n for place, n in foretold.items() if rejected[place] < n} == {}
    assert {place: n for place, n in rejected.items() if n != foretold[place] and place not in of_parents} == {}


def test_a_run_flags_what_was_foretold(finished: Site, ran: tuple[Site, str]) -> None:
    """By hazards that rules alone file; a row that is rejected is not flagged, and what is said twice is said once."""
    said = [v for e in load_sample().entities.values() for v in verdicts(e, Kind.FINDING)]
    others = {v.label for v in said if v.test is not Judgement.RULE}
    of_rules = {v.label for v in said} - others
    foretold: Counter[str] = Counter()
    for source in json.loads(finished.migrate("profile", "--json").stdout)["sources"]:
        for h in source["hazards"]:
            if h["action"] == "flags" and h["hazard"] in of_rules:
                foretold[h["hazard"]] += h["rows"]
    findings = {hazard: n for hazard, n in json.loads(ran[1])["findings"].items() if hazard in of_rules}
    assert len(findings) > 2
    assert foretold == findings
