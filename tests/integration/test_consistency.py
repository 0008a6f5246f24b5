"""Rows that change while they are read: what a run promises of a snapshot, a frozen and a living source."""

from __future__ import annotations

import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline import runner
from pipeline.core.verdict import Verdict
from pipeline.demo.server import Server
from pipeline.errors import SourceChanged, SourceUnreachable, StagingError
from pipeline.observe.progress import Progress
from pipeline.stages.workspace import Workspace
from pipeline.stores.legacy import LegacyDatabase, Wanted
from tests.servers import MariaDb, Postgres
from tests.small import Small, small

STUDENT = """
[Parent]
source = "district"
key = ["Id"]
target = "parents"
[Parent.columns]
Id   = { type = "int" }
Name = { type = "nvarchar(50)", to = "name" }

[Child]
source = "district"
key = ["Id"]
target = "children"
[Child.columns]
Id       = { type = "int" }
ParentId = { type = "int", to = "parent_id", references = "student.Parent", required = true }
Name     = { type = "nvarchar(50)", to = "name" }
"""
#: Three batches of ten of each; children 1 to 30, each of the parent with its number.
BATCH_ROWS = 10
TABLES = [
    "CREATE TABLE {t}Parent (Id int NOT NULL PRIMARY KEY, Name {text})",
    "CREATE TABLE {t}Child (Id int NOT NULL PRIMARY KEY, ParentId int NOT NULL, Name {text})",
    f"INSERT INTO {{t}}Parent VALUES {', '.join(f'({n}, {chr(39)}parent {n}{chr(39)})' for n in range(1, 31))}",
    f"INSERT INTO {{t}}Child VALUES {', '.join(f'({n}, {n}, {chr(39)}child {n}{chr(39)})' for n in range(1, 31))}",
]
#: Of each kind one, of rows that are read and of rows that are not: a row changed, gone, added with a child, and one
#: that moves from the last key range to the first, with its child.
CHANGES = [
    "UPDATE {t}Parent SET Name = 'changed' WHERE Id = 3",
    "UPDATE {t}Child SET Name = 'changed too' WHERE Id = 25",
    "DELETE FROM {t}Child WHERE Id = 12",
    "INSERT INTO {t}Parent VALUES (100, 'late')",
    "INSERT INTO {t}Child VALUES (-5, 100, 'child of the late')",
    "UPDATE {t}Parent SET Id = 0 WHERE Id = 29",
    "UPDATE {t}Child SET ParentId = 0 WHERE ParentId = 29",
]


class Legacy(ABC):
    """A legacy database that a second connection can write to."""

    prefix = ""
    text = "varchar(50)"

    @property
    @abstractmethod
    def dsn(self) -> str: ...

    @abstractmethod
    def write(self, *statements: str) -> None: ...

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    def copy(self) -> Legacy:
        """Take a real snapshot: another database that holds what this one does now."""

    def change(self, *statements: str) -> None:
        self.write(*(s.format(t=self.prefix, text=self.text) for s in statements))

    def rows(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give the rows by legacy key: name of each parent; parent and name of each child."""
        parents = self.query(f"SELECT Id, Name FROM {self.prefix}Parent")
        children = self.query(f"SELECT Id, ParentId, Name FROM {self.prefix}Child")
        return (
            {f"a [{key}]": name for key, name in parents},
            {f"a [{key}]": (f"a [{parent}]", name) for key, parent, name in children},
        )


@dataclass
class InFile(Legacy):
    path: Path
    text = '"nvarchar(50)"'

    @property
    def dsn(self) -> str:
        return f"sqlite://{self.path}"

    def write(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def copy(self) -> Legacy:
        return InFile(Path(shutil.copy(self.path, self.path.with_name("copy.sqlite"))))


@dataclass
class InMariaDb(Legacy):
    server: MariaDb
    database: str

    @property
    def dsn(self) -> str:
        return self.server.dsn(self.database)

    def write(self, *statements: str) -> None:
        self.server.execute(self.database, "BEGIN", *statements, "COMMIT")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.rows(self.database, sql)

    def copy(self) -> Legacy:
        copied = self.server.create()
        for table in ("Parent", "Child"):
            self.server.execute(
                copied,
                f"CREATE TABLE {table} LIKE {self.database}.{table}",
                f"INSERT INTO {table} SELECT * FROM {self.database}.{table}",
            )
        return InMariaDb(self.server, copied)


@dataclass
class InPostgres(Legacy):
    server: Postgres
    database: str
    prefix = "dbo."

    @property
    def dsn(self) -> str:
        return self.server.dsn(self.database)

    def write(self, *statements: str) -> None:
        self.server.execute(self.database, *statements)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.rows(self.database, sql)

    def copy(self) -> Legacy:
        copied = self.server.create()
        for statement in (f"DROP DATABASE {copied}", f"CREATE DATABASE {copied} TEMPLATE {self.database}"):
            self.server.command(statement)
        return InPostgres(self.server, copied)


@pytest.fixture(params=["sqlite", "mariadb", "postgresql"])
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Legacy:
    made: Legacy
    match request.param:
        case "sqlite":
            made = InFile(tmp_path / "legacy.sqlite")
        case "mariadb":
            mariadb: MariaDb = request.getfixturevalue("mariadb")
            made = InMariaDb(mariadb, mariadb.create())
        case _:
            postgres: Postgres = request.getfixturevalue("legacy_postgres")
            made = InPostgres(postgres, postgres.create())
            made.write("CREATE SCHEMA dbo")
    made.change(*TABLES)
    return made


@dataclass
class Bench:
    """A run of one source that is about to begin."""

    small: Small

    def begin(self, legacy: Legacy, consistency: str, *entities: str) -> Workspace:
        config = self.small.site.config
        text = config.read_text(encoding="utf-8")
        text = text.replace(f'"sqlite://{self.small.site.directory / "a.sqlite"}"', f'"{legacy.dsn}"')
        text = text.replace('"snapshot"', f'"{consistency}"')
        # One batch after another, so that what is read before a change is known; the catalog, for the command line.
        text = text.replace("parallel = 2", "parallel = 1")
        config.write_text(text, encoding="utf-8")
        return self.small.open(*entities, batch_rows=BATCH_ROWS)

    def target(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give the target's rows in the form of `Legacy.rows`."""
        parents = self.small.table("student", "parents", "id, name")
        keys = {row["id"]: key for key, row in parents.items()}
        children = self.small.table("student", "children", "parent_id, name")
        return (
            {key: row["name"] for key, row in parents.items()},
            {key: (keys[row["parent_id"]], row["name"]) for key, row in children.items()},
        )


@pytest.fixture
def bench(postgres: Server, tmp_path: Path) -> Iterator[Bench]:
    with small(postgres, tmp_path, {"student": STUDENT}, {"a": ""}) as made:
        yield Bench(made)


@dataclass
class Readings:
    """What is called after a batch was read; `number` counts from 1."""

    after: Callable[[int], None]
    done: list[str] = field(default_factory=list)


@contextmanager
def disturbed(monkeypatch: pytest.MonkeyPatch, after: Callable[[int], None]) -> Iterator[Readings]:
    """Call a function after each reading of a batch."""
    read, readings = LegacyDatabase.read_all, Readings(after)

    def read_and_disturb(self: LegacyDatabase, wanted: Sequence[Wanted]) -> list[pa.Table]:
        found = read(self, wanted)
        for one in wanted:
            readings.done.append(one.table.name)
            readings.after(len(readings.done))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(LegacyDatabase, "read_all", read_and_disturb)
        yield readings


def once(legacy: Legacy, *statements: str, after: int = 2) -> Callable[[int], None]:
    """Change the database after the n-th batch."""
    return lambda number: legacy.change(*statements) if number == after else None


def finish(workspace: Workspace) -> Verdict:
    """Transform, load and verify what is extracted."""
    quiet = Progress(quiet=True)
    runner.run_transform(workspace, quiet)
    runner.run_load(workspace, quiet)
    return runner.run_verify(workspace, quiet)


def extract(workspace: Workspace) -> int:
    return runner.run_extract(workspace, Progress(quiet=True))


# -- frozen -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["UPDATE {t}Parent SET Name = 'changed' WHERE Id = 3", "DELETE FROM {t}Child"])
def test_frozen_source_that_changes_is_refused_by_name(
    bench: Bench, legacy: Legacy, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "frozen")
    with (
        disturbed(monkeypatch, once(legacy, change)) as readings,
        pytest.raises(SourceChanged, match="source a: the database changed while it was read"),
    ):
        extract(workspace)
    assert len(readings.done) == 6


def test_what_changes_in_a_frozen_source_since_the_run_is_named(bench: Bench, legacy: Legacy) -> None:
    workspace = bench.begin(legacy, "frozen")
    extract(workspace)
    legacy.change(*CHANGES[:4])
    verdict = finish(workspace)
    assert not verdict.parity
    assert {(d.kind, d.entity.rpartition(".")[2], d.legacy_key) for d in verdict.differences} == {
        ("changed since the run", "Parent", "[3]"),
        ("changed since the run", "Parent", "[100]"),
        ("changed since the run", "Child", "[25]"),
        ("changed since the run", "Child", "[12]"),
    }


def test_frozen_source_that_holds_still_is_at_parity(bench: Bench, legacy: Legacy) -> None:
    workspace = bench.begin(legacy, "frozen")
    extract(workspace)
    assert finish(workspace).parity
    assert bench.target() == legacy.rows()


# -- snapshot -----------------------------------------------------------------------------------------


def test_snapshot_knows_nothing_of_the_original_s_changes(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, before = legacy.copy(), legacy.rows()
    workspace = bench.begin(snapshot, "snapshot")
    with disturbed(monkeypatch, once(legacy, *CHANGES)):
        extract(workspace)
    assert finish(workspace).parity
    assert legacy.rows() != before
    assert bench.target() == before == snapshot.rows()


def test_snapshot_that_loses_rows_was_none(bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = bench.begin(legacy, "snapshot")
    with (
        disturbed(monkeypatch, once(legacy, "DELETE FROM {t}Child WHERE Id = 12")),
        pytest.raises(SourceChanged, match="source a"),
    ):
        extract(workspace)


# -- live ---------------------------------------------------------------------------------------------


def test_live_source_is_read_again_where_it_changed(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")
    with disturbed(monkeypatch, once(legacy, *CHANGES)) as readings:
        extract(workspace)
    # Parents 3 and 0 are in the first batch, which was read; the second is as it was; all else was read afterwards.
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [1, 0]}
    assert len(readings.done) == 6 * 3
    verdict = finish(workspace)
    assert verdict.parity
    assert not verdict.moved
    parents, children = legacy.rows()
    assert {"a [0]", "a [100]"} <= parents.keys()
    assert "a [29]" not in parents
    assert children["a [-5]"] == ("a [100]", "child of the late")
    assert bench.target() == (parents, children)


def test_parent_that_appears_after_all_was_read_brings_its_children(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")
    # After the last batch of the first reading: every one of these rows is seen only in a later pass.
    with disturbed(monkeypatch, once(legacy, *CHANGES, after=6)):
        extract(workspace)
    # Parents 0 and 3 in their first batch; 29 and 100 in the last; a child in each.
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [5, 0]}
    assert finish(workspace).parity
    assert bench.target() == legacy.rows()


def test_child_read_before_its_parent_appears_is_not_rejected(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")
    # The parents are read; then a child comes with a parent, which only the second pass can see.
    arriving = ["INSERT INTO {t}Parent VALUES (100, 'late')", "INSERT INTO {t}Child VALUES (100, 100, 'of the late')"]
    with disturbed(monkeypatch, once(legacy, *arriving, after=3)):
        extract(workspace)
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [1, 0]}
    verdict = finish(workspace)
    assert verdict.parity
    assert sum(e.rejected for e in verdict.entities) == 0
    assert bench.target() == legacy.rows()


def test_parent_of_which_only_the_key_is_read_may_appear_too(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live", "student.Child")
    assert workspace.record.key_entities == ("student.Parent",)
    # After the parents' keys and two of the three batches of children.
    with disturbed(monkeypatch, once(legacy, *CHANGES, after=3)) as readings:
        extract(workspace)
    assert readings.done[0].lower() == "parent"
    # The first two batches of children, and the keys.
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [3, 0]}
    verdict = finish(workspace)
    assert verdict.parity
    assert sum(e.rejected for e in verdict.entities) == 0
    _, children = legacy.rows()
    found = bench.small.table("student", "children", "name")
    assert {key: row["name"] for key, row in found.items()} == {key: name for key, (_, name) in children.items()}


def test_live_source_is_not_transformed_before_it_was_read_again(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_in_first_pass(number: int) -> None:
        if number >= 8:  # however often it is tried again
            raise SourceUnreachable

    workspace = bench.begin(legacy, "live")
    with disturbed(monkeypatch, fail_in_first_pass), pytest.raises(SourceUnreachable):
        extract(workspace)
    with pytest.raises(StagingError, match="a live source has not been read to its end"):
        finish(workspace)
    legacy.change(*CHANGES)
    extract(workspace)
    assert finish(workspace).parity
    assert bench.target() == legacy.rows()


def test_source_that_never_holds_still_is_left_after_three_passes(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")

    def stir(number: int) -> None:
        legacy.change(f"UPDATE {{t}}Parent SET Name = 'stirred {number}' WHERE Id = 3")

    with disturbed(monkeypatch, stir) as readings:
        extract(workspace)
        assert len(readings.done) == 6 * 4
        # The one batch was changed by every reading since it was read itself.
        assert workspace.staging.note("settled") == {"changed_batches_by_pass": [1, 1, 1]}
        # A settled run is not read again by the next command.
        assert extract(workspace) == 0
        assert len(readings.done) == 6 * 4
    verdict = finish(workspace)
    assert verdict.moved == {("student.Parent", "a"): 1}
    assert verdict.as_read
    assert not verdict.parity
    assert verdict.differences == ()
    parents, children = bench.target()
    assert parents.pop("a [3]") == "stirred 18"  # as the last pass read it first
    stirred, same = legacy.rows()
    assert stirred.pop("a [3]") == "stirred 24"
    assert (parents, children) == (stirred, same)


def test_rows_changed_after_the_last_pass_are_neither_lost_nor_parity(bench: Bench, legacy: Legacy) -> None:
    workspace = bench.begin(legacy, "live")
    extract(workspace)
    legacy.change(*CHANGES)
    verdict = finish(workspace)
    # Parents 3, 29 (gone), 0 and 100 (new); children 12 (gone), 25 and 29 (changed) and -5 (new).
    assert verdict.moved == {("student.Parent", "a"): 4, ("student.Child", "a"): 4}
    assert verdict.differences == ()

    for command in ("verify", "run"):
        done = bench.small.site.migrate(command, check=3)
        assert "student.Parent, source a, 4 rows: changed in the source since they were read" in done.stdout
        assert "NO FULL PARITY" in done.stdout
        assert "lost" not in done.stdout
        assert "Differences" not in done.stdout
