"""Runs that do not simply go on: the staged record is lost, or sources or target have another place. And the way on.

Every database of the target keeps the record of the runs that wrote to it. Invariant: a record is taken from there only
where there is none in the staging directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.connection import Dsn
from pipeline.core.plan import RunRecord, SourceRecord
from pipeline.errors import ConfigError, RunVersion, SourceError, TargetError
from pipeline.settings import Settings, Source
from pipeline.stores import ledger, sqlite_file
from pipeline.stores.staging import Staging, parsed_record, run_ids
from pipeline.stores.target import TargetDatabase


def recorded(settings: Settings, services: Iterable[str] | None = None) -> Iterator[tuple[RunRecord, bool]]:
    """Give the records that the target keeps of runs that the staging directory does not know, the newest first.

    Of all services, where none are named. Each comes with whether its staged rows were purged. Databases that cannot be
    reached are passed over, for the runs of others may be found.
    """
    known, found = set(run_ids(settings.run.staging)), dict[str, tuple[RunRecord, bool]]()
    for service in settings.installation.services if services is None else services:
        try:
            with TargetDatabase(service, settings.target_dsn(service)) as database:
                rows = ledger.records(database) if ledger.exists(database) else []
        except (ConfigError, TargetError):
            continue
        for run_id, text, is_purged in rows:
            if run_id not in known:
                try:
                    found[run_id] = parsed_record(text, f"service {service}, migration.run, run {run_id}"), is_purged
                except RunVersion:
                    continue
    for run_id in sorted(found, reverse=True):
        yield found[run_id]


def recover(settings: Settings, record: RunRecord, *, is_purged: bool) -> None:
    """Write a record that was taken from the target into the staging directory; its rows are staged again as needed."""
    staging = Staging(settings.run.staging, record.run_id)
    staging.write_record(record)
    if is_purged:
        staging.mark("purged", {"at": None})


def is_same_place(record: RunRecord, settings: Settings) -> bool:
    """Say whether sources and target of the configuration are those of a run."""
    return not list(moved(record, settings))


def moved(record: RunRecord, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """List what has another place now: (what, where it was, where it is).

    Of tenants whose staged rows are purged nothing is read any more, wherever it is.
    """
    configured = {s.id: s for s in settings.sources}
    gone = Staging(settings.run.staging, record.run_id).purged_tenants()
    for name, was in record.without(gone).sources.items():
        source = configured.get(name)
        now = "(not configured)" if source is None else str(source.dsn)
        if now != was.location and not (source is not None and _is_same_file(was, source)):
            yield f"source {name}", was.location, now
    for service, place in record.target.items():
        try:
            now = str(settings.target_dsn(service))
        except ConfigError:
            now = "(not configured)"
        if now != place:
            yield f"the target of service {service}", place, now


def _is_same_file(was: SourceRecord, source: Source) -> bool:
    """Say whether a SQLite file under another path holds the bytes that the run began with."""
    if not source.is_file or was.consistency == "live" or not Dsn(was.location).is_file:
        return False
    path = Path(source.path)
    try:
        return path.is_file() and sqlite_file.fingerprint(path, f"source {source.id}") == was.fingerprint
    except (OSError, SourceError):
        return False


def way_on(record: RunRecord, settings: Settings) -> str:
    """Say what to do where a run holds rows and this configuration does not continue it."""
    places = [f"{what} was {before} and is {now}" for what, before, now in moved(record, settings)]
    if not places:
        return f"continue that run: --run-id {record.run_id}"
    shown = "; ".join(places[:3]) + ("; ..." if len(places) > 3 else "")
    return (
        f"of run {record.run_id}, {shown}. Where it is the same database, let it be reached as before (an alias of "
        "the host, a link of the file's name) and give the same command; where it is another, load into new, empty ones"
    )
