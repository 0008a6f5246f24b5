"""What moving a source would take, by what the rehearsal took."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.core.profile import Estimate, TableProfile

#: Rows of a source a second through all four stages, on the two cores that the README's figures are of.
ROWS_A_SECOND: Final = 3_700
#: Bytes of staged files, and of target tables with their indexes and the ledger, for a byte of values and for a row: so
#: that 54 and 207 MiB come out for the rehearsal's 308,933 rows of 14 MB.
STAGED: Final = (1.0, 130)
TARGET: Final = (3.0, 600)


def estimate(tables: Iterable[TableProfile]) -> Estimate:
    """Estimate time and size of the tables that entries name."""
    moved = [t for t in tables if t.entities]
    rows = sum(t.rows or 0 for t in moved)
    size = sum(c.bytes or 0 for t in moved for c in t.columns if c.fate == "moves")
    return Estimate(
        rows,
        size,
        round(rows / ROWS_A_SECOND, 1),
        round(size * STAGED[0] + rows * STAGED[1]),
        round(size * TARGET[0] + rows * TARGET[1]),
    )
