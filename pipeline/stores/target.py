"""The PostgreSQL service databases: the only importer of ADBC.

Owns connecting (as the `migrator` role), one transaction at a time, binary COPY of Arrow tables that already
have the target's exact types, and turning the driver's errors into ours. Transactions are begun and ended by statements
of our own: the driver's begin again after each COPY, and the server's log fills with warnings. Invariant: no error that
leaves this module holds a secret or a value of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from adbc_driver_manager import dbapi as manager
from adbc_driver_postgresql import ConnectionOptions, dbapi

from pipeline.core.sql.ddl import MIGRATOR
from pipeline.errors import LoginRefused, TargetDrift, TargetError, TargetPooled, TargetUnreachable
from pipeline.stores.diagnostics import said

_STATUS = ConnectionOptions.TRANSACTION_STATUS.value
_AUTHENTICATION = ("28P01", "28000")
#: How libpq begins when the connection string itself was understood.
_SAFE_WORDS = ("[libpq] Failed to connect: connection to server at",)
#: What is meant for applications must not end a load or a verification; each version of the server knows some of them.
_NO_LIMITS = (
    "SELECT set_config(name, '0', false) AS x FROM pg_settings WHERE setting <> '0' AND name IN ('statement_timeout', "
    "'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')"
)


class TargetDatabase:
    """A connection to one service's database; a context manager that rolls back what was not committed."""

    def __init__(
        self,
        service: str,
        dsn: str,
        *,
        role: str | None = MIGRATOR,
        autocommit: bool = False,
        before_commit: Callable[[TargetDatabase], None] | None = None,
    ) -> None:
        """Connect, as a role.

        Args:
            service: whose database it is.
            dsn: its connection string.
            role: the role to work as; None stays the login's own.
            autocommit: make each statement a transaction of its own.
            before_commit: called with the connection before each commit; what it raises leaves the transaction open.

        Raises:
            TargetUnreachable: nothing answers, or the database does not exist.
            LoginRefused: the server refuses user or password.
        """
        self.service = service
        self._autocommit, self._begun, self._closed = autocommit, False, False
        with self._explained("connecting"):
            self._connection = dbapi.connect(dsn, autocommit=True)
        self._before_commit = None
        try:
            if role is not None:
                self.act_as(role)
            self.execute("SET client_encoding = 'UTF8'")
            self.execute("SET timezone = 'UTC'")
            self.query(_NO_LIMITS)
            self.commit()
            self._before_commit = before_commit
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Roll back what was not committed, and close; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._begun:
                with self._connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")
        except manager.Error:
            pass  # the connection is broken; the server has rolled back already
        finally:
            self._connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement that returns no rows."""
        with self._explained(sql), self._cursor() as cursor:
            cursor.execute(sql, parameters or None)

    def query(self, sql: str) -> pa.Table:
        """Run one SELECT and fetch all of it."""
        with self._explained(sql), self._cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    @contextmanager
    def stream(self, sql: str) -> Iterator[pa.RecordBatchReader]:
        """Run one SELECT and read it batch by batch; the reader ends with the context."""
        with self._explained(sql), self._cursor() as cursor:
            cursor.execute(sql)
            yield cursor.fetch_record_batch()

    def ingest(self, schema: str, table: str, rows: pa.Table) -> None:
        """Append rows by binary COPY; their Arrow types are the columns' own."""
        if rows.num_rows == 0:
            return
        with self._explained(f"COPY into {schema}.{table}"), self._cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)

    def commit(self) -> None:
        """Commit the transaction, if one has begun; the next statement begins the next.

        Raises:
            TargetError: a statement of it has failed; the server would roll it back and say nothing.
        """
        if not self._begun:
            return
        if self._connection.adbc_connection.get_option(_STATUS) == "inerror":
            raise TargetError("a failed transaction is not committed", where=f"service {self.service}")
        if self._before_commit is not None:
            self._before_commit(self)
        with self._explained("committing"), self._connection.cursor() as cursor:
            cursor.execute("COMMIT")
        self._begun = False

    def act_as(self, role: str) -> None:
        """Work as a role from now on.

        Raises:
            LoginRefused: the login is no member of it.
        """
        self.execute(f"SET ROLE {role}")

    def setting(self, name: str) -> str:
        """Give the value of one of the server's settings."""
        return str(self.query(f"SELECT current_setting('{name}') AS x").to_pylist()[0]["x"])

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """List the tables of a schema with their columns and types, as PostgreSQL writes them."""
        rows = self.query(
            "SELECT c.relname::text AS t, a.attname::text AS c, format_type(a.atttypid, a.atttypmod) AS y "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = '{schema}' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY 1, a.attnum"
        )
        found: dict[str, dict[str, str]] = {}
        for row in rows.to_pylist():
            found.setdefault(row["t"], {})[row["c"]] = row["y"]
        return found

    def _cursor(self) -> manager.Cursor:
        """Give a cursor within a transaction, unless each statement is one."""
        if not self._autocommit and not self._begun:
            with self._connection.cursor() as cursor:
                cursor.execute("BEGIN")
            self._begun = True
        opened: manager.Cursor = self._connection.cursor()
        return opened

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except manager.Error as error:
            explained = _explain(self.service, doing, error)
            explained.sqlstate = error.sqlstate or ""
            raise explained from None


def pooled(service: str) -> TargetPooled:
    """Say why a pooler cannot stand between."""
    return TargetPooled(
        where=f"service {service}",
        expected="a connection of the server's own for as long as ours lasts: role, settings and locks are set on it",
        remedy="name the server itself in the target's DSN, or a pool whose pool_mode is session",
    )


def _explain(service: str, doing: str, error: manager.Error) -> TargetError:
    state = error.sqlstate or ""
    words = said(str(error), state, error.details or ())
    where = f"service {service}"
    if "statement pooling mode" in words:
        return pooled(service)
    if state in _AUTHENTICATION or "password authentication failed" in words:
        return LoginRefused(where=where, got=words, remedy="check user and password in the target's DSN")
    if doing.startswith("SET ROLE"):
        return LoginRefused(
            "the user may not act as the role that this needs", where=where, got=words,
            remedy=f"{doing.replace('SET ROLE', 'GRANT')} TO the DSN's user; "
            f"`migrate plan --ddl {service}` creates the roles",
        )  # fmt: skip
    if doing == "connecting" and not words.partition(": ")[2].startswith(_SAFE_WORDS):
        # libpq quotes pieces of a connection string that it cannot read, and the password may be among them.
        return TargetUnreachable(
            "the connection string cannot be used", where=where,
            remedy="check its form; in a URI, user and password are percent-encoded",
        )  # fmt: skip
    if doing == "connecting":
        return TargetUnreachable(
            where=where, got=words, remedy="check host, port and database name, and that the server runs"
        )
    if state in ("42P01", "42703", "3F000"):
        return TargetDrift(
            where=where, got=words, expected="the tables that the catalog describes",
            remedy="`migrate plan --ddl` prints them",
        )  # fmt: skip
    if state.startswith(("08", "57P", "40")):
        return TargetUnreachable("the connection to the server was lost", where=where, got=words)
    return TargetError(where=where, got=f"{words} (SQLSTATE {state or 'unknown'})", expected=f"{doing[:80]} to succeed")
