"""What a district, its schools and its staff chose: calendars, cut points, who gives which assessment, what is shown.

Invariant: without planted dirt every reference lives, and nobody has two settings of one name.
"""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta

from pipeline.demo.campus import Campus
from pipeline.demo.results import LETTERS, LEVELS, OBSERVED, READING
from pipeline.demo.roster import ATTRIBUTES
from pipeline.demo.stamps import day, instant_or_none
from pipeline.demo.tables import Profile, insert, keys

HOLIDAYS = ((11, 26, "Harvest break", 2), (12, 21, "Winter break", 9), (4, 5, "Spring break", 5))


def fill_choices(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    """Write calendars, cut points, availability, settings and what members of staff see."""
    _fill_calendars(connection, profile, campus)
    _fill_cut_points(connection, profile, campus)
    _fill_availability(connection, profile, campus)
    _fill_settings(connection, profile, campus)
    _fill_shown(connection, profile, campus)


def _fill_calendars(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("DistrictCalendar")
    number, school_number = keys(random), keys(random)
    columns = "Subject Description Start End ModifiedDate ModifiedBy"
    for year in profile.years:
        events = [
            (text, None, day(first), day(first + timedelta(days=days)), instant_or_none(random, year), "rollover")
            for month, dom, text, days in HOLIDAYS
            for first in (date(year + (month < 8), month, dom),)
        ]
        insert(connection, "DistrictCalendar", f"Id {columns}", ((next(number), *event) for event in events))
        insert(
            connection,
            "SchoolCalendar",
            f"Id SchoolID {columns}",
            ((next(school_number), school, *random.choice(events)) for school in campus.schools),
        )


def _fill_cut_points(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    number, yearly = (
        keys(profile.random("Assessment_Benchmarks")),
        keys(profile.random("District_YearlyAssessmentBenchmark")),
    )
    points = "AssessmentField DoesNotMeet Approaches Meets Exceeds"
    insert(
        connection,
        "Assessment_Benchmarks",
        f"Id AssessmentID GradeID TestLevelPeriodID {points}",
        (
            (next(number), assessment, grade, period, field, base, base + 1, base + 2.5, base + 4.75)
            for assessment, field in ((READING, "TextLevel"), (LETTERS, "TotalScore"))
            for order, grade in enumerate(campus.grades[1:4])
            for period in (1, 4)
            for base in (2 * order + period,)
        ),
    )
    insert(
        connection,
        "District_YearlyAssessmentBenchmark",
        f"Id AssessmentID GradeID {points}",
        (
            (next(yearly), READING, grade, "TextLevel", n, n + 1, n + 2, n + 3)
            for n, grade in enumerate(campus.grades, 1)
        ),
    )
    insert(
        connection,
        "FPComparison",
        "ID Grades DRAs RR FPs FPID Lexiles FPOrder DRAID",
        (
            (n, "K, 1" if n < 9 else "2-5", str(n), str(n), level, n, f"{20 * n}L" if n > 3 else None, n, n)
            for n, level in enumerate(LEVELS, 1)
        ),
    )


def _fill_availability(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("SchoolAssessment")
    link, own = keys(random), keys(random)
    insert(
        connection,
        "SchoolAssessment",
        "Id AssessmentId SchoolId AssessmentIsAvailable",
        (
            (next(link), assessment, school, int(random.random() < 0.8))
            for assessment in (READING, LETTERS, OBSERVED)
            for school in campus.schools
        ),
    )
    insert(
        connection,
        "StaffAssessment",
        "Id AssessmentId StaffId AssessmentIsAvailable",
        ((next(own), random.choice((READING, LETTERS)), staff, random.choice((0, 1))) for staff in campus.staff),
    )


def _fill_settings(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("StaffSetting")
    number = keys(random)

    def chosen(attribute: str, staff: int) -> str:
        values = {
            "school": random.choice(campus.schools),
            "grade": random.choice(campus.grades),
            "schoolyear": random.choice(profile.years),
            "teacher": staff,
            "hfwsinglerange": "1-26",
            "turnOffCommentBubbles": "true",
        }
        return str(values[attribute])

    insert(
        connection,
        "StaffSetting",
        "Id StaffId SelectedValueId Attribute ModifiedDate",
        (
            (next(number), staff, chosen(attribute, staff), attribute, instant_or_none(random, profile.last_year))
            for staff in campus.staff
            for attribute in ("school", "grade", "schoolyear", "teacher", "hfwsinglerange", "turnOffCommentBubbles")
        ),
    )


def _fill_shown(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("StaffAssessmentFieldVisibility")
    links = [keys(random) for _ in range(4)]
    fields = connection.execute('SELECT "Id", "AssessmentId" FROM "AssessmentField" ORDER BY "Id"').fetchall()
    some = random.sample(campus.staff, 6)
    insert(
        connection,
        "StaffAssessmentFieldVisibility",
        "Id StaffId AssessmentId AssessmentFieldId DisplayInObsSummary DisplayInEditResultList DisplayInLineGraphs",
        (
            (next(links[0]), staff, assessment, field, *(random.choice((0, 1, None)) for _ in range(3)))
            for staff in some
            for field, assessment in random.sample(fields, 3)
        ),
    )
    insert(
        connection,
        "StaffObservationSummaryAssessment",
        "Id AssessmentId StaffId Hidden",
        ((next(links[1]), random.choice((READING, LETTERS)), staff, random.choice((1, 1, 0))) for staff in some),
    )
    insert(
        connection,
        "StaffObservationSummaryAssessmentField",
        "Id AssessmentId AssessmentFieldId StaffId Hidden",
        (
            (next(links[2]), assessment, field, staff, 1)
            for staff in some
            for field, assessment in random.sample(fields, 2)
        ),
    )
    insert(
        connection,
        "StaffStudentAttribute",
        "Id AttributeId StaffId Visible",
        ((next(links[3]), kind, staff, random.choice((0, 1))) for staff in some for kind in ATTRIBUTES),
    )
