"""A purge says that rows are gone only when they are: killed, or refused by the disk, the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.faults.processes import started
from tests.support.commands import migrate
from tests.support.small import Small, named, small

ENTRIES = named("Pupil", name="nvarchar(max)")
LEGACY = 'CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)"); INSERT INTO Pupil VALUES (1, NULL), (2, NULL);'


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY, "b": LEGACY}) as site:
        site.run()
        yield site


def _run(made: Small) -> Path:
    [record] = (made.site.directory / "staging").glob("*/run.json")
    return record.parent


def _noted(made: Small) -> bool:
    [row] = made.site.rows("media", "SELECT purged_at IS NOT NULL AS noted FROM migration.run")
    return bool(row["noted"])


def _rows(run: Path) -> list[Path]:
    return [path for name in ("raw", "keys", "out", "scratch") for path in [run / name] if path.exists()]


def test_a_purge_removes_every_row_and_keeps_what_tells_of_the_run(made: Small) -> None:
    run = _run(made)
    assert "MB removed" in migrate(made.site.config, "purge", "--run-id", run.name).stdout
    assert _rows(run) == []
    assert {p.name for p in run.iterdir()} >= {"run.json", "audit.jsonl", "purged.json"}
    assert _noted(made)
    assert "was purged before" in migrate(made.site.config, "purge", "--run-id", run.name).stdout
    migrate(made.site.config, "run")


@pytest.mark.slow
def test_a_purge_killed_in_the_middle_says_nothing_and_the_next_one_goes_on(made: Small) -> None:
    run = _run(made)
    for number in range(20_000):  # of a fleet there are as many, and they take their time
        (run / "out" / f".{number:05}").touch()
    with started(made.site, "purge", "--run-id", run.name) as purge:
        while (run / "raw").exists() and purge.poll() is None:
            pass
        os.killpg(purge.pid, signal.SIGKILL)
        purge.communicate()
    assert purge.returncode == -signal.SIGKILL
    assert (run / "out").exists()
    assert not (run / "purged.json").exists()
    assert not _noted(made)
    assert "MB removed" in migrate(made.site.config, "purge", "--run-id", run.name).stdout
    assert _rows(run) == []
    assert _noted(made)


def test_status_says_that_a_purge_is_pending_that_the_target_does_not_know_of(made: Small) -> None:
    run = _run(made)
    migrate(made.site.config, "purge", "--run-id", run.name)
    assert "pending" not in migrate(made.site.config, "status").stdout
    made.site.execute("media", "UPDATE migration.run SET purged_at = NULL")
    shown = migrate(made.site.config, "status").stdout
    assert f"a purge of it is pending: the same `migrate purge --run-id {run.name}` goes on" in shown
    migrate(made.site.config, "purge", "--run-id", run.name)
    assert "pending" not in migrate(made.site.config, "status").stdout


def test_what_an_older_purge_left_behind_is_removed_by_the_next(made: Small) -> None:
    run = _run(made)
    (run / "purged.json").write_text('{"at": "2026-01-01T00:00:00+00:00"}')
    assert "MB removed" in migrate(made.site.config, "purge", "--run-id", run.name).stdout
    assert _rows(run) == []


def test_what_cannot_be_removed_is_an_error_with_its_path(made: Small) -> None:
    run = _run(made)
    # Root is stopped by no mode until it gives that power up.
    before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    if before and subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root cannot give up its power over modes here: needs setpriv and CAP_SETPCAP")
    closed = run / "out" / "000" / "media.Pupil" / "00000"
    closed.chmod(0o500)
    command = [
        *before,
        sys.executable,
        "-m",
        "pipeline.cli",
        "purge",
        "--run-id",
        run.name,
        "-c",
        str(made.site.config),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert f"{closed}/" in done.stderr
    assert "still there" in done.stderr
    assert "removed" not in done.stdout
    assert not (run / "raw").exists(), "what can be removed is"
    assert not (run / "purged.json").exists()
    assert not _noted(made)
    closed.chmod(0o700)
    migrate(made.site.config, "purge", "--run-id", run.name)
    assert _rows(run) == []
    assert _noted(made)


def test_a_run_that_is_not_verified_is_not_purged(made: Small) -> None:
    run = _run(made)
    made.site.execute("media", "DELETE FROM migration.verification")
    done = migrate(made.site.config, "purge", "--run-id", run.name, check=2)
    assert "only a loaded and verified run" in done.stderr
    assert len(_rows(run)) == 3


def test_a_run_of_which_nothing_is_loaded_is_not_purged(postgres: Server, tmp_path: Path) -> None:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY}) as site:
        migrate(site.site.config, "extract")
        run = _run(site)
        migrate(site.site.config, "purge", "--run-id", run.name, check=2)
        assert (run / "raw").exists()
