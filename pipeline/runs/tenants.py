"""How far each tenant is in each service, over all runs. Looks, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.core.plan import RunRecord
from pipeline.core.state import Stand, TenantState
from pipeline.runs.ended import is_finished
from pipeline.runs.record import moved_by, staged
from pipeline.settings import Settings, Source
from pipeline.stores import ledger
from pipeline.stores.staging import Staging
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog

#: The note that a command leaves beside a run's record: source -> why it could not come along.
LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class _Held:
    """What a service's database says: claims, counts and differences by tenant, and by run who is verified."""

    claims: Mapping[ledger.Pair, ledger.Claim]
    loaded: Mapping[str, tuple[int, int]]
    differences: Mapping[str, int]
    verified: Mapping[str, set[str]]


def tenant_states(settings: Settings, catalog: Catalog) -> list[TenantState]:
    """Say of each tenant and service how far it is, in the order of the configuration.

    A service of shared rows alone is no tenant's.
    """
    records = staged(settings)
    failed = _failed(settings, records)
    begun = moved_by(records)
    finished = moved_by(r for r in records if is_finished(settings, r))
    found = []
    for service in sorted({e.service for e in catalog.entities.values() if not e.is_shared}):
        held = _held(settings, service)
        entities = [e.id for e in catalog.entities.values() if e.service == service and not e.is_shared]
        for source in tenant_sources(settings.sources):
            tenant = str(source.tenant_id)
            moved = {e for e in entities if (tenant, e) in held.claims or (tenant, e) in finished}
            is_begun = moved or any((tenant, e) in begun for e in entities)
            why = failed.get(source.id)
            if number := held.differences.get(tenant):
                stand = Stand.FAILED
                why = f"the newest verdict found {number:,} difference{'' if number == 1 else 's'}"
            elif moved and _is_verified(tenant, entities, held):
                stand = Stand.DONE if moved == {*entities} else Stand.IN_PART
            elif why is not None:
                stand = Stand.FAILED
            else:
                stand = Stand.UNDER_WAY if is_begun else Stand.WAITING
            mapped, rejected = held.loaded.get(tenant, (0, 0))
            found.append(
                TenantState(source.id, service, stand, mapped, rejected, why if stand is Stand.FAILED else None)
            )
    place = {source.id: n for n, source in enumerate(settings.sources)}
    return sorted(found, key=lambda state: (place[state.tenant], state.service))


def tenant_sources(sources: Sequence[Source]) -> Iterator[Source]:
    """Give the first source of each tenant."""
    seen = set[str | None]([None])
    for source in sources:
        if source.tenant_id not in seen:
            seen.add(source.tenant_id)
            yield source


def _held(settings: Settings, service: str) -> _Held:
    with TargetDatabase(service, settings.target_dsn(service)) as database:
        if not ledger.exists(database):
            return _Held({}, {}, {}, {})
        claims = ledger.claims(database)
        runs = {claim.run for claim in claims.values()}
        verified = {run: ledger.verified(database, run) for run in runs}
        return _Held(claims, ledger.loaded(database), ledger.differences(database), verified)


def _is_verified(tenant: str, entities: Iterable[str], held: _Held) -> bool:
    """Say whether all that is claimed of a tenant is loaded and verified; true where nothing had to be loaded."""
    claims = [held.claims[tenant, e] for e in entities if (tenant, e) in held.claims]
    return all(claim.is_complete and tenant in held.verified[claim.run] for claim in claims)


def _failed(settings: Settings, records: Iterable[RunRecord]) -> dict[str, str]:
    """Say of each source why the newest run that tried to move it could not."""
    found: dict[str, str | None] = {}
    for record in records:  # the newest first
        left = Staging(settings.run.staging, record.run_id).note(LEFT_OUT) or {}
        for source in (*left, *record.sources):
            found.setdefault(source, left.get(source))
    return {source: why for source, why in found.items() if why is not None}
