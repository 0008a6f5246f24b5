"""What `migrate.toml` may say, as closed models.

Owns every connection string.
Invariant: a `Settings` that exists is consistent (zones exist, tenants are distinct, no two sources read one database,
every path is absolute).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pipeline.connection import Dsn
from pipeline.core.sql.ddl import APP, AUDITOR, DATA_READER, MIGRATOR
from pipeline.errors import ConfigError
from pipeline.settings.source import Source
from pipeline.settings.table import Secret, Table, fleet, folder, near
from schemas.installation import Installation

#: Where the connection string of a target has the name of a service.
_SERVICE: Final = "{service}"


@dataclass(frozen=True, slots=True)
class Clash:
    """Sources that have in common what each must have for itself."""

    sources: tuple[str, ...]
    what: str


class SourcesClashError(ValueError):
    """Sources are not distinct."""

    def __init__(self, clashes: tuple[Clash, ...]) -> None:
        """Keep all of them, for the file's reader to say where each source stands."""
        self.clashes = clashes
        super().__init__("; ".join(f"{' and '.join(clash.sources)} {clash.what}" for clash in clashes))


class Target(Table):
    """The PostgreSQL databases of the services: one pattern for all, or a connection string each."""

    dsn: Secret | None = None
    """Where the databases of all services are, with `{service}` where the database's name goes. A secret."""
    services: Mapping[str, Secret] = Field(default_factory=dict)
    """Where the database of a service is, by its name; it goes before `dsn`. Secrets."""
    roles: tuple[str, ...] = ()
    """Further roles that the site expects on the tables; what they may do is its own matter."""
    allow_plaintext: bool = False
    """May rows cross the network unencrypted?"""
    indexes: Literal["after", "keep"] = "after"
    """Are large tables that hold nothing yet filled without their indexes, which are built afterwards?"""

    @field_validator("dsn")
    @classmethod
    def _pattern(cls, dsn: Dsn | None) -> Dsn | None:
        if dsn is not None:
            dsn.check_target()
            if not dsn.has(_SERVICE):
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
    def _known_services(cls, services: Mapping[str, Dsn], info: ValidationInfo) -> Mapping[str, Dsn]:
        known = fleet(info.context).services
        for name, dsn in services.items():
            if name not in known:
                raise ValueError(f"there is no service {name!r}{near(name, known)}")
            dsn.check_target()
        return services

    @model_validator(mode="after")
    def _somewhere(self) -> Target:
        if self.dsn is None and not self.services:
            raise ValueError("needs dsn, or a connection string a service under [target.services]")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> Target:
        given = {"dsn": self.dsn, **{f"services.{name}": dsn for name, dsn in self.services.items()}}
        plain = [n for n, d in given.items() if d is not None and not d.is_private(os.environ)]
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
    """A directory for the rows on their way; relative paths are relative to the configuration."""
    batch_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    """Rows of a batch: the unit of reading, receipt and rollback."""
    bundle_rows: int = Field(default=100_000, ge=1, le=10_000_000)
    """Batches of an entity, of one source or many, are computed and committed together up to about so many rows."""
    wave_rows: int = Field(default=5_000_000, ge=1)
    """Sources travel together up to about so many rows: what memory a run needs follows from it."""
    wave_sources: int = Field(default=60, ge=1)
    """So many sources travel together at most."""
    parallel: int = Field(default=2, ge=1, le=64)
    """Batches worked on side by side."""
    workers: int = Field(default=2, ge=1, le=64)
    """Processes that take waves side by side, where there are several; each asks for its batches by itself."""
    max_value_bytes: int = Field(default=64 * 2**20, ge=1)
    """A longer value is not fetched; its row is rejected."""
    catalog: Path = Field(default=Path("catalog"), validate_default=True)
    """A directory of `<service>.toml` that replaces the packaged catalog; by default `catalog`, where there is one."""

    @field_validator("staging", "catalog")
    @classmethod
    def _absolute(cls, path: Path, info: ValidationInfo) -> Path:
        return folder(info) / path


class Settings(Table):
    """Everything that `migrate.toml` says."""

    target: Target
    run: Run = Field(default_factory=dict, validate_default=True)  # so that its paths are resolved too
    sources: tuple[Source, ...]
    _installation: Installation

    def model_post_init(self, context: Any) -> None:
        """Keep the installation that it was checked against."""
        self._installation = fleet(context)

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
        shared = [source for source in sources if source.tenant is None]
        if len(shared) > 1:
            names = ", ".join(source.id for source in shared)
            raise ValueError(f"there is at most one {shared[0].kind} database, not {len(shared)}: {names}")
        clashes = (
            *_clashes({s.id: s.tenant for s in sources if s.tenant is not None}, "have the tenant"),
            # One database read as two tenants' would give its rows to both tenants.
            *_read_twice(sources),
        )
        if clashes:
            raise SourcesClashError(clashes)
        return sources

    def target_dsn(self, service: str) -> Dsn:
        """Give the connection string of a service's database.

        Raises:
            ConfigError: no such service, or nothing is configured for it.

        """
        self.demand_service(service)
        if service in self.target.services:
            return self.target.services[service]
        if self.target.dsn is None:
            raise ConfigError(
                f"no target database is configured for the service {service}",
                remedy=f"set {service} under [target.services], or dsn with {{service}} under [target]",
            )
        return self.target.dsn.filled(_SERVICE, service)

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
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def demand_service(self, name: str) -> None:
        """Check that there is a service of that name.

        Raises:
            ConfigError: there is none.

        """
        if name not in self.installation.services:
            raise ConfigError(f"there is no service {name!r}{near(name, self.installation.services)}")

    @property
    def installation(self) -> Installation:
        """Give what is particular to the fleet whose sources these are."""
        return self._installation

    @property
    def directory(self) -> Source | None:
        """Give the source that all tenants share, if there is one."""
        return next((source for source in self.sources if source.tenant is None), None)

    @property
    def own_sources(self) -> tuple[Source, ...]:
        """Give the sources that are of one tenant each, in the file's order."""
        return tuple(source for source in self.sources if source.tenant is not None)


def _clashes(values: Mapping[str, str], what: str) -> Iterator[Clash]:
    by_value: dict[str, list[str]] = {}
    for name, value in values.items():
        by_value.setdefault(value, []).append(name)
    yield from (Clash(tuple(names), f"{what} {value}") for value, names in by_value.items() if len(names) > 1)


def _read_twice(sources: Iterable[Source]) -> Iterator[Clash]:
    """Name the sources that would read the same tables: of one database, or of one schema of it."""
    by_place: dict[str, list[Source]] = {}
    for source in sources:
        by_place.setdefault(source.place, []).append(source)
    for place, together in by_place.items():
        whole = [s for s in together if s.schema_name is None]
        if whole and len(together) > 1:
            what = (
                "read the database" if len(whole) == len(together) else f"read, {whole[0].id} all of it, the database"
            )
            yield Clash(tuple(s.id for s in together), f"{what} {place}")
        else:
            yield from _clashes(
                {s.id: s.schema_place for s in together if s.schema_name is not None}, f"read in {place} the schema"
            )
