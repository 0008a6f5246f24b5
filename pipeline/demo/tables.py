"""Writing rows into a legacy SQLite database: one insert statement, one way of numbering, one random source.

Knows no table. Invariant: the same profile and table name give the same random numbers, whatever was written
before, so one table's generator can change without moving another's rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

Cell = str | int | float | None
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Profile:
    """What makes one district: its name, size, years, clocks and shape."""

    source: str
    district_id: int
    students: int
    first_year: int
    last_year: int
    tenant_zone: str
    host_zone: str
    wide: bool
    changed_by_hand: bool
    results: int | None
    seed: int

    def random(self, table: str) -> Random:
        """Return the table's own random source."""
        return Random(f"{self.seed}/{self.source}/{table}")

    @property
    def years(self) -> range:
        """Return the school years by the calendar year they start in."""
        return range(self.first_year, self.last_year + 1)

    @property
    def domain(self) -> str:
        """Return the mail domain of the district's staff."""
        return f"{self.source.replace('_', '-')}.example"


def insert(connection: sqlite3.Connection, table: str, columns: str, rows: Iterable[Row]) -> None:
    """Insert rows; `columns` names them, blank-separated, in the order of the cells."""
    names = columns.split()
    listed = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    connection.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', rows)


def keys(random: Random) -> Iterator[int]:
    """Yield ascending identity values from 1, with the gaps that deletions leave behind."""
    key = 1
    while True:
        yield key
        key += 1 if random.random() < 0.97 else random.randint(2, 6)
