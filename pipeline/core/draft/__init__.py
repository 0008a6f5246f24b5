"""Draft catalog entries from a database's own description, and write them as TOML. Pure: descriptions in, text out.

A draft says of every column what its declared type says and nothing more: no meaning of a day or a flag is guessed.
Invariant: a draft migrates as it stands; what cannot be read exactly is left out with its reason, where anybody sees
it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pipeline.core.draft.columns import MAX_COLUMNS, Subject, drafted_columns, renamed
from pipeline.core.draft.guesses import Guess, likely
from pipeline.core.draft.names import INDEXES, TABLE_BYTES, Names, is_plain, snake
from pipeline.core.draft.references import NotTaken, Parent, TablePlace, called, drafted_parent, refer, typed_by_parents
from pipeline.core.draft.tenants import NO_TENANT, Home, tenant_rules
from pipeline.core.sql.dialect import MAX_KEY_COLUMNS
from pipeline.core.sql.source import ForeignKey, SourceTable
from schemas.engines import FACTS, Engine
from schemas.model import STAGED
from schemas.types import parse_type

NO_COLUMNS = "none of its columns can be read, or they are more than a table of PostgreSQL has"
#: Types that are no keys: one sorts its values by their types, and others compare as what they are not shown as.
_NO_KEYS = ("sql_variant", "fixed double", "fixed double unsigned", "fixed float", "fixed float unsigned")


@dataclass(frozen=True, slots=True)
class Draft:
    """Entries as a TOML file of the catalog has them, and what became none."""

    #: Entity name -> its fields.
    entries: dict[str, dict[str, Any]]
    not_taken: tuple[NotTaken, ...]
    #: What may be a reference, by its name and type, and is declared as none.
    likely: tuple[ForeignKey, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was written, and where."""

    #: The path of the file.
    path: str
    #: Names of the entities.
    entities: tuple[str, ...]
    keyless: tuple[str, ...]
    #: What is left out: entity or table, column (none: all of it), reason.
    left_out: tuple[tuple[str, str, str], ...]
    not_taken: tuple[NotTaken, ...]
    guesses: tuple[Guess, ...]
    #: Where the sources do not agree.
    differences: tuple[str, ...] = ()


def entries(
    subjects: Sequence[Subject],
    foreign_keys: Sequence[ForeignKey],
    *,
    engine: Engine,
    service: str,
    home: Home,
    taken: Collection[str] = (),
    there: Mapping[TablePlace, Parent] = MappingProxyType({}),
    without: Mapping[TablePlace, str] = MappingProxyType({}),
) -> Draft:
    """Draft an entry for each table.

    A table of which no column can be read gets none, nor does one of more columns than the target can have.

    Args:
        subjects: the tables.
        foreign_keys: those of the database.
        engine: whose words the types are.
        service: the service that the entries belong to.
        home: whose the rows are.
        taken: names of entities and target tables that other entries have.
        there: entries that there are already.
        without: other tables -> why they have none.
    """
    names = Names(TABLE_BYTES, taken)
    targets = Names(TABLE_BYTES, {*STAGED, *(f"{n}{i}" for n in taken for i in ("", *INDEXES))}, INDEXES)
    by_place = {
        (s.table.schema, s.table.name): subject for s in subjects if (subject := _usable(s, engine)) is not None
    }
    without = {(s.table.schema, s.table.name): NO_COLUMNS for s in subjects} | dict(without)
    entity_names = {place: names.give(_entity_name(subject.table)) for place, subject in by_place.items()}
    rules: Mapping[TablePlace, dict[str, Any]] = {}
    if home.is_shared:
        known = {p: f"{service}.{name}" for p, name in entity_names.items()} | {p: e.entity for p, e in there.items()}
        keys = {p: s.table.key for p, s in by_place.items()} | {p: e.key for p, e in there.items()}
        rules = tenant_rules(home, known, keys, foreign_keys)
        without |= {place: NO_TENANT for place in by_place if place not in rules}
        by_place = {place: subject for place, subject in by_place.items() if place in rules}
    if FACTS[engine].is_loose:
        by_place = {place: typed_by_parents(s, foreign_keys, by_place, there) for place, s in by_place.items()}
    drafted = {p: drafted_parent(s, f"{service}.{entity_names[p]}", engine) for p, s in by_place.items()}
    parents = {**there, **drafted}
    not_taken, found = list[NotTaken](), dict[str, dict[str, Any]]()
    for place, child in drafted.items():
        table, columns = by_place[place].table, {name: dict(fields) for name, fields in child.columns.items()}
        not_taken += refer(columns, child, [k for k in foreign_keys if k.child == place], parents, without)
        found[entity_names[place]] = {
            "source": home.kind,
            "schema": table.schema,
            "table": table.name,
            "engine": engine,
            "reviewed": False,
            **({"optional": True} if by_place[place].is_optional else {}),
            "key": list(child.key),
            **rules.get(place, {}),
            "target": targets.give(snake(entity_names[place])),
            "columns": columns,
        }
    not_taken += _of_others(foreign_keys, there, drafted, without)
    referring = {
        (place, column)
        for place in drafted
        for own, fields in found[entity_names[place]]["columns"].items()
        if "references" in fields
        for column in fields.get("using", [own])
    }
    of_others = {(place, column) for place, p in there.items() for columns, _ in p.references for column in columns}
    guesses = [*likely(drafted, parents, referring)]
    for key in likely(there, drafted, of_others):
        guesses.append(replace(key, hindrance=_by_hand(there[key.child], drafted[key.parent])))
    return Draft(found, tuple(not_taken), tuple(guesses))


def _of_others(
    foreign_keys: Iterable[ForeignKey],
    there: Mapping[TablePlace, Parent],
    drafted: Mapping[TablePlace, Parent],
    without: Mapping[TablePlace, str],
) -> Iterator[NotTaken]:
    """Name the foreign keys of tables that are not drafted, where they lead to one that is."""
    for key in foreign_keys:
        child, parent = there.get(key.child), drafted.get(key.parent)
        if key.child in drafted or key.elsewhere:
            continue
        if child is not None and parent is not None:
            ours = tuple(called(child, column) for column in key.columns)
            if (ours, parent.entity) not in child.references:
                yield NotTaken(key, _by_hand(child, parent))
        elif child is None and key.child not in without:
            yield NotTaken(key, "it is declared of a part of a table, not of the whole")


def _by_hand(child: Parent, parent: Parent) -> str:
    return f'{child.entity} has an entry already: write references = "{parent.entity}" there'


def left_out(drafted: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Name the columns that a draft leaves out: entity, column, reason."""
    for entity, fields in drafted.items():
        for name, column in fields["columns"].items():
            if "excluded" in column:
                yield entity, name, column["excluded"]


def _entity_name(table: SourceTable) -> str:
    name = unicodedata.normalize("NFC", table.name)
    return name if is_plain(name) and len(name.encode()) <= TABLE_BYTES else snake(name)


def _usable(subject: Subject, engine: Engine) -> Subject | None:
    """Call columns as an entry can, or give nothing where none can be read, or too many.

    A key of which a column cannot be read, sorted or compared is none.
    """
    subject = replace(subject, table=renamed(subject.table))
    columns, key = dict(drafted_columns(subject, engine)), subject.table.key
    if not 0 < sum("excluded" not in column for column in columns.values()) <= MAX_COLUMNS:
        return None
    is_usable = len(key) <= MAX_KEY_COLUMNS and not any(
        "excluded" in columns[name] or parse_type(columns[name]["type"]).base in _NO_KEYS for name in key
    )
    return replace(subject, has_key=subject.has_key and is_usable)
