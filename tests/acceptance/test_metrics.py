"""What Prometheus is told is what was done, under the names that docs/metrics.md lists."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.demo.server import Server
from pipeline.errors import ConfigError
from pipeline.observe.log import AuditEvent
from pipeline.observe.metrics import Metrics
from tests.support.commands import migrate
from tests.support.site import ROOT
from tests.support.small import Small, named, small

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ROWS = "CREATE TABLE Pupil (Id int PRIMARY KEY, Name nvarchar(50));"
EVENT = AuditEvent(
    batch_id="b", run_id="r", entity_type="media.Pupil", tenant_id="t", stage="load", count=3, rejected=1, duration=0.5
)


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    two = f"{ROWS} INSERT INTO Pupil VALUES (1, 'Zoë'), (2, NULL);"
    three = f"{ROWS} INSERT INTO Pupil VALUES (1, 'a'), (2, 'b'), (3, 'c');"
    with small(postgres, tmp_path, {"media": named("Pupil")}, {"a": two, "b": three}) as site:
        yield site


def told(text: str) -> dict[str, Counter[tuple[str, ...]]]:
    """Read an exposition: name -> the labels' values -> number."""
    found: dict[str, Counter[tuple[str, ...]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                labels = tuple(sample.labels[name] for name in ("stage", "service", "tenant") if name in sample.labels)
                found.setdefault(sample.name, Counter())[labels] += sample.value
    return found


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_a_run_counts_what_it_moves(made: Small, tmp_path: Path) -> None:
    file = tmp_path / "migrate.prom"
    migrate(made.site.config, "run", "--metrics", str(file))
    found = told(file.read_text(encoding="utf-8"))
    rows = {
        (stage, "media", name): n
        for stage in ("extract", "transform", "load", "verify")
        for name, n in (("a", 2), ("b", 3))
    }
    assert found["migrate_rows_total"] == rows
    assert found["migrate_batches_total"] == dict.fromkeys(rows, 1)
    assert set(found["migrate_rejected_rows_total"].values()) == {0}
    assert {*found} == set(re.findall(r"^\| `(migrate_\w+)`", PAGE, re.M))
    migrate(made.site.config, "run", "--metrics", str(file))
    assert told(file.read_text(encoding="utf-8")) == {}, "nothing was done"


def test_a_port_answers_while_the_work_goes_on() -> None:
    port = free_port()
    metrics = Metrics(port=port)
    metrics.count(EVENT, "a")
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        found = told(answer.read().decode())
    assert found["migrate_rows_total"] == {("load", "media", "a"): 3}
    assert found["migrate_rejected_rows_total"] == {("load", "media", "a"): 1}
    with pytest.raises(ConfigError, match="nothing can be served there"):
        Metrics(port=port)


def test_a_file_that_cannot_be_written_stops_no_work(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "nowhere" / "x.prom")
    metrics.count(EVENT, "a")
