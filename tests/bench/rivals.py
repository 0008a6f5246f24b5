"""What others need to copy the raw table alone: no ids, no tenant, no transformation, no proof.

A rival is measured where it is installed, from a SQLite file with types that all of them read, with its best settings.
What it has copied is compared with the file, cell by cell.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.connection import Dsn
from pipeline.stores.target import TargetDatabase
from tests.bench.cells import differing
from tests.bench.ground import Ground
from tests.bench.measuring import Ended, measured

#: The columns of the file, with types that every rival knows, and what their text is compared as.
_COLUMNS = {
    "ID": ("integer", "BIGINT"),
    "StudentID": ("integer", "BIGINT"),
    "SectionID": ("integer", "BIGINT"),
    "RecorderID": ("integer", "BIGINT"),
    "TestDueDateID": ("integer", "BIGINT"),
    "DateTestTaken": ("datetime", "TIMESTAMP"),
    "IsCopied": ("integer", "BIGINT"),
    "TextLevel": ("integer", "BIGINT"),
    "Accuracy": ("decimal(18,2)", "DECIMAL(38,10)"),
    "TotalScore": ("decimal(18,2)", "DECIMAL(38,10)"),
    "WordsPerMinute": ("integer", "BIGINT"),
    "Comments": ("text", "VARCHAR"),
    "Passed": ("integer", "BIGINT"),
}
_FILE, _TABLE = "plain.sqlite", "results"


@dataclass(frozen=True, slots=True)
class Rival:
    """A tool: its program, how to get it, the aim against it, its command for a file and a database, its variables."""

    program: str
    install: str
    aim: str
    command: Callable[[str, Path, str], Sequence[str | Path]]
    env: Callable[[Path, str], Mapping[str, str]]

    @property
    def title(self) -> str:
        """Say what it does, and which version of it."""
        return f"{self.program}{self._version()}: a bare copy of the raw table alone"

    def _version(self) -> str:
        if not self.is_installed:
            return ""
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"\d+\.\d+[.\d]*", said)
        return f" {found[0]}" if found else ""

    @property
    def is_installed(self) -> bool:
        """Say whether its program is there."""
        return shutil.which(self.program) is not None

    def turn(self, ground: Ground) -> tuple[Ended, int]:
        """Copy the file's table into an empty database, and count the cells in which they differ."""
        plain = ground.directory / _FILE
        with ground.created("rival") as database:
            dsn = ground.server.dsn(database)
            env = {**self.env(plain, dsn), "HOME": str(plain.parent)}
            ended = measured(self.command(str(shutil.which(self.program)), plain, dsn), ground.server, env=env)
            return ended, 0 if ended.code else _differences(ground, plain, database)


def _pgloader(program: str, plain: Path, dsn: str) -> Sequence[str | Path]:
    load = plain.with_suffix(".load")
    load.touch(mode=0o600)
    load.write_text(
        f"LOAD DATABASE FROM sqlite://{plain} INTO {dsn}\n"
        "WITH include drop, create tables, no truncate, workers = 2, concurrency = 1, batch rows = 50000, "
        "prefetch rows = 100000;\n"
    )
    return (program, "--no-ssl-cert-verification", load)


def _sling(program: str, plain: Path, dsn: str) -> Sequence[str | Path]:
    return (
        *(program, "run", "--src-conn", "SOURCE", "--src-stream", f"main.{_TABLE}"),
        *("--tgt-conn", "TARGET", "--tgt-object", f"public.{_TABLE}", "--mode", "full-refresh"),
    )


def _dlt(program: str, plain: Path, dsn: str) -> Sequence[str | Path]:
    # The program of an environment of its own, whose Python has the package.
    return (Path(program).with_name("python"), Path(__file__).with_name("rival_dlt.py"), plain, _TABLE)


#: None of them may call home.
RIVALS = (
    Rival("pgloader", "apt install pgloader", "ratio 4 or less", _pgloader, lambda plain, dsn: {}),
    Rival(
        "sling",
        "the program of the package sling-linux-amd64, on the PATH as sling",
        "ratio 2 or less",
        _sling,
        lambda plain, dsn: {
            "SOURCE": f"sqlite://{plain}",
            "TARGET": f"{dsn}?sslmode=disable",
            "SLING_DISABLE_TELEMETRY": "TRUE",
        },
    ),
    Rival(
        "dlt",
        "pip install 'dlt[postgres,sql_database]' pyarrow, in an environment whose bin is on the PATH",
        "ratio 1.3 or less",
        _dlt,
        lambda plain, dsn: {"TARGET": dsn, "RUNTIME__DLTHUB_TELEMETRY": "false"},
    ),
)


def plain_file(ground: Ground) -> None:
    """Write the results alone into a file of plain types."""
    columns = ", ".join(f'"{name}" {kind}' for name, (kind, _) in _COLUMNS.items())
    listed = ", ".join(f'"{name}"' for name in _COLUMNS)
    with closing(sqlite3.connect(ground.directory / _FILE)) as connection, connection:
        connection.execute("ATTACH ? AS legacy", (os.fspath(ground.source),))
        connection.execute(f"CREATE TABLE {_TABLE} ({columns})")
        connection.execute(f"INSERT INTO {_TABLE} SELECT {listed} FROM legacy.AssessmentFP")


def _differences(ground: Ground, plain: Path, database: str) -> int:
    """Count the cells in which a database's one table differs from the file's."""
    listed = ", ".join(f'CAST("{name}" AS TEXT)' for name in _COLUMNS)
    with closing(sqlite3.connect(plain)) as connection:
        rows = connection.execute(f"SELECT {listed} FROM {_TABLE}").fetchall()
    texts = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    expected = pa.table(dict(zip(_COLUMNS, texts, strict=True)))
    found = _copied(ground, database)
    return differing(
        expected,
        expected.slice(0, 0) if found is None else found,
        {name: kind for name, (_, kind) in _COLUMNS.items()},
        key="ID",
    )


def _copied(ground: Ground, database: str) -> pa.Table | None:
    """Read what was copied as text, by the names of the file, as a tool may spell them in its own way; None if nothing."""
    there = ground.query(
        database,
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS place, a.attname::text AS name "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'r' AND c.relname = '{_TABLE}' AND a.attnum > 0",
    )
    if not there:
        return None
    names = {row["name"].replace("_", "").lower(): row["name"] for row in there}
    listed = ", ".join(f'"{names[name.lower()]}"::text AS "{name}"' for name in _COLUMNS)
    with TargetDatabase(database, Dsn(ground.server.dsn(database)), role=None) as connection:
        return connection.query(f"SELECT {listed} FROM {there[0]['place']}")
