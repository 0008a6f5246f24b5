"""What a run would do, and everything that stands in its way; looks at sources and target, and writes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.outcome import Unnamed
from pipeline.core.plan import Held, RunRecord, SourceRecord, content_bounds
from pipeline.core.sql.source import Key, SourceTable
from pipeline.core.waves import waves
from pipeline.errors import CatalogError, ConfigError, DiskError, MigrationError
from pipeline.runs.remaining import rest
from pipeline.settings import Settings, Source
from pipeline.stages import drift, remains, target_profile
from pipeline.stores.ledger import Claim, Pair
from pipeline.stores.legacy import LegacyDatabase
from pipeline.stores.root import check_root
from schemas.catalog import Catalog
from schemas.files import CatalogProblem
from schemas.installation import FILE as INSTALLATION
from schemas.model import Entity
from schemas.waivers import Waived

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """What --tenant, --service and --entity name; nothing named means all."""

    tenants: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: RunRecord) -> Selection:
        """Read it back from a run record."""
        return cls(record.selection["tenant"], record.selection["service"], record.selection["entity"])

    def names(self, table: Waived) -> bool:
        """Say whether it is of the selection, too, that a table does not migrate."""
        return not self.entities and (not self.services or table.service in self.services)

    def as_record(self) -> dict[str, tuple[str, ...]]:
        """Give the form that the run record keeps."""
        return {
            "tenant": tuple(sorted(self.tenants)),
            "service": tuple(sorted(self.services)),
            "entity": tuple(sorted(self.entities)),
        }


@dataclass(slots=True)
class Plan:
    """What a run would do, and everything that stands in its way."""

    record: RunRecord | None
    problems: list[MigrationError] = field(default_factory=list)
    #: Source of a tenant -> what of the problems is its own.
    of_sources: dict[str, list[MigrationError]] = field(default_factory=dict)
    #: (tenant, entity) that an earlier run has claimed; a new run of this selection is refused.
    held: list[Pair] = field(default_factory=list)
    claims: dict[Pair, Claim] = field(default_factory=dict)
    #: Tables and columns of the sources that no entry names.
    unnamed: tuple[Unnamed, ...] = ()
    #: Table of the target that is not filled without indexes -> why.
    in_place: dict[str, str] = field(default_factory=dict)
    #: Source -> tables that are none to be moved, or that nothing can be told of -> why.
    apart: dict[str, dict[str, str]] = field(default_factory=dict)


def chosen_entities(settings: Settings, catalog: Catalog, selection: Selection) -> tuple[str, ...]:
    """List the entities that a selection names, of the kinds of source that there are.

    Raises:
        ConfigError: it names what does not exist.
    """
    try:
        chosen = catalog.select(services=selection.services, entities=selection.entities)
    except CatalogProblem as error:
        raise ConfigError(str(error)) from None
    has_directory = settings.directory is not None
    return tuple(e for e in chosen if has_directory or not catalog.is_of_directory(e))


def make_plan(
    settings: Settings,
    catalog: Catalog,
    selection: Selection,
    as_of: datetime | None = None,
    *,
    done: Collection[Pair] = (),
    without: Collection[str] = (),
) -> Plan:
    """Look at sources and target and plan a new run of what is not moved yet; write nothing.

    Args:
        settings: the configuration.
        catalog: the entries.
        selection: what may be moved.
        as_of: the instant that stands where legacy has no time; by default now.
        done: tenants and entities that are moved, besides those that the target's claims name.
        without: sources to leave out.

    Raises:
        ConfigError: the selection names what does not exist.
    """
    chosen = chosen_entities(settings, catalog, selection)
    plan = Plan(record=None)
    wanted = {*chosen, *catalog.parents_of(chosen)}
    target = target_profile.check_target(settings, catalog, [catalog[e] for e in wanted])
    claims, plan.problems, plan.in_place = target.claims, target.problems, target.in_place
    try:
        check_root(settings.run.staging, writing=True)
    except DiskError as error:
        plan.problems.append(error)
    tenants = chosen_tenants(settings, selection, without)
    moved = {*done, *(pair for pair, claim in claims.items() if claim.is_complete)}
    left = rest(catalog, tenants, chosen, moved)
    if left is not None:
        chosen, tenants = left.entities, left.tenants
    keys = tuple(sorted(catalog.parents_of(chosen) - set(chosen)))
    entities = [catalog[e] for e in (*chosen, *keys)]
    sources = {
        s.id: LegacyDatabase(s)
        for s in chosen_sources(settings, selection)
        if s.tenant_id is None or s.tenant_id in tenants
    }

    def each(look: Callable[[LegacyDatabase], T]) -> Iterator[tuple[Source, T]]:
        """Look at sources side by side, as much of a look is waiting for a server."""
        with ThreadPoolExecutor(max_workers=settings.run.parallel) as pool:
            yield from zip((db.source for db in sources.values()), pool.map(look, sources.values()), strict=True)

    looked = [(s, found) for s, found in each(lambda db: drift.compare_source(db, _own(db, entities), catalog))]
    for source, found in looked:
        plan.problems += found.problems
        if found.problems and source.tenant_id is not None:
            plan.of_sources[source.id] = found.problems
        plan.unnamed += found.unnamed
        plan.apart[source.id] = found.apart
    counts = {Held(s.id, e): n for s, found in looked for e, n in found.counts.items()}
    directory = None
    if not plan.problems:
        directory = sources[settings.directory.id] if settings.directory else None
        plan.problems += _selection_problems(catalog, _unknown(catalog, keys, counts, sources, moved), directory)
    if not plan.problems and directory is not None and catalog.registry is not None:
        known = drift.known_tenants(directory, catalog.registry, catalog.installation)
        for source in (db.source for db in sources.values()):
            if source.tenant_id is not None and source.tenant not in known:
                plan.of_sources[source.id] = [_unknown_tenant(source, directory, catalog.registry, known)]
                plan.problems += plan.of_sources[source.id]
    if plan.problems:
        return plan
    plan.held = [(tenant, e) for e in chosen for tenant in tenants if (tenant, e) in claims]
    plan.claims = claims
    moving = [catalog[e] for e in chosen]
    records = {s.id: found for s, found in each(lambda db: _source_record(db, entities, moving))}
    cut = each(lambda db: _ranges(db, _own(db, moving), counts, settings.run.batch_rows))
    plan.record = RunRecord(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"[:-3] + f"-{secrets.token_hex(2)}",
        as_of=as_of or datetime.now(UTC).replace(microsecond=0),
        batch_rows=settings.run.batch_rows,
        bundle_rows=settings.run.bundle_rows,
        waves=waves(
            {s.id: s.tenant_id for s in (db.source for db in sources.values())},
            counts,
            rows=settings.run.wave_rows,
            most=settings.run.wave_sources,
        ),
        max_value_bytes=settings.run.max_value_bytes,
        sources=records,
        target={s: str(settings.target_dsn(s)) for s in sorted({catalog[e].service for e in chosen})},
        selection=selection.as_record(),
        tenants=tenants,
        entities=chosen,
        key_entities=keys,
        ranges={held: bounds for _, ranges in cut for held, bounds in ranges.items()},
        lacking={Held(s.id, e): columns for s, found in looked for e, columns in found.lacking.items()},
        families={Held(s.id, e): family for s, found in looked for e, family in found.families.items()},
        absent=tuple(Held(s.id, e) for s, found in looked for e in found.absent),
        unenforced=tuple(Held(s.id, e) for s, found in looked for e in found.unenforced),
        counts=counts,
        waived={
            Held(s.id, table): rows
            for s, found in each(lambda db: _waived(db, catalog, selection))
            for table, rows in found.items()
        },
        structure={s: target.structure[s] for s in sorted({catalog[e].service for e in chosen})},
    )
    return plan


def _source_record(database: LegacyDatabase, read: Iterable[Entity], moving: Iterable[Entity]) -> SourceRecord:
    tables = _tables(database, _own(database, read))
    return drift.source_record(database, tables, moving=_tables(database, _own(database, moving)))


def _own(database: LegacyDatabase, entities: Iterable[Entity]) -> list[Entity]:
    """Give those entities whose rows are read from a source."""
    return [e for e in entities if e.source == database.source.kind and e.derived_from is None]


def _waived(database: LegacyDatabase, catalog: Catalog, selection: Selection) -> dict[str, int]:
    """Count the rows of a source's tables that are waived, as far as the selection is of them."""
    return remains.waived(database, (w for w in catalog.waived.values() if selection.names(w)))


def _tables(database: LegacyDatabase, own: Iterable[Entity]) -> list[SourceTable]:
    found = (database.find_of(e) if e.optional else database.table_of(e) for e in own)
    return [table for table in found if table is not None]


def _ranges(
    database: LegacyDatabase, own: Iterable[Entity], counts: Mapping[Held, int], batch_rows: int
) -> dict[Held, tuple[Key, ...]]:
    held = {Held(database.source.id, e.id): e for e in own}
    return {place: _bounds(database, e, counts[place], batch_rows) for place, e in held.items()}


def _bounds(database: LegacyDatabase, entity: Entity, rows: int, batch_rows: int) -> tuple[Key, ...]:
    """Give the first key of every batch but the first; a table that fits one batch is not asked for its keys."""
    if not entity.key:
        return content_bounds(rows, batch_rows)
    table = database.find_of(entity) if entity.optional else database.table_of(entity)
    if table is None:
        return ()
    if rows <= batch_rows:
        database.demand_keys(table, entity.key)
        return ()
    ranges = database.cut_ranges(table, key=entity.key, batch_rows=batch_rows)
    return tuple(r.lower for r in ranges if r.lower is not None)


def chosen_sources(settings: Settings, selection: Selection) -> list[Source]:
    """List the sources that a selection names, the directory first.

    Raises:
        ConfigError: it names one that does not exist.
    """
    known = {s.id for s in settings.own_sources}
    for name in selection.tenants:
        if name not in known:
            raise ConfigError(f"no source of a tenant is named {name!r}; known are {', '.join(sorted(known))}")
    directory = [settings.directory] if settings.directory else []
    return [*directory, *(s for s in settings.own_sources if not selection.tenants or s.id in selection.tenants)]


def chosen_tenants(settings: Settings, selection: Selection, without: Collection[str]) -> tuple[str, ...]:
    """List the tenants whose rows move: those of the sources, and the shared and unresolved rows of the directory.

    Rows whose tenant is unknown move with a run of all tenants.
    """
    own = (s.tenant_id for s in chosen_sources(settings, selection) if s.id not in without)
    return (*sorted(filter(None, own)), str(NIL), *([] if selection.tenants else [str(UNRESOLVED)]))


def _unknown(
    catalog: Catalog,
    keys: Iterable[str],
    counts: Mapping[Held, int],
    sources: Mapping[str, LegacyDatabase],
    moved: Collection[Pair],
) -> Mapping[str, list[str]]:
    """Name the parents whose ids cannot be formed from their keys, and the sources whose rows of them are not moved."""
    found: dict[str, list[str]] = {}
    for entity in (e for e in keys if catalog[e].shared is not None):
        for name, database in sources.items():
            tenants = {t for t, e in moved if e == entity}
            is_moved = tenants if database.source.tenant_id is None else database.source.tenant_id in tenants
            if counts.get(Held(name, entity)) and not is_moved:
                found.setdefault(entity, []).append(name)
    return found


def _selection_problems(
    catalog: Catalog, unknown: Mapping[str, Sequence[str]], directory: LegacyDatabase | None
) -> Iterable[MigrationError]:
    for entity_id, sources in unknown.items():
        yield CatalogError(
            "a shareable parent is neither selected nor loaded",
            where=f"{entity_id} of {', '.join(sources[:3])}" + (f" and {len(sources) - 3} more" * (len(sources) > 3)),
            got="its rows may map to shared ones, so its ids cannot be formed from keys alone",
            remedy=f"select it too (--entity {entity_id}), or load it first",
        )
    if directory is not None and catalog.registry_id is not None and catalog.registry is None:
        yield CatalogError(
            "the registry of tenants has no entry",
            where=f"{INSTALLATION}, directory.registry",
            got=f"registry = {catalog.registry_id}",
            expected="an entity of the catalog",
            remedy=f"describe it (migrate draft {directory.source.id}), or leave registry out",
        )


def _unknown_tenant(
    source: Source, directory: LegacyDatabase, registry: Entity, known: Collection[int | str]
) -> ConfigError:
    return ConfigError(
        f"the tenant is not in the {directory.source.kind} database's {registry.table} table",
        where=f"source {source.id}",
        got=f"tenant = {source.tenant}",
        expected=f"one of {', '.join(sorted(map(str, known), key=lambda key: (len(key), key)))}",
    )
