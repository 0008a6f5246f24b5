"""The SQL Server dialect: the queries that ask a SQL Server database, as T-SQL.

Invariant: a bound is a literal of its column's own type and code page, for under SQL collations varchar and nvarchar
sort apart, and text to datetime follows the session's language unless its style is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from pipeline.core.sql.dialect import BROKEN
from pipeline.core.sql.schema_dialect import SchemaDialect
from pipeline.core.sql.source import SourceColumn, SourceTable
from schemas.engines import Engine

#: CONCAT takes 254 arguments at the most.
_CONCATENATED: Final = 100
#: Tells all characters apart.
_BY_CODE: Final = "Latin1_General_BIN2"
_COLLATION: Final = re.compile(r"[A-Za-z0-9_]+")


class Mssql(SchemaDialect):
    """SQL Server 2016 and newer: the text of floats is exact from there on."""

    engine: ClassVar[Engine] = "mssql"
    uncompared = frozenset({"text", "ntext"})
    text_type = "nvarchar(max)"

    def quote(self, name: str) -> str:
        """Quote an identifier."""
        if not name or "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a table or column")
        return f"[{name.replace(']', ']]')}]"

    def text_literal(self, value: str) -> str:
        """Write text as a literal."""
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        # Microsoft's driver cuts a statement at U+0000.
        first, *others = (f"N'{part}'" for part in value.replace("'", "''").split("\0"))
        return f"({' + NCHAR(0) + '.join([first, *others])})" if others else first

    def binary_literal(self, digits: str) -> str:
        """Write bytes as a literal."""
        return f"0x{digits}"

    def typed_literal(self, text: str, column: SourceColumn) -> str:
        """Write raw text as a literal of the column's own type."""
        value, style = self.text_literal(text), ""
        if self.legacy_type(column).family in ("moment", "instant", "day", "clock"):
            style = ", 121"
        elif column.declared_type.startswith(("char", "varchar")) and column.collation:
            # Else it is converted in the code page of the database, which may lack what the column's has.
            if not _COLLATION.fullmatch(column.collation):
                raise ValueError(f"{column.collation!r} is no name of a collation")
            value += f" COLLATE {column.collation}"
        return f"CONVERT({column.declared_type}, {value}{style})"

    def size(self, x: str) -> str:
        """Give the bytes that a value has."""
        return f"DATALENGTH({x})"

    def characters(self, text: str) -> str:
        """Give the characters of a text, one beyond the first plane as two."""
        return f"DATALENGTH({text}) / 2"

    def trimmed(self, text: str) -> str:
        """Take the blanks at both ends off a text."""
        return f"LTRIM(RTRIM({text}))"

    def part(self, text: str, first: int, characters: int) -> str:
        """Give a part of a text."""
        return f"SUBSTRING({text}, {first}, {characters})"

    def is_broken(self, text: str) -> str:
        """Say whether a text holds what a wrong code page makes of letters, compared by code points."""
        patterns = ("".join(f"[{one}]" for one in classes) for classes in BROKEN)
        return " OR ".join(f"{text} COLLATE {_BY_CODE} LIKE {self.text_literal(f'%{p}%')}" for p in patterns)

    def has_nul(self, text: str) -> str:
        """Say whether a text holds U+0000, which other collations pass over."""
        return f"CHARINDEX(NCHAR(0), {text} COLLATE {_BY_CODE}) > 0"

    def summed(self, number: str) -> str:
        """Add numbers up as 64-bit ones: of a sum of 32 bits an overflow is an error."""
        return f"SUM(CONVERT(bigint, {number}))"

    def escaped(self, text: str) -> str:
        """Write for signs what stands for them, by their code points: other collations take further signs for them."""
        return super().escaped(f"({text}) COLLATE {_BY_CODE}")

    def joined(self, texts: Sequence[str]) -> str:
        """Put texts behind one another: where none may be long, they would be cut at 8,000 bytes."""
        return super().joined([*texts, "CONVERT(nvarchar(max), N'')"])

    def united(self, x: str, column: SourceColumn) -> str:
        """Give a column of one of several tables: of two collations they could not stand together."""
        raw = super().united(x, column)
        return raw if raw == x else f"({raw}) COLLATE {_BY_CODE}"

    def number_text(self, x: str) -> str:
        """Write a whole number as text."""
        return f"CONVERT(nvarchar(40), {x.replace('count(*)', 'COUNT_BIG(*)')})"

    def _ours(self, word: str, schemas: str) -> str:
        return "" if self.schema is None else f"{word} {self.is_own_schema(f'{schemas}.name')} "

    def tables_query(self) -> str:
        """Describe every column of every table, alias types by what they stand for."""
        length = "CASE WHEN c.max_length = -1 THEN '(max)' ELSE CONCAT('(', {n}, ')') END"
        return (
            f"SELECT {self.schema_known_as('s.name')} AS [schema], t.name AS [table], c.name AS [column], "
            "CONCAT(b.name, CASE "
            "WHEN b.name IN ('decimal', 'numeric') THEN CONCAT('(', c.precision, ',', c.scale, ')') "
            f"WHEN b.name IN ('char', 'varchar', 'binary', 'varbinary') THEN {length.format(n='c.max_length')} "
            f"WHEN b.name IN ('nchar', 'nvarchar') THEN {length.format(n='c.max_length / 2')} "
            "WHEN b.name IN ('time', 'datetime2', 'datetimeoffset') THEN CONCAT('(', c.scale, ')') ELSE '' END) "
            "AS [type], CASE WHEN c.is_nullable = 1 THEN '0' ELSE '1' END AS [not_null], "
            "CONVERT(varchar(10), COALESCE(k.key_ordinal, 0)) AS [key_position], "
            "CASE WHEN CHARINDEX('_CI', c.collation_name) > 0 THEN '0' ELSE '1' END AS [case_sensitive], "
            # Every collation pads.
            "CASE WHEN c.collation_name IS NULL THEN '0' ELSE '1' END AS [pads], "
            "COALESCE(c.collation_name, N'') AS [collation], '0' AS [has_heirs] "
            "FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id "
            "JOIN sys.columns AS c ON c.object_id = t.object_id "
            # 240 is every type of the CLR: geometry, hierarchyid and their like.
            "JOIN sys.types AS b ON b.user_type_id = "
            "CASE WHEN c.system_type_id = 240 THEN c.user_type_id ELSE c.system_type_id END "
            "LEFT JOIN sys.indexes AS i ON i.object_id = t.object_id AND i.is_primary_key = 1 "
            "AND i.is_disabled = 0 "
            "LEFT JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id "
            "AND k.column_id = c.column_id AND k.is_included_column = 0 "
            f"WHERE t.is_ms_shipped = 0 {self._ours('AND', 's')}ORDER BY s.name, t.name, c.column_id"
        )

    def estimates_query(self) -> str:
        """Select about how many rows each table has, by its heap or clustered index."""
        return (
            f"SELECT {self.schema_known_as('s.name')} AS [schema], t.name AS [table], "
            "CONVERT(varchar(20), SUM(p.rows)) AS [rows] "
            "FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id "
            "JOIN sys.partitions AS p ON p.object_id = t.object_id AND p.index_id IN (0, 1) "
            f"WHERE t.is_ms_shipped = 0 {self._ours('AND', 's')}GROUP BY s.name, t.name ORDER BY s.name, t.name"
        )

    def foreign_keys_query(self) -> str:
        """List the columns of every foreign key."""
        return (
            f"SELECT f.name AS [name], {self.schema_known_as('cs.name')} AS [schema], ct.name AS [table], "
            f"cc.name AS [column], {self.schema_elsewhere('ps.name')} AS [parent_database], "
            f"{self.schema_known_as('ps.name')} AS [parent_schema], pt.name AS [parent_table], "
            "pc.name AS [parent_column] "
            "FROM sys.foreign_keys AS f JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id "
            "JOIN sys.tables AS ct ON ct.object_id = f.parent_object_id "
            "JOIN sys.schemas AS cs ON cs.schema_id = ct.schema_id "
            "JOIN sys.columns AS cc ON cc.object_id = ct.object_id AND cc.column_id = k.parent_column_id "
            "JOIN sys.tables AS pt ON pt.object_id = f.referenced_object_id "
            "JOIN sys.schemas AS ps ON ps.schema_id = pt.schema_id "
            "JOIN sys.columns AS pc ON pc.object_id = pt.object_id AND pc.column_id = k.referenced_column_id "
            f"{self._ours('WHERE', 'cs')}"
            "ORDER BY cs.name, ct.name, f.name, k.constraint_column_id"
        )

    def fingerprint_query(self, tables: Sequence[SourceTable]) -> str:
        """Sum up the first 56 bits of each row's MD5."""
        selects = []
        for number, table in enumerate(tables):
            cells = []
            for column in table.columns:
                x = self._column(column)
                raw = self.raw(x, column)
                if self.legacy_type(column).family == "text":
                    raw += f" COLLATE {_BY_CODE}"  # or columns of two collations could not be joined
                cells.append(
                    f"CASE WHEN {x} IS NULL THEN N'-' ELSE "
                    f"CONCAT({self.number_text(f'DATALENGTH({raw})')}, N':', {raw}) END"
                )
            parts = [
                # Of no value that may be long, a concatenation would be cut at 8,000 bytes.
                f"CONCAT({', '.join(cells[at : at + _CONCATENATED])}, CONVERT(nvarchar(max), N''))"
                for at in range(0, len(cells), _CONCATENATED)
            ]
            row = parts[0] if len(parts) == 1 else f"CONCAT({', '.join(parts)})"
            head = f"CONVERT(bigint, CONVERT(varbinary(7), HASHBYTES('MD5', {row})))"
            selects.append(
                f"SELECT {self.number_text(str(number))} AS [table], {self.number_text('count(*)')} AS [rows], "
                f"CONVERT(nvarchar(40), COALESCE(SUM(CONVERT(decimal(38,0), {head})), 0)) AS [checksum] "
                f"FROM {self.rows(table)} AS t"
            )
        return " UNION ALL ".join(selects)


MSSQL: Final = Mssql()
