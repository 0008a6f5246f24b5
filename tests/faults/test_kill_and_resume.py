"""Killed at any instant, the same command goes on, and ends with what an undisturbed run would have made."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from pipeline.errors import DiskError
from pipeline.stages.transform import Transformer
from tests.faults.processes import (
    Moment,
    after,
    first_raw_file,
    first_receipts,
    mid_transform,
    recorded,
    run_ids,
    staged,
    started,
    stop_at,
    transform_begun,
    verifying,
)
from tests.support.contents import contents, differing, versions
from tests.support.site import AS_OF, Site

RUN = ("run", "--as-of", AS_OF)
SMALL = (*RUN, "--service", "configuration")
MOMENTS: dict[str, Moment] = {
    "run record": recorded,
    "first raw file": first_raw_file,
    "outputs half written": transform_begun,
    "mid transform": mid_transform,
    "first receipts": first_receipts,
    "verifying": verifying,
}
_SEEDED = random.Random(20260101)
#: Seeded, so that a failure can be repeated; a run of the small estate takes some ten seconds.
ANYWHERE = [round(_SEEDED.uniform(1.5, 14), 2) for _ in range(3)]


def _expect_same_content(site: Site, undisturbed: Site) -> None:
    assert differing(contents(site), contents(undisturbed)) == {}


def _expect_no_rows_outside_batches(site: Site) -> None:
    """No half-written file may have the name of a whole one, nor a whole one stand twice."""
    for path in (*staged(site, "raw/*/*/*"), *staged(site, "out/*/*/*")):
        assert path.name.startswith(".") or path.stem.isdigit(), path
    [run] = site.rows("configuration", "SELECT count(*) AS n FROM migration.run")
    assert run["n"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_killed_run_goes_on_to_the_same_content(moment: Moment, fresh: Site, finished: Site) -> None:
    code, _ = stop_at(fresh, moment, signal.SIGKILL, *RUN)
    assert code == -signal.SIGKILL
    [run_id] = run_ids(fresh)
    done = fresh.migrate(*RUN)
    assert f"continuing run {run_id}" in done.stderr
    assert "PARITY" in done.stdout
    _expect_same_content(fresh, finished)
    _expect_no_rows_outside_batches(fresh)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ANYWHERE)
def test_a_run_killed_anywhere_goes_on_to_the_same_content(seconds: float, fresh: Site, finished: Site) -> None:
    stop_at(fresh, after(seconds), signal.SIGKILL, *RUN)
    fresh.migrate(*RUN)
    assert len(run_ids(fresh)) == 1
    _expect_same_content(fresh, finished)


@pytest.mark.slow
def test_a_run_killed_in_every_stage_goes_on_to_the_same_content(fresh: Site, finished: Site) -> None:
    for moment in (first_raw_file, mid_transform, first_receipts, verifying):
        stop_at(fresh, moment, signal.SIGKILL, *RUN)
    done = fresh.migrate(*RUN)
    assert "continuing run" in done.stderr
    _expect_same_content(fresh, finished)
    _expect_no_rows_outside_batches(fresh)


def test_a_killed_load_leaves_whole_batches_and_the_same_command_goes_on(fresh: Site, finished: Site) -> None:
    """The quick form of the tests above: one service."""
    stop_at(fresh, first_receipts, signal.SIGKILL, *SMALL)
    loaded = fresh.rows("configuration", "SELECT batch_id::text, mapped FROM migration.receipt")
    mapped = fresh.rows("configuration", "SELECT batch_id::text, count(*) AS n FROM migration.id_map GROUP BY 1")
    assert len(loaded) >= 3
    assert {m["batch_id"]: m["n"] for m in mapped} == {r["batch_id"]: r["mapped"] for r in loaded if r["mapped"]}
    [run_id] = run_ids(fresh)
    done = fresh.migrate(*SMALL)
    assert f"continuing run {run_id}" in done.stderr
    assert "PARITY" in done.stdout
    only = ("configuration",)
    assert differing(contents(fresh, only), contents(finished, only)) == {}


@pytest.mark.slow
def test_what_a_kill_leaves_half_written_counts_as_nothing(fresh: Site, finished: Site) -> None:
    fresh.migrate("extract", "--as-of", AS_OF, "--service", "configuration")
    raw = staged(fresh, "raw/district_a/configuration.School/00000.parquet")[0]
    raw.with_name(".00000.parquet.0badc0de").write_bytes(raw.read_bytes()[:100])
    raw.with_name(".00001.parquet.0badc0de").write_bytes(raw.read_bytes())
    outputs = raw.parents[3] / "out" / "001" / "configuration.School" / ".00000.0badc0de"
    outputs.mkdir(parents=True)
    (outputs / "id_map.parquet").write_bytes(raw.read_bytes())
    scratch = raw.parents[3] / "scratch"
    scratch.mkdir()
    (scratch / "parity.duckdb").write_bytes(b"cut short")
    fresh.migrate(*SMALL)
    only = ("configuration",)
    assert differing(contents(fresh, only), contents(finished, only)) == {}


def test_a_finished_run_says_so_and_changes_nothing(migrated: Site) -> None:
    tables = {"student": "student.students", "assessment": "migration.receipt", "section": "migration.id_map"}
    before = contents(migrated), {t: versions(migrated, s, t) for s, t in tables.items()}
    files = _written(migrated)
    done = migrated.migrate(*RUN)
    [run_id] = run_ids(migrated)
    assert f"run {run_id} is loaded and verified already; nothing to do" in done.stderr
    assert (contents(migrated), {t: versions(migrated, s, t) for s, t in tables.items()}) == before
    assert _written(migrated) == files


def test_a_run_of_which_nothing_was_due_yet_goes_on(fresh: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def users_of(district: str) -> tuple[str, ...]:
        return ("run", "--as-of", AS_OF, "--tenant", district, "--entity", "identity.AspNetUsers")

    def disk_full(*_: object) -> int:
        raise DiskError(where="here")

    fresh.migrate(*users_of("district_b"), check=3)  # those of no tenant stay
    before = len(fresh.rows("identity", "SELECT id FROM identity.users"))
    with monkeypatch.context() as patched:
        whole = Transformer.transform
        patched.setattr(Transformer, "transform", lambda t, b: disk_full() if b.wave else whole(t, b))
        fresh.migrate(*users_of("district_a"), check=2)
    done = fresh.migrate(*users_of("district_a"), check=3)
    assert "nothing to do" not in done.stderr
    assert len(fresh.rows("identity", "SELECT id FROM identity.users")) > before > 0


def _written(site: Site) -> dict[Path, int]:
    """Say when each staged file was written, but for the audit log, which every command goes on with."""
    return {
        path: path.stat().st_mtime_ns for path in staged(site, "**/*") if path.is_file() and path.name != "audit.jsonl"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [first_raw_file, mid_transform, first_receipts, verifying],
    ids=["extract", "transform", "load", "verify"],
)
def test_an_interrupted_run_ends_with_130_and_goes_on(moment: Moment, fresh: Site, finished: Site) -> None:
    code, errors = stop_at(fresh, moment, signal.SIGINT, *RUN)
    assert code == 130, errors
    assert "Traceback" not in errors
    done = fresh.migrate(*RUN)
    assert "continuing run" in done.stderr
    _expect_same_content(fresh, finished)


def test_an_interrupted_run_says_that_the_same_command_goes_on(fresh: Site) -> None:
    code, errors = stop_at(fresh, first_receipts, signal.SIGINT, *SMALL)
    assert code == 130, errors
    assert "interrupted; the same command goes on" in errors


@pytest.mark.slow
@pytest.mark.parametrize("ready", ["extract", "transform"])
def test_two_processes_on_one_run_load_everything_once(ready: str, fresh: Site, finished: Site) -> None:
    fresh.migrate("extract", "--as-of", AS_OF)
    if ready == "transform":
        fresh.migrate("transform")
    with started(fresh, *RUN) as first, started(fresh, *RUN) as second:
        ends = [(*process.communicate(timeout=240), process.returncode) for process in (first, second)]
    for _, errors, code in ends:
        assert code in (0, 1, 2), errors
        assert "Traceback" not in errors
        if code:
            assert "error: " in errors
    done = fresh.migrate(*RUN)
    assert "continuing run" in done.stderr
    assert len(run_ids(fresh)) == 1
    _expect_same_content(fresh, finished)


@pytest.mark.slow
def test_the_stages_one_by_one_are_the_same_as_a_run(fresh: Site, finished: Site) -> None:
    for command in (("extract", "--as-of", AS_OF), ("transform",), ("load",), ("verify",)):
        fresh.migrate(*command)
    assert len(run_ids(fresh)) == 1
    _expect_same_content(fresh, finished)
    assert "nothing to do" in fresh.migrate("run").stderr


def test_a_stage_without_a_run_is_refused(fresh: Site) -> None:
    for command in ("transform", "load", "verify"):
        done = fresh.migrate(command, check=2)
        assert "there is no run of this source, target and selection" in done.stderr
        assert "migrate run" in done.stderr
