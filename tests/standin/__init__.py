"""A stand-in for SQL Server: real TDS on the wire, T-SQL answered out of DuckDB."""

from tests.standin.database import Database
from tests.standin.server import Standin

__all__ = ["Database", "Standin"]
