"""The benchmark itself still runs: a small one, for its way and not for its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=directory,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_small_districts_end_at_parity(tmp_path: Path) -> None:
    assert "4 districts, 128 pieces" in (said := run(tmp_path, "tests.bench.fleet", "--districts", "4"))
    assert "parity: True" in said


@pytest.mark.slow
def test_a_small_benchmark_ends_at_parity_and_writes_its_figures(tmp_path: Path) -> None:
    run(tmp_path, "tests.bench.end_to_end", "--results", "3000")
    measured = json.loads((tmp_path / "bench-results" / "end_to_end.json").read_text())
    assert measured["parity"] is True
    assert measured["copy"]["rows"] > 3000
