"""What an earlier version of the tool left: its ledger is brought up to date by what writes, its runs are not continued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.faults.test_lost_connections import ENTRY, ROWS
from tests.golden.test_upgrade import FIRST, RUN
from tests.golden.test_upgrade import ROWS as LEDGER_ROWS
from tests.support.small import Small, small


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": ROWS}) as made:
        yield made


def test_a_command_that_writes_upgrades_an_older_ledger(made: Small) -> None:
    made.site.execute("student", "DROP SCHEMA migration CASCADE", *(s for s in FIRST if s.strip()), *LEDGER_ROWS)
    # That run was another tenant's.
    other = "UPDATE migration.{} SET tenant_id = '00000000-0000-4000-8000-000000000001'"
    made.site.execute(
        "student", *(other.format(t) for t in ("claim", "receipt", "id_map", "quarantine", "verification"))
    )
    refused = made.site.migrate("plan", check=2)
    assert "service student: The migration schema of a target database is of another version" in refused.stderr
    assert "got:      version 1" in refused.stderr
    assert "upgrades it in a transaction" in refused.stderr
    done = made.site.migrate("run")
    assert "service student: the ledger was of version 1 and has been upgraded" in done.stderr
    assert "PARITY" in done.stdout
    kept = made.site.rows("student", f"SELECT count(*) AS n, bool_or(run_id = '{RUN}') AS y FROM migration.receipt")
    assert kept == [{"n": 2, "y": True}]
    assert "upgraded" not in made.site.migrate("run").stderr


@pytest.mark.slow
def test_a_run_of_another_form_is_listed_and_not_continued(made: Small) -> None:
    made.site.migrate("extract")
    [record] = (made.site.directory / "staging").glob("*/run.json")
    text = json.loads(record.read_text(encoding="utf-8"))
    del text["version"]
    record.write_text(json.dumps(text), encoding="utf-8")
    old = record.parent.name
    assert "begun by another version" in " ".join(made.site.migrate("status").stdout.split())
    for command in ("transform", "load", "verify", "run"):
        done = made.site.migrate(command, "--run-id", old, check=2)
        assert "The run was begun by a version of this program whose files this one does not continue" in done.stderr
        assert "remove the directory and begin another" in done.stderr
    done = made.site.migrate("run")
    assert "beginning run" in done.stderr
    assert "PARITY" in done.stdout
