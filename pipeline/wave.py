"""A wave through each stage: what its sources hold is read, computed and loaded.

Each step is a function of the run, narrowed to the wave, and asks nothing of what other waves do, so that any process
may take it. What fails of one source or tenant is given back by name; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from pipeline.apart import SourcesApart, TenantsApart
from pipeline.attempts import from_source, retried
from pipeline.core.plan import Batch, Held, RunRecord, sources_of
from pipeline.core.verdict import CHANGED_SINCE_WAY_ON
from pipeline.core.waves import parts
from pipeline.errors import MigrationError, SourceChanged
from pipeline.loading import Connections
from pipeline.reading import errands
from pipeline.stages import extract
from pipeline.stages.load import Due
from pipeline.stages.transform import Transformer
from pipeline.stores import ledger
from pipeline.stores.staging import SETTLED
from pipeline.workspace import Workspace

#: Times that a live source is read again before its rows are taken as they are.
_PASSES = 3
#: The stage of reading it again, as progress calls it.
AGAIN = "read again"
T = TypeVar("T")


class Advance(Protocol):
    """Counts rows, to the stage begun last if none is named."""

    def __call__(self, rows: int, *, stage: str | None = None) -> None:
        """Count."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A part of a run that stands by itself."""

    number: int
    #: The run, narrowed to it.
    record: RunRecord
    #: The rows of all tenants that its own refer to; None where it is these itself, or the run has none.
    shared: RunRecord | None

    @property
    def sources(self) -> tuple[str, ...]:
        """Name the sources that are read in it: its tenants' rows of the shared database are read in the first."""
        return self.record.waves[self.number]


@dataclass(frozen=True, slots=True)
class Done:
    """What a step has done of a wave."""

    rows: int
    #: Source or tenant that cannot go on -> why.
    failed: Mapping[str, MigrationError]
    #: Batches of live sources that had changed, by pass.
    changed: tuple[int, ...] = ()


def waves(ws: Workspace) -> list[Wave]:
    """Cut a run into its waves, that of the rows of all tenants first."""
    found, shared = [], None
    for number, record in parts(ws.record, ws.catalog):
        found.append(Wave(number, record, shared))
        shared = record if record.is_shared else shared
    return found


def read(ws: Workspace, advance: Advance, wave: Wave) -> Done:
    """Stage every raw batch that is not staged yet, and the keys of parents."""
    sources = SourcesApart(ws)
    for held in _key_tables(ws, wave):
        sources.ask(held.source, partial(retried, partial(extract.extract_keys, ws, held)))
    due = extract.pending(ws, wave.sources)
    rows = side_by_side(ws, due, _asking(ws, sources, extract.extract), advance)
    for name in wave.sources:
        if due and ws.record.sources[name].consistency != "live":
            sources.ask(name, partial(_confirm_unchanged, ws, name))
    return Done(rows, sources.failed, _settle(ws, wave, sources, advance))


def compute(ws: Workspace, advance: Advance, wave: Wave) -> Done:
    """Transform every bundle that is not transformed yet, parents before children."""
    shared = None if wave.shared is None else Transformer(replace(ws, record=wave.shared), 0)
    transformer, rows = Transformer(ws, wave.number, shared), 0
    for level in ws.catalog.levels(ws.record.entities):
        due = [bundle for entity in level for bundle in transformer.pending(entity)]
        rows += side_by_side(ws, due, transformer.transform, advance)
    return Done(rows, {})


def load(ws: Workspace, advance: Advance, wave: Wave, due: Sequence[Due]) -> Done:
    """Load what is due of a wave, in the order given."""
    with Connections(ws) as connections:
        tenants = TenantsApart(connections.load)
        return Done(side_by_side(ws, due, tenants.load, advance), tenants.refused)


def side_by_side(ws: Workspace, work: Sequence[T], step: Callable[[T], int], advance: Advance) -> int:
    """Do work in the order given, as much at a time as configured; stop at the first error, and give the rows."""

    def one(item: T) -> int:
        rows = step(item)
        advance(rows)
        return rows

    if not work:
        return 0
    pool = ThreadPoolExecutor(max_workers=ws.settings.run.parallel)
    try:
        futures: list[Future[int]] = [pool.submit(one, item) for item in work]
        wait(futures, return_when=FIRST_EXCEPTION)
        failed = next((f for f in futures if f.done() and not f.cancelled() and f.exception()), None)
        if failed is not None:
            failed.result()
        return sum(f.result() for f in futures)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _key_tables(ws: Workspace, wave: Wave) -> list[Held]:
    """List the tables of which only keys are read."""
    wanted = (ws.catalog[e] for e in ws.record.key_entities)
    return [Held(s, e.id) for e in wanted for s in sources_of(e, ws.record) if s in wave.sources]


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


def _settle(ws: Workspace, wave: Wave, sources: SourcesApart, advance: Advance) -> tuple[int, ...]:
    """Read what live sources hold again, until nothing has changed since or the passes are over."""
    live = [b for b in ws.live_batches() if b.source in wave.sources]
    if not live or ws.staging.note(SETTLED):
        return ()
    changed = list[int]()
    for _ in range(_PASSES):
        step = _asking(ws, sources, extract.refresh)
        changed.append(side_by_side(ws, errands(ws, live), step, partial(advance, stage=AGAIN)))
        living = (h for h in _key_tables(ws, wave) if ws.record.sources[h.source].consistency == "live")
        changed[-1] += sum(sources.ask(h.source, partial(extract.refresh_keys, ws, h)) for h in living)
        if not changed[-1]:
            break
    return tuple(changed)
