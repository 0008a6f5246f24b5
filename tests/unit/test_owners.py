"""Whose the rows of the directory are, and which of others hang on those of a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from pipeline.owners import Owners
from schemas.catalog import Catalog, load_catalog
from schemas.model import Entity
from tests.behaviours.test_tenants import DISTRICT, LINK
from tests.support.fleet import tenant_id

NORTH, SOUTH = str(tenant_id(1)), str(tenant_id(2))
ROWS: Mapping[str, pl.DataFrame] = {
    "configuration.District": pl.DataFrame({"Id": ["1", "2"], "Name": ["North", "South"]}),
    "identity.Link": pl.DataFrame(
        {
            "Id": ["1", "2", "3", "4"],
            "Email": ["ann@x.org", " ANN@x.org", "bo@x.org", None],
            "DistrictId": ["1", "2", "1", "1"],
        }
    ),
    "identity.User": pl.DataFrame({"Id": ["1", "2"], "Email": ["ann@x.org", "bo@x.org"], "Name": ["Ann", "Bo"]}),
}


def owners(directory: Path, link: str) -> tuple[Owners, Catalog]:
    for service, entries in {"configuration": DISTRICT, "identity": link}.items():
        (directory / f"{service}.toml").write_text(entries, encoding="utf-8")
    catalog = load_catalog(directory)

    def rows(entity: Entity) -> pl.DataFrame:
        return ROWS[entity.id]

    return Owners(catalog, rows), catalog


@pytest.mark.parametrize(
    ("pick", "tenant", "links", "users", "contested"),
    [
        ("", NORTH, [False, True, False, False], [True, False], 0),
        ("", SOUTH, [True, False, True, True], [True, True], 0),
        (', pick = "first"', NORTH, [False, True, False, False], [False, False], 0),
        # Ann's account follows her first link, and that there is a second is found of it.
        (', pick = "first"', SOUTH, [True, False, True, True], [True, True], 1),
    ],
)
def test_a_purge_is_told_which_rows_stay_and_which_hang_on_those_that_go(
    tmp_path: Path, pick: str, tenant: str, links: list[bool], users: list[bool], contested: int
) -> None:
    known, catalog = owners(tmp_path, LINK.replace('match = "email" }', f'match = "email"{pick} }}'))
    for name, stays in (("identity.Link", links), ("identity.User", users)):
        assert known.are_of_others(catalog[name], ROWS[name], [tenant]).to_list() == stays, name
    assert known.contested(catalog["identity.User"], ROWS["identity.User"], [tenant]) == contested
