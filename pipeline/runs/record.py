"""Runs: begun, found again, opened.

A run is fixed by its record before the first row moves. Invariant: it is continued only under the same source, target
and selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from pipeline.core.plan import RunRecord
from pipeline.errors import MigrationError, RunMismatch, RunVersion, StagingError
from pipeline.observe.log import AuditLog
from pipeline.runs.plan import Selection, chosen_entities, make_plan
from pipeline.runs.recovery import is_same_place, recorded, recover, way_on
from pipeline.settings import Settings
from pipeline.stores import ledger
from pipeline.stores.lock import TargetLock
from pipeline.stores.staging import Staging, run_ids
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from schemas.catalog import Catalog


def find_run(settings: Settings, selection: Selection) -> RunRecord | None:
    """Find the newest run of equal source, target and selection, among those that this version can continue."""
    for run_id in run_ids(settings.run.staging):
        try:
            record = Staging(settings.run.staging, run_id).read_record()
        except RunVersion:
            continue
        if record.selection == selection.as_record() and is_same_place(record, settings):
            return record
    return None


def new_run(settings: Settings, catalog: Catalog, selection: Selection, as_of: datetime | None = None) -> RunRecord:
    """Plan a run and write its record, before the first row moves.

    Raises:
        MigrationError: the first of the problems that stand in the way, the others counted.
    """
    plan = make_plan(settings, catalog, selection, as_of)
    if plan.record is None:
        raise plan.problems[0] if len(plan.problems) == 1 else _several(plan.problems)
    if plan.held:
        tenant, entity = plan.held[0]
        held = plan.claims[tenant, entity]
        way = _way_on(settings, held.run)
        raise ledger.refused(tenant, entity, held, others=len(plan.held) - 1, way_on=way)
    Staging(settings.run.staging, plan.record.run_id).write_record(plan.record)
    return plan.record


def target_lock(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    run_id: str | None,
    *,
    command: str,
    wait: bool,
    say: Callable[[str], None],
) -> TargetLock:
    """Give the lock of every database that the run named, or one of the selection, writes to; it is not taken yet.

    It is taken before a run is looked for or planned: of two that begin at once, the second finds the first one's.
    """
    if run_id is not None:
        services = set(_staged_or_recovered(settings, run_id, say).target)
    else:
        services = {catalog[e].service for e in chosen_entities(settings, catalog, selection)}
    return TargetLock(settings, services, command, wait=wait, say=say)


def open_run(
    settings: Settings,
    catalog: Catalog,
    record: RunRecord,
    lock: TargetLock | None = None,
    *,
    even_purged: bool = False,
) -> Workspace:
    """Open a run that has a record; whoever commits under it holds the lock.

    Raises:
        RunMismatch: sources or target of the configuration are not those of the run.
        StagingError: the run has been purged.
    """
    if not is_same_place(record, settings):
        raise RunMismatch(
            where=f"run {record.run_id}",
            got="other sources or another target in the configuration",
            expected=f"{', '.join(s.location for s in record.sources.values())} into "
            f"{', '.join(record.target.values())}",
            remedy=way_on(record, settings),
        )
    missing = [e for e in record.entities if e not in catalog.entities]
    if missing:
        raise RunMismatch(
            where=f"run {record.run_id}",
            got=f"no entry for {', '.join(missing)}",
            expected="an entry for every entity of the run",
            remedy="put the entries back that the run began with; rows of theirs are loaded, or will be",
        )
    staging = Staging(settings.run.staging, record.run_id)
    if staging.note("purged") and not even_purged:
        raise purged(record)
    return Workspace(settings, catalog, record, staging, AuditLog(staging.audit_path()), lock)


def _several(problems: list[MigrationError]) -> MigrationError:
    return MigrationError(
        f"{len(problems)} problems stand in the way; nothing was moved\n" + "\n".join(f"- {p}" for p in problems)
    )


def known(settings: Settings) -> list[str]:
    """Name the runs there are, the newest first."""
    return run_ids(settings.run.staging)


def read(settings: Settings, run_id: str) -> RunRecord:
    """Read the record of a run.

    Raises:
        StagingError: there is no such run.
    """
    return Staging(settings.run.staging, run_id).read_record()


def latest(settings: Settings) -> RunRecord:
    """Read the record of the newest run.

    Raises:
        StagingError: there is none.
    """
    for run_id in known(settings):
        return read(settings, run_id)
    raise StagingError("there is no run yet", where=str(settings.run.staging), remedy="begin one with `migrate run`")


def purged(record: RunRecord) -> StagingError:
    """Say that the staged rows of a run are gone."""
    return StagingError("the staged files of this run have been purged", where=f"run {record.run_id}")


def begin(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    run_id: str | None,
    as_of: datetime | None,
    *,
    say: Callable[[str], None],
) -> RunRecord:
    """Give the run named, else continue the newest of equal source, target and selection, else begin one."""
    if run_id is not None:
        return _named(settings, selection, run_id, say)
    record = find_run(settings, selection)
    if record is not None and (other := _overtaken_by(settings, catalog, record)):
        say(f"run {record.run_id} has loaded nothing and cannot any more: what it holds is loaded by run {other}")
        record = None
    services = {catalog[e].service for e in chosen_entities(settings, catalog, selection)}
    record = record or _from_target(settings, selection, say, services)
    if record is not None:
        if as_of is not None and as_of.replace(tzinfo=UTC) != record.as_of:
            raise RunMismatch(
                where=f"run {record.run_id}",
                got=f"--as-of {as_of.isoformat()}",
                expected=f"{record.as_of.isoformat()}, as the run began",
                remedy="leave --as-of out: a run that goes on keeps its instant",
            )
        say(f"continuing run {record.run_id}")
        return record
    record = new_run(settings, catalog, selection, as_of.replace(tzinfo=UTC) if as_of else None)
    say(f"beginning run {record.run_id}: {sum(record.counts.values()):,} legacy rows, {len(record.entities)} entities")
    return record


def _overtaken_by(settings: Settings, catalog: Catalog, record: RunRecord) -> str | None:
    """Name the run that has claimed what this one would load, where this one has claimed nothing."""
    others: set[str] = set()
    for service in sorted({catalog[e].service for e in record.entities if e in catalog.entities}):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            for pair, claim in ledger.claims(database).items() if ledger.exists(database) else ():
                if claim.run == record.run_id:
                    return None
                if pair[0] in record.tenants and pair[1] in record.entities:
                    others.add(claim.run)
    return min(others, default=None)


def existing(settings: Settings, selection: Selection, run_id: str | None, *, say: Callable[[str], None]) -> RunRecord:
    """Give the run named, else the newest of equal source, target and selection.

    Raises:
        StagingError: there is none.
    """
    if run_id is not None:
        return _named(settings, selection, run_id, say)
    record = find_run(settings, selection) or _from_target(settings, selection, say)
    if record is None:
        elsewhere = _elsewhere(settings, selection)
        raise StagingError(
            "there is no run of this source, target and selection",
            where=str(settings.run.staging),
            got=f"runs {', '.join(known(settings)) or '(none)'}",
            remedy=way_on(elsewhere, settings)
            if elsewhere
            else "name a run with --run-id, or begin one with `migrate extract` or `migrate run`",
        )
    say(f"continuing run {record.run_id}")
    return record


def _from_target(
    settings: Settings, selection: Selection, say: Callable[[str], None], services: Iterable[str] | None = None
) -> RunRecord | None:
    """Take the newest record of equal source, target and selection from the target, where the staged one is lost."""
    for record, is_purged in recorded(settings, services):
        if record.selection == selection.as_record() and is_same_place(record, settings):
            say(f"run {record.run_id} is not staged here; its record is taken from the target")
            recover(settings, record, is_purged=is_purged)
            return record
    return None


def _staged_or_recovered(settings: Settings, run_id: str, say: Callable[[str], None]) -> RunRecord:
    """Read the record of a run; where it is lost, take it from the target."""
    if run_id not in known(settings):
        for record, is_purged in recorded(settings):
            if record.run_id == run_id:
                say(f"run {run_id} is not staged here; its record is taken from the target")
                recover(settings, record, is_purged=is_purged)
    return read(settings, run_id)


def _every_record(settings: Settings) -> Iterator[RunRecord]:
    for run_id in known(settings):
        with suppress(RunVersion):
            yield read(settings, run_id)
    for record, _ in recorded(settings):
        yield record


def _elsewhere(settings: Settings, selection: Selection) -> RunRecord | None:
    """Give the newest run of equal selection whose sources or target have another place in the configuration."""
    return next((r for r in _every_record(settings) if r.selection == selection.as_record()), None)


def _way_on(settings: Settings, run_id: str) -> str | None:
    """Say what to do about a run that holds rows; None where its record is nowhere."""
    return next((way_on(r, settings) for r in _every_record(settings) if r.run_id == run_id), None)


def is_purged(settings: Settings, run_id: str) -> bool:
    """Say whether a run's staged rows have been removed."""
    return Staging(settings.run.staging, run_id).note("purged") is not None


def _named(settings: Settings, selection: Selection, run_id: str, say: Callable[[str], None]) -> RunRecord:
    record = _staged_or_recovered(settings, run_id, say)
    if selection != Selection() and selection.as_record() != record.selection:
        raise RunMismatch(
            "the run named has another selection",
            where=f"run {run_id}",
            got=str(selection.as_record()),
            expected=str(dict(record.selection)),
            remedy="leave --tenant, --service and --entity out: the run knows its selection",
        )
    return record
