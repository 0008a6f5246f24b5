"""Connection strings: their parts, whether their form is right, what may be shown of them, and what drivers get.

A `Dsn` is a secret. What is shown of it is its place; its text leaves this module in `libpq_uri`, `connectorx_url` and
`odbc_string` alone, which are for drivers. Opens nothing itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from schemas.engines import FACTS, Engine

#: Scheme of a source's connection string -> its engine.
ENGINES: Final[Mapping[str, Engine]] = {
    "sqlite": "sqlite",
    "mssql": "mssql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
#: Engine -> the port that its servers listen on unless a connection string names another.
_PORTS: Final[Mapping[Engine, int]] = {"mssql": 1433, "mysql": 3306, "postgresql": 5432}
_SQLITE: Final = "sqlite://"
#: Seconds, and milliseconds for the last one, that libpq waits for a server; and how our sessions are called there.
_LIMITS: Final[Mapping[str, str]] = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "fallback_application_name": "migrate",
}
#: What the text of a PostgreSQL's values could depend on, or keep rows back.
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
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://")
_KEYWORD_DSN: Final = re.compile(r"\b(host|hostaddr|port|dbname)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)")


@dataclass(frozen=True, slots=True, repr=False)
class Dsn:
    """Where a database is and how to log in there; shown, it is the place alone."""

    _text: str
    #: The one schema of the database that is meant.
    schema: str | None = None

    def __str__(self) -> str:
        """Give what may be written down: scheme, host, database or file, and the schema."""
        return self._shown() if self.schema is None else f"{self._shown()}, schema {self.schema}"

    def __repr__(self) -> str:
        """Show no more than `str` does."""
        return f"Dsn({self})"

    def _shown(self) -> str:
        scheme = _SCHEME.match(self._text)
        if scheme is None:
            found = dict(_KEYWORD_DSN.findall(self._text))
            return " ".join(f"{key}={value}" for key, value in found.items()) or "(hidden)"
        if self.is_file:
            return self._text
        # Everything up to the last @ goes, though one in the options takes the host with it: rather too little.
        rest = self._text[scheme.end() :].rpartition("@")[2]
        return f"{scheme[0]}{re.split(r'[?#;]', rest, maxsplit=1)[0]}"

    # -- its parts ------------------------------------------------------------------------------------

    @property
    def scheme(self) -> str:
        """Give the scheme.

        Raises:
            ValueError: there is none.
        """
        match = _SCHEME.match(self._text)
        if match is None:
            raise ValueError("is not of the form <scheme>://...")
        return match[1]

    @property
    def engine(self) -> Engine:
        """Name the engine that it asks for."""
        return ENGINES[self.scheme]

    @property
    def host(self) -> str:
        """Give the server's host."""
        return urlsplit(self._text).hostname or ""

    @property
    def port(self) -> int:
        """Give the server's port, which may go without saying."""
        return urlsplit(self._text).port or _PORTS[self.engine]

    @property
    def database(self) -> str:
        """Name the database of a server."""
        return unquote(urlsplit(self._text).path.strip("/"))

    @property
    def path(self) -> Path:
        """Give the file of a SQLite database."""
        return Path(self._text.removeprefix(_SQLITE))

    @property
    def options(self) -> Mapping[str, str]:
        """Give what stands behind the question mark; a driver's password may."""
        return dict(parse_qsl(urlsplit(self._text).query, keep_blank_values=True))

    @property
    def place(self) -> str:
        """Say which database it is; equal texts are one database."""
        if self.is_file:
            return str(self.path.resolve())
        name = self.database.lower() if FACTS[self.engine].folds_names else self.database
        return f"{self.engine}://{self.host}:{self.port}/{name}"

    @property
    def is_file(self) -> bool:
        """Say whether it is that of a file, and no server's."""
        return self.scheme in ENGINES and FACTS[self.engine].is_file

    # -- what it must be ------------------------------------------------------------------------------

    def has(self, placeholder: str) -> bool:
        """Say whether something is to be filled in."""
        return placeholder in self._text

    def filled(self, placeholder: str, name: str) -> Dsn:
        """Put a name where a placeholder stands; in an address it can be no more than a name."""
        return replace(self, _text=self._text.replace(placeholder, name if self.is_file else quote(name, safe="")))

    def file_in(self, folder: Path) -> Dsn:
        """Give that of a SQLite file, whose path is relative to a directory.

        Raises:
            ValueError: it is not of the form of one.
        """
        place = re.sub("^/+", "/", self._text.removeprefix(_SQLITE))  # others write sqlite:////file
        if not place or "?" in place or "\0" in place:
            raise ValueError(f"write {_SQLITE}<file>, without options; the file is only ever read")
        return replace(self, _text=_SQLITE + str(folder / place))

    def check_server(self) -> None:
        """Check that it names a host and a database.

        Raises:
            ValueError: it does not; the message quotes nothing of it.
        """
        try:
            parts = urlsplit(self._text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError("cannot be read as an address; percent-encode user and password") from None
        if not host or not parts.path.strip("/"):
            raise ValueError(f"write {parts.scheme}://<user>:<password>@<host>:<port>/<database>")

    def check_target(self) -> None:
        """Check that it asks for PostgreSQL.

        Raises:
            ValueError: it does not.
        """
        if self.scheme not in ("postgresql", "postgres"):
            raise ValueError(f"{self.scheme}:// is not supported as a target, only postgresql://")

    @property
    def is_encrypted(self) -> bool:
        """Say whether a SQL Server's asks for encryption, as ConnectorX reads it.

        It looks for the name in lower case and the value `true`; what it does not know it passes over, and sends the
        login in plain text.
        """
        return self.options.get("encrypt", "").lower() == "true"

    def is_private(self, environment: Mapping[str, str]) -> bool:
        """Say whether nobody on the way to a target can read along: it is this machine, or the connection is encrypted.

        By itself libpq encrypts where the server offers it, and is content where it does not.

        Args:
            environment: where libpq looks for what the string leaves out.
        """
        place, _, given = _behind_login(self._text).partition("?")
        options = dict(parse_qsl(given, keep_blank_values=True))
        if options.get("sslmode") in ("require", "verify-ca", "verify-full") or options.get("gssencmode") == "require":
            return True
        if "service" in options:  # a file of libpq's own says where that is
            return False
        hosts = options.get("hostaddr") or options.get("host") or ",".join(_hosts(place.partition("/")[0]))
        hosts = hosts or environment.get("PGHOSTADDR") or environment.get("PGHOST") or ""
        return all(_is_here(host) for host in hosts.split(","))


def libpq_uri(dsn: Dsn) -> str:
    """Write a target's as libpq takes it, and within what time a server, or a network, must give a sign of life.

    What it says itself stays. Packets that are not answered, and a connection whose other end is gone, are
    noticed within a minute. A secret.
    """
    text = dsn._text
    _, mark, given = _behind_login(text).partition("?")
    names = {name for name, _ in parse_qsl(given, keep_blank_values=True)}
    ours = "&".join(f"{name}={value}" for name, value in _LIMITS.items() if name not in names)
    return text if not ours else f"{text}{('&' if given else '') if mark else '?'}{ours}"


def connectorx_url(dsn: Dsn, *, is_live: bool, statement_timeout: int) -> str:
    """Write a source's as ConnectorX takes it, with what the session must be like. A secret.

    Args:
        dsn: the source's.
        is_live: whether others may write to it meanwhile.
        statement_timeout: seconds, of PostgreSQL.
    """
    if dsn.is_file:
        # Opened as a URI: read only, and where nothing may write without locks, so that neither the file nor its
        # folder is touched and a file left in WAL mode opens too. That nothing writes is what the fingerprint is for.
        uri = f"file:{quote(str(dsn.path))}?{'mode=ro' if is_live else 'mode=ro&immutable=1'}"
        return f"{_SQLITE}{quote(uri, safe='')}"
    parts = urlsplit(dsn._text)
    given = parse_qsl(parts.query, keep_blank_values=True)
    if dsn.engine == "postgresql":
        session = {**_POSTGRESQL_SESSION, "statement_timeout": f"{statement_timeout}s"}
        ours = " ".join(f"-c {name}={value}" for name, value in session.items())
        theirs = " ".join(value for name, value in given if name == "options")
        given = _with_signs_of_life([(name, value) for name, value in given if name != "options"], dsn.engine)
        query = urlencode([*given, ("options", f"{theirs} {ours}".strip())], quote_via=quote)
        return urlunsplit(parts._replace(scheme="postgresql", query=query))
    if dsn.engine == "mysql":
        # Else, on a loopback host, it asks the server for its local socket, and goes there: past an SSH tunnel to
        # another server, and without the encryption asked for.
        given = _with_signs_of_life([(k, v) for k, v in given if k != "prefer_socket"], dsn.engine)
        parts = parts._replace(query=urlencode([*given, ("prefer_socket", "false")], quote_via=quote))
    return urlunsplit(parts._replace(scheme=dsn.engine))


def _with_signs_of_life(given: list[tuple[str, str]], engine: Engine) -> list[tuple[str, str]]:
    names = {name for name, _ in given}
    return [*given, *((name, value) for name, value in _SIGNS_OF_LIFE[engine].items() if name not in names)]


def odbc_string(dsn: Dsn) -> str:
    """Write a SQL Server's as ODBC takes it. A secret."""
    parts = urlsplit(dsn._text)
    options = {k.lower(): v for k, v in dsn.options.items()}
    # Only where all is encrypted from the first byte does the driver look at the certificate that it is told.
    pinned = options.get("trust_server_certificate_ca", "") if dsn.is_encrypted else ""
    values = {
        "Server": f"{dsn.host},{dsn.port}",
        "Database": dsn.database,
        "UID": unquote(parts.username or ""),
        "PWD": unquote(parts.password or ""),
        "Encrypt": "strict" if pinned else "yes" if dsn.is_encrypted else "no",
        "ServerCertificate": pinned,
        "TrustServerCertificate": "yes" if options.get("trust_server_certificate", "").lower() == "true" else "no",
        "ApplicationIntent": "ReadOnly",
        # A lost connection is to be an error, and no other one in its place.
        "ConnectRetryCount": "0",
    }
    return ";".join(f"{name}={{{value.replace('}', '}}')}}}" for name, value in values.items() if value)


def _behind_login(text: str) -> str:
    """Give what follows the scheme, user and password."""
    start = text.index("://") + 3
    login = re.match(r"[^@/]*@", text[start:])
    return text[start + (login.end() if login else 0) :]


def _hosts(authority: str) -> Iterator[str]:
    for part in authority.split(","):
        bracketed = re.match(r"\[([^\]]*)\]", part)
        yield unquote(bracketed[1] if bracketed else part.partition(":")[0])


def _is_here(host: str) -> bool:
    """Say whether a host is this machine: a socket of its own file system, or the loopback interface."""
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
