"""What `migrate.toml` may say, as closed models.

Owns every connection string. They are secrets: their repr never shows them, and only `redacted` may be written down.
Invariant: a `Settings` that exists is consistent (zones exist, tenants are distinct, no two sources read one database,
every path is absolute).
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.connection import (
    ENGINES,
    SQLITE,
    checked_server,
    is_encrypted,
    is_private,
    place_of,
    redacted,
    require_postgresql,
    scheme_of,
)
from pipeline.core.sql.ddl import APP, AUDITOR, DATA_READER, MIGRATOR
from pipeline.errors import ConfigError
from schemas.catalog import SERVICES
from schemas.types import Engine

#: Where the keys of rows are staged that are loaded already, beside those of each source.
LOADED = "loaded"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _existing_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"there is no time zone {name!r}{near(name, _zones())}")
    return name


Zone = Annotated[str, AfterValidator(_existing_zone)]


class Table(BaseModel):
    """A table of the file: closed, and never shown with what was put in."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Source(Table):
    """A legacy database: a district's, or the one of the shared logins."""

    #: Its name in `migrate.toml`; it names directories of staged files.
    id: str = Field(pattern=r"\A[a-z0-9_]+\z")
    kind: Literal["district", "login"]
    #: The legacy DistrictId, of a district.
    tenant: int | None = Field(default=None, ge=1)
    #: What people call it.
    title: str = Field(validation_alias="name", min_length=1)
    dsn: SecretStr
    #: Zone of the district, in which its days and hours are meant.
    tenant_zone: Zone
    #: Zone of the clock of the machine that wrote its instants; may be UTC.
    host_zone: Zone
    #: Whether it can change while it is read: never, not by agreement, or it does.
    consistency: Literal["snapshot", "frozen", "live"]
    #: May a SQL Server login cross the network unencrypted?
    allow_plaintext: bool = False
    #: Who reads a SQL Server: the second one needs the extra `mssql`.
    reader: Literal["connectorx", "mssql-python"] = "connectorx"
    #: Connections open to it at once, at the most.
    connections: int = Field(default=2, ge=1, le=64)
    #: Seconds that one statement may take, where the engine lets a session say so.
    statement_timeout: int = Field(default=3600, ge=1)

    @field_validator("id")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name == LOADED:
            raise ValueError(f"{name!r} is where keys of loaded rows are staged: call the source otherwise")
        return name

    @field_validator("dsn")
    @classmethod
    def _supported(cls, dsn: SecretStr, info: ValidationInfo) -> SecretStr:
        text = dsn.get_secret_value()
        scheme = scheme_of(text)
        if scheme not in ENGINES:
            raise ValueError(f"{scheme}:// is not supported as a source{near(scheme, ENGINES)}")
        if scheme != "sqlite":
            return SecretStr(checked_server(text))
        place = re.sub("^/+", "/", text.removeprefix(SQLITE))  # others write sqlite:////file
        if not place or "?" in place or "\0" in place:
            raise ValueError(f"write {SQLITE}<file>, without options; the file is only ever read")
        return SecretStr(SQLITE + str(_folder(info) / place))

    @model_validator(mode="after")
    def _reader_and_login(self) -> Source:
        if self.engine != "mssql":
            if self.reader != "connectorx":
                raise ValueError(f"reader {self.reader!r} reads only mssql:// sources")
            if self.allow_plaintext:
                raise ValueError("allow_plaintext is for mssql:// sources only")
            return self
        if not self.allow_plaintext and not is_encrypted(self.dsn.get_secret_value()):
            raise ValueError(
                "without ?encrypt=true the login crosses the network in plain text; add it to dsn "
                "(with trust_server_certificate_ca=<file>, or trust_server_certificate=true), "
                "or say allow_plaintext = true"
            )
        return self

    @model_validator(mode="after")
    def _tenant_of_kind(self) -> Source:
        if self.kind == "district" and self.tenant is None:
            raise ValueError("a district needs its tenant, the legacy DistrictId")
        if self.kind == "login" and self.tenant is not None:
            raise ValueError("the login database serves all tenants and has none of its own")
        return self

    @property
    def engine(self) -> Engine:
        """Name the engine that its connection string asks for."""
        return ENGINES[scheme_of(self.dsn.get_secret_value())]

    @property
    def place(self) -> str:
        """Say which database it is, without credentials; two sources of one place are one database."""
        if self.engine == "sqlite":
            return str(self.path.resolve())
        return place_of(self.dsn.get_secret_value())

    @property
    def path(self) -> Path:
        """Give the file of a SQLite source."""
        return Path(self.dsn.get_secret_value().removeprefix(SQLITE))


class Target(Table):
    """The PostgreSQL databases of the services: one pattern for all, or a connection string each."""

    dsn: SecretStr | None = None
    services: Mapping[str, SecretStr] = Field(default_factory=dict)
    #: Further roles that the site expects on the tables; what they may do is its own matter.
    roles: tuple[str, ...] = ()
    #: May rows cross the network unencrypted?
    allow_plaintext: bool = False

    @field_validator("dsn")
    @classmethod
    def _pattern(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None:
            require_postgresql(dsn.get_secret_value())
            if "{service}" not in dsn.get_secret_value():
                raise ValueError("needs {service} where the database's name goes: one database a service")
        return dsn

    @field_validator("roles")
    @classmethod
    def _further(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        for name in roles:
            if name.lower() in (MIGRATOR, APP, AUDITOR, DATA_READER, "public"):
                raise ValueError(f"{name} is no further role: what it may do is not a site's own matter")
        return roles

    @field_validator("services")
    @classmethod
    def _known_services(cls, services: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, dsn in services.items():
            if name not in SERVICES:
                raise ValueError(f"there is no service {name!r}{near(name, SERVICES)}")
            require_postgresql(dsn.get_secret_value())
        return services

    @model_validator(mode="after")
    def _somewhere(self) -> Target:
        if self.dsn is None and not self.services:
            raise ValueError("needs dsn, or a connection string a service under [target.services]")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> Target:
        given = {"dsn": self.dsn, **{f"services.{name}": dsn for name, dsn in self.services.items()}}
        plain = [n for n, d in given.items() if d is not None and not is_private(d.get_secret_value(), os.environ)]
        if plain and not self.allow_plaintext:
            raise ValueError(
                f"{' and '.join(plain)}: without ?sslmode=verify-full (or verify-ca, require) rows may cross the "
                "network in plain text; add it, with sslrootcert=<file> for a certificate of your own, "
                "or say allow_plaintext = true"
            )
        return self


class Run(Table):
    """How a run goes about it."""

    staging: Path = Field(default=Path("staging"), validate_default=True)
    #: Rows of a batch: the unit of staging, receipt, retry and rollback.
    batch_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    #: Batches worked on side by side.
    parallel: int = Field(default=2, ge=1, le=64)
    #: A longer value is not fetched; its row is rejected.
    max_value_bytes: int = Field(default=64 * 2**20, ge=1)
    #: A directory of `<service>.toml` that replaces the packaged catalog; by default `catalog`, where there is one.
    catalog: Path = Field(default=Path("catalog"), validate_default=True)

    @field_validator("staging", "catalog")
    @classmethod
    def _absolute(cls, path: Path, info: ValidationInfo) -> Path:
        return _folder(info) / path


class Settings(Table):
    """Everything that `migrate.toml` says."""

    target: Target
    run: Run = Field(default_factory=dict, validate_default=True)  # so that its paths are resolved too
    sources: tuple[Source, ...]

    @field_validator("sources", mode="before")
    @classmethod
    def _named_tables(cls, tables: object) -> object:
        if not isinstance(tables, Mapping):
            return tables
        for name, table in tables.items():
            if not isinstance(table, Mapping):
                raise ValueError(f"sources are tables: [sources.{name}]")
            if "id" in table:
                raise ValueError(f"[sources.{name}] has an unknown key 'id': the table's name is its id")
        return tuple({**table, "id": name} for name, table in tables.items())

    @field_validator("sources")
    @classmethod
    def _distinct(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources:
            raise ValueError("there is none: write a table [sources.<name>] for each legacy database")
        logins = [source.id for source in sources if source.kind == "login"]
        if len(logins) > 1:
            raise ValueError(f"there is at most one login database, not {len(logins)}: {', '.join(logins)}")
        _refuse_shared({s.id: s.id for s in sources}, "have the name")
        _refuse_shared({s.id: str(s.tenant) for s in sources if s.tenant is not None}, "have the tenant")
        # One database read as two districts would give its rows to both tenants.
        _refuse_shared({s.id: s.place for s in sources}, "read the database")
        return sources

    def target_dsn(self, service: str) -> str:
        """Give the connection string of a service's database. It is a secret.

        Raises:
            ConfigError: no such service, or nothing is configured for it.

        """
        if service not in SERVICES:
            raise ConfigError(f"there is no service {service!r}{near(service, SERVICES)}")
        if service in self.target.services:
            return self.target.services[service].get_secret_value()
        if self.target.dsn is None:
            raise ConfigError(
                f"no target database is configured for the service {service}",
                remedy=f"set {service} under [target.services], or dsn with {{service}} under [target]",
            )
        return self.target.dsn.get_secret_value().replace("{service}", service)

    def source(self, name: str) -> Source:
        """Give the source of that name.

        Raises:
            ConfigError: there is none.

        """
        for source in self.sources:
            if source.id == name:
                return source
        raise ConfigError(f"there is no source {name!r}{near(name, [s.id for s in self.sources])}")

    def version(self) -> str:
        """Sum up everything that is configured but the secrets in one hash."""
        secrets = [s.dsn for s in self.sources] + [self.target.services[s] for s in sorted(self.target.services)]
        secrets += [self.target.dsn] if self.target.dsn is not None else []
        places = [redacted(dsn.get_secret_value()) for dsn in secrets]
        return hashlib.sha256("\n".join([self.model_dump_json(), *places]).encode()).hexdigest()[:16]

    @property
    def login(self) -> Source | None:
        """Give the source of the shared logins, if there is one."""
        return next((source for source in self.sources if source.kind == "login"), None)

    @property
    def districts(self) -> tuple[Source, ...]:
        """Give the sources that are districts, in the file's order."""
        return tuple(source for source in self.sources if source.kind == "district")


def near(word: str, known: Iterable[str]) -> str:
    """Say which of the known words are like one that is not known."""
    names = {name.lower(): name for name in sorted(known)}
    alike = difflib.get_close_matches(word.lower(), names, n=3, cutoff=0.6)
    if alike:
        return f"; near it: {', '.join(names[name] for name in alike)}"
    return f"; known: {', '.join(names.values())}" if len(names) <= 20 else ""


def _refuse_shared(values: Mapping[str, str], what: str) -> None:
    by_value: dict[str, list[str]] = {}
    for name, value in values.items():
        by_value.setdefault(value, []).append(name)
    for value, names in by_value.items():
        if len(names) > 1:
            raise ValueError(f"{' and '.join(names)} {what} {value}")


def _folder(info: ValidationInfo) -> Path:
    return (info.context or {}).get("folder") or Path.cwd()
