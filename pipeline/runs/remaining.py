"""What a selection has to move that no run has brought over yet. Values only."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.stores.ledger import Pair
from schemas.catalog import Catalog

_PSEUDO = (str(NIL), str(UNRESOLVED))


@dataclass(frozen=True, slots=True)
class Rest:
    """What one run can move: each of these entities of each of these tenants."""

    tenants: tuple[str, ...]
    entities: tuple[str, ...]


def rest(catalog: Catalog, tenants: Iterable[str], entities: Iterable[str], done: Collection[Pair]) -> Rest | None:
    """Give the first tenants of which the same entities are missing, None where nothing is.

    The rows of all tenants come along with the first run that needs them, those of none with the first that moves all
    that they could be of.
    """
    tenants, entities = tuple(tenants), tuple(entities)
    missing = {
        tenant: frozenset(e for e in entities if _may_hold(catalog, tenant, e) and (tenant, e) not in done)
        for tenant in tenants
    }
    shared, unresolved = (missing.get(pseudo, frozenset()) for pseudo in _PSEUDO)
    first = next((missing[t] for t in tenants if t not in _PSEUDO and missing[t]), frozenset[str]())
    chosen = [t for t in tenants if t not in _PSEUDO and first and missing[t] == first]
    with_unresolved = bool(unresolved) and (not first or unresolved == {e for e in first if catalog.is_of_directory(e)})
    wanted = first | shared | (unresolved if with_unresolved else frozenset())
    if not wanted:
        return None
    pseudo = [t for t in tenants if t == str(NIL) or (t == str(UNRESOLVED) and with_unresolved)]
    return Rest((*chosen, *pseudo), tuple(e for e in entities if e in wanted))


def _may_hold(catalog: Catalog, tenant: str, entity: str) -> bool:
    """Say whether an entity can have rows of a tenant, or of all, or of none."""
    if catalog[entity].is_shared:
        return tenant == str(NIL)
    return tenant not in _PSEUDO or (tenant == str(UNRESOLVED) and catalog.is_of_directory(entity))
