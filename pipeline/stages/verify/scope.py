"""What one verification covers, and where its differences are noted."""

from __future__ import annotations

from pipeline.core.ids import NIL
from pipeline.core.sql import compare
from pipeline.core.sql.ddl import has_shared_rows, quote, table_columns
from pipeline.core.text import quoted
from pipeline.stages.workspace import Workspace
from pipeline.stores.parity import ParityDatabase
from schemas.model import Entity


class Scope:
    """One verification: the run's selection, and the database in which expected and actual rows meet."""

    def __init__(self, workspace: Workspace, db: ParityDatabase) -> None:
        self.workspace, self.db = workspace, db
        self.record, self.catalog = workspace.record, workspace.catalog
        self.selected = [e for e in self.catalog.order if e in self.record.entities]
        self.tagged: set[str] = set()
        #: (entity, tenant) -> checksum that PostgreSQL computed from the rows it holds.
        self.checksums: dict[tuple[str, str], int] = {}
        self.db.execute(compare.DIFFERENCE_TABLE)

    def of(self, service: str) -> list[Entity]:
        """List the selected entities of a service."""
        return [self.catalog[e] for e in self.selected if self.catalog[e].service == service]

    def tables(self, service: str) -> dict[str, dict[str, str]]:
        """Give the target tables that the selected entities of a service write to, with all their columns."""
        used = {t.table for e in self.of(service) for t in e.targets}
        return {t: dict(c) for t, c in table_columns(self.catalog, service).items() if t in used}

    def mine(self, service: str, table: str, tenants: str) -> str:
        """Restrict a table to the selection: its tenants, and its entities where others write there too."""
        shared = str(NIL) in self.record.tenants and has_shared_rows(self.catalog, service, table)
        where = f"(tenant_id IN ({tenants}){' OR tenant_id IS NULL' if shared else ''})"
        writers = self.catalog.writers(service, table)
        if all(w.id in self.record.entities for w in writers):
            return where
        told = [self.catalog.discriminator(w, table) for w in writers if w.id in self.record.entities]
        return where + " AND (" + " OR ".join(f"{quote(t[0])} = {quoted(t[1])}" for t in told if t) + ")"

    def tenant(self, source: str) -> str:
        """Give the tenant of a source, empty for the login database."""
        return self.record.sources[source].tenant_id or ""

    def note(self, service: str, kind: str, entity: str, tenant: str, key: str, column: str) -> None:
        """Note a difference; no value of a row goes in."""
        values = ", ".join(quoted(v) for v in (service, kind, entity, tenant, key, column))
        self.db.execute(f"INSERT INTO difference VALUES ({values})")
