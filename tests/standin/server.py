"""The TDS server: logins, sessions and answers, over real sockets and TLS.

Owns the listening socket and one DuckDB cursor for each client; the protocol is pysqlbridge's. Invariant:
leaving the context closes the socket, and no client outlives it.
"""

from __future__ import annotations

import functools
import socket
import socketserver
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import duckdb
from pysqlbridge.certificate import Certificate, self_signed, server_context
from pysqlbridge.tds.connection import Connection, ConnectionState
from pysqlbridge.tds.login import deobfuscate_password
from pysqlbridge.tds.packet import PacketType, TdsProtocolError, build_packet, reassemble
from pysqlbridge.tds.prelogin import Encryption, Prelogin, server_response
from pysqlbridge.tds.result import Query, QueryError, QueryResult
from pysqlbridge.tds.rpc import ProcId
from pysqlbridge.tds.tls import TlsError
from pysqlbridge.tds.token import DoneStatus, done, error

from tests.standin.database import Database
from tests.standin.declared import MAX, SqlType
from tests.standin.errors import from_duckdb, not_supported
from tests.standin.tsql import split, translate
from tests.standin.types import wire_column

Source = Database | duckdb.DuckDBPyConnection | Path

_RECEIVED: Final = 65_536
#: With this byte a client begins that encrypts before it says anything.
_TLS_RECORD: Final = b"\x16"
_LOGIN_FAILED: Final = 18456
_CANNOT_OPEN: Final = 4060
_UTF16_LIMIT: Final = 4000
#: What an expression whose type only DuckDB knows goes out as.
_BY_DUCKDB: Final[dict[str, str]] = {
    "BOOLEAN": "bit",
    "UTINYINT": "tinyint",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "UBIGINT": "decimal(20,0)",
    "HUGEINT": "bigint",
    "FLOAT": "real",
    "DOUBLE": "float",
    "DATE": "date",
    "BLOB": "varbinary(max)",
    '"NULL"': "int",
    "NULL": "int",
}


@functools.cache
def _certificate() -> Certificate:
    # One for the process: the key takes longer than a test.
    return self_signed("standin")


class Standin:
    """Serve databases under their names to the logins given; use as a context manager."""

    def __init__(self, databases: Mapping[str, Source], *, logins: Mapping[str, str], tls: bool = True) -> None:
        self.databases = {
            name: source if isinstance(source, Database) else Database(source) for name, source in databases.items()
        }
        self.logins = dict(logins)
        self.tls = tls
        for database in self.databases.values():
            database.name_databases(list(self.databases))
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def statements(self) -> tuple[str, ...]:
        """Every statement that clients have sent so far, as they sent it."""
        return tuple(self._server.statements)

    @property
    def connections(self) -> int:
        """How many connections clients have opened so far."""
        return self._server.accepted

    def certificate(self, directory: Path) -> Path:
        """Write the certificate as PEM, for clients that are told whom to trust."""
        path = directory / "standin.pem"
        path.write_bytes(_certificate().cert_pem)
        return path

    def dsn(self, database: str, *, user: str | None = None, password: str | None = None, trust: bool = True) -> str:
        """Give ConnectorX's connection string; `user` and `password` default to the first login."""
        first, secret = next(iter(self.logins.items()))
        login = f"{quote(user or first, safe='')}:{quote(secret if password is None else password, safe='')}"
        # ConnectorX encrypts the login even with encrypt=false; it sends plain text where it is told nothing.
        options = "?encrypt=true" + "&trust_server_certificate=true" * trust if self.tls else ""
        return f"mssql://{login}@127.0.0.1:{self.port}/{quote(database, safe='')}{options}"

    def odbc(self, database: str, *, password: str | None = None) -> str:
        """Give mssql-python's connection string."""
        first, secret = next(iter(self.logins.items()))
        return (
            f"Server=127.0.0.1,{self.port};Database={database};UID={first};PWD={password or secret};"
            f"Encrypt={'yes' if self.tls else 'no'};TrustServerCertificate=yes;"
        )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, standin: Standin) -> None:
        self.standin = standin
        self.statements: list[str] = []
        self.clients: set[socket.socket] = set()
        self.accepted = 0
        super().__init__(("127.0.0.1", 0), _Client)

    def hang_up(self) -> None:
        """End every connection, so that the threads that serve them end too."""
        for client in list(self.clients):
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:  # gone already
                continue


class _Client(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        self.server.clients.add(self.request)
        self.server.accepted += 1
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        is_strict = self.server.standin.tls and self.request.recv(1, socket.MSG_PEEK) == _TLS_RECORD
        session = _Session(self.server, encrypts=self.server.standin.tls and not is_strict)
        try:
            wire = _strictly(self.request) if is_strict else self.request
            with closing(wire):
                while session.state is not ConnectionState.FAILED and (data := wire.recv(_RECEIVED)):
                    for response in session.receive(data):
                        wire.sendall(response)
        except (OSError, TlsError, TdsProtocolError):
            return  # the client went away, or does not trust the certificate
        finally:
            session.close()
            self.server.clients.discard(self.request)


def _strictly(client: socket.socket) -> ssl.SSLSocket:
    """Encrypt from the first byte, as TDS 8.0 does; the dialogue inside is that of a plain connection."""
    context = server_context(_certificate())
    context.set_alpn_protocols(["tds/8.0"])
    return context.wrap_socket(client.dup(), server_side=True)


class _Plaintext:
    """Stands where the TLS tunnel does for a client that asked for none, or is inside of TLS already."""

    def unwrap(self, data: bytes) -> bytes:
        return data


class _Session(Connection):
    """A client's connection: pysqlbridge's protocol with SQL Server's answers at login."""

    def __init__(self, server: _Server, *, encrypts: bool) -> None:
        self._server = server
        self._encrypts = encrypts
        self._cursor: duckdb.DuckDBPyConnection | None = None
        encryption = Encryption.REQUIRED if encrypts else Encryption.OFF
        super().__init__(_certificate(), encryption=encryption, server_name="standin", query_handler=self._answer)

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()

    def _step_prelogin(self, responses: list[bytes]) -> bool:
        if self._encrypts:
            return bool(super()._step_prelogin(responses))
        message = reassemble(self._buffer)
        if message is None:
            return False
        del self._buffer[: message.consumed]
        self._client_prelogin = Prelogin.parse(message.payload)
        answer = server_response(
            version=self._version, encryption=Encryption.NOT_SUPPORTED, asked=self._client_prelogin
        )
        responses.append(build_packet(PacketType.TABULAR_RESULT, answer.build()))
        self._tunnel = _Plaintext()
        self._state = ConnectionState.EXPECT_LOGIN
        return True

    def _answer_sql_login(self, responses: list[bytes]) -> bool:
        user, wanted = self._login.user_name, self._login.database
        standin = self._server.standin
        known = {name.lower(): name for name in standin.databases}
        refused = (_LOGIN_FAILED, 14, 1, f"Login failed for user '{user}'.")
        if standin.logins.get(user) != deobfuscate_password(self._login.password):
            self._refuse(responses, refused)
        elif wanted and wanted.lower() not in known:
            what = f'Cannot open database "{wanted}" requested by the login. The login failed.'
            self._refuse(responses, (_CANNOT_OPEN, 11, 1, what), refused)
        else:
            self._database = known[wanted.lower()] if wanted else next(iter(known.values()))
            self._cursor = standin.databases[self._database].cursor()
            self._finish_login(responses)
        return True

    def _refuse(self, responses: list[bytes], *messages: tuple[int, int, int, str]) -> None:
        version = self._tds_version
        tokens = [
            error(number, text, state=state, severity=severity, server=self._server_name, tds_version=version)
            for number, severity, state, text in messages
        ]
        self._send(responses, b"".join(tokens) + done(status=DoneStatus.ERROR, tds_version=version))
        self._state = ConnectionState.FAILED

    def _answer(self, query: Query) -> QueryResult:
        if query.procedure is not None:
            return self._call(query)
        self._server.statements.append(query.sql)
        try:
            results = [self._run(statement, query.parameters) for statement in split(query.sql)]
        except duckdb.Error as failed:
            raise from_duckdb(failed) from None
        if not results:
            return QueryResult(columns=[], rows=[])
        first, *following = results
        return QueryResult(columns=first.columns, rows=first.rows, following=tuple(following))

    def _call(self, query: Query) -> QueryResult:
        # Clients without parameters ask for a statement's handle and close it; there is nothing to keep.
        if query.procedure in {f"sp_{ProcId.UNPREPARE.name.lower()}", "sp_reset_connection"}:
            return QueryResult(columns=[], rows=[])
        raise QueryError(f"Could not find stored procedure '{query.procedure}'.", number=2812)

    def _run(self, statement: str, parameters: Mapping[str, object]) -> QueryResult:
        if self._cursor is None:
            raise not_supported("queries before a login")
        database = self._server.standin.databases[self._database]
        translated = translate(statement, database, self._database, parameters)
        self._cursor.execute(translated.sql)
        rows = self._cursor.fetchall()
        described = self._cursor.description
        if len(described) != len(translated.outputs):
            raise not_supported("a result whose columns it cannot tell")
        columns = []
        for i, (output, (_, kind, *_rest)) in enumerate(zip(translated.outputs, described, strict=True)):
            sql_type = output.sql_type or _by_duckdb(str(kind), [row[i] for row in rows])
            nullable = output.nullable if output.sql_type is not None else True
            columns.append(wire_column(output.name, sql_type, nullable=nullable, computed=not output.bare))
        return QueryResult(columns=columns, rows=rows)


def _by_duckdb(kind: str, values: list[object]) -> SqlType:
    if kind.startswith("DECIMAL"):
        return SqlType.parse(kind.lower())
    if kind == "VARCHAR":
        longest = max((len(str(value)) for value in values if value is not None), default=0)
        return SqlType("nvarchar", _UTF16_LIMIT if longest <= _UTF16_LIMIT // 2 else MAX)
    if kind not in _BY_DUCKDB:
        raise not_supported(f"a result of type {kind}")
    return SqlType.parse(_BY_DUCKDB[kind])
