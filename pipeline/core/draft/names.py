"""Names of entities, tables and columns of a draft: the source's own, in the form that PostgreSQL's users write.

Letters of every alphabet are kept. Invariant: a name is one for PostgreSQL, which cuts it at 63 bytes, for a directory
of staged files, and for those who tell names apart by their looks: no two differ in case or in how Unicode spells them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise

#: PostgreSQL cuts names at 63 bytes; a table's also begin those of its indexes, which no other table may have.
TABLE_BYTES, COLUMN_BYTES = 48, 63
INDEXES = ("_tenant", "_pkey")


@dataclass(slots=True)
class Names:
    """Hands out names that are unique, whatever their case."""

    #: How long a name is at the most.
    bytes: int
    taken: Collection[str] = ()
    #: What is taken, with the name itself, behind each name.
    suffixes: tuple[str, ...] = ()
    _alike: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._alike = {alike(name) for name in self.taken}

    def give(self, wanted: str) -> str:
        """Give the name wanted, or with a number behind it the first that is free."""
        name, number = _cut(wanted, self.bytes), 1
        while self._alike & (all_of_it := {alike(f"{name}{suffix}") for suffix in ("", *self.suffixes)}):
            number += 1
            name = f"{_cut(wanted, self.bytes - 5)}_{number}"
        self._alike |= all_of_it
        return name


def alike(name: str) -> str:
    """Write names alike that are too much so to stand side by side."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def snake(name: str) -> str:
    """Write a name in lower case with underscores in place of all that is no letter, mark or digit."""
    composed = unicodedata.normalize("NFC", name)
    spaced = "".join(c if _is_written(c) else " " for c in composed)
    humps = "".join(_parted(a, b, c) for (a, b), (_, c) in pairwise(pairwise(f" {spaced}  ")))
    made = "_".join(unicodedata.normalize("NFC", humps.lower()).split()) or "unnamed"
    return made if made[0].isalpha() else f"n_{made}"


def is_plain(name: str) -> bool:
    """Say whether a name holds letters, marks, digits, underscores and hyphens only."""
    return bool(name) and all(_is_written(c) or c in "_-" for c in name)


def _is_written(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _parted(before: str, character: str, after: str) -> str:
    """Begin a new word at a capital behind a small letter or digit, and at the last of capitals before a small one."""
    is_hump = character.isupper() and (before.islower() or before.isdigit() or (before.isupper() and after.islower()))
    return f" {character}" if is_hump else character


def _cut(name: str, size: int) -> str:
    """Cut a name to a number of bytes, between letters with what belongs to them."""
    if len(name.encode()) <= size:
        return name
    end = len(name.encode()[:size].decode(errors="ignore"))
    while end > 1 and unicodedata.category(name[end]).startswith("M"):
        end -= 1
    return name[:end]
