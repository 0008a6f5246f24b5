"""The dialect of MySQL and MariaDB: the queries that ask one of their databases, as text.

A database is one namespace: its tables take the default schema. Invariant: no literal depends on the session's SQL
mode or character set, and no value on its time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from pipeline.core.sql.dialect import BROKEN, Dialect
from pipeline.core.sql.source import SourceColumn, SourceTable
from schemas.engines import Engine
from schemas.model import DEFAULT_SCHEMA
from schemas.types import LegacyType, SqlType

_ZERO_DAY: Final = "0000-00-00"


class Mysql(Dialect):
    """MySQL and MariaDB."""

    engine: ClassVar[Engine] = "mysql"
    text_type = "CHAR"
    modulo: ClassVar[str] = "MOD({a}, {b})"

    def quote(self, name: str) -> str:
        """Quote an identifier."""
        if not name or "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a table or column")
        return f"`{name.replace('`', '``')}`"

    def text_literal(self, value: str) -> str:
        """Write text as a literal: in hexadecimal, for what a backslash means depends on the session."""
        return f"_utf8mb4 X'{value.encode().hex()}'"

    def same_name(self, name: str) -> str:
        """Write names alike that differ in case: columns are one then, and tables are on some servers."""
        return name.lower()

    def table(self, table: SourceTable) -> str:
        """Name a table in a query; the database is the connection's."""
        return self.quote(table.name)

    def ordered(self, x: str, column: SourceColumn) -> str:
        """Sort an enum or a set as it is compared: by its text, and not by its number."""
        if column.declared_type in ("enum", "set"):
            return f"CONVERT({x} USING utf8mb4) COLLATE utf8mb4_bin"
        return x

    def nothing(self, column: SourceColumn) -> str:
        """Write NULL, which is of any type."""
        return "NULL"

    def size(self, x: str) -> str:
        """Give the bytes of a value."""
        return f"LENGTH({x})"

    def grouped(self, text: str) -> str:
        """Group texts by their MD5: whole ones, as long as they may be, would not fit into the memory of a sort."""
        return f"MD5({text})"

    def is_broken(self, text: str) -> str:
        """Say whether a text holds what a wrong code page makes of letters."""
        patterns = ("".join(f"[{one}]" for one in classes) for classes in BROKEN)
        return " OR ".join(f"{text} COLLATE utf8mb4_bin REGEXP {self.text_literal(p)}" for p in patterns)

    def has_nul(self, text: str) -> str:
        """Say whether a text holds U+0000."""
        return f"LOCATE(X'00', {text}) > 0"

    def too_long(self, x: str, raw: str, limit: int) -> str:
        """Say whether a value is longer than may be fetched, or than the server makes text of."""
        # HEX() and CONVERT() give NULL beyond max_allowed_packet, without an error.
        return f"({self.size(x)} > {limit} OR ({x} IS NOT NULL AND {raw} IS NULL))"

    def limited(self, query: str, seconds: int) -> str:
        """Limit the time that a query may take; each server reads what the other takes for a comment."""
        hinted = query.lstrip().replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({seconds * 1000}) */", 1)
        # In UTC, bounds of instants mean what their raw text says; without a mode, CHAR comes without padding.
        # Of keys that begin alike for longer than the sort looks at, the order would be none.
        return (
            f"/*M! SET STATEMENT max_statement_time = {seconds}, time_zone = '+00:00', sql_mode = '', "
            f"max_sort_length = 8388608 FOR */ {hinted}"
        )

    def tables_query(self) -> str:
        """Describe every column of every table, also of tables whose names differ in case alone."""
        return f"""
SELECT '{DEFAULT_SCHEMA}' AS `schema`, CONVERT(c.TABLE_NAME USING utf8mb4) AS `table`,
       CONVERT(c.COLUMN_NAME USING utf8mb4) AS `column`,
       CONVERT(CASE WHEN c.DATA_TYPE IN ('enum', 'set') THEN c.DATA_TYPE
            WHEN c.DATA_TYPE = 'bit' AND c.NUMERIC_PRECISION > 1 THEN CONCAT('bits(', c.NUMERIC_PRECISION, ')')
            WHEN c.DATA_TYPE IN ('double', 'float') AND c.NUMERIC_SCALE IS NOT NULL
            THEN CONCAT('fixed ', REPLACE(c.COLUMN_TYPE, ' zerofill', ''))
            ELSE SUBSTRING_INDEX(c.COLUMN_TYPE, ' /*', 1) END USING utf8mb4) AS `type`,
       CASE c.IS_NULLABLE WHEN 'YES' THEN '0' ELSE '1' END AS `not_null`,
       CAST(COALESCE(k.SEQ_IN_INDEX, 0) AS CHAR) AS `key_position`,
       CASE WHEN RIGHT(c.COLLATION_NAME, 3) IN ('_ci', '_w2') THEN '0' ELSE '1' END AS `case_sensitive`,
       CASE WHEN c.COLLATION_NAME IS NULL OR INSTR(c.COLLATION_NAME, '_nopad_') OR INSTR(c.COLLATION_NAME, '_0900_')
            THEN '0' ELSE '1' END AS `pads`,
       '' AS `collation`, '0' AS `has_heirs`
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
     AND BINARY t.TABLE_NAME = c.TABLE_NAME
LEFT JOIN information_schema.STATISTICS k ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
     AND BINARY k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME AND k.INDEX_NAME = 'PRIMARY'
WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION"""

    def apart_query(self) -> str:
        """List tables that the server cannot open; of some it describes no column."""
        return f"""
SELECT '{DEFAULT_SCHEMA}' AS `schema`, CONVERT(t.TABLE_NAME USING utf8mb4) AS `table`, 'closed' AS `why`
FROM information_schema.TABLES t
WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'
      AND (t.ENGINE IS NULL OR t.TABLE_ROWS IS NULL) -- who is asked for rows opens the table
ORDER BY t.TABLE_NAME"""

    def stand_ins(self, sql_type: SqlType, known: LegacyType) -> list[str]:
        """List the zero dates that a column of the type may hold; of an instant the one without fractions besides."""
        if known.family not in ("day", "moment", "utc"):
            return []
        if known.family == "day":
            return [_ZERO_DAY]
        whole = f"{_ZERO_DAY} 00:00:00"
        digits = sql_type.args[0] if sql_type.args and sql_type.base != "date" else 0
        fine = [f"{whole}.{'0' * digits}"] if digits else []
        return [*fine, whole] if known.family == "utc" else fine or [whole]

    def estimates_query(self) -> str:
        """Select about how many rows each table has, as the engine's catalog says."""
        return f"""
SELECT '{DEFAULT_SCHEMA}' AS `schema`, CONVERT(TABLE_NAME USING utf8mb4) AS `table`,
       CAST(COALESCE(TABLE_ROWS, '') AS CHAR) AS `rows`
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME"""

    def foreign_keys_query(self) -> str:
        """List the columns of every foreign key, also of those that lead into other databases."""
        return f"""
SELECT CONVERT(CONSTRAINT_NAME USING utf8mb4) AS `name`, '{DEFAULT_SCHEMA}' AS `schema`,
       CONVERT(TABLE_NAME USING utf8mb4) AS `table`, CONVERT(COLUMN_NAME USING utf8mb4) AS `column`,
       CASE WHEN REFERENCED_TABLE_SCHEMA = DATABASE() THEN ''
            ELSE CONVERT(REFERENCED_TABLE_SCHEMA USING utf8mb4) END AS `parent_database`,
       '{DEFAULT_SCHEMA}' AS `parent_schema`, CONVERT(REFERENCED_TABLE_NAME USING utf8mb4) AS `parent_table`,
       CONVERT(REFERENCED_COLUMN_NAME USING utf8mb4) AS `parent_column`
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"""

    def fingerprint_query(self, tables: Sequence[SourceTable]) -> str:
        """Sum up the first 48 bits of each row's MD5."""
        selects = []
        for number, table in enumerate(tables):
            cells = []
            for column in table.columns:
                x = self._column(column)
                # A long value by its own hash: a row's text must stay within a packet.
                text = f"MD5({x})" if self.is_long(column) else self.raw(x, column)
                cells.append(f"COALESCE(CONCAT(LENGTH({text}), ':', {text}), '-')")
            head = f"CONV(LEFT(MD5(CONCAT({', '.join(cells)})), 12), 16, 10)"
            selects.append(
                f"SELECT {self.number_text(str(number))} AS `table`, {self.number_text('count(*)')} AS `rows`, "
                f"CAST(COALESCE(SUM(CAST({head} AS UNSIGNED)), 0) AS CHAR) AS `checksum` "
                f"FROM {self.rows(table)} AS t"
            )
        return " UNION ALL ".join(selects)


MYSQL: Final = Mysql()
