"""The five outputs of a bundle, selected from its prepared rows. Pure: LazyFrame in, LazyFrames out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.core import frame, ids
from pipeline.core.frame import BATCH, KEY, NEW_ID, ORDINAL, REJECTED, SOURCE_HASH, TARGET_HASH, TENANT
from pipeline.core.keys import quarantined_key
from pipeline.core.quality import Kind, Verdict, verdicts
from pipeline.core.transform import present
from schemas.catalog import Catalog
from schemas.model import Entity


@dataclass(frozen=True, slots=True)
class Outputs:
    """The five outputs, each row with its BATCH; TENANT comes first in each but the targets, which have `tenant_id`."""

    targets: Mapping[str, pl.LazyFrame]
    id_map: pl.LazyFrame
    rejects: pl.LazyFrame
    findings: pl.LazyFrame
    raw_values: pl.LazyFrame


def outputs(prepared: pl.LazyFrame, entity: Entity, catalog: Catalog, *, held: Collection[str]) -> Outputs:
    """Select the five outputs from a prepared frame.

    Args:
        held: flags of the verdicts that hold for any row; of the many that could, few do, and each costs a query.
    """

    def told(kind: Kind) -> list[Verdict]:
        return [v for v in verdicts(entity, kind) if v.flag in held]

    good = prepared.filter(~pl.col(REJECTED))
    return Outputs(
        targets=target_rows(good, entity),
        id_map=_id_map(prepared, entity, catalog),
        rejects=prepared.filter(REJECTED).select(
            TENANT,
            quarantined_key().alias("legacy_key"),
            _labels(told(Kind.REJECT)).alias("reasons"),
            (_row_json(entity) if told(Kind.REJECT) else pl.lit("")).alias("row"),
            pl.col(SOURCE_HASH).alias("source_hash"),
            pl.max_horizontal(ORDINAL, 1).alias("ordinal"),
            BATCH,
        ),
        findings=_long(good, told(Kind.FINDING), {"column": pl.String, "hazard": pl.String}),
        raw_values=_long(good, told(Kind.RAW), {"column": pl.String, "rule": pl.String}, keep_raw=True),
    )


def target_rows(good: pl.LazyFrame, entity: Entity) -> Mapping[str, pl.LazyFrame]:
    """Select the rows of each target table from prepared rows that live on."""
    parts: dict[str, list[pl.LazyFrame]] = {}
    for n, target in enumerate(entity.targets):
        rows = good.filter(present(entity, target)).select(
            *(pl.col(frame.laid_out(n, column)).alias(column) for column in target.columns), BATCH
        )
        parts.setdefault(target.table, []).append(rows)
    return {table: pl.concat(rows).sort("id") for table, rows in parts.items()}


def survivors(prepared: pl.LazyFrame, entity: Entity, catalog: Catalog) -> pl.LazyFrame:
    """List the rows that live on as `keys_of` lists keys, with the id that each has."""
    matches = (frame.match(i) for i in range(len(catalog.match_keys[entity.id])))
    return prepared.filter(~pl.col(REJECTED)).select(TENANT, KEY, NEW_ID, *matches)


def _id_map(prepared: pl.LazyFrame, entity: Entity, catalog: Catalog) -> pl.LazyFrame:
    return prepared.filter(~pl.col(REJECTED)).select(
        TENANT,
        pl.col(KEY).alias("legacy_key"),
        pl.col(NEW_ID).alias("new_id"),
        pl.col(SOURCE_HASH).alias("source_hash"),
        pl.col(TARGET_HASH).alias("target_hash"),
        *(pl.col(frame.match(i)).alias(f"match_{i}") for i in range(len(catalog.match_keys[entity.id]))),
        BATCH,
    )


def _labels(verdicts: list[Verdict]) -> pl.Expr:
    if not verdicts:
        return pl.lit([], pl.List(pl.String))
    shown = [
        pl.when(v.flag).then(pl.concat_str(pl.lit(v.label), *([pl.col(v.told_by)] if v.told_by else [])))
        for v in verdicts
    ]
    return pl.concat_list(shown).list.drop_nulls().list.unique().list.sort()


def _row_json(entity: Entity) -> pl.Expr:
    """Write the whole raw row as JSON: a reject keeps every original column."""
    cells = {name: ids.json_text(pl.col(frame.column(name))).fill_null("null") for name in entity.raw_columns}
    members = [pl.concat_str(ids.json_text(pl.lit(name)), pl.lit(":"), cell) for name, cell in cells.items()]
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=","), pl.lit("}"))


def _long(
    good: pl.LazyFrame,
    verdicts: list[Verdict],
    schema: Mapping[str, type[pl.DataType]],
    *,
    keep_raw: bool = False,
) -> pl.LazyFrame:
    """One row for each (row, verdict) that holds: tenant, key, column, label and, if asked, the raw text."""
    column, label = schema
    parts = [
        good.filter(v.flag).select(
            TENANT,
            pl.col(KEY).alias("legacy_key"),
            pl.lit(v.column).alias(column),
            pl.lit(v.label).alias(label),
            *([pl.col(frame.column(v.column)).cast(pl.Binary).alias("raw")] if keep_raw else []),
            BATCH,
        )
        for v in verdicts
    ]
    empty = pl.LazyFrame(
        schema={
            TENANT: pl.String,
            "legacy_key": pl.String,
            **schema,
            **({"raw": pl.Binary} if keep_raw else {}),
            BATCH: pl.Int32,
        }
    )
    return pl.concat([empty, *parts]).unique().sort("legacy_key", column, label, TENANT)
