"""What a driver's words mean: a legacy database's failures, as errors that hold no secret and no value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipeline.errors import MigrationError, SourceDrift, SourceError, SourceUnreachable, scrub_secrets
from pipeline.settings import Source

_BAD_TEXT: Final = re.compile(r"at index: (\d+),.*invalid utf-8", re.DOTALL)
_NO_COLUMN: Final = re.compile(r"no such column: t\.(.*?) in the query", re.DOTALL)


def explained(source: Source, said: str, names: Sequence[str], where: str) -> MigrationError:
    """Translate what a driver said.

    Args:
        source: the source that was asked.
        said: the driver's words; they may hold secrets and values.
        names: the columns that were asked for.
        where: the source, and the table where there is one.
    """
    if bad_text := _BAD_TEXT.search(said):
        column = names[int(bad_text[1])]
        return SourceError(
            f"column {column} holds text that is not valid in the database's encoding",
            where=where,
            remedy="correct that text in the source, or store it as a blob",
        )
    if "no such table" in said:
        return SourceDrift("there is no such table", where=where)
    if missing := _NO_COLUMN.search(said):
        return SourceDrift(
            f"there is no column {missing[1]}",
            where=where,
            remedy="mark it optional in the catalog, if districts may lack it",
        )
    if "unable to open" in said or "disk I/O" in said or "timed out" in said.lower():
        return SourceUnreachable(scrub_secrets(said), where=where)
    return SourceError(scrub_secrets(said), where=where)
