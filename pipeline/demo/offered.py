"""What a district offers its interventions: kinds, lookups, tools, reasons of attendance; and who works with groups.

Invariant: without planted dirt every reference lives, and no pair repeats.
"""

from __future__ import annotations

import sqlite3
from datetime import date

from pipeline.demo.campus import Campus
from pipeline.demo.names import sentence
from pipeline.demo.stamps import instant, instant_or_none
from pipeline.demo.tables import Profile, insert, keys

#: As the product matches them, by their text; in the order of their numbers.
REASONS = (
    "Intervention Delivered",
    "Make-Up Lesson",
    "Child Absent",
    "Child Unavailable",
    "Teacher Absent",
    "Teacher Unavailable",
    "Non-Cycle Day",
)
KINDS = ("Reading Circle", "Phonics First", "Word Ladder", "Fluency Partners", "Math Bridge", "Writing Studio")
#: Table, its columns behind the key, its rows.
LOOKUPS = (
    (
        "InterventionTier",
        "TierValue Description TierName TierLabel TierColor",
        tuple((n, f"Support of tier {n}", f"Tier {n}", f"T{n}", color) for n, color in ((1, "#2c7"), (2, "#fc3"))),
    ),
    (
        "InterventionCategory",
        "CategoryName CategoryDescription SortOrder",
        (("Reading", "Reading and its parts", 1), ("Mathematics", None, 2), ("Writing", "", 3)),
    ),
    ("InterventionCardinality", "CardinalityName", (("One student",), ("Small group",), ("Whole class",))),
    (
        "InterventionFramework",
        "FrameworkName FreameworkDescription",
        (("Balanced Literacy", "Reads and writes daily"),),
    ),
    ("InterventionUnitOfStudy", "UnitName UnitDescription", (("Nonfiction", None), ("Poetry", "Short forms"))),
    ("InterventionWorkshop", "WorkshopName WorkshopDescription", (("Reader’s Workshop", "Curly, as it was typed"),)),
    ("InterventionToolType", "Name", (("Document",), ("Spreadsheet",))),
)


def fill_offered(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    """Write the lookups, the kinds of interventions with their grades and tools, and the staff of the groups."""
    random = profile.random("AttendanceReason")
    insert(
        connection,
        "AttendanceReason",
        "Id Reason ValidForScheduledDays CountsAsAbsense ValidForNonScheduledDays CountsAsBonusDay Order ModifiedDate",
        (
            (
                n,
                reason,
                int(n < 7),
                int("Absent" in reason),
                int(n in (2, 7)),
                int(n == 2),
                n,
                instant_or_none(random, 2018),
            )
            for n, reason in enumerate(REASONS, 1)
        ),
    )
    for table, columns, rows in LOOKUPS:
        insert(connection, table, f"Id {columns}", ((n, *row) for n, row in enumerate(rows, 1)))
    _fill_kinds(connection, profile, campus)
    _fill_tools(connection, profile)
    _fill_groups(connection, profile, campus)


def _fill_kinds(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    random = profile.random("InterventionType")
    insert(
        connection,
        "InterventionType",
        "Id InterventionType bDisplay Description DefaultTextLevelType InterventionCardinalityID ExitCriteria "
        "LearnerNeed TimeOfYear InterventionTierID CategoryID FrameworkID UnitOfStudyID WorkshopID ModifiedDate "
        "ModifiedBy",
        (
            (
                n,
                kind,
                int(n < 6),
                sentence(random),
                random.choice((None, 1, 2)),
                random.choice((1, 2, 3)),
                sentence(random),
                None,
                random.choice((None, "Fall", "Any")),
                random.choice((1, 2)),
                random.choice((1, 2, 3)),
                random.choice((None, 1)),
                random.choice((None, 1, 2)),
                random.choice((None, 1)),
                instant_or_none(random, profile.last_year),
                f"office@{profile.domain}",
            )
            for n, kind in enumerate(KINDS, 1)
        ),
    )
    link = keys(profile.random("InterventionGrade"))
    insert(
        connection,
        "InterventionGrade",
        "Id InterventionID GradeID",
        (
            (next(link), kind, grade)
            for kind in range(1, len(KINDS) + 1)
            for grade in random.sample(campus.grades, random.randint(1, 4))
        ),
    )


def _fill_tools(connection: sqlite3.Connection, profile: Profile) -> None:
    random = profile.random("InterventionTool")
    number = keys(random)
    tools = [next(number) for _ in range(8)]
    insert(
        connection,
        "InterventionTool",
        "Id ToolName ToolFileName Description SortOrder FileSystemFileName LastModified FileSize FileExtension "
        "ToolTypeID",
        (
            (
                tool,
                f"Tool {n}",
                f"tool {n}.pdf",
                sentence(random),
                n,
                f"{random.getrandbits(64):016x}.pdf",
                instant(random, date(random.choice(profile.years), 9, random.randint(1, 28))),
                random.randint(1000, 900_000),
                ".pdf",
                random.choice((1, 2, None)),
            )
            for n, tool in enumerate(tools, 1)
        ),
    )
    link = keys(profile.random("InterventionToolIntervention"))
    insert(
        connection,
        "InterventionToolIntervention",
        "Id InterventionID InterventionToolID SortOrder",
        (
            (next(link), kind, tool, order)
            for kind in range(1, len(KINDS) + 1)
            for order, tool in enumerate(random.sample(tools, 3), 1)
        ),
    )


def _fill_groups(connection: sqlite3.Connection, profile: Profile, campus: Campus) -> None:
    """Say of groups what kind and tier they are, and who works with them beside whoever leads them."""
    random = profile.random("StaffInterventionGroup")
    groups = connection.execute('SELECT "Id", "StaffID" FROM "InterventionGroup" ORDER BY "Id"').fetchall()
    connection.executemany(
        'UPDATE "InterventionGroup" SET "InterventionTypeID" = ?, "InterventionTierID" = ? WHERE "Id" = ?',
        [(random.randint(1, len(KINDS)), random.choice((1, 2, None)), group) for group, _ in groups],
    )
    link = keys(random)
    insert(
        connection,
        "StaffInterventionGroup",
        "Id StaffID InterventionGroupId StaffHierarchyPermissionID ModifiedDate",
        (
            (next(link), staff, group, permission, instant_or_none(random, profile.last_year))
            for group, leader in groups
            for staff, permission in ((leader, 1), (random.choice([s for s in campus.staff if s != leader]), 2))
        ),
    )
