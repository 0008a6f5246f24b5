"""Parts of a split: one row for each that is filled, and what fills none is kept beside."""

from __future__ import annotations

from pathlib import Path

from pipeline.demo.server import Server
from tests.support.small import small, told, verified_again

ENTRY = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
splits = { contacts = { rows = "present", parts = 2, owner = "pupil_id", position = "nth" } }
[Pupil.columns]
Id     = { type = "int" }
Phone1 = { to = "contacts/1.phone" }
Main1  = { type = "bit", to = "contacts/1.is_main" }
Phone2 = { to = "contacts/2.phone" }
Main2  = { type = "bit", to = "contacts/2.is_main" }
"""
LEGACY = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Phone1 "nvarchar(max)", Main1 bit, Phone2 "nvarchar(max)", Main2 bit);
INSERT INTO Pupil VALUES
    (1, '555', 0, NULL, 1), (2, '', 0, ' ', NULL), (3, NULL, NULL, NULL, NULL), (4, ' ', 1, '', 0);
"""
#: Pupil and part -> its row; column and pupil -> what fills no part.
ROWS = {(1, 1): ("555", False), (1, 2): (None, True), (4, 1): (" ", True)}
KEPT = {
    ("Phone1", "[2]", ""),
    ("Main1", "[2]", "0"),
    ("Phone2", "[2]", " "),
    ("Phone2", "[4]", ""),
    ("Main2", "[4]", "0"),
}


def test_what_fills_no_part_is_kept(postgres: Server, tmp_path: Path) -> None:
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": LEGACY}) as made:
        workspace, verdict = made.run()
        assert told(verdict) == set()
        rows = made.site.rows("student", "SELECT legacy_id, nth, phone, is_main FROM student.contacts")
        assert {(int(str(r["legacy_id"])[1:-1]), r["nth"]): (r["phone"], r["is_main"]) for r in rows} == ROWS
        raw = made.site.rows(
            "student",
            "SELECT column_name AS c, unnest(keys) AS k, convert_from(unnest(raws), 'UTF8') AS r FROM migration.raw_value",
        )
        assert {(r["c"], r["k"], r["r"]) for r in raw} == KEPT
        made.site.execute("student", "DELETE FROM migration.raw_value WHERE column_name = 'Main1'")
        assert any(column.startswith("Main1") for _, _, _, column in told(verified_again(workspace)))
