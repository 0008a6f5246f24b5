"""SQLite files that are missing, broken, cut short or in use: each by name, and never written to."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline.errors import SourceChanged, SourceError, SourceMissing
from tests.support.sqlite_files import build, opened, table_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "legacy.sqlite"


def test_a_missing_file_is_not_created(path: Path) -> None:
    database = opened(path)
    for ask in (database.tables, database.foreign_keys, lambda: database.fingerprint(())):
        with pytest.raises(SourceMissing, match="there is no file"):
            ask()
    with pytest.raises(SourceMissing, match="there is no file"):
        opened(path, consistency="live").tables()
    assert not path.exists()


BROKEN = {
    "no bytes": (b"", "is not a SQLite database"),
    "other bytes": (b"PK\x03\x04" * 1000, "is not a SQLite database"),
    "cut in the header": (b"SQLite format 3\0" + b"\0" * 84, "."),
}


@pytest.mark.parametrize(("contents", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_database_is_refused(path: Path, contents: bytes, message: str) -> None:
    path.write_bytes(contents)
    with pytest.raises(SourceError, match=message):
        opened(path).tables()


def test_a_copy_cut_short_is_refused(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(i,) for i in range(5000)])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match="is cut short"):
        database.tables()
    with pytest.raises(SourceError, match="is cut short"):
        database.fingerprint(())


def test_a_damaged_page_is_an_error(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(i,) for i in range(5000)])
    contents = bytearray(path.read_bytes())
    contents[4096:8192] = b"\xff" * 4096
    path.write_bytes(contents)
    with pytest.raises(SourceError, match=r"district_a, table t: .*malformed"):
        database.count(table_of(database))


def test_the_source_is_only_read(path: Path, tmp_path: Path) -> None:
    database = build(path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (id int PRIMARY KEY)", rows=[(1,)])
    before = database.fingerprint(database.tables()), path.stat().st_mtime_ns
    tmp_path.chmod(0o555)
    path.chmod(0o444)
    assert database.read(table_of(database), columns=["id"], key=["id"]).num_rows == 1
    tmp_path.chmod(0o755)
    assert (database.fingerprint(database.tables()), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_database_being_written_is_refused(path: Path, mode: str) -> None:
    database = build(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (id int)")
    before = database.fingerprint(database.tables())
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(5000)])
    if mode == "WAL":
        writer.execute("COMMIT")
    with pytest.raises(SourceError, match="not in the file yet"):
        database.count(table_of(database))
    with pytest.raises(SourceChanged, match="not in the file yet"):
        database.confirm_unchanged(database.tables, before=before)
    writer.close()


def test_a_live_database_is_read_while_another_writes(path: Path) -> None:
    build(path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (id int)", rows=[(1,)])
    database = opened(path, consistency="live")
    t, before = table_of(database), database.fingerprint(database.tables())
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("INSERT INTO t VALUES (2)")
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    assert database.read(t, columns=["id"], key=["id"])["id"].to_pylist() == ["1", "2"]
    writer.execute("BEGIN")
    writer.execute("INSERT INTO t VALUES (3)")
    assert database.count(t) == [2]
    writer.execute("COMMIT")
    assert database.count(t) == [3]
    assert database.fingerprint(database.tables()) == before, "of a live source only the description is promised"
    writer.execute("ALTER TABLE t ADD COLUMN x")
    again = opened(path, consistency="live")
    assert again.fingerprint(again.tables()) != before
    writer.close()


def test_leftovers_of_finished_transactions_do_no_harm(path: Path) -> None:
    database = build(path, "PRAGMA journal_mode = PERSIST", "CREATE TABLE t (id int)", rows=[(1,)])
    assert path.with_name(path.name + "-journal").stat().st_size > 0
    assert database.count(table_of(database)) == [1]


def test_the_fingerprint_is_of_the_contents(path: Path, tmp_path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(1,)])
    before = database.fingerprint(database.tables())
    assert before.startswith("sha256:")
    copy = opened(Path(shutil.copyfile(path, tmp_path / "copy.sqlite")))
    copy.confirm_unchanged(copy.tables, before=before)
    build(path, "UPDATE t SET id = 2")
    with pytest.raises(SourceChanged, match="changed while it was read"):
        database.confirm_unchanged(database.tables, before=before)
