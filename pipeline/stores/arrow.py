"""Frames and Arrow tables: what is staged has the exact types of its target columns, as binary COPY takes them."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Mapping

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StagingError
from schemas.targets import target_type


def to_frame(table: pa.Table) -> pl.DataFrame:
    """Take a table as a frame; nothing is copied."""
    return pl.DataFrame(pl.from_arrow(table))


def to_arrow(df: pl.DataFrame, pg_types: Mapping[str, str]) -> pa.Table:
    """Bring a frame to the exact Arrow types of its target columns; uuids become 16 bytes.

    Raises:
        StagingError: a column does not have the target's type.
    """
    columns = {}
    for name, pg_type in pg_types.items():
        series = df[name]
        wanted = target_type(pg_type)
        if series.dtype != wanted.polars:
            raise StagingError(
                "a transformed column has the wrong type",
                where=name,
                got=str(series.dtype),
                expected=str(wanted.polars),
            )
        array = _uuids(series) if pg_type == "uuid" else series.to_arrow(compat_level=pl.CompatLevel.oldest())
        columns[name] = _exact(array, wanted.arrow)
    return pa.table(columns)


def _uuids(texts: pl.Series) -> pa.Array:
    """Bring ids, as 36 characters or 32 digits, to 16 bytes: all at once, which takes a third of one by one."""
    written = texts.fill_null("0" * 32).to_arrow(compat_level=pl.CompatLevel.oldest())
    digits = written.buffers()[2].to_pybytes().translate(None, b"-")
    if len(digits) != 32 * len(texts):
        raise StagingError("an id has not 32 digits", where=texts.name)
    found = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(texts), [None, pa.py_buffer(unhexlify(digits))])
    is_there = texts.is_not_null().to_arrow(compat_level=pl.CompatLevel.oldest())
    return pc.if_else(is_there, found, pa.scalar(None, pa.binary(16))) if texts.null_count() else found


def _exact(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if isinstance(wanted, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(wanted, array.cast(wanted.storage_type))
    return array.cast(wanted)
