"""The PostgreSQL dialect: the queries that ask a PostgreSQL database as a source, as text.

Dates, intervals and floats are written as the session is set to write them: the reader opens its sessions with ISO
dates and exact floats. Invariant: an untyped literal takes its column's own type, so that bounds compare as it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from pipeline.core.sql.dialect import BROKEN
from pipeline.core.sql.schema_dialect import SchemaDialect
from pipeline.core.sql.source import KeyValue, SourceColumn, SourceTable
from schemas.engines import Engine
from schemas.types import LegacyType, SqlType, legacy_type

_SORTED_AS_TEXT: Final = frozenset({"composite", "hstore", "regclass"})


class Postgresql(SchemaDialect):
    """PostgreSQL 12 and newer."""

    engine: ClassVar[Engine] = "postgresql"
    uncompared = frozenset({"money"})
    text_type = "text"

    def quote(self, name: str) -> str:
        """Quote an identifier."""
        if not name or "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a table or column")
        return '"' + name.replace('"', '""') + '"'

    def text_literal(self, value: str) -> str:
        """Write text as a literal; of a column's own type, where it is compared with one."""
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        if "\0" in value:
            raise ValueError("PostgreSQL's text holds no U+0000")
        quoted = value.replace("\\", "\\\\").replace("'", "''")
        return f"E'{quoted}'"

    def literal(self, value: KeyValue, column: SourceColumn) -> str:
        """Write a key's value as an untyped literal: numbers too, for NaN is one."""
        family, text = self.legacy_type(column).family, str(value)
        if column.declared_type == "money":
            return f"{self.text_literal(text)}::numeric::money"  # its own text follows the server's locale
        return super().literal(value, column) if family == "binary" else self.text_literal(text)

    def ordered(self, x: str, column: SourceColumn) -> str:
        """Sort by its text what has no literal of its own, or no `<`."""
        return f'({x})::text COLLATE "C"' if column.declared_type in _SORTED_AS_TEXT else x

    def text_bytes(self, x: str) -> str:
        """Give the bytes of a text as hexadecimal digits: a database of SQL_ASCII holds any bytes for text."""
        return f"encode(convert_to({x}, getdatabaseencoding()), 'hex')"

    def binary_literal(self, digits: str) -> str:
        """Write bytes as a literal."""
        return f"decode('{digits}', 'hex')"

    def raw(self, x: str, column: SourceColumn) -> str:
        """Render a value as exact text, a moment with as many digits as its column has.

        Raises:
            UnknownType: the column's type is not in the table of types.
        """
        sql_type, known = legacy_type(column.declared_type, self.engine)
        return known.cast.format(x=x, n=sql_type.args[0] if sql_type.args else 6)

    def table(self, table: SourceTable) -> str:
        """Name a table in a query: its own rows only, for those of its heirs are read as theirs."""
        return ("ONLY " if table.has_heirs else "") + super().table(table)

    def trimmed(self, text: str) -> str:
        """Take the blanks at both ends off a text."""
        return f"btrim({text})"

    def is_broken(self, text: str) -> str:
        """Say whether a text holds what a wrong code page makes of letters."""
        patterns = ("".join(f"[{one}]" for one in classes) for classes in BROKEN)
        return " OR ".join(f"{text} ~ {self.text_literal(pattern)}" for pattern in patterns)

    def size(self, x: str) -> str:
        """Give the bytes of a value's text."""
        return f"octet_length(({x})::text)"

    @property
    def _ours(self) -> str:
        """Say whether the schema `n` is one of the tables that are spoken of."""
        if self.schema is not None:
            return self.is_own_schema("n.nspname")
        return r"""n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
     AND n.nspname NOT LIKE 'pg\_temp%'"""

    def _and_ours(self, namespace: str) -> str:
        return "" if self.schema is None else f" AND {self.is_own_schema(f'{namespace}.nspname')}"

    @property
    def _is_whole(self) -> str:
        """Say whether the table `c` is no part of another; of one schema, no part of another in it."""
        if self.schema is None:
            return "NOT c.relispartition"
        return (
            "NOT (c.relispartition AND EXISTS (SELECT FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent "
            "WHERE h.inhrelid = c.oid AND p.relnamespace = c.relnamespace))"
        )

    def tables_query(self) -> str:
        """Describe every column of every table, domains by what they stand for, partitions by their table."""
        return f"""
WITH RECURSIVE domain (root, oid, typmod) AS (
    SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT d.root, t.typbasetype, CASE WHEN d.typmod >= 0 THEN d.typmod ELSE t.typtypmod END
    FROM domain d JOIN pg_type t ON t.oid = d.oid AND t.typtype = 'd'
), standing AS (
    SELECT d.root, d.oid, d.typmod FROM domain d JOIN pg_type t ON t.oid = d.oid AND t.typtype <> 'd'
)
SELECT {self.schema_known_as("n.nspname::text")} AS "schema", c.relname::text AS "table", a.attname::text AS "column",
       CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'c' THEN 'composite'
            WHEN b.typtype IN ('r', 'm') THEN 'range' WHEN b.typcategory = 'A' THEN 'array'
            WHEN b.typname = 'char' THEN 'one char' WHEN b.typname = 'interval' THEN 'interval'
            WHEN b.typnamespace = 'pg_catalog'::regnamespace
            THEN format_type(b.oid, CASE WHEN s.root IS NULL THEN a.atttypmod ELSE s.typmod END)
            ELSE b.typname::text END AS "type",
       CASE WHEN a.attnotnull THEN '1' ELSE '0' END AS "not_null",
       -- A slice counts from 1; what an index includes besides its key comes last.
       coalesce(array_position((i.indkey::int2[])[0:i.indnkeyatts - 1], a.attnum), 0)::text AS "key_position",
       -- ICU takes case for a difference of the third level, or of one of its own.
       CASE WHEN b.typname = 'citext' OR NOT l.collisdeterministic
            AND l.said ~ '(ks-level[12]|colstrength=(primary|secondary))'
            AND l.said !~ '(kc(-true|-[a-z]{{2}}-|$)|colcaselevel=yes)' THEN '0' ELSE '1' END AS "case_sensitive",
       CASE WHEN b.typname = 'bpchar' THEN '1' ELSE '0' END AS "pads",
       '' AS "collation",
       CASE WHEN c.relkind = 'r' AND c.relhassubclass THEN '1' ELSE '0' END AS "has_heirs"
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND {self._is_whole}
JOIN pg_namespace n ON n.oid = c.relnamespace
     AND {self._ours}
LEFT JOIN standing s ON s.root = a.atttypid
JOIN pg_type b ON b.oid = coalesce(s.oid, a.atttypid)
LEFT JOIN (
    SELECT oid, collisdeterministic,
           -- Its locale, by the name that each version gives it.
           lower(coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate, '')) AS said
    FROM pg_collation c
) l ON l.oid = a.attcollation
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum"""

    def apart_query(self) -> str:
        """List tables without columns."""
        return f"""
SELECT {self.schema_known_as("n.nspname::text")} AS "schema", c.relname::text AS "table", 'bare' AS "why"
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
     AND {self._ours}
WHERE c.relkind IN ('r', 'p') AND {self._is_whole}
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
ORDER BY 1, 2"""

    def stand_ins(self, sql_type: SqlType, known: LegacyType) -> list[str]:
        """List the infinities of dates, the end of the day, which no other type of time has, and NaN of numerics."""
        if known.family in ("day", "moment", "utc"):
            return ["infinity", "-infinity"]
        if known.family == "clock":
            return ["24:00:00"]
        return ["NaN"] if known.pg_type == "numeric" and sql_type.args else []

    def estimates_query(self) -> str:
        """Select about how many rows each table has, of a partitioned one all its partitions; -1 was never analysed."""
        return f"""
SELECT {self.schema_known_as("n.nspname::text")} AS "schema", c.relname::text AS "table", coalesce(sum(
           CASE WHEN p.reltuples >= 0 THEN p.reltuples::bigint ELSE pg_stat_get_live_tuples(p.oid) END
       )::text, '') AS "rows"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL pg_partition_tree(c.oid) t ON c.relkind = 'p' AND t.isleaf
JOIN pg_class p ON p.oid = coalesce(t.relid, c.oid)
WHERE c.relkind IN ('r', 'p') AND {self._is_whole}{self._and_ours("n")}
GROUP BY 1, 2 ORDER BY 1, 2"""

    def foreign_keys_query(self) -> str:
        """List the columns of every foreign key that a table or a partition declares itself."""
        return f"""
SELECT k.conname::text AS "name", {self.schema_known_as("cn.nspname::text")} AS "schema", ct.relname::text AS "table",
       ca.attname::text AS "column", {self.schema_elsewhere("pn.nspname::text")} AS "parent_database",
       {self.schema_known_as("pn.nspname::text")} AS "parent_schema",
       pt.relname::text AS "parent_table", pa.attname::text AS "parent_column"
FROM pg_constraint k
JOIN pg_class ct ON ct.oid = k.conrelid
JOIN pg_namespace cn ON cn.oid = ct.relnamespace
JOIN pg_class pt ON pt.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pt.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (child, parent, position)
JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.child
JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.parent
WHERE k.contype = 'f' AND k.conparentid = 0{self._and_ours("cn")} -- a table's own are handed down to its partitions
ORDER BY 2, 3, 1, u.position"""

    def fingerprint_query(self, tables: Sequence[SourceTable]) -> str:
        """Sum up the hashes of the rows' text, in which NULL and empty differ."""
        selects = (
            f'SELECT \'{number}\' AS "table", count(*)::text AS "rows", '
            f'coalesce(sum(hashtextextended((t.*)::text, 0)), 0)::text AS "checksum" '
            f"FROM {self.rows(table)} AS t"
            for number, table in enumerate(tables)
        )
        return " UNION ALL ".join(selects)


POSTGRESQL: Final = Postgresql()
