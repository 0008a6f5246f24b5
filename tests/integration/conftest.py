"""Fixtures: a legacy database of each engine that changes, and a run of it that is about to begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.changing import STUDENT, TABLES, Bench, InFile, InMariaDb, InPostgres, Legacy
from tests.support.servers import MariaDb, Postgres
from tests.support.small import small


@pytest.fixture(params=["sqlite", *(pytest.param(e, marks=pytest.mark.slow) for e in ("mariadb", "postgresql"))])
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Legacy:
    made: Legacy
    match request.param:
        case "sqlite":
            made = InFile(tmp_path / "legacy.sqlite")
        case "mariadb":
            mariadb: MariaDb = request.getfixturevalue("mariadb")
            made = InMariaDb(mariadb, mariadb.create())
        case _:
            postgres: Postgres = request.getfixturevalue("legacy_postgres")
            made = InPostgres(postgres, postgres.create())
            made.write("CREATE SCHEMA dbo")
    made.change(*TABLES)
    return made


@pytest.fixture
def bench(postgres: Server, tmp_path: Path) -> Iterator[Bench]:
    with small(postgres, tmp_path, {"student": STUDENT}, {"a": ""}) as made:
        yield Bench(made)
