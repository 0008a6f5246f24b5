"""Renders profiles of legacy databases for people at a terminal.

Takes values and returns renderables. Invariant: shows the values that a profile holds, and no profile holds one that
was not asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType

from pipeline.core.profile import ACTIONS, ColumnProfile, Difference, Fleet, Profile, SourceProfile, TableProfile
from pipeline.observe.report import line, table
from schemas.hazards import in_words

#: Of hazards and deviations so many are shown of each source; the rest stands in JSON.
_SHOWN = 40
#: Of so many sources each is shown by itself; so many are named in one place.
_FEW, _NAMED = 3, 8


def profile(found: Profile, *, in_detail: bool) -> RenderableType:
    """Show each source: its tables, what would become of its rows, where it is not what the catalog says.

    Of many sources, what they have in common and which differ, and of each a line.

    Args:
        found: the profile.
        in_detail: show each column of each table.
    """
    parts: list[RenderableType] = []
    read = [s for s in found.sources if s.problem is None]
    if len(read) > _FEW and not in_detail:
        parts.append(_overview(read))
    else:
        for source in read:
            parts += _source(source, in_detail=in_detail)
    for fleet in found.fleets:
        parts += _fleet(fleet)
    return Group(*parts)


def _overview(sources: Sequence[SourceProfile]) -> RenderableType:
    rows = []
    for s in sources:
        sums = Counter[str]()
        for h in s.hazards:
            sums[h.action] += h.rows
        counted = sum(t.rows or 0 for t in s.tables)
        rows.append((s.source, s.title, s.shape, *(sums[a] for a in ACTIONS), len(s.tables), counted))
    return table("Sources", ("source", "title", "shape", *ACTIONS, "tables", "rows"), rows, numbers=len(ACTIONS) + 2)


def _fleet(fleet: Fleet) -> Iterator[RenderableType]:
    yield line(f"{fleet.sources:,} databases of the kind {fleet.kind}", "bold")
    groups = [(a.shape, some(a.sources), len(a.sources)) for a in fleet.alike]
    yield table("Alike: the same tables, columns and types", ("shape", "databases", "how many"), groups, numbers=1)
    if fleet.differences:
        rows = [(named(d.table, d.column), *differing(d), len(d.having)) for d in fleet.differences]
        heads = ("table or column", "named", "lacked by", "types", "holds all", "had by")
        yield table("Not alike", heads, rows[:_SHOWN], numbers=1)
        yield from _more(len(rows))
    if fleet.together:
        hazards = [
            (h.action, named(h.table, h.column), h.what, h.hazard or "", h.sources, h.rows) for h in fleet.together
        ]
        heads = ("becomes", "where", "what", "hazard", "sources", "rows")
        yield table("What would become of all their rows", heads, hazards[:_SHOWN], numbers=2)
        yield from _more(len(hazards))


def differing(found: Difference) -> tuple[str, str, str, str]:
    """Say of a difference: whether an entry names it, who lacks it, who declares which type, and what holds all."""
    types = "; ".join(f"{t}: {some(names)}" for t, names in found.types.items()) if len(found.types) > 1 else ""
    lacking = "all but " + some(found.having) if len(found.having) < len(found.lacking) else some(found.lacking)
    return "" if found.is_named else "no entry", lacking, types, found.widest or ""


def named(name: str, column: str | None) -> str:
    """Name a table, or a column of it."""
    return name if column is None else f"{name}.{column}"


def some(names: Sequence[str]) -> str:
    """Name a few, and say how many there are besides."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _source(source: SourceProfile, *, in_detail: bool) -> Iterator[RenderableType]:
    yield line(f"{source.source}: {source.title}, a {source.kind} ({source.location}), shape {source.shape}", "bold")
    is_counted = any(t.rows is not None for t in source.tables)
    if is_counted:
        yield _tables(source.tables)
    for found in source.tables if in_detail else ():
        yield _columns(found)
        yield from (line(f"  {said}") for said in keys_and_references(found))
    if source.deviations:
        rows = [
            (
                d.kind,
                d.table if d.column is None else f"{d.table}.{d.column}",
                d.expected or "",
                d.got or "",
                _n(d.rows),
            )
            for d in source.deviations
        ]
        yield table("Not what the catalog says", ("what", "where", "expected", "got", "rows"), rows[:_SHOWN], numbers=1)
        yield from _more(len(rows))
    absent = Counter(d.table for d in source.deviations if d.kind == "absent column")
    tables = [d.table for d in source.deviations if d.kind == "absent table"]
    if absent or tables:
        said = [*tables, *(f"{n} columns of {name}" for name, n in absent.items())]
        yield line(f"without what is optional: {', '.join(said)}")
    if source.hazards:
        rows = [
            (h.action, named(h.table, h.column), ", ".join(filter(None, (h.what, h.detail))), h.hazard or "", h.rows)
            for h in source.hazards
        ]
        title, heads = "What would become of its rows", ("becomes", "where", "what", "hazard", "rows")
        yield table(title, heads, rows[:_SHOWN], numbers=1)
        yield from _more(len(rows))
        numbers = sorted({h.hazard for h in source.hazards[:_SHOWN] if h.hazard}, key=lambda h: (len(h), h))
        yield from (line(in_words(h)) for h in numbers)
    if source.estimate is not None:
        e = source.estimate
        yield line(
            f"to move it: about {e.seconds:,.0f} s for {e.rows:,} rows on two cores, {size(e.staged_bytes)} of staged "
            f"files, {size(e.target_bytes)} in the target"
        )


def _tables(tables: Iterable[TableProfile]) -> RenderableType:
    rows = []
    for t in tables:
        r = t.key_range
        key = "" if r is None or r.least is None else f"{r.column} {r.least} to {r.greatest}"
        missing = "" if r is None else _n(r.missing)
        read_by = t.problem or (", ".join(t.entities) if t.waived is None else f"waived: {t.waived}")
        values = sum(c.bytes or 0 for c in t.columns)
        rows.append((t.table, read_by, key, missing, len(t.columns), _n(t.rows), values))
    heads = ("table", "entity", "key", "numbers missing", "columns", "rows", "bytes")
    return table("Tables", heads, rows, numbers=4)


def _columns(found: TableProfile) -> RenderableType:
    rows = [
        (
            c.name,
            c.type,
            values_of(c),
            ", ".join(counted(c)),
            _n(c.nulls),
            _n(c.distinct),
            _n(c.longest),
        )
        for c in found.columns
    ]
    heads = ("column", "type", "values", "of them", "NULL", "distinct", "longest")
    return table(found.table, heads, rows, numbers=3)


def values_of(c: ColumnProfile) -> str:
    """Show the least and the greatest value of a column, where they were asked for."""
    return "masked" if c.is_masked else "" if c.least is None else f"{c.least} to {c.greatest}"


def counted(c: ColumnProfile) -> Iterator[str]:
    """Say what of a column's values is worth a word."""
    numbers = {
        "empty": c.empty,
        "blank": c.blank,
        "padded": c.padded,
        "of a broken code page": c.broken,
        "with U+0000": c.nul,
        "zero": c.zeros,
        "-1": c.minus_ones,
        "1900-01-01": c.no_day,
        "9999-12-31": c.last_day,
        "out of range": c.out_of_range,
        "at midnight": c.midnight,
        "of another type": c.odd,
        "too long": c.too_long,
    }
    yield from (f"{n:,} {what}" for what, n in numbers.items() if n)
    if c.clock is not None:
        yield f"{c.clock.rows:,} midnight of {c.clock.zone} as UTC"


def keys_and_references(found: TableProfile) -> Iterator[str]:
    """Say what is known of a table's keys and references."""
    if (r := found.key_range) is not None and r.gaps is not None:
        yield f"{r.column}: {r.gaps:,} gaps, the widest of {r.widest_gap:,}"
    for k in found.keys:
        alike = ", without regard to case and blanks around" if k.is_folded else ""
        said = "not compared" if k.doubled_keys is None else f"{k.doubled_keys:,} keys of {k.doubled_rows:,} rows"
        yield f"doubled by {', '.join(k.columns)}{alike}: {said}"
    for ref in found.references:
        said = ref.why_not or f"{ref.orphans:,} of {ref.filled:,} lead nowhere"
        declared = "" if ref.is_declared else " (not declared)"
        yield f"{', '.join(ref.columns)} -> {' or '.join(ref.parents)}{declared}: {said}"


def _more(rows: int) -> Iterator[RenderableType]:
    if rows > _SHOWN:
        yield line(f"and {rows - _SHOWN} more: --json has them all")


def _n(number: int | None) -> int | str:
    return "" if number is None else number


def size(number: int) -> str:
    """Write a number of bytes."""
    return f"{number / 2**20:,.0f} MiB" if number < 2**30 else f"{number / 2**30:,.1f} GiB"
