"""The whole packaged catalog over an estate with all of its tables: full parity, and the third reading agrees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipeline.demo.estate import build_estate, config_text
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
def moved(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Moved, which exits with 0 only at parity."""
    directory = tmp_path_factory.mktemp("whole")
    build_estate(directory / "legacy", students=SMALL, years=3, whole=True)
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


def test_every_entity_of_the_directory_has_rows(target: Contents) -> None:
    moved = {entity for _, entity, *_ in target.ledger["id_map"]}
    assert {e.id for e in CATALOG.entities.values() if e.source == "login"} <= moved
