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
import sys
from collections.abc import Mapping
from threading import Lock, local
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.connection import PORTS, is_encrypted
from pipeline.errors import MissingExtra, SourceUnreachable, scrub_quoted
from pipeline.settings import Source
from pipeline.stores.underway import Examine, underway, within
from schemas.types import Engine

# Read when ConnectorX is loaded: without it the connection pool logs every failed attempt on stderr, with the
# connection string. A panic prints one line there all the same; not its backtrace, whatever the user has set.
os.environ.setdefault("RUST_LOG", "off")
os.environ["RUST_BACKTRACE"] = "0"
import connectorx

_POSTGRESQL_SESSION: Final = {
    "default_transaction_read_only": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    # A policy that hides rows makes an error of the query, instead of a smaller table.
    "row_security": "off",
}
#: What the driver for MySQL knows there alone.
_ON_LINUX: Final[Mapping[str, str]] = (
    {
        "tcp_keepalive_probe_interval_secs": "10",
        "tcp_keepalive_probe_count": "3",
        "tcp_user_timeout_ms": "60000",
    }
    if sys.platform == "linux"
    else {}
)
#: Engine -> what is asked of ConnectorX's connections, unless the string says otherwise, so that one whose other end is
#: gone is noticed within a minute or so. Of SQL Server's it cannot be asked.
_SIGNS_OF_LIFE: Final[Mapping[Engine, Mapping[str, str]]] = {
    "postgresql": {
        "connect_timeout": "10",
        "keepalives_idle": "20",
        "keepalives_interval": "10",
        "keepalives_retries": "3",
        "tcp_user_timeout": "60000",
    },
    "mysql": {
        "tcp_connect_timeout_ms": "10000",
        "tcp_keepalive_time_ms": "20000",
        **_ON_LINUX,
    },
}
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
                'reader = "mssql-python" needs a package that is not installed', where=f"source {source.id}",
                remedy="pip install 'legacy-to-tenant[mssql]', or leave reader out: ConnectorX reads it too",
            ) from None  # fmt: skip
        # The connections are kept here; a pool's would be handed out again after they were lost.
        self._driver.pooling(enabled=False)
        self._dsn, self._timeout = _odbc_string(source), source.statement_timeout
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
    limit = source.statement_timeout + _SLACK if source.engine != "sqlite" else math.inf
    return within(
        limit,
        lambda: SourceUnreachable(
            "the database does not answer any more", where=f"source {source.id}",
            got=f"nothing for {limit:.0f} seconds", expected=f"statement_timeout = {source.statement_timeout} seconds",
            remedy="see what stands between, or raise statement_timeout of the source; the same command goes on",
        ),
    )  # fmt: skip


def reader_of(source: Source) -> Reader:
    """Give the reader that a source asks for.

    Raises:
        MissingExtra: it is not installed.
    """
    return MssqlPython(source) if source.reader == "mssql-python" else ConnectorX(source)


def connection_url(source: Source) -> str:
    """Give the connection string as ConnectorX takes it, with what the session must be like. It is a secret."""
    dsn = source.dsn.get_secret_value()
    if source.engine == "sqlite":
        # Opened as a URI: read only, and where nothing may write without locks, so that neither the file nor its
        # folder is touched and a file left in WAL mode opens too. That nothing writes is what the fingerprint is for.
        options = "mode=ro" if source.consistency == "live" else "mode=ro&immutable=1"
        uri = f"file:{quote(str(source.path))}?{options}"
        return f"sqlite://{quote(uri, safe='')}"
    parts = urlsplit(dsn)
    if source.engine == "postgresql":
        given = parse_qsl(parts.query, keep_blank_values=True)
        session = {**_POSTGRESQL_SESSION, "statement_timeout": f"{source.statement_timeout}s"}
        ours = " ".join(f"-c {name}={value}" for name, value in session.items())
        theirs = " ".join(value for name, value in given if name == "options")
        given = _with_signs_of_life([(name, value) for name, value in given if name != "options"], source.engine)
        query = urlencode([*given, ("options", f"{theirs} {ours}".strip())], quote_via=quote)
        return urlunsplit(parts._replace(scheme="postgresql", query=query))
    if source.engine == "mysql":
        # Else, on a loopback host, it asks the server for its local socket, and goes there: past an SSH tunnel to
        # another server, and without the encryption asked for.
        given = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != "prefer_socket"]
        given = _with_signs_of_life(given, source.engine)
        parts = parts._replace(query=urlencode([*given, ("prefer_socket", "false")], quote_via=quote))
    return urlunsplit(parts._replace(scheme=source.engine))


def _with_signs_of_life(given: list[tuple[str, str]], engine: Engine) -> list[tuple[str, str]]:
    names = {name for name, _ in given}
    return [*given, *((name, value) for name, value in _SIGNS_OF_LIFE[engine].items() if name not in names)]


def _odbc_string(source: Source) -> str:
    """Write a SQL Server's connection string as ODBC takes it. It is a secret."""
    parts = urlsplit(source.dsn.get_secret_value())
    options = {k.lower(): v for k, v in parse_qsl(parts.query)}
    is_secure = is_encrypted(source.dsn.get_secret_value())
    # Only where all is encrypted from the first byte does the driver look at the certificate that it is told.
    pinned = options.get("trust_server_certificate_ca", "") if is_secure else ""
    values = {
        "Server": f"{parts.hostname},{parts.port or PORTS['mssql']}",
        "Database": unquote(parts.path.strip("/")),
        "UID": unquote(parts.username or ""),
        "PWD": unquote(parts.password or ""),
        "Encrypt": "strict" if pinned else "yes" if is_secure else "no",
        "ServerCertificate": pinned,
        "TrustServerCertificate": "yes" if options.get("trust_server_certificate", "").lower() == "true" else "no",
        "ApplicationIntent": "ReadOnly",
        # A lost connection is to be an error, and no other one in its place.
        "ConnectRetryCount": "0",
    }
    return ";".join(f"{name}={{{value.replace('}', '}}')}}}" for name, value in values.items() if value)
