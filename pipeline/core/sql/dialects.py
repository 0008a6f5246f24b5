"""The dialect of each engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.core.sql.dialect import Dialect
from pipeline.core.sql.mssql import MSSQL
from pipeline.core.sql.mysql import MYSQL
from pipeline.core.sql.postgresql import POSTGRESQL
from pipeline.core.sql.sqlite import SQLITE
from schemas.types import Engine

DIALECTS: Final[Mapping[Engine, Dialect]] = {d.engine: d for d in (SQLITE, MSSQL, MYSQL, POSTGRESQL)}
