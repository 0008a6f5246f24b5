"""Names of entities, tables and columns of a draft: those of the source, in the form that PostgreSQL's users write."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: PostgreSQL cuts names at 63 bytes; a table's also begin those of its indexes, which no other table may have.
TABLE_LENGTH, COLUMN_LENGTH = 48, 63
INDEXES = ("_tenant", "_pkey")


@dataclass(slots=True)
class Names:
    """Hands out names that are unique, whatever their case."""

    length: int
    taken: set[str] = field(default_factory=set)
    #: What is taken, with the name itself, behind each name.
    suffixes: tuple[str, ...] = ()

    def give(self, wanted: str) -> str:
        """Give the name wanted, or with a number behind it the first that is free."""
        name, number = wanted[: self.length], 1
        while self.taken & (all_of_it := {f"{name}{suffix}".lower() for suffix in ("", *self.suffixes)}):
            number += 1
            name = f"{wanted[: self.length - 5]}_{number}"
        self.taken |= all_of_it
        return name


def snake(name: str) -> str:
    """Write a name in lower case with underscores, its letters outside of ASCII left out."""
    words = _WORD.findall(_HUMP.sub("_", name))
    made = "_".join(words).lower() or "unnamed"
    return made if made[0].isalpha() else f"n_{made}"
