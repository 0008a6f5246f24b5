"""The one place where steps are ordered, run side by side, retried and interrupted.

`run` is the sum of extract, transform, load and verify; each looks at what is done (staged files, receipts,
verdicts) and does the rest, so that repeating any of them is safe. Invariant: the run record is written before
the first row moves, and a run is continued only under the same source, target and selection.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock, local
from typing import TypeVar

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.plan import RunRecord, load_order
from pipeline.core.verdict import Verdict
from pipeline.errors import CatalogError, ConfigError, MigrationError, RunMismatch, StagingError
from pipeline.observe.log import AuditLog
from pipeline.observe.progress import Progress
from pipeline.settings import Settings, redacted
from pipeline.stages import extract, load, profile, verify
from pipeline.stages.transform import Transformer
from pipeline.stages.workspace import Workspace
from pipeline.stores import ledger, legacy
from pipeline.stores.ledger import Receipt
from pipeline.stores.staging import Staging, runs
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog, CatalogProblem

_TRIES = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """What --tenant, --service and --entity name; nothing named means all."""

    tenants: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()

    def as_record(self) -> dict[str, tuple[str, ...]]:
        """Give the form that the run record keeps."""
        return {
            "tenant": tuple(sorted(self.tenants)),
            "service": tuple(sorted(self.services)),
            "entity": tuple(sorted(self.entities)),
        }


@dataclass(slots=True)
class Plan:
    """What a run would do, and everything that stands in its way."""

    record: RunRecord | None
    problems: list[MigrationError] = field(default_factory=list)
    #: Tables and columns of the sources that no entry names.
    unnamed: dict[str, tuple[str, ...]] = field(default_factory=dict)


def make_plan(settings: Settings, catalog: Catalog, selection: Selection, as_of: datetime | None = None) -> Plan:
    """Look at sources and target and plan a new run; write nothing.

    Raises:
        ConfigError: the selection names what does not exist.
    """
    try:
        chosen = catalog.select(services=selection.services, entities=selection.entities)
    except CatalogProblem as error:
        raise ConfigError(str(error)) from None
    if settings.login is None:
        chosen = tuple(e for e in chosen if catalog[e].source != "login")
    keys = tuple(sorted(catalog.parents_of(chosen) - set(chosen)))
    plan = Plan(record=None)
    entities = [catalog[e] for e in (*chosen, *keys)]
    claims, plan.problems = profile.check_target(settings, catalog, entities)
    lacking: dict[str, tuple[str, ...]] = {}
    counts: dict[str, int] = {}
    sources = _chosen_sources(settings, selection)
    for source in sources:
        own = [e for e in entities if e.source == source.kind and e.derived_from is None]
        found = profile.profile_source(source, own, catalog)
        plan.problems += found.problems
        plan.unnamed[source.id] = (*found.unnamed, *found.unnamed_columns)
        lacking |= {f"{source.id}/{e}": columns for e, columns in found.lacking.items()}
        counts |= {f"{source.id}/{e}": n for e, n in found.counts.items()}
    plan.problems += _selection_problems(settings, catalog, keys, claims)
    if plan.problems:
        return plan
    plan.record = RunRecord(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        as_of=as_of or datetime.now(UTC).replace(microsecond=0),
        batch_rows=settings.run.batch_rows,
        sources={s.id: profile.source_record(s) for s in sources},
        target={s: redacted(settings.target_dsn(s)) for s in sorted({catalog[e].service for e in chosen})},
        selection=selection.as_record(),
        tenants=_tenants(settings, catalog, selection, chosen, claims),
        entities=chosen,
        key_entities=keys,
        ranges={
            f"{s.id}/{e.id}": tuple(
                r.lower for r in legacy.cut_ranges(s, e.table, key=e.key, batch_rows=settings.run.batch_rows)
                if r.lower is not None
            )
            for s in sources
            for e in (catalog[c] for c in chosen)
            if e.source == s.kind and e.derived_from is None
        },
        lacking=lacking,
        counts=counts,
    )  # fmt: skip
    return plan


def find_run(settings: Settings, selection: Selection) -> RunRecord | None:
    """Find the newest run of equal source, target and selection."""
    for run_id in runs(settings.run.staging):
        record = Staging(settings.run.staging, run_id).read_record()
        if record.selection == selection.as_record() and _same_place(record, settings):
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
    Staging(settings.run.staging, plan.record.run_id).write_record(plan.record)
    return plan.record


def open_run(settings: Settings, catalog: Catalog, record: RunRecord) -> Workspace:
    """Open a run that has a record.

    Raises:
        RunMismatch: sources or target of the configuration are not those of the run.
        SourceChanged: a source is not what it was when the run began.
    """
    if not _same_place(record, settings):
        raise RunMismatch(
            where=f"run {record.run_id}", got="other sources or another target in the configuration",
            expected=f"{', '.join(s.location for s in record.sources.values())} into {', '.join(record.target.values())}",
            remedy="use the configuration that the run began with, or begin a new run",
        )  # fmt: skip
    for name, source in record.sources.items():
        legacy.confirm_unchanged(settings.source(name), before=source.fingerprint)
    missing = [e for e in record.entities if e not in catalog.entities]
    if missing:
        raise RunMismatch(where=f"run {record.run_id}", got=f"no entry for {', '.join(missing)}")
    staging = Staging(settings.run.staging, record.run_id)
    if staging.note("purged"):
        raise StagingError("the staged files of this run have been purged", where=f"run {record.run_id}")
    return Workspace(settings, catalog, record, staging, AuditLog(staging.audit_path()))


def run_extract(ws: Workspace, progress: Progress) -> int:
    """Stage every raw batch that is not staged yet, and the keys of parents; return the rows moved."""
    for entity_id in ws.record.key_entities:
        extract.extract_keys(ws, entity_id)
    due = extract.pending(ws)
    total = sum(ws.record.counts[f"{b.source}/{b.entity}"] for b in {(b.source, b.entity): b for b in due}.values())
    progress.stage("extract", total, len(due))
    moved = sum(_side_by_side(ws, due, lambda b: extract.extract(ws, b), progress))
    for name, source in ws.record.sources.items():
        legacy.confirm_unchanged(ws.settings.source(name), before=source.fingerprint)
    return moved


def run_transform(ws: Workspace, progress: Progress) -> int:
    """Transform every batch that is not transformed yet, parents before children; return the rows transformed."""
    transformer = Transformer(ws)
    total = sum(n for place, n in ws.record.counts.items() if place.partition("/")[2] in ws.record.entities)
    progress.stage("transform", total)
    moved = 0
    for level in ws.catalog.levels(ws.record.entities):
        for source, held in sorted(ws.record.sources.items(), key=lambda item: item[1].kind != "login"):
            here = [e for e in level if ws.catalog[e].source == held.kind]
            due = [batch for entity in here for batch in transformer.pending(entity, source)]
            moved += sum(_side_by_side(ws, due, transformer.transform, progress))
    return moved


def run_load(ws: Workspace, progress: Progress) -> int:
    """Load every batch that the target has no receipt for; return the rows moved."""
    for service in ws.services():
        with TargetDatabase(service, ws.settings.target_dsn(service), role=None) as owner:
            if not ledger.exists(owner):
                ledger.create(owner)
                owner.commit()
    due = due_to_load(ws)
    progress.stage("load", sum(r.mapped + r.rejected for r in due), len(due))
    with _Connections(ws) as connections:
        # Shared rows belong to no tenant and are there before any tenant's rows refer to them.
        moved = 0
        for shared in (True, False):
            part = [r for r in due if ws.catalog[r.batch.entity].is_shared is shared]
            moved += sum(_side_by_side(ws, part, connections.load, progress))
    for service in ws.services():
        with ws.database(service) as database:
            for entity in ws.entities_of(service):
                load.complete(ws, database, entity)
    return moved


def due_to_load(ws: Workspace) -> list[Receipt]:
    """List what is transformed and not yet loaded, in the order of loading."""
    due: list[Receipt] = []
    for service in ws.services():
        with ws.database(service) as database:
            for entity in ws.entities_of(service):
                due += load.pending(ws, database, entity)
    rank = {entity: n for n, entity in enumerate(load_order(ws.catalog, ws.record))}
    return sorted(due, key=lambda r: (rank[r.batch.entity], r.batch.source, r.batch.number, r.tenant))


def run_verify(ws: Workspace, progress: Progress) -> Verdict:
    """Verify the run's whole selection."""
    progress.stage("verify")
    return verify.verify(ws)


def run_all(ws: Workspace, progress: Progress) -> Verdict:
    """Extract, transform, load and verify."""
    run_extract(ws, progress)
    run_transform(ws, progress)
    run_load(ws, progress)
    return run_verify(ws, progress)


def is_finished(settings: Settings, catalog: Catalog, record: RunRecord) -> bool:
    """Say whether the run is loaded and its last verdict of every tenant is parity."""
    staging = Staging(settings.run.staging, record.run_id)
    purged = staging.note("purged") is not None
    for service in sorted({catalog[e].service for e in record.entities}):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if not ledger.exists(database):
                return False
            loaded = {r.tenant for r in ledger.receipts(database, record.run_id)}
            if not loaded <= ledger.verified(database, record.run_id):
                return False
            if not purged and any(
                not load.is_loaded(staging, database, record, e)
                for e in record.entities
                if catalog[e].service == service
            ):
                return False
    return True


def purge(settings: Settings, catalog: Catalog, record: RunRecord) -> int:
    """Remove a verified run's staged rows; note it beside the run record and in every service database.

    Raises:
        StagingError: the run is not loaded and verified.
    """
    if not is_finished(settings, catalog, record):
        raise StagingError(
            "only a loaded and verified run is purged", where=f"run {record.run_id}",
            remedy="`migrate verify` must end in parity first",
        )  # fmt: skip
    staging = Staging(settings.run.staging, record.run_id)
    staging.mark("purged", {"at": datetime.now(UTC).isoformat(timespec="seconds")})
    size = staging.purge()
    for service in sorted({catalog[e].service for e in record.entities}):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            ledger.record_purge(database, record.run_id)
            database.commit()
    return size


class _Connections:
    """A connection for each thread and service; one that was lost is made anew and its batch tried again."""

    def __init__(self, ws: Workspace) -> None:
        self._ws, self._local = ws, local()
        self._stack, self._lock = ExitStack(), Lock()

    def __enter__(self) -> _Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def load(self, receipt: Receipt) -> int:
        service = self._ws.catalog[receipt.batch.entity].service
        for attempt in range(_TRIES):
            try:
                database = self._database(service)
                # After a lost connection only the target knows whether the commit arrived.
                if attempt and receipt not in load.pending(self._ws, database, receipt.batch.entity):
                    return receipt.mapped + receipt.rejected
                return load.load(self._ws, database, receipt)
            except MigrationError as error:
                self._drop(service)
                if not error.transient or attempt == _TRIES - 1:
                    raise
                time.sleep(2**attempt)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _database(self, service: str) -> TargetDatabase:
        held: dict[str, TargetDatabase] = self._local.__dict__.setdefault("held", {})
        if service not in held:
            database = self._ws.database(service)
            with self._lock:
                self._stack.push(database.__exit__)
            held[service] = database
        return held[service]

    def _drop(self, service: str) -> None:
        self._local.__dict__.setdefault("held", {}).pop(service, None)


def _side_by_side(ws: Workspace, work: Sequence[T], step: Callable[[T], int], progress: Progress) -> Iterable[int]:
    """Do the work in the order given, as many at a time as configured; stop at the first error."""

    def one(item: T) -> int:
        rows = step(item)
        progress.advance(rows)
        return rows

    if not work:
        return []
    pool = ThreadPoolExecutor(max_workers=ws.settings.run.parallel)
    try:
        futures: list[Future[int]] = [pool.submit(one, item) for item in work]
        wait(futures, return_when=FIRST_EXCEPTION)
        failed = next((f for f in futures if f.done() and not f.cancelled() and f.exception()), None)
        if failed is not None:
            failed.result()
        return [f.result() for f in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _chosen_sources(settings: Settings, selection: Selection) -> list[profile.Source]:
    known = {s.id for s in settings.districts}
    for name in selection.tenants:
        if name not in known:
            raise ConfigError(f"no district source is named {name!r}; known are {', '.join(sorted(known))}")
    login = [settings.login] if settings.login else []
    return [*login, *(s for s in settings.districts if not selection.tenants or s.id in selection.tenants)]


def _tenants(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    chosen: Iterable[str],
    claims: dict[tuple[str, str], tuple[str, str]],
) -> tuple[str, ...]:
    """List the tenants whose rows move: those of the sources, and the shared and unresolved rows of the login database.

    A run of some tenants brings shared rows along unless an earlier run loaded them; rows whose tenant is unknown
    move with a run of all.
    """
    districts = [str(profile.tenant_id(s.tenant)) for s in _chosen_sources(settings, selection) if s.tenant is not None]
    shared_loaded = any((str(NIL), e) in claims for e in chosen)
    shared = [] if selection.tenants and shared_loaded else [str(NIL)]
    unresolved = [] if selection.tenants else [str(UNRESOLVED)]
    return (*sorted(districts), *shared, *unresolved)


def _selection_problems(
    settings: Settings, catalog: Catalog, keys: Iterable[str], claims: dict[tuple[str, str], tuple[str, str]]
) -> Iterable[MigrationError]:
    for entity_id in keys:
        if catalog[entity_id].shared is not None and not any(e == entity_id for _, e in claims):
            yield CatalogError(
                "a shareable parent is neither selected nor loaded", where=entity_id,
                got="its rows may map to shared ones, so its ids cannot be formed from keys alone",
                remedy=f"select it too (--entity {entity_id}), or load it first",
            )  # fmt: skip
    if settings.login is not None:
        known = profile.known_districts(settings.login, catalog)
        for source in settings.districts:
            if str(source.tenant) not in known:
                yield ConfigError(
                    "the tenant is not in the login database's District table", where=f"source {source.id}",
                    got=f"tenant = {source.tenant}", expected=f"one of {', '.join(sorted(known, key=int))}",
                )  # fmt: skip


def _same_place(record: RunRecord, settings: Settings) -> bool:
    try:
        return all(
            redacted(settings.source(name).dsn.get_secret_value()) == s.location for name, s in record.sources.items()
        ) and all(redacted(settings.target_dsn(service)) == place for service, place in record.target.items())
    except ConfigError:
        return False


def _several(problems: list[MigrationError]) -> MigrationError:
    return MigrationError(
        f"{len(problems)} problems stand in the way; nothing was moved\n" + "\n".join(f"- {p}" for p in problems)
    )
