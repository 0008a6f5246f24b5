"""A source as `migrate.toml` describes it: a table of its own, or a line of the file that lists sources."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.connection import ENGINES, Dsn
from pipeline.settings.table import Secret, Table, fleet, folder, near
from schemas.engines import FACTS, Engine

#: Where the keys of rows are staged that are loaded already, beside those of each source.
LOADED: Final = "loaded"
#: How a mistake in `dsn` is called that is one of `database`.
NO_DATABASE: Final = "no_database"
#: Engines whose databases hold schemas.
#: Where a connection string has the name of a source's database.
_DATABASE: Final = "{database}"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _existing_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"there is no time zone {name!r}{near(name, _zones())}")
    return name


Zone = Annotated[str, AfterValidator(_existing_zone)]


def _as_key(value: object, info: ValidationInfo) -> str:
    return fleet(info.context).tenant_key(value)


#: A tenant's key, as `Installation.tenant_key` writes it.
TenantKey = Annotated[
    str, PlainValidator(_as_key), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]


class Source(Table):
    """A legacy database: a tenant's own, or the directory that all share."""

    id: str = Field(pattern=r"\A[a-z0-9_]+\z")
    """Its name in `migrate.toml`; it names directories of staged files."""
    kind: str = Field(default="", validate_default=True)
    """Its kind, as `installation.toml` calls it: by default a tenant's own."""
    tenant: TenantKey | None = None
    """What the legacy calls its tenant by, in the form that `installation.toml` says."""
    title: str = Field(validation_alias="name", min_length=1)
    """What people call it."""
    database: str | None = Field(default=None, min_length=1)
    """What stands for `{database}` in `dsn`."""
    schema_name: str | None = Field(default=None, validation_alias="schema", min_length=1)
    """The one schema that is its, of a PostgreSQL or SQL Server database that others share: tables are read there,
    whatever schema their entries name."""
    dsn: Secret
    """Where it is. A secret: only host and database are ever shown."""
    tenant_zone: Zone
    """Zone in which its days and hours are meant."""
    host_zone: Zone
    """Zone of the clock that wrote its local times."""
    consistency: Literal["snapshot", "frozen", "live"]
    """A `snapshot` cannot change, a `frozen` source does not by agreement, a `live` one is in use."""
    allow_plaintext: bool = False
    """Let a SQL Server login cross the network unencrypted."""
    reader: Literal["connectorx", "mssql-python"] = "connectorx"
    """`mssql-python` reads a SQL Server by Microsoft's driver, of the extra `mssql`."""
    connections: int = Field(default=2, ge=1, le=64)
    """Connections open to it at once, at the most."""
    statement_timeout: int = Field(default=3600, ge=1)
    """Seconds that one statement may take. A minute past that the command ends whose query is not answered. On SQL
    Server, which has no such setting of its own, that is the only limit with ConnectorX; `reader = "mssql-python"`
    keeps the limit itself until the first rows come, and not while they flow."""
    _tenant_id: str | None = PrivateAttr(default=None)

    @field_validator("id")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name == LOADED:
            raise ValueError(f"{name!r} is where keys of loaded rows are staged: call the source otherwise")
        return name

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str, info: ValidationInfo) -> str:
        kinds = fleet(info.context).kinds
        if kind and kind not in kinds:
            raise ValueError(f"there is no kind of database {kind!r}{near(kind, kinds)}")
        return kind or kinds[-1]

    @field_validator("dsn")
    @classmethod
    def _supported(cls, dsn: Dsn, info: ValidationInfo) -> Dsn:
        if "database" in info.data:  # else it is wrong itself, and told already
            dsn = _filled(dsn, info.data["database"])
        dsn = replace(dsn, schema=info.data.get("schema_name"))
        if dsn.scheme not in ENGINES:
            raise ValueError(f"{dsn.scheme}:// is not supported as a source{near(dsn.scheme, ENGINES)}")
        if dsn.is_file:
            return dsn.file_in(folder(info))
        dsn.check_server()
        return dsn

    @model_validator(mode="after")
    def _reader_and_login(self) -> Source:
        if self.engine != "mssql":
            if self.reader != "connectorx":
                raise ValueError(f"reader {self.reader!r} reads only mssql:// sources")
            if self.allow_plaintext:
                raise ValueError("allow_plaintext is for mssql:// sources only")
            return self
        if not self.allow_plaintext and not self.dsn.is_encrypted:
            raise ValueError(
                "without ?encrypt=true the login crosses the network in plain text; add it to dsn "
                "(with trust_server_certificate_ca=<file>, or trust_server_certificate=true), "
                "or say allow_plaintext = true"
            )
        return self

    @model_validator(mode="after")
    def _schema_of_engine(self) -> Source:
        if self.schema_name is not None and not FACTS[self.engine].has_schemas:
            where = "leave schema out" if self.is_file else "write it in dsn, or as database"
            raise ValueError(f"schema is for PostgreSQL and SQL Server; in {self.engine} it is the database: {where}")
        return self

    @model_validator(mode="after")
    def _tenant_of_kind(self, info: ValidationInfo) -> Source:
        installation = fleet(info.context)
        if installation.is_directory(self.kind):
            if self.tenant is not None:
                raise ValueError(f"the {self.kind} database serves all tenants and has none of its own")
        elif self.tenant is None:
            raise ValueError(f"a {self.kind} needs its tenant, by the key that the legacy has for it")
        else:
            self._tenant_id = str(installation.tenant_id(self.tenant))
        return self

    @property
    def tenant_id(self) -> str | None:
        """Give the id of its tenant; the directory has none."""
        return self._tenant_id

    @property
    def engine(self) -> Engine:
        """Name the engine that its connection string asks for."""
        return self.dsn.engine

    @property
    def is_file(self) -> bool:
        """Say whether it is a file, and no server's."""
        return self.dsn.is_file

    @property
    def place(self) -> str:
        """Say which database it is, without credentials; two sources of one place and schema are one."""
        return self.dsn.place

    @property
    def schema_place(self) -> str:
        """Write its schema as one that is the same is written; SQL Server's names are alike in any case."""
        name = self.schema_name or ""
        return name.lower() if FACTS[self.engine].folds_names else name

    @property
    def path(self) -> Path:
        """Give the file of a SQLite source."""
        return self.dsn.path


def _filled(dsn: Dsn, database: str | None) -> Dsn:
    """Put the database's name into a connection string."""
    if database is None:
        if dsn.has(_DATABASE):
            raise PydanticCustomError(NO_DATABASE, "is missing: dsn has {database} where it would stand")
        return dsn
    if not dsn.has(_DATABASE):
        raise ValueError(f"has no {_DATABASE}, where the name given as `database` would stand")
    return dsn.filled(_DATABASE, database)
