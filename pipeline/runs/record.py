"""Runs: begun, found again, opened.

A run is fixed by its record before the first row moves. Invariant: it is continued only under the same source, target
and selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import product

from pipeline.core.plan import RunRecord
from pipeline.errors import RunMismatch, RunVersion, StagingError
from pipeline.observe.log import AuditLog
from pipeline.runs.plan import Selection, chosen_entities
from pipeline.runs.recovery import is_same_place, recorded, recover, way_on
from pipeline.settings import Settings
from pipeline.stores import ledger
from pipeline.stores.lock import Commits, TargetLock
from pipeline.stores.staging import PurgedTenant, Staging, run_ids
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from schemas.catalog import Catalog


def staged(settings: Settings) -> list[RunRecord]:
    """Read the records of the runs that are staged here and that this version can continue, the newest first."""
    found = []
    for run_id in run_ids(settings.run.staging):
        with suppress(RunVersion):
            found.append(Staging(settings.run.staging, run_id).read_record())
    return found


def find_run(settings: Settings, selection: Selection) -> RunRecord | None:
    """Find the newest run of equal source, target and selection, among those that this version can continue."""
    return next(_equal(settings, selection), None)


def _equal(settings: Settings, selection: Selection) -> Iterator[RunRecord]:
    for record in staged(settings):
        if record.selection == selection.as_record() and is_same_place(record, settings):
            yield record


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
    lock: Commits | None = None,
    *,
    even_purged: bool = False,
) -> Workspace:
    """Open a run that has a record; whoever commits under it holds the lock.

    Tenants whose staged rows were purged are no part of it any more.

    Raises:
        RunMismatch: sources or target of the configuration are not those of the run.
        StagingError: the run has been purged; or the purge of a tenant has not come to its end.
    """
    staging = Staging(settings.run.staging, record.run_id)
    gone = staging.purged_tenants()
    if staging.note("purged") is None:
        _demand_ended(record, gone)
    record = record.without(gone)
    if not is_same_place(record, settings):
        raise RunMismatch(
            where=f"run {record.run_id}",
            got="other sources or another target in the configuration",
            expected=f"{', '.join(s.location for s in record.sources.values())} into "
            f"{', '.join(record.target.values())}",
            remedy=way_on(record, settings),
        )
    demand_entries(catalog, record)
    if is_purged(settings, record.run_id) and not even_purged:
        raise purged(record)
    return Workspace(settings, catalog, record, staging, AuditLog(staging.audit_path()), lock, purged=frozenset(gone))


def _demand_ended(record: RunRecord, gone: Mapping[str, PurgedTenant]) -> None:
    """Refuse to work on a run while a purge has removed a part of a tenant's rows."""
    if begun := [tenant.name for tenant in gone.values() if tenant.at is None]:
        options = " ".join(f"--tenant {name}" for name in begun)
        raise StagingError(
            "the purge of a tenant has not come to its end",
            where=f"run {record.run_id}",
            got=f"a part of the staged rows of {', '.join(begun)}",
            expected="all of them, or none",
            remedy=f"`migrate purge --run-id {record.run_id} {options}` goes on",
        )


def demand_entries(catalog: Catalog, record: RunRecord) -> None:
    """Refuse to work on a run with a catalog that lacks entries of its entities.

    Raises:
        RunMismatch: it does.
    """
    missing = [e for e in record.entities if e not in catalog.entities]
    if missing:
        raise RunMismatch(
            where=f"run {record.run_id}",
            got=f"no entry for {', '.join(missing)}",
            expected="an entry for every entity of the run",
            remedy="put the entries back that the run began with; rows of theirs are loaded, or will be",
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


def existing(settings: Settings, selection: Selection, run_id: str | None, *, say: Callable[[str], None]) -> RunRecord:
    """Give the run named, else the newest of equal source, target and selection.

    Raises:
        StagingError: there is none.
    """
    if run_id is not None:
        return named(settings, selection, run_id, say)
    record = find_run(settings, selection) or from_target(settings, selection, say)
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


def existing_all(
    settings: Settings, selection: Selection, run_id: str | None, *, say: Callable[[str], None]
) -> list[RunRecord]:
    """Give the run named, else every run of equal source, target and selection that has loaded anything, in order.

    Raises:
        StagingError: there is none.
    """
    newest = existing(settings, selection, run_id, say=say)
    if run_id is not None:
        return [newest]
    earlier = [r for r in _equal(settings, selection) if r != newest and has_loaded(settings, r)]
    return [*reversed(earlier), newest]


def claimed(settings: Settings, services: Iterable[str]) -> dict[ledger.Pair, ledger.Claim]:
    """Read what runs hold of services: tenant and entity -> which run, and whether to its end."""
    found: dict[ledger.Pair, ledger.Claim] = {}
    for service in sorted(services):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            found |= ledger.claims(database) if ledger.exists(database) else {}
    return found


def has_loaded(settings: Settings, record: RunRecord) -> bool:
    """Say whether any row of a run is loaded."""
    return any(claim.run == record.run_id for claim in claimed(settings, record.target).values())


def moved_by(records: Iterable[RunRecord]) -> set[ledger.Pair]:
    """List what runs are of: each entity of each tenant."""
    return {pair for record in records for pair in product(record.tenants, record.entities)}


def from_target(
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


def every_record(settings: Settings) -> Iterator[RunRecord]:
    """Read the records of all runs, staged here or kept in the target."""
    for run_id in known(settings):
        with suppress(RunVersion):
            yield read(settings, run_id)
    for record, _ in recorded(settings):
        yield record


def _elsewhere(settings: Settings, selection: Selection) -> RunRecord | None:
    """Give the newest run of equal selection whose sources or target have another place in the configuration."""
    return next((r for r in every_record(settings) if r.selection == selection.as_record()), None)


def is_purged(settings: Settings, run_id: str) -> bool:
    """Say whether a run's staged rows have been removed: at once, or each tenant's."""
    staging = Staging(settings.run.staging, run_id)
    if staging.note("purged") is not None:
        return True
    record, gone = staging.read_record(), {t for t, tenant in staging.purged_tenants().items() if tenant.at is not None}
    return not record.is_shared and record.without(gone).is_shared


def named(settings: Settings, selection: Selection, run_id: str, say: Callable[[str], None]) -> RunRecord:
    """Give the run named.

    Raises:
        RunMismatch: it has another selection than the one named beside it.
        StagingError: there is no such run.
    """
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
