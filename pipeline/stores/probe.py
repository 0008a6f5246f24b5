"""Try a server's connection string in a process of its own, and say within seconds why it does not work.

ConnectorX tries for 30 s and then often names no cause; its pool logs the cause of every attempt at once, on standard
error, together with what must not be shown. So one attempt is made in a child process whose standard error is read
here, and which is ended with the first cause: a wrong password counts once towards a lock, not seven times.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import ssl
import subprocess
import sys
import time
from typing import Final

from pipeline.errors import SourceError, SourceUnreachable, scrub_secrets
from pipeline.settings import Source

_MSSQL_OPTIONS: Final = frozenset({"encrypt", "trust_server_certificate", "trust_server_certificate_ca"})
_KNOCK: Final = 3.0
_SECONDS: Final = 6.0
_CHILD: Final = """
import sys
import connectorx
try:
    connectorx.read_sql(sys.stdin.read(), "SELECT 1 AS x", return_type="arrow")
except BaseException as error:
    print("FAILED " + str(error).replace(chr(10), " "), file=sys.stderr, flush=True)
    sys.exit(1)
"""
#: Of SQL Server's protocol: a PRELOGIN message that has two options, a version and a wish to encrypt.
_PRELOGIN: Final = bytes.fromhex("1201001a00000100 00000b0006 0100110001 ff 000000000000 01".replace(" ", ""))
#: How the log of the pool, and the child itself, begin a line that names a cause.
_CAUSE: Final = re.compile(r"^(?:\[[^\]]*ERROR[^\]]*\]|FAILED)\s*(.*)")
_NOT_THERE: Final = re.compile(r"ERROR 1044\b|to database '")
_REFUSED: Final = re.compile(r"authentication failed|Access denied|Login failed|1045|18456", re.IGNORECASE)
_NO_DATABASE: Final = re.compile(r"does not exist|Unknown database|Cannot open database|4060", re.IGNORECASE)
_OPTION: Final = re.compile(r"Unknown URL parameter|unsupported ssl-mode|invalid connection string", re.IGNORECASE)
_CERTIFICATE: Final = re.compile(
    r"certificate|TLS|SSL|secure connection|handshake|encryption not supported", re.IGNORECASE
)
_TIMED_OUT: Final = re.compile(r"timed out waiting for connection:?|Timed out in bb8")


def probe(source: Source, url: str) -> None:
    """Connect once and disconnect.

    Args:
        source: the source, for the message.
        url: its connection string as ConnectorX takes it.

    Raises:
        SourceUnreachable: nothing answers in time.
        SourceError: the server refuses user, password, database or encryption, by its own words.
    """
    environment = {**os.environ, "RUST_LOG": "error", "RUST_BACKTRACE": "0"}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-I", "-c", _CHILD],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as child:
        try:
            said = _first_cause(child, url)
        finally:
            child.kill()
    if said is not None:
        raise unconnected(source, said)


def knock(source: Source) -> None:
    """Open a connection to the server's port and close it, for a driver does not always say why it cannot.

    Raises:
        SourceUnreachable: no such host, nothing listens, or nothing answers.
    """
    try:
        socket.create_connection((source.dsn.host, source.dsn.port), timeout=_KNOCK).close()
    except OSError as error:
        raise _unreachable(source, error.strerror or str(error)) from None


def check_options(source: Source) -> None:
    """Check that a SQL Server's connection string asks for nothing that its readers would pass over in silence.

    Raises:
        SourceError: it has an option that they do not know.
    """
    if source.engine == "mssql" and (unknown := sorted(source.dsn.options.keys() - _MSSQL_OPTIONS)):
        raise SourceError(
            "its dsn has an option that the driver does not know",
            where=f"source {source.id}",
            got=", ".join(unknown),
            expected=f"none but {', '.join(sorted(_MSSQL_OPTIONS))}",
            remedy="see docs/sources.md for the options of each engine",
        )


def check_strict(source: Source) -> None:
    """Check that a server speaks strict encryption, where a pinned certificate asks Microsoft's driver for it.

    The driver itself tries for a minute, and then names host and port.

    Raises:
        SourceError: it does not.
    """
    if not source.dsn.options.get("trust_server_certificate_ca"):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # that is the driver's to check
    context.set_alpn_protocols(["tds/8.0"])
    try:
        with (
            socket.create_connection((source.dsn.host, source.dsn.port), timeout=_KNOCK) as plain,
            context.wrap_socket(plain),
        ):
            return
    except OSError:
        raise SourceError(
            "no encrypted connection can be made",
            where=f"source {source.id}",
            got="the server does not speak strict encryption (TDS 8.0)",
            expected="SQL Server 2022 or newer, as trust_server_certificate_ca pins by strict encryption only",
            remedy="leave trust_server_certificate_ca out and let the machine trust the certificate's authority, or "
            "leave `reader` out",
        ) from None


def unconnected(source: Source, said: str) -> SourceError:
    """Translate what a driver said of a connection that it could not make.

    Args:
        source: the source that was to be reached.
        said: the driver's words, which may hold secrets; none where it said nothing in time.
    """
    where = f"source {source.id}"
    words = scrub_secrets(_TIMED_OUT.sub("", said).strip())
    if _OPTION.search(words):
        return SourceError(
            "its dsn has an option that the driver does not know",
            where=where,
            got=words,
            remedy="see docs/sources.md for the options of each engine",
        )
    if _NO_DATABASE.search(words):
        return SourceError("there is no such database", where=where, got=words, remedy="check its dsn")
    if _NOT_THERE.search(words):
        return SourceError(
            "the user may not use the database", where=where, got=words, remedy="grant it SELECT on its tables"
        )
    if _REFUSED.search(words):
        # Microsoft's driver says no more of a database that is not there.
        checked = "user, password and database" if source.reader == "mssql-python" else "user and password"
        return SourceError("the login is refused", where=where, got=words, remedy=f"check {checked} in its dsn")
    if _CERTIFICATE.search(words):
        return SourceError(
            "no encrypted connection can be made",
            where=where,
            got=words,
            remedy="check the certificate, and the options of its dsn (see docs/sources.md on TLS)",
        )
    if not words and source.engine == "mssql":
        # Told apart by no word of the driver: it tries again until it gives up.
        remedy = "check the port, and trust_server_certificate_ca or trust_server_certificate in its dsn"
        if source.dsn.is_encrypted and _offers_encryption(source):
            return SourceError(
                "no encrypted connection can be made",
                where=where,
                remedy=remedy,
                got="the server offers encryption, and the driver gives up without a reason: as it does where it does "
                "not trust the certificate",
            )
        return SourceUnreachable(
            "no connection can be made",
            where=where,
            got=f"none within {_SECONDS:.0f} seconds, without a reason",
            expected="a SQL Server at that port, whose certificate is trusted",
            remedy=remedy,
        )
    return _unreachable(source, words or f"no answer within {_SECONDS:.0f} seconds")


def _offers_encryption(source: Source) -> bool:
    """Say whether a SQL Server answers the first message of its protocol, and by it that it can encrypt."""
    try:
        with socket.create_connection((source.dsn.host, source.dsn.port), timeout=_KNOCK) as connection:
            connection.sendall(_PRELOGIN)
            answer = connection.recv(4096)
    except OSError:
        return False
    options = answer[8:]
    for at in range(0, len(options) - 4, 5):
        if options[at] == 0xFF:
            break
        if options[at] == 1:  # ENCRYPTION: off (0), on (1), not there (2), required (3)
            where = int.from_bytes(options[at + 1 : at + 3], "big")
            return options[where : where + 1] in (b"\x00", b"\x01", b"\x03")
    return False


def _first_cause(child: subprocess.Popen[bytes], url: str) -> str | None:
    """Give the first cause that the child names, an empty text if it names none in time, None if it connects."""
    if child.stdin is None or child.stderr is None:
        raise AssertionError("both are pipes")
    child.stdin.write(url.encode())
    child.stdin.close()
    deadline, heard = time.monotonic() + _SECONDS, b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stderr, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and selector.select(left):
            piece = os.read(child.stderr.fileno(), 65_536)
            heard += piece
            for line in heard.decode(errors="replace").splitlines(keepends=True):
                if line.endswith("\n") and (cause := _CAUSE.match(line)):
                    return cause[1].strip()
            if not piece:
                return None if child.wait() == 0 else heard.decode(errors="replace").strip().partition("\n")[0]
    return ""


def _unreachable(source: Source, words: str) -> SourceUnreachable:
    return SourceUnreachable(
        "the server cannot be reached",
        where=f"source {source.id}",
        got=words,
        remedy="check host and port in its dsn, that the server runs, and what stands between",
    )
