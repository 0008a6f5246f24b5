"""A long run that is killed again and again, and goes on by the same command, to parity."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from random import Random

from tests.bench.ground import SERVICE, TABLES, TENANT, Ground, at_parity
from tests.bench.measuring import Spent
from tests.bench.table import Row, middle

KILLS = 5
SEED = 20260101


def row(ground: Ground, results: int, undisturbed: Sequence[Spent]) -> Row:
    """Measure it once: moments of the undisturbed time, drawn from a seed, are when it is killed."""
    ground.reset()
    random, whole = Random(SEED), middle(undisturbed).wall
    moments = sorted(random.uniform(0.02, 0.95) * whole for _ in range(KILLS))
    attempts = []
    for before, moment in zip([0.0, *moments], moments, strict=False):
        attempts.append(ground.run_results("district_a", kill_after=moment - before))
        if attempts[-1].code != -signal.SIGKILL:
            break
    else:
        attempts.append(ground.run_results("district_a"))
    at_parity(attempts[-1])
    kills = sum(ended.code == -signal.SIGKILL for ended in attempts)
    first, *others = (ended.spent for ended in attempts)
    spent = sum(others, first)
    _expect_one_tenant(ground)
    told = sum(" rows/s" in line for ended in attempts for line in ended.errors.splitlines())
    what = (
        f"{results:,} results of twelve columns in batches of 10,000, killed {kills} times and resumed, parity; "
        f"{told} lines of progress"
    )
    return Row(what, "", [spent], results, "results", "the same undisturbed", [middle(undisturbed)])


def _expect_one_tenant(ground: Ground) -> None:
    """Demand that every row has the tenant's id, by the formula that anyone can use."""
    for table in TABLES:
        found = ground.query(SERVICE, f"SELECT DISTINCT tenant_id::text AS id FROM {table}")
        if [row["id"] for row in found] != [str(TENANT)]:
            raise SystemExit(f"{table}: got rows of {len(found)} tenants, expected those of {TENANT} alone")
