"""The SQL Server stand-in, asked through the drivers that the product uses: it must answer as SQL Server does."""

from __future__ import annotations

import pytest

from tests.integration.standin.asking import (
    GUID,
    NAME,
    TABLE,
    ask,
    value,
)
from tests.integration.standin.columns import BARE, TEXTS
from tests.standin import Standin


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
    "bytes of a GUID": (
        f"SELECT CAST(CAST('{GUID}' AS uniqueidentifier) AS varbinary(max)) AS x",
        bytes.fromhex("ff19966f868b11d0b42d00c04fc964ff"),
    ),
    "a GUID": (f"SELECT CAST('{GUID.lower()}' AS uniqueidentifier) AS x", GUID.lower()),
    "a moment": (
        "SELECT CONVERT(varchar(30), CAST('20200102' AS datetime2(7)), 121) AS x",
        "2020-01-02 00:00:00.0000000",
    ),
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
    "MD5 of wide text": (
        "SELECT LOWER(CONVERT(varchar(max), HASHBYTES('MD5', N'a'), 2)) AS x",
        "4144e195f46de78a3623da7364d04f11",
    ),
    "MD5 of narrow text": (
        "SELECT LOWER(CONVERT(varchar(max), HASHBYTES('MD5', 'a'), 2)) AS x",
        "0cc175b9c0f1b6a831c399e269772661",
    ),
    "SHA2_256": (
        "SELECT LOWER(CONVERT(varchar(max), HASHBYTES('SHA2_256', 'abc'), 2)) AS x",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    "text without regard to case": (f"SELECT Id AS x FROM {TABLE} WHERE {NAME} = N'ADA'", 1),
    "a GUID against text": (f"SELECT Id AS x FROM {TABLE} WHERE Ref = '{GUID.lower()}'", 1),
    "a date and time against text": ("SELECT Id AS x FROM dbo.texts WHERE t24 = '20200101 10:11:12.997'", 1),
    "a date and time against a cast": (
        "SELECT Id AS x FROM dbo.texts WHERE t24 < CAST('2020-01-01 10:11:12.997' AS datetime2(7))",
        1,
    ),
    "DB_NAME": ("SELECT DB_NAME() AS x", "district_a"),
    "SERVERPROPERTY": (
        "SELECT CAST(SERVERPROPERTY('Collation') AS nvarchar(128)) AS x",
        "SQL_Latin1_General_CP1_CI_AS",
    ),
    "no such property": ("SELECT CAST(SERVERPROPERTY('nope') AS nvarchar(128)) AS x", None),
    "a code page": ("SELECT CONVERT(varchar(9), N'Яé') AS x", "?é"),
    "another code page": (
        "SELECT CONVERT(nvarchar(9), CONVERT(varchar(9), N'Яé' COLLATE Cyrillic_General_CI_AS)) AS x",
        "Я?",
    ),
    "the type of a variant": (
        "SELECT CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(CAST('a' AS sql_variant), 'BaseType')) AS x",
        "varchar",
    ),
    "no such object": ("SELECT OBJECT_ID(N'dbo.nope') AS x", None),
    "the last of several": (
        f"SELECT MAX(n) AS x FROM (SELECT row_number() OVER (ORDER BY {NAME}) AS n FROM {TABLE}) AS q",
        3,
    ),
    "a common table expression": (
        f"WITH q AS (SELECT Ref FROM {TABLE} WHERE Id = 1) SELECT LOWER(CONVERT(char(36), q.Ref)) AS x FROM q",
        GUID.lower(),
    ),
    "a session's settings": ("SET NOCOUNT ON; SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SELECT 1 AS x", 1),
}


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
    "a style it does not know": (
        "SELECT CONVERT(varchar(30), CAST('2020-01-01' AS datetime), 100) AS x",
        50000,
        "does not support",
    ),
    "writing": (f"DELETE FROM {TABLE}", 50000, "does not support"),
}


@pytest.mark.parametrize(("query", "number", "message"), REFUSED.values(), ids=REFUSED)
def test_what_sql_server_refuses(server: Standin, query: str, number: int, message: str) -> None:
    with pytest.raises(RuntimeError, match=rf"(?s){message}.*code: {number}"):
        ask(server, query)
