"""How the rows of a database that all tenants share find theirs, by its foreign keys. Pure.

Invariant: a table of which nothing says whose its rows are gets no entry; none is taken for everybody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.draft.references import TablePlace
from pipeline.core.sql.source import ForeignKey

NO_TENANT = (
    "no foreign key leads from it to the tenants: write its entry by hand, with the rule by which a row finds its "
    'tenant, or tenant = "shared" where its rows are nobody\'s in particular'
)


@dataclass(frozen=True, slots=True)
class Home:
    """Whose the rows of the sources are that are drafted."""

    kind: str
    """Their kind, as `installation.toml` calls it."""
    is_shared: bool = False
    """Whether all tenants share it."""
    registry: str | None = None
    """The entity whose rows are the tenants."""
    known: Collection[str] = ()
    """Entities that have an entry already, by which a row's tenant can be found."""


def tenant_rules(
    home: Home,
    entities: Mapping[TablePlace, str],
    keys: Mapping[TablePlace, Sequence[str]],
    foreign_keys: Iterable[ForeignKey],
) -> dict[TablePlace, dict[str, Any]]:
    """Say by what the rows of each table find their tenant: fields of its entry. A table that is missing cannot.

    Args:
        home: a source that all tenants share.
        entities: the entity's id of every table that has an entry, or gets one.
        keys: the columns of each table's key.
        foreign_keys: those of the database.
    """
    plain = [
        key
        for key in foreign_keys
        if len(key.columns) == 1
        and not key.elsewhere
        and key.child in entities
        and key.parent in entities
        # A tenant is found by the registry's key alone.
        and (entities[key.parent] != home.registry or key.parent_columns in ((), tuple(keys[key.parent])))
    ]
    found: dict[TablePlace, dict[str, Any]] = {place: {} for place, entity in entities.items() if entity in home.known}
    for place, entity in entities.items():
        if entity == home.registry and place not in found and len(keys[place]) == 1:
            found[place] = {"column": keys[place][0]}
    while reached := dict(_next(home, entities, plain, found)):
        found |= reached
    return {place: {"tenant": rule} for place, rule in found.items() if rule}


def _next(
    home: Home, entities: Mapping[TablePlace, str], foreign_keys: Iterable[ForeignKey], found: Collection[TablePlace]
) -> Iterator[tuple[TablePlace, dict[str, Any]]]:
    """Find the tables that lead in one step to one whose rows know their tenant; to the registry rather than others."""
    for key in sorted(foreign_keys, key=lambda k: entities[k.parent] == home.registry):
        if key.child in found or key.parent not in found:
            continue
        if entities[key.parent] == home.registry:
            yield key.child, {"column": key.columns[0]}
        else:
            by = {"by": key.parent_columns[0]} if key.parent_columns else {}
            yield key.child, {"columns": [key.columns[0]], "through": entities[key.parent], **by}
