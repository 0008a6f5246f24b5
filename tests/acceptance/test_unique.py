"""What should be unique is looked for among all rows of a tenant, in whatever batches they lie."""

from __future__ import annotations

from pathlib import Path

from pipeline.demo.server import Server
from tests.support.small import TENANTS, named, small

PUPIL = named("Pupil").replace(
    "[Pupil.columns]",
    'rules = [{ rule = "unique", column = "Name", action = "flag", hazard = "H4", because = "pupils have names of their own" }]\n'
    "[Pupil.columns]",
)
ROWS = "CREATE TABLE Pupil (Id int PRIMARY KEY, Name nvarchar(50)); INSERT INTO Pupil VALUES "
FOUND = (
    "SELECT r.tenant_id::text AS tenant, unnest(f.keys) AS key, f.column_name AS name, f.hazard "
    "FROM migration.finding f JOIN migration.receipt r USING (batch_id) ORDER BY 1, 2"
)


def test_rows_of_different_batches_are_not_unique_together(postgres: Server, tmp_path: Path) -> None:
    scripts = {"a": f"{ROWS}(1, 'Ada'), (2, 'Bo'), (3, 'ADA '), (4, 'Cy')", "b": f"{ROWS}(1, 'Bo'), (2, 'Cy')"}
    with small(postgres, tmp_path, {"student": PUPIL}, scripts) as made:
        _, verdict = made.run(batch_rows=1)
        assert verdict.parity
        assert [tuple(row.values()) for row in made.site.rows("student", FOUND)] == [
            (TENANTS["a"], "[1]", "Name", "H4"),
            (TENANTS["a"], "[3]", "Name", "H4"),
        ]
