"""The SQLite dialect as text, run on Python's own SQLite: quoting, raw forms, ranges, limits, refusals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from pipeline.core.frame import UNFIT
from pipeline.core.sql import dialect as sql
from pipeline.core.sql.counting import Part, count_query
from pipeline.core.sql.described import by_constraint, by_table
from pipeline.core.sql.source import EVERY_KEY, Key, KeyRange, SourceColumn, SourceTable
from pipeline.core.sql.sqlite import SQLITE

K = SourceColumn("k", "int")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def described(connection: sqlite3.Connection, name: str = "r") -> SourceTable:
    """Describe a table by the dialect's own query."""
    return next(table for table in tables(connection) if table.name == name)


def tables(connection: sqlite3.Connection) -> tuple[SourceTable, ...]:
    _, *rows = connection.execute(SQLITE.tables_query()).fetchall()
    return by_table(dict(zip(sql.TABLES_COLUMNS, row, strict=True)) for row in rows)


def table(*columns: str) -> SourceTable:
    """Describe a table that need not be there."""
    return SourceTable("dbo", "r", tuple(SourceColumn(name, "int") for name in columns))


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
    assert SQLITE.quote(name) == quoted


def test_impossible_names_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        SQLITE.quote("a\0b")


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
    assert connection.execute(f"SELECT {SQLITE.literal(value, K)}").fetchone() == (value,)


@pytest.mark.parametrize("value", [True, 2**63, -(2**63) - 1, "\ud800"], ids=repr)
def test_what_cannot_be_a_key_is_refused(value: int | str) -> None:
    with pytest.raises(ValueError):
        SQLITE.literal(value, K)


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
    query = SQLITE.extract_query(described(connection), columns=["x"], key=["id"])
    assert connection.execute(query).fetchall() == [("",), (expected,)]


def test_columns_come_in_the_order_asked_and_missing_ones_are_null(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (Id int, A text)")
    connection.execute("INSERT INTO r VALUES (1, 'a')")
    query = SQLITE.extract_query(described(connection), columns=["A", "Gone", "ID"], key=["ID"])
    cursor = connection.execute(query)
    assert [column[0] for column in cursor.description] == ["A", "Gone", "ID"]
    assert cursor.fetchall() == [("", "", ""), ("a", None, "1")]


def test_a_column_that_went_since_it_was_described_is_an_error_not_its_own_name(
    connection: sqlite3.Connection,
) -> None:
    connection.execute("CREATE TABLE r (Id int)")
    stale = table("Id", "Nope")
    for columns, key in ((["Nope"], ["Id"]), (["Id"], ["Nope"])):
        with pytest.raises(sqlite3.OperationalError, match=r"no such column: t\.Nope"):
            connection.execute(SQLITE.extract_query(stale, columns=columns, key=key))
    with pytest.raises(sqlite3.OperationalError, match=r"no such column: t\.Nope"):
        connection.execute(SQLITE.range_query(stale, key=["Nope"], batch_rows=1))
    with pytest.raises(sqlite3.OperationalError, match=r"no such column: t\.Nope"):
        connection.execute(count_query(SQLITE, [Part(stale, absent=("Nope",))]))


def test_a_key_that_the_table_does_not_have_is_refused() -> None:
    for within in (EVERY_KEY, KeyRange((1,))):
        with pytest.raises(ValueError, match="table r has no column Nope"):
            SQLITE.extract_query(table("Id"), columns=["Id"], key=["Nope"], within=within)
    with pytest.raises(ValueError, match="table r has no column Nope"):
        SQLITE.range_query(table("Id"), key=["Nope"], batch_rows=1)
    with pytest.raises(ValueError, match="table r has no column Nope"):
        count_query(SQLITE, [Part(table("Id"), absent=("Nope",))])


def test_of_columns_that_differ_in_case_alone_only_the_exact_one_is_found() -> None:
    """SQLite itself has no such table; other engines do, and the description is common to all."""
    both = table("Id", "ID")
    assert [both.column(name).name for name in ("Id", "ID")] == ["Id", "ID"]
    assert both.find("id") is None
    assert table("Id").column("id").name == "Id"


def test_a_table_without_a_key_is_read_as_it_comes(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (x)")
    connection.executemany("INSERT INTO r VALUES (?)", [("b",), ("a",), ("a",)])
    query = SQLITE.extract_query(described(connection), columns=["x"], key=[])
    assert "ORDER BY" not in query
    assert connection.execute(query).fetchall() == [("",), ("b",), ("a",), ("a",)]


# Values too long to be fetched. The limit is 4: bytes in the source, of a text as of a blob.
OVERSIZED = [
    ("NULL", None, False),
    ("''", "", False),
    ("'abcd'", "abcd", False),
    ("'abcde'", None, True),
    ("'éé'", "éé", False),
    ("'ééa'", None, True),
    ("'😀'", "😀", False),
    ("'a'||char(0)||'bc'", "a\0bc", False),
    ("'a'||char(0)||'bcd'", None, True),
    ("x'00112233'", "00112233", False),
    ("x'0011223344'", None, True),
    ("1234", "1234", False),
    ("12345", None, True),
]


@pytest.mark.parametrize(("value", "expected", "is_too_long"), OVERSIZED, ids=[value for value, *_ in OVERSIZED])
def test_a_value_over_the_limit_is_null_and_its_column_named(
    connection: sqlite3.Connection, value: str, expected: str | None, is_too_long: bool
) -> None:
    connection.execute("CREATE TABLE r (id int, x)")
    connection.execute(f"INSERT INTO r VALUES (1, {value})")
    query = SQLITE.extract_query(
        described(connection), columns=["id", "x"], key=["id"], limited=["x"], max_value_bytes=4
    )
    cursor = connection.execute(query)
    assert [column[0] for column in cursor.description] == ["id", "x", UNFIT]
    assert cursor.fetchall() == [("", "", ""), ("1", expected, "over max_value_bytes: x" if is_too_long else None)]


def test_each_row_names_its_own_column_that_is_too_long(connection: sqlite3.Connection) -> None:
    connection.execute('CREATE TABLE r (id int, "it\'s" text, b text)')
    connection.executemany(
        "INSERT INTO r VALUES (?, ?, ?)",
        [(1, "short", "short"), (2, "too long", "short"), (3, "short", "too long"), (4, "too long", "too long")],
    )
    query = SQLITE.extract_query(
        described(connection), columns=["it's", "b"], key=["id"], limited=["it's", "b"], max_value_bytes=5
    )
    assert connection.execute(query).fetchall()[1:] == [
        ("short", "short", None),
        (None, "short", "over max_value_bytes: it's"),
        ("short", None, "over max_value_bytes: b"),
        (None, None, "over max_value_bytes: it's; over max_value_bytes: b"),
    ]


def test_what_is_not_limited_is_fetched_whatever_its_length(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (id int, x text)")
    connection.execute("INSERT INTO r VALUES (1, 'abc')")
    whole = described(connection)
    not_named = SQLITE.extract_query(whole, columns=["x"], key=["id"], max_value_bytes=1)
    assert connection.execute(not_named).fetchall() == [("", ""), ("abc", None)]
    no_limit = SQLITE.extract_query(whole, columns=["x"], key=["id"], limited=["x"])
    assert connection.execute(no_limit).fetchall() == [("",), ("abc",)]
    gone = SQLITE.extract_query(whole, columns=["Gone"], key=["id"], limited=["Gone"], max_value_bytes=1)
    assert connection.execute(gone).fetchall() == [("", ""), (None, None)]


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
    query = SQLITE.extract_query(
        described(connection), columns=["a b", "c'd"], key=["a b", "c'd"], within=KeyRange(*bounds)
    )
    rows = connection.execute(query).fetchall()
    assert rows == [("", ""), *((str(number), text) for number, text in expected)]


def test_the_range_uses_the_index(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (a int, b text, PRIMARY KEY (a, b))")
    within = KeyRange((1, "x"), (2, "y"))
    query = SQLITE.extract_query(described(connection), columns=["a"], key=["a", "b"], within=within)
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
    cursor = connection.execute(SQLITE.range_query(described(connection), key=["n", "k0"], batch_rows=batch_rows))
    assert [column[0] for column in cursor.description] == ["n", "#storage:n", "k0", "#storage:k0"]
    assert cursor.fetchall() == [("",) * 4, *((str(i), "integer", "x", "text") for i in expected)]


def test_catalog_queries(connection: sqlite3.Connection) -> None:
    connection.execute(
        'CREATE TABLE "it\'s" (b "nvarchar(max)" COLLATE NOCASE NOT NULL, a int, n COLLATE RTRIM UNIQUE, '
        "PRIMARY KEY (a, b))"
    )
    connection.execute("CREATE TABLE Zzz (id integer PRIMARY KEY AUTOINCREMENT, half AS (id / 2))")
    connection.execute("CREATE TABLE sqliteish (x)")
    connection.execute("CREATE VIEW v AS SELECT 1")
    connection.execute("INSERT INTO sqliteish VALUES (NULL), (1)")
    connection.execute("INSERT INTO \"it's\" VALUES ('x', 1, NULL)")
    assert connection.execute(SQLITE.tables_query()).fetchall() == [
        ("",) * 10,
        ("dbo", "Zzz", "id", "INTEGER", "0", "1", "1", "0", "", "0"),
        ("dbo", "Zzz", "half", "", "0", "0", "1", "0", "", "0"),
        ("dbo", "it's", "b", "nvarchar(max)", "1", "2", "0", "0", "", "0"),
        ("dbo", "it's", "a", "INT", "0", "1", "1", "0", "", "0"),
        ("dbo", "it's", "n", "", "0", "0", "1", "1", "", "0"),
        ("dbo", "sqliteish", "x", "", "0", "0", "1", "0", "", "0"),
    ]
    assert described(connection, "it's").key == ("a", "b")
    assert described(connection, "it's").columns[1] == SourceColumn(
        "a", "int", nullable=True, key_position=1, case_sensitive=True
    )
    ish, other = described(connection, "sqliteish"), described(connection, "it's")
    assert ish.key == ()
    assert connection.execute(count_query(SQLITE, [Part(ish)])).fetchall() == [("", ""), ("0", "2")]
    assert connection.execute(count_query(SQLITE, [Part(ish, absent=("x",))])).fetchall() == [("", ""), ("0", "1")]
    both = count_query(SQLITE, [Part(other), Part(ish, absent=("x",)), Part(other, absent=("a", "n"))])
    assert connection.execute(both).fetchall() == [("", ""), ("0", "1"), ("1", "1"), ("2", "1")]


def test_foreign_keys_are_listed_column_by_column(connection: sqlite3.Connection) -> None:
    connection.execute('CREATE TABLE P (a int, "b c" int, PRIMARY KEY (a, "b c"))')
    connection.execute('CREATE TABLE C (x int, y int REFERENCES P, FOREIGN KEY (y, x) REFERENCES P (a, "b c"))')
    connection.execute("CREATE TABLE D (z REFERENCES p (A), w REFERENCES nowhere, ö REFERENCES Ä, Ö REFERENCES ä (Id))")
    connection.execute("CREATE TABLE ä (id int PRIMARY KEY)")
    _, *rows = connection.execute(SQLITE.foreign_keys_query()).fetchall()
    named = (dict(zip(sql.FOREIGN_KEY_COLUMNS, row, strict=True)) for row in rows)
    found = by_constraint(named, tables(connection), SQLITE.same_name)
    assert {(key.child, key.columns, key.parent, key.parent_columns) for key in found} == {
        (("dbo", "C"), ("y", "x"), ("dbo", "P"), ("a", "b c")),
        (("dbo", "C"), ("y",), ("dbo", "P"), ("a", "b c")),
        # SQLite takes names for one that differ in the case of ASCII letters.
        (("dbo", "D"), ("z",), ("dbo", "P"), ("a",)),
        (("dbo", "D"), ("w",), ("dbo", "nowhere"), ()),
        (("dbo", "D"), ("ö",), ("dbo", "Ä"), ()),
        (("dbo", "D"), ("Ö",), ("dbo", "ä"), ("id",)),
    }


def test_storage_is_told_column_by_column(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE r (x, y text)")
    connection.executemany("INSERT INTO r VALUES (?, ?)", [(1, "a"), (2.5, "b"), (b"", None), (1, "c")])
    _, *rows = connection.execute(SQLITE.storage_query(described(connection))).fetchall()
    assert sorted(rows) == [("0", "blob"), ("0", "integer"), ("0", "real"), ("1", "null"), ("1", "text")]


@pytest.mark.parametrize("key", [["a", "a"], list("abcdefghi")])
def test_impossible_keys_are_refused(key: list[str]) -> None:
    with pytest.raises(ValueError, match="a key has one to 8 columns"):
        SQLITE.extract_query(table(*"abcdefghi"), columns=["a"], key=key)


@pytest.mark.parametrize("key", [[], ["a", "a"], list("abcdefghi")])
def test_impossible_keys_cut_no_ranges(key: list[str]) -> None:
    with pytest.raises(ValueError, match="a key has one to 8 columns"):
        SQLITE.range_query(table(*"abcdefghi"), key=key, batch_rows=1)


def test_other_impossible_queries_are_refused() -> None:
    r = table("a", "b")
    with pytest.raises(ValueError, match="at least one column"):
        SQLITE.extract_query(r, columns=[], key=["a"])
    with pytest.raises(ValueError, match="each once"):
        SQLITE.extract_query(r, columns=["a", "a"], key=["a"])
    with pytest.raises(ValueError, match="a key of 2 columns has as many values, not 1"):
        SQLITE.extract_query(r, columns=["a"], key=["a", "b"], within=KeyRange((1,)))
    with pytest.raises(ValueError, match="at least one row"):
        SQLITE.range_query(r, key=["a"], batch_rows=0)


def test_a_column_that_an_entry_calls_by_anothers_name_is_found_before_that_one() -> None:
    columns = (SourceColumn("c", "text"), SourceColumn("Z", "text"))
    table = SourceTable("dbo", "t", columns).spelled({"c": "Z"})
    assert table.column("c").name == "Z"
    assert SourceTable("dbo", "t", columns[:1]).spelled({"c": "Z"}).find("c") is None
