"""Several tables read as one: their rows behind one another, in the columns of the entry that describes them all.

Text only. Invariant: of a range, whose bounds begin with a table's name, each table's own SELECT has its part, so that
the index of its key answers it; a table that the range cannot hold is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.core import frame
from pipeline.core.fields import BETWEEN, head
from pipeline.core.sql.source import EVERY_KEY, Branch, KeyRange, SourceTable

if TYPE_CHECKING:
    from pipeline.core.sql.dialect import Dialect

#: Selects that one UNION ALL takes (SQLite: 500), and parts that are joined at a time, as it may be deep.
_UNITED: Final = 400
_JOINED: Final = 100


def rows(dialect: Dialect, table: SourceTable, within: KeyRange) -> str:
    """Select the rows of each of a table's branches that a range may hold."""
    selects = [
        _branch(dialect, table, number, part)
        for number, branch in enumerate(table.branches)
        if (part := _part(within, branch.table.name)) is not None
    ]
    if len(selects) > _UNITED:
        groups = (selects[at : at + _UNITED] for at in range(0, len(selects), _UNITED))
        selects = [f"SELECT * FROM ({' UNION ALL '.join(group)}) AS u" for group in groups]
    return f"({' UNION ALL '.join(selects)})"


def _part(within: KeyRange, name: str) -> KeyRange | None:
    """Give the part of a range that may hold rows of a table."""
    lower, upper = within.lower, within.upper
    if (lower is not None and name < str(lower[0])) or (upper is not None and name > str(upper[0])):
        return None
    return KeyRange(
        lower[1:] if lower is not None and name == lower[0] else None,
        upper[1:] if upper is not None and name == upper[0] else None,
    )


def _branch(dialect: Dialect, table: SourceTable, number: int, within: KeyRange) -> str:
    branch = table.branches[number]
    cells = [f"{number} AS {dialect.quote(frame.NUMBER)}"]
    for column in table.columns:
        name = column.name
        if name == branch.gathering:
            cell = _gathered(dialect, branch)
        elif (said := branch.literals.get(name)) is not None:
            cell = dialect.text_literal(said)
        elif name not in branch.literals and (real := branch.table.find(name)) is not None:
            cell = dialect.united(f"t.{dialect.quote(real.name)}", real)
        else:
            cell = dialect.nothing(column)
        cells.append(f"{cell} AS {dialect.quote(name)}")
    where = f" WHERE {dialect.within(within, branch.key, branch.table)}" if within != EVERY_KEY else ""
    return f"SELECT {', '.join(cells)} FROM {dialect.table(branch.table)} AS t{where}"


def _gathered(dialect: Dialect, branch: Branch) -> str:
    """Write the further columns of a row as one text, which `core.fields` reads."""
    parts = [dialect.text_literal("")]
    for n, (column, kind) in enumerate(branch.gathered):
        before = (BETWEEN if n else "") + head(column.name, kind)
        parts += [dialect.text_literal(before), dialect.field_text(f"t.{dialect.quote(column.name)}", column)]
    while len(parts) > 1:
        groups = (parts[at : at + _JOINED] for at in range(0, len(parts), _JOINED))
        parts = [dialect.joined(group) for group in groups]
    return parts[0]
