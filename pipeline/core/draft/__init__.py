"""Draft catalog entries from a database's own description, and write them as TOML. Pure: descriptions in, text out.

A draft says of every column what its declared type says and nothing more: no meaning of a day or a flag is guessed.
Invariant: a draft migrates as it stands; what cannot be read exactly is left out with its reason, where anybody sees
it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.core.draft.columns import MAX_COLUMNS, Subject, drafted_columns, renamed
from pipeline.core.draft.names import INDEXES, TABLE_BYTES, Names, is_plain, snake
from pipeline.core.draft.references import refer
from pipeline.core.sql.dialect import MAX_KEY_COLUMNS, ForeignKey, SourceTable
from schemas.types import Engine, parse_type

#: Types that are no keys: one sorts its values by their types, and others compare as what they are not shown as.
_NO_KEYS = ("sql_variant", "fixed double", "fixed double unsigned", "fixed float", "fixed float unsigned")


def entries(
    subjects: Sequence[Subject], foreign_keys: Iterable[ForeignKey], *, engine: Engine, service: str,
    taken: Collection[str] = (),
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Draft an entry for each table: entity name -> its fields, as a TOML file of the catalog has them.

    A table of which no column can be read gets none, nor does one of more columns than the target can have.

    Args:
        subjects: the tables.
        foreign_keys: those of the database; one to a table that is not among the subjects is left alone.
        engine: whose words the types are.
        service: the service that the entries belong to.
        taken: names of entities and target tables that other entries have.
    """
    names = Names(TABLE_BYTES, taken)
    targets = Names(TABLE_BYTES, {f"{n}{i}" for n in taken for i in ("", *INDEXES)}, INDEXES)
    by_place = {
        (s.table.schema, s.table.name): subject for s in subjects if (subject := _usable(s, engine)) is not None
    }
    entity_names = {place: names.give(_entity_name(subject.table)) for place, subject in by_place.items()}
    keys: dict[tuple[str, str], list[ForeignKey]] = {}
    for foreign_key in foreign_keys:
        keys.setdefault(foreign_key.child, []).append(foreign_key)
    found = {}
    for place, subject in by_place.items():
        table = subject.table
        key = list(table.key) if subject.has_key else []
        columns = dict(drafted_columns(subject, engine))
        usable = [k for k in keys.get(place, ()) if k.parent in by_place]
        refer(columns, subject, key, usable, by_place, {p: f"{service}.{n}" for p, n in entity_names.items()}, engine)
        found[entity_names[place]] = {
            "source": "district",
            "schema": table.schema,
            "table": table.name,
            "engine": engine,
            "reviewed": False,
            "key": key,
            "target": targets.give(snake(entity_names[place])),
            "columns": columns,
        }
    return found


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
