"""The whole packaged catalog over an estate with all of its tables: full parity, and the third reading agrees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl
import pytest

from pipeline.demo.estate import Estate, build_estate, config_text
from pipeline.demo.server import Server
from schemas.catalog import load_catalog
from schemas.installation import packaged_catalog
from tests.oracle.contents import Contents, differing, expected, loaded
from tests.oracle.entries import read_catalog
from tests.oracle.migration import Migration
from tests.oracle.sources import read_fleet, read_sources
from tests.support.site import AS_OF, SMALL, Site, prepared

CATALOG = load_catalog()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return build_estate(tmp_path_factory.mktemp("whole") / "legacy", students=SMALL, years=3, whole=True)


@pytest.fixture(scope="module")
def moved(postgres: Server, whole: Estate) -> Iterator[Site]:
    """Moved, which exits with 0 only at parity."""
    directory = whole.directory.parent
    config = directory / "migrate.toml"
    pattern = postgres.dsn(f"{directory.name}_{{service}}")
    config.write_text(config_text(directory / "legacy", pattern, "staging", relative_to=directory), encoding="utf-8")
    with prepared(postgres, config) as site:
        assert "PARITY" in site.migrate("run", "--as-of", AS_OF).stdout
        yield site


@pytest.fixture(scope="module")
def target(moved: Site) -> Contents:
    return loaded(moved.rows, sorted({e.service for e in CATALOG.entities.values()}))


def test_the_oracle_agrees_with_every_row(moved: Site, target: Contents) -> None:
    sources = read_sources(moved.config, read_fleet(packaged_catalog()))
    as_of = datetime.fromisoformat(AS_OF).replace(tzinfo=UTC)
    assert differing(expected(Migration(read_catalog(packaged_catalog()), sources, as_of)), target) == []


def test_every_entity_has_rows(target: Contents) -> None:
    moved = {entity for _, entity, *_ in target.ledger["id_map"]}
    assert {e.id for e in CATALOG.entities.values() if e.derived_from is None} == moved


def test_what_is_spoiled_in_the_directory_becomes_what_it_must(whole: Estate, target: Contents) -> None:
    """A job of nobody or of a stranger is set aside, a dead id is kept as raw text, all else is loaded."""
    rejected, mapped, told, kept = (
        {row[1:at] for row in target.ledger[part]}
        for part, at in (("rejects", 3), ("id_map", 3), ("findings", 5), ("raws", 4))
    )
    for name, planted in whole.planted.items():
        if not name.startswith(("login.job-", "login.video-", "login.lesson-")):
            continue
        (entity,) = [e for e in CATALOG.entities if e.endswith(f".{planted.entity}")]
        for key in planted.keys:
            outcome = {
                "reject": (entity, key) in rejected and (entity, key) not in mapped,
                "null": any(row[:2] == (entity, key) for row in kept)
                and any(row[:2] == (entity, key) and row[3] == planted.hazard for row in told),
                "flag": (entity, key) in mapped,
            }
            assert outcome[planted.outcome], (name, planted)


def test_no_secret_of_the_directory_is_staged_or_loaded(moved: Site, target: Contents) -> None:
    """Connection strings and what opens an account or a server are made up there as `not-a-real-...` (H67)."""
    assert "not-a-real" not in str([target.rows, target.ledger])
    staged = sorted((moved.directory / "staging").rglob("*.parquet"))
    assert staged
    assert [path for path in staged if "not-a-real" in str(pl.read_parquet(path).rows())] == []
