"""Renders how a run ends: the verdict, what is not moved, what no entry names, and what the verdict is about.

Takes values and returns renderables or plain data. Invariant: shows keys, names and counts, never a value of a row; and
"nothing lost" is said only where nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType

from pipeline.core.outcome import Outcome, configuration, configuration_hash
from pipeline.core.plan import tenant_names
from pipeline.core.verdict import CHANGED_SINCE, CHANGED_SINCE_WAY_ON, Verdict
from pipeline.observe.report import line, rest, table, waivers
from schemas.hazards import in_words

_SHOWN = 20


def outcome(found: Outcome) -> RenderableType:
    """Show counts by service and tenant, the differences, what is not moved, then one line that sums it up."""
    parts: list[RenderableType] = []
    if found.verdict is not None:
        parts += _counts(found, found.verdict)
    for x in found.not_moved:
        rows = "" if x.rows is None else f", {x.rows:,} rows"
        parts.append(line(f"NOT MOVED: {x.kind}: {x.where}{rows}: {x.why}", "yellow"))
    parts += [waivers(found.waived)] if found.waived else []
    parts += rest(found.unnamed)
    if found.purged_tenants:
        names = ", ".join(found.purged_tenants)
        parts.append(line(f"The staged rows of {names} are purged; what is loaded of them is compared no more"))
    parts.append(line(_about(found)))
    if found.verdict is not None:
        parts.append(_sum(found, found.verdict))
    elif not found.is_complete:
        parts.append(line(f"{_LEFT}: loaded and verified before, and {_things(found)} not moved", "bold yellow"))
    return Group(*parts)


def outcome_json(found: Outcome) -> dict[str, Any]:
    """Give how a run ends as plain data; `parity` says that the target holds all that there is to move."""
    verdict = found.verdict
    return {
        "run_id": found.record.run_id,
        "legacy_entities": asdict(found.record.legacy_entities),
        "parity": found.is_complete,
        "moved_at_parity": found.is_as_read,
        "already_done": verdict is None,
        "not_moved": [asdict(x) for x in found.not_moved],
        "unnamed": [asdict(x) for x in found.unnamed],
        "waived": [asdict(x) for x in found.waived],
        "purged_tenants": list(found.purged_tenants),
        "entries": found.entries,
        "configuration": configuration(found.record),
        **({} if verdict is None else _verdict_json(verdict)),
    }


_LEFT = "NO FULL PARITY"


def _counts(found: Outcome, verdict: Verdict) -> Iterator[RenderableType]:
    names = tenant_names(found.record)
    sums: dict[tuple[str, str], list[int]] = {}
    for e in verdict.entities:
        row = sums.setdefault((e.service, e.tenant), [0, 0, 0])
        for n, value in enumerate((e.expected, e.mapped, e.rejected)):
            row[n] += value
    shown = sorted((service, names.get(tenant, tenant), *row) for (service, tenant), row in sums.items())
    yield table(
        "Parity, in pairs (tenant, legacy key)",
        ("service", "tenant", "expected", "mapped", "rejected"),
        shown,
        numbers=3,
    )
    for e in verdict.entities:
        if not e.accounted:
            yield line(
                f"{e.entity}, {names.get(e.tenant, e.tenant)}: expected {e.expected:,}, "
                f"got {e.mapped:,} mapped + {e.rejected:,} rejected",
                "red",
            )
    if verdict.differences:
        yield ""
        yield table(
            f"Differences (the first {min(_SHOWN, len(verdict.differences))} of {verdict.total_differences:,})",
            ("what", "entity", "tenant", "legacy key", "column"),
            (
                (d.kind, d.entity, names.get(d.tenant, d.tenant), d.legacy_key, d.column)
                for d in verdict.differences[:_SHOWN]
            ),
        )
        if any(d.kind == CHANGED_SINCE for d in verdict.differences):
            yield line(f"Rows have changed in a source since the run: {CHANGED_SINCE_WAY_ON}", "yellow")
    if verdict.outside:
        outside = "rows of the shared database belong to tenants outside this run; they are left where they are"
        yield line(f"{verdict.outside:,} {outside}")
    for aside in verdict.set_aside:
        whose = f"{aside.table} ({aside.entity}), {names.get(aside.tenant, aside.tenant)}"
        yield line(f"{whose}: {aside.rows:,} rows set aside, {aside.reason}: {', '.join(aside.keys)}")
    if verdict.findings:
        yield line("Findings kept beside loaded rows, in migration.finding:")
        yield from (
            line(f"  {n:,} {'time' if n == 1 else 'times'} {in_words(label)}") for label, n in verdict.findings.items()
        )
    if verdict.told:
        yield line(f"Not as it was, and harmless: {'; '.join(verdict.told)}")


def _about(found: Outcome) -> str:
    record = found.record
    return (
        f"Run {record.run_id}, as of {record.as_of:%Y-%m-%d %H:%M:%S} UTC; configuration "
        f"{configuration_hash(record)}, entries {found.entries}"
    )


def _sum(found: Outcome, verdict: Verdict) -> RenderableType:
    took = f"({verdict.seconds:.1f} s)"
    if not verdict.as_read:
        return line(f"NO PARITY: {verdict.total_differences:,} differences {took}", "bold red")
    if found.not_moved:
        return line(
            f"{_LEFT}: what was moved is at parity, every cell as it was read; {_things(found)} not moved {took}",
            "bold yellow",
        )
    if found.unnamed:
        return line(
            f"PARITY of what entries name: nothing of it lost, nothing mixed, every cell as expected {took}",
            "bold green",
        )
    but = f" but {rows:,} rows waived by name" if (rows := sum(x.rows for x in found.waived)) else ""
    return line(f"PARITY: nothing lost{but}, nothing mixed, every cell as expected {took}", "bold green")


def _things(found: Outcome) -> str:
    n = len(found.not_moved)
    return f"{n} thing{'s are' if n > 1 else ' is'}"


def _verdict_json(found: Verdict) -> dict[str, Any]:
    return {
        "total_differences": found.total_differences,
        "outside": found.outside,
        "findings": dict(found.findings),
        "told": list(found.told),
        "set_aside": [asdict(x) for x in found.set_aside],
        "moved": [{"entity": e, "source": s, "rows": n} for (e, s), n in found.moved.items()],
        "seconds": round(found.seconds, 3),
        "entities": [
            {
                "service": e.service,
                "entity": e.entity,
                "tenant": e.tenant,
                "expected": e.expected,
                "mapped": e.mapped,
                "rejected": e.rejected,
                "checksum": e.checksum,
            }
            for e in found.entities
        ],
        "differences": [
            {
                "service": d.service,
                "kind": d.kind,
                "entity": d.entity,
                "tenant": d.tenant,
                "legacy_key": d.legacy_key,
                "column": d.column,
            }
            for d in found.differences
        ],
    }
