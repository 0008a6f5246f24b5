"""The record of a run: what it works on, fixed before the first row moves, and the batches that follow from it.

Values only. Invariant: ranges are cut once and never recomputed; everything that decides a row's bytes (source,
selection, as-of instant, entries) stands in the record, so that resuming a run repeats it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, PlainValidator

from pipeline.core.family import Found
from pipeline.core.ids import BATCHES, NIL, UNRESOLVED
from pipeline.core.sql.source import EVERY_KEY, Key, KeyRange
from pipeline.core.structure import Baseline
from schemas.catalog import Catalog
from schemas.model import Entity


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """An entity in one source; written down, `source/entity`."""

    source: str
    entity: str

    def __str__(self) -> str:
        return f"{self.source}/{self.entity}"


def _as_held(value: object) -> Held:
    if isinstance(value, Held):
        return value
    source, slash, entity = str(value).partition("/")
    if not slash:
        raise ValueError("is no `source/entity`")
    return Held(source, entity)


#: As the run's record has it.
HeldText = Annotated[Held, PlainValidator(_as_held), PlainSerializer(str, return_type=str)]


class SourceRecord(BaseModel):
    """A legacy database as the run saw it first; no secret in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    title: str
    location: str
    consistency: str
    fingerprint: str
    tenant_id: str | None
    host_zone: str
    tenant_zone: str
    #: The tables whose rows move, each of a family counted.
    tables: int = 0


@dataclass(frozen=True, slots=True)
class LegacyEntities:
    """How many tables of the sources a run moves, or waives by name: of each source, and of all."""

    total: int
    sources: Mapping[str, int]


#: The form of the run record, and of what is staged beside it. A record that names none is of the first.
FORMAT = 4


class RunRecord(BaseModel):
    """Everything that a resume must find unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = FORMAT
    run_id: str
    as_of: AwareDatetime
    batch_rows: int
    #: Rows that are computed and committed together, about.
    bundle_rows: int
    #: Sources that travel together: the shared database's alone first, then those of tenants.
    waves: tuple[tuple[str, ...], ...]
    #: Longer values are not fetched, and reject their row.
    max_value_bytes: int
    sources: Mapping[str, SourceRecord]
    #: Service -> where its database is, without credentials.
    target: Mapping[str, str]
    #: Names given with --tenant, --service, --entity; empty: all.
    selection: Mapping[str, tuple[str, ...]]
    #: Tenants whose rows move, and the pseudo-tenants of shared and unresolved rows.
    tenants: tuple[str, ...]
    entities: tuple[str, ...]
    #: Entities of which only keys are read: parents of the selected ones.
    key_entities: tuple[str, ...]
    #: First key of every batch but the first, each key a value for each key column; of a table without a key, the
    #: first digits of its rows' hashes.
    ranges: Mapping[HeldText, tuple[Key, ...]]
    #: Optional columns that the source lacks.
    lacking: Mapping[HeldText, tuple[str, ...]]
    #: Optional entities whose table the source lacks.
    absent: tuple[HeldText, ...] = ()
    #: Entities whose rows the source's own primary key does not keep apart as the entry compares them.
    unenforced: tuple[HeldText, ...] = ()
    #: The tables of its families that the source has, and what is odd about them.
    families: Mapping[HeldText, Found] = {}
    #: Rows that the source counted when the run began.
    counts: Mapping[HeldText, int]
    #: Rows of tables that are waived by name, as the source counted them when the run began.
    waived: Mapping[HeldText, int] = {}
    #: Service -> how its target differed from what the catalog promises when the first run into it began.
    structure: Mapping[str, Baseline] = {}

    def identity(self) -> dict[str, object]:
        """Give what must be equal for a run to be continued."""
        return {
            "source": {name: s.location for name, s in self.sources.items()},
            "target": dict(self.target),
            "selection": {k: list(v) for k, v in self.selection.items()},
        }

    @property
    def legacy_entities(self) -> LegacyEntities:
        """Count the tables that move, or that are waived by name."""
        waived = Counter(held.source for held in self.waived)
        found = {name: source.tables + waived[name] for name, source in self.sources.items()}
        return LegacyEntities(sum(found.values()), found)

    @property
    def is_shared(self) -> bool:
        """Say whether it has no source of a tenant's own."""
        return all(source.tenant_id is None for source in self.sources.values())

    def without(self, tenants: Collection[str | None]) -> RunRecord:
        """Give the run without some tenants; the places of the others stay."""
        kept = {name: s for name, s in self.sources.items() if s.tenant_id not in tenants}
        changed: dict[str, object] = {
            "sources": kept,
            "waves": tuple(tuple(s for s in wave if s in kept) for wave in self.waves),
            "tenants": tuple(t for t in self.tenants if t not in tenants),
        }
        for name in ("ranges", "lacking", "families", "counts", "waived"):
            changed[name] = {held: x for held, x in getattr(self, name).items() if held.source in kept}
        for name in ("absent", "unenforced"):
            changed[name] = tuple(held for held in getattr(self, name) if held.source in kept)
        return self.model_copy(update=changed)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one entity of one source in one half-open key range."""

    source: str
    entity: str
    number: int
    within: KeyRange = EVERY_KEY

    def __str__(self) -> str:
        return f"{self.source}/{self.entity}/{self.number:05}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Batches of one entity and wave that are computed, staged and committed together; all are read alike."""

    wave: int
    entity: str
    number: int
    batches: tuple[Batch, ...]

    def __str__(self) -> str:
        first, *others = self.batches
        return f"{first} and {len(others)} more" if others else str(first)


def sources_of(entity: Entity, record: RunRecord) -> Iterator[str]:
    """Name the sources of the run that hold an entity."""
    for name, source in record.sources.items():
        if source.kind == entity.source:
            yield name


def batches(entity: Entity, record: RunRecord) -> Iterator[Batch]:
    """List the extract batches of an entity, in order of source and key."""
    for source in sources_of(entity, record):
        yield from batches_in(source, entity, record)


def batches_in(source: str, entity: Entity, record: RunRecord) -> Iterator[Batch]:
    """List those of one source, in order of key."""
    bounds = record.ranges[Held(source, entity.id)]
    for number, (lower, upper) in enumerate(pairwise((None, *bounds, None))):
        yield Batch(source, entity.id, number, KeyRange(lower, upper))


def content_bounds(rows: int, batch_rows: int) -> tuple[Key, ...]:
    """Cut a table without a key by the first eight digits of its rows' hashes: equal rows are in one batch."""
    parts = -(-rows // batch_rows)
    return tuple((f"{16**8 * n // parts:08x}",) for n in range(1, parts))


def load_batch_id(run_id: str, batch: Batch, tenant: str) -> uuid.UUID:
    """Name the part of a batch that belongs to one tenant; the same in every attempt."""
    return uuid.uuid5(BATCHES, f"batch/{run_id}/{batch}/{tenant}")


def load_order(catalog: Catalog, record: RunRecord) -> list[str]:
    """Order the selected entities for loading: shared ones first, then parents before children."""
    chosen = [e for e in catalog.order if e in record.entities]
    return sorted(chosen, key=lambda e: not catalog[e].is_shared)


#: The pseudo-tenants, as people call them.
PSEUDO: Mapping[str, str] = {str(NIL): "(shared)", str(UNRESOLVED): "(unresolved)"}


def tenant_names(record: RunRecord) -> Mapping[str, str]:
    """Name each tenant for people: its source's title, or what the pseudo-tenant stands for."""
    names = dict(PSEUDO)
    titles = Counter([*names.values(), *(s.title for s in record.sources.values() if s.tenant_id is not None)])
    for name, source in record.sources.items():
        if source.tenant_id is not None:
            # Two customers may be called alike; their sources are not.
            names[source.tenant_id] = source.title if titles[source.title] == 1 else f"{source.title} ({name})"
    return names
