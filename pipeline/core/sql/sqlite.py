"""The SQLite dialect: the queries that ask a SQLite file, as text.

Owns the raw form of its values, which hangs on how each value is stored and not on the declared type: text, whatever
the column. Invariant: a query made here yields text columns only, and a first row of empty strings, because ConnectorX
types an expression's column by the first value it meets (a NULL there is an error); the reader checks that row and
drops it. Column names are always qualified: SQLite reads a quoted name that it does not know as a string literal, so
a missing column would arrive as its own name in every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from pipeline.core import frame
from pipeline.core.fields import BYTES, NOTHING
from pipeline.core.sql.dialect import (
    APART_COLUMNS,
    BROKEN,
    FOREIGN_KEY_COLUMNS,
    TABLES_COLUMNS,
    Dialect,
    check_integer,
    check_key,
)
from pipeline.core.sql.source import Key, KeyRange, KeyValue, SourceColumn, SourceTable
from schemas.engines import Engine
from schemas.types import parse_type

#: What `storage_query` yields.
STORAGE_COLUMNS: Final = ("column", "storage")

# SQLite drops the ORDER BY of a subquery unless it has a LIMIT; -1 is none.
_IN_ORDER: Final = "LIMIT -1"


#: Parts of one concatenation, which is as deep as it is long; SQLite takes a depth of a thousand.
_CONCATENATED: Final = 100


def _keeps_apart(declared: str) -> bool:
    """Say whether a column of this type holds 5 beside '5', as values of a column of no type, or BLOB or ANY, stay."""
    return not declared or "blob" in declared or declared == "any"


class Sqlite(Dialect):
    """SQLite, read from a file."""

    engine: ClassVar[Engine] = "sqlite"
    has_virtual_tables: ClassVar[bool] = True
    has_sentinel = True
    text_type = "TEXT"

    def quote(self, name: str) -> str:
        """Quote an identifier; an empty one is allowed here."""
        if "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a table or column")
        return '"' + name.replace('"', '""') + '"'

    def text_literal(self, value: str) -> str:
        """Write text as a literal."""
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        # SQL text ends at NUL. A cast from x'..' would read the bytes in the database's own encoding.
        quoted = value.replace("'", "''").replace("\0", "'||char(0)||'")
        return f"('{quoted}')" if "\0" in value else f"'{quoted}'"

    def literal(self, value: KeyValue, column: SourceColumn) -> str:
        """Write a key's value as a literal: 64-bit integers as digits, text quoted."""
        match value:
            case bool():
                raise ValueError("a key holds integers or text, not truth values")
            case int():
                return str(check_integer(value))
            case str():
                return self.text_literal(value)

    def same_name(self, name: str) -> str:
        """Write names alike that differ in the case of ASCII letters."""
        return name.encode().lower().decode()

    def table(self, table: SourceTable) -> str:
        """Name a table in a query; there are no schemas."""
        return self.quote(table.name)

    def raw(self, x: str, column: SourceColumn) -> str:
        """Render a value as text that gives it back, whatever its storage class; a blob as lower hex."""
        # A real takes the shortest of 15, 16 and 17 digits that SQLite reads back as itself, else the last.
        # Measured over 600,000 values: exact to the bit from 1e-80 to 1e80. Beyond, its own conversions are off by a
        # bit in one of five values, both ways: a mark says so, and no converter takes it for the number.
        *_, exact = texts = (f"CAST({x} AS TEXT)", f"printf('%!.16g', {x})", f"printf('%!.17g', {x})")
        shortest = " ".join(f"WHEN CAST({text} AS REAL) THEN {text}" for text in texts)
        is_exact = f"abs({x}) BETWEEN 1e-80 AND 1e80 OR {x} = 0 OR {x} - {x} IS NULL"  # or infinite
        return (
            f"CASE typeof({x}) WHEN 'text' THEN {x} WHEN 'integer' THEN CAST({x} AS TEXT) "
            # U+0000, which neither a number nor text may hold: no text that is stored can be taken for it.
            f"WHEN 'real' THEN CASE WHEN {is_exact} THEN CASE {x} {shortest} ELSE {exact} END "
            f"ELSE {exact} || char(0) END "
            f"WHEN 'blob' THEN lower(hex({x})) END"
        )

    def ordered(self, x: str, column: SourceColumn) -> str:
        """Sort by bytes, for a collation may be one that an application brings; of a whole number there is none."""
        return x if "int" in column.declared_type else f"{x} COLLATE BINARY"

    def size(self, x: str) -> str:
        """Give the bytes that a value has."""
        return f"length(CAST({x} AS BLOB))"

    def is_long(self, column: SourceColumn) -> bool:
        """Say whether values may be long: any may be."""
        return True

    def misfit(
        self, x: str, column: SourceColumn, name: str, family: str, *, in_key: bool
    ) -> Sequence[tuple[str, str]]:
        """Tell bytes from text and numbers, and in a key whole numbers and text from all others.

        Their raw forms may be equal: of the text `68656c6c6f` and five bytes, of the key 7 and the key '007'.
        """
        if family == "binary":
            allowed: tuple[str, ...] = ("blob",)
        elif in_key and family == "integer":
            allowed = ("integer",)
        elif in_key and family == "text" and _keeps_apart(column.declared_type):
            allowed = ("text",)
        else:
            allowed = ("integer", "real", "text")
        kinds = ", ".join(f"'{kind}'" for kind in ("null", *allowed))
        said = self.text_literal(f": {name}")
        return ((f"typeof({x}) NOT IN ({kinds})", f"'stored as ' || typeof({x}) || {said}"),)

    def told(self, cases: Sequence[tuple[str, str]]) -> str:
        """Give the texts of all conditions that hold, NULL where none does."""
        parts = [f"CASE WHEN {condition} THEN '; ' || {text} ELSE '' END" for condition, text in cases]
        groups = (" || ".join(parts[at : at + _CONCATENATED]) for at in range(0, len(parts), _CONCATENATED))
        return f"nullif(substr({' || '.join(f'({group})' for group in groups)}, 3), '')"

    def field_text(self, x: str, column: SourceColumn) -> str:
        """Write a field's value as it stands among others, bytes where it is declared as none of them as such."""
        digits = f"lower(hex({x}))"
        if not ("blob" in column.declared_type or "binary" in column.declared_type):
            digits = f"{self.text_literal(BYTES)} || {digits}"
        return (
            f"CASE typeof({x}) WHEN 'null' THEN {self.text_literal(NOTHING)} WHEN 'blob' THEN {digits} "
            f"WHEN 'text' THEN {self.escaped(x)} ELSE {self.raw(x, column)} END"
        )

    def joined(self, texts: Sequence[str]) -> str:
        """Put texts behind one another, of which none is NULL."""
        return f"({' || '.join(texts)})"

    def united(self, x: str, column: SourceColumn) -> str:
        """Give a column of one of several tables as it stands: any can hold values of any type."""
        return x

    def nothing(self, column: SourceColumn) -> str:
        """Write NULL."""
        return "NULL"

    def text_bytes(self, x: str) -> str:
        """Give the bytes of a text as hexadecimal digits: SQLite holds any bytes for text."""
        return f"CASE WHEN ({x}) IS NOT NULL THEN lower(hex(CAST(({x}) AS BLOB))) END"

    def text(self, x: str, column: SourceColumn) -> str:
        """Give a value as it is: functions of text take any."""
        return x

    def characters(self, text: str) -> str:
        """Give the characters of a text, up to the first U+0000."""
        return f"length({text})"

    def is_broken(self, text: str) -> str:
        """Say whether a text holds what a wrong code page makes of letters; bytes that are no UTF-8 read as U+FFFD."""
        patterns = ("".join(f"[{one}]" for one in classes) for classes in BROKEN)
        return " OR ".join(f"{text} GLOB '*{pattern}*'" for pattern in patterns)

    def has_nul(self, text: str) -> str:
        """Say whether a text holds U+0000."""
        return f"instr({text}, char(0)) > 0"

    def is_odd(self, x: str, column: SourceColumn, family: str) -> str | None:
        """Say whether a value has another storage class than its family's, more digits than declared, or is no date."""
        if family == "decimal" and len(args := parse_type(column.declared_type).args) > 1:
            return f"(typeof({x}) IN ('text', 'blob') OR round({x}, {args[1]}) <> {x})"
        if family in ("integer", "boolean", "decimal", "float"):
            return f"typeof({x}) IN ('text', 'blob')"
        if family in ("day", "moment", "utc"):
            digits = "[0-9][0-9]"
            return f"({x} IS NOT NULL AND {x} NOT GLOB '{digits}{digits}-{digits}-{digits}*')"
        return f"typeof({x}) NOT IN ('null', 'blob')" if family == "binary" else f"typeof({x}) = 'blob'"

    def range_query(self, table: SourceTable, *, key: Sequence[str], batch_rows: int) -> str:
        """Select the first key of every batch of `batch_rows` rows, in the order of the key.

        The result has two columns for each key column: its raw form, under its own name, and its storage class
        (integer, real, text, blob or null).
        """
        check_key(key, least=1)
        if batch_rows < 1:
            raise ValueError("a batch has at least one row")
        names = [name for column in key for name in (frame.column(column), frame.storage(column))]
        found = [table.column(name) for name in key]
        columns = ", ".join(f"{self._column(column)} AS k{i}" for i, column in enumerate(found))
        order = self._list(key, table)
        numbered = f"SELECT {columns}, row_number() OVER (ORDER BY {order}) - 1 AS n FROM {self.rows(table)} AS t"
        cells = ", ".join(f"{self.raw(f'r.k{i}', c)}, typeof(r.k{i})" for i, c in enumerate(found))
        return self.finish(names, f"SELECT {cells} FROM ({numbered}) AS r WHERE r.n % {batch_rows} = 0 ORDER BY r.n")

    def tables_query(self) -> str:
        """Describe every column of every table; views, virtual tables and SQLite's own tables are none."""
        # A virtual table, like a view, has no page of its own. One whose module is absent would fail the query.
        return self._tables_query(
            "(SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 "
            r"AND name NOT LIKE 'sqlite\_%' ESCAPE '\')"
        )

    def virtual_query(self, name: str) -> str:
        """Describe every column of a virtual table, as `tables_query` does."""
        return self._tables_query(f"(SELECT {self.text_literal(name)} AS name)")

    def apart_query(self) -> str:
        """List virtual tables, and the tables in which they keep what they hold."""
        return self.finish(
            APART_COLUMNS,
            "SELECT 'dbo', name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('shadow', 'virtual')",
        )

    def _tables_query(self, tables: str) -> str:
        return self.finish(
            TABLES_COLUMNS,
            "SELECT 'dbo', s.name, c.name, c.type, CAST(c.\"notnull\" AS TEXT), CAST(c.pk AS TEXT), "
            # A key's index tells how its columns collate; of others nobody asks.
            "CASE WHEN EXISTS (SELECT 1 FROM pragma_index_list(s.name) AS l JOIN pragma_index_xinfo(l.name) AS x "
            "WHERE x.cid = c.cid AND x.coll = 'NOCASE' COLLATE NOCASE) THEN '0' ELSE '1' END, "
            "CASE WHEN EXISTS (SELECT 1 FROM pragma_index_list(s.name) AS l JOIN pragma_index_xinfo(l.name) AS x "
            "WHERE x.cid = c.cid AND x.coll = 'RTRIM' COLLATE NOCASE) THEN '1' ELSE '0' END, '', '0' "
            # table_xinfo, unlike table_info, lists generated columns; 1 is a virtual table's hidden column.
            f"FROM {tables} AS s JOIN pragma_table_xinfo(s.name) AS c ON c.hidden <> 1 ORDER BY s.name, c.cid",
        )

    def encoding_query(self) -> str:
        """Name the encoding of all texts: `encoding`."""
        return self.finish(("encoding",), "SELECT encoding FROM pragma_encoding")

    def foreign_keys_query(self) -> str:
        """List the columns of every foreign key; one that names no columns of its parent means the parent's key."""
        return self.finish(
            FOREIGN_KEY_COLUMNS,
            "SELECT 'fk' || CAST(f.id AS TEXT), 'dbo', s.name, f.\"from\", '', 'dbo', f.\"table\", "
            "coalesce(f.\"to\", '') "
            "FROM sqlite_schema AS s JOIN pragma_foreign_key_list(s.name) AS f "
            "WHERE s.type = 'table' ORDER BY s.name, f.id, f.seq",
        )

    def storage_query(self, table: SourceTable) -> str:
        """Select how the values of each column are stored: the column's number and a storage class, each pair once."""
        selects = (
            f"SELECT DISTINCT '{i}', typeof({self._column(c)}) FROM {self.rows(table)} AS t"
            for i, c in enumerate(table.columns)
        )
        return self.finish(STORAGE_COLUMNS, " UNION ALL ".join(selects))

    def fingerprint_query(self, tables: Sequence[SourceTable]) -> str:
        """A file is identified by its bytes, not by a query."""
        raise NotImplementedError

    def finish(self, names: Sequence[str], query: str) -> str:
        """Put the sentinel row first."""
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a query yields at least one column, each once, not {list(names)}")
        sentinel = ", ".join(f"'' AS {self.quote(name)}" for name in names)
        return f"SELECT {sentinel} UNION ALL SELECT * FROM ({query} {_IN_ORDER})"

    def within(self, within: KeyRange, key: Sequence[str], table: SourceTable) -> str:
        """Compare rows of values: SQLite answers that by its indexes."""
        columns = [table.column(name) for name in key]

        def bound(values: Key) -> str:
            if len(values) != len(columns):
                raise ValueError(f"a bound of a key of {len(columns)} columns has as many values, not {len(values)}")
            return ", ".join(self.literal(v, c) for v, c in zip(values, columns, strict=True))

        return " AND ".join(
            f"({self._list(key, table)}) {operator} ({bound(values)})"
            for operator, values in ((">=", within.lower), ("<", within.upper))
            if values is not None
        )


SQLITE: Final = Sqlite()
