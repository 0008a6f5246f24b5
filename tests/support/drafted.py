"""Databases moved by entries that were drafted from them: what a server holds, end to end, nothing said by hand."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline import runner, runs
from pipeline.connection import Dsn
from pipeline.core.plan import RunRecord
from pipeline.core.sql import ddl, ledger
from pipeline.core.verdict import Verdict
from pipeline.demo.server import Server
from pipeline.observe.progress import Progress
from pipeline.settings import Settings, load_settings
from pipeline.stages.draft import draft
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog, load_catalog
from schemas.model import Entity
from tests.support.databases import EMPTY, databases
from tests.support.fleet import INSTALLATION

SERVICE = "media"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Drafted:
    """A source, the catalog that was drafted from it, and an empty target."""

    settings: Settings
    catalog: Catalog

    def run(self) -> Verdict:
        """Extract, transform, load and verify."""
        return runner.run_all(runs.open_run(self.settings, self.catalog, self.begun()), Progress(quiet=True))

    def begun(self) -> RunRecord:
        """Begin a run and give its record."""
        return runs.new_run(self.settings, self.catalog, runs.Selection())

    def empty(self) -> None:
        """Forget what was loaded, so that another run may begin."""
        tables = [f"{SERVICE}.{ddl.quote(t.table)}" for e in self.catalog.entities.values() for t in e.targets]
        tables += [f"migration.{t}" for t in ("verification", "quarantine", "raw_value", "finding", "id_map")]
        with self.connect() as database:
            database.execute(f"TRUNCATE {', '.join(tables)}, migration.receipt, migration.claim, migration.run")
            database.commit()

    def entity(self, table: str, schema: str | None = None) -> Entity:
        """Give the entry of a legacy table."""
        (found,) = (e for e in self.catalog.entities.values() if e.table == table and schema in (None, e.schema_name))
        return found

    def column(self, table: str, column: str) -> str:
        """Name the target column of a legacy column."""
        to = self.entity(table).columns[column].to
        assert isinstance(to, str)
        return to

    def connect(self) -> TargetDatabase:
        return TargetDatabase(SERVICE, self.settings.target_dsn(SERVICE), role=None)

    def query(self, sql: str) -> list[dict[str, object]]:
        with self.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            found: list[dict[str, object]] = database.query(sql).to_pylist()
        return found

    def rows(self, table: str, select: str, schema: str | None = None) -> dict[str, dict[str, object]]:
        """Read the target of a legacy table: legacy key -> columns."""
        target = self.entity(table, schema).target
        found = self.query(f"SELECT legacy_id AS legacy_key, {select} FROM {SERVICE}.{ddl.quote(target)}")
        return {str(row.pop("legacy_key")): row for row in found}

    def rejected(self) -> dict[tuple[str, str], list[str]]:
        """Give the reasons of every row that was set aside: entity and legacy key -> reasons."""
        found = self.query("SELECT entity, legacy_key, array_to_json(reasons)::text AS r FROM migration.quarantine")
        return {(str(x["entity"]), str(x["legacy_key"])): json.loads(str(x["r"])) for x in found}

    def kept(self) -> dict[tuple[str, str, str], str]:
        """Give the raw text that was kept beside a value: entity, legacy key and column -> text."""
        found = self.query(
            "SELECT DISTINCT p.entity, v.key, w.column_name, convert_from(v.raw, 'UTF8') AS raw "
            "FROM migration.raw_value w JOIN migration.receipt p USING (batch_id), unnest(w.keys, w.raws) v (key, raw)"
        )
        texts = {(str(x["entity"]), str(x["key"]), str(x["column_name"])): str(x["raw"]) for x in found}
        assert len(texts) == len(found), "a cell has one raw text"
        return texts


@contextmanager
def drafted(postgres: Server, directory: Path, dsn: str, *, batch_rows: int = 10_000) -> Iterator[Drafted]:
    """Draft entries for all tables of a source, and make the target's database for them."""
    name = f"drafted_{next(_numbers)}"
    config = directory / "migrate.toml"
    config.write_text(
        f'[target.services]\n{SERVICE} = "{postgres.dsn(name)}"\n'
        f'[run]\nstaging = "staging"\nbatch_rows = {batch_rows}\n'
        f'[sources.one]\nkind = "district"\ntenant = 1\nname = "One"\ndsn = "{dsn}"\n'
        'tenant_zone = "America/Chicago"\nhost_zone = "America/New_York"\nconsistency = "snapshot"\n',
        encoding="utf-8",
    )
    settings = load_settings(config)
    found = draft(settings, Catalog({}, INSTALLATION), ["one"], tables=(), service=SERVICE)
    assert found is not None
    catalog = load_catalog(settings.run.catalog)
    with databases(postgres, {name: EMPTY}):
        with TargetDatabase(SERVICE, Dsn(postgres.dsn(name)), role=None) as database:
            for statement in (*ddl.roles(), *ddl.service_tables(catalog, SERVICE), *ledger.statements()):
                database.execute(statement)
            database.commit()
        yield Drafted(settings, catalog)
