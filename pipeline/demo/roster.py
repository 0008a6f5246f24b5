"""Students and where they sat: sections by year, enrollments, rosters, notes and attributes.

Invariant: without planted dirt every reference lives, every day is at midnight and no pair repeats.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, time
from random import Random

from pipeline.demo.campus import GRADES, Campus
from pipeline.demo.names import first_name, last_name, sentence
from pipeline.demo.stamps import day, instant, instant_or_none, utc
from pipeline.demo.tables import Profile, Row, insert, keys
from pipeline.demo.wide_student import WIDE_COLUMNS, wide_cells

SECTION_COLUMNS = (
    "Id Name Description StaffID SchoolStartYear SchoolID GradeID SectionDataTypeID StartDate EndDate "
    "IsInterventionGroup MondayMeet TuesdayMeet WednesdayMeet ThursdayMeet FridayMeet StartTime EndTime "
    "ModifiedDate"
)
STUDENT_COLUMNS = (
    "Id FirstName MiddleName LastName DOB GradYear StudentIdentifier TitleOnetypeID Comment EthnicityID "
    "Gender IsActive GenderID DistrictID ELL ADSIS Gifted ModifiedDate Ip ModifiedBy"
)
# Type 4 is hard-wired as student services in the legacy application and may hold several values.
ATTRIBUTES = {
    1: ("Lunch Status", ("Unspecified", "Free", "Reduced", "Paid")),
    2: ("Home Language", ("Unspecified", "English", "Español", "Hmoob", "Soomaali", "中文")),
    4: ("Student Services", ("Unspecified", "Speech", "Occupational Therapy", "Reading Support")),
}


@dataclass(frozen=True, slots=True)
class Section:
    """One class of one year: its key, school and teacher."""

    key: int
    school: int
    staff: int


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One student's year: the grade's position and the section that tests the student."""

    student: int
    year: int
    grade: int
    section: Section


def fill_roster(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> list[Enrollment]:
    """Write students, sections, enrollments, rosters, notes and attributes; return the enrollments."""
    sections = _fill_sections(connection, profile, campus)
    enrollments, pairs = _fill_students(connection, profile, campus, sections)
    _fill_enrollments(connection, profile, campus, enrollments, pairs)
    students = sorted({enrollment.student for enrollment in enrollments})
    _fill_notes(connection, profile, campus, students)
    _fill_attributes(connection, profile, students)
    return enrollments


def _fill_sections(
    connection: sqlite3.Connection, profile: Profile, campus: Campus
) -> dict[tuple[int, int], list[Section]]:
    random = profile.random("Section")
    key = keys(random)
    offered: dict[tuple[int, int], list[Section]] = {}
    rows: list[Row] = []
    links: list[Row] = []
    link = keys(profile.random("StaffSection"))
    for year in profile.years:
        for number in range(max(28, round(profile.students * 0.024))):
            block, grade = divmod(number, len(GRADES))
            school = campus.schools[block % len(campus.schools)]
            section = Section(next(key), school, random.choice(campus.staff))
            offered.setdefault((year, grade), []).append(section)
            hour, first = 8 + block % 7, date(year, 9, 4)
            timed = random.random() < 0.5
            rows.append(
                (
                    section.key,
                    f"{GRADES[grade][1]} {chr(65 + block % 26)}",
                    None,
                    section.staff,
                    year,
                    school,
                    campus.grades[grade],
                    random.choice((1, 2)),
                    day(first),
                    day(date(year + 1, 6, 5)),
                    0,
                    1,
                    1,
                    1,
                    1,
                    random.choice((0, 1)),
                    utc(first, time(hour, 15), profile.tenant_zone) if timed else None,
                    utc(first, time(hour + 1, 5), profile.tenant_zone) if timed else None,
                    instant_or_none(random, year),
                )
            )
            links.append((next(link), section.staff, section.key, 1))
            if random.random() < 0.15:
                other = random.choice(campus.staff)
                if other != section.staff:
                    links.append((next(link), other, section.key, 2))
    insert(connection, "Section", SECTION_COLUMNS, rows)
    insert(connection, "StaffSection", "Id StaffID ClassID StaffHierarchyPermissionID", links)
    return offered


def _fill_students(
    connection: sqlite3.Connection,
    profile: Profile,
    campus: Campus,
    sections: dict[tuple[int, int], list[Section]],
) -> tuple[list[Enrollment], list[tuple[int, int]]]:
    random = profile.random("Student")
    key = keys(random)
    enrollments: list[Enrollment] = []
    pairs: list[tuple[int, int]] = []
    rows: list[Row] = []
    for number in range(profile.students):
        student = next(key)
        start = random.randint(profile.first_year, max(profile.first_year, profile.last_year - 2))
        length = min(random.randint(3, 7), profile.last_year - start + 1)
        entry = random.randint(0, len(GRADES) - length)
        home = random.random()
        for n in range(length):
            offered = sections[start + n, entry + n]
            chosen = offered[int(home * len(offered))]
            enrollments.append(Enrollment(student, start + n, entry + n, chosen))
            pairs.append((student, chosen.key))
            others = [section for section in offered if section.key != chosen.key]
            near = [section for section in others if section.school == chosen.school] or others
            pairs.append((student, random.choice(near).key))
        rows.append(_student(random, profile, key=student, number=number, start=start, length=length, entry=entry))
        if profile.wide:
            last = enrollments[-1]
            rows[-1] = (
                *rows[-1],
                *wide_cells(random, last.section.school, campus.grades[last.grade], last.year),
            )
    insert(connection, "Student", STUDENT_COLUMNS + (f" {WIDE_COLUMNS}" if profile.wide else ""), rows)
    return enrollments, pairs


def _student(random: Random, profile: Profile, *, key: int, number: int, start: int, length: int, entry: int) -> Row:
    active = start + length - 1 == profile.last_year
    birth = date(start - entry - 4, random.randint(1, 12), random.randint(1, 28))
    gender = random.choice((1, 2))
    left = instant(random, date(start + length, 6, random.randint(5, 28)))
    return (
        key,
        first_name(random),
        first_name(random) if random.random() < 0.4 else None,
        last_name(random),
        day(birth),
        start + len(GRADES) - entry,
        f"S{profile.district_id}{number + 1:06}",
        random.choice((None, 1, 2)),
        sentence(random) if random.random() < 0.05 else None,
        random.randint(1, 6),
        "FM"[gender - 1],
        int(active),
        gender,
        profile.district_id,
        random.choice((0, 0, 1, None)),
        random.choice((0, None)),
        random.choice((0, 0, 1)),
        left if not active else instant_or_none(random, start),
        None,
        random.choice((None, "rollover", f"office@{profile.domain}")),
    )


def _fill_enrollments(
    connection: sqlite3.Connection,
    profile: Profile,
    campus: Campus,
    enrollments: list[Enrollment],
    pairs: list[tuple[int, int]],
) -> None:
    random = profile.random("StudentSchool")
    key = keys(random)
    spans = {
        year: (day(date(year, 9, 4)), None if year == profile.last_year else day(date(year + 1, 6, 5)))
        for year in profile.years
    }
    insert(
        connection,
        "StudentSchool",
        "Id StudentID SchoolID SchoolStartYear GradeId StartDate EndDate ModifiedDate ModifiedBy",
        (
            (
                next(key),
                one.student,
                one.section.school,
                one.year,
                campus.grades[one.grade],
                *spans[one.year],
                instant_or_none(random, one.year),
                "rollover" if random.random() < 0.5 else None,
            )
            for one in enrollments
        ),
    )
    link = keys(profile.random("StudentSection"))
    insert(
        connection,
        "StudentSection",
        "Id StudentID ClassID",
        ((next(link), student, section) for student, section in pairs),
    )


def _fill_notes(connection: sqlite3.Connection, profile: Profile, campus: Campus, students: list[int]) -> None:
    random = profile.random("StudentNote")
    key = keys(random)
    insert(
        connection,
        "StudentNote",
        "Id StudentID NoteDate Note StaffID",
        (
            (
                next(key),
                student,
                instant(random, date(random.choice(profile.years), 10, random.randint(1, 28))),
                f"<p>{sentence(random)}</p>",
                random.choice(campus.staff),
            )
            for number, student in enumerate(students)
            if number < 15 or random.random() < 0.2
        ),
    )


def _fill_attributes(connection: sqlite3.Connection, profile: Profile, students: list[int]) -> None:
    random = profile.random("StudentAttributeData")
    insert(
        connection,
        "StudentAttributeType",
        "Id AttributeName",
        ((key, name) for key, (name, _) in ATTRIBUTES.items()),
    )
    value = keys(profile.random("StudentAttributeLookupValue"))
    insert(
        connection,
        "StudentAttributeLookupValue",
        "Id AttributeID LookupValueID LookupValue IsSpecialEd IsDefaultOption NotGenEd",
        (
            (next(value), kind, number, text, int(text == "Speech"), int(number == 0), None)
            for kind, (_, texts) in ATTRIBUTES.items()
            for number, text in enumerate(texts)
        ),
    )
    key = keys(random)
    # LookupValue_Id is the leftover of a constraint that the application never fills (H14).
    insert(
        connection,
        "StudentAttributeData",
        "Id StudentID AttributeID AttributeValueID",
        (
            (next(key), student, kind, random.randrange(1, len(texts)))
            for student in students
            for kind, (_, texts) in ATTRIBUTES.items()
            if kind != 4 or random.random() < 0.2
        ),
    )
