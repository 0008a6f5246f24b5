"""Jobs that districts ran, in the login database: imports, exports, prints and rollovers.

They name rows of a district by its own ids, which are taken from the district's database as it was filled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from pipeline.demo.stamps import instant, instant_or_none
from pipeline.demo.tables import Cell, insert

TABLES = (
    "JobAllFieldsAssessmentDataExport",
    "JobAssessmentDataExport",
    "JobAttendanceExport",
    "JobBenchmarkDataImport",
    "JobFullRollover",
    "JobInterventionDataExport",
    "JobInterventionDataImport",
    "JobPrintBatch",
    "JobStaffExport",
    "JobStateTestDataImport",
    "JobStudentExport",
    "JobStudentRollover",
    "JobTeacherRollover",
)
_JOBS = 6
_STATES = ("Complete", "Complete", "Complete", "Error", "Cancelled", "Awaiting User Verification", "Processing")
#: Column of a job -> the district's table and column that it names a row of.
_NAMES = {
    "AssessmentId": ("Assessment", "Id"),
    "BenchmarkDateId": ("TestDueDate", "Id"),
    "InterventionGroupId": ("InterventionGroup", "Id"),
    "StintId": ("StudentInterventionGroup", "Id"),
    "RecorderId": ("Staff", "Id"),
    "SchoolStartYear": ("SchoolYear", "SchoolStartYear"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """What jobs may name of a district: its staff by id and e-mail, and the ids of other rows by the job's column."""

    staff: Sequence[tuple[int, str]]
    ids: Mapping[str, Sequence[int]]


def read_named(district: sqlite3.Connection) -> Named:
    """Read from a district's database what jobs may name; of its staff those who can be loaded and have an address."""
    staff = district.execute(
        'SELECT "Id", "Email" FROM "Staff" WHERE length("TeacherIdentifier") < 200 '
        """AND "Email" LIKE '%@district-%' ORDER BY 1"""
    ).fetchall()
    ids = {
        column: [row[0] for row in district.execute(f'SELECT "{key}" FROM "{table}" ORDER BY 1')]
        for column, (table, key) in _NAMES.items()
    }
    return Named(staff, ids)


def fill_jobs(connection: sqlite3.Connection, *, districts: Mapping[int, Named], seed: int, last_year: int) -> None:
    """Write some jobs of each kind for each district."""
    for table in TABLES:
        random = Random(f"{seed}/login/{table}")
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")') if row[1] not in ("Id", "Ip")]
        owners = [(named, staff) for named in districts.values() for staff in random.sample(named.staff, _JOBS)]
        insert(
            connection,
            table,
            " ".join(("Id", *columns)),
            (
                (key, *_job(random, table, columns, named, staff, last_year))
                for key, (named, staff) in enumerate(owners, 1)
            ),
        )


def _job(
    random: Random, table: str, columns: Sequence[str], named: Named, staff: tuple[int, str], last_year: int
) -> list[Cell]:
    day = date(last_year - random.randint(0, 1), random.randint(1, 12), random.randint(1, 28))
    status, name = random.choice(_STATES), f"{table.removeprefix('Job').lower()}-{random.getrandbits(32):08x}.csv"
    is_over = status in ("Complete", "Error", "Cancelled")
    cells: dict[str, Cell] = {
        "SerializedRequest": f'{{"SchoolId": {random.randint(1, 3)}, "Fields": ["Accuracy"]}}',
        "UploadedFileName": name,
        "UploadedFileUrl": f"https://files.example/jobs/{name}",
        "ImportLog": "Row 3: no such student\r\nRow 9: no score" if status == "Error" else None,
        "PotentialIssuesLog": "2 students without a school" if is_over else "",
        "StartDate": instant(random, day),
        "EndDate": instant(random, day) if is_over else None,
        "Status": status,
        "StaffId": staff[0],
        "StaffEmail": staff[1],
        "RecordsProcessed": random.randint(0, 500) if is_over else 0,
        "RecordsSkipped": random.choice((0, 0, 3)),
        "BatchName": random.choice((f"Batch of {day.isoformat()}", "", None)),
        "AssessmentName": "Phonics Check",
        # Written in few places: a marker, an e-mail or nothing (H53).
        "ModifiedDate": instant_or_none(random, last_year - 1),
        "ModifiedBy": random.choice(("rollover", staff[1], None)),
    }
    return [cells[c] if c in cells else random.choice(named.ids[c]) for c in columns]
