"""A migration in phases: each touches its own services alone, and begins with whom those before are verified of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.site import Site
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
