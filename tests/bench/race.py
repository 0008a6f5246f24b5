"""One job, done by us and by others: by hand in SQL, and by tools that copy the raw table alone.

The rows are clean, for at one text in a column of integers all of the others stop; but texts end in blanks, are empty,
and hold quotes and line ends, as they may.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.bench import by_hand
from tests.bench.ground import at_parity, prepared
from tests.bench.measuring import Spent
from tests.bench.rivals import RIVALS, differences, plain_file
from tests.bench.table import Row

_TEXTS = ("", "ends in blanks  ", 'says "so", and\nmore; a \\ too')


def rows(results: int, repeat: int, *, with_rivals: bool) -> Iterator[Row]:
    """Measure our run in turn with every other way; ours are the same in all rows."""
    present = [rival for rival in RIVALS if with_rivals and rival.found]
    ours: list[Spent] = []
    theirs: dict[str, list[Spent]] = {"by hand": [], **{rival.program: [] for rival in present}}
    cells = dict.fromkeys(theirs, 0)
    with prepared(results, dirt=False) as ground:
        _plant(ground.source)
        plain = plain_file(ground.source, ground.directory / "plain.sqlite")
        for _ in range(repeat):
            ground.reset()
            ours.append(at_parity(ground.run_results("district_a")))
            if by_hand.is_installed():
                with by_hand.prepared_map(ground) as database:
                    theirs["by hand"].append(by_hand.moved(ground, database).spent)
                    cells["by hand"] = by_hand.differences(ground, database)
            for rival in present:
                with ground.created("rival") as database:
                    theirs[rival.program].append(rival.copy(ground, plain, database).spent)
                    cells[rival.program] = differences(ground, plain, database)

    def row(name: str, beside: str, aim: str, install: str) -> Row:
        if not theirs.get(name):
            return Row(
                f"{results:,} results, proof included",
                aim,
                (),
                results,
                "results",
                f"{beside}: not installed: {install}",
            )
        said = f"{beside}; differing cells: {cells[name]:,}"
        return Row(f"{results:,} results, proof included", aim, ours, results, "results", said, theirs[name])

    yield row("by hand", "the same job by hand in SQL, without proof", "ratio 0.8 or less", "apt install sqlite3")
    for rival in RIVALS if with_rivals else ():
        yield row(rival.program, f"{rival.program}: a bare copy of the raw table alone", rival.aim, rival.install)


def _plant(source: Path) -> None:
    """Give some results texts that are easily altered on the way."""
    with closing(sqlite3.connect(source)) as connection, connection:
        for number, text in enumerate(_TEXTS):
            connection.execute("UPDATE AssessmentFP SET Comments = ? WHERE ID % 1000 = ?", (text, number))
