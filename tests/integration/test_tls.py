"""Encrypted connections: what each option of a connection string promises, and a certificate that is not trusted."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from pysqlbridge.certificate import self_signed

from pipeline.connection import Dsn
from pipeline.demo.server import Server
from pipeline.errors import SourceError, TargetError
from pipeline.stores.legacy import LegacyDatabase
from pipeline.stores.readers import ConnectorX
from pipeline.stores.target import TargetDatabase
from tests.standin import Database, Standin
from tests.support.servers import running_mariadb, source

SECONDS = 10.0
#: Asks a server whether this connection is encrypted.
CIPHER = "SELECT VARIABLE_VALUE AS x FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the server's certificate and key, and another's certificate."""
    directory = tmp_path_factory.mktemp("certificates")
    # MariaDB reads them as another user.
    for parent in (directory, *directory.parents[:2]):
        parent.chmod(0o755)
    own, other = self_signed("localhost"), self_signed("localhost")
    for name, content in (("own.pem", own.cert_pem), ("key.pem", own.key_pem), ("other.pem", other.cert_pem)):
        (directory / name).write_bytes(content)
    return directory


@contextmanager
def encrypting(upstream: int, certificates: Path) -> Iterator[tuple[int, list[str]]]:
    """Stand before a PostgreSQL that was built without TLS: give a port, and the ciphers of those who came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "own.pem", certificates / "key.pem")
    ciphers: list[str] = []

    def pump(read: socket.socket, written: socket.socket) -> None:
        with suppress(OSError):
            while data := read.recv(65_536):
                written.sendall(data)
        with suppress(OSError):
            written.shutdown(socket.SHUT_RDWR)

    def serve(client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            client.recv(8)  # "may we encrypt?"
            client.sendall(b"S")
            with context.wrap_socket(client, server_side=True) as inside:
                ciphers.append(str(inside.cipher()))
                with closing(socket.create_connection(("127.0.0.1", upstream))) as server:
                    back = threading.Thread(target=pump, args=(server, inside))
                    back.start()
                    pump(inside, server)
                    back.join()

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,)).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=accept, args=(listener,)).start()
        yield listener.getsockname()[1], ciphers
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def mysql(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[str]:
    files = (f"--ssl-cert={certificates / 'own.pem'}", f"--ssl-key={certificates / 'key.pem'}")
    with running_mariadb(tmp_path_factory.mktemp("mariadb_tls"), *files) as server:
        yield server.dsn(server.create())


def refused(ask: Callable[[], object]) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match="source a: no encrypted connection can be made"):
        ask()
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("mode", ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"])
def test_mysql_is_encrypted_by_its_ssl_mode(mysql: str, certificates: Path, mode: str) -> None:
    authority = "" if mode == "REQUIRED" else f"&ssl-ca={certificates / 'own.pem'}"
    named = mysql.replace("127.0.0.1", "localhost")  # the name in the certificate
    described = source(f"{named}?ssl-mode={mode}{authority}")
    assert LegacyDatabase(described).tables() == ()
    assert str(ConnectorX(described).read(CIPHER)["x"][0]).startswith("TLS")


@pytest.mark.parametrize("mode", ["VERIFY_CA", "VERIFY_IDENTITY"])
def test_mysql_s_certificate_is_checked_where_that_is_asked_for(mysql: str, certificates: Path, mode: str) -> None:
    refused(LegacyDatabase(source(f"{mysql}?ssl-mode={mode}&ssl-ca={certificates / 'other.pem'}")).tables)


def test_postgresql_is_encrypted_and_its_certificate_checked(postgres: Server, certificates: Path) -> None:
    with encrypting(postgres.port, certificates) as (port, ciphers):
        dsn = postgres.dsn("postgres").replace(f":{postgres.port}/", f":{port}/")
        for authority in ("", f"&sslrootcert={certificates / 'own.pem'}"):
            LegacyDatabase(source(f"{dsn}?sslmode=require{authority}")).tables()
        assert ciphers
        refused(LegacyDatabase(source(f"{dsn}?sslmode=require&sslrootcert={certificates / 'other.pem'}")).tables)


def test_microsoft_s_driver_pins_the_certificate_that_it_is_told(
    sqlserver: Standin, certificates: Path, tmp_path: Path
) -> None:
    pytest.importorskip("mssql_python", reason="the extra `mssql` is not installed")
    sqlserver.databases["pinned"] = Database()

    def reading(authority: Path) -> LegacyDatabase:
        dsn = f"{sqlserver.dsn('pinned', trust=False)}&trust_server_certificate_ca={authority}"
        return LegacyDatabase(source(dsn, reader="mssql-python"))

    with closing(reading(sqlserver.certificate(tmp_path))) as trusting:
        assert trusting.tables() == ()
    for authority in (certificates / "other.pem", tmp_path / "missing.pem"):
        with closing(reading(authority)) as distrusting:
            refused(distrusting.tables)


# -- the target -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_target_is_encrypted_by_its_sslmode(postgres: Server, certificates: Path, mode: str) -> None:
    authority = "" if mode == "require" else f"&sslrootcert={certificates / 'own.pem'}"
    with encrypting(postgres.port, certificates) as (port, ciphers):
        dsn = postgres.dsn("postgres").replace(f"127.0.0.1:{postgres.port}", f"localhost:{port}")
        with TargetDatabase("student", Dsn(f"{dsn}?sslmode={mode}{authority}"), role=None) as database:
            assert database.query("SELECT 1 AS x").to_pylist() == [{"x": 1}]
        assert ciphers


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_a_target_s_certificate_is_checked_where_that_is_asked_for(
    postgres: Server, certificates: Path, mode: str
) -> None:
    with encrypting(postgres.port, certificates) as (port, ciphers):
        dsn = postgres.dsn("postgres").replace(f"127.0.0.1:{postgres.port}", f"localhost:{port}")
        with pytest.raises(TargetError, match="certificate verify failed"):
            TargetDatabase("student", Dsn(f"{dsn}?sslmode={mode}&sslrootcert={certificates / 'other.pem'}"), role=None)
        assert ciphers == []
