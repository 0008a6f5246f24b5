"""What each engine is asked of its rows: one statement a table, and nothing of a column that nobody may see."""

from __future__ import annotations

import pytest

from pipeline.core.sql.dialect import Dialect
from pipeline.core.sql.dialects import DIALECTS
from pipeline.core.sql.profiled import (
    MOST_EXPRESSIONS,
    Asked,
    Constant,
    Key,
    Measure,
    Parent,
    Reference,
    keys_query,
    measures,
    references_query,
    table_queries,
)
from pipeline.core.sql.source import SourceColumn, SourceTable
from schemas.engines import Engine

#: Engine -> its types of a number, a text, a moment and a flag.
TYPES: dict[Engine, tuple[str, str, str, str]] = {
    "sqlite": ("int", "nvarchar(max)", "datetime", "bit"),
    "mssql": ("int", "nvarchar(max)", "datetime", "bit"),
    "mysql": ("int", "longtext", "datetime(3)", "bit"),
    "postgresql": ("integer", "text", "timestamp(3) without time zone", "boolean"),
}
FAMILIES = ("integer", "text", "moment", "boolean")
each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def table(dialect: Dialect) -> SourceTable:
    names = ("Id", "Name", "At", "On")
    columns = tuple(SourceColumn(n, t) for n, t in zip(names, TYPES[dialect.engine], strict=True))
    return SourceTable("dbo", "Pupil", columns)


def asked(dialect: Dialect, *, shown: bool) -> list[Measure]:
    columns = [Asked(c, f, shown) for c, f in zip(table(dialect).columns, FAMILIES, strict=True)]
    return measures(dialect, columns, ["1 = 0"], max_value_bytes=100)


@each_dialect
def test_a_table_is_passed_over_once(dialect: Dialect) -> None:
    found = asked(dialect, shown=True)
    ((query, part),) = table_queries(dialect, table(dialect), found)
    assert part == found
    assert query.count(f"FROM {dialect.table(table(dialect))} AS t") == 1
    assert "GROUP BY" not in query


@each_dialect
def test_very_many_columns_are_asked_of_by_several_statements(dialect: Dialect) -> None:
    many = asked(dialect, shown=True) * (MOST_EXPRESSIONS // 30)
    queries = table_queries(dialect, table(dialect), many)
    assert len(queries) > 1
    assert [m for _, part in queries for m in part] == many
    assert max(len(part) for _, part in queries) <= MOST_EXPRESSIONS


@each_dialect
def test_no_value_is_asked_for_of_a_masked_column(dialect: Dialect) -> None:
    assert {m.name for m in asked(dialect, shown=True)} - {m.name for m in asked(dialect, shown=False)} == {
        "least",
        "greatest",
    }


@each_dialect
def test_of_a_column_of_which_nothing_may_be_asked_only_its_values_are_counted(dialect: Dialect) -> None:
    found = measures(dialect, [Asked(table(dialect).columns[1], None, True)], [], max_value_bytes=100)
    assert [m.name for m in found] == ["rows", "filled"]


BROKEN = {
    "sqlite": "x GLOB '*[\x80-\x9f\ufffd]*' OR x GLOB '*[ÃÂâ][\x80-\ufffd]*'",
    "mssql": "x COLLATE Latin1_General_BIN2 LIKE N'%[\x80-\x9f\ufffd]%'"
    " OR x COLLATE Latin1_General_BIN2 LIKE N'%[ÃÂâ][\x80-\ufffd]%'",
    "mysql": "x COLLATE utf8mb4_bin REGEXP _utf8mb4 X'5bc2802dc29fefbfbd5d'"
    " OR x COLLATE utf8mb4_bin REGEXP _utf8mb4 X'5bc383c382c3a25d5bc2802defbfbd5d'",
    "postgresql": "x ~ E'[\x80-\x9f\ufffd]' OR x ~ E'[ÃÂâ][\x80-\ufffd]'",
}


@each_dialect
def test_a_broken_text_is_told_by_its_characters(dialect: Dialect) -> None:
    assert dialect.is_broken("x") == BROKEN[dialect.engine]


NUL = {
    "sqlite": "instr(x, char(0)) > 0",
    "mssql": "CHARINDEX(NCHAR(0), x COLLATE Latin1_General_BIN2) > 0",
    "mysql": "LOCATE(X'00', x) > 0",
    "postgresql": None,
}


@each_dialect
def test_a_nul_is_looked_for_where_a_text_may_hold_one(dialect: Dialect) -> None:
    assert dialect.has_nul("x") == NUL[dialect.engine]


def test_what_is_asked_of_keys() -> None:
    dialect = DIALECTS["postgresql"]
    keys = [Key(table(dialect), ("Name",), is_folded=True), Key(table(dialect), ("Id",), is_gaps=True)]
    assert keys_query(dialect, keys) == (
        'SELECT CAST(0 AS text) AS "table", CAST(count(*) AS text) AS "count", CAST(coalesce(sum(d.n), 0) AS text) AS "rows" '
        'FROM (SELECT count(*) AS n FROM "dbo"."Pupil" AS t WHERE t."Name" IS NOT NULL '
        'GROUP BY lower(btrim((t."Name")::text)) HAVING count(*) > 1) AS d UNION ALL '
        'SELECT CAST(1 AS text) AS "table", CAST(count(*) AS text) AS "count", CAST(coalesce(max(d.n), 0) AS text) AS "rows" '
        'FROM (SELECT t."Id" - lag(t."Id") OVER (ORDER BY t."Id") AS n FROM "dbo"."Pupil" AS t WHERE t."Id" IS NOT NULL) AS d '
        "WHERE d.n > 1"
    )


def test_all_references_of_a_table_are_followed_in_one_pass() -> None:
    dialect = DIALECTS["mssql"]
    pupil = table(dialect)
    parents = (Parent(pupil, ("Id",)), Parent(pupil, (Constant("Room"),)))
    query = references_query(dialect, pupil, [Reference(("Id",), parents), Reference(("Name",), parents[1:])])
    assert query.count("FROM [dbo].[Pupil] AS t") == 1
    assert query.count("LEFT JOIN") == 3
    assert "p0x0.[k0] = t.[Id]" in query
    assert "t.[Name] = N'Room'" in query
