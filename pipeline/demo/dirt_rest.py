"""Dirt in the tables that few tests need: meetings, calendars, settings, cut points, what interventions are made of.

To be called after all else of the district is spoiled, as some of it is beside what was spoiled there.
"""

from __future__ import annotations

from datetime import date, time

from pipeline.demo.dirt_students import DEAD
from pipeline.demo.planting import Planting
from pipeline.demo.results import READING
from pipeline.demo.stamps import utc
from pipeline.demo.tables import Profile

#: Who administers the system is copied into the staff of each district that they enter.
ANYWHERE = "visiting.administrator@region.example"
NEVER = "1900-01-01 00:00:00.000"
#: Tables of links, in which a pair may stand twice.
LINKS = (
    "AttendeeGroupStaff",
    "StaffSchoolGrade",
    "TeamMeetingManager",
    "StaffInterventionGroup",
    "InterventionGrade",
    "InterventionToolIntervention",
)


def plant_rest(planting: Planting, profile: Profile) -> None:
    """Spoil what is in no table of the others."""
    _plant_people(planting)
    _plant_dead(planting)
    _plant_meetings(planting, profile)
    _plant_calendars(planting, profile)
    _plant_settings(planting)
    _plant_cut_points(planting)
    _plant_interventions(planting)
    for table in LINKS:
        planting.copy(f"{table}-twice", table, {}, outcome="flag", hazard="H60", note="repeated pair; both kept")


def _plant_people(planting: Planting) -> None:
    planting.copy(
        "staff-of-several",
        "Staff",
        {"Email": ANYWHERE, "LoweredUserName": ANYWHERE, "TeacherIdentifier": "T90077"},
        outcome="flag",
        hazard="H6",
        note="stands in every district with one address; a row of each tenant",
    )
    planting.spoil(
        "generations-disagree",
        "Student",
        {"Gender": "M", "GenderID": 1, "ELL": 1, "Gifted": None},
        outcome="flag",
        hazard="H54",
        note="two generations of one fact; both are kept",
    )


def _plant_dead(planting: Planting) -> None:
    for name, table, column in (
        ("school-availability-dead", "SchoolAssessment", "SchoolId"),
        ("staff-availability-dead", "StaffAssessment", "StaffId"),
        ("meeting-no-organizer", "TeamMeeting", "StaffID"),
        ("group-staff-dead", "StaffInterventionGroup", "StaffID"),
        ("shown-field-dead", "StaffAssessmentFieldVisibility", "AssessmentFieldId"),
        ("shown-attribute-dead", "StaffStudentAttribute", "AttributeId"),
    ):
        key = planting.spoil(
            name,
            table,
            {column: DEAD},
            outcome="reject",
            hazard="H39",
            note=f"the required {column} does not exist",
        )
        if table == "TeamMeeting":
            _reject_with(planting, int(str(key[0])))
    for name, table, column in (
        ("meeting-no-year", "TeamMeeting", "SchoolYear"),
        ("meeting-window-dead", "TeamMeeting", "TestDueDateId"),
        ("invited-school-dead", "TeamMeetingAttendance", "SchoolID"),
        ("group-tier-dead", "InterventionGroup", "InterventionTierID"),
        ("group-kind-dead", "InterventionGroup", "InterventionTypeID"),
        ("section-kind-dead", "Section", "InterventionTypeID"),
        ("kind-category-dead", "InterventionType", "CategoryID"),
        ("tool-type-dead", "InterventionTool", "ToolTypeID"),
    ):
        planting.spoil(
            name,
            table,
            {column: DEAD},
            outcome="null",
            hazard="H39",
            note=f"optional {column} that does not exist",
        )


def _reject_with(planting: Planting, meeting: int) -> None:
    """Record what stands under a meeting that is rejected."""
    for table in ("TeamMeetingAttendance", "TeamMeetingManager", "TeamMeetingStudent", "TeamMeetingStudentNote"):
        found = planting.connection.execute(
            f'SELECT "ID" FROM "{table}" WHERE "TeamMeetingID" = ? ORDER BY "ID"', (meeting,)
        ).fetchall()
        planting.record(
            f"of-rejected-meeting-{table}",
            table,
            found,
            outcome="reject",
            hazard="H39",
            note="the required meeting is itself rejected",
        )


def _plant_meetings(planting: Planting, profile: Profile) -> None:
    signed = "https://files.example.org/m.png?sv=2019-12-12&sig=QrS%2btUv%2fWxY%3D&se=2021-01-01"
    planting.spoil_each(
        "TeamMeetingStudentNote",
        [
            (
                "meeting-note-token",
                {"Note": f'<p>See <img src="{signed}"> there.</p>'},
                "finding",
                "H66",
                "token, never kept",
            ),
            ("meeting-note-nul", {"Note": "<p>Lost\0letter.</p>"}, "raw", "H48", "U+0000 replaced by rule, text kept"),
            ("meeting-note-curly", {"Note": "“It’s – well…”"}, "flag", "H47", "curly characters in a varchar column"),
            ("meeting-note-clock", {"NoteDate": "2018-10-03 09:30:00.000"}, "flag", "H42", "the local clock"),
        ],
    )
    planting.spoil(
        "meeting-clock",
        "TeamMeeting",
        {"MeetingTime": utc(date(2018, 10, 3), time(9, 30), profile.tenant_zone), "Title": ""},
        outcome="flag",
        hazard="H42",
        note="UTC, where the notes of the same meeting have the local clock",
    )


def _plant_calendars(planting: Planting, profile: Profile) -> None:
    midnight = utc(date(2019, 3, 4), time(0, 0), profile.tenant_zone)
    for table in ("DistrictCalendar", "SchoolCalendar"):
        planting.spoil_each(
            table,
            [
                (f"{table}-midnight", {"Start": midnight}, "raw", "H40", "local midnight as UTC"),
                (f"{table}-other-time", {"End": "2019-03-08 17:30:00.000"}, "raw", "H40", "its own day"),
                (f"{table}-never", {"Start": NEVER}, "null", "H25", "an empty string once"),
                (f"{table}-marker", {"ModifiedBy": "rollover", "ModifiedDate": None}, "flag", "H53", "marker, no date"),
            ],
        )


def _plant_settings(planting: Planting) -> None:
    planting.spoil_each(
        "StaffSetting",
        [
            ("setting-dead", {"SelectedValueId": str(DEAD)}, "flag", "H64", "an id that is not there; text stays text"),
            ("setting-none", {"SelectedValueId": "-1"}, "flag", "H64", "nothing chosen"),
            ("setting-empty", {"SelectedValueId": ""}, "flag", "H64", "'' stays ''"),
            ("setting-null", {"SelectedValueId": None}, "flag", "H64", "NULL stays NULL"),
            ("setting-unknown", {"Attribute": "favoritecolor"}, "finding", "H64", "an attribute that nobody knows"),
        ],
    )
    planting.copy(
        "setting-twice",
        "StaffSetting",
        {"SelectedValueId": "2"},
        outcome="flag",
        hazard="H64",
        note="two settings of one attribute for one member of staff; both kept",
        where="\"Attribute\" = 'grade'",
    )


def _plant_cut_points(planting: Planting) -> None:
    planting.spoil(
        "cut-points-copied",
        "Assessment_Benchmarks",
        {"GradeID": 1, "TestLevelPeriodID": 3},
        outcome="flag",
        hazard="H13",
        note="with the grade and period of another district, which exist here, too",
        where='"AssessmentID" IN (SELECT "AssessmentId" FROM "AssessmentField" WHERE "PreviousId" IS NOT NULL)',
    )
    planting.spoil_each(
        "District_YearlyAssessmentBenchmark",
        [
            ("yearly-points-large", {"Exceeds": 9999999999999.99}, "flag", "H50", "beyond decimal(10,2)"),
            ("yearly-points-missing", {"Meets": None}, "flag", "H50", "missing cut points"),
            ("yearly-points-no-field", {"AssessmentField": "Fluency"}, "flag", "H50", "no such field"),
        ],
    )
    grade = planting.connection.execute(
        'SELECT "GradeID" FROM "District_Benchmark" WHERE "TestLevelPeriodID" = 1 ORDER BY "Id" LIMIT 1'
    ).fetchone()[0]
    planting.copy(
        "cut-points-twice",
        "Assessment_Benchmarks",
        {"AssessmentID": READING, "GradeID": grade, "TestLevelPeriodID": 1, "AssessmentField": "TextLevel"},
        outcome="flag",
        hazard="H50",
        note="the same cut point as in the district's own table; both kept",
    )


def _plant_interventions(planting: Planting) -> None:
    planting.spoil_each(
        "InterventionAttendance",
        [
            ("attendance-reason-dead", {"AttendanceReasonID": DEAD}, "null", "H20", "reason that does not exist"),
            ("attendance-auto", {"Notes": "Auto Added"}, "flag", "H21", "a machine's row"),
        ],
    )
    one, other = planting.pick("StudentInterventionGroup"), planting.pick("StudentInterventionGroup")
    (stint,) = one
    planting.spoil(
        "attendance-other-student",
        "InterventionAttendance",
        {"ClassStartEndID": other[0]},
        outcome="flag",
        hazard="H19",
        note="the stint is another student's",
        where=f'"ClassStartEndID" = {stint}',
    )
    planting.copy(
        "stint-overlap",
        "StudentInterventionGroup",
        {},
        outcome="flag",
        hazard="H63",
        note="two stints of one student in one group and time; both kept",
        of=one,
    )
    planting.spoil(
        "group-staff-code",
        "StaffInterventionGroup",
        {"StaffHierarchyPermissionID": 0},
        outcome="finding",
        hazard="H59",
        note="neither primary nor co-teacher, so that the group has no primary one",
        where='"StaffHierarchyPermissionID" = 1',
    )
    planting.spoil_each(
        "InterventionType",
        [
            ("kind-code", {"DefaultTextLevelType": 7}, "flag", "H55", "a code without a table"),
            ("kind-curly", {"Description": "Children’s “choice” – à la carte"}, "flag", "H47", "varchar, not Unicode"),
        ],
    )
    planting.spoil(
        "tool-file-name",
        "InterventionTool",
        {"FileSystemFileName": "S1000004 plan.pdf"},
        outcome="flag",
        hazard="H65",
        note="a file named after a student; the name stays",
    )
    planting.spoil(
        "reason-spelling",
        "AttendanceReason",
        {"Reason": "child absent "},
        outcome="flag",
        hazard="H68",
        note="spelt otherwise than in other districts; each keeps its own",
        where='"Id" = 3',
    )
