"""The outputs of a bundle as they are staged: Arrow tables, with ids of 16 bytes and the batch of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import polars as pl
import pyarrow as pa

from pipeline.core import fingerprint, frame
from pipeline.core.frame import BATCH, KEY, NEW_ID, TENANT
from pipeline.core.sql.ledger import ID_MAP_COLUMNS
from pipeline.stores.arrow import to_arrow, to_frame


class Summary(TypedDict):
    """What a tenant got of a batch."""

    mapped: int
    rejected: int
    #: Of the target hashes.
    checksum: str


def survivors(id_map: pa.Table) -> pl.DataFrame:
    """Give the rows of a staged id map, or some columns of them, as core frames hold them, with ids as text."""
    named = {"tenant_id": TENANT, "legacy_key": KEY, "new_id": NEW_ID}
    named |= {c: frame.match(int(c.removeprefix("match_"))) for c in id_map.column_names if c.startswith("match_")}
    columns = {}
    for name in (c for c in id_map.column_names if c in named):
        column = id_map[name]
        if isinstance(column.type, pa.UuidType):
            hexed = pl.Series(pl.from_arrow(pa.chunked_array([c.storage for c in column.chunks], pa.binary(16))))
            text = hexed.bin.encode("hex")
            parts = [text.str.slice(a, n) for a, n in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
            column = pl.select(pl.concat_str(parts, separator="-")).to_series().to_arrow()
        columns[named[name]] = column
    return to_frame(pa.table(columns))


def id_map_table(id_map: pl.DataFrame) -> pa.Table:
    """Bring an id map to the form in which it is staged."""
    named = id_map.rename({TENANT: "tenant_id"})
    types = {BATCH: "integer", **ID_MAP_COLUMNS}
    # The others are texts by which rows are found.
    return to_arrow(named, {c: types.get(c, "text") for c in named.columns})


def side_tables(rejects: pl.DataFrame, findings: pl.DataFrame, raw_values: pl.DataFrame) -> dict[str, pa.Table]:
    """Bring rejects, findings and raw values to the form in which they are staged."""

    def table(df: pl.DataFrame, lists: Mapping[str, pa.DataType]) -> pa.Table:
        named = df.rename({TENANT: "tenant_id"})
        plain = to_arrow(named, {c: _side_type(c) for c in named.columns if c not in lists})
        for column, wanted in lists.items():
            plain = plain.append_column(
                column, named[column].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(wanted)
            )
        return plain

    return {
        "rejects": table(rejects, {"reasons": pa.list_(pa.string())}),
        "findings": table(findings, {}),
        "raw_values": table(raw_values, {"raw": pa.binary()}),
    }


def _side_type(column: str) -> str:
    return {"tenant_id": "uuid", "source_hash": "uuid", "ordinal": "integer", BATCH: "integer"}.get(column, "text")


def summary(id_map: pl.DataFrame, rejects: pl.DataFrame) -> dict[int, dict[str, Summary]]:
    """Count what each tenant got of each batch: mapped, rejected, and the checksum of the target hashes."""
    mapped = id_map.group_by(BATCH, TENANT).agg(
        pl.len().alias("mapped"), fingerprint.checksum(pl.col("target_hash").drop_nulls()).alias("checksum")
    )
    refused = rejects.group_by(BATCH, TENANT).agg(pl.len().alias("rejected"))
    both = mapped.join(refused, on=[BATCH, TENANT], how="full", coalesce=True).sort(BATCH, TENANT)
    parts: dict[int, dict[str, Summary]] = {}
    for row in both.to_dicts():
        parts.setdefault(row[BATCH], {})[row[TENANT]] = {
            "mapped": row["mapped"] or 0,
            "rejected": row["rejected"] or 0,
            "checksum": row["checksum"] or "0",
        }
    return parts
