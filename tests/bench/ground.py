"""What is measured on: legacy databases of a size, a PostgreSQL of their own, and the way back to before a run.

The results' parents are migrated beforehand; a run of the results alone is what is measured. Invariant: `reset` brings
back the very databases and staged runs that were there at the last `freeze`.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from pipeline.connection import Dsn
from pipeline.demo import server
from pipeline.demo.estate import build_estate, config_text
from pipeline.demo.rehearsal import create_databases
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog
from tests.bench.measuring import Ended, Spent, measured
from tests.support.sample import load_sample, write_sample

#: The entities whose run is measured; their tables are all in one database.
RESULTS = ("assessment.AssessmentFP", "assessment.FPAssignment")
TABLES = ("assessment.assessment_results", "assessment.assessment_assignments")
SERVICE = "assessment"
AS_OF = "2026-01-01"
#: The first tenant's id.
TENANT = uuid5(uuid5(NAMESPACE_DNS, "legacy-to-tenant.migration"), "tenant/1")
#: The tenant that comes when the tables are full of others' rows.
NTH = 3
_FROZEN = "assessment_frozen"
_ZONES = 'tenant_zone = "America/Chicago"\nhost_zone = "America/Chicago"\nconsistency = "snapshot"\n'


@dataclass
class Ground:
    """A server, a configuration, and the sources that it names."""

    directory: Path
    server: server.Server
    config: Path
    _kept: set[Path] = field(default_factory=set)

    @property
    def source(self) -> Path:
        """Give the legacy database of the first tenant."""
        return self.directory / "legacy" / "district_a.sqlite"

    def migrate(self, *arguments: str, kill_after: float | None = None) -> Ended:
        """Run the command line as users do, in a process of its own, and say what it spent."""
        command = (sys.executable, "-m", "pipeline.cli", *arguments, "--config", str(self.config))
        return measured(command, self.server, kill_after=kill_after)

    def run_results(self, source: str, *, kill_after: float | None = None) -> Ended:
        """Begin the run of a tenant's results, or go on with it."""
        chosen = (f"--tenant={source}", *(f"--entity={entity}" for entity in RESULTS))
        # The server may still be busy with what a killed one has asked of it.
        return self.migrate("run", "--wait", "--json", f"--as-of={AS_OF}", *chosen, kill_after=kill_after)

    def freeze(self) -> None:
        """Keep the present state as what `reset` goes back to."""
        self.cluster(f"DROP DATABASE IF EXISTS {_FROZEN}", _copied(_FROZEN, SERVICE))
        self._kept = set((self.directory / "staging").glob("*"))

    def reset(self) -> None:
        """Go back to the kept state, with nothing left for the server or the disk to do."""
        self.cluster(f"DROP DATABASE {SERVICE} WITH (FORCE)", _copied(SERVICE, _FROZEN), "CHECKPOINT")
        for path in set((self.directory / "staging").glob("*")) - self._kept:
            shutil.rmtree(path)
        os.sync()

    @contextmanager
    def cloned(self, name: str) -> Iterator[str]:
        """Give a copy of the results' database in its kept state, for others to work on."""
        with self.created(name, _copied(name, _FROZEN)):
            yield name

    @contextmanager
    def created(self, name: str, statement: str | None = None) -> Iterator[str]:
        """Give a database, empty unless the statement that creates it says otherwise; it is dropped afterwards."""
        self.cluster(statement or f"CREATE DATABASE {name}", "CHECKPOINT")
        os.sync()
        try:
            yield name
        finally:
            self.cluster(f"DROP DATABASE {name} WITH (FORCE)")

    def cluster(self, *statements: str) -> None:
        """Execute statements on the server as a whole."""
        with TargetDatabase("postgres", Dsn(self.server.dsn()), role=None, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def query(self, database: str, sql: str) -> list[dict[str, Any]]:
        """Give the rows of a query as the server's owner sees them."""
        with TargetDatabase(database, Dsn(self.server.dsn(database)), role=None) as connection:
            found: list[dict[str, Any]] = connection.query(sql).to_pylist()
        return found

    def rows(self) -> int:
        """Count the rows of the results' tables."""
        counted = " + ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
        return int(self.query(SERVICE, f"SELECT {counted} AS n")[0]["n"])


def at_parity(ended: Ended) -> Spent:
    """Give what a run spent that ended at parity.

    Raises:
        SystemExit: it did not.
    """
    if ended.code or not json.loads(ended.out)["parity"]:
        raise SystemExit(f"no parity, exit code {ended.code}\n{ended.out[-2000:]}\n{ended.errors[-2000:]}")
    return ended.spent


@contextmanager
def served() -> Iterator[tuple[Path, server.Server]]:
    """Give a directory and a server in it, with empty databases of all services; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        running = server.start(directory / "postgres")
        try:
            create_databases(running.dsn, load_sample())
            write_sample(directory / "catalog")
            yield directory, running
        finally:
            server.remove(directory / "postgres")


@contextmanager
def prepared(results: int, *, dirt: bool = True, nth: int | None = None) -> Iterator[Ground]:
    """Give a ground on which the parents of the results are migrated and verified, and no result is.

    Args:
        results: how many the first tenant has.
        dirt: whether some of them are spoiled, as real ones are.
        nth: how many a further tenant has; None for no such tenant.
    """
    with served() as (directory, running):
        legacy = directory / "legacy"
        build_estate(legacy, results=results, dirt=dirt)
        text = config_text(legacy, running.dsn("{service}"), "staging", relative_to=directory)
        sources = ["district_a"]
        if nth is not None:
            build_estate(directory / "nth", results=nth, dirt=dirt, seed=NTH)
            register(legacy / "login.sqlite", [NTH])
            text += source_text(NTH, directory / "nth" / "district_a.sqlite")
            sources.append(f"district_{NTH}")
        ground = Ground(directory, running, written(directory / "migrate.toml", text))
        chosen = (f"--entity={entity}" for entity in _parents(load_sample()))
        tenants = (f"--tenant={source}" for source in sources)
        at_parity(ground.migrate("run", "--json", f"--as-of={AS_OF}", *tenants, *chosen))
        ground.freeze()
        yield ground


def _parents(catalog: Catalog) -> list[str]:
    """List what the results depend on, near and far, parents first."""
    found, waiting = set[str](), list(RESULTS)
    while waiting:
        new = catalog.dependencies(catalog[waiting.pop()]) - found
        found |= new
        waiting += new
    return [entity for entity in catalog.order if entity in found.difference(RESULTS)]


def register(login: Path, numbers: Sequence[int]) -> None:
    """Write further districts into the database that all share."""
    with closing(sqlite3.connect(login)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(District)") if row[1] != "Id"]
        listed = ", ".join(columns)
        for number in numbers:
            connection.execute(
                f"INSERT INTO District (Id, {listed}) SELECT ?, {listed} FROM District WHERE Id = 2 "
                "AND NOT EXISTS (SELECT 1 FROM District WHERE Id = ?)",
                (number, number),
            )


def source_text(number: int, path: Path) -> str:
    """Give the lines of the configuration that describe a further district."""
    return (
        f'\n[sources.district_{number}]\nkind = "district"\ntenant = {number}\nname = "District {number}"\n'
        f'dsn = "sqlite://{path}"\n{_ZONES}'
    )


def written(config: Path, text: str) -> Path:
    """Write a configuration that nobody else may read, as it holds the target's password."""
    config.touch(mode=0o600)
    config.write_text(text, encoding="utf-8")
    return config


def _copied(name: str, template: str) -> str:
    return f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
