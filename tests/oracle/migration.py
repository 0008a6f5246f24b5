"""What a finished migration holds, worked out a row at a time: rows of the services, id map, rejects, findings, raws."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from tests.oracle.cells import jsonb
from tests.oracle.entries import FLOATS, TEXTS, Column, Entry, names_of
from tests.oracle.families import fields_of, legacy_rows
from tests.oracle.rows import Cell, Cells, Outcome, Row, add, key_text, match
from tests.oracle.rules import disagrees, fills, held_of, is_blank, is_broken, together
from tests.oracle.scrub import scrub
from tests.oracle.sources import NOBODY, SHARED, Fleet, Source
from tests.oracle.values import (
    BESIDE,
    BLANKS,
    OWN,
    Asked,
    Made,
    UnreadableError,
    Value,
    convert,
    is_given_back,
    is_too_long,
    lower,
)


class Migration:
    """A catalog, its sources and the as-of instant; everything else follows."""

    def __init__(self, catalog: Mapping[str, Entry], sources: Sequence[Source], as_of: datetime) -> None:
        self.catalog, self.sources, self.as_of = catalog, sources, as_of
        #: Entities whose rows are being judged: what refers to one of them closes a circle.
        self.judging: list[str] = []
        # Each is asked for many times and follows from the entry alone.
        self.rows: Callable[[str], list[Row]] = cache(self._rows)
        self.outcomes: Callable[[str], list[Outcome]] = cache(self._outcomes)
        self.living: Callable[[str, tuple[str, ...]], Mapping[tuple[uuid.UUID, tuple[str, ...]], list[Outcome]]] = (
            cache(self._living)
        )

    # Rows and whose they are

    def _rows(self, full: str) -> list[Row]:
        entry = self.catalog[full]
        if "derived_from" in entry.said:
            return self._groups(entry)
        found = []
        for source in self.sources:
            if source.kind == entry.said.get("source", source.fleet.kind):
                for raws in legacy_rows(source, entry, self.catalog):
                    clean, scrubbed = scrub(entry, raws)
                    clean |= {c.name: c.said["constant"] for c in entry.columns.values() if "constant" in c.said}
                    found += [Row(entry, source, t, clean, scrubbed) for t in self._tenants(entry, source, clean)]
        return found

    def _groups(self, entry: Entry) -> list[Row]:
        """Group the living rows of the origin: one row for each distinct key."""
        groups: dict[tuple[uuid.UUID, str], Row] = {}
        for outcome in self.outcomes(entry.said["derived_from"]):
            if not outcome.reasons:
                raws = {c.name: c.said["constant"] for c in entry.columns.values() if "constant" in c.said}
                raws |= {name: outcome.row.raws[name] for name in entry.key}
                row = Row(entry, outcome.row.source, outcome.row.tenant, raws)
                groups.setdefault((row.tenant, row.key), row)
        return [*groups.values()]

    def _named(self, entry: Entry, fleet: Fleet, own: str | None) -> list[uuid.UUID]:
        """Find the tenant of a key in the registry; a row of that is a tenant itself."""
        assert fleet.registry
        registry = self.catalog[fleet.registry]
        (name,) = registry.key
        column, engine = registry.columns[name], str(registry.said.get("engine", "mssql"))
        if own is None:
            return [NOBODY]
        if entry is registry:
            return [fleet.tenant_id(own)]
        known = (row.raws[name] for row in self.rows(registry.full))
        found = (key for key in known if key is not None and match(column, key, engine) == match(column, own, engine))
        return [fleet.tenant_id(key) for key in found] or [NOBODY]

    def _tenants(self, entry: Entry, source: Source, raws: Mapping[str, str | None]) -> list[uuid.UUID]:
        rule = entry.said.get("tenant", "source")
        if rule == "shared":
            return [SHARED]
        if rule == "source":
            assert source.tenant
            return [source.tenant]
        if "column" in rule:
            return self._named(entry, source.fleet, raws[rule["column"]])
        leading = self._leading(rule, raws)
        if "pick" in rule and leading:
            return [min(leading, key=lambda row: (row.order(), row.tenant)).tenant]
        return sorted({row.tenant for row in leading}) or [NOBODY]

    def _leading(self, rule: Mapping[str, Any], raws: Mapping[str, str | None]) -> list[Row]:
        """Give the rows by which a rule finds the tenants of a row."""
        through = self.catalog[rule["through"]]
        theirs = through.columns[rule.get("by", through.key[0])]
        own = next((raws[name] for name in names_of(rule["columns"]) if not is_blank(raws[name])), None)
        if own is None:
            return []

        def matched(raw: str) -> str:
            engine = str(through.said.get("engine", "mssql"))
            return lower(raw.strip(BLANKS)) if rule.get("match") == "email" else match(theirs, raw, engine)

        return [
            row
            for row in self.rows(through.full)
            if row.tenant != NOBODY and (raw := row.raws[theirs.name]) is not None and matched(raw) == matched(own)
        ]

    # What becomes of a row

    def _outcomes(self, full: str) -> list[Outcome]:
        self.judging.append(full)
        try:
            return self._judged(full)
        finally:
            self.judging.pop()

    def _judged(self, full: str) -> list[Outcome]:
        # Rows of the directory, of tenants that are no sources, are not moved.
        here = {SHARED, NOBODY, *(source.tenant for source in self.sources)}
        outcomes = [self._judge(row) for row in self.rows(full) if row.tenant in here]
        self._unique(full, outcomes)
        keys: dict[tuple[uuid.UUID, tuple[str, ...]], list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            entry = outcome.row.entry
            names = [entry.columns[name] for name in entry.key]
            engine = str(entry.said.get("engine", "mssql"))
            own = tuple(match(c, outcome.row.raws[c.name] or "", engine) for c in names)
            keys[outcome.row.tenant, own].append(outcome)
        for doubled in keys.values():
            if len(doubled) > 1 and "derived_from" not in doubled[0].row.entry.said:
                for outcome in doubled:
                    outcome.reasons = sorted([*outcome.reasons, "doubled key"])
        return outcomes

    def _living(self, full: str, by: tuple[str, ...]) -> Mapping[tuple[uuid.UUID, tuple[str, ...]], list[Outcome]]:
        """Index the rows of an entity that live, by a key; of several the lowest first."""
        entry = self.catalog[full]
        found: dict[tuple[uuid.UUID, tuple[str, ...]], list[Outcome]] = defaultdict(list)
        # No row's fate hangs on a reference inside a circle, so who lives in it is known without them.
        outcomes = self._outcomes(full) if full in self.judging else self.outcomes(full)
        for outcome in sorted(outcomes, key=lambda outcome: outcome.row.order()):
            raws = [outcome.row.raws[name] for name in by]
            if not outcome.reasons and None not in raws:
                engine = str(entry.said.get("engine", "mssql"))
                key = tuple(match(entry.columns[n], raw or "", engine) for n, raw in zip(by, raws, strict=True))
                found[outcome.row.tenant, key].append(outcome)
        return found

    def _judge(self, row: Row) -> Outcome:
        """Convert and resolve every column; a row's reasons come in the order of their letters."""
        outcome = Outcome(row, ["no tenant"] if row.tenant == NOBODY else [])
        cells: dict[tuple[str, int], dict[str, Cell]] = {place: {} for place in row.entry.tables}
        members: dict[str, dict[str, Value | None]] = defaultdict(dict)
        for column in row.entry.columns.values():
            if column.said.get("json"):
                # The jsonb stands where the first of its members does.
                gathered, target = column.said["json"], column.targets[0]
                cells["", 1].setdefault(gathered, None)
                members[gathered][column.legacy] = self._value(column, target.converter, target.pg, outcome)
            elif column.references:
                self._refer(column, outcome, cells)
            elif "derived" in column.said:
                derived = self.catalog[column.said["derived"]]
                raws = {name: row.raws[name] for name in derived.key}
                made = Row(derived, row.source, row.tenant, raws).id
                cells["", 1][column.targets[0].name] = made
            elif "excluded" not in column.said:
                self._convert(column, outcome, cells)
            if column.name in row.scrubbed:
                outcome.findings.add((column.name, column.said.get("hazard", "H66")))
        cells["", 1] |= {name: jsonb(values) for name, values in members.items()}
        rule = row.entry.said.get("tenant", {})
        if "pick" in rule and len({led.tenant for led in self._leading(rule, row.raws)}) > 1:
            outcome.findings.add((names_of(rule["columns"])[0], rule.get("hazard", "H7")))
        self._rules(outcome)
        self._share(outcome)
        outcome.cells = self._finish(outcome, cells)
        outcome.reasons.sort()
        return outcome

    def _convert(self, column: Column, outcome: Outcome, cells: dict[tuple[str, int], dict[str, Cell]]) -> None:
        for target in column.targets:
            made: Cell = None
            if target.converter == "fields":
                made = fields_of(column, outcome)
            else:
                made = self._value(column, target.converter, target.pg, outcome)
            cells[target.table, target.part][target.name] = made

    def _value(self, column: Column, converter: str, pg: str, outcome: Outcome) -> Value | None:
        raw, said, source = outcome.row.raws[column.name], column.said, outcome.row.source
        asked = Asked(
            pg,
            tuple(said.get("absent", ())),
            said.get("nul", "reject"),
            said.get("finer", "reject"),
            source.host_zone,
            source.tenant_zone,
        )
        try:
            made = convert(converter, raw, asked)
        except UnreadableError:
            if said.get("unreadable") == "keep":
                outcome.findings.add((column.name, _hazard(column)))
                if converter not in BESIDE:
                    outcome.raws[column.name, converter] = raw or ""
            else:
                add(outcome.reasons, f"unreadable: {column.name}")
            return None
        if raw is None and said.get("required"):
            add(outcome.reasons, f"required: {column.name}")
        if raw is not None and len(raw) > said.get("max_length", len(raw)):
            add(outcome.reasons, f"too long: {column.name}")
        outcome.findings |= {(column.name, _hazard(column) if h == OWN else h) for h in made.hazards}
        if raw is not None and converter not in BESIDE and (made.is_kept or _is_lost(column, converter, pg, made, raw)):
            outcome.raws[column.name, converter] = raw
        return made.value

    def _refer(self, column: Column, outcome: Outcome, cells: dict[tuple[str, int], dict[str, Cell]]) -> None:
        target, row, said = column.targets[0], outcome.row, column.said
        place = cells[target.table, target.part]
        place[target.name] = None
        if "parent_to" in said:
            place[said["parent_to"]] = None
        raw = row.raws.get(column.name)
        using = [row.raws[name] for name in names_of(said.get("using", column.name))]
        if raw is not None and raw in said.get("absent", ()):
            outcome.raws[column.name, "absent"] = raw
        elif None not in using:
            for parent in column.references:
                if self.judging.count(parent) > 1:
                    return
                found = self._parents(parent, names_of(said.get("by", [])), row.tenant, [text or "" for text in using])
                if found:
                    place[target.name] = found[0].new_id
                    if "parent_to" in said:
                        place[said["parent_to"]] = parent
                    if len(found) > 1:
                        outcome.findings.add((column.name, "H16"))
                    return
            if not said.get("required"):
                outcome.findings.add((column.name, said.get("hazard", "H39")))
                outcome.raws[column.name, "dead reference"] = (
                    raw
                    if raw is not None
                    else key_text([row.entry.columns[n] for n in names_of(said["using"])], row.raws)
                )
        if said.get("required"):
            add(outcome.reasons, f"{'required' if None in using else 'parent'}: {column.name}")

    def _parents(self, full: str, by: list[str], tenant: uuid.UUID, using: Sequence[str]) -> list[Outcome]:
        parent = self.catalog[full]
        names = tuple(by or parent.key)
        engine = str(parent.said.get("engine", "mssql"))
        key = tuple(match(parent.columns[name], raw, engine) for name, raw in zip(names, using, strict=True))
        whose = SHARED if parent.said.get("tenant") == "shared" else tenant
        return self.living(full, names).get((whose, key), [])

    def _rules(self, outcome: Outcome) -> None:
        for rule in outcome.row.entry.said.get("rules", []):
            if "through" in rule:
                if disagrees(rule, outcome.row.entry, outcome.row.raws, self._referred(rule["through"], outcome.row)):
                    outcome.breaks(rule)
            elif rule["rule"] != "unique" and is_broken(rule, outcome.row.entry, outcome.row.raws, self.as_of):
                outcome.breaks(rule)

    def _referred(self, name: str, row: Row) -> list[Row]:
        """Find the living rows that a reference leads to."""
        column = row.entry.columns[name]
        using = [row.raws[own] for own in names_of(column.said.get("using", name))]
        if None in using:
            return []
        parents = self._parents(column.references[0], names_of(column.said.get("by", [])), row.tenant, using)  # type: ignore[arg-type]
        return [parent.row for parent in parents]

    def _unique(self, full: str, outcomes: Sequence[Outcome]) -> None:
        """Look for what several rows of a tenant hold that should be unique."""
        entry = self.catalog[full]
        for rule in entry.said.get("rules", []):
            held: dict[tuple[uuid.UUID, tuple[str, ...] | None], list[Outcome]] = defaultdict(list)
            for outcome in outcomes if rule["rule"] == "unique" else ():
                held[outcome.row.tenant, together(rule, entry, outcome.row.raws)].append(outcome)
            for (_, value), several in held.items():
                for outcome in several if value and len(several) > 1 else ():
                    outcome.breaks(rule)

    def _share(self, outcome: Outcome) -> None:
        """Let the shared row of the same name stand for it, where all that is compared is equal."""
        said = outcome.row.entry.said.get("shared")
        if not said or outcome.reasons:
            return
        raws = outcome.row.raws
        named = [raws[name] for name in names_of(said["on"])]
        if None in named:
            return
        theirs = self._parents(said["with"], names_of(said["on"]), SHARED, [raw or "" for raw in named])
        for other in theirs[:1]:
            differing = [name for name in names_of(said["compare"]) if raws[name] != other.row.raws[name]]
            outcome.findings |= {(name, said.get("hazard", "H68")) for name in differing}
            outcome.shared = None if differing else other.row.id

    # The rows that are written

    def _finish(self, outcome: Outcome, cells: dict[tuple[str, int], dict[str, Cell]]) -> Cells:
        """Put beside each row's own cells those that every table has; leave out parts that hold nothing."""
        row = outcome.row
        made: Cells = {}
        moments = self._moments(outcome, cells)
        for (table, part), own in cells.items():
            split = row.entry.said.get("splits", {}).get(table)
            if (
                split
                and split["rows"] == "present"
                and not any(
                    fills(row, column)
                    for column in row.entry.columns.values()
                    for target in column.targets
                    if (target.table, target.part) == (table, part)
                )
            ):
                self._keep_of_no_row(outcome, table, part)
                made[table, part] = None
                continue
            head: dict[str, Cell] = {
                "id": row.piece(f"#{table}/{part}" if table else ""),
                "tenant_id": None if row.tenant == SHARED else row.tenant,
                "legacy_id": row.key,
            }
            if split:
                head[split["owner"]] = row.id
                if "position" in split:
                    head[split["position"]] = part
            tail = {k: v for k, v in moments.items() if not table or not k.endswith("_basis")}
            made[table, part] = head | {k: v for k, v in own.items() if k not in tail} | tail
        return made

    def _moments(self, outcome: Outcome, cells: dict[tuple[str, int], dict[str, Cell]]) -> dict[str, Cell]:
        main, entry = cells["", 1], outcome.row.entry
        by_target = {t.name: c.name for c in entry.columns.values() for t in c.targets if not t.table}
        changed, basis = main.get("updated_at"), by_target.get("updated_at")
        last: tuple[Cell, Cell] = (changed, basis) if changed else (self.as_of, "as of the run")
        created: tuple[Cell, Cell] = last
        if main.get("created_at"):
            created = main["created_at"], by_target["created_at"]
        made: dict[str, Cell] = {"created_at": created[0], "created_at_basis": created[1], "updated_at": changed}
        flag = next((c for c in entry.columns.values() if c.said.get("soft_delete")), None)
        deleted: tuple[Cell, Cell] = (None, None)
        if flag:
            archives = "0" if flag.said["soft_delete"] is True else flag.said["soft_delete"]
            if outcome.row.raws[flag.name] == archives:
                deleted = last
                if main.get("deleted_at"):
                    deleted = main["deleted_at"], by_target["deleted_at"]
        elif main.get("deleted_at"):
            deleted = main["deleted_at"], by_target["deleted_at"]
        made["deleted_at"] = deleted[0]
        return made | ({"deleted_at_basis": deleted[1]} if flag or "deleted_at" in by_target else {})

    def _keep_of_no_row(self, outcome: Outcome, table: str, part: int) -> None:
        for column in outcome.row.entry.columns.values():
            for target in column.targets:
                raw = held_of(outcome.row, column)
                if (target.table, target.part) == (table, part) and raw is not None:
                    outcome.raws[column.name, "part without a row"] = raw


def _hazard(column: Column) -> str:
    """Say under what a value that is absent or cannot be read is filed."""
    usual = "unreadable or absent" if column.said.get("unreadable") == "keep" else "absent"
    return str(column.said.get("hazard", usual))


def _is_lost(column: Column, converter: str, pg: str, made: Made, raw: str) -> bool:
    """Say whether the value cannot give the text back."""
    if made.value is None or column.base in FLOATS:
        return False
    if isinstance(made.value, float) and is_too_long(raw, pg):
        return True
    return column.base in TEXTS and not is_given_back(converter, made.value, raw)
