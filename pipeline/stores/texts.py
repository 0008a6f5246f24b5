"""Texts of a source that come as their bytes, because some of them are none in the encoding that they should have.

Invariant: a valid text comes out as it is; the bytes of any other as base64, and the row says of which column.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from pipeline.core.quality import UNFIT


def decoded(digits: pa.Table) -> pa.Table:
    """Make text of hexadecimal digits, and of bytes that are none base64, said in `UNFIT` where the table has it."""
    df = pl.DataFrame(pl.from_arrow(digits)).with_columns(pl.all().str.decode("hex"))
    text = {name: _text(df[name]) for name in df.columns}
    broken = {name: df[name].is_not_null() & text[name].is_null() for name in df.columns}
    made = df.select(
        pl.when(broken[name]).then(pl.col(name).bin.encode("base64")).otherwise(text[name]).alias(name)
        for name in df.columns
    )
    if UNFIT in made.columns:
        said = [pl.when(flags).then(pl.lit(f"no text, kept as base64: {name}")) for name, flags in broken.items()]
        reasons = pl.concat_list(pl.col(UNFIT), *said).list.drop_nulls().list.join("; ")
        made = made.with_columns(pl.when(reasons != "").then(reasons).alias(UNFIT))
    columns = {n: made[n].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for n in made.columns}
    return pa.table(columns)


def _text(column: pl.Series) -> pl.Series:
    """Read bytes as UTF-8; null where they are none."""
    try:
        return column.cast(pl.String)
    except pl.exceptions.ComputeError:
        # One value after another, as no cast spares the valid ones: of the few columns that need it.
        return pl.Series(column.name, [_text_of(value) for value in column], pl.String)


def _text_of(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
