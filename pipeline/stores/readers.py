"""Who runs a legacy query: ConnectorX, or for SQL Server its own Arrow reader.

The only importer of either (but for the child process of stores/probe.py). A reader takes one query that yields text
columns and gives them back as Arrow; what it cannot do it says as `ReadFailed`, in the driver's words, which may quote
secrets and values: stores/legacy.py turns them into errors that do not. Invariant: a reader's sessions are read only
where an engine lets them be, and say everything that the text of a value could depend on.
"""

from __future__ import annotations

import importlib
import math
import os
from threading import Lock, local
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.connection import connectorx_url, odbc_string
from pipeline.errors import MissingExtra, SourceUnreachable, scrub_quoted
from pipeline.settings import Source
from pipeline.stores.underway import Examine, underway, within

# Read when ConnectorX is loaded: without it the connection pool logs every failed attempt on stderr, with the
# connection string. A panic prints one line there all the same; not its backtrace, whatever the user has set.
os.environ.setdefault("RUST_LOG", "off")
os.environ["RUST_BACKTRACE"] = "0"
import connectorx

#: Asked after a result: only a connection that has brought all of it answers.
_STILL_THERE: Final = "SELECT 1"
#: Seconds that a server has, past its limit for a statement, to say that it was reached; connecting is among them.
_SLACK: Final = 60.0
#: Seconds that a login of Microsoft's driver may take.
_LOGIN_SECONDS: Final = 8


class ReadFailed(Exception):  # noqa: N818 - named by what happened, as pipeline.errors does
    """A driver failed; what it said may hold secrets and values."""


class ConnectFailed(ReadFailed):
    """A driver could not connect."""


class Reader(Protocol):
    """Runs queries of one source."""

    #: Is a lost connection never taken for the end of a result?
    sees_the_end: bool

    def read(self, query: str) -> pa.Table:
        """Run a query and give all of its rows.

        Raises:
            ConnectFailed: the driver's own words, of a connection that it could not make.
            ReadFailed: the driver's own words.
        """
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class ConnectorX:
    """Reads any engine; opens a connection for each query."""

    sees_the_end = False

    def __init__(self, source: Source) -> None:
        self._url = connection_url(source)
        self._examine = _answered_in_time(source)

    def read(self, query: str) -> pa.Table:
        """Run a query and give all of its rows."""
        try:
            with underway(self._examine):
                return connectorx.read_sql(self._url, query, return_type="arrow")
        # A Rust panic is a BaseException of a type that cannot be imported.
        except BaseException as error:
            if type(error).__name__ == "PanicException":
                # Panics quote what they stumbled over, which may be a value.
                said = scrub_quoted(str(error).partition("\n")[0])
                raise ReadFailed(f"ConnectorX panicked: {said}") from None
            if not isinstance(error, Exception):
                raise
            raise ReadFailed(str(error).replace(query, "the query")) from None

    def close(self) -> None:
        """Nothing stays open."""


class MssqlPython:
    """Reads SQL Server by Microsoft's own driver; keeps a connection for each thread."""

    sees_the_end = True

    def __init__(self, source: Source) -> None:
        try:
            self._driver: Any = importlib.import_module("mssql_python")
        except ImportError:
            raise MissingExtra(
                'reader = "mssql-python" needs a package that is not installed',
                where=f"source {source.id}",
                remedy="pip install 'legacy-to-tenant[mssql]', or leave reader out: ConnectorX reads it too",
            ) from None
        # The connections are kept here; a pool's would be handed out again after they were lost.
        self._driver.pooling(enabled=False)
        self._dsn, self._timeout = odbc_string(source.dsn), source.statement_timeout
        self._local, self._lock = local(), Lock()
        self._opened: list[Any] = []
        self._examine = _answered_in_time(source)

    def read(self, query: str) -> pa.Table:
        """Run a query and give all of its rows."""
        try:
            with underway(self._examine), self._connection().cursor() as cursor:
                table = cursor.execute(query).arrow()
                # Of a connection that breaks while rows come, `arrow` may make a table without the rest, and no error.
                cursor.execute(_STILL_THERE).fetchall()
        except ConnectFailed:
            raise
        except Exception as error:
            self._local.__dict__.pop("connection", None)
            raise ReadFailed(str(error).replace(query, "the query")) from None
        for number, column in enumerate(table.columns):
            # The driver writes it for half a surrogate pair, without a word: the source's text may be another.
            if pc.any(pc.match_substring(column, "\ufffd")).as_py():
                raise ReadFailed(f"column {number} holds U+FFFD")
        return table

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()
        self._local = local()

    def _connection(self) -> Any:
        if "connection" not in self._local.__dict__:
            # Without a commit of its own each query would join a transaction that nothing ends.
            try:
                connection = self._driver.connect(self._dsn, autocommit=True, timeout=_LOGIN_SECONDS)
            except self._driver.Error as error:
                raise ConnectFailed(str(error)) from None
            connection.timeout = self._timeout  # of a statement; the other is the login's
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return self._local.connection


def _answered_in_time(source: Source) -> Examine:
    """Hope for an answer as long as a statement may take, and a little; files answer without a network."""
    limit = source.statement_timeout + _SLACK if not source.is_file else math.inf
    return within(
        limit,
        lambda: SourceUnreachable(
            "the database does not answer any more",
            where=f"source {source.id}",
            got=f"nothing for {limit:.0f} seconds",
            expected=f"statement_timeout = {source.statement_timeout} seconds",
            remedy="see what stands between, or raise statement_timeout of the source; the same command goes on",
        ),
    )


def reader_of(source: Source) -> Reader:
    """Give the reader that a source asks for.

    Raises:
        MissingExtra: it is not installed.
    """
    return MssqlPython(source) if source.reader == "mssql-python" else ConnectorX(source)


def connection_url(source: Source) -> str:
    """Give the connection string of a source as ConnectorX takes it. It is a secret."""
    return connectorx_url(source.dsn, is_live=source.consistency == "live", statement_timeout=source.statement_timeout)
