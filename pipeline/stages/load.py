"""Load: transformed bundles into PostgreSQL by binary COPY, each in one transaction with its receipts.

The target is asked what is loaded already, and only the rest is loaded. Rows, id map, findings, raw values, rejects and
the receipts of a bundle's batches commit together: a kill at any instant leaves all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.frame import BATCH, BATCH_ID
from pipeline.core.plan import Bundle, load_batch_id
from pipeline.core.sql.ddl import quote
from pipeline.errors import StagingError
from pipeline.stores import ledger
from pipeline.stores.arrow import to_frame
from pipeline.stores.ledger import Receipt
from pipeline.stores.staging import ID_MAP, Staging
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Part, Workspace


@dataclass(frozen=True, slots=True)
class Due:
    """What of a bundle is staged and not yet loaded: the receipts to come, one a batch and tenant."""

    bundle: Bundle
    receipts: tuple[Receipt, ...]
    #: Is nothing of the bundle loaded?
    is_whole: bool

    def of(self, tenants: Collection[str]) -> Due:
        """Give what of it some tenants are due."""
        own = tuple(r for r in self.receipts if r.tenant in tenants)
        return Due(self.bundle, own, is_whole=self.is_whole and own == self.receipts)

    @property
    def tenants(self) -> tuple[str, ...]:
        """Name the tenants that are due any of it."""
        return tuple(dict.fromkeys(r.tenant for r in self.receipts))

    @property
    def rows(self) -> int:
        """Count the rows that are mapped or rejected."""
        return sum(r.mapped + r.rejected for r in self.receipts)


def pending(workspace: Workspace, database: TargetDatabase, entity_id: str) -> list[Due]:
    """List what of an entity is staged and not yet loaded."""
    return list(_parts(workspace, database, entity_id, are_loaded=False))


def done(workspace: Workspace, database: TargetDatabase, entity_id: str) -> list[Due]:
    """List what of an entity is staged and loaded."""
    return list(_parts(workspace, database, entity_id, are_loaded=True))


def _parts(workspace: Workspace, database: TargetDatabase, entity_id: str, *, are_loaded: bool) -> Iterator[Due]:
    loaded = _loaded(database, workspace.record.run_id, entity_id)
    for bundle, staged in _staged(workspace, entity_id):
        part = tuple(r for r in staged if ((r.batch.source, r.batch.number, r.tenant) in loaded) is are_loaded)
        if part:
            yield Due(bundle, part, is_whole=len(part) == len(staged))


def load(workspace: Workspace, database: TargetDatabase, due: Due) -> int:
    """Load what of a bundle is due, in one transaction; return the rows mapped or rejected."""
    started = perf_counter()
    entity = workspace.catalog[due.bundle.entity]
    ledger.claim(database, workspace.record, sorted({r.tenant for r in due.receipts}), entity.id)
    ledger.write_receipts(database, workspace.record, due.receipts)
    size = 0
    for table in dict.fromkeys(t.table for t in entity.targets):
        rows = _rows(workspace, due, table, shared=entity.is_shared).drop_columns([BATCH])
        database.ingest(entity.service, table, rows)
        size += rows.nbytes
    for name, rows in _ledger_rows(workspace, due):
        database.ingest("migration", name, rows)
        size += rows.nbytes
    database.commit()
    run_id = workspace.record.run_id
    parts = [
        Part(r.tenant, str(load_batch_id(run_id, r.batch, r.tenant)), r.mapped, r.rejected, r.checksum)
        for r in due.receipts
    ]
    workspace.log_parts("load", entity.id, parts, seconds=perf_counter() - started, size=size)
    return due.rows


def take_back(workspace: Workspace, database: TargetDatabase, loaded: Due) -> None:
    """Delete what was loaded of a bundle, with its receipts; the caller commits."""
    entity, run = workspace.catalog[loaded.bundle.entity], workspace.record.run_id
    for table in dict.fromkeys(t.table for t in entity.targets):
        rows = _rows(workspace, loaded, table, shared=entity.is_shared)
        ids = pl.Series(pl.from_arrow(_stored(rows["id"]))).bin.encode("hex")
        database.execute(
            f"DELETE FROM {entity.service}.{quote(table)} WHERE id = ANY ($1::uuid[])", [f"{{{','.join(ids)}}}"]
        )
    batches = ",".join(str(load_batch_id(run, r.batch, r.tenant)) for r in loaded.receipts)
    for name in (ID_MAP, "quarantine", "finding", "raw_value", "receipt"):
        database.execute(f"DELETE FROM migration.{name} WHERE batch_id = ANY ($1::uuid[])", [f"{{{batches}}}"])


def is_loaded(staging: Staging, receipts: Iterable[Receipt], entity_id: str, *, even_in_part: bool) -> bool:
    """Say whether every staged batch of an entity has its receipt; where nothing is staged, whether a part will do."""
    loaded = _parts_of(receipts)
    staged = [manifest["batches"] for _, manifest in staging.outputs(entity_id)]
    due = {(b["source"], b["number"], tenant) for listed in staged for b in listed for tenant in b["tenants"]}
    return (bool(staged) or even_in_part) and due <= loaded


def _loaded(database: TargetDatabase, run_id: str, entity_id: str) -> set[tuple[str, int, str]]:
    """Tell the parts of an entity that have receipts: source, number of the batch, tenant."""
    return _parts_of(r for r in ledger.receipts(database, run_id) if r.batch.entity == entity_id)


def _parts_of(receipts: Iterable[Receipt]) -> set[tuple[str, int, str]]:
    return {(r.batch.source, r.batch.number, r.tenant) for r in receipts}


def record_run(workspace: Workspace, service: str) -> None:
    """Copy the run record into a service's database, where it is not yet; its batches refer to it."""
    with workspace.database(service) as database:
        ledger.record_run(database, workspace.record)
        database.commit()


def complete(workspace: Workspace, service: str, *, without: Collection[str]) -> None:
    """Mark the run's claims in a service as complete, once all its batches are loaded, but those of some tenants."""
    with workspace.database(service) as database:
        ledger.complete(database, workspace.record.run_id, workspace.entities_of(service), without=without)
        database.commit()


def _staged(workspace: Workspace, entity_id: str) -> Iterator[tuple[Bundle, list[Receipt]]]:
    version = workspace.catalog.hashes[entity_id]
    for bundle, manifest in workspace.staging.outputs(entity_id):
        if manifest["entry_hash"] != version:
            raise StagingError(
                "a batch is not transformed under its present entry",
                where=str(bundle),
                remedy="run `migrate transform` first",
            )
        yield (
            bundle,
            [
                Receipt(batch, tenant, part["mapped"], part["rejected"], part["checksum"], version)
                for batch, listed in zip(bundle.batches, manifest["batches"], strict=True)
                for tenant, part in listed["tenants"].items()
            ],
        )


def _rows(workspace: Workspace, due: Due, name: str, *, shared: bool = False) -> pa.Table:
    """Read one output of a bundle, and of it the rows that are due; shared rows of a target table have no tenant."""
    rows = workspace.staging.read_table(workspace.staging.output_path(due.bundle, name))
    if due.is_whole or rows.num_rows == 0:
        return rows
    place = {(b.source, b.number): n for n, b in enumerate(due.bundle.batches)}
    wanted = pa.array([False] * rows.num_rows)
    for receipt in due.receipts:
        own = pc.equal(rows[BATCH], place[receipt.batch.source, receipt.batch.number])
        if not shared:
            tenant = pa.scalar(UUID(receipt.tenant).bytes, pa.binary(16))
            own = pc.and_(own, pc.equal(_stored(rows["tenant_id"]), tenant))
        wanted = pc.or_(wanted, own)
    return rows.filter(wanted)


def _ledger_rows(workspace: Workspace, due: Due) -> Iterator[tuple[str, pa.Table]]:
    """Give what the tables of the ledger get, each row with the id of its part of a batch."""
    entity, run = workspace.catalog[due.bundle.entity], workspace.record.run_id
    ids = pl.DataFrame(
        [
            (n, UUID(r.tenant).bytes, load_batch_id(run, batch, r.tenant).bytes)
            for n, batch in enumerate(due.bundle.batches)
            for r in due.receipts
            if (r.batch.source, r.batch.number) == (batch.source, batch.number)
        ],
        schema={BATCH: pl.Int32, "tenant_id": pl.Binary, BATCH_ID: pl.Binary},
        orient="row",
    )
    if entity.derived_from is None:
        yield "id_map", _id_map_rows(_rows(workspace, due, ID_MAP), entity.id, ids)
    rejects = _rows(workspace, due, "rejects")
    if rejects.num_rows:
        yield "quarantine", _quarantine_rows(rejects, entity.id, ids)
    # One row a (batch, column, label) with arrays: a row each costs ten times as much.
    yield "finding", _grouped(_rows(workspace, due, "findings"), ids, "hazard", {"legacy_key": "keys"})
    raws = {"legacy_key": "keys", "raw": "raws"}
    yield "raw_value", _grouped(_rows(workspace, due, "raw_values"), ids, "rule", raws)


def _id_map_rows(id_map: pa.Table, entity: str, ids: pl.DataFrame) -> pa.Table:
    return pa.table(
        {
            "tenant_id": id_map["tenant_id"],
            "entity": pa.repeat(entity, id_map.num_rows),
            "legacy_key": id_map["legacy_key"],
            "new_id": id_map["new_id"],
            "batch_id": _uuids(_owned(id_map, ids)[BATCH_ID]),
            "source_hash": id_map["source_hash"],
            "target_hash": id_map["target_hash"],
        }
    )


def _quarantine_rows(rejects: pa.Table, entity: str, ids: pl.DataFrame) -> pa.Table:
    return pa.table(
        {
            "batch_id": _uuids(_owned(rejects, ids)[BATCH_ID]),
            "tenant_id": rejects["tenant_id"],
            "entity": pa.repeat(entity, rejects.num_rows),
            "legacy_key": rejects["legacy_key"],
            "reasons": rejects["reasons"],
            "row": pa.ExtensionArray.from_storage(pa.json_(), rejects["row"].combine_chunks().cast(pa.string())),
            "source_hash": rejects["source_hash"],
            "ordinal": rejects["ordinal"],
        }
    )


def _grouped(rows: pa.Table, ids: pl.DataFrame, label: str, lists: Mapping[str, str]) -> pa.Table:
    """Gather notes by batch, column and label: their keys, and raw values beside them, in arrays."""
    kept = to_frame(rows.drop_columns(["tenant_id"]))
    grouped = (
        kept.with_columns(_owned(rows, ids)[BATCH_ID])
        .sort("legacy_key")
        .group_by(BATCH_ID, "column", label, maintain_order=True)
        .agg(*(pl.col(old).alias(new) for old, new in lists.items()))
    )
    arrow = {c: grouped[c].to_arrow(compat_level=pl.CompatLevel.oldest()) for c in grouped.columns}
    return pa.table(
        {
            "batch_id": _uuids(grouped[BATCH_ID]),
            "column_name": arrow["column"].cast(pa.string()),
            label: arrow[label].cast(pa.string()),
            **{
                new: arrow[new].cast(pa.list_(pa.binary() if old == "raw" else pa.string()))
                for old, new in lists.items()
            },
        }
    )


def _owned(rows: pa.Table, ids: pl.DataFrame) -> pl.DataFrame:
    """Give the id of each row's part of a batch: column BATCH_ID, in the order of the rows."""
    places = pl.DataFrame({BATCH: pl.from_arrow(rows[BATCH]), "tenant_id": pl.from_arrow(_stored(rows["tenant_id"]))})
    return places.join(ids, on=[BATCH, "tenant_id"], how="left", maintain_order="left")


def _stored(uuids: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([c.storage for c in uuids.chunks], pa.binary(16))


def _uuids(ids: pl.Series) -> pa.Array:
    storage = ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.binary(16))
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)
