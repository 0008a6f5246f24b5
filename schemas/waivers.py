"""Tables that do not migrate: named in the catalog, each with its reason, so that none is forgotten.

Of such a table the rows are counted, and none is ever read. Values in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from schemas.files import CatalogProblem, Entry, explained, near
from schemas.installation import FILE, Installation
from schemas.model import DEFAULT_SCHEMA


class Waived(Entry):
    """A legacy table that does not migrate."""

    service: str
    """The service that it would be of. Not written in the entry."""
    name: str
    """It is `service.Name` in reports. Not written in the entry."""
    waived: str = Field(min_length=1)
    """Why its rows do not migrate. They are counted, and never read."""
    source: str
    """Which kind of legacy database has the table: by default that of the tenants."""
    schema_name: str = Field(default=DEFAULT_SCHEMA, alias="schema", min_length=1)
    """The schema of the legacy table, as its database spells it."""
    table: str
    """The legacy table, as its database spells it."""
    description: str = ""
    """For people."""
    columns: Mapping[str, str]
    """Its columns, each with its legacy type: what stays behind."""

    @property
    def id(self) -> str:
        """The table's name in the whole catalog, `service.Name`."""
        return f"{self.service}.{self.name}"


def waived_in(file: str, installation: Installation, service: str, tables: Mapping[str, Any]) -> dict[str, Waived]:
    """Take those tables of a service's file that do not migrate, by their ids.

    Raises:
        CatalogProblem: one is wrong; the message says file, entity and key.
    """
    found = (
        _waived(file, installation, service, name, said)
        for name, said in tables.items()
        if isinstance(said, dict) and "waived" in said
    )
    return {waived.id: waived for waived in found}


def why_waived(name: str, tables: Mapping[str, Waived]) -> str | None:
    """Say why a table does not migrate that is called so, or of which a column is; None where there is none."""
    called = (w for w in tables.values() for own in (w.id, w.name) if name == own or name.startswith(f"{own}."))
    return next((f"the rows of {w.id} are counted, and do not migrate: {w.waived}" for w in called), None)


def _waived(file: str, installation: Installation, service: str, name: str, said: Mapping[str, Any]) -> Waived:
    own = {"service": service, "name": name}
    if written := sorted(own.keys() & said.keys()):
        raise CatalogProblem(f"{file}: {name}.{written[0]}: unknown key; it is never written in an entry")
    try:
        found = Waived.model_validate({"source": installation.tenants.kind, "table": name, **said, **own})
    except ValidationError as error:
        raise CatalogProblem(explained(file, name, error, {"": Waived})) from None
    if found.source not in installation.kinds:
        raise CatalogProblem(
            f"{file}: {name}.source: {FILE} names no kind of database {found.source!r}; "
            f"{near(found.source, installation.kinds)}"
        )
    return found
