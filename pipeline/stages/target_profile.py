"""The target before the first row moves: its encoding, tables, columns, policies and roles, and what its claims say.

Collects every problem instead of stopping at the first. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.core.sql.ddl import APP, MIGRATOR, table_columns
from pipeline.core.structure import Baseline, Drift, baseline, first_of, openings, shared_places
from pipeline.errors import MigrationError, TargetDrift
from pipeline.settings import Settings
from pipeline.stores import indexes, ledger
from pipeline.stores.indexes import Place
from pipeline.stores.pooling import refuse_pooled
from pipeline.stores.privileges import obstacles
from pipeline.stores.staging import ID_MAP
from pipeline.stores.structure import read_structure
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog
from schemas.model import Entity
from schemas.targets import spelled

#: More missing tables than these are told in one sentence.
_ONE_BY_ONE = 5


def existing_columns(settings: Settings, service: str) -> Mapping[str, Mapping[str, str]]:
    """List the tables of a service that its database has already, with their columns and types."""
    with TargetDatabase(service, settings.target_dsn(service), role=None) as database:
        return database.columns(service)


@dataclass(slots=True)
class TargetProfile:
    """What the target holds and is made of."""

    #: (tenant, entity) -> (run, state)
    claims: dict[ledger.Pair, ledger.Claim] = field(default_factory=dict)
    #: Service -> how its database differs from what the catalog promises, or did when its first run began.
    structure: dict[str, Baseline] = field(default_factory=dict)
    #: Table that is not filled without indexes, as a site may want it -> why.
    in_place: dict[str, str] = field(default_factory=dict)
    problems: list[MigrationError] = field(default_factory=list)


def check_target(settings: Settings, catalog: Catalog, entities: Iterable[Entity]) -> TargetProfile:
    """Compare what the target is made of with what the catalog promises; read its claims."""
    chosen, found = list(entities), TargetProfile()
    for service in sorted({e.service for e in chosen}):
        used = {t.table for e in chosen if e.service == service for t in e.targets}
        try:
            # Two connections, as nobody in particular: behind a transaction pooler a role would stay with others.
            dsn = settings.target_dsn(service)
            with (
                TargetDatabase(service, dsn, role=None) as database,
                TargetDatabase(service, dsn, role=None) as application,
            ):
                refuse_pooled(database, application)
                database.act_as(MIGRATOR)
                _check_service(found, settings, catalog, service, database, used)
                application.act_as(APP)
        except MigrationError as error:
            found.problems.append(error)
    return found


def _check_service(
    found: TargetProfile, settings: Settings, catalog: Catalog, service: str, database: TargetDatabase, used: set[str]
) -> None:
    columns = table_columns(catalog, service)
    found.problems += _encoding_problems(service, database)
    found.problems += [
        TargetDrift("the target would refuse rows", where=f"service {service}, {o.place}", got=o.why, remedy=o.remedy)
        for o in obstacles(database, service, {t: c for t, c in columns.items() if t in used})
    ]
    earlier: list[Baseline] = []
    if ledger.exists(database):
        found.claims |= ledger.claims(database)
        earlier = ledger.baselines(database, service)
    made_of = read_structure(database, service, list(columns))
    places = {service, *(f"{service}.{t}" for t in used)}
    opened = openings(
        (f for f in made_of.facts if f.place in places or f.place.startswith("migration.")),
        shared=shared_places(catalog, service),
        roles=(*settings.target.roles, made_of.login),
    )
    found.problems += _openings(service, opened)
    found.structure[service] = first_of([*earlier, baseline(catalog, service, made_of.facts)])
    found.problems += _table_problems(service, columns, database.columns(service), used)
    if settings.target.indexes == "after":
        filled = [*(Place(service, t) for t in sorted(used)), Place("migration", ID_MAP)]
        found.in_place |= {
            f"service {service}, {place}": why
            for place, why in indexes.empty(database, filled).items()
            if why is not None
        }


def _openings(service: str, opened: Iterable[Drift]) -> Iterator[MigrationError]:
    places: dict[tuple[str, str], list[str]] = {}
    for drift in opened:
        places.setdefault((drift.what, drift.name), []).append(drift.place)
    for (what, name), where in places.items():
        shown = ", ".join(where[:_ONE_BY_ONE]) + (f" and {len(where) - _ONE_BY_ONE} more" * (len(where) > _ONE_BY_ONE))
        yield TargetDrift(
            "the target does not keep its tenants apart",
            where=f"service {service}, {shown}",
            got=what + (f" ({name})" if name and name not in what else ""),
            expected="nothing but each tenant's own rows, and shared ones to read",
            remedy=f"`migrate plan --ddl {service}` renews what is the catalog's own; drop or revoke the rest, "
            "or name a role that is meant to have it: roles = [...] under [target]",
        )


def _encoding_problems(service: str, database: TargetDatabase) -> Iterator[MigrationError]:
    encoding = database.setting("server_encoding")
    if encoding != "UTF8":
        yield TargetDrift(
            "the target does not store its text as UTF-8",
            where=f"service {service}",
            got=encoding,
            expected="UTF8",
            remedy="create the database anew with ENCODING 'UTF8' (and TEMPLATE template0): "
            "another encoding lacks letters, and SQL_ASCII checks no byte",
        )


def _table_problems(
    service: str, wanted: Mapping[str, Mapping[str, str]], there: dict[str, dict[str, str]], used: set[str]
) -> Iterator[MigrationError]:
    remedy = f"`migrate plan --ddl {service}` prints the tables that the catalog describes"
    missing = sorted(used - set(there))
    if len(missing) > _ONE_BY_ONE:
        yield TargetDrift(
            f"the target lacks {len(missing)} tables",
            where=f"service {service}",
            got=f"no {', '.join(missing[:_ONE_BY_ONE])}, ...",
            remedy=remedy,
        )
    for table in sorted(used):
        where = f"service {service}, table {service}.{table}"
        if table not in there:
            if len(missing) > _ONE_BY_ONE:
                continue
            yield TargetDrift(
                "the target lacks a table",
                where=where,
                expected="a table as the catalog describes",
                remedy=remedy,
            )
            continue
        for column, pg in wanted[table].items():
            got = there[table].get(column)
            if got is None:
                yield TargetDrift("the target lacks a column", where=where, expected=f"{column} {pg}", remedy=remedy)
            elif got != spelled(pg):
                yield TargetDrift(
                    "a target column has another type",
                    where=f"{where}, column {column}",
                    got=got,
                    expected=pg,
                    remedy=remedy,
                )
