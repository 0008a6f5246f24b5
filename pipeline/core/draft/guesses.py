"""Columns that look like references though no foreign key says so: by their names and types. Their values decide.

Pure: names in, candidates out; whoever has the database at hand looks whether all values are found in the key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.core.draft.names import snake
from pipeline.core.draft.references import Parent, TablePlace, alike
from pipeline.core.sql.dialect import ForeignKey

#: What stands behind a table's name in the name of a column that refers to it, and what before it.
_SUFFIXES = frozenset({"id", "key", "no", "nr", "num", "number", "code", "ref", "fk", "guid", "uuid"})
_PREFIXES = frozenset({"id", "fk", "ref"})
#: Names of keys that say nothing of whose key it is.
_OF_ANYTHING = _SUFFIXES | {"name", "title", "type", "date", "day", "year", "position", "pk"}
#: What stands before the names of tables and says that they are some.
_OF_TABLES = frozenset({"tbl", "tb", "t"})

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """A column that looks like a reference, and what its values say."""

    foreign_key: ForeignKey
    values: int
    #: Does no other table fit as well?
    is_only: bool = True

    @property
    def is_sure(self) -> bool:
        """Say whether it may be written: its values, of which there are some, lead to one table."""
        return self.values > 0 and self.is_only


def likely(
    drafted: Mapping[TablePlace, Parent],
    parents: Mapping[TablePlace, Parent],
    referring: Collection[tuple[TablePlace, str]],
) -> Iterator[ForeignKey]:
    """List columns that look like references to keys of one column, each with the tables that fit its name best.

    Args:
        drafted: the tables that may refer.
        parents: those that may be referred to.
        referring: table and column of the references that there are.
    """
    targets = {place: (parent, parent.key[0]) for place, parent in parents.items() if len(parent.key) == 1}
    for place, child in drafted.items():
        for name, column in child.called.items():
            if "excluded" in child.columns[column] or (place, column) in referring:
                continue
            if child.key == (column,) and _fit(name, place, name):
                continue  # a key that bears its own table's name
            fitting: dict[int, list[ForeignKey]] = {}
            for other, (parent, key) in targets.items():
                theirs = next(n for n, called in parent.called.items() if called == key)
                fit = 0 if (place, column) == (other, key) else _fit(name, other, theirs, is_own=place == other)
                if (
                    fit
                    and not {column} & child.disputed
                    and not {key} & parent.disputed
                    and alike(child, column, parent, key)
                ):
                    guess = ForeignKey(f"{name} guessed", place, (name,), other, (theirs,), is_guess=True)
                    fitting.setdefault(fit, []).append(guess)
            yield from fitting[max(fitting)] if fitting else ()


def _fit(column: str, place: TablePlace, key: str, *, is_own: bool = False) -> int:
    """Say how well a column's name fits a table and its key: 0 is not at all."""
    words, of_key = _words(column), _words(key)
    best = 0
    for table in _names(place[1]):
        more = len(words) - len(table)
        named = (
            (words[-1] in _SUFFIXES and words[-len(table) - 1 : -1] == table)
            or words[-len(table + of_key) :] == table + of_key
            or (words[0] in _PREFIXES and words[1:] == table)
        )
        run_together = len(words) == 1 and words[0] in {"".join(table) + suffix for suffix in _SUFFIXES}
        if (more > 0 and named) or words == table or run_together:
            best = max(best, 10 * len(table))
    if best == 0 and words[-len(of_key) :] == of_key and (len(of_key) > 1 or of_key[0] not in _OF_ANYTHING):
        best = 2
    if best == 0 and is_own and words[0] == "parent" and words[-1] in _SUFFIXES:
        best = 1
    return best


def _words(name: str) -> Words:
    return tuple(snake(name).split("_"))


def _names(table: str) -> set[Words]:
    """Give the words of a table's name, and those of one row of it where its name is a plural."""
    words = _words(table)
    if len(words) > 1 and words[0] in _OF_TABLES:
        words = words[1:]
    *others, last = words
    ones = {last, last.removesuffix("s"), last.removesuffix("es")} | (
        {f"{last[:-3]}y"} if last.endswith("ies") else set()
    )
    return {(*others, one) for one in ones if one}
