"""Runs that have come to their end: loaded and verified; and their staged rows, which may go then."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.core.plan import RunRecord
from pipeline.errors import StagingError
from pipeline.settings import Settings
from pipeline.stages import load
from pipeline.stores import ledger
from pipeline.stores.lock import TargetLock
from pipeline.stores.staging import TRANSFORMED, Staging
from pipeline.stores.target import TargetDatabase


def is_finished(settings: Settings, record: RunRecord) -> bool:
    """Say whether the run is loaded and its last verdict of every tenant is parity."""
    staging = Staging(settings.run.staging, record.run_id)
    is_purged = staging.note("purged") is not None or bool(staging.purged_tenants())
    return _is_proven(settings, record, even_in_part=is_purged)


def _is_proven(settings: Settings, record: RunRecord, *, even_in_part: bool) -> bool:
    """Say whether whatever is staged is loaded and verified; and that all is staged, unless a part will do."""
    staging = Staging(settings.run.staging, record.run_id)
    if not even_in_part and staging.note(TRANSFORMED) is None:
        return False
    for service in sorted(record.target):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if not ledger.exists(database):
                return False
            receipts: dict[str, list[ledger.Receipt]] = {}
            for receipt in ledger.receipts(database, record.run_id):
                receipts.setdefault(receipt.batch.entity, []).append(receipt)
            loaded = {r.tenant for of_entity in receipts.values() for r in of_entity}
            if not loaded <= ledger.verified(database, record.run_id):
                return False
            if ledger.has_open_claims(database, record.run_id):
                return False
            own = [e for e in record.entities if e.partition(".")[0] == service]
            if not all(load.is_loaded(staging, receipts.get(e, ()), e, even_in_part=even_in_part) for e in own):
                return False
    return True


def purge(settings: Settings, record: RunRecord, lock: TargetLock) -> int:
    """Remove a verified run's staged rows; then note it beside the run record and in every service database.

    Killed in the middle, it goes on when it is asked again.

    Raises:
        StagingError: the run is not loaded and verified.
        DiskError: something could not be removed, and is still there.
    """
    if not is_finished(settings, record) and not _is_purge_begun(settings, record):
        raise StagingError(
            "only a loaded and verified run is purged",
            where=f"run {record.run_id}",
            remedy="`migrate verify` must end in parity first",
        )
    staging = Staging(settings.run.staging, record.run_id)
    size = staging.purge()
    if staging.note("purged") is None:
        staging.mark("purged", {"at": datetime.now(UTC).isoformat(timespec="seconds")})
    for service in sorted(record.target):
        with TargetDatabase(service, settings.target_dsn(service), before_commit=lock.confirm) as database:
            ledger.record_purge(database, record.run_id)
            database.commit()
    return size


def _is_purge_begun(settings: Settings, record: RunRecord) -> bool:
    """Say whether this can be what a purge left that did not come to its end: a part of a run that was verified."""
    for service in sorted(record.target):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if ledger.exists(database) and ledger.receipts(database, record.run_id):
                return _is_proven(settings, record, even_in_part=True)
    return False
