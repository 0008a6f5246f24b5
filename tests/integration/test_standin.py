"""The SQL Server stand-in, asked through the drivers that the product uses: it must answer as SQL Server does.

Expected texts are those of Microsoft's documentation of CAST and CONVERT, not of the stand-in's code.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import connectorx
import pyarrow as pa
import pytest

from pipeline.demo.estate import build_estate
from tests.standin import Database, Standin
from tests.standin.declared import BASES, SqlType
from tests.standin.from_sqlite import Altered, load_sqlite
from tests.standin.values import stored

PASSWORD = "p@ss:/#wörd"
GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
ODD = "a]b 'ü\""

INT_TEXT, DECIMAL_TEXT, MONEY_TEXT = "CAST({} AS varchar(20))", "CAST({} AS varchar(50))", "CONVERT(varchar(30), {}, 2)"
FLOAT_TEXT, DATE_TEXT, TIME_TEXT = (
    "CONVERT(varchar(40), {}, 3)",
    "CONVERT(varchar(10), {}, 23)",
    "CONVERT(varchar(16), {}, 121)",
)
MOMENT_TEXT, OFFSET_TEXT = "CONVERT(varchar(30), {}, 121)", "CONVERT(varchar(40), {}, 121)"
GUID_TEXT, HEX_TEXT, TEXT = (
    "LOWER(CONVERT(char(36), {}))",
    "LOWER(CONVERT(varchar(max), {}, 2))",
    "CAST({} AS nvarchar(max))",
)

#: A column's declared type, the value put there, how it is selected, and what comes back.
TEXTS: list[tuple[str, object, str, str | None]] = [
    ("bit", True, INT_TEXT, "1"),
    ("bit", 0, INT_TEXT, "0"),
    ("bit", True, "CONVERT(varchar(20), {})", "1"),
    ("tinyint", 255, INT_TEXT, "255"),
    ("smallint", -32768, INT_TEXT, "-32768"),
    ("int", -2147483648, INT_TEXT, "-2147483648"),
    ("int", -123, "CAST({} AS varchar(3))", "*"),
    ("bigint", -(2**63), INT_TEXT, "-9223372036854775808"),
    ("decimal(18,2)", "0.5", DECIMAL_TEXT, "0.50"),
    ("decimal(38,10)", "-1234567890123456789012345678.0000000001", DECIMAL_TEXT,
     "-1234567890123456789012345678.0000000001"),
    ("decimal(38,38)", "0." + "9" * 38, DECIMAL_TEXT, "0." + "9" * 38),
    ("decimal(9,0)", "-7", DECIMAL_TEXT, "-7"),
    ("money", "922337203685477.5807", MONEY_TEXT, "922337203685477.5807"),
    ("money", "-1234567.5", MONEY_TEXT, "-1234567.5000"),
    ("smallmoney", "-214748.3648", MONEY_TEXT, "-214748.3648"),
    ("float", 0.1, FLOAT_TEXT, "1.0000000000000001e-001"),
    ("float", -1.7976931348623157e308, FLOAT_TEXT, "-1.7976931348623157e+308"),
    ("float", 0, FLOAT_TEXT, "0.0000000000000000e+000"),
    ("real", 0.1, FLOAT_TEXT, "1.0000000149011612e-001"),
    ("date", "0001-01-01", DATE_TEXT, "0001-01-01"),
    ("date", "9999-12-31", DATE_TEXT, "9999-12-31"),
    ("time(7)", "23:59:59.9999999", TIME_TEXT, "23:59:59.9999999"),
    ("time(3)", "01:02:03.0455", TIME_TEXT, "01:02:03.046"),
    ("time(0)", "01:02:03", TIME_TEXT, "01:02:03"),
    ("datetime", "2020-01-01 10:11:12.998", MOMENT_TEXT, "2020-01-01 10:11:12.997"),
    ("datetime", "2020-01-01 10:11:12.999", MOMENT_TEXT, "2020-01-01 10:11:13.000"),
    ("datetime", "2020-01-01 10:11:12.004", MOMENT_TEXT, "2020-01-01 10:11:12.003"),
    ("datetime", "2020-01-01 10:11:12.005", MOMENT_TEXT, "2020-01-01 10:11:12.007"),
    ("datetime", "1753-01-01", MOMENT_TEXT, "1753-01-01 00:00:00.000"),
    ("datetime", "9999-12-31 23:59:59.997", MOMENT_TEXT, "9999-12-31 23:59:59.997"),
    ("datetime", "2020-01-01 10:11:12.997", "CONVERT(varchar(30), CAST({} AS datetime2(7)), 121)",
     "2020-01-01 10:11:12.9966667"),
    ("smalldatetime", "2020-01-01 10:11:29.998", MOMENT_TEXT, "2020-01-01 10:11:00.000"),
    ("smalldatetime", "2079-06-06 23:59:00", MOMENT_TEXT, "2079-06-06 23:59:00.000"),
    ("datetime2(7)", "0001-01-01 00:00:00.0000001", MOMENT_TEXT, "0001-01-01 00:00:00.0000001"),
    ("datetime2(7)", "9999-12-31 23:59:59.9999999", MOMENT_TEXT, "9999-12-31 23:59:59.9999999"),
    ("datetime2(3)", "2020-02-29 23:59:59.1236", MOMENT_TEXT, "2020-02-29 23:59:59.124"),
    ("datetime2(0)", "2020-02-29 23:59:59", MOMENT_TEXT, "2020-02-29 23:59:59"),
    ("datetimeoffset(7)", "2020-01-01 13:14:15.1234567 +05:30", OFFSET_TEXT, "2020-01-01 13:14:15.1234567 +05:30"),
    ("datetimeoffset(0)", "2020-01-01 00:14:15 -08:00", OFFSET_TEXT, "2020-01-01 00:14:15 -08:00"),
    ("uniqueidentifier", GUID, GUID_TEXT, GUID.lower()),
    ("uniqueidentifier", GUID, "CONVERT(char(36), {})", GUID),
    ("varbinary(max)", b"\x00\xabZ", HEX_TEXT, "00ab5a"),
    ("varbinary(max)", b"\x00\xabZ", "CONVERT(varchar(max), {}, 2)", "00AB5A"),
    ("varbinary(max)", b"\x00\xabZ", "CONVERT(varchar(max), {}, 1)", "0x00AB5A"),
    ("varbinary(8)", b"", HEX_TEXT, ""),
    ("binary(4)", b"\x01", HEX_TEXT, "01000000"),
    ("timestamp", b"\x00\x00\x00\x00\x00\x00\x07\xd1", HEX_TEXT, "00000000000007d1"),
    ("nvarchar(max)", "", TEXT, ""),
    ("nvarchar(50)", "Zoë 😀 日本'\0", TEXT, "Zoë 😀 日本'\0"),
    ("nvarchar(max)", "é" * 70_000, TEXT, "é" * 70_000),
    ("varchar(8000)", "x" * 8000, TEXT, "x" * 8000),
    ("char(5)", "ab", TEXT, "ab   "),
    ("nchar(3)", "é", TEXT, "é  "),
    ("text", "a\r\nb", TEXT, "a\r\nb"),
    ("ntext", "日", TEXT, "日"),
    ("xml", "<a b='ü'/>", TEXT, "<a b='ü'/>"),
    ("sql_variant", "five", TEXT, "five"),
    ("sql_variant", ("decimal(5,2)", "5.5"), TEXT, "5.50"),
    ("sql_variant", ("datetime", "2020-01-01 10:11:12.997"), "CONVERT(varchar(30), CONVERT(datetime, {}), 121)",
     "2020-01-01 10:11:12.997"),
    ("sql_variant", ("money", "5"), "CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({}, 'BaseType'))", "money"),
    ("nvarchar(50)", "abcdef", "CAST({} AS varchar(3))", "abc"),
]  # fmt: skip

#: Bare columns of a type, and what ConnectorX makes of them: its own errors included.
BARE: list[tuple[str, object, object]] = [
    ("bit", True, True),
    ("tinyint", 255, 255),
    ("smallint", -2, -2),
    ("int", -3, -3),
    ("bigint", -(2**63), -(2**63)),
    ("decimal(18,2)", "-12.5", Decimal("-12.5000000000")),
    ("numeric(5,0)", "12", Decimal("12.0000000000")),
    ("money", "922337203685477.5807", 922337203685477.6),  # rounded by ConnectorX
    ("money", "-1.5", -1.5),
    ("real", 0.5, 0.5),
    ("float", 0.1, 0.1),
    ("date", "2020-02-29", datetime(2020, 2, 29).date()),
    ("time(7)", "23:59:59.9999999", datetime(1, 1, 1, 23, 59, 59, 999_999).time()),  # its 7th digit is dropped
    ("datetime", "2020-01-01 10:11:12.997", datetime(2020, 1, 1, 10, 11, 12, 996_666)),  # its tick is cut
    ("smalldatetime", "2020-01-01 10:11:00", datetime(2020, 1, 1, 10, 11)),
    ("datetime2(7)", "2020-01-01 10:11:12.1234567", datetime(2020, 1, 1, 10, 11, 12, 123_456)),
    # The offset is subtracted twice: 07:44:15Z would be right.
    ("datetimeoffset(7)", "2020-01-01 13:14:15 +05:30", datetime(2020, 1, 1, 2, 14, 15, tzinfo=UTC)),
    ("uniqueidentifier", GUID, GUID.lower()),
    ("char(4)", "é", "é   "),
    ("varchar(10)", "€ß", "€ß"),
    ("varchar(max)", "", ""),
    ("nchar(2)", "日", "日 "),
    ("nvarchar(10)", "😀", "😀"),
    ("nvarchar(max)", "", ""),
    ("nvarchar(max)", "日" * 40_000, "日" * 40_000),
    ("text", "abc", "abc"),
    ("binary(3)", b"\x01", b"\x01\0\0"),
    ("varbinary(max)", b"", b""),
    ("image", b"\xff", b"\xff"),
    ("timestamp", b"\0" * 7 + b"\x01", b"\0" * 7 + b"\x01"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    district = Database()
    specs = [("Id", "int", False)]
    for i, (declared, *_) in enumerate(TEXTS):
        specs += [(f"t{i}", declared, True), (f"n{i}", declared, True)]
    district.load_table("dbo", "texts", specs, ["Id"], [(1, *(x for case in TEXTS for x in (case[1], None)))])
    for prefix, nullable in (("null", True), ("fixed", False)):
        columns = [(f"b{i}", declared, nullable) for i, (declared, *_) in enumerate(BARE)]
        rows = [[value for _, value, _ in BARE]] + [[None for _ in BARE]] * nullable
        district.load_table("dbo", prefix, columns, [], rows)
    people = [(1, "Ada", "x", GUID), (2, "bob", None, GUID[:-1] + "0"), (3, "Čert", "", "FF" + GUID[2:])]
    people_columns = [("Id", "int", False), (ODD, "nvarchar(50)", True), ("Note", "varchar(20)", True),
                      ("Ref", "uniqueidentifier", False)]  # fmt: skip
    district.load_table("dbo", f"T {ODD}", people_columns, ["Id"], people)
    district.load_table("own", "Child", [("A", "int", False), ("B", "nvarchar(9)", False), ("T_Id", "int", True)],
                        ["B", "A"], [(1, "x", 1)])  # fmt: skip
    district.foreign_key("FK_Child", ("own", "Child"), ["T_Id"], ("dbo", f"T {ODD}"), ["Id"])
    with Standin({"district_a": district, "empty": Database()}, logins={"reader": PASSWORD}) as standin:
        yield standin


def ask(server: Standin, query: str, database: str = "district_a") -> pa.Table:
    return connectorx.read_sql(server.dsn(database), query, return_type="arrow")


def value(server: Standin, query: str) -> object:
    table = ask(server, query)
    assert table.shape == (1, 1)
    return table.column(0)[0].as_py()


TABLE = f"[dbo].[T {ODD.replace(']', ']]')}]"
NAME = f"[{ODD.replace(']', ']]')}]"


def test_every_text_form_is_microsofts(server: Standin) -> None:
    selected = ", ".join(f"{form.format(f't.[t{i}]')} AS [t{i}]" for i, (_, _, form, _) in enumerate(TEXTS))
    table = ask(server, f"SELECT {selected} FROM [dbo].[texts] AS t WITH (NOLOCK)")
    got = [table[f"t{i}"][0].as_py() for i in range(len(TEXTS))]
    assert dict(enumerate(got)) == {i: case[3] for i, case in enumerate(TEXTS)}
    assert {str(kind) for kind in table.schema.types} == {"string"}


def test_the_text_of_null_is_null(server: Standin) -> None:
    selected = ", ".join(f"{form.format(f'[n{i}]')} AS [n{i}]" for i, (_, _, form, _) in enumerate(TEXTS))
    table = ask(server, f"SELECT {selected} FROM dbo.texts")
    assert set(table.to_pylist()[0].values()) == {None}


@pytest.mark.parametrize("table", ["null", "fixed"])
def test_bare_columns_go_out_as_declared(server: Standin, table: str) -> None:
    """In the nullable and in the fixed form of the wire."""
    names = ", ".join(f"b{i}" for i in range(len(BARE)))
    got = ask(server, f"SELECT {names} FROM [{table}]").to_pylist()
    assert list(got[0].values()) == [expected for _, _, expected in BARE]
    assert len(got) == (2 if table == "null" else 1)
    if table == "null":
        assert set(got[1].values()) == {None}


@pytest.mark.parametrize("declared", ["xml", "sql_variant"])
def test_types_that_panic_in_connectorx_do_here(
    server: Standin, declared: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BaseException, match=r"not yet implemented|not implemented|unsupported") as caught:
        ask(server, f"SELECT CAST(N'<a/>' AS {declared}) AS x")
    assert type(caught.value).__name__ == "PanicException"
    assert "panicked" in capfd.readouterr().err


VALUES = {
    "a literal": ("SELECT 1 AS x", 1),
    "a national literal": ("SELECT N'O''Brien 日' AS x", "O'Brien 日"),
    "a binary literal": ("SELECT 0x01aB AS x", b"\x01\xab"),
    "bytes of text": ("SELECT CAST(N'aé' AS varbinary(max)) AS x", b"a\0\xe9\0"),
    "bytes of narrow text": ("SELECT CAST('a€' AS varbinary(max)) AS x", b"a\x80"),
    "bytes of a number": ("SELECT CAST(258 AS varbinary(max)) AS x", b"\0\0\x01\x02"),
    "bytes of bytes": ("SELECT CAST(0x0102 AS varbinary(1)) AS x", b"\x01"),
    "bytes of a GUID": (f"SELECT CAST(CAST('{GUID}' AS uniqueidentifier) AS varbinary(max)) AS x",
                        bytes.fromhex("ff19966f868b11d0b42d00c04fc964ff")),
    "a GUID": (f"SELECT CAST('{GUID.lower()}' AS uniqueidentifier) AS x", GUID.lower()),
    "a moment": ("SELECT CONVERT(varchar(30), CAST('20200102' AS datetime2(7)), 121) AS x",
                 "2020-01-02 00:00:00.0000000"),
    "DATALENGTH of wide text": ("SELECT DATALENGTH(N'aé😀') AS x", 8),
    "DATALENGTH of narrow text": ("SELECT DATALENGTH('aé') AS x", 2),
    "DATALENGTH of bytes": ("SELECT DATALENGTH(0x0102) AS x", 2),
    "DATALENGTH of an int": (f"SELECT DATALENGTH(Id) AS x FROM {TABLE} WHERE Id = 1", 4),
    "LEN": ("SELECT LEN(N'a😀  ') AS x", 3),
    "COUNT_BIG": (f"SELECT COUNT_BIG(*) AS x FROM {TABLE}", 3),
    "COUNT": (f"SELECT COUNT(*) AS x FROM {TABLE}", 3),
    "SUM": (f"SELECT SUM(CAST(Id AS bigint)) AS x FROM {TABLE}", 6),
    "division of integers": ("SELECT -7 / 2 AS x", -3),
    "remainder": ("SELECT -7 % 3 AS x", -1),
    "CASE": (f"SELECT CASE WHEN Note IS NULL THEN N'none' ELSE N'some' END AS x FROM {TABLE} WHERE Id = 2", "none"),
    "ISNULL": (f"SELECT ISNULL(Note, '-') AS x FROM {TABLE} WHERE Id = 2", "-"),
    "concatenation": (f"SELECT {NAME} + N'!' AS x FROM {TABLE} WHERE Id = 3", "Čert!"),
    "NCHAR": ("SELECT (N'a' + NCHAR(0) + N'b') AS x", "a\0b"),
    "MD5 of wide text": ("SELECT LOWER(CONVERT(varchar(max), HASHBYTES('MD5', N'a'), 2)) AS x",
                         "4144e195f46de78a3623da7364d04f11"),
    "MD5 of narrow text": ("SELECT LOWER(CONVERT(varchar(max), HASHBYTES('MD5', 'a'), 2)) AS x",
                           "0cc175b9c0f1b6a831c399e269772661"),
    "SHA2_256": ("SELECT LOWER(CONVERT(varchar(max), HASHBYTES('SHA2_256', 'abc'), 2)) AS x",
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    "text without regard to case": (f"SELECT Id AS x FROM {TABLE} WHERE {NAME} = N'ADA'", 1),
    "a GUID against text": (f"SELECT Id AS x FROM {TABLE} WHERE Ref = '{GUID.lower()}'", 1),
    "a date and time against text": ("SELECT Id AS x FROM dbo.texts WHERE t24 = '20200101 10:11:12.997'", 1),
    "a date and time against a cast": ("SELECT Id AS x FROM dbo.texts WHERE t24 < CAST('2020-01-01 10:11:12.997' AS datetime2(7))", 1),
    "DB_NAME": ("SELECT DB_NAME() AS x", "district_a"),
    "SERVERPROPERTY": ("SELECT CAST(SERVERPROPERTY('Collation') AS nvarchar(128)) AS x", "SQL_Latin1_General_CP1_CI_AS"),
    "no such property": ("SELECT CAST(SERVERPROPERTY('nope') AS nvarchar(128)) AS x", None),
    "a code page": ("SELECT CONVERT(varchar(9), N'Яé') AS x", "?é"),
    "another code page": ("SELECT CONVERT(nvarchar(9), CONVERT(varchar(9), N'Яé' COLLATE Cyrillic_General_CI_AS)) AS x", "Я?"),
    "the type of a variant": ("SELECT CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(CAST('a' AS sql_variant), 'BaseType')) AS x", "varchar"),
    "no such object": ("SELECT OBJECT_ID(N'dbo.nope') AS x", None),
    "the last of several": (f"SELECT MAX(n) AS x FROM (SELECT row_number() OVER (ORDER BY {NAME}) AS n FROM {TABLE}) AS q", 3),
    "a common table expression": (f"WITH q AS (SELECT Ref FROM {TABLE} WHERE Id = 1) SELECT LOWER(CONVERT(char(36), q.Ref)) AS x FROM q", GUID.lower()),
    "a session's settings": ("SET NOCOUNT ON; SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SELECT 1 AS x", 1),
}  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), VALUES.values(), ids=VALUES)
def test_values(server: Standin, query: str, expected: object) -> None:
    assert value(server, query) == expected


def test_rows_are_numbered_cut_and_ordered(server: Standin) -> None:
    query = (
        f"SELECT TOP (2) q.n FROM (SELECT CAST(Id AS varchar(20)) AS n, row_number() OVER (ORDER BY Id) AS r FROM"
        f" {TABLE} AS t WITH (NOLOCK)) AS q WHERE q.r % 2 = 1 ORDER BY q.r DESC"
    )
    assert ask(server, query).to_pydict() == {"n": ["3", "1"]}


def test_guids_are_ordered_by_their_last_bytes_first(server: Standin) -> None:
    """Ids 1 and 3 end alike and differ in the first byte only, which SQL Server compares nearly last."""
    assert ask(server, f"SELECT Id FROM {TABLE} ORDER BY Ref")["Id"].to_pylist() == [2, 1, 3]


def test_result_columns_are_named_as_in_sql_server(server: Standin) -> None:
    table = ask(server, f"SELECT id, {NAME} AS [naïve name], COUNT(*) OVER () FROM {TABLE}")
    assert table.schema.names == ["Id", "naïve name", ""]


def test_checksums_see_every_value(server: Standin) -> None:
    def checksum(where: str) -> object:
        return value(server, f"SELECT CHECKSUM_AGG(BINARY_CHECKSUM(*)) AS x FROM {TABLE} WHERE {where}")

    assert checksum("Id < 3") == checksum("Id IN (2, 1)")
    assert checksum("Id < 3") != checksum("Id < 2")


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
    names = ("schema", "table", "column", "type", "max_length", "precision", "scale", "is_nullable", "is_identity",
             "is_computed", "collation_name", "key_ordinal", "is_primary_key")  # fmt: skip
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
        {"name": "FK_Child", "parent": "Child", "parent_column": "T_Id", "referenced": f"T {ODD}",
         "referenced_column": "Id", "n": 1}
    ]  # fmt: skip


def test_the_catalog_lists_types_databases_and_rows(server: Standin) -> None:
    assert set(ask(server, "SELECT name FROM sys.types")["name"].to_pylist()) >= set(BASES)
    databases = ask(server, "SELECT name, database_id FROM sys.databases ORDER BY database_id")
    assert databases["name"].to_pylist() == ["master", "district_a", "empty"]
    assert value(server, "SELECT SUM(rows) AS x FROM sys.partitions WHERE object_id = OBJECT_ID('own.Child')") == 1
    assert ask(server, "SELECT name FROM sys.tables", "empty").num_rows == 0


REFUSED = {
    "no such table": ("SELECT 1 AS x FROM dbo.nope", 208, r"Invalid object name '.*nope'"),
    "no such column": (f"SELECT CAST(nope AS varchar(20)) AS x FROM {TABLE}", 207, "Invalid column name 'nope'"),
    "no such column of a table": (f"SELECT t.nope FROM {TABLE} t", 4104, "could not be bound"),
    "an ambiguous column": (f"SELECT Id FROM {TABLE} a JOIN {TABLE} b ON a.Id = b.Id", 209, "Ambiguous column name"),
    "no GUID": ("SELECT CAST('zz' AS uniqueidentifier) AS x", 8169, "Conversion failed"),
    "no date": ("SELECT CAST('2020-02-30' AS datetime2(7)) AS x", 241, "Conversion failed"),
    "no number": (f"SELECT CAST({NAME} AS int) AS x FROM {TABLE}", 245, "Conversion failed"),
    "too short for a number": ("SELECT CAST(12.50 AS varchar(2)) AS x", 8115, "Arithmetic overflow"),
    "too short for a GUID": (f"SELECT CONVERT(char(35), Ref) AS x FROM {TABLE}", 8170, "Insufficient result space"),
    "order inside": (f"SELECT x.Id FROM (SELECT Id FROM {TABLE} ORDER BY Id) AS x", 1033, "ORDER BY clause is invalid"),
    "unnamed inside": (f"SELECT * FROM (SELECT COUNT(*) FROM {TABLE}) AS x", 8155, "No column name was specified"),
    "twice inside": (f"SELECT * FROM (SELECT Id, id FROM {TABLE}) AS x", 8156, "specified multiple times"),
    "WITH inside": ("SELECT * FROM (WITH q AS (SELECT 1 AS a) SELECT a FROM q) AS x", 156, "keyword 'WITH'"),
    "other dialects": ("SELECT 'a' || 'b' AS x", 102, "Incorrect syntax"),
    "LIMIT": (f"SELECT Id FROM {TABLE} LIMIT 1", 102, "Incorrect syntax"),
    "half a query": ("SELECT 1 FROM", 102, "Incorrect syntax"),
    "a style it does not know": ("SELECT CONVERT(varchar(30), CAST('2020-01-01' AS datetime), 100) AS x", 50000, "does not support"),
    "writing": (f"DELETE FROM {TABLE}", 50000, "does not support"),
}  # fmt: skip


@pytest.mark.parametrize(("query", "number", "message"), REFUSED.values(), ids=REFUSED)
def test_what_sql_server_refuses(server: Standin, query: str, number: int, message: str) -> None:
    with pytest.raises(RuntimeError, match=rf"(?s){message}.*code: {number}"):
        ask(server, query)


def test_many_connections_at_once(server: Standin) -> None:
    query = f"SELECT LOWER(CONVERT(char(36), Ref)) AS g FROM {TABLE} ORDER BY Id"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(server, query)["g"].to_pylist(), range(24)))
    assert answers == [[GUID.lower(), GUID[:-1].lower() + "0", "ff" + GUID[2:].lower()]] * 24


TRY_TO_CONNECT = "import sys, connectorx; connectorx.read_sql(sys.argv[1], 'SELECT 1 AS x', return_type='arrow')"


@pytest.mark.parametrize(
    ("database", "password", "said"),
    [
        ("district_a", "wrong", "Login failed for user 'reader'. code=18456"),
        ("nope", PASSWORD, 'Cannot open database "nope" requested by the login. The login failed. code=4060'),
    ],
)
def test_refused_logins_are_named_in_connectorx_log(server: Standin, database: str, password: str, said: str) -> None:
    """ConnectorX tries on for 30 s and then names no cause: a process of its own, ended at the first line."""
    dsn = server.dsn(database, password=password)
    environment = {**os.environ, "RUST_LOG": "tiberius=error"}
    with subprocess.Popen(
        [sys.executable, "-c", TRY_TO_CONNECT, dsn], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            assert said in process.stderr.readline()
        finally:
            process.kill()


def test_the_certificate_is_checked_by_who_is_told_it(server: Standin, tmp_path: Path) -> None:
    authority = server.certificate(tmp_path)
    dsn = f"{server.dsn('district_a', trust=False)}&trust_server_certificate_ca={authority}"
    assert connectorx.read_sql(dsn, "SELECT 1 AS x", return_type="arrow")["x"].to_pylist() == [1]


def test_without_tls_nothing_is_encrypted() -> None:
    with Standin({"a": Database()}, logins={"reader": PASSWORD}, tls=False) as plain:
        assert "encrypt" not in plain.dsn("a")
        assert ask(plain, "SELECT DB_NAME() AS x", "a")["x"].to_pylist() == ["a"]


def test_mssql_python_is_told_why_a_login_is_refused(server: Standin) -> None:
    mssql_python = pytest.importorskip("mssql_python", reason="the extra `mssql` is not installed")
    with pytest.raises(mssql_python.Error, match="Login failed for user 'reader'"):
        mssql_python.connect(server.odbc("district_a", password="wrong"))
    with pytest.raises(mssql_python.Error, match="Login failed"):  # its words leave out which database
        mssql_python.connect(server.odbc("nope"))


IMPOSSIBLE = [
    ("int", 2**31), ("tinyint", -1), ("decimal(5,2)", "1000"), ("money", "1e16"), ("datetime", "1752-12-31"),
    ("datetime", "garbage"), ("datetime", "2020-02-30"), ("date", ""), ("time(7)", "25:00:00"),
    ("datetimeoffset(7)", "2020-01-01 00:00:00 +15:00"), ("uniqueidentifier", "zz"), ("nvarchar(1)", "😀"),
    ("varchar(3)", "abcd"), ("varbinary(1)", b"ab"), ("nvarchar(5)", 5), ("int", "abc"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "impossible"), IMPOSSIBLE)
def test_what_a_column_cannot_hold_is_refused(declared: str, impossible: object) -> None:
    with pytest.raises((ValueError, TypeError), match=r"dbo\.t\.x: "):
        Database().load_table("dbo", "t", [("x", declared, True)], [], [(impossible,)])


@pytest.mark.parametrize("declared", ["", "integerr", "decimal(18", "hierarchy", "varchar(x)"])
def test_types_that_are_none_are_refused(declared: str) -> None:
    with pytest.raises(ValueError, match="is no type of SQL Server"):
        SqlType.parse(declared)


@pytest.mark.parametrize("declared", [*BASES, "decimal(38,10)", "time(0)", "nvarchar(max)", "char(10)"])
def test_declarations_are_read_as_they_are_written(declared: str) -> None:
    assert SqlType.parse(str(SqlType.parse(declared))) == SqlType.parse(declared)


def test_a_table_is_loaded_once_and_its_key_must_exist() -> None:
    database = Database()
    database.load_table("dbo", "t", [("x", "int", False)])
    with pytest.raises(ValueError, match=r"dbo\.T is there already"):
        database.load_table("dbo", "T", [("x", "int", False)])
    with pytest.raises(ValueError, match="the key names no column y"):
        database.load_table("dbo", "u", [("x", "int", False)], ["y"])
    with pytest.raises(ValueError, match=r"there is no table dbo\.v"):
        database.foreign_key("k", ("dbo", "t"), ["x"], ("dbo", "v"), ["x"])


def test_a_database_is_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    first = Database(path)
    first.load_table("dbo", "t", [("x", "datetime", False)], ["x"], [("2020-01-01 00:00:00.003",)])
    first.connection.close()
    with Standin({"a": path}, logins={"reader": PASSWORD}) as again:
        assert ask(again, "SELECT CONVERT(varchar(30), x, 121) AS x FROM t", "a")["x"].to_pylist() == [
            "2020-01-01 00:00:00.003"
        ]


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_estate(tmp_path_factory.mktemp("estate"), students={"a": 60, "b": 40}, years=4).directory


def test_an_estate_table_comes_back_whole(estate: Path) -> None:
    path = estate / "district_a.sqlite"
    database, altered = load_sqlite(path, tables=["Student"])
    assert altered == []
    with closing(sqlite3.connect(path)) as snapshot:
        described = snapshot.execute("PRAGMA table_info(Student)").fetchall()
        rows = snapshot.execute("SELECT * FROM Student ORDER BY Id").fetchall()
    forms = {"datetime": MOMENT_TEXT, "int": INT_TEXT, "bit": INT_TEXT}
    selected = ", ".join(
        f"{forms.get(SqlType.parse(declared).base, TEXT).format(f'[{name}]')} AS [{name}]"
        for _, name, declared, *_ in described
    )
    with Standin({"district_a": database}, logins={"reader": PASSWORD}) as server:
        table = ask(server, f"SELECT {selected} FROM dbo.Student ORDER BY Student.Id")
    # SQLite holds datetimes in the very text of style 121, and every other column's text is its str().
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        tuple(None if cell is None else str(cell) for cell in row) for row in rows
    ]
    assert table.num_rows >= 60


def test_what_sql_server_cannot_hold_is_reported(estate: Path) -> None:
    _, altered = load_sqlite(estate / "district_a.sqlite", tables=["AssessmentFP"])
    assert {(one.column, one.declared, one.value, one.kept) for one in altered} == {
        ("TextLevel", "int", "abc", None),
        ("TotalScore", "decimal(18,2)", 1.005, Decimal("1.01")),
    }
    assert all(isinstance(one, Altered) and len(one.key) == 1 for one in altered)


def test_a_null_is_not_invented_in_a_column_that_has_none(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(path)) as source:
        source.execute('CREATE TABLE t (d "datetime" NOT NULL)')
        source.execute("INSERT INTO t VALUES ('soon')")
        source.commit()
    with pytest.raises(ValueError, match=r"t\.d: datetime cannot hold 'soon', and NULL neither"):
        load_sqlite(path)


def test_moments_are_kept_as_sql_server_compares_them() -> None:
    """Since SQL Server 2016 a datetime of .003 is .0033333 beside a datetime2."""
    tick = stored(SqlType.parse("datetime"), "2020-01-01 00:00:00.003")
    assert tick == stored(SqlType.parse("datetime2(7)"), "2020-01-01 00:00:00.0033333")
