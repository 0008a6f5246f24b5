"""Draft catalog entries from a database's own description, and write them as TOML. Pure: descriptions in, text out.

A draft says of every column what its declared type says and nothing more: no meaning of a day or a flag is guessed.
Invariant: a draft migrates as it stands; what cannot be read exactly is left out with its reason, where anybody sees
it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.core.sql.dialect import MAX_KEY_COLUMNS, ForeignKey, SourceColumn, SourceTable
from schemas.checks import unusable_name
from schemas.model import BASE_COLUMNS
from schemas.types import Engine, SqlType, UnknownType, legacy_type, parse_type

_WORD = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
#: PostgreSQL cuts names at 63 bytes; a table's also begin those of its indexes, which no other table may have.
_TABLE_LENGTH, _COLUMN_LENGTH = 48, 63
_INDEXES = ("_tenant", "_pkey")
#: PostgreSQL's limit, our own columns among them.
_MAX_COLUMNS = 1600 - len(BASE_COLUMNS) - 2
_RESERVED = frozenset(
    {*BASE_COLUMNS, "created_at_basis", "deleted_at_basis", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
)
_ZERO_DAY = "0000-00-00"
#: What an entry says of values, which a reference has none of.
_OF_VALUES = ("convert", "finer", "unreadable", "absent")
_MOMENTS = ("day", "moment", "utc")
#: SQL Server's types of a hundred nanoseconds.
_FINE = ("time", "datetime2", "datetimeoffset")
#: Types that are no keys: one sorts its values by their types, and others compare as what they are not shown as.
_NO_KEYS = ("sql_variant", "fixed double", "fixed double unsigned", "fixed float", "fixed float unsigned")
#: Types whose equal values are written in more than one way.
_MANY_FORMS = ("interval",)
#: Texts that come padded to their length, and those that come as they are; of MySQL the first come so, too.
_PADDED = ("character", "bpchar", "char", "nchar", "binary")
_AS_THEY_ARE = (
    "varchar", "nvarchar", "sysname", "text", "ntext", "character varying", "citext", "tinytext", "mediumtext",
    "longtext",
)  # fmt: skip


@dataclass(slots=True)
class Names:
    """Hands out names that are unique, whatever their case."""

    length: int
    taken: set[str] = field(default_factory=set)
    #: What is taken, with the name itself, behind each name.
    suffixes: tuple[str, ...] = ()

    def give(self, wanted: str) -> str:
        """Give the name wanted, or with a number behind it the first that is free."""
        name, number = wanted[: self.length], 1
        while self.taken & (all_of_it := {f"{name}{suffix}".lower() for suffix in ("", *self.suffixes)}):
            number += 1
            name = f"{wanted[: self.length - 5]}_{number}"
        self.taken |= all_of_it
        return name


@dataclass(frozen=True, slots=True)
class Subject:
    """A table to draft an entry of."""

    table: SourceTable
    #: Does every row have a key by its primary key?
    has_key: bool
    #: Of a SQLite table: column -> how its values are stored.
    storage: Mapping[str, Collection[str]] = field(default_factory=dict)


def snake(name: str) -> str:
    """Write a name in lower case with underscores, its letters outside of ASCII left out."""
    words = _WORD.findall(_HUMP.sub("_", name))
    made = "_".join(words).lower() or "unnamed"
    return made if made[0].isalpha() else f"n_{made}"


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
    before = {name.lower() for name in taken}
    names = Names(_TABLE_LENGTH, set(before))
    targets = Names(_TABLE_LENGTH, before | {f"{n}{i}" for n in before for i in _INDEXES}, _INDEXES)
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
        columns = dict(_columns(subject, engine))
        usable = [k for k in keys.get(place, ()) if k.parent in by_place]
        _refer(columns, subject, key, usable, by_place, {p: f"{service}.{n}" for p, n in entity_names.items()}, engine)
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


def to_toml(drafted: Mapping[str, Mapping[str, Any]]) -> str:
    """Write entries as the catalog's files are written: a table each, one column a line."""
    lines: list[str] = []
    for name, fields in drafted.items():
        lines += ["", f"[{_key(name)}]"]
        lines += [f"{_key(k)} = {_value(v)}" for k, v in fields.items() if k != "columns"]
        lines += ["", f"[{_key(name)}.columns]"]
        lines += [f"{_key(column)} = {_value(entry)}" for column, entry in fields["columns"].items()]
    return "\n".join(lines) + "\n"


def _entity_name(table: SourceTable) -> str:
    name = table.name if _PLAIN.fullmatch(table.name) else snake(table.name)
    return name if len(name) <= _TABLE_LENGTH else snake(name)


def _usable(subject: Subject, engine: Engine) -> Subject | None:
    """Call columns as an entry can, or give nothing where none can be read, or too many.

    A key of which a column cannot be read, sorted or compared is none.
    """
    subject = replace(subject, table=_renamed(subject.table))
    columns, key = dict(_columns(subject, engine)), subject.table.key
    if not 0 < sum("excluded" not in column for column in columns.values()) <= _MAX_COLUMNS:
        return None
    is_usable = len(key) <= MAX_KEY_COLUMNS and not any(
        "excluded" in columns[name] or parse_type(columns[name]["type"]).base in _NO_KEYS for name in key
    )
    return replace(subject, has_key=subject.has_key and is_usable)


def _renamed(table: SourceTable) -> SourceTable:
    """Call columns otherwise whose own names cannot stand in a staged file."""
    names, before, called = Names(_COLUMN_LENGTH, {c.name.lower() for c in table.columns}), list[str](), {}
    for column in table.columns:
        if unusable_name(column.name, before):
            called[names.give(snake(column.name))] = column.name
        else:
            before.append(column.name)
    return table.spelled(called)


def _columns(subject: Subject, engine: Engine) -> Iterator[tuple[str, dict[str, Any]]]:
    names = Names(_COLUMN_LENGTH, set(_RESERVED))
    for column in subject.table.columns:
        declared = _stored_type(subject, column) if engine == "sqlite" else column.declared_type
        try:
            sql_type, known = legacy_type(declared, engine)
        except UnknownType as error:
            yield column.called, {"type": declared or "(none)", "excluded": str(error).partition(" (")[0]}
            continue
        wanted = snake(column.name)
        to = names.give(wanted if wanted not in _RESERVED else f"source_{wanted}")
        entry: dict[str, Any] = {"type": str(sql_type), "to": to}
        if column.known_as is not None:
            entry["column"] = column.name
        if known.family == "moment":
            entry["convert"] = "moment"
        if engine == "mssql" and sql_type.base in _FINE and sql_type.args in ((), (7,)):
            entry["finer"] = "keep"
        if engine in ("mysql", "postgresql") and known.family in _MOMENTS:
            entry["unreadable"] = "keep"  # days of no month, and of years before 1 or after 9999
        if absent := _absent(engine, known.family, known.pg_type, sql_type):
            entry["absent"] = absent
        if known.family == "text" and column.case_sensitive:
            entry["case_sensitive"] = True
        if known.lacks is not None:
            entry["note"] = f"Without {known.lacks}."
        yield column.called, entry


def _stored_type(subject: Subject, column: SourceColumn) -> str:
    """Name the type that all values of a SQLite column have; text holds any mixture but one with bytes."""
    kinds = set(subject.storage.get(column.name, ())) - {"null"}
    if len(kinds) == 1:
        return kinds.pop()
    if "blob" in kinds:
        return "a mixture of bytes and others"
    return "text"


def _absent(engine: Engine, family: str, pg_type: str | None, sql_type: SqlType) -> list[str]:
    """List what the source writes where it has no value of the type."""
    if engine == "mysql" and family in _MOMENTS:
        digits = sql_type.args[0] if sql_type.args and sql_type.base != "date" else 0
        return [_ZERO_DAY if family == "day" else f"{_ZERO_DAY} 00:00:00" + (f".{'0' * digits}" if digits else "")] + (
            [f"{_ZERO_DAY} 00:00:00"] if family == "utc" and digits else []
        )
    if engine == "postgresql" and family in _MOMENTS:
        return ["infinity", "-infinity"]
    if engine == "postgresql" and family == "clock":
        return ["24:00:00"]  # the end of the day, which no other type of time has
    if engine == "postgresql" and pg_type == "numeric" and sql_type.args:
        return ["NaN"]
    return []


def _refer(
    columns: dict[str, dict[str, Any]],
    subject: Subject,
    key: Sequence[str],
    foreign_keys: Sequence[ForeignKey],
    parents: Mapping[tuple[str, str], Subject],
    entities: Mapping[tuple[str, str], str],
    engine: Engine,
) -> None:
    """Turn columns of foreign keys into references: in their own place, or beside it where they mean more than that."""
    used = [subject.table.column(c).called for k in foreign_keys for c in k.columns]
    names = Names(_COLUMN_LENGTH, {*_RESERVED, *(c["to"].lower() for c in columns.values() if "to" in c)})
    for foreign_key in foreign_keys:
        parent = parents[foreign_key.parent]
        theirs = tuple(parent.table.column(c).called for c in foreign_key.parent_columns if c) or parent.table.key
        ours = tuple(subject.table.column(c).called for c in foreign_key.columns)
        own_key = parent.has_key and theirs == parent.table.key
        if len(theirs) != len(ours) or not _same_form(columns, ours, parent, theirs, engine):
            continue
        reference: dict[str, Any] = {"references": entities[foreign_key.parent]}
        if not own_key:
            reference["by"] = list(theirs)
        # Where case does not count, the parent's spelling is not the child's, which is kept in a column of its own.
        is_plain = ours[0] not in key and used.count(ours[0]) == 1 and not _folds(columns[ours[0]], engine)
        if len(ours) == 1 and is_plain:
            column = columns[ours[0]]
            columns[ours[0]] = {k: v for k, v in column.items() if k not in _OF_VALUES} | reference
            continue
        name = Names(10_000, {c.lower() for c in columns}).give(f"-> {foreign_key.name}")
        to = names.give(f"{snake('_'.join(ours))}_ref")
        columns[name] = {"type": columns[ours[0]]["type"], "to": to, **reference, "using": list(ours)}


def _same_form(
    columns: Mapping[str, Mapping[str, Any]],
    ours: Sequence[str],
    parent: Subject,
    theirs: Sequence[str],
    engine: Engine,
) -> bool:
    """Say whether equal values have equal raw text on both sides."""
    drafted = dict(_columns(parent, engine))
    pairs = ((columns[our], drafted[their]) for our, their in zip(ours, theirs, strict=True))
    return all(
        not {"excluded"} & {*left, *right} and _form(left, engine) == _form(right, engine) is not None
        for left, right in pairs
    )


def _form(column: Mapping[str, Any], engine: Engine) -> tuple[object, ...] | None:
    """Describe how the raw text of a column is written; None where one value may be written in several ways."""
    sql_type, known = legacy_type(column["type"], engine)
    match known.family:
        case "decimal":  # a column of no declared scale holds 1 and 1.0
            return ("decimal", *sql_type.args[1:]) if sql_type.args else None
        case "moment" | "utc" | "instant" | "clock" | "float":
            return sql_type.base, sql_type.args
        case "text" | "binary":
            if engine != "mysql" and sql_type.base in _PADDED:
                return known.family, sql_type.args
            if sql_type.base in _MANY_FORMS:
                return None
            is_plain = sql_type.base in (*_AS_THEY_ARE, *_PADDED)
            return known.family, "as it is" if is_plain or known.family == "binary" else sql_type.base
    return (known.family,)


def _folds(column: Mapping[str, Any], engine: Engine) -> bool:
    return not column.get("case_sensitive") and legacy_type(column["type"], engine)[1].family == "text"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())} }}"
    raise TypeError(f"{type(value).__name__} is not written")
