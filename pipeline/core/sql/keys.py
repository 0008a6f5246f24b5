"""DuckDB SQL for legacy keys, ids and matches: the twin of `pipeline.core.keys`. Text only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pipeline.core import fingerprint, frame, ids
from pipeline.core.conversion import is_listed_sql
from pipeline.core.keys import key_kind
from pipeline.core.quality import MOST_KEY_BYTES
from pipeline.core.sql.columns import KEY, SOURCE, TENANT, column
from pipeline.core.sql.ddl import quote
from pipeline.core.text import (
    at_fraction_sql,
    at_scale_sql,
    fold_email_sql,
    fold_identifier_sql,
    lowered_sql,
    quoted,
    trimmed_sql,
    unpadded_bytes_sql,
    unpadded_sql,
)
from schemas.catalog import MatchKey, folds, fraction, is_guid, pads, scale
from schemas.model import Entity
from schemas.parts import Alike

_ALIKE: Mapping[Alike, Callable[[str], str]] = {"search_key": fold_identifier_sql, "email": fold_email_sql}


def key_text(entity: Entity, columns: Iterable[str], constants: Mapping[str, str] | None = None) -> str:
    """Write a key of these columns, of which some may be the same in every row."""
    values = ((c, value(c, constants or {})) for c in columns)
    return ids.key_json_sql([(written(entity, c, sql), key_kind(entity, c)) for c, sql in values])


def value(name: str, constants: Mapping[str, str], alias: str = "") -> str:
    """Give a raw column; one that is the same in every row as what it is, which is worked upon once."""
    return quoted(constants[name]) if name in constants else f"{alias}{column(name)}"


def content_hash(entity: Entity, alias: str = "") -> str:
    """Hash what was read of a row."""
    return fingerprint.row_hash_sql([fingerprint.cell_sql(f"{alias}{column(c)}", "text") for c in entity.raw_columns])


def content_key(entity: Entity) -> str:
    """Name a row of a table without a key: by the hash of what was read of it, and its number among equal rows."""
    content = content_hash(entity)
    scrubbed = [f"coalesce({quote(frame.scrubbed(n))}, '')" for n, c in entity.raw_columns.items() if c.scrub]
    order = f" ORDER BY {', '.join(scrubbed)}" if scrubbed else ""
    number = f"row_number() OVER (PARTITION BY {SOURCE}, {content}{order})"
    return f"""concat('["', {content}, '",', {number}, ']')"""


def written(entity: Entity, column: str, value: str) -> str:
    """Write a value of a key column as keys have it: a GUID in lower case, decimals and times at their scale."""
    if is_guid(entity, column):
        return lowered_sql(value)
    if (digits := scale(entity, column)) is not None:
        return at_scale_sql(value, digits)
    digits = fraction(entity, column)
    return value if digits is None else at_fraction_sql(value, digits)


def compared(entity: Entity, column: str, value: str, *, exact: bool = False) -> str:
    """Write a value of a key column so that what the source holds for equal is equal; `exact` keeps case and blanks."""
    if exact:
        return written(entity, column, value)
    folded = ids.fold_sql(value, entity.engine) if folds(entity, column) else written(entity, column, value)
    if not pads(entity, column):
        return folded
    return unpadded_sql(folded) if entity.legacy_type(column)[1].family == "text" else unpadded_bytes_sql(folded)


def quarantined_key() -> str:
    """Give the key under which a rejected row is kept: as it is, or its beginning and hash where it is too long."""
    short = f"concat(substr({KEY}, 1, 100), '... ', {fingerprint.row_hash_sql([KEY])})"
    return f"CASE WHEN strlen({KEY}) > {MOST_KEY_BYTES} THEN {short} ELSE {KEY} END"


def row_id(entity: Entity, piece: str = "") -> str:
    """Give the id of a row, or of a further row (`#table/part`) made from it."""
    return ids.uuid5_sql(entity.namespace, row_name(entity, piece=piece))


def row_name(entity: Entity, alias: str = "", *, piece: str = "") -> str:
    """Name a row; of a family by the table that it is in and its key there."""
    key, table = f"{alias}{KEY}", None
    if entity.family is not None:
        named_in, *own = entity.key
        parts = [(written(entity, c, f"{alias}{column(c)}"), key_kind(entity, c)) for c in own]
        key, table = ids.key_json_sql(parts), f"{alias}{column(named_in)}"
    return ids.row_name_sql(f"{alias}{TENANT}", entity.path, key, piece=piece, table=table)


def comparable(entity: Entity, column: str, value: str, alike: Alike | None) -> str:
    """Write a value so that two can be held against each other; NULL where it is blank."""
    text = compared(entity, column, value) if alike is None else _ALIKE[alike](value)
    return f"(CASE WHEN ({trimmed_sql(text)}) <> '' THEN {text} END)"


def without_absent(entity: Entity, column: str, value: str) -> str:
    """Take what a column calls absent for NULL; of what becomes a moment also where its day is listed."""
    absent = entity.columns[column].absent
    if not absent:
        return value
    is_absent = is_listed_sql(value, absent)
    if entity.is_moment(column):
        is_absent = f"({is_absent} OR {is_listed_sql(f'left({value}, 10)', absent)})"
    return f"(CASE WHEN NOT {is_absent} THEN {value} END)"


def match_text(parent: Entity, key: MatchKey, values: list[str]) -> str:
    """Give the text by which a row of `parent` is found, from the SQL of the values of its key."""
    texts = [compared(parent, c, v, exact=key.exact) for c, v in zip(key.columns, values, strict=True)]
    if key.last is not None:
        last = without_absent(parent, key.columns[-1], values[-1])
        texts[-1] = comparable(parent, key.columns[-1], last, None if key.last == "text" else key.last)
    return ids.key_json_sql([(t, key_kind(parent, c)) for c, t in zip(key.columns, texts, strict=True)])
