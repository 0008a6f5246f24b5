"""Queries that count rows, the same for every engine: of tables, of parts of them, or none at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.sql.dialect import COUNT_COLUMNS, Dialect
from pipeline.core.sql.source import EVERY_KEY, KeyRange, SourceTable


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table: all, those within a range of its key, or those of which one of some columns is NULL."""

    table: SourceTable
    key: tuple[str, ...] = ()
    within: KeyRange = EVERY_KEY
    absent: tuple[str, ...] = ()


def count_query(dialect: Dialect, parts: Sequence[Part]) -> str:
    """Count the rows of parts of tables: `COUNT_COLUMNS`, each part as its number in the list."""
    return _counts(dialect, [(dialect.rows(p.table, p.within), " AND ".join(_conditions(dialect, p))) for p in parts])


def reach_query(dialect: Dialect, tables: Sequence[SourceTable]) -> str:
    """Count none of the rows of tables, which fails where one cannot be read: `COUNT_COLUMNS`."""
    return _counts(dialect, [(dialect.rows(table), "1 = 0") for table in tables])


def _conditions(dialect: Dialect, part: Part) -> list[str]:
    is_narrowed = part.within != EVERY_KEY and not part.table.branches
    found = [dialect.within(part.within, part.key, part.table)] if is_narrowed else []
    if part.absent:
        columns = (f"t.{dialect.quote(part.table.column(name).name)}" for name in part.absent)
        found.append(f"({' OR '.join(f'{column} IS NULL' for column in columns)})")
    return found


def _counts(dialect: Dialect, wanted: Sequence[tuple[str, str]]) -> str:
    selects = (
        f"SELECT {dialect.number_text(str(number))} AS {dialect.quote('table')}, {dialect.number_text('count(*)')} "
        f"AS {dialect.quote('count')} FROM {rows} AS t{f' WHERE {condition}' if condition else ''}"
        for number, (rows, condition) in enumerate(wanted)
    )
    return dialect.finish(COUNT_COLUMNS, " UNION ALL ".join(selects))
