"""Fixtures: one embedded PostgreSQL and one small legacy estate a session; a fresh copy of both for each test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.connection import Dsn
from pipeline.core.sql import ddl, ledger
from pipeline.demo import server
from pipeline.demo.estate import Estate, build_estate
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog
from tests.standin import Standin
from tests.support.databases import create_database, hurry
from tests.support.sample import load_sample
from tests.support.servers import MariaDb, Postgres, running_mariadb
from tests.support.site import AS_OF, SMALL, USED, Site, cloned, emptied

# Configurations hold the servers' passwords: nobody else may read them, or they are refused.
os.umask(0o077)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_sample()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    directory = tmp_path_factory.mktemp("postgres")
    running = server.start(directory)
    hurry(running)
    yield running
    server.remove(directory)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A MariaDB, as a legacy server; skipped where it is not installed."""
    with running_mariadb(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture(scope="session")
def sqlserver() -> Iterator[Standin]:
    """A stand-in for SQL Server that speaks TDS with TLS and logins; its databases are added as they are needed."""
    with Standin({}, logins={"reader": "legacy-pw"}) as running:
        yield running


@pytest.fixture(scope="session")
def legacy_postgres(postgres: server.Server) -> Postgres:
    """The embedded PostgreSQL, as a legacy server."""
    return Postgres(postgres)


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """A small estate, every kind of dirt in it. Not to be changed: copy it."""
    return build_estate(tmp_path_factory.mktemp("estate"), students=SMALL, years=3)


@pytest.fixture(scope="session")
def empty_template(postgres: server.Server, catalog: Catalog) -> str:
    """Databases with tables and no rows, named `empty_<service>`."""
    for service in USED:
        create_database(postgres, f"empty_{service}")
        with TargetDatabase(service, Dsn(postgres.dsn(f"empty_{service}")), role=None) as database:
            for statement in (*ddl.roles(), *ddl.service_tables(catalog, service), *ledger.statements()):
                database.execute(statement)
            database.commit()
    return "empty_"


@pytest.fixture
def fresh(postgres: server.Server, estate: Estate, empty_template: str, tmp_path: Path) -> Iterator[Site]:
    """An estate of the test's own and empty service databases."""
    with emptied(postgres, estate, empty_template, tmp_path) as site:
        yield site


@pytest.fixture(scope="session")
def ran(
    postgres: server.Server, estate: Estate, empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, str]]:
    """The small estate, migrated and verified once, and what the command printed as JSON."""
    with emptied(postgres, estate, empty_template, tmp_path_factory.mktemp("finished")) as site:
        yield site, site.migrate("run", "--as-of", AS_OF, "--json").stdout


@pytest.fixture(scope="session")
def finished(ran: tuple[Site, str]) -> Site:
    """The small estate, migrated and verified once. Not to be changed."""
    return ran[0]


@pytest.fixture(scope="session")
def verdict(ran: tuple[Site, str]) -> dict[str, Any]:
    """What was verified of the finished migration, as `run --json` prints it, and `verify --json` would again."""
    printed: dict[str, Any] = json.loads(ran[1])
    return printed


@pytest.fixture
def migrated(postgres: server.Server, finished: Site, tmp_path: Path) -> Iterator[Site]:
    """A copy of the finished migration, target and staged files, for a test to damage."""
    with cloned(postgres, finished, tmp_path) as site:
        yield site
