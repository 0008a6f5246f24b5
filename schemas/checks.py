"""What makes a catalog inconsistent, beyond what the form of one entry tells: names, circles, shared tables.

Values in, sentences out: each says file, entity and key, and what to do where that is not plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.cells import wrong_cells
from schemas.families import wrong_families
from schemas.files import near
from schemas.installation import FILE as INSTALLATION
from schemas.installation import FORMS
from schemas.model import Entity
from schemas.parts import TenantRule

if TYPE_CHECKING:
    from schemas.catalog import Catalog


def problems(catalog: Catalog) -> Iterator[str]:
    """Say what is wrong with a catalog; circles are looked for only where every name is known."""
    missing = [
        f"{entity.service}.toml: {entity.name}.{place}: {what}"
        for entity in catalog.entities.values()
        for place, what in _missing_names(catalog, entity)
    ]
    yield from missing
    if missing:
        return
    yield from _registry(catalog)
    yield from wrong_families(catalog)
    yield from _owners(catalog)
    yield from wrong_cells(catalog)
    yield from _found_by_clean_text(catalog)
    yield from _alike_entities(catalog)
    yield from _circles(catalog)
    yield from _shared_tables(catalog)
    yield from _phases(catalog)


def unusable_name(name: str, others: Iterable[str]) -> str | None:
    """Say why a source's column cannot be read under its name, beside those of its table; None where it can."""
    if not name:
        return "its name is empty"
    # DuckDB tells names apart by all but the case of ASCII letters.
    if other := next((o for o in others if o != name and o.encode().lower() == name.encode().lower()), None):
        return f"its name differs from that of {other} in case alone"
    return None


def _missing_names(catalog: Catalog, entity: Entity) -> Iterable[tuple[str, str]]:
    def unknown(name: str | None, place: str) -> Iterable[tuple[str, str]]:
        if name is not None and name not in catalog.entities:
            yield place, f"no entity {name!r} in the catalog; {near(name, catalog.entities)}"

    def keyless(name: str, place: str, so: str) -> Iterable[tuple[str, str]]:
        if name in catalog.entities and not catalog[name].key:
            yield place, f"{name} has no key that tells its rows apart: {so}"

    yield from _absent(entity.key, entity, "key")
    yield from unknown(entity.derived_from, "derived_from")
    if entity.derived_from is not None:
        if not entity.key:
            yield "key", "a derived entity is named by the columns that it groups: say which"
        yield from keyless(entity.derived_from, "derived_from", "its rows cannot be grouped")
    before: list[str] = []
    for name in entity.raw_columns:
        if why := unusable_name(name, before):
            yield f"columns.{name}", f"{why}; call it otherwise, and say its own name in `column`"
        before.append(name)
    for name, column in entity.columns.items():
        for parent in column.references:
            yield from unknown(parent, f"columns.{name}.references")
            if parent in catalog.entities:
                yield from _absent(column.by, catalog[parent], f"columns.{name}.by")
                keys = column.by or catalog[parent].key
                if not keys:
                    yield from keyless(parent, f"columns.{name}.references", "name the columns of it that do (by)")
                elif len(column.own_key(name)) != len(keys):
                    yield (
                        f"columns.{name}.using",
                        f"{len(keys)} columns expected, as the parent's key {keys} has",
                    )
        yield from _absent(column.using, entity, f"columns.{name}.using")
        yield from unknown(column.derived, f"columns.{name}.derived")
        if column.to is None and column.json_to is None and column.excluded is None:
            yield from _goes_nowhere(catalog, entity, name)
        if name in entity.composites and (column.constant is not None or column.scrub is not None):
            yield f"columns.{name}", "is not read, as its using names other columns: no constant and no scrub"
        if column.derived in catalog.entities and catalog[str(column.derived)].derived_from != entity.id:
            yield f"columns.{name}.derived", f"{column.derived} is not derived from {entity.id}"
    yield from _rules(catalog, entity)
    if entity.shared is not None:
        yield from unknown(entity.shared.entity, "shared.with")
        yield from _absent(entity.shared.on + entity.shared.compare, entity, "shared.compare")
    if isinstance(entity.tenant, TenantRule):
        through = entity.tenant.through or catalog.registry_id
        if through is None:
            yield "tenant", f"leads to the registry of tenants, and {INSTALLATION} names none ([directory], registry)"
        yield from unknown(through, "tenant.through")
        if through is not None:
            yield from keyless(through, "tenant.through", "no tenant can be found by it")
        own = entity.tenant.columns or ((entity.tenant.column,) if entity.tenant.column else ())
        yield from _absent(own, entity, "tenant")


def _absent(names: Iterable[str], of: Entity, place: str) -> Iterable[tuple[str, str]]:
    for name in names:
        if name not in of.columns or of.columns[name].excluded is not None or name in of.composites:
            yield place, f"{of.id} reads no column {name!r}; {near(name, of.columns)}"


def _rules(catalog: Catalog, entity: Entity) -> Iterable[tuple[str, str]]:
    """Find rules over columns that are not read, of this row, its parent, or a group of rows."""
    for rule in entity.rules:
        yield from _absent(rule.columns, entity, f"rules.{rule.rule}")
        if rule.through is not None:
            reference = entity.references.get(rule.through)
            if reference is None or len(reference.references) != 1:
                why = f"is no reference to one parent; {near(rule.through, entity.references)}"
                yield f"rules.{rule.rule}.through", f"{rule.through!r} {why}"
            elif (parent := catalog.entities.get(reference.references[0])) is not None:
                yield from _absent(rule.other, parent, f"rules.{rule.rule}.other")
        if rule.rule == "unique" and entity.derived_from is not None:
            yield "rules.unique", f"a row of a derived entity is unique by its key: say it of {entity.derived_from}"


def _owners(catalog: Catalog) -> Iterator[str]:
    """Look for rows of which nobody could say whose they are."""
    for entity in catalog.entities.values():
        place = f"{entity.service}.toml: {entity.name}.tenant"
        if entity.tenant != "source" and not catalog.is_of_directory(entity.id):
            yield (
                f"{place}: {entity.source} is a tenant's own database, so that its rows are that tenant's; leave it out"
            )
        origin = catalog.entities.get(entity.derived_from or entity.id, entity)
        if origin.is_shared != entity.is_shared:
            yield f'{place}: is "shared" for both or neither of {entity.id} and {origin.id}, which it is derived from'


def _registry(catalog: Catalog) -> Iterator[str]:
    """Find why the rows of the entity that `installation.toml` calls the registry cannot be the tenants."""
    registry, installation = catalog.registry, catalog.installation
    if registry is None:
        return
    place = f"{INSTALLATION}: directory.registry: {registry.id}"
    if not catalog.is_of_directory(registry.id):
        yield f"{place} is a table of every {registry.source}; the registry is one of the directory"
    form = installation.tenants.key
    if len(registry.key) != 1 or registry.legacy_type(registry.key[0])[1].family != FORMS[form]:
        key = ", ".join(f"{c} {registry.columns[c].type}" for c in registry.key) or "none"
        yield f"{place} has the key {key}, expected one column of the form of a tenant's key: {form}"


def _alike_entities(catalog: Catalog) -> Iterator[str]:
    """Find entities that DuckDB takes for one: it tells names apart by all but the case of ASCII letters."""
    seen: dict[bytes, Entity] = {}
    for entity in catalog.entities.values():
        other = seen.setdefault(entity.id.encode().lower(), entity)
        if other is not entity:
            yield f"{entity.service}.toml: {entity.name}: its name differs in case alone from that of {other.name}"


def _found_by_clean_text(catalog: Catalog) -> Iterator[str]:
    """Find parents that are named by text which a scrub changes: read as keys only, they would have other names."""
    for entity in catalog.entities.values():
        scrubbed = [n for n, c in entity.raw_columns.items() if c.scrub is not None]
        if not entity.key and scrubbed and catalog.match_keys[entity.id]:
            yield (
                f"{entity.service}.toml: {entity.name}.columns.{scrubbed[0]}.scrub: {entity.id} has no key, and others "
                "refer to it: its rows are named by their contents, which no scrub may change"
            )


def _circles(catalog: Catalog) -> Iterator[str]:
    """Find what makes a circle of entries insoluble: in one, no row's fate may hang on another's."""
    for entity in catalog.entities.values():
        circle = catalog.circle(entity.id)
        if not circle:
            continue
        ties = [
            (f"columns.{n}.references", parent, "a reference in it must be optional (required = false)")
            for n, c in entity.references.items()
            if c.required
            for parent in c.references
        ]
        if entity.shared is not None:
            ties.append(("shared.with", entity.shared.entity, "leave out a reference of the entity shared with"))
        ties += [
            (f"rules.{r.rule}", entity.references[str(r.through)].references[0], 'let it flag a row (action = "flag")')
            for r in entity.agreements.values()
            if r.action == "reject"
        ]
        if entity.derived_from is not None:
            ties.append(("derived_from", entity.derived_from, "leave out a reference to the derived entity"))
            # Its rows are made of its origin's, so no living row of it is known before the circle is.
            ties += [
                (f"columns.{n}.references", p, ties[-1][2]) for n, c in entity.references.items() for p in c.references
            ]
        for place, parent, remedy in ties:
            if parent in circle:
                steps = " -> ".join([entity.id, *_way(catalog, parent, entity.id)])
                yield (
                    f"{entity.service}.toml: {entity.name}.{place}: "
                    f"entries refer to each other in a circle: {steps}; {remedy}"
                )


def _way(catalog: Catalog, start: str, end: str) -> list[str]:
    """Find a shortest way from an entity to one that it refers to, directly or through others."""
    ways = {start: [start]}
    waiting = [start]
    while end not in ways:
        step = waiting.pop(0)
        for parent in sorted(catalog.parents(catalog[step]) - set(ways)):
            ways[parent] = [*ways[step], parent]
            waiting.append(parent)
    return ways[end]


def _goes_nowhere(catalog: Catalog, entity: Entity, name: str) -> Iterable[tuple[str, str]]:
    """Find fault with a column without a target, unless it lives on in the key, by a reference, or to be found by."""
    users = {n: c for n, c in entity.columns.items() if name in c.using}
    if name in entity.key or any(n not in entity.composites or c.required for n, c in users.items()):
        return
    if name in entity.constants and any(
        name in c.by and entity.id in c.references for e in catalog.entities.values() for c in e.columns.values()
    ):
        return
    why = "goes nowhere"
    if users:
        why = f"holds part of {next(iter(users))}, and where that key is half filled goes nowhere"
    yield f"columns.{name}", f"{why}: name its target (to, json), or why it is excluded"


def _shared_tables(catalog: Catalog) -> Iterator[str]:
    """Entries that share a target table must be told apart by a constant, or none could be verified alone."""
    for entity in catalog.entities.values():
        for target in entity.targets:
            others = [w for w in catalog.writers(entity.service, target.table) if w.id != entity.id]
            told = {catalog.discriminator(w, target.table) for w in (entity, *others)}
            if others and (None in told or len(told) != len(others) + 1):
                names = ", ".join(w.id for w in (entity, *others))
                yield (
                    f"{entity.service}.toml: {entity.name}: {names} share the table {target.table}; "
                    "each needs a constant of its own in the same column"
                )


def _phases(catalog: Catalog) -> Iterator[str]:
    """Find rows that move before rows whose ids they need: those that may map to shared ones are known once loaded."""
    of = catalog.installation.phase_of
    for entity in catalog.entities.values():
        for parent in sorted(catalog.parents(entity)):
            own, other = of(entity.service), of(catalog[parent].service)
            if catalog[parent].shared is not None and own is not None and other is not None and own < other:
                yield (
                    f"{INSTALLATION}: phases: {entity.id} is of phase {own} and refers to {parent} of phase {other}, "
                    "whose rows may map to shared ones, so that its ids are not known before; put its service earlier"
                )
