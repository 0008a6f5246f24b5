"""Real legacy servers for the tests: MariaDB of a session's own, and databases on the embedded PostgreSQL.

Everything listens on loopback only and ends with the session. Rows are written with plain drivers, so that what is
read through the pipeline can be compared with what a server itself says.
"""

from __future__ import annotations

import getpass
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from pipeline.connection import Dsn
from pipeline.demo import server
from pipeline.settings import Source
from pipeline.stores.target import TargetDatabase
from tests.support.databases import EMPTY, cluster, create_database

_PASSWORD = "legacy-pw"
_numbers = itertools.count(1)


def source(dsn: str, **more: Any) -> Source:
    """Describe a server as a source."""
    return Source(
        id="a",
        kind="district",
        tenant="1",
        title="District A",
        dsn=Dsn(dsn),
        tenant_zone="UTC",
        host_zone="UTC",
        consistency="snapshot",
        **more,
    )


@dataclass
class MariaDb:
    """A MariaDB with a data directory of its own."""

    directory: Path
    program: str
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or after it was killed, and wait until it answers."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    self.program,
                    "--no-defaults",
                    f"--datadir={self.directory / 'data'}",
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--socket={self.directory / 'my.sock'}",
                    f"--init-file={self.directory / 'init.sql'}",
                    "--skip-name-resolve",
                    f"--user={getpass.getuser()}",
                    # As unlike our own settings as servers are: a zone whose clocks change, another character set; and
                    # no durability to pay for.
                    "--default-time-zone=SYSTEM",
                    "--character-set-server=latin1",
                    "--innodb-flush-log-at-trx-commit=0",
                    "--skip-log-bin",
                    # A server that starts deletes what others keep in a directory that they share.
                    f"--tmpdir={self.directory}",
                    *self.options,
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "TZ": "America/New_York"},
            )
        _await(self.port, self.process)

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=60)

    def dsn(self, database: str, *, user: str = "reader", password: str = _PASSWORD) -> str:
        return f"mysql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """Create an empty database and name it."""
        name = f"legacy_{next(_numbers)}"
        self.execute("mysql", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    @contextmanager
    def connect(self, database: str) -> Iterator[pymysql.cursors.Cursor]:
        """Write as the owner; every mode that refuses odd values is off."""
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="owner",
            password=_PASSWORD,
            database=database,
            init_command="SET sql_mode = '', time_zone = '+00:00'",
            charset="utf8mb4",
            autocommit=True,
        )
        with closing(connection), connection.cursor() as cursor:
            yield cursor

    def execute(self, database: str, *statements: str) -> None:
        with self.connect(database) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def insert(self, database: str, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows into all columns of a table."""
        with self.connect(database) as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)

    def rows(self, database: str, sql: str) -> list[tuple[object, ...]]:
        with self.connect(database) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


@contextmanager
def running_mariadb(directory: Path, *options: str) -> Iterator[MariaDb]:
    """Start a MariaDB with a data directory and options of its own."""
    program, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if program is None or install is None:
        pytest.skip("MariaDB is not installed (Debian: apt install mariadb-server)")
    data, run_as = directory / "data", f"--user={getpass.getuser()}"
    subprocess.run(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            run_as,
        ],
        check=True,
        capture_output=True,
    )
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "init.sql").write_text(
        f"CREATE USER IF NOT EXISTS 'owner'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
        "GRANT ALL ON *.* TO 'owner'@'127.0.0.1' WITH GRANT OPTION;\n"
        f"CREATE USER IF NOT EXISTS 'reader'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
        "GRANT SELECT ON *.* TO 'reader'@'127.0.0.1';\n"
    )
    server = MariaDb(directory, program, port, options)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.process.terminate()
            server.process.wait(timeout=60)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"mariadbd ended with {process.returncode}")
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="owner", password=_PASSWORD).close()
        except pymysql.Error:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("mariadbd does not answer")


@dataclass(frozen=True)
class Postgres:
    """The embedded PostgreSQL as a legacy server."""

    server: server.Server

    def dsn(self, database: str) -> str:
        return self.server.dsn(database)

    def create(self) -> str:
        """Create an empty database and name it."""
        return self.copy(EMPTY)

    def copy(self, template: str) -> str:
        """Copy a database and name the copy."""
        name = f"legacy_{next(_numbers)}"
        create_database(self.server, name, template)
        return name

    def command(self, statement: str) -> None:
        """Run a statement that is for no transaction."""
        with cluster(self.server) as connected:
            connected.execute(statement)

    def execute(self, database: str, *statements: str) -> None:
        with TargetDatabase("legacy", Dsn(self.dsn(database)), role=None) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def rows(self, database: str, sql: str) -> list[tuple[object, ...]]:
        with TargetDatabase("legacy", Dsn(self.dsn(database)), role=None) as connection:
            return [tuple(row.values()) for row in connection.query(sql).to_pylist()]
