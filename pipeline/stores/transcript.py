"""What a verification asked, written out: every statement in the order in which it ran, each with a sentence.

Files are numbered. What DuckDB ran stands in `*.duckdb.sql`, and those files alone, one after the other, make the same
differences again; what PostgreSQL was asked beside that stands in `*.postgresql.sql`. Invariant: no password and no row
goes in, but what the verification itself noted: keys, and names of columns.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.connection import Dsn
from pipeline.core.sql.relations import DIFFERENCE
from pipeline.core.text import quoted
from pipeline.errors import ConfigError

_README = f"""\
Every statement that `migrate verify` ran, in order, each with a sentence that says what it asks.

`*.duckdb.sql` derive what must be there from the staged files and compare it with what is there. Read them, and run
them in DuckDB, in this directory, all in one session:

    (cat *.duckdb.sql; echo 'FROM {DIFFERENCE};') | duckdb > answers.txt

The last of the answers is what differs: no row, nothing. The target is read by DuckDB's `postgres` extension, as the
databases that `0000-databases.duckdb.sql` attaches; user and password come from PGUSER and PGPASSWORD. Legacy databases
were asked by the verification itself; what it noted of them, and of PostgreSQL's answers, stands as
INSERT INTO {DIFFERENCE} with nothing but constants.

`*.postgresql.sql` are what PostgreSQL was asked beside that, each in the database and as the role that its first lines
name, and each in one transaction, for its settings hold no longer:

    psql --single-transaction --set ON_ERROR_STOP=1 --file 0045-....postgresql.sql 'host=... dbname=...'

What the application's role tries there is undone by the statement itself; `migrate.outcome` then says how it ended:
42501, it was denied; ZZ000 and a number, so many rows would have been touched, which must be none.
"""


def read_of(service: str, sql: str) -> str:
    """Give the SQL by which DuckDB reads what a statement selects in a service's database."""
    return f"postgres_query({quoted(_attached(service))}, {quoted(sql)})"


def _attached(service: str) -> str:
    """Name a service's database in DuckDB, which has databases of its own: main, temp, ..."""
    return f"service_{service}"


class Transcript:
    """A directory of statements, in chapters."""

    def __init__(self, directory: Path) -> None:
        """Take an empty or new directory.

        Raises:
            ConfigError: there is something in it.
        """
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise ConfigError(
                "there is something in it",
                where=str(directory),
                expected="a new or empty directory for the statements",
                remedy="name another, or empty it",
            )
        self._directory = directory
        self._chapter, self._last = "", 0
        #: What the file that is written to holds: the engine, and who asks where.
        self._open: tuple[str, tuple[str, str] | None] | None = None

    def begin(self, databases: dict[str, Dsn]) -> None:
        """Write how the databases of the services are attached; what was written before goes.

        Args:
            databases: service -> connection string.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in self._directory.iterdir():
            path.unlink()
        self._last, self._open = -1, None
        (self._directory / "README.txt").write_text(_README, encoding="utf-8")
        self.chapter("databases")
        self.duckdb("-- The target is read by DuckDB's extension for PostgreSQL.\nINSTALL postgres")
        self.duckdb("-- From here on it is at hand.\nLOAD postgres")
        for service, dsn in databases.items():
            self.duckdb(
                f"-- The database of service {service}; user and password come from PGUSER and PGPASSWORD.\n"
                f"ATTACH {quoted(str(dsn))} AS {_attached(service)} (TYPE postgres, READ_ONLY)"
            )
        self.chapter("macros")

    def chapter(self, title: str) -> None:
        """Begin a chapter: what follows stands in files of this title."""
        self._chapter, self._open = title, None

    def duckdb(self, sql: str) -> None:
        """Write a statement that DuckDB ran."""
        self._write("duckdb", sql)

    def postgresql(self, service: str, role: str, sql: str) -> None:
        """Write a statement that PostgreSQL was asked, beside what DuckDB reads of it."""
        self._write("postgresql", sql, (service, role))

    def keep(self, name: str, rows: pa.Table) -> str:
        """Keep rows that are no one's, such as transitions of zones; give what reads them."""
        pq.write_table(rows, self._directory / f"{name}.parquet")
        return f"read_parquet({quoted(f'{name}.parquet')})"

    def _write(self, engine: str, sql: str, asked: tuple[str, str] | None = None) -> None:
        is_new = self._open != (engine, asked)
        if is_new:
            self._last, self._open = self._last + 1, (engine, asked)
        chapter, heading = self._chapter, ""
        if asked is not None:
            service, role = asked
            chapter += "" if service in chapter else f"-{service}"
            heading = f"-- In the database of service {service}, as {role}.\nSET ROLE {role};\n\n"
        with (self._directory / f"{self._last:04}-{chapter}.{engine}.sql").open("a", encoding="utf-8") as stream:
            stream.write(f"{heading if is_new else ''}{sql.strip()};\n\n")
