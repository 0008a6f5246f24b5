"""References of a draft: what foreign keys become, where equal values have one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.draft.columns import RESERVED, Subject, drafted_columns
from pipeline.core.draft.names import COLUMN_BYTES, Names, snake
from pipeline.core.sql.dialect import ForeignKey
from schemas.types import Engine, legacy_type, written_alike

#: What an entry says of values, which a reference has none of.
_OF_VALUES = ("convert", "finer", "unreadable", "absent")
#: Types whose values come padded to the length declared, or without any padding.
_PADDED = ("character", "bpchar", "char", "nchar", "binary")


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
        is_plain = (
            ours[0] not in key and used.count(ours[0]) == 1 and _one_text(columns, ours[0], parent, theirs[0], engine)
        )
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
    """Say whether equal values have equal raw text on both sides, once it is folded as the source compares."""
    drafted = dict(drafted_columns(parent, engine))
    pairs = ((columns[our], drafted[their]) for our, their in zip(ours, theirs, strict=True))
    return all(
        not {"excluded"} & {*left, *right} and written_alike(left["type"], right["type"], engine)
        for left, right in pairs
    )


def _one_text(columns: Mapping[str, Mapping[str, Any]], our: str, parent: Subject, their: str, engine: Engine) -> bool:
    """Say whether equal values have one text as they stand, unfolded: the source passes over no case and no blanks."""
    left, right = columns[our], dict(drafted_columns(parent, engine))[their]
    sql_type, known = legacy_type(left["type"], engine)
    if known.spelling != "collated":
        return True
    # SQLite compares as the parent's column collates, and tells only of columns that have an index how they do.
    if known.family == "text" and not (left.get("case_sensitive") and right.get("case_sensitive")):
        return False
    pads = any(side.get("pads", legacy_type(side["type"], engine)[1].pads) for side in (left, right))
    return not pads or (sql_type.base in _PADDED and left["type"] == right["type"])
