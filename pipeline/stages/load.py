"""Load: transformed batches into PostgreSQL by binary COPY, each in one transaction with its receipt.

The target is asked what is loaded already, and only the rest is loaded. Rows, id map, findings, raw values,
rejects and receipt of a batch commit together: a kill at any instant leaves all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.plan import Batch, RunRecord, load_batch_id
from pipeline.errors import StagingError
from pipeline.stores import ledger
from pipeline.stores.ledger import Receipt
from pipeline.stores.staging import ID_MAP, Staging
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace


def pending(workspace: Workspace, database: TargetDatabase, entity_id: str) -> list[Receipt]:
    """List what of an entity is staged and not yet loaded: a receipt to come for each batch and tenant."""
    loaded = {
        (r.batch.source, r.batch.number, r.tenant)
        for r in ledger.receipts(database, workspace.record.run_id)
        if r.batch.entity == entity_id
    }
    return [r for r in _staged(workspace, entity_id) if (r.batch.source, r.batch.number, r.tenant) not in loaded]


def load(workspace: Workspace, database: TargetDatabase, receipt: Receipt) -> int:
    """Load what one batch holds of one tenant, in one transaction; return the rows mapped or rejected."""
    started = perf_counter()
    batch, entity = receipt.batch, workspace.entity(receipt.batch)
    batch_id = load_batch_id(workspace.record.run_id, batch, receipt.tenant)
    ledger.claim(database, workspace.record, receipt.tenant, batch.entity)
    ledger.write_receipt(database, workspace.record, receipt)
    for table in dict.fromkeys(t.table for t in entity.targets):
        rows = _of_tenant(workspace, batch, table, receipt.tenant, shared=entity.is_shared)
        database.ingest(entity.service, table, rows)
    if entity.derived_from is None:
        id_map = _of_tenant(workspace, batch, ID_MAP, receipt.tenant)
        database.ingest("migration", "id_map", _id_map_rows(id_map, batch.entity, batch_id))
    for name, rows in _side_rows(workspace, batch, receipt.tenant, batch_id):
        database.ingest("migration", name, rows)
    database.commit()
    workspace.log(
        "load",
        batch.entity,
        receipt.tenant,
        str(batch_id),
        count=receipt.mapped,
        rejected=receipt.rejected,
        started=started,
        checksum=receipt.checksum,
    )
    return receipt.mapped + receipt.rejected


def is_loaded(
    staging: Staging, database: TargetDatabase, record: RunRecord, entity_id: str, *, even_in_part: bool
) -> bool:
    """Say whether every staged batch of an entity has its receipt; where nothing is staged, whether a part will do."""
    loaded = {
        (r.batch.source, r.batch.number, r.tenant)
        for r in ledger.receipts(database, record.run_id)
        if r.batch.entity == entity_id
    }
    staged = list(staging.output_batches(entity_id))
    due = {(b.source, b.number, t) for b in staged for t in (staging.output_manifest(b) or {}).get("tenants", {})}
    return (bool(staged) or even_in_part) and due <= loaded


def record_run(workspace: Workspace, service: str) -> None:
    """Copy the run record into a service's database, where it is not yet; its batches refer to it."""
    with workspace.database(service) as database:
        ledger.record_run(database, workspace.record)
        database.commit()


def complete(workspace: Workspace, service: str) -> None:
    """Mark the run's claims in a service as complete, once all its batches are loaded."""
    with workspace.database(service) as database:
        ledger.complete(database, workspace.record.run_id, workspace.entities_of(service))
        database.commit()


def _staged(workspace: Workspace, entity_id: str) -> Iterator[Receipt]:
    version = workspace.catalog.hashes[entity_id]
    for batch in workspace.staging.output_batches(entity_id):
        manifest = workspace.staging.output_manifest(batch)
        if manifest is None or manifest["entry_hash"] != version:
            raise StagingError(
                "a batch is not transformed under its present entry",
                where=str(batch),
                remedy="run `migrate transform` first",
            )
        for tenant, summary in manifest["tenants"].items():
            yield Receipt(batch, tenant, summary["mapped"], summary["rejected"], summary["checksum"], version)


def _of_tenant(workspace: Workspace, batch: Batch, name: str, tenant: str, *, shared: bool = False) -> pa.Table:
    """Read one output of a batch, and of it the rows of one tenant (all of them, where rows have none)."""
    rows = workspace.staging.read_table(workspace.staging.output_path(batch, name))
    if shared or rows.num_rows == 0:
        return rows
    owners = pa.chunked_array([c.storage for c in rows["tenant_id"].chunks], pa.binary(16))
    return rows.filter(pc.equal(owners, pa.scalar(UUID(tenant).bytes, pa.binary(16))))


def _id_map_rows(id_map: pa.Table, entity: str, batch_id: UUID) -> pa.Table:
    count = id_map.num_rows
    return pa.table(
        {
            "tenant_id": id_map["tenant_id"],
            "entity": pa.repeat(entity, count),
            "legacy_key": id_map["legacy_key"],
            "new_id": id_map["new_id"],
            "batch_id": _repeated(batch_id, count),
            "source_hash": id_map["source_hash"],
            "target_hash": id_map["target_hash"],
        }
    )


def _side_rows(workspace: Workspace, batch: Batch, tenant: str, batch_id: UUID) -> Iterator[tuple[str, pa.Table]]:
    rejects = _of_tenant(workspace, batch, "rejects", tenant)
    if rejects.num_rows:
        yield (
            "quarantine",
            pa.table(
                {
                    "batch_id": _repeated(batch_id, rejects.num_rows),
                    "tenant_id": rejects["tenant_id"],
                    "entity": pa.repeat(batch.entity, rejects.num_rows),
                    "legacy_key": rejects["legacy_key"],
                    "reasons": rejects["reasons"],
                    "row": _json(rejects["row"]),
                    "source_hash": rejects["source_hash"],
                    "ordinal": rejects["ordinal"],
                }
            ),
        )
    # One row a (batch, column, label) with arrays: a row each costs ten times as much.
    for name, label, lists in (
        ("findings", "hazard", {"legacy_key": "keys"}),
        ("raw_values", "rule", {"legacy_key": "keys", "raw": "raws"}),
    ):
        rows = _of_tenant(workspace, batch, name, tenant)
        if rows.num_rows:
            df = pl.DataFrame(pl.from_arrow(rows.drop_columns(["tenant_id"])))
            grouped = (
                df.sort("legacy_key")
                .group_by("column", label, maintain_order=True)
                .agg(*(pl.col(old).alias(new) for old, new in lists.items()))
            )
            arrays = {
                new: grouped[new]
                .to_arrow(compat_level=pl.CompatLevel.oldest())
                .cast(pa.list_(pa.binary() if old == "raw" else pa.string()))
                for old, new in lists.items()
            }
            yield (
                name.removesuffix("s"),
                pa.table(
                    {
                        "batch_id": _repeated(batch_id, grouped.height),
                        "column_name": grouped["column"]
                        .to_arrow(compat_level=pl.CompatLevel.oldest())
                        .cast(pa.string()),
                        label: grouped[label].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()),
                        **arrays,
                    }
                ),
            )


def _repeated(value: UUID, count: int) -> pa.Array:
    storage = pa.array([value.bytes] * count, pa.binary(16))
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def _json(column: pa.ChunkedArray) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.json_(), column.combine_chunks().cast(pa.string()))
