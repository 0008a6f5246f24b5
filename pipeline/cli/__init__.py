"""The command line: the one place that turns an error into an exit code.

Results go to standard output (`--json` where it makes sense), progress and errors to standard error. `ending` lists the
exit codes. This module imports next to nothing, so that an interrupt is one from the first moment on.
"""

from __future__ import annotations

import sys
from typing import Final

#: What is said to whoever interrupts.
INTERRUPTED: Final = "interrupted; the same command goes on from here"


def main() -> None:
    """Run the command line; the entry point of `migrate`."""
    try:
        from pipeline.cli.commands import run  # noqa: PLC0415 - takes half a second, in which a person may interrupt
    except KeyboardInterrupt:
        sys.stderr.write(f"{INTERRUPTED}\n")
        sys.exit(130)
    run()
