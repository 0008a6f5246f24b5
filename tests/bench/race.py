"""One job, done by us and by others: by hand in SQL, and by tools that copy the raw table alone.

The rows are clean, for at one text in a column of integers all of the others stop; but texts end in blanks, are empty,
and hold quotes and line ends, as they may.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tests.bench.by_hand import ByHand
from tests.bench.ground import at_parity, prepared
from tests.bench.measuring import Ended, Spent
from tests.bench.rivals import RIVALS, Rival, plain_file
from tests.bench.table import Row

_TEXTS = ("", "ends in blanks  ", 'says "so", and\nmore; a \\ too')


def rows(results: int, repeat: int, *, with_rivals: bool) -> Iterator[Row]:
    """Measure our run in turn with every other way; ours are the same in all rows."""
    others: tuple[ByHand | Rival, ...] = (ByHand(), *(RIVALS if with_rivals else ()))
    ours: list[Spent] = []
    theirs: list[list[tuple[Ended, int]]] = [[] for _ in others]
    with prepared(results, dirt=False) as ground:
        _plant(ground.source)
        plain_file(ground)
        for _ in range(repeat):
            ground.reset()
            ours.append(at_parity(ground.run_results("district_a")))
            for other, turns in zip(others, theirs, strict=True):
                if other.is_installed:
                    turns.append(other.turn(ground))
    for other, turns in zip(others, theirs, strict=True):
        yield _row(results, other, ours, turns)


def _row(results: int, other: ByHand | Rival, ours: Sequence[Spent], turns: Sequence[tuple[Ended, int]]) -> Row:
    """Set our run beside another way; one that is not there, or fails, leaves no figures."""
    spent, failed = [ended.spent for ended, _ in turns], [ended.code for ended, _ in turns if ended.code]
    if not turns:
        spent, said = [], f"not installed: {other.install}"
    elif failed:
        print(turns[-1][0].out[-2000:], turns[-1][0].errors[-2000:], sep="\n", file=sys.stderr)
        spent, said = [], f"failed, exit code {failed[0]}"
    else:
        said = f"differing cells: {max(cells for _, cells in turns):,}"
    what, beside = f"{results:,} results, proof included", f"{other.title}; {said}"
    return Row(what, other.aim, ours, results, "results", beside, spent)


def _plant(source: Path) -> None:
    """Give some results texts that are easily altered on the way."""
    with closing(sqlite3.connect(source)) as connection, connection:
        for number, text in enumerate(_TEXTS):
            connection.execute("UPDATE AssessmentFP SET Comments = ? WHERE ID % 1000 = ?", (text, number))
