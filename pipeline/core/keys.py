"""Legacy keys: how a row names itself, and by what text another row finds it.

Pure expressions over raw columns. Invariant: two rows of one entity and tenant have equal keys only if the
source holds them for equal; text keys fold for finding, and keep the parent's own spelling in ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import polars as pl

from pipeline.core import fingerprint, frame, ids
from pipeline.core.conversion import is_listed
from pipeline.core.frame import AMBIGUOUS, FOUND, KEY, MATCH, NEW_ID, ORDINAL, TENANT, UNFIT
from pipeline.core.quality import MOST_KEY_BYTES
from pipeline.core.text import (
    at_fraction,
    at_scale,
    fold_email,
    fold_identifier,
    lowered,
    trimmed,
    unpadded,
    unpadded_bytes,
)
from schemas.catalog import Catalog, MatchKey, folds, fraction, is_guid, pads, scale
from schemas.model import Entity
from schemas.parts import Alike

_ALIKE: Mapping[Alike, Callable[[pl.Expr], pl.Expr]] = {"search_key": fold_identifier, "email": fold_email}
#: Of a key that is too long, this much is shown.
_SHOWN_LENGTH = 100

#: Columns of a parent's living rows as children join with them.
LIVING: Mapping[str, type[pl.DataType]] = {
    TENANT: pl.String,
    MATCH: pl.String,
    FOUND: pl.String,
    AMBIGUOUS: pl.Boolean,
}
#: Living rows of a parent by one of its keys, with the columns of LIVING.
Parents = Mapping[tuple[str, MatchKey], pl.LazyFrame]


def key_kind(entity: Entity, column: str) -> ids.KeyKind:
    """Say how a key column is written in a key: as a number or as text."""
    return "int" if entity.legacy_type(column)[1].family == "integer" else "text"


def with_key(
    raw: pl.LazyFrame, entity: Entity, *, ordinal: pl.Expr | None = None, apart: Iterable[str] = ()
) -> pl.LazyFrame:
    """Add the entry's constants and each row's legacy key.

    Args:
        raw: the rows; of a table without a key all that are equal, as it takes them all to number them.
        ordinal: gives ORDINAL; none where no two rows have one key.
        apart: columns that tell sources apart, whose rows are numbered by themselves; none where all are of one.
    """
    lf = raw.with_columns(_constants(entity))
    key = key_text(entity, entity.key) if entity.key else _content_key(entity, apart)
    return lf.with_columns(key.alias(KEY), (pl.lit(0, pl.Int32) if ordinal is None else ordinal).alias(ORDINAL))


def doubled(keys: pl.LazyFrame, entity: Entity) -> pl.LazyFrame:
    """List the texts by which several rows of a source are found: column MATCH.

    Args:
        keys: the key's columns of all its rows.
    """
    match = _own_match(entity).alias(MATCH)
    found = keys.with_columns(_constants(entity)).group_by(match).agg((pl.len() > 1).alias(AMBIGUOUS))
    return found.filter(AMBIGUOUS).select(MATCH)


def of_doubled(raw: pl.LazyFrame, entity: Entity, matches: pl.LazyFrame) -> pl.LazyFrame:
    """Take the rows that have one of the doubled keys."""
    lf = raw.with_columns(_constants(entity)).with_columns(_own_match(entity).alias(MATCH))
    return lf.join(matches, on=MATCH, how="semi").drop(MATCH)


def numbered(rows: pl.LazyFrame, entity: Entity) -> pl.LazyFrame:
    """Add to the rows of doubled keys their ORDINAL: in the order of the hashes of what was read of them."""
    order = [content_hash(entity)]
    # Rows that were read alike differ in these alone, or not at all.
    order += [pl.col(c).fill_null("") for c in (UNFIT, *scrubbed_flags(entity))]
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(KEY, order_by=order)
    return with_key(rows, entity).with_columns(number.alias(ORDINAL))


def content_hash(entity: Entity) -> pl.Expr:
    """Hash what was read of a row."""
    return fingerprint.row_hash([fingerprint.cell(pl.col(frame.column(c)), "text") for c in entity.raw_columns])


def _constants(entity: Entity) -> Iterator[pl.Expr]:
    for name, value in entity.constants.items():
        yield pl.lit(value).alias(frame.column(name))


def _own_match(entity: Entity) -> pl.Expr:
    return match_text(entity, MatchKey(entity.key), using=entity.key)


def scrubbed_flags(entity: Entity) -> list[str]:
    """Name the raw columns that say where a scrub changed something."""
    return [frame.scrubbed(n) for n, c in entity.raw_columns.items() if c.scrub]


def quarantined_key() -> pl.Expr:
    """Give the key under which a rejected row is kept: as it is, or its beginning and hash where it is too long."""
    short = pl.concat_str(pl.col(KEY).str.slice(0, _SHOWN_LENGTH), pl.lit("... "), fingerprint.row_hash([pl.col(KEY)]))
    return pl.when(pl.col(KEY).str.len_bytes() > MOST_KEY_BYTES).then(short).otherwise(pl.col(KEY))


def key_text(entity: Entity, columns: Iterable[str]) -> pl.Expr:
    """Write a key of these columns."""
    return ids.key_json([(written(entity, c, pl.col(frame.column(c))), key_kind(entity, c)) for c in columns])


def _content_key(entity: Entity, apart: Iterable[str]) -> pl.Expr:
    """Name a row of a table without a key: by the hash of what was read of it, and its number among equal rows."""
    content = content_hash(entity)
    # Of texts that are equal once they are clean, which one a scrub has changed decides who gets the finding.
    scrubbed = [pl.col(c).fill_null("") for c in scrubbed_flags(entity)]
    number = pl.int_range(1, pl.len() + 1).over(*apart, content, order_by=scrubbed or None)
    return pl.concat_str(pl.lit('["'), content, pl.lit('",'), number.cast(pl.String), pl.lit("]"))


def written(entity: Entity, column: str, value: pl.Expr) -> pl.Expr:
    """Write a value of a key column as keys have it: a GUID in lower case, decimals and times at their scale."""
    if is_guid(entity, column):
        return lowered(value)
    if (digits := scale(entity, column)) is not None:
        return at_scale(value, digits)
    digits = fraction(entity, column)
    return value if digits is None else at_fraction(value, digits)


def compared(entity: Entity, column: str, value: pl.Expr, *, exact: bool = False) -> pl.Expr:
    """Write a value of a key column so that what the source holds for equal is equal; `exact` keeps case and blanks."""
    if exact:
        return written(entity, column, value)
    folded = ids.fold(value, entity.engine) if folds(entity, column) else written(entity, column, value)
    if not pads(entity, column):
        return folded
    return unpadded(folded) if entity.legacy_type(column)[1].family == "text" else unpadded_bytes(folded)


def comparable(entity: Entity, column: str, value: pl.Expr, alike: Alike | None) -> pl.Expr:
    """Write a value so that two can be held against each other; null where it is blank."""
    text = compared(entity, column, value) if alike is None else _ALIKE[alike](value)
    return pl.when(trimmed(text) != "").then(text)


def without_absent(entity: Entity, column: str, value: pl.Expr) -> pl.Expr:
    """Take what a column calls absent for null; of what becomes a moment also where its day is listed."""
    absent = entity.columns[column].absent
    if not absent:
        return value
    is_absent = is_listed(value, absent)
    if entity.is_moment(column):
        is_absent |= is_listed(value.str.slice(0, 10), absent)
    return pl.when(~is_absent).then(value)


def match_text(entity: Entity, key: MatchKey, *, using: tuple[str | None, ...]) -> pl.Expr:
    """Give the text by which a parent's row is found, made from the columns `using` of another row.

    Args:
        entity: the parent, whose columns decide what folds.
        key: the parent's key.
        using: the columns of the referring row that hold it, in the key's order; None where it is null.
    """
    values = [pl.lit(None, pl.String) if c is None else pl.col(frame.column(c)) for c in using]
    texts = [compared(entity, c, v, exact=key.exact) for c, v in zip(key.columns, values, strict=True)]
    if key.last is not None:
        last = without_absent(entity, key.columns[-1], values[-1])
        texts[-1] = comparable(entity, key.columns[-1], last, None if key.last == "text" else key.last)
    return ids.key_json([(text, key_kind(entity, c)) for c, text in zip(key.columns, texts, strict=True)])


def keys_of(tagged: pl.LazyFrame, entity: Entity, catalog: Catalog) -> pl.LazyFrame:
    """List the rows of an entity by every key that others find them by, with the id each would get.

    Columns: TENANT, KEY, NEW_ID and the catalog's match keys in their order.
    """
    return tagged.select(
        TENANT,
        KEY,
        row_id(entity).alias(NEW_ID),
        *match_columns(entity, catalog),
    )


def living(keys: pl.LazyFrame, index: int, *, own: bool) -> pl.LazyFrame:
    """Turn an id map into what children join with: one row a (tenant, match), the lowest key winning (H16).

    Args:
        own: whether it is the rows' own key that they are found by, so that no two have the same.
    """
    columns = keys.select(TENANT, pl.col(frame.match(index)).alias(MATCH), KEY, pl.col(NEW_ID).alias(FOUND))
    if own:
        return columns.select(TENANT, MATCH, FOUND, pl.lit(False).alias(AMBIGUOUS))
    # Shortest key text first, then by its bytes: for numbers that is their order.
    return (
        columns.sort(pl.col(KEY).str.len_bytes(), KEY)
        .group_by(TENANT, MATCH, maintain_order=True)
        .agg(pl.col(FOUND).first(), (pl.len() > 1).alias(AMBIGUOUS))
    )


def row_id(entity: Entity, piece: str = "") -> pl.Expr:
    """Give the id of a row, or of a further row (`#table/part`) made from it."""
    key, table = pl.col(KEY), None
    if entity.family is not None:
        named_in, *own = entity.key
        key, table = key_text(entity, own), pl.col(frame.column(named_in))
    name = ids.row_name(pl.col(TENANT), entity.path, key, piece=piece, table=table)
    return ids.uuid5(entity.namespace, name)


def match_columns(entity: Entity, catalog: Catalog) -> Iterator[pl.Expr]:
    """Give the texts by which others find a row: by its own key first, then by the alternate ones."""
    for i, key in enumerate(catalog.match_keys[entity.id]):
        yield match_text(entity, key, using=key.columns).alias(frame.match(i))
