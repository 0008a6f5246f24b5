"""The legacy databases, read only: the only importer of ConnectorX.

Owns opening, identifying and asking a source. Never writes to one, and never lets ConnectorX near a file that
is not a finished SQLite database: it would create a missing one and wait 30 s for an unreadable one. Every
query comes from the dialect in `core.sql`. Invariant: what `read` returns is text as the source said it, in
the order of the key; the sentinel row that types it was there and is gone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyarrow as pa

from pipeline.core.sql import sqlite as dialect
from pipeline.core.sql.sqlite import EVERY_KEY, Key, KeyRange
from pipeline.errors import (
    MigrationError,
    SourceChanged,
    SourceDrift,
    SourceError,
    SourceMissing,
    SourceUnreachable,
)
from pipeline.settings import Source

# Read when ConnectorX is loaded: without it the connection pool logs every failed attempt on stderr, with the
# connection string. A panic prints one line there all the same; not its backtrace, whatever the user has set.
os.environ.setdefault("RUST_LOG", "off")
os.environ["RUST_BACKTRACE"] = "0"
import connectorx

_HEADER: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_BAD_TEXT: Final = re.compile(r"at index: (\d+),.*invalid utf-8", re.DOTALL)
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")


@dataclass(frozen=True, slots=True)
class LegacyColumn:
    """A column as the source declares it, its type in lower case; `key_position` counts from 1."""

    name: str
    declared_type: str
    nullable: bool
    #: None where it is not part of the primary key.
    key_position: int | None


def open_source(source: Source) -> None:
    """Check that a source is a finished SQLite file that can be read.

    Raises:
        SourceMissing: there is no such file.
        SourceError: it is no SQLite database, is cut short, or has changes that are not in the file yet.
        SourceUnreachable: the file system fails.

    """
    path, where = source.path, _where(source)
    if not path.is_file():
        raise SourceMissing(
            f"there is no file {path}",
            where=where,
            remedy="put it there, or correct dsn in migrate.toml; a relative path is relative to that file",
        )
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        size = path.stat().st_size
        # Other processes may still write them; and the reader, which takes no locks, would not see them.
        unsettled = _size(path, "-wal") > 0 or _is_hot(path)
    except PermissionError:
        raise SourceError(f"{path} may not be read", where=where, remedy="grant this user reading it") from None
    except OSError as error:
        raise SourceUnreachable(f"{path} cannot be read: {error.strerror}", where=where) from None
    if not header.startswith(_HEADER):
        raise SourceError(f"{path} is not a SQLite database", where=where, remedy="correct dsn in migrate.toml")
    if (expected := _declared_size(header)) is not None and size < expected:
        raise SourceError(
            f"{path} is cut short",
            where=where,
            expected=f"at least {expected} bytes, by its own header",
            got=f"{size} bytes",
            remedy="copy it again",
        )
    if unsettled:
        raise SourceError(
            f"{path} has changes that are not in the file yet (a -wal or -journal file beside it)",
            where=where,
            remedy="close every program that writes to it, or take a copy by SQLite's .backup, and read that",
        )


def fingerprint(source: Source) -> str:
    """Identify what a source holds: `sha256:<hex>` of the whole file.

    The contents and nothing else: size, time of change and SQLite's own change counter are cheaper, but
    differ between equal copies and can agree between different ones. 0.7 s a gigabyte.
    """
    open_source(source)
    try:
        with source.path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise SourceUnreachable(f"cannot be read: {error.strerror}", where=_where(source)) from None


def confirm_unchanged(source: Source, *, before: str) -> None:
    """Check that a source still has the fingerprint that was taken before.

    Raises:
        SourceChanged: it has not, or something is writing to it.

    """
    remedy = "keep it from changing while a run reads it, and start the run again"
    try:
        now = fingerprint(source)
    except SourceUnreachable:
        raise
    except SourceError as error:
        raise SourceChanged(error.what, where=_where(source), remedy=remedy) from None
    if now != before:
        raise SourceChanged(
            "the database changed while it was read",
            where=_where(source),
            expected=before,
            got=now,
            remedy=remedy,
        )


def tables(source: Source) -> tuple[str, ...]:
    """Name the tables of a source, in order of name."""
    return tuple(_ask(source, dialect.tables_query(), dialect.TABLES_COLUMNS)["name"].to_pylist())


def columns(source: Source, table: str) -> tuple[LegacyColumn, ...]:
    """Describe the columns of a table, in their order.

    Raises:
        SourceDrift: the source has no such table.

    """
    rows = _ask(source, dialect.columns_query(table), dialect.COLUMNS_COLUMNS, table=table).to_pylist()
    if not rows:
        raise _no_table(source, table)
    return tuple(
        LegacyColumn(
            name=row["name"],
            declared_type=row["declared_type"].lower(),  # SQLite itself spells some in capitals: INT, TEXT
            nullable=row["not_null"] == "0",
            key_position=int(row["key_position"]) or None,
        )
        for row in rows
    )


def count(source: Source, table: str) -> int:
    """Count the rows of a table."""
    return _count(source, dialect.count_query(table), table)


def cut_ranges(source: Source, table: str, *, key: Sequence[str], batch_rows: int) -> tuple[KeyRange, ...]:
    """Cut a table into ranges of `batch_rows` keys; together they hold every key once, even one added later.

    An empty table is one range. Where keys repeat, so may a bound, and that range holds nothing.

    Raises:
        SourceDrift: a key is NULL, or neither an integer nor text.

    """
    keyless = _count(source, dialect.keyless_query(table, key=key), table)
    if keyless:
        raise SourceDrift(
            "rows have no key",
            where=_where(source, table),
            expected=f"no NULL in {', '.join(key)}",
            got=f"{keyless} rows with one",
            remedy="correct them in the source, or name another key in the catalog",
        )
    names = [name for column in key for name in (column, column + dialect.RANGE_TYPE_SUFFIX)]
    query = dialect.range_query(table, key=key, batch_rows=batch_rows)
    starts = _ask(source, query, names, table=table)
    parts = [
        _key_values(source, table, column, starts[column], starts[column + dialect.RANGE_TYPE_SUFFIX]) for column in key
    ]
    bounds: list[Key | None] = [*list(zip(*parts, strict=True))[1:]]
    return tuple(KeyRange(lower, upper) for lower, upper in pairwise((None, *bounds, None)))


def read(
    source: Source,
    table: str,
    *,
    columns: Sequence[str],
    key: Sequence[str],
    within: KeyRange = EVERY_KEY,
    missing: Collection[str] = (),
) -> pa.Table:
    """Read columns of the rows within a range, in the order of the key, each as text in its raw form.

    Args:
        source: the database.
        table: its table.
        columns: what to select; the result has them in this order and spelling, all of type string.
        key: the key's columns.
        within: the range; by default the whole table.
        missing: those of `columns` that this source does not have; they are null.

    Raises:
        SourceDrift: the table or a column is not there.
        SourceError: a value cannot be read; the column is named.

    """
    query = dialect.extract_query(table, columns=columns, key=key, within=within, missing=missing)
    return _ask(source, query, columns, table=table)


def _ask(source: Source, query: str, names: Sequence[str], *, table: str | None = None) -> pa.Table:
    """Run a query of the dialect, and take its sentinel row off."""
    open_source(source)
    result = _run_connectorx(source, query, names, table)
    schema = pa.schema([(name, pa.string()) for name in names])
    if result.schema.names != schema.names or not all(
        t in (pa.string(), pa.large_string()) for t in result.schema.types
    ):
        raise SourceError("ConnectorX did not return the text columns asked for", where=_where(source, table))
    if result.num_rows == 0 or any(value != "" for value in result.slice(0, 1).to_pylist()[0].values()):
        raise SourceError("the sentinel row did not come first", where=_where(source, table))
    return result.slice(1).cast(schema)


def _run_connectorx(source: Source, query: str, names: Sequence[str], table: str | None) -> pa.Table:
    # Opened as a URI: read only, and without locks, so that neither the file nor its folder is touched and
    # a file left in WAL mode opens too. That nothing writes meanwhile is what the fingerprint is for.
    uri = f"file:{quote(str(source.path))}?mode=ro&immutable=1"
    try:
        return connectorx.read_sql(f"sqlite://{quote(uri, safe='')}", query, return_type="arrow")
    # A Rust panic is a BaseException of a type that cannot be imported.
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            # Panics quote what they stumbled over, which may be a value.
            said = _QUOTED.sub("...", str(error).partition("\n")[0])
            raise SourceError(f"ConnectorX panicked: {said}", where=_where(source, table)) from None
        if not isinstance(error, Exception):
            raise
        raise _translated(source, str(error).replace(query, "the query"), names, table) from None


def _translated(source: Source, said: str, names: Sequence[str], table: str | None) -> MigrationError:
    where = _where(source, table)
    if bad_text := _BAD_TEXT.search(said):
        column = names[int(bad_text[1])]
        return SourceError(
            f"column {column} holds text that is not valid in the database's encoding",
            where=where,
            remedy="correct that text in the source, or store it as a blob",
        )
    if "no such table" in said and table is not None:
        return _no_table(source, table)
    if missing := re.search(r"no such column: t\.(.*?) in the query", said, re.DOTALL):
        return SourceDrift(
            f"there is no column {missing[1]}",
            where=where,
            remedy="mark it optional in the catalog, if districts may lack it",
        )
    if "unable to open" in said or "disk I/O" in said or "timed out" in said:
        return SourceUnreachable(said, where=where)
    return SourceError(said, where=where)


def _no_table(source: Source, table: str) -> SourceDrift:
    return SourceDrift("there is no such table", where=_where(source, table))


def _count(source: Source, query: str, table: str) -> int:
    return int(_ask(source, query, dialect.COUNT_COLUMNS, table=table)["count"][0].as_py())


def _key_values(
    source: Source, table: str, column: str, texts: pa.ChunkedArray, types: pa.ChunkedArray
) -> list[int | str]:
    kinds = types.to_pylist()
    strange = set(kinds) - {"integer", "text"}
    if strange:
        raise SourceDrift(
            f"key column {column} holds {' and '.join(sorted(strange))} values",
            where=_where(source, table),
            expected="integers or text",
        )
    return [
        int(text) if kind == "integer" else text
        for text, kind in zip(texts.to_pylist(), types.to_pylist(), strict=True)
    ]


def _declared_size(header: bytes) -> int | None:
    """Give the file's size by its header, where that is valid (sqlite.org/fileformat2.html, 1.3.7)."""

    def number(start: int, end: int) -> int:
        return int.from_bytes(header[start:end], "big")

    page_bytes = 65_536 if number(16, 18) == 1 else number(16, 18)
    return number(28, 32) * page_bytes if number(24, 28) == number(92, 96) else None


def _size(path: Path, suffix: str) -> int:
    beside = path.with_name(path.name + suffix)
    return beside.stat().st_size if beside.exists() else 0


def _is_hot(path: Path) -> bool:
    """Say whether a rollback journal awaits its rollback: finished ones are gone, empty, or zeroed."""
    if not _size(path, "-journal"):
        return False
    with path.with_name(path.name + "-journal").open("rb") as file:
        return any(file.read(8))


def _where(source: Source, table: str | None = None) -> str:
    return f"source {source.id}" if table is None else f"source {source.id}, table {table}"
