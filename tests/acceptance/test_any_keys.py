"""Keys that the demo's databases do not have: composite references, case-sensitive texts, GUIDs, dates, decimals."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.loss import loss_ledger
from pipeline.demo.server import Server
from tests.support.small import small, told, verified_again

ENTRIES = """
[Shelf]
source = "district"
key = ["Room", "Code"]
target = "shelves"
rules = [{ rule = "present", column = "Label", action = "reject", hazard = "H1", because = "a shelf has a label" }]
[Shelf.columns]
Room  = { type = "int" }
Code  = { type = "nvarchar(9)", case_sensitive = true }
Label = { to = "label" }

[Item]
source = "district"
key = ["Guid", "Day", "Price"]
target = "items"
[Item.columns]
Guid      = { type = "uniqueidentifier" }
Day       = { type = "datetime" }
Price     = { type = "decimal(9,2)" }
Room      = { type = "int", to = "room" }
Code      = { type = "nvarchar(9)", to = "code" }
FK_Shelf  = { to = "shelf_id", references = "media.Shelf", using = ["Room", "Code"] }
G         = { type = "uniqueidentifier", to = "g" }
D         = { type = "datetime", to = "d", convert = "date" }
P         = { type = "decimal(9,2)", to = "p" }
FK_Before = { to = "before_id", references = "media.Loan", using = ["G", "D", "P"] }

[Loan]
source = "district"
key = ["Guid", "Day", "Price"]
target = "loans"
[Loan.columns]
Guid     = { type = "uniqueidentifier" }
Day      = { type = "datetime" }
Price    = { type = "decimal(9,2)" }
Room     = { type = "int" }
Code     = { type = "nvarchar(9)" }
FK_Shelf = { to = "shelf_id", references = "media.Shelf", using = ["Room", "Code"], required = true }
"""
LEGACY = """
CREATE TABLE Shelf (Room int, Code nvarchar(9), Label "nvarchar(max)", PRIMARY KEY (Room, Code));
INSERT INTO Shelf VALUES (1, 'ab', 'low'), (1, 'AB', 'high'), (2, 'x', NULL);
CREATE TABLE Item (Guid uniqueidentifier, Day datetime, Price decimal(9,2), Room int, Code nvarchar(9),
    G uniqueidentifier, D datetime, P decimal(9,2), PRIMARY KEY (Guid, Day, Price));
INSERT INTO Item VALUES
    ('0A', '2020-01-01', 5, 1, 'ab', '0c', '2020-01-01 00:00:00.000', 2),
    ('0a', '2020-01-02', 5, 1, 'AB', '0C', '2020-01-01 00:00:00.000', 3),
    ('0b', '2020-01-01', 5, 1, 'aB', NULL, NULL, NULL),
    ('0b', '2020-01-02', 5, 1, NULL, NULL, '2020-01-01 00:00:00.000', NULL),
    ('0b', '2020-01-03', 5, 2, 'x', NULL, NULL, NULL);
CREATE TABLE Loan (Guid uniqueidentifier, Day datetime, Price decimal(9,2), Room int, Code nvarchar(9),
    PRIMARY KEY (Guid, Day, Price));
INSERT INTO Loan VALUES
    ('0C', '2020-01-01 00:00:00.000', 2, 1, 'ab'), ('0D', '2020-01-01 00:00:00.000', 2, 1, NULL),
    ('0E', '2020-01-01 00:00:00.000', 2, 2, 'x');
"""
GUID = "00000000-0000-0000-0000-00000000000"


def _guids(script: str) -> str:
    for letter in "abcde":
        script = script.replace(f"'0{letter}'", f"'{GUID}{letter}'")
        script = script.replace(f"'0{letter.upper()}'", f"'{GUID}{letter.upper()}'")
    return script


def test_composite_references_over_keys_of_every_kind(postgres: Server, tmp_path: Path) -> None:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": _guids(LEGACY), "b": _guids(LEGACY)}) as made:
        workspace, verdict = made.run()
        assert told(verdict) == set()
        shelves, loans = made.ids("media", "shelves"), made.ids("media", "loans")
        assert set(shelves) == {f'{t} [1,"{c}"]' for t in "ab" for c in ("ab", "AB")}
        loan = f'["{GUID}c","2020-01-01 00:00:00.000","2.00"]'
        assert set(loans) == {f"{t} {loan}" for t in "ab"}
        items = made.table("media", "items", "shelf_id, before_id, room, code")
        for tenant in "ab":
            rows = [items[f'{tenant} ["{GUID}{g}","2020-01-0{d}","5.00"]'] for g, d in ("a1", "a2", "b1", "b2", "b3")]
            shelf = [shelves[f'{tenant} [1,"ab"]'], shelves[f'{tenant} [1,"AB"]'], None, None, None]
            assert [r["shelf_id"] for r in rows] == shelf
            assert [r["before_id"] for r in rows] == [loans[f"{tenant} {loan}"], None, None, None, None]
        raw = made.site.rows("media", "SELECT keys, raws FROM migration.raw_value WHERE column_name = 'FK_Shelf'")
        kept = [dict(zip(r["keys"], r["raws"], strict=True)) for r in raw]
        dead = {f'["{GUID}b","2020-01-01","5.00"]': b'[1,"aB"]', f'["{GUID}b","2020-01-03","5.00"]': b'[2,"x"]'}
        assert kept == [dead, dead]
        rejects = made.site.rows("media", "SELECT DISTINCT legacy_key, reasons FROM migration.quarantine")
        assert {str(r["legacy_key"]): r["reasons"] for r in rejects} == {
            '[2,"x"]': ["present: Label"],
            loan.replace("0c", "0d"): ["required: FK_Shelf"],
            loan.replace("0c", "0e"): ["parent: FK_Shelf"],
        }
        low, high = shelves['a [1,"ab"]'], shelves['a [1,"AB"]']
        made.site.execute("media", f"UPDATE media.items SET shelf_id = '{high}' WHERE shelf_id = '{low}'")
        key = f'["{GUID}a","2020-01-01","5.00"]'
        assert ("different cell", "media.Item", key, "shelf_id") in told(verified_again(workspace))


def test_a_composite_reference_is_no_column_of_the_source(postgres: Server, tmp_path: Path) -> None:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": _guids(LEGACY)}) as made:
        item = made.catalog["media.Item"]
        assert set(item.columns) - set(item.raw_columns) == {"FK_Shelf", "FK_Before"}
        lost = {(x.entity, x.column): x.by for x in loss_ledger(made.catalog, made.catalog.order)}
        assert ("media.Item", "FK_Shelf") not in lost
        assert lost["media.Loan", "Room"] == "media.Shelf"
