"""What every source dialect can say, as text: the queries that ask a legacy database.

Owns the forms that are common to all engines: reading a key range, cutting ranges, counting, describing. A dialect
adds what differs: quoting, literals, the catalog's tables, the fingerprint. Runs nothing. Invariant: every query made
here yields text columns only, each through the exact cast of the table of types, so that no driver's own idea of a
type ever touches a value.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final

from pipeline.core import frame
from pipeline.core.fields import ESCAPES, NOTHING
from pipeline.core.sql import united
from pipeline.core.sql.source import EVERY_KEY, KeyRange, KeyValue, SourceColumn, SourceTable
from schemas.engines import Engine
from schemas.types import LegacyType, SqlType, UnknownType, legacy_type

#: Names of what the queries yield that describe, count and sum up.
_COLUMN: Final = ("schema", "table", "column")
_TEXT: Final = ("case_sensitive", "pads", "collation")
TABLES_COLUMNS: Final = (*_COLUMN, "type", "not_null", "key_position", *_TEXT, "has_heirs")
FOREIGN_KEY_COLUMNS: Final = ("name", *_COLUMN, "parent_database", "parent_schema", "parent_table", "parent_column")
APART_COLUMNS: Final = ("schema", "table", "why")
COUNT_COLUMNS: Final = ("table", "count")
ESTIMATE_COLUMNS: Final = ("schema", "table", "rows")
FINGERPRINT_COLUMNS: Final = ("table", "rows", "checksum")

#: Classes of characters of which a broken text holds one: controls that single-byte code pages print as letters,
#: and the sign for what could not be read; and pairs of them, as UTF-8 looks when it is read byte by byte.
BROKEN: Final = (("\x80-\x9f\ufffd",), ("ÃÂâ", "\x80-\ufffd"))

MAX_KEY_COLUMNS: Final = 8
_INT64: Final = range(-(2**63), 2**63)
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_HEX: Final = re.compile(r"([0-9a-f]{2})*")


class Dialect(ABC):
    """How one engine is asked."""

    engine: ClassVar[Engine]
    #: Is the first row of every result one of empty strings, to be dropped?
    has_sentinel: ClassVar[bool] = False
    #: Are some tables no base tables, though they hold rows?
    has_virtual_tables: ClassVar[bool] = False
    #: Types of which values are not told apart, nor sorted, beside those whose values have many spellings.
    uncompared: ClassVar[frozenset[str]] = frozenset()
    #: The type of text in a CAST.
    text_type: ClassVar[str]
    #: The remainder of a division.
    modulo: ClassVar[str] = "{a} % {b}"

    # -- what differs ---------------------------------------------------------------------------------

    @abstractmethod
    def quote(self, name: str) -> str:
        """Quote an identifier."""

    @abstractmethod
    def text_literal(self, value: str) -> str:
        """Write text as a literal."""

    @abstractmethod
    def tables_query(self) -> str:
        """Describe every column of every base table of the database, in order: `TABLES_COLUMNS`."""

    @abstractmethod
    def foreign_keys_query(self) -> str:
        """List every foreign key's columns, in order of constraint and position: `FOREIGN_KEY_COLUMNS`."""

    def apart_query(self) -> str | None:
        """List tables that are none to be moved, or that nothing can be told of: `APART_COLUMNS`."""
        return None

    @abstractmethod
    def size(self, x: str) -> str:
        """Give the bytes that a text or binary value has in the source."""

    @abstractmethod
    def fingerprint_query(self, tables: Sequence[SourceTable]) -> str:
        """Sum up the rows of tables: `FINGERPRINT_COLUMNS`, the table as its number in the list."""

    def too_long(self, x: str, raw: str, limit: int) -> str:
        """Say whether a value is longer than may be fetched; its raw form is for engines that cut it."""
        return f"{self.size(x)} > {limit}"

    def misfit(
        self, x: str, column: SourceColumn, name: str, family: str, *, in_key: bool
    ) -> Sequence[tuple[str, str]]:
        """Say when a value is none of those that its column is to hold, and what to call it: conditions and texts.

        Of an engine whose columns hold what they declare there is none.
        """
        return ()

    def told(self, cases: Sequence[tuple[str, str]]) -> str:
        """Give the text of a condition that holds, NULL where none does."""
        return f"CASE {' '.join(f'WHEN {condition} THEN {text}' for condition, text in cases)} END"

    def text_bytes(self, x: str) -> str:
        """Give the bytes of a text as hexadecimal digits, where the engine hands out text that may be none.

        Raises:
            NotImplementedError: it checks text itself.
        """
        raise NotImplementedError

    def finish(self, names: Sequence[str], query: str) -> str:
        """Give a query the last form in which the reader takes it."""
        return query

    def limited(self, query: str, seconds: int) -> str:
        """Limit the time that a query may take, where the query itself can say so."""
        return query

    def same_name(self, name: str) -> str:
        """Write names alike that the engine takes for one, though it may spell them in several ways."""
        return name

    # -- what a value is like -------------------------------------------------------------------------

    def text(self, x: str, column: SourceColumn) -> str:
        """Give a value as text that can be looked at, though not always exactly."""
        return self.raw(x, column)

    def characters(self, text: str) -> str:
        """Give the characters of a text, blanks at its end included."""
        return f"CHAR_LENGTH({text})"

    def trimmed(self, text: str) -> str:
        """Take the blanks at both ends off a text."""
        return f"TRIM({text})"

    def part(self, text: str, first: int, characters: int) -> str:
        """Give a part of a text, of which the first character is number 1."""
        return f"substr({text}, {first}, {characters})"

    def grouped(self, text: str) -> str:
        """Give what texts are grouped by: themselves, or what stands for them where they are too long to be sorted."""
        return text

    @abstractmethod
    def is_broken(self, text: str) -> str:
        """Say whether a text holds what another code page, or a wrong one, makes of its letters: see `BROKEN`."""

    def has_nul(self, text: str) -> str | None:
        """Say whether a text holds U+0000; None where the engine's holds none."""
        return None

    def is_odd(self, x: str, column: SourceColumn, family: str) -> str | None:
        """Say whether a value is stored as none of its column's family can be; None where that cannot be."""
        return None

    def summed(self, number: str) -> str:
        """Add numbers up, however many there are."""
        return f"SUM({number})"

    # -- values ---------------------------------------------------------------------------------------

    def legacy_type(self, column: SourceColumn) -> LegacyType:
        """Look a column's declared type up.

        Raises:
            UnknownType: it is not in the table of types.
        """
        return legacy_type(column.declared_type, self.engine)[1]

    def knows(self, column: SourceColumn) -> bool:
        """Say whether the column's type is in the table of types."""
        try:
            self.legacy_type(column)
        except UnknownType:
            return False
        return True

    def raw(self, x: str, column: SourceColumn) -> str:
        """Render a value as the exact text that the table of types says.

        Raises:
            UnknownType: the column's type is not in the table of types.
        """
        sql_type, known = legacy_type(column.declared_type, self.engine)
        return known.cast.format(x=x, n=sql_type.args[0] if sql_type.args else "")

    def is_long(self, column: SourceColumn) -> bool:
        """Say whether a value of the column may be of any length; one of a declared length is as long as that."""
        sql_type, known = legacy_type(column.declared_type, self.engine)
        return known.is_long and not sql_type.args

    def literal(self, value: KeyValue, column: SourceColumn) -> str:
        """Write a key's value as a literal that the source compares with the column as the column compares.

        Raises:
            ValueError: the value is none of the column's type.
        """
        family = self.legacy_type(column).family
        text = str(value)
        if family in ("integer", "decimal", "boolean"):
            if not _NUMBER.fullmatch(text):
                raise ValueError(f"{column.name}: a bound of a number is a number")
            return text
        if family == "binary":
            if not _HEX.fullmatch(text):
                raise ValueError(f"{column.name}: a bound of a binary value is hexadecimal")
            return self.binary_literal(text)
        return self.typed_literal(text, column)

    def stand_ins(self, sql_type: SqlType, known: LegacyType) -> list[str]:
        """List what a column of a type holds where it holds no value of it, as raw text; none but those it says."""
        return []

    def binary_literal(self, digits: str) -> str:
        """Write bytes as a literal."""
        return f"X'{digits}'"

    def typed_literal(self, text: str, column: SourceColumn) -> str:
        """Write raw text as a literal of a column's own type."""
        return self.text_literal(text)

    def ordered(self, x: str, column: SourceColumn) -> str:
        """Give what a key's column is sorted by: what a comparison with a literal compares."""
        return x

    # -- queries --------------------------------------------------------------------------------------

    def table(self, table: SourceTable) -> str:
        """Name a table in a query."""
        return f"{self.quote(table.schema)}.{self.quote(table.name)}"

    def rows(self, table: SourceTable, within: KeyRange = EVERY_KEY) -> str:
        """Give what stands behind FROM: a table, or several behind one another, as far as they are within a range."""
        return united.rows(self, table, within) if table.branches else self.table(table)

    def field_text(self, x: str, column: SourceColumn) -> str:
        """Write a field's value as it stands among others."""
        text = self.raw(x, column)
        return f"COALESCE({self.escaped(text)}, {self.text_literal(NOTHING)})"

    def escaped(self, text: str) -> str:
        """Write for the signs of a text that stand between fields what stands for them."""
        for sign, instead in ESCAPES.items():
            text = f"REPLACE({text}, {self.text_literal(sign)}, {self.text_literal(instead)})"
        return text

    def joined(self, texts: Sequence[str]) -> str:
        """Put texts behind one another, of which none is NULL."""
        return f"CONCAT({', '.join(texts)})"

    def united(self, x: str, column: SourceColumn) -> str:
        """Give a column of one of several tables so that it can stand with those of the others."""
        return self.raw(x, column) if self.legacy_type(column).family == "text" else x

    def nothing(self, column: SourceColumn) -> str:
        """Write NULL as a value of a column's type."""
        return f"CAST(NULL AS {column.declared_type})"

    def extract_query(
        self,
        table: SourceTable,
        *,
        columns: Sequence[str],
        key: Sequence[str],
        within: KeyRange = EVERY_KEY,
        limited: Collection[str] = (),
        max_value_bytes: int | None = None,
        families: Mapping[str, str] | None = None,
        in_bytes: bool = False,
    ) -> str:
        """Select columns of the rows whose key lies within a range, in the order of the key, each as raw text.

        Args:
            table: the table as the source describes it.
            columns: names to select, in this order; one that the table does not have is NULL.
            key: the key's columns, up to eight; none reads the table as it comes.
            within: the range; a row of which a key column is NULL is in none that has a bound.
            limited: those of `columns` whose values may be too long.
            max_value_bytes: a longer value is not fetched; that it is not stands in a last column, `UNFIT`.
            families: what columns hold by their entry; of a value that is stored as something else, `UNFIT` says so.
            in_bytes: give the bytes of every text as hexadecimal digits.
        """
        check_key(key)
        cells: list[str] = []
        #: What `UNFIT` says: a condition and a text.
        unfit: list[tuple[str, str]] = []
        for name in columns:
            column = table.find(name)
            if column is None:
                cells.append(f"CAST(NULL AS {self.text_type})")
                continue
            x = self._column(column)
            raw = self.raw(x, column)
            if max_value_bytes is not None and name in limited and self.is_long(column):
                too_long = self.too_long(x, raw, max_value_bytes)
                unfit.append((too_long, self.text_literal(f"over max_value_bytes: {name}")))
                raw = f"CASE WHEN {too_long} THEN NULL ELSE {raw} END"
            if families is not None and name in families:
                unfit += self.misfit(x, column, name, families[name], in_key=name in key)
            cells.append(raw)
        names = [frame.column(name) for name in columns]
        if max_value_bytes is not None:
            names.append(frame.UNFIT)
            cells.append(self.told(unfit) if unfit else f"CAST(NULL AS {self.text_type})")
        if in_bytes:
            cells = [self.text_bytes(cell) for cell in cells]
        selected = ", ".join(f"{cell} AS {self.quote(name)}" for cell, name in zip(cells, names, strict=True))
        is_narrowed = within != EVERY_KEY and not table.branches
        where = f" WHERE {self.within(within, key, table)}" if is_narrowed else ""
        order = f" ORDER BY {self._list(key, table)}" if key else ""
        return self.finish(names, f"SELECT {selected} FROM {self.rows(table, within)} AS t{where}{order}")

    def range_query(self, table: SourceTable, *, key: Sequence[str], batch_rows: int) -> str:
        """Select the first key of every batch of `batch_rows` rows, in the order of the key, as raw text."""
        check_key(key, least=1)
        if batch_rows < 1:
            raise ValueError("a batch has at least one row")
        found = [table.column(name) for name in key]
        named = next(n for n in (f"#{i}" for i in range(len(key) + 1)) if n not in {c.name for c in found})
        numbered = (
            f"SELECT {', '.join(map(self._column, found))}, row_number() OVER (ORDER BY {self._list(key, table)}) - 1 "
            f"AS {self.quote(named)} FROM {self.rows(table)} AS t"
        )
        number = f"r.{self.quote(named)}"
        cells = ", ".join(
            f"{self.raw(f'r.{self.quote(c.name)}', c)} AS {self.quote(frame.column(name))}"
            for name, c in zip(key, found, strict=True)
        )
        first = self.modulo.format(a=number, b=batch_rows)
        return self.finish(key, f"SELECT {cells} FROM ({numbered}) AS r WHERE {first} = 0 ORDER BY {number}")

    def estimates_query(self) -> str | None:
        """Select about how many rows each table has, as the engine's catalog says; none where it keeps no number."""
        return None

    def number_text(self, x: str) -> str:
        """Write a whole number as text."""
        return f"CAST({x} AS {self.text_type})"

    def _column(self, column: SourceColumn) -> str:
        return f"t.{self.quote(column.name)}"

    def _list(self, key: Sequence[str], table: SourceTable) -> str:
        number = f"t.{self.quote(frame.NUMBER)}"
        return ", ".join(number if name == table.named_in else self._key(table.column(name)) for name in key)

    def _key(self, column: SourceColumn) -> str:
        return self.ordered(self._column(column), column)

    def within(self, within: KeyRange, key: Sequence[str], table: SourceTable) -> str:
        """Compare with the bounds column by column, as not every engine compares rows, or does so by its indexes."""
        columns = [table.column(name) for name in key]
        conditions = []
        for bound, beyond, last in ((within.lower, ">", ">="), (within.upper, "<", "<")):
            if bound is None:
                continue
            if len(bound) != len(columns):
                raise ValueError(f"a bound of a key of {len(columns)} columns has as many values, not {len(bound)}")
            pairs = [(self._key(c), self.literal(v, c)) for c, v in zip(columns, bound, strict=True)]
            x, value = pairs[-1]
            condition = f"{x} {last} {value}"
            for x, value in reversed(pairs[:-1]):
                condition = f"({x} {beyond} {value} OR ({x} = {value} AND {condition}))"
            conditions.append(condition)
            if len(pairs) > 1:  # said once more for the first column alone, which an index can answer
                conditions.append(f"{pairs[0][0]} {beyond}= {pairs[0][1]}")
        return " AND ".join(conditions)


def check_integer(value: int) -> int:
    """Check that an integer fits 64 bits, as every engine's do."""
    if value not in _INT64:
        raise ValueError("a key's integer has at most 64 bits")
    return value


def check_key(key: Sequence[str], least: int = 0) -> None:
    """Check that a key has as many columns as can be one, each once."""
    if not least <= len(key) <= MAX_KEY_COLUMNS or len(set(key)) != len(key):
        raise ValueError(f"a key has one to {MAX_KEY_COLUMNS} columns, each once, not {list(key)}")
