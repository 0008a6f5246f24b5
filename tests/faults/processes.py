"""`migrate` as a process of its own, to be stopped at a chosen moment, and the moments there are to choose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.site import Site

Moment = Callable[[Site], bool]


#: How the command line is started.
MIGRATE = (sys.executable, "-m", "pipeline.cli")


@contextmanager
def started(site: Site, *arguments: str, program: tuple[str, ...] = MIGRATE) -> Iterator[subprocess.Popen[str]]:
    """Start the command line in a process group of its own; whatever is left of it is killed in the end."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Ignored signals are inherited: without this a background shell would make the child deaf to it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*program, *arguments, "--config", str(site.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=site.directory,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def stop_at(site: Site, moment: Moment, stop: signal.Signals, *arguments: str) -> tuple[int, str]:
    """Start a command, send a signal once the moment has come, and give its exit code and standard error.

    Raises:
        TimeoutError: the moment has not come.
    """
    with started(site, *arguments) as process:
        deadline = time.monotonic() + 120
        while not moment(site) and process.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{arguments}: the moment to stop at has not come")
            time.sleep(0.005)
        if process.poll() is None:
            os.killpg(process.pid, stop)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


def run_ids(site: Site) -> list[str]:
    """Name the runs that have a record."""
    return sorted(path.parent.name for path in (site.directory / "staging").glob("*/run.json"))


def staged(site: Site, pattern: str) -> list[Path]:
    """List the files of all runs that match a pattern."""
    return sorted((site.directory / "staging").glob(f"*/{pattern}"))


def recorded(site: Site) -> bool:
    """Say whether the run record is written."""
    return bool(staged(site, "run.json"))


def first_raw_file(site: Site) -> bool:
    """Say whether a raw file is staged."""
    return bool(staged(site, "raw/*/*/[0-9]*.parquet"))


def mid_transform(site: Site) -> bool:
    """Say whether some batches are transformed."""
    return len(staged(site, "out/*/*/[0-9]*/id_map.parquet")) >= 10


def transform_begun(site: Site) -> bool:
    """Say whether any batch is being transformed, perhaps with outputs half written."""
    return bool(staged(site, "out/*/*/.[0-9]*"))


def first_receipts(site: Site) -> bool:
    """Say whether some batches are loaded, by the audit log, which speaks after the commit."""
    return sum(path.read_text(encoding="utf-8").count('"stage": "load"') for path in staged(site, "audit.jsonl")) >= 3


def verifying(site: Site) -> bool:
    """Say whether verification has begun to work."""
    return bool(staged(site, "scratch"))


def after(seconds: float) -> Moment:
    """Make a moment that comes a while after it is first asked for."""
    begun: list[float] = []

    def come(_: Site) -> bool:
        begun.append(time.monotonic())
        return begun[-1] - begun[0] >= seconds

    return come
