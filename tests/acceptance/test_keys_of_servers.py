"""Keys and references as a server itself compares them: what it holds for equal is found, what it tells apart is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.standin import Database, Standin
from tests.support.drafted import Drafted, drafted
from tests.support.servers import MariaDb, Postgres


def parents_of(source: Drafted, child: str, column: str, parent: str) -> dict[str, str | None]:
    """Say of each row of a child, by its legacy key, which legacy key of the parent its reference leads to."""
    keys = {row["id"]: key for key, row in source.rows(parent, "id::text AS id").items()}
    found = source.rows(child, f"{column}::text AS found").items()
    return {child_key: None if row["found"] is None else keys[row["found"]] for child_key, row in found}


def test_a_key_without_a_sign_is_digits(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    database = mariadb.create()
    mariadb.execute(
        database,
        "CREATE TABLE pupil (id bigint unsigned PRIMARY KEY)",
        "CREATE TABLE mark (id bigint unsigned PRIMARY KEY, pupil bigint unsigned REFERENCES pupil (id))",
        "INSERT INTO pupil VALUES (21), (18446744073709551615)",
        "INSERT INTO mark VALUES (1, 21), (9223372036854775808, 18446744073709551615)",
    )
    with drafted(postgres, tmp_path, mariadb.dsn(database), batch_rows=1) as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        pupils = {key: row["id"] for key, row in source.rows("pupil", "id::text AS id").items()}
        assert set(pupils) == {"[21]", "[18446744073709551615]"}
        assert {key: row["pupil"] for key, row in source.rows("mark", "pupil::text AS pupil").items()} == {
            "[1]": pupils["[21]"],
            "[9223372036854775808]": pupils["[18446744073709551615]"],
        }


def test_mariadb_pads_as_each_collation_says(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    database = mariadb.create()
    #: Collation -> the keys of a parent, and what children refer to them by.
    texts = {
        "utf8mb4_bin": (["x", "X"], ["x ", "X", "x"]),
        "utf8mb4_general_ci": (["x"], ["X  ", "x"]),
        "utf8mb4_nopad_bin": (["a", "a ", "A"], ["a", "a ", "A"]),
        "utf8mb4_unicode_nopad_ci": (["a", "a ", "b  "], ["A", "A ", "B  "]),
    }
    for n, (collation, (parents, children)) in enumerate(texts.items()):
        mariadb.execute(
            database,
            f"CREATE TABLE p{n} (code varchar(9) COLLATE {collation} PRIMARY KEY)",
            f"CREATE TABLE c{n} (id int PRIMARY KEY, code varchar(9) COLLATE {collation} REFERENCES p{n} (code))",
        )
        mariadb.insert(database, f"p{n}", [(code,) for code in parents])
        mariadb.insert(database, f"c{n}", list(enumerate(children)))
    with drafted(postgres, tmp_path, mariadb.dsn(database)) as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        assert source.rejected() == {}
        wanted = {
            n: {f"[{c}]": f'["{by_code[c]}"]' for c in range(len(by_code))}
            for n, by_code in enumerate((["x", "X", "x"], ["x", "x"], ["a", "a ", "A"], ["a", "a ", "b  "]))
        }
        columns = {n: "code" if n == 2 else "code_ref" for n in wanted}
        assert {n: parents_of(source, f"c{n}", columns[n], f"p{n}") for n in wanted} == wanted
        # A child's own spelling stays where it is not its parent's.
        assert {k: r["code"] for k, r in source.rows("c0", "code").items()} == {"[0]": "x ", "[1]": "X", "[2]": "x"}


def test_postgresql_pads_char_alone(legacy_postgres: Postgres, postgres: Server, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    legacy_postgres.execute(
        database,
        "CREATE TABLE short (code char(4) PRIMARY KEY)",
        "CREATE TABLE long (id int PRIMARY KEY, code char(9) REFERENCES short)",
        "INSERT INTO short VALUES ('x'), ('X')",
        "INSERT INTO long VALUES (1, 'x'), (2, 'X  ')",
        "CREATE TABLE plain (code text PRIMARY KEY)",
        "CREATE TABLE to_plain (id int PRIMARY KEY, code varchar(9) REFERENCES plain)",
        "INSERT INTO plain VALUES ('x'), ('x '), ('X')",
        "INSERT INTO to_plain VALUES (1, 'x'), (2, 'x '), (3, 'X')",
        "CREATE TABLE price (amount money PRIMARY KEY)",
        "CREATE TABLE sale (id int PRIMARY KEY, amount money REFERENCES price)",
        "INSERT INTO price VALUES (1.5)",
        "INSERT INTO sale VALUES (1, 1.50)",
        "CREATE TABLE zero (x float PRIMARY KEY)",
        "CREATE TABLE to_zero (id int PRIMARY KEY, x float REFERENCES zero)",
        "INSERT INTO zero VALUES (0)",
        "INSERT INTO to_zero VALUES (1, '-0')",
    )
    with drafted(postgres, tmp_path, legacy_postgres.dsn(database)) as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        assert source.rejected() == {}
        assert parents_of(source, "long", "code_ref", "short") == {"[1]": '["x   "]', "[2]": '["X   "]'}
        assert parents_of(source, "to_plain", "code", "plain") == {"[1]": '["x"]', "[2]": '["x "]', "[3]": '["X"]'}
        assert parents_of(source, "sale", "amount", "price") == {"[1]": '["1.50"]'}
        # A zero is written in two ways: its column stays what it is.
        assert source.rows("to_zero", "x::text AS x") == {"[1]": {"x": "-0"}}


@pytest.mark.slow
def test_sql_server_pads_whatever_the_collation(sqlserver: Standin, postgres: Server, tmp_path: Path) -> None:
    legacy, folded, exact = Database(), "Latin1_General_CI_AS", "Latin1_General_BIN2"
    tables: dict[str, tuple[str, str | None, list[object], list[object]]] = {
        "Folded": ("nvarchar(9)", folded, ["x", "y"], ["X  ", "y"]),
        "Exact": ("varchar(9)", exact, ["x", "X"], ["x  ", "X"]),
        "Amount": ("money", None, ["1.5000", "2.0000"], ["1.5000", "2.0000"]),
        "Bytes": ("varbinary(9)", None, [b"a", b"b"], [b"a\0\0", b"b"]),
        "Moment": ("datetimeoffset(0)", None, ["2024-01-01 00:00:00 +00:00"], ["2024-01-01 02:00:00 +02:00"]),
    }
    for name, (declared, collation, parents, children) in tables.items():
        column = ("Code", declared, False, *([collation] if collation else []))
        legacy.load_table("dbo", name, [column], ["Code"], [(value,) for value in parents])
        legacy.load_table("dbo", f"To{name}", [("Id", "int", False), column], ["Id"], list(enumerate(children)))
        legacy.foreign_key(f"FK_{name}", ("dbo", f"To{name}"), ["Code"], ("dbo", name), ["Code"])
    sqlserver.databases["collations"] = legacy
    with drafted(postgres, tmp_path, sqlserver.dsn("collations")) as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        assert source.rejected() == {}
        assert parents_of(source, "ToFolded", "code_ref", "Folded") == {"[0]": '["x"]', "[1]": '["y"]'}
        assert parents_of(source, "ToExact", "code_ref", "Exact") == {"[0]": '["x"]', "[1]": '["X"]'}
        assert parents_of(source, "ToAmount", "code", "Amount") == {"[0]": '["1.5000"]', "[1]": '["2.0000"]'}
        assert parents_of(source, "ToBytes", "code_ref", "Bytes") == {"[0]": '["61"]', "[1]": '["62"]'}
        # One instant is written at several offsets: its column stays what it is.
        assert not source.entity("ToMoment").references


def test_sqlite_pads_where_a_key_collates_so(postgres: Server, tmp_path: Path) -> None:
    path = tmp_path / "legacy.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE trimmed (code TEXT COLLATE RTRIM PRIMARY KEY);
            CREATE TABLE to_trimmed (id INTEGER PRIMARY KEY, code TEXT REFERENCES trimmed);
            INSERT INTO trimmed VALUES ('x'), ('X ');
            INSERT INTO to_trimmed VALUES (1, 'x  '), (2, 'X'), (3, 'y');
            CREATE TABLE plain (code TEXT PRIMARY KEY);
            CREATE TABLE to_plain (id INTEGER PRIMARY KEY, code TEXT REFERENCES plain);
            INSERT INTO plain VALUES ('x'), ('x ');
            INSERT INTO to_plain VALUES (1, 'x'), (2, 'x ');
            """
        )
    with drafted(postgres, tmp_path, f"sqlite://{path}") as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        found = {"[1]": '["x"]', "[2]": '["X "]', "[3]": None}
        assert parents_of(source, "to_trimmed", "code_ref", "trimmed") == found
        assert parents_of(source, "to_plain", "code", "plain") == {"[1]": '["x"]', "[2]": '["x "]'}
