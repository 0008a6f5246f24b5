"""Rows of an entry by which every node of its recipe decides something.

No two columns hold the same anywhere, but flags, which are off and on in turn. Each column that may be empty is so in
one row and alone filled in others; each reference leads to a parent of its own, and in one row to none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from pipeline.core import breaches, frame, ids, keys, recipe
from pipeline.core.keys import LIVING, match_text
from schemas.catalog import Catalog, MatchKey, scale
from schemas.model import Entity
from tests.support.fleet import INSTALLATION, tenant_id

TENANTS = (str(tenant_id(1)), str(tenant_id(2)))
ZONE = "America/Chicago"
#: Rows in which every column is filled, and those that are mapped to a shared row.
_FULL, _MAPPED = 6, 2


@dataclass(frozen=True)
class Plan:
    """A row: what some of its columns hold instead of a value of their own, and the reference that misses."""

    instead: Mapping[str, str | None]
    missing: str = ""
    is_mapped: bool = False


@dataclass(frozen=True)
class Generated:
    """Tagged rows, and the living rows of all parents by each key that they are found by."""

    tagged: pl.DataFrame
    parents: Mapping[tuple[str, MatchKey], pl.DataFrame]


def generated(entity: Entity, catalog: Catalog) -> Generated:
    """Make the rows of an entry, and those that they refer to."""
    plans = list(_plans(entity))
    raw = {
        frame.column(name): [
            plan.instead[name] if name in plan.instead else _value(entity, name, column * len(plans) + row, row)
            for row, plan in enumerate(plans)
        ]
        for column, name in enumerate(entity.raw_columns, 1)
    }
    raw |= {c: [str(row % 2) for row in range(len(plans))] for c in keys.scrubbed_flags(entity)}
    tenants = (str(ids.NIL),) if entity.is_shared else TENANTS
    df = pl.DataFrame(raw, schema=dict.fromkeys(raw, pl.String())).with_columns(
        pl.Series(frame.TENANT, [tenants[row % len(tenants)] for row in range(len(plans))]),
        pl.Series(frame.CONTESTED, [row % 3 == 0 for row in range(len(plans))]),
        pl.lit(None, pl.String).alias(frame.UNFIT),
        pl.lit("a").alias(frame.SOURCE),
        pl.lit(0, pl.Int32).alias(frame.BATCH),
        pl.lit(ZONE).alias(frame.HOST_ZONE),
        pl.lit(ZONE).alias(frame.TENANT_ZONE),
    )
    keyed = keys.with_key(df.lazy(), entity)
    tagged = breaches.marked(keyed, entity, breaches.repeated(keyed, entity)).collect()
    return Generated(tagged, _parents(tagged, entity, catalog, plans))


def _plans(entity: Entity) -> Iterator[Plan]:
    needed = {n for n, c in entity.columns.items() if c.required} | set(entity.key)
    needed |= {c for reference in entity.references.values() for c in reference.using}
    needed |= {r.column for r in entity.rules if r.action == "reject"}
    free = [n for n in entity.raw_columns if n not in needed]
    flag = entity.soft_delete
    archived = {} if flag is None else {flag.source: "1" if flag.column.archives_when else "0"}
    yield from (Plan({}) for _ in range(_FULL))
    for name in free:
        nobody, somebody = _alone(entity, name)
        others = {n: None for n in free if n != name}
        yield Plan({name: None})
        if archived:
            yield Plan({**archived, name: None})
        yield Plan({**others, **somebody})
        yield Plan({**others, **nobody})
        yield from (Plan({name: absent}) for absent in entity.columns[name].absent)
    moments = {c.source for c in (entity.created, entity.modified, entity.deleted) if c is not None} & set(free)
    yield Plan({**archived, **dict.fromkeys(moments)})
    yield Plan(dict.fromkeys(free))
    for name, reference in entity.references.items():
        if not reference.required and reference.constant is None:
            yield Plan({}, missing=name)
    if entity.shared is not None:
        yield from (Plan({}, is_mapped=True) for _ in range(_MAPPED))


def _alone(entity: Entity, name: str) -> tuple[Mapping[str, str | None], Mapping[str, str | None]]:
    """Give what a column may hold that alone makes no part of a split, and that does."""
    match entity.legacy_type(name)[1].family:
        case "boolean":
            return {name: "0"}, {name: "1"}
        case "text":
            return {name: "  "}, {}
    return {name: None}, {}


def _value(entity: Entity, name: str, number: int, row: int) -> str:
    """Give a value of a column's own; a flag's own is the order in which it is off and on."""
    if any(r.column == name and r.pattern == "^[A-Z]{2}$" for r in entity.rules):
        return f"{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}"
    moment = f"{datetime(2000, 1, 1) + timedelta(days=number, minutes=number)}.000"
    match entity.legacy_type(name)[1].family:
        case "boolean":
            return str(row >> list(entity.raw_columns).index(name) % 3 & 1)
        case "integer":
            return str(number)
        case "decimal":
            return f"{number}.{number % 10:0{scale(entity, name) or 1}}"
        case "float":
            return repr(number + 0.5)
        case "day":
            return str(date(2000, 1, 1) + timedelta(number))
        case "moment" | "utc":
            return moment
        case "instant":
            return f"{moment} +00:00"
        case "clock":
            return str((datetime(2000, 1, 1) + timedelta(seconds=number)).time())
        case "uuid":
            return str(uuid.UUID(int=number))
        case "binary":
            return f"{number:08x}"
    return f" {name} {number} É"


def _parents(
    tagged: pl.DataFrame, entity: Entity, catalog: Catalog, plans: list[Plan]
) -> Mapping[tuple[str, MatchKey], pl.DataFrame]:
    """Let a parent live for each row of each reference, of several entities one in turn or all."""
    found: dict[tuple[str, MatchKey], set[tuple[str, str]]] = {}

    def live(parent: Entity, key: MatchKey, own: tuple[str, ...], wanted: Iterator[bool]) -> None:
        tenant = pl.lit(str(ids.NIL)) if parent.is_shared else pl.col(frame.TENANT)
        match = match_text(parent, key, using=own)
        rows = (
            tagged.filter(pl.Series(list(wanted))).select(tenant.alias(frame.TENANT), match.alias(frame.MATCH)).rows()
        )
        found.setdefault((parent.id, key), set()).update(rows)

    for name, reference in entity.references.items():
        several = len(reference.references)
        for n, parent_id in enumerate(reference.references):
            key = MatchKey(reference.by or catalog[parent_id].key)
            hits = (p.missing != name and row % (several + 1) in (n, several) for row, p in enumerate(plans))
            always = (p.missing != name for p in plans)
            live(catalog[parent_id], key, reference.own_key(name), hits if several > 1 else always)
    for agreement in recipe.agreements(entity, catalog):
        candidate = agreement.candidate
        live(candidate.parent, candidate.key, agreement.using, (row % 2 == 1 for row, _ in enumerate(plans)))
    if entity.shared is not None:
        by_name, by_all, *by_one = catalog.shared_keys(entity)
        shared, named = catalog[entity.shared.entity], range(_FULL)
        live(shared, by_name, by_name.columns, (p.is_mapped or row in named for row, p in enumerate(plans)))
        live(shared, by_all, by_all.columns, (p.is_mapped for p in plans))
        for n, key in enumerate(by_one, 2):
            live(shared, key, key.columns, (p.is_mapped or row in named[::n] for row, p in enumerate(plans)))
    return {
        (parent, key): pl.DataFrame(
            [
                (t, m, str(uuid.uuid5(INSTALLATION.namespace, f"{t}/{parent}/{m}")), n % 2 == 1)
                for n, (t, m) in enumerate(sorted(rows))
            ],
            schema=dict(LIVING),
            orient="row",
        )
        for (parent, key), rows in found.items()
    }
