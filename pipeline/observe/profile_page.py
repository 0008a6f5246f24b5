"""Writes profiles of legacy databases as one page of HTML, which opens from a file.

Takes values and returns text. Invariant: the page asks nothing of anybody: no script, no picture, no address; and all
that comes from a database is text in it, whatever that holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from pipeline.core.profile import ColumnProfile, Fleet, Profile, SourceProfile, TableProfile, Together
from pipeline.observe.profiled import counted, differing, keys_and_references, named, size, some, values_of
from pipeline.shown import visible
from schemas.hazards import in_words

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--line); }
th { position: sticky; top: 0; background: Canvas; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin: .25rem 0; } summary { cursor: pointer; padding: .15rem 0; }
details > details, details > table, details > p { margin-left: 1.2rem; }
.stops td:first-child, .rejects td:first-child { color: #c22; font-weight: 600; }
.flags td:first-child { color: #b60; font-weight: 600; }
.note { color: GrayText; } .problem { color: #c22; }
"""
#: Of a fleet of more than so many, tables are listed of each source, and not their columns: a page is to be opened.
_FEW: Final = 10


def page(found: Profile) -> str:
    """Write a profile as a page."""
    body = "\n".join(_body(found))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>What the legacy databases hold</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _body(found: Profile) -> Iterator[str]:
    yield "<h1>What the legacy databases hold</h1>"
    masked = "Values of persons are shown: keep this page where you keep the data."
    yield _note(masked if found.shows_values else "Values of persons were not asked for.")
    read = [s for s in found.sources if s.problem is None]
    if len(found.sources) > 1:
        rows = [(s.source, s.title, s.kind, s.shape, len(s.tables), _rows(s), _seconds(s)) for s in read]
        heads = ("source", "title", "kind", "shape", "tables", "rows", "seconds")
        yield _table("Sources", heads, rows, numbers=3)
    for source in found.unread:
        yield f'<p class="problem">{_text(source.source)} could not be read: {_text(source.problem)}</p>'
    for fleet in found.fleets:
        yield from _fleet(fleet)
    for source in read:
        yield from _source(source, in_detail=len(found.sources) <= _FEW)


def _rows(source: SourceProfile) -> int:
    return sum(t.rows or 0 for t in source.tables)


def _seconds(source: SourceProfile) -> int | None:
    return None if source.estimate is None else round(source.estimate.seconds)


def _fleet(fleet: Fleet) -> Iterator[str]:
    yield f"<h2>{fleet.sources:,} databases of the kind {_text(fleet.kind)}</h2>"
    groups = [(a.shape, some(a.sources), len(a.sources)) for a in fleet.alike]
    yield _table("Alike: the same tables, columns and types", ("shape", "databases", "how many"), groups, numbers=1)
    rows = [(named(d.table, d.column), *differing(d), len(d.having)) for d in fleet.differences]
    heads = ("table or column", "named", "lacked by", "types", "holds all", "had by")
    yield _table("Not alike", heads, rows, numbers=1)
    yield _hazards("What would become of their rows", fleet.together)


def _hazards(title: str, found: Sequence[Together]) -> str:
    rows = [(h.action, named(h.table, h.column), h.what, _hazard(h.hazard), h.sources, h.rows) for h in found]
    heads = ("becomes", "where", "what", "hazard", "sources", "rows")
    return _table(title, heads, rows, numbers=2, classes=[h.action.split()[0] for h in found])


def _hazard(number: str | None) -> str:
    return "" if number is None else in_words(number)


def _source(source: SourceProfile, *, in_detail: bool) -> Iterator[str]:
    yield f"<h2>{_text(source.source)}: {_text(source.title)}</h2>"
    yield _note(f"A {source.kind} in {source.location}; shape {source.shape}.")
    if (e := source.estimate) is not None:
        yield (
            f"<p>To move {e.rows:,} rows takes about {e.seconds:,.0f} seconds on two cores, {size(e.staged_bytes)} of "
            f"staged files and {size(e.target_bytes)} in the target.</p>"
        )
    hazards = [
        (h.action, named(h.table, h.column), h.what, h.detail or "", _hazard(h.hazard), h.rows) for h in source.hazards
    ]
    heads: tuple[str, ...] = ("becomes", "where", "what", "", "hazard", "rows")
    classes = [h.action.split()[0] for h in source.hazards]
    yield _table("What would become of its rows", heads, hazards, numbers=1, classes=classes)
    rows = [(d.kind, named(d.table, d.column), d.expected, d.got, d.rows) for d in source.deviations]
    yield _table("Not what the catalog says", ("what", "where", "expected", "got", "rows"), rows, numbers=1)
    for found in source.tables if in_detail else ():
        yield from _of_table(found)
    if not in_detail:
        lines = [(t.table, ", ".join(t.entities), t.problem, t.rows) for t in source.tables]
        yield _folded("Tables", [_table("", ("table", "entity", "", "rows"), lines, numbers=1)])


def _of_table(found: TableProfile) -> Iterator[str]:
    rows = "not counted" if found.rows is None else f"{found.rows:,} rows"
    parts = []
    if found.problem is not None:
        parts.append(f'<p class="problem">{_text(found.problem)}</p>')
    if found.key_range is not None and found.key_range.least is not None:
        r = found.key_range
        parts.append(_note(f"{r.column} from {r.least} to {r.greatest}; {r.missing or 0:,} numbers are missing."))
    if found.columns:
        heads = ("column", "type", "values", "of them", "fate", "NULL", "distinct", "longest")
        parts.append(_table("", heads, map(_column, found.columns), numbers=3))
    parts += [_note(line) for line in keys_and_references(found)]
    entry = ", ".join(found.entities) or ("no entry" if found.waived is None else f"waived: {found.waived}")
    yield _folded(f"{found.table} ({entry}): {rows}", parts)


def _column(c: ColumnProfile) -> tuple[object, ...]:
    notes = [*counted(c)]
    if c.hours:
        notes.append("on the hour: " + ", ".join(f"{hour} h {n:,}" for hour, n in c.hours.items()))
    return c.name, c.type, values_of(c), ", ".join(notes), c.fate or "no entry", c.nulls, c.distinct, c.longest


def _folded(title: str, parts: Iterable[str]) -> str:
    return f"<details><summary>{_text(title)}</summary>{''.join(parts)}</details>"


def _note(text: str) -> str:
    return f'<p class="note">{_text(text)}</p>'


def _table(
    title: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: int,
    classes: Sequence[str] = (),
) -> str:
    """Write a table, of which the last columns are numbers; nothing, where it has no rows."""
    first = len(heads) - numbers
    lines = []
    for n, row in enumerate(rows):
        cells = "".join(f"<td{' class=n' if at >= first else ''}>{_cell(v)}</td>" for at, v in enumerate(row))
        lines.append(f"<tr{f' class={classes[n]}' if classes else ''}>{cells}</tr>")
    if not lines:
        return ""
    head = "".join(f"<th{' class=n' if at >= first else ''}>{_text(h)}</th>" for at, h in enumerate(heads))
    caption = f"<caption>{_text(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else _text(str(value))


def _text(text: str | None) -> str:
    return escape(visible(text or ""))
