"""Draft: catalog entries of tables that no entry names, as their database describes them.

Writes into the installation's own catalog directory, which replaces the packaged catalog from then on; where the
source holds most tables of the packaged one, that is copied there first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.draft import entries, left_out
from pipeline.core.draft.columns import Subject
from pipeline.core.draft.toml import to_toml
from pipeline.core.sql.dialect import SourceTable
from pipeline.errors import ConfigError, SourceDrift
from pipeline.settings import Settings
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog, load_catalog, packaged_catalog


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was written, and where."""

    path: Path
    #: Names of the entities.
    entities: tuple[str, ...]
    keyless: tuple[str, ...]
    #: What is left out: entity or table, column (none: all of it), reason.
    left_out: tuple[tuple[str, str, str], ...]


def draft(settings: Settings, catalog: Catalog, source: str, *, tables: Sequence[str], service: str) -> Drafted | None:
    """Write entries for tables of a source that no entry names; nothing where there are none.

    Args:
        settings: the installation.
        catalog: its catalog as it stands.
        source: the source to look at.
        tables: names, as `Table` or `schema.Table`; none means every table that no entry names.
        service: the service that the entries are to belong to.

    Raises:
        ConfigError: the source is the login database, whose rows find their tenant by a rule that no draft knows.
        SourceDrift: a table named is not there, or has an entry already.
    """
    described = settings.source(source)
    if described.kind != "district":
        raise ConfigError(
            "only districts' databases are drafted", where=f"source {source}",
            got="the login database", expected="a source of which every row belongs to one tenant",
        )  # fmt: skip
    database = LegacyDatabase(described)
    if not settings.run.catalog.is_dir() and not _is_packaged(database, catalog):
        catalog = Catalog({})
    if not database.tables():
        raise SourceDrift(
            "there is no table", where=f"source {source}",
            remedy="check the database of its dsn, and that its user may SELECT from its tables",
        )  # fmt: skip
    chosen = _chosen(database, catalog, tables)
    apart = [] if tables else [(name, "", why) for (_, name), why in database.apart().items()]
    if not chosen:
        return None
    subjects, without = _subjects(database, chosen)
    without += apart
    drafted = entries(
        subjects, database.foreign_keys(), engine=described.engine, service=service,
        taken={n for e in catalog.entities.values() if e.service == service for n in (e.name, e.target)},
    )  # fmt: skip
    named = {(fields["schema"], fields["table"]) for fields in drafted.values()}
    without += [
        (s.table.name, "", "none of its columns can be read, or they are more than a table of PostgreSQL has")
        for s in subjects if (s.table.schema, s.table.name) not in named
    ]  # fmt: skip
    path = _write(settings.run.catalog, catalog, service, to_toml(drafted))
    keyless = tuple(name for name, fields in drafted.items() if not fields["key"])
    return Drafted(path, tuple(drafted), keyless, (*without, *left_out(drafted)))


def _is_packaged(database: LegacyDatabase, packaged: Catalog) -> bool:
    """Say whether a source is of the packaged catalog: any may have a table `staff`, few have most of its tables."""
    named = [e for e in packaged.entities.values() if e.source == database.source.kind and e.derived_from is None]
    return 2 * sum(database.find(e.schema_name, e.table) is not None for e in named) > len(named)


def _chosen(database: LegacyDatabase, catalog: Catalog, names: Sequence[str]) -> list[SourceTable]:
    named = {
        id(database.find(e.schema_name, e.table)) for e in catalog.entities.values() if e.source == database.source.kind
    }
    free = [t for t in database.tables() if id(t) not in named]
    if not names:
        return [t for t in free if (t.schema, t.name) not in database.apart()]
    found = []
    for name in names:
        fitting = [t for t in database.tables() if name in (t.name, f"{t.schema}.{t.name}")]
        for (schema, table), why in database.apart().items():
            if not fitting and name in (table, f"{schema}.{table}"):
                raise SourceDrift(f"table {name} cannot be described", where=f"source {database.source.id}", got=why)
        if len(fitting) != 1:
            raise SourceDrift(
                f"{'no' if not fitting else 'more than one'} table is named {name}",
                where=f"source {database.source.id}", remedy="name it as schema.Table, in its own spelling",
            )  # fmt: skip
        if fitting[0] not in free:
            raise SourceDrift(f"table {name} has an entry already", where=f"source {database.source.id}")
        found += fitting
    return found


def _subjects(
    database: LegacyDatabase, tables: Sequence[SourceTable]
) -> tuple[list[Subject], list[tuple[str, str, str]]]:
    """Look at tables; give those that can be read, and the others with the reason why not."""
    unreadable = database.unreadable(tables)
    found = [_subject(database, t) for t in tables if (t.schema, t.name) not in unreadable]
    return found, [(name, "", why) for (_, name), why in unreadable.items()]


def _subject(database: LegacyDatabase, table: SourceTable) -> Subject:
    has_key = bool(table.key) and database.keyless_rows(table, table.key) == 0
    if database.source.engine != "sqlite":
        return Subject(table, has_key)
    storage = database.storage(table)
    # SQLite lets a key hold anything; only integers and text are keys here.
    has_key = has_key and all(storage[c] <= {"integer"} or storage[c] <= {"text"} for c in table.key)
    return Subject(table, has_key, storage)


def _write(directory: Path, catalog: Catalog, service: str, text: str) -> Path:
    """Add entries to the service's file; the directory appears, or changes, only if the whole catalog is sound."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "catalog"
        if directory.is_dir():
            shutil.copytree(directory, made)
        elif catalog.entities:
            shutil.copytree(packaged_catalog(), made)
        else:
            made.mkdir()
        file = made / f"{service}.toml"
        before = file.read_text(encoding="utf-8") if file.exists() else _HEADING
        file.write_text(before.rstrip("\n") + "\n" + text, encoding="utf-8")
        load_catalog(made)
        directory.mkdir(parents=True, exist_ok=True)
        for written in made.glob("*.toml"):
            shutil.copy(written, directory / written.name)
    return directory / f"{service}.toml"


_HEADING = """\
# Drafted from a database's own description: every column by its declared type, references by its foreign keys.
# Read it, correct it, and take `reviewed = false` away: it then counts as agreed.
"""
