"""An interrupt is an interrupt from the first moment on, also while libraries are imported."""

from __future__ import annotations

import subprocess
import sys

#: Interrupts its own process at the first import of a library that takes its time.
EARLY = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupts:
    def find_spec(self, name, *_):
        if name == "polars":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
from pipeline.cli import main
main()
"""


def test_an_interrupt_while_libraries_are_imported_is_one_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY, "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted; the same command goes on from here\n"
