"""The file that lists sources, `sources_file` of `migrate.toml`: comma-separated, a source a line.

Owns its form: a head of known columns, as many cells in a line, a name in each. What a cell may say is the matter of
`source.py`. Invariant: every line is either given or named as a problem.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from pipeline.settings.source import Source
from pipeline.settings.table import near

#: The column that holds what is the table's name in `migrate.toml`.
NAME: Final = "source"
COLUMNS: Final = (NAME, *(key for key in Source.names() if key != "id"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line: one source, its cells by column; a blank cell is none."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """What a file lists, and what is wrong with its form."""

    lines: tuple[Line, ...] = ()
    problems: tuple[str, ...] = ()


def read_listed(path: Path, shown: str) -> Listed:
    """Read the file; `shown` is how the problems call it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return Listed(problems=(f"{shown}: cannot be read: {error.strerror}",))
    except UnicodeDecodeError:
        return Listed(problems=(f"{shown}: is not UTF-8: save it as CSV UTF-8",))
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    lines, problems, start = [], [], 1
    try:
        head = [cell.strip() for cell in next(rows, [])]
        problems += [f"{shown}, line 1{problem}" for problem in _wrong_head(head)]
        if problems:
            return Listed(problems=tuple(problems))
        start = rows.line_num + 1
        for row in rows:
            if len(row) not in (0, len(head)):  # 0 is a blank line
                problems.append(f"{shown}, line {start}: got {_cells(len(row))}, expected {len(head)}, as in line 1")
            elif any(row):
                cells = {column: cell.strip() for column, cell in zip(head, row, strict=True) if cell.strip()}
                if NAME in cells:
                    lines.append(Line(start, cells))
                else:
                    problems.append(f"{shown}, line {start}, column {NAME}: is missing")
            start = rows.line_num + 1
    except csv.Error as error:
        problems.append(f"{shown}, line {start}: is not CSV: {error}")
    return Listed(tuple(lines), tuple(problems))


def _wrong_head(head: list[str]) -> list[str]:
    if not any(head):
        return [f": got nothing, expected the names of columns, among them {NAME}"]
    if len(head) == 1 and ";" in head[0]:
        return [": got semicolons, expected commas between the columns"]
    problems = [
        f", column {n}: there is no column {c!r}{near(c, COLUMNS)}" for n, c in enumerate(head, 1) if c not in COLUMNS
    ]
    problems += [f", column {n}: {c} is there twice" for n, c in enumerate(head, 1) if c in head[: n - 1]]
    return problems if NAME in head else [*problems, f": got no column {NAME}, which names each source"]


def _cells(number: int) -> str:
    return f"{number} cell{'s' if number != 1 else ''}"
