"""Real SQLite files through ConnectorX: every value as text, every row once, every fault by name."""

from __future__ import annotations

import math
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr

from pipeline.core.quality import UNFIT
from pipeline.core.sql.dialect import ForeignKey, KeyRange, SourceColumn, SourceTable
from pipeline.errors import (
    MigrationError,
    SourceChanged,
    SourceDrift,
    SourceError,
    SourceMissing,
    SourceUnreachable,
)
from pipeline.settings import Source
from pipeline.stores.legacy import LegacyDatabase

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


def opened(path: Path, **settings: object) -> LegacyDatabase:
    return LegacyDatabase(source_at(path, **settings))


def source_at(path: Path, **settings: object) -> Source:
    return Source(
        id="district_a",
        kind="district",
        tenant=1,
        title="District A",
        dsn=SecretStr(f"sqlite://{path}"),
        tenant_zone="America/Chicago",
        host_zone="America/Chicago",
        **{"consistency": "snapshot", **settings},
    )


def build(path: Path, *statements: str, rows: Sequence[Sequence[object]] = ()) -> LegacyDatabase:
    """Make a database by statements; `rows` go into table t."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    if rows:
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return opened(path)


def table_of(database: LegacyDatabase, name: str = "t") -> SourceTable:
    return database.table("dbo", name)


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


def test_a_missing_file_is_not_created(path: Path) -> None:
    database = opened(path)
    for ask in (database.tables, database.foreign_keys, lambda: database.fingerprint(())):
        with pytest.raises(SourceMissing, match="there is no file"):
            ask()
    with pytest.raises(SourceMissing, match="there is no file"):
        opened(path, consistency="live").tables()
    assert not path.exists()


BROKEN = {
    "no bytes": (b"", "is not a SQLite database"),
    "other bytes": (b"PK\x03\x04" * 1000, "is not a SQLite database"),
    "cut in the header": (b"SQLite format 3\0" + b"\0" * 84, "."),
}


@pytest.mark.parametrize(("contents", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_database_is_refused(path: Path, contents: bytes, message: str) -> None:
    path.write_bytes(contents)
    with pytest.raises(SourceError, match=message):
        opened(path).tables()


def test_a_copy_cut_short_is_refused(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(i,) for i in range(5000)])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match="is cut short"):
        database.tables()
    with pytest.raises(SourceError, match="is cut short"):
        database.fingerprint(())


def test_a_damaged_page_is_an_error(path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(i,) for i in range(5000)])
    contents = bytearray(path.read_bytes())
    contents[4096:8192] = b"\xff" * 4096
    path.write_bytes(contents)
    with pytest.raises(SourceError, match=r"district_a, table t: .*malformed"):
        database.count(table_of(database))


def test_the_source_is_only_read(path: Path, tmp_path: Path) -> None:
    database = build(path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (id int PRIMARY KEY)", rows=[(1,)])
    before = database.fingerprint(database.tables()), path.stat().st_mtime_ns
    tmp_path.chmod(0o555)
    path.chmod(0o444)
    assert database.read(table_of(database), columns=["id"], key=["id"]).num_rows == 1
    tmp_path.chmod(0o755)
    assert (database.fingerprint(database.tables()), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_database_being_written_is_refused(path: Path, mode: str) -> None:
    database = build(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (id int)")
    before = database.fingerprint(database.tables())
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(5000)])
    if mode == "WAL":
        writer.execute("COMMIT")
    with pytest.raises(SourceError, match="not in the file yet"):
        database.count(table_of(database))
    with pytest.raises(SourceChanged, match="not in the file yet"):
        database.confirm_unchanged(database.tables, before=before)
    writer.close()


def test_a_live_database_is_read_while_another_writes(path: Path) -> None:
    build(path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (id int)", rows=[(1,)])
    database = opened(path, consistency="live")
    t, before = table_of(database), database.fingerprint(database.tables())
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("INSERT INTO t VALUES (2)")
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    assert database.read(t, columns=["id"], key=["id"])["id"].to_pylist() == ["1", "2"]
    writer.execute("BEGIN")
    writer.execute("INSERT INTO t VALUES (3)")
    assert database.count(t) == [2]
    writer.execute("COMMIT")
    assert database.count(t) == [3]
    assert database.fingerprint(database.tables()) == before, "of a live source only the description is promised"
    writer.execute("ALTER TABLE t ADD COLUMN x")
    again = opened(path, consistency="live")
    assert again.fingerprint(again.tables()) != before
    writer.close()


def test_leftovers_of_finished_transactions_do_no_harm(path: Path) -> None:
    database = build(path, "PRAGMA journal_mode = PERSIST", "CREATE TABLE t (id int)", rows=[(1,)])
    assert path.with_name(path.name + "-journal").stat().st_size > 0
    assert database.count(table_of(database)) == [1]


def test_the_fingerprint_is_of_the_contents(path: Path, tmp_path: Path) -> None:
    database = build(path, "CREATE TABLE t (id int)", rows=[(1,)])
    before = database.fingerprint(database.tables())
    assert before.startswith("sha256:")
    copy = opened(Path(shutil.copyfile(path, tmp_path / "copy.sqlite")))
    copy.confirm_unchanged(copy.tables, before=before)
    build(path, "UPDATE t SET id = 2")
    with pytest.raises(SourceChanged, match="changed while it was read"):
        database.confirm_unchanged(database.tables, before=before)


class PanicException(BaseException):
    """Stands for the one of ConnectorX, which cannot be imported."""


RAISED = {
    "panic": (
        PanicException('called `unwrap()` on "Ada Lovelace"\nnote: run with RUST_BACKTRACE'),
        SourceError,
        "district_a, table t: ConnectorX panicked: called ... on ...$",
    ),
    "login": (RuntimeError("no route to postgresql://u:s3cret@h/d"), SourceError, r"postgresql://\*\*\*@h/d"),
    "time-out": (RuntimeError("timed out waiting for connection: x"), SourceUnreachable, "timed out"),
}


@pytest.mark.parametrize(("raised", "expected", "message"), RAISED.values(), ids=RAISED)
def test_what_the_driver_raises_is_translated(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    expected: type[MigrationError],
    message: str,
) -> None:
    def fail(*_: object, **__: object) -> pa.Table:
        raise raised

    database = build(path, "CREATE TABLE t (id int)")
    t = table_of(database)
    monkeypatch.setattr("connectorx.read_sql", fail)
    with pytest.raises(expected, match=message) as caught:
        database.count(t)
    assert caught.value.__suppress_context__
    assert "s3cret" not in str(caught.value)
    with pytest.raises(expected, match=r"source district_a: "):
        opened(path).tables()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interruption_passes(path: Path, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]) -> None:
    def interrupt(*_: object, **__: object) -> pa.Table:
        raise raised

    database = build(path, "CREATE TABLE t (id int)")
    monkeypatch.setattr("connectorx.read_sql", interrupt)
    with pytest.raises(raised):
        database.tables()


UNTYPED = {
    "no rows": pa.table({"id": pa.array([], pa.string()), "x": pa.array([], pa.string())}),
    "no sentinel": pa.table({"id": ["5"], "x": ["a"]}),
    "half a sentinel": pa.table({"id": ["", "5"], "x": ["a", "a"]}),
    "a null first": pa.table({"id": pa.array([None, "5"]), "x": pa.array([None, "a"])}),
    "not text": pa.table({"id": [0, 5], "x": ["", "a"]}),
    "no type": pa.table({"id": ["", "5"], "x": pa.nulls(2)}),
    "a column too few": pa.table({"id": ["", "5"]}),
    "a column too many": pa.table({"id": ["", "5"], "x": ["", "a"], "y": ["", "a"]}),
}


@pytest.mark.parametrize("result", UNTYPED.values(), ids=UNTYPED)
def test_a_result_of_another_form_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, result: pa.Table) -> None:
    database = build(path, "CREATE TABLE t (id int, x text)")
    t = table_of(database)
    monkeypatch.setattr("connectorx.read_sql", lambda *_, **__: result)
    with pytest.raises(SourceError, match=r"table t: .*(sentinel row|text columns)"):
        database.read(t, columns=["id", "x"], key=["id"])


def test_columns_are_called_as_asked_whatever_the_driver_calls_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = build(path, "CREATE TABLE t (id int, x text)")
    t = table_of(database)
    result = pa.table({"ID": pa.array(["", "5"], pa.large_string()), "?column?": ["", "a"]})
    monkeypatch.setattr("connectorx.read_sql", lambda *_, **__: result)
    found = database.read(t, columns=["id", "x"], key=["id"], rows=1)
    assert found.to_pydict() == {"id": ["5"], "x": ["a"]}
    assert found.schema == pa.schema([("id", pa.string()), ("x", pa.string())])


def test_nothing_is_written_to_stderr(path: Path) -> None:
    """A panic of the real driver (no file descriptors left), in a process of its own."""
    build(path, "CREATE TABLE t (id int)")
    program = f"""
        import resource
        from pathlib import Path
        from pydantic import SecretStr
        from pipeline.errors import SourceError
        from pipeline.settings import Source
        from pipeline.stores import readers
        from pipeline.stores.legacy import LegacyDatabase
        read_sql = readers.connectorx.read_sql
        def exhausted(url, *args, **kwargs):
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            return read_sql("mssql://sa:s3cret@127.0.0.1:1/x", *args, **kwargs)
        source = Source.model_validate(dict(id="a", kind="login", name="A", dsn="sqlite://{path}",
            tenant_zone="UTC", host_zone="UTC", consistency="frozen"))
        database = LegacyDatabase(source)
        t = database.table("dbo", "t")
        readers.connectorx.read_sql = exhausted
        try:
            database.count(t)
        except SourceError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"RUST_BACKTRACE": "full", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.startswith("source a, table t: ConnectorX panicked: ")
    assert "s3cret" not in done.stdout + done.stderr
    assert "stack backtrace" not in done.stderr
