"""Which tenant a row belongs to.

The rows of a tenant's own database belong to it. A row of the directory finds its tenant by the tenant's key that it
holds or through another entity of the directory (e-mail or key), from staged keys and never from survivors, so that no
circle can arise. Invariant: a row without a tenant is tagged UNRESOLVED, never with a default one; a row of several
tenants becomes one row for each, or that of the one that its rule picks.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.core import frame, ids
from pipeline.core.frame import CONTESTED, KEY, MATCH, TENANT
from pipeline.core.keys import compared, written
from schemas.catalog import Catalog
from schemas.installation import Installation
from schemas.model import Entity
from schemas.parts import TenantRule

#: Route name -> frame of MATCH, TENANT, and where one of several is picked CONTESTED.
Routes = Mapping[str, pl.LazyFrame]


def route_name(rule: TenantRule, catalog: Catalog) -> str:
    """Name the frame that a tenant rule joins with."""
    if rule.through is None:
        return catalog.through(rule).id
    return f"{rule.through}/{rule.by or ''}/{rule.match}/{rule.pick or 'each'}"


def tag(
    keyed: pl.LazyFrame, entity: Entity, *, source_tenant: pl.Expr, routes: Routes, catalog: Catalog
) -> pl.LazyFrame:
    """Add TENANT to rows; a row of the directory may fan out to several tenants, or follow a picked one (CONTESTED).

    Args:
        source_tenant: gives the tenant whose own database a row comes from; null for the directory.
    """
    if entity.is_shared:
        return keyed.with_columns(pl.lit(str(ids.NIL)).alias(TENANT))
    if not isinstance(entity.tenant, TenantRule):
        return keyed.with_columns(source_tenant.alias(TENANT))
    route = routes[route_name(entity.tenant, catalog)]
    matched = keyed.with_columns(_own_match(entity.tenant, catalog).alias(MATCH)).join(route, on=MATCH, how="left")
    tagged = matched.drop(MATCH).with_columns(pl.col(TENANT).fill_null(str(ids.UNRESOLVED)))
    return tagged if entity.tenant.pick is None else tagged.with_columns(pl.col(CONTESTED).fill_null(value=False))


def route(tagged: pl.LazyFrame, entity: Entity, rule: TenantRule) -> pl.LazyFrame:
    """List by what text rows of `entity` are found, and the tenants they lead to.

    Args:
        tagged: the rows of the entity that `rule.through` names, already tagged.
    """
    match = _compared(pl.col(frame.column(rule.by or entity.key[0])), rule, entity)
    leading = tagged.with_columns(match.alias(MATCH)).filter(
        pl.col(MATCH).is_not_null() & (pl.col(TENANT) != str(ids.UNRESOLVED))
    )
    if rule.pick is None:
        return leading.select(MATCH, TENANT).unique().sort(MATCH, TENANT)
    # Shortest key text first, then by its bytes: for numbers that is their order.
    return (
        leading.sort(pl.col(KEY).str.len_bytes(), KEY, TENANT)
        .group_by(MATCH, maintain_order=True)
        .agg(pl.col(TENANT).first(), (pl.col(TENANT).n_unique() > 1).alias(CONTESTED))
        .sort(MATCH)
    )


def registry(rows: pl.LazyFrame, entity: Entity, installation: Installation) -> pl.LazyFrame:
    """List the known tenants by the text by which rows find them."""
    (name,) = entity.key
    key = pl.col(frame.column(name))
    tenant = ids.tenant(installation, written(entity, name, key))
    return rows.select(compared(entity, name, key).alias(MATCH), tenant.alias(TENANT)).unique().sort(MATCH)


def _own_match(rule: TenantRule, catalog: Catalog) -> pl.Expr:
    if rule.column is not None:
        return _compared(pl.col(frame.column(rule.column)), rule, catalog.through(rule))
    columns = (pl.col(frame.column(c)) for c in rule.columns)
    filled = (pl.when(c.str.strip_chars(" ") != "").then(c) for c in columns)
    return _compared(pl.coalesce(filled), rule, catalog.through(rule))


def _compared(value: pl.Expr, rule: TenantRule, through: Entity) -> pl.Expr:
    return ids.fold_email(value) if rule.match == "email" else compared(through, rule.by or through.key[0], value)
