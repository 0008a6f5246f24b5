"""The work's own columns as DuckDB SQL names them, quoted; and those of sources, entries and targets beside them."""

from __future__ import annotations

from pipeline.core import frame
from pipeline.core.sql.ddl import quote


def column(name: str) -> str:
    """Quote the column that holds what a source, an entry or a target calls by this name."""
    return quote(frame.column(name))


UNFIT, TENANT, KEY, ORDINAL = map(quote, (frame.UNFIT, frame.TENANT, frame.KEY, frame.ORDINAL))
CONTESTED = quote(frame.CONTESTED)
SOURCE, SOURCE_TENANT = quote(frame.SOURCE), quote(frame.SOURCE_TENANT)
HOST_ZONE, TENANT_ZONE = quote(frame.HOST_ZONE), quote(frame.TENANT_ZONE)
FILE, BATCH, BATCH_ID = map(quote, (frame.FILE, frame.BATCH, frame.BATCH_ID))
MATCH, FOUND, AMBIGUOUS = map(quote, (frame.MATCH, frame.FOUND, frame.AMBIGUOUS))
ENTITY, ID = map(quote, (frame.ENTITY, frame.ID))
SHARED, NAMESAKE, REJECTED = map(quote, (frame.SHARED, frame.NAMESAKE, frame.REJECTED))
SOURCE_HASH, TARGET_HASH = quote(frame.SOURCE_HASH), quote(frame.TARGET_HASH)
