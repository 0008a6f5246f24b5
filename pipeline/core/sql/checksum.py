"""PostgreSQL SQL that recomputes the checksum of an entity's target rows, for whoever may read them. Text only.

The formula (see `pipeline.core.fingerprint`): a row's hash over its cells; the hash of a legacy row over the
hashes of its main row and of every piece in the order of the entry; the sum of the first 48 bits of those.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.core.fingerprint import cell_pg, checksum_pg, hash_cell, row_hash_pg
from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted
from schemas.catalog import Catalog
from schemas.model import Entity, Target


def by_tenant(entity: Entity, catalog: Catalog, tenants: Collection[str] = ()) -> str:
    """Select `tenant` (text, NULL for shared rows), `rows` and `checksum` of an entity's rows.

    Args:
        entity: the entity.
        catalog: the catalog.
        tenants: ids of those whose rows are summed up; by default everybody's.
    """
    joins, hashes = [], []
    for n, target in enumerate(entity.targets):
        alias = f"t{n}"
        row = row_hash_pg([cell_pg(f"{alias}.{quote(c)}", pg) for c, pg in target.columns.items()])
        if target.split is None:
            hashes.append(hash_cell(row))
            continue
        hashes.append(hash_cell(row, present=f"{alias}.id IS NOT NULL"))
        joins.append(f"LEFT JOIN {_name(entity, target)} {alias} ON {_belongs(entity, catalog, target, alias)}")
    told = catalog.discriminator(entity, entity.target)
    chosen = [f"t0.{quote(told[0])} = {quoted(told[1])}"] if told else []
    chosen += [f"t0.tenant_id IN ({', '.join(map(quoted, sorted(tenants)))})"] if tenants else []
    where = f"WHERE {' AND '.join(chosen)} " if chosen else ""
    return (
        f"SELECT t0.tenant_id::text AS tenant, count(*) AS rows, {checksum_pg(row_hash_pg(hashes))} AS checksum "
        f"FROM {entity.service}.{quote(entity.target)} t0 {' '.join([*joins, where])}GROUP BY t0.tenant_id"
    )


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


def receipted(entities: Collection[str], tenants: Collection[str] = ()) -> str:
    """Select `tenant`, `entity` and `checksum`: what the receipts of a service say of the same rows."""
    where = [f"entity IN ({', '.join(map(quoted, entities))})"]
    where += [f"tenant_id IN ({', '.join(map(quoted, sorted(tenants)))})"] if tenants else []
    return (
        "SELECT tenant_id::text AS tenant, entity, sum(checksum::numeric)::text AS checksum "
        f"FROM migration.receipt WHERE {' AND '.join(where)} GROUP BY 1, 2"
    )
