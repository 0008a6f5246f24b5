"""Tables that hold nothing are filled without indexes, which stand as they were before anything is verified."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import filling, runner
from pipeline.demo.server import Server
from pipeline.errors import RowsRefused, TargetDrift
from pipeline.observe.progress import Progress
from pipeline.stages import load
from pipeline.stages.load import Due
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
QUIET = Progress(quiet=True)
#: What the DDL makes of all tables that rows go to.
STANDING = {
    "student.children": ["PRIMARY KEY (id)", "btree (tenant_id)"],
    "student.parents": ["PRIMARY KEY (id)", "btree (tenant_id)"],
    "migration.id_map": ["PRIMARY KEY (tenant_id, entity, legacy_key)", "btree (new_id)"],
}
NONE: dict[str, list[str]] = {table: [] for table in STANDING}
#: A run in a process of its own which takes every table for large, and dies with the second bundle.
DIES = """
import os, signal, sys
from pipeline import filling
from pipeline.cli import main
from pipeline.stages import load
filling.WORTH, done, real = 1, [], load.load
def dying(*arguments):
    done.append(real(*arguments))
    if len(done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return done[-1]
load.load = dying
main()
"""


@pytest.fixture(autouse=True)
def _every_table_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "WORTH", 1)


@pytest.fixture
def family(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": FAMILY}, {"a": ROWS, "b": ROWS}) as made:
        yield made


def definitions(made: Small) -> set[tuple[str, str]]:
    """Give every index of the database, as the server writes it and its constraint."""
    rows = made.site.rows(
        "student",
        "SELECT pg_get_indexdef(i.indexrelid) AS d, coalesce(k.conname || ' ' || pg_get_constraintdef(k.oid), '') AS k "
        "FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype <> 'f' "
        "WHERE i.indrelid::regclass::text ~ '^(student|migration)[.]'",
    )
    return {(str(r["d"]), str(r["k"])) for r in rows}


def standing(made: Small) -> dict[str, list[str]]:
    """Say which indexes the tables have that rows go to."""
    found: dict[str, list[str]] = {table: [] for table in STANDING}
    for index, key in sorted(definitions(made), key=lambda d: not d[1]):
        table = index.split(" ON ")[1].split(" ")[0]
        if table in found:
            found[table].append(key.partition(" ")[2] or index.split(" USING ")[1])
    return found


def watched(made: Small, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, list[str]]]:
    """Say from now on, before each bundle that is loaded, which indexes there are."""
    seen, real = list[dict[str, list[str]]](), load.load

    def watching(workspace: Workspace, database: TargetDatabase, due: Due) -> int:
        seen.append(standing(made))
        return real(workspace, database, due)

    monkeypatch.setattr(load, "load", watching)
    return seen


def transformed(made: Small) -> Workspace:
    workspace = made.open()
    runner.run_extract(workspace, QUIET)
    runner.run_transform(workspace, QUIET)
    return workspace


def rows(made: Small, table: str) -> int:
    return int(str(made.site.rows("student", f"SELECT count(*) AS n FROM {table}")[0]["n"]))


def one_at_a_time(made: Small) -> None:
    made.configure("parallel = 2", "parallel = 1")


def test_indexes_stand_again_as_they_were(family: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    one_at_a_time(family)
    before, seen = definitions(family), watched(family, monkeypatch)
    _, verdict = family.run()
    assert seen == [NONE, NONE]
    assert definitions(family) == before
    assert standing(family) == STANDING
    assert rows(family, "migration.pending_index") == 0
    assert verdict.parity


def test_they_are_kept_where_the_site_wants_that(family: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    family.configure("[run]", 'indexes = "keep"\n[run]')
    seen = watched(family, monkeypatch)
    assert family.run()[1].parity
    assert seen == [STANDING, STANDING]


def test_they_are_kept_where_few_rows_come(family: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "WORTH", 7)
    one_at_a_time(family)
    seen = watched(family, monkeypatch)
    assert family.run()[1].parity
    assert seen == [{**STANDING, "migration.id_map": []}] * 2  # of twelve rows, while the tables get six each


def test_a_table_that_holds_rows_is_loaded_in_place(family: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    assert family.run("student.Parent")[1].parity
    seen = watched(family, monkeypatch)
    assert family.run("student.Child")[1].parity
    assert seen == [{**STANDING, "student.children": []}]


#: What a site has made of its own, the table that keeps its indexes, and what `plan` says.
FORBIDDING = [
    (["CREATE VIEW student.grown AS SELECT id FROM student.parents"], "parents", "view student.grown depends on it"),
    (["CREATE TABLE student.notes (of uuid REFERENCES student.parents)"], "parents", "constraint notes_of_fkey on"),
    (["CREATE INDEX by_key ON student.children (legacy_id)"], "children", "its indexes are not those of the DDL"),
    (["ALTER TABLE student.children CLUSTER ON children_pkey"], "children", "its indexes are not those of the DDL"),
    (
        [
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER t BEFORE INSERT ON student.children FOR EACH ROW EXECUTE FUNCTION f()",
        ],
        "children",
        "it has a trigger",
    ),
]


@pytest.mark.parametrize(("statements", "name", "why"), FORBIDDING, ids=[why for *_, why in FORBIDDING])
def test_what_a_target_forbids_is_loaded_in_place(
    family: Small, monkeypatch: pytest.MonkeyPatch, statements: list[str], name: str, why: str
) -> None:
    table = f"student.{name}"
    family.site.execute("student", *statements)
    before = definitions(family)
    said = family.site.migrate("plan").stderr
    [line] = [line for line in said.splitlines() if "in place" in line]
    assert f": service student, {table}: " in line
    assert why in line
    seen = watched(family, monkeypatch)
    assert family.run()[1].parity
    assert all(len(moment[table]) >= 2 for moment in seen)
    assert seen[0]["migration.id_map"] == []
    assert definitions(family) == before


def test_a_table_that_somebody_reads_is_loaded_in_place(family: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(family, monkeypatch)
    workspace = transformed(family)
    with family.site.connect("student") as reader:
        reader.query("SELECT count(*) AS n FROM student.parents")
        runner.run_load(workspace, QUIET)
    assert seen[0] == {**NONE, "student.parents": STANDING["student.parents"]}
    assert runner.run_verify(workspace, QUIET).parity


def killed(made: Small) -> None:
    """Kill a run while its tables have no indexes."""
    one_at_a_time(made)
    made.configure("batch_rows = 10000", "batch_rows = 2\nbundle_rows = 2")
    done = subprocess.run(
        [sys.executable, "-c", DIES, "run", "--config", str(made.site.config)], check=False, cwd=made.site.directory
    )
    assert done.returncode == -signal.SIGKILL
    assert standing(made) == NONE


@pytest.mark.parametrize(
    "command", ["run", *(pytest.param(stage, marks=pytest.mark.slow) for stage in ("load", "verify"))]
)
def test_the_next_command_completes_what_a_kill_left(family: Small, command: str) -> None:
    before = definitions(family)
    killed(family)
    done = family.site.migrate(command, check=None)
    assert "building the indexes of migration.id_map, which an ended command left" in done.stderr
    assert definitions(family) == before
    family.site.migrate("run")
    assert json.loads(family.site.migrate("verify", "--json").stdout)["parity"]
    assert definitions(family) == before
    assert rows(family, "student.children") == 6


def test_there_is_no_verdict_while_indexes_are_pending(family: Small) -> None:
    workspace, _ = family.run()
    family.site.execute(
        "student",
        "INSERT INTO migration.pending_index VALUES ('student', 'parents', 'parents_tenant', "
        "'CREATE INDEX parents_tenant ON student.parents (tenant_id)')",
        "DROP INDEX student.parents_tenant",
    )
    with pytest.raises(TargetDrift, match="indexes are pending") as caught:
        runner.run_verify(workspace, QUIET)
    assert "indexes are pending on student.parents" in family.site.migrate("status").stdout
    [state] = json.loads(family.site.migrate("status", "--json").stdout)
    assert state["pending_indexes"] == ["student.parents"]
    assert caught.value.got == "no indexes on student.parents"
    assert json.loads(family.site.migrate("verify", "--json").stdout)["parity"]
    assert standing(family) == STANDING


def staged(workspace: Workspace, bundle: int = 0) -> Path:
    """Give the file of the staged children of a bundle."""
    made = [made for made, _ in workspace.staging.outputs("student.Child")]
    return workspace.staging.output_path(made[bundle], "children")


def altered(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """Write staged rows anew, after a change; give the file as it was."""
    sound, whole = path.read_bytes(), pq.read_table(path)
    listed = whole.to_pylist()
    change(listed)
    pq.write_table(pa.Table.from_pylist(listed, schema=whole.schema), path)
    return sound


def twice(listed: list[dict[str, Any]]) -> None:
    """Give two rows of district b one id."""
    own = [row for row in listed if str(row["tenant_id"]) == str(tenant_id(2))]
    own[1]["id"] = own[0]["id"]


def test_rows_that_an_index_refuses_are_those_of_their_tenant_alone(family: Small) -> None:
    before, workspace = definitions(family), transformed(family)
    sound = altered(staged(workspace), twice)
    with pytest.raises(RowsRefused) as caught:
        runner.run_load(workspace, QUIET)
    assert caught.value.found.keys() == {str(tenant_id(2))}
    assert "children_pkey" in str(caught.value)
    assert definitions(family) == before
    assert rows(family, "migration.pending_index") == 0
    assert {key[0] for key in family.table("student", "children")} == {"a"}
    assert {key[0] for key in family.table("student", "parents")} == {"a", "b"}
    assert rows(family, "migration.id_map") == 9
    assert rows(family, "migration.receipt") == 3
    staged(workspace).write_bytes(sound)
    assert runner.run_load(workspace, QUIET) == 3
    assert runner.run_verify(workspace, QUIET).parity


@pytest.mark.slow
def test_what_is_refused_after_a_kill_is_told_apart_too(family: Small) -> None:
    workspace = transformed(family)
    altered(staged(workspace), twice)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(filling, "build", lambda _: False)  # as if it had been killed before it built any
        runner.run_load(workspace, QUIET)
    assert standing(family) == NONE
    said = family.site.migrate("run", check=3)
    assert "children_pkey" in said.stdout
    assert standing(family) == STANDING
    assert rows(family, "migration.pending_index") == 0
    assert {key[0] for key in family.table("student", "children")} == {"a"}


def test_who_owns_no_table_loads_in_place(family: Small, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    family.site.migrate("run", "--entity", "student.Parent")  # so that the ledger is there
    family.site.execute("student", "CREATE ROLE mover LOGIN PASSWORD 'mover-pw' IN ROLE migrator, app")
    try:
        family.configure(f"postgres:{postgres.password}", "mover:mover-pw")
        said = family.site.migrate("plan").stderr
        assert "service student, student.children: mover does not own it" in said
        seen = watched(family, monkeypatch)
        assert "PARITY" in family.site.migrate("run").stdout
        assert seen == [STANDING]
    finally:
        family.site.execute("student", "DROP ROLE mover")


def test_the_migrator_writes_no_statements(family: Small) -> None:
    """What stands there is run by the owner."""
    with TargetDatabase("student", family.open().settings.target_dsn("student")) as database:
        may = database.query(
            "SELECT has_table_privilege('migration.pending_index', 'SELECT') AS reads, "
            "has_table_privilege('migration.pending_index', 'INSERT, UPDATE, DELETE') AS writes"
        )
    assert may.to_pylist() == [{"reads": True, "writes": False}]


@pytest.mark.slow
@pytest.mark.slow
def test_waves_side_by_side_fill_the_same_tables(family: Small) -> None:
    family.configure("[run]", "[run]\nwave_sources = 1\nworkers = 2")
    before, workspace = definitions(family), transformed(family)
    sound = altered(staged(workspace, 1), twice)
    said = json.loads(family.site.migrate("run", "--json", check=3).stdout)
    assert {x["where"] for x in said["not_moved"] if x["kind"] == "source"} == {"source b"}
    assert definitions(family) == before
    assert {key[0] for key in family.table("student", "children")} == {"a"}
    staged(workspace, 1).write_bytes(sound)
    assert json.loads(family.site.migrate("run", "--json").stdout)["parity"]
    assert rows(family, "student.children") == 6
