"""Runs: planned, begun, found again, opened."""

from pipeline.runs.plan import Plan, Selection, make_plan
from pipeline.runs.record import (
    begin,
    existing,
    find_run,
    is_purged,
    known,
    latest,
    new_run,
    open_run,
    purged,
    read,
    target_lock,
)
from pipeline.runs.standing import VERDICT, standing

__all__ = [
    "VERDICT",
    "Plan",
    "Selection",
    "begin",
    "existing",
    "find_run",
    "is_purged",
    "known",
    "latest",
    "make_plan",
    "new_run",
    "open_run",
    "purged",
    "read",
    "standing",
    "target_lock",
]
