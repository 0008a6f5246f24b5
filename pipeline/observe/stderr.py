"""Standard error: Python's own goes on, what native code prints there goes nowhere.

A driver that panics prints, past every handler, what it stumbled over, and that may be a value of a row.
"""

from __future__ import annotations

import os
import sys


def quiet_native_code() -> None:
    """Send to nowhere what is printed on standard error by anything but Python; once, before the first row is read."""
    before = sys.stderr
    if before is None or before is not sys.__stderr__:
        return  # none, or one of a caller's own
    before.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", encoding=before.encoding, errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
