"""Assessment definitions and the two result tables they name: guided reading levels and letter knowledge.

Invariant: without planted dirt a student has at most one row for each due date, as long as the number of
results
asked for fits the due dates (24 for each enrollment); beyond that pairs repeat, as imports repeat them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from random import Random

from pipeline.demo.campus import Campus
from pipeline.demo.names import sentence
from pipeline.demo.roster import Enrollment
from pipeline.demo.stamps import instant_or_none
from pipeline.demo.tables import Profile, Row, insert, keys

LEVELS = ("AA", *map(chr, range(65, 91)))
READING, LETTERS, OBSERVED = 1, 2, 4
# Column, label, field type, lowest, highest, group, is the headline score.
FIELDS = {
    READING: (
        ("TextLevel", "Text Level", "DropdownFromDB", 1, 27, 0, 1),
        ("Accuracy", "Accuracy", "DecimalRange", 0, 100, 0, 0),
        ("TotalScore", "Total Score", "DecimalRange", 0, 50, 1, 0),
        ("WordsPerMinute", "Words Per Minute", "DropdownRange", 0, 250, 1, 0),
        ("Comments", "Comments", "Textarea", 0, 0, 1, 0),
        ("Passed", "Passed", "Checkbox", 0, 0, 1, 0),
    ),
    LETTERS: (
        ("UpperCase", "Upper Case", "DropdownRange", 0, 26, 0, 0),
        ("LowerCase", "Lower Case", "DropdownRange", 0, 28, 0, 0),
        ("TotalScore", "Total Score", "DecimalRange", 0, 54, 1, 1),
        ("Notes", "Notes", "Textarea", 0, 0, 1, 0),
    ),
}
ASSESSMENT_COLUMNS = (
    "Id CanImport AssessmentIsAvailable StorageTable IsStateTest IsHFW IsProgressMonitoring AssessmentName "
    "AssessmentDescription DefaultDataEntryPage DataEntryPages TestType SortOrder BaseType "
    "ModifiedDate ModifiedBy"
)
RESULT_COLUMNS = "ID StudentID SectionID RecorderID TestDueDateID DateTestTaken IsCopied"


def fill_results(
    connection: sqlite3.Connection, profile: Profile, campus: Campus, enrollments: list[Enrollment]
) -> None:
    """Write definitions, fields, cut points and results; `profile.results` counts guided reading."""
    _fill_definitions(connection, profile)
    _fill_fields(connection, profile)
    _fill_benchmarks(connection, profile, campus)
    wanted = 2 * len(enrollments) if profile.results is None else profile.results
    random = profile.random("AssessmentFP")
    insert(
        connection,
        "AssessmentFP",
        f"{RESULT_COLUMNS} TextLevel Accuracy TotalScore WordsPerMinute Comments Passed",
        islice(_reading_results(random, campus, enrollments), wanted),
    )
    insert(
        connection,
        "AssessmentLID",
        f"{RESULT_COLUMNS} UpperCase LowerCase TotalScore Notes",
        _letter_results(profile.random("AssessmentLID"), campus, enrollments),
    )


def _fill_definitions(connection: sqlite3.Connection, profile: Profile) -> None:
    random = profile.random("Assessment")
    insert(
        connection,
        "Assessment",
        ASSESSMENT_COLUMNS,
        (
            (
                key,
                1,
                available,
                storage,
                0,
                0,
                0,
                name,
                None,
                "benchmark-entry",
                "benchmark-entry,bulk",
                1,
                key,
                base,
                instant_or_none(random, profile.last_year),
                f"office@{profile.domain}",
            )
            for key, available, storage, name, base in (
                (READING, 1, "AssessmentFP", "Guided Reading Level", 8),
                (LETTERS, None, "AssessmentLID", "Letter Identification", 1),
                (OBSERVED, 0, None, "Classroom Observation (retired)", 100),
            )
        ),
    )
    insert(
        connection,
        "AssessmentLookupField",
        "Id FieldName FieldValue SortOrder FieldSpecificId",
        ((key * 2, "FPTextLevel", text, key, key) for key, text in enumerate(LEVELS, 1)),
    )


def _fill_fields(connection: sqlite3.Connection, profile: Profile) -> None:
    shared = "Id AssessmentId SortOrder DisplayName"
    arranged = [(number, key) for number, key in enumerate((READING, READING, LETTERS, LETTERS), 1)]
    for table, label in (
        ("AssessmentFieldCategory", "Category"),
        ("AssessmentFieldSubCategory", "Part"),
        ("AssessmentFieldGroupContainer", "Panel"),
    ):
        insert(connection, table, shared, ((n, key, n, f"{label} {n}") for n, key in arranged))
    insert(
        connection,
        "AssessmentFieldGroup",
        f"{shared} IsKdg AssessmentFieldGroupContainerId",
        ((n, key, n, f"Group {n}", int(key == LETTERS), n) for n, key in arranged),
    )
    random = profile.random("AssessmentField")
    number = keys(random)
    insert(
        connection,
        "AssessmentField",
        "Id DisplayLabel FieldType IsRequired CategoryId SubcategoryId GroupId Page FieldOrder "
        "LookupFieldName RangeHigh RangeLow DatabaseColumn AssessmentId DisplayInObsSummary "
        "DisplayInLineGraphs OutOfHowMany IsPrimaryFieldForAssessment ImportColumnName ModifiedDate",
        (
            (
                next(number),
                label,
                kind,
                int(primary),
                place,
                place,
                place,
                1,
                order,
                "FPTextLevel" if column == "TextLevel" else None,
                high,
                low,
                column,
                key,
                1,
                int(primary),
                high or None,
                primary,
                label,
                instant_or_none(random, profile.first_year),
            )
            for key, fields in FIELDS.items()
            for order, (column, label, kind, low, high, group, primary) in enumerate(fields, 1)
            for place in (2 * (key - READING) + group + 1,)
        ),
    )


def _fill_benchmarks(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    number = keys(profile.random("District_Benchmark"))
    insert(
        connection,
        "District_Benchmark",
        "Id AssessmentID GradeID TestLevelPeriodID AssessmentField DoesNotMeet Approaches Meets Exceeds",
        (
            (next(number), READING, grade, period, "TextLevel", base, base + 1, base + 2.5, base + 4.75)
            for order, grade in enumerate(campus.grades[1:8])
            for period in (1, 2, 3, 4)
            for base in (2 * order + period,)
        ),
    )


def _reading_results(random: Random, campus: Campus, enrollments: list[Enrollment]) -> Iterator[Row]:
    number = keys(random)
    draw = random.random
    remarks = [sentence(random) for _ in range(400)]
    round_ = 0
    while True:
        for position, one in enumerate(enrollments):
            due_dates = campus.due_dates[one.year]
            # Rounds 0 and 1 meet two of the four regular dates, 2 and 3 the other two, later ones the
            # supplemental.
            turn = (position % 2 ^ round_ // 2) + 2 * (round_ % 2) if round_ < 4 else round_ % len(due_dates)
            due, days = due_dates[turn]
            level = min(27, 1 + int(one.grade * 1.8 + draw() * 4))
            accuracy = 8000 + int(draw() * 2001)
            yield (
                next(number),
                one.student,
                one.section.key,
                one.section.staff,
                due,
                days[int(draw() * 7)],
                None if draw() < 0.8 else int(draw() < 0.5),
                level,
                accuracy / 100,
                int(draw() * 201) / 4,
                int(20 + draw() * 180),
                remarks[int(draw() * 400)] if draw() < 0.05 else None,
                int(accuracy > 9000),
            )
        round_ += 1


def _letter_results(random: Random, campus: Campus, enrollments: list[Enrollment]) -> Iterator[Row]:
    number = keys(random)
    for one in enrollments:
        if one.grade > 3:
            continue
        for due, days in campus.due_dates[one.year][:3]:
            upper, lower = random.randint(5, 26), random.randint(5, 28)
            yield (
                next(number),
                one.student,
                one.section.key,
                one.section.staff,
                due,
                random.choice(days),
                None,
                upper,
                lower,
                upper + lower + random.choice((0, 0.5)),
                sentence(random) if random.random() < 0.03 else None,
            )
