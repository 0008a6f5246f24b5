"""The SQLite dialect as text, run on Python's own SQLite: quoting, raw forms, ranges, refusals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from pipeline.core.sql import sqlite as dialect
from pipeline.core.sql.sqlite import Key, KeyRange


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


NAMES = {
    "Student": '"Student"',
    "Student DOB": '"Student DOB"',
    'say "hi"': '"say ""hi"""',
    "it's": '"it\'s"',
    "[x]": '"[x]"',
    "order": '"order"',
    "Größe": '"Größe"',
    "a;--": '"a;--"',
}


@pytest.mark.parametrize(("name", "quoted"), NAMES.items())
def test_quote(name: str, quoted: str) -> None:
    assert dialect.quote(name) == quoted


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        dialect.quote(name)


LITERALS = [
    0,
    -1,
    2**63 - 1,
    -(2**63),
    "",
    "abc",
    "it's",
    "''",
    "a\0b",
    "\0",
    "'\0'",
    "'); DROP TABLE t; --",
    "é\n😀",
]


@pytest.mark.parametrize("value", LITERALS, ids=repr)
def test_literals_come_back(connection: sqlite3.Connection, value: int | str) -> None:
    assert connection.execute(f"SELECT {dialect.literal(value)}").fetchone() == (value,)


@pytest.mark.parametrize("value", [True, 2**63, -(2**63) - 1, "\ud800"], ids=repr)
def test_what_cannot_be_a_key_is_refused(value: int | str) -> None:
    with pytest.raises(ValueError):
        dialect.literal(value)


RAW = [
    ("NULL", None),
    ("42", "42"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("''", ""),
    ("' 007 '", " 007 "),
    ("'a'||char(0)||'b'", "a\0b"),
    ("12.3", "12.3"),
    ("100.0", "100.0"),
    ("0.1 + 0.2", "0.30000000000000004"),
    ("1.0 / 3", "0.3333333333333333"),
    ("922337203685477.5807", "922337203685477.6"),
    ("1e20", "1.0e+20"),
    ("-1e999", "-Inf"),
    ("x'00fFAb'", "00ffab"),
    ("x''", ""),
]


@pytest.mark.parametrize(("value", "expected"), RAW, ids=[value for value, _ in RAW])
def test_raw_form(connection: sqlite3.Connection, value: str, expected: str | None) -> None:
    connection.execute("CREATE TABLE r (id int, x)")
    connection.execute(f"INSERT INTO r VALUES (1, {value})")
    query = dialect.extract_query("r", columns=["x"], key=["id"])
    assert connection.execute(query).fetchall() == [("",), (expected,)]


def test_columns_come_in_the_order_asked_and_missing_ones_are_null(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (Id int, A text)")
    connection.execute("INSERT INTO r VALUES (1, 'a')")
    query = dialect.extract_query("r", columns=["A", "Gone", "ID"], key=["ID"], missing={"Gone"})
    cursor = connection.execute(query)
    assert [column[0] for column in cursor.description] == ["A", "Gone", "ID"]
    assert cursor.fetchall() == [("", "", ""), ("a", None, "1")]


def test_a_column_that_is_not_there_is_an_error_not_its_own_name(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (Id int)")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        connection.execute(dialect.extract_query("r", columns=["Nope"], key=["Id"]))
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        connection.execute(dialect.extract_query("r", columns=["Id"], key=["Nope"]))


WITHIN = [
    ((None, None), [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (10, "a")]),
    (((1, "b"), None), [(1, "b"), (2, "a"), (2, "b"), (10, "a")]),
    ((None, (2, "b")), [(1, "a"), (1, "b"), (2, "a")]),
    (((1, "b"), (2, "b")), [(1, "b"), (2, "a")]),
    (((1, "aa"), (2, "A")), [(1, "b")]),
    (((2, "a"), (2, "a")), []),
    (((3, ""), (10, "a")), []),
]


@pytest.mark.parametrize(("bounds", "expected"), WITHIN)
def test_ranges_are_half_open(
    connection: sqlite3.Connection, bounds: tuple[Key | None, Key | None], expected: list[Key]
) -> None:
    connection.execute('CREATE TABLE r ("a b" int, "c\'d" text, PRIMARY KEY ("a b", "c\'d"))')
    connection.executemany("INSERT INTO r VALUES (?, ?)", [(10, "a"), (2, "b"), (2, "a"), (1, "b"), (1, "a")])
    query = dialect.extract_query("r", columns=["a b", "c'd"], key=["a b", "c'd"], within=KeyRange(*bounds))
    rows = connection.execute(query).fetchall()
    assert rows == [("", ""), *((str(number), text) for number, text in expected)]


def test_the_range_uses_the_index(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (a int, b text, PRIMARY KEY (a, b))")
    query = dialect.extract_query("r", columns=["a"], key=["a", "b"], within=KeyRange((1, "x"), (2, "y")))
    plan = " ".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "SEARCH t USING" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("rows", "batch_rows", "expected"),
    [(0, 3, []), (1, 3, [1]), (3, 3, [1]), (4, 3, [1, 4]), (7, 3, [1, 4, 7]), (3, 1, [1, 2, 3])],
)
def test_range_query_gives_the_first_key_of_every_batch(
    connection: sqlite3.Connection, rows: int, batch_rows: int, expected: list[int]
) -> None:
    connection.execute("CREATE TABLE r (n int, k0 text)")
    connection.executemany("INSERT INTO r VALUES (?, 'x')", [(i,) for i in range(rows, 0, -1)])
    cursor = connection.execute(dialect.range_query("r", key=["n", "k0"], batch_rows=batch_rows))
    assert [column[0] for column in cursor.description] == ["n", "n type", "k0", "k0 type"]
    assert cursor.fetchall() == [("",) * 4, *((str(i), "integer", "x", "text") for i in expected)]


def test_catalog_queries(connection: sqlite3.Connection) -> None:
    connection.execute('CREATE TABLE "it\'s" (b "nvarchar(max)" NOT NULL, a int, n, PRIMARY KEY (a, b))')
    connection.execute("CREATE TABLE Zzz (id integer PRIMARY KEY AUTOINCREMENT, half AS (id / 2))")
    connection.execute("CREATE TABLE sqliteish (x)")
    connection.execute("CREATE VIEW v AS SELECT 1")
    connection.execute("INSERT INTO sqliteish VALUES (NULL), (1)")
    assert connection.execute(dialect.tables_query()).fetchall() == [
        ("",),
        ("Zzz",),
        ("it's",),
        ("sqliteish",),
    ]
    assert connection.execute(dialect.columns_query("it's")).fetchall() == [
        ("", "", "", ""),
        ("b", "nvarchar(max)", "1", "2"),
        ("a", "INT", "0", "1"),
        ("n", "", "0", "0"),
    ]
    assert [row[0] for row in connection.execute(dialect.columns_query("Zzz"))] == ["", "id", "half"]
    assert connection.execute(dialect.columns_query("nope")).fetchall() == [("", "", "", "")]
    assert connection.execute(dialect.count_query("sqliteish")).fetchall() == [("",), ("2",)]
    assert connection.execute(dialect.keyless_query("sqliteish", key=["x"])).fetchall() == [("",), ("1",)]


@pytest.mark.parametrize("key", [[], ["a", "a"], list("abcdefghi")])
def test_impossible_keys_are_refused(key: list[str]) -> None:
    with pytest.raises(ValueError, match="a key has one to 8 columns"):
        dialect.extract_query("r", columns=["a"], key=key)
    with pytest.raises(ValueError, match="a key has one to 8 columns"):
        dialect.range_query("r", key=key, batch_rows=1)


def test_other_impossible_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one column"):
        dialect.extract_query("r", columns=[], key=["a"])
    with pytest.raises(ValueError, match="each once"):
        dialect.extract_query("r", columns=["a", "a"], key=["a"])
    with pytest.raises(ValueError, match="a key of 2 columns has as many values, not 1"):
        dialect.extract_query("r", columns=["a"], key=["a", "b"], within=KeyRange((1,)))
    with pytest.raises(ValueError, match="at least one row"):
        dialect.range_query("r", key=["a"], batch_rows=0)
