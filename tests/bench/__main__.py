"""The benchmark, run by `make bench`; not a timed test, and worth what the machine is idle.

`small` takes what fits into ten minutes; `whole` adds 2 and 5 million results, another tenant after 5 million, a run
that is killed and resumed, and the rivals that are installed. `tiny` is for trying the benchmark itself. The table is
printed and, after every row, written to bench-results.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import fleet, race, table, volume
from tests.bench.table import Row


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured, and how often."""

    #: Results of the first tenant; into the tables of the last of them comes another tenant.
    volumes: tuple[int, ...]
    further: int
    districts: int
    raced: int
    repeat: int
    #: Whether a run is killed and resumed, and rivals are raced.
    is_whole: bool


SIZES = {
    "tiny": Size((2_000,), 1_000, 3, 2_000, 1, is_whole=True),
    "small": Size((500_000,), 500_000, 60, 475_000, 3, is_whole=False),
    "whole": Size((500_000, 2_000_000, 5_000_000), 500_000, 60, 475_000, 3, is_whole=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small", help="how much is measured")
    name = parser.parse_args().size
    facts, done = table.machine(), list[Row]()
    for row in _rows(SIZES[name]):
        done.append(row)
        table.keep(Path("bench-results"), name, done, facts)
        print(f"measured: {row.what} {row.beside}".rstrip(), file=sys.stderr, flush=True)
    print(table.markdown(done, facts), end="")


def _rows(size: Size) -> Iterator[Row]:
    yield from fleet.rows(size.districts, size.repeat)
    yield from race.rows(size.raced, size.repeat, with_rivals=size.is_whole)
    for results in size.volumes:
        is_last = results == size.volumes[-1]
        further = size.further if is_last else None
        yield from volume.rows(results, size.repeat, further=further, is_resumed=size.is_whole and is_last)


if __name__ == "__main__":
    main()
