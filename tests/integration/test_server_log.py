"""What the target's server writes into its log: nothing that an operator would have to explain to himself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from pipeline.errors import TargetError
from pipeline.stores.target import TargetDatabase
from tests.small import Small, small

ENTRY = """
[Student]
source = "district"
key = ["Id"]
target = "students"
[Student.columns]
Id   = { type = "int" }
Name = { type = "nvarchar(50)", to = "name" }
"""
ROWS = """
CREATE TABLE Student (Id int PRIMARY KEY, Name nvarchar(50));
INSERT INTO Student VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, NULL);
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": ROWS}) as made:
        text = made.site.config.read_text(encoding="utf-8")
        made.site.config.write_text(text.replace("batch_rows = 10000", "batch_rows = 1"), encoding="utf-8")
        yield made


@pytest.fixture
def warnings(postgres: Server) -> Callable[[], list[str]]:
    """Give what the server has warned of since the test began."""
    log = postgres.data.parent / "server.log"
    before = log.stat().st_size

    def lines() -> list[str]:
        said = log.read_bytes()[before:].decode(errors="replace").splitlines()
        return [line for line in said if "WARNING: " in line or "ERROR: " in line]

    return lines


def test_no_command_makes_the_server_warn(made: Small, warnings: Callable[[], list[str]]) -> None:
    for command in ("plan", "extract", "transform", "load", "verify", "run", "status"):
        made.site.migrate(command)
    made.site.migrate("lookup", "student.Student", "1")
    made.site.migrate("purge", "--run-id", next((made.site.directory / "staging").glob("*/run.json")).parent.name)
    assert warnings() == []


def test_a_warning_would_be_seen(made: Small, warnings: Callable[[], list[str]]) -> None:
    with made.site.connect("student") as database:
        database.execute("BEGIN")
        assert [line.partition("WARNING:")[2].strip() for line in warnings()] == [
            "there is already a transaction in progress"
        ]


def test_what_is_not_committed_is_rolled_back(made: Small) -> None:
    with made.site.connect("student") as database:
        database.execute("CREATE TABLE student.kept (n int)")
        database.commit()
        database.commit()  # of nothing
        database.execute("CREATE TABLE student.dropped (n int)")
    assert set(_tables(made)) == {"students", "kept"}


def test_a_failed_transaction_is_not_taken_for_a_commit(made: Small) -> None:
    with made.site.connect("student") as database:
        database.execute("CREATE TABLE student.lost (n int)")
        with pytest.raises(TargetError, match="division by zero"):
            database.execute("SELECT 1 / 0")
        with pytest.raises(TargetError, match="a failed transaction is not committed"):
            database.commit()
    assert set(_tables(made)) == {"students"}


def test_each_statement_can_be_a_transaction(made: Small) -> None:
    with TargetDatabase("student", made.site.dsn("student"), role=None, autocommit=True) as database:
        database.execute("CREATE TABLE student.kept (n int)")
    assert set(_tables(made)) == {"students", "kept"}


def _tables(made: Small) -> dict[str, dict[str, str]]:
    with made.site.connect("student") as database:
        return database.columns("student")
