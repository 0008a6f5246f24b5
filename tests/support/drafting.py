"""Databases drafted and moved by the command line: sources that nobody described, and a target to fill."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.core.sql import ddl, ledger
from pipeline.demo.server import Server
from schemas.catalog import Catalog, load_catalog
from tests.support.databases import EMPTY, databases
from tests.support.site import Site

_numbers = itertools.count(1)


class Drafting(Site):
    """Sources that no entry names yet, and a target without tables."""

    def catalog(self) -> Catalog:
        return load_catalog(self.directory / "catalog")

    def prepare(self) -> None:
        """Make the tables that the catalog describes."""
        self.execute("operations", *ddl.roles(), *ddl.service_tables(self.catalog(), "operations"))
        self.execute("operations", *ledger.statements())

    def moved(self, *drafting: str) -> str:
        """Draft, prepare, plan and run; give what the run printed."""
        self.migrate("draft", *(drafting or ("old",)))
        self.prepare()
        self.migrate("plan")
        return self.migrate("run", "--as-of", "2026-01-01").stdout

    def count(self, table: str, where: str = "true") -> object:
        """Count the rows of a target table."""
        return self.rows("operations", f'SELECT count(*) AS n FROM operations."{table}" WHERE {where}')[0]["n"]


@contextmanager
def drafting(postgres: Server, directory: Path, *dsns: str) -> Iterator[Drafting]:
    """Configure sources, `old` or `old1` and so on, and one empty target database."""
    name = f"draft{next(_numbers)}_operations"
    config = directory / "migrate.toml"
    lines = ["[target.services]", f'operations = "{postgres.dsn(name)}"']
    for number, dsn in enumerate(dsns, 1):
        source = "old" if len(dsns) == 1 else f"old{number}"
        consistency = "snapshot" if dsn.startswith("sqlite") else "frozen"
        lines += [
            f"[sources.{source}]",
            'kind = "district"',
            f"tenant = {number}",
            f'name = "Old {number}"',
            f'dsn = "{dsn}"',
            'tenant_zone = "America/Chicago"',
            'host_zone = "UTC"',
            f'consistency = "{consistency}"',
        ]
    config.write_text("\n".join(lines), encoding="utf-8")
    with databases(postgres, {name: EMPTY}):
        yield Drafting(directory, config, postgres.dsn(name.replace("operations", "{service}")))


def sqlite_file(path: Path, script: str) -> str:
    """Make a SQLite file by a script; give its DSN."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return f"sqlite://{path}"
