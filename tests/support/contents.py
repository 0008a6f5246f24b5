"""What eleven service databases hold, in a form that two runs can be compared by.

Leaves out what names the run or the moment: run ids, batch ids (which follow from them) and times of the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.support.site import USED, Site

#: What findings and raw values belong to, in place of the batch id.
_BATCH = "r.tenant_id, r.entity, r.kind, r.source, r.number"
_LEDGER = {
    "id_map": "SELECT tenant_id, entity, legacy_key, new_id, source_hash, target_hash FROM migration.id_map",
    "quarantine": 'SELECT tenant_id, entity, legacy_key, reasons, "row"::text, source_hash FROM migration.quarantine',
    "finding": f"SELECT {_BATCH}, f.column_name, f.hazard, f.keys FROM migration.finding f "
    "JOIN migration.receipt r USING (batch_id)",
    "raw_value": f"SELECT {_BATCH}, f.column_name, f.rule, f.keys, f.raws FROM migration.raw_value f "
    "JOIN migration.receipt r USING (batch_id)",
    "receipt": f"SELECT {_BATCH}, r.mapped, r.rejected, r.checksum, r.entry_hash FROM migration.receipt r",
    "claim": "SELECT tenant_id, entity, state FROM migration.claim",
    "pending_index": "SELECT schema_name, table_name, name FROM migration.pending_index",
}
#: Tables that speak of runs and commands only: their rows differ from run to run.
_OF_RUNS = {"run", "verification", "holder", "version"}

Contents = Mapping[str, Counter[str]]


def contents(site: Site, services: Sequence[str] = USED) -> Contents:
    """Read every table of the services and of their `migration` schemas, each row as a JSON object."""
    found: dict[str, Counter[str]] = {}
    for service in services:
        tables = site.rows(
            service,
            "SELECT table_schema::text AS s, table_name::text AS t FROM information_schema.tables "
            f"WHERE table_schema IN ('{service}', 'migration') AND table_type = 'BASE TABLE'",
        )
        selects = {f"{service}.{t['t']}": f'SELECT * FROM {service}."{t["t"]}"' for t in tables if t["s"] == service}
        ledger = {str(t["t"]) for t in tables if t["s"] == "migration"} - _OF_RUNS
        selects |= {f"{service}:{name}": _LEDGER[name] for name in ledger}
        union = " UNION ALL ".join(
            f"SELECT '{n}' AS t, to_json(x)::text AS line FROM ({sql}) x" for n, sql in selects.items()
        )
        found |= {name: Counter() for name in selects}
        for row in site.rows(service, union) if union else ():
            found[str(row["t"])][str(row["line"])] += 1
    return found


def differing(left: Contents, right: Contents) -> dict[str, tuple[list[str], list[str]]]:
    """Give the tables that differ, with a few of the rows that only the left and only the right one has."""
    empty: Counter[str] = Counter()
    found = {}
    for name in sorted({*left, *right}):
        ours, theirs = left.get(name, empty), right.get(name, empty)
        if ours != theirs:
            found[name] = (sorted(ours - theirs)[:5], sorted(theirs - ours)[:5])
    return found


def versions(site: Site, service: str, table: str) -> list[dict[str, object]]:
    """Read where every row of a table lies and which transaction wrote it: a row written again differs."""
    return site.rows(service, f"SELECT ctid::text AS place, xmin::text AS writer FROM {table} ORDER BY ctid")
