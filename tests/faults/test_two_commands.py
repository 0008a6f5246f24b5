"""One writing command at a time has a target: the others say who has it, wait, or end; none of them blocks a run."""

from __future__ import annotations

import getpass
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import runner, runs
from pipeline.cli.commands import app
from pipeline.core.ids import UNRESOLVED
from pipeline.demo.server import Server
from pipeline.errors import ClaimRefused, LockLost, TargetBusy, TargetUnreachable
from pipeline.observe.progress import Progress
from pipeline.settings import Settings, load_settings
from pipeline.stages import load
from pipeline.stores import ledger
from pipeline.stores.lock import TargetLock
from pipeline.workspace import Workspace
from tests.faults.processes import first_receipts, run_ids, started, stop_at
from tests.support.contents import contents, differing
from tests.support.site import AS_OF, Site
from tests.support.small import Small, named, small

SERVICES = ("staff", "student")
STUDENTS = named("Student")
USERS = named("Pupil")
ROWS = """
CREATE TABLE Student (Id int PRIMARY KEY, Name nvarchar(50));
CREATE TABLE Pupil (Id int PRIMARY KEY, Name nvarchar(50));
INSERT INTO Student VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO Pupil SELECT * FROM Student;
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": STUDENTS, "staff": USERS}, {"a": ROWS, "b": ROWS}) as made:
        made.configure("batch_rows = 10000", "batch_rows = 1\nbundle_rows = 1")
        yield made


def _lock(made: Small, *services: str, command: str = "migrate test", wait: bool = False) -> TargetLock:
    return TargetLock(load_settings(made.site.config), services or SERVICES, command, wait=wait, say=lambda _: None)


def _both(site: Site, *commands: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Start commands at the same instant; give exit code, output and errors of each."""
    with ExitStack() as stack:
        processes = [stack.enter_context(started(site, *command)) for command in commands]
        ends = [process.communicate(timeout=240) for process in processes]
        return [(process.returncode, *end) for process, end in zip(processes, ends, strict=True)]


def _expect_ends_well(ends: list[tuple[int, str, str]]) -> None:
    """Each is done, or says who has the target."""
    assert {0, 3} & {code for code, _, _ in ends}, ends
    for code, _, errors in ends:
        assert "Traceback" not in errors
        if code not in (0, 3):
            assert code == 2, errors
            assert "Another command is writing to the target" in errors


def _expect_whole(made: Small) -> None:
    assert "PARITY" in made.site.migrate_apart("verify").stdout
    for service, table in (("student", "students"), ("staff", "pupils")):
        assert len(made.table(service, table, "name")) == 6
        [found] = made.site.rows(service, "SELECT count(*) AS n, count(DISTINCT run_id) AS runs FROM migration.claim")
        assert (found["n"], found["runs"]) == (2, 1)


def test_a_second_command_says_who_has_the_target(made: Small) -> None:
    made.site.migrate_apart("run")
    [run_id] = run_ids(made.site)
    with _lock(made, "staff"):
        done = made.site.migrate_apart("run", check=2)
        assert "service staff: Another command is writing to the target" in done.stderr
        where = f"{os.uname().nodename} (process {os.getpid()})"
        assert f"`migrate test` of {getpass.getuser()} on {where}, since 20" in done.stderr
        assert "--wait" in done.stderr
        for command in ("extract", "transform", "load", "verify", "purge"):
            assert isinstance(_invoked(made, command, "--run-id", run_id), TargetBusy), command
        for command in ("plan", "status", "rejects", "load --dry-run"):
            assert _invoked(made, *command.split()) is None, command
    for command in ("extract", "verify", "purge"):
        assert _invoked(made, command, "--run-id", run_id) is None, command


def _invoked(made: Small, *arguments: str) -> BaseException | None:
    """Run a command in this process; give what it raised."""
    return CliRunner().invoke(app, [*arguments, "--config", str(made.site.config)]).exception


@pytest.mark.slow
def test_a_command_that_waits_goes_on_when_the_other_ends(made: Small) -> None:
    with started(made.site, "run", "--wait") as process:
        with _lock(made):
            assert process.stderr is not None
            said = process.stderr.readline()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert re.match(r"service staff: waiting for `migrate test` of .* since ", said)
    _expect_whole(made)


@pytest.mark.slow
def test_the_lock_of_a_killed_command_is_free(made: Small) -> None:
    stop_at(made.site, first_receipts, signal.SIGKILL, "run")
    assert "continuing run" in made.site.migrate_apart("run", "--wait").stderr
    _expect_whole(made)


@pytest.mark.slow
def test_two_extracts_then_two_loads_end_well(made: Small) -> None:
    for command in ("extract", "transform", "load"):
        _expect_ends_well(_both(made.site, (command,), (command,)))
        assert len(run_ids(made.site)) == 1
    _expect_whole(made)


@pytest.mark.slow
def test_the_same_command_twice_at_once_ends_well(made: Small) -> None:
    _expect_ends_well(_both(made.site, ("run",), ("run",)))
    assert len(run_ids(made.site)) == 1
    _expect_whole(made)


@pytest.mark.slow
def test_the_same_command_twice_at_once_can_wait(made: Small) -> None:
    ends = _both(made.site, ("run", "--wait"), ("run", "--wait"))
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert sum("nothing to do" in errors for _, _, errors in ends) == 1
    _expect_whole(made)


@pytest.mark.slow
def test_a_fresh_target_gets_one_ledger(made: Small) -> None:
    """The second of two at once finds what the first one made."""
    for service in SERVICES:
        made.site.execute(service, "DROP SCHEMA migration CASCADE")
    ends = _both(made.site, ("run", "--wait"), ("run", "--wait"))
    assert [code for code, _, _ in ends] == [0, 0], ends
    _expect_whole(made)


@pytest.mark.slow
@pytest.mark.parametrize("wait", [True, False], ids=["waiting", "refused"])
def test_two_tenants_at_once_on_a_fresh_target_end_well(wait: bool, fresh: Site, finished: Site) -> None:
    """The shared rows come with one of them, and the other finds them loaded."""
    commands = [
        ("run", "--as-of", AS_OF, "--tenant", t, *(["--wait"] if wait else [])) for t in ("district_a", "district_b")
    ]
    ends = _both(fresh, *commands)
    if wait:
        assert {code for code, _, _ in ends} <= {0, 3}, ends
    else:
        _expect_ends_well(ends)
        for command in commands:
            assert fresh.migrate_apart(*command, check=None).returncode in (0, 3)
    # Rows of no tenant move with a run of all tenants only.
    for table, (more, less) in differing(contents(fresh), contents(finished)).items():
        assert more == [], table
        assert [row for row in less if str(UNRESOLVED) not in row] == [], table


def test_what_was_taken_is_given_back_where_a_later_one_is_refused(made: Small) -> None:
    with _lock(made, "student"):
        with pytest.raises(TargetBusy, match="service student"), _lock(made):
            pass
        with _lock(made, "staff"):
            pass


def test_services_of_one_database_have_one_lock(made: Small) -> None:
    text = made.site.config.read_text(encoding="utf-8")
    made.site.config.write_text(f'{text}\n[target.services]\nstaff = "{made.site.dsn("student")}"', encoding="utf-8")
    with _lock(made) as lock, made.site.connect("student") as database:
        lock.confirm(database)


# -- a holder that has lost its lock -------------------------------------------------------------------


def _workspace(made: Small, lock: TargetLock) -> Workspace:
    settings = load_settings(made.site.config)
    record = runs.find_run(settings, runs.Selection()) or runs.new_run(settings, made.catalog, runs.Selection())
    return runs.open_run(settings, made.catalog, record, lock)


def test_a_holder_that_has_lost_its_lock_cannot_commit(made: Small) -> None:
    quiet = Progress(quiet=True)
    with _lock(made, command="migrate first") as lock:
        workspace = _workspace(made, lock)
        runner.run_extract(workspace, quiet)
        runner.run_transform(workspace, quiet)
        with workspace.database("staff") as database:
            database.execute("INSERT INTO migration.run (run_id, record) VALUES ('late', '{}')")
            _cut(made)
            with (
                _lock(made, "staff", command="migrate second"),
                pytest.raises(LockLost, match="service staff") as caught,
            ):
                database.commit()
        assert "`migrate second`" in (caught.value.got or "")
        with pytest.raises(LockLost):
            runner.run_load(workspace, quiet)
        # Given back meanwhile or not: what was taken over stays so.
        with pytest.raises(LockLost):
            lock.renew()
    assert made.site.rows("staff", "SELECT run_id FROM migration.run") == []
    assert made.table("staff", "pupils", "name") == {}
    made.site.migrate_apart("run")
    _expect_whole(made)


def _cut(made: Small) -> None:
    """End the session that keeps the lock of a database."""
    made.site.rows(
        "staff",
        "SELECT pg_terminate_backend(pid) AS y FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
    )


def test_who_follows_waits_for_a_commit_that_was_allowed(made: Small) -> None:
    with _lock(made, "staff") as lock, made.site.connect("staff") as database:
        lock.confirm(database)
        _cut(made)
        with made.site.connect("staff") as other:
            other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(TargetUnreachable, match="a lock was held too long"):
                ledger.take_over(other, holder="other", command="migrate other")
        database.commit()


def test_a_lock_is_taken_again_after_its_connection_was_lost(made: Small) -> None:
    with _lock(made, "staff") as lock:
        _cut(made)
        lock.renew()
        with pytest.raises(TargetBusy), _lock(made, "staff"):
            pass
        with made.site.connect("staff") as database:
            lock.confirm(database)


# -- nothing is claimed that is not going to be loaded -----------------------------------------------------


def _elsewhere(made: Small) -> Settings:
    """The same configuration on another machine, whose staging directory is its own."""
    settings = load_settings(made.site.config)
    return settings.model_copy(
        update={"run": settings.run.model_copy(update={"staging": made.site.directory / "other"})}
    )


def _staged(made: Small, settings: Settings, selection: runs.Selection) -> Workspace:
    record = runs.new_run(settings, made.catalog, selection)
    workspace = runs.open_run(settings, made.catalog, record)
    runner.run_extract(workspace, Progress(quiet=True))
    runner.run_transform(workspace, Progress(quiet=True))
    return workspace


def _claims(made: Small) -> set[tuple[str, str]]:
    return {
        (str(r["run_id"]), str(r["entity"]))
        for s in SERVICES
        for r in made.site.rows(s, "SELECT * FROM migration.claim")
    }


def test_a_run_of_which_another_has_loaded_a_part_claims_nothing(made: Small) -> None:
    first = _staged(made, load_settings(made.site.config), runs.Selection())
    second = _staged(made, _elsewhere(made), runs.Selection())
    due = runner.due_to_load(first)
    with first.database(first.catalog[due[-1].bundle.entity].service) as database:
        load.record_run(first, database.service)
        load.load(first, database, due[-1])
    with pytest.raises(ClaimRefused, match=due[-1].bundle.entity) as caught:
        runner.run_load(second, Progress(quiet=True))
    assert f"--run-id {first.record.run_id}" in (caught.value.remedy or "")
    assert _claims(made) == {(first.record.run_id, due[-1].bundle.entity)}
    runner.run_load(first, Progress(quiet=True))
    assert runner.run_verify(first, Progress(quiet=True)).parity


@pytest.mark.slow
def test_a_staged_run_that_was_overtaken_makes_room_for_the_one_that_is_loaded(made: Small) -> None:
    """Two machines: both have staged a tenant, and one has loaded it."""
    only_a = runs.Selection(tenants=("a",))
    _staged(made, load_settings(made.site.config), only_a)
    other = _staged(made, _elsewhere(made), only_a)
    runner.run_load(other, Progress(quiet=True))
    done = made.site.migrate_apart("run", "--tenant", "a")
    assert f"loaded by run {other.record.run_id}" in done.stderr
    # Whose record is in the target.
    assert f"continuing run {other.record.run_id}" in done.stderr
    assert "PARITY" in done.stdout


@pytest.mark.slow
def test_a_run_that_was_killed_between_its_last_row_and_its_end_is_ended(made: Small) -> None:
    made.site.migrate_apart("run")
    made.site.execute("staff", "UPDATE migration.claim SET state = 'open'")
    assert "nothing to do" not in made.site.migrate_apart("run").stderr
    assert {r["state"] for r in made.site.rows("staff", "SELECT state FROM migration.claim")} == {"complete"}
    assert "nothing to do" in made.site.migrate_apart("run").stderr
