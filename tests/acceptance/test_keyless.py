"""Tables without a key: every row is kept, equal ones too, and each has a name that a repeated run gives again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from pipeline.core.state import Identity
from pipeline.demo.server import Server
from pipeline.stages.inspect import legacy_key, new_ids_of
from tests.support.small import Small, small, told, verified_again

ENTRIES = """
[Entry]
source = "district"
target = "entries"
rules = [{ rule = "present", column = "Text", action = "reject", hazard = "H1", because = "an entry has a text" }]
[Entry.columns]
Text   = { to = "text" }
Number = { type = "int", to = "number" }
Code   = { type = "int", to = "code_id", references = "media.Code", by = "Number" }

[Note]
source = "district"
key = []
target = "notes"
[Note.columns]
Text = { to = "text", scrub = "access_tokens", hazard = "H66" }

[Code]
source = "district"
target = "codes"
[Code.columns]
Number = { type = "int", to = "number" }
Label  = { to = "label" }
"""
LEGACY = """
CREATE TABLE Entry (Text "nvarchar(max)", Number int, Code int);
INSERT INTO Entry VALUES ('a', 1, 7), ('a', 1, 7), ('a', 1, 7), ('a', NULL, 8), ('a', NULL, 8), ('1:a', 1, 9),
    (NULL, NULL, NULL), (NULL, NULL, NULL), ('b', 1, NULL);
CREATE TABLE Note (Text "nvarchar(max)");
INSERT INTO Note VALUES ('https://x.org/a'), ('https://x.org/a?token=1'), ('https://x.org/a'),
    ('https://x.org/a?token=2'), ('other'), (NULL), (NULL);
CREATE TABLE Code (Number int, Label "nvarchar(max)");
INSERT INTO Code VALUES (7, 'x'), (7, 'x'), (7, 'w'), (8, NULL), (NULL, 'z');
"""


def _key(number: int, *cells: str | None) -> str:
    """Name a row as documented: the MD5 of its cells, each with its length, and a number."""
    text = "".join("-" if c is None else f"{len(c)}:{c}" for c in cells)
    return json.dumps([md5(text.encode()).hexdigest(), number], separators=(",", ":"))


def _keys(*rows: tuple[str | None, ...]) -> set[str]:
    return {_key(rows[:n].count(row) + 1, *row) for n, row in enumerate(rows)}


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


def test_every_one_of_equal_rows_is_kept(made: Small) -> None:
    _, verdict = made.run(batch_rows=2)
    assert told(verdict) == set()
    a = ("a", "1", "7")
    entries = _keys(a, a, a, ("a", None, "8"), ("a", None, "8"), ("1:a", "1", "9"), ("b", "1", None))
    assert set(made.ids("media", "entries")) == {f"{t} {key}" for t in "ab" for key in entries}
    rejects = made.site.rows("media", "SELECT legacy_key, reasons FROM migration.quarantine")
    assert sorted(str(r["legacy_key"]) for r in rejects) == sorted([*_keys((None,) * 3, (None,) * 3)] * 2)
    clean, other, empty = ("https://x.org/a",), ("other",), (None,)
    notes = _keys(clean, clean, clean, clean, other, empty, empty)
    assert set(made.ids("media", "notes")) == {f"{t} {key}" for t in "ab" for key in notes}


def test_of_texts_that_a_scrub_made_equal_those_it_changed_are_found(made: Small) -> None:
    made.run("media.Note")
    found = made.site.rows("media", "SELECT column_name AS c, keys FROM migration.finding")
    # Numbered last, whatever their order in the table was.
    scrubbed = [_key(n, "https://x.org/a") for n in (3, 4)]
    assert [(r["c"], sorted(map(str, r["keys"]))) for r in found] == [("Text", sorted(scrubbed))] * 2  # type: ignore[call-overload]


@pytest.mark.parametrize("selected", [(), ("media.Entry",)], ids=["with-its-parents", "with-its-parents-pending"])
def test_rows_without_a_key_are_found_by_other_columns(made: Small, selected: tuple[str, ...]) -> None:
    _, verdict = made.run(*selected)
    assert told(verdict) == set()
    rows = made.table("media", "entries", "code_id::text AS code")
    lowest = min(_key(n, "7", label) for n, label in ((1, "x"), (2, "x"), (1, "w")))
    if not selected:
        codes = made.ids("media", "codes")
        assert rows[f"a {_key(1, 'a', '1', '7')}"]["code"] == str(codes[f"a {lowest}"])
    assert rows[f"a {_key(3, 'a', '1', '7')}"]["code"] is not None
    assert rows[f"a {_key(2, 'a', None, '8')}"]["code"] is not None
    assert rows[f"a {_key(1, '1:a', '1', '9')}"]["code"] is None


def test_a_missing_one_of_equal_rows_is_told(made: Small) -> None:
    workspace, verdict = made.run("media.Entry")
    assert told(verdict) == set()
    key = _key(2, "a", "1", "7")
    made.site.execute("media", f"DELETE FROM media.entries WHERE legacy_id = '{key}'")
    assert told(verified_again(workspace)) == {
        ("missing row", "media.Entry", key, "entries"),
    }


def test_a_row_without_a_key_is_looked_up_by_its_name(made: Small) -> None:
    workspace, _ = made.run("media.Note")
    key = _key(2, "https://x.org/a")
    found = new_ids_of(
        workspace.settings, made.catalog, "media.Note", legacy_key(made.catalog, "media.Note", key), ("a",)
    )
    assert found == [Identity("a", "media.Note", key, str(made.ids("media", "notes")[f"a {key}"]))]
