"""The configuration of an installation: `migrate.toml`, checked as a whole before anything is opened.

Owns the form of that file, the interpolation of `${VAR}` and every connection string. Reads the environment
here and nowhere else; opens no database. Connection strings are secrets: their repr never shows them, and
only `redacted` may be written down. Invariant: a `Settings` that exists is consistent (zones exist, tenants
are distinct, no two sources read one database, every path is absolute).
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.connection import ENGINES, SQLITE, checked_server, is_encrypted, place_of, require_postgresql, scheme_of
from pipeline.errors import ConfigError
from schemas.catalog import SERVICES
from schemas.types import Engine

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}?")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _existing_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"there is no time zone {name!r}{_near(name, _zones())}")
    return name


Zone = Annotated[str, AfterValidator(_existing_zone)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Source(_Table):
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

    @field_validator("dsn")
    @classmethod
    def _supported(cls, dsn: SecretStr, info: ValidationInfo) -> SecretStr:
        text = dsn.get_secret_value()
        scheme = scheme_of(text)
        if scheme not in ENGINES:
            raise ValueError(f"{scheme}:// is not supported as a source{_near(scheme, ENGINES)}")
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


class Target(_Table):
    """The PostgreSQL databases of the services: one pattern for all, or a connection string each."""

    dsn: SecretStr | None = None
    services: Mapping[str, SecretStr] = Field(default_factory=dict)

    @field_validator("dsn")
    @classmethod
    def _pattern(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None:
            require_postgresql(dsn.get_secret_value())
            if "{service}" not in dsn.get_secret_value():
                raise ValueError("needs {service} where the database's name goes: one database a service")
        return dsn

    @field_validator("services")
    @classmethod
    def _known_services(cls, services: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, dsn in services.items():
            if name not in SERVICES:
                raise ValueError(f"there is no service {name!r}{_near(name, SERVICES)}")
            require_postgresql(dsn.get_secret_value())
        return services

    @model_validator(mode="after")
    def _somewhere(self) -> Target:
        if self.dsn is None and not self.services:
            raise ValueError("needs dsn, or a connection string a service under [target.services]")
        return self


class Run(_Table):
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


class Settings(_Table):
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
            raise ConfigError(f"there is no service {service!r}{_near(service, SERVICES)}")
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
        raise ConfigError(f"there is no source {name!r}{_near(name, [s.id for s in self.sources])}")

    @property
    def login(self) -> Source | None:
        """Give the source of the shared logins, if there is one."""
        return next((source for source in self.sources if source.kind == "login"), None)

    @property
    def districts(self) -> tuple[Source, ...]:
        """Give the sources that are districts, in the file's order."""
        return tuple(source for source in self.sources if source.kind == "district")


def load_settings(path: Path) -> Settings:
    """Read and check `migrate.toml`. Relative paths in it are relative to it.

    Raises:
        ConfigError: the file, every place in it that is wrong, and why.

    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            remedy="name the configuration file, or write one (see the README)",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=str(path)) from None
    problems: list[str] = []
    document = {key: _interpolated(value, key, problems) for key, value in document.items()}
    if not problems:
        try:
            return Settings.model_validate(document, context={"folder": path.parent.resolve()})
        except ValidationError as error:
            problems.extend(_problems(error, list(_table(document.get("sources")))))
    what = problems[0] if len(problems) == 1 else "\n  - ".join((f"{len(problems)} mistakes:", *problems))
    # Not chained: the original error would show what was interpolated.
    raise ConfigError(what, where=str(path)) from None


def _interpolated(value: object, place: str, problems: list[str]) -> object:
    if isinstance(value, dict):
        return {key: _interpolated(item, f"{place}.{key}", problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, place, problems) for item in value]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if not match[0].endswith("}") or not _VARIABLE_NAME.fullmatch(name):
            problems.append(f"{place}: '${{' must open the name of an environment variable and '}}' close it")
        elif name not in os.environ:
            problems.append(f"{place}: the environment variable {name} is not set")
        return os.environ.get(name, "")

    return _VARIABLE.sub(replaced, value)


def _problems(error: ValidationError, source_names: list[str]) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False):
        place = list(detail["loc"])
        if place[:1] == ["sources"] and len(place) > 1 and isinstance(place[1], int):
            place[1] = source_names[place[1]]
        key = str(place[-1]) if place else ""
        match detail["type"]:
            case "extra_forbidden":
                *parents, _ = place
                table = f"[{'.'.join(map(str, parents))}]" if parents else "the file"
                yield f"{table} has an unknown key {key!r}{_near(key, _keys(detail['loc'][:-1]))}"
                continue
            case "missing":
                message = "is missing"
            case "string_pattern_mismatch":
                message = "a source's name is made of a-z, 0-9 and _ only: it names directories"
                place = place[:-1]
            case "value_error":
                message = str(detail["ctx"]["error"])
            case _:
                message = detail["msg"][0].lower() + detail["msg"][1:]
        yield f"{'.'.join(map(str, place))}: {message}"


def _keys(place: tuple[str | int, ...]) -> list[str]:
    """Name the keys that the table at a place may have."""
    models: Mapping[str, type[_Table]] = {"target": Target, "run": Run, "sources": Source}
    model = models[str(place[0])] if place else Settings
    return [str(field.validation_alias or name) for name, field in model.model_fields.items() if name != "id"]


def _near(word: str, known: Iterable[str]) -> str:
    names = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(word.lower(), names, n=3, cutoff=0.6)
    if near:
        return f"; near it: {', '.join(names[name] for name in near)}"
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


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
