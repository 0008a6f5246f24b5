"""Property: whatever a server can hold arrives, cell by cell, as the server itself says it.

A cell may differ only where its row was rejected by a named reason, or where raw text was kept that gives the source's
text back. Values are drawn a table at a time and inserted with plain drivers; the entries are drafted once an engine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.connection import Dsn
from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from schemas.engines import Engine
from tests.properties.tables import MSSQL, MYSQL, POSTGRESQL, SQLITE, Table
from tests.standin import Database, Standin
from tests.support.drafted import Drafted, drafted
from tests.support.fidelity import arrived, canonical, own_words, words_of
from tests.support.servers import MariaDb, Postgres

pytestmark = pytest.mark.slow

EXAMPLES = 14
#: Values compared at the least in all examples of an engine: together more than 10,000.
LEAST = {"mssql": 6_000, "mysql": 5_500, "postgresql": 5_500, "sqlite": 500}
#: No shrinking: an example is a whole migration.
drawn = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
Rows = Sequence[tuple[object, ...]]


@dataclass(frozen=True)
class Lane:
    """A source whose tables were drafted once: filled anew for each example."""

    tables: Mapping[str, Table]
    source: Drafted
    fill: Callable[[str, Rows], None]
    #: What the source says of a table's cells in its own words, each row behind its key.
    say: Callable[[str], Iterable[Sequence[object]]]

    def compared(self, examples: Mapping[str, list[tuple[object, ...]]]) -> int:
        """Move the rows; say how many values were compared."""
        for name, rows in examples.items():
            self.fill(name, [(k, *row) for k, row in enumerate(rows, 1)])
        self.source.empty()
        verdict = self.source.run()
        assert verdict.parity, verdict.differences
        rejected, kept = self.source.rejected(), self.source.kept()
        return sum(self._compare(name, table, rejected, kept) for name, table in self.tables.items())

    def _compare(
        self,
        name: str,
        table: Table,
        rejected: Mapping[tuple[str, str], list[str]],
        kept: Mapping[tuple[str, str, str], str],
    ) -> int:
        entity = self.source.entity(name)
        pg_types = {c.source: (c.place.column, c.pg_type) for c in entity.cells}
        cells = ", ".join(f"{arrived(f.family, pg_types[x][1], pg_types[x][0])} AS {x}" for x, f in table)
        found, values = self.source.rows(name, cells), 0
        for number, *said in self.say(name):
            key = f"[{number}]"
            told = dict(zip(table.fields, said, strict=True))
            refused = [x for x, f in table if told[x] is not None and table.is_refused(f.family, told[x])]
            assert rejected.get((entity.id, key), []) == sorted(f"unreadable: {x}" for x in refused), told
            assert (key in found) is not bool(refused)
            for x, f in table:
                values += told[x] is not None
                if not refused:
                    got = kept.get((entity.id, key, x), found[key][x])
                    assert canonical(f.family, got) == canonical(f.family, told[x]), (x, told[x], got)
        return values


def spoken(engine: Engine, tables: Mapping[str, Table], ask: Callable[[str], Rows]) -> Callable[[str], Rows]:
    """Let a server say by its own SQL what its cells hold."""

    def say(name: str) -> Rows:
        words = ", ".join(f"{own_words(engine, f.family, x, f.own)} AS {x}" for x, f in tables[name])
        return ask(f"SELECT k, {words} FROM {name}")

    return say


def moved(lane: Lane) -> int:
    """Draw examples and move them; say how many values were compared."""
    values = 0

    @drawn
    @given(st.fixed_dictionaries({name: table.rows() for name, table in lane.tables.items()}))
    def move(examples: dict[str, list[tuple[object, ...]]]) -> None:
        nonlocal values
        values += lane.compared(examples)

    move()
    return values


def test_mariadb(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    database = mariadb.create()
    mariadb.execute(database, *(table.create(name) for name, table in MYSQL.items()))

    def fill(name: str, rows: Rows) -> None:
        mariadb.execute(database, f"TRUNCATE {name}")
        mariadb.insert(database, name, rows)

    with drafted(postgres, tmp_path, mariadb.dsn(database)) as source:
        lane = Lane(MYSQL, source, fill, spoken("mysql", MYSQL, lambda sql: mariadb.rows(database, sql)))
        assert moved(lane) >= LEAST["mysql"]


def test_sqlserver(sqlserver: Standin, postgres: Server, tmp_path: Path) -> None:
    """The stand-in's own text comes from the casts under test, so cells are compared with what was put there."""
    legacy, held = Database(), dict[str, Rows]()
    sqlserver.databases["values"] = legacy
    for name, table in MSSQL.items():
        legacy.load_table("dbo", name, [("k", "int", False), *((x, f.declared, True) for x, f in table)], ["k"])

    def fill(name: str, rows: Rows) -> None:
        held[name] = rows
        legacy.refill("dbo", name, rows)

    def say(name: str) -> Rows:
        fields = [*MSSQL[name].fields.values()]
        return [
            (k, *(words_of(f.declared, f.family, value) for f, value in zip(fields, row, strict=True)))
            for k, *row in held[name]
        ]

    with drafted(postgres, tmp_path, sqlserver.dsn("values")) as source:
        assert moved(Lane(MSSQL, source, fill, say)) >= LEAST["mssql"]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def test_postgresql(legacy_postgres: Postgres, postgres: Server, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    creation = (table.create(name) for name, table in POSTGRESQL.items())
    legacy_postgres.execute(database, "CREATE TYPE mood AS ENUM ('glad', 'Größe', '')", *creation)
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute(f"ALTER DATABASE {database} SET TimeZone = 'America/New_York'")

    def fill(name: str, rows: Rows) -> None:
        listed = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        legacy_postgres.execute(database, f"TRUNCATE {name}", f"INSERT INTO {name} VALUES {listed}")

    def ask(sql: str) -> Rows:
        with TargetDatabase("legacy", Dsn(legacy_postgres.dsn(database)), role=None) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return [tuple(row.values()) for row in connection.query(sql).to_pylist()]

    with drafted(postgres, tmp_path, legacy_postgres.dsn(database)) as source:
        lane = Lane(POSTGRESQL, source, fill, spoken("postgresql", POSTGRESQL, ask))
        assert moved(lane) >= LEAST["postgresql"]


def test_sqlite(postgres: Server, tmp_path: Path) -> None:
    path = tmp_path / "legacy.sqlite"

    def fill(name: str, rows: Rows) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"DELETE FROM {name}")
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            connection.commit()

    def ask(sql: str) -> Rows:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(sql).fetchall()

    with closing(sqlite3.connect(path)) as connection:
        for name, table in SQLITE.items():
            connection.execute(table.create(name))
        # A draft names the type that the values have.
        connection.execute("INSERT INTO plain VALUES (1, 1, 0.5, 'a', x'00')")
        connection.execute("INSERT INTO odd VALUES (1, 0.5)")
        connection.commit()
    with drafted(postgres, tmp_path, f"sqlite://{path}") as source:
        assert moved(Lane(SQLITE, source, fill, spoken("sqlite", SQLITE, ask))) >= LEAST["sqlite"]
