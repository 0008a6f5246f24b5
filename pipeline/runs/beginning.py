"""Runs begun, or gone on with: what of a selection is not moved yet.

A run is fixed by its record before the first row moves. Invariant: no two runs move the same entity of a tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from pipeline.core.plan import RunRecord
from pipeline.errors import MigrationError, RunMismatch
from pipeline.runs.ended import is_finished
from pipeline.runs.plan import Plan, Selection, chosen_entities, chosen_sources, chosen_tenants, make_plan
from pipeline.runs.record import claimed, every_record, from_target, has_loaded, moved_by, named, staged
from pipeline.runs.recovery import is_same_place, way_on
from pipeline.runs.remaining import rest
from pipeline.settings import Settings
from pipeline.stores import ledger
from pipeline.stores.staging import Staging
from schemas.catalog import Catalog

#: Source -> why it is left out.
LeftOut = Mapping[str, str]


def new_run(settings: Settings, catalog: Catalog, selection: Selection, as_of: datetime | None = None) -> RunRecord:
    """Plan a run of all that is selected and not moved yet, and write its record, before the first row moves.

    Raises:
        MigrationError: the first of the problems that stand in the way, the others counted.
    """
    finished = [r for r in staged(settings) if is_finished(settings, r)]
    return _written(settings, make_plan(settings, catalog, selection, as_of, done=moved_by(finished)))


def _written(settings: Settings, plan: Plan) -> RunRecord:
    if plan.record is None:
        raise plan.problems[0] if len(plan.problems) == 1 else _several(plan.problems)
    if plan.held:
        tenant, entity = plan.held[0]
        held = plan.claims[tenant, entity]
        way = _way_on(settings, held.run)
        raise ledger.refused(tenant, entity, held, others=len(plan.held) - 1, way_on=way)
    Staging(settings.run.staging, plan.record.run_id).write_record(plan.record)
    return plan.record


def _in_the_way(settings: Settings, selection: Selection, plan: Plan, without: LeftOut) -> LeftOut:
    """Name the sources that alone stand in the way of the others, and what is wrong; none, if the others cannot go."""
    own = {s.id for s in chosen_sources(settings, selection) if s.tenant_id is not None} - without.keys()
    is_theirs = len(plan.problems) == sum(map(len, plan.of_sources.values()))
    if plan.record is not None or not is_theirs or not own - plan.of_sources.keys():
        return {}
    return {source: "; ".join(p.in_a_line() for p in problems) for source, problems in plan.of_sources.items()}


def _several(problems: list[MigrationError]) -> MigrationError:
    return MigrationError(
        f"{len(problems)} problems stand in the way; nothing was moved\n" + "\n".join(f"- {p}" for p in problems)
    )


def begin(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    run_id: str | None,
    as_of: datetime | None,
    *,
    without: LeftOut = MappingProxyType({}),
    say: Callable[[str], None],
) -> tuple[RunRecord, LeftOut]:
    """Give the run named, else what is due of a selection, else its newest run, which is finished.

    Sources to be left `without` are those that cannot come along, and why.
    """
    if run_id is not None:
        return named(settings, selection, run_id, say), {}
    record, left_out = due(settings, catalog, selection, as_of, without=without, say=say)
    if record is None:
        record = _newest_within(settings, catalog, selection)
        if record is None:  # what holds the selection is no run that is known here: it is refused by name
            return new_run(settings, catalog, selection, _in_utc(as_of)), {}
        _continued(record, as_of, say)
    return record, left_out


def due(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    as_of: datetime | None,
    *,
    without: LeftOut = MappingProxyType({}),
    passed: Collection[str] = (),
    say: Callable[[str], None],
) -> tuple[RunRecord | None, LeftOut]:
    """Give the run to work on next: one that is not finished, else a new one of what is not moved.

    A run of another selection is continued where all that it moves is selected.

    Args:
        without: sources that cannot come along, and why.
        passed: runs that have gone as far as they can.

    Returns:
        None instead of a run where all is moved that can be; and the sources that cannot come along.
    """
    runs = staged(settings)
    # Asked once: of a fleet there are hundreds, and each is asked for in every database that it wrote to.
    finished = [r for r in runs if is_finished(settings, r)]
    within = [r for r in runs if _is_within(settings, catalog, selection, r)]
    overtaken = {r.run_id: _overtaken_by(settings, catalog, r) for r in within if r not in finished}
    known = [r for r in within if overtaken.get(r.run_id) is None]
    for run_id, other in overtaken.items():
        if other is not None:
            say(f"run {run_id} has loaded nothing and cannot any more: what it holds is loaded by run {other}")
    services = {catalog[e].service for e in chosen_entities(settings, catalog, selection)}
    if not any(r.selection == selection.as_record() for r in known):
        recovered = from_target(settings, selection, say, services)
        known += [recovered] if recovered is not None else []
        finished += [r for r in (recovered,) if r is not None and is_finished(settings, r)]
    for record in reversed(known):
        if record not in finished and record.run_id not in passed:
            # Who was left out before may be of a run that has begun: it goes on with whom it began with.
            return _continued(record, as_of, say), {s: why for s, why in without.items() if s not in record.sources}
    without = {**without, **_moved_as_another(settings, selection)}
    done = moved_by(finished)
    is_begun = bool(within or known)
    if is_begun:
        done |= {pair for pair, claim in claimed(settings, services).items() if claim.is_complete}
    while not is_begun or _is_left(settings, catalog, selection, without, done):
        plan = make_plan(settings, catalog, selection, _in_utc(as_of), done=done, without=without)
        if others := _in_the_way(settings, selection, plan, without):
            without = {**without, **others}
            continue
        record = _written(settings, plan)
        rows = sum(record.counts.values())
        say(f"beginning run {record.run_id}: {rows:,} legacy rows, {len(record.entities)} entities")
        for source, why in without.items():
            say(f"source {source} is left out: {why}")
        return record, without
    return None, without


def _moved_as_another(settings: Settings, selection: Selection) -> dict[str, str]:
    """Name the sources whose rows a run has loaded as those of another tenant; they are nobody else's."""
    sources, found = chosen_sources(settings, selection), {}
    for record in every_record(settings):
        before = {was.location: was.tenant_id for was in record.sources.values()}
        others = [s for s in sources if before.get(str(s.dsn), s.tenant_id) != s.tenant_id]
        if others and has_loaded(settings, record):
            for source in others:
                tenant = before[str(source.dsn)]
                found[source.id] = f"run {record.run_id} has moved its rows as those of tenant {tenant}"
    return found


def _is_left(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    without: Collection[str],
    done: Collection[ledger.Pair],
) -> bool:
    """Say whether anything is selected that is not done."""
    tenants = chosen_tenants(settings, selection, without)
    return rest(catalog, tenants, chosen_entities(settings, catalog, selection), done) is not None


def _is_within(settings: Settings, catalog: Catalog, selection: Selection, record: RunRecord) -> bool:
    """Say whether a run moves nothing but what is selected, from and to where the configuration says."""
    if record.selection == selection.as_record():
        return is_same_place(record, settings)
    entities, tenants = chosen_entities(settings, catalog, selection), chosen_tenants(settings, selection, ())
    is_inside = {*record.entities} <= {*entities} and {*record.tenants} <= {*tenants}
    return is_inside and is_same_place(record, settings)


def _newest_within(settings: Settings, catalog: Catalog, selection: Selection) -> RunRecord | None:
    """Give the newest finished run that moved nothing but what is selected; one of the same selection, if there is."""
    within = [r for r in staged(settings) if _is_within(settings, catalog, selection, r) and is_finished(settings, r)]
    equal = [r for r in within if r.selection == selection.as_record()]
    return next(iter(equal or within), None)


def _continued(record: RunRecord, as_of: datetime | None, say: Callable[[str], None]) -> RunRecord:
    if as_of is not None and _in_utc(as_of) != record.as_of:
        raise RunMismatch(
            where=f"run {record.run_id}",
            got=f"--as-of {as_of.isoformat()}",
            expected=f"{record.as_of.isoformat()}, as the run began",
            remedy="leave --as-of out: a run that goes on keeps its instant",
        )
    say(f"continuing run {record.run_id}")
    return record


def _in_utc(as_of: datetime | None) -> datetime | None:
    return as_of.replace(tzinfo=UTC) if as_of else None


def _overtaken_by(settings: Settings, catalog: Catalog, record: RunRecord) -> str | None:
    """Name the run that has claimed what this one would load, where this one has claimed nothing."""
    services = {catalog[e].service for e in record.entities if e in catalog.entities}
    claims = claimed(settings, services)
    if any(claim.run == record.run_id for claim in claims.values()):
        return None
    mine = moved_by([record])
    return min((claim.run for pair, claim in claims.items() if pair in mine), default=None)


def _way_on(settings: Settings, run_id: str) -> str | None:
    """Say what to do about a run that holds rows; None where its record is nowhere."""
    return next((way_on(r, settings) for r in every_record(settings) if r.run_id == run_id), None)
