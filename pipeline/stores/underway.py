"""Native calls under way: whose they are, how they are cancelled, and whether an answer is still to be hoped for.

A driver that waits for a dead connection gives Python no word, and a thread that is inside it cannot be ended. So every
call that may take long is written down here, and who watches over the process looks: it asks each call for a sign of
life, and ends the process where there is none, or where a person wants it ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock

from pipeline.errors import MigrationError

#: Given the seconds that a call has taken: why nothing more is to be hoped for from it, if so. It may block a while.
Examine = Callable[[float], MigrationError | None]


@dataclass(eq=False, slots=True)
class Call:
    """A native call that has not returned."""

    examine: Examine
    cancel: Callable[[], None]
    since: float = field(default_factory=time.monotonic)


_calls: set[Call] = set()
_lock = Lock()


@contextmanager
def underway(examine: Examine, cancel: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Write a native call down for as long as it lasts.

    Args:
        examine: finds out whether it is still answered.
        cancel: asks the server to end it.
    """
    call = Call(examine, cancel)
    with _lock:
        _calls.add(call)
    try:
        yield
    finally:
        with _lock:
            _calls.discard(call)


def hopeless() -> MigrationError | None:
    """Look at every call; say why one will not be answered any more."""
    for call in _snapshot():
        error = call.examine(time.monotonic() - call.since)
        if error is not None and call in _snapshot():
            return error
    return None


def is_any() -> bool:
    """Say whether any call is under way."""
    return bool(_snapshot())


def cancel_all() -> None:
    """Ask the servers to end what they do for us."""
    for call in _snapshot():
        with suppress(Exception):  # one that cannot be reached ends with its connection
            call.cancel()


def within(seconds: float, error: Callable[[], MigrationError]) -> Examine:
    """Hope for an answer for so many seconds."""
    return lambda taken: error() if taken > seconds else None


def _snapshot() -> list[Call]:
    with _lock:
        return list(_calls)
