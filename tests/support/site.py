"""A legacy estate with a configuration and service databases of its own: what a test runs the command line on.

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
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.connection import Dsn
from pipeline.core.sql import ddl, ledger
from pipeline.demo import server
from pipeline.demo.estate import Estate, config_text
from pipeline.settings import load_settings
from pipeline.stores.target import TargetDatabase
from schemas.catalog import load_catalog
from tests.support.commands import Done, migrate
from tests.support.databases import EMPTY, databases
from tests.support.sample import load_sample, write_sample

ROOT = Path(__file__).resolve().parents[2]
#: Services that any entry writes to; a database each is what costs a test its time.
USED = sorted({e.service for e in load_sample().entities.values()})
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

    def migrate(self, *arguments: str, check: int | None = 0) -> Done:
        """Run the command line as a user would, in this process; `check` is the exit code expected."""
        with chdir(self.directory):
            return migrate(self.config, *arguments, check=check)

    def migrate_apart(
        self, *arguments: str, check: int | None = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own, where the process is what a test is about."""
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            timeout=300,
            env={**os.environ, **(env or {})},
        )
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
            found: list[dict[str, object]] = database.query(sql).to_pylist()
        return found


@contextmanager
def prepared(postgres: server.Server, config: Path) -> Iterator[Site]:
    """Make the databases of a fleet of one's own, named after its directory, with the tables that its catalog says."""
    settings = load_settings(config)
    catalog = load_catalog(settings.run.catalog if settings.run.catalog.is_dir() else None)
    prefix = f"{config.parent.name}_"
    site, services = Site(config.parent, config, postgres.dsn(prefix + "{service}")), settings.installation.services
    with databases(postgres, {f"{prefix}{service}": EMPTY for service in services}):
        for service in services:
            site.execute(service, *ddl.roles(), *ddl.service_tables(catalog, service), *ledger.statements())
        yield site


@contextmanager
def emptied(postgres: server.Server, estate: Estate, template: str, directory: Path) -> Iterator[Site]:
    """Copy the estate into a directory, with empty service databases of its own."""
    legacy, config = directory / "legacy", directory / "migrate.toml"
    with _databases(postgres, template) as pattern:
        shutil.copytree(estate.directory, legacy, dirs_exist_ok=True)
        config.write_text(config_text(legacy, pattern, "staging", relative_to=directory), encoding="utf-8")
        write_sample(directory / "catalog")
        yield Site(directory, config, pattern)


@contextmanager
def cloned(postgres: server.Server, finished: Site, directory: Path) -> Iterator[Site]:
    """Copy the finished migration, target and staged files, into a directory and databases of their own."""
    template = _prefix(finished.pattern)
    with _databases(postgres, template) as pattern:
        shutil.copytree(finished.directory, directory, dirs_exist_ok=True)
        # The copied run record names the target it was made for; it is now this one.
        config = directory / "migrate.toml"
        config.write_text(config.read_text().replace(finished.pattern, pattern), encoding="utf-8")
        moved = {f"/{template}": f"/{_prefix(pattern)}", str(finished.directory): str(directory)}
        for record in (directory / "staging").glob("*/run.json"):
            text = record.read_text()
            for old, new in moved.items():
                text = text.replace(old, new)
            record.write_text(text)
        site = Site(directory, config, pattern)
        # And so does its copy in the target.
        record_text = "record::text"
        for old, new in moved.items():
            record_text = f"replace({record_text}, '{old}', '{new}')"
        for service in USED:
            site.execute(service, f"UPDATE migration.run SET record = {record_text}::json")
        yield site


@contextmanager
def _databases(postgres: server.Server, template: str) -> Iterator[str]:
    """Copy the databases of all services; give the pattern of the copies' connection strings."""
    prefix = f"t{next(_numbers)}_"
    with databases(postgres, {f"{prefix}{service}": f"{template}{service}" for service in USED}):
        yield postgres.dsn(prefix + "{service}")


def _prefix(pattern: str) -> str:
    """Give what the names of a site's databases begin with."""
    return pattern.rpartition("/")[2].removesuffix("{service}")
