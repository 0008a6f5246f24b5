"""Transform: raw Parquet to the five outputs, a batch at a time, in dependency order.

Reads staged files only (and, for parents that are not part of the run, what extract staged of them). A batch
whose outputs are staged under the same entry is left alone. Invariant: for every batch and tenant, rows mapped
plus rows rejected are the rows tagged with that tenant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import RLock
from time import perf_counter
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.core import fingerprint, frame, outputs, tenancy, transform
from pipeline.core.frame import BATCH, KEY, MATCH, NEW_ID, ORDINAL, ROW, TENANT
from pipeline.core.keys import LIVING, Parents, doubled, keys_of, living, numbered, of_doubled, with_key
from pipeline.core.plan import Batch, Held, batches, sources_of
from pipeline.core.quality import verdicts
from pipeline.errors import ContractError
from pipeline.settings import LOADED
from pipeline.stores.staging import ID_MAP, to_arrow
from pipeline.workspace import Workspace
from schemas.catalog import MatchKey
from schemas.contracts import contracts, raw_contract, violations
from schemas.model import Entity
from schemas.parts import TenantRule

_ID_MAP_TYPES = {
    "tenant_id": "uuid",
    "legacy_key": "text",
    "new_id": "uuid",
    "source_hash": "uuid",
    "target_hash": "uuid",
}
#: What tells a row's place, and its ordinal.
_ORDINALS = {BATCH: pl.Int64, ROW: pl.UInt32, ORDINAL: pl.Int32}


class Transformer:
    """Transforms the batches of one run; keeps the small frames that many batches join with."""

    def __init__(self, workspace: Workspace) -> None:
        self._ws = workspace
        self._living: dict[tuple[str, MatchKey, str], pl.DataFrame] = {}
        self._routes: dict[str, pl.DataFrame] = {}
        #: (entity, source) -> survivors of an entity of a circle, worked out before any of the circle is transformed.
        self._ahead: dict[tuple[str, str], pl.DataFrame] = {}
        #: "source/entity" -> its rows that share a key with others.
        self._numbered: dict[Held, pl.DataFrame] = {}
        # Working out one parent's living rows may ask for another's.
        self._lock = RLock()

    def pending(self, entity_id: str, source: str) -> list[Batch]:
        """List the batches of an entity of one source that are not yet staged under its present entry."""
        entity = self._ws.catalog[entity_id]
        if entity.derived_from is not None:
            numbers = self._group_batches(entity, source)
        else:
            numbers = [b for b in batches(entity, self._ws.record) if b.source == source]
        return [b for b in numbers if not self._is_done(b)]

    def transform(self, batch: Batch) -> int:
        """Transform one batch; return the legacy rows that it held for the selected tenants.

        Raises:
            ContractError: a raw or target frame breaks its contract.
            StagedFileDamaged: a file it reads is not what was written.
        """
        started = perf_counter()
        entity = self._ws.entity(batch)
        raw = self._groups(entity, batch) if entity.derived_from else self._raw(batch)
        _demand(violations(raw, raw_contract(entity, named=frame.column)), f"{batch}, raw rows")
        prepared = self._prepared(entity, batch.source, raw, self._parents(entity, batch.source)).collect()
        told = prepared.select(pl.col(v.flag).any() for v in verdicts(entity)).row(0, named=True)
        held = [flag for flag, holds in told.items() if holds]
        made = outputs.outputs(prepared.lazy(), entity, self._ws.catalog, held=held)
        names = list(made.targets)
        *targets, id_map, rejects, findings, raw_values = pl.collect_all(
            [*made.targets.values(), made.id_map, made.rejects, made.findings, made.raw_values]
        )
        tables = self._arrow(entity, dict(zip(names, targets, strict=True)), str(batch))
        tables |= _side_tables(rejects, findings, raw_values)
        tables[ID_MAP] = _id_map_table(id_map)
        tenants = _summary(id_map, rejects)
        self._ws.staging.write_outputs(batch, tables, {"entity": entity.id, **self._version(batch), "tenants": tenants})
        for tenant, summary in tenants.items():
            self._ws.log(
                "transform",
                entity.id,
                tenant,
                str(batch),
                count=summary["mapped"],
                rejected=summary["rejected"],
                started=started,
                checksum=summary["checksum"],
            )
        return prepared.height

    def forget(self, source: str) -> None:
        """Drop the frames of one source, so that memory does not grow with the fleet."""
        with self._lock:
            for key in [k for k in self._living if k[2] == source]:
                del self._living[key]
            for place in [k for k in self._ahead if k[1] == source]:
                del self._ahead[place]
            for held in [h for h in self._numbered if h.source == source]:
                del self._numbered[held]

    # -- what a batch reads -------------------------------------------------------------------------

    def _version(self, batch: Batch) -> dict[str, str]:
        return {"batch": str(batch), "entry_hash": self._ws.catalog.hashes[batch.entity]}

    def _is_done(self, batch: Batch) -> bool:
        manifest = self._ws.staging.output_manifest(batch)
        return manifest is not None and {k: manifest.get(k) for k in ("batch", "entry_hash")} == self._version(batch)

    def _raw(self, batch: Batch) -> pl.DataFrame:
        """Read the rows of a batch, with their ordinals where keys of their source are doubled."""
        raw = _frame(self._ws.staging.read_table(self._ws.staging.raw_path(batch)))
        ordinals = self._ordinals(self._ws.entity(batch), batch.source)
        if ordinals.height == 0:
            return raw
        own = ordinals.filter(pl.col(BATCH) == batch.number).drop(BATCH)
        found = raw.with_row_index(ROW).join(own, on=ROW, how="left", maintain_order="left").drop(ROW)
        return found.with_columns(pl.col(ORDINAL).fill_null(0))

    def _ordinals(self, entity: Entity, source: str) -> pl.DataFrame:
        """Number the rows of a source that share a key: BATCH, ROW of it, ORDINAL; where a key may be shared.

        A key is one as the entry compares it: its rows may lie in different batches, so that all are asked.
        """
        held, none = Held(source, entity.id), pl.DataFrame(schema=_ORDINALS)
        if held not in self._ws.record.unenforced:
            return none
        with self._lock:
            if held not in self._numbered:
                staging, own = self._ws.staging, [b for b in batches(entity, self._ws.record) if b.source == source]
                columns = [frame.column(c) for c in entity.key if c in entity.raw_columns]
                keys = pl.concat(_frame(staging.read_table(staging.raw_path(b), columns)) for b in own)
                matches = doubled(keys.lazy(), entity).collect()
                rows = []
                for batch in own if matches.height else ():
                    raw = _frame(staging.read_table(staging.raw_path(batch))).with_row_index(ROW)
                    found = of_doubled(raw.lazy(), entity, matches.lazy()).collect()
                    rows.append(found.with_columns(pl.lit(batch.number, pl.Int64).alias(BATCH)))
                ordinals = numbered(pl.concat(rows).lazy(), entity).select(*_ORDINALS).collect() if rows else none
                self._numbered[held] = ordinals
            return self._numbered[held]

    def _tagged(self, entity: Entity, source: str, raw: pl.DataFrame) -> pl.LazyFrame:
        keyed = with_key(raw.lazy(), entity, ordinal=pl.col(ORDINAL) if ORDINAL in raw.columns else None)
        if entity.derived_from is not None:
            return keyed  # its tenant came along from the rows that it groups
        tenant = self._ws.record.sources[source].tenant_id
        routes = self._route(entity.tenant) if isinstance(entity.tenant, TenantRule) else {}
        return tenancy.tag(keyed, entity, source_tenant=tenant, routes=routes, catalog=self._ws.catalog)

    def _prepared(self, entity: Entity, source: str, raw: pl.DataFrame, parents: Parents) -> pl.LazyFrame:
        record = self._ws.record
        tagged = self._tagged(entity, source, raw).filter(pl.col(TENANT).is_in(list(record.tenants)))
        zones = record.sources[source]
        context = transform.Context(zones.host_zone, zones.tenant_zone, record.as_of)
        return transform.prepare(tagged, entity, catalog=self._ws.catalog, parents=parents, context=context)

    def _route(self, rule: TenantRule) -> dict[str, pl.LazyFrame]:
        catalog = self._ws.catalog
        name = tenancy.route_name(rule, catalog)
        if name not in self._routes:
            through = catalog.through(rule)
            frames = []
            for source in sources_of(through, self._ws.record):
                raw = pl.concat(self._all_raw(through, source))
                if rule.through is None:
                    frames.append(tenancy.registry(raw.lazy(), through, catalog.installation))
                else:
                    frames.append(tenancy.route(self._tagged(through, source, raw), through, rule))
            self._routes[name] = pl.concat(frames).unique().collect()
        return {name: self._routes[name].lazy()}

    def _all_raw(self, entity: Entity, source: str) -> Iterator[pl.DataFrame]:
        staging = self._ws.staging
        if entity.id in self._ws.record.key_entities:
            yield _frame(staging.read_table(staging.keys_path(source, entity.id)))
            return
        for batch in batches(entity, self._ws.record):
            if batch.source == source:
                yield self._raw(batch)

    def _parents(self, entity: Entity, source: str, *, ahead: bool = False) -> Parents:
        """Give the living rows of every parent; `ahead` of its circle none of those in it, which can reject no row."""
        circle = self._ws.catalog.circle(entity.id)
        found: dict[tuple[str, MatchKey], pl.LazyFrame] = {}
        wanted = [
            (p, MatchKey(c.by or self._ws.catalog[p].key)) for c in entity.references.values() for p in c.references
        ]
        if entity.shared is not None:
            wanted += [(entity.shared.entity, key) for key in self._ws.catalog.shared_keys(entity)]
        for parent_id, key in wanted:
            if ahead and parent_id in circle:
                found[parent_id, key] = pl.LazyFrame(schema=LIVING)
            else:
                found[parent_id, key] = self._living_rows(parent_id, key, source, ahead=parent_id in circle).lazy()
        return found

    def _living_rows(self, parent_id: str, key: MatchKey, source: str, *, ahead: bool) -> pl.DataFrame:
        parent = self._ws.catalog[parent_id]
        # A tenant's parents are its own; a row of the directory may refer into any source that holds the parent.
        holders = [s for s in sources_of(parent, self._ws.record) if s == source] or list(
            sources_of(parent, self._ws.record)
        )
        cached = (parent_id, key, source)
        with self._lock:
            if cached not in self._living:
                index = self._ws.catalog.match_keys[parent_id].index(key)
                none = pl.DataFrame(schema=dict.fromkeys((TENANT, KEY, NEW_ID, frame.match(index)), pl.String))
                keys = pl.concat(
                    [none, *(self._surviving(parent, h, ahead=ahead).select(none.columns) for h in holders)]
                )
                self._living[cached] = living(keys.lazy(), index, own=key == MatchKey(parent.key)).collect()
            return self._living[cached]

    def _surviving(self, parent: Entity, source: str, *, ahead: bool) -> pl.DataFrame:
        """List the living rows of a parent: transformed in this run, else loaded, else pending."""
        staging = self._ws.staging
        if parent.id not in self._ws.record.key_entities:
            if ahead:
                return self._surviving_ahead(parent, source)
            own = (b for b in batches(parent, self._ws.record) if b.source == source)
            return pl.concat(_survivors(staging.read_table(staging.output_path(b, ID_MAP))) for b in own)
        raw = _frame(staging.read_table(staging.keys_path(source, parent.id)))
        keys = keys_of(self._tagged(parent, source, raw), parent, self._ws.catalog)
        if Held(source, parent.id) in self._ws.record.unenforced:
            keys = keys.join(doubled(raw.lazy(), parent), left_on=frame.match(0), right_on=MATCH, how="anti")
        loaded = _frame(staging.read_table(staging.keys_path(LOADED, parent.id))).lazy()
        keys = keys.join(loaded, left_on=[TENANT, KEY], right_on=[TENANT, "legacy_key"], how="left")
        known = loaded.select(TENANT).unique().with_columns(pl.lit(True).alias("is_loaded"))
        return (
            keys.join(known, on=TENANT, how="left")
            .filter(pl.col("new_id").is_not_null() | pl.col("is_loaded").is_null())
            .with_columns(pl.coalesce("new_id", NEW_ID).alias(NEW_ID))
            .collect()
        )

    def _surviving_ahead(self, parent: Entity, source: str) -> pl.DataFrame:
        """List the living rows of a parent whose circle is not transformed yet: what its other references leave."""
        cached = (parent.id, source)
        if cached not in self._ahead:
            parents = self._parents(parent, source, ahead=True)
            # A batch at a time: only what children join with is kept of each.
            self._ahead[cached] = pl.concat(
                outputs.survivors(
                    self._prepared(parent, source, self._raw(b), parents), parent, self._ws.catalog
                ).collect()
                for b in batches(parent, self._ws.record)
                if b.source == source
            )
        return self._ahead[cached]

    # -- derived entities ---------------------------------------------------------------------------

    def _group_batches(self, entity: Entity, source: str) -> list[Batch]:
        rows = self._distinct_groups(entity, source).height
        size = self._ws.record.batch_rows
        return [Batch(source, entity.id, n) for n in range(max(1, -(-rows // size)))]

    def _groups(self, entity: Entity, batch: Batch) -> pl.DataFrame:
        size = self._ws.record.batch_rows
        return self._distinct_groups(entity, batch.source).slice(batch.number * size, size)

    def _distinct_groups(self, entity: Entity, source: str) -> pl.DataFrame:
        """Take the distinct groups over all surviving rows of the origin, in the order of their keys."""
        cached = (entity.id, MatchKey(entity.key), source)
        with self._lock:
            if cached in self._living:
                return self._living[cached]
        origin, columns = self._ws.catalog[str(entity.derived_from)], [*map(frame.column, entity.raw_columns), TENANT]
        frames = []
        for batch in batches(origin, self._ws.record):
            if batch.source == source:
                tagged = self._tagged(origin, source, self._raw(batch))
                alive = _survivors(self._ws.staging.read_table(self._ws.staging.output_path(batch, ID_MAP)))
                frames.append(tagged.join(alive.lazy(), on=[TENANT, KEY], how="semi").select(*columns).unique())
        groups = pl.concat(frames).unique().sort(*columns).collect()
        with self._lock:
            return self._living.setdefault(cached, groups)

    def _arrow(self, entity: Entity, targets: Mapping[str, pl.DataFrame], place: str) -> dict[str, pa.Table]:
        tables = {}
        for table, contract in contracts(entity).items():
            _demand(violations(targets[table], contract), f"{place}, target {table}")
            columns = next(t.columns for t in entity.targets if t.table == table)
            tables[table] = to_arrow(targets[table], columns)
        return tables


def _frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table))


def _survivors(id_map: pa.Table) -> pl.DataFrame:
    """Give the rows of a staged id map as core frames hold them, with ids as text."""
    named = {"tenant_id": TENANT, "legacy_key": KEY, "new_id": NEW_ID}
    named |= {c: frame.match(int(c.removeprefix("match_"))) for c in id_map.column_names if c.startswith("match_")}
    columns = {}
    for name, own in named.items():
        column = id_map[name]
        if isinstance(column.type, pa.UuidType):
            hexed = pl.Series(pl.from_arrow(pa.chunked_array([c.storage for c in column.chunks], pa.binary(16))))
            text = hexed.bin.encode("hex")
            parts = [text.str.slice(a, n) for a, n in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
            column = pl.select(pl.concat_str(parts, separator="-")).to_series().to_arrow()
        columns[own] = column
    return _frame(pa.table(columns))


def _id_map_table(id_map: pl.DataFrame) -> pa.Table:
    matches = {c: "text" for c in id_map.columns if c.startswith("match_")}
    return to_arrow(id_map.rename({TENANT: "tenant_id"}), {**_ID_MAP_TYPES, **matches})


def _side_tables(rejects: pl.DataFrame, findings: pl.DataFrame, raw_values: pl.DataFrame) -> dict[str, pa.Table]:
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
    return {"tenant_id": "uuid", "source_hash": "uuid", "ordinal": "integer"}.get(column, "text")


def _summary(id_map: pl.DataFrame, rejects: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Count what each tenant got of a batch: mapped, rejected, and the checksum of the target hashes."""
    mapped = id_map.group_by(TENANT).agg(
        pl.len().alias("mapped"), fingerprint.checksum(pl.col("target_hash").drop_nulls()).alias("checksum")
    )
    refused = rejects.group_by(TENANT).agg(pl.len().alias("rejected"))
    both = mapped.join(refused, on=TENANT, how="full", coalesce=True).sort(TENANT)
    return {
        row[TENANT]: {
            "mapped": row["mapped"] or 0,
            "rejected": row["rejected"] or 0,
            "checksum": row["checksum"] or "0",
        }
        for row in both.to_dicts()
    }


def _demand(broken: list[str], where: str) -> None:
    if broken:
        raise ContractError(
            where=where,
            got="; ".join(broken),
            expected="frames as the catalog's contract says",
            remedy="the entry does not describe these rows: correct it, then run again",
        )
