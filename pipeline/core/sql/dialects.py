"""The dialect of each engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.core.sql.dialect import Dialect
from pipeline.core.sql.mssql import MSSQL, Mssql
from pipeline.core.sql.mysql import MYSQL
from pipeline.core.sql.postgresql import POSTGRESQL, Postgresql
from pipeline.core.sql.sqlite import SQLITE
from schemas.engines import Engine

#: Engine -> its dialect, of a whole database.
DIALECTS: Final[Mapping[Engine, Dialect]] = {d.engine: d for d in (SQLITE, MSSQL, MYSQL, POSTGRESQL)}


def dialect_of(engine: Engine, schema: str | None) -> Dialect:
    """Give the dialect of a whole database, or of one schema of it."""
    if schema is None:
        return DIALECTS[engine]
    return {"mssql": Mssql, "postgresql": Postgresql}[engine](schema)
