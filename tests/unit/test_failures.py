"""The words of every engine: which cause they name, and what of them is handed on."""

from __future__ import annotations

import pytest

from pipeline.errors import MigrationError, SourceDrift, SourceError, SourceUnreachable
from pipeline.stores.failures import explained
from tests.support.servers import source


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("no such table: Student in the query", SourceDrift, "there is no such table"),
        ("ERROR 1146 (42S02): Table 'a.Student' doesn't exist", SourceDrift, "there is no such table"),
        ('db error: ERROR: relation "dbo.Student" does not exist', SourceDrift, "there is no such table"),
        ("Token error: 'Invalid object name 'dbo.Student'.' code 208", SourceDrift, "there is no such table"),
        ("no such column: t.First Name in the query", SourceDrift, "there is no column First Name"),
        ("ERROR 1054 (42S22): Unknown column 't.First Name' in 'SELECT'", SourceDrift, "there is no column First Name"),
        ("db error: ERROR: column t.Name does not exist", SourceDrift, "there is no column Name"),
        ("db error: ERROR: column t.First Name does not exist", SourceDrift, "there is no column First Name"),
        ("Token error: 'Invalid column name 'First Name'.' code 207", SourceDrift, "there is no column First Name"),
        ("ERROR 1142 (42000): SELECT command denied to user", SourceError, "the user may not read it"),
        ("db error: ERROR: permission denied for table Student", SourceError, "the user may not read Student"),
        ("The SELECT permission was denied on the object 'Student'", SourceError, "the user may not read Student"),
        ("ERROR 3024 (HY000): maximum statement execution time exceeded", SourceError, "a query took too long"),
        ("ERROR 1205 (HY000): Lock wait timeout exceeded", SourceError, "a query took too long"),
        ("db error: ERROR: canceling statement due to lock timeout", SourceError, "a query took too long"),
        ("[HYT00] Query timeout expired", SourceError, "a query took too long"),
        ("ERROR 1053 (08S01): Server shutdown in progress", SourceUnreachable, "does not answer any more"),
        ("FATAL: the database system is starting up", SourceUnreachable, "does not answer any more"),
        ("[08S01] Communication link failure", SourceUnreachable, "does not answer any more"),
        ("Connection reset by peer (os error 104)", SourceUnreachable, "does not answer any more"),
        (
            "An error occured during the attempt of performing I/O: No more packets in the wire",
            SourceUnreachable,
            "does",
        ),
        (
            "ConnectorX panicked: called ... on an ... value: Io { kind: UnexpectedEof, message: ... }",
            SourceUnreachable,
            "",
        ),
        ("CodecError { IO error: `bytes remaining on stream' }", SourceUnreachable, "does not answer any more"),
        ("column 0 holds U+FFFD", SourceError, "column Id holds U+FFFD, by which this driver replaces"),
        ("UTF-16 error", SourceError, "a text holds half a surrogate pair"),
        ("disk I/O error", SourceUnreachable, "does not answer any more"),
    ],
)
def test_words_of_each_engine_are_understood(said: str, kind: type[MigrationError], words: str) -> None:
    error = explained(source("postgresql://u:p@h/d"), said, ["Id"], "source a, table Student")
    assert type(error) is kind
    assert words in error.what
    assert error.where == "source a, table Student"
    assert error.remedy


def test_words_that_are_not_understood_are_handed_on_without_secrets() -> None:
    said = "something odd at mysql://marked:zq@mark:zq@host/d"
    error = explained(source("postgresql://u:p@h/d"), said, ["Id"], "source a")
    assert type(error) is SourceError
    assert error.what == "something odd at mysql://***@host/d"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "Token error: 'Conversion failed when converting the varchar value 'O'Brien' to data type int.' on server "
            "DB01 executing dbo.Secret on line 1 (code: 245, state: 1, class: 16)",
            "Conversion failed when converting the varchar value ... to data type int. (code: 245)",
        ),
        ("Token error: 'Divide by zero error encountered.' on server DB01", "Divide by zero error encountered."),
        ("Token error: 'Value `Jane` is not \"Roe\".' on server x (code: 8115)", "Value .... (code: 8115)"),
    ],
)
def test_an_error_of_sql_server_keeps_its_cause_and_loses_its_values(said: str, shown: str) -> None:
    assert explained(source("mssql://u:p@h/d?encrypt=true"), said, ["Id"], "source a").what == shown
