"""Steps that are tried again: what a lost connection broke may succeed over a new one.

Only what a transient error broke is repeated, and only steps that may be done twice: a batch is staged whole or not at
all, and of one that was loaded the target says whether its commit had arrived. Sleeps between attempts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from pipeline.core.plan import Batch
from pipeline.errors import MigrationError, SourceUnreachable
from pipeline.workspace import Workspace

#: How long, in seconds, and how often.
WAIT, STOP = wait_exponential_jitter(initial=1, max=30), stop_after_attempt(5)
T = TypeVar("T")


def retried(step: Callable[[], T]) -> T:
    """Do a step; where its connection was lost do it again, after pauses that grow."""
    return Retrying(retry=retry_if_exception(_is_transient), wait=WAIT, stop=STOP, reraise=True)(step)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, MigrationError) and error.transient


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
