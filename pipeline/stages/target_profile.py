"""The target before the first row moves: its encoding, its tables and columns, and what its claims say.

Collects every problem instead of stopping at the first. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pipeline.core.sql.ddl import table_columns
from pipeline.errors import MigrationError, TargetDrift
from pipeline.settings import Settings
from pipeline.stores import ledger
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog
from schemas.model import Entity

#: More missing tables than these are told in one sentence.
_ONE_BY_ONE = 5
#: How PostgreSQL spells the types that the catalog writes shorter.
_SPELLED = {
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
}


def existing_columns(settings: Settings, service: str) -> Mapping[str, Mapping[str, str]]:
    """List the tables of a service that its database has already, with their columns and types."""
    with TargetDatabase(service, settings.target_dsn(service), role=None) as database:
        return database.columns(service)


def check_target(
    settings: Settings, catalog: Catalog, entities: Iterable[Entity]
) -> tuple[dict[tuple[str, str], tuple[str, str]], list[MigrationError]]:
    """Compare the target's tables with the catalog; read its claims.

    Returns:
        The claims, (tenant, entity) -> (run, state), and the problems.
    """
    chosen = list(entities)
    claims: dict[tuple[str, str], tuple[str, str]] = {}
    problems: list[MigrationError] = []
    for service in sorted({e.service for e in chosen}):
        try:
            with TargetDatabase(service, settings.target_dsn(service)) as database:
                problems += _encoding_problems(service, database)
                there = database.columns(service)
                columns = table_columns(catalog, service)
                used = {t.table for e in chosen if e.service == service for t in e.targets}
                problems += [
                    TargetDrift(
                        "the target would refuse rows", where=f"service {service}, table {service}.{t}", got=why
                    )
                    for t, why in database.obstacles(service, {t: c for t, c in columns.items() if t in used})
                ]
                if ledger.exists(database):
                    claims |= ledger.claims(database)
        except MigrationError as error:
            problems.append(error)
            continue
        problems += _table_problems(service, columns, there, used)
    return claims, problems


def _encoding_problems(service: str, database: TargetDatabase) -> Iterator[MigrationError]:
    encoding = database.setting("server_encoding")
    if encoding != "UTF8":
        yield TargetDrift(
            "the target does not store its text as UTF-8", where=f"service {service}", got=encoding, expected="UTF8",
            remedy="create the database anew with ENCODING 'UTF8' (and TEMPLATE template0): "
            "another encoding lacks letters, and SQL_ASCII checks no byte",
        )  # fmt: skip


def _table_problems(
    service: str, wanted: Mapping[str, Mapping[str, str]], there: dict[str, dict[str, str]], used: set[str]
) -> Iterator[MigrationError]:
    remedy = f"`migrate plan --ddl {service}` prints the tables that the catalog describes"
    missing = sorted(used - set(there))
    if len(missing) > _ONE_BY_ONE:
        yield TargetDrift(
            f"the target lacks {len(missing)} tables", where=f"service {service}",
            got=f"no {', '.join(missing[:_ONE_BY_ONE])}, ...", remedy=remedy,
        )  # fmt: skip
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
            elif got != _SPELLED.get(pg, pg):
                yield TargetDrift(
                    "a target column has another type",
                    where=f"{where}, column {column}",
                    got=got,
                    expected=pg,
                    remedy=remedy,
                )
