"""Many small districts: sources of the demo's entities, 0 to 200 rows a table, through all four stages.

A piece is an entity of a tenant. Each stage is a command of its own, as its seconds are wanted apart; the four together
take a little longer than `migrate run`, which starts once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.demo import server
from pipeline.demo.estate import build_estate, config_text
from tests.bench.ground import AS_OF, Ground, at_parity, register, served, source_text, written
from tests.bench.measuring import Spent
from tests.bench.table import Row
from tests.support.sample import load_sample

STUDENTS = {"a": 40, "b": 40}
#: Of the stages the last proves what they all did.
STAGES = {
    "extract": ("extract", f"--as-of={AS_OF}"),
    "transform": ("transform",),
    "load": ("load",),
    "verify": ("verify", "--json"),
}


def rows(districts: int, repeat: int) -> Iterator[Row]:
    """Measure a fleet; give a row for all stages, and one for each."""
    spent: dict[str, list[Spent]] = {stage: [] for stage in STAGES}
    for _ in range(repeat):
        with served() as (directory, running):
            ground = Ground(directory, running, build_fleet(directory, running, districts))
            for stage, command in STAGES.items():
                ended = ground.migrate(*command)
                if ended.code:
                    raise SystemExit(f"{stage} failed\n{ended.errors[-2000:]}")
                spent[stage].append(at_parity(ended) if stage == "verify" else ended.spent)
    pieces = districts * sum(entity.source != "login" for entity in load_sample().entities.values())
    extract, *others = spent.values()
    whole = [sum(turn, first) for first, *turn in zip(extract, *others, strict=True)]
    yield Row(
        f"{districts} small districts, {pieces:,} pieces, all four stages", "100 a second", whole, pieces, "pieces"
    )
    for stage, seconds in spent.items():
        yield Row(f"- {stage} alone", "250 a second", seconds, pieces, "pieces")


def build_fleet(directory: Path, running: server.Server, districts: int) -> Path:
    """Write the legacy databases: the second district of the demo's estate, small, once for each tenant."""
    build_estate(directory, students=STUDENTS, years=3, dirt=False)
    further = range(3, districts + 1)
    register(directory / "login.sqlite", further)
    text = config_text(directory, running.dsn("{service}"), directory / "staging")
    for number in further:
        path = directory / f"district_{number}.sqlite"
        shutil.copy(directory / "district_b.sqlite", path)
        text += source_text(number, path)
    return written(directory / "migrate.toml", text)
