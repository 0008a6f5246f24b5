"""The SQLite dialect: the queries that ask a legacy database, as text.

Owns every query a SQLite source is ever sent, and the raw form of its values: text, whatever the declared or
stored type. Runs nothing. Invariant: a query made here yields text columns only, and a first row of empty
strings, because ConnectorX types an expression's column by the first value it meets (a NULL there is an
error); the reader checks that row and drops it. Column names are always qualified: SQLite reads a quoted name
that it does not know as a string literal, so a missing column would arrive as its own name in every row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

#: A key column's value, as the source stores it; a bound of a range is one for each key column.
KeyValue = int | str
Key = tuple[KeyValue, ...]

#: Names of the columns that `count_query`, `tables_query`, `columns_query` and `range_query` yield.
COUNT_COLUMNS: Final = ("count",)
TABLES_COLUMNS: Final = ("name",)
COLUMNS_COLUMNS: Final = ("name", "declared_type", "not_null", "key_position")
RANGE_TYPE_SUFFIX: Final = " type"

_MAX_KEY_COLUMNS: Final = 8
_INT64: Final = range(-(2**63), 2**63)
# SQLite drops the ORDER BY of a subquery unless it has a LIMIT; -1 is none.
_IN_ORDER: Final = "LIMIT -1"


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The keys in [lower, upper), in the source's own order; None is no bound."""

    lower: Key | None = None
    upper: Key | None = None


#: The range that holds every key.
EVERY_KEY: Final = KeyRange()


def quote(name: str) -> str:
    """Quote an identifier."""
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be the name of a table or column")
    return '"' + name.replace('"', '""') + '"'


def literal(value: KeyValue) -> str:
    """Write a key's value as a literal: 64-bit integers as digits, text quoted."""
    match value:
        case bool():
            raise ValueError("a key holds integers or text, not truth values")
        case int():
            if value not in _INT64:
                raise ValueError("a key's integer has at most 64 bits")
            return str(value)
        case str():
            return _text(value)


def extract_query(
    table: str,
    *,
    columns: Sequence[str],
    key: Sequence[str],
    within: KeyRange = EVERY_KEY,
    missing: Collection[str] = (),
) -> str:
    """Select columns of the rows whose key lies within a range, in the order of the key.

    Args:
        table: the table's name.
        columns: names to select; the result has them in this order and spelling.
        key: the key's columns, one to eight.
        within: the range; a row of which a key column is NULL is in none that has a bound.
        missing: those of `columns` that this table does not have; they are NULL.

    """
    _check_key(key)
    cells = ", ".join("CAST(NULL AS TEXT)" if name in missing else _raw(_column(name)) for name in columns)
    bounds = [
        f"({_list(key)}) {operator} ({_bound(bound, key)})"
        for operator, bound in ((">=", within.lower), ("<", within.upper))
        if bound is not None
    ]
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return _with_sentinel(columns, f"SELECT {cells} FROM {quote(table)} AS t{where} ORDER BY {_list(key)} {_IN_ORDER}")


def range_query(table: str, *, key: Sequence[str], batch_rows: int) -> str:
    """Select the first key of every batch of `batch_rows` rows, in the order of the key.

    The result has two columns for each key column: its raw form, under its own name, and its storage class
    (integer, real, text, blob or null), under the name with `RANGE_TYPE_SUFFIX`.
    """
    _check_key(key)
    if batch_rows < 1:
        raise ValueError("a batch has at least one row")
    names = [name for column in key for name in (column, column + RANGE_TYPE_SUFFIX)]
    columns = ", ".join(f"{_column(column)} AS k{i}" for i, column in enumerate(key))
    numbered = f"SELECT {columns}, row_number() OVER (ORDER BY {_list(key)}) - 1 AS n FROM {quote(table)} AS t"
    cells = ", ".join(f"{_raw(f'r.k{i}')}, typeof(r.k{i})" for i in range(len(key)))
    return _with_sentinel(
        names, f"SELECT {cells} FROM ({numbered}) AS r WHERE r.n % {batch_rows} = 0 ORDER BY r.n {_IN_ORDER}"
    )


def keyless_query(table: str, *, key: Sequence[str]) -> str:
    """Count the rows of which a key column is NULL; no range holds them."""
    _check_key(key)
    absent = " OR ".join(f"{_column(column)} IS NULL" for column in key)
    return _with_sentinel(COUNT_COLUMNS, f"SELECT CAST(count(*) AS TEXT) FROM {quote(table)} AS t WHERE {absent}")


def count_query(table: str) -> str:
    """Count a table's rows."""
    return _with_sentinel(COUNT_COLUMNS, f"SELECT CAST(count(*) AS TEXT) FROM {quote(table)}")


def tables_query() -> str:
    """Select the names of all tables, in order; views and SQLite's own tables are none."""
    return _with_sentinel(
        TABLES_COLUMNS,
        r"SELECT s.name FROM sqlite_schema AS s WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite\_%' "
        rf"ESCAPE '\' ORDER BY s.name {_IN_ORDER}",
    )


def columns_query(table: str) -> str:
    """Select a table's columns, in order: name, declared type, 1 where NOT NULL, place in the key or 0."""
    return _with_sentinel(
        COLUMNS_COLUMNS,
        'SELECT c.name, c.type, CAST(c."notnull" AS TEXT), CAST(c.pk AS TEXT) '
        # table_xinfo, unlike table_info, lists generated columns; 1 is a virtual table's hidden column.
        f"FROM pragma_table_xinfo({_text(table)}) AS c WHERE c.hidden <> 1 ORDER BY c.cid {_IN_ORDER}",
    )


def _with_sentinel(names: Sequence[str], query: str) -> str:
    if not names or len(set(names)) != len(names):
        raise ValueError(f"a query yields at least one column, each once, not {list(names)}")
    sentinel = ", ".join(f"'' AS {quote(name)}" for name in names)
    return f"SELECT {sentinel} UNION ALL SELECT * FROM ({query})"


def _raw(x: str) -> str:
    """Render a value as text that gives it back, whatever its storage class; a blob as lower hex."""
    # A real takes the shortest of 15, 16 and 17 digits that SQLite reads back as itself, else the last.
    # Measured over 600,000 values: exact to the bit from 1e-80 to 1e80. Beyond, SQLite's own conversions lose
    # the 16th digit; no target type reaches there.
    *_, exact = texts = (f"CAST({x} AS TEXT)", f"printf('%!.16g', {x})", f"printf('%!.17g', {x})")
    shortest = " ".join(f"WHEN CAST({text} AS REAL) THEN {text}" for text in texts)
    return (
        f"CASE typeof({x}) WHEN 'text' THEN {x} WHEN 'integer' THEN CAST({x} AS TEXT) "
        f"WHEN 'real' THEN CASE {x} {shortest} ELSE {exact} END "
        f"WHEN 'blob' THEN lower(hex({x})) END"
    )


def _text(value: str) -> str:
    value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    # SQL text ends at NUL. A cast from x'..' would read the bytes in the database's own encoding.
    quoted = value.replace("'", "''").replace("\0", "'||char(0)||'")
    return f"('{quoted}')" if "\0" in value else f"'{quoted}'"


def _column(name: str) -> str:
    return f"t.{quote(name)}"


def _list(key: Sequence[str]) -> str:
    return ", ".join(map(_column, key))


def _bound(bound: Key, key: Sequence[str]) -> str:
    if len(bound) != len(key):
        raise ValueError(f"a bound of a key of {len(key)} columns has as many values, not {len(bound)}")
    return ", ".join(map(literal, bound))


def _check_key(key: Sequence[str]) -> None:
    if not 1 <= len(key) <= _MAX_KEY_COLUMNS or len(set(key)) != len(key):
        raise ValueError(f"a key has one to {_MAX_KEY_COLUMNS} columns, each once, not {list(key)}")
