"""What would become of a source's rows, by what is counted of them and what its entries say: the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.core.profile import ACTIONS, Action, ColumnProfile, Deviation, Hazard, TableProfile, Together
from pipeline.core.profile.questions import NamedReference, Subject
from schemas.model import Entity
from schemas.parts import Column


def ranked(found: Iterable[Hazard]) -> tuple[Hazard, ...]:
    """Sort by what would become of the rows, then by how many they are."""
    return tuple(sorted((h for h in found if h.rows), key=rank))


def rank(found: Hazard | Together) -> tuple[int, int, str, str, str]:
    """Give what hazards are sorted by."""
    return ACTIONS.index(found.action), -found.rows, found.table, found.column or "", found.what


def of_table(subject: Subject, table: TableProfile, checked: Sequence[int]) -> Iterator[Hazard]:
    """List what would become of a table's rows.

    Args:
        subject: what was asked of it.
        table: what was counted.
        checked: for how many rows each of the subject's checks holds.
    """
    by_name = {c.name: c for c in table.columns}
    for check, rows in zip(subject.checks, checked, strict=True):
        yield Hazard(check.action, rows, check.entity, table.table, check.column, check.what, check.hazard)
    for entity in subject.entities:
        for name, entry in entity.raw_columns.items():
            column = subject.table.find(name)
            if column is not None and column.name in by_name:
                yield from _of_column(entity, name, entry, by_name[column.name], table.table)
        yield from _of_references(entity, subject.references, table, checked, subject)
    yield from _of_keys(subject, table)


def _of_column(entity: Entity, name: str, entry: Column, found: ColumnProfile, table: str) -> Iterator[Hazard]:
    def told(
        action: Action, rows: int | None, what: str, hazard: str | None = None, detail: str | None = None
    ) -> Hazard:
        return Hazard(action, rows or 0, entity.id, table, name, what, hazard or entry.hazard, detail)

    if entry.required and not entry.is_reference:
        yield told("rejects", found.nulls, "NULL, and required")
    yield told("rejects" if entry.unreadable == "reject" else "flags", found.odd, "not of its column's type")
    yield told("rejects", found.too_long, "longer than max_value_bytes")
    yield told("rejects" if entry.nul == "reject" else "normalises", found.nul, "text that holds U+0000", "H48")
    if entry.convert == "date" and found.midnight is not None:
        timed = (found.filled or 0) - found.midnight - (found.odd or 0)
        clock = found.clock
        told_by = None if clock is None else f"{clock.rows:,} of them midnight of {clock.zone} read as UTC"
        yield told("normalises", timed, "a day with a time", "H40", told_by)
    yield told("loads", found.out_of_range, "before 1900 or after 2099")
    if not entry.absent:
        yield told("loads", found.no_day, "1900-01-01, which may stand for nothing", "H25")
        yield told("loads", found.last_day, "9999-12-31, which may stand for nothing")
    yield told("loads", found.broken, "text that another code page may have broken", "H47")
    yield told("loads", (found.empty or 0) + (found.blank or 0), "empty or blank, where NULL may be meant", "H2")


def _of_references(
    entity: Entity,
    references: Iterable[NamedReference],
    table: TableProfile,
    checked: Sequence[int],
    subject: Subject,
) -> Iterator[Hazard]:
    for asked, found in zip(references, table.references, strict=True):
        column = entity.references.get(asked.name)
        if column is None or found.orphans is None or found.filled is None or table.rows is None:
            continue
        absent = sum(
            rows
            for check, rows in zip(subject.checks, checked, strict=True)
            if check.column == asked.name and check.action == "normalises"
        )
        orphans, name = max(0, found.orphans - absent), asked.name
        hazard, what = column.hazard or "H39", f"leads to no row of {' or '.join(asked.parents)}"
        if column.required:
            yield Hazard("rejects", orphans, entity.id, table.table, name, what, hazard)
            nulls = table.rows - found.filled
            yield Hazard("rejects", nulls, entity.id, table.table, name, "NULL, and required", column.hazard)
        else:
            yield Hazard("flags", orphans, entity.id, table.table, name, f"{what}, and becomes NULL", hazard)


def _of_keys(subject: Subject, table: TableProfile) -> Iterator[Hazard]:
    rules = [rule for key, rule in zip(subject.keys, subject.rules, strict=True) if not key.is_gaps]
    for entity in subject.entities:
        for key, rule in zip(table.keys, rules, strict=True):
            if rule is not None and rule not in entity.rules:
                continue
            action: Action = "rejects" if key.columns == entity.key else "loads"
            what, hazard = "the same as in other rows, though rows are found by it", None
            if rule is not None:
                action = "rejects" if rule.action == "reject" else "flags"
                what, hazard = f"not so: {rule.because}", rule.hazard
            yield Hazard(action, key.doubled_rows or 0, entity.id, table.table, ", ".join(key.columns), what, hazard)


def of_deviation(found: Deviation) -> Hazard | None:
    """Say what a deviation from the catalog would lead to."""
    actions: dict[str, Action] = {
        "missing table": "stops",
        "missing column": "stops",
        "retyped column": "stops",
        "extra column": "left behind",
        "own table": "left behind",
    }
    action = actions.get(found.kind)
    if action is None:
        return None
    detail = None
    if found.expected is not None and found.got is not None:
        detail = f"{found.got}, where {found.expected} is expected"
    # A table that is missing has no rows, and stops the run all the same.
    rows = max(1, found.rows or 0) if action == "stops" else found.rows or 0
    return Hazard(action, rows, None, found.table, found.column, found.kind, "H70", detail)
