"""PostgreSQL SQL that recomputes the checksum of an entity's target rows, for whoever may read them. Text only.

The formula (see `pipeline.core.fingerprint`): a row's hash over its cells; the hash of a legacy row over the
hashes of its main row and of every piece in the order of the entry; the sum of the first 48 bits of those.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.core import recipe
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
    for n, part in enumerate(recipe.parts(entity)):
        alias, target = f"t{n}", part.target
        row = row_hash_pg([cell_pg(f"{alias}.{quote(c)}", pg) for c, pg in target.columns.items()])
        if part.presence is None:
            hashes.append(hash_cell(row))
            continue
        hashes.append(hash_cell(row, present=f"{alias}.id IS NOT NULL"))
        joins.append(f"LEFT JOIN {_name(entity, target)} {alias} ON {_belongs(entity, catalog, part, alias)}")
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


def _belongs(entity: Entity, catalog: Catalog, part: recipe.Part, alias: str) -> str:
    """Tell the piece of a row: it names the row, and its place among several."""
    conditions = [f"{alias}.tenant_id = t0.tenant_id"]
    for column, node in part.cells.items():
        match node:
            case recipe.Id(""):
                conditions.append(f"{alias}.{quote(column)} = t0.id")
            case recipe.Position(number):
                conditions.append(f"{alias}.{quote(column)} = {number}")
    told = catalog.discriminator(entity, part.target.table)
    if told:
        conditions.append(f"{alias}.{quote(told[0])} = {quoted(told[1])}")
    return " AND ".join(conditions)


def receipted(entities: Collection[str], tenants: Collection[str] = ()) -> str:
    """Select `tenant`, `entity` and `checksum`: what the receipts of a service say of the same rows."""
    where = [f"entity IN ({', '.join(map(quoted, entities))})"]
    where += [f"tenant_id IN ({', '.join(map(quoted, sorted(tenants)))})"] if tenants else []
    return (
        "SELECT tenant_id::text AS tenant, entity, sum(checksum::numeric)::text AS checksum "
        f"FROM migration.receipt WHERE {' AND '.join(where)} GROUP BY 1, 2"
    )
