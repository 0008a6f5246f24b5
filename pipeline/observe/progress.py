"""Progress for people: a bar a stage on stderr where that is a terminal, elsewhere a line now and then.

Owns nothing but the display, and decides nothing. Invariant: no bar goes beyond its total; a stage that finds more rows
than foretold grows it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Display
from rich.text import Text

from pipeline.observe.metrics import Metrics

#: Seconds between two lines where there is no terminal.
_PAUSE = 30.0


class _Rate(ProgressColumn):
    """Rows a second: of late while it runs, on the whole when it is done."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s", style="progress.data.speed")


@dataclass(slots=True)
class _Stage:
    """How far a stage is; rows and seconds since it began."""

    name: str
    total: int | None
    began: float
    done: int = 0
    task: TaskID | None = None

    def left(self, now: float) -> float | None:
        """Say in how many seconds it is done, should it go on as so far."""
        if self.total is None or not self.done:
            return None
        return (self.total - self.done) * (now - self.began) / self.done

    def line(self, now: float) -> str:
        """Say how far it is."""
        rate, left = self.done / max(now - self.began, 1e-9), self.left(now)
        ending = "" if left is None else f", {timedelta(seconds=round(left))} left"
        return f"{self.name}: {self.done:,} of {_shown(self.total)} rows, {rate:,.0f} rows/s{ending}"


class Progress:
    """Show how far each stage is. Threads may share one."""

    def __init__(
        self,
        *,
        stream: TextIO | None = None,
        quiet: bool = False,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Prepare the display.

        Args:
            stream: where it is shown, by default stderr.
            quiet: whether to show nothing anywhere.
            metrics: told of the same.
            clock: gives seconds.
        """
        self._stream = sys.stderr if stream is None else stream
        self._lock, self._metrics, self._clock = Lock(), metrics, clock
        self._stages: dict[str, _Stage] = {}
        self._latest: str | None = None
        self._said = clock()
        self._display: Display | None = None
        self._tells = not quiet and not self._stream.isatty()
        if self._stream.isatty() and not quiet:
            self._display = Display(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f}/{task.fields[foretold]} rows"),
                TextColumn("{task.fields[batches]}/{task.fields[total_batches]} batches"),
                _Rate(),
                TimeRemainingColumn(),
                console=Console(file=self._stream),
            )

    def stage(self, name: str, total_rows: int | None = None, total_batches: int | None = None) -> None:
        """Begin a stage, or begin it anew; None where its extent is not known."""
        with self._lock:
            self._latest = name
            before, begun = self._stages.get(name), _Stage(name, total_rows, self._clock())
            self._stages[name] = begun
            if self._display is not None:
                if before is not None and before.task is not None:
                    self._display.remove_task(before.task)
                begun.task = self._display.add_task(
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
            if name not in self._stages:
                raise ValueError(f"the stage {name} has not begun")
            begun, now = self._stages[name], self._clock()
            begun.done += rows
            if begun.total is not None:
                begun.total = max(begun.total, begun.done)
            if self._metrics is not None and begun.total is not None:
                self._metrics.pace(name, due=begun.total, seconds_left=begun.left(now))
            if self._display is not None and begun.task is not None:
                task = next(task for task in self._display.tasks if task.id == begun.task)
                self._display.update(
                    task.id,
                    completed=begun.done,
                    total=begun.total,
                    foretold=_shown(begun.total),
                    batches=task.fields["batches"] + batches,
                )
            elif self._tells and now - self._said >= _PAUSE:
                self._said = now
                print(begun.line(now), file=self._stream, flush=True)

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
