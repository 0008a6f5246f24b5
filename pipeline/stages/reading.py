"""Raw rows as the source has them now: what extract stages, and what is read again of a source that lives.

Columns marked `scrub` are cleaned here, before anything is written; excluded ones are not selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl
import pyarrow as pa

from pipeline.core import fingerprint
from pipeline.core.plan import Batch, batches
from pipeline.core.quality import OVERSIZE
from pipeline.core.scrub import SCRUBS
from pipeline.core.sql.dialect import EVERY_KEY, KeyRange
from pipeline.stages.workspace import Workspace
from schemas.model import Entity


def leading(workspace: Workspace, wanted: Iterable[Batch]) -> list[Batch]:
    """Leave out the batches that come with another, as those of a table without a key do."""
    return [*{(b.source, b.entity, b.number if workspace.entity(b).key else None): b for b in wanted}.values()]


def read(workspace: Workspace, batch: Batch) -> Iterator[tuple[Batch, pa.Table]]:
    """Read the rows of a batch, cleaned as they are to be staged.

    With a batch of a table without a key come all of its batches: the source can only be asked for all rows, which are
    then dealt out by what they hold.
    """
    entity = workspace.entity(batch)
    if entity.key:
        yield batch, _scrubbed(_read(workspace, batch, batch.within), entity)
        return
    whole = _hashed(_scrubbed(_read(workspace, batch, EVERY_KEY), entity), entity.raw_columns).sort("#hash")
    for part in batches(entity, workspace.record):
        if part.source == batch.source:
            lower, upper = part.within.lower, part.within.upper
            first = 0 if lower is None else whole["#hash"].search_sorted(lower[0])
            end = whole.height if upper is None else whole["#hash"].search_sorted(upper[0])
            yield part, _arrow(whole.slice(first, end - first).drop("#hash"))


def _read(workspace: Workspace, batch: Batch, within: KeyRange) -> pa.Table:
    entity, table = workspace.entity(batch), workspace.table(batch.source, workspace.entity(batch))
    if table is None:
        return _no_rows((*entity.raw_columns, OVERSIZE))
    return workspace.source(batch.source).read(
        table, columns=list(entity.raw_columns), key=entity.key,
        within=within, missing=lacking(workspace, batch.source, entity), limited=entity.limited_columns,
        max_value_bytes=workspace.record.max_value_bytes,
    )  # fmt: skip


def read_keys(workspace: Workspace, source: str, entity: Entity) -> pa.Table:
    """Read the columns by which an entity's rows are found."""
    table, columns = workspace.table(source, entity), workspace.catalog.key_columns(entity)
    if table is None:
        return _no_rows(columns)
    return workspace.source(source).read(
        table, columns=columns, key=entity.key,
        missing=[c for c in lacking(workspace, source, entity) if c in columns],
    )  # fmt: skip


def _no_rows(columns: Iterable[str]) -> pa.Table:
    return pa.schema([(name, pa.string()) for name in columns]).empty_table()


def lacking(workspace: Workspace, source: str, entity: Entity) -> Sequence[str]:
    """Name the optional columns that a source lacks."""
    return workspace.record.lacking.get(f"{source}/{entity.id}", ())


def checksum(table: pa.Table, entity: Entity) -> str:
    """Sum up the rows of a raw batch."""
    return str(_hashed(table, (*entity.raw_columns, OVERSIZE)).select(fingerprint.checksum(pl.col("#hash"))).item())


def moved(before: pa.Table, after: pa.Table, entity: Entity) -> int:
    """Count the rows of a batch that are new, gone or changed."""
    was, now = (
        _hashed(t, (*entity.raw_columns, OVERSIZE))
        .select(*entity.key, "#hash")
        .with_columns(pl.col("#hash").cum_count().over("#hash").alias("#n"))
        for t in (before, after)
    )
    both = ["#hash", "#n"]
    changed = pl.concat([was.join(now, on=both, how="anti"), now.join(was, on=both, how="anti")])
    return changed.n_unique(list(entity.key) or both) if changed.height else 0


def _hashed(table: pa.Table, columns: Iterable[str]) -> pl.DataFrame:
    cells = [fingerprint.cell(pl.col(c), "text") for c in columns]
    return pl.DataFrame(pl.from_arrow(table)).with_columns(fingerprint.row_hash(cells).alias("#hash"))


def _scrubbed(table: pa.Table, entity: Entity) -> pa.Table:
    named = {n: c.scrub for n, c in entity.raw_columns.items() if c.scrub is not None}
    if not named:
        return table
    df = pl.DataFrame(pl.from_arrow(table))
    for name, scrub in named.items():
        cleaned, changed = SCRUBS[scrub].polars(pl.col(name))
        df = df.with_columns(cleaned.alias(name), pl.when(changed).then(pl.lit("1")).alias(f"{name}#scrubbed"))
    return _arrow(df)


def _arrow(df: pl.DataFrame) -> pa.Table:
    return pa.table({n: df[n].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for n in df.columns})
