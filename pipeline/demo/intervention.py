"""Intervention groups, the stints of students in them, and attendance day by day.

Invariant: without planted dirt an attendance row names its stint, and that stint's student and group.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import date, time, timedelta

from pipeline.demo.campus import Campus
from pipeline.demo.names import sentence
from pipeline.demo.roster import Enrollment
from pipeline.demo.stamps import day, instant_or_none, utc
from pipeline.demo.tables import Profile, Row, insert, keys

GROUP_COLUMNS = (
    "Id Name Description StaffID SchoolStartYear SchoolID SectionDataTypeID StartDate EndDate "
    "IsInterventionGroup MondayMeet TuesdayMeet WednesdayMeet ThursdayMeet FridayMeet StartTime EndTime "
    "ModifiedDate ModifiedBy"
)
MEETINGS = 16


def fill_interventions(
    connection: sqlite3.Connection, profile: Profile, campus: Campus, enrollments: list[Enrollment]
) -> None:
    """Write a group for each 50 students, about five stints a group, sixteen attendance rows a stint."""
    random = profile.random("InterventionGroup")
    by_year: defaultdict[int, list[int]] = defaultdict(list)
    for one in enrollments:
        by_year[one.year].append(one.student)
    group_key, stint_key = keys(random), keys(profile.random("StudentInterventionGroup"))
    attendance_key = keys(profile.random("InterventionAttendance"))
    groups: list[Row] = []
    stints: list[Row] = []
    attendance: list[Row] = []
    for number in range(max(6, profile.students // 50)):
        year = profile.years[number % len(profile.years)]
        group, staff = next(group_key), random.choice(campus.staff)
        first = date(year, 9, 18) + timedelta(days=7 * random.randrange(20))
        last = first + timedelta(days=5 * 7)
        starts = time(random.randint(8, 14), 30)
        groups.append(
            (
                group,
                f"Reading Circle {number + 1}",
                sentence(random),
                staff,
                year,
                random.choice(campus.schools),
                3,
                day(first),
                day(last),
                1,
                1,
                0,
                1,
                0,
                1,
                utc(first, starts, profile.tenant_zone),
                utc(first, time(starts.hour + 1, 0), profile.tenant_zone),
                instant_or_none(random, year),
                None,
            )
        )
        members = sorted(set(by_year[year]))
        for student in random.sample(members, min(len(members), random.randint(4, 6))):
            stint = next(stint_key)
            stints.append((stint, student, group, day(first), day(last), instant_or_none(random, year)))
            attendance += [
                (
                    next(attendance_key),
                    group,
                    sentence(random) if random.random() < 0.1 else None,
                    day(first + timedelta(days=2 * n + n // 3)),
                    random.choices(range(1, 8), (80, 5, 6, 3, 2, 2, 2))[0],
                    student,
                    staff,
                    random.choice((None, 0, 1)),
                    stint,
                    instant_or_none(random, year),
                )
                for n in range(MEETINGS)
            ]
    insert(connection, "InterventionGroup", GROUP_COLUMNS, groups)
    insert(
        connection,
        "StudentInterventionGroup",
        "Id StudentID InterventionGroupId StartDate EndDate ModifiedDate",
        stints,
    )
    insert(
        connection,
        "InterventionAttendance",
        "Id SectionID Notes AttendanceDate AttendanceReasonID StudentID RecorderID Contact "
        "ClassStartEndID ModifiedDate",
        attendance,
    )
