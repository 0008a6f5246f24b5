"""Texts of a source that come as their bytes, because some of them are none in the encoding that they should have.

Invariant: a valid text comes out as it is; the bytes of any other as base64, and the row says of which column.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from pipeline.core.frame import UNFIT
from pipeline.stores.arrow import to_frame
from pipeline.stores.failures import no_text


def decoded(digits: pa.Table, *, encoding: str = "UTF-8", where: str) -> pa.Table:
    """Make text of hexadecimal digits, and of bytes that are none base64, said in `UNFIT`.

    Raises:
        NotText: some are none, and the table has no `UNFIT` that could say so.
    """
    df = to_frame(digits).with_columns(pl.all().str.decode("hex"))
    text = {name: _text(df[name], encoding) for name in df.columns}
    broken = {name: df[name].is_not_null() & text[name].is_null() for name in df.columns}
    if UNFIT not in df.columns and (bad := next((name for name, flags in broken.items() if flags.any()), None)):
        raise no_text(bad, where)
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


def _text(column: pl.Series, encoding: str) -> pl.Series:
    """Read bytes as text; null where they are none."""
    try:
        if encoding == "UTF-8":
            return column.cast(pl.String)
    except pl.exceptions.ComputeError:
        pass
    # One value after another, as no cast spares the valid ones, or knows other encodings: of the few that need it.
    return pl.Series(column.name, [_text_of(value, encoding) for value in column], pl.String)


def _text_of(value: bytes | None, encoding: str) -> str | None:
    try:
        return None if value is None else value.decode(encoding)
    except UnicodeDecodeError:
        return None
