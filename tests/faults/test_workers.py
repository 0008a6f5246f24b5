"""Waves in processes of their own: whatever becomes of one, or of the command, none stays and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from adbc_driver_postgresql import dbapi

from pipeline import runner, runs
from pipeline.demo.server import Server
from pipeline.errors import LockLost
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from pipeline.stores import ledger
from pipeline.stores.lock import TargetLock
from pipeline.stores.target import TargetDatabase
from pipeline.workers import Workers
from pipeline.workspace import Workspace
from tests.faults.processes import started
from tests.faults.test_lost_connections import ENTRY, ROWS
from tests.support.small import Small, small

#: Far above what any of it takes.
SECONDS = 120


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    """Two tenants, each a wave."""
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": ROWS, "b": ROWS}) as made:
        made.configure("parallel = 2", "parallel = 2\nwave_sources = 1")
        yield made


def _processes(command: int) -> list[int]:
    """List the processes that a command has started for waves."""
    listed = Path(f"/proc/{command}/task").glob("*/children")
    pids = [int(pid) for path in listed for pid in path.read_text(encoding="utf-8").split()]
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _until(moment: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not moment():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _are_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@contextmanager
def _waiting(made: Small) -> Iterator[tuple[subprocess.Popen[str], list[int], Callable[[], int]]]:
    """Have both processes wait for a table; give the command, the processes, and a count of those that wait."""
    with (
        made.site.connect("student") as other,
        dbapi.connect(made.site.dsn("student"), autocommit=True) as session,
        session.cursor() as looking,
    ):

        def waiting() -> int:
            asked = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            looking.execute(f"SELECT count(*) {asked}")
            [(found,)] = looking.fetchall()
            return int(found)

        other.execute("LOCK TABLE student.students IN SHARE MODE")
        with started(made.site, "run") as command:
            _until(lambda: waiting() == 2 or command.poll() is not None)
            assert command.poll() is None, command.communicate()
            pids = _processes(command.pid)
            assert len(pids) == 2
            yield command, pids, waiting


def _expect_whole(made: Small) -> None:
    assert "PARITY" in made.site.migrate_apart("run").stdout
    assert made.table("student", "students", "name") == {
        f"{letter} [{n}]": {"name": f"name {n}"} for letter in "ab" for n in range(1, 41)
    }


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_command(made: Small) -> None:
    with _waiting(made) as (command, pids, waiting):
        os.kill(pids[0], signal.SIGKILL)
        _, errors = command.communicate(timeout=SECONDS)
        assert command.returncode == 2
        assert re.search(r"error: run \S+: A process that worked on a wave has ended by itself", errors)
        assert "lower `workers`" in errors
        assert "Traceback" not in errors
        _until(lambda: _are_gone(pids))
        assert waiting() <= 1  # of the one that was killed the server hears only when it has its lock
    _expect_whole(made)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupt_ends_all(made: Small, times: int) -> None:
    with _waiting(made) as (command, pids, waiting):
        for _ in range(times):
            os.killpg(command.pid, signal.SIGINT)
        _, errors = command.communicate(timeout=SECONDS)
        assert command.returncode == 130
        assert "interrupted; the same command goes on from here" in errors
        assert "Traceback" not in errors
        _until(lambda: _are_gone(pids) and waiting() == 0)
    _expect_whole(made)


@pytest.mark.slow
def test_processes_end_with_a_command_that_is_killed(made: Small) -> None:
    with _waiting(made) as (command, pids, waiting):
        os.kill(command.pid, signal.SIGKILL)
        _until(lambda: _are_gone(pids) and waiting() == 0)
        command.communicate(timeout=SECONDS)
    _expect_whole(made)


def _begun(made: Small, lock: TargetLock | None = None) -> Workspace:
    settings = load_settings(made.site.config)
    record = runs.new_run(settings, made.catalog, runs.Selection())
    return runs.open_run(settings, made.catalog, record, lock)


def test_a_process_commits_nothing_once_another_command_has_followed(made: Small) -> None:
    settings, quiet = load_settings(made.site.config), Progress(quiet=True)
    with TargetLock(settings, ["student"], "migrate first", wait=False, say=print) as lock, Workers(2) as workers:
        workspace = _begun(made, lock)
        runner.run_extract(workspace, quiet, workers)
        runner.run_transform(workspace, quiet, workers)
        load = runner.wave.load
        due = runner.due_to_load(workspace)
        with workspace.database("student") as database:
            ledger.record_run(database, workspace.record)
            database.commit()
        with TargetDatabase("student", settings.target_dsn("student"), autocommit=True) as other:
            ledger.take_over(other, holder="another", command="migrate second")
        work = [(w, [d for d in due if d.bundle.wave == w.number]) for w in runner.wave.waves(workspace)]
        with pytest.raises(LockLost, match="service student"):
            workers.each(workspace, load, work, quiet.advance)
    assert made.table("student", "students", "name") == {}


def test_what_processes_have_done_is_counted_once(made: Small) -> None:
    counts = list[tuple[str, str, int]]()
    workspace = _begun(made)
    rows = list[int]()

    class Shown(Progress):
        def advance(self, rows_: int, *, stage: str | None = None, batches: int = 1) -> None:
            rows.append(rows_)

    counted = replace(workspace, counted=lambda event, tenant, size: counts.append((event.stage, tenant, event.count)))
    with Workers(2) as workers:
        for step in (runner.run_extract, runner.run_transform, runner.run_load):
            assert step(counted, Shown(quiet=True), workers) == 80
    assert sorted(counts) == [(stage, name, 40) for stage in ("extract", "load", "transform") for name in "ab"]
    assert sum(rows) == 3 * 80
