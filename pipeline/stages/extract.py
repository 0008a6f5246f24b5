"""Extract: legacy tables to raw Parquet, a key range at a time, exactly as the source said it.

A file that is there under the same entry is left alone; of a source that lives, each is read again until it holds
still. Memory holds one batch a worker, whatever the table's size; but a table without a key is read whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from time import perf_counter
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.core.plan import Batch, Held
from pipeline.reading import checksum, errands, lacking, read, read_keys
from pipeline.settings import LOADED
from pipeline.stores import ledger
from pipeline.workspace import Workspace


def pending(workspace: Workspace, sources: Collection[str]) -> list[tuple[Batch, ...]]:
    """List what to ask sources for: batches not yet staged under their present entry, as they come together."""
    own = (b for b in workspace.raw_batches() if b.source in sources)
    return errands(workspace, [b for b in own if not _is_done(workspace, b)])


def extract(workspace: Workspace, errand: Sequence[Batch]) -> int:
    """Read batches from their source, and those that come with them; stage them and return their rows."""
    started = perf_counter()
    due = ((part, rows) for part, rows in read(workspace, errand) if not _is_done(workspace, part))
    return sum(_stage(workspace, part, rows, started) for part, rows in due)


def refresh(workspace: Workspace, errand: Sequence[Batch]) -> int:
    """Read staged batches again, and those that come with them; stage anew those that have changed, and count them."""
    started, changed = perf_counter(), 0
    for part, rows in read(workspace, errand):
        staged = workspace.staging.manifest(workspace.staging.raw_path(part)) or {}
        now = checksum(rows, workspace.entity(part)), rows.num_rows
        if (staged.get("checksum"), staged.get("rows")) != now:
            _stage(workspace, part, rows, started)
            changed += 1
    return changed


def extract_keys(workspace: Workspace, held: Held) -> None:
    """Stage the keys of an entity that others refer to and that is not part of the run, of one source."""
    path = workspace.staging.keys_path(held.source, held.entity)
    if workspace.staging.manifest(path) is None:
        _stage_keys(workspace, held, read_keys(workspace, held.source, workspace.catalog[held.entity]))


def loaded_keys(workspace: Workspace, entity_id: str) -> None:
    """Stage what of such an entity is loaded."""
    entity, staging = workspace.catalog[entity_id], workspace.staging
    path = staging.keys_path(LOADED, entity_id)
    if staging.manifest(path) is None:
        with workspace.database(entity.service) as database:
            mapped = ledger.id_map(database, entity_id, workspace.record.tenants)
        staging.write_table(path, mapped.to_arrow(compat_level=pl.CompatLevel.oldest()), {"entity": entity_id})


def refresh_keys(workspace: Workspace, held: Held) -> int:
    """Read the staged keys of a live source again; stage them anew if they have changed, and say how many have."""
    path = workspace.staging.keys_path(held.source, held.entity)
    table = read_keys(workspace, held.source, workspace.catalog[held.entity])
    if table.equals(workspace.staging.read_table(path)):
        return 0
    _stage_keys(workspace, held, table)
    return 1


def _stage_keys(workspace: Workspace, held: Held, table: pa.Table) -> None:
    path = workspace.staging.keys_path(held.source, held.entity)
    workspace.staging.write_table(path, table, {"entity": held.entity, "rows": table.num_rows})


def is_outdated(workspace: Workspace, batch: Batch) -> bool:
    """Say whether a batch is staged under another version of its entry than the present one."""
    return workspace.staging.raw_path(batch).exists() and not _is_done(workspace, batch)


def _stage(workspace: Workspace, batch: Batch, table: pa.Table, started: float) -> int:
    entity = workspace.entity(batch)
    found = checksum(table, entity)
    manifest: Mapping[str, Any] = {
        "entity": entity.id,
        "batch": str(batch),
        "extract_hash": workspace.catalog.extract_hash(entity.id),
        "rows": table.num_rows,
        "checksum": found,
        "lacking": list(lacking(workspace, batch.source, entity)),
    }
    workspace.staging.write_table(workspace.staging.raw_path(batch), table, manifest)
    tenant = workspace.record.sources[batch.source].tenant_id or ""
    workspace.log(
        "extract",
        entity.id,
        tenant,
        str(batch),
        count=table.num_rows,
        rejected=0,
        seconds=perf_counter() - started,
        checksum=found,
        size=table.nbytes,
    )
    return int(table.num_rows)


def _is_done(workspace: Workspace, batch: Batch) -> bool:
    manifest = workspace.staging.manifest(workspace.staging.raw_path(batch))
    return manifest is not None and (manifest["batch"], manifest["extract_hash"]) == (
        str(batch),
        workspace.catalog.extract_hash(batch.entity),
    )
