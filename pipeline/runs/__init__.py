"""Runs: planned, begun, found again, opened."""

from pipeline.runs.beginning import LeftOut, begin, due, new_run
from pipeline.runs.ended import is_finished, purge
from pipeline.runs.leaving import leave
from pipeline.runs.phases import demand_some, held_back, phase_states
from pipeline.runs.plan import Plan, Selection, make_plan
from pipeline.runs.purging import Removed, named_tenants, purge_tenants
from pipeline.runs.record import (
    existing,
    existing_all,
    find_run,
    is_purged,
    known,
    latest,
    open_run,
    purged,
    read,
    target_lock,
)
from pipeline.runs.standing import VERDICT, standing
from pipeline.runs.tenants import LEFT_OUT, tenant_states

__all__ = [
    "LEFT_OUT",
    "VERDICT",
    "LeftOut",
    "Plan",
    "Removed",
    "Selection",
    "begin",
    "demand_some",
    "due",
    "existing",
    "existing_all",
    "find_run",
    "held_back",
    "is_finished",
    "is_purged",
    "known",
    "latest",
    "leave",
    "make_plan",
    "named_tenants",
    "new_run",
    "open_run",
    "phase_states",
    "purge",
    "purge_tenants",
    "purged",
    "read",
    "standing",
    "target_lock",
    "tenant_states",
]
