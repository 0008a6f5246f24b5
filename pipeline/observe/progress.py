"""Progress for people: a bar a stage on stderr, where that is a terminal.

Owns nothing but the display, and decides nothing. Where stderr is no terminal it is silent: logs and CI have
the audit log. Invariant: no bar goes beyond its total; a stage that finds more rows than foretold grows it.
"""

from __future__ import annotations

import sys
from threading import Lock
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Display
from rich.text import Text


class _Rate(ProgressColumn):
    """Rows a second: of late while it runs, on the whole when it is done."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s", style="progress.data.speed")


class Progress:
    """Show how far each stage is. Threads may share one."""

    def __init__(self, *, stream: TextIO | None = None, quiet: bool = False) -> None:
        """Prepare the display; `stream` is stderr by default, and `quiet` shows nothing anywhere."""
        stream = sys.stderr if stream is None else stream
        self._lock = Lock()
        self._tasks: dict[str, TaskID] = {}
        self._latest: str | None = None
        self._display: Display | None = None
        if stream.isatty() and not quiet:
            self._display = Display(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f}/{task.fields[foretold]} rows"),
                TextColumn("{task.fields[batches]}/{task.fields[total_batches]} batches"),
                _Rate(),
                TimeRemainingColumn(),
                console=Console(file=stream),
            )

    def stage(self, name: str, total_rows: int | None = None, total_batches: int | None = None) -> None:
        """Begin a stage, or begin it anew; None where its extent is not known."""
        with self._lock:
            self._latest = name
            if self._display is None:
                return
            if name in self._tasks:
                self._display.remove_task(self._tasks[name])
            self._tasks[name] = self._display.add_task(
                escape(name),
                total=total_rows,
                foretold=_shown(total_rows),
                batches=0,
                total_batches=_shown(total_batches),
            )

    def advance(self, rows: int, *, stage: str | None = None, batches: int = 1) -> None:
        """Count rows, and the batch they made, to a stage; by default the one begun last."""
        with self._lock:
            name = self._latest if stage is None else stage
            if name is None:
                raise ValueError("no stage has begun")
            if self._display is None:
                return
            if name not in self._tasks:
                raise ValueError(f"the stage {name} has not begun")
            task = next(task for task in self._display.tasks if task.id == self._tasks[name])
            done = task.completed + rows
            total = task.total if task.total is None else max(task.total, done)
            self._display.update(
                task.id,
                completed=done,
                total=total,
                foretold=_shown(total),
                batches=task.fields["batches"] + batches,
            )

    def __enter__(self) -> Self:
        if self._display is not None:
            self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._display.stop()


def _shown(total: float | None) -> str:
    return "?" if total is None else f"{total:,.0f}"
