"""A small catalog's rows moved in memory, by both renderings: what Polars makes of them, DuckDB must derive again.

The orchestration is that of the stages in small: parents before children, circles twice, groups after their origins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipeline.core import breaches, frame, ids, keys, outputs, recipe, tenancy, transform
from pipeline.core.frame import KEY, ORDINAL, TENANT
from pipeline.core.quality import Kind, verdicts
from pipeline.core.scrub import SCRUBS
from pipeline.core.sql import compare, expected, judged, relations
from pipeline.stores.arrow import to_arrow
from pipeline.stores.parity import ParityDatabase, RawFiles
from schemas.catalog import Catalog, MatchKey
from schemas.model import Entity
from schemas.parts import TenantRule
from tests.support.fleet import tenant_id

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
HOST_ZONE, TENANT_ZONE = "America/New_York", "America/Chicago"
#: Source -> its tenant; the login database's rows are of nobody by themselves.
TENANTS = {"a": str(tenant_id(1)), "b": str(tenant_id(2)), "login": None}
#: Whose rows are moved: those of the sources, of all, and of nobody that is known.
MOVED = (*(t for t in TENANTS.values() if t), str(ids.NIL), str(ids.UNRESOLVED))
Raw = Sequence[Mapping[str, str | None]]


@dataclass(frozen=True)
class Moved:
    """What became of the rows: those of the target tables, and of the ledger as (tenant, entity, legacy key, ...)."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: Beside what names the row: its new id.
    id_map: list[tuple[str, ...]] = field(default_factory=list)
    #: Its reasons.
    rejects: list[tuple[str, ...]] = field(default_factory=list)
    #: Column and hazard.
    findings: list[tuple[str, ...]] = field(default_factory=list)
    #: Column and raw text.
    raws: list[tuple[str, ...]] = field(default_factory=list)


class InPolars:
    """The rows as the transformation makes them."""

    def __init__(self, catalog: Catalog, raw: Mapping[tuple[str, str], pl.DataFrame]) -> None:
        self.catalog, self.raw = catalog, raw
        self.prepared = cache(self._prepared)
        self.surviving = cache(self._surviving)

    def sources(self, entity: Entity) -> list[str]:
        """List the sources that have rows of an entity."""
        held = self.catalog[entity.derived_from] if entity.derived_from else entity
        return [source for source, entity_id in self.raw if entity_id == held.id]

    def tagged(self, entity: Entity, source: str) -> pl.LazyFrame:
        if entity.derived_from is not None:
            return keys.with_key(self._groups(entity, source), entity)
        raw = self.raw[source, entity.id].lazy()
        ordinal = None
        if entity.key:
            doubled = keys.doubled(raw, entity)
            rows = raw.with_row_index(frame.ROW)
            numbered = keys.numbered(keys.of_doubled(rows, entity, doubled), entity).select(frame.ROW, ORDINAL)
            raw = rows.join(numbered, on=frame.ROW, how="left", maintain_order="left").drop(frame.ROW)
            ordinal = pl.col(ORDINAL).fill_null(0)
        routes = {}
        if isinstance(rule := entity.tenant, TenantRule):
            routes[tenancy.route_name(rule, self.catalog)] = self._route(rule)
        keyed = keys.with_key(raw, entity, ordinal=ordinal)
        return tenancy.tag(
            keyed, entity, source_tenant=pl.lit(TENANTS[source], pl.String), routes=routes, catalog=self.catalog
        )

    def _route(self, rule: TenantRule) -> pl.LazyFrame:
        through = self.catalog.through(rule)
        if rule.through is None:
            return tenancy.registry(self.raw["login", through.id].lazy(), through, self.catalog.installation)
        return pl.concat(tenancy.route(self.tagged(through, s), through, rule) for s in self.sources(through))

    def _groups(self, entity: Entity, source: str) -> pl.LazyFrame:
        origin = self.catalog[str(entity.derived_from)]
        alive = self.surviving(origin.id, source, ahead=False).lazy()
        columns = [*map(frame.column, entity.raw_columns), TENANT]
        return self.tagged(origin, source).join(alive, on=[TENANT, KEY], how="semi").select(*columns).unique()

    def _parents(self, entity: Entity, source: str, *, ahead: bool) -> keys.Parents:
        circle = self.catalog.circle(entity.id)
        wanted = {(c.parent.id, c.key) for c in recipe.candidates(entity, self.catalog)}
        found: dict[tuple[str, MatchKey], pl.LazyFrame] = {}
        for parent_id, key in wanted:
            parent, inside = self.catalog[parent_id], parent_id in circle
            holders = self.sources(parent)
            holders = [s for s in holders if s == source] or holders
            if (ahead and inside) or not holders:
                found[parent_id, key] = pl.LazyFrame(schema=keys.LIVING)
                continue
            alive = pl.concat(self.surviving(parent_id, holder, ahead=inside) for holder in holders).lazy()
            index = self.catalog.match_keys[parent_id].index(key)
            found[parent_id, key] = keys.living(alive, index, own=key == MatchKey(parent.key))
        return found

    def _prepared(self, entity_id: str, source: str, *, ahead: bool = False) -> pl.DataFrame:
        entity = self.catalog[entity_id]
        tagged = self.tagged(entity, source)
        return transform.prepare(
            breaches.marked(tagged, entity, breaches.repeated(tagged, entity)),
            entity,
            catalog=self.catalog,
            parents=self._parents(entity, source, ahead=ahead),
            context=transform.Context(HOST_ZONE, TENANT_ZONE, AS_OF),
        ).collect()

    def _surviving(self, entity_id: str, source: str, *, ahead: bool) -> pl.DataFrame:
        prepared = self.prepared(entity_id, source, ahead=ahead)
        return outputs.survivors(prepared.lazy(), self.catalog[entity_id], self.catalog).collect()

    def outputs(self, entity: Entity) -> Iterator[outputs.Outputs]:
        """Give the five outputs of an entity, source by source."""
        for source in self.sources(entity):
            prepared = self.prepared(entity.id, source)
            held = [v.flag for v in verdicts(entity) if prepared[v.flag].any()]
            placed = prepared.lazy().with_columns(pl.lit(0, pl.Int32).alias(frame.BATCH))
            yield outputs.outputs(placed, entity, self.catalog, held=held)


def moved(catalog: Catalog, rows: Mapping[tuple[str, str], Raw], duck: ParityDatabase, directory: Path) -> Moved:
    """Move raw rows, given by source and entity, and see them derived again.

    Args:
        catalog: the entries.
        rows: raw rows as text.
        duck: a verification database with the zones' transitions; it may have served others.
        directory: where raw files may lie.
    """
    raw = {(source, entity_id): _staged(catalog[entity_id], r) for (source, entity_id), r in rows.items()}
    polars, found = InPolars(catalog, raw), Moved()
    tables: dict[str, list[pl.DataFrame]] = {}
    for entity in map(catalog.__getitem__, catalog.order):
        for made in polars.outputs(entity):
            names = [f"{entity.service}.{t}" for t in made.targets]
            sides = (made.id_map, made.rejects, made.findings, made.raw_values)
            *targets, id_map, rejects, findings, raws = pl.collect_all([*made.targets.values(), *sides])
            for name, df in zip(names, targets, strict=True):
                tables.setdefault(name, []).append(df.drop(frame.BATCH))
            named = (TENANT, pl.lit(entity.id).alias("entity"), "legacy_key")
            # A group is no legacy row: the id map of the target has none, and the proof hashes only what is rejected.
            source_hash = pl.lit(None, pl.String).alias("source_hash") if entity.derived_from else "source_hash"
            found.id_map.extend(id_map.select(*named, "new_id", source_hash, "target_hash").rows())
            reasons = pl.col("reasons").list.join(", ")
            found.rejects.extend(rejects.select(*named, reasons, "row", "source_hash").rows())
            found.findings.extend(findings.select(*named, "column", "hazard").rows())
            found.raws.extend(raws.select(*named, "column", "rule", "raw").rows())
    frames = {name: pl.concat(parts) for name, parts in tables.items()}
    found.tables.update({name: df.to_dicts() for name, df in frames.items()})
    _derive(catalog, raw, duck, directory)
    _agree(catalog, frames, found, duck)
    return found


def _staged(entity: Entity, rows: Raw) -> pl.DataFrame:
    """Make raw rows what an extraction stages of them."""
    columns = {frame.column(n): [row[n] for row in rows] for n in entity.raw_columns}
    df = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    for name, column in entity.raw_columns.items():
        if column.scrub is not None:
            cleaned, changed = SCRUBS[column.scrub].polars(pl.col(frame.column(name)))
            told = pl.when(changed).then(pl.lit("1")).alias(frame.scrubbed(name))
            df = df.with_columns(cleaned.alias(frame.column(name)), told)
    return df.with_columns(pl.lit(None, pl.String).alias(frame.UNFIT))


def _derive(
    catalog: Catalog, raw: Mapping[tuple[str, str], pl.DataFrame], duck: ParityDatabase, directory: Path
) -> None:
    """Derive every entity in DuckDB: parents before children, those of a circle together."""
    for entity in catalog.entities.values():
        files = []
        for (source, entity_id), df in raw.items():
            if entity_id == entity.id:
                path = directory / f"{source}.{entity_id}.parquet"
                df.write_parquet(path)
                files.append(RawFiles([path], source, TENANTS[source], HOST_ZONE, TENANT_ZONE))
        if entity.derived_from is None:
            duck.raw_view(entity.id, files, dict.fromkeys(_columns(entity), "VARCHAR"))
    tagged: set[str] = set()
    ready: set[str] = set()
    for entity_id in catalog.order:
        if entity_id in ready:
            continue
        members = [catalog[m] for m in catalog.order if m in catalog.circle(entity_id)] or [catalog[entity_id]]
        is_circle = bool(catalog.circle(entity_id))
        for entity in members:
            _tag(catalog, entity, duck, tagged)
            for statement in expected.live_none(entity, catalog) if is_circle else ():
                duck.execute(statement)
        for _ in range(2 if is_circle else 1):
            for entity in members:
                duck.execute(judged.judged(entity, catalog, tenants=MOVED, as_of=AS_OF))
            for entity in members:
                for statement in expected.live(entity, catalog):
                    duck.execute(statement)
        ready.update(e.id for e in members)


def _columns(entity: Entity) -> list[str]:
    scrubbed = [frame.scrubbed(n) for n, c in entity.raw_columns.items() if c.scrub]
    return [*map(frame.column, entity.raw_columns), *scrubbed, frame.UNFIT]


def _tag(catalog: Catalog, entity: Entity, duck: ParityDatabase, done: set[str]) -> None:
    if entity.id in done:
        return
    done.add(entity.id)
    if entity.derived_from is not None:
        duck.execute(expected.groups(entity, catalog[entity.derived_from], batch_rows=10_000))
        return
    if isinstance(entity.tenant, TenantRule) and entity.tenant.through:
        _tag(catalog, catalog[entity.tenant.through], duck, done)
    if entity.key:
        duck.execute(expected.doubled(entity, TENANTS))
    duck.execute(expected.tagged(entity, catalog, doubled="rows" if entity.key else "no"))


def _agree(catalog: Catalog, frames: Mapping[str, pl.DataFrame], found: Moved, duck: ParityDatabase) -> None:
    """Hold what Polars made against what DuckDB derives, cell by cell and line by line."""
    entities = list(catalog.entities.values())
    receipts = (expected.expected_receipts(e, run_id="run", entry_hash="") for e in entities)
    duck.execute(f"CREATE OR REPLACE TABLE {relations.EXPECTED_RECEIPT} AS {' UNION ALL BY NAME '.join(receipts)}")
    duck.execute(compare.DIFFERING_TABLE)
    for name, df in frames.items():
        service, _, table = name.partition(".")
        of_table = [
            (e, t, n) for e in entities for n, t in enumerate(e.targets) if (e.service, t.table) == (service, table)
        ]
        columns = of_table[0][1].columns
        union = " UNION ALL BY NAME ".join(expected.expected_rows(e, t, n) for e, t, n in of_table)
        duck.execute(f"CREATE OR REPLACE TABLE {relations.expected(service, table)} AS {union}")
        duck.fill(relations.actual(service, table), to_arrow(df, columns))
        duck.execute(compare.rows(service, table, columns, stored=columns))
    assert duck.rows("SELECT * FROM differing") == []
    for side, (selected, selects) in _lines(entities).items():
        union = " UNION ALL BY NAME ".join(selects)
        lines = duck.rows(f"SELECT {selected} FROM ({union})") if union else []
        mine, again = Counter(getattr(found, side)), Counter(tuple(line.values()) for line in lines)
        assert mine == again, f"{side}: of Polars alone {mine - again}, of DuckDB alone {again - mine}"


def _lines(entities: Sequence[Entity]) -> dict[str, tuple[str, list[str]]]:
    """Give what the ledger must say in DuckDB's SQL, in the form of `Moved`: columns, and a SELECT an entity or verdict."""

    def notes(kind: Literal[Kind.FINDING, Kind.RAW]) -> list[str]:
        return [s for e in entities for s in expected.expected_notes(e, kind, [v.flag for v in verdicts(e)])]

    named = "tenant, entity, legacy_key"
    source, target = (f"replace({h}_hash::VARCHAR, '-', '') AS {h}_hash" for h in ("source", "target"))
    return {
        "id_map": (f"{named}, new_id::VARCHAR, {source}, {target}", [expected.expected_id_map(e) for e in entities]),
        "rejects": (
            f"{named}, array_to_string(reasons, ', ') AS reasons, \"row\", {source}",
            [expected.expected_rejects(e) for e in entities],
        ),
        "findings": (f"{named}, column_name, label", notes(Kind.FINDING)),
        "raws": (f"{named}, column_name, label, raw", notes(Kind.RAW)),
    }
