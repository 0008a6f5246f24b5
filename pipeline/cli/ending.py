"""How the command line ends: with one of five exit codes, and with a sentence where it could not do what was asked.

1 says one thing alone, that the data differ (or that a look-up found nothing): no failure of program, disk, network or
terminal may be taken for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum

from pipeline.cli import INTERRUPTED
from pipeline.cli.session import say
from pipeline.errors import MigrationError, places
from pipeline.observe.streams import give_up


class ExitCode(IntEnum):
    """What a command says to whoever started it."""

    #: What was asked is done; of `verify`, `run` and `demo`: parity, and nothing is left behind.
    DONE = 0
    #: The data differ; of `lookup`: there is no such row.
    DIFFERENT = 1
    #: The input or the surroundings are wrong, and the message says what to do.
    REFUSED = 2
    #: What was moved is at parity, and something is not moved.
    NOT_MOVED = 3
    #: Interrupted; the same command goes on.
    INTERRUPTED = 130


def ended(command: Callable[[], int]) -> int:
    """Run a command and give its exit code; whatever goes wrong is said in a sentence."""
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BaseException as error:  # a panic of native code is no Exception
        code = ExitCode.REFUSED
        _explain(error)
    if code == ExitCode.INTERRUPTED:
        say(INTERRUPTED)
    return code


def _explain(error: BaseException) -> None:
    if isinstance(error, MigrationError):
        say(f"error: {error}")
    elif type(error).__module__.startswith(("click", "typer")) and hasattr(error, "show"):
        with suppress(OSError):
            error.show()
    elif isinstance(error, SystemExit | BrokenPipeError):  # so typer and rich leave a pipe that nobody reads
        say("error: standard output was closed before the result was written")
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename is not None else ""
        say(f"error: {place}{error.strerror or type(error).__name__}\n  at:       {places(error)[-1]}")
    elif isinstance(error, MemoryError):
        say("error: there is not enough memory\n  to do:    lower `bundle_rows`, `wave_rows` or `parallel` under [run]")
    else:
        # Its text is not shown: native code quotes the value that it stumbled over.
        say(
            f"error: a fault of this program, or of a library that it uses: {type(error).__qualname__}\n"
            f"  at:       {places(error)[-1]}\n"
            "  to do:    report it with these lines; what is done is kept, and the same command goes on from there"
        )
    for note in getattr(error, "__notes__", ()):
        say(f"  {note}")
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        give_up(sys.stdout)
