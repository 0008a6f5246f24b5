"""The catalog: every entry of `services/*.toml`, cross-checked, in dependency order, with a hash each.

Owns reading the files and every question that concerns more than one entry: who refers to whom and by
which key, what a selection needs, in which order to work. Invariant: a Catalog that exists is consistent;
every error names file, entity and key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from schemas.checks import problems
from schemas.engines import FACTS
from schemas.family import Family
from schemas.files import CatalogProblem, Entry, explained, near, nul_place, read_tables
from schemas.history import History
from schemas.installation import FILE, Installation, load_installation, packaged_catalog
from schemas.model import MOMENT_COLUMNS, Entity
from schemas.parts import Alike, Column, RowRule, TenantRule
from schemas.waivers import Waived, waived_in, why_waived
from schemas.widening import seconds

#: Fields that decide no row.
_FOR_PEOPLE: Any = {
    "description": True,
    "reviewed": True,
    "optional": True,
    "columns": {"__all__": {"note", "personal"}},
}


@dataclass(frozen=True, slots=True, order=True)
class MatchKey:
    """Columns by which other entries find a row of an entity; exact, or folded as the source collates."""

    columns: tuple[str, ...]
    exact: bool = False
    #: The last column is what a rule compares, by a converter or as it stands: what is blank or absent is NULL.
    last: Alike | Literal["text"] | None = None


@dataclass(frozen=True)
class Catalog:
    """All entries by their id, `service.Name`, and the fleet that they are of."""

    entities: Mapping[str, Entity]
    installation: Installation
    #: Tables that do not migrate, by their id.
    waived: Mapping[str, Waived] = field(default_factory=dict)

    def __getitem__(self, entity_id: str) -> Entity:
        return self.entities[entity_id]

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Every entity after all that it depends on; among equals by name, so that it never changes."""
        sorter = TopologicalSorter({e.id: sorted(self.dependencies(e)) for e in self.entities.values()})
        sorter.prepare()
        found: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            found += ready
            sorter.done(*ready)
        return tuple(found)

    def levels(self, selected: Iterable[str]) -> list[list[str]]:
        """Group entities so that each group depends on earlier groups only."""
        depth: dict[str, int] = {}
        for entity_id in self.order:
            depth[entity_id] = 1 + max((depth[d] for d in self.dependencies(self.entities[entity_id])), default=-1)
        chosen = set(selected)
        groups: dict[int, list[str]] = {}
        for entity_id in self.order:
            if entity_id in chosen:
                groups.setdefault(depth[entity_id], []).append(entity_id)
        return [groups[d] for d in sorted(groups)]

    def dependencies(self, entity: Entity) -> set[str]:
        """Entities that must be transformed before this one; of those in its circle, what any depends on outside."""
        circle = self.circle(entity.id)
        members = [self.entities[m] for m in circle] or [entity]
        return {parent for member in members for parent in self.parents(member)} - circle

    def circle(self, entity_id: str) -> frozenset[str]:
        """Entities that refer to one another, this one among them; itself if it refers to itself; else none."""
        return self._circles.get(entity_id, frozenset())

    @cached_property
    def _circles(self) -> Mapping[str, frozenset[str]]:
        reached: dict[str, set[str]] = {}
        for start in self.entities:
            found, waiting = reached.setdefault(start, set()), [start]
            while waiting:
                new = self.parents(self.entities[waiting.pop()]) - found
                found |= new
                waiting += new
        return {e: frozenset(o for o in found if e in reached[o]) for e, found in reached.items() if e in found}

    @staticmethod
    def parents(entity: Entity) -> set[str]:
        """Entities that this one names: those it refers to, maps to or is derived from."""
        found = {parent for column in entity.references.values() for parent in column.references}
        if entity.shared is not None:
            found.add(entity.shared.entity)
        if entity.derived_from is not None:
            found.add(entity.derived_from)
        return found

    def parents_of(self, selected: Iterable[str]) -> set[str]:
        """Every entity whose keys the selected ones need: references, shared lookups, tenant routes."""
        found: set[str] = set()
        waiting = [self.entities[s] for s in selected]
        for entity in waiting:
            found |= self.parents(entity)
        # A reference to a shareable parent may hold the id of the shared row.
        found |= {p.shared.entity for p in map(self.entities.__getitem__, found) if p.shared is not None}
        routed = waiting + [self.entities[f] for f in found]
        while routed:
            entity = routed.pop()
            if isinstance(entity.tenant, TenantRule):
                name = self.through(entity.tenant).id
                if name not in found:
                    found.add(name)
                    routed.append(self.entities[name])
        return found

    @property
    def registry_id(self) -> str | None:
        """Name the entity whose rows are the tenants, where the fleet has one."""
        return self.installation.directory.registry if self.installation.directory else None

    @property
    def registry(self) -> Entity | None:
        """Give the entity whose rows are the tenants, where the fleet has one that is described."""
        return self.entities.get(self.registry_id or "")

    def is_of_directory(self, entity_id: str) -> bool:
        """Say whether an entity's rows are read from the database that all tenants share."""
        return self.installation.is_directory(self.entities[entity_id].source)

    def through(self, rule: TenantRule) -> Entity:
        """Give the entity among whose rows a rule finds a row's tenant."""
        return self.entities[rule.through or self.registry_id or ""]

    @cached_property
    def match_keys(self) -> Mapping[str, tuple[MatchKey, ...]]:
        """By which keys each entity that others refer to is found: its own first, if it has one, then the alternate."""
        found: dict[str, dict[MatchKey, None]] = {entity_id: {} for entity_id in self.entities}
        for parent in sorted({p for e in self.entities.values() for p in self.referred(e)}):
            if self.entities[parent].key:
                found[parent][MatchKey(self.entities[parent].key)] = None
        for entity in self.entities.values():
            for column in entity.references.values():
                for parent in column.references:
                    if column.by:
                        found[parent][MatchKey(column.by)] = None
            for rule in entity.agreements.values():
                parent, key = self.agreement_key(entity, rule)
                found[parent][key] = None
            if entity.shared is not None:
                for key in self.shared_keys(entity):
                    found[entity.shared.entity][key] = None
        return {entity_id: tuple(keys) for entity_id, keys in found.items()}

    def agreement_key(self, entity: Entity, rule: RowRule) -> tuple[str, MatchKey]:
        """Give the parent with which a rule compares, and its key together with the column compared."""
        reference = entity.references[str(rule.through)]
        parent = self.entities[reference.references[0]]
        return parent.id, MatchKey((*(reference.by or parent.key), *rule.other), last=rule.alike or "text")

    @staticmethod
    def referred(entity: Entity) -> set[str]:
        """Name the entities among whose rows an entity looks for some: parents, and that of the shared rows."""
        parents = {p for c in entity.references.values() for p in c.references}
        return parents if entity.shared is None else parents | {entity.shared.entity}

    def key_columns(self, entity: Entity) -> list[str]:
        """List the columns by which others find an entity's rows or their tenant, in the entry's order.

        Without a key all columns name a row, so all are listed.
        """
        if not entity.key:
            return list(entity.raw_columns)
        wanted = {*entity.key} | {c for key in self.match_keys[entity.id] for c in key.columns}
        rules = [e.tenant for e in self.entities.values() if isinstance(e.tenant, TenantRule)]
        wanted |= {r.by for r in rules if r.through == entity.id and r.by}
        if isinstance(entity.tenant, TenantRule):
            wanted |= {*entity.tenant.columns, *filter(None, [entity.tenant.column])}
        return [c for c in entity.raw_columns if c in wanted]

    @staticmethod
    def shared_keys(entity: Entity) -> tuple[MatchKey, ...]:
        """Keys of the shared rows: by `on`, by all compared columns, and by `on` with each compared column."""
        if entity.shared is None:
            return ()
        on, compare = entity.shared.on, entity.shared.compare
        return (
            MatchKey(on, exact=True),
            MatchKey(on + compare, exact=True),
            *(MatchKey((*on, column), exact=True) for column in compare),
        )

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """A hash per entry that also covers the entries it depends on and those of its circle, in hex."""
        found: dict[str, str] = {}
        for entity_id in self.order:
            entity = self.entities[entity_id]
            covered = [entity, *(self.entities[m] for m in sorted(self.circle(entity_id) - {entity_id}))]
            text = "".join(e.model_dump_json(exclude_defaults=True, exclude=_FOR_PEOPLE) for e in covered)
            text += "".join(found[d] for d in sorted(self.dependencies(entity)))
            found[entity_id] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return found

    def extract_hash(self, entity_id: str) -> str:
        """Hash what decides the raw file: schema, table, key, columns read with their types and scrubs."""
        entity = self.entities[entity_id]
        parts = [entity.source, entity.engine, entity.schema_name, entity.table, *entity.key]
        parts += [f"{n}:{c.column}:{c.type}:{c.scrub}:{c.optional}" for n, c in entity.raw_columns.items()]
        parts += [] if entity.family is None else [entity.family.model_dump_json()]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]

    def discriminator(self, entity: Entity, table: str) -> tuple[str, str] | None:
        """Give the constant column and value that tell this entity's rows in a shared target table apart."""
        for name, value in entity.constants.items():
            to = entity.columns[name].to
            if isinstance(to, str) and not entity.columns[name].is_reference:
                place = entity.place(to)
                if place.table == table and place.column not in MOMENT_COLUMNS:
                    return place.column, value
        return None

    def writers(self, service: str, table: str) -> list[Entity]:
        """List the entities that write to one target table."""
        return [e for e in self.entities.values() if e.service == service and any(t.table == table for t in e.targets)]

    def select(self, *, services: Iterable[str] = (), entities: Iterable[str] = ()) -> tuple[str, ...]:
        """Give the entities of a selection, in order; nothing named means all.

        Raises:
            CatalogProblem: a name is not in the catalog; the nearest ones are given.
        """
        wanted_services, wanted = set(services), set()
        for name in wanted_services:
            self.demand_service(name)
        by_name = {e.name: e.id for e in self.entities.values()}
        for name in entities:
            full = name if name in self.entities else by_name.get(name)
            if full is None:
                why = why_waived(name, self.waived) or f"{near(name, [*self.entities, *by_name])}"
                raise CatalogProblem(f"no entity {name!r} in the catalog; {why}")
            wanted.add(full)
        if not wanted and not wanted_services:
            return self.order
        chosen = {e for e in self.order if e in wanted or self.entities[e].service in wanted_services}
        # Derived rows and the rows they are derived from refer to each other, and move together.
        for entity in self.entities.values():
            if entity.derived_from is not None and chosen & {entity.id, entity.derived_from}:
                chosen |= {entity.id, entity.derived_from}
        return tuple(e for e in self.order if e in chosen)

    def demand_service(self, name: str) -> None:
        """Check that there is a service of that name.

        Raises:
            CatalogProblem: there is none; the nearest ones are given.
        """
        if name not in self.installation.services:
            raise CatalogProblem(f"no service {name!r}; {near(name, self.installation.services)}")


def load_catalog(directory: Path | None = None) -> Catalog:
    """Read and cross-check `installation.toml` and every `<service>.toml` of a directory; by default the packaged one.

    Raises:
        CatalogProblem: an entry is wrong; the message says file, entity and key.
    """
    return _packaged() if directory is None else _read(directory)


@cache
def _packaged() -> Catalog:
    """Read the packaged one, which stays as it is while the program runs."""
    return _read(packaged_catalog())


def _read(root: Path) -> Catalog:
    installation = load_installation(root)
    entities: dict[str, Entity] = {}
    waived: dict[str, Waived] = {}
    for path in sorted(root.glob("*.toml")):
        if path.name == FILE:
            continue
        if path.stem not in installation.services:
            raise CatalogProblem(f"{path.name}: {FILE} names no such service; {near(path.stem, installation.services)}")
        tables = read_tables(path)
        waived |= waived_in(path.name, installation, path.stem, tables)
        for name in (n for n in tables if f"{path.stem}.{n}" not in waived):
            entity = _entity(path.name, installation, path.stem, name, tables)
            entities[entity.id] = entity
    catalog = Catalog(entities, installation, waived)
    if found := list(problems(catalog)):
        raise CatalogProblem("\n".join(found))
    return catalog


def entry_line(entity: Entity, column: str, directory: Path | None = None) -> str:
    """Say where an entry describes a column: `file:line`, of the whole entry where it does so in another way."""
    file = f"{entity.service}.toml"
    lines = ((directory or packaged_catalog()) / file).read_text(encoding="utf-8").splitlines()
    # As `Name = { ... }`, or over several lines as `Name.to = ...`.
    own = re.compile(rf"""\s*(["']?){re.escape(column)}\1\s*[=.]""")
    inside, found = False, 1
    for number, text in enumerate(lines, 1):
        if text.startswith("["):
            inside = text.startswith((f"[{entity.name}.columns]", f'["{entity.name}".columns]'))
            found = number if text.startswith((f"[{entity.name}]", f'["{entity.name}"]')) else found
        elif inside and own.match(text):
            return f"{file}:{number}"
    return f"{file}:{found}"


def _entity(file: str, installation: Installation, service: str, name: str, siblings: dict[str, Any]) -> Entity:
    table = siblings[name]
    if not isinstance(table, dict):
        raise CatalogProblem(f"{file}: {name}: got {type(table).__name__}, expected a table that describes an entity")
    if place := nul_place(table, name):
        raise CatalogProblem(f"{file}: {place}: holds U+0000, which neither SQL nor a text of PostgreSQL can")
    own = {"namespace": installation.namespace, "service": service, "name": name}
    if written := sorted(own.keys() & table.keys()):
        raise CatalogProblem(f"{file}: {name}.{written[0]}: unknown key; it is never written in an entry")
    entry = {"source": installation.tenants.kind, "table": name, **table, **own}
    origin = table.get("derived_from")
    if origin is not None:
        # A derived entry states its group; types and constants are those of the entry it comes from.
        source = siblings.get(str(origin).removeprefix(f"{service}."))
        if source is None:
            raise CatalogProblem(f"{file}: {name}.derived_from: no entity {origin!r} in the same service")
        entry |= {k: source[k] for k in ("source", "engine") if k in source}
        for column, fields in table.get("columns", {}).items():
            inherited = {k: v for k, v in source["columns"].get(column, {}).items() if k in ("type", "constant")}
            entry["columns"] = {**entry["columns"], column: {**inherited, **fields}}
    try:
        entity = Entity.model_validate(entry)
        _ = entity.targets
    except ValidationError as error:
        models: Mapping[str, type[Entry]] = {"columns": Column, "history": History, "family": Family, "": Entity}
        raise CatalogProblem(explained(file, name, error, models)) from None
    except ValueError as error:
        raise CatalogProblem(f"{file}: {name}.{error}") from None
    if entity.source not in installation.kinds:
        raise CatalogProblem(
            f"{file}: {name}.source: {FILE} names no kind of database {entity.source!r}; "
            f"{near(entity.source, installation.kinds)}"
        )
    return entity


def pads(entity: Entity, column: str) -> bool:
    """Say whether a column holds values of which those are equal that differ in trailing blanks (of bytes: zeros)."""
    described = entity.columns[column]
    if described.pads is not None:
        return described.pads
    # A type that is not said is one of the catalog's own words, and pads where all text of the engine does.
    is_said = "type" in described.model_fields_set or FACTS[entity.engine].pads
    return is_said and entity.legacy_type(column)[1].pads


def folds(entity: Entity, column: str) -> bool:
    """Say whether a column holds text that the source compares without regard to case."""
    described = entity.columns[column]
    return not described.case_sensitive and entity.legacy_type(column)[1].family == "text"


def scale(entity: Entity, column: str) -> int | None:
    """Say how many digits a decimal column has behind its point; None where it declares none, or is no decimal."""
    sql_type, known = entity.legacy_type(column)
    return max((*sql_type.args, 0)[1], 0) if known.family == "decimal" and sql_type.args else None


def fraction(entity: Entity, column: str) -> int | None:
    """Say how many digits of a second a moment or time has, of whose type sources show as many as they declare."""
    sql_type, known = entity.legacy_type(column)
    is_declared = known.spelling == "declared" and known.family != "decimal"
    return seconds(sql_type, entity.engine) if is_declared else None


def is_guid(entity: Entity, column: str) -> bool:
    """Say whether a column holds GUIDs, which are the same in either case."""
    return entity.legacy_type(column)[1].family == "uuid"
