"""PostgreSQL SQL that recomputes the checksum of an entity's target rows, for psql users and verification. Text only.

The formula (see `pipeline.core.fingerprint`): a row's hash over its cells; the hash of a legacy row over the
hashes of its main row and of every piece in the order of the entry; the sum of the first 48 bits of those.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.core.fingerprint import cell_pg, checksum_pg, hash_cell, row_hash_pg
from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted
from schemas.catalog import Catalog
from schemas.model import Entity, Target
from schemas.targets import spelled

#: Table -> column -> type, as PostgreSQL writes them.
Stored = Mapping[str, Mapping[str, str]]


def by_tenant(entity: Entity, catalog: Catalog, stored: Stored | None = None) -> str:
    """Select `tenant` (text, NULL for shared rows), `rows` and `checksum` of an entity's rows.

    Args:
        entity: the entity.
        catalog: the catalog.
        stored: the types that the target has, where they may be others than the catalog's: what is retyped is summed up
            as the text that it is, what is gone as NULL.
    """
    joins, hashes = [], []
    for n, target in enumerate(entity.targets):
        alias, there = f"t{n}", None if stored is None else stored[target.table]
        row = row_hash_pg([_cell(alias, c, pg, there) for c, pg in target.columns.items()])
        if target.split is None:
            hashes.append(hash_cell(row))
            continue
        hashes.append(hash_cell(row, present=f"{alias}.id IS NOT NULL"))
        joins.append(f"LEFT JOIN {_name(entity, target)} {alias} ON {_belongs(entity, catalog, target, alias)}")
    told = catalog.discriminator(entity, entity.target)
    where = f"WHERE t0.{quote(told[0])} = {quoted(told[1])}" if told else ""
    return (
        f"SELECT t0.tenant_id::text AS tenant, count(*) AS rows, {checksum_pg(row_hash_pg(hashes))} AS checksum "
        f"FROM {entity.service}.{quote(entity.target)} t0 {' '.join(joins)} {where} GROUP BY t0.tenant_id"
    )


def _cell(alias: str, column: str, pg: str, there: Mapping[str, str] | None) -> str:
    place = f"{alias}.{quote(column)}"
    if there is None or there.get(column) == spelled(pg):
        return cell_pg(place, pg)
    return cell_pg(place if column in there else "NULL", "text")


def _name(entity: Entity, target: Target) -> str:
    return f"{entity.service}.{quote(target.table)}"


def _belongs(entity: Entity, catalog: Catalog, target: Target, alias: str) -> str:
    split = target.split
    if split is None:
        raise ValueError("the main row is not a piece")
    parts = [f"{alias}.{quote(split.owner)} = t0.id", f"{alias}.tenant_id = t0.tenant_id"]
    if split.position is not None:
        parts.append(f"{alias}.{quote(split.position)} = {target.part}")
    told = catalog.discriminator(entity, target.table)
    if told:
        parts.append(f"{alias}.{quote(told[0])} = {quoted(told[1])}")
    return " AND ".join(parts)
