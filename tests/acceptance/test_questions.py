"""What an operator asks: status, rejects, lookup, a dry run; and purge, which answers for what it removed."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.support.contents import contents, differing
from tests.support.site import AS_OF, Site

#: Whole runs of many selections: minutes.
pytestmark = pytest.mark.slow

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "legacy-to-tenant.migration")
TENANT_A = uuid.uuid5(NAMESPACE, "tenant/1")
STUDENT_7 = uuid.uuid5(NAMESPACE, f"{TENANT_A}/district.dbo.Student/[7]")
NOBODY = "00000000-0000-4000-8000-000000000000"


def _run_directory(site: Site) -> Path:
    [record] = (site.directory / "staging").glob("*/run.json")
    return record.parent


def test_status_lists_the_runs(finished: Site) -> None:
    [run] = json.loads(finished.migrate("status", "--json").stdout)
    assert run["run"] == _run_directory(finished).name
    assert run["as_of"] == f"{AS_OF}T00:00:00+00:00"
    for stage in ("extracted", "transformed", "verified"):
        assert run[stage]["done"] == run[stage]["due"] > 0
    assert run["run"] in finished.migrate("status").stdout


def test_status_of_a_run_lists_its_entities(finished: Site) -> None:
    run_id = _run_directory(finished).name
    entities = {e["entity"]: e for e in json.loads(finished.migrate("status", "--run-id", run_id, "--json").stdout)}
    student = entities["student.Student"]
    assert student["extracted"] == student["transformed"] == {"done": 2, "due": 2}
    [counted] = finished.rows("student", "SELECT count(*) AS n FROM migration.id_map WHERE entity = 'student.Student'")
    assert student["mapped"] == counted["n"]
    assert entities["assessment.LIDAssignment"]["read"] == "derived"
    assert entities["assessment.LIDAssignment"]["extracted"] is None
    assert "student.Student" in finished.migrate("status", "--run-id", run_id).stdout


def test_rejects_are_listed_as_quarantine_holds_them(finished: Site) -> None:
    listed = json.loads(finished.migrate("rejects", "--json", "--service", "student").stdout)
    held = finished.rows("student", "SELECT entity, legacy_key, reasons FROM migration.quarantine")
    assert {(r["entity"], r["legacy_key"], tuple(r["reasons"])) for r in listed} == {
        (r["entity"], r["legacy_key"], tuple(r["reasons"]))
        for r in held  # type: ignore[arg-type]
    }
    assert len(listed) == len(held) > 0


def test_rejects_of_an_entity_and_a_tenant(finished: Site) -> None:
    chosen = ("--entity", "student.StudentSchool", "--tenant", "district_b")
    listed = json.loads(finished.migrate("rejects", "--json", *chosen).stdout)
    assert {(r["tenant"], r["entity"]) for r in listed} == {("District B", "student.StudentSchool")}
    shown = finished.migrate("rejects", *chosen).stdout
    assert f"{len(listed)}" in shown.splitlines()[0]
    assert "parent" in shown


LOOKUPS = {
    "legacy to new": (("student.Student", "7", "--tenant", "district_a"), str(STUDENT_7)),
    "by bare name": (("Student", "[7]", "--tenant", "district_a"), str(STUDENT_7)),
    "new to legacy": ((str(STUDENT_7),), "[7]"),
    "new to legacy, in capitals": ((str(STUDENT_7).upper(),), "[7]"),
}


@pytest.mark.parametrize(("arguments", "answer"), LOOKUPS.values(), ids=LOOKUPS.keys())
def test_lookup_answers_both_ways(arguments: tuple[str, ...], answer: str, finished: Site) -> None:
    [row] = json.loads(finished.migrate("lookup", *arguments, "--json").stdout)
    assert answer in row.values()
    assert (row["entity"], row["legacy_key"], row["new_id"]) == ("student.Student", "[7]", str(STUDENT_7))
    assert answer in finished.migrate("lookup", *arguments).stdout


def test_lookup_without_a_tenant_answers_for_each(finished: Site) -> None:
    rows = json.loads(finished.migrate("lookup", "student.Student", "7", "--json").stdout)
    assert [r["tenant"] for r in rows] == ["district_b", "district_a"] or len({r["new_id"] for r in rows}) == 2


def test_lookup_of_a_text_key_and_of_a_shared_row(finished: Site) -> None:
    [role] = finished.rows(
        "identity",
        "SELECT legacy_key, new_id::text FROM migration.id_map WHERE entity = 'identity.AspNetRoles' LIMIT 1",
    )
    [key] = json.loads(str(role["legacy_key"]))
    [row] = json.loads(finished.migrate("lookup", "identity.AspNetRoles", key, "--json").stdout)
    assert row["new_id"] == role["new_id"]


UNFOUND = {
    "no such key": ("student.Student", "987654"),
    "no such id": (NOBODY,),
    "a key of another tenant": ("student.Student", "50", "--tenant", "district_b"),
}


@pytest.mark.parametrize("arguments", UNFOUND.values(), ids=UNFOUND.keys())
def test_lookup_that_finds_nothing_says_so(arguments: tuple[str, ...], finished: Site) -> None:
    done = finished.migrate("lookup", *arguments, check=1)
    assert "nothing found" in done.stderr


MISASKED = {
    "no uuid": (("not-a-uuid",), ("not-a-uuid", "UUID", "migrate lookup student.Student 42")),
    "no entity": (("student.Studnt", "7"), ("student.Studnt", "student.Student")),
    "no tenant": (("student.Student", "7", "--tenant", "district_c"), ("district_c", "district_a")),
}


@pytest.mark.parametrize(("arguments", "words"), MISASKED.values(), ids=MISASKED.keys())
def test_lookup_of_nonsense_is_refused(arguments: tuple[str, ...], words: tuple[str, ...], finished: Site) -> None:
    done = finished.migrate("lookup", *arguments, check=2)
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_verify_again_is_parity_as_json(migrated: Site) -> None:
    verdict = json.loads(migrated.migrate("verify", "--json").stdout)
    assert (verdict["parity"], verdict["total_differences"], verdict["differences"]) == (True, 0, [])
    assert all(e["expected"] == e["mapped"] + e["rejected"] for e in verdict["entities"])


def test_a_dry_load_loads_nothing_and_purge_waits_for_parity(fresh: Site) -> None:
    chosen = ("--service", "configuration")
    fresh.migrate("extract", "--as-of", AS_OF, *chosen)
    fresh.migrate("transform", *chosen)
    empty = contents(fresh)
    dry = fresh.migrate("load", "--dry-run", *chosen)
    assert "58 rows in" in dry.stderr
    assert "_configuration" in dry.stderr
    assert differing(contents(fresh), empty) == {}
    directory = _run_directory(fresh)
    purge = ("purge", "--run-id", directory.name)
    refused = fresh.migrate(*purge, check=2)
    assert "only a loaded and verified run is purged" in refused.stderr
    fresh.migrate("load", *chosen)
    refused = fresh.migrate(*purge, check=2)
    assert "migrate verify" in refused.stderr
    assert (directory / "raw").exists()
    fresh.migrate("verify", *chosen)
    _expect_purged(fresh, directory, chosen)


def _expect_purged(site: Site, directory: Path, chosen: tuple[str, ...]) -> None:
    purge, loaded = ("purge", "--run-id", directory.name), contents(site)
    assert "removing" in site.migrate(*purge, "--dry-run").stderr
    assert (directory / "raw").exists()
    assert "MB removed" in site.migrate(*purge).stdout
    left = ["audit.jsonl", "purged.json", "run.json", "transformed.json", "verdict.json"]
    assert sorted(p.name for p in directory.iterdir()) == left
    [run] = site.rows("configuration", "SELECT purged_at IS NOT NULL AS purged FROM migration.run")
    assert run["purged"] is True
    again = site.migrate("run", "--as-of", AS_OF, *chosen)
    assert "nothing to do" in again.stderr
    refused = site.migrate("verify", *chosen, check=2)
    assert "purged" in refused.stderr
    [state] = json.loads(site.migrate("status", "--json").stdout)
    assert (state["is_purged"], state["extracted"]) == (True, None)
    site.migrate(*purge)  # a second time it finds nothing to remove
    assert differing(contents(site), loaded) == {}


@pytest.mark.slow
def test_rejects_are_still_listed_when_the_staged_files_are_gone(migrated: Site) -> None:
    before = json.loads(migrated.migrate("rejects", "--json").stdout)
    migrated.migrate("purge", "--run-id", _run_directory(migrated).name)
    done = migrated.migrate("rejects", "--json", check=None)
    assert done.returncode == 2 or json.loads(done.stdout) == before
