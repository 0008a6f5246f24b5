"""Random entries side by side in one catalog: what each passes by itself is made, loaded and verified in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.demo.server import Server
from schemas.catalog import load_catalog
from schemas.files import CatalogProblem
from tests.properties.entries import TYPES, Drawn, entries
from tests.properties.test_target_cells import LIVING, SCHOOL
from tests.support.small import small, told

#: Families whose values stand in SQL as numbers.
NUMBERS = ("integer", "boolean", "decimal", "float")


@pytest.mark.slow
@given(drawn=st.lists(entries(), min_size=12, max_size=12))
@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_accepted_entries_are_moved_and_verified(postgres: Server, drawn: list[Drawn]) -> None:
    with TemporaryDirectory() as directory:
        accepted = [d for d in drawn if is_accepted(Path(directory), d)]
        entry = "".join(named(d, n) for n, d in enumerate(accepted))
        schools = f"CREATE TABLE School (Id int PRIMARY KEY); INSERT INTO School VALUES ({'), ('.join(LIVING)});"
        script = schools + "".join(table(d, n) for n, d in enumerate(accepted))
        with small(postgres, Path(directory), {"configuration": SCHOOL, "student": entry}, {"a": script}) as made:
            _, verdict = made.run()
            assert told(verdict) == set(), entry
            counted = "SELECT count(*)::int AS n FROM migration.id_map UNION ALL SELECT count(*)::int FROM migration.quarantine"
            rows = sum(int(str(row["n"])) for row in made.site.rows("student", counted))
            assert rows == sum(len(d.rows) for d in accepted)


def is_accepted(directory: Path, drawn: Drawn) -> bool:
    alone = directory / "alone"
    alone.mkdir(exist_ok=True)
    (alone / "configuration.toml").write_text(SCHOOL, encoding="utf-8")
    (alone / "student.toml").write_text(drawn.toml(), encoding="utf-8")
    with suppress(CatalogProblem):
        load_catalog(alone)
        return True
    return False


def named(drawn: Drawn, number: int) -> str:
    """Write an entry with tables of its own."""
    return drawn.toml(f"P{number}").replace("extra", f"extra{number}")


def table(drawn: Drawn, number: int) -> str:
    """Write a legacy table with the rows of an entry."""
    types = {name: str(column["type"]) for name, column in drawn.columns.items()}
    names = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}" "{declared}"' for name, declared in types.items())
    rows = (f"({', '.join([str(n), *cells(list(types.values()), row)])})" for n, row in enumerate(drawn.rows))
    return f"CREATE TABLE P{number} (Id int PRIMARY KEY, {names}); INSERT INTO P{number} VALUES {', '.join(rows)};"


def cells(types: Sequence[str], row: Sequence[str | None]) -> list[str]:
    """Write values as SQLite stores them."""
    return [_literal(TYPES[t][0] if t in TYPES else "text", raw) for t, raw in zip(types, row, strict=True)]


def _literal(family: str, raw: str | None) -> str:
    if raw is None:
        return "NULL"
    if family in NUMBERS:
        return raw
    if family == "binary":
        return f"x'{raw}'"
    # A script ends at U+0000.
    return "'" + raw.replace("'", "''").replace("\0", "") + "'"
