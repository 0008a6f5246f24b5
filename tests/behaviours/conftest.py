"""Fixtures: a promise kept in memory by both renderings, and, among the slow tests, by a whole run into PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from pipeline.core.clock import transitions_frame
from pipeline.stores.parity import ParityDatabase
from tests.support.moves import HOST_ZONE, TENANT_ZONE, moved
from tests.support.promise import broken, moved_to_postgresql, read_catalog, read_rows


class Becomes(Protocol):
    """Sees rows become what is promised."""

    def __call__(self, entries: str | Mapping[str, str], rows: Mapping[str, str], **promised: str) -> None:
        """Move rows by entries; hold what becomes of them against tables of text, and the ledger's lines."""


@pytest.fixture(scope="package")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParityDatabase]:
    zones = transitions_frame(["UTC", HOST_ZONE, TENANT_ZONE])
    with ParityDatabase(tmp_path_factory.mktemp("parity"), zones) as database:
        database.execute("SET threads = 1")  # a few rows each: threads would only wait for one another
        yield database


@pytest.fixture(params=["in memory", pytest.param("in PostgreSQL", marks=pytest.mark.slow)])
def becomes(request: pytest.FixtureRequest, tmp_path: Path) -> Becomes:
    def check(entries: str | Mapping[str, str], rows: Mapping[str, str], **promised: str) -> None:
        entries = {"student": entries} if isinstance(entries, str) else entries
        catalog = read_catalog(tmp_path, entries)
        raw = read_rows(catalog, rows)
        if request.param == "in memory":
            found = moved(catalog, raw, request.getfixturevalue("duck"), tmp_path)
        elif any(source == "login" for source, _ in raw):
            pytest.skip("a whole run of the login database is tested with the estate")
        else:
            place = tmp_path / "run"
            place.mkdir()
            found = moved_to_postgresql(request.getfixturevalue("postgres"), place, entries, catalog, raw)
        lines = broken(catalog, found, promised)
        assert not lines, "\n".join(lines)

    return check
