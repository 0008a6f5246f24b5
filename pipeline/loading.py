"""The connections by which a wave is loaded: one for each thread and service, made anew where one was lost.

Invariant: a bundle whose connection was lost is loaded again only where the target has no receipt of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from threading import Lock, local

from pipeline.attempts import retried
from pipeline.errors import MigrationError
from pipeline.stages import load
from pipeline.stages.load import Due
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace


class Connections:
    """Connections that loading keeps; a context manager that closes them."""

    def __init__(self, ws: Workspace) -> None:
        self._ws, self._local = ws, local()
        self._stack, self._lock = ExitStack(), Lock()
        self._gates: dict[tuple[str, str], Lock] = {}
        self._claimed: set[tuple[str, str]] = set()

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def load(self, due: Due) -> int:
        """Load what is due; after a lost connection again, over a new one."""
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
