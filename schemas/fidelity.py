"""Write the table of types as a page of the documentation: `python -m schemas.fidelity > docs/fidelity.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from schemas.engines import ENGINES, Engine
from schemas.types import LEGACY_TYPES, LegacyType, Spelling, SqlType, default_pg_type

_TITLES: dict[Engine, str] = {
    "mssql": "SQL Server",
    "mysql": "MySQL and MariaDB",
    "postgresql": "PostgreSQL",
    "sqlite": "SQLite",
}
_SPELLINGS: dict[Spelling, str] = {
    "one": "one text",
    "declared": "one, declared alike",
    "collated": "one, folded",
    "many": "several texts",
}
_HEAD = """\
# Types

Generated from `schemas/types.py` by `python -m schemas.fidelity > docs/fidelity.md`; a test holds it to it.

Every column is selected through a cast that makes text of it, and this text is what a raw file holds. *Exact* means
that the text gives the source's value back, digit by digit. *Uncast* is what ConnectorX would deliver instead. The
target type is the one that a draft takes, and an entry where it names none; *a meaning* is asked where a date and time
may be a day, a time or an instant, which only the catalog knows. A `decimal` of more than 38 digits, or of no declared
scale, becomes `text`. A type that is not listed stops the plan with its column's name.

A reference is found by text, so a draft writes none where *equal values have* several texts (0 and -0, one instant at
two offsets). Else they have one: always, or where both columns are declared alike (numbers of digits), or once the text
is folded as its collation compares.

What was run: MariaDB 10.11 (not MySQL), PostgreSQL 18, and SQLite 3.50, each type with its extremes, compared by the
server's own text; SQL Server's by a stand-in that speaks TDS, not by Microsoft's server.

Traps that the casts avoid, each seen:

- SQL Server: a decimal loses every digit past the tenth, `money` comes as a float, a `datetime` as its tick cut off, a
  `datetimeoffset` with its offset subtracted twice.
- MariaDB: a `float` shows six digits; text of a `timestamp` follows the connection's time zone and is the same for both
  hours of the night when clocks go back; `HEX()` of more than half of `max_allowed_packet` is NULL without a word, and
  such a value counts as too long.
- PostgreSQL: `char(n)::text` drops its blanks, `to_char` makes NULL of infinity, and a `money`'s text follows the
  locale.
- SQLite: a column's type is a suggestion, so each value is read by how it is stored; its own text of a number beyond
  1e80 or below 1e-80 is not exact, is marked with U+0000, and rejects its row.
"""


def page() -> str:
    """Give the page as Markdown."""
    return "\n".join([_HEAD, *(line for engine in ENGINES for line in _section(engine))])


def _section(engine: Engine) -> Iterator[str]:
    yield f"## {_TITLES[engine]}\n"
    yield "| type | uncast | cast | raw text is | exact | equal values have | target |"
    yield "|---|---|---|---|---|---|---|"
    together: dict[LegacyType, list[str]] = {}
    for name, known in LEGACY_TYPES[engine].items():
        together.setdefault(known, []).append(name)
    for known, names in together.items():
        shown = ", ".join(f"`{name}`" for name in names)
        exact = "yes" if known.lacks is None else f"lacks {known.lacks}"
        cast = f"`{known.cast.format(x='x', n='n')}`" if "{x}" in known.cast else known.cast
        spelling = _SPELLINGS[known.spelling]
        cells = (shown, known.uncast, cast.replace("|", r"\|"), known.family, exact, spelling, _target(known))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _target(known: LegacyType) -> str:
    if known.pg_type is None:
        return "a meaning; a draft takes `timestamp`"
    made = default_pg_type(SqlType("decimal", (18, 2)), known)
    return "`numeric(p,s)`" if known.pg_type == "numeric" else f"`{made}`"


if __name__ == "__main__":
    sys.stdout.write(page())
