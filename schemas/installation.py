"""What is particular to a fleet: its services, its kinds of database, and what the ids of its rows are made with.

`installation.toml` says it, beside the files of the services. Invariant: namespace, kinds and the form of a tenant's
key are inside every id, so that of a fleet that has been moved they never change.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, ValidationError, ValidationInfo, field_validator, model_validator

from schemas.files import CatalogProblem, Entry, explained, near, read_tables


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: The file, beside those of the services.
FILE: Final = "installation.toml"
#: A name that is part of the names of databases, directories and rows.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
#: How a tenant's key may be written, and the family of the legacy type that holds it.
FORMS: Final[Mapping[str, str]] = {"integer": "integer", "text": "text", "guid": "uuid"}
#: Names that no service can have: of a file beside it, of the ledger's schema, and of PostgreSQL's own.
_TAKEN: Final = ("installation", "migration", "public", "information_schema")
#: Key words of PostgreSQL that no schema is called by without quotes.
RESERVED: Final = _words("""
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into
    is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on
    only or order outer overlaps placing primary references returning right select session_user similar some
    symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when
    where window with
""")
#: The first word of the names of derived rows, where others have the kind of their source.
_DERIVED: Final = "derived"
_WHOLE: Final = re.compile(r"-?[1-9][0-9]*|0")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Tenants(Entry):
    """The tenants, each with a legacy database of its own, or a schema of one."""

    kind: Name = "tenant"
    """What such a database is called where kinds are told apart. It is part of every id."""
    key: Literal["integer", "text", "guid"]
    """What the legacy calls a tenant by: a whole number, a text or a GUID. It is part of every id."""


class Directory(Entry):
    """The one legacy database that all tenants share."""

    kind: Name = "directory"
    """What it is called where kinds of databases are told apart. It is part of the id of each of its rows."""
    registry: str | None = None
    """The entity, as `service.Name`, whose rows are the tenants and whose key is a tenant's."""


class Installation(Entry):
    """What is particular to a fleet."""

    name: str = Field(min_length=1)
    """What the fleet is called; its namespace is made of it."""
    namespace: uuid.UUID
    """The namespace of all ids, as RFC 9562 has them (version 5)."""
    services: tuple[Name, ...]
    """The services, each with a database of its own, in the order in which they are shown."""
    tenants: Tenants
    directory: Directory | None = None
    """Left out where tenants share none; they are then those that `migrate.toml` names."""
    phases: tuple[tuple[Name, ...], ...] = ()
    """Services that move together, numbered from 1: of a tenant, one begins when those before are verified."""

    @field_validator("services")
    @classmethod
    def _usable(cls, services: tuple[str, ...]) -> tuple[str, ...]:
        if not services:
            raise ValueError("there is none: name one at least")
        for name in services:
            if name in _TAKEN or name.startswith("pg_"):
                raise ValueError(f"no service can be called {name!r}, as something else is")
            if name in RESERVED:
                raise ValueError(f"no service can be called {name!r}, a key word of PostgreSQL")
            if services.count(name) > 1:
                raise ValueError(f"{name!r} is there twice")
        return services

    @model_validator(mode="after")
    def _distinct_kinds(self) -> Installation:
        if _DERIVED in self.kinds:
            raise ValueError(f"no kind can be called {_DERIVED!r}: derived rows are")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"tenants and directory are both of the kind {self.tenants.kind!r}; each needs its own")
        return self

    @field_validator("phases")
    @classmethod
    def _of_services(cls, phases: tuple[tuple[str, ...], ...], info: ValidationInfo) -> tuple[tuple[str, ...], ...]:
        services = info.data.get("services", ())
        listed = [name for phase in phases for name in phase]
        if () in phases:
            raise ValueError(f"phase {phases.index(()) + 1} names no service: name one, or leave it out")
        for name in listed:
            if services and name not in services:
                raise ValueError(f"{name!r} is none of the services; {near(name, services)}")
            if listed.count(name) > 1:
                raise ValueError(f"{name!r} is there twice")
        return phases

    def phase_of(self, service: str) -> int | None:
        """Number the phase of a service; None where it has none."""
        return next((n for n, services in enumerate(self.phases, 1) if service in services), None)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the kinds of legacy database, the shared one first."""
        return (*([self.directory.kind] if self.directory else []), self.tenants.kind)

    def is_directory(self, kind: str) -> bool:
        """Say whether a kind of database is the one that all tenants share."""
        return self.directory is not None and kind == self.directory.kind

    def tenant_key(self, value: object) -> str:
        """Write a tenant's key as its id is made of it: digits, the text as it stands, or a GUID in lower case.

        Raises:
            ValueError: it is not of the form that this fleet's keys have.
        """
        return _WRITTEN[self.tenants.key](value)

    def tenant_id(self, key: str) -> uuid.UUID:
        """Give the tenant of a key as `tenant_key` writes it: UUIDv5 of `tenant/` and the key as JSON has it."""
        written = key if self.tenants.key == "integer" else json.dumps(key, ensure_ascii=False)
        return uuid.uuid5(self.namespace, f"tenant/{written}")


def _whole(value: object) -> str:
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or not _WHOLE.fullmatch(text):
        raise ValueError("a tenant's key is a whole number here, such as 42")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError('a tenant\'s key is a text here, such as "north"')
    return value


def _guid(value: object) -> str:
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        raise ValueError('a tenant\'s key is a GUID here, such as "0f8fad5b-d9cb-469f-a165-70867728950e"')
    return value.lower()


_WRITTEN: Final[Mapping[str, Callable[[object], str]]] = {"integer": _whole, "text": _text, "guid": _guid}


def namespace_of(name: str) -> uuid.UUID:
    """Make the namespace of a fleet's ids of what it is called."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, name)


def packaged_catalog() -> Path:
    """Name the directory of the catalog that comes with the package."""
    return Path(__file__).with_name("services")


def load_installation(directory: Path | None = None) -> Installation:
    """Read and check what a catalog's directory says of its fleet; one that says nothing has the packaged one's.

    Raises:
        CatalogProblem: it is wrong; the message says file and key.
    """
    own = (directory or packaged_catalog()) / FILE
    return as_installation(read_tables(own if own.is_file() else packaged_catalog() / FILE), FILE)


def as_installation(said: Mapping[str, Any], file: str) -> Installation:
    """Check what is said of a fleet; `file` is where.

    Raises:
        CatalogProblem: it is wrong; the message says where.
    """
    try:
        return Installation.model_validate(said)
    except ValidationError as error:
        models: Mapping[str, type[Entry]] = {"tenants": Tenants, "directory": Directory, "": Installation}
        raise CatalogProblem(explained(file, "", error, models)) from None
