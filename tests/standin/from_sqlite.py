"""A SQLite snapshot of the demo estate as a SQL Server database.

SQLite keeps anything in any column; SQL Server does not. Whatever a column of its declared type cannot hold
becomes what SQL Server could hold, and is reported; nothing is altered silently.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.standin.database import Database
from tests.standin.declared import SqlType
from tests.standin.values import stored


@dataclass(frozen=True, slots=True)
class Altered:
    """A value that SQL Server cannot hold in its column; `kept` is what it became."""

    table: str
    column: str
    declared: str
    key: tuple[object, ...]
    value: object
    kept: object


def load_sqlite(
    path: Path, *, into: Database | None = None, tables: Sequence[str] = ()
) -> tuple[Database, list[Altered]]:
    """Load the tables of a SQLite file (all, or those named) into schema dbo, with their keys.

    Raises ValueError where a value that cannot be held would leave a NULL in a column that is NOT NULL.
    """
    database = Database() if into is None else into
    altered: list[Altered] = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as source:
        names = [
            name for (name,) in source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        ]
        for table in tables or names:
            quoted = '"' + table.replace('"', '""') + '"'
            described = source.execute(f"PRAGMA table_info({quoted})").fetchall()
            columns = [(name, SqlType.parse(declared), not not_null) for _, name, declared, not_null, _, _ in described]
            keyed = sorted((position, name) for _, name, _, _, _, position in described if position)
            key = [name for _, name in keyed]
            places = [i for i, column in enumerate(columns) if column[0] in key]
            rows = []
            for row in source.execute(f"SELECT * FROM {quoted}"):
                cells = []
                for (name, sql_type, nullable), value in zip(columns, row, strict=True):
                    kept = _held(sql_type, value)
                    if kept is None and value is not None and not nullable:
                        raise ValueError(f"{table}.{name}: {sql_type} cannot hold {value!r}, and NULL neither")
                    if _differs(sql_type, value, kept):
                        of = tuple(row[i] for i in places)
                        altered.append(Altered(table, name, str(sql_type), of, value, kept))
                    cells.append(kept)
                rows.append(cells)
            specs = [(name, str(sql_type), nullable) for name, sql_type, nullable in columns]
            database.load_table("dbo", table, specs, key, rows)
    return database, altered


def _held(sql_type: SqlType, value: object) -> object:
    if sql_type.family == "text" and isinstance(value, int | float):
        return str(value)
    try:
        kept = stored(sql_type, value)
    except (ValueError, TypeError, ArithmeticError):
        return None
    # Numbers as SQL Server rounds them; everything else in the text that was read, which `load_table` reads again.
    return kept if sql_type.family in {"integer", "decimal", "money"} else value


def _differs(sql_type: SqlType, value: object, kept: object) -> bool:
    if value is None or kept is None:
        return value is not kept
    if sql_type.family in {"integer", "decimal", "money"}:
        return Decimal(repr(value) if isinstance(value, float) else str(value)) != Decimal(str(kept))
    # An nvarchar is UTF-16 and holds everything; what a varchar of code page 1252 lacks is kept all the same
    # (a column of a UTF-8 collation holds it), because the estate's names are meant to survive.
    return False
