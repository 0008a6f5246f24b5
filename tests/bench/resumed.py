"""A long run that is killed again and again, and goes on by the same command, to parity."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from random import Random

from tests.bench.ground import TABLES, Ground, at_parity
from tests.bench.measuring import Spent
from tests.bench.table import Row, middle

KILLS = 5
SEED = 20260101


def row(ground: Ground, results: int, undisturbed: Sequence[Spent]) -> Row:
    """Measure it once: moments of the undisturbed time, drawn from a seed, are when it is killed."""
    ground.reset()
    random, whole = Random(SEED), middle(undisturbed).wall
    moments = sorted(random.uniform(0.02, 0.95) * whole for _ in range(KILLS))
    killed = []
    for before, moment in zip([0.0, *moments], moments, strict=False):
        ended = ground.run_results("district_a", kill_after=moment - before)
        if ended.code != -signal.SIGKILL:
            raise SystemExit(f"the run ended before it was killed, exit code {ended.code}\n{ended.errors[-2000:]}")
        killed.append(ended)
    last = ground.run_results("district_a")
    spent = at_parity(last)
    for ended in killed:
        spent += ended.spent
    _expect_one_tenant(ground)
    told = sum(" rows/s" in line for ended in [*killed, last] for line in ended.errors.splitlines())
    what = (
        f"{results:,} results of twelve columns in batches of 10,000, killed {len(killed)} times and resumed, parity; "
        f"{told} lines of progress"
    )
    return Row(what, "", [spent], results, "results", "the same undisturbed", [middle(undisturbed)])


def _expect_one_tenant(ground: Ground) -> None:
    """Demand that every row has the tenant's id."""
    for table in TABLES:
        of = "count(DISTINCT r.tenant_id) AS n, bool_and(r.tenant_id = s.tenant_id) AS own"
        sql = f"SELECT {of} FROM {table} r, (SELECT tenant_id FROM assessment.assessments LIMIT 1) s"
        found = ground.query("assessment", sql)[0]
        if found != {"n": 1, "own": True}:
            raise SystemExit(f"{table}: rows of {found['n']} tenants")
