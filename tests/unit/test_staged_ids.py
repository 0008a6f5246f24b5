"""Ids become 16 bytes where they are staged."""

from __future__ import annotations

from uuid import UUID

import polars as pl
import pytest

from pipeline.errors import StagingError
from pipeline.stores.arrow import to_arrow

ID = "fe9d2925-0487-57be-b5c3-732f28732454"
HASH = "62b95bd8556dfedbb1181d3eac672f37"


def staged(*texts: str | None) -> list[UUID | None]:
    found: list[UUID | None] = to_arrow(pl.DataFrame({"id": pl.Series(texts, dtype=pl.String)}), {"id": "uuid"})[
        "id"
    ].to_pylist()
    return found


@pytest.mark.parametrize("texts", [(), (None,), (ID,), (ID, None, HASH), (None, None, HASH, ID, None)])
def test_ids_and_hashes_become_bytes(texts: tuple[str | None, ...]) -> None:
    assert staged(*texts) == [UUID(text) if text else None for text in texts]


@pytest.mark.parametrize("text", [ID[:-1], HASH + "0", ""])
def test_what_has_not_32_digits_is_refused(text: str) -> None:
    with pytest.raises(StagingError, match="32 digits"):
        staged(ID, text)
