"""Steps that are tried again: what a lost connection broke may succeed over a new one.

Only what a transient error broke is repeated, and only steps that may be done twice: a batch is staged whole or not at
all, and of one that was loaded the target says whether its commit had arrived. Sleeps between attempts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.core.plan import Batch
from pipeline.errors import MigrationError, SourceUnreachable
from pipeline.stages.workspace import Workspace

#: Seconds before each new attempt.
PAUSES = (1, 2, 4, 8)
T = TypeVar("T")


def retried(step: Callable[[], T]) -> T:
    """Do a step; where its connection was lost do it again, after pauses that grow."""
    for pause in PAUSES:
        try:
            return step()
        except MigrationError as error:
            if not error.transient:
                raise
        time.sleep(pause)
    return step()


def from_source(
    workspace: Workspace, errand: tuple[Batch, ...], step: Callable[[Workspace, tuple[Batch, ...]], T]
) -> T:
    """Ask a source for batches; where its connection was lost again, from the first question on."""

    def once() -> T:
        try:
            return step(workspace, errand)
        except SourceUnreachable:
            workspace.forget(errand[0].source)
            raise

    return retried(once)
