"""Many results of one tenant, against COPY: into empty tables, and into tables that are full of another's rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from tests.bench import resumed
from tests.bench.ground import NTH, Ground, at_parity, prepared
from tests.bench.measuring import Spent, measured
from tests.bench.table import Row

_BESIDE = "COPY of the same rows and id map into equal indexed tables"


def first(ground: Ground, results: int, repeat: int) -> Row:
    """Measure the first tenant's results, into empty tables."""
    aims = {500_000: "ratio 2.0 or less", 5_000_000: "ratio 1.8 or less, 1,024 MB or less"}
    ours, copies = _against_copy(ground, "district_a", repeat)
    what = f"{results:,} results, first tenant, proof included"
    return Row(what, aims.get(results, "ratio 1.8 or less"), ours, results, "results", _BESIDE, copies)


def nth(ground: Ground, results: int, repeat: int) -> Row:
    """Measure a further tenant's results, into tables that hold those of the first."""
    ground.freeze()
    others = ground.rows()
    ours, copies = _against_copy(ground, f"district_{NTH}", repeat)
    what = f"{results:,} results of another tenant, into tables that hold {others:,} rows, proof included"
    return Row(what, "ratio 2.0 or less", ours, results, "results", _BESIDE, copies)


def rows(volume: int, repeat: int, *, further: int | None, is_resumed: bool) -> Iterator[Row]:
    """Measure a number of results, and what can be measured where they are.

    Args:
        volume: results of the first tenant.
        repeat: how often each is measured.
        further: results of another tenant, after it; None for no such row.
        is_resumed: whether a run that is killed and resumed is measured.
    """
    with prepared(volume, nth=further) as ground:
        yield (whole := first(ground, volume, repeat))
        if is_resumed:
            yield resumed.row(ground, volume, whole.ours)
        if further is not None:
            yield nth(ground, further, repeat)


def _against_copy(ground: Ground, source: str, repeat: int) -> tuple[list[Spent], list[Spent]]:
    ours, copies = [], []
    for _ in range(repeat):
        ground.reset()
        ours.append(at_parity(ground.run_results(source)))
        with ground.cloned("baseline") as name:
            command = (sys.executable, "-m", "tests.bench.baseline", ground.config, source, name)
            copied = measured(command, ground.server)
        if copied.code:
            raise SystemExit(f"COPY failed\n{copied.errors}")
        copies.append(Spent(**json.loads(copied.out)))
    return ours, copies
