"""Planted damage in databases, staged files and sources: a verification finds each, and names where it is."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline import runner, runs, verification
from pipeline.core.plan import RunRecord
from pipeline.core.verdict import Verdict
from pipeline.core.waves import parts
from pipeline.errors import MigrationError
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from schemas.catalog import Catalog
from tests.faults.damages import DAMAGES, staged, structure, written
from tests.faults.damages.form import MARKER, TENANTS, Damage, Difference, Seen
from tests.support.site import Site

TOGETHER = [d for d in DAMAGES if d.apart is None]


@dataclass(frozen=True)
class Outcome:
    """What one verification said of a site with all the damage in it."""

    expected: Mapping[str, list[Difference]]
    verdict: Mapping[str, Any]
    found: frozenset[Difference]
    said: str


def _difference(named: Mapping[str, str | None]) -> Difference:
    tenant = TENANTS["shared"] if named["tenant"] is None else named["tenant"]
    service, kind, entity = (str(named[k]) for k in ("service", "kind", "entity"))
    return Difference(service, kind, entity, tenant, named["legacy_key"], named["column"])


@pytest.fixture(scope="module")
def expected(damaged: Site) -> Mapping[str, list[Difference]]:
    taken: set[str] = set()
    return {d.name: d.inflict(damaged, taken) for d in TOGETHER}


def _by_tenant(record: RunRecord, catalog: Catalog) -> Iterator[tuple[int, RunRecord]]:
    waves = tuple((source,) for wave in record.waves for source in wave)
    return parts(record.model_copy(update={"waves": waves}), catalog)


@pytest.fixture(scope="module", params=["at once", pytest.param("by tenant and entity", marks=pytest.mark.slow)])
def outcome(damaged: Site, expected: Mapping[str, list[Difference]], request: pytest.FixtureRequest) -> Outcome:
    with pytest.MonkeyPatch.context() as patched:
        if request.param != "at once":
            patched.setattr(verification, "parts", _by_tenant)
            patched.setattr(verification, "_PORTION_ROWS", 1)
        done = damaged.migrate("verify", "--json", check=1)
    verdict = json.loads(done.stdout)
    found = frozenset(map(_difference, verdict["differences"]))
    logs = "".join(p.read_text() for p in damaged.directory.glob("staging/*/audit.jsonl"))
    return Outcome(expected, verdict, found, done.stdout + done.stderr + logs)


def test_damage_is_no_parity(outcome: Outcome) -> None:
    assert outcome.verdict["parity"] is False
    assert outcome.verdict["total_differences"] == len(outcome.verdict["differences"]) >= len(TOGETHER)


@pytest.mark.parametrize("damage", TOGETHER, ids=lambda d: d.name)
def test_damage_is_named(outcome: Outcome, damage: Damage) -> None:
    wanted = outcome.expected[damage.name]
    assert {d.kind for d in wanted} == set(damage.kinds), "the documents list what is named"
    for difference in wanted:
        near = [astuple(d) for d in outcome.found if (d.service, d.key) == (difference.service, difference.key)]
        assert any(difference.fits(d) for d in outcome.found), (astuple(difference), near)


def test_nothing_else_is_accused(outcome: Outcome) -> None:
    wanted = [d for expected in outcome.expected.values() for d in expected]
    damaged = {(d.service, d.key) for d in wanted if d.key}
    others = [
        astuple(d)
        for d in sorted(outcome.found, key=astuple)
        if (d.service, d.key) not in damaged
        and not any(w.fits(d) for w in wanted)
        and not d.kind.startswith("structure: ")  # where a key had to be dropped first
        and d.entity != staged.ALTERED
    ]
    assert others == []


@pytest.mark.parametrize("damage", structure.OPENED, ids=lambda d: d.name)
def test_every_tenant_that_sees_too_much_or_too_little_is_named(outcome: Outcome, damage: Damage) -> None:
    wanted, *_ = outcome.expected[damage.name]
    assert {d.tenant for d in outcome.found if wanted.fits(d)} >= {TENANTS["a"], TENANTS["b"]}


def test_no_value_of_a_row_is_ever_shown(outcome: Outcome) -> None:
    assert MARKER not in outcome.said


def test_what_changed_since_the_run_did_not_change_while_it_was_read(outcome: Outcome) -> None:
    assert "while it was read" not in outcome.said


def _verify(site: Site, catalog: Catalog) -> Verdict:
    settings = load_settings(site.config)
    record = runs.find_run(settings, runs.Selection())
    assert record is not None
    return runner.run_verify(runs.open_run(settings, catalog, record), Progress(quiet=True))


def _must_be_named(damage: Damage, site: Site, catalog: Catalog) -> None:
    wanted = damage.inflict(site, set())
    try:
        verdict = _verify(site, catalog)
    except MigrationError as error:
        assert f"refused: {error.what}" in damage.kinds, str(error)
        assert MARKER not in str(error)
        return
    found = [_difference({k: getattr(d, k) for k in d.__slots__}) for d in verdict.differences]
    assert {d.kind for d in wanted} == set(damage.kinds), "the documents list what is named"
    missing = [astuple(w) for w in wanted if not any(w.fits(d) for d in found)]
    assert missing == [], [astuple(d) for d in found[:20]]
    assert not verdict.parity
    assert MARKER not in str(verdict)


@pytest.fixture
def files(intact: Site, tmp_path: Path) -> Iterator[Site]:
    """A migration whose files may be damaged; they are put back."""
    for name in ("staging", "legacy"):
        shutil.copytree(intact.directory / name, tmp_path / name)
    yield intact
    for name in ("staging", "legacy"):
        shutil.rmtree(intact.directory / name)
        shutil.move(tmp_path / name, intact.directory / name)


@pytest.mark.parametrize("damage", [d for d in DAMAGES if d.apart == "files"], ids=lambda d: d.name)
def test_damage_to_files_is_named(files: Site, catalog: Catalog, damage: Damage) -> None:
    _must_be_named(damage, files, catalog)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [d for d in DAMAGES if d.apart == "database"], ids=lambda d: d.name)
def test_damage_that_hides_others_is_named(migrated: Site, catalog: Catalog, damage: Damage) -> None:
    _must_be_named(damage, migrated, catalog)


@pytest.mark.slow
def test_a_source_that_is_written_anew_with_the_same_rows_is_at_parity(files: Site, catalog: Catalog) -> None:
    path = files.directory / "legacy" / "district_a.sqlite"
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript('CREATE INDEX harmless ON "Student" ("LastName"); VACUUM')
    assert path.read_bytes() != before
    assert _verify(files, catalog).parity


# -- the documents ----------------------------------------------------------------------------------


def test_every_damage_has_a_name_of_its_own() -> None:
    assert len({d.name for d in DAMAGES}) == len(DAMAGES)


def test_everything_that_is_promised_was_tried() -> None:
    assert {d.seen for d in DAMAGES} == set(Seen)


def test_the_documents_list_the_damages_as_they_are() -> None:
    """Write them anew with `python -m tests.faults.damages.written`."""
    assert (written.DOCS / "damages.md").read_text(encoding="utf-8") == written.damages()
    assert written.summary() in (written.DOCS / "verification.md").read_text(encoding="utf-8")
