"""What the dialects of engines have in common whose databases hold schemas: they can speak of one schema alone.

Invariant: of one schema alone, no query names a table of another, and its tables are known by the default schema, as
those of a database without schemas are.
"""

from __future__ import annotations

from pipeline.core.sql.dialect import Dialect
from pipeline.core.sql.source import SourceTable
from schemas.model import DEFAULT_SCHEMA


class SchemaDialect(Dialect):
    """A dialect of a whole database, or of one schema of it."""

    def __init__(self, schema: str | None = None) -> None:
        self.schema = schema

    def table(self, table: SourceTable) -> str:
        """Name a table in a query."""
        return f"{self.quote(self.schema or table.schema)}.{self.quote(table.name)}"

    def schema_known_as(self, x: str) -> str:
        """Give what a table's schema is known by, where `x` names it in the source's catalog."""
        return x if self.schema is None else self.text_literal(DEFAULT_SCHEMA)

    def schema_elsewhere(self, x: str) -> str:
        """Give the name of a schema that is not the one, and nothing for the one."""
        return "''" if self.schema is None else f"CASE WHEN {self.is_own_schema(x)} THEN '' ELSE {x} END"

    def is_own_schema(self, x: str) -> str:
        """Say whether a schema is the one that is spoken of."""
        return f"{x} = {self.text_literal(self.schema or '')}"
