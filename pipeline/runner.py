"""The one place where steps are ordered, run side by side, retried and interrupted.

`run` is the sum of extract, transform, load and verify; each looks at what is done (staged files, receipts,
verdicts) and does the rest, so that repeating any of them is safe. Invariant: the run record is written before
the first row moves, and a run is continued only under the same source, target and selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from threading import Lock, local
from typing import TypeVar

from pipeline import runs
from pipeline.apart import SourcesApart, TenantsApart
from pipeline.attempts import from_source, retried
from pipeline.core.plan import Batch, Held, load_order, sources_of
from pipeline.core.verdict import CHANGED_SINCE_WAY_ON, Verdict
from pipeline.core.waves import parts
from pipeline.errors import MigrationError, RowsRefused, RunMismatch, SourceChanged, SourcesFailed, StagingError
from pipeline.observe.progress import Progress
from pipeline.reading import errands
from pipeline.stages import extract, load
from pipeline.stages.load import Due
from pipeline.stages.transform import Transformer
from pipeline.stores import ledger
from pipeline.stores.staging import TRANSFORMED
from pipeline.stores.target import TargetDatabase
from pipeline.stores.transcript import Transcript
from pipeline.verification import verify
from pipeline.workspace import Workspace

#: Times that a live source is read again before its rows are taken as they are.
_PASSES = 3
T = TypeVar("T")


def run_extract(ws: Workspace, progress: Progress) -> int:
    """Stage every raw batch that is not staged yet, and the keys of parents; return the rows moved."""
    _refuse_changed_entries(ws)
    sources = SourcesApart(ws)
    for held in _key_tables(ws):
        sources.ask(held.source, partial(retried, partial(extract.extract_keys, ws, held)))
    for entity_id in ws.record.key_entities:
        retried(partial(extract.loaded_keys, ws, entity_id))
    due = extract.pending(ws)
    total = sum(ws.record.counts[held] for held in {Held(b.source, b.entity) for errand in due for b in errand})
    progress.stage("extract", total, len(due))
    moved = sum(_side_by_side(ws, due, _asking(ws, sources, extract.extract), progress))
    for name, source in ws.record.sources.items():
        if due and source.consistency != "live":
            sources.ask(name, partial(_confirm_unchanged, ws, name))
    _settle(ws, sources, progress)
    sources.tell()
    return moved


def _key_tables(ws: Workspace) -> list[Held]:
    """List the tables of which only keys are read."""
    return [Held(name, e) for e in ws.record.key_entities for name in sources_of(ws.catalog[e], ws.record)]


def _asking(
    ws: Workspace, sources: SourcesApart, step: Callable[[Workspace, tuple[Batch, ...]], int]
) -> Callable[[tuple[Batch, ...]], int]:
    """Give a step that asks the source of its batches."""
    return lambda errand: sources.ask(errand[0].source, lambda: from_source(ws, errand, step))


def _confirm_unchanged(ws: Workspace, name: str) -> None:
    """Check a source that was declared not to change."""
    tables, before = partial(ws.tables, name), ws.record.sources[name].fingerprint
    try:
        retried(lambda: ws.source(name).confirm_unchanged(tables, before=before))
    except SourceChanged as error:
        raise SourceChanged(
            error.what, where=error.where, got=error.got, expected=error.expected, remedy=_way_on(ws)
        ) from None


def _way_on(ws: Workspace) -> str:
    """Say what to do about a source that is not any more what the run began with."""
    for service in ws.services():
        with ws.database(service) as database:
            if ledger.exists(database) and ledger.receipts(database, ws.record.run_id):
                return CHANGED_SINCE_WAY_ON
    return (
        f"nothing of the run is loaded: keep the source from changing, remove {ws.staging.run}, and the same command "
        "begins anew"
    )


def _live_batches(ws: Workspace) -> list[Batch]:
    return [b for b in ws.raw_batches() if ws.record.sources[b.source].consistency == "live"]


def _settle(ws: Workspace, sources: SourcesApart, progress: Progress) -> None:
    """Read what live sources hold again, until nothing has changed since or the passes are over."""
    live = _live_batches(ws)
    if not live or ws.staging.note("settled"):
        return
    changed = []
    for number in range(_PASSES):
        asked = errands(ws, live)
        progress.stage(f"read again, pass {number + 1}", len(asked), len(asked))
        changed.append(sum(_side_by_side(ws, asked, _asking(ws, sources, extract.refresh), progress)))
        living = (h for h in _key_tables(ws) if ws.record.sources[h.source].consistency == "live")
        changed[-1] += sum(sources.ask(h.source, partial(extract.refresh_keys, ws, h)) for h in living)
        if not changed[-1]:
            break
    sources.tell()
    ws.staging.mark("settled", {"changed_batches_by_pass": changed})


def run_transform(ws: Workspace, progress: Progress) -> int:
    """Transform every batch that is not transformed yet, parents before children; return the rows transformed."""
    if ws.purged:
        return 0  # all was transformed and loaded before; of what a bundle was made of, a part is gone
    _refuse_changed_entries(ws)
    if _live_batches(ws) and not ws.staging.note("settled"):
        raise StagingError(
            "a live source has not been read to its end",
            where=f"run {ws.record.run_id}",
            remedy="run `migrate extract` first: it reads what has changed meanwhile again",
        )
    total = sum(n for held, n in ws.record.counts.items() if held.entity in ws.record.entities)
    progress.stage("transform", total)
    moved, shared = 0, None
    for wave, record in parts(ws.record, ws.catalog):
        transformer = Transformer(replace(ws, record=record), wave, shared)
        if record.is_shared:
            shared = transformer
        for level in ws.catalog.levels(record.entities):
            due = [bundle for entity in level for bundle in transformer.pending(entity)]
            moved += sum(_side_by_side(ws, due, transformer.transform, progress))
    if ws.staging.note(TRANSFORMED) is None:
        ws.staging.mark(TRANSFORMED, {})
    return moved


def run_load(ws: Workspace, progress: Progress) -> int:
    """Load every batch that the target has no receipt for; return the rows moved."""
    due = retried(lambda: due_to_load(ws))
    retried(lambda: _refuse_claimed(ws, due))
    for service in ws.services():
        retried(partial(load.record_run, ws, service))
    progress.stage("load", sum(d.rows for d in due), len(due))
    with _Connections(ws) as connections:
        # Shared rows belong to no tenant and are there before any tenant's rows refer to them.
        moved, tenants = 0, TenantsApart(connections.load)
        for shared in (True, False):
            part = [d for d in due if ws.catalog[d.bundle.entity].is_shared is shared]
            moved += sum(_side_by_side(ws, part, tenants.load, progress))
    for service in ws.services():
        retried(partial(load.complete, ws, service, without=tenants.refused))
    tenants.tell(ws)
    return moved


def _refuse_claimed(ws: Workspace, due: Iterable[Due]) -> None:
    """Refuse to load where another run has claimed any of it: a part would be claimed that never becomes whole."""
    claims: dict[ledger.Pair, ledger.Claim] = {}
    for service in ws.services():
        with ws.database(service) as database:
            claims |= ledger.claims(database)
    pairs = dict.fromkeys((r.tenant, r.batch.entity) for d in due for r in d.receipts)
    held = [pair for pair in pairs if pair in claims and claims[pair].run != ws.record.run_id]
    if held:
        raise ledger.refused(*held[0], claims[held[0]], others=len(held) - 1)


def due_to_load(ws: Workspace) -> list[Due]:
    """List what is transformed and not yet loaded, in the order of loading."""
    due: list[Due] = []
    for service in ws.services():
        with ws.database(service) as database:
            for entity in ws.entities_of(service):
                due += load.pending(ws, database, entity)
    rank = {entity: n for n, entity in enumerate(load_order(ws.catalog, ws.record))}
    return sorted(due, key=lambda d: (rank[d.bundle.entity], d.bundle.wave, d.bundle.number))


def run_verify(ws: Workspace, progress: Progress, transcript: Transcript | None = None) -> Verdict:
    """Verify the run's whole selection."""
    _demand_staged(ws)

    def attempt() -> Verdict:
        progress.stage("verify", sum(n for held, n in ws.record.counts.items() if held.entity in ws.record.entities))
        return verify(ws, transcript, progress.advance)

    verdict = retried(attempt)
    ws.staging.mark(runs.VERDICT, {"unresolved": dict(verdict.unresolved)})
    return verdict


def _demand_staged(ws: Workspace) -> None:
    """Refuse to compare where the raw rows are not there at all, as after a loss of the staging directory."""
    if not any(ws.staging.raw_path(b).exists() for b in ws.raw_batches()):
        raise StagingError(
            "none of its raw rows is staged here",
            where=f"run {ws.record.run_id}",
            got=str(ws.staging.run),
            remedy=f"`migrate run --run-id {ws.record.run_id}` reads them again, loads what is not, and verifies",
        )
    for batch in ws.raw_batches():
        if extract.is_outdated(ws, batch):
            raise RunMismatch(
                where=f"run {ws.record.run_id}, {batch.entity}",
                got="raw rows that were staged under another version of its entry, with other columns, types or a key",
                expected="the entry that they were read by, for what must be loaded follows from them",
                remedy="restore the catalog that the run began with, or load into new, empty databases",
            )


def run_all(ws: Workspace, progress: Progress) -> Verdict:
    """Extract, transform, load and verify."""
    run_extract(ws, progress)
    run_transform(ws, progress)
    run_load(ws, progress)
    return run_verify(ws, progress)


def bring_over(ws: Workspace, progress: Progress) -> tuple[Workspace, Verdict | None, runs.LeftOut]:
    """Do what is not done yet, and verify.

    A source that fails before anything is loaded leaves the run, and a later one moves it. A tenant whose rows the
    target refuses stays in the run, which goes on with it when it is asked again.

    Returns:
        The run with what it was verified of; the verdict, None where all was loaded and verified before; the sources
        that could not come along, and why.

    Raises:
        StagingError: something is not done, and the staged rows it takes have been purged.
    """
    is_purged, left = runs.is_purged(ws.settings, ws.record.run_id), dict[str, str]()
    if runs.is_finished(ws.settings, ws.record):
        # Of a source that lives only a comparison tells what is new in it.
        return ws, run_verify(ws, progress) if _live_batches(ws) and not is_purged else None, left
    if is_purged:
        raise runs.purged(ws.record)
    while True:
        try:
            return ws, run_all(ws, progress), left
        except SourcesFailed as failed:
            left |= {source: error.in_a_line() for source, error in failed.found.items()}
            ws = runs.leave(ws, failed)
        except RowsRefused as refused:
            of = [(s.tenant_id, name) for name, s in ws.record.sources.items() if s.tenant_id is not None]
            left |= {name: refused.found[tenant].in_a_line() for tenant, name in of if tenant in refused.found}
            ws = replace(ws, record=ws.record.without(refused.found.keys()))
            return ws, run_verify(ws, progress), left


def _refuse_changed_entries(ws: Workspace) -> None:
    """Refuse to go on where rows are loaded under another version of an entry: versions are never mixed."""
    for service in ws.services():
        with ws.database(service) as database:
            for receipt in ledger.receipts(database, ws.record.run_id) if ledger.exists(database) else ():
                if receipt.entry_hash != ws.catalog.hashes[receipt.batch.entity]:
                    raise RunMismatch(
                        where=f"run {ws.record.run_id}, {receipt.batch.entity}",
                        got=f"rows loaded under version {receipt.entry_hash} of its entry or of one it depends on",
                        expected=f"version {ws.catalog.hashes[receipt.batch.entity]}",
                        remedy="restore the catalog that the run began with, or load into a new, empty target",
                    )


class _Connections:
    """A connection for each thread and service; one that was lost is made anew and its batch tried again."""

    def __init__(self, ws: Workspace) -> None:
        self._ws, self._local = ws, local()
        self._stack, self._lock = ExitStack(), Lock()
        self._gates: dict[tuple[str, str], Lock] = {}
        self._claimed: set[tuple[str, str]] = set()

    def __enter__(self) -> _Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def load(self, due: Due) -> int:
        attempts = count()
        return retried(lambda: self._load(due, is_again=next(attempts) > 0))

    def _load(self, due: Due, *, is_again: bool) -> int:
        service = self._ws.catalog[due.bundle.entity].service
        try:
            database = self._database(service)
            if is_again:
                if self._ws.lock is not None:
                    self._ws.lock.renew()
                # After a lost connection only the target knows whether the commit arrived.
                left = {r for d in load.pending(self._ws, database, due.bundle.entity) for r in d.receipts}
                if left.isdisjoint(due.receipts):
                    return due.rows
            with self._first_of(due):
                return load.load(self._ws, database, due)
        except MigrationError:
            self._drop(service)
            raise

    @contextmanager
    def _first_of(self, due: Due) -> Iterator[None]:
        """Let one bundle claim its entity; another that began meanwhile would wait for the lock of that row."""
        pairs = sorted({(r.tenant, r.batch.entity) for r in due.receipts} - self._claimed)
        with self._lock:
            gates = [self._gates.setdefault(pair, Lock()) for pair in pairs]
        with ExitStack() as held:
            for gate in gates:  # in one order, so that no two bundles wait for each other
                held.enter_context(gate)
            if self._claimed.issuperset(pairs):
                held.close()
            yield
            self._claimed.update(pairs)

    def _database(self, service: str) -> TargetDatabase:
        held: dict[str, TargetDatabase] = self._local.__dict__.setdefault("held", {})
        if service not in held:
            database = self._ws.database(service)
            with self._lock:
                self._stack.callback(database.close)
            held[service] = database
        return held[service]

    def _drop(self, service: str) -> None:
        # Closed at once: left open, its transaction would keep other threads waiting for its locks.
        database = self._local.__dict__.setdefault("held", {}).pop(service, None)
        if database is not None:
            database.close()


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
