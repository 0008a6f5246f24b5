"""Keys of every type that a server takes for one: a batch a row, so that each value is a bound, and no row is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from pipeline.demo.server import Server
from pipeline.errors import TargetError
from schemas.engines import Engine
from tests.standin import Database, Standin
from tests.support.drafted import drafted
from tests.support.fidelity import Case, family_of, words_of
from tests.support.fidelity_cases import CASES
from tests.support.servers import MariaDb, Postgres

pytestmark = pytest.mark.slow

#: Types of which the server at hand makes no key: without a bound or an order, or not there. Variants of several types
#: are sorted by these first, which no text of theirs tells.
NO_KEYS: Mapping[Engine, frozenset[str]] = {
    "mssql": frozenset(
        {"hierarchyid", "geometry", "geography", "image", "json", "ntext", "sql_variant", "text", "xml"}
    ),
    "mysql": frozenset(
        {
            "json",
            "text",
            "tinytext",
            "mediumtext",
            "longtext",
            "blob",
            "tinyblob",
            "mediumblob",
            "longblob",
            "geometry",
            "point",
            "linestring",
            "polygon",
            "multipoint",
            "multilinestring",
            "multipolygon",
            "geometrycollection",
        }
    ),
    "postgresql": frozenset({"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"}),
    # Only integers and text are taken for keys of a file that lets a key hold anything.
    "sqlite": frozenset(),
}


def key_tables(engine: Engine) -> dict[str, Case]:
    """Name a table for each type and declaration."""
    return {f"t{n}": case for n, case in enumerate(CASES[engine]) if case.base not in NO_KEYS[engine]}


def key_values(case: Case) -> list[object]:
    """List values that arrive and that an index can hold."""
    return [
        value
        for number, value in enumerate(case.values, 1)
        if number > 1 and number not in case.rejected and "repeat(" not in str(value).lower() and len(str(value)) < 700
    ]


def created(
    engine: Engine, execute: Callable[[Sequence[str]], None], failure: type[Exception], *, insert: str
) -> set[str]:
    """Create a table for each type with a row for each of its values; name the types that the server has not."""
    lacking = set()
    for name, case in key_tables(engine).items():
        try:
            execute([*case.needs, f"CREATE TABLE {name} (x {case.declared} PRIMARY KEY, n integer)"])
        except failure:
            lacking.add(case.base)
            continue
        execute([insert.format(name=name, values=f"{value}, {n}") for n, value in enumerate(key_values(case))])
    return lacking


def moved(postgres: Server, directory: Path, dsn: str, count: Callable[[str], int], tables: Sequence[str]) -> None:
    """Move each table, a row a batch, and compare its rows with the source's own count."""
    with drafted(postgres, directory, dsn, batch_rows=1) as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        assert source.rejected() == {}
        for table in tables:
            assert len(source.rows(table, "n")) == count(table), table


def test_mariadb(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    database = mariadb.create()
    lacking = created(
        "mysql",
        lambda statements: mariadb.execute(database, *statements),
        pymysql.Error,
        insert="INSERT IGNORE INTO {name} VALUES ({values})",
    )
    assert lacking == set()

    def count(table: str) -> int:
        return int(str(mariadb.rows(database, f"SELECT count(*) FROM {table}")[0][0]))

    moved(postgres, tmp_path, mariadb.dsn(database), count, [*key_tables("mysql")])


def test_postgresql(legacy_postgres: Postgres, postgres: Server, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    lacking = created(
        "postgresql",
        lambda statements: legacy_postgres.execute(database, *statements),
        TargetError,
        insert="INSERT INTO {name} VALUES ({values}) ON CONFLICT DO NOTHING",
    )
    # Extensions that the server's wheel comes without.
    assert lacking <= {"citext", "hstore", "ltree"}

    def count(table: str) -> int:
        return int(str(legacy_postgres.rows(database, f"SELECT count(*) AS n FROM {table}")[0][0]))

    tables = [name for name, case in key_tables("postgresql").items() if case.base not in lacking]
    moved(postgres, tmp_path, legacy_postgres.dsn(database), count, tables)


def _folded(family: str, said: object) -> object:
    """Make one of texts that differ in case and trailing blanks alone, for they are one key."""
    return bytes.fromhex(str(said)).decode().rstrip(" ").casefold() if family == "text" else said


def test_sqlserver(sqlserver: Standin, postgres: Server, tmp_path: Path) -> None:
    legacy, counts = Database(), {}
    for name, case in key_tables("mssql").items():
        family = family_of("mssql", case.base)
        unlike = {_folded(family, words_of(case.declared, family, value)): value for value in key_values(case)}
        rows = [(value, n) for n, value in enumerate(unlike.values())]
        legacy.load_table("dbo", name, [("x", case.declared, False), ("n", "int", True)], ["x"], rows)
        counts[name] = len(rows)
    sqlserver.databases["keys"] = legacy
    moved(postgres, tmp_path, sqlserver.dsn("keys"), counts.__getitem__, [*counts])


def test_sqlite(postgres: Server, tmp_path: Path) -> None:
    path = tmp_path / "legacy.sqlite"
    with closing(sqlite3.connect(path)) as connection:

        def execute(statements: Sequence[str]) -> None:
            for statement in statements:
                connection.execute(statement)

        created("sqlite", execute, sqlite3.Error, insert="INSERT OR IGNORE INTO {name} VALUES ({values})")
        connection.commit()

    def count(table: str) -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    moved(postgres, tmp_path, f"sqlite://{path}", count, [*key_tables("sqlite")])
