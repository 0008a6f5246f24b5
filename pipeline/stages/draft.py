"""Draft: catalog entries of tables that no entry names, as their database describes them.

Writes into the installation's own catalog directory, which replaces the packaged catalog from then on; where the
source holds most tables of the packaged one, that is copied there first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.core.draft import NO_COLUMNS, Draft, Drafted, entries, left_out
from pipeline.core.draft.columns import Subject
from pipeline.core.draft.guesses import Guess
from pipeline.core.draft.references import Parent, TablePlace, known_parent
from pipeline.core.draft.tenants import NO_TENANT, Home
from pipeline.core.draft.toml import to_toml
from pipeline.core.draft.united import Described, united
from pipeline.core.sql.dialect import MAX_KEY_COLUMNS
from pipeline.core.sql.source import ForeignKey, SourceTable
from pipeline.errors import CatalogError, ConfigError, SourceDrift, SourceError, SourceUnreachable
from pipeline.settings import Settings, Source
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog, load_catalog
from schemas.engines import FACTS
from schemas.files import CatalogProblem
from schemas.installation import FILE as INSTALLATION_FILE
from schemas.installation import packaged_catalog
from schemas.json_schema import DIRECTIVE, write_beside
from schemas.model import Entity
from schemas.parts import TenantRule
from schemas.waivers import Waived


def draft(
    settings: Settings,
    catalog: Catalog,
    sources: Sequence[str],
    *,
    tables: Sequence[str],
    service: str,
    guess: bool = False,
) -> Drafted | None:
    """Write entries for tables of sources that no entry names; nothing where there are none.

    Of several sources each column is of the type that holds what all of them declare, and what some lack is optional.

    Args:
        settings: the installation.
        catalog: its catalog as it stands.
        sources: the sources to look at.
        tables: names, as `Table` or `schema.Table`; none means every table that no entry names.
        service: the service that the entries are to belong to.
        guess: write references that nobody declares, where names and values say that they are some.

    Raises:
        ConfigError: they are of several kinds, or of several engines.
        SourceDrift: a table named is not there, or has an entry already.
    """
    chosen = [settings.source(name) for name in dict.fromkeys(sources)]
    if len(kinds := sorted({source.kind for source in chosen})) > 1:
        raise ConfigError(
            "sources of several kinds are not drafted together",
            got=", ".join(kinds),
            expected="sources of one kind",
            remedy="draft those of each kind apart",
        )
    engines = {source.engine for source in chosen}
    if len(engines) > 1:
        raise ConfigError(
            "sources of several engines are not drafted together",
            got=", ".join(sorted(engines)),
            expected="sources of one engine, whose words the types are",
            remedy="draft those of each engine apart",
        )
    with ExitStack() as opened:
        databases = [opened.enter_context(closing(LegacyDatabase(source))) for source in chosen]
        return _draft(databases, settings, catalog, tables=tables, service=service, guess=guess)


def _draft(
    databases: Sequence[LegacyDatabase],
    settings: Settings,
    catalog: Catalog,
    *,
    tables: Sequence[str],
    service: str,
    guess: bool,
) -> Drafted | None:
    engine = databases[0].source.engine
    if not settings.run.catalog.is_dir() and not any(_is_packaged(database, catalog) for database in databases):
        catalog = Catalog({}, catalog.installation)
    for database in databases:
        if not database.tables():
            raise SourceDrift(
                "there is no table",
                where=f"source {database.source.id}",
                remedy="check the database of its dsn, and that its user may SELECT from its tables",
            )
    chosen = [_chosen(database, catalog, tables) for database in databases]
    _demand(tables, databases, chosen)
    if not any(chosen):
        return None
    looked = [_subjects(database, tables) for database, tables in zip(databases, chosen, strict=True)]
    together = united(
        [
            Described(database.source.id, subjects, database.foreign_keys(), database.tables())
            for database, (subjects, _) in zip(databases, looked, strict=True)
        ],
        engine,
    )
    subjects = [_with_key_everywhere(subject, databases) for subject in together.subjects]
    unread = {place: why for _, reasons in looked for place, why in reasons.items()}
    there, without = _there(databases, catalog), _without(databases, chosen) | unread

    home = _home(databases[0].source, catalog)

    def drafted(guessed: Iterable[ForeignKey]) -> Draft:
        return entries(
            subjects,
            (*together.foreign_keys, *guessed),
            engine=engine,
            service=service,
            home=home,
            there=there,
            without=without,
            taken={n for e in catalog.entities.values() if e.service == service for n in (e.name, e.target)},
        )

    made = drafted(())
    guesses = _guesses(databases, made.likely)
    if guess:
        made = drafted(g.foreign_key for g in guesses if g.is_sure)
    path = _write(settings.run.catalog, catalog, service, to_toml(made.entries))
    named = {(fields["schema"], fields["table"]) for fields in made.entries.values()}
    reason = NO_TENANT if home.is_shared else NO_COLUMNS
    left = {(s.table.schema, s.table.name): reason for s in subjects}
    left_tables = [(place[1], "", why) for place, why in left.items() if place not in named]
    for database, (_, reasons) in zip(databases, looked, strict=True):
        apart = {} if tables else database.apart()
        of = f"{database.source.id}: " if len(databases) > 1 else ""
        left_tables += [(f"{of}{name}", "", why) for (_, name), why in {**apart, **reasons}.items()]
    return Drafted(
        str(path),
        tuple(made.entries),
        tuple(_keyless(made.entries, subjects)),
        (*left_tables, *left_out(made.entries)),
        made.not_taken,
        guesses,
        together.differences,
    )


def _home(source: Source, catalog: Catalog) -> Home:
    found_by_rule = {e.id for e in catalog.entities.values() if isinstance(e.tenant, TenantRule)}
    return Home(source.kind, source.tenant is None, catalog.registry_id, found_by_rule)


def _there(databases: Sequence[LegacyDatabase], catalog: Catalog) -> dict[TablePlace, Parent]:
    """Describe the tables that have an entry; of several entries, the first."""
    found: dict[TablePlace, Parent] = {}
    for entity in catalog.entities.values():
        for database in databases:
            if entity.source == database.source.kind and entity.derived_from is None:
                table = database.find(entity.schema_name, entity.table)
                if table is not None:
                    found.setdefault((table.schema, table.name), known_parent(entity))
    return found


def _without(databases: Sequence[LegacyDatabase], chosen: Sequence[Collection[SourceTable]]) -> dict[TablePlace, str]:
    """Say of the tables that are not drafted why they have no entry."""
    found: dict[TablePlace, str] = {}
    for database, own in zip(databases, chosen, strict=True):
        found |= {(t.schema, t.name): "draft both at once" for t in database.tables() if t not in own}
        found |= database.apart()
    return found


def _guesses(databases: Sequence[LegacyDatabase], likely: Sequence[ForeignKey]) -> tuple[Guess, ...]:
    """Look whether columns that look like references hold values of the key that they would lead to, and no others."""
    values = dict.fromkeys(likely, 0)
    for database in databases:
        there = [key for key in values if _is_there(database, key)]
        for key in there:
            if database.find(*key.parent) is None:
                del values[key]
        asked = [key for key in there if key in values]
        for key, counts in zip(asked, database.orphans(asked), strict=True):
            if counts is None or counts[1]:
                del values[key]
            else:
                values[key] += counts[0]
    places = Counter((key.child, key.columns) for key in values)
    return tuple(Guess(key, n, is_only=places[key.child, key.columns] == 1) for key, n in values.items())


def _is_there(database: LegacyDatabase, key: ForeignKey) -> bool:
    """Say whether a source has the column of a foreign key."""
    child = database.find(*key.child)
    return child is not None and child.find(key.columns[0]) is not None


def _keyless(entries: Mapping[str, Mapping[str, Any]], subjects: Sequence[Subject]) -> Iterator[str]:
    """Name the entities without a key, and say where the table's own has too many columns."""
    keys = {(s.table.schema, s.table.name): len(s.table.key) for s in subjects}
    for name, fields in entries.items():
        columns = keys[fields["schema"], fields["table"]]
        if not fields["key"]:
            many = f" (a key of {columns} columns; at most {MAX_KEY_COLUMNS} are used)"
            yield f"{name}{many if columns > MAX_KEY_COLUMNS else ''}"


def _is_packaged(database: LegacyDatabase, packaged: Catalog) -> bool:
    """Say whether a source is of the packaged catalog: any may have a table `staff`, few have most of its tables."""
    named = [e for e in packaged.entities.values() if e.source == database.source.kind and e.derived_from is None]
    return 2 * sum(database.find(e.schema_name, e.table) is not None for e in named) > len(named)


def _chosen(database: LegacyDatabase, catalog: Catalog, names: Sequence[str]) -> list[SourceTable]:
    """List the tables of one source that are to be drafted: those named, or all that have no entry."""
    described: list[Entity | Waived] = [*catalog.entities.values(), *catalog.waived.values()]
    named = {id(database.find(e.schema_name, e.table)) for e in described if e.source == database.source.kind}
    free = [t for t in database.tables() if id(t) not in named]
    if not names:
        return [t for t in free if (t.schema, t.name) not in database.apart()]
    found = []
    for name in names:
        fitting = [t for t in database.tables() if name in _names(t)]
        fitting = fitting or [t for t in database.tables() if name.lower() in map(str.lower, _names(t))]
        if len(fitting) > 1:
            raise SourceDrift(
                f"more than one table is named {name}",
                where=f"source {database.source.id}",
                remedy="name it as schema.Table",
            )
        if fitting and fitting[0] not in free:
            raise SourceDrift(f"table {name} has an entry already", where=f"source {database.source.id}")
        found += fitting
    return found


def _demand(
    names: Sequence[str], databases: Sequence[LegacyDatabase], chosen: Sequence[Collection[SourceTable]]
) -> None:
    """Check that each table named is in one source at least."""
    there = {name.lower() for tables in chosen for table in tables for name in _names(table)}
    where = f"source {', '.join(database.source.id for database in databases)}"
    for name in names:
        if name.lower() in there:
            continue
        for database in databases:
            for (schema, table), why in database.apart().items():
                if name in (table, f"{schema}.{table}"):
                    raise SourceDrift(f"table {name} cannot be described", where=where, got=why)
        raise SourceDrift(f"no table is named {name}", where=where, remedy="name it as Table or schema.Table")


def _names(table: SourceTable) -> tuple[str, str]:
    return table.name, f"{table.schema}.{table.name}"


def _subjects(database: LegacyDatabase, tables: Sequence[SourceTable]) -> tuple[list[Subject], dict[TablePlace, str]]:
    """Look at tables; give those that can be read, and the others with the reason why not."""
    found, unreadable = list[Subject](), database.unreadable(tables)
    for table in tables:
        if (table.schema, table.name) not in unreadable:
            try:
                found.append(_subject(database, table))
            except SourceUnreachable:
                raise
            except SourceError as error:
                unreadable[table.schema, table.name] = error.what
    return found, unreadable


def _subject(database: LegacyDatabase, table: SourceTable) -> Subject:
    has_key = bool(table.key) and database.keyless_rows(table, table.key) == 0
    if not FACTS[database.source.engine].is_loose:
        return Subject(table, has_key)
    storage = database.storage(table)
    # It lets a key hold anything; only integers and text are keys here.
    has_key = has_key and all(storage[c] <= {"integer"} or storage[c] <= {"text"} for c in table.key)
    return Subject(table, has_key, storage)


def _with_key_everywhere(subject: Subject, databases: Sequence[LegacyDatabase]) -> Subject:
    """Look at the sources that do not declare a key which others do: no key of theirs may be NULL."""
    for database in databases if subject.has_key else ():
        table = database.find(subject.table.schema, subject.table.name)
        if table is not None and not table.key and database.keyless_rows(table, subject.table.key):
            return replace(subject, has_key=False)
    return subject


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
            shutil.copy(packaged_catalog() / INSTALLATION_FILE, made)
        file = made / f"{service}.toml"
        before = file.read_text(encoding="utf-8") if file.exists() else _HEADING
        before = before if before.startswith(DIRECTIVE) else f"{DIRECTIVE}\n{before}"
        file.write_text(before.rstrip("\n") + "\n" + text, encoding="utf-8")
        try:
            load_catalog(made)
        except CatalogProblem as error:
            raise CatalogError(
                str(error),
                where="the entries drafted",
                remedy="write that entry by hand in the catalog, and draft the others with --table",
            ) from None
        directory.mkdir(parents=True, exist_ok=True)
        for written in made.glob("*.toml"):
            shutil.copy(written, directory / written.name)
        write_beside(directory)
    return directory / f"{service}.toml"


_HEADING = """\
# Drafted from a database's own description: every column by its declared type, references by its foreign keys.
# Read it, correct it, and take `reviewed = false` away: it then counts as agreed.
"""
