"""What a command has to say of a run in the end: the verdict, what is not moved, and what no entry names.

Values only. "At parity" is said of what was moved; what configuration, catalog or sources would give besides stands
beside it, each with its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core.plan import RunRecord
from pipeline.core.verdict import Verdict
from schemas.catalog import Catalog


@dataclass(frozen=True, slots=True)
class NotMoved:
    """Something that is there today and that the run did not move, or moved as something else."""

    #: What it is: source, entity, entry, zone, tenant number, table, column, rows, rows of no tenant, setting.
    kind: str
    where: str
    why: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A table of a source, or a column of one, that no entry names."""

    source: str
    name: str
    #: None where the engine has no number.
    rows: int | None
    #: Whether the number is the engine's estimate, and not counted.
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class WaivedRows:
    """Rows of a table that does not migrate, as its source counted them when the run began."""

    source: str
    entity: str
    rows: int
    why: str


def waived_rows(record: RunRecord, catalog: Catalog) -> tuple[WaivedRows, ...]:
    """List the rows of a run's sources that are waived by name."""
    return tuple(
        WaivedRows(held.source, held.entity, rows, catalog.waived[held.entity].waived)
        for held, rows in record.waived.items()
        if held.entity in catalog.waived
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to say of a run; a verdict of None says that it was loaded and verified before."""

    record: RunRecord
    #: What the entries of the run are today, as one hash.
    entries: str
    verdict: Verdict | None
    not_moved: tuple[NotMoved, ...]
    unnamed: tuple[Unnamed, ...]
    #: Sources whose tenants' staged rows are purged, so that what is loaded of them is compared no more.
    purged_tenants: tuple[str, ...] = ()
    #: Rows that are accounted for by name alone.
    waived: tuple[WaivedRows, ...] = ()

    @property
    def is_as_read(self) -> bool:
        """Say whether the target holds all that was read."""
        return self.verdict is None or self.verdict.as_read

    @property
    def is_complete(self) -> bool:
        """Say whether the target holds all that the configuration, the catalog and the sources would give today."""
        return self.is_as_read and not self.not_moved


def together(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Give how runs of one command end once all are through: a source that a later one has moved is moved."""
    found = []
    for n, outcome in enumerate(outcomes):
        later = {f"source {s}" for o in outcomes[n + 1 :] for s in o.record.sources if s not in outcome.record.sources}
        left = tuple(x for x in outcome.not_moved if not (x.kind == "source" and x.where in later))
        found.append(replace(outcome, not_moved=left))
    return found


def left_behind(verdict: Verdict) -> Iterator[NotMoved]:
    """List what the verification itself found unmoved."""
    for (entity, source), rows in verdict.moved.items():
        yield NotMoved("rows", f"{entity}, source {source}", "changed in the source since they were read", rows)
    for entity, rows in verdict.unresolved.items():
        yield NotMoved("rows of no tenant", entity, "they move with a run of all tenants alone", rows)


def entries_hash(catalog: Catalog, entities: Iterable[str]) -> str:
    """Sum up the versions of entries in one hash."""
    text = "".join(f"{e} {catalog.hashes.get(e)}\n" for e in sorted(entities))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def configuration(record: RunRecord) -> Mapping[str, object]:
    """Give what a verdict on a run is about, besides its entries."""
    return {
        "as_of": record.as_of.isoformat(),
        "selection": {k: list(v) for k, v in record.selection.items()},
        "max_value_bytes": record.max_value_bytes,
        "target": dict(record.target),
        "sources": {
            name: {
                "kind": s.kind,
                "location": s.location,
                "tenant_id": s.tenant_id,
                "host_zone": s.host_zone,
                "tenant_zone": s.tenant_zone,
                "consistency": s.consistency,
                "fingerprint": s.fingerprint,
            }
            for name, s in record.sources.items()
        },
    }


def configuration_hash(record: RunRecord) -> str:
    """Sum up what a verdict on a run is about, besides its entries."""
    return hashlib.sha256(json.dumps(configuration(record), sort_keys=True).encode()).hexdigest()[:16]
