"""All that a finished migration holds, as sets of plain tuples: as the oracle expects it, and as PostgreSQL has it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.oracle.cells import read_json, told
from tests.oracle.migration import Migration
from tests.oracle.rows import Outcome

#: A service and a query -> rows.
Ask = Callable[[str, str], Sequence[Mapping[str, object]]]
#: Keys by tenant, entity and legacy key come first in each.
_LEDGER = {
    "id_map": "SELECT tenant_id::text, entity, legacy_key, new_id::text, source_hash::text, target_hash::text "
    "FROM migration.id_map",
    "rejects": 'SELECT tenant_id::text, entity, legacy_key, array_to_json(reasons)::text, "row"::text, '
    "source_hash::text FROM migration.quarantine",
    "findings": "SELECT r.tenant_id::text, r.entity, unnest(f.keys), f.column_name, f.hazard "
    "FROM migration.finding f JOIN migration.receipt r USING (batch_id)",
    "raws": "SELECT r.tenant_id::text, r.entity, unnest(f.keys), f.column_name, f.rule, encode(unnest(f.raws), 'hex') "
    "FROM migration.raw_value f JOIN migration.receipt r USING (batch_id)",
}


@dataclass
class Contents:
    """Rows by service and table, and the four parts of the ledger, in order; a row twice stands twice."""

    rows: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ledger: dict[str, list[tuple[str, ...]]] = field(default_factory=lambda: {name: [] for name in _LEDGER})

    def sort(self) -> None:
        """Put everything in one order, so that equal contents are equal."""
        self.rows = {place: sorted(rows) for place, rows in sorted(self.rows.items()) if rows}
        self.ledger = {name: sorted(rows) for name, rows in self.ledger.items()}


def differing(oracle: Contents, target: Contents) -> list[str]:
    """Say what only one of two has."""
    rows = [
        f"{place} {side}: {row}"
        for place in {**oracle.rows, **target.rows}
        for side, mine, others in (("oracle", oracle, target), ("target", target, oracle))
        for row in mine.rows.get(place, [])
        if row not in others.rows.get(place, [])
    ]
    ledger = [
        f"{part} {side}: {row}"
        for part in oracle.ledger
        for side, mine, others in (("oracle", oracle, target), ("target", target, oracle))
        for row in mine.ledger[part]
        if row not in others.ledger[part]
    ]
    return rows + ledger


def expected(migration: Migration) -> Contents:
    """Work out what the target must hold."""
    contents = Contents()
    for full in migration.catalog:
        for outcome in migration.outcomes(full):
            _expect(outcome, contents)
    contents.sort()
    return contents


def _expect(outcome: Outcome, contents: Contents) -> None:
    row, entry, ledger = outcome.row, outcome.row.entry, contents.ledger
    head = (str(row.tenant), entry.full, row.key)
    if outcome.reasons:
        whole = {column.name: row.raws[column.name] for column in entry.read()}
        ledger["rejects"].append((*head, *_texts(json.dumps(outcome.reasons), json.dumps(whole)), row.hash()))
        return
    ledger["findings"] += [(*head, *finding) for finding in outcome.findings]
    ledger["raws"] += [(*head, *place, raw.encode().hex()) for place, raw in outcome.raws.items()]
    target_hash = "" if outcome.shared else outcome.hash()
    if "derived_from" not in entry.said:
        ledger["id_map"].append((*head, str(outcome.new_id), row.hash(), target_hash))
    if not outcome.shared:
        for (table, _), cells in outcome.cells.items():
            if cells is not None:
                place = f"{entry.service}.{table or entry.target}"
                contents.rows[place].append(_row({name: told(value) for name, value in cells.items()}))


def loaded(ask: Ask, services: Iterable[str]) -> Contents:
    """Read what the target does hold."""
    contents = Contents()
    for service in services:
        tables = ask(
            service, f"SELECT table_name::text FROM information_schema.tables WHERE table_schema = '{service}'"
        )
        for table in (row["table_name"] for row in tables):
            rows = ask(service, f'SELECT to_json("#")::text AS said FROM {service}."{table}" "#"')
            contents.rows[f"{service}.{table}"] += [_row(read_json(str(r["said"]))) for r in rows]
        for name, sql in _LEDGER.items():
            for row in ask(service, sql):
                texts = ["" if value is None else str(value) for value in row.values()]
                if name == "rejects":
                    texts[3:5] = _texts(texts[3], texts[4])
                # A hash is a uuid there, and hex here.
                at = {"id_map": (4, 5), "rejects": (5,)}.get(name, ())
                contents.ledger[name].append(
                    tuple(text.replace("-", "") if i in at else text for i, text in enumerate(texts))
                )
    contents.sort()
    return contents


def _texts(*texts: str) -> list[str]:
    """Write JSON in one spelling."""
    return [json.dumps(json.loads(text)) for text in texts]


def _row(cells: Mapping[str, object]) -> str:
    """Write a row; tables that entries share have columns that are NULL in the rows of others."""
    return json.dumps({name: value for name, value in cells.items() if value is not None}, sort_keys=True)
