"""Fixtures: one embedded PostgreSQL and one small legacy estate a session; a fresh copy of both for each test.

A test that changes the target gets databases cloned from a template that holds a finished migration, so that it
costs a moment and not a run.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.core.sql import ddl, ledger
from pipeline.demo import server
from pipeline.demo.estate import Estate, build_estate, config_text
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog, load_catalog
from tests.servers import MariaDb, Postgres, running_mariadb
from tests.standin import Standin

# Configurations hold the servers' passwords: nobody else may read them, or they are refused.
os.umask(0o077)
ROOT = Path(__file__).resolve().parent.parent
#: Services that any entry writes to; a database each is what costs a test its time.
USED = sorted({e.service for e in load_catalog().entities.values()})
SMALL = {"a": 60, "b": 40}
AS_OF = "2026-01-01"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Site:
    """A legacy estate, a configuration and eleven service databases of a test's own."""

    directory: Path
    config: Path
    pattern: str

    def dsn(self, service: str) -> str:
        return self.pattern.replace("{service}", service)

    def migrate(
        self, *arguments: str, check: int | None = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user would; `check` is the exit code expected."""
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments, "--config", str(self.config)],
            capture_output=True, text=True, check=False, cwd=self.directory, timeout=300,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def connect(self, service: str) -> TargetDatabase:
        """Connect as the owner, past row-level security."""
        return TargetDatabase(service, Dsn(self.dsn(service)), role=None)

    def execute(self, service: str, *statements: str) -> None:
        with self.connect(service) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    def rows(self, service: str, sql: str) -> list[dict[str, object]]:
        with self.connect(service) as database:
            return database.query(sql).to_pylist()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    directory = tmp_path_factory.mktemp("postgres")
    running = server.start(directory)
    with TargetDatabase("postgres", Dsn(running.dsn("postgres")), role=None, autocommit=True) as cluster:
        # A test's databases are copied and dropped by the hundred, and none outlives the session's server.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            cluster.execute(f"ALTER SYSTEM SET {setting} = off")
        cluster.query("SELECT pg_reload_conf()")
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


def _create(postgres: server.Server, name: str, template: str | None = None) -> None:
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute(
            f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}" STRATEGY file_copy' if template else "")
        )


@pytest.fixture(scope="session")
def empty_template(postgres: server.Server, catalog: Catalog) -> str:
    """Databases with tables and no rows, named `empty_<service>`."""
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        for statement in ddl.roles():
            cluster.execute(statement)
    for service in USED:
        _create(postgres, f"empty_{service}")
        with TargetDatabase(service, Dsn(postgres.dsn(f"empty_{service}")), role=None) as database:
            for statement in (*ddl.service_tables(catalog, service), *ledger.statements()):
                database.execute(statement)
            database.commit()
    return "empty_"


def _site(postgres: server.Server, source: Path, directory: Path, template: str) -> Site:
    prefix = f"t{next(_numbers)}_"
    for service in USED:
        _create(postgres, f"{prefix}{service}", f"{template}{service}")
    legacy = directory / "legacy"
    shutil.copytree(source, legacy, dirs_exist_ok=True)
    config = directory / "migrate.toml"
    pattern = postgres.dsn(prefix + "{service}")
    config.write_text(config_text(legacy, pattern, "staging", relative_to=directory), encoding="utf-8")
    return Site(directory, config, pattern)


def _drop(postgres: server.Server, site: Site) -> None:
    prefix = site.pattern.rpartition("/")[2].removesuffix("{service}")
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        for service in USED:
            cluster.execute(f'DROP DATABASE IF EXISTS "{prefix}{service}" WITH (FORCE)')


@contextmanager
def emptied(postgres: server.Server, estate: Estate, empty_template: str, directory: Path) -> Iterator[Site]:
    """Copy the estate into a directory, with empty service databases of its own."""
    site = _site(postgres, estate.directory, directory, empty_template)
    try:
        yield site
    finally:
        _drop(postgres, site)


@pytest.fixture
def fresh(postgres: server.Server, estate: Estate, empty_template: str, tmp_path: Path) -> Iterator[Site]:
    """An estate of the test's own and empty service databases."""
    with emptied(postgres, estate, empty_template, tmp_path) as site:
        yield site


@pytest.fixture(scope="session")
def finished(
    postgres: server.Server, estate: Estate, empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """The small estate, migrated and verified once. Not to be changed."""
    site = _site(postgres, estate.directory, tmp_path_factory.mktemp("finished"), empty_template)
    site.migrate("run", "--as-of", AS_OF)
    return site


@contextmanager
def cloned(postgres: server.Server, finished: Site, directory: Path) -> Iterator[Site]:
    """Copy the finished migration, target and staged files, into a directory and databases of their own."""
    prefix = f"t{next(_numbers)}_"
    template = finished.pattern.rpartition("/")[2].removesuffix("{service}")
    for service in USED:
        _create(postgres, f"{prefix}{service}", f"{template}{service}")
    shutil.copytree(finished.directory, directory, dirs_exist_ok=True)
    # The copied run record names the target it was made for; it is now this one.
    pattern = postgres.dsn(prefix + "{service}")
    config = directory / "migrate.toml"
    config.write_text(config.read_text().replace(finished.pattern, pattern), encoding="utf-8")
    for record in (directory / "staging").glob("*/run.json"):
        text = record.read_text().replace(f"/{template}", f"/{prefix}").replace(str(finished.directory), str(directory))
        record.write_text(text)
    site = Site(directory, config, pattern)
    # And so does its copy in the target.
    moved = "replace(replace(record::text, '/{}', '/{}'), '{}', '{}')::json"
    for service in USED:
        record = moved.format(template, prefix, finished.directory, directory)
        site.execute(service, f"UPDATE migration.run SET record = {record}")
    try:
        yield site
    finally:
        _drop(postgres, site)


@pytest.fixture
def migrated(postgres: server.Server, finished: Site, tmp_path: Path) -> Iterator[Site]:
    """A copy of the finished migration, target and staged files, for a test to damage."""
    with cloned(postgres, finished, tmp_path) as site:
        yield site
