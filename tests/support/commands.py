"""The command line run in this process: as a user would, without the seconds that a new process takes."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli import commands
from pipeline.cli.ending import ended


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def migrate(config: Path, *arguments: str, check: int | None = 0) -> Done:
    """Run a command; `check` is the exit code expected."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = ended(lambda: commands.migrate([*arguments, "--config", str(config)], standalone_mode=False) or 0)
    done = Done(code, out.getvalue(), err.getvalue())
    assert check is None or code == check, done
    return done
