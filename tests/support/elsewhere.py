"""The small estate moved to other servers: each column in the type that the engine has for what SQL Server declared.

A server is one class: how it spells types and names, how it makes a database, how it takes rows, where it is.
"""

from __future__ import annotations

import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.standin import Database, Standin
from tests.support.servers import MariaDb, Postgres

Cell = str | int | float | None
_ROWS_A_STATEMENT = 200
SOURCES = ("login", "district_a", "district_b")


@dataclass(frozen=True)
class Column:
    """A column of the SQLite file: its type in SQL Server's words."""

    name: str
    declared: str
    is_required: bool
    key_position: int

    @property
    def base(self) -> str:
        return self.declared.partition("(")[0]

    @property
    def argument(self) -> str:
        """Give what stands in parentheses, they included."""
        return self.declared.removeprefix(self.base)


class Elsewhere(ABC):
    """A server that takes the estate."""

    name: ClassVar[str]
    #: SQL Server's base type -> the engine's; `{n}` is the argument of the declared type.
    types: ClassVar[Mapping[str, str]]
    holds_nul: ClassVar[bool] = True

    @abstractmethod
    def create(self) -> str:
        """Create a database and name it."""

    @abstractmethod
    def dsn(self, database: str) -> str:
        """Give the connection string that the pipeline reads the database by."""

    @abstractmethod
    def quote(self, name: str) -> str: ...

    @abstractmethod
    def execute(self, database: str, statements: Sequence[str]) -> None: ...

    @abstractmethod
    def insert(self, database: str, table: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Insert rows into all columns of a table, and refuse a value that its column would change."""

    def load(self, database: str, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Create a table and fill it."""
        self.execute(database, [self.create_table(name, columns)])
        for at in range(0, len(rows), _ROWS_A_STATEMENT):
            self.insert(database, self.table(name), rows[at : at + _ROWS_A_STATEMENT])

    def table(self, name: str) -> str:
        return self.quote(name)

    def column_type(self, column: Column) -> str:
        """Give the engine's type; a bounded text and one that is not are different types in some."""
        wanted = f"{column.base}(max)" if column.argument == "(max)" else column.base
        return self.types[wanted].format(n=column.argument)

    def create_table(self, name: str, columns: Sequence[Column]) -> str:
        parts = [
            f"{self.quote(c.name)} {self.column_type(c)}{' NOT NULL' if c.is_required or c.key_position else ''}"
            for c in columns
        ]
        key = sorted((c for c in columns if c.key_position), key=lambda c: c.key_position)
        if key:
            parts.append(f"PRIMARY KEY ({', '.join(self.quote(c.name) for c in key)})")
        return f"CREATE TABLE {self.table(name)} ({', '.join(parts)})"


class OnMariaDb(Elsewhere):
    """MariaDB: text that is compared without regard to case, as SQL Server's default is."""

    name = "mariadb"
    _TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    types: ClassVar[Mapping[str, str]] = {
        "int": "int",
        "bigint": "bigint",
        "smallint": "smallint",
        "tinyint": "tinyint unsigned",
        "bit": "tinyint(1)",
        "decimal": "decimal{n}",
        "datetime": "datetime(3)",
        "uniqueidentifier": "uuid",
        "nvarchar": f"varchar{{n}} {_TEXT}",
        "varchar": f"varchar{{n}} {_TEXT}",
        "nvarchar(max)": f"longtext {_TEXT}",
        "varchar(max)": f"longtext {_TEXT}",
    }

    def __init__(self, server: MariaDb) -> None:
        self.server = server

    def create(self) -> str:
        return self.server.create()

    def dsn(self, database: str) -> str:
        return self.server.dsn(database)

    def quote(self, name: str) -> str:
        return f"`{name}`"

    def execute(self, database: str, statements: Sequence[str]) -> None:
        self.server.execute(database, *statements)

    def insert(self, database: str, table: str, rows: Sequence[Sequence[Cell]]) -> None:
        with self.server.connect(database) as cursor:
            cursor.execute("SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE'")
            cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)


class OnPostgres(Elsewhere):
    """PostgreSQL: the schema and the names are spelled as in the legacy database."""

    name = "postgresql"
    holds_nul = False
    types: ClassVar[Mapping[str, str]] = {
        "int": "integer",
        "bigint": "bigint",
        "smallint": "smallint",
        "tinyint": "smallint",
        "bit": "boolean",
        "decimal": "numeric{n}",
        "datetime": "timestamp(3)",
        "uniqueidentifier": "uuid",
        "nvarchar": "varchar{n}",
        "varchar": "varchar{n}",
        "nvarchar(max)": "text",
        "varchar(max)": "text",
    }

    def __init__(self, server: Postgres) -> None:
        self.server = server

    def create(self) -> str:
        database = self.server.create()
        self.server.execute(database, "CREATE SCHEMA dbo")
        return database

    def dsn(self, database: str) -> str:
        return self.server.dsn(database)

    def quote(self, name: str) -> str:
        return f'"{name}"'

    def table(self, name: str) -> str:
        return f'dbo."{name}"'

    def execute(self, database: str, statements: Sequence[str]) -> None:
        self.server.execute(database, *statements)

    def insert(self, database: str, table: str, rows: Sequence[Sequence[Cell]]) -> None:
        # An untyped literal takes the column's type.
        lines = [f"({', '.join(map(self._literal, row))})" for row in rows]
        self.execute(database, [f"INSERT INTO {table} VALUES {', '.join(lines)}"])

    @staticmethod
    def _literal(value: Cell) -> str:
        if value is None:
            return "NULL"
        return "E'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


class OnSqlServer(Elsewhere):
    """SQL Server, by its stand-in: every column as the estate declares it."""

    name = "mssql"

    def __init__(self, server: Standin) -> None:
        self.server = server

    def create(self) -> str:
        name = f"legacy_{len(self.server.databases) + 1}"
        self.server.databases[name] = Database()
        return name

    def dsn(self, database: str) -> str:
        return self.server.dsn(database)

    def load(self, database: str, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        key = [c.name for c in sorted(columns, key=lambda c: c.key_position) if c.key_position]
        described = [(c.name, c.declared, not (c.is_required or c.key_position)) for c in columns]
        self.server.databases[database].load_table("dbo", name, described, key, rows)

    def quote(self, name: str) -> str:
        raise NotImplementedError("tables are loaded, not written")

    def execute(self, database: str, statements: Sequence[str]) -> None:
        raise NotImplementedError("tables are loaded, not written")

    def insert(self, database: str, table: str, rows: Sequence[Sequence[Cell]]) -> None:
        raise NotImplementedError("tables are loaded, not written")


def tables(connection: sqlite3.Connection) -> dict[str, list[Column]]:
    """Describe every table of a SQLite file."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: [
            Column(column, declared.lower(), bool(required), key)
            for _, column, declared, required, _, key in connection.execute(f'PRAGMA table_info("{name}")')
        ]
        for name in names
    }


def tame(path: Path, server: Elsewhere) -> int:
    """Replace in a SQLite file what the server's typed columns cannot hold; return the cells replaced.

    A file of SQLite holds anything: words in a number's column, a third digit in a decimal of two, U+0000 in text.
    """
    changed = 0
    with closing(sqlite3.connect(path)) as connection:
        # SQLite's own replace() finds no U+0000.
        connection.create_function("without_nul", 1, lambda text: text.replace("\0", "\ufffd"))
        for table, columns in tables(connection).items():
            for column in columns:
                x = f'"{column.name}"'
                if column.base in ("int", "bigint", "smallint", "bit"):
                    change, where = "NULL", f"typeof({x}) NOT IN ('integer', 'null')"
                elif column.base == "decimal":
                    digits = int(re.findall(r"\d+", column.argument)[1])
                    change, where = f"round({x}, {digits})", f"round({x}, {digits}) <> {x}"
                elif column.base in ("nvarchar", "varchar") and not server.holds_nul:
                    change, where = f"without_nul({x})", f"instr({x}, char(0)) > 0"
                else:
                    continue
                changed += connection.execute(f'UPDATE "{table}" SET {x} = {change} WHERE {where}').rowcount
        connection.commit()
    return changed


def copy(path: Path, server: Elsewhere) -> str:
    """Copy every table of a SQLite file into a new database of a server; name the database."""
    database = server.create()
    with closing(sqlite3.connect(path)) as connection:
        found = tables(connection)
        for name, columns in found.items():
            server.load(database, name, columns, connection.execute(f'SELECT * FROM "{name}"').fetchall())
    return database
