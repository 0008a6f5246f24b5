"""The audit log answers an auditor: who ran what, where, under which configuration, and how it ended."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.server import Server
from tests.support.commands import migrate
from tests.support.small import Small, named, small

ENTRIES = named("Pupil", name="nvarchar(max)")
LEGACY = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)");
INSERT INTO Pupil VALUES (1, 'zq-value-zq');
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    monkeypatch.setattr(sys, "argv", ["migrate", "run", "--as-of", "2026-01-01", "password=zq-secret-zq"])
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY}) as site:
        yield site


def _log(made: Small) -> list[dict[str, Any]]:
    [path] = (made.site.directory / "staging").glob("*/audit.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _of(made: Small, kind: str) -> list[dict[str, Any]]:
    return [line for line in _log(made) if line["kind"] == kind]


def test_a_command_says_who_what_where_and_under_which_configuration(made: Small) -> None:
    migrate(made.site.config, "run", "--as-of", "2026-01-01")
    [line] = _of(made, "command")
    assert _log(made)[0] == line
    assert line["command"] == ["run", "--as-of", "2026-01-01", "password=***"]
    assert (line["user"], line["user_id"], line["host"]) == (getpass.getuser(), os.geteuid(), socket.gethostname())
    assert line["versions"]["polars"] == version("polars")
    assert line["versions"]["legacy-to-tenant"] == version("legacy-to-tenant")
    made.configure('host_zone = "UTC"', 'host_zone = "Europe/Berlin"')
    migrate(made.site.config, "run", check=3)
    services = made.site.directory / "services" / "media.toml"
    services.write_text(ENTRIES.replace('"name" }', '"name", absent = ["x"] }'), encoding="utf-8")
    migrate(made.site.config, "verify", check=3)
    first, second, third = _of(made, "command")
    assert first["configuration"] != second["configuration"] == third["configuration"]
    assert first["catalog"] == second["catalog"] != third["catalog"]
    assert all(line["run_id"] == first["run_id"] for line in _log(made))


def test_a_verdict_its_differences_and_what_is_not_moved_are_lines(made: Small) -> None:
    migrate(made.site.config, "run")
    [verdict] = _of(made, "verdict")
    assert (verdict["parity"], verdict["differences"], verdict["not_moved"]) == (True, 0, 0)
    made.site.execute("media", "UPDATE media.pupils SET name = 'y'")
    made.configure('host_zone = "UTC"', 'host_zone = "Europe/Berlin"')
    migrate(made.site.config, "verify", check=1)
    verdict = _of(made, "verdict")[-1]
    assert (verdict["parity"], verdict["moved_at_parity"], verdict["not_moved"]) == (False, False, 1)
    differences = _of(made, "difference")
    assert len(differences) == verdict["differences"] > 0
    assert ("different cell", "media.Pupil", "[1]", "name") in {
        (d["what"], d["entity"], d["legacy_key"], d["column"]) for d in differences
    }
    [left] = _of(made, "not moved")
    assert (left["what"], left["where"]) == ("zone", "source a")


def test_an_error_is_a_line_and_names_the_log(made: Small) -> None:
    migrate(made.site.config, "extract")
    (made.site.directory / "a.sqlite").write_bytes(b"no database")
    done = migrate(made.site.config, "verify", check=2)
    [error] = _of(made, "error")
    assert error["what"].splitlines()[0] in done.stderr
    assert error["places"][-1].startswith("pipeline/")
    [path] = (made.site.directory / "staging").glob("*/audit.jsonl")
    assert f"log:      {path}" in done.stderr


def test_a_fault_is_a_line_without_its_words(made: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("zq-value-zq")

    monkeypatch.setattr("pipeline.runner.run_transform", fail)
    done = migrate(made.site.config, "run", check=2)
    [error] = _of(made, "error")
    assert (error["error"], error["what"]) == ("KeyError", None)
    assert "audit.jsonl" in done.stderr
    [path] = (made.site.directory / "staging").glob("*/audit.jsonl")
    for secret in ("zq-value-zq", "zq-secret-zq"):
        assert secret not in path.read_text(encoding="utf-8") + done.stderr


def test_a_purge_stands_in_the_log_that_it_keeps(made: Small) -> None:
    migrate(made.site.config, "run")
    [run] = (made.site.directory / "staging").glob("*/run.json")
    migrate(made.site.config, "purge", "--run-id", run.parent.name)
    assert len(_of(made, "command")) == 2
