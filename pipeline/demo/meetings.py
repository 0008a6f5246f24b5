"""Groups of staff who meet, their meetings about students, and what was noted there.

Invariant: without planted dirt every reference lives, and a meeting's students were in school in its year.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import date, time, timedelta

from pipeline.demo.campus import Campus
from pipeline.demo.names import sentence
from pipeline.demo.roster import Enrollment
from pipeline.demo.stamps import instant, instant_or_none, utc
from pipeline.demo.tables import Profile, Row, insert, keys

MEETINGS_A_YEAR = 4
GRADE_LEVEL = 3


def fill_meetings(
    connection: sqlite3.Connection, profile: Profile, campus: Campus, enrollments: list[Enrollment]
) -> None:
    """Write teams, four meetings a year with invited staff and students, and who sees which grades."""
    _fill_grades_seen(connection, profile, campus)
    _fill_teams(connection, profile, campus)
    by_year: defaultdict[int, list[Enrollment]] = defaultdict(list)
    for one in enrollments:
        by_year[one.year].append(one)
    random = profile.random("TeamMeeting")
    meeting_key, invited_key, manager_key = keys(random), keys(random), keys(random)
    student_key, note_key = keys(random), keys(random)
    tables: dict[str, list[Row]] = {"meeting": [], "invited": [], "manager": [], "student": [], "note": []}
    for year in profile.years:
        for n in range(MEETINGS_A_YEAR):
            meeting, organizer = next(meeting_key), random.choice(campus.staff)
            held = date(year, 10, 5) + timedelta(days=7 * n)
            due = random.choice(campus.due_dates[year])[0]
            starts = utc(held, time(random.randint(8, 14), 30), profile.tenant_zone)
            tables["meeting"].append((meeting, due, f"Data meeting {n + 1}", sentence(random), starts, organizer, year))
            tables["manager"].append((next(manager_key), meeting, organizer))
            tables["invited"] += [
                (
                    next(invited_key),
                    meeting,
                    staff,
                    int(random.random() < 0.8),
                    random.choice((*campus.schools, None)),
                    0,
                )
                for staff in random.sample(campus.staff, 4)
            ]
            for one in random.sample(by_year[year], 3):
                said = sentence(random) if random.random() < 0.5 else None
                place = (meeting, one.section.staff, one.section.key, one.student)
                tables["student"].append((next(student_key), *place, said))
                noted = instant(random, held)
                tables["note"].append(
                    (next(note_key), meeting, one.student, noted, f"<p>{sentence(random)}</p>", one.section.staff)
                )
    for table, columns, name in (
        ("TeamMeeting", "ID TestDueDateId Title Comments MeetingTime StaffID SchoolYear", "meeting"),
        ("TeamMeetingManager", "ID TeamMeetingID StaffID", "manager"),
        ("TeamMeetingAttendance", "ID TeamMeetingID StaffID Attended SchoolID IncludeAllStudents", "invited"),
        ("TeamMeetingStudent", "ID TeamMeetingID StaffID SectionID StudentID Notes", "student"),
        ("TeamMeetingStudentNote", "ID TeamMeetingID StudentID NoteDate Note StaffID", "note"),
    ):
        insert(connection, table, columns, tables[name])


def _fill_grades_seen(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("StaffSchoolGrade")
    link = keys(random)
    seen = connection.execute(
        'SELECT DISTINCT "SchoolID", "StaffID" FROM "StaffSchool" WHERE "StaffHierarchyPermissionID" = ? ORDER BY 1, 2',
        (GRADE_LEVEL,),
    ).fetchall()
    insert(
        connection,
        "StaffSchoolGrade",
        "Id SchoolID StaffID StaffHierarchyPermissionID GradeID ModifiedDate",
        (
            (next(link), school, staff, 1, grade, instant_or_none(random, profile.last_year))
            for school, staff in seen
            for grade in random.sample(campus.grades, 2)
        ),
    )


def _fill_teams(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("AttendeeGroup")
    number, link = keys(random), keys(random)
    teams = [(next(number), name, random.choice(campus.staff)) for name in ("Grade team", "Literacy team", "Data team")]
    insert(connection, "AttendeeGroup", "Id GroupName StaffId", teams)
    insert(
        connection,
        "AttendeeGroupStaff",
        "Id StaffId AttendeeGroupId",
        ((next(link), staff, team) for team, _, _ in teams for staff in random.sample(campus.staff, 4)),
    )
