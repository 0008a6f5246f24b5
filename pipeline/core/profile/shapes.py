"""The shape of a database: its tables, columns and types, as one short text that alike databases have alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from pipeline.core.sql.source import SourceTable


def shape(tables: Iterable[SourceTable]) -> str:
    """Sum up tables, columns, types and which may be NULL; the order of columns and the case of names are no matter."""
    said = sorted(
        [t.schema, t.name.lower(), sorted([c.name.lower(), c.declared_type, c.nullable] for c in t.columns)]
        for t in tables
    )
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
