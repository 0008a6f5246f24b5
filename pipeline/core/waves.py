"""Which sources travel together, and which batches are worked on together.

Values only. Both follow from the run's record, so that a run that is continued does what it began. Invariant: all
sources of a tenant are in one wave, so that a row's own tenant has every parent at hand there; the shared database is a
wave by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pipeline.core.plan import Batch, Bundle, Held, RunRecord, batches
from schemas.model import Entity


def waves(
    tenants: Mapping[str, str | None], counts: Mapping[Held, int], *, rows: int, most: int
) -> tuple[tuple[str, ...], ...]:
    """Group sources in their order.

    Args:
        tenants: source -> its tenant, None for the shared database.
        counts: rows of each entity that a source holds.
        rows: of a wave, about; a tenant that has more is one by itself.
        most: sources of a wave.
    """
    sizes = dict.fromkeys(tenants, 0)
    for held, count in counts.items():
        sizes[held.source] += count
    shared = tuple(source for source, tenant in tenants.items() if tenant is None)
    own: dict[str, list[str]] = {}
    for source, tenant in tenants.items():
        if tenant is not None:
            own.setdefault(tenant, []).append(source)
    made, together, size = [shared] if shared else [], list[str](), 0
    for sources in own.values():
        added = sum(sizes[s] for s in sources)
        if together and (size + added > rows or len(together) + len(sources) > most):
            made.append(tuple(together))
            together, size = [], 0
        together += sources
        size += added
    return (*made, tuple(together)) if together else tuple(made)


def bundles(entity: Entity, record: RunRecord, wave: int) -> Iterator[Bundle]:
    """Bundle the batches that a wave extracts of an entity."""
    sources = {*record.waves[wave]}
    own = (b for b in batches(entity, record) if b.source in sources)
    yield from bundled(wave, entity.id, ((b, _rows(b, record)) for b in own), record)


def bundled(wave: int, entity: str, sized: Iterable[tuple[Batch, int]], record: RunRecord) -> Iterator[Bundle]:
    """Bundle batches, each with the rows that it holds about, as far as their sources read times alike."""
    alike: dict[tuple[str, str], list[tuple[Batch, int]]] = {}
    for batch, rows in sized:
        source = record.sources[batch.source]
        alike.setdefault((source.host_zone, source.tenant_zone), []).append((batch, rows))
    number = 0
    for group in alike.values():
        together, size = list[Batch](), 0
        for batch, rows in group:
            if together and size + rows > record.bundle_rows:
                yield Bundle(wave, entity, number, tuple(together))
                number, together, size = number + 1, [], 0
            together.append(batch)
            size += rows
        yield Bundle(wave, entity, number, tuple(together))
        number += 1


def _rows(batch: Batch, record: RunRecord) -> int:
    """Say about how many rows a batch has: all but the last of a table are full."""
    before = batch.number * record.batch_rows
    return min(record.batch_rows, max(record.counts[Held(batch.source, batch.entity)] - before, 0))
