"""Raw rows as the source has them now: what extract stages, and what is read again of a source that lives.

Columns marked `scrub` are cleaned here, before anything is written; excluded ones are not selected.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from pipeline.core import fingerprint
from pipeline.core.plan import Batch
from pipeline.core.quality import OVERSIZE
from pipeline.core.scrub import SCRUBS
from pipeline.stages.workspace import Workspace
from schemas.model import Entity


def read_batch(workspace: Workspace, batch: Batch) -> pa.Table:
    """Read the rows of a batch, cleaned as they are to be staged."""
    entity, database = workspace.entity(batch), workspace.source(batch.source)
    table = database.read(
        database.table_of(entity), columns=list(entity.raw_columns), key=entity.key,
        within=batch.within, missing=lacking(workspace, batch.source, entity), limited=entity.limited_columns,
        max_value_bytes=workspace.record.max_value_bytes,
    )  # fmt: skip
    return _scrubbed(table, entity)


def read_keys(workspace: Workspace, source: str, entity: Entity) -> pa.Table:
    """Read the columns by which an entity's rows are found."""
    database, columns = workspace.source(source), workspace.catalog.key_columns(entity)
    return database.read(
        database.table_of(entity), columns=columns, key=entity.key,
        missing=[c for c in lacking(workspace, source, entity) if c in columns],
    )  # fmt: skip


def lacking(workspace: Workspace, source: str, entity: Entity) -> Sequence[str]:
    """Name the optional columns that a source lacks."""
    return workspace.record.lacking.get(f"{source}/{entity.id}", ())


def checksum(table: pa.Table, entity: Entity) -> str:
    """Sum up the rows of a raw batch."""
    return str(_hashed(table, entity).select(fingerprint.checksum(pl.col("#hash"))).item())


def moved(before: pa.Table, after: pa.Table, entity: Entity) -> int:
    """Count the rows of a batch that are new, gone or changed."""
    was, now = (
        _hashed(t, entity)
        .select(*entity.key, "#hash")
        .with_columns(pl.col("#hash").cum_count().over("#hash").alias("#n"))
        for t in (before, after)
    )
    both = ["#hash", "#n"]
    changed = pl.concat([was.join(now, on=both, how="anti"), now.join(was, on=both, how="anti")])
    return changed.n_unique(list(entity.key) or both) if changed.height else 0


def _hashed(table: pa.Table, entity: Entity) -> pl.DataFrame:
    cells = [fingerprint.cell(pl.col(c), "text") for c in (*entity.raw_columns, OVERSIZE)]
    return pl.DataFrame(pl.from_arrow(table)).with_columns(fingerprint.row_hash(cells).alias("#hash"))


def _scrubbed(table: pa.Table, entity: Entity) -> pa.Table:
    named = {n: c.scrub for n, c in entity.raw_columns.items() if c.scrub is not None}
    if not named:
        return table
    df = pl.DataFrame(pl.from_arrow(table))
    for name, scrub in named.items():
        cleaned, changed = SCRUBS[scrub].polars(pl.col(name))
        df = df.with_columns(cleaned.alias(name), pl.when(changed).then(pl.lit("1")).alias(f"{name}#scrubbed"))
    return pa.table({n: df[n].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for n in df.columns})
