"""Everything that can be said of a row: why it is rejected, what is found of it, which raw text is kept.

The list of verdicts is data, worked out from the entry alone. Transformation decides each with a Polars
expression, verification with SQL of its own; only the names here are common to both. Invariant: a verdict's
flag is unique within its entity, and its texts hold no value of any row.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal

import polars as pl

from pipeline.core import frame, recipe
from pipeline.core.converters import CONVERTERS, Made, MadeSql, Setting, setting_of
from schemas.family import FIELDS, ODDITIES, Oddity
from schemas.model import Cell, Entity
from schemas.parts import RowRule, TenantRule

#: Bytes of a key as it is written; an index of PostgreSQL takes 2,704 with all that stands beside it.
MOST_KEY_BYTES: Final = 2000
#: What a moment is taken from that no column tells.
AS_OF = "as of the run"


class Kind(Enum):
    """What a verdict leads to."""

    REJECT = "reject"  #: the whole row is kept aside, with the reason
    FINDING = "finding"  #: the row is loaded, and the column flagged with its hazard
    RAW = "raw"  #: the row is loaded, and the raw text of the column kept beside it


class Test(Enum):
    """What is asked of a row."""

    TENANT = "no tenant found"
    CONTESTED = "rows by which a row finds its tenant lead to several"
    REQUIRED = "required value is null"
    UNREADABLE = "raw text that cannot be converted"
    TOO_LONG = "text longer than the target allows"
    PARENT = "required reference to a row that does not live"
    DEAD = "optional reference to a row that does not live"
    ABSENT = "raw value that means nothing is here"
    AMBIGUOUS = "several parents carry the same key"
    RULE = "row rule"
    ALTERED = "the target value cannot give the raw text back"
    NOTEWORTHY = "conversion worth a finding"
    UNFIT = "value that is too long to be fetched, or is not what its column holds"
    DOUBLED = "key that other rows of the source have as well"
    LONG_KEY = "key too long for the ledger's index"
    FINER = "moment cut to a microsecond"
    UNFILLED = "blank, or a flag that is off, in a part that has no row"
    RESTORED = "deletion time of a row that its flag does not archive"
    SCRUBBED = "text cleaned before the first write"
    ODD = "odd field of a family's row"
    DIFFERS = "lookup row differs from the shared row of the same name"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that can be said of a row, and how it is called where it is written down."""

    kind: Kind
    test: Test
    column: str
    label: str
    cell: Cell | None = None
    #: Of these any is enough.
    rules: tuple[RowRule, ...] = ()
    #: Raw column whose text ends the label, where the row itself says which column is meant.
    told_by: str | None = None
    #: What is odd about a field.
    oddity: Oddity | None = None

    @property
    def flag(self) -> str:
        """Name of the Boolean column that decides it."""
        place = self.cell.name if self.cell else self.label if self.rules else ""
        test = self.test.name if self.oddity is None else f"{self.test.name}/{self.oddity}"
        return frame.flag(self.kind.value, test, f"{self.column}:{place}")

    @property
    def outcome(self) -> str:
        """Name of the column in which a conversion or a reference tells it; empty where other columns are asked."""
        cell = self.cell.name if self.cell else ""
        match self.test:
            case Test.UNREADABLE:
                return frame.unreadable(cell)
            case Test.ALTERED:
                return frame.altered(cell)
            case Test.NOTEWORTHY:
                return frame.noteworthy(cell)
            case Test.ABSENT if cell:
                return frame.noteworthy(cell)
            case Test.FINER:
                return frame.finer(cell)
            case Test.AMBIGUOUS:
                return frame.ambiguous(self.column)
            case Test.ODD:
                return frame.odd(cell, str(self.oddity))
        return ""


#: What can be said of a key, whatever its entity.
OF_KEYS: Final = (
    Verdict(Kind.REJECT, Test.DOUBLED, "", "doubled key"),
    Verdict(Kind.REJECT, Test.LONG_KEY, "", f"key over {MOST_KEY_BYTES:,} bytes"),
)


def verdicts(entity: Entity, *kinds: Kind) -> list[Verdict]:
    """List the verdicts of some kinds (all, when none is named) that the entity's rows can get."""
    found: dict[object, Verdict] = {}
    for verdict in _verdicts(entity):
        # What several targets of one converter say of a column is the same, and said once.
        cell = verdict.cell and verdict.cell.converter
        told = (verdict.kind, verdict.test, verdict.column, verdict.label, cell, verdict.oddity)
        found.setdefault(told, verdict)
    return [v for v in found.values() if not kinds or v.kind in kinds]


def _verdicts(entity: Entity) -> Iterator[Verdict]:
    yield Verdict(Kind.REJECT, Test.TENANT, "", "no tenant")
    if isinstance(entity.tenant, TenantRule) and entity.tenant.pick is not None:
        yield Verdict(Kind.FINDING, Test.CONTESTED, entity.tenant.columns[0], entity.tenant.hazard)
    if entity.derived_from is None:
        yield Verdict(Kind.REJECT, Test.UNFIT, "", "", told_by=frame.UNFIT)
        yield from OF_KEYS if entity.key else ()
    for name, column in entity.columns.items():
        if column.required:
            yield Verdict(Kind.REJECT, Test.REQUIRED, name, f"required: {name}")
        if column.scrub is not None:
            yield Verdict(Kind.FINDING, Test.SCRUBBED, name, column.hazard or column.scrub)
    makers = recipe.part_makers(entity)
    for cell in entity.cells:
        converter = CONVERTERS[cell.converter]
        name = cell.source
        is_tolerant = cell.column.unreadable == "keep"
        if entity.family is not None and cell.converter == FIELDS:
            yield Verdict(Kind.RAW, Test.ALTERED, name, cell.converter, cell)
            for oddity in ODDITIES:
                yield Verdict(Kind.FINDING, Test.ODD, name, entity.family.hazard(oddity), cell, oddity=oddity)
            continue
        can = _outcomes(cell.converter, setting_of(cell))
        if not is_tolerant:
            yield Verdict(Kind.REJECT, Test.UNREADABLE, name, f"unreadable: {name}", cell)
        if cell.column.max_length is not None:
            yield Verdict(Kind.REJECT, Test.TOO_LONG, name, f"too long: {name}", cell)
        if can.alters or is_tolerant:
            yield Verdict(Kind.RAW, Test.ALTERED, name, cell.converter, cell)
        if cell.name in makers:
            yield Verdict(Kind.RAW, Test.UNFILLED, name, "part without a row", cell)
        own, usual = cell.column.hazard, converter.hazard
        # What is absent has a verdict of its own.
        if can.finds:
            yield Verdict(Kind.FINDING, Test.NOTEWORTHY, name, usual or own or cell.converter, cell)
        if cell.column.finer == "keep" and converter.cuts:
            yield Verdict(Kind.FINDING, Test.FINER, name, own or "finer than a microsecond", cell)
        if can.finds_absent or is_tolerant:
            told = "unreadable or absent" if is_tolerant else "absent"
            yield Verdict(Kind.FINDING, Test.ABSENT, name, own or told, cell)
    if entity.deleted is not None and entity.soft_delete is not None:
        name, own = entity.deleted.source, entity.deleted.column.hazard
        yield Verdict(Kind.RAW, Test.RESTORED, name, "not archived", entity.deleted)
        yield Verdict(Kind.FINDING, Test.RESTORED, name, own or "deletion time, not archived", entity.deleted)
    yield from _reference_verdicts(entity)
    yield from _rule_verdicts(entity)
    if entity.shared is not None:
        for name in entity.shared.compare:
            yield Verdict(Kind.FINDING, Test.DIFFERS, name, entity.shared.hazard)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What can come of a conversion beside a value, and its value being unreadable."""

    alters: bool
    finds: bool
    finds_absent: bool


@functools.cache
def _outcomes(converter: str, setting: Setting) -> _Outcomes:
    """Say what can come of a conversion, by either half of it: what one alone can say must differ, not go unasked."""
    named = CONVERTERS[converter]

    def halves(setting: Setting) -> tuple[Made, MadeSql]:
        return named.polars(pl.lit(""), setting), named.sql("''", setting, _no_zone)

    return _Outcomes(
        alters=any(half.altered is not None for half in halves(setting)),
        finds=any(half.finding is not None for half in halves(replace(setting, absent=()))),
        finds_absent=bool(setting.absent) and any(half.finding is not None for half in halves(setting)),
    )


def _no_zone(moment_sql: str, *, zone: Literal["host", "tenant"], by: Literal["local", "utc"]) -> str:
    return f"{moment_sql} {zone} {by}"


def _rule_verdicts(entity: Entity) -> Iterator[Verdict]:
    """Give what rules say; several that say the same of a column say it once."""
    named: dict[tuple[Kind, str, str], tuple[RowRule, ...]] = {}
    for rule in entity.rules:
        kind = Kind.REJECT if rule.action == "reject" else Kind.FINDING
        label = f"{rule.rule}: {rule.column}" if rule.action == "reject" else rule.hazard
        place = (kind, rule.column, label)
        named[place] = (*named.get(place, ()), rule)
    for (kind, column, label), rules in named.items():
        yield Verdict(kind, Test.RULE, column, label, rules=rules)


def _reference_verdicts(entity: Entity) -> Iterator[Verdict]:
    for name, column in entity.references.items():
        if column.required:
            yield Verdict(Kind.REJECT, Test.PARENT, name, f"parent: {name}")
        elif column.constant is None:
            yield Verdict(Kind.RAW, Test.DEAD, name, "dead reference")
            yield Verdict(Kind.FINDING, Test.DEAD, name, column.hazard or "H39")
        if column.absent:
            yield Verdict(Kind.RAW, Test.ABSENT, name, "absent")
        if column.by:
            yield Verdict(Kind.FINDING, Test.AMBIGUOUS, name, "H16")
