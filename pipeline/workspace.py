"""What every stage of a run works with: settings, catalog, run record, staged files, audit log.

A value handed to the stages by the runner; it opens a legacy database when one is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

import polars as pl

from pipeline.core.plan import PSEUDO, Batch, Held, RunRecord, batches
from pipeline.core.sql.source import SourceTable
from pipeline.observe.log import AuditEvent, AuditLog
from pipeline.settings import Settings
from pipeline.stores.legacy import LegacyDatabase
from pipeline.stores.lock import Commits
from pipeline.stores.staging import Staging
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog
from schemas.model import Entity

#: Takes what was done, whose rows they are (by the name of the source), and their bytes.
Counted = Callable[[AuditEvent, str, int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """What a tenant got of a batch."""

    tenant: str
    batch_id: str
    mapped: int
    rejected: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """The run in hand."""

    settings: Settings
    catalog: Catalog
    record: RunRecord
    staging: Staging
    audit: AuditLog
    #: Held by the command that does the work; what nobody else can reach needs none.
    lock: Commits | None = None
    #: Told what is done, for whoever watches.
    counted: Counted | None = None
    #: Tenants of the directory's rows that are not staged: the staged rows of these were purged.
    purged: Collection[str] = ()
    #: Route name -> what tells whose the directory's rows are, as its source has them; filled by who reads there.
    routes: dict[str, pl.DataFrame] = field(default_factory=dict)
    _opened: dict[str, LegacyDatabase] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def whole(self) -> RunRecord:
        """Give the record as it is kept: this command may go on with some of its tenants alone."""
        return self.staging.read_record()

    def source(self, name: str) -> LegacyDatabase:
        """Give a legacy database, opened once."""
        with self._lock:
            if name not in self._opened:
                families = {h.entity: f.members for h, f in self.record.families.items() if h.source == name}
                self._opened[name] = LegacyDatabase(self.settings.source(name), families)
            return self._opened[name]

    def table(self, source: str, entity: Entity) -> SourceTable | None:
        """Give the table of an entity; none where the entity is optional and the source had none when the run began.

        Raises:
            SourceDrift: the table is gone since.
        """
        database = self.source(source)
        if Held(source, entity.id) in self.record.absent or entity.family is not None:
            return database.find_of(entity)
        return database.table_of(entity)

    def forget(self, name: str) -> None:
        """Let a legacy database be opened anew: one that was lost is named within seconds where it is still away."""
        with self._lock:
            self._opened.pop(name, None)

    def tables(self, source: str) -> list[SourceTable]:
        """List the tables of a source that the run reads."""
        wanted = (self.catalog[e] for e in (*self.record.entities, *self.record.key_entities))
        kind = self.record.sources[source].kind
        found = (self.table(source, e) for e in wanted if e.source == kind and e.derived_from is None)
        return [table for table in found if table is not None]

    def entity(self, batch: Batch) -> Entity:
        """Give the entry of a batch."""
        return self.catalog[batch.entity]

    def database(self, service: str) -> TargetDatabase:
        """Connect to a service's database as the migrator."""
        confirm = self.lock.confirm if self.lock is not None else None
        return TargetDatabase(service, self.settings.target_dsn(service), before_commit=confirm)

    def owner(self, service: str) -> TargetDatabase:
        """Connect to a service's database as the login itself, which owns the ledger."""
        confirm = self.lock.confirm if self.lock is not None else None
        return TargetDatabase(service, self.settings.target_dsn(service), role=None, before_commit=confirm)

    def services(self) -> list[str]:
        """Name the services that the run's entities belong to, in order."""
        return sorted({self.catalog[e].service for e in self.record.entities})

    def entities_of(self, service: str) -> list[str]:
        """Name the selected entities of a service, in order."""
        return [e for e in self.record.entities if self.catalog[e].service == service]

    def raw_batches(self) -> Iterator[Batch]:
        """List the extract batches of every selected entity but the derived ones."""
        for entity_id in self.record.entities:
            entity = self.catalog[entity_id]
            if entity.derived_from is None:
                yield from batches(entity, self.record)

    def live_batches(self) -> list[Batch]:
        """List those of sources that live on while they are read."""
        return [b for b in self.raw_batches() if self.record.sources[b.source].consistency == "live"]

    def log_parts(self, stage: str, entity: str, parts: Sequence[Part], *, seconds: float, size: int) -> None:
        """Write the audit lines of what was done together; each part has its share of time and bytes, by its rows."""
        rows = sum(part.mapped + part.rejected for part in parts)
        for part in parts:
            share = (part.mapped + part.rejected) / max(rows, 1)
            self.log(
                stage,
                entity,
                part.tenant,
                part.batch_id,
                count=part.mapped,
                rejected=part.rejected,
                seconds=seconds * share,
                size=round(size * share),
                checksum=part.checksum,
            )

    def log(
        self,
        stage: str,
        entity: str,
        tenant: str,
        batch_id: str | None,
        *,
        count: int,
        rejected: int,
        seconds: float,
        checksum: str,
        size: int = 0,
    ) -> None:
        """Write the audit line of a batch and stage, and count it; `size` is in bytes, as Arrow holds the rows."""
        event = AuditEvent(
            batch_id=batch_id,
            run_id=self.record.run_id,
            entity_type=entity,
            tenant_id=tenant,
            stage=stage,
            count=count,
            rejected=rejected,
            duration=seconds,
            checksum=checksum,
        )
        self.audit.append(event)
        if self.counted is not None:
            names = {s.tenant_id: name for name, s in self.record.sources.items() if s.tenant_id is not None}
            self.counted(event, names.get(tenant, PSEUDO.get(tenant, tenant)), size)
