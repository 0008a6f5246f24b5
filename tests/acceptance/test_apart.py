"""What fails of one district, or is refused of it, holds up no other: it is named, and the same command brings it over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tenacity import wait_none

from pipeline import attempts
from pipeline.core.plan import Batch
from pipeline.demo.server import Server
from pipeline.errors import TargetUnreachable
from pipeline.reading import read
from pipeline.stages import extract, load
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from tests.support.changing import FAMILY
from tests.support.fleet import tenant_id
from tests.support.small import Small, small

ROWS = """
CREATE TABLE Parent (Id int NOT NULL PRIMARY KEY, Name nvarchar(50));
CREATE TABLE Child (Id int NOT NULL PRIMARY KEY, ParentId int NOT NULL);
INSERT INTO Parent VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO Child VALUES (1, 1), (2, 3), (3, 3);
"""
#: Tenant number of each district.
NUMBERS = {letter: n for n, letter in enumerate("abcd", 1)}


@pytest.fixture
def four(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": FAMILY}, dict.fromkeys(NUMBERS, ROWS)) as made:
        yield made


@pytest.fixture
def losing(four: Small, monkeypatch: pytest.MonkeyPatch) -> Small:
    """Let a table of one district vanish between planning and reading."""
    gone = list[bool]()

    def lost(workspace: Workspace, errand: Sequence[Batch]) -> Iterator[tuple[Batch, pa.Table]]:
        if errand[0].source == "b" and not gone:
            gone.append(True)
            four.legacy("b", "ALTER TABLE Child RENAME TO Hidden")
        return read(workspace, errand)

    monkeypatch.setattr(extract, "read", lost)
    return four


def found_again(made: Small) -> None:
    made.legacy("b", "ALTER TABLE Hidden RENAME TO Child")


def run(made: Small, *arguments: str, check: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.site.migrate("run", "--json", *arguments, check=check).stdout)
    return found


def left(said: dict[str, Any]) -> dict[str, str]:
    return {x["where"]: x["why"] for x in said["not_moved"] if x["kind"] == "source"}


def tenants(said: dict[str, Any]) -> set[str]:
    """Name the tenants of which a verification saw rows."""
    return {e["tenant"] for e in said["entities"]}


def stands(made: Small) -> dict[str, str]:
    """Say how far each district is."""
    listed = json.loads(made.site.migrate("status", "--by-tenant", "--json").stdout)
    return {state["tenant"]: state["stand"] for state in listed}


def rows(made: Small, table: str = "children") -> dict[str, int]:
    """Count the rows of each district in a target table."""
    letters = {str(tenant_id(n)): letter for letter, n in NUMBERS.items()}
    counted = made.site.rows("student", f"SELECT tenant_id::text AS t, count(*) AS n FROM student.{table} GROUP BY 1")
    return {letters[str(r["t"])]: int(str(r["n"])) for r in counted}


def refuse(made: Small, *numbers: int) -> None:
    """Let the target refuse one child of some districts from now on; its structure stays."""
    tenants = ", ".join(f"'{tenant_id(number)}'" for number in numbers) or "NULL"
    made.site.execute(
        "student",
        "CREATE OR REPLACE FUNCTION public.is_fit(tenant uuid, key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS "
        f"$$ SELECT NOT coalesce(tenant IN ({tenants}) AND key = '[3]', false) $$",
    )


def refusing(made: Small, *numbers: int) -> None:
    """Make a target that can refuse children, and let it refuse one of some districts."""
    refuse(made, *numbers)
    made.site.execute(
        "student", "ALTER TABLE student.children ADD CONSTRAINT fit CHECK (public.is_fit(tenant_id, legacy_id))"
    )


def test_a_district_that_cannot_be_read_leaves_the_run(losing: Small) -> None:
    four = losing
    said = run(four, check=3)
    assert said["moved_at_parity"]
    assert left(said).keys() == {"source b"}
    assert "there is no such table" in left(said)["source b"]
    assert rows(four) == {"a": 3, "c": 3, "d": 3}
    assert left(run(four, check=3)) == {"source b": "a table is missing"}  # nothing else is left to move
    found_again(four)
    again = run(four)
    assert {s["tenant_id"] for s in again["configuration"]["sources"].values()} == {str(tenant_id(2))}
    assert rows(four) == dict.fromkeys(NUMBERS, 3)
    assert json.loads(four.site.migrate("verify", "--json").stdout)["parity"]


def test_a_district_whose_rows_are_refused_holds_up_no_other(four: Small) -> None:
    refusing(four, NUMBERS["c"])
    said = run(four, check=3)
    assert said["moved_at_parity"]
    assert left(said).keys() == {"source c"}
    assert "fit" in left(said)["source c"]
    assert rows(four) == {"a": 3, "b": 3, "d": 3}
    assert rows(four, "parents") == dict.fromkeys(NUMBERS, 3)
    loaded = four.site.rows("student", "SELECT id::text, xmin::text FROM student.children ORDER BY 1")
    assert left(run(four, check=3)) == left(said)
    refuse(four)
    assert run(four)["parity"]
    assert rows(four) == dict.fromkeys(NUMBERS, 3)
    kept = four.site.rows("student", "SELECT id::text, xmin::text FROM student.children ORDER BY 1")
    assert [row for row in loaded if row not in kept] == []


def test_all_go_on_at_once_and_a_new_district_too(losing: Small) -> None:
    """One is refused, one cannot be read, one is new meanwhile: what can be moved is moved by the next command."""
    four = losing
    refusing(four, NUMBERS["c"])
    text = four.site.config.read_text(encoding="utf-8")
    head, tail = text.split("[sources.d]")
    four.site.config.write_text(head, encoding="utf-8")
    assert left(run(four, check=3)).keys() == {"source b", "source c"}
    assert rows(four) == {"a": 3}
    assert stands(four) == {"a": "done", "b": "failed", "c": "failed"}
    four.site.config.write_text(f"{head}[sources.d]{tail}", encoding="utf-8")
    assert stands(four)["d"] == "waiting"
    assert left(run(four, check=3)).keys() == {"source b", "source c"}
    assert rows(four) == {"a": 3, "d": 3}
    found_again(four)
    refuse(four)
    assert run(four)["parity"]
    assert rows(four) == dict.fromkeys(NUMBERS, 3)
    assert stands(four) == dict.fromkeys(NUMBERS, "done")


def test_each_tenant_is_said_to_be_where_it_is(four: Small) -> None:
    four.site.migrate("extract", "--tenant", "a")
    assert stands(four) == {"a": "under way", "b": "waiting", "c": "waiting", "d": "waiting"}
    four.site.migrate("run", "--tenant", "a")
    four.site.migrate("run", "--tenant", "b", "--entity", "student.Parent")
    assert stands(four) == {"a": "done", "b": "in part", "c": "waiting", "d": "waiting"}
    four.site.execute(
        "student", f"DELETE FROM student.children WHERE tenant_id = '{tenant_id(1)}' AND legacy_id = '[3]'"
    )
    four.site.migrate("verify", "--tenant", "a", check=1)
    assert stands(four)["a"] == "failed"
    shown = four.site.migrate("status", "--by-tenant").stdout
    assert re.search(r"^a: the newest verdict found [1-9] differences?$", shown, re.MULTILINE)


def test_a_part_whose_connection_is_lost_is_loaded_all_the_same(four: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, loading = set[tuple[str, ...]](), load.load

    def losing(workspace: Workspace, database: TargetDatabase, due: load.Due) -> int:
        if not due.is_whole and due.tenants not in lost:
            lost.add(due.tenants)
            raise TargetUnreachable
        return loading(workspace, database, due)

    monkeypatch.setattr(load, "load", losing)
    monkeypatch.setattr(attempts, "WAIT", wait_none())
    refusing(four, NUMBERS["c"])
    assert run(four, check=3)["moved_at_parity"]
    assert len(lost) == 4
    assert rows(four) == {"a": 3, "b": 3, "d": 3}


def test_where_all_are_refused_the_first_is_told(four: Small) -> None:
    refusing(four, *NUMBERS.values())
    assert "fit" in four.site.migrate("run", check=2).stderr
    refuse(four)
    assert run(four)["parity"]


@pytest.mark.slow
def test_five_of_sixty_hold_up_nobody(postgres: Server, tmp_path: Path) -> None:
    """Three that are not there, one without a table, one whose rows are refused: 55 are brought over, then these five."""
    names = [f"s{n:02}" for n in range(1, 61)]
    gone, without, odd = names[3:50:20], names[10], names[20]
    with small(postgres, tmp_path, {"student": FAMILY}, dict.fromkeys(names, ROWS)) as made:
        made.legacy(without, "ALTER TABLE Child RENAME TO Hidden")
        for name in gone:
            (made.site.directory / f"{name}.sqlite").rename(made.site.directory / f"{name}.away")
        refusing(made, names.index(odd) + 1)
        said = run(made, check=3)
        assert said["moved_at_parity"]
        assert left(said).keys() == {f"source {name}" for name in (*gone, without, odd)}
        assert len(tenants(said)) == 55
        before = made.site.rows("student", "SELECT id::text, xmin::text FROM student.children")
        assert len(before) == 55 * 3
        made.legacy(without, "ALTER TABLE Hidden RENAME TO Child")
        for name in gone:
            (made.site.directory / f"{name}.away").rename(made.site.directory / f"{name}.sqlite")
        refuse(made)
        assert run(made)["parity"]
        after = made.site.rows("student", "SELECT id::text, xmin::text FROM student.children")
        assert len(after) == 60 * 3
        assert [row for row in before if row not in after] == []
