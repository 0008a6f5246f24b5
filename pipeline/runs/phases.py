"""How far each tenant is in each phase, and with whom one does not begin yet. Looks, and writes nothing.

Invariant: verified is what is of one tenant and entity; what stands against others holds up nobody.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from pipeline.core.ids import NIL
from pipeline.core.plan import RunRecord
from pipeline.core.state import PhaseState, Where
from pipeline.errors import ConfigError, PhaseTooEarly
from pipeline.runs.ended import is_finished
from pipeline.runs.plan import Selection, chosen_entities, chosen_sources
from pipeline.runs.record import moved_by, staged
from pipeline.runs.standing import VERDICT
from pipeline.runs.tenants import tenant_sources
from pipeline.settings import Settings
from pipeline.stores import ledger
from pipeline.stores.ledger import Claim, Pair
from pipeline.stores.staging import TRANSFORMED, Staging
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog


@dataclass(frozen=True, slots=True)
class _Far:
    """What is loaded and what of that is verified: tenant and entity, whether it has rows or none; and who holds it."""

    loaded: set[Pair] = field(default_factory=set)
    verified: set[Pair] = field(default_factory=set)
    claims: dict[Pair, Claim] = field(default_factory=dict)


def phase_states(settings: Settings, catalog: Catalog) -> list[PhaseState]:
    """Say of each tenant and phase how far it is, in the order of the configuration; of phases that have entries."""
    phases = settings.installation.phases
    entities = {n: _entities(settings, catalog, services) for n, services in enumerate(phases, 1)}
    far = _how_far(settings, catalog, [e for of_phase in entities.values() for e in of_phase])
    return [
        _state(source.id, n, phases[n - 1], [*_pairs(catalog, str(source.tenant_id), of_phase)], far)
        for source in tenant_sources(settings.sources)
        for n, of_phase in entities.items()
        if of_phase
    ]


def held_back(settings: Settings, catalog: Catalog, selection: Selection, phase: int) -> dict[str, PhaseTooEarly]:
    """Say with which of the sources that are selected a phase does not begin yet, and why.

    It goes on with whom it is through with, whatever has become of those before it.

    Raises:
        ConfigError: the phase has no entries.
    """
    phases = {n: _entities(settings, catalog, of) for n, of in enumerate(settings.installation.phases[:phase], 1)}
    if not phases[phase]:
        raise ConfigError(f"no entry is of phase {phase}", expected="entries of its services in the catalog")
    far = _how_far(settings, catalog, [e for of_phase in phases.values() for e in of_phase])
    found = {}
    for source in chosen_sources(settings, selection):
        tenant = source.tenant_id
        if tenant is None or far.verified.issuperset(_pairs(catalog, tenant, phases[phase])):
            continue
        for n in range(1, phase):
            missing = [pair for pair in _pairs(catalog, tenant, phases[n]) if pair not in far.verified]
            if missing:
                found[source.id] = _too_early(source.id, phase, n, missing, far)
                break
    return found


def demand_some(settings: Settings, selection: Selection, held: Mapping[str, PhaseTooEarly]) -> None:
    """Refuse to begin with nobody.

    Raises:
        PhaseTooEarly: every source is held back.
    """
    own = {s.id for s in chosen_sources(settings, selection) if s.tenant_id is not None}
    if len(held) == 1 and held.keys() == own:
        raise next(iter(held.values()))
    if held and held.keys() == own:
        raise PhaseTooEarly("\n".join(["of no tenant does the phase begin yet", *(f"- {e}" for e in held.values())]))


def _too_early(source: str, phase: int, before: int, missing: Sequence[Pair], far: _Far) -> PhaseTooEarly:
    waiting = [pair for pair in missing if pair not in far.loaded]
    entities = [e for _, e in waiting or missing]
    shown = ", ".join(entities[:3]) + (f" and {len(entities) - 3} more" if len(entities) > 3 else "")
    run = next((far.claims[pair].run for pair in missing if pair in far.claims), None)
    way_on = f"--run-id {run}" if run is not None else f"--phase {before} --tenant {source}"
    return PhaseTooEarly(
        where=f"source {source}, phase {phase}",
        got=f"of phase {before}, {shown} {'not loaded' if waiting else 'loaded, and not verified'}",
        expected=f"phase {before} loaded and verified",
        remedy=f"`migrate run {way_on}` brings it to its end; --force begins without",
    )


def _entities(settings: Settings, catalog: Catalog, services: Iterable[str]) -> tuple[str, ...]:
    return chosen_entities(settings, catalog, Selection(services=tuple(services)))


def _pairs(catalog: Catalog, tenant: str, entities: Iterable[str]) -> Iterator[Pair]:
    """Give what a tenant's part of a phase is made of: its own rows, and those that all share."""
    return ((str(NIL) if catalog[e].is_shared else tenant, e) for e in entities)


def _state(tenant: str, phase: int, services: tuple[str, ...], pairs: Collection[Pair], far: _Far) -> PhaseState:
    loaded, verified = (sum(pair in done for pair in pairs) for done in (far.loaded, far.verified))
    where = Where.VERIFIED if verified == len(pairs) else Where.LOADED if loaded == len(pairs) else Where.LEGACY
    return PhaseState(tenant, phase, services, where, len(pairs), loaded, verified)


def _how_far(settings: Settings, catalog: Catalog, entities: Collection[str]) -> _Far:
    """Ask the databases of the services of some entities, and the runs that are staged here."""
    records = staged(settings)
    finished = [r for r in records if is_finished(settings, r)]
    far = _Far(moved_by(finished), moved_by(finished))
    for service in sorted({catalog[e].service for e in entities}):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if not ledger.exists(database):
                continue
            claims, kept = ledger.claims(database), ledger.records(database)
            for run_id, text, _ in kept:
                verified = ledger.verified(database, run_id)
                # A verdict of a tenant is of all that the run was to bring of it, rows or none.
                own = [e for e in json.loads(text)["entities"] if e.partition(".")[0] == service]
                far.verified.update(product(verified, own))
        far.claims.update(claims)
        far.loaded.update(pair for pair, claim in claims.items() if claim.is_complete)
    far.loaded.update(far.verified)
    for record in (r for r in records if r not in finished):
        staging = Staging(settings.run.staging, record.run_id)
        held = {(t, catalog[e].service) for (t, e), c in far.claims.items() if c.run == record.run_id}
        empty = {*_without_rows(staging, record, entities)}
        far.loaded.update(empty)
        if staging.note(VERDICT) is not None:
            far.verified.update((t, e) for t, e in empty if (t, catalog[e].service) not in held)
    return far


def _without_rows(staging: Staging, record: RunRecord, entities: Collection[str]) -> Iterator[Pair]:
    """List what a run has transformed and found no rows of, so that there is nothing to load."""
    if staging.note(TRANSFORMED) is None or staging.note("purged") is not None:
        return
    tenants = {*record.tenants} - {*staging.purged_tenants()}
    for entity in (e for e in record.entities if e in entities):
        listed = (b["tenants"] for _, manifest in staging.outputs(entity) for b in manifest["batches"])
        yield from ((tenant, entity) for tenant in tenants.difference(*listed))
