"""What the stand-in refuses, by SQL Server's message numbers."""

from __future__ import annotations

import re
from typing import Final

import duckdb
from pysqlbridge.tds.result import QueryError

#: User-defined range: the stand-in's own shortcomings, never SQL Server's words.
NOT_SUPPORTED: Final = 50000

_NO_COLUMN: Final = re.compile(r'(?:Referenced column "|column named "|Column ")(.+?)"')
_AMBIGUOUS: Final = re.compile(r'Ambiguous reference to column name "(.+?)"')
_NO_TABLE: Final = re.compile(r"Table with name (.+?) does not exist")
_NUMBERED: Final = re.compile(r"(\d{3,5}) (.+)", re.DOTALL)


def not_supported(what: str) -> QueryError:
    """Say that SQL Server might do this, and the stand-in does not."""
    return QueryError(f"the stand-in does not support {what}", number=NOT_SUPPORTED)


def no_object(name: str) -> QueryError:
    """Give SQL Server's refusal of an unknown table."""
    return QueryError(f"Invalid object name '{name}'.", number=208)


def from_duckdb(error: duckdb.Error) -> QueryError:
    """Give what SQL Server says where DuckDB fails."""
    said = str(error)
    _, _, reason = said.partition(": ")
    if numbered := _NUMBERED.match(reason):
        return QueryError(numbered[2], number=int(numbered[1]))
    if isinstance(error, duckdb.BinderException) and (column := _NO_COLUMN.search(said)):
        return QueryError(f"Invalid column name '{column[1]}'.", number=207)
    if isinstance(error, duckdb.BinderException) and (column := _AMBIGUOUS.search(said)):
        return QueryError(f"Ambiguous column name '{column[1]}'.", number=209)
    if isinstance(error, duckdb.CatalogException) and (table := _NO_TABLE.search(said)):
        return no_object(table[1])
    if isinstance(error, duckdb.ConversionException):
        return QueryError(f"Conversion failed. {reason}", number=245)
    return QueryError(said, number=NOT_SUPPORTED)
