"""Processes that take waves side by side: each has a Python of its own, and its share of the cores.

They work under the lock of the command that started them, tell it what they have done, and end with it, however it
ends. A process that ends by itself ends the command; what is staged and committed stays.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread
from typing import Any, Final, Self

import pyarrow as pa

from pipeline.errors import MigrationError, WorkerEnded, places
from pipeline.observe.log import AuditLog
from pipeline.settings import Settings
from pipeline.stores import underway
from pipeline.stores.lock import Followed
from pipeline.stores.staging import Staging
from pipeline.wave import Advance, Done, Wave
from pipeline.workspace import Counted, Workspace
from schemas.catalog import Catalog

#: Seconds between two looks of a process at the command that it works for.
_LOOK: Final = 0.2
#: Seconds that servers have to end what they do for a process.
_FAREWELL: Final = 1.0
#: Seconds between two looks of the command at its lock.
_RENEW: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Kit:
    """What is the same for all that a process does."""

    settings: Settings
    catalog: Catalog
    #: Where what is done is told: SimpleQueue, so that all is told before a result is given.
    told: Any
    #: Set when the command wants the process to end.
    stop: Any
    threads: int


@dataclass(frozen=True, slots=True)
class _Job:
    """The run, as a process is told of it."""

    run_id: str
    lock: Followed | None
    is_counted: bool
    purged: Collection[str]


@dataclass(frozen=True, slots=True)
class _Running:
    """The processes there are, and what ties them to the command."""

    pool: ProcessPoolExecutor
    told: Any
    stop: Any


class Workers:
    """So many processes, started when there are waves for them; a context manager that ends them."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._threads = max(1, (os.cpu_count() or 1) // number)
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.pool.shutdown(wait=True, cancel_futures=True)
            self._running = None

    def each(
        self,
        ws: Workspace,
        step: Callable[..., Done],
        work: Sequence[tuple[Wave, *tuple[Any, ...]]],
        advance: Advance,
    ) -> list[Done]:
        """Do a step of every wave: of those of tenants side by side, after that of all tenants' rows.

        Args:
            ws: the run.
            step: a function of a module, so that it has a name in every process.
            work: each wave, and what else the step takes of it.
            advance: told the rows.
        """
        here = [given for given in work if given[0].record.is_shared]
        apart = [given for given in work if not given[0].record.is_shared]
        if self._number == 1 or len(apart) == 1:  # one needs no company
            here, apart = [*here, *apart], []
        done = [step(replace(ws, record=wave.record), advance, wave, *more) for wave, *more in here]
        return [*done, *self._apart(ws, step, apart, advance)] if apart else done

    def _apart(
        self, ws: Workspace, step: Callable[..., Done], work: Sequence[tuple[Any, ...]], advance: Advance
    ) -> list[Done]:
        running = self._running = self._running or self._start(ws)
        job = _Job(
            ws.record.run_id, ws.lock.followed() if ws.lock is not None else None, ws.counted is not None, ws.purged
        )
        failure = list[MigrationError]()
        listening = Thread(target=_listen, args=(running.told, advance, ws.counted, failure), daemon=True)
        listening.start()
        try:
            with underway.underway(lambda _: None, cancel=running.stop.set):
                with _environment(self._threads):
                    futures = [running.pool.submit(_do, job, step, *given) for given in work]
                done = _awaited(ws, futures)
        except BaseException as error:
            is_interrupted = running.stop.is_set()
            running.stop.set()
            running.pool.shutdown(wait=True, cancel_futures=True)
            self._running = None
            if isinstance(error, BrokenProcessPool):
                if is_interrupted:
                    raise KeyboardInterrupt from None
                listening.join(timeout=_FAREWELL)
                raise (failure[0] if failure else _ended(job)) from None
            raise
        running.told.put(None)  # whoever was ended while it told something keeps others from it for ever
        listening.join()
        return done

    def _start(self, ws: Workspace) -> _Running:
        context = multiprocessing.get_context("spawn")  # a fork would inherit the locks of other threads
        told, stop = context.SimpleQueue(), context.Event()
        kit = _Kit(ws.settings, ws.catalog, told, stop, self._threads)
        return _Running(ProcessPoolExecutor(self._number, context, initializer=_begin, initargs=(kit,)), told, stop)


def _ended(job: _Job) -> WorkerEnded:
    return WorkerEnded(
        where=f"run {job.run_id}",
        remedy="if it took too much memory, lower `workers`, `wave_rows` or `bundle_rows` under [run]; the same "
        "command goes on from here",
    )


#: No process but this.
ALONE: Final = Workers(1)


def _awaited(ws: Workspace, futures: Sequence[Future[Done]]) -> list[Done]:
    """Wait for all, or for the first that fails; keep the lock under which they work meanwhile."""
    left: set[Future[Done]] = {*futures}
    while left:
        done, left = wait(left, timeout=_RENEW, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        if ws.lock is not None and left:
            with suppress(MigrationError):  # who commits without it is refused
                ws.lock.renew()
    return [f.result() for f in futures]


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Start processes that hear no interrupt of a terminal, for the command does, and take no more than their cores."""
    name = "POLARS_MAX_THREADS"  # read once, when it is imported
    before, masked = os.environ.get(name), signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ[name] = str(threads)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _listen(told: Any, advance: Advance, counted: Counted | None, failure: list[MigrationError]) -> None:
    """Pass on what processes tell, until None comes."""
    while (message := told.get()) is not None:
        match message:
            case MigrationError():
                failure.append(message)
            case (int(rows), stage):
                advance(rows, stage=stage)
            case (event, tenant, size) if counted is not None:
                counted(event, tenant, size)


# -- in the process ---------------------------------------------------------------------------------

_kit: _Kit


def _begin(kit: _Kit) -> None:
    global _kit  # noqa: PLW0603 - what the pool calls has no other way to it
    _kit = kit
    # The pool's way to end those that are left; servers are to be asked first to end what they do.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pa.set_cpu_count(kit.threads)
    Thread(target=_look, daemon=True).start()


def _look() -> None:
    """End the process where its command has ended or wants it ended, or where a native call is not answered."""
    command = multiprocessing.parent_process()
    while True:
        if command is None or not command.is_alive() or _kit.stop.is_set():
            Thread(target=underway.cancel_all, daemon=True).start()
            time.sleep(_FAREWELL if underway.is_any() else 0)
            os._exit(0)
        error = underway.hopeless()
        if error is not None:
            _kit.told.put(error)
            os._exit(1)
        time.sleep(_LOOK)


def _do(job: _Job, step: Callable[..., Done], wave: Wave, *more: object) -> Done:
    staging, told = Staging(_kit.settings.run.staging, job.run_id), _kit.told
    with AuditLog(staging.audit_path()) as audit:
        ws = Workspace(_kit.settings, _kit.catalog, wave.record, staging, audit, job.lock, purged=job.purged)
        counted = partial(_tell, told) if job.is_counted else None
        try:
            return step(replace(ws, counted=counted), partial(_advance, told), wave, *more)
        except BaseException as error:
            if not isinstance(error, MigrationError):  # what comes over to the command has lost its places
                error.add_note(f"in wave {wave.number}, at {places(error)[-1]}")
            raise


def _tell(told: Any, *counted: object) -> None:
    told.put(counted)


def _advance(told: Any, rows: int, *, stage: str | None = None) -> None:
    told.put((rows, stage))
