"""The benchmark itself: that its figures are of what they say, and that every row of it runs; not what the figures are."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.demo.server import Server
from tests.bench.cells import differing
from tests.bench.measuring import ROOT, Spent, measured, server_seconds
from tests.bench.table import Row, markdown

_BURN = "import time\nwhile time.process_time() < 0.5: pass\n"
_HOLD = "held = bytes(b'x') * 300_000_000\n"
_APART = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_BURN!r}])\n"


def test_the_seconds_of_all_processes_count(postgres: Server) -> None:
    ended = measured([sys.executable, "-c", _APART + _BURN], postgres)
    assert (ended.code, 1.0 <= ended.spent.client < 2.0) == (0, True)
    assert ended.spent.wall >= 0.5


def test_memory_is_that_of_the_peak(postgres: Server) -> None:
    assert (
        286
        <= measured([sys.executable, "-c", _HOLD + "del held; import time; time.sleep(1)"], postgres).spent.peak_mb
        < 400
    )
    assert measured([sys.executable, "-c", "import time; time.sleep(1)"], postgres).spent.peak_mb < 100


def test_a_killed_command_has_its_seconds_too(postgres: Server) -> None:
    ended = measured([sys.executable, "-c", "while True: pass"], postgres, kill_after=1.0)
    assert ended.code == -signal.SIGKILL
    assert 0 < ended.spent.client <= ended.spent.wall
    assert ended.spent.wall >= 1.0


def test_a_session_that_has_ended_counts_to_the_server(postgres: Server) -> None:
    from pipeline.demo import server
    from tests.bench.by_hand import environment

    sql = "SELECT sum(sqrt(n)) FROM generate_series(1, 3000000) n"
    before = server_seconds(postgres)
    ended = measured([server.program("psql"), "-c", sql], postgres, env=environment(postgres, "postgres"))
    assert ended.code == 0, ended.errors
    assert 0.1 < ended.spent.server <= server_seconds(postgres) - before


@pytest.mark.parametrize(
    ("found", "count"),
    [
        ([("1", "2020-01-01 00:00:00", "a"), ("2", None, "")], 0),
        ([("1", "2020-01-02", "a"), ("2", None, "")], 1),
        ([("1", "2020-01-01", "a "), ("2", None, None)], 2),
        ([("1", "soon", "a"), ("2", None, "")], 1),
        ([("2", "soon", "")], 4),
        ([("1", "2020-01-01", "a"), ("2", None, ""), ("3", None, None)], 3),
    ],
    ids=["by value", "another day", "a blank, and NULL for empty", "no date", "a row missing", "a row more"],
)
def test_differing_cells_are_counted(found: list[tuple[str | None, ...]], count: int) -> None:
    expected = [("1", "2020-01-01", "a"), ("2", None, "")]
    types = {"id": "BIGINT", "day": "TIMESTAMP", "text": "VARCHAR"}
    assert differing(_table(expected), _table(found), types, key="id") == count


def _table(rows: list[tuple[str | None, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(("id", "day", "text"), columns, strict=True)})


def test_the_table_shows_medians_and_the_ratio_of_each_turn() -> None:
    ours = [Spent(4.0, 5.0, 1.0, 100), Spent(9.0, 6.0, 2.0, 90), Spent(5.0, 7.0, 3.0, 80)]
    theirs = [Spent(2.0, 1.0, 2.0, 10), Spent(3.0, 1.0, 2.0, 10), Spent(4.0, 1.0, 2.0, 10)]
    row = Row("1,000 results", "2.0 or less", ours, 1000, "results", "COPY", theirs)
    bare = Row("1,000 results", "", (), 1000, "results", "a tool: not installed")
    shown = markdown([row, bare], {"cores": "2"}).splitlines()
    assert (
        shown[2]
        == "| 1,000 results | 5.0 | 6.0 + 2.0 | 90 | 200 results | COPY | 3.0 | 1.0 + 2.0 | 2.00 | 2.0 or less |"
    )
    assert shown[3] == "| 1,000 results |  |  |  |  | a tool: not installed |  |  |  |  |"
    assert shown[5] == "- cores: 2"


@pytest.mark.slow
def test_every_row_is_measured_at_a_small_size(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--size", "tiny"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "bench-results" / "tiny.json").read_text())
    assert [row["what"].partition(",")[0] for row in kept["rows"]] == [
        "3 small districts",
        *("- extract alone", "- transform alone", "- load alone", "- verify alone"),
        *("2",) * 4,
        *("2", "2", "1"),
    ]
    by_hand, *_ = (row for row in kept["rows"] if "by hand" in row["beside"])
    if shutil.which("sqlite3"):
        assert by_hand["beside"].endswith("differing cells: 0")
    assert (tmp_path / "bench-results" / "tiny.md").read_text().endswith(done.stdout.rstrip("\n") + "\n")
