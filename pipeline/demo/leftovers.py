"""What imports leave behind in a district: the lines of the last rollover, in tables that were never emptied (H72)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pipeline.demo.tables import Profile

_ATTRIBUTES = 10


def fill_leftovers(connection: sqlite3.Connection, profile: Profile) -> None:
    """Write some lines of each list; nobody in them exists."""
    random = profile.random("Rollover")
    students = [
        (
            f"L{number:05}",
            f"Pupil{number}",
            None,
            "Leftover",
            f"{random.randint(1, 12)}/{random.randint(1, 28)}/{profile.last_year - 9}",
        )
        for number in range(1, 8)
    ]
    person = ("Student ID", "Student First Name", "Student Middle Name", "Student Last Name", "Student DOB")
    attributes = [f"StudentAttribute{what}{n}" for n in range(1, _ATTRIBUTES + 1) for what in ("Name", "Value")]
    values = ["Lunch", "Free", *[""] * (2 * _ATTRIBUTES - 2)]
    for table in ("FullRollover", "StudentRollover"):
        _insert(connection, table, (*person, *attributes), [(*student, *values) for student in students])
    staff = ("Teacher ID", "Teacher First Name", "Teacher Last Name", "Teacher Email", "Is Enabled")
    lines = [(f"S{n}", "Staff", f"Leftover{n}", f"staff.{n}@{profile.domain}", "Yes") for n in range(1, 4)]
    _insert(connection, "TeacherRollover", staff, lines)


def _insert(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Sequence[tuple[str | None, ...]]
) -> None:
    """Insert rows into columns whose names hold blanks."""
    listed, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    connection.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', rows)
