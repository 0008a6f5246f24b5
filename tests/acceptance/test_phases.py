"""A migration in phases: each touches its own services alone, and begins with whom those before are verified of."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import runner
from pipeline.demo.server import Server
from pipeline.loading import Connections
from pipeline.observe.progress import Progress
from pipeline.stages import load
from tests.faults.processes import staged, stop_at
from tests.support.contents import contents, differing
from tests.support.site import AS_OF, USED, Site
from tests.support.small import TENANTS, Small, named, small

#: Phase 1, 2 and 3. A pupil names a course, which moves later.
ENTRIES = {
    "configuration": named("School") + named("Wing"),
    "student": named("Pupil") + 'Course = { type = "int", to = "course_id", references = "section.Course" }\n',
    "section": named("Course") + 'School = { type = "int", to = "school_id", references = "configuration.School" }\n',
}
#: No district has a wing.
LEGACY = """
CREATE TABLE School (Id int PRIMARY KEY, Name nvarchar(50));
CREATE TABLE Wing (Id int PRIMARY KEY, Name nvarchar(50));
CREATE TABLE Pupil (Id int PRIMARY KEY, Name nvarchar(50), Course int);
CREATE TABLE Course (Id int PRIMARY KEY, Name nvarchar(50), School int);
INSERT INTO School VALUES (1, 'North'), (2, 'South');
INSERT INTO Pupil VALUES (1, 'Ann', 7), (2, 'Bo', 8), (3, 'Cy', NULL);
INSERT INTO Course VALUES (7, 'Latin', 1), (8, 'Maths', 2);
"""


@pytest.fixture
def fleet(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    """Two districts that are alike."""
    with small(postgres, tmp_path, ENTRIES, {"a": LEGACY, "b": LEGACY}) as made:
        yield made


def stands(site: Site) -> dict[str, list[str]]:
    """Say of each tenant where its rows of each phase are."""
    found: dict[str, list[str]] = {}
    for state in json.loads(site.migrate("status", "--by-phase", "--json").stdout):
        found.setdefault(state["tenant"], []).append(state["where"])
    return found


def test_status_says_of_each_tenant_and_phase_where_its_rows_are(fleet: Small) -> None:
    assert stands(fleet.site) == {"a": ["legacy"] * 3, "b": ["legacy"] * 3}
    first = ("--tenant", "a", "--service", "configuration")
    for command in ("extract", "transform", "load"):
        assert stands(fleet.site)["a"][0] == "legacy"
        fleet.site.migrate(command, *first)
    assert stands(fleet.site) == {"a": ["loaded", "legacy", "legacy"], "b": ["legacy"] * 3}
    fleet.site.migrate("verify", *first)
    assert stands(fleet.site) == {"a": ["verified", "legacy", "legacy"], "b": ["legacy"] * 3}
    shown = fleet.site.migrate("status", "--by-phase").stdout
    assert "phase 1: identity, configuration" in shown
    fleet.site.migrate("run", "--tenant", "b", "--entity", "School")
    assert "legacy (1 of 2 loaded)" in fleet.site.migrate("status", "--by-phase").stdout


def test_a_tenants_difference_is_no_other_tenants(fleet: Small) -> None:
    """Also of tables without rows, of which no receipt tells whose they are."""
    fleet.site.migrate("run", "--service", "configuration")
    fleet.site.execute("configuration", f"DELETE FROM configuration.schools WHERE tenant_id = '{TENANTS['b']}'")
    fleet.site.migrate("verify", "--service", "configuration", check=1)
    assert stands(fleet.site) == {"a": ["verified", "legacy", "legacy"], "b": ["loaded", "legacy", "legacy"]}


def test_the_finished_estate_is_verified_in_all_phases_that_have_entries(finished: Site) -> None:
    assert stands(finished) == {tenant: ["verified"] * 3 for tenant in ("district_a", "district_b")}


def test_a_plan_says_what_moves_of_each_phase(fleet: Small) -> None:
    planned = json.loads(fleet.site.migrate("plan", "--json").stdout)
    assert [(x["phase"], x["entities"], x["rows"]) for x in planned["phases"]] == [(1, 2, 4), (2, 1, 6), (3, 1, 4)]
    assert "intervention, section, dataimport" in fleet.site.migrate("plan").stdout


def test_a_fleet_without_phases_has_none_to_show(fleet: Small) -> None:
    installation = fleet.site.directory / "services" / "installation.toml"
    installation.write_text(
        'name = "legacy-to-tenant.migration"\nnamespace = "ee610ba7-36c2-5baf-b624-1c76988ebd4e"\n'
        'services = ["configuration", "student", "section"]\n[tenants]\nkind = "district"\nkey = "integer"\n',
        encoding="utf-8",
    )
    assert "this fleet has no phases" in fleet.site.migrate("status", "--by-phase", check=2).stderr
    assert json.loads(fleet.site.migrate("plan", "--json").stdout)["phases"] == []


RUN = ("run", "--as-of", AS_OF)


def test_a_phase_begins_with_whom_those_before_are_verified_of(fleet: Small) -> None:
    site = fleet.site
    site.migrate(*RUN, "--phase", "1", "--tenant", "a")
    left = json.loads(site.migrate(*RUN, "--phase", "2", "--json", check=3).stdout)["not_moved"]
    assert [(x["kind"], x["where"]) for x in left] == [("source", "source b")]
    assert "of phase 1, configuration.School, configuration.Wing not loaded" in left[0]["why"]
    assert stands(site) == {"a": ["verified", "verified", "legacy"], "b": ["legacy"] * 3}
    # Nothing has failed of who waits.
    waiting = json.loads(site.migrate("status", "--by-tenant", "--json").stdout)
    assert {x["stand"] for x in waiting if x["tenant"] == "b"} == {"waiting"}
    site.migrate(*RUN, "--phase", "1")
    site.migrate(*RUN, "--phase", "2")
    site.migrate(*RUN, "--phase", "3")
    assert stands(site) == {"a": ["verified"] * 3, "b": ["verified"] * 3}


@pytest.mark.parametrize("command", ["run", "extract", "plan"])
def test_a_phase_that_begins_with_nobody_is_refused(fleet: Small, command: str) -> None:
    done = fleet.site.migrate(command, "--phase", "3", "--tenant", "b", check=2)
    assert done.stderr == (
        "error: source b, phase 3: A phase begins with a tenant when those before it are loaded and verified.\n"
        "  expected: phase 1 loaded and verified\n"
        "  got:      of phase 1, configuration.School, configuration.Wing not loaded\n"
        "  to do:    `migrate run --phase 1 --tenant b` brings it to its end; --force begins without\n"
    )
    both = fleet.site.migrate(command, "--phase", "3", check=2).stderr
    assert "source a, phase 3" in both
    assert "source b, phase 3" in both
    assert not (fleet.site.directory / "staging").exists()


def test_what_is_loaded_and_not_verified_does_not_do(fleet: Small) -> None:
    for command in ("extract", "transform", "load"):
        fleet.site.migrate(command, "--phase", "1")
    [run] = [path.name for path in (fleet.site.directory / "staging").iterdir()]
    refused = fleet.site.migrate(*RUN, "--phase", "2", "--tenant", "a", check=2).stderr
    assert "of phase 1, configuration.School, configuration.Wing loaded, and not verified" in refused
    assert f"`migrate run --run-id {run}`" in refused
    fleet.site.migrate("run", "--run-id", run)
    fleet.site.migrate(*RUN, "--phase", "2", "--tenant", "a")


def test_who_goes_on_by_force_is_named(fleet: Small) -> None:
    fleet.site.migrate(*RUN, "--phase", "1", "--tenant", "a")
    planned = json.loads(fleet.site.migrate("plan", "--phase", "2", "--json").stdout)
    assert {*planned["held_back"]} == {"b"}
    assert "a" in planned["record"]["sources"]
    assert "b" not in planned["record"]["sources"]
    done = fleet.site.migrate(*RUN, "--phase", "2", "--force")
    assert "--force: source b goes on with phase 2 all the same: of phase 1, configuration.School" in done.stderr
    assert "source a goes on" not in done.stderr
    assert stands(fleet.site) == {"a": ["verified", "verified", "legacy"], "b": ["legacy", "verified", "legacy"]}
    log = staged(fleet.site, "audit.jsonl")[-1]
    begun = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    assert begun["forced"] == {"b": "of phase 1, configuration.School, configuration.Wing not loaded"}
    # It is through with it, whatever comes before.
    assert "nothing to do" in fleet.site.migrate(*RUN, "--phase", "2").stderr


def test_a_phase_is_named_by_itself(fleet: Small) -> None:
    fleet.site.migrate(*RUN, "--phase", "1", "--tenant", "a")
    [run] = [path.name for path in (fleet.site.directory / "staging").iterdir()]
    for arguments, why in {
        ("--phase", "1", "--service", "student"): "--service beside it",
        ("--phase", "1", "--entity", "School"): "--entity beside it",
        ("--phase", "5"): "expected: 1 to 4",
        ("--phase", "4", "--force"): "no entry is of phase 4",
        ("--force",): "--force is for a phase",
        ("--phase", "1", "--run-id", run, "--force"): "of a run that has begun",
    }.items():
        assert why in fleet.site.migrate("run", *arguments, check=2).stderr


def fingerprints(site: Site) -> dict[str, str]:
    """Hash the legacy databases, byte by byte."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in site.directory.rglob("*.sqlite")}


def test_what_is_not_migrated_stays_in_the_legacy_system_as_it_was(fleet: Small) -> None:
    """And may be read there while the others move; of later phases the target holds nothing."""
    before, courses = fingerprints(fleet.site), "SELECT * FROM Course ORDER BY Id"
    with closing(sqlite3.connect(fleet.site.directory / "a.sqlite")) as reader:
        rows = reader.execute(courses).fetchall()
        fleet.site.migrate(*RUN, "--phase", "1")
        fleet.site.migrate(*RUN, "--phase", "2")
        assert reader.execute(courses).fetchall() == rows
    assert fingerprints(fleet.site) == before
    assert len(before) == 2
    held = ("claim", "run", "receipt", "id_map", "verification", "holder")
    for table in ("section.courses", *(f"migration.{name}" for name in held)):
        assert fleet.site.rows("section", f"SELECT * FROM {table}") == [], table


def second_loading(site: Site) -> bool:
    """Say whether some batches of the second run are loaded."""
    logs = staged(site, "audit.jsonl")
    return len(logs) > 1 and logs[1].read_text(encoding="utf-8").count('"stage": "load"') >= 3


@pytest.mark.slow
def test_phases_one_after_another_end_in_what_one_run_makes(fresh: Site, finished: Site) -> None:
    """Killed in the middle of the second. What is not migrated stays in the legacy system, as it was."""
    before, empty = fingerprints(fresh), contents(fresh)
    fresh.migrate(*RUN, "--phase", "1")
    others = [service for service in USED if service not in ("identity", "configuration")]
    touched = differing(contents(fresh), empty)
    assert touched
    assert not {name for name in touched if name.partition(".")[0].partition(":")[0] in others}
    assert "phase 2 loaded and verified" in fresh.migrate(*RUN, "--phase", "3", check=2).stderr
    code, _ = stop_at(fresh, second_loading, signal.SIGKILL, *RUN, "--phase", "2")
    assert code == -signal.SIGKILL
    assert "phase 2 loaded and verified" in fresh.migrate(*RUN, "--phase", "3", check=2).stderr
    assert stands(fresh)["district_a"] == ["verified", "legacy", "legacy"]
    assert "continuing run" in fresh.migrate(*RUN, "--phase", "2").stderr
    fresh.migrate(*RUN, "--phase", "3")
    assert stands(fresh) == stands(finished)
    assert differing(contents(fresh), contents(finished)) == {}
    assert fingerprints(fresh) == before
    assert "nothing to do" in fresh.migrate(*RUN).stderr


def test_ids_that_a_tenants_own_lookups_decide_are_not_guessed(fresh: Site) -> None:
    """Whether a grade maps to the shared one is known of district A alone."""
    fresh.migrate(*RUN, "--phase", "1", "--tenant", "district_a", check=3)
    refused = fresh.migrate(*RUN, "--phase", "2", "--force", check=2).stderr
    assert "configuration.Grade of district_b: a shareable parent is neither selected nor loaded" in refused
    fresh.migrate(*RUN, "--phase", "2", "--tenant", "district_a", check=3)


def test_of_a_parent_that_is_loaded_in_part_the_rest_is_pending(fleet: Small) -> None:
    """Killed between two batches: what is not loaded yet is not gone."""
    workspace, quiet = fleet.open("School", batch_rows=1), Progress(quiet=True)
    runner.run_extract(workspace, quiet)
    runner.run_transform(workspace, quiet)
    load.record_run(workspace, "configuration")
    [due] = runner.due_to_load(workspace)
    with Connections(workspace) as connections:
        connections.load(replace(due, receipts=due.receipts[:1], is_whole=False))
    assert len(fleet.ids("configuration", "schools")) == 1
    fleet.site.migrate(*RUN, "--phase", "3", "--force")
    schools = fleet.table("section", "courses", "school_id")
    fleet.site.migrate("run", "--run-id", workspace.record.run_id)
    ids = fleet.ids("configuration", "schools")
    assert {key: row["school_id"] for key, row in schools.items()} == {
        f"{district} [{course}]": ids[f"{district} [{school}]"]
        for district in "ab"
        for course, school in ((7, 1), (8, 2))
    }
    fleet.site.migrate("verify", "--phase", "3")


def test_a_reference_that_its_parents_rejection_made_an_orphan_is_named(fleet: Small) -> None:
    """By the verification of the phase that rejects the parent; what it was referred to from is verified already."""
    for district in "ab":
        fleet.legacy(district, "UPDATE Course SET Name = CAST('a' || char(0) || 'b' AS TEXT) WHERE Id = 7")
    fleet.site.migrate(*RUN, "--phase", "1")
    fleet.site.migrate(*RUN, "--phase", "2")
    fleet.legacy("b", "DELETE FROM Course WHERE Id = 8")
    found = json.loads(fleet.site.migrate(*RUN, "--phase", "3", "--json", check=1).stdout)
    a, b = TENANTS["a"], TENANTS["b"]
    named = {(d["kind"], d["entity"], d["tenant"], d["legacy_key"], d["column"]) for d in found["differences"]}
    rejected, gone = "orphan: section.Course was rejected", "orphan: section.Course is not there"
    assert named == {
        (rejected, "student.pupils", a, "[1]", "course_id"),
        (rejected, "student.pupils", b, "[1]", "course_id"),
        (gone, "student.pupils", b, "[2]", "course_id"),
    }
    assert stands(fleet.site) == {"a": ["verified", "verified", "loaded"], "b": ["verified", "verified", "loaded"]}


def test_a_service_that_is_not_there_yet_is_told_and_not_asked(fleet: Small) -> None:
    """Its rows would refer to schools."""
    nowhere = f'[target.services]\nsection = "{fleet.site.dsn("nowhere")}"\n[run]'
    fleet.configure("[run]", nowhere)
    done = fleet.site.migrate(*RUN, "--phase", "1")
    assert "section: not asked whether it refers to rows that are not there" in done.stdout


def test_a_run_that_has_begun_goes_on_with_whom_it_began_with(fleet: Small) -> None:
    fleet.site.migrate(*RUN, "--phase", "1", "--tenant", "a")
    fleet.site.migrate("extract", "--phase", "2", "--force")
    done = fleet.site.migrate("run", "--phase", "2")
    assert "continuing run" in done.stderr
    assert stands(fleet.site) == {"a": ["verified", "verified", "legacy"], "b": ["legacy", "verified", "legacy"]}


@pytest.mark.parametrize("purged", [(), ("--tenant", "a")], ids=["all", "one tenant"])
def test_a_phase_whose_staged_rows_are_purged_is_verified_as_before(fleet: Small, purged: tuple[str, ...]) -> None:
    fleet.site.migrate(*RUN, "--phase", "1")
    [run] = [path.name for path in (fleet.site.directory / "staging").iterdir()]
    fleet.site.migrate("purge", "--run-id", run, *purged)
    fleet.site.migrate(*RUN, "--phase", "2")
    assert {tenant: where[:2] for tenant, where in stands(fleet.site).items()} == dict.fromkeys("ab", ["verified"] * 2)


def test_a_phase_is_verified_whatever_becomes_of_the_staging_directory(fleet: Small) -> None:
    """Also of the table that no district has rows of: the verdict in the target is of all that the run was to bring."""
    fleet.site.migrate(*RUN, "--phase", "1")
    shutil.rmtree(fleet.site.directory / "staging")
    fleet.site.migrate(*RUN, "--phase", "2")
