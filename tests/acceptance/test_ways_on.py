"""No dead end: a run whose staged files are lost goes on, and whoever cannot go on is told what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.commands import migrate
from tests.support.small import Small, named, small

ENTRIES = named("Pupil", name="nvarchar(max)")
LEGACY = 'CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)"); INSERT INTO Pupil VALUES (1, NULL), (2, NULL);'


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


def _staging(made: Small) -> Path:
    return made.site.directory / "staging"


def _run_id(made: Small) -> str:
    [record] = _staging(made).glob("*/run.json")
    return record.parent.name


# -- the staged files are lost ----------------------------------------------------------------------------


def test_a_run_whose_staged_files_are_lost_goes_on_by_the_record_in_the_target(made: Small) -> None:
    migrate(made.site.config, "run", "--as-of", "2026-01-01")
    run_id, record = _run_id(made), next(_staging(made).glob("*/run.json")).read_text()
    ids = made.ids("media", "pupils")
    shutil.rmtree(_staging(made))
    done = migrate(made.site.config, "run")
    assert f"run {run_id} is not staged here; its record is taken from the target" in done.stderr
    assert "PARITY" in done.stdout
    assert _run_id(made) == run_id
    assert json.loads(next(_staging(made).glob("*/run.json")).read_text()) == json.loads(record)
    assert made.ids("media", "pupils") == ids
    assert "nothing to do" in migrate(made.site.config, "run").stderr


@pytest.mark.parametrize("named", [True, False], ids=["by its id", "by its selection"])
def test_verify_of_a_run_whose_staged_files_are_lost_names_the_way_on(named: bool, made: Small) -> None:
    migrate(made.site.config, "run")
    run_id = _run_id(made)
    shutil.rmtree(_staging(made))
    options = ("--run-id", run_id) if named else ()
    done = migrate(made.site.config, "verify", *options, check=2)
    assert f"`migrate run --run-id {run_id}` reads them again" in done.stderr
    migrate(made.site.config, "run", "--run-id", run_id)
    migrate(made.site.config, "verify", *options)


@pytest.mark.slow
def test_a_run_lost_in_the_middle_of_its_load_is_finished(made: Small) -> None:
    for command in ("extract", "transform", "load"):
        migrate(made.site.config, command)
    made.site.execute(
        "media",
        "DELETE FROM media.pupils WHERE id IN (SELECT new_id FROM migration.id_map m JOIN migration.receipt r "
        "USING (batch_id) WHERE r.source = 'b')",
        "DELETE FROM migration.id_map m USING migration.receipt r WHERE r.batch_id = m.batch_id AND r.source = 'b'",
        "DELETE FROM migration.receipt WHERE source = 'b'",
    )
    shutil.rmtree(_staging(made))
    assert "PARITY" in migrate(made.site.config, "run").stdout
    assert len(made.ids("media", "pupils")) == 4


@pytest.mark.slow
def test_a_purged_run_stays_purged_when_its_record_is_taken_back(made: Small) -> None:
    migrate(made.site.config, "run")
    run_id = _run_id(made)
    migrate(made.site.config, "purge", "--run-id", run_id)
    shutil.rmtree(_staging(made))
    assert "nothing to do" in migrate(made.site.config, "run").stderr
    assert "purged" in migrate(made.site.config, "status").stdout


def test_what_a_run_of_lost_files_has_moved_is_left_alone(made: Small) -> None:
    migrate(made.site.config, "run", "--tenant", "a")
    run_id = _run_id(made)
    shutil.rmtree(_staging(made))
    said = json.loads(migrate(made.site.config, "run", "--json").stdout)
    assert list(said["configuration"]["sources"]) == ["b"]
    migrate(made.site.config, "run", "--run-id", run_id)


def test_an_open_run_of_lost_files_is_named(made: Small) -> None:
    for command in ("extract", "transform", "load"):
        migrate(made.site.config, command, "--tenant", "a")
    run_id = _run_id(made)
    made.site.execute("media", "UPDATE migration.claim SET state = 'open'")
    shutil.rmtree(_staging(made))
    done = migrate(made.site.config, "run", check=2)
    assert f"continue that run: --run-id {run_id}" in done.stderr
    migrate(made.site.config, "run", "--run-id", run_id)


def test_a_run_that_nobody_knows_is_none(made: Small) -> None:
    done = migrate(made.site.config, "run", "--run-id", "20990101T000000.000-0000", check=2)
    assert "no such run" in done.stderr


# -- places change ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", ["extract", "run"])
def test_a_file_under_another_path_is_known_by_its_bytes(begun: str, made: Small) -> None:
    migrate(made.site.config, begun)
    (made.site.directory / "a.sqlite").rename(made.site.directory / "moved.sqlite")
    made.configure("/a.sqlite", "/moved.sqlite")
    done = migrate(made.site.config, "run")
    assert f"continuing run {_run_id(made)}" in done.stderr
    migrate(made.site.config, "verify")


@pytest.mark.parametrize("lost", [False, True], ids=["staged", "staged files lost"])
def test_another_file_is_not_the_one_that_the_run_read_and_the_way_on_is_named(lost: bool, made: Small) -> None:
    migrate(made.site.config, "run")
    run_id = _run_id(made)
    shutil.copy(made.site.directory / "a.sqlite", made.site.directory / "other.sqlite")
    made.legacy("other", "INSERT INTO Pupil VALUES (3, NULL)")
    made.configure("/a.sqlite", "/other.sqlite")
    if lost:
        shutil.rmtree(_staging(made))
    for command in ("run", "verify"):
        done = migrate(made.site.config, command, check=2)
        assert f"of run {run_id}, source a was sqlite://" in done.stderr
        assert "other.sqlite" in done.stderr
        assert "let it be reached as before" in done.stderr
    assert "let it be reached" in migrate(made.site.config, "run", "--run-id", run_id, check=2).stderr
    made.configure("/other.sqlite", "/a.sqlite")
    migrate(made.site.config, "run")


def test_a_target_under_another_name_is_named(made: Small) -> None:
    migrate(made.site.config, "run")
    made.configure("@127.0.0.1:", "@localhost:")
    for command in ("run", "verify"):
        done = migrate(made.site.config, command, check=2)
        assert "the target of service media was postgresql://127.0.0.1:" in done.stderr
        assert "is postgresql://localhost:" in done.stderr


# -- the source is corrected ------------------------------------------------------------------------------


def test_a_corrected_source_of_a_run_that_loaded_nothing_begins_anew(made: Small) -> None:
    migrate(made.site.config, "extract", "--tenant", "a")
    run = _staging(made) / _run_id(made)
    made.legacy("a", "UPDATE Pupil SET Name = 'x'")
    shutil.rmtree(run / "raw" / "a")
    done = migrate(made.site.config, "run", "--tenant", "a", check=2)
    assert f"remove {run}, and the same command begins anew" in done.stderr
    shutil.rmtree(run)
    migrate(made.site.config, "run")


def test_a_corrected_source_among_others_leaves_the_run_and_comes_with_the_next(made: Small) -> None:
    migrate(made.site.config, "extract")
    run = _staging(made) / _run_id(made)
    made.legacy("a", "UPDATE Pupil SET Name = 'x'")
    shutil.rmtree(run / "raw" / "a")
    assert "source a: the database changed" in migrate(made.site.config, "run", check=3).stdout
    migrate(made.site.config, "run")


def test_a_corrected_source_of_a_loaded_run_names_the_way_on(made: Small) -> None:
    migrate(made.site.config, "run")
    before = (made.site.directory / "a.sqlite").read_bytes()
    made.legacy("a", "UPDATE Pupil SET Name = 'x'")
    assert "moves only into new, empty databases" in migrate(made.site.config, "run", check=3).stdout
    verified = migrate(made.site.config, "verify", check=1).stdout
    assert "changed since the run" in verified
    assert "give the source back as it was" in " ".join(verified.split())
    (made.site.directory / "a.sqlite").write_bytes(before)
    migrate(made.site.config, "verify")


def test_an_entry_that_was_taken_away_is_named(made: Small) -> None:
    migrate(made.site.config, "run")
    entries = made.site.directory / "services" / "media.toml"
    entries.write_text(ENTRIES.replace("Pupil", "Scholar").replace("[Scholar]", '[Scholar]\ntable = "Pupil"', 1))
    for command in ("run", "verify"):
        done = migrate(made.site.config, command, "--run-id", _run_id(made), check=2)
        assert "no entry for media.Pupil" in done.stderr
        assert "put the entries back" in done.stderr
