"""The whole packaged catalog over three districts that differ, with all of their tables: full parity, the third reading
agrees, and what is told of the rows that are spoiled is told of them, and of no others.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.demo.estate import NUMBERS, Estate, build_estate, config_text
from pipeline.demo.server import Server
from schemas.catalog import load_catalog
from schemas.installation import packaged_catalog
from tests.acceptance.hazards import Told, cases, grouped, is_as_recorded, outcome
from tests.oracle.contents import Contents, differing, expected, loaded
from tests.oracle.entries import read_catalog
from tests.oracle.migration import Migration
from tests.oracle.sources import read_fleet, read_sources
from tests.support.fleet import tenant_id
from tests.support.site import AS_OF, SMALL, Site, prepared

# Two minutes.
pytestmark = pytest.mark.slow
CATALOG = load_catalog()
DISTRICTS = {**SMALL, "e": 40}
#: What is told of how many rows: kind | entity | reason, or column and hazard or rule | rows.
TOLD = Path(__file__).with_name("whole_estate.txt")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return build_estate(tmp_path_factory.mktemp("whole") / "legacy", students=DISTRICTS, years=3, whole=True)


@pytest.fixture(scope="module")
def ran(postgres: Server, built: Estate) -> Iterator[tuple[Site, dict[str, Any]]]:
    """Moved, which exits with 0 only at parity; and what the command printed."""
    directory = built.directory.parent
    config, pattern = directory / "migrate.toml", postgres.dsn(f"{directory.name}_{{service}}")
    text = config_text(built.directory, pattern, "staging", districts=DISTRICTS, relative_to=directory)
    config.write_text(text, encoding="utf-8")
    with prepared(postgres, config) as site:
        yield site, json.loads(site.migrate("run", "--as-of", AS_OF, "--json").stdout)


@pytest.fixture(scope="module")
def moved(ran: tuple[Site, dict[str, Any]]) -> Site:
    return ran[0]


@pytest.fixture(scope="module")
def target(moved: Site) -> Contents:
    return loaded(moved.rows, sorted({e.service for e in CATALOG.entities.values()}))


def test_the_oracle_agrees_with_every_row(moved: Site, target: Contents) -> None:
    sources = read_sources(moved.config, read_fleet(packaged_catalog()))
    as_of = datetime.fromisoformat(AS_OF).replace(tzinfo=UTC)
    assert differing(expected(Migration(read_catalog(packaged_catalog()), sources, as_of)), target) == []


def test_every_entity_of_the_directory_has_rows(target: Contents) -> None:
    moved = {entity for _, entity, *_ in target.ledger["id_map"]}
    assert {e.id for e in CATALOG.entities.values() if e.source == "login"} <= moved


def told(target: Contents) -> Counter[str]:
    """Count what is told of the rows, by what it is."""
    found: Counter[str] = Counter()
    for _, entity, _, reasons, *_ in target.ledger["rejects"]:
        found.update(f"reject | {entity} | {reason}" for reason in json.loads(reasons))
    found.update(
        f"finding | {entity} | {column} {hazard}" for _, entity, _, column, hazard in target.ledger["findings"]
    )
    found.update(f"raw | {entity} | {column} {rule}" for _, entity, _, column, rule, _ in target.ledger["raws"])
    return found


def test_what_is_told_of_how_many_rows(target: Contents) -> None:
    """After a change that is meant: `GOLDEN_WRITE=1 pytest` on this file, and say why."""
    found = [f"{what} | {rows}" for what, rows in sorted(told(target).items())]
    if os.environ.get("GOLDEN_WRITE"):
        TOLD.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    assert TOLD.read_text(encoding="utf-8").splitlines() == found


def test_what_becomes_of_every_planted_row_stands_in_the_table_of_hazards(built: Estate, target: Contents) -> None:
    told_of = _told_of(target)
    table = {f"{case.hazard} | {case.where}": case for case in cases() if case.test is None}
    unlike, unsaid = [], []
    for where, planted in grouped(built.planted).items():
        rows = [(name, one, told_of(one.source, one.entity, key)) for name, one in planted for key in one.keys]
        comes_out = outcome(planted[0][1], [told for *_, told in rows])
        unlike += [] if table[where].what == comes_out else [f"{where} | {comes_out}"]
        # What is not as the estate asks has a remark that says why.
        unsaid += [] if table[where].remark or all(is_as_recorded(*row) for row in rows) else [where]
    assert (unlike, unsaid) == ([], [])


def _told_of(target: Contents) -> Callable[[str, str, str], Told]:
    """Find what is told of a row by its source, table and key."""
    tenants = {str(tenant_id(NUMBERS[letter])): f"district_{letter}" for letter in DISTRICTS}
    found: dict[str, dict[tuple[str, str, str], set[tuple[str, ...]]]] = {k: defaultdict(set) for k in target.ledger}
    for kind, rows in target.ledger.items():
        for tenant, entity, key, *rest in rows:
            source = "login" if CATALOG[entity].source == "login" else tenants[tenant]
            found[kind][source, CATALOG[entity].table, key].add(tuple(rest))

    def told_of(*row: str) -> Told:
        return Told(
            is_mapped=bool(found["id_map"][row]),
            reasons={reason for reasons, *_ in found["rejects"][row] for reason in json.loads(reasons)},
            findings={(column, hazard) for column, hazard in found["findings"][row]},
            raws={(column, rule) for column, rule, _ in found["raws"][row]},
        )

    return told_of


def test_how_the_third_district_differs_is_named(ran: tuple[Site, dict[str, Any]], moved: Site) -> None:
    named = {u["name"] for u in ran[1]["unnamed"] if u["source"] == "district_e"}
    assert {"PrintSetting", "Student_backup_2012", "Section.Room", "Student.BusRoute"} <= named
    [record] = (moved.directory / "staging").glob("*/run.json")
    run = json.loads(record.read_bytes())
    lacking = {
        held.partition("/")[2]: columns for held, columns in run["lacking"].items() if held.startswith("district_e/")
    }
    assert lacking.pop("student.Student")
    assert {entity: columns for entity, columns in lacking.items() if columns} == {
        "assessment.FPComparison": ["Lexiles", "DRAID"],
        "intervention.InterventionTier": ["TierColor"],
        "intervention.InterventionType": ["WorkshopID"],
        "reporting.StaffAssessmentFieldVisibility": ["DisplayInEditResultList"],
        "staff.TeamMeetingAttendance": ["IncludeAllStudents"],
    }
    assert run["absent"] == ["district_e/intervention.InterventionWorkshop"]


def test_what_does_not_migrate_is_counted(ran: tuple[Site, dict[str, Any]], moved: Site) -> None:
    """Lines that imports left behind, and old reset requests: of each source, and in the state of the run (H72)."""
    waived = {(w["source"], w["entity"]): w["rows"] for w in ran[1]["waived"]}
    assert waived == {("login", "identity.PasswordResetRequest"): 5} | {
        (f"district_{letter}", f"section.{what}Rollover"): rows
        for letter in DISTRICTS
        for what, rows in (("Full", 7), ("Student", 7), ("Teacher", 3))
    }
    states = json.loads(moved.migrate("status", "--run-id", ran[1]["run_id"], "--json").stdout)
    counted = {s["entity"]: s["legacy_rows"] for s in states if s["read"] == "waived"}
    assert counted["section.FullRollover"] == 7 * len(DISTRICTS)
    for what in ("Full", "Student", "Teacher"):
        assert not list((moved.directory / "staging").rglob(f"*.{what}Rollover*"))


def test_a_service_of_shared_rows_alone_waits_for_no_tenant(moved: Site) -> None:
    """The operations service holds nothing of a district's."""
    listed = json.loads(moved.migrate("status", "--by-tenant", "--json").stdout)
    assert {state["service"] for state in listed} == {e.service for e in CATALOG.entities.values()} - {"operations"}
    assert {state["stand"] for state in listed} == {"done"}


def test_no_secret_of_the_directory_is_staged_or_loaded(moved: Site, target: Contents) -> None:
    """Connection strings and what opens an account or a server are made up there as `not-a-real-...` (H67)."""
    assert "not-a-real" not in str([target.rows, target.ledger])
    staged = sorted((moved.directory / "staging").rglob("*.parquet"))
    assert staged
    assert [path for path in staged if "not-a-real" in str(pl.read_parquet(path).rows())] == []
