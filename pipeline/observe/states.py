"""Renders how far runs and entities are, and which rows became which, as tables. Takes values; opens no store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table

from pipeline.core.state import (
    Checksum,
    EntityState,
    Identity,
    OtherVersion,
    PhaseState,
    Read,
    Reject,
    RunState,
    Share,
    Stand,
    TenantState,
    Where,
)
from pipeline.observe.report import line, table


def runs(title: str, states: Sequence[RunState | OtherVersion]) -> Group:
    """Show how far each run is."""
    columns = ("run", "as of", "legacy tables", "legacy rows", "extracted", "transformed", "loaded", "verified")
    told = (line(text) for s in states if isinstance(s, RunState) for text in _told(s))
    return Group(table(title, columns, map(_run, states)), *told)


def _told(state: RunState) -> Iterator[str]:
    """Say what of a run is purged, and what has been begun and not come to its end."""
    if state.purged_tenants:
        yield f"{state.run}: the staged rows of {', '.join(state.purged_tenants)} are purged"
    if state.is_purge_pending:
        yield f"{state.run}: a purge of it is pending: the same `migrate purge --run-id {state.run}` goes on"
    if state.pending_indexes:
        tables = ", ".join(state.pending_indexes)
        yield f"{state.run}: indexes are pending on {tables}: `migrate run --run-id {state.run}` builds them"


def entities(title: str, states: Sequence[EntityState]) -> Table:
    """Show how far each entity of a run is."""
    columns = ("entity", "legacy rows", "extracted", "transformed", "loaded", "mapped", "rejected")
    return table(title, columns, map(_entity, states))


def tenants(found: Sequence[TenantState]) -> Group:
    """Show how far each tenant is: in which services it stands how, and what failed."""
    by_tenant: dict[str, list[TenantState]] = {}
    for state in found:
        by_tenant.setdefault(state.tenant, []).append(state)
    rows = (
        (
            tenant,
            *(_services(states, stand) for stand in Stand),
            sum(s.mapped for s in states),
            sum(s.rejected for s in states),
        )
        for tenant, states in by_tenant.items()
    )
    columns = ("tenant", *(stand.value for stand in Stand), "mapped", "rejected")
    causes = dict.fromkeys((s.tenant, s.why) for s in found if s.why is not None)
    return Group(
        table("Tenants, by services", columns, rows, numbers=2), *(line(f"{t}: {why}", "red") for t, why in causes)
    )


def phases(found: Sequence[PhaseState]) -> Group:
    """Show where each tenant's rows of each phase are, and which services a phase is of."""
    by_tenant: dict[str, dict[int, PhaseState]] = {}
    for state in found:
        by_tenant.setdefault(state.tenant, {})[state.phase] = state
    services = {state.phase: state.services for state in found}
    rows = ((tenant, *(_where(states[n]) for n in services)) for tenant, states in by_tenant.items())
    columns = ("tenant", *(f"phase {n}" for n in services))
    named = (line(f"phase {n}: {', '.join(of)}") for n, of in services.items())
    return Group(table("Tenants, by phases", columns, rows), *named)


def _where(state: PhaseState) -> str:
    """Say where rows are, and how much of them is further."""
    if state.where is Where.LEGACY and state.loaded:
        return f"legacy ({state.loaded} of {state.entities} loaded)"
    if state.where is Where.LOADED and state.verified:
        return f"loaded ({state.verified} of {state.entities} verified)"
    return state.where.value


def _services(states: Sequence[TenantState], stand: Stand) -> str:
    """Name the services in which a tenant stands so; all, where there is no other."""
    own = [s.service for s in states if s.stand is stand]
    return "all" if len(own) == len(states) else " ".join(own)


def identities(found: Sequence[Identity]) -> Table:
    """Show which legacy row has which id."""
    columns = ("tenant", "entity", "legacy key", "new id")
    return table("Identity map", columns, ((x.tenant, x.entity, x.legacy_key, x.new_id) for x in found))


def rejects(title: str, found: Sequence[Reject]) -> Table:
    """Show the rows that were set aside."""
    columns = ("tenant", "entity", "legacy key", "reasons")
    return table(title, columns, ((x.tenant, x.entity, x.legacy_key, "; ".join(x.reasons)) for x in found))


def checksums(found: Sequence[Checksum]) -> Table:
    """Show what PostgreSQL makes of the rows that it holds, beside what the receipts say."""
    columns = ("tenant", "entity", "", "rows", "checksum", "of the receipts")
    rows = ((x.tenant, x.entity, "" if x.agrees else "differs", x.rows, x.checksum, x.receipts) for x in found)
    return table("Checksums", columns, rows, numbers=3)


def _run(state: RunState | OtherVersion) -> tuple[object, ...]:
    if isinstance(state, OtherVersion):
        return (state.run, f"begun by another version ({state.begun_by})", *[""] * 6)
    return (
        state.run,
        state.as_of,
        state.legacy_entities.total,
        state.legacy_rows,
        _staged(state.extracted),
        _staged(state.transformed),
        f"{state.receipts} receipts",
        f"{_share(state.verified)} tenants and services",
    )


def _entity(state: EntityState) -> tuple[object, ...]:
    word = None if state.read is Read.SOURCE else state.read.value
    return (
        state.entity,
        state.legacy_rows if state.legacy_rows is not None else "" if state.read is Read.NO_ENTRY else word,
        _staged(state.extracted, word),
        _staged(state.transformed, word),
        _share(state.loaded),
        state.mapped,
        state.rejected,
    )


def _staged(share: Share | None, word: str | None = None) -> str:
    return (word or "purged") if share is None else _share(share)


def _share(share: Share) -> str:
    return str(share.done) if share.due is None else f"{share.done}/{share.due}"
