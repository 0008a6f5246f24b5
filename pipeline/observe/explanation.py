"""Renders what becomes of a column: plain lines, for a terminal and for `grep`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.core.explained import Explained
from schemas.catalog import entry_line
from schemas.hazards import in_words


def explanation(found: Sequence[Explained], directory: Path | None) -> Iterator[str]:
    """Give the lines.

    Args:
        found: what is explained.
        directory: the catalog's; None is the packaged one.
    """
    for number, one in enumerate(found):
        if number:
            yield ""
        yield f"{one.target} {one.type}" if one.target else f"{one.entity.id}.{one.sources[0]} fills no column"
        for source in one.sources:
            column = one.entity.columns[source]
            said = f"{one.entity.path}, {column.column or source} {column.type}"
            if column.excluded is not None:
                said += f", excluded: {column.excluded}"
            yield f"  entry     {one.entity.id}.{source} ({said})  [{entry_line(one.entity, source, directory)}]"
        if not one.sources:
            yield f"  entry     {one.entity.id} ({one.entity.path})"
        for form in one.forms:
            yield f"  {form.what}  [{form.made_in}]"
            yield f"            {form.text}"
        for verdict in one.verdicts:
            yield f"  {verdict.kind.value:<9} {verdict.test.value}: {in_words(verdict.label)}"
