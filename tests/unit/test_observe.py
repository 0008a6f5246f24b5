"""The audit log and the progress display."""

from __future__ import annotations

import io
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.observe.log import AuditEvent, AuditLog
from pipeline.observe.metrics import Metrics
from pipeline.observe.progress import Progress

EVENT = AuditEvent(
    batch_id="b1",
    run_id="r1",
    entity_type="student.Student",
    tenant_id="t1",
    stage="load",
    count=10,
    rejected=2,
    duration=1.23456789,
    checksum="281474976710656",
)
CENTRAL = timezone(timedelta(hours=-6))


def test_a_line_has_every_key_in_order(tmp_path: Path) -> None:
    path = tmp_path / "run" / "audit.jsonl"
    with AuditLog(path, now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=CENTRAL)) as log:
        log.append(EVENT)
        log.append(replace(EVENT, batch_id=None, entity_type=None, tenant_id=None, checksum=None, rejected=0))
    first, second = path.read_text(encoding="utf-8").splitlines()
    assert first == (
        '{"time": "2026-01-02T09:04:05.000000+00:00", "kind": "batch", "batch_id": "b1", "run_id": "r1", '
        '"entity_type": "student.Student", "tenant_id": "t1", "stage": "load", "count": 10, "rejected": 2, '
        '"duration": 1.234568, "checksum": "281474976710656"}'
    )
    assert list(json.loads(first)) == list(json.loads(second))
    assert json.loads(second)["batch_id"] is None


def test_the_time_is_now_in_utc(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with AuditLog(tmp_path / "a") as log:
        log.append(EVENT)
    time = datetime.fromisoformat(json.loads((tmp_path / "a").read_text())["time"])
    assert before <= time <= datetime.now(UTC)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("")
    path.chmod(0o644)
    AuditLog(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    AuditLog(tmp_path / "new").close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_it_is_continued_and_a_torn_line_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        with AuditLog(path) as log:
            log.append(EVENT)
    with path.open("a") as file:
        file.write('{"time": "20')
    with AuditLog(path) as log:
        log.append(EVENT)
        assert json.loads(path.read_text().splitlines()[-1])["count"] == 10, "a line is there at once"
    lines = path.read_text().splitlines()
    assert lines[2] == '{"time": "20'
    assert [json.loads(lines[i])["stage"] for i in (0, 1, 3)] == ["load"] * 3


def test_threads_do_not_tear_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditLog(path) as log, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: log.append(replace(EVENT, count=i, batch_id="ü" * 2000)), range(400)))
    assert sorted(json.loads(line)["count"] for line in path.read_text(encoding="utf-8").splitlines()) == list(
        range(400)
    )


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        log.append(replace(EVENT, duration=math.nan))
    log.close()
    log.close()
    with pytest.raises(ValueError, match="closed"):
        log.append(EVENT)
    assert path.read_bytes() == b""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")


def test_a_bar_a_stage_at_a_terminal() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.stage("extract [a]", 20_000, 2)
        progress.advance(10_000)
        progress.stage("load", 20_000, 2)
        progress.advance(10_000, stage="extract [a]")
        progress.advance(5_000)
    last = stream.getvalue().rpartition("extract")[2]
    for shown in ("[a]", "20,000/20,000 rows", "2/2 batches", "load", "5,000/20,000 rows", "1/2 batches"):
        assert shown in last


def test_it_never_goes_beyond_its_total() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.stage("extract", 10, 1)
        progress.advance(15)
        progress.stage("unknown")
        progress.advance(5)
    assert "15/15 rows" in stream.getvalue()
    assert "5/? rows" in stream.getvalue()


def test_a_stage_can_begin_anew() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.stage("load", 10, 1)
        progress.advance(10)
        progress.stage("load", 30, 3)
    assert stream.getvalue().rstrip().rpartition("load")[2].find("0/30 rows") > 0


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)], ids=["file", "quiet"])
def test_silent_elsewhere(stream: io.StringIO, quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress(stream=stream, quiet=quiet) as progress:
        progress.stage("extract", 10, 1)
        progress.advance(10)
    assert stream.getvalue() == ""


def test_where_there_is_no_terminal_a_line_is_said_now_and_then() -> None:
    stream, now = io.StringIO(), [0.0]
    with Progress(stream=stream, clock=lambda: now[0]) as progress:
        progress.stage("extract", 3_000_000, 300)
        for second in (10, 29, 31, 60, 62):
            now[0] = float(second)
            progress.advance(100_000)
        progress.stage("unknown")
        now[0] = 100.0
        progress.advance(5)
    assert stream.getvalue().splitlines() == [
        "extract: 300,000 of 3,000,000 rows, 9,677 rows/s, 0:04:39 left",
        "extract: 500,000 of 3,000,000 rows, 8,065 rows/s, 0:05:10 left",
        "unknown: 5 of ? rows, 0 rows/s",
    ]


def test_metrics_are_told_the_same() -> None:
    metrics, now = Metrics(), [0.0]
    with Progress(stream=io.StringIO(), metrics=metrics, clock=lambda: now[0]) as progress:
        progress.stage("load", 40, 4)
        now[0] = 3.0
        progress.advance(10)
    of_load = {"stage": "load"}
    assert metrics.registry.get_sample_value("migrate_rows_due", of_load) == 40
    assert metrics.registry.get_sample_value("migrate_seconds_left", of_load) == 9


def test_stderr_is_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.stage("extract", 10, 1)
        progress.advance(10)
    assert capsys.readouterr() == ("", "")


def test_threads_share_it() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress, ThreadPoolExecutor(8) as pool:
        progress.stage("load", 1_000, 1_000)
        list(pool.map(progress.advance, [1] * 1_000))
    assert "1,000/1,000 rows" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_progress_without_a_stage_is_refused(stream: io.StringIO) -> None:
    with Progress(stream=stream) as progress, pytest.raises(ValueError, match="no stage has begun"):
        progress.advance(1)


def test_progress_of_another_stage_is_refused() -> None:
    with Progress(stream=Terminal()) as progress:
        progress.stage("extract", 1, 1)
        with pytest.raises(ValueError, match="load has not begun"):
            progress.advance(1, stage="load")
