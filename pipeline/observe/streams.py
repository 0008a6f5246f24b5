"""Standard streams: Python's own standard error goes on, what native code prints there goes nowhere.

A driver that panics prints, past every handler, what it stumbled over, and that may be a value of a row.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def quiet_native_code() -> None:
    """Send to nowhere what is printed on standard error by anything but Python; once, before the first row is read."""
    for number in range(3):  # one that is closed would be given to the next file that is opened, and written to
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    before = sys.stderr
    if before is not sys.__stderr__ or before is None:
        return  # one of a caller's own, or none
    before.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", encoding=before.encoding, errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def give_up(stream: TextIO) -> None:
    """Send to nowhere what a stream still holds and cannot write; Python would try again at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
