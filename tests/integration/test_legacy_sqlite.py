"""Real SQLite files through ConnectorX: every value as text, every row once, every fault by name."""

from __future__ import annotations

import math
import random
from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.core.frame import UNFIT
from pipeline.core.sql.source import ForeignKey, KeyRange, SourceColumn, SourceTable
from pipeline.errors import SourceDrift, SourceError
from tests.support.sqlite_files import build, table_of

DECLARED = [
    "int",
    "bit",
    "datetime",
    "decimal(18,2)",
    "decimal(10,2)",
    "nvarchar(max)",
    "nvarchar(128)",
    "nvarchar(256)",
    "varchar(max)",
    "uniqueidentifier",
    "",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "legacy.sqlite"


MIXED: list[object] = [
    None,
    1,
    0,
    -5,
    12.3,
    "",
    "text",
    "2020-01-02 03:04:05.007",
    "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
]
COLUMNS: dict[str, tuple[list[object], list[str | None]]] = {
    "empty table": ([], []),
    "all NULL": ([None] * 3, [None] * 3),
    "first row NULL": ([None, "a"], [None, "a"]),
    "first row empty": (["", "a", None], ["", "a", None]),
    "mixed": (MIXED, [None if value is None else str(value) for value in MIXED]),
    "mixed, backwards": (MIXED[::-1], [None if value is None else str(value) for value in MIXED[::-1]]),
    "NUL in text": (["a\0b", "\0", "c\0"], ["a\0b", "\0", "c\0"]),
    "not ASCII": (["Zoë", "日本", "😀", "e\u0301", "\ufeff"], ["Zoë", "日本", "😀", "e\u0301", "\ufeff"]),
    "blobs": ([b"\x00\xff", b"", b"abc"], ["00ff", "", "616263"]),
    "blanks and breaks": ([" a ", "\r\n", "\t"], [" a ", "\r\n", "\t"]),
    "wide integers": ([2**63 - 1, -(2**63)], ["9223372036854775807", "-9223372036854775808"]),
}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize(("values", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_every_declared_type_holds_anything(
    path: Path, declared: str, values: list[object], expected: list[str | None]
) -> None:
    kind = f'"{declared}"' if declared else ""
    database = build(path, f"CREATE TABLE t (id int PRIMARY KEY, x {kind})", rows=list(enumerate(values)))
    table = database.read(table_of(database), columns=["id", "x"], key=["id"])
    assert table.schema == pa.schema([("id", pa.string()), ("x", pa.string())])
    assert table["id"].to_pylist() == [str(i) for i in range(len(values))]
    assert table["x"].to_pylist() == expected


def test_reals_keep_every_bit(path: Path) -> None:
    generator = random.Random(14)
    values = [
        0.1 + 0.2,
        1 / 3,
        math.pi,
        12.30,
        99999999999999.98,
        922337203685477.58,
        2.5e-15,
        1e22,
        *(round(generator.uniform(-1e9, 1e9), 2) for _ in range(5_000)),
        *(
            generator.choice((-1, 1)) * generator.uniform(0.1, 1) * 10 ** generator.randint(-79, 79)
            for _ in range(5_000)
        ),
    ]
    database = build(path, "CREATE TABLE t (id int PRIMARY KEY, x real)", rows=list(enumerate(values)))
    texts = database.read(table_of(database), columns=["x"], key=["id"])["x"].to_pylist()
    assert [float(text) for text in texts] == values
    assert texts[:5] == [
        "0.30000000000000004",
        "0.3333333333333333",
        "3.141592653589793",
        "12.3",
        "99999999999999.98",
    ]


NAMES = [
    "Student DOB",
    'say "hi"',
    "it's",
    "[x]",
    "a]b",
    "order",
    "Größe",
    "学生",
    "a;--",
    "a.b",
    "%s",
    "{x}",
    "ID",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_read(path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    database = build(
        path,
        f"CREATE TABLE {quoted} ({quoted} int NOT NULL PRIMARY KEY)",
        f"INSERT INTO {quoted} VALUES (3), (1), (2)",
    )
    t = SourceTable("dbo", name, (SourceColumn(name, "int", nullable=False, key_position=1),))
    assert database.tables() == (t,)
    assert database.table("dbo", name) == t
    assert database.count(t) == [3]
    ranges = database.cut_ranges(t, key=[name], batch_rows=2)
    assert ranges == (KeyRange(None, (3,)), KeyRange((3,), None))
    read = [database.read(t, columns=[name], key=[name], within=within) for within in ranges]
    assert [table[name].to_pylist() for table in read] == [["1", "2"], ["3"]]


@pytest.mark.parametrize("name", ["a b.sqlite", "a#b", "a%20b", "Zoë.db", "it's", "a&b=c;d", "file:x"])
def test_any_file_name_can_be_read(tmp_path: Path, name: str) -> None:
    database = build(tmp_path / name, "CREATE TABLE t (id int)", rows=[(1,)])
    assert database.count(table_of(database)) == [1]
    assert [path.name for path in tmp_path.iterdir()] == [name]


KEYS: dict[str, tuple[str, Sequence[tuple[object, ...]]]] = {
    "integers": ("k0 int PRIMARY KEY", [(i * 3 - 50,) for i in range(100)]),
    "one row": ("k0 int PRIMARY KEY", [(7,)]),
    "no rows": ("k0 int PRIMARY KEY", []),
    "wide integers": (
        "k0 int PRIMARY KEY",
        [(2**63 - 1 - i,) for i in range(20)] + [(-(2**63) + i,) for i in range(20)],
    ),
    "text": ('k0 "nvarchar(128)" PRIMARY KEY', [(f"k{i}",) for i in range(100)]),
    "text as digits": ('k0 "nvarchar(128)" PRIMARY KEY', [(str(i),) for i in range(100)]),
    "text without regard to case": (
        'k0 "nvarchar(128)" COLLATE NOCASE PRIMARY KEY',
        [(f"{letter}{i}",) for i in range(30) for letter in "aBcD"],
    ),
    "odd text": (
        "k0 text PRIMARY KEY",
        [(x + y,) for x in "'\"\0é😀 %" for y in ("", "'", "\0", "''", "z", "\0z")],
    ),
    "empty text": ("k0 text PRIMARY KEY", [("",), ("a",), ("b",)]),
    "GUIDs": (
        "k0 uniqueidentifier PRIMARY KEY",
        [(f"{i * 7919 % 100:08x}-0000-0000-0000-000000000000",) for i in range(99)],
    ),
    "integers and text in one column": (
        "k0 PRIMARY KEY",
        [(i,) for i in range(20)] + [(str(i),) for i in range(20)],
    ),
    "two columns": ("k0 text, k1 int, PRIMARY KEY (k0, k1)", [(f"u{i % 7}", i % 11) for i in range(77)]),
    "three columns": (
        "k0 int, k1 text, k2 int, PRIMARY KEY (k0, k1, k2)",
        [(i, f"{j}'", k) for i in range(4) for j in range(4) for k in range(4)],
    ),
    "eight columns": (
        ", ".join(f"k{i} int" for i in range(8)),
        [tuple(n >> i & 1 for i in range(8)) for n in range(256)],
    ),
    "repeated": ("k0 int", [(i // 10,) for i in range(50)]),
    "all the same": ("k0 int", [(1,)] * 30),
}


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
@pytest.mark.parametrize(("declared", "keys"), KEYS.values(), ids=KEYS)
def test_ranges_hold_every_row_once(
    path: Path, declared: str, keys: Sequence[tuple[object, ...]], batch_rows: int
) -> None:
    database = build(path, f"CREATE TABLE t ({declared})", rows=random.Random(1).sample(keys, len(keys)))
    names = [f"k{i}" for i in range(len(keys[0]) if keys else 1)]
    ranges = database.cut_ranges(table_of(database), key=names, batch_rows=batch_rows)
    assert (ranges[0].lower, ranges[-1].upper) == (None, None)
    assert all(one.upper == next_.lower is not None for one, next_ in pairwise(ranges))
    read = [database.read(table_of(database), columns=names, key=names, within=within) for within in ranges]
    rows = [tuple(row.values()) for table in read for row in table.to_pylist()]
    assert sorted(rows) == sorted(tuple(map(str, key)) for key in keys)
    assert database.count(table_of(database)) == [len(keys)]
    whole = database.read(table_of(database), columns=names, key=names)
    assert [tuple(row.values()) for row in whole.to_pylist()] == rows
    if "repeated" not in declared and len(set(keys)) == len(keys):
        assert {table.num_rows for table in read[:-1]} <= {batch_rows}
        assert read[-1].num_rows <= batch_rows


@pytest.mark.parametrize(
    ("value", "message"),
    [(None, "rows have no key"), (1.5, "holds real values"), (b"x", "holds blob values")],
    ids=["NULL", "real", "blob"],
)
def test_keys_that_cannot_be_ranged_are_refused(path: Path, value: object, message: str) -> None:
    database = build(path, "CREATE TABLE t (k)", rows=[(1,), (value,)])
    with pytest.raises(SourceDrift, match=message) as caught:
        database.cut_ranges(table_of(database), key=["k"], batch_rows=1)
    assert caught.value.where == "source district_a, table t"


def test_missing_columns_are_null(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(1,), (2,)])
    table = database.read(table_of(database), columns=["Email", "id"], key=["id"], missing={"Email"})
    assert table.to_pydict() == {"Email": [None, None], "id": ["1", "2"]}
    assert table.schema.field("Email").type == pa.string()


def test_columns_are_described(path: Path) -> None:
    database = build(
        path,
        'CREATE TABLE t ("RoleId" "nvarchar(128)" NOT NULL, "UserId" "nvarchar(128)" NOT NULL,'
        ' "Note" "nvarchar(max)", "Rate" "decimal(18,2)", PRIMARY KEY ("UserId", "RoleId"))',
        "CREATE TABLE other (x)",
        "CREATE VIEW v AS SELECT 1",
    )
    assert [(t.schema, t.name) for t in database.tables()] == [("dbo", "other"), ("dbo", "t")]
    t = table_of(database)
    assert t.columns == (
        SourceColumn("RoleId", "nvarchar(128)", nullable=False, key_position=2),
        SourceColumn("UserId", "nvarchar(128)", nullable=False, key_position=1),
        SourceColumn("Note", "nvarchar(max)", nullable=True, key_position=None),
        SourceColumn("Rate", "decimal(18,2)", nullable=True, key_position=None),
    )
    assert t.key == ("UserId", "RoleId")
    assert table_of(database, "other").key == ()


def test_foreign_keys_are_described(path: Path) -> None:
    database = build(
        path,
        "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b))",
        "CREATE TABLE t (y int, x int, FOREIGN KEY (x, y) REFERENCES p (a, b))",
    )
    assert database.foreign_keys() == (ForeignKey("fk0", ("dbo", "t"), ("x", "y"), ("dbo", "p"), ("a", "b")),)


def test_how_values_are_stored_is_told(path: Path) -> None:
    database = build(path, "CREATE TABLE t (k, x)", rows=[(1, "a"), (2.5, None), (b"x", "b")])
    assert database.storage(table_of(database)) == {"k": {"integer", "real", "blob"}, "x": {"text", "null"}}


def test_a_table_is_found_whatever_the_case_of_its_name(path: Path) -> None:
    database = build(path, "CREATE TABLE Student (Id int)", "INSERT INTO Student VALUES (1)")
    found = database.table("DBO", "STUDENT")
    assert found.name == "Student"
    assert database.read(found, columns=["ID"], key=["ID"]).to_pydict() == {"ID": ["1"]}
    assert database.find("other", "Student") is None


def test_tables_are_counted_in_one_go_however_many(path: Path) -> None:
    statements = [f"CREATE TABLE t{i:03} (x)" for i in range(120)]
    fill = [f"INSERT INTO t{i:03} SELECT value FROM json_each('[{','.join('1' * (i % 4))}]')" for i in range(120)]
    database = build(path, *statements, *fill)
    assert database.count(*database.tables()) == [i % 4 for i in range(120)]
    assert database.count() == []


def test_a_database_without_tables_has_none(path: Path) -> None:
    database = build(path, "CREATE TABLE t (x)", "DROP TABLE t")
    assert database.tables() == ()


def test_what_the_source_lacks_is_named(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)")
    with pytest.raises(SourceDrift, match=r"source district_a, table nope: there is no such table"):
        database.table("dbo", "nope")
    with pytest.raises(SourceDrift, match="table nope: there is no such table"):
        database.count(SourceTable("dbo", "nope", (SourceColumn("id", "int"),)))
    with pytest.raises(SourceDrift, match="table t: there is no column Student DOB"):
        database.read(table_of(database), columns=["id", "Student DOB"], key=["id"])


LONG = 1 << 20


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_a_value_over_the_limit_is_named_and_one_at_the_limit_arrives(path: Path, encoding: str) -> None:
    """The limit counts bytes as the source stores them: two for each of these letters, in either encoding."""
    rows: list[tuple[object, ...]] = [
        (1, "é" * LONG, b"x"),
        (2, "é" * (LONG + 1), b"x"),
        (3, None, b"\xff" * 2 * LONG),
        (4, "é", b"\xff" * (2 * LONG + 1)),
        (5, "é" * LONG * 2, b"\xff" * LONG * 3),
        (6, "", b""),
    ]
    database = build(path, f"PRAGMA encoding = '{encoding}'", "CREATE TABLE t (id int, x text, y blob)", rows=rows)
    found = database.read(
        table_of(database), columns=["id", "x", "y"], key=["id"], limited=["x", "y"], max_value_bytes=2 * LONG
    )
    assert found.column_names == ["id", "x", "y", UNFIT]
    assert found.schema.types == [pa.string()] * 4
    over_x, over_y = "over max_value_bytes: x", "over max_value_bytes: y"
    assert found[UNFIT].to_pylist() == [None, over_x, None, over_y, f"{over_x}; {over_y}", None]
    assert found["x"].to_pylist() == ["é" * LONG, None, None, "é", None, ""]
    assert found["y"].to_pylist() == ["78", "78", "ff" * 2 * LONG, None, None, ""]


def test_where_nothing_is_too_long_the_column_that_would_say_so_is_null(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int, x text)", rows=[(1, "a"), (2, None)])
    t = table_of(database)
    for limited in ((), ("x",)):
        found = database.read(t, columns=["x"], key=["id"], limited=limited, max_value_bytes=1)
        assert found.to_pydict() == {"x": ["a", None], UNFIT: [None, None]}
        assert found.schema.types == [pa.string()] * 2


def test_a_table_without_a_key_is_one_range(path: Path) -> None:
    database = build(path, "CREATE TABLE t (x)", rows=[("b",), ("a",), (None,), ("a",)])
    t = table_of(database)
    (whole,) = database.cut_ranges(t, key=[], batch_rows=1)
    assert whole == KeyRange(None, None)
    read = database.read(t, columns=["x"], key=[], within=whole)["x"].to_pylist()
    assert sorted(read, key=str) == [None, "a", "a", "b"]


def test_undecodable_text_is_named_and_not_shown(path: Path) -> None:
    database = build(
        path,
        "CREATE TABLE t (id int, good text, bad text)",
        "INSERT INTO t VALUES (1, 'fine', 'fine'), (2, 'fine', CAST(x'5365637265742dff' AS TEXT))",
    )
    with pytest.raises(SourceError, match=r"table t: column bad holds text that is not valid") as caught:
        database.read(table_of(database), columns=["id", "good", "bad"], key=["id"])
    assert "Secret" not in str(caught.value)
    assert database.read(table_of(database), columns=["id", "good"], key=["id"]).num_rows == 2


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_other_encodings_are_read(path: Path, encoding: str) -> None:
    database = build(path, f"PRAGMA encoding = '{encoding}'", "CREATE TABLE t (id text)", rows=[("ä\0'",), ("日本😀",)])
    within = KeyRange(("ä\0'",), ("日本😀",))
    assert database.read(table_of(database), columns=["id"], key=["id"], within=within)["id"].to_pylist() == ["ä\0'"]


@pytest.mark.parametrize(("encoding", "half"), [("UTF-16le", "61003dd86200"), ("UTF-16be", "0061d83d0062")])
def test_half_a_surrogate_pair_is_no_other_letter(path: Path, encoding: str, half: str) -> None:
    """SQLite itself makes one letter of the half and what follows it."""
    insert = f"INSERT INTO t VALUES (1, CAST(x'{half}' AS TEXT)), (2, 'a😀b'), (3, 7), (4, NULL)"
    database = build(path, f"PRAGMA encoding = '{encoding}'", "CREATE TABLE t (id int, x text)", insert)
    found = database.read(table_of(database), columns=["x"], key=["id"], max_value_bytes=100)
    kept = b64encode(bytes.fromhex(half)).decode()
    assert found["x"].to_pylist() == [kept, "a😀b", "7", None]
    assert found[UNFIT].to_pylist() == ["no text, kept as base64: x", None, None, None]
    with pytest.raises(SourceError, match="table t: column x holds text that is not valid"):
        database.read(table_of(database), columns=["x"], key=["id"])
