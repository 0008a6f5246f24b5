"""Legacy creation and deletion times and flags: loaded with their basis, and verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.small import Small, small, told, verified_again

HEAD = '\n[{0}]\nsource = "district"\nkey = ["Id"]\ntarget = "{1}"\n[{0}.columns]\nId = {{ type = "int" }}\n'
MADE = 'Made = { type = "datetime", to = "created_at", convert = "instant_local" }\n'
CHANGED = 'Changed = { type = "datetime", to = "updated_at", convert = "instant_utc" }\n'
GONE = 'Gone = { type = "datetime", to = "deleted_at", convert = "instant_utc", absent = ["9999-12-31"] }\n'
OFF = 'Off = { type = "bit", to = "off", soft_delete = "1" }\n'
ENTRIES = (
    HEAD.format("Flag", "flags")
    + OFF
    + HEAD.format("Time", "times")
    + MADE
    + CHANGED
    + GONE
    + HEAD.format("Both", "boths")
    + MADE
    + CHANGED
    + GONE
    + OFF
    # Of text, and with a piece that is of the same moments.
    + HEAD.format("Text", "texts").replace(
        "\n[Text.c", '\nsplits = { pieces = { rows = "each", owner = "text_id" } }\n[Text.c'
    )
    + MADE.replace('type = "datetime", ', "")
    + 'Gone = { to = "deleted_at", convert = "instant", unreadable = "keep" }\n'
    'Off = { type = "tinyint", to = "on", convert = "boolean", soft_delete = true }\nNote = { to = "pieces.note" }\n'
)
ROWS = [
    # id, made, changed, gone, off
    "1, '2001-01-01 00:00:00.000', '2002-02-02 00:00:00.000', '2003-03-03 00:00:00.000', 1",
    "2, NULL, '2002-02-02 00:00:00.000', NULL, 1",
    "3, NULL, NULL, NULL, 1",
    "4, '2001-01-01 00:00:00.000', NULL, '9999-12-31 00:00:00.000', 0",
    "5, NULL, NULL, '2003-03-03 00:00:00.000', 0",
    "6, '2001-01-01 00:00:00.000', NULL, '2003-03-03 00:00:00.000', NULL",
]
LEGACY = "".join(
    f"CREATE TABLE {table} (Id int PRIMARY KEY, Made datetime, Changed datetime, Gone datetime, Off bit);"
    f"INSERT INTO {table} VALUES ({'), ('.join(ROWS)});"
    for table in ("Flag", "Time", "Both")
) + (
    'CREATE TABLE Text (Id int PRIMARY KEY, Made "nvarchar(max)", Gone "nvarchar(max)", Off tinyint, '
    'Note "nvarchar(max)"); INSERT INTO Text VALUES '
    "(1, '2001-01-01T00:00', '2003-03-03 02:00:00+02:00', 0, 'n'), (2, NULL, 'last week', 1, NULL), "
    "(3, NULL, NULL, 0, NULL), (4, NULL, 'one day', 0, NULL);"
)
M, C, G, RUN = "2001-01-01", "2002-02-02", "2003-03-03", "2026-01-01"
NOW = "as of the run"
#: created_at and its basis, deleted_at and its basis, by id.
EXPECTED = {
    "flags": {
        1: (RUN, NOW, RUN, NOW),
        2: (RUN, NOW, RUN, NOW),
        3: (RUN, NOW, RUN, NOW),
        4: (RUN, NOW, None, None),
        5: (RUN, NOW, None, None),
        6: (RUN, NOW, None, None),
    },
    "times": {
        1: (M, "Made", G, "Gone"),
        2: (C, "Changed", None, None),
        3: (RUN, NOW, None, None),
        4: (M, "Made", None, None),
        5: (RUN, NOW, G, "Gone"),
        6: (M, "Made", G, "Gone"),
    },
    "boths": {
        1: (M, "Made", G, "Gone"),
        2: (C, "Changed", C, "Changed"),
        3: (RUN, NOW, RUN, NOW),
        4: (M, "Made", None, None),
        5: (RUN, NOW, None, None),
        6: (M, "Made", None, None),
    },
    "texts": {1: (M, "Made", G, "Gone"), 2: (RUN, NOW, None, None), 3: (RUN, NOW, RUN, NOW), 4: (RUN, NOW, RUN, NOW)},
}
#: What no moment of the target holds: entity, row, column, raw text.
KEPT = {
    ("Time", 4, "Gone", "9999-12-31 00:00:00.000"),
    ("Both", 4, "Gone", "9999-12-31 00:00:00.000"),
    ("Both", 5, "Gone", "2003-03-03 00:00:00.000"),
    ("Both", 6, "Gone", "2003-03-03 00:00:00.000"),
    ("Text", 1, "Gone", "2003-03-03 02:00:00+02:00"),
    ("Text", 2, "Gone", "last week"),
    ("Text", 4, "Gone", "one day"),
}


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRIES}, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


def test_what_legacy_knows_of_a_rows_life_is_loaded_and_verified(made: Small) -> None:
    workspace, verdict = made.run(batch_rows=2)
    assert told(verdict) == set()
    for table, rows in EXPECTED.items():
        moments = (
            "(created_at AT TIME ZONE 'UTC')::date::text c",
            "created_at_basis cb",
            "(deleted_at AT TIME ZONE 'UTC')::date::text d",
            "deleted_at_basis db",
        )
        found = made.table("student", table, ", ".join(moments))
        assert found == {
            f"{t} [{n}]": dict(zip(("c", "cb", "d", "db"), row, strict=True)) for t in "ab" for n, row in rows.items()
        }, table
    pieces = made.table("student", "pieces", "created_at, deleted_at")
    assert pieces == made.table("student", "texts", "created_at, deleted_at")
    raw = made.site.rows(
        "student",
        "SELECT DISTINCT p.entity, v.key, w.column_name AS c, convert_from(v.raw, 'UTF8') AS raw "
        "FROM migration.raw_value w JOIN migration.receipt p USING (batch_id), unnest(w.keys, w.raws) v (key, raw)",
    )
    kept = {(str(r["entity"]).split(".")[1], int(str(r["key"]).strip("[]")), r["c"], r["raw"]) for r in raw}
    assert kept - {("Text", 1, "Made", "2001-01-01T00:00")} == KEPT
    found = made.site.rows(
        "student", "SELECT hazard, unnest(keys) AS k FROM migration.finding WHERE hazard LIKE '%not archived'"
    )
    assert sorted(str(f["k"]) for f in found) == ["[5]"] * 2 + ["[6]"] * 2
    made.site.execute(
        "student", "UPDATE student.boths SET deleted_at = NULL, deleted_at_basis = NULL WHERE legacy_id = '[3]'"
    )
    assert {(k, c) for _, _, k, c in told(verified_again(workspace)) if c} >= {
        ("[3]", "deleted_at"),
        ("[3]", "deleted_at_basis"),
    }
