"""Which sources travel together, which batches are worked on together, and which entities are compared together.

Values only. All follow from the run's record, so that a run that is continued does what it began. Invariant: all
sources of a tenant are in one wave, so that a row's own tenant has every parent at hand there; the shared database is a
wave by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.plan import Batch, Bundle, Held, RunRecord, batches, sources_of
from schemas.catalog import Catalog
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


def parts(record: RunRecord, catalog: Catalog) -> Iterator[tuple[int, RunRecord]]:
    """Cut a run into what stands by itself: the rows of all tenants and of none, then those of each wave's tenants.

    A tenant's rows of the shared database go with that tenant, so that this database is in each part.

    Returns:
        The number of the wave, and the run narrowed to it.
    """
    own = {s.tenant_id for s in record.sources.values() if s.tenant_id is not None}
    pseudo = {str(NIL), str(UNRESOLVED)}
    for number, wave in enumerate(record.waves):
        tenants = {record.sources[s].tenant_id for s in wave} - {None}
        if tenants:
            of = [e for e in catalog.order if not catalog[e].is_shared]
        elif wave:
            of = [e for e in catalog.order if catalog.is_of_directory(e)]
        else:
            continue  # all of its tenants have left the run
        narrowed = record.without(own - tenants | (pseudo if tenants else set()))
        chosen = {name: tuple(e for e in getattr(record, name) if e in of) for name in ("entities", "key_entities")}
        yield number, narrowed.model_copy(update=chosen)


def portions(record: RunRecord, catalog: Catalog, *, rows: int) -> Iterator[tuple[str, ...]]:
    """Cut the entities of a part, parents first, into portions of about so many rows.

    Those that write to one table stay together, those of a circle, and what is derived with what it is derived from.
    """
    order = [e for e in catalog.order if e in record.entities]
    last = {e: max(order.index(t) for t in _tied(catalog, e) if t in record.entities) for e in order}
    together, size, until = list[str](), 0, 0
    for n, entity in enumerate(order):
        together.append(entity)
        size += sum(record.counts.get(Held(s, entity), 0) for s in sources_of(catalog[entity], record))
        until = max(until, last[entity])
        if n == len(order) - 1 or (size >= rows and n >= until):
            yield tuple(together)
            together, size = [], 0


def _tied(catalog: Catalog, entity_id: str) -> Iterator[str]:
    """Name the entities that must not come in a later portion than one, itself among them."""
    entity = catalog[entity_id]
    yield entity_id
    yield from catalog.circle(entity_id)
    yield from (e.id for e in catalog.entities.values() if e.derived_from == entity_id)
    for target in entity.targets:
        yield from (w.id for w in catalog.writers(entity.service, target.table))


def bundles(entity: Entity, record: RunRecord, wave: int) -> Iterator[Bundle]:
    """Bundle the batches of an entity in a part of a run; those of the shared database are in the bundles of each."""
    yield from bundled(wave, entity.id, ((b, _rows(b, record)) for b in batches(entity, record)), record)


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
