"""Rows spoiled on purpose, and the record of what must become of each.

Owns the choice of rows (each is spoiled once at most, children of a rejected student never) and the record;
the
`dirt_*` modules say what to spoil. Invariant: every recorded key names a row that exists.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from pipeline.demo.tables import Cell

Outcome = Literal["reject", "null", "raw", "finding", "flag"]
Case = tuple[str, Mapping[str, Cell], Outcome, str, str]


@dataclass(frozen=True, slots=True)
class Planted:
    """Rows of one table spoiled in one way, and what must become of them.

    `outcome`: reject = the whole row is quarantined; null = the value or reference becomes NULL, its text
    kept as a
    raw value, with a finding; raw = the value is normalised, its text kept, with a finding; finding = the row
    is
    loaded and a finding names it; flag = loaded as it stands, at most counted in a report.
    `keys` are JSON arrays of the primary key's values, `hazard` the number in the list of legacy hazards.
    """

    entity: str
    source: str
    keys: tuple[str, ...]
    outcome: Outcome
    hazard: str
    note: str


class Planting:
    """The spoiling of one source's rows."""

    def __init__(self, connection: sqlite3.Connection, source: str, seed: int) -> None:
        self.connection = connection
        self.source = source
        self.planted: dict[str, Planted] = {}
        self._random = Random(f"{seed}/{source}/dirt")
        self._taken: set[tuple[str, tuple[Cell, ...]]] = set()
        self._barred: list[int] = []

    def pick(self, table: str, where: str = "TRUE") -> tuple[Cell, ...]:
        """Choose a row that is still clean, meets the SQL condition and belongs to no rejected student.

        Raises ValueError when there is none: the estate is too small for its dirt.
        """
        names = self.key_columns(table)
        listed = ", ".join(f'"{name}"' for name in names)
        if "StudentID" in self._columns(table) and self._barred:
            where = f'({where}) AND "StudentID" NOT IN ({", ".join(map(str, self._barred))})'
        (last,) = self.connection.execute(f'SELECT max(rowid) FROM "{table}"').fetchone()
        start = self._random.randint(1, last or 1)
        for bound in (f"rowid >= {start}", f"rowid < {start}"):
            found = self.connection.execute(
                f'SELECT {listed} FROM "{table}" WHERE {bound} AND ({where}) ORDER BY rowid'
            )
            for row in found:
                key = tuple(row)
                if (table, key) not in self._taken:
                    found.close()
                    self._taken.add((table, key))
                    return key
        raise ValueError(f"{self.source}.{table}: too few rows to plant dirt in (condition: {where})")

    def spoil(
        self,
        name: str,
        table: str,
        changes: Mapping[str, Cell],
        *,
        outcome: Outcome,
        hazard: str,
        note: str,
        where: str = "TRUE",
    ) -> tuple[Cell, ...]:
        """Change some columns of a row chosen by `pick`, record it under `name`, return its key."""
        key = self.pick(table, where)
        self.change(table, key, changes)
        self.record(name, table, [key], outcome=outcome, hazard=hazard, note=note)
        return key

    def spoil_each(self, table: str, cases: Iterable[Case], *, where: str = "TRUE") -> None:
        """Spoil one row a case; a case is name, changes, outcome, hazard and note."""
        for name, changes, outcome, hazard, note in cases:
            self.spoil(name, table, changes, outcome=outcome, hazard=hazard, note=note, where=where)

    def copy(
        self,
        name: str,
        table: str,
        changes: Mapping[str, Cell],
        *,
        outcome: Outcome,
        hazard: str,
        note: str,
        of: tuple[Cell, ...] | None = None,
        where: str = "TRUE",
    ) -> tuple[Cell, ...]:
        """Insert a changed copy of a row under a new identity value, record the copy, return its key."""
        key = self._insert_copy(table, of or self.pick(table, where), changes)
        self.record(name, table, [key], outcome=outcome, hazard=hazard, note=note)
        return key

    def record(
        self, name: str, table: str, keys: list[tuple[Cell, ...]], *, outcome: Outcome, hazard: str, note: str
    ) -> None:
        """Record spoiled rows under the source's name and `name`."""
        full = f"{self.source}.{name}"
        if full in self.planted:
            raise ValueError(f"{full} is planted twice")
        self._taken.update((table, tuple(key)) for key in keys)
        texts = tuple(json.dumps(key, ensure_ascii=False, separators=(",", ":")) for key in keys)
        self.planted[full] = Planted(table, self.source, texts, outcome, hazard, note)

    def bar(self, student: int) -> None:
        """Leave this student's rows alone from now on: the student is rejected, and they with it."""
        self._barred.append(student)

    def change(self, table: str, key: tuple[Cell, ...], changes: Mapping[str, Cell]) -> None:
        """Set columns of one row."""
        self._taken.add((table, key))
        assignments = ", ".join(f'"{column}" = ?' for column in changes)
        condition = " AND ".join(f'"{column}" = ?' for column in self.key_columns(table))
        self.connection.execute(f'UPDATE "{table}" SET {assignments} WHERE {condition}', (*changes.values(), *key))

    def value(self, table: str, key: tuple[Cell, ...], column: str) -> Cell:
        """Return one cell."""
        condition = " AND ".join(f'"{name}" = ?' for name in self.key_columns(table))
        found = self.connection.execute(f'SELECT "{column}" FROM "{table}" WHERE {condition}', key).fetchone()
        cell: Cell = found[0]
        return cell

    def has(self, table: str) -> bool:
        """Say whether the source has a table: not every estate is whole."""
        return bool(self._columns(table))

    def key_columns(self, table: str) -> list[str]:
        """Return the primary key's columns in order."""
        rows = self.connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,))
        return [name for (name,) in rows]

    def _columns(self, table: str) -> list[str]:
        return [name for (name,) in self.connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]

    def _insert_copy(self, table: str, of: tuple[Cell, ...], changes: Mapping[str, Cell]) -> tuple[Cell, ...]:
        (identity,) = self.key_columns(table)
        columns = self._columns(table)
        row = self.connection.execute(f'SELECT * FROM "{table}" WHERE "{identity}" = ?', of).fetchone()
        (last,) = self.connection.execute(f'SELECT max("{identity}") FROM "{table}"').fetchone()
        cells = {
            **dict(zip(columns, row, strict=True)),
            **changes,
            identity: last + self._random.randint(1, 4),
        }
        marks = ", ".join("?" * len(columns))
        self.connection.execute(f'INSERT INTO "{table}" VALUES ({marks})', tuple(cells[name] for name in columns))
        key = (cells[identity],)
        self._taken.add((table, key))
        return key
