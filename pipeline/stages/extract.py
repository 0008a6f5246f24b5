"""Extract: legacy tables to raw Parquet, a key range at a time, exactly as the source said it.

Columns marked `scrub` are cleaned before the first write, excluded ones are not selected. A file that is there
under the same entry is left alone. Memory holds one batch a worker, whatever the table's size.
"""

from __future__ import annotations

from time import perf_counter

import polars as pl
import pyarrow as pa

from pipeline.core import fingerprint
from pipeline.core.plan import Batch, sources_of
from pipeline.core.scrub import SCRUBS
from pipeline.stages.workspace import Workspace
from pipeline.stores import ledger, legacy
from schemas.model import Entity


def pending(workspace: Workspace) -> list[Batch]:
    """List the batches that are not yet staged under their present entry."""
    return [b for b in workspace.raw_batches() if not _is_done(workspace, b)]


def extract(workspace: Workspace, batch: Batch) -> int:
    """Read one batch from its source and stage it; return its rows."""
    started = perf_counter()
    entity = workspace.entity(batch)
    source = workspace.settings.source(batch.source)
    lacking = workspace.record.lacking.get(f"{batch.source}/{batch.entity}", ())
    table = legacy.read(
        source, entity.table, columns=list(entity.raw_columns), key=entity.key,
        within=batch.within, missing=lacking,
    )  # fmt: skip
    table = _scrubbed(table, entity)
    checksum = _checksum(table, entity)
    manifest = {
        "entity": entity.id, "batch": str(batch), "extract_hash": workspace.catalog.extract_hash(entity.id),
        "rows": table.num_rows, "checksum": checksum, "lacking": list(lacking),
    }  # fmt: skip
    workspace.staging.write_table(workspace.staging.raw_path(batch), table, manifest)
    tenant = workspace.record.sources[batch.source].tenant_id or ""
    workspace.log(
        "extract",
        entity.id,
        tenant,
        str(batch),
        count=table.num_rows,
        rejected=0,
        started=started,
        checksum=checksum,
    )
    return int(table.num_rows)


def extract_keys(workspace: Workspace, entity_id: str) -> None:
    """Stage the keys of an entity that others refer to and that is not part of the run, and what of it is loaded."""
    entity, staging = workspace.catalog[entity_id], workspace.staging
    columns = workspace.catalog.key_columns(entity)
    for name in sources_of(entity, workspace.record):
        path = staging.keys_path(name, entity_id)
        if staging.manifest(path) is None:
            lacking = workspace.record.lacking.get(f"{name}/{entity_id}", ())
            table = legacy.read(
                workspace.settings.source(name), entity.table, columns=columns, key=entity.key,
                missing=[c for c in lacking if c in columns],
            )  # fmt: skip
            staging.write_table(path, table, {"entity": entity_id, "rows": table.num_rows})
    path = staging.keys_path("loaded", entity_id)
    if staging.manifest(path) is None:
        with workspace.database(entity.service) as database:
            mapped = ledger.id_map(database, entity_id, workspace.record.tenants)
        staging.write_table(path, mapped.to_arrow(compat_level=pl.CompatLevel.oldest()), {"entity": entity_id})


def _is_done(workspace: Workspace, batch: Batch) -> bool:
    manifest = workspace.staging.manifest(workspace.staging.raw_path(batch))
    return manifest is not None and (manifest["batch"], manifest["extract_hash"]) == (
        str(batch),
        workspace.catalog.extract_hash(batch.entity),
    )


def _scrubbed(table: pa.Table, entity: Entity) -> pa.Table:
    named = {n: c.scrub for n, c in entity.raw_columns.items() if c.scrub is not None}
    if not named:
        return table
    df = pl.DataFrame(pl.from_arrow(table))
    for name, scrub in named.items():
        cleaned, changed = SCRUBS[scrub].polars(pl.col(name))
        df = df.with_columns(cleaned.alias(name), pl.when(changed).then(pl.lit("1")).alias(f"{name}#scrubbed"))
    return pa.table({n: df[n].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for n in df.columns})


def _checksum(table: pa.Table, entity: Entity) -> str:
    df = pl.DataFrame(pl.from_arrow(table))
    cells = [fingerprint.cell(pl.col(c), "text") for c in entity.raw_columns]
    return str(df.select(fingerprint.checksum(fingerprint.row_hash(cells))).item())
