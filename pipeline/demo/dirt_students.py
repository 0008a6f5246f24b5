"""Dirt in a district's students, and the rows that are rejected with one.

Rejected students come first, so that no later hazard lands on rows that are rejected with them.
"""

from __future__ import annotations

from datetime import date, time

from pipeline.demo.planting import Outcome, Planting
from pipeline.demo.stamps import utc
from pipeline.demo.tables import Cell, Profile

DEAD = 987_654
CHILDREN = (
    "StudentSchool",
    "StudentSection",
    "StudentNote",
    "StudentAttributeData",
    "StudentInterventionGroup",
    "InterventionAttendance",
    "AssessmentFP",
    "AssessmentLID",
    "TeamMeetingStudent",
    "TeamMeetingStudentNote",
)
#: Times that a zone's clock skipped, skipped to the last tick, showed twice, and skipped while a note was written.
CHANGES = {
    "America/Chicago": (
        "2016-03-13 02:30:00.000",
        "2019-03-10 02:59:59.997",
        "2015-11-01 01:30:00.007",
        "2018-03-11 02:15:00.003",
    ),
    "Australia/Sydney": (
        "2016-10-02 02:30:00.000",
        "2019-10-06 02:59:59.997",
        "2015-04-05 02:30:00.007",
        "2018-10-07 02:15:00.003",
    ),
}
LONG_IDENTIFIER = "T-" + "0123456789" * 20


def plant_students(planting: Planting, profile: Profile) -> None:
    """Spoil students; to be called before anything else of the district is spoiled."""
    _plant_rejects(planting)
    _plant_names(planting, profile)
    _plant_identity(planting, profile)
    _plant_days(planting, profile)
    if profile.wide:
        _plant_wide(planting)


def _plant_rejects(planting: Planting) -> None:
    (student,) = planting.spoil(
        "student-nul",
        "Student",
        {"LastName": "Apple\0wick"},
        outcome="reject",
        hazard="H48",
        note="U+0000 in LastName: the target refuses it and no rule may replace it",
        where='"Id" IN (SELECT "StudentID" FROM "StudentNote")',
    )
    for table in filter(planting.has, CHILDREN):
        identity = planting.key_columns(table)[0]
        found = planting.connection.execute(
            f'SELECT "{identity}" FROM "{table}" WHERE "StudentID" = ? ORDER BY "{identity}"', (student,)
        ).fetchall()
        if found:
            planting.record(
                f"child-of-rejected-{table}",
                table,
                found,
                outcome="reject",
                hazard="H39",
                note="the required student is itself rejected",
            )
    planting.bar(int(str(student)))
    for table in ("StudentSchool", "StudentSection", "AssessmentFP", "AssessmentLID", "StudentNote"):
        planting.spoil(
            f"dead-student-{table}",
            table,
            {"StudentID": DEAD},
            outcome="reject",
            hazard="H39",
            note="the required student does not exist",
        )
    staff = planting.copy(
        "staff-identifier-long",
        "Staff",
        {
            "TeacherIdentifier": LONG_IDENTIFIER,
            "Email": "long.identifier@nowhere.example",
            "LoweredUserName": "long.identifier@nowhere.example",
        },
        outcome="reject",
        hazard="H49",
        note="TeacherIdentifier of 202 characters; never cut",
    )
    for table in ("StaffSchool", "StaffSection"):
        planting.copy(
            f"child-of-rejected-{table}",
            table,
            {"StaffID": staff[0]},
            outcome="reject",
            hazard="H39",
            note="the required staff member is itself rejected",
        )


def _plant_names(planting: Planting, profile: Profile) -> None:
    planting.spoil_each(
        "Student",
        [
            ("first-name-null", {"FirstName": None}, "flag", "H1", "no first name"),
            ("dob-null", {"DOB": None}, "flag", "H1", "no birth date"),
            ("first-name-empty", {"FirstName": ""}, "flag", "H2", "'' where NULL is meant; stays ''"),
            (
                "middle-name-blank",
                {"MiddleName": "   "},
                "flag",
                "H2",
                "blanks where NULL is meant; stay blanks",
            ),
            (
                "last-name-trailing",
                {"LastName": "Otterbourne  "},
                "flag",
                "H2",
                "trailing blanks are part of the text",
            ),
            (
                "first-name-composed",
                {"FirstName": "Jos\u00e9"},
                "flag",
                "H47",
                "U+00E9, not to be decomposed",
            ),
            (
                "first-name-combining",
                {"FirstName": "Jose\u0301"},
                "flag",
                "H47",
                "e and U+0301, not to be composed",
            ),
            (
                "first-name-supplementary",
                {"FirstName": "𝒬uill🌞"},
                "flag",
                "H47",
                "letters beyond the basic plane",
            ),
            (
                "comment-controls",
                {"Comment": 'tab\there, "quoted", back\\slash\r\nnext'},
                "flag",
                "H47",
                "control characters",
            ),
            (
                "district-null",
                {"DistrictID": None},
                "flag",
                "H56",
                "no district; the tenant is the database it came from",
            ),
            (
                "district-other",
                {"DistrictID": 3 - profile.district_id},
                "flag",
                "H56",
                "names the other district",
            ),
            ("gender-mismatch", {"Gender": "X", "GenderID": 99}, "flag", "H55", "codes without a table"),
        ],
    )


def _plant_identity(planting: Planting, profile: Profile) -> None:
    def identifier(key: object) -> str:
        return str(planting.value("Student", (int(str(key)),), "StudentIdentifier"))

    for name, hazard, note in (
        ("identifier-padded", "H3", "blanks around the identifier"),
        ("identifier-lower", "H3", "identifier in lower case"),
        ("identifier-stripped", "H3", "leading zeros lost"),
    ):
        key = planting.pick("Student")
        text = identifier(key[0])
        spoilt = {
            "identifier-padded": f"  {text} ",
            "identifier-lower": text.lower(),
            "identifier-stripped": text[2:].lstrip("0"),
        }[name]
        planting.change("Student", key, {"StudentIdentifier": spoilt})
        planting.record(name, "Student", [key], outcome="finding", hazard=hazard, note=note)
    first, second = planting.pick("Student"), planting.pick("Student")
    planting.change("Student", second, {"StudentIdentifier": identifier(first[0])})
    planting.record(
        "identifier-duplicate",
        "Student",
        [first, second],
        outcome="finding",
        hazard="H3",
        note="two students with one identifier; never merged",
    )
    twin = planting.pick("Student")
    copy = planting.copy(
        "student-twice",
        "Student",
        {"StudentIdentifier": f"S{profile.district_id}900001"},
        outcome="flag",
        hazard="H4",
        note="the same person under two ids; both kept",
        of=twin,
    )
    planting.record("student-twice-original", "Student", [twin], outcome="flag", hazard="H4", note=f"twin of {copy[0]}")
    planting.spoil_each(
        "Student",
        [
            ("active-null", {"IsActive": None}, "raw", "H51", "NULL means active"),
            ("active-one", {"IsActive": 1}, "flag", "H51", "plainly active"),
            (
                "inactive-dated",
                {"IsActive": 0, "ModifiedDate": "2019-06-11 09:15:20.337"},
                "flag",
                "H51",
                "deleted at ModifiedDate",
            ),
            (
                "inactive-undated",
                {"IsActive": 0, "ModifiedDate": None},
                "finding",
                "H52",
                "deletion date by rule",
            ),
            (
                "modified-by-marker",
                {"ModifiedBy": "rollover", "ModifiedDate": None},
                "flag",
                "H53",
                "marker, not a person",
            ),
        ],
    )


def _plant_days(planting: Planting, profile: Profile) -> None:
    def midnight(day: date) -> str:
        return utc(day, time(0, 0), profile.tenant_zone)

    planting.spoil_each(
        "Student",
        [
            (
                "dob-summer-midnight",
                {"DOB": midnight(date(2008, 7, 14))},
                "raw",
                "H40",
                "local midnight as UTC, daylight time",
            ),
            (
                "dob-winter-midnight",
                {"DOB": midnight(date(2008, 1, 14))},
                "raw",
                "H40",
                "local midnight as UTC, standard time",
            ),
            (
                "dob-other-time",
                {"DOB": "2008-01-14 17:45:00.000"},
                "raw",
                "H40",
                "a time of day that is no midnight: its own day",
            ),
            (
                "dob-never",
                {"DOB": "9999-12-31 00:00:00.000"},
                "null",
                "H45",
                "sentinel for an absent birth date",
            ),
            (
                "dob-never-late",
                {"DOB": "9999-12-31 23:59:59.997"},
                "null",
                "H45",
                "the same with a time of day",
            ),
            ("dob-future", {"DOB": "2031-05-02 00:00:00.000"}, "flag", "H45", "in the future"),
            ("dob-old", {"DOB": "1921-03-04 00:00:00.000"}, "flag", "H45", "a hundred years old"),
            ("dob-leap", {"DOB": "2012-02-29 00:00:00.000"}, "flag", "H45", "leap day; a plain date"),
        ],
    )
    _plant_instants(planting, profile)


def _plant_instants(planting: Planting, profile: Profile) -> None:
    ticks: list[tuple[str, str, Outcome, str]] = [
        ("tick-3", "2018-10-03 14:22:05.003", "flag", "H44"),
        ("tick-7", "2018-10-03 14:22:05.007", "flag", "H44"),
        ("tick-last", "2018-10-03 23:59:59.997", "flag", "H44"),
    ]
    if profile.host_zone in CHANGES:
        # A host clock on UTC has no change of clocks, so these mean something only where it has a zone.
        gap, last, overlap, noted = CHANGES[profile.host_zone]
        ticks += [
            ("clock-gap", gap, "raw", "H43"),
            ("clock-gap-tick", last, "raw", "H43"),
            ("clock-overlap", overlap, "raw", "H43"),
        ]
        planting.spoil(
            "note-clock-gap",
            "StudentNote",
            {"NoteDate": noted},
            outcome="raw",
            hazard="H43",
            note="a required instant that the local clock skipped",
        )
    for name, stamp, outcome, hazard in ticks:
        note = f"ModifiedDate {stamp} on the host's clock"
        changes: dict[str, Cell] = {"ModifiedDate": stamp, "IsActive": 1}
        planting.spoil(name, "Student", changes, outcome=outcome, hazard=hazard, note=note)


def _plant_wide(planting: Planting) -> None:
    blank = {f"Contact2{name}": "" for name in ("FirstName", "LastName", "Relationship", "HomePhone", "Email")}
    planting.spoil(
        "contact-empty",
        "Student",
        {**blank, "Contact2IsPrimary": None},
        outcome="flag",
        hazard="H2",
        note="a contact of empty strings, as the screen writes an absent one",
    )
    planting.spoil(
        "current-school-dead",
        "Student",
        {"EnrollmentSchoolID": DEAD},
        outcome="null",
        hazard="H39",
        note="optional school that does not exist",
    )
    planting.spoil(
        "current-start-midnight",
        "Student",
        {"EnrollmentStartDate": "2018-09-04 06:00:00.000"},
        outcome="raw",
        hazard="H40",
        note="local midnight as UTC in Denver's daylight time",
    )
