"""The legacy databases, read as they lie: each row's values as text, by `sqlite3`."""

from __future__ import annotations

import csv
import json
import sqlite3
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.oracle.entries import Entry

#: Whose rows are everybody's; and whose are nobody's.
SHARED, NOBODY = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Fleet:
    """What `installation.toml` says."""

    namespace: uuid.UUID
    form: str
    kind: str
    registry: str | None

    def tenant_id(self, key: str) -> uuid.UUID:
        """Name the tenant of a legacy key: a number as digits, all else as JSON has it, a GUID in lower case."""
        if self.form != "integer":
            key = json.dumps(key.lower() if self.form == "guid" else key, ensure_ascii=False)
        return uuid.uuid5(self.namespace, f"tenant/{key}")


def read_fleet(catalog: Path) -> Fleet:
    """Read what lies beside the entries."""
    said = tomllib.loads((catalog / "installation.toml").read_text(encoding="utf-8"))
    registry = said.get("directory", {}).get("registry")
    return Fleet(uuid.UUID(said["namespace"]), said["tenants"]["key"], said["tenants"].get("kind", "tenant"), registry)


@dataclass(frozen=True)
class Source:
    """A legacy database and its clock; the one that all share has no tenant of its own."""

    fleet: Fleet
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
                found = dict(zip((c.name for c in columns), map(text_of, row), strict=True))
                yield {c.name: found.get(c.name) for c in entry.read()}


def text_of(value: str | int | float | bytes | None) -> str | None:
    """Write a value that SQLite holds as text."""
    match value:
        case None | str():
            return value
        case bytes():
            return value.hex()
        case _:
            return repr(value)


def read_sources(config: Path, fleet: Fleet) -> list[Source]:
    """Read the sources of a `migrate.toml` whose databases are SQLite files."""
    document = tomllib.loads(config.read_text(encoding="utf-8"))
    listed: dict[str, Any] = dict(document.get("sources", {}))
    if "sources_file" in document:
        with (config.parent / document["sources_file"]).open(encoding="utf-8", newline="") as file:
            listed |= {line["source"]: {k: v for k, v in line.items() if v} for line in csv.DictReader(file)}
    return [_source(fleet, config.parent, name, document.get("defaults", {}) | own) for name, own in listed.items()]


def _source(fleet: Fleet, folder: Path, name: str, said: dict[str, Any]) -> Source:
    tenant = fleet.tenant_id(str(said["tenant"])) if "tenant" in said else None
    file = said["dsn"].removeprefix("sqlite://").replace("{database}", said.get("database", ""))
    zones = said["host_zone"], said["tenant_zone"]
    return Source(fleet, name, said.get("kind", fleet.kind), tenant, folder / file, *zones)
