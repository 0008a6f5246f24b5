"""A command at work, and a thread that does nothing but watch: it hears an interrupt whatever native call is running.

Native calls cannot be ended from outside, and one may hang on a connection that is dead. So the command works in a
thread of its own, and where that does not end, the process does: what is staged and committed stays, and the same
command goes on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Final, NoReturn

from pipeline.errors import MigrationError
from pipeline.stores import underway

#: Seconds between two looks.
_LOOK: Final = 0.2
#: Seconds that servers have to end what they do for us, and the command to end by itself.
_FAREWELL: Final = 1.0
#: Shows the cursor again, which a progress bar hides.
_CURSOR: Final = "\x1b[?25h"


def watched(command: Callable[[], int]) -> int:
    """Run a command and give what it gives, or raise what it raises.

    Raises:
        KeyboardInterrupt: a person wants it ended; the servers are asked to end their part.
        MigrationError: a native call is not answered any more.
    """
    done: Future[int] = Future()
    hopeless: Future[MigrationError] = Future()
    left = Event()
    looking = Thread(target=_look, args=(hopeless, left), daemon=True)
    looking.start()
    Thread(target=_work, args=(command, done), daemon=True).start()
    try:
        while not done.done():
            wait([done], timeout=_LOOK)
            if hopeless.done() and not done.done():
                raise hopeless.result()
        return done.result()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
        if not done.done():
            Thread(target=underway.cancel_all, daemon=True).start()
            wait([done], timeout=_FAREWELL)
        raise
    finally:
        left.set()
        looking.join(timeout=_LOOK)


def leave(code: int, *, before: Collection[Thread]) -> NoReturn:
    """End the process, without waiting for threads that do not come back.

    Args:
        code: the exit code.
        before: the threads that there were when the command began; who called it may go on with them.
    """
    if set(enumerate_threads()) <= set(before):
        sys.exit(code)
    with suppress(OSError, ValueError):
        if sys.stderr.isatty():
            sys.stderr.write(_CURSOR)
        sys.stderr.flush()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)


def _work(command: Callable[[], int], done: Future[int]) -> None:
    try:
        done.set_result(command())
    except BaseException as error:  # a panic of native code is no Exception
        done.set_exception(error)


def _look(hopeless: Future[MigrationError], left: Event) -> None:
    while not left.wait(_LOOK):
        error = underway.hopeless()
        if error is not None:
            hopeless.set_result(error)
            return
