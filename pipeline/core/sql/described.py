"""What a source's catalog says of its tables and foreign keys, gathered from the rows that its queries yield."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.core.sql.dialect import ForeignKey, SourceColumn, SourceTable

#: Why a table stands apart: what `apart_query` says -> in words.
APART: Final = {
    "virtual": "a virtual table that this SQLite cannot open: its module is not here, or fails",
    "shadow": "part of the store of a virtual table, whose rows are read through that one",
    "closed": "the server cannot open it",
    "bare": "it has no columns",
}


def by_table(rows: Iterable[dict[str, str]]) -> tuple[SourceTable, ...]:
    """Gather the rows of `tables_query` into tables."""
    found: dict[tuple[str, str, bool], list[SourceColumn]] = {}
    for row in rows:
        found.setdefault((row["schema"], row["table"], row["has_heirs"] == "1"), []).append(
            SourceColumn(
                name=row["column"],
                declared_type=row["type"].lower(),  # SQLite itself spells some in capitals: INT, TEXT
                nullable=row["not_null"] == "0",
                key_position=int(row["key_position"]) or None,
                case_sensitive=row["case_sensitive"] == "1",
                pads=row["pads"] == "1",
                collation=row["collation"],
            )
        )
    return tuple(
        SourceTable(schema, name, tuple(columns), has_heirs) for (schema, name, has_heirs), columns in found.items()
    )


def by_constraint(rows: Iterable[dict[str, str]]) -> tuple[ForeignKey, ...]:
    """Gather the rows of `foreign_keys_query` into foreign keys."""
    found: dict[tuple[str, str, str, str, str], list[tuple[str, str]]] = {}
    for row in rows:
        place = (row["name"], row["schema"], row["table"], row["parent_schema"], row["parent_table"])
        found.setdefault(place, []).append((row["column"], row["parent_column"]))
    return tuple(
        ForeignKey(name, (schema, table), tuple(c for c, _ in pairs), (parents, parent), tuple(p for _, p in pairs))
        for (name, schema, table, parents, parent), pairs in found.items()
    )
