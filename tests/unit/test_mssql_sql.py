"""The SQL Server dialect as text: what a literal of a key says, and what it refuses."""

from __future__ import annotations

import pytest

from pipeline.core.sql.mssql import MSSQL
from pipeline.core.sql.source import SourceColumn

LITERALS = [
    ("nvarchar(9)", "", "it's", "CONVERT(nvarchar(9), N'it''s')"),
    ("nvarchar(9)", "Cyrillic_General_CI_AS", "Я", "CONVERT(nvarchar(9), N'Я')"),
    ("nvarchar(9)", "", "\0'", "CONVERT(nvarchar(9), (N'' + NCHAR(0) + N''''))"),
    ("varchar(9)", "Cyrillic_General_CI_AS", "Я", "CONVERT(varchar(9), N'Я' COLLATE Cyrillic_General_CI_AS)"),
    ("char(9)", "Thai_CI_AS", "a\0b", "CONVERT(char(9), (N'a' + NCHAR(0) + N'b') COLLATE Thai_CI_AS)"),
    ("datetime", "", "2024-01-01", "CONVERT(datetime, N'2024-01-01', 121)"),
    ("binary(2)", "", "00ff", "0x00ff"),
]


@pytest.mark.parametrize(("declared", "collation", "value", "literal"), LITERALS)
def test_literals_are_of_their_column(declared: str, collation: str, value: str, literal: str) -> None:
    assert MSSQL.literal(value, SourceColumn("k", declared, collation=collation)) == literal


@pytest.mark.parametrize("collation", ["Latin1 General", "x'", "x]", "x;--"])
def test_what_is_no_name_of_a_collation_is_refused(collation: str) -> None:
    with pytest.raises(ValueError, match="no name of a collation"):
        MSSQL.literal("a", SourceColumn("k", "varchar(9)", collation=collation))
