"""Dirt in a district's work: definitions, due dates, sections, results, interventions.

Results are only changed, never added, so that their number stays what was asked for.
"""

from __future__ import annotations

from datetime import date, time

from pipeline.demo.campus import GRADES
from pipeline.demo.dirt_students import DEAD
from pipeline.demo.planting import Planting
from pipeline.demo.stamps import utc
from pipeline.demo.tables import Profile


def plant_work(planting: Planting, profile: Profile) -> None:
    """Spoil definitions, calendar, sections, results and interventions."""
    _plant_results(planting)
    _plant_definitions(planting)
    _plant_sections(planting, profile)
    _plant_interventions(planting)
    if profile.wide:
        _plant_grades(planting)


def _plant_results(planting: Planting) -> None:
    planting.spoil_each(
        "AssessmentFP",
        [
            ("level-text", {"TextLevel": "abc"}, "reject", "H29", "text in an int column"),
            (
                "score-three-decimals",
                {"TotalScore": 1.005},
                "reject",
                "H50",
                "three decimals in decimal(18,2)",
            ),
            ("section-none", {"SectionID": -1}, "null", "H22", "imports know no section"),
            ("section-dead", {"SectionID": DEAD}, "null", "H22", "section that no longer exists"),
            ("recorder-dead", {"RecorderID": DEAD}, "null", "H39", "recorder that no longer exists"),
            ("due-date-dead", {"TestDueDateID": DEAD}, "null", "H39", "due date that no longer exists"),
            (
                "taken-sentinel",
                {"DateTestTaken": "1900-01-01 00:00:00.000"},
                "null",
                "H25",
                "an absent date, copied as ''",
            ),
            (
                "taken-time-of-day",
                {"DateTestTaken": "2018-10-03 13:45:10.123"},
                "raw",
                "H26",
                "an import wrote 'now'",
            ),
            ("taken-null", {"DateTestTaken": None}, "flag", "H1", "no day"),
            ("level-unknown", {"TextLevel": 999}, "finding", "H31", "no lookup row for the value"),
            ("accuracy-range", {"Accuracy": 150.25}, "flag", "H32", "outside its field's range"),
            ("comments-empty", {"Comments": ""}, "flag", "H2", "'' stays ''"),
            (
                "comments-unicode",
                {"Comments": "Läs\u0301ning 🌞 𝒬 'ok' \\ \"q\" "},
                "flag",
                "H47",
                "hard characters",
            ),
            ("copied-null", {"IsCopied": None}, "flag", "H24", "never copied"),
            ("copied-edited", {"IsCopied": 0}, "flag", "H24", "copied, then edited"),
            ("copied", {"IsCopied": 1}, "flag", "H24", "a copy"),
            ("score-large", {"TotalScore": 9999999999999.99}, "flag", "H50", "beyond decimal(10,2)"),
            ("score-null", {"TotalScore": None, "Accuracy": None}, "flag", "H28", "NULL, not zero"),
            ("score-zero", {"TotalScore": 0, "Accuracy": 0}, "flag", "H28", "zero, not NULL"),
        ],
    )
    first, second = planting.pick("AssessmentFP"), planting.pick("AssessmentFP")
    columns = ("StudentID", "SectionID", "TestDueDateID")
    planting.change(
        "AssessmentFP", second, {column: planting.value("AssessmentFP", first, column) for column in columns}
    )
    planting.record(
        "result-twice",
        "AssessmentFP",
        [first, second],
        outcome="flag",
        hazard="H23",
        note="two rows for one student and due date; both kept",
    )
    planting.spoil(
        "letters-section-none",
        "AssessmentLID",
        {"SectionID": -1},
        outcome="null",
        hazard="H22",
        note="imports know no section",
    )


def _plant_definitions(planting: Planting) -> None:
    planting.spoil(
        "storage-missing",
        "Assessment",
        {"StorageTable": "AssessmentObservation"},
        outcome="finding",
        hazard="H37",
        note="names a result table that does not exist",
        where='"Id" = 4',
    )
    planting.copy(
        "storage-null",
        "Assessment",
        {"StorageTable": None, "AssessmentName": "Draft"},
        outcome="finding",
        hazard="H37",
        note="names no result table",
        of=(4,),
    )
    planting.spoil(
        "field-previous",
        "AssessmentField",
        {"PreviousId": 41},
        outcome="flag",
        hazard="H12",
        note="points into another district; provenance only",
    )
    planting.spoil_each(
        "District_Benchmark",
        [
            (
                "cut-points-descend",
                {"DoesNotMeet": 9, "Approaches": 7.5, "Meets": 6, "Exceeds": 4.25},
                "flag",
                "H50",
                "not ascending",
            ),
            (
                "cut-points-missing",
                {"DoesNotMeet": None, "Exceeds": None},
                "flag",
                "H50",
                "missing cut points",
            ),
            (
                "cut-points-field",
                {"AssessmentField": "textlevel"},
                "flag",
                "H50",
                "the field's name in other case",
            ),
            (
                "cut-points-no-field",
                {"AssessmentField": "Fluency"},
                "flag",
                "H50",
                "names a field that does not exist",
            ),
            ("cut-points-large", {"Exceeds": 9999999999999.99}, "flag", "H50", "beyond decimal(10,2)"),
        ],
    )
    regular = '"TestLevelPeriodID" < 5'
    planting.spoil_each(
        "TestDueDate",
        [
            ("due-date-null", {"DueDate": None}, "flag", "H57", "no due date"),
            ("due-date-no-period", {"TestLevelPeriodID": None}, "flag", "H57", "no period"),
            ("due-date-no-year", {"SchoolStartYear": 1999}, "null", "H57", "a year without a SchoolYear row"),
            (
                "due-date-sentinel",
                {"DueDate": "1900-01-01 00:00:00.000"},
                "null",
                "H25",
                "an empty string once",
            ),
            ("due-date-time", {"DueDate": "2018-10-03 14:00:00.000"}, "raw", "H40", "its own day"),
        ],
        where=regular,
    )
    planting.copy(
        "due-date-twice",
        "TestDueDate",
        {},
        outcome="flag",
        hazard="H57",
        where=regular,
        note="two regular due dates of one year and period",
    )


def _plant_sections(planting: Planting, profile: Profile) -> None:
    def lesson(day: date, hour: int) -> str:
        return utc(day, time(hour, 30), profile.tenant_zone)

    summer, winter = date(2018, 9, 10), date(2019, 1, 14)
    # A section whose id attendance also uses is left for the hazards of attendance.
    unused = '"Id" NOT IN (SELECT "SectionID" FROM "InterventionAttendance")'
    for table in ("Section", "InterventionGroup"):
        for name, start, end, note in (
            ("summer", lesson(summer, 8), lesson(summer, 9), "08:30 local in daylight time"),
            (
                "winter",
                lesson(winter, 8),
                lesson(winter, 9),
                "08:30 local in standard time, an hour later in UTC",
            ),
            ("wraps", lesson(winter, 16), lesson(winter, 19), "ends after midnight UTC"),
            (
                "odd-day",
                "1900-01-01 14:30:00.000",
                "1900-01-01 15:30:00.000",
                "no real day to take the offset from",
            ),
        ):
            planting.spoil(
                f"{table}-time-{name}",
                table,
                {"StartTime": start, "EndTime": end},
                outcome="raw",
                hazard="H41",
                note=note,
                where=unused if table == "Section" else "TRUE",
            )
    planting.spoil(
        "primary-differs",
        "StaffSection",
        {"StaffHierarchyPermissionID": 2},
        outcome="flag",
        hazard="H59",
        note="no primary teacher, though the section names one",
        where='"StaffHierarchyPermissionID" = 1',
    )


def _plant_interventions(planting: Planting) -> None:
    no_group = '"Id" NOT IN (SELECT "Id" FROM "InterventionGroup")'
    old = planting.spoil(
        "section-was-group",
        "Section",
        {"IsInterventionGroup": 1, "Name": "Reading Circle (old)"},
        outcome="flag",
        hazard="H58",
        note="an intervention group from before the tables were split",
        where=no_group,
    )
    both = planting.spoil(
        "section-group-twin",
        "Section",
        {"IsInterventionGroup": 1, "Name": "Reading Circle (twin)"},
        outcome="flag",
        hazard="H58",
        note="an old section that shares its id with a group",
        where=f"NOT ({no_group})",
    )
    planting.spoil_each(
        "InterventionAttendance",
        [
            (
                "attendance-by-stint",
                {"SectionID": old[0]},
                "finding",
                "H18",
                "old section's id, but the stint names the group",
            ),
            (
                "attendance-by-group",
                {"ClassStartEndID": None},
                "finding",
                "H18",
                "no stint: the group by its id",
            ),
            (
                "attendance-by-section",
                {"SectionID": old[0], "ClassStartEndID": None},
                "null",
                "H18",
                "only an old section fits",
            ),
            (
                "attendance-by-both",
                {"SectionID": both[0], "ClassStartEndID": None},
                "finding",
                "H18",
                "group and old section fit: the group",
            ),
            (
                "attendance-dead",
                {"SectionID": DEAD, "ClassStartEndID": None},
                "null",
                "H18",
                "neither group nor section",
            ),
            ("attendance-stint-dead", {"ClassStartEndID": DEAD}, "null", "H19", "stint that does not exist"),
            ("attendance-reason", {"AttendanceReasonID": -1}, "raw", "H20", "unknown reason"),
            ("attendance-midday", {"AttendanceDate": "2018-10-03 17:00:00.000"}, "raw", "H40", "its own day"),
        ],
    )
    planting.copy(
        "attendance-twice",
        "InterventionAttendance",
        {"Notes": "Auto Added"},
        outcome="flag",
        hazard="H21",
        note="two rows for one stint and day",
    )
    planting.spoil(
        "stint-reversed",
        "StudentInterventionGroup",
        {"EndDate": "2001-01-01 00:00:00.000"},
        outcome="flag",
        hazard="H63",
        note="ends before it starts",
    )
    planting.spoil(
        "stint-open",
        "StudentInterventionGroup",
        {"EndDate": None},
        outcome="flag",
        hazard="H63",
        note="never ended",
    )


def _plant_grades(planting: Planting) -> None:
    planting.spoil(
        "grade-spelling",
        "Grade",
        {"LongName": "Kdg"},
        outcome="finding",
        hazard="H68",
        note="differs from the system's Kindergarten, so it stays the district's own",
        where="\"ShortName\" = 'K'",
    )
    planting.copy(
        "grade-extra",
        "Grade",
        {"ShortName": "TK", "LongName": "Transitional Kindergarten", "GradeOrder": len(GRADES) + 1},
        outcome="finding",
        hazard="H68",
        note="a grade the system does not know",
        where="\"ShortName\" = 'P'",
    )
