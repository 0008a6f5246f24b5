"""Drift: what the sources really are, against what the catalog says, before the first row moves.

Collects every problem instead of stopping at the first. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.core.family import Found, fixed
from pipeline.core.outcome import Unnamed
from pipeline.core.plan import SourceRecord
from pipeline.core.sql.dialects import DIALECTS
from pipeline.core.sql.source import Branch, SourceColumn, SourceTable
from pipeline.errors import MigrationError, SourceDrift, SourceError
from pipeline.settings import Source
from pipeline.stages.remains import shown, unnamed
from pipeline.stores.failures import IF_LACKING
from pipeline.stores.families import find_family
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog, folds, pads
from schemas.engines import FACTS, Engine, declares_as
from schemas.installation import Installation
from schemas.likeness import fits
from schemas.model import Entity
from schemas.widening import widest

#: More missing tables than these are told in one sentence.
_ONE_BY_ONE = 5


@dataclass(slots=True)
class Compared:
    """What one source holds of the entities asked for."""

    lacking: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Optional entities of which it has no table.
    absent: tuple[str, ...] = ()
    #: Entities whose rows its own primary key does not keep apart as the entry compares them.
    unenforced: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    #: Tables that are none to be moved, or that nothing can be told of: why.
    apart: dict[str, str] = field(default_factory=dict)
    #: Entity of a family -> its tables, and what is odd about them.
    families: dict[str, Found] = field(default_factory=dict)
    #: Tables and columns that no entry names.
    unnamed: tuple[Unnamed, ...] = ()
    problems: list[MigrationError] = field(default_factory=list)


def compare_source(database: LegacyDatabase, entities: Iterable[Entity], catalog: Catalog) -> Compared:
    """Compare a source's tables and columns with the entries, and count its rows."""
    found, source = Compared(), database.source
    try:
        database.tables()
    except MigrationError as error:
        found.problems.append(error)
        return found
    if source.schema_name is not None and not database.tables():
        found.problems.append(
            SourceDrift(
                "no table is in its schema",
                where=f"source {source.id}",
                got=str(source.dsn),
                remedy="correct schema in migrate.toml, or let the user of its dsn see it",
            )
        )
        return found
    entities, apart = list(entities), database.apart()
    for entity in (e for e in entities if e.family is not None):
        try:
            found.families[entity.id] = find_family(database, entity, catalog)
        except SourceError as error:
            found.problems.append(error)
            return found
    found.apart = {shown(*place): why for place, why in apart.items()}
    unenforced: list[str] = []
    tables: dict[str, SourceTable] = {}
    missing: list[Entity] = []
    for entity in entities:
        table = database.find_of(entity)
        if table is None:
            missing.append(entity)
            continue
        tables[entity.id] = table
        unenforced += [entity.id] if entity.key and not _is_enforced(table, entity, source) else []
        if entity.family is not None:
            for branch in table.branches:
                found.problems += _compare_member(source, entity, branch)
            continue
        found.lacking[entity.id] = tuple(_compare_columns(found.problems, source, entity, table))
    found.problems += _read_twice(source, tables, {e.id: e for e in entities})
    closed = [e for e in missing if database.place_of(e.schema_name, e.table) in apart]
    found.problems += [
        SourceDrift(
            "a table cannot be read",
            where=f"source {source.id}",
            expected=f"{e.table} ({e.id})",
            got=apart[database.place_of(e.schema_name, e.table)],
            remedy="mend it in the source, or leave the entity out with --entity",
        )
        for e in closed
    ]
    missing = [e for e in missing if e not in closed]
    found.problems += _missing_tables(source, [e for e in missing if not e.optional])
    found.absent = tuple(e.id for e in missing if e.optional)
    found.counts = dict(zip(tables, database.count(*tables.values()), strict=True)) | dict.fromkeys(found.absent, 0)
    found.unenforced = tuple(unenforced)
    found.unnamed = unnamed(database, entities, catalog)
    return found


def _read_twice(
    source: Source, tables: Mapping[str, SourceTable], entities: Mapping[str, Entity]
) -> Iterator[SourceDrift]:
    """Name entries of tables in several schemas that are one table in the only schema of a source."""
    by_table: dict[str, list[str]] = {}
    for entity, table in tables.items():
        by_table.setdefault(table.name, []).append(entity)
    for name, found in by_table.items():
        schemas = {entities[entity].schema_name for entity in found}
        if source.schema_name is not None and len(schemas) > 1:
            yield SourceDrift(
                "entries of several schemas would read one table",
                where=f"source {source.id}, table {name}",
                got=f"{' and '.join(found)}, all in the schema {source.schema_name}",
                expected="tables of distinct names, as this source has one schema",
                remedy="leave all but one of the entities out with --entity, or give the source no schema",
            )


def _is_enforced(table: SourceTable, entity: Entity, source: Source) -> bool:
    """Say whether a table's own primary key keeps its rows apart by the entry's key, as the entry compares that.

    Of a SQLite file only whole numbers: another column of a key may hold values of any type.
    """
    if table.branches:
        return all(_is_enforced(branch.table, entity, source) for branch in table.branches)
    key = [name for name in entity.key if entity.columns[name].family is None]
    columns = {c.name: (name, c) for name in key if (c := table.find(name)) is not None}
    own = [c.name for c in table.columns if c.key_position is not None]
    return bool(own) and all(n in columns and _is_as_fine(*columns[n], entity, source) for n in own)


def _is_as_fine(name: str, real: SourceColumn, entity: Entity, source: Source) -> bool:
    """Say whether what the entry holds for equal is equal to the source as well."""
    family = entity.legacy_type(name)[1].family
    if FACTS[source.engine].is_loose:
        return family == "integer" and "int" in real.declared_type
    if not DIALECTS[source.engine].knows(real) or DIALECTS[source.engine].legacy_type(real).family != family:
        return False
    # Case is folded by rules that are not every collation's: a Turkish one tells I and i apart.
    return family != "text" or not (folds(entity, name) or (pads(entity, name) and not real.pads))


def _missing_tables(source: Source, missing: Sequence[Entity]) -> Iterator[SourceDrift]:
    if len(missing) > _ONE_BY_ONE:
        yield SourceDrift(
            f"{len(missing)} tables of the catalog are missing",
            where=f"source {source.id}",
            got=f"no {', '.join(e.table for e in missing[:_ONE_BY_ONE])}, ...",
            remedy="write `optional = true` in the entries of tables that only some sources have; where it is another "
            f"kind of database, `migrate draft {source.id}` describes the tables it has",
        )
        return
    for entity in missing:
        yield SourceDrift(
            "a table is missing",
            where=f"source {source.id}",
            expected=f"{entity.table} ({entity.id})",
            remedy="write `optional = true` in the entry, if only some sources have the table; else correct the "
            "entry's table, or leave the entity out with --entity or --service",
        )


def _compare_member(source: Source, entity: Entity, member: Branch) -> list[MigrationError]:
    """List what does not fit the entry of a family in one of its tables, or that nobody can read."""
    problems: list[MigrationError] = []
    list(_compare_columns(problems, source, entity, member.table))
    dialect = DIALECTS[source.engine]
    problems += [
        SourceDrift(
            "a column has a type that is not known",
            where=f"source {source.id}, {member.table.name}.{column.name}",
            got=column.declared_type,
        )
        for column, _ in member.gathered
        if not (FACTS[source.engine].is_loose or dialect.knows(column))
    ]
    return problems


def _compare_columns(
    problems: list[MigrationError], source: Source, entity: Entity, table: SourceTable
) -> Iterator[str]:
    """Note what does not fit the entry; give the optional columns that the table lacks."""
    for name in fixed(entity):
        where = f"source {source.id}, {entity.table if entity.family is None else table.name}.{name}"
        column, real = entity.columns[name], table.find(name)
        if real is None and column.optional:
            yield name
        elif real is None:
            problems.append(SourceDrift("a column is missing", where=where, expected=column.type, remedy=IF_LACKING))
        elif not fits(real.declared_type, source.engine, column.type, entity.engine):
            problems.append(
                SourceDrift(
                    "a column has another type",
                    where=where,
                    got=real.declared_type,
                    expected=column.type,
                    remedy=_type_to_write(real.declared_type, source.engine, column.type, entity.engine),
                )
            )


def _type_to_write(declared: str, engine: Engine, expected: str, vocabulary: Engine) -> str:
    common = widest((declared, expected), vocabulary) if declares_as(engine, vocabulary) else None
    if common is None:
        return "correct the type in the entry; its conversion follows from it"
    return f'write `type = "{common}"` in the entry, which holds the values of both; its conversion follows from it'


def source_record(
    database: LegacyDatabase, tables: Collection[SourceTable], *, moving: Iterable[SourceTable]
) -> SourceRecord:
    """Describe a source for the run record: the fingerprint of its tables, and how many move."""
    own = {(t.schema, t.name) for table in moving for t in ([b.table for b in table.branches] or [table])}
    source = database.source
    return SourceRecord(
        kind=source.kind,
        title=source.title,
        location=str(source.dsn),
        consistency=source.consistency,
        fingerprint=database.fingerprint(tables),
        tenant_id=source.tenant_id,
        host_zone=source.host_zone,
        tenant_zone=source.tenant_zone,
        tables=len(own),
    )


def known_tenants(database: LegacyDatabase, registry: Entity, installation: Installation) -> set[str]:
    """List the keys of the tenants that the directory knows, as `Installation.tenant_key` writes them."""
    table = database.table_of(registry)
    rows = database.read(table, columns=list(registry.key), key=registry.key)
    found = set()
    for key in rows[registry.key[0]].to_pylist():
        with suppress(ValueError):  # such a key is no tenant's
            found.add(installation.tenant_key(key))
    return found
