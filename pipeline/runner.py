"""The one place where steps are ordered, run side by side, retried and interrupted.

`run` is the sum of extract, transform, load and verify; each looks at what is done (staged files, receipts,
verdicts) and does the rest, so that repeating any of them is safe. Invariant: the run record is written before
the first row moves, and a run is continued only under the same source, target and selection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from pipeline import apart, filling, runs, wave
from pipeline.attempts import retried
from pipeline.core.plan import load_order
from pipeline.core.verdict import Verdict
from pipeline.errors import MigrationError, RowsRefused, RunMismatch, SourcesFailed, StagingError
from pipeline.observe.progress import Progress
from pipeline.stages import extract, load
from pipeline.stages.load import Due
from pipeline.stores import indexes, ledger
from pipeline.stores.staging import SETTLED, TRANSFORMED
from pipeline.stores.transcript import Transcript
from pipeline.verification import verify
from pipeline.workers import ALONE, Workers
from pipeline.workspace import Workspace


def run_extract(ws: Workspace, progress: Progress, workers: Workers = ALONE) -> int:
    """Stage every raw batch that is not staged yet, and the keys of parents; return the rows moved."""
    _refuse_changed_entries(ws)
    for entity_id in ws.record.key_entities:
        retried(partial(extract.loaded_keys, ws, entity_id))
    if _is_unsettled(ws):
        progress.stage(wave.AGAIN)
    progress.stage("extract", _rows(ws))
    done = workers.each(ws, wave.read, [(w,) for w in wave.waves(ws)], progress.advance)
    apart.tell_sources(ws.record, _failed(done))
    if _is_unsettled(ws):
        changed = map(sum, zip_longest(*(d.changed for d in done), fillvalue=0))
        ws.staging.mark(SETTLED, {"changed_batches_by_pass": [*changed]})
    return sum(d.rows for d in done)


def _is_unsettled(ws: Workspace) -> bool:
    """Say whether a live source has still to be read until it holds still."""
    return bool(ws.live_batches()) and ws.staging.note(SETTLED) is None


def _rows(ws: Workspace) -> int:
    return sum(n for held, n in ws.record.counts.items() if held.entity in ws.record.entities)


def _failed(done: Iterable[wave.Done]) -> dict[str, MigrationError]:
    return {name: error for d in done for name, error in d.failed.items()}


def run_transform(ws: Workspace, progress: Progress, workers: Workers = ALONE) -> int:
    """Transform every batch that is not transformed yet, parents before children; return the rows transformed."""
    if ws.purged:
        return 0  # all was transformed and loaded before; of what a bundle was made of, a part is gone
    _refuse_changed_entries(ws)
    if _is_unsettled(ws):
        raise StagingError(
            "a live source has not been read to its end",
            where=f"run {ws.record.run_id}",
            remedy="run `migrate extract` first: it reads what has changed meanwhile again",
        )
    progress.stage("transform", _rows(ws))
    done = workers.each(ws, wave.compute, [(w,) for w in wave.waves(ws)], progress.advance)
    if ws.staging.note(TRANSFORMED) is None:
        ws.staging.mark(TRANSFORMED, {})
    return sum(d.rows for d in done)


def run_load(ws: Workspace, progress: Progress, workers: Workers = ALONE) -> int:
    """Load every batch that the target has no receipt for; return the rows moved."""
    filling.build(ws)  # what a command has left
    due = retried(lambda: due_to_load(ws))
    retried(lambda: _refuse_claimed(ws, due))
    for service in ws.services():
        retried(partial(load.record_run, ws, service))
    progress.stage("load", sum(d.rows for d in due), len(due))
    are_bare = filling.drop(ws, due)
    done, again = _loaded(ws, due, progress, workers), list[Due]()
    if are_bare and filling.build(ws):
        refused = _failed(done)
        again = [d.of([t for t in d.tenants if t not in refused]) for d in retried(lambda: due_to_load(ws))]
        done += _loaded(ws, again, progress, workers)
    refused = _failed(done)
    for service in ws.services():
        retried(partial(load.complete, ws, service, without=refused))
    apart.tell_tenants(ws.record, refused)
    return sum(d.rows for d in done) - sum(d.rows for d in again)


def _loaded(ws: Workspace, due: Iterable[Due], progress: Progress, workers: Workers) -> list[wave.Done]:
    by_wave: dict[int, list[Due]] = {}
    for each in due:
        by_wave.setdefault(each.bundle.wave, []).append(each)
    work = [(w, by_wave[w.number]) for w in wave.waves(ws) if w.number in by_wave]
    return workers.each(ws, wave.load, work, progress.advance)


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
    retried(partial(_demand_indexes, ws))

    def attempt() -> Verdict:
        progress.stage("verify", _rows(ws))
        return verify(ws, transcript, progress.advance)

    verdict = retried(attempt)
    ws.staging.mark(runs.VERDICT, {"unresolved": dict(verdict.unresolved)})
    return verdict


def _demand_indexes(ws: Workspace) -> None:
    for service in ws.services():
        with ws.database(service) as database:
            if ledger.exists(database):
                indexes.demand_none_pending(database)


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
    with Workers(ws.settings.run.workers) as workers:
        run_extract(ws, progress, workers)
        run_transform(ws, progress, workers)
        run_load(ws, progress, workers)
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
        return ws, run_verify(ws, progress) if ws.live_batches() and not is_purged else None, left
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
