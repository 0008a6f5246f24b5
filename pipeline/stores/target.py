"""The PostgreSQL service databases: the only importer of ADBC.

Owns connecting (as the `migrator` role), one transaction at a time, binary COPY of Arrow tables that already
have the target's exact types, and turning the driver's errors into ours. Transactions are begun and ended by statements
of our own: the driver's begin again after each COPY, and the server's log fills with warnings. Each statement can be
cancelled, and is looked after while it takes long. Invariant: no error that leaves this module holds a secret or a
value of a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, cast

import adbc_driver_postgresql
import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcDatabase
from adbc_driver_manager import dbapi as manager
from adbc_driver_postgresql import ConnectionOptions

from pipeline.connection import Dsn, libpq_uri
from pipeline.core.sql.ddl import MIGRATOR
from pipeline.errors import (
    LoginRefused,
    TargetDrift,
    TargetError,
    TargetLocked,
    TargetPooled,
    TargetUnreachable,
)
from pipeline.stores.diagnostics import said
from pipeline.stores.heartbeat import Heartbeat, Session
from pipeline.stores.underway import underway, within

_STATUS = ConnectionOptions.TRANSACTION_STATUS.value
_AUTHENTICATION = ("28P01", "28000")
#: How libpq begins when it does not connect, and how it goes on when the connection string itself was understood.
_UNCONNECTED, _UNDERSTOOD = "[libpq] Failed to connect: ", "connection to server at"
_LOST = "the connection to the server was lost"
#: The SQLSTATE of a lock that was waited for long enough.
LOCK_NOT_AVAILABLE = "55P03"
# A lock is not waited for without end, unless server, role or connection string set a limit of their own; and a server
# notices sooner than that that we are gone, and gives back what we have locked. Limits that are meant for applications
# must not end a load or a verification; each version of the server knows some of them.
_BEGIN_SESSION = """
    SELECT pg_backend_pid() AS backend,
        set_config('client_encoding', 'UTF8', false) AS a, set_config('timezone', 'UTC', false) AS b,
        set_config('tcp_keepalives_idle', '10', false) AS c, set_config('tcp_keepalives_interval', '5', false) AS d,
        set_config('tcp_keepalives_count', '3', false) AS e, set_config('tcp_user_timeout', '20000', false) AS f,
        CASE WHEN current_setting('lock_timeout') = '0' THEN set_config('lock_timeout', '30s', false) END AS g,
        (SELECT count(set_config(name, '0', false)) FROM unnest(ARRAY['statement_timeout', 'transaction_timeout',
            'idle_in_transaction_session_timeout', 'idle_session_timeout']) AS name
            WHERE current_setting(name, true) <> '0') AS h"""
#: Seconds that connecting may take, types and roles looked up: of the connection alone libpq takes care.
_CONNECT = 40.0
#: The server processes of this process's own connections, of lost ones too: a server may not have noticed.
_OWN: set[int] = set()
_BLOCKERS = """
    SELECT a.pid, a.usename::text AS login, a.application_name AS program, host(a.client_addr) AS host, a.state,
        to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since,
        string_agg(DISTINCT c.relname::text, ', ') AS relations
    FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
    WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('{service}', 'migration'))
        AND l.pid <> ALL ('{{{own}}}'::int[])
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY since LIMIT 3"""
_SESSION = """
    SELECT a.state, coalesce(a.wait_event_type, '') AS waits_for, coalesce(p.bytes_processed, 0) AS copied
    FROM pg_stat_activity a LEFT JOIN pg_stat_progress_copy p USING (pid) WHERE a.pid = {backend}"""
#: The statement that was under way, and what libpq supposes; neither is news.
_SAID = re.compile(r"(?s)'.*?': |\s*This probably means.*|\s*Query was:.*")


class _Described:
    """What the driver asks a database before it connects: every type there is, which takes seven times as long.

    It is kept for all connections; types that are made later are unknown to the driver, and read by nobody.
    """

    def __init__(self, uri: str) -> None:
        self.database = adbc_driver_postgresql.connect(uri)

    def close(self) -> None:
        """Do nothing: other connections are made by it."""


#: As many as a fleet has services, and more.
_described = lru_cache(maxsize=128)(_Described)


def _connected(uri: str) -> manager.Connection:
    known = _described(uri)
    # Of a database the connection asks nothing but to be closed with it.
    return manager.Connection(cast("AdbcDatabase", known), AdbcConnection(known.database), autocommit=True)


class TargetDatabase:
    """A connection to one service's database; a context manager that rolls back what was not committed."""

    def __init__(
        self,
        service: str,
        dsn: Dsn,
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
        self.service, self._dsn = service, dsn
        #: Takes every statement from now on, where one is wanted.
        self.told: Callable[[str], None] | None = None
        self._autocommit, self._begun, self._closed = autocommit, False, False
        self._connection: Any = None
        self._backend = 0
        with self._explained("connecting"), underway(within(_CONNECT, self._unanswered)):
            self._connection = _connected(libpq_uri(dsn))
        self._before_commit = None
        try:
            if role is not None:
                self.act_as(role)
            [row] = self.query(_BEGIN_SESSION).to_pylist()
            self._backend = row["backend"]
            _OWN.add(self._backend)
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
                with self._underway(), self._connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")
        except manager.Error:
            pass  # the connection is broken; the server has rolled back already
        else:
            if not self._is_lost():
                # It ends now, and its number may be another's tomorrow.
                _OWN.discard(self._backend)
        finally:
            self._connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement that returns no rows."""
        self._tell(sql)
        with self._explained(sql), self._underway(), self._cursor() as cursor:
            cursor.execute(sql, parameters or None)

    def query(self, sql: str) -> pa.Table:
        """Run one SELECT and fetch all of it."""
        self._tell(sql)
        with self._explained(sql), self._underway(), self._cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    @contextmanager
    def stream(self, sql: str) -> Iterator[pa.RecordBatchReader]:
        """Run one SELECT and read it batch by batch; the reader ends with the context."""
        with self._explained(sql), self._cursor() as cursor:
            with self._underway():
                cursor.execute(sql)
            try:
                yield cursor.fetch_record_batch()
            except Exception:
                if self._is_lost():  # whoever reads says it in words of his own, which may be ours by now
                    raise TargetUnreachable(_LOST, where=f"service {self.service}") from None
                raise

    def _tell(self, sql: str) -> None:
        if self.told is not None:
            self.told(sql)

    def ingest(self, schema: str, table: str, rows: pa.Table) -> None:
        """Append rows by binary COPY; their Arrow types are the columns' own."""
        if rows.num_rows == 0:
            return
        with self._explained(f"COPY into {schema}.{table}"), self._underway(), self._cursor() as cursor:
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
        with self._explained("committing"), self._underway(), self._connection.cursor() as cursor:
            cursor.execute("COMMIT")
        self._begun = False

    def roll_back(self) -> None:
        """End the transaction, if one has begun, with all that was set for it; the next statement begins the next."""
        if self._begun:
            with self._explained("rolling back"), self._underway(), self._connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
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
            f"-- The columns of the tables of schema {schema}, and their types.\n"
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

    def _underway(self) -> AbstractContextManager[None]:
        return underway(Heartbeat(f"service {self.service}", self._session), self._connection.adbc_cancel)

    def _unanswered(self) -> TargetError:
        return TargetUnreachable(
            where=f"service {self.service}",
            got=f"no answer within {_CONNECT:.0f} seconds of connecting",
            remedy="check host and port, that the server runs, and what stands between",
        )

    def _session(self) -> Session:
        """Ask, on another connection, what the server does for this one."""
        with TargetDatabase(self.service, self._dsn, role=None, autocommit=True) as other:
            rows = other.query(_SESSION.format(backend=self._backend)).to_pylist()
        return (rows[0]["state"] or "", rows[0]["waits_for"], rows[0]["copied"]) if rows else None

    def _blockers(self) -> list[str]:
        """Say who holds locks on the tables that we work on."""
        own = ",".join(map(str, sorted(_OWN)))
        with TargetDatabase(self.service, self._dsn, role=None, autocommit=True) as other:
            rows = other.query(_BLOCKERS.format(service=self.service, own=own)).to_pylist()
        return [
            f"server process {r['pid']} (login {r['login']}, {r['program'] or 'no application name'}, "
            f"{r['state'] or 'hidden state'}, in a transaction since {r['since'] or 'a time that is hidden'}) "
            f"locks {r['relations']}"
            for r in rows
        ]

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except manager.Error as error:
            if error.sqlstate == LOCK_NOT_AVAILABLE:
                explained = _locked(self.service, doing, self._blockers())
            else:
                explained = _explain(self.service, doing, error, is_lost=self._is_lost())
            explained.sqlstate = error.sqlstate or ""
            raise explained from None

    def _is_lost(self) -> bool:
        """Say whether the connection was there, and is no more."""
        return self._connection is not None and self._connection.adbc_connection.get_option(_STATUS) == "unknown"


def pooled(service: str) -> TargetPooled:
    """Say why a pooler cannot stand between."""
    return TargetPooled(
        where=f"service {service}",
        expected="a connection of the server's own for as long as ours lasts: role, settings and locks are set on it",
        remedy="name the server itself in the target's DSN, or a pool whose pool_mode is session",
    )


def _locked(service: str, doing: str, blockers: list[str]) -> TargetError:
    where = f"service {service}"
    if not blockers:
        return TargetUnreachable("a lock was held too long, by a session that has ended meanwhile", where=where)
    return TargetLocked(
        where=where,
        got="; ".join(blockers),
        expected=f"{_shortened(doing)} within lock_timeout",
        remedy="end that session's transaction, or wait for it; then the same command goes on",
    )


def _explain(service: str, doing: str, error: manager.Error, *, is_lost: bool) -> TargetError:
    state = error.sqlstate or ""
    words = said(str(error), state, error.details or ())
    where = f"service {service}"
    if "statement pooling mode" in words:
        return pooled(service)
    if state in _AUTHENTICATION or "password authentication failed" in words:
        return LoginRefused(where=where, got=words, remedy="check user and password in the target's DSN")
    heard = words.partition(": ")[2]
    # Connecting asks for versions and types once the login is accepted.
    if is_lost or (doing == "connecting" and not heard.startswith(_UNCONNECTED) and not state):
        return TargetUnreachable(
            _LOST,
            where=where,
            got=_SAID.sub("", words),
            remedy="when the server answers again, the same command goes on",
        )
    if doing.startswith("SET ROLE"):
        return LoginRefused(
            "the user may not act as the role that this needs",
            where=where,
            got=words,
            remedy=f"{doing.replace('SET ROLE', 'GRANT')} TO the DSN's user; "
            f"`migrate plan --ddl {service}` creates the roles",
        )
    if doing == "connecting" and not heard.startswith(f"{_UNCONNECTED}{_UNDERSTOOD}"):
        # libpq quotes pieces of a connection string that it cannot read, and the password may be among them.
        return TargetUnreachable(
            "the connection string cannot be used",
            where=where,
            remedy="check its form; in a URI, user and password are percent-encoded",
        )
    if doing == "connecting":
        return TargetUnreachable(
            where=where, got=words, remedy="check host, port and database name, and that the server runs"
        )
    if state in ("42P01", "42703", "3F000"):
        return TargetDrift(
            where=where,
            got=words,
            expected="the tables that the catalog describes",
            remedy="`migrate plan --ddl` prints them",
        )
    if state.startswith("40"):
        return TargetUnreachable("the server ended the transaction to let another go on", where=where, got=words)
    if state.startswith(("08", "57P")):
        return TargetUnreachable(_LOST, where=where, got=words)
    return TargetError(
        where=where, got=f"{words} (SQLSTATE {state or 'unknown'})", expected=f"{_shortened(doing)} to succeed"
    )


def _shortened(doing: str) -> str:
    return doing[:80]
