"""Whose the rows of the directory are, and which of them a purge of a tenant leaves for others' sake."""

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
    ("pick", "tenant", "links", "users"),
    [
        ("", NORTH, [False, True, False, False], [True, False]),
        ("", SOUTH, [True, False, True, True], [True, True]),
        # Ann's account follows her first link, and that there is a second is found of it.
        (', pick = "first"', NORTH, [True, True, False, False], [False, False]),
        (', pick = "first"', SOUTH, [True, True, True, True], [True, True]),
    ],
)
def test_a_purge_leaves_the_rows_that_others_are_told_by(
    tmp_path: Path, pick: str, tenant: str, links: list[bool], users: list[bool]
) -> None:
    known, catalog = owners(tmp_path, LINK.replace('match = "email" }', f'match = "email"{pick} }}'))
    for name, stays in (("identity.Link", links), ("identity.User", users)):
        assert known.are_of_others(catalog[name], ROWS[name], [tenant]).to_list() == stays, name
