"""Renders values for people: plans, verdicts, states, as tables or plain lines.

Takes values and returns renderables; opens no store. Invariant: shows keys, names and counts, never a value of a
row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.core.draft import Drafted
from pipeline.core.loss import Fate, Loss
from pipeline.core.plan import RunRecord, tenant_names
from pipeline.core.sql.dialect import ForeignKey
from pipeline.core.verdict import Verdict
from schemas.model import Entity

_SHOWN = 20
#: Source -> tables that are none to be moved, or that nothing can be told of -> why.
Apart = Mapping[str, Mapping[str, str]]


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> Table:
    """Make a table; the last `numbers` columns are right-aligned, with thousands separators."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for n, column in enumerate(columns):
        right = n >= len(columns) - numbers
        made.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        made.add_row(*(f"{v:,}" if isinstance(v, int) and not isinstance(v, bool) else str(v) for v in row))
    return made


def plan(
    record: RunRecord,
    losses: Sequence[Loss],
    unnamed: Mapping[str, Sequence[str]],
    apart: Apart,
    entries: Iterable[Entity],
) -> RenderableType:
    """Show what a run would move, from where to where, and the loss ledger."""
    sources = table(
        "Sources", ("source", "title", "location", "rows"),
        (
            (name, s.title, s.location, sum(n for p, n in record.counts.items() if p.startswith(f"{name}/")))
            for name, s in record.sources.items()
        ),
        numbers=1,
    )  # fmt: skip
    entities: Counter[str] = Counter()
    for place, count in record.counts.items():
        entities[place.partition("/")[2]] += count
    moved = table(
        "Entities, in order", ("entity", "rows"),
        ((e, entities.get(e, "derived")) for e in record.entities), numbers=1,
    )  # fmt: skip
    fates = Counter(loss.fate for loss in losses)
    ledger = table("Loss ledger: columns", ("fate", "columns"), ((f.value, fates[f]) for f in Fate), numbers=1)
    noted = table(
        "Every column that is not simply exact", ("entity", "column", "fate", "by"),
        ((x.entity, x.column, x.fate.value, x.by) for x in losses if x.fate not in (Fate.EXACT, Fate.REFERENCE)),
    )  # fmt: skip
    parts: list[RenderableType] = [sources, "", moved, "", noted, "", ledger]
    for name, tables in unnamed.items():
        if tables:
            parts += ["", Text(f"{name}: no entry names {', '.join(tables)}; they are left where they are")]
    for name, reasons in apart.items():
        for why in sorted(set(reasons.values())):
            tables = [t for t, reason in reasons.items() if reason == why]
            parts += ["", Text(f"{name}: left out: {', '.join(tables)}: {why}")]
    if record.absent:
        parts += ["", Text(f"No table, so no rows, of what is optional: {', '.join(record.absent)}")]
    if record.key_entities:
        parts += [
            "",
            Text(f"Only keys are read of {', '.join(record.key_entities)}: selected rows refer to them"),
        ]
    if record.unenforced:
        checked = ", ".join(record.unenforced)
        parts += ["", Text(f"No primary key of the source keeps these keys apart, so each is looked at: {checked}")]
    chosen = [e for e in entries if e.derived_from is None]
    for what, named in {
        "Drafts that nobody has reviewed": [e.id for e in chosen if not e.reviewed],
        "No key: a row is known by all its columns, and the table is read whole": [e.id for e in chosen if not e.key],
    }.items():
        parts += ["", Text(f"{what}: {', '.join(named)}")] if named else []
    return Group(*parts)


def plan_json(
    record: RunRecord, losses: Sequence[Loss], unnamed: Mapping[str, Sequence[str]], apart: Apart
) -> dict[str, Any]:
    """Give a plan as plain data."""
    return {
        "record": record.model_dump(mode="json", exclude={"run_id"}),
        "unnamed": {k: list(v) for k, v in unnamed.items()},
        "left_out": {k: dict(v) for k, v in apart.items()},
        "loss_ledger": [
            {"entity": x.entity, "column": x.column, "type": x.type, "fate": x.fate.value, "by": x.by} for x in losses
        ],
    }


def drafted(found: Drafted, *, guess: bool) -> RenderableType:
    """Show what a draft wrote, what it could not describe, and which references it did not take or only guesses."""
    lines = [f"{found.path}: {len(found.entities):,} entries drafted"]
    if found.keyless:
        lines.append(f"no key, so a row is known by all its columns: {', '.join(found.keyless)}")
    lines += [f"left out: {name}{'.' * bool(column)}{column}: {reason}" for name, column, reason in found.left_out]
    lines += [f"no reference: {_led(n.foreign_key)}: {n.why}" for n in found.not_taken]
    for g in found.guesses:
        values = f"{g.values:,} values, all found there" if g.values else "without a value that could say so"
        also = "" if g.is_only else ", as they are in another table"
        what = "guessed" if guess and g.is_sure else "looks like a reference"
        lines.append(f"{what}: {_led(g.foreign_key)}: {values}{also}")
    if not guess and any(g.is_sure for g in found.guesses):
        lines.append("`--guess` writes those whose values are all found: remove the entries, and draft again")
    return Group(*map(Text, lines))


def _led(key: ForeignKey) -> str:
    return f"{key.child[1]}.{', '.join(key.columns)} -> {key.parent[1]}"


def verdict(found: Verdict, record: RunRecord) -> RenderableType:
    """Show the verdict of a verification: counts by service and tenant, then the differences, then one line."""
    names = tenant_names(record)
    sums: dict[tuple[str, str], list[int]] = {}
    for e in found.entities:
        row = sums.setdefault((e.service, names.get(e.tenant, e.tenant)), [0, 0, 0])
        for n, value in enumerate((e.expected, e.mapped, e.rejected)):
            row[n] += value
    counts = table(
        "Parity, in pairs (tenant, legacy key)", ("service", "tenant", "expected", "mapped", "rejected"),
        ((*key, *row) for key, row in sorted(sums.items())), numbers=3,
    )  # fmt: skip
    parts: list[RenderableType] = [counts]
    for e in found.entities:
        if not e.accounted:
            parts.append(Text(f"{e.entity}, {names.get(e.tenant, e.tenant)}: expected {e.expected:,}, "
                              f"got {e.mapped:,} mapped + {e.rejected:,} rejected", style="red"))  # fmt: skip
    if found.differences:
        parts += ["", table(
            f"Differences (the first {min(_SHOWN, len(found.differences))} of {found.total_differences:,})",
            ("what", "entity", "tenant", "legacy key", "column"),
            (
                (d.kind, d.entity, names.get(d.tenant, d.tenant), d.legacy_key, d.column)
                for d in found.differences[:_SHOWN]
            ),
        )]  # fmt: skip
    if found.outside:
        parts.append(
            Text(f"{found.outside:,} login rows belong to districts outside this run; they are left where they are")
        )
    for aside in found.set_aside:
        whose = f"{aside.table} ({aside.entity}), {names.get(aside.tenant, aside.tenant)}"
        parts.append(Text(f"{whose}: {aside.rows:,} rows set aside, {aside.reason}: {', '.join(aside.keys)}"))
    if found.findings:
        named = ", ".join(f"{label} {n:,}" for label, n in found.findings.items())
        parts.append(Text(f"Findings kept beside loaded rows, in migration.finding: {named}"))
    if found.told:
        parts.append(Text(f"Not as it was, and harmless: {'; '.join(found.told)}"))
    for (entity, source), rows in found.moved.items():
        parts.append(Text(f"{entity}, {source}: {rows:,} rows changed in the source during the run"))
    if found.parity:
        parts.append(
            Text(
                f"PARITY: nothing lost, nothing mixed, every cell as expected ({found.seconds:.1f} s)",
                style="bold green",
            )
        )
    elif found.as_read:
        parts.append(
            Text(
                "NO FULL PARITY: every cell is as it was read, and "
                f"{sum(found.moved.values()):,} rows have changed in the source since ({found.seconds:.1f} s)",
                style="bold yellow",
            )
        )
    else:
        parts.append(
            Text(
                f"NO PARITY: {found.total_differences:,} differences ({found.seconds:.1f} s)",
                style="bold red",
            )
        )
    return Group(*parts)


def verdict_json(found: Verdict) -> dict[str, Any]:
    """Give the verdict as plain data."""
    return {
        "run_id": found.run_id,
        "parity": found.parity,
        "total_differences": found.total_differences,
        "outside": found.outside,
        "findings": dict(found.findings),
        "told": list(found.told),
        "set_aside": [
            {
                "entity": x.entity, "table": x.table, "tenant": x.tenant, "reason": x.reason, "rows": x.rows,
                "keys": list(x.keys),
            }
            for x in found.set_aside
        ],
        "moved": [{"entity": e, "source": s, "rows": n} for (e, s), n in found.moved.items()],
        "seconds": round(found.seconds, 3),
        "entities": [
            {
                "service": e.service, "entity": e.entity, "tenant": e.tenant,
                "expected": e.expected, "mapped": e.mapped, "rejected": e.rejected, "checksum": e.checksum,
            }
            for e in found.entities
        ],
        "differences": [
            {
                "service": d.service, "kind": d.kind, "entity": d.entity, "tenant": d.tenant,
                "legacy_key": d.legacy_key, "column": d.column,
            }
            for d in found.differences
        ],
    }  # fmt: skip


def show(renderable: RenderableType) -> None:
    """Print to standard output; as wide as the content where it is not a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160, soft_wrap=False)
    console.print(renderable)
