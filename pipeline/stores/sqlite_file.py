"""The files of SQLite sources: is one there, is it whole, is it still the same.

Looked at before ConnectorX is let near: it would create a missing file, and wait 30 s for an unreadable one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from pipeline.errors import SourceError, SourceMissing, SourceUnreachable

_HEADER: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100


def check(path: Path, where: str, *, settled: bool = True) -> None:
    """Check that a file is a finished SQLite database that can be read.

    Args:
        settled: refuse one with changes that are not in the file yet.

    Raises:
        SourceMissing: there is no such file.
        SourceError: it is no SQLite database, is cut short, or has changes that are not in the file yet.
        SourceUnreachable: the file system fails.
    """
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
    if unsettled and settled:
        raise SourceError(
            f"{path} has changes that are not in the file yet (a -wal or -journal file beside it)",
            where=where,
            remedy="close every program that writes to it, or take a copy by SQLite's .backup, and read that",
        )


def fingerprint(path: Path, where: str) -> str:
    """Identify what a file holds: `sha256:<hex>` of the whole file.

    The contents and nothing else: size, time of change and SQLite's own change counter are cheaper, but
    differ between equal copies and can agree between different ones. 0.7 s a gigabyte.
    """
    check(path, where)
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise SourceUnreachable(f"cannot be read: {error.strerror}", where=where) from None


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
