"""What databases of one kind have in common, and which differ: tables, columns and types that not all of them have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.core.profile import Alike, Difference, Fleet, Hazard, SourceProfile, Together
from pipeline.core.profile.hazards import rank
from schemas.engines import ENGINES
from schemas.widening import widest

#: What is written behind a type that may not be NULL.
_NOT_NULL = " not null"


def fleets(sources: Sequence[SourceProfile]) -> tuple[Fleet, ...]:
    """Compare the databases of each kind of which there are several."""
    by_kind: dict[str, list[SourceProfile]] = {}
    for source in sources:
        if source.problem is None:
            by_kind.setdefault(source.kind, []).append(source)
    return tuple(_fleet(kind, found) for kind, found in by_kind.items() if len(found) > 1)


def _fleet(kind: str, sources: Sequence[SourceProfile]) -> Fleet:
    shapes: dict[str, list[str]] = {}
    for source in sources:
        shapes.setdefault(source.shape, []).append(source.source)
    alike = sorted((Alike(shape, tuple(names)) for shape, names in shapes.items()), key=lambda a: -len(a.sources))
    return Fleet(kind, len(sources), tuple(alike), tuple(_differences(sources)), _together(sources))


@dataclass(slots=True)
class _Seen:
    """Who has a table or column, as which type; and how it is called where it was met first."""

    name: str
    is_named: bool = False
    by_type: dict[str, list[str]] = field(default_factory=dict)
    columns: dict[str, _Seen] = field(default_factory=dict)

    @property
    def having(self) -> list[str]:
        return [source for sources in self.by_type.values() for source in sources]


def _differences(sources: Sequence[SourceProfile]) -> Iterator[Difference]:
    """List tables that not all sources have, and of each table the columns that not all who have it have alike."""
    everybody = [s.source for s in sources]
    for table in _tables(sources).values():
        having = table.having
        if len(having) < len(everybody):
            yield _difference(table, None, everybody)
        for column in table.columns.values():
            if len(column.by_type) > 1 or len(column.having) < len(having):
                yield _difference(table, column, having)


def _tables(sources: Sequence[SourceProfile]) -> Mapping[tuple[str, str], _Seen]:
    """Gather who has what; names are alike in any case."""
    found: dict[tuple[str, str], _Seen] = {}
    for source in sources:
        for table in source.tables:
            seen = found.setdefault((table.schema.lower(), table.table.lower()), _Seen(table.table))
            seen.is_named |= bool(table.entities)
            seen.by_type.setdefault("", []).append(source.source)
            for column in table.columns:
                place = seen.columns.setdefault(column.name.lower(), _Seen(column.name))
                place.is_named |= column.fate is not None
                declared = column.type if column.nullable else f"{column.type}{_NOT_NULL}"
                place.by_type.setdefault(declared, []).append(source.source)
    return dict(sorted(found.items()))


def _difference(table: _Seen, column: _Seen | None, everybody: Iterable[str]) -> Difference:
    seen = column or table
    having = {*seen.having}
    types = {t: tuple(names) for t, names in seen.by_type.items()} if column is not None else {}
    return Difference(
        table.name,
        None if column is None else column.name,
        seen.is_named,
        tuple(s for s in everybody if s in having),
        tuple(s for s in everybody if s not in having),
        types,
        _widest({t.removesuffix(_NOT_NULL) for t in types}),
    )


def _widest(types: Collection[str]) -> str | None:
    """Name the type that holds what several hold; a file declares its columns in any engine's words."""
    if len(types) < 2:
        return None
    return next((found for engine in ENGINES if (found := widest(types, engine)) is not None), None)


def _together(sources: Iterable[SourceProfile]) -> tuple[Together, ...]:
    """Add up what would become of the rows of several sources, the worst first."""
    found: dict[tuple[str, str, str | None, str], list[Hazard]] = {}
    for source in sources:
        for h in source.hazards:
            found.setdefault((h.action, h.table.lower(), h.column and h.column.lower(), h.what), []).append(h)
    every = (
        Together(
            first.action, sum(h.rows for h in same), len(same), first.table, first.column, first.what, first.hazard
        )
        for same in found.values()
        for first in same[:1]
    )
    return tuple(sorted(every, key=rank))
