"""What the small estate's migration holds is what the catalog's third reading says, entity by entity."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.catalog import Catalog
from tests.oracle.contents import Contents, expected, loaded
from tests.oracle.entries import read_catalog
from tests.oracle.migration import Migration
from tests.oracle.sources import read_fleet, read_sources
from tests.support.site import AS_OF, USED, Site


@pytest.fixture(scope="module")
def both(finished: Site) -> tuple[Contents, Contents]:
    as_of = datetime.fromisoformat(AS_OF).replace(tzinfo=UTC)
    services = finished.directory / "catalog"
    sources = read_sources(finished.config, read_fleet(services))
    migration = Migration(read_catalog(services), sources, as_of)
    return expected(migration), loaded(finished.rows, USED)


def test_the_oracle_reads_every_entity(finished: Site, catalog: Catalog) -> None:
    assert sorted(read_catalog(finished.directory / "catalog")) == sorted(catalog.entities)


def test_the_rows_of_every_table_are_equal(both: tuple[Contents, Contents]) -> None:
    oracle, target = both
    assert [*oracle.rows] == [*target.rows]
    assert {place: rows for place, rows in target.rows.items() if rows != oracle.rows[place]} == {}


@pytest.mark.parametrize("part", ["id_map", "rejects", "findings", "raws"])
def test_the_ledger_is_equal(both: tuple[Contents, Contents], part: str) -> None:
    oracle, target = both
    assert target.ledger[part]
    assert oracle.ledger[part] == target.ledger[part]
