"""Values that are stored as what their column is not, and text that is none: set aside by column and key, never changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.drafted import drafted
from tests.support.servers import Postgres
from tests.support.small import small

ENTRIES = """
[Thing]
source = "district"
engine = "sqlite"
key = ["id"]
target = "things"
[Thing.columns]
id    = { type = "integer" }
name  = { type = "text", to = "name", case_sensitive = true }
photo = { type = "blob", to = "photo" }
price = { type = "text", to = "price" }

[Part]
source = "district"
engine = "sqlite"
key = ["thing_id", "n"]
target = "parts"
[Part.columns]
thing_id = { type = "integer", to = "thing_id", references = "student.Thing", required = true }
n        = { type = "text", case_sensitive = true }
"""
A = """
CREATE TABLE Thing (id PRIMARY KEY, name, photo, price DECIMAL(8,2));
CREATE TABLE Part (thing_id, n, PRIMARY KEY (thing_id, n));
INSERT INTO Thing VALUES (1, 'hello', NULL, 7), (2, '68656c6c6f', x'ffd8', 7.5);
INSERT INTO Part VALUES (1, '1'), (2, 'x');
"""
B = """
CREATE TABLE Thing (id PRIMARY KEY, name, photo, price DECIMAL(8,2));
CREATE TABLE Part (thing_id, n, PRIMARY KEY (thing_id, n));
INSERT INTO Thing VALUES
    (1, x'68656c6c6f', NULL, 1), (2, 'cafe', 'cafe', 2), ('007', 'spy', NULL, 3), (7, 'seven', NULL, 4),
    (4, CAST(x'5a6feb' AS TEXT), x'00', 5), (5, 'five', x'c0ffee', 6), (6, x'00ff', 'text', 7), (x'09', 'nine', NULL, 8);
INSERT INTO Part VALUES (7, '1'), (7, 2), ('007', '1'), (5, CAST(x'ff' AS TEXT)), (4, '1'), (5, '5');
"""


def test_what_a_sqlite_file_stores_otherwise_is_set_aside_by_column_and_key(postgres: Server, tmp_path: Path) -> None:
    with small(postgres, tmp_path, {"student": ENTRIES}, {"a": A, "b": B}) as made:
        _, verdict = made.run()
        assert verdict.parity
        assert made.table("student", "things", "name, photo, price") == {
            "a [1]": {"name": "hello", "photo": None, "price": "7"},
            "a [2]": {"name": "68656c6c6f", "photo": b"\xff\xd8", "price": "7.5"},
            "b [5]": {"name": "five", "photo": b"\xc0\xff\xee", "price": "6"},
            "b [7]": {"name": "seven", "photo": None, "price": "4"},
        }
        assert set(made.table("student", "parts")) == {'a [1,"1"]', 'a [2,"x"]', 'b [7,"1"]', 'b [5,"5"]'}
        aside = made.site.rows(
            "student",
            "SELECT entity, legacy_key AS k, array_to_string(reasons, ' / ') AS why, \"row\"::text AS r "
            "FROM migration.quarantine",
        )
    told = {(str(row["entity"]), str(row["k"])): str(row["why"]) for row in aside}
    assert len(told) == len(aside)
    assert told == {
        ("student.Thing", "[1]"): "stored as blob: name",
        ("student.Thing", "[2]"): "stored as text: photo",
        ("student.Thing", '["007"]'): "stored as text: id",
        ("student.Thing", "[4]"): "no text, kept as base64: name",
        ("student.Thing", "[6]"): "stored as blob: name; stored as text: photo / unreadable: photo",
        ("student.Thing", '["09"]'): "stored as blob: id",
        ("student.Part", '[7,"2"]'): "stored as integer: n",
        ("student.Part", '["007","1"]'): "parent: thing_id / stored as text: thing_id",
        ("student.Part", '[5,"/w=="]'): "no text, kept as base64: n",
        ("student.Part", '[4,"1"]'): "parent: thing_id",
    }
    kept = {str(row["k"]): json.loads(str(row["r"])) for row in aside}
    assert kept["[4]"]["name"] == "Wm/r"
    assert kept["[1]"]["name"] == "68656c6c6f"
    for key in kept:
        json.loads(key)


def test_text_of_an_sql_ascii_database_that_is_none_is_set_aside(
    postgres: Server, legacy_postgres: Postgres, tmp_path: Path
) -> None:
    name = "ascii_texts"
    legacy_postgres.command(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    legacy_postgres.execute(
        name,
        "CREATE TABLE pupil (id int PRIMARY KEY, name text, other varchar(20), code char(4))",
        "INSERT INTO pupil VALUES (1, 'plain', 'x', 'ab'), (2, convert_from('\\x5a6fc3ab', 'SQL_ASCII'), NULL, 'ab'), "
        "(3, convert_from('\\x5a6feb', 'SQL_ASCII'), 'y', 'ab'), (4, 'fine', convert_from('\\xff', 'SQL_ASCII'), NULL)",
    )
    with drafted(postgres, tmp_path, legacy_postgres.dsn(name)) as made:
        assert made.run().parity
        assert {k: (r["name"], r["code"]) for k, r in made.rows("pupil", "name, code").items()} == {
            "[1]": ("plain", "ab  "),
            "[2]": ("Zoë", "ab  "),
        }
        assert {key: reasons for (_, key), reasons in made.rejected().items()} == {
            "[3]": ["no text, kept as base64: name"],
            "[4]": ["no text, kept as base64: other"],
        }


@pytest.mark.parametrize("batch_rows", [10_000, 2])
def test_ids_of_what_fits_stay_what_they_were(postgres: Server, tmp_path: Path, batch_rows: int) -> None:
    entry = ENTRIES.replace('engine = "sqlite"', 'engine = "mssql"').replace('"integer"', '"int"')
    entry = entry.replace('"text"', '"nvarchar(50)"').replace('"blob"', '"varbinary(max)"')
    script = """
    CREATE TABLE Thing (id int PRIMARY KEY, name "nvarchar(50)", photo "varbinary(max)", price "nvarchar(50)");
    CREATE TABLE Part (thing_id int, n "nvarchar(50)", PRIMARY KEY (thing_id, n));
    INSERT INTO Thing VALUES (1, 5, x'00', 7.5), ('2', 'b', NULL, 7), (3, 'c', NULL, NULL);
    """
    with small(postgres, tmp_path, {"student": entry}, {"a": script}) as made:
        _, verdict = made.run(batch_rows=batch_rows)
        assert verdict.parity
        rows = made.table("student", "things", "name, price")
        assert rows["a [1]"] == {"name": "5", "price": "7.5"}
        assert sorted(rows) == ["a [1]", "a [2]", "a [3]"]
