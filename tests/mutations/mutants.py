"""The mutants of a recipe: one node dropped, or swapped with another of its type; and so the cells that make up one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from pipeline.core import recipe
from pipeline.core.recipe import Node, Part
from schemas.model import Entity

#: The number of a part, and a column of its table.
Place = tuple[int, str]


@dataclass(frozen=True)
class Mutant:
    """What is other in a recipe than it should be."""

    place: str
    """The target column, or the part of a split whose presence it is."""
    what: str
    """What was done to it, without names of places: what is so of one place is so of any."""
    nodes: Mapping[Place, Node | None] = field(default_factory=dict)
    """The nodes that stand in other cells than theirs; None where the cell is left empty."""
    presences: Mapping[int, Any] = field(default_factory=dict)
    """What says otherwise which rows have a part."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def mutants(entity: Entity) -> Iterator[Mutant]:
    """Make every mutant of an entry's recipe."""
    parts = recipe.parts(entity)
    cells = [
        (f"{_name(part)}.{column}", (n, column), node, part.target.columns[column])
        for n, part in enumerate(parts)
        for column, node in part.cells.items()
    ]
    for name, place, node, _ in cells:
        yield Mutant(name, f"{_shown(node)} dropped", {place: None})
        for what, other in _inside(node):
            yield Mutant(name, f"{_shown(node)} {what}", {place: other})
    for one, other in combinations(cells, 2):
        (name, here, node, pg), (_, there, instead, other_pg) = one, other
        if type(node) is type(instead) and pg == other_pg and node != instead:
            what = f"{_shown(node)} swapped with {_shown(instead)}"
            yield Mutant(name, what, {here: instead, there: node})
    yield from _presences(parts)


def _shown(node: Node) -> str:
    match node:
        case recipe.Value(cell):
            return f"{cell.converter} of {cell.source}"
        case recipe.Moment(cells, or_as_of, flag):
            first = [*(c.source for c in cells), *(["the as-of instant"] if or_as_of else [])]
            return f"moment of {' or '.join(first) or 'nothing'}{f' where {flag.source}' if flag else ''}"
        case recipe.Basis(moment):
            return f"basis of the {_shown(moment)}"
        case recipe.Json(cells):
            return f"object of {', '.join(c.source for c in cells)}"
    return str(node)


def _name(part: Part) -> str:
    return f"{part.target.table}/{part.target.part}" if part.target.part else part.target.table


def _inside(node: Node) -> Iterator[tuple[str, Node]]:
    """Drop and swap the cells that make up a node."""
    match node:
        case recipe.Basis(moment):
            for what, other in _inside(moment):
                if isinstance(other, recipe.Moment):
                    yield what, recipe.Basis(other)
        case recipe.Moment(cells, or_as_of, flag):
            for n, cell in enumerate(cells):
                yield f"without {cell.source}", replace(node, cells=cells[:n] + cells[n + 1 :])
            if len(cells) > 1:
                yield "in the other order", replace(node, cells=cells[::-1])
            yield f"{'without' if or_as_of else 'or'} the as-of instant", replace(node, or_as_of=not or_as_of)
            if flag is not None:
                yield "whatever the flag", replace(node, flag=None)
        case recipe.Json(cells) if len(cells) > 1:
            for n, cell in enumerate(cells):
                yield f"without {cell.source}", recipe.Json(cells[:n] + cells[n + 1 :])
            # Not their order, of which an object has none.
            for (n, one), (m, other) in combinations(enumerate(cells), 2):
                if one.pg_type == other.pg_type:
                    made = list(cells)
                    made[n], made[m] = replace(one, place=other.place), replace(other, place=one.place)
                    yield f"with {one.source} and {other.source} swapped", recipe.Json(tuple(made))


def _presences(parts: tuple[Part, ...]) -> Iterator[Mutant]:
    """Drop and swap what says which rows have a part."""
    splits = [(n, part) for n, part in enumerate(parts) if part.presence is not None]
    for n, part in splits:
        name = _name(part)
        match part.presence:
            case recipe.Filled(columns, flags) as filled:
                yield Mutant(name, "there for every row", presences={n: recipe.Always()})
                for i, column in enumerate(columns):
                    others = columns[:i] + columns[i + 1 :]
                    yield Mutant(
                        name, f"there without {column}", presences={n: recipe.Filled(others, flags - {column})}
                    )
                for flag in sorted(flags):
                    as_text = replace(filled, flags=flags - {flag})
                    yield Mutant(name, f"there where {flag} is off", presences={n: as_text})
    for (n, one), (m, other) in combinations(splits, 2):
        if one.presence != other.presence:
            swapped = {n: other.presence, m: one.presence}
            yield Mutant(_name(one), f"there where {_name(other)} is", presences=swapped)
