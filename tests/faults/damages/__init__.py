"""Damage to a finished migration, as data: what is done, and how a verification must name it."""

from __future__ import annotations

from tests.faults.damages import made_of, staged, structure
from tests.faults.damages.form import Damage, listed

#: Every kind of damage, in the order of the documents.
DAMAGES: tuple[Damage, ...] = (
    *listed("cells.toml"),
    *listed("ledger.toml"),
    *structure.DAMAGES,
    *made_of.DAMAGES,
    *staged.DAMAGES,
)
