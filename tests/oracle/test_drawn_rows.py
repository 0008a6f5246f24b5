"""Rows drawn at random, of entries drawn at random: what becomes of them is what the catalog's third reading says."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.demo.server import Server
from schemas.installation import packaged_catalog
from tests.oracle.contents import differing, expected, loaded
from tests.oracle.entries import read_catalog
from tests.oracle.migration import Migration
from tests.oracle.sources import read_fleet, read_sources
from tests.properties.entries import Drawn, entries
from tests.properties.test_entries_moved import is_accepted, named, table
from tests.properties.test_target_cells import LIVING, SCHOOL
from tests.support.small import AS_OF, small


@pytest.mark.slow
@given(drawn=st.lists(entries(), min_size=20, max_size=20))
@settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_drawn_rows_become_what_the_oracle_says(postgres: Server, drawn: list[Drawn]) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        accepted = [d for d in drawn if is_exact(d) and is_accepted(directory, d)]
        entry = "".join(named(d, n) for n, d in enumerate(accepted))
        schools = f"CREATE TABLE School (Id int PRIMARY KEY); INSERT INTO School VALUES ({'), ('.join(LIVING)});"
        script = schools + "".join(table(d, n) for n, d in enumerate(accepted))
        with small(postgres, directory, {"configuration": SCHOOL, "student": entry}, {"a": script}) as made:
            made.run()
            sources = read_sources(made.site.config, read_fleet(packaged_catalog()))
            migration = Migration(read_catalog(directory / "services"), sources, AS_OF)
            oracle, target = expected(migration), loaded(made.site.rows, ["configuration", "student"])
            assert differing(oracle, target) == [], entry


def is_exact(drawn: Drawn) -> bool:
    """Say whether SQLite has an exact text of every number."""
    kinds = [str(column["type"]) for column in drawn.columns.values()]
    return not any(
        "e+300" in (raw or "") and kind == "float" for row in drawn.rows for kind, raw in zip(kinds, row, strict=True)
    )
