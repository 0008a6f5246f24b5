"""Draft: catalog entries of tables that no entry names, as their database describes them.

Writes into the installation's own catalog directory, which replaces the packaged catalog from then on; where the
source holds most tables of the packaged one, that is copied there first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.core.draft import NO_COLUMNS, Draft, Drafted, entries, left_out
from pipeline.core.draft.columns import Subject
from pipeline.core.draft.guesses import Guess
from pipeline.core.draft.references import Parent, TablePlace, known_parent
from pipeline.core.draft.toml import to_toml
from pipeline.core.sql.dialect import ForeignKey, SourceTable
from pipeline.errors import ConfigError, SourceDrift, SourceError, SourceUnreachable
from pipeline.settings import Settings
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog, load_catalog, packaged_catalog


def draft(
    settings: Settings, catalog: Catalog, source: str, *, tables: Sequence[str], service: str, guess: bool = False
) -> Drafted | None:
    """Write entries for tables of a source that no entry names; nothing where there are none.

    Args:
        settings: the installation.
        catalog: its catalog as it stands.
        source: the source to look at.
        tables: names, as `Table` or `schema.Table`; none means every table that no entry names.
        service: the service that the entries are to belong to.
        guess: write references that nobody declares, where names and values say that they are some.

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
    if not chosen:
        return None
    subjects, unread = _subjects(database, chosen)
    foreign_keys = database.foreign_keys()

    def drafted(guessed: Iterable[ForeignKey]) -> Draft:
        return entries(
            subjects, (*foreign_keys, *guessed), engine=described.engine, service=service,
            taken={n for e in catalog.entities.values() if e.service == service for n in (e.name, e.target)},
            there=_there(database, catalog), without=_without(database, chosen) | unread,
        )  # fmt: skip

    made = drafted(())
    guesses = _guesses(database, made.likely)
    if guess:
        made = drafted(g.foreign_key for g in guesses if g.is_sure)
    path = _write(settings.run.catalog, catalog, service, to_toml(made.entries))
    named = {(fields["schema"], fields["table"]) for fields in made.entries.values()}
    without = {(s.table.schema, s.table.name): NO_COLUMNS for s in subjects} | unread
    without = {place: why for place, why in without.items() if place not in named}
    if not tables:
        without |= database.apart()
    return Drafted(
        str(path),
        tuple(made.entries),
        tuple(name for name, fields in made.entries.items() if not fields["key"]),
        (*((name, "", why) for (_, name), why in without.items()), *left_out(made.entries)),
        made.not_taken,
        guesses,
    )


def _there(database: LegacyDatabase, catalog: Catalog) -> dict[TablePlace, Parent]:
    """Describe the tables that have an entry; of several entries, the first."""
    found: dict[TablePlace, Parent] = {}
    for entity in catalog.entities.values():
        if entity.source == database.source.kind and entity.derived_from is None:
            table = database.find(entity.schema_name, entity.table)
            if table is not None:
                found.setdefault((table.schema, table.name), known_parent(entity))
    return found


def _without(database: LegacyDatabase, chosen: Collection[SourceTable]) -> dict[TablePlace, str]:
    """Say of the tables that are not drafted why they have no entry."""
    others = {(t.schema, t.name): "draft both at once" for t in database.tables() if t not in chosen}
    return others | dict(database.apart())


def _guesses(database: LegacyDatabase, likely: Iterable[ForeignKey]) -> tuple[Guess, ...]:
    """Look whether columns that look like references hold values of the key that they would lead to, and no others."""
    found: list[Guess] = []
    for foreign_key in likely:
        try:
            values, orphans = database.orphans(foreign_key)
        except SourceUnreachable:
            raise
        except SourceError:  # the database itself compares no values of the two
            continue
        if not orphans:
            found.append(Guess(foreign_key, values))
    places = Counter((g.foreign_key.child, g.foreign_key.columns) for g in found)
    return tuple(replace(g, is_only=places[g.foreign_key.child, g.foreign_key.columns] == 1) for g in found)


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


def _subjects(database: LegacyDatabase, tables: Sequence[SourceTable]) -> tuple[list[Subject], dict[TablePlace, str]]:
    """Look at tables; give those that can be read, and the others with the reason why not."""
    unreadable = database.unreadable(tables)
    return [_subject(database, t) for t in tables if (t.schema, t.name) not in unreadable], unreadable


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
