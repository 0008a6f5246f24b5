"""What a driver's words mean: a legacy database's failures, as errors that hold no secret and no value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipeline.errors import (
    MigrationError,
    NotText,
    SourceDrift,
    SourceError,
    SourceUnreachable,
    scrub_quoted,
    scrub_secrets,
)
from pipeline.settings import Source

# Each in the words of SQLite, MySQL and MariaDB, PostgreSQL and SQL Server, where they have any.
_BAD_TEXT: Final = re.compile(r"at index: (\d+),.*(?:invalid|incomplete) utf-8", re.DOTALL)
#: PostgreSQL's words, of a database whose encoding is SQL_ASCII.
_NO_UTF8: Final = re.compile(r"invalid byte sequence for encoding")
_REPLACED: Final = re.compile(r"column (\d+) holds U\+FFFD")
#: ConnectorX's words; it names no column.
_HALF_A_PAIR: Final = re.compile(r"UTF-16 error")
_FIND_HALVES: Final = (
    "column LIKE N'%[' + NCHAR(0xD800) + N'-' + NCHAR(0xDFFF) + N']%' COLLATE Latin1_General_BIN2 finds candidates"
)
_NO_COLUMN: Final = re.compile(
    r"no such column: t\.(?P<sqlite>.*?) in the query"
    r"|Unknown column '(?:t\.|r\.)?(?P<mysql>[^']*)'"
    r"|column \"?(?:t\.)?(?P<postgresql>[^\"\n]*?)\"? does not exist"
    r"|Invalid column name '(?P<mssql>[^']*)'",
    re.DOTALL,
)
_NO_TABLE: Final = re.compile(r"no such table|ERROR 1146\b|relation .* does not exist|Invalid object name")
_DENIED: Final = re.compile(r"ERROR 114[23]\b|permission denied|permission was denied")
_DENIED_OBJECT: Final = re.compile(
    r"(?:for (?:table|view|schema)|on the object) [\"'`]?(?P<name>[\w.`$ ]+?)[\"'`]?(?:,|$|\n| \})"
)
_HIDDEN_ROWS: Final = re.compile(r"affected by row-level security policy for table \"(?P<name>[^\"]*)\"")
#: ConnectorX's words of an error of SQL Server; the server's name, and a procedure's, come behind.
_TOKEN: Final = re.compile(r"Token error: '(?P<said>.*)' on server (?P<more>.*)", re.DOTALL)
_CODE: Final = re.compile(r"\bcode: \d+")
_ANY_QUOTED: Final = re.compile(r"['\"`].*['\"`]", re.DOTALL)
#: Further lines, which may quote a value.
_FURTHER: Final = re.compile(r"\s*\b(?:DETAIL|CONTEXT|HINT):.*", re.DOTALL)
#: MySQL's own limit, MariaDB's, and the wait for a lock.
_TOO_SLOW: Final = re.compile(
    r"ERROR (?:3024|1969|1205)\b|due to (?:statement|lock) timeout|Query timeout expired|HYT00", re.IGNORECASE
)
#: What to do about a column that an entry names and a source lacks.
IF_LACKING: Final = "write `optional = true` for the column in its entry, if only some sources have it"
_PACKET: Final = re.compile(r"max_allowed_packet")
_LOST: Final = re.compile(
    r"unable to open database|disk I/O|timed out|server disconnected|broken pipe|terminating connection"
    r"|connection (?:was )?(?:closed|reset|refused|aborted)|the database system is|early eof|os error"
    r"|ERROR (?:1053|1927|1317|2006|2013)\b|error connecting|could not connect|link failure|forcibly closed"
    r"|unexpected end of file|bytes remaining on stream|no more packets"
    r"|kind: (?:UnexpectedEof|BrokenPipe|Connection\w+|TimedOut)\b",
    re.IGNORECASE,
)


def no_text(column: str, where: str) -> NotText:
    """Name the column of a text that is none."""
    return NotText(
        f"column {column} holds text that is not valid in the database's encoding",
        where=where,
        remedy="correct that text in the source, or store it as a blob",
    )


def explained(source: Source, said: str, names: Sequence[str], where: str) -> MigrationError:
    """Translate what a driver said.

    Args:
        source: the source that was asked.
        said: the driver's words; they may hold secrets and values.
        names: the columns that were asked for.
        where: the source, and the table where there is one.
    """
    if bad_text := _BAD_TEXT.search(said):
        return no_text(names[int(bad_text[1])], where)
    if _NO_UTF8.search(said):
        return NotText(
            "a text is not valid in the database's encoding; the server does not say in which column",
            where=where,
            remedy="correct that text in the source",
        )
    if replaced := _REPLACED.fullmatch(said):
        return SourceError(
            f"column {names[int(replaced[1])]} holds U+FFFD, by which this driver replaces half a surrogate pair",
            where=where,
            remedy="correct that text in the source, or leave `reader` out: ConnectorX tells the two apart",
        )
    if _HALF_A_PAIR.fullmatch(said):
        return SourceError(
            "a text holds half a surrogate pair; the driver does not say in which column",
            where=where,
            remedy=f"correct it in the source: {_FIND_HALVES}",
        )
    if _NO_TABLE.search(said):
        return SourceDrift(
            "there is no such table", where=where, remedy="check that it was not dropped or renamed meanwhile"
        )
    if missing := _NO_COLUMN.search(said):
        return SourceDrift(
            f"there is no column {next(name for name in missing.groups() if name is not None)}",
            where=where,
            remedy=IF_LACKING,
        )
    if _DENIED.search(said):
        name = _DENIED_OBJECT.search(said)
        what = f"the user may not read {name['name'].replace('`', '')}" if name else "the user may not read it"
        return SourceError(what, where=where, remedy="grant SELECT to the user of its dsn")
    if hidden := _HIDDEN_ROWS.search(said):
        return SourceError(
            f"row-level security hides rows of {hidden['name']} from the user",
            where=where,
            remedy="give the user of its dsn BYPASSRLS, or read as the owner of the table",
        )
    if _TOO_SLOW.search(said):
        return SourceError(
            "a query took too long and was ended",
            where=where,
            expected=f"an answer within statement_timeout = {source.statement_timeout} seconds",
            remedy="see what holds the table's lock, or raise statement_timeout of the source; "
            "then the same command goes on",
        )
    if _PACKET.search(said):
        return SourceError(
            "a row is longer than the server sends",
            where=where,
            got="more than its max_allowed_packet",
            remedy="raise max_allowed_packet on the server; a binary value counts twice, for it comes as digits",
        )
    if _LOST.search(said):
        return SourceUnreachable(
            "the database does not answer any more",
            where=where,
            got=scrub_secrets(said),
            remedy="when it does, the same command goes on",
        )
    return SourceError(_cause(_FURTHER.sub("", scrub_secrets(said))), where=where)


def _cause(words: str) -> str:
    """Give a driver's words without the values that they quote.

    ConnectorX quotes the whole of what SQL Server says, which quotes in its turn, and values with apostrophes: of that
    all goes from the first quote to the last.
    """
    token = _TOKEN.search(words)
    if token is None:
        return scrub_quoted(words)
    code = _CODE.search(token["more"])
    return f"{_ANY_QUOTED.sub('...', token['said'])}{f' ({code[0]})' if code else ''}"
