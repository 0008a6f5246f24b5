"""SQLite files as sources: made by statements, opened as the pipeline opens them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.connection import Dsn
from pipeline.core.sql.source import SourceTable
from pipeline.settings import Source
from pipeline.stores.legacy import LegacyDatabase


def opened(path: Path, **settings: Any) -> LegacyDatabase:
    return LegacyDatabase(source_at(path, **settings))


def source_at(path: Path, **settings: Any) -> Source:
    return Source(
        id="district_a",
        kind="district",
        tenant="1",
        title="District A",
        dsn=Dsn(f"sqlite://{path}"),
        tenant_zone="America/Chicago",
        host_zone="America/Chicago",
        **{"consistency": "snapshot", **settings},
    )


def build(path: Path, *statements: str, rows: Sequence[Sequence[object]] = ()) -> LegacyDatabase:
    """Make a database by statements; `rows` go into table t."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    if rows:
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return opened(path)


def table_of(database: LegacyDatabase, name: str = "t") -> SourceTable:
    return database.table("dbo", name)
