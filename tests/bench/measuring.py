"""What a piece of work costs: wall seconds, CPU seconds of both sides, and the client's peak memory.

The client is a process with all that it starts, the server PostgreSQL with all its processes; a machine's other work is
in neither. Invariant: every figure of the benchmark is taken here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import psutil

from pipeline.demo.server import Server

ROOT = Path(__file__).resolve().parents[2]
#: Seconds between two looks at a client's memory; each takes some milliseconds of a core.
_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Spent:
    """What a piece of work took: seconds by the clock, CPU seconds of client and server, the client's peak memory."""

    wall: float
    client: float
    server: float
    peak_mb: int

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.wall + other.wall,
            self.client + other.client,
            self.server + other.server,
            max(self.peak_mb, other.peak_mb),
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: what it spent, how it ended, what it said."""

    spent: Spent
    code: int
    out: str
    errors: str


def server_seconds(running: Server) -> float:
    """Give the CPU seconds of a server's processes so far; those that have ended count to their parent."""
    postmaster = psutil.Process(int((running.data / "postmaster.pid").read_text().split()[0]))
    while True:
        # One that ends while they are asked would be in neither.
        processes = postmaster.children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            seconds = float(sum(postmaster.cpu_times()[:4])) + sum(sum(p.cpu_times()[:2]) for p in processes)
            if all(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
                return seconds


class _Watch:
    """Looks at a tree of processes now and then: its memory, and what is only known of who is not waited for."""

    def __init__(self, pid: int) -> None:
        self._root, self._over = psutil.Process(pid), Event()
        self._seconds: dict[int, float] = {}
        self.peak = 0
        self._thread = Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Look no more; give the CPU seconds seen."""
        self._over.set()
        self._thread.join()
        return sum(self._seconds.values())

    def _look_on(self) -> None:
        self.look()
        while not self._over.wait(_PAUSE):
            self.look()

    def look(self) -> None:
        """See how they stand now."""
        memory = 0
        with suppress(psutil.NoSuchProcess):
            for process in (self._root, *self._root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    self._seconds[process.pid] = sum(process.cpu_times()[:2])
                    memory += process.memory_info().rss
                    self.peak = max(self.peak, _peak(process.pid))
        self.peak = max(self.peak, memory)


def measured(
    command: Sequence[str | Path],
    running: Server,
    *,
    env: Mapping[str, str] | None = None,
    kill_after: float | None = None,
) -> Ended:
    """Run a command to its end, in a session of its own, and say what it and the server spent.

    Args:
        command: the program and its arguments; it is run in the repository's root.
        running: the server that it works with.
        env: variables beside those of this process.
        kill_after: seconds after which it is killed with all that it has started, should it run so long.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        server, began = server_seconds(running), perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        watch, over = _Watch(process.pid), Event()
        killer = Thread(target=_kill, args=(process.pid, watch, over, kill_after), daemon=True)
        if kill_after is not None:
            killer.start()
        # Not Popen.wait: only wait4 tells what this child, and no other, has used.
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - began
        over.set()
        process.returncode = os.waitstatus_to_exitcode(status)
        seen = watch.end()
        if kill_after is not None:
            killer.join()
        spent = Spent(
            wall,
            max(usage.ru_utime + usage.ru_stime, seen),
            server_seconds(running) - server,
            watch.peak // 2**20,
        )
        out.seek(0)
        errors.seek(0)
        return Ended(spent, process.returncode, _text(out.read()), _text(errors.read()))


def _kill(group: int, watch: _Watch, over: Event, after: float) -> None:
    if not over.wait(after):
        watch.look()
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def _text(said: bytes) -> str:
    return said.decode("utf-8", errors="replace")


@contextmanager
def metered(running: Server) -> Iterator[list[Spent]]:
    """Say what a part of this process's own work takes, by adding it to the list that is given."""
    found: list[Spent] = []
    client, server, began = _own_seconds(), server_seconds(running), perf_counter()
    yield found
    wall = perf_counter() - began
    spent = _own_seconds() - client, server_seconds(running) - server
    found.append(Spent(wall, *spent, _peak(os.getpid()) // 2**20))


def _peak(pid: int) -> int:
    """Give the most bytes that a process has held at once. What wait4 tells has those of its parent in it."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _own_seconds() -> float:
    return float(sum(psutil.Process().cpu_times()[:2]))
