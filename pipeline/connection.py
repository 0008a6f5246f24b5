"""Connection strings: which engine one asks for, whether its form is right, and what of it may be written down.

They are secrets: only `redacted` gives a part of one that may be shown. Opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from schemas.types import Engine

SQLITE: Final = "sqlite://"
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
PORTS: Final[Mapping[Engine, int]] = {"mssql": 1433, "mysql": 3306, "postgresql": 5432}
#: Seconds, and milliseconds for the last one, that libpq waits for a server; and how our sessions are called there.
_LIMITS: Final[Mapping[str, str]] = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "fallback_application_name": "migrate",
}
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://")
_KEYWORD_DSN: Final = re.compile(r"\b(host|hostaddr|port|dbname)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)")


def redacted(dsn: str) -> str:
    """Give the part of a connection string that may be written down: scheme, place, database or file."""
    scheme = _SCHEME.match(dsn)
    if scheme is None:
        found = dict(_KEYWORD_DSN.findall(dsn))
        return " ".join(f"{key}={value}" for key, value in found.items()) or "(hidden)"
    rest = dsn[scheme.end() :]
    if scheme[1] == "sqlite":
        return dsn
    # Everything up to the last @ goes, though one in the options takes the host with it: rather too little.
    rest = rest.rpartition("@")[2]
    return f"{scheme[0]}{re.split(r'[?#;]', rest, maxsplit=1)[0]}"


def scheme_of(dsn: str) -> str:
    """Give the scheme.

    Raises:
        ValueError: there is none.
    """
    match = _SCHEME.match(dsn)
    if match is None:
        raise ValueError("is not of the form <scheme>://...")
    return match[1]


def checked_server(dsn: str) -> str:
    """Check that a server's connection string names a host and a database.

    Raises:
        ValueError: it does not; the message quotes nothing of it.
    """
    try:
        parts = urlsplit(dsn)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("cannot be read as an address; percent-encode user and password") from None
    if not host or not parts.path.strip("/"):
        raise ValueError(f"write {parts.scheme}://<user>:<password>@<host>:<port>/<database>")
    return dsn


def place_of(dsn: str) -> str:
    """Say which database a server's connection string names; equal texts are one database."""
    parts, engine = urlsplit(dsn), ENGINES[scheme_of(dsn)]
    name = parts.path.strip("/")
    # SQL Server's names are alike in any case; the others' may not be.
    return f"{engine}://{parts.hostname}:{parts.port or PORTS[engine]}/{name.lower() if engine == 'mssql' else name}"


def is_encrypted(dsn: str) -> bool:
    """Say whether a SQL Server's connection string asks for encryption, as ConnectorX reads it.

    It looks for the name in lower case and the value `true`; what it does not know it passes over, and sends the
    login in plain text.
    """
    return dict(parse_qsl(urlsplit(dsn).query)).get("encrypt", "").lower() == "true"


def with_limits(dsn: str) -> str:
    """Add to a target's connection string within what time a server, or a network, must give a sign of life.

    What it says itself stays. Packets that are not answered, and a connection whose other end is gone, are
    noticed within a minute.
    """
    start = dsn.index("://") + 3
    login = re.match(r"[^@/]*@", dsn[start:])
    _, mark, given = dsn[start + (login.end() if login else 0) :].partition("?")
    names = {name for name, _ in parse_qsl(given, keep_blank_values=True)}
    ours = "&".join(f"{name}={value}" for name, value in _LIMITS.items() if name not in names)
    return dsn if not ours else f"{dsn}{('&' if given else '') if mark else '?'}{ours}"


def require_postgresql(dsn: str) -> None:
    """Check that a target's connection string asks for PostgreSQL.

    Raises:
        ValueError: it does not.
    """
    scheme = scheme_of(dsn)
    if scheme not in ("postgresql", "postgres"):
        raise ValueError(f"{scheme}:// is not supported as a target, only postgresql://")


def is_private(dsn: str, environment: Mapping[str, str]) -> bool:
    """Say whether nobody on the way to a target can read along: it is this machine, or the connection is encrypted.

    By itself libpq encrypts where the server offers it, and is content where it does not.

    Args:
        dsn: of the form that libpq reads as a URI.
        environment: where libpq looks for what the string leaves out.
    """
    start = dsn.index("://") + 3
    login = re.match(r"[^@/]*@", dsn[start:])
    place, _, given = dsn[start + (login.end() if login else 0) :].partition("?")
    options = dict(parse_qsl(given, keep_blank_values=True))
    if options.get("sslmode") in ("require", "verify-ca", "verify-full") or options.get("gssencmode") == "require":
        return True
    if "service" in options:  # a file of libpq's own says where that is
        return False
    hosts = options.get("hostaddr") or options.get("host") or ",".join(_hosts(place.partition("/")[0]))
    hosts = hosts or environment.get("PGHOSTADDR") or environment.get("PGHOST") or ""
    return all(_is_here(host) for host in hosts.split(","))


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
