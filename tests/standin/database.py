"""One legacy database of the stand-in: a DuckDB database and what its columns are declared as.

Owns the stored tables, the table `main.declared_columns` that describes them, and the `sys` catalog that a
client sees. Invariant: every table in any schema but `main` is described column by column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from tests.standin.declared import BASES, DEFAULT_COLLATION, SqlType
from tests.standin.values import stored

#: A column as `load_table` takes it: its name, its declared type, whether it is nullable; a collation of its own.
ColumnSpec = tuple[str, str, bool] | tuple[str, str, bool, str]

_DESCRIPTION: Final = """
CREATE TABLE IF NOT EXISTS main.declared_columns (
    schema_name VARCHAR COLLATE NOCASE, table_name VARCHAR COLLATE NOCASE, column_name VARCHAR COLLATE NOCASE,
    ordinal INTEGER, declared VARCHAR, base VARCHAR, max_length INTEGER, precision INTEGER, scale INTEGER,
    is_nullable BOOLEAN, key_ordinal INTEGER, collation_name VARCHAR
)"""
#: The catalog's views, with the columns that an introspection uses, of the types that Microsoft documents.
_VIEWS: Final = """
databases: name sysname NOT NULL, database_id int NOT NULL, collation_name sysname,
    compatibility_level tinyint NOT NULL, state tinyint NOT NULL, state_desc nvarchar(60), is_read_only bit,
    snapshot_isolation_state tinyint, is_read_committed_snapshot_on bit
schemas: name sysname NOT NULL, schema_id int NOT NULL, principal_id int
types: name sysname NOT NULL, system_type_id tinyint NOT NULL, user_type_id int NOT NULL, schema_id int NOT NULL,
    max_length smallint NOT NULL, precision tinyint NOT NULL, scale tinyint NOT NULL, collation_name sysname,
    is_nullable bit, is_user_defined bit NOT NULL
tables: name sysname NOT NULL, object_id int NOT NULL, schema_id int NOT NULL, parent_object_id int NOT NULL,
    type char(2), type_desc nvarchar(60), is_ms_shipped bit NOT NULL, temporal_type tinyint
columns: object_id int NOT NULL, name sysname, column_id int NOT NULL, system_type_id tinyint NOT NULL,
    user_type_id int NOT NULL, max_length smallint NOT NULL, precision tinyint NOT NULL, scale tinyint NOT NULL,
    collation_name sysname, is_nullable bit, is_identity bit NOT NULL, is_computed bit NOT NULL,
    is_rowguidcol bit NOT NULL
indexes: object_id int NOT NULL, name sysname, index_id int NOT NULL, type tinyint NOT NULL, type_desc nvarchar(60),
    is_unique bit, is_primary_key bit, is_unique_constraint bit, has_filter bit NOT NULL, is_disabled bit
index_columns: object_id int NOT NULL, index_id int NOT NULL, index_column_id int NOT NULL, column_id int NOT NULL,
    key_ordinal tinyint NOT NULL, is_descending_key bit, is_included_column bit
partitions: partition_id bigint NOT NULL, object_id int NOT NULL, index_id int NOT NULL,
    partition_number int NOT NULL, rows bigint
foreign_keys: name sysname NOT NULL, object_id int NOT NULL, schema_id int NOT NULL, parent_object_id int NOT NULL,
    referenced_object_id int, is_disabled bit NOT NULL, is_not_trusted bit NOT NULL
foreign_key_columns: constraint_object_id int NOT NULL, constraint_column_id int NOT NULL,
    parent_object_id int NOT NULL, parent_column_id int NOT NULL, referenced_object_id int NOT NULL,
    referenced_column_id int NOT NULL
"""
_SYS: Final[dict[str, dict[str, str]]] = {
    view: dict(column.strip().split(" ", 1) for column in columns.split(","))
    for view, columns in re.findall(r"^(\w+): ((?:.|\n )+)$", _VIEWS, re.MULTILINE)
}
_ARROW: Final[dict[str, pa.DataType]] = {
    "UTINYINT": pa.uint8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "BLOB": pa.binary(),
}
_FIXED_SCHEMAS: Final = {"dbo": 1, "INFORMATION_SCHEMA": 3, "sys": 4}


@dataclass(frozen=True, slots=True)
class Described:
    """A column of a stored table."""

    name: str
    sql_type: SqlType
    nullable: bool
    collation: str | None = None


class Database:
    """A legacy database, in memory or in a DuckDB file of its own."""

    def __init__(
        self, source: duckdb.DuckDBPyConnection | Path | None = None, *, collation: str = DEFAULT_COLLATION
    ) -> None:
        self.connection = (
            source if isinstance(source, duckdb.DuckDBPyConnection) else duckdb.connect(str(source or ":memory:"))
        )
        self.collation = collation
        self.connection.execute(_DESCRIPTION)
        self.connection.execute(Path(__file__).with_name("macros.sql").read_text(encoding="utf-8"))
        (described,) = self._one("SELECT count(*) FROM main.declared_columns")
        if not described:
            self._create_catalog()
        self._tables: dict[tuple[str, str], tuple[Described, ...]] | None = None

    def load_table(
        self,
        schema: str,
        table: str,
        columns: Sequence[ColumnSpec],
        key: Sequence[str] = (),
        rows: Iterable[Sequence[object]] = (),
    ) -> None:
        """Create a table and fill it; values are Python's, or text as SQL Server writes it.

        Raises ValueError or TypeError, naming the column, where SQL Server could not hold a value.
        """
        described = [self._described(*column) for column in columns]
        if missing := set(key) - {column.name for column in described}:
            raise ValueError(f"{schema}.{table}: the key names no column {', '.join(sorted(missing))}")
        if self.columns(schema, table) is not None:
            raise ValueError(f"{schema}.{table} is there already")
        self._create(schema, table, described, key)
        count = self._insert(schema, table, described, rows)
        self._catalogue(schema, table, described, key, count)

    def refill(self, schema: str, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Put other rows into a table that is there."""
        if (columns := self.columns(schema, table)) is None:
            raise ValueError(f"there is no table {schema}.{table}")
        self.connection.execute(f"DELETE FROM {_quoted(schema)}.{_quoted(table)}")
        count = self._insert(schema, table, columns, rows)
        object_id, _ = self._object(schema, table)
        self.connection.execute("UPDATE sys.partitions SET rows = ? WHERE object_id = ?", [count, object_id])

    def foreign_key(
        self,
        name: str,
        parent: tuple[str, str],
        columns: Sequence[str],
        referenced: tuple[str, str],
        referenced_columns: Sequence[str],
    ) -> None:
        """Describe a foreign key from `parent` (schema, table) to `referenced`; nothing enforces it."""
        parent_id, schema_id = self._object(*parent)
        referenced_id, _ = self._object(*referenced)
        constraint = self._next_id()
        self._fill("foreign_keys", [(name, constraint, schema_id, parent_id, referenced_id, 0, 0)])
        pairs = zip(columns, referenced_columns, strict=True)
        self._fill(
            "foreign_key_columns",
            [
                (
                    constraint,
                    i,
                    parent_id,
                    self._column(parent_id, one),
                    referenced_id,
                    self._column(referenced_id, two),
                )
                for i, (one, two) in enumerate(pairs, 1)
            ],
        )

    def name_databases(self, names: Sequence[str]) -> None:
        """Say which databases the server has besides master, this one among them."""
        self.connection.execute("DELETE FROM sys.databases")
        rows = [
            (name, i, self.collation, 160, 0, "ONLINE", 0, 1, 0) for i, name in [(1, "master"), *enumerate(names, 5)]
        ]
        self._fill("databases", rows)

    def columns(self, schema: str, table: str) -> tuple[Described, ...] | None:
        """Describe a table's columns in their order; None where there is no such table. Case does not matter."""
        if self._tables is None:
            tables: dict[tuple[str, str], list[Described]] = {}
            for owner, of, name, declared, nullable, collation in (
                self.connection.cursor()
                .execute(
                    "SELECT schema_name, table_name, column_name, declared, is_nullable, collation_name"
                    " FROM main.declared_columns ORDER BY schema_name, table_name, ordinal"
                )
                .fetchall()
            ):
                column = Described(name, SqlType.parse(declared), nullable, collation)
                tables.setdefault((owner.lower(), of.lower()), []).append(column)
            self._tables = {key: tuple(described) for key, described in tables.items()}
        return self._tables.get((schema.lower(), table.lower()))

    def object_id(self, schema: str, table: str) -> int | None:
        """Give a table's object_id, None where there is none."""
        found = (
            self.connection.cursor()
            .execute(
                "SELECT object_id FROM sys.tables JOIN sys.schemas USING (schema_id)"
                " WHERE tables.name = ? AND schemas.name = ?",
                [table, schema],
            )
            .fetchone()
        )
        return None if found is None else int(found[0])

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Open a connection of its own to the database, for one client."""
        cursor = self.connection.cursor()
        cursor.execute("SET search_path = 'dbo,main'")
        return cursor

    def _described(self, name: str, declared: str, nullable: bool, collation: str | None = None) -> Described:
        sql_type = SqlType.parse(declared)
        return Described(name, sql_type, nullable, (collation or self.collation) if sql_type.is_collated else None)

    def _create(self, schema: str, table: str, columns: Sequence[Described], key: Sequence[str]) -> None:
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
        definitions = []
        for column in columns:
            ci = " COLLATE NOCASE" if column.collation and "_CI" in column.collation else ""
            not_null = "" if column.nullable else " NOT NULL"
            definitions.append(f"{_quoted(column.name)} {column.sql_type.stored}{ci}{not_null}")
        self.connection.execute(f"CREATE TABLE {_quoted(schema)}.{_quoted(table)} ({', '.join(definitions)})")
        self.connection.executemany(
            "INSERT INTO main.declared_columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    schema,
                    table,
                    c.name,
                    i,
                    str(c.sql_type),
                    c.sql_type.base,
                    c.sql_type.max_length,
                    c.sql_type.precision,
                    c.sql_type.scale,
                    c.nullable,
                    key.index(c.name) + 1 if c.name in key else None,
                    c.collation,
                ]
                for i, c in enumerate(columns, 1)
            ],
        )
        self._tables = None

    def _insert(self, schema: str, table: str, columns: Sequence[Described], rows: Iterable[Sequence[object]]) -> int:
        values = list(zip(*rows, strict=True)) or [() for _ in columns]
        if len(values) != len(columns):
            raise ValueError(f"{schema}.{table}: rows of {len(values)} values for {len(columns)} columns")
        arrays, selected = [], []
        for i, (column, cells) in enumerate(zip(columns, values, strict=True)):
            kind = column.sql_type.stored
            try:
                kept = [stored(column.sql_type, cell) for cell in cells]
            except (ValueError, TypeError) as error:
                raise type(error)(f"{schema}.{table}.{column.name}: {error}") from None
            if kind.startswith("DECIMAL"):
                arrays.append(pa.array(kept, pa.decimal128(column.sql_type.precision, column.sql_type.scale)))
            elif kind in _ARROW:
                arrays.append(pa.array(kept, _ARROW[kind]))
            else:  # text, and the 128-bit integers, which Arrow does not have
                arrays.append(pa.array([None if cell is None else str(cell) for cell in kept], pa.string()))
            selected.append(f"CAST(c{i} AS {kind})")
        loading = pa.table(arrays, names=[f"c{i}" for i in range(len(columns))])
        self.connection.register("loading", loading)
        target = f"{_quoted(schema)}.{_quoted(table)}"
        self.connection.execute(f"INSERT INTO {target} SELECT {', '.join(selected)} FROM loading")
        self.connection.unregister("loading")
        return loading.num_rows

    def _create_catalog(self) -> None:
        for view, columns in _SYS.items():
            described = [
                self._described(name, declared.removesuffix(" NOT NULL"), not declared.endswith("NOT NULL"))
                for name, declared in columns.items()
            ]
            self._create("sys", view, described, ())
        self._fill("schemas", [(name, number, number) for name, number in _FIXED_SCHEMAS.items()])
        self._fill(
            "types",
            [
                (base, SqlType.parse(base).system_type_id, type_id, 4, size, precision, scale, collation, 1, 0)
                for base, (type_id, _, precision, scale) in BASES.items()
                for size in [8000 if base in _VARIABLE else SqlType.parse(base).max_length]
                for collation in [self.collation if SqlType.parse(base).is_collated else None]
            ]
            + [("sysname", 231, 256, 4, 256, 0, 0, self.collation, 0, 0)],
        )
        self.connection.execute("CREATE SCHEMA IF NOT EXISTS dbo")
        self.name_databases([])

    def _catalogue(self, schema: str, table: str, columns: Sequence[Described], key: Sequence[str], count: int) -> None:
        found = self._one("SELECT max(schema_id) FILTER (name = ?), max(schema_id) FROM sys.schemas", schema)
        schema_id = found[0] or found[1] + 1
        if found[0] is None:
            self._fill("schemas", [(schema, schema_id, 1)])
        object_id, index_id = self._next_id(), int(bool(key))
        self._fill("tables", [(table, object_id, schema_id, 0, "U ", "USER_TABLE", 0, 0)])
        described = []
        for number, column in enumerate(columns, 1):
            t = column.sql_type
            described.append(
                (
                    object_id,
                    column.name,
                    number,
                    t.system_type_id,
                    t.user_type_id,
                    t.max_length,
                    t.precision,
                    t.scale,
                    column.collation,
                    int(column.nullable),
                    0,
                    0,
                    0,
                )
            )
        self._fill("columns", described)
        name, kind = (f"PK_{table}", "CLUSTERED") if key else (None, "HEAP")
        self._fill("indexes", [(object_id, name, index_id, index_id, kind, index_id, index_id, 0, 0, 0)])
        numbers = {column.name: number for number, column in enumerate(columns, 1)}
        self._fill("index_columns", [(object_id, 1, i, numbers[part], i, 0, 0) for i, part in enumerate(key, 1)])
        self._fill("partitions", [(object_id, object_id, index_id, 1, count)])

    def _fill(self, view: str, rows: Sequence[Sequence[object]]) -> None:
        if not rows:
            return
        # The catalog's own columns that these rows leave out come last and are 0 or NULL.
        places = ", ".join("?" * len(rows[0]))
        self.connection.executemany(f"INSERT INTO sys.{view} VALUES ({places})", [list(row) for row in rows])

    def _next_id(self) -> int:
        (number,) = self._one(
            "SELECT max(object_id) FROM (SELECT object_id FROM sys.tables UNION ALL SELECT object_id FROM"
            " sys.foreign_keys)"
        )
        return 1_000_000 if number is None else int(number) + 16

    def _object(self, schema: str, table: str) -> tuple[int, int]:
        if (object_id := self.object_id(schema, table)) is None:
            raise ValueError(f"there is no table {schema}.{table}")
        (schema_id,) = self._one("SELECT schema_id FROM sys.tables WHERE object_id = ?", object_id)
        return object_id, schema_id

    def _column(self, object_id: int, name: str) -> int:
        found = self._one("SELECT max(column_id) FROM sys.columns WHERE object_id = ? AND name = ?", object_id, name)
        if found[0] is None:
            raise ValueError(f"there is no column {name}")
        return int(found[0])

    def _one(self, sql: str, *values: object) -> tuple[int, ...]:
        found = self.connection.execute(sql, list(values)).fetchone()
        if found is None:
            raise ValueError("a query of the catalog returned nothing")
        return tuple(found)


_VARIABLE: Final = frozenset({"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
