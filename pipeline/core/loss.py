"""The loss ledger: what becomes of every legacy column, said before a row moves.

Each column is exact, exact with its raw text kept where a named rule changes it, lossy by a named rule, or left
out with its reason. Invariant: every column of every entry has exactly one line; nothing is lossy by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from pipeline.core.recipe import part_makers
from schemas.catalog import Catalog, folds
from schemas.conversions import CONVERSIONS
from schemas.model import Cell, Entity
from schemas.parts import Column


class Fate(Enum):
    """What becomes of a column's values."""

    EXACT = "exact"  #: the target value gives the source's text back, or the row is rejected
    RAW_KEPT = "raw kept"  #: where the rule changes a value, its raw text is kept beside it
    REFERENCE = "reference"  #: becomes the parent's id; the id map gives the key back
    LOSSY = "lossy by rule"  #: cleaned by a named rule, and the raw text is deliberately not kept
    EXCLUDED = "excluded"  #: not read, for the reason given


@dataclass(frozen=True, slots=True)
class Loss:
    """One line of the ledger."""

    entity: str
    column: str
    type: str
    fate: Fate
    by: str


def loss_ledger(catalog: Catalog, entities: Iterable[str]) -> list[Loss]:
    """Say what becomes of every legacy column of the entities."""
    return [
        Loss(entity_id, name, column.type, *_fate(catalog[entity_id], name, column))
        for entity_id in entities
        for name, column in catalog[entity_id].columns.items()
        if column.constant is None
        and column.derived is None
        and catalog[entity_id].derived_from is None
        and name not in catalog[entity_id].composites
    ]


def _fate(entity: Entity, name: str, column: Column) -> tuple[Fate, str]:
    if column.excluded is not None:
        return Fate.EXCLUDED, column.excluded
    if column.scrub is not None:
        return Fate.LOSSY, f"scrub {column.scrub}"
    if entity.shared is not None and name not in (*entity.shared.on, *entity.shared.compare, *entity.key):
        return Fate.LOSSY, f"mapped to {entity.shared.entity} where that is equal in what is compared"
    if column.references:
        # A text that the source holds for equal to the parent's key becomes its id, and lives in the parent's spelling.
        spelt = ", in its spelling" if name not in entity.key and folds(entity, name) else ""
        return Fate.REFERENCE, " or ".join(column.references) + spelt
    converters = sorted({c.converter for c in entity.cells if c.source == name})
    kept = sorted({c.converter for c in entity.cells if c.source == name and _may_alter(entity, c)})
    if kept or column.absent or column.nul == "replace" or "keep" in (column.finer, column.unreadable):
        return Fate.RAW_KEPT, ", ".join(kept or converters)
    users = [p for c in entity.references.values() if name in c.using for p in c.references]
    if not converters and name not in entity.key:
        return Fate.REFERENCE, " or ".join(users)
    return Fate.EXACT, ", ".join(converters) or "key"


def _may_alter(entity: Entity, cell: Cell) -> bool:
    # What fills no part of a split makes no row of it: a blank, a flag that is off.
    return cell.name in part_makers(entity) or cell.family in CONVERSIONS[cell.converter].alters
