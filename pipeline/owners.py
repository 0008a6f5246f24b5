"""Whose the rows of the directory are, told by the rows that their routes go through.

Those may be staged, or read from their source at the moment. Invariant: what a route goes through is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import polars as pl

from pipeline.core import tenancy
from pipeline.core.frame import ROW, TENANT
from pipeline.core.keys import with_key
from schemas.catalog import Catalog
from schemas.model import Entity
from schemas.parts import TenantRule


@dataclass(frozen=True, slots=True)
class Owners:
    """Tells the tenants of the directory's rows."""

    catalog: Catalog
    #: Gives all rows of an entity that a route goes through.
    rows: Callable[[Entity], pl.DataFrame]
    #: Route name -> what rows are matched with.
    _known: dict[str, pl.DataFrame] = field(default_factory=dict)

    def routes(self, entity: Entity) -> dict[str, pl.LazyFrame]:
        """Give what tells the tenants of an entity's rows, where a rule does."""
        rule = entity.tenant
        if not isinstance(rule, TenantRule):
            return {}
        return {tenancy.route_name(rule, self.catalog): self._route(rule).lazy()}

    def are_of_others(self, entity: Entity, rows: pl.DataFrame, tenants: Collection[str]) -> pl.Series:
        """Say of each row whether it is of anybody but these tenants."""
        is_others = (~pl.col(TENANT).is_in(list(tenants))).any().alias(TENANT)
        tagged = self._tagged(entity, rows.with_row_index(ROW))
        return tagged.group_by(ROW).agg(is_others).sort(ROW).collect()[TENANT]

    def contested(self, entity: Entity, rows: pl.DataFrame, tenants: Collection[str]) -> int:
        """Count the rows of others that could have followed a row of these tenants, which is found of them."""
        rule = entity.tenant
        if not isinstance(rule, TenantRule) or rule.pick is None:
            return 0
        numbered, is_theirs = rows.with_row_index(ROW), pl.col(TENANT).is_in(list(tenants))
        each = entity.model_copy(update={"tenant": rule.model_copy(update={"pick": None})})
        theirs = self._tagged(each, numbered).filter(is_theirs)
        others = self._tagged(entity, numbered).filter(~is_theirs)
        return others.join(theirs, on=ROW, how="semi").collect().height

    def _route(self, rule: TenantRule) -> pl.DataFrame:
        name = tenancy.route_name(rule, self.catalog)
        if name not in self._known:
            through = self.catalog.through(rule)
            rows = self.rows(through)
            if rule.through is None:
                found = tenancy.registry(rows.lazy(), through, self.catalog.installation)
            else:
                found = tenancy.route(self._tagged(through, rows), through, rule)
            self._known[name] = found.collect()
        return self._known[name]

    def _tagged(self, entity: Entity, rows: pl.DataFrame) -> pl.LazyFrame:
        keyed = with_key(rows.lazy(), entity)
        nobody = pl.lit(None, pl.String)
        return tenancy.tag(keyed, entity, source_tenant=nobody, routes=self.routes(entity), catalog=self.catalog)
