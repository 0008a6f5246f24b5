"""Two tenants whose lookups map to the same shared rows, loaded at once, again and again: always the same rows."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pipeline.demo.server import Server
from tests.support.site import AS_OF, Site, cloned

CHOSEN = ("--service", "configuration")
GRADES = "SELECT tenant_id::text, id::text, legacy_id, name FROM configuration.grade_levels ORDER BY 1, 2"
MAPPED = "SELECT tenant_id::text, entity, legacy_key, new_id::text FROM migration.id_map ORDER BY 1, 2, 3"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "times"),
    [("parallel = 4", 90), ("wave_sources = 1\nworkers = 2", 10)],
    ids=["over connections of one process", "in processes of their own"],
)
def test_a_hundred_times_over(
    sizes: str, times: int, fresh: Site, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = fresh.config.read_text(encoding="utf-8").replace("parallel = 2", "")
    fresh.config.write_text(text.replace("[run]", f"[run]\n{sizes}"), encoding="utf-8")
    fresh.migrate("extract", "--as-of", AS_OF, *CHOSEN)
    fresh.migrate("transform", *CHOSEN)
    found: Counter[str] = Counter()
    for _ in range(times):
        with cloned(postgres, fresh, tmp_path_factory.mktemp("again")) as again:
            again.migrate("load", *CHOSEN)
            found[repr([again.rows("configuration", sql) for sql in (GRADES, MAPPED)])] += 1
    assert [*found.values()] == [times]
    # Grades of both tenants lead to the shared rows, which stand once.
    shared = re.findall(r"'tenant_id': None, 'id': '([^']+)'", *found)
    assert shared
    assert len(shared) == len(set(shared))
