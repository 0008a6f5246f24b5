"""`migrate status --watch`: how far each wave and stage of a run is, from the staged files and the ledger alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import looking
from pipeline.core.state import Share, WaveState
from pipeline.demo.server import Server
from pipeline.observe.watching import Watch, is_done
from tests.support.small import Small, named, small

ROWS = "CREATE TABLE Pupil (Id int PRIMARY KEY, Name nvarchar(50)); INSERT INTO Pupil VALUES (1, 'a'), (2, 'b');"


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": named("Pupil")}, {"a": ROWS, "b": ROWS}) as site:
        site.configure("parallel = 2", "wave_sources = 1")
        yield site


def shown(text: str) -> list[list[str]]:
    """Give the lines of the waves, of each look."""
    return [line.split() for line in text.splitlines() if re.match("(a|b|all) +\\d", line)]


def test_each_look_shows_what_has_been_done_since(made: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = iter(["transform", "load", "verify"])
    monkeypatch.setattr(looking, "sleep", lambda _: made.site.migrate(next(stages)))
    made.site.migrate("extract")
    looks = shown(made.site.migrate("status", "--watch").stdout)
    ones = ["1/1", "1/1", "1/1", "1/1"]
    assert looks == [
        ["a", "1/1", "0/1", "0/0", "0/0", "2"],
        ["b", "1/1", "0/1", "0/0", "0/0", "2"],
        ["all", "2/2", "0/2", "0/0", "0/0", "4"],
        ["a", "1/1", "1/1", "0/1", "0/0", "2"],
        ["b", "1/1", "1/1", "0/1", "0/0", "2"],
        ["all", "2/2", "2/2", "0/2", "0/0", "4"],
        ["a", "1/1", "1/1", "1/1", "0/1", "2"],
        ["b", "1/1", "1/1", "1/1", "0/1", "2"],
        ["all", "2/2", "2/2", "2/2", "0/2", "4"],
        ["a", *ones, "2"],
        ["b", *ones, "2"],
        ["all", "2/2", "2/2", "2/2", "2/2", "4"],
    ]


def test_whoever_stops_looking_has_done_nothing_wrong(made: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(looking, "sleep", stopped)
    made.site.migrate("extract")
    assert len(shown(made.site.migrate("status", "--watch").stdout)) == 3


def test_it_is_for_people_and_of_a_run_that_is_staged(made: Small) -> None:
    assert "--json beside it" in made.site.migrate("status", "--watch", "--json", check=2).stderr
    assert "--by-tenant beside it" in made.site.migrate("status", "--watch", "--by-tenant", check=2).stderr
    made.site.migrate("run")
    [record] = (made.site.directory / "staging").glob("*/run.json")
    made.site.migrate("purge", "--run-id", record.parent.name)
    assert "have been purged" in made.site.migrate("status", "--watch", check=2).stderr


def test_pace_and_time_left_are_of_what_was_seen() -> None:
    now = [0.0]
    watch = Watch("r", clock=lambda: now[0])

    def look(extracted: int) -> tuple[list[str], list[str]]:
        none, whole = Share(0, 0), Share(extracted, 100)
        table = watch.look([WaveState(("a", "b"), 9, whole, Share(0, 100), none, none)])
        return [*table.columns[0].cells], [*map(str, table.columns[1].cells)]

    names, first = look(10)
    assert [*map(str, names)] == ["a and 1 more", "all", "a second", "time left"]
    assert first == ["10/100", "10/100", "", ""]
    now[0] = 10.0
    assert look(30)[1] == ["30/100", "30/100", "2.0", "0:00:35"]
    now[0] = 45.0
    assert look(100)[1] == ["100/100", "100/100", "", ""]


def test_nothing_more_is_to_be_seen_once_every_tenant_is_verified() -> None:
    whole, half = Share(2, 2), Share(1, 2)
    assert is_done([WaveState(("a",), 9, whole, whole, whole, whole)])
    assert not is_done([WaveState(("a",), 9, whole, whole, whole, half)])
