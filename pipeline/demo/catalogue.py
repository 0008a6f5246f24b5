"""The system's own catalogue of interventions, in the login database: what districts copied from."""

from __future__ import annotations

import sqlite3
from datetime import date
from random import Random

from pipeline.demo.stamps import instant, instant_or_none
from pipeline.demo.tables import insert

#: The identity value that the first of the system's grades has less one.
SYSTEM_GRADES = 100
INTERVENTIONS = ("Guided Reading", "Phonics Booster", "Writing Aloud", "Number Talks", "Word Study", "Reading Partners")
TIERS = (("Core", "Tier 1", "green"), ("Targeted", "Tier 2", "yellow"), ("Intensive", "Tier 3", "red"))
_NAMED = {
    "NSInterventionCardinality": ("Id CardinalityName", ("One to one", "Small group", "Whole class")),
    "NSInterventionFramework": ("Id FrameworkName FreameworkDescription", ("Reader's Workshop", "Balanced Literacy")),
    "NSInterventionUnitOfStudy": ("Id UnitName UnitDescription", ("Launching", "Character", "Nonfiction")),
    "NSInterventionWorkshop": ("Id WorkshopName WorkshopDescription", ("Mini-lesson", "Conferring")),
    "NSInterventionToolType": ("Id Name", ("Form", "Card set", "Text")),
}


def fill_catalogue(connection: sqlite3.Connection, *, seed: int, last_year: int) -> None:
    """Write the eleven tables of interventions that belong to no district."""
    random = Random(f"{seed}/login/catalogue")
    for table, (columns, names) in _NAMED.items():
        described = len(columns.split()) > 2
        rows = ((key, name, f"About {name}")[: 2 + described] for key, name in enumerate(names, 1))
        insert(connection, table, columns, rows)
    insert(
        connection,
        "NSInterventionCategory",
        "Id CategoryName CategoryDescription SortOrder",
        ((1, "Reading", "All that is read", 1), (2, "Writing", None, 2), (3, "Mathematics", "", None)),
    )
    insert(
        connection,
        "NSInterventionTier",
        "Id TierValue Description TierName TierLabel TierColor",
        ((key, key, f"{name} teaching", name, label, color) for key, (name, label, color) in enumerate(TIERS, 1)),
    )
    _fill_interventions(connection, random, last_year)
    _fill_tools(connection, random, last_year)


def _fill_interventions(connection: sqlite3.Connection, random: Random, last_year: int) -> None:
    insert(
        connection,
        "NSIntervention",
        "Id InterventionType bDisplay Description DefaultTextLevelType InterventionCardinalityId ExitCriteria"
        " EntranceCriteria LearnerNeed DetailedDescription TimeOfYear InterventionTierId InterventionCategoryId"
        " BriefDescription InterventionFrameworkId InterventionUnitOfStudyId InterventionWorkshopId ModifiedDate"
        " ModifiedBy",
        (
            (
                key,
                name,
                int(key != 4),
                f"{name} in short lessons",
                random.choice((1, 2, None)),
                random.choice((1, 2, 3, None)),
                "Reads at grade level",
                "Reads below grade level",
                random.choice(("Decoding", "Fluency", "")),
                f"<p>{name}: <b>three</b> lessons a week</p>",
                random.choice(("Fall", "Spring", None)),
                random.choice((1, 2, 3)),
                random.choice((1, 2, 3)),
                name,
                random.choice((1, 2, None)),
                random.choice((1, 2, 3, None)),
                random.choice((1, 2, None)),
                instant_or_none(random, last_year - 1),
                random.choice(("editor@product.example", None)),
            )
            for key, name in enumerate(INTERVENTIONS, 1)
        ),
    )
    pairs = [(key, SYSTEM_GRADES + grade) for key in range(1, len(INTERVENTIONS) + 1) for grade in range(1, 4)]
    # A pair twice, as nothing in legacy forbids (H60).
    rows = ((number, *pair) for number, pair in enumerate([*pairs, pairs[0]], 1))
    insert(connection, "NSInterventionGrade", "Id InterventionTypeId GradeID", rows)


def _fill_tools(connection: sqlite3.Connection, random: Random, last_year: int) -> None:
    insert(
        connection,
        "NSInterventionTool",
        "Id ToolName ToolFileName Description SortOrder FileSystemFileName LastModified FileSize FileExtension"
        " InterventionToolTypeId",
        (
            (
                key,
                f"Tool {key}",
                f"tool {key}.pdf",
                f"How to use tool {key}",
                key,
                f"{random.getrandbits(64):016x}.pdf",
                instant(random, date(last_year - key % 5, 5, key)),
                random.randint(10_000, 900_000),
                ".pdf",
                random.choice((1, 2, 3, None)),
            )
            for key in range(1, 10)
        ),
    )
    insert(
        connection,
        "NSInterventionToolIntervention",
        "Id InterventionTypeId InterventionToolId SortOrder",
        (
            (number, random.randint(1, len(INTERVENTIONS)), tool, random.choice((number, None)))
            for number, tool in enumerate(range(1, 10), 1)
        ),
    )
