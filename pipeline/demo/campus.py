"""What a district has before any student: schools, years, grades, staff, test periods and due dates.

Writes those tables and returns the keys that later tables refer to. Invariant: every key returned exists.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from pipeline.demo.names import PLAIN_FIRST, PLAIN_LAST
from pipeline.demo.stamps import day, instant, instant_or_none
from pipeline.demo.tables import Profile, Row, insert, keys

ORDINALS = "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh Twelfth"
GRADES = (
    ("P", "Pre-Kindergarten"),
    ("K", "Kindergarten"),
    *((str(number), f"{ordinal} Grade") for number, ordinal in enumerate(ORDINALS.split(), 1)),
)
PERIODS = ("Beginning of Year", "First Interval", "Second Interval", "End of Year", "Supplemental")
SCHOOL_NAMES = (
    "Heron Lake Elementary",
    "Cinder Hill Middle School",
    "Blue Lantern High School",
    "Mossy Fork Primary",
)
# Four regular due dates a year, then enough supplemental ones that half a million results need no repeated
# pair.
REGULAR = ((9, 15, 1), (12, 1, 2), (3, 1, 3), (5, 20, 4))
SUPPLEMENTAL = 20


@dataclass(frozen=True, slots=True)
class Campus:
    """Keys of a district's fixed tables; grades in order, due dates by year with their days of testing."""

    schools: tuple[int, ...]
    grades: tuple[int, ...]
    staff: tuple[int, ...]
    emails: tuple[str, ...]
    due_dates: Mapping[int, tuple[tuple[int, tuple[str, ...]], ...]]


def fill_campus(connection: sqlite3.Connection, profile: Profile) -> Campus:
    """Write schools, years, grades, staff and test calendar; return their keys."""
    schools = _fill_schools(connection, profile)
    _fill_years(connection, profile)
    grades = _fill_grades(connection, profile)
    staff, emails = _fill_staff(connection, profile, schools)
    return Campus(schools, grades, staff, emails, _fill_calendar(connection, profile))


def _fill_schools(connection: sqlite3.Connection, profile: Profile) -> tuple[int, ...]:
    random = profile.random("School")
    names = SCHOOL_NAMES[: 4 if profile.wide else 3]
    ids = tuple(islice(keys(random), len(names)))
    insert(
        connection,
        "School",
        "Id IsPreK IsK2 Is35 IsK5 IsK8 IsMS IsHS IsSS Name Description ModifiedDate ModifiedBy",
        (
            (
                key,
                int(n == 0),
                int(n == 0),
                int(n == 0),
                None,
                0,
                int(n == 1),
                int(n == 2),
                None,
                name,
                None,
                instant_or_none(random, profile.last_year),
                None,
            )
            for n, (key, name) in enumerate(zip(ids, names, strict=True))
        ),
    )
    return ids


def _fill_years(connection: sqlite3.Connection, profile: Profile) -> None:
    insert(
        connection,
        "SchoolYear",
        "SchoolStartYear YearVerbose SchoolEndYear",
        ((year, f"{year}-{year + 1}", year + 1) for year in profile.years),
    )


def _fill_grades(connection: sqlite3.Connection, profile: Profile) -> tuple[int, ...]:
    ids = tuple(islice(keys(profile.random("Grade")), len(GRADES)))
    insert(
        connection,
        "Grade",
        "Id ShortName LongName GradeOrder StateGradeNumber",
        ((key, short, long, n, f"{n:02}") for n, (key, (short, long)) in enumerate(zip(ids, GRADES, strict=True), 1)),
    )
    return ids


def _fill_staff(
    connection: sqlite3.Connection, profile: Profile, schools: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    random = profile.random("Staff")
    ids = tuple(islice(keys(random), max(12, profile.students // 20)))
    people: list[Row] = []
    emails: list[str] = []
    for number, key in enumerate(ids, 1):
        first, last = random.choice(PLAIN_FIRST), random.choice(PLAIN_LAST)
        email = f"{first}.{last}.{number}@{profile.domain}".lower()
        emails.append(email)
        role = random.choices((1, 2, 5, 7), (80, 10, 5, 5))[0]
        favorites = f'[{{"page":"/sections/{random.randint(1, 900)}"}}]' if random.random() < 0.2 else None
        year = random.choice(profile.years)
        people.append(
            (
                key,
                f"T{number:05}",
                email,
                first,
                None,
                last,
                random.choice((1, 2, None)),
                None,
                role,
                email,
                int(random.random() < 0.1),
                favorites,
                instant(random, date(year, 10, random.randint(1, 28))),
                int(random.random() < 0.92),
                0,
                int(role == 5),
                int(role == 5),
                None,
                instant_or_none(random, year),
                "useraccountcreation" if random.random() < 0.5 else emails[0],
            )
        )
    insert(
        connection,
        "Staff",
        "Id TeacherIdentifier LoweredUserName FirstName MiddleName LastName NorthStarUserTypeID Notes RoleID "
        "Email IsInterventionSpecialist NavigationFavorites RolesLastUpdated IsActive IsSA IsPowerUser "
        "IsDistrictAdmin IsDistrictContact ModifiedDate ModifiedBy",
        people,
    )
    link = keys(profile.random("StaffSchool"))
    insert(
        connection,
        "StaffSchool",
        "Id SchoolID StaffID StaffHierarchyPermissionID IsSchoolContact",
        (
            (next(link), school, key, random.choice((0, 1, 3)), random.choice((0, 1, None)))
            for key in ids
            for school in random.sample(schools, random.choice((1, 1, 2)))
        ),
    )
    return ids, tuple(emails)


def _fill_calendar(
    connection: sqlite3.Connection, profile: Profile
) -> dict[int, tuple[tuple[int, tuple[str, ...]], ...]]:
    insert(
        connection,
        "TestLevelPeriod",
        "Id Title PeriodOrder",
        ((number, title, number) for number, title in enumerate(PERIODS, 1)),
    )
    random = profile.random("TestDueDate")
    key = keys(random)
    calendar: dict[int, tuple[tuple[int, tuple[str, ...]], ...]] = {}
    rows: list[Row] = []
    for year in profile.years:
        dates = [(date(year + (month < 8), month, number), period) for month, number, period in REGULAR]
        dates += [(date(year, 9, 8) + timedelta(days=13 * n), 5) for n in range(SUPPLEMENTAL)]
        entries = []
        for due, period in dates:
            number = next(key)
            rows.append(
                (
                    number,
                    year,
                    day(due),
                    period,
                    None,
                    f"#{random.randrange(1 << 24):06x}",
                    int(period == 5),
                    day(due - timedelta(days=14)),
                    day(due + timedelta(days=7)),
                    instant_or_none(random, year),
                )
            )
            entries.append((number, tuple(day(due + timedelta(days=n)) for n in range(-3, 4))))
        calendar[year] = tuple(entries)
    insert(
        connection,
        "TestDueDate",
        "Id SchoolStartYear DueDate TestLevelPeriodID Notes Hex IsSupplemental StartDate EndDate ModifiedDate",
        rows,
    )
    return calendar
