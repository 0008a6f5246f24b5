"""The transformation of one batch: raw rows in, laid-out target rows and verdicts out, all as expressions.

Pure: LazyFrame in, LazyFrame out. It collects nothing, scans nothing, and reads no clock: the as-of instant
is a parameter. `prepare` works out everything in one frame, a row for each (tenant, legacy row); `outputs`
then only filters and selects. Invariant: every row of `prepare` is in exactly one of id map and rejects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import polars as pl

from pipeline.core import fingerprint, frame, ids, recipe
from pipeline.core.breaches import breach
from pipeline.core.converters import CONVERTERS, Made, Setting, setting_of
from pipeline.core.frame import (
    AMBIGUOUS,
    CONTESTED,
    FOUND,
    ID,
    KEY,
    MATCH,
    NAMESAKE,
    NEW_ID,
    ORDINAL,
    REJECTED,
    SHARED,
    SOURCE_HASH,
    TARGET_HASH,
    TENANT,
    UNFIT,
)
from pipeline.core.keys import Parents, content_hash, key_text, match_columns, match_text, row_id
from pipeline.core.quality import AS_OF, MOST_KEY_BYTES, Kind, Test, Verdict, verdicts
from schemas.catalog import Catalog
from schemas.model import Cell, Entity, Target


@dataclass(frozen=True, slots=True)
class Context:
    """What a batch's expressions need beside its rows: the zones of its source and the run's as-of instant."""

    host_zone: str
    tenant_zone: str
    as_of: datetime


def prepare(
    tagged: pl.LazyFrame, entity: Entity, *, catalog: Catalog, parents: Parents, context: Context
) -> pl.LazyFrame:
    """Convert, resolve and judge every row, and lay its target rows out beside one another.

    Args:
        tagged: raw columns as text, TENANT and KEY.
        parents: living rows of every parent by every key that a reference of this entity uses.
    """
    lf = tagged.with_columns([*_composed(entity), *_read(entity)])
    lf = lf.with_columns([*_converted(entity, context), *_parts(entity)])
    lf = _resolved(lf, entity, catalog, parents)
    lf = _agreeing(lf, entity, catalog, parents)
    lf = lf.with_columns(row_id(entity).alias(ID), *match_columns(entity, catalog), *_derived_ids(entity, catalog))
    lf = _mapped_to_shared(lf, entity, catalog, parents)
    lf = lf.with_columns(_decided(v, entity, context.as_of).fill_null(False).alias(v.flag) for v in verdicts(entity))
    lf = lf.with_columns(pl.any_horizontal(v.flag for v in verdicts(entity, Kind.REJECT)).alias(REJECTED))
    laid = _laid_out(entity, context)
    lf = lf.with_columns(expr.alias(name) for name, expr in laid.items())
    return lf.with_columns(_hashes(entity, laid))


def setting_in(context: Context, cell: Cell) -> Setting:
    """Give a converter the column's entry and the source's zones."""
    step = CONVERTERS[cell.converter].step(cell.source)
    return replace(
        setting_of(cell),
        read=None if step is None else pl.col(step),
        host_zone=context.host_zone,
        tenant_zone=context.tenant_zone,
    )


def _derived_ids(entity: Entity, catalog: Catalog) -> Iterator[pl.Expr]:
    """Form the id of the derived row that a row belongs to; it needs no look-up, the group is in the row."""
    for name, column in entity.derivations.items():
        derived = catalog[str(column.derived)]
        group = key_text(derived, derived.key)
        name_of = ids.row_name(pl.col(TENANT), derived.path, group)
        yield ids.uuid5(derived.namespace, name_of).alias(frame.derived(name))


def _composed(entity: Entity) -> Iterator[pl.Expr]:
    """Write as JSON what holds the key of a reference that is no column of its own; null where all of it is null."""
    for name, column in entity.composites.items():
        filled = pl.any_horizontal(pl.col(frame.column(c)).is_not_null() for c in column.using)
        yield pl.when(filled).then(key_text(entity, column.using)).alias(frame.column(name))


def _read(entity: Entity) -> Iterator[pl.Expr]:
    """Take the dear first step of conversions once for each column."""
    steps = {CONVERTERS[c.converter].step(c.source): c for c in entity.cells}
    for step, cell in steps.items():
        if step is not None and (reads := CONVERTERS[cell.converter].reads):
            yield reads(pl.col(frame.column(cell.source))).alias(step)


def _converted(entity: Entity, context: Context) -> Iterator[pl.Expr]:
    """Convert every cell, and say of its values what verdicts ask."""
    asked = {v.outcome for v in verdicts(entity)}
    for cell in entity.cells:
        made: Made = CONVERTERS[cell.converter].polars(pl.col(frame.column(cell.source)), setting_in(context, cell))
        made = made.tolerant() if cell.column.unreadable == "keep" else made
        yield made.value.alias(frame.value(cell.name))
        outcomes = {
            frame.unreadable(cell.name): made.unreadable,
            frame.altered(cell.name): made.altered,
            frame.noteworthy(cell.name): made.finding,
            frame.finer(cell.name): made.finer,
            **{frame.odd(cell.name, oddity): told for oddity, told in made.odd.items()},
        }
        for name, told in outcomes.items():
            if name in asked:
                yield (pl.lit(False) if told is None else told).alias(name)


def _resolved(lf: pl.LazyFrame, entity: Entity, catalog: Catalog, parents: Parents) -> pl.LazyFrame:
    """Find each reference's parent among the living; add its id, its entity and whether it was ambiguous."""
    for lookup in recipe.lookups(entity, catalog):
        name, numbered = lookup.name, tuple(enumerate(lookup.candidates))
        given = pl.all_horizontal(pl.col(frame.column(c)).is_not_null() for c in lookup.using)
        lf = lf.with_columns(given.alias(frame.given(name)))
        for i, candidate in numbered:
            named = {FOUND: frame.candidate(i, name)}
            if lookup.tells_ambiguity:
                named[AMBIGUOUS] = frame.candidate_ambiguous(i, name)
            match = match_text(candidate.parent, candidate.key, using=lookup.using)
            lf = _joined(lf, candidate, pl.when(frame.given(name)).then(match), parents, named)
        told = [pl.coalesce(frame.candidate(i, name) for i, _ in numbered).alias(frame.parent(name))]
        if lookup.tells_entity:
            which = (
                pl.when(pl.col(frame.candidate(i, name)).is_not_null()).then(pl.lit(c.parent.id)) for i, c in numbered
            )
            told.append(pl.coalesce(which).alias(frame.parent_entity(name)))
        if lookup.tells_ambiguity:
            ambiguous = pl.coalesce(frame.candidate_ambiguous(i, name) for i, _ in numbered)
            told.append(ambiguous.alias(frame.ambiguous(name)))
        lf = lf.with_columns(told)
    return lf


def _agreeing(lf: pl.LazyFrame, entity: Entity, catalog: Catalog, parents: Parents) -> pl.LazyFrame:
    """Say where a parent holds what a rule compares with it, or nothing."""
    for agreement in recipe.agreements(entity, catalog):
        candidate, told = agreement.candidate, frame.agreeing(agreement.number)
        for n, last in enumerate((agreement.using[-1], None)):
            match = match_text(candidate.parent, candidate.key, using=(*agreement.using[:-1], last))
            lf = _joined(lf, candidate, match, parents, {FOUND: frame.candidate(n, told)})
        found = (pl.col(frame.candidate(n, told)).is_not_null() for n in range(2))
        lf = lf.with_columns(pl.any_horizontal(found).alias(told))
    return lf


def _mapped_to_shared(lf: pl.LazyFrame, entity: Entity, catalog: Catalog, parents: Parents) -> pl.LazyFrame:
    """Map rows equal to a shared row in every compared column; note which columns keep the others apart."""
    for lookup in recipe.shared_lookups(entity, catalog):
        candidate = lookup.candidate
        match = match_text(candidate.parent, candidate.key, using=candidate.key.columns)
        lf = _joined(lf, candidate, match, parents, {FOUND: lookup.name})
    none = [pl.lit(None, pl.String).alias(SHARED)] if entity.shared is None else []
    return lf.with_columns(none).with_columns(pl.coalesce(SHARED, ID).alias(NEW_ID))


def _joined(
    lf: pl.LazyFrame, candidate: recipe.Candidate, match: pl.Expr, parents: Parents, named: dict[str, str]
) -> pl.LazyFrame:
    """Join the living rows of a candidate; its columns get the names that are given for them."""
    shared = candidate.parent.is_shared
    on = [MATCH] if shared else [TENANT, MATCH]
    found = parents[candidate.parent.id, candidate.key].select(*on, *(pl.col(c).alias(own) for c, own in named.items()))
    return lf.with_columns(match.alias(MATCH)).join(found, on=on, how="left").drop(MATCH)


def _decided(verdict: Verdict, entity: Entity, as_of: datetime) -> pl.Expr:
    """Give the expression that decides a verdict."""
    name, cell = verdict.column, verdict.cell.name if verdict.cell else ""
    raw = pl.col(frame.column(name))
    match verdict.test:
        case Test.TENANT:
            return pl.col(TENANT) == str(ids.UNRESOLVED)
        case Test.CONTESTED:
            return pl.col(CONTESTED)
        case Test.REQUIRED:
            return ~pl.col(frame.given(name)) if name in entity.composites else raw.is_null()
        case Test.UNFIT:
            return pl.col(UNFIT).is_not_null()
        case Test.DOUBLED:
            return pl.col(ORDINAL) > 0
        case Test.LONG_KEY:
            return pl.col(KEY).str.len_bytes() > MOST_KEY_BYTES
        case Test.SCRUBBED:
            return pl.col(frame.scrubbed(name)) == "1"
        case Test.UNREADABLE | Test.ALTERED | Test.FINER | Test.AMBIGUOUS | Test.ODD:
            return pl.col(verdict.outcome)
        case Test.TOO_LONG:
            return pl.col(frame.value(cell)).str.len_chars() > entity.columns[name].max_length
        case Test.NOTEWORTHY:
            return pl.col(verdict.outcome) & pl.col(frame.value(cell)).is_not_null()
        case Test.ABSENT if cell:
            return pl.col(verdict.outcome) & pl.col(frame.value(cell)).is_null()
        case Test.UNFILLED:
            return raw.is_not_null() & ~present(entity, entity.target_of(cast(Cell, verdict.cell)))
        case Test.RESTORED:
            return _value(cast(Cell, verdict.cell)).is_not_null() & ~_archived(cast(Cell, entity.soft_delete))
        case Test.PARENT | Test.DEAD:
            return _lost(name) & ~_means_absent(entity, name)
        case Test.ABSENT:
            return _lost(name) & _means_absent(entity, name)
        case Test.DIFFERS:
            return pl.col(NAMESAKE).is_not_null() & pl.col(frame.same(name)).is_null()
        case Test.RULE:
            return pl.any_horizontal(breach(rule, entity, as_of) for rule in verdict.rules)


def _lost(reference: str) -> pl.Expr:
    return pl.col(frame.given(reference)) & pl.col(frame.parent(reference)).is_null()


def _means_absent(entity: Entity, name: str) -> pl.Expr:
    return pl.col(frame.column(name)).is_in(list(entity.columns[name].absent)).fill_null(False)


def _laid_out(entity: Entity, context: Context) -> dict[str, pl.Expr]:
    return {
        frame.laid_out(n, column): rendered(node, entity, context)
        for n, part in enumerate(recipe.parts(entity))
        for column, node in part.cells.items()
    }


def rendered(node: recipe.Node, entity: Entity, context: Context) -> pl.Expr:
    """Give the expression of a node, over a frame that is converted and resolved."""
    match node:
        case recipe.Id(piece):
            return row_id(entity, piece) if piece else pl.col(ID)
        case recipe.Tenant(shared):
            return pl.lit(None, pl.String) if shared else pl.col(TENANT)
        case recipe.Key():
            return pl.col(KEY)
        case recipe.Value(cell):
            return _value(cell)
        case recipe.Json(cells):
            return _json_object(cells)
        case recipe.Parent(reference):
            return pl.col(frame.parent(reference))
        case recipe.ParentEntity(reference):
            return pl.col(frame.parent_entity(reference))
        case recipe.Derived(column):
            return pl.col(frame.derived(column))
        case recipe.Position(number):
            return pl.lit(number, pl.Int16)
        case recipe.Moment():
            as_of = pl.lit(context.as_of if node.or_as_of else None).cast(pl.Datetime("us", "UTC"))
            return _of_archived(pl.coalesce(*map(_value, node.cells), as_of), node)
        case recipe.Basis(moment):
            known = (pl.when(_value(c).is_not_null()).then(pl.lit(c.source)) for c in moment.cells)
            basis = pl.coalesce(*known, pl.lit(AS_OF if moment.or_as_of else None, pl.String))
            return _of_archived(basis, moment)


def _of_archived(expr: pl.Expr, moment: recipe.Moment) -> pl.Expr:
    return expr if moment.flag is None else pl.when(_archived(moment.flag)).then(expr)


def _value(cell: Cell) -> pl.Expr:
    return pl.col(frame.value(cell.name))


def _archived(flag: Cell) -> pl.Expr:
    return (_value(flag) == pl.lit(flag.column.archives_when)).fill_null(False)


def _json_object(cells: tuple[Cell, ...]) -> pl.Expr:
    """Write an object in jsonb's own text form, so that its text can be compared and hashed."""
    members = []
    for cell in cells:
        value = _value(cell)
        text = ids.json_text(value.cast(pl.String)) if cell.pg_type in ("text", "date") else value.cast(pl.String)
        name = ids.json_text(pl.lit(cell.source))
        members.append(pl.concat_str(name, pl.lit(": "), text.fill_null("null")))
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=", "), pl.lit("}"))


def present(entity: Entity, target: Target) -> pl.Expr:
    """Say of each prepared row whether it has a row in the target."""
    if target.split is None:
        return pl.col(SHARED).is_null()
    return pl.col(frame.present(target.table, target.part))


def _parts(entity: Entity) -> Iterator[pl.Expr]:
    """Say of each part of a split whether there is a row of it."""
    for part in recipe.parts(entity):
        match part.presence:
            case recipe.Filled(columns, flags):
                raw = {name: pl.col(frame.column(name)) for name in columns}
                # A flag that is off describes nobody: alone it makes no contact.
                found = [(c == "1") if n in flags else c.str.strip_chars(" ") != "" for n, c in raw.items()]
                is_there = pl.any_horizontal(found).fill_null(False)
            case recipe.Always():
                is_there = pl.lit(True)
            case None:
                continue
        yield is_there.alias(frame.present(part.target.table, part.target.part))


def _hashes(entity: Entity, laid: Mapping[str, pl.Expr]) -> Iterator[pl.Expr]:
    yield content_hash(entity).alias(SOURCE_HASH)
    rows = []
    for n, part in enumerate(recipe.parts(entity)):
        cells = []
        for column in part.cells:
            name = frame.laid_out(n, column)
            # What reads no column is one value: its cell is written once, and not for every row.
            value = pl.col(name) if laid[name].meta.root_names() else laid[name]
            cells.append(fingerprint.cell(value, part.target.columns[column]))
        # Named twice, as `fingerprint.cell` does, a hash would be worked out twice.
        cell = pl.concat_str(pl.lit("32:"), fingerprint.row_hash(cells))
        rows.append(pl.when(present(entity, part.target)).then(cell).otherwise(pl.lit("0:")))
    # A row that maps to a shared row has no target rows of its own, hence nothing to hash.
    yield pl.when(pl.col(SHARED).is_null()).then(fingerprint.row_hash(rows)).alias(TARGET_HASH)
