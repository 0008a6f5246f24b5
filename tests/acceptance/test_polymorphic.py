"""A type column beside an id: the page's own example, moved and verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.support.small import Small, small, told, verified_again

PAGE = Path(__file__).parents[2] / "docs" / "catalog.md"
LEGACY = r"""
CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)");
INSERT INTO Pupil VALUES (1, 'Ada'), (2, 'Bo');
CREATE TABLE Room (Id int PRIMARY KEY, Name "nvarchar(max)");
INSERT INTO Room VALUES (1, 'Lab'), (3, 'Gym');
CREATE TABLE Attachment (Id int PRIMARY KEY, OwnerType "nvarchar(max)", OwnerId int);
INSERT INTO Attachment VALUES
    (1, 'Pupil', 1), (2, 'App\Models\Room', 1), (3, 'App\Models\Room', 3), (4, 'App\Models\Room', 2), (5, 'Bus', 1),
    (6, 'Pupil', NULL), (7, NULL, 2), (8, NULL, NULL), (9, 'pupil', 2);
"""
#: Attachment -> the table and key of its owner; 9 by a type that differs in case, as the source compares.
OWNERS = {1: ("pupils", 1), 2: ("rooms", 1), 3: ("rooms", 3), 9: ("pupils", 2)}
ENTITIES = {"pupils": "media.Pupil", "rooms": "media.Room"}


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    [example] = [
        b
        for b in re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        if "[Attachment]" in b
    ]
    with small(postgres, tmp_path, {"media": example}, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


@pytest.mark.parametrize("together", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_owner_is_found_by_its_type_and_its_key(made: Small, together: bool) -> None:
    """Together with its parents, or when they are loaded already and their keys alone are read again."""
    if not together:
        assert told(made.run("media.Pupil", "media.Room")[1]) == set()
    workspace, verdict = made.run(*() if together else ("media.Attachment",))
    assert told(verdict) == set()
    ids = {table: made.ids("media", table) for table in ENTITIES}
    rows = made.table(
        "media", "attachments", "owner_id, owner_entity, legacy_owner_type AS kind, legacy_owner_id AS number"
    )
    assert len(rows) == 18
    for tenant in "ab":
        for number in range(1, 10):
            row = rows[f"{tenant} [{number}]"]
            table, key = OWNERS.get(number, (None, None))
            owner = ids[table][f"{tenant} [{key}]"] if table else None
            assert (row["owner_id"], row["owner_entity"]) == (owner, table and ENTITIES[table]), number
    assert (rows["a [4]"]["kind"], rows["a [4]"]["number"]) == ("App\\Models\\Room", 2)
    raw = made.site.rows(
        "media", "SELECT DISTINCT unnest(keys) AS k, convert_from(unnest(raws), 'UTF8') AS r FROM migration.raw_value"
    )
    assert {(x["k"], x["r"]) for x in raw} == {("[4]", '["App\\\\Models\\\\Room",2]'), ("[5]", '["Bus",1]')}
    # The room of the same key in the pupil's place.
    made.site.execute(
        "media",
        f"UPDATE media.attachments SET owner_id = '{ids['rooms']['a [1]']}' "
        f"WHERE owner_id = '{ids['pupils']['a [1]']}'",
    )
    assert ("[1]", "owner_id") in {(k, c) for _, _, k, c in told(verified_again(workspace))}
