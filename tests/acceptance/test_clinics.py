"""The example of another fleet: three clinics named by GUIDs, two services, a directory; all of it to parity."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import NAMESPACE_DNS, uuid5

import pytest

from pipeline.demo.server import Server
from tests.oracle.contents import differing, expected, loaded
from tests.oracle.entries import read_catalog
from tests.oracle.migration import Migration
from tests.oracle.sources import read_fleet, read_sources
from tests.support.site import ROOT, Site, prepared

EXAMPLE = ROOT / "examples" / "clinics"
SERVICES = ("patients", "billing")
HARBOUR = "9b2f1c54-3a0e-4b7d-8f65-0d6a1e7c2b31"
NAMESPACE = uuid5(NAMESPACE_DNS, "Example clinics")


@pytest.fixture(scope="module")
def clinics(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The example in a directory of its own, its legacy built and its databases made."""
    directory = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("clinics") / "clinics")
    runpy.run_path(str(directory / "build.py"))["build"](directory / "legacy")
    config, pattern = directory / "migrate.toml", postgres.dsn("clinics_{service}")
    written = config.read_text(encoding="utf-8")
    config.write_text(written.replace("postgresql://${PGUSER}:${PGPASSWORD}@localhost:${PGPORT}/{service}", pattern))
    config.chmod(0o600)
    with prepared(postgres, config) as site:
        yield site


@pytest.fixture(scope="module")
def moved(clinics: Site) -> Site:
    """Moved, which exits with 0 only at parity."""
    clinics.migrate("plan")
    assert "PARITY" in clinics.migrate("run", "--as-of", "2026-01-01").stdout
    return clinics


def test_it_is_at_parity_and_stays_so(moved: Site) -> None:
    assert "PARITY" in moved.migrate("verify").stdout


def test_it_is_what_the_catalogs_third_reading_says(moved: Site) -> None:
    catalog = moved.directory / "catalog"
    sources = read_sources(moved.config, read_fleet(catalog))
    oracle = expected(Migration(read_catalog(catalog), sources, datetime(2026, 1, 1, tzinfo=UTC)))
    target = loaded(moved.rows, SERVICES)
    assert sum(map(len, target.rows.values())) > 1_000
    assert differing(oracle, target) == []


def test_a_tenant_is_named_by_its_guid_in_any_case(moved: Site) -> None:
    harbour = uuid5(NAMESPACE, f'tenant/"{HARBOUR}"')
    rows = moved.rows("patients", "SELECT id::text, tenant_id::text, name FROM patients.clinics ORDER BY name")
    assert rows[0] == {
        "id": str(uuid5(NAMESPACE, f'{harbour}/directory.dbo.Clinic/["{HARBOUR}"]')),
        "tenant_id": str(harbour),
        "name": "Harbour Clinic",
    }
    assert [r["name"] for r in rows] == ["Harbour Clinic", "Meadow Family Practice", "Summit Health"]


def test_an_account_becomes_a_row_in_each_of_its_clinics(moved: Site) -> None:
    rows = moved.rows(
        "patients",
        "SELECT a.full_name, c.name FROM patients.accounts a JOIN patients.clinics c USING (tenant_id) ORDER BY 1, 2",
    )
    assert [(r["full_name"], r["name"]) for r in rows] == [
        ("Chidi Okoro", "Harbour Clinic"),
        ("Chidi Okoro", "Meadow Family Practice"),
        ("Chidi Okoro", "Summit Health"),
        ("Maja Lind", "Harbour Clinic"),
        ("Maja Lind", "Meadow Family Practice"),
    ]


def test_a_visit_without_its_patient_is_set_aside(moved: Site) -> None:
    rows = moved.rows("patients", "SELECT entity, count(*)::int AS n FROM migration.quarantine GROUP BY 1 ORDER BY 1")
    assert {str(r["entity"]): r["n"] for r in rows} == {"patients.Account": 1, "patients.Visit": 3}


def test_a_lookup_that_was_changed_stays_the_clinics_own(moved: Site) -> None:
    rows = moved.rows(
        "patients",
        "SELECT c.name, v.title FROM patients.visit_types v LEFT JOIN patients.clinics c USING (tenant_id) ORDER BY 1, 2",
    )
    assert [(r["name"], r["title"]) for r in rows] == [
        ("Harbour Clinic", "Telephone"),
        ("Meadow Family Practice", "Jab"),
        ("Meadow Family Practice", "Telephone"),
        ("Summit Health", "Telephone"),
        (None, "Check-up"),
        (None, "Laboratory"),
        (None, "Vaccination"),
    ]


def test_a_clinic_that_the_directory_does_not_list_is_refused(moved: Site) -> None:
    listed = moved.directory / "sources.csv"
    stranger = listed.read_text(encoding="utf-8").replace(HARBOUR, "00000000-0000-4000-8000-000000000000")
    listed.with_name("other.csv").write_text(stranger, encoding="utf-8")
    other = moved.directory / "other.toml"
    other.write_text(moved.config.read_text(encoding="utf-8").replace("sources.csv", "other.csv"), encoding="utf-8")
    refused = Site(moved.directory, other, moved.pattern).migrate("plan", check=2).stderr
    assert "the tenant is not in the directory database's Clinic table" in refused
    assert "source harbour" in refused
    assert HARBOUR in refused
