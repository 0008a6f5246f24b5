"""Transform: raw Parquet to the five outputs, a bundle of batches at a time, parents before children.

Reads staged files only (and, for parents that are not part of the run, what extract staged of them). A bundle
whose outputs are staged under the same entry is left alone. Invariant: for every batch and tenant, rows mapped
plus rows rejected are the rows tagged with that tenant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter

import polars as pl
import pyarrow as pa

from pipeline.core import frame, outputs, recipe, tenancy, transform
from pipeline.core.breaches import marked, repeated
from pipeline.core.frame import BATCH, KEY, MATCH, NEW_ID, ORDINAL, ROW, SOURCE, SOURCE_TENANT, TENANT
from pipeline.core.keys import LIVING, Parents, doubled, keys_of, living, numbered, of_doubled, with_key
from pipeline.core.plan import Batch, Bundle, Held, batches, batches_in, sources_of
from pipeline.core.quality import verdicts
from pipeline.core.waves import bundled, bundles
from pipeline.errors import ContractError
from pipeline.owners import Owners
from pipeline.settings import LOADED
from pipeline.stores.arrow import to_arrow, to_frame
from pipeline.stores.outputs import id_map_table, side_tables, summary, survivors
from pipeline.stores.staging import ID_MAP
from pipeline.workspace import Part, Workspace
from schemas.catalog import MatchKey
from schemas.contracts import contracts, raw_contract, violations
from schemas.model import Entity

#: What tells a row's place, and its ordinal.
_ORDINALS = {BATCH: pl.Int64, ROW: pl.UInt32, ORDINAL: pl.Int32}
_NO_ORDINALS = pl.DataFrame(schema=_ORDINALS)


class Transformer:
    """Transforms the bundles of one part of a run; holds the small frames that many of them join with.

    They are made by `pending`, by one thread; any number of threads may then transform what that listed.
    """

    def __init__(self, workspace: Workspace, wave: int, shared: Transformer | None = None) -> None:
        """Take a part in hand.

        Args:
            workspace: the part.
            wave: its number.
            shared: that of the rows of all tenants, where this is not it.
        """
        self._ws, self._wave, self._shared = workspace, wave, shared
        self._owners: Owners = Owners(workspace.catalog, self._all_raw) if shared is None else shared._owners
        #: Parent and its key -> its living rows.
        self._living: dict[tuple[str, MatchKey], pl.DataFrame] = {}
        #: Survivors of an entity of a circle, worked out before any of the circle is transformed.
        self._ahead: dict[str, pl.DataFrame] = {}
        #: Derived entity -> source -> its groups.
        self._grouped: dict[str, dict[str, pl.DataFrame]] = {}
        #: An entity's rows in a source that share a key with others.
        self._numbered: dict[Held, pl.DataFrame] = {}
        #: Entity -> place of a rule -> what several rows hold that should be unique.
        self._held_twice: dict[str, dict[int, pl.DataFrame]] = {}

    def pending(self, entity_id: str) -> list[Bundle]:
        """List the bundles of an entity that are not yet staged under its present entry, and make ready for them."""
        entity, record = self._ws.catalog[entity_id], self._ws.record
        if entity.derived_from is None:
            found = bundles(entity, record, self._wave)
        else:
            found = bundled(self._wave, entity_id, self._group_batches(entity), record)
        due = [b for b in found if not self._is_done(b)]
        if due:
            self._parents(entity)
            self._owners.routes(entity)
            self._repeated(entity)
            for source in sources_of(entity, record):
                self._ordinals(entity, source)
        return due

    def transform(self, bundle: Bundle) -> int:
        """Transform a bundle; return the legacy rows that it held for the selected tenants.

        Raises:
            ContractError: a raw or target frame breaks its contract.
            StagedFileDamaged: a file it reads is not what was written.
        """
        started = perf_counter()
        entity = self._ws.catalog[bundle.entity]
        raw = self._rows(bundle)
        _demand(violations(raw, raw_contract(entity, named=frame.column)), f"{bundle}, raw rows")
        prepared = self._prepared(bundle, raw, self._parents(entity)).collect()
        told = prepared.select(pl.col(v.flag).any() for v in verdicts(entity)).row(0, named=True)
        held = [flag for flag, holds in told.items() if holds]
        made = outputs.outputs(prepared.lazy(), entity, self._ws.catalog, held=held)
        names = list(made.targets)
        *targets, id_map, rejects, findings, raw_values = pl.collect_all(
            [*made.targets.values(), made.id_map, made.rejects, made.findings, made.raw_values]
        )
        tables = self._arrow(entity, dict(zip(names, targets, strict=True)), str(bundle))
        tables |= side_tables(rejects, findings, raw_values)
        tables[ID_MAP] = id_map_table(id_map)
        parts = summary(id_map, rejects)
        listed = [
            {"source": b.source, "number": b.number, "tenants": parts.get(n, {})} for n, b in enumerate(bundle.batches)
        ]
        self._ws.staging.write_outputs(bundle, tables, {**self._version(bundle), "batches": listed})
        made_of = [
            Part(tenant, str(bundle.batches[number]), part["mapped"], part["rejected"], part["checksum"])
            for number, tenants in parts.items()
            for tenant, part in tenants.items()
        ]
        size = sum(table.nbytes for table in tables.values())
        self._ws.log_parts("transform", entity.id, made_of, seconds=perf_counter() - started, size=size)
        return prepared.height

    # -- what a bundle reads ------------------------------------------------------------------------

    def _version(self, bundle: Bundle) -> dict[str, str]:
        return {"entity": bundle.entity, "entry_hash": self._ws.catalog.hashes[bundle.entity]}

    def _is_done(self, bundle: Bundle) -> bool:
        manifest = self._ws.staging.output_manifest(bundle)
        if manifest is None:
            return False
        listed = [(b["source"], b["number"]) for b in manifest["batches"]]
        version = {k: manifest[k] for k in ("entity", "entry_hash")}
        return version == self._version(bundle) and listed == [(b.source, b.number) for b in bundle.batches]

    def _rows(self, bundle: Bundle) -> pl.DataFrame:
        """Read what a bundle is made of: raw rows, or groups, each with the place of its batch in the bundle."""
        entity = self._ws.catalog[bundle.entity]
        if entity.derived_from is None:
            return self._raw(entity, bundle.batches)
        return pl.concat(
            self._groups(b).with_columns(pl.lit(n, pl.Int32).alias(BATCH)) for n, b in enumerate(bundle.batches)
        )

    def _raw(self, entity: Entity, of: Sequence[Batch], columns: list[str] | None = None) -> pl.DataFrame:
        """Read the rows of batches, or some columns, with their ordinals where keys of their source are doubled."""
        staging = self._ws.staging
        raw = self._placed([b.source for b in of], [staging.read_table(staging.raw_path(b), columns) for b in of])
        numbers = [
            ordinals.filter(pl.col(BATCH) == batch.number).with_columns(pl.lit(n, pl.Int32).alias(BATCH))
            for n, batch in enumerate(of)
            if (ordinals := self._ordinals(entity, batch.source)).height
        ]
        if not numbers:
            return raw
        row = pl.int_range(pl.len(), dtype=pl.UInt32).over(BATCH).alias(ROW)
        found = raw.with_columns(row).join(pl.concat(numbers), on=[BATCH, ROW], how="left", maintain_order="left")
        return found.drop(ROW).with_columns(pl.col(ORDINAL).fill_null(0))

    def _placed(self, sources: Sequence[str], tables: Sequence[pa.Table]) -> pl.DataFrame:
        """Put tables, each of a source, behind one another; say of each row which it is from, and that source's tenant.

        Once for all, as there may be hundreds of them, of a few rows each.
        """
        place = pa.concat_arrays(pa.repeat(pa.scalar(n, pa.int32()), t.num_rows) for n, t in enumerate(tables))
        tenants = pl.Series([self._ws.record.sources[s].tenant_id for s in sources], dtype=pl.String)
        rows = to_frame(pa.concat_tables(tables, promote_options="default").append_column(BATCH, place))
        return rows.with_columns(pl.lit(tenants).gather(BATCH).alias(SOURCE_TENANT))

    def _ordinals(self, entity: Entity, source: str) -> pl.DataFrame:
        """Number the rows of a source that share a key: BATCH, ROW of it, ORDINAL; where a key may be shared.

        A key is one as the entry compares it: its rows may lie in different batches, so that all are asked.
        """
        held = Held(source, entity.id)
        if held not in self._ws.record.unenforced:
            return _NO_ORDINALS
        if held not in self._numbered:
            staging, own = self._ws.staging, [*batches_in(source, entity, self._ws.record)]
            columns = [frame.column(c) for c in entity.key if c in entity.raw_columns]
            keys = pl.concat(to_frame(staging.read_table(staging.raw_path(b), columns)) for b in own)
            matches = doubled(keys.lazy(), entity).collect()
            rows = []
            for batch in own if matches.height else ():
                raw = to_frame(staging.read_table(staging.raw_path(batch))).with_row_index(ROW)
                found = of_doubled(raw.lazy(), entity, matches.lazy()).collect()
                rows.append(found.with_columns(pl.lit(batch.number, pl.Int64).alias(BATCH)))
            ordinals = numbered(pl.concat(rows).lazy(), entity).select(*_ORDINALS).collect() if rows else _NO_ORDINALS
            self._numbered[held] = ordinals
        return self._numbered[held]

    def _tagged(self, entity: Entity, raw: pl.DataFrame) -> pl.LazyFrame:
        ordinal = pl.col(ORDINAL) if ORDINAL in raw.columns else None
        keyed = with_key(raw.lazy(), entity, ordinal=ordinal, apart=[BATCH])
        if entity.derived_from is not None:
            return keyed  # its tenant came along from the rows that it groups
        return tenancy.tag(
            keyed,
            entity,
            source_tenant=pl.col(SOURCE_TENANT),
            routes=self._owners.routes(entity),
            catalog=self._ws.catalog,
        )

    def _prepared(self, bundle: Bundle, raw: pl.DataFrame, parents: Parents) -> pl.LazyFrame:
        record, entity = self._ws.record, self._ws.catalog[bundle.entity]
        tagged = self._tagged(entity, raw).filter(pl.col(TENANT).is_in(list(record.tenants)))
        tagged = marked(tagged, entity, self._repeated(entity))
        zones = record.sources[bundle.batches[0].source]
        context = transform.Context(zones.host_zone, zones.tenant_zone, record.as_of)
        return transform.prepare(tagged, entity, catalog=self._ws.catalog, parents=parents, context=context)

    def _repeated(self, entity: Entity) -> Mapping[int, pl.LazyFrame]:
        """List what several rows of a tenant hold that should be unique: its rows may lie in different batches."""
        if entity.id not in self._held_twice:
            found: dict[int, pl.DataFrame] = {}
            if entity.unique_rules:
                asked = {c for rule in entity.unique_rules.values() for c in rule.columns}
                asked |= {*self._ws.catalog.key_columns(entity)}
                columns = [frame.column(c) for c in entity.raw_columns if c in asked] if entity.key else None
                of = [b for bundle in bundles(entity, self._ws.record, self._wave) for b in bundle.batches]
                tagged = self._tagged(entity, self._raw(entity, of, columns))
                places, frames = zip(*repeated(tagged, entity).items(), strict=True)
                found = dict(zip(places, pl.collect_all(frames), strict=True))
            self._held_twice[entity.id] = found
        return {n: df.lazy() for n, df in self._held_twice[entity.id].items()}

    def _all_raw(self, entity: Entity) -> pl.DataFrame:
        record = self._ws.record
        if entity.id in record.key_entities:
            return pl.concat(self._keys(entity, source) for source in sources_of(entity, record))
        return self._raw(entity, [*batches(entity, record)])

    def _keys(self, entity: Entity, source: str) -> pl.DataFrame:
        return self._placed([source], [self._ws.staging.read_table(self._ws.staging.keys_path(source, entity.id))])

    # -- living parents -----------------------------------------------------------------------------

    def _parents(self, entity: Entity, *, ahead: bool = False) -> Parents:
        """Give the living rows of every parent; `ahead` of its circle none of those in it, which can reject no row."""
        circle = self._ws.catalog.circle(entity.id)
        found: dict[tuple[str, MatchKey], pl.LazyFrame] = {}
        for candidate in recipe.candidates(entity, self._ws.catalog):
            place, is_around = (candidate.parent.id, candidate.key), candidate.parent.id in circle
            if ahead and is_around:
                found[place] = pl.LazyFrame(schema=LIVING)
            else:
                found[place] = self._living_rows(candidate, ahead=is_around).lazy()
        return found

    def _living_rows(self, candidate: recipe.Candidate, *, ahead: bool) -> pl.DataFrame:
        parent, key, index = candidate.parent, candidate.key, candidate.index
        if parent.is_shared and self._shared is not None:
            return self._shared._living_rows(candidate, ahead=ahead)
        if (parent.id, key) not in self._living:
            none = pl.DataFrame(schema=dict.fromkeys((TENANT, KEY, NEW_ID, frame.match(index)), pl.String))
            # The part of all tenants' rows and nobody's has no tenant's.
            is_here = any(sources_of(parent, self._ws.record))
            keys = self._surviving(parent, ahead=ahead).select(none.columns) if is_here else none
            self._living[parent.id, key] = living(keys.lazy(), index, own=key == MatchKey(parent.key)).collect()
        return self._living[parent.id, key]

    def _surviving(self, parent: Entity, *, ahead: bool) -> pl.DataFrame:
        """List the living rows of a parent: transformed in this run, else loaded, else pending."""
        staging, record = self._ws.staging, self._ws.record
        if parent.id not in record.key_entities:
            if ahead:
                return self._surviving_ahead(parent)
            own = bundles(parent, record, self._wave)
            return pl.concat(survivors(staging.read_table(staging.output_path(b, ID_MAP))) for b in own)
        keys = pl.concat(self._keys_living(parent, source) for source in sources_of(parent, record))
        loaded = to_frame(staging.read_table(staging.keys_path(LOADED, parent.id))).lazy()
        found = keys.join(loaded, left_on=[TENANT, KEY], right_on=[TENANT, "legacy_key"], how="left")
        known = loaded.select(TENANT).unique().with_columns(pl.lit(True).alias("is_loaded"))
        return (
            found.join(known, on=TENANT, how="left")
            .filter(pl.col("new_id").is_not_null() | pl.col("is_loaded").is_null())
            .with_columns(pl.coalesce("new_id", NEW_ID).alias(NEW_ID))
            .collect()
        )

    def _keys_living(self, parent: Entity, source: str) -> pl.LazyFrame:
        raw = self._keys(parent, source)
        keys = keys_of(self._tagged(parent, raw), parent, self._ws.catalog)
        if Held(source, parent.id) not in self._ws.record.unenforced:
            return keys
        return keys.join(doubled(raw.lazy(), parent), left_on=frame.match(0), right_on=MATCH, how="anti")

    def _surviving_ahead(self, parent: Entity) -> pl.DataFrame:
        """List the living rows of a parent whose circle is not transformed yet: what its other references leave."""
        if parent.id not in self._ahead:
            parents = self._parents(parent, ahead=True)
            # A bundle at a time: only what children join with is kept of each.
            self._ahead[parent.id] = pl.concat(
                outputs.survivors(self._prepared(b, self._rows(b), parents), parent, self._ws.catalog).collect()
                for b in bundles(parent, self._ws.record, self._wave)
            )
        return self._ahead[parent.id]

    # -- derived entities ---------------------------------------------------------------------------

    def _group_batches(self, entity: Entity) -> Iterator[tuple[Batch, int]]:
        for source, groups in self._distinct_groups(entity).items():
            sizes = groups[BATCH].value_counts().sort(BATCH)["count"].to_list()
            for n, size in enumerate(sizes or [0]):
                yield Batch(source, entity.id, n), size

    def _groups(self, batch: Batch) -> pl.DataFrame:
        groups = self._distinct_groups(self._ws.entity(batch))[batch.source]
        return groups.filter(pl.col(BATCH) == batch.number).drop(BATCH)

    def _distinct_groups(self, entity: Entity) -> dict[str, pl.DataFrame]:
        """Take the distinct groups over all surviving rows of the origin, by source; BATCH counts within a tenant."""
        if entity.id in self._grouped:
            return self._grouped[entity.id]
        record, catalog, staging = self._ws.record, self._ws.catalog, self._ws.staging
        origin, columns = catalog[str(entity.derived_from)], [*map(frame.column, entity.raw_columns), TENANT]
        read = [*map(frame.column, {*catalog.key_columns(origin), *entity.raw_columns})] if origin.key else None
        found = [pl.DataFrame(schema=dict.fromkeys((*columns, SOURCE), pl.String))]
        for bundle in bundles(origin, record, self._wave):
            id_map = staging.read_table(staging.output_path(bundle, ID_MAP), ["tenant_id", "legacy_key"])
            tagged = self._tagged(origin, self._raw(origin, bundle.batches, read))
            alive = tagged.join(survivors(id_map).lazy(), on=[TENANT, KEY], how="semi")
            source = pl.lit(pl.Series([b.source for b in bundle.batches])).gather(BATCH)
            found.append(alive.select(*columns, source.alias(SOURCE)).unique().collect())
        number = pl.int_range(pl.len()).over(SOURCE, TENANT) // record.batch_rows
        groups = pl.concat(found).unique().sort(*columns).with_columns(number.alias(BATCH))
        self._grouped[entity.id] = {
            s: groups.filter(pl.col(SOURCE) == s).drop(SOURCE) for s in sources_of(origin, record)
        }
        return self._grouped[entity.id]

    def _arrow(self, entity: Entity, targets: Mapping[str, pl.DataFrame], place: str) -> dict[str, pa.Table]:
        tables = {}
        for table, contract in contracts(entity).items():
            _demand(violations(targets[table].drop(BATCH), contract), f"{place}, target {table}")
            columns = next(t.columns for t in entity.targets if t.table == table)
            tables[table] = to_arrow(targets[table], {**columns, BATCH: "integer"})
        return tables


def _demand(broken: list[str], where: str) -> None:
    if broken:
        raise ContractError(
            where=where,
            got="; ".join(broken),
            expected="frames as the catalog's contract says",
            remedy="the entry does not describe these rows: correct it, then run again",
        )
