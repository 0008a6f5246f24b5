"""The catalog views of the SQL Server stand-in: tables, keys, types and databases as SQL Server lists them."""

from __future__ import annotations

from tests.integration.standin.asking import (
    ODD,
    ask,
    value,
)
from tests.standin import Standin
from tests.standin.declared import BASES


def test_the_catalog_describes_tables_keys_and_columns(server: Standin) -> None:
    columns = ask(
        server,
        "SELECT s.name AS [schema], t.name AS [table], c.name AS [column], ty.name AS [type], c.max_length, c.precision,"
        " c.scale, c.is_nullable, c.is_identity, c.is_computed, c.collation_name, ic.key_ordinal, i.is_primary_key"
        " FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id"
        " JOIN sys.columns AS c ON c.object_id = t.object_id JOIN sys.types AS ty ON ty.user_type_id = c.user_type_id"
        " LEFT JOIN sys.indexes AS i ON i.object_id = t.object_id AND i.is_primary_key = 1"
        " LEFT JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id"
        " AND ic.column_id = c.column_id AND ic.is_included_column = 0"
        " WHERE s.name = 'own' OR t.object_id = OBJECT_ID(N'dbo.texts') AND c.name IN (N't8', N'T12')"
        " ORDER BY s.name, c.column_id",
    ).to_pylist()
    collation = "SQL_Latin1_General_CP1_CI_AS"
    names = (
        "schema",
        "table",
        "column",
        "type",
        "max_length",
        "precision",
        "scale",
        "is_nullable",
        "is_identity",
        "is_computed",
        "collation_name",
        "key_ordinal",
        "is_primary_key",
    )
    assert columns == [
        dict(zip(names, row, strict=True))
        for row in [
            ("dbo", "texts", "t8", "decimal", 9, 18, 2, True, False, False, None, None, True),
            ("dbo", "texts", "t12", "money", 8, 19, 4, True, False, False, None, None, True),
            ("own", "Child", "A", "int", 4, 10, 0, False, False, False, None, 2, True),
            ("own", "Child", "B", "nvarchar", 18, 0, 0, False, False, False, collation, 1, True),
            ("own", "Child", "T_Id", "int", 4, 10, 0, True, False, False, None, None, True),
        ]
    ]


def test_the_catalog_describes_foreign_keys(server: Standin) -> None:
    found = ask(
        server,
        "SELECT k.name, OBJECT_NAME(f.parent_object_id) AS parent, p.name AS parent_column,"
        " OBJECT_NAME(f.referenced_object_id) AS referenced, r.name AS referenced_column, f.constraint_column_id AS n"
        " FROM sys.foreign_keys AS k JOIN sys.foreign_key_columns AS f ON f.constraint_object_id = k.object_id"
        " JOIN sys.columns AS p ON p.object_id = f.parent_object_id AND p.column_id = f.parent_column_id"
        " JOIN sys.columns AS r ON r.object_id = f.referenced_object_id AND r.column_id = f.referenced_column_id",
    )
    assert found.to_pylist() == [
        {
            "name": "FK_Child",
            "parent": "Child",
            "parent_column": "T_Id",
            "referenced": f"T {ODD}",
            "referenced_column": "Id",
            "n": 1,
        }
    ]


def test_the_catalog_lists_types_databases_and_rows(server: Standin) -> None:
    assert set(ask(server, "SELECT name FROM sys.types")["name"].to_pylist()) >= set(BASES)
    databases = ask(server, "SELECT name, database_id FROM sys.databases ORDER BY database_id")
    assert databases["name"].to_pylist() == ["master", "district_a", "empty"]
    assert value(server, "SELECT SUM(rows) AS x FROM sys.partitions WHERE object_id = OBJECT_ID('own.Child')") == 1
    assert ask(server, "SELECT name FROM sys.tables", "empty").num_rows == 0
