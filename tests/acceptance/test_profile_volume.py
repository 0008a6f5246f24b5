"""`migrate profile` of five million rows: the source computes, and the command holds no more than of a hundred."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROWS = 5_000_000
#: A gap of one number, a sentinel every thousand rows, and a pupil that is not there.
FILL = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO Result SELECT
    i + (i > 50), CASE WHEN i = {rows} THEN 99999 ELSE i % 5000 + 1 END,
    CASE WHEN i % 1000 = 0 THEN '1900-01-01 00:00:00.000' ELSE '2019-09-1' || (i % 10) || ' 05:00:00.000' END,
    i % 41 - 1, CASE WHEN i % 500 = 0 THEN '' ELSE 'note of row ' || i END
FROM n
"""
ENTRIES = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id = { type = "int" }

[Result]
source = "district"
key = ["Id"]
target = "results"
[Result.columns]
Id      = { type = "int" }
PupilId = { type = "int", to = "pupil_id", references = "student.Pupil" }
At      = { type = "datetime", to = "tested_on", convert = "date", absent = ["1900-01-01"] }
Score   = { type = "int", to = "score" }
Note    = { type = "nvarchar(max)", to = "note" }
"""
CONFIG = """
[target]
dsn = "postgresql://nobody@127.0.0.1:1/{service}"
[sources.a]
tenant = 1
name = "A"
dsn = "sqlite://a.sqlite"
tenant_zone = "America/Chicago"
host_zone = "UTC"
consistency = "snapshot"
"""
#: Runs the command, and writes last how many KiB it held at the most.
PROGRAM = """
import resource
from pipeline.cli.commands import migrate
migrate(["profile", "--json"], standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _profiled(directory: Path, rows: int) -> tuple[dict[str, Any], int]:
    (directory / "catalog").mkdir(parents=True)
    (directory / "catalog" / "student.toml").write_text(ENTRIES, encoding="utf-8")
    (directory / "migrate.toml").write_text(CONFIG, encoding="utf-8")
    with closing(sqlite3.connect(directory / "a.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE Pupil (Id integer PRIMARY KEY)")
        connection.execute(
            'CREATE TABLE Result (Id integer PRIMARY KEY, PupilId int, At datetime, Score int, Note "nvarchar(max)")'
        )
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            "INSERT INTO Pupil SELECT i FROM n"
        )
        connection.execute(FILL.format(rows=rows))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=directory, capture_output=True, text=True, check=True, timeout=1200
    )
    printed, _, kib = done.stdout.rstrip().rpartition("\n")
    (source,) = json.loads(printed)["sources"]
    return next(t for t in source["tables"] if t["table"] == "Result"), int(kib)


def test_five_million_rows_are_counted_in_bounded_memory(tmp_path: Path) -> None:
    _, of_few = _profiled(tmp_path / "few", 100)
    found, of_many = _profiled(tmp_path / "many", ROWS)
    columns = {c["name"]: c for c in found["columns"]}
    assert found["rows"] == columns["Id"]["distinct"] == ROWS
    assert (found["key_range"]["missing"], found["key_range"]["gaps"]) == (1, 1)
    assert [r["orphans"] for r in found["references"]] == [1]
    assert (columns["At"]["no_day"], columns["At"]["clock"]["rows"]) == (ROWS // 1000, ROWS - ROWS // 1000)
    assert (columns["Note"]["empty"], columns["Score"]["minus_ones"]) == (ROWS // 500, ROWS // 41)
    # What SQLite sorts it keeps in files of its own; its cache is a few MiB a column that it counts distinct values of.
    assert of_many - of_few < 200 * 1024
