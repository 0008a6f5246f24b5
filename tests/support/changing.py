"""Legacy databases that change while they are read, and runs of which each reading can be disturbed."""

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
from pipeline.observe.progress import Progress
from pipeline.stores.legacy import LegacyDatabase, Wanted
from pipeline.workspace import Workspace
from tests.support.servers import MariaDb, Postgres
from tests.support.small import Small, named

#: A table, and one that refers to it.
FAMILY = f"""{named("Parent")}
[Child]
source = "district"
key = ["Id"]
target = "children"
[Child.columns]
Id       = {{ type = "int" }}
ParentId = {{ type = "int", to = "parent_id", references = "student.Parent", required = true }}
"""
STUDENT = FAMILY + 'Name     = { type = "nvarchar(50)", to = "name" }\n'
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
        return InPostgres(self.server, self.server.copy(self.database))


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
