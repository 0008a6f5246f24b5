"""Columns that look like references though no foreign key says so: by their names and types. Their values decide.

Pure: names in, candidates out; whoever has the database at hand looks whether all values are found in the key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.core.draft.names import snake
from pipeline.core.draft.references import Parent, TablePlace, alike
from pipeline.core.sql.source import ForeignKey

#: What stands behind a table's name in the name of a column that refers to it, and what before it.
_SUFFIXES = frozenset({"id", "key", "no", "nr", "num", "number", "code", "ref", "fk", "guid", "uuid"})
_PREFIXES = frozenset({"id", "fk", "ref"})
#: Names of keys that say nothing of whose key it is.
_OF_ANYTHING = _SUFFIXES | {"name", "title", "type", "date", "day", "year", "position", "pk"}
#: What stands before the names of tables and says that they are some.
_OF_TABLES = frozenset({"tbl", "tb", "t"})

#: How well a name fits: by each word of a table's name, by its key's own name, or as the parent in the same table.
_BY_TABLE, _BY_KEY, _BY_PARENT = 10, 2, 1

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
        return self.values > 0 and self.is_only and not self.foreign_key.hindrance


def likely(
    children: Mapping[TablePlace, Parent],
    parents: Mapping[TablePlace, Parent],
    referring: Collection[tuple[TablePlace, str]],
) -> Iterator[ForeignKey]:
    """List columns that look like references to keys of one column, each with the tables that fit its name best.

    Args:
        children: the tables that may refer.
        parents: those that may be referred to.
        referring: table and column of the references that there are.
    """
    keys = {place: parent.key[0] for place, parent in parents.items() if len(parent.key) == 1}
    spelled = {p: next(n for n, called in parents[p].called.items() if called == key) for p, key in keys.items()}
    index = _Index()
    for place, name in spelled.items():
        index.add(place, _words(name))
    for place, child in children.items():
        for name, column in child.called.items():
            if "excluded" in child.columns[column] or (place, column) in referring or column in child.disputed:
                continue
            fits = index.fits(_words(name), place if place in keys else None)
            if keys.get(place) == column and fits.pop(place, 0) >= _BY_TABLE:
                continue  # a key that bears its own table's name
            fitting: dict[int, list[ForeignKey]] = {}
            for other, fit in fits.items():
                parent, key = parents[other], keys[other]
                if key not in parent.disputed and alike(child, column, parent, key):
                    guess = ForeignKey(f"{name} guessed", place, (name,), other, (spelled[other],), is_guess=True)
                    fitting.setdefault(fit, []).append(guess)
            yield from fitting[max(fitting)] if fitting else ()


class _Index:
    """Finds tables by the words in the name of a column that may refer to them."""

    def __init__(self) -> None:
        self._places: dict[Words, dict[TablePlace, int]] = {}
        self._suffixed: dict[Words, dict[TablePlace, int]] = {}

    def add(self, place: TablePlace, key: Words) -> None:
        """Note a table and the name of its key."""
        for table in _names(place[1]):
            fit = _BY_TABLE * len(table)
            for prefix in _PREFIXES:
                self._note(self._places, (prefix, *table), place, fit)
            self._note(self._places, table, place, fit)
            for end in (*((suffix,) for suffix in _SUFFIXES), key):
                self._note(self._suffixed, (*table, *end), place, fit)
                self._note(self._places, ("".join((*table, *end)),), place, fit)
        if len(key) > 1 or key[0] not in _OF_ANYTHING:
            self._note(self._suffixed, key, place, _BY_KEY)

    def fits(self, words: Words, own: TablePlace | None) -> dict[TablePlace, int]:
        """Say which tables a column may refer to by its name, its own among them if it has a key, and how well."""
        found = dict(self._places.get(words, {}))
        for start in range(len(words)):
            for place, fit in self._suffixed.get(words[start:], {}).items():
                found[place] = max(fit, found.get(place, 0))
        if own is not None and words[0] == "parent" and words[-1] in _SUFFIXES:
            found.setdefault(own, _BY_PARENT)
        return found

    @staticmethod
    def _note(names: dict[Words, dict[TablePlace, int]], name: Words, place: TablePlace, fit: int) -> None:
        of_name = names.setdefault(name, {})
        of_name[place] = max(fit, of_name.get(place, 0))


def _words(name: str) -> Words:
    return tuple(snake(name).split("_"))


def _names(table: str) -> set[Words]:
    """Give the words of a table's name, and those of one row of it where its name is a plural."""
    words = _words(table)
    if len(words) > 1 and words[0] in _OF_TABLES:
        words = words[1:]
    *others, last = words
    ones = {last, last.removesuffix("s"), last.removesuffix("es")}
    if last.endswith("ies"):
        ones.add(f"{last[:-3]}y")
    return {(*others, one) for one in ones if one}
