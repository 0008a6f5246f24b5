"""Pandera contracts derived from an entry: what a raw frame and a target frame must look like.

The contract is never written twice. Invariant: data are checked, not only the schema (Pandera's default on a
LazyFrame is the schema alone, and a bad value passes without a word); what is reported names columns, checks and
counts, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from schemas.model import Entity, Target, is_always_filled
from schemas.targets import target_type


def raw_contract(entity: Entity, *, named: Callable[[str], str]) -> pa.DataFrameSchema:
    """Derive the legacy side: every column as text, the key filled.

    Args:
        named: how a frame calls the column that an entry calls by a name.
    """
    columns = {
        named(name): pa.Column(pl.String, nullable=name not in entity.key or entity.derived_from is not None)
        for name in entity.raw_columns
    }
    return pa.DataFrameSchema(columns, name=f"{entity.id} (raw)")


def target_contract(entity: Entity, target: Target) -> pa.DataFrameSchema:
    """Derive the target side: each column's type, what may not be null, the id unique, text without U+0000."""
    columns = {}
    for name, pg in target.columns.items():
        nullable = not is_always_filled(name, shared=entity.is_shared)
        checks = [pa.Check(_without_nul, name="no U+0000")] if pg in ("text", "jsonb") else []
        columns[name] = pa.Column(target_type(pg).polars, nullable=nullable, unique=name == "id", checks=checks)
    return pa.DataFrameSchema(columns, strict=True, name=f"{entity.id} -> {target.table}")


def violations(df: pl.DataFrame, contract: pa.DataFrameSchema) -> list[str]:
    """Check a frame's schema and data; give a line for each broken check, without any value."""
    try:
        with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            contract.validate(df, lazy=True)
    except SchemaErrors as error:
        return [_line(e) for e in error.schema_errors]
    return []


def _line(error: object) -> str:
    schema = getattr(error, "schema", None)
    column = getattr(schema, "name", None) or ""
    reason = getattr(error, "reason_code", None)
    check = getattr(error, "check", None)
    shown = getattr(check, "name", None) or (check if isinstance(check, str) else "")
    return f"column {column}: {getattr(reason, 'name', 'broken')} {shown}".strip()


def _without_nul(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(~pl.col(data.key).str.contains("\x00", literal=True))


def contracts(entity: Entity) -> Mapping[str, pa.DataFrameSchema]:
    """Derive the contract of each target table of an entity."""
    return {target.table: target_contract(entity, target) for target in entity.targets}
