"""What the target's server writes into its log: nothing that an operator would have to explain to himself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.demo.server import Server
from pipeline.errors import TargetError
from pipeline.stores.target import TargetDatabase
from tests.support.small import Small, named, small

ENTRY = named("Student")
ROWS = """
CREATE TABLE Student (Id int PRIMARY KEY, Name nvarchar(50));
INSERT INTO Student VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, NULL);
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": ROWS}) as made:
        made.configure("batch_rows = 10000", "batch_rows = 1\nbundle_rows = 1")
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


@pytest.mark.slow
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
    with TargetDatabase("student", Dsn(made.site.dsn("student")), role=None, autocommit=True) as database:
        database.execute("CREATE TABLE student.kept (n int)")
    assert set(_tables(made)) == {"students", "kept"}


def _tables(made: Small) -> dict[str, dict[str, str]]:
    with made.site.connect("student") as database:
        return database.columns("student")


@pytest.mark.parametrize("setting", ["default", "terse"])
def test_a_refused_row_stands_in_the_log_unless_it_is_terse(made: Small, postgres: Server, setting: str) -> None:
    """The documents say so of the server, and what to set."""
    log = postgres.data.parent / "server.log"
    before = log.stat().st_size
    name = made.site.dsn("student").rpartition("/")[2]
    made.site.execute(
        "student",
        f"ALTER DATABASE {name} SET log_error_verbosity = '{setting}'",
        "ALTER TABLE student.students ADD CHECK (name <> 'three')",
    )
    said = made.site.migrate("run", check=2)
    assert "three" not in said.stdout + said.stderr
    assert "violates check constraint" in said.stderr
    assert ("Failing row contains" in log.read_bytes()[before:].decode()) is (setting == "default")


#: How a trigger may say what it likes.
RAISES = {
    "plainly": "RAISE EXCEPTION 'no % here', NEW.name",
    "over lines": "RAISE EXCEPTION E'no\\nsuch % here', NEW.name",
    "under the code of another error": "RAISE EXCEPTION 'no % here', NEW.name USING ERRCODE = '23505', HINT = NEW.name",
    "under a code of its own": "RAISE EXCEPTION 'no % here', NEW.name USING ERRCODE = 'AB123'",
    "as the server, of data": "PERFORM NEW.name::integer",
    "as a notice": "RAISE WARNING 'no % here', NEW.name; RAISE INFO 'no % here', NEW.name; RAISE EXCEPTION 'x'",
}


@pytest.mark.parametrize("how", RAISES)
def test_what_a_trigger_raises_is_shown_nowhere(made: Small, how: str) -> None:
    made.site.execute(
        "student",
        f"CREATE FUNCTION student.strict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {RAISES[how]}; RETURN new; END $$",
        "CREATE TRIGGER strict BEFORE INSERT ON student.students FOR EACH ROW WHEN (new.name = 'three') "
        "EXECUTE FUNCTION student.strict()",
    )
    said = made.site.migrate("run", check=2)
    logs = "".join(p.read_text() for p in made.site.directory.glob("staging/*/audit.jsonl"))
    assert "three" not in said.stdout + said.stderr + logs
    assert "student.strict()" in said.stderr
    assert "SQLSTATE" in said.stderr
