"""What a source's catalog says of its tables and foreign keys, gathered from the rows that its queries yield."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from pipeline.core.sql.dialect import COUNT_COLUMNS, Dialect
from pipeline.core.sql.source import ForeignKey, SourceColumn, SourceTable

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


def by_constraint(
    rows: Iterable[dict[str, str]], tables: Sequence[SourceTable], same_name: Callable[[str], str]
) -> tuple[ForeignKey, ...]:
    """Gather the rows of `foreign_keys_query` into foreign keys, all names spelled as those of the tables.

    Args:
        rows: what the query yields.
        tables: those of the source.
        same_name: writes names alike that the engine takes for one.
    """
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in rows:
        place = (row[n] for n in ("name", "schema", "table", "parent_database", "parent_schema", "parent_table"))
        found.setdefault(tuple(place), []).append((row["column"], row["parent_column"]))
    places = {(t.schema, t.name): t for t in tables}

    def spelled(name: str, names: Collection[str]) -> str:
        near = [n for n in names if same_name(n) == same_name(name)]
        return near[0] if name not in names and len(near) == 1 else name

    def told(schema: str, table: str, columns: Iterable[str]) -> tuple[tuple[str, str], tuple[str, ...]]:
        place = schema, spelled(table, [name for s, name in places if s == schema])
        known = [c.name for c in places[place].columns] if place in places else []
        return place, tuple(spelled(c, known) for c in columns)

    keys = []
    for (name, schema, table, database, parent_schema, parent_table), pairs in found.items():
        child, columns = told(schema, table, (c for c, _ in pairs))
        parent, parent_columns = told(parent_schema, parent_table, (p for _, p in pairs if p))
        if not parent_columns and parent in places:
            parent_columns = places[parent].key
        keys.append(ForeignKey(name, child, columns, parent, parent_columns, database))
    return tuple(keys)


def orphans_query(dialect: Dialect, pairs: Sequence[tuple[SourceTable, str, SourceTable, str]]) -> str:
    """Count the values of columns, and of those the ones that another table's key does not hold: `COUNT_COLUMNS`.

    Args:
        dialect: the source's.
        pairs: table, column, other table, its key; the counts of the n-th are numbers 2 n and 2 n + 1.
    """
    selects = []
    for n, (child, column, parent, key) in enumerate(pairs):
        x, theirs = f"t.{dialect.quote(child.column(column).name)}", f"p.{dialect.quote(parent.column(key).name)}"
        absent = f" AND NOT EXISTS (SELECT 1 FROM {dialect.table(parent)} AS p WHERE {theirs} = {x})"
        selects += [
            f"SELECT {dialect.number_text(str(2 * n + m))} AS {dialect.quote('table')}, "
            f"{dialect.number_text('count(*)')} AS {dialect.quote('count')} "
            f"FROM {dialect.table(child)} AS t WHERE {x} IS NOT NULL{condition}"
            for m, condition in enumerate(("", absent))
        ]
    return dialect.finish(COUNT_COLUMNS, " UNION ALL ".join(selects))
