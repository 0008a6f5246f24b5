"""The legacy databases, read as they lie: each row's values as text, by `sqlite3`."""

from __future__ import annotations

import sqlite3
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.entries import Entry

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "legacy-to-tenant.migration")
#: Whose rows are everybody's; and whose are nobody's.
SHARED, NOBODY = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


def tenant_id(number: str) -> uuid.UUID:
    """Name the tenant of a legacy district number."""
    return uuid.uuid5(NAMESPACE, f"tenant/{number}")


@dataclass(frozen=True)
class Source:
    """A legacy database and its clock; the login database has no tenant of its own."""

    name: str
    kind: str
    tenant: uuid.UUID | None
    file: Path
    host_zone: str
    tenant_zone: str

    def rows(self, entry: Entry) -> Iterator[dict[str, str | None]]:
        """Read a table's rows; a column or table that the source lacks and may lack is empty."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as database:
            table = str(entry.said.get("table", entry.name)).replace('"', '""')
            has = {row[1] for row in database.execute(f'PRAGMA table_info("{table}")')}
            if not has and entry.said.get("optional"):
                return
            columns = [c for c in entry.read() if c.legacy in has or not c.said.get("optional")]
            names = ", ".join('"' + c.legacy.replace('"', '""') + '"' for c in columns)
            for row in database.execute(f'SELECT {names} FROM "{table}"'):
                found = dict(zip((c.name for c in columns), map(_text, row), strict=True))
                yield {c.name: found.get(c.name) for c in entry.read()}


def _text(value: str | int | float | bytes | None) -> str | None:
    match value:
        case None | str():
            return value
        case bytes():
            return value.hex()
        case _:
            return repr(value)


def read_sources(config: Path) -> list[Source]:
    """Read the sources of a `migrate.toml` whose databases are SQLite files."""
    return [
        Source(
            name,
            said["kind"],
            tenant_id(str(said["tenant"])) if "tenant" in said else None,
            config.parent / said["dsn"].removeprefix("sqlite://"),
            said["host_zone"],
            said["tenant_zone"],
        )
        for name, said in tomllib.loads(config.read_text(encoding="utf-8"))["sources"].items()
    ]
