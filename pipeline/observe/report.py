"""Renders values for people: plans, drafts, states, as tables or plain lines.

Takes values and returns renderables; opens no store. Invariant: shows keys, names and counts, never a value of a
row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.core.draft import Drafted
from pipeline.core.loss import Fate, Loss
from pipeline.core.outcome import Unnamed, WaivedRows
from pipeline.core.plan import RunRecord
from pipeline.core.sql.source import ForeignKey
from pipeline.shown import visible
from schemas.model import Entity

#: Source -> tables that are none to be moved, or that nothing can be told of -> why.
Apart = Mapping[str, Mapping[str, str]]
#: The services of each phase, the first one's first.
Phases = Sequence[Sequence[str]]


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> Table:
    """Make a table; the last `numbers` columns are right-aligned, with thousands separators."""
    made = Table(title=line(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    for n, column in enumerate(columns):
        right = n >= len(columns) - numbers
        made.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        # As text, and not as markup: a name may hold brackets.
        made.add_row(*(Text(_cell(v)) for v in row))
    return made


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible(str(value))


def line(text: str, style: str = "") -> Text:
    """Show a sentence that may hold names, as it reads."""
    return Text(visible(text), style=style)


def plan(
    record: RunRecord,
    losses: Sequence[Loss],
    unnamed: Sequence[Unnamed],
    waived: Sequence[WaivedRows],
    apart: Apart,
    entries: Iterable[Entity],
    phases: Phases,
) -> RenderableType:
    """Show what a run would move, from where to where, and the loss ledger."""
    sources = table(
        "Sources",
        ("source", "title", "location", "tables", "rows"),
        (
            (name, s.title, s.location, s.tables, sum(n for held, n in record.counts.items() if held.source == name))
            for name, s in record.sources.items()
        ),
        numbers=2,
    )
    entities: Counter[str] = Counter()
    for held, count in record.counts.items():
        entities[held.entity] += count
    moved = table(
        "Entities, in order",
        ("entity", "rows"),
        ((e, entities.get(e, "derived")) for e in record.entities),
        numbers=1,
    )
    fates = Counter(loss.fate for loss in losses)
    ledger = table("Loss ledger: columns", ("fate", "columns"), ((f.value, fates[f]) for f in Fate), numbers=1)
    noted = table(
        "Every column that is not simply exact",
        ("entity", "column", "fate", "by"),
        ((x.entity, x.column, x.fate.value, x.by) for x in losses if x.fate not in (Fate.EXACT, Fate.REFERENCE)),
    )
    parts: list[RenderableType] = [sources, "", moved, "", noted, "", ledger]
    if of_phases := _phases(record, phases):
        rows = ((x["phase"], ", ".join(x["services"]), x["entities"], x["rows"]) for x in of_phases)
        parts[2:2] = [table("Phases", ("phase", "services", "entities", "rows"), rows, numbers=2), ""]
    parts += ["", waivers(waived)] if waived else []
    parts += ["", line(f"Legacy entities: {record.legacy_entities.total:,} tables move, or are waived")]
    parts += _families(record)
    parts += ["", *rest(unnamed)] if unnamed else []
    for name, reasons in apart.items():
        for why in sorted(set(reasons.values())):
            tables = [t for t, reason in reasons.items() if reason == why]
            parts += ["", line(f"{name}: left out: {', '.join(tables)}: {why}")]
    if record.absent:
        parts += ["", line(f"No table, so no rows, of what is optional: {', '.join(map(str, record.absent))}")]
    if record.key_entities:
        parts += [
            "",
            line(f"Only keys are read of {', '.join(record.key_entities)}: selected rows refer to them"),
        ]
    if record.unenforced:
        checked = ", ".join(map(str, record.unenforced))
        parts += ["", line(f"Keys that are looked at, as their source may not keep them apart: {checked}")]
    if of_its_own := [line for since in record.structure.values() for line in since.told()]:
        parts += ["", Text(f"The target has of its own, beside what the catalog describes: {'; '.join(of_its_own)}")]
    chosen = [e for e in entries if e.derived_from is None]
    for what, named in {
        "Drafts that nobody has reviewed": [e.id for e in chosen if not e.reviewed],
        "No key: a row is known by all its columns, and the table is read whole": [e.id for e in chosen if not e.key],
    }.items():
        parts += ["", line(f"{what}: {', '.join(named)}")] if named else []
    return Group(*parts)


def waivers(waived: Iterable[WaivedRows]) -> Table:
    """Show which tables do not migrate, and how many rows each source has in them."""
    rows = ((x.entity, x.source, x.why, x.rows) for x in waived)
    return table("Waived by name: counted, never read", ("table", "source", "why", "rows"), rows, numbers=1)


def _families(record: RunRecord) -> Iterator[RenderableType]:
    """Show the tables of families, and what is odd about them, a line each."""
    for held, found in record.families.items():
        yield line(f"{held}: a family of {len(found.members):,} tables")
        for oddity in found.oddities:
            where = f"{oddity.table}.{oddity.column}" if oddity.column else oddity.table
            yield line(f"  {where}: {oddity.what}", "yellow")


def rest(unnamed: Iterable[Unnamed]) -> Iterator[Text]:
    """Show what no entry names, a line a source, with the rows that the engine counts or estimates."""
    named: dict[str, list[str]] = {}
    for x in unnamed:
        about = "about " if x.is_estimate else ""
        rows = "rows not known" if x.rows is None else f"{about}{x.rows:,} rows"
        named.setdefault(x.source, []).append(f"{x.name} ({rows})")
    for source, names in named.items():
        yield line(f"{source}: no entry names {', '.join(names)}; left where they are")


def _phases(record: RunRecord, phases: Phases) -> list[dict[str, Any]]:
    """Sum up what moves of each phase, of those of which anything does."""
    found = []
    for number, services in enumerate(phases, 1):
        own = {e for e in record.entities if e.partition(".")[0] in services}
        rows = sum(n for held, n in record.counts.items() if held.entity in own)
        if own:
            found.append({"phase": number, "services": [*services], "entities": len(own), "rows": rows})
    return found


def plan_json(
    record: RunRecord,
    losses: Sequence[Loss],
    unnamed: Sequence[Unnamed],
    waived: Sequence[WaivedRows],
    apart: Apart,
    phases: Phases,
    held: Mapping[str, str],
) -> dict[str, Any]:
    """Give a plan as plain data."""
    return {
        "record": record.model_dump(mode="json", exclude={"run_id"}),
        "phases": _phases(record, phases),
        "held_back": dict(held),
        "legacy_entities": asdict(record.legacy_entities),
        "unnamed": [asdict(x) for x in unnamed],
        "waived": [asdict(x) for x in waived],
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
    lines += [f"not alike: {difference}" for difference in found.differences]
    lines += [f"no reference: {_led(n.foreign_key)}: {n.why}" for n in found.not_taken]
    for g in found.guesses:
        values = f"{g.values:,} values, all found there" if g.values else "without a value that could say so"
        also = "" if g.is_only else ", as they are in another table"
        what = "guessed" if guess and g.is_sure else "looks like a reference"
        by_hand = f"; {g.foreign_key.hindrance}" if g.foreign_key.hindrance else ""
        lines.append(f"{what}: {_led(g.foreign_key)}: {values}{also}{by_hand}")
    if not guess and any(g.is_sure for g in found.guesses):
        lines.append("`--guess` writes those whose values are all found: remove the entries, and draft again")
    return Group(*map(line, lines))


def _led(key: ForeignKey) -> str:
    return f"{key.child[1]}.{', '.join(key.columns)} -> {key.parent[1]}"


def show(renderable: RenderableType) -> None:
    """Print to standard output; as wide as the content where it is not a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160, soft_wrap=False)
    console.print(renderable)
