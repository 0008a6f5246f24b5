"""Raw rows as the source has them now: what extract stages, and what is read again of a source that lives.

Columns marked `scrub` are cleaned here, before anything is written; excluded ones are not selected. Rows of the
directory that are of tenants whose staged rows were purged are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import polars as pl
import pyarrow as pa

from pipeline.core import fingerprint, frame
from pipeline.core.frame import COPY, HASH, KEY, UNFIT
from pipeline.core.keys import with_key
from pipeline.core.plan import Batch, Held, batches, batches_in, sources_of
from pipeline.core.scrub import SCRUBS
from pipeline.core.sql.source import EVERY_KEY
from pipeline.owners import Owners
from pipeline.stores.arrow import to_frame
from pipeline.stores.legacy import Wanted
from pipeline.workspace import Workspace
from schemas.model import Entity
from schemas.parts import TenantRule


def errands(workspace: Workspace, wanted: Iterable[Batch]) -> list[tuple[Batch, ...]]:
    """Gather batches into what a source is asked for at a time.

    Of a table without a key one batch stands for all, as they come together. Whole tables of a source that may change
    go together as long as their rows are no more than a batch's: they are counted by one query before and after.
    """
    record = workspace.record
    found: list[list[Batch]] = []
    #: Source -> its last errand of whole tables, and how many rows that has.
    last: dict[str, tuple[list[Batch], int]] = {}
    for batch in {(b.source, b.entity, b.number if workspace.entity(b).key else None): b for b in wanted}.values():
        rows = record.counts[Held(batch.source, batch.entity)]
        is_whole = batch.within == EVERY_KEY and record.sources[batch.source].consistency != "snapshot"
        errand, sum_of_rows = last.get(batch.source, ([], 0))
        if is_whole and errand and sum_of_rows + rows <= record.batch_rows:
            errand.append(batch)
        else:
            found.append(errand := [batch])
            sum_of_rows = 0
        if is_whole:
            last[batch.source] = errand, sum_of_rows + rows
    return [tuple(errand) for errand in found]


def read(workspace: Workspace, errand: Sequence[Batch]) -> Iterator[tuple[Batch, pa.Table]]:
    """Read the rows of batches, cleaned as they are to be staged.

    With a batch of a table without a key come all of its batches: the source can only be asked for all rows, which are
    then dealt out by what they hold.
    """
    for batch, table in _read_all(workspace, errand):
        yield batch, _of_others(workspace, workspace.entity(batch), table)


def _read_all(workspace: Workspace, errand: Sequence[Batch]) -> Iterator[tuple[Batch, pa.Table]]:
    for batch, table in _read(workspace, errand):
        entity = workspace.entity(batch)
        if entity.key:
            yield batch, _scrubbed(table, entity)
            continue
        whole = _hashed(_scrubbed(table, entity), _columns(entity)).sort(HASH)
        for part in batches_in(batch.source, entity, workspace.record):
            lower, upper = part.within.lower, part.within.upper
            first = 0 if lower is None else whole[HASH].search_sorted(lower[0])
            end = whole.height if upper is None else whole[HASH].search_sorted(upper[0])
            yield part, _arrow(whole.slice(first, end - first).drop(HASH))


def _read(workspace: Workspace, errand: Sequence[Batch]) -> Iterator[tuple[Batch, pa.Table]]:
    wanted: dict[Batch, Wanted] = {}
    for batch in errand:
        entity, table = workspace.entity(batch), workspace.table(batch.source, workspace.entity(batch))
        if table is None:
            yield batch, _no_rows((*_columns(entity), UNFIT))
            continue
        within = batch.within if entity.key else EVERY_KEY
        wanted[batch] = Wanted(
            table,
            list(entity.raw_columns),
            entity.key,
            within,
            missing=lacking(workspace, batch.source, entity),
            limited=entity.limited_columns,
            max_value_bytes=workspace.record.max_value_bytes,
            families={n: entity.legacy_type(n)[1].family for n in entity.raw_columns},
            rows=_counted(workspace, batch.source, entity) if within == EVERY_KEY else None,
        )
    if wanted:
        yield from zip(wanted, workspace.source(errand[0].source).read_all(list(wanted.values())), strict=True)


def _counted(workspace: Workspace, source: str, entity: Entity) -> int:
    return workspace.record.counts[Held(source, entity.id)]


def read_keys(workspace: Workspace, source: str, entity: Entity) -> pa.Table:
    """Read the columns by which an entity's rows are found."""
    return _of_others(workspace, entity, _read_keys(workspace, source, entity))


def _read_keys(workspace: Workspace, source: str, entity: Entity) -> pa.Table:
    table, columns = workspace.table(source, entity), workspace.catalog.key_columns(entity)
    if table is None:
        return _no_rows(map(frame.column, columns))
    return workspace.source(source).read(
        table,
        columns=columns,
        key=entity.key,
        missing=[c for c in lacking(workspace, source, entity) if c in columns],
        rows=_counted(workspace, source, entity),
    )


def _of_others(workspace: Workspace, entity: Entity, table: pa.Table) -> pa.Table:
    """Leave out the rows of purged tenants."""
    if not workspace.purged or not isinstance(entity.tenant, TenantRule):
        return table
    owners = Owners(workspace.catalog, partial(_rows_now, workspace), workspace.routes)
    rows = to_frame(table)
    return table.filter(owners.are_of_others(entity, rows, workspace.purged).to_arrow())


def _rows_now(workspace: Workspace, entity: Entity) -> pl.DataFrame:
    """Read all rows of an entity of the directory, whosesoever they are."""
    record = workspace.record
    if entity.id in record.key_entities:
        tables = [_read_keys(workspace, source, entity) for source in sources_of(entity, record)]
    else:
        asked = errands(workspace, batches(entity, record))
        tables = [table for errand in asked for _, table in _read_all(workspace, errand)]
    return pl.concat(to_frame(table) for table in tables)


def _no_rows(columns: Iterable[str]) -> pa.Table:
    return pa.schema([(name, pa.string()) for name in columns]).empty_table()


def lacking(workspace: Workspace, source: str, entity: Entity) -> Sequence[str]:
    """Name the optional columns that a source lacks."""
    return workspace.record.lacking.get(Held(source, entity.id), ())


def checksum(table: pa.Table, entity: Entity) -> str:
    """Sum up the rows of a raw batch."""
    return str(_hashed(table, (*_columns(entity), UNFIT)).select(fingerprint.checksum(pl.col(HASH))).item())


def moved(before: pa.Table, after: pa.Table, entity: Entity) -> int:
    """Count the rows of a batch that are new, gone or changed."""
    key = [frame.column(c) for c in entity.key]
    was, now = (
        _hashed(t, (*_columns(entity), UNFIT))
        .select(*key, HASH)
        .with_columns(pl.col(HASH).cum_count().over(HASH).alias(COPY))
        for t in (before, after)
    )
    both = [HASH, COPY]
    changed = pl.concat([was.join(now, on=both, how="anti"), now.join(was, on=both, how="anti")])
    return changed.n_unique(key or both) if changed.height else 0


def changed_keys(before: pa.Table, after: pa.Table, entity: Entity) -> list[str]:
    """List the legacy keys of the rows of a batch that are new, gone or changed."""
    was, now = (
        with_key(_hashed(t, (*_columns(entity), UNFIT)).lazy(), entity).select(KEY, HASH).collect()
        for t in (before, after)
    )
    both = [KEY, HASH]
    changed = pl.concat([was.join(now, on=both, how="anti"), now.join(was, on=both, how="anti")])
    return changed[KEY].unique().sort().to_list()


def _columns(entity: Entity) -> list[str]:
    return [frame.column(name) for name in entity.raw_columns]


def _hashed(table: pa.Table, columns: Iterable[str]) -> pl.DataFrame:
    cells = [fingerprint.cell(pl.col(c), "text") for c in columns]
    return to_frame(table).with_columns(fingerprint.row_hash(cells).alias(HASH))


def _scrubbed(table: pa.Table, entity: Entity) -> pa.Table:
    named = {n: c.scrub for n, c in entity.raw_columns.items() if c.scrub is not None}
    if not named:
        return table
    df = to_frame(table)
    for name, scrub in named.items():
        cleaned, changed = SCRUBS[scrub].polars(pl.col(frame.column(name)))
        df = df.with_columns(
            cleaned.alias(frame.column(name)), pl.when(changed).then(pl.lit("1")).alias(frame.scrubbed(name))
        )
    return _arrow(df)


def _arrow(df: pl.DataFrame) -> pa.Table:
    return pa.table({n: df[n].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for n in df.columns})
