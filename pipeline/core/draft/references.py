"""References of a draft: what foreign keys become, where equal values have one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.draft.columns import RESERVED, Subject, drafted_columns
from pipeline.core.draft.names import COLUMN_BYTES, Names, snake
from pipeline.core.sql.dialect import ForeignKey
from schemas.types import Engine, legacy_type

#: What an entry says of values, which a reference has none of.
_OF_VALUES = ("convert", "finer", "unreadable", "absent")
#: Types whose equal values are written in more than one way.
_MANY_FORMS = ("interval",)
#: Texts that come padded to their length, and those that come as they are; of MySQL the first come so, too.
_PADDED = ("character", "bpchar", "char", "nchar", "binary")
_AS_THEY_ARE = (
    "varchar", "nvarchar", "sysname", "text", "ntext", "character varying", "citext", "tinytext", "mediumtext",
    "longtext",
)  # fmt: skip


def refer(
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
    names = Names(COLUMN_BYTES, {*RESERVED, *(c["to"] for c in columns.values() if "to" in c)})
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
        name = Names(10_000, columns).give(f"-> {foreign_key.name}")
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
    drafted = dict(drafted_columns(parent, engine))
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
