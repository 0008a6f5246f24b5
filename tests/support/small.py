"""Small catalogs with databases to fit them: what the demo's catalog has no case of, moved by the real pipeline."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline import runner, runs
from pipeline.core.sql import ddl, ledger
from pipeline.core.structure import Drift, drifts
from pipeline.core.verdict import Verdict
from pipeline.demo.server import Server
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from pipeline.stores.structure import read_structure
from pipeline.workspace import Workspace
from schemas.catalog import Catalog, load_catalog
from tests.support.databases import EMPTY, databases
from tests.support.fleet import tenant_id
from tests.support.site import Site

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
TENANTS = {"a": str(tenant_id(1)), "b": str(tenant_id(2))}
_numbers = itertools.count(1)


def named(entity: str, *, key: str = "int", name: str = "nvarchar(50)") -> str:
    """Write the entry of a table with a key `Id` and a `Name`; columns that are written behind it are its own."""
    return f"""
[{entity}]
source = "district"
key = ["Id"]
target = "{entity.lower()}s"
[{entity}.columns]
Id   = {{ type = "{key}" }}
Name = {{ type = "{name}", to = "name" }}
"""


@dataclass
class Small:
    """A catalog of a test's own, one district database or two, and a database a service."""

    site: Site
    catalog: Catalog

    def configure(self, old: str, new: str) -> None:
        """Write something else into the configuration, where `old` stands in it."""
        text = self.site.config.read_text(encoding="utf-8")
        assert old in text
        self.site.config.write_text(text.replace(old, new), encoding="utf-8")

    def legacy(self, district: str, *statements: str) -> None:
        """Change a district's database."""
        with closing(sqlite3.connect(self.site.directory / f"{district}.sqlite")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def open(self, *entities: str, batch_rows: int = 10_000) -> Workspace:
        """Begin a run of some entities, or of all."""
        text = self.site.config.read_text(encoding="utf-8")
        sizes = f"batch_rows = {batch_rows}\nbundle_rows = {10 * batch_rows}"
        text = re.sub(r"batch_rows = \d+(\nbundle_rows = \d+)?", sizes, text, count=1)
        self.site.config.write_text(text, encoding="utf-8")
        settings = load_settings(self.site.config)
        record = runs.new_run(settings, self.catalog, runs.Selection(entities=entities), as_of=AS_OF)
        return runs.open_run(settings, self.catalog, record)

    def run(self, *entities: str, batch_rows: int = 10_000) -> tuple[Workspace, Verdict]:
        """Extract, transform, load and verify."""
        workspace = self.open(*entities, batch_rows=batch_rows)
        return workspace, runner.run_all(workspace, Progress(quiet=True))

    def table(self, service: str, table: str, columns: str = "*") -> dict[str, dict[str, object]]:
        """Read a target table by legacy key; of both districts, by tenant and legacy key."""
        rows = self.site.rows(service, f"SELECT tenant_id::text AS t, legacy_id AS k, {columns} FROM {service}.{table}")
        letters = {t: letter for letter, t in TENANTS.items()}
        return {f"{letters[str(r['t'])]} {r['k']}": {c: v for c, v in r.items() if c not in "tk"} for r in rows}

    def ids(self, service: str, table: str) -> dict[str, object]:
        """Give the id of every row of a target table by tenant and legacy key."""
        return {key: row["id"] for key, row in self.table(service, table, "id").items()}


def told(verdict: Verdict) -> set[tuple[str, str, str, str]]:
    """Say what a verification found: kind, entity, legacy key, column."""
    return {(d.kind, d.entity, d.legacy_key, d.column) for d in verdict.differences}


def verified_again(workspace: Workspace) -> Verdict:
    """Compare once more, after a test has changed the target."""
    return runner.run_verify(workspace, Progress(quiet=True))


def made_of(workspace: Workspace, service: str = "student") -> list[Drift]:
    """Say how the target's structure differs from what it was when the run began."""
    tables = list(ddl.table_columns(workspace.catalog, service))
    with workspace.database(service) as database:
        found = read_structure(database, service, tables)
    since, places = workspace.record.structure[service], [f"{service}.{t}" for t in tables]
    return list(
        drifts(workspace.catalog, service, found.facts, since=since, places=places, roles=(), login=found.login)
    )


@contextmanager
def small(
    postgres: Server, directory: Path, entries: Mapping[str, str], districts: Mapping[str, str]
) -> Iterator[Small]:
    """Make a catalog from TOML a service, and SQLite databases from a script a district."""
    services = directory / "services"
    services.mkdir()
    for service, text in entries.items():
        (services / f"{service}.toml").write_text(text, encoding="utf-8")
    catalog = load_catalog(services)
    prefix = f"small{next(_numbers)}_"
    pattern = postgres.dsn(prefix + "{service}")
    lines = [
        "[target]",
        f'dsn = "{pattern}"',
        "[run]",
        'staging = "staging"',
        "batch_rows = 10000",
        "parallel = 2",
        'catalog = "services"',
    ]
    for number, (letter, script) in enumerate(districts.items(), 1):
        path = directory / f"{letter}.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
        lines += [
            f"[sources.{letter}]",
            'kind = "district"',
            f"tenant = {number}",
            f"name = {json.dumps(letter)}",
            f'dsn = "sqlite://{path}"',
            'tenant_zone = "UTC"',
            'host_zone = "UTC"',
            'consistency = "snapshot"',
        ]
    config = directory / "migrate.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    site = Site(directory, config, pattern)
    with databases(postgres, {f"{prefix}{service}": EMPTY for service in entries}):
        for service in entries:
            site.execute(service, *ddl.roles(), *ddl.service_tables(catalog, service), *ledger.statements())
        yield Small(site, catalog)
