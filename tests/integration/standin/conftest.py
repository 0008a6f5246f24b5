"""Fixtures: a stand-in with columns of every type, odd names and a foreign key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.standin.asking import (
    GUID,
    ODD,
    PASSWORD,
)
from tests.integration.standin.columns import BARE, TEXTS
from tests.standin import Database, Standin


@pytest.fixture(scope="package")
def server() -> Iterator[Standin]:
    district = Database()
    specs = [("Id", "int", False)]
    for i, (declared, *_) in enumerate(TEXTS):
        specs += [(f"t{i}", declared, True), (f"n{i}", declared, True)]
    district.load_table("dbo", "texts", specs, ["Id"], [(1, *(x for case in TEXTS for x in (case[1], None)))])
    for prefix, nullable in (("null", True), ("fixed", False)):
        columns = [(f"b{i}", declared, nullable) for i, (declared, *_) in enumerate(BARE)]
        rows = [[value for _, value, _ in BARE]] + [[None for _ in BARE]] * nullable
        district.load_table("dbo", prefix, columns, [], rows)
    people = [(1, "Ada", "x", GUID), (2, "bob", None, GUID[:-1] + "0"), (3, "Čert", "", "FF" + GUID[2:])]
    people_columns = [
        ("Id", "int", False),
        (ODD, "nvarchar(50)", True),
        ("Note", "varchar(20)", True),
        ("Ref", "uniqueidentifier", False),
    ]
    district.load_table("dbo", f"T {ODD}", people_columns, ["Id"], people)
    district.load_table(
        "own",
        "Child",
        [("A", "int", False), ("B", "nvarchar(9)", False), ("T_Id", "int", True)],
        ["B", "A"],
        [(1, "x", 1)],
    )
    district.foreign_key("FK_Child", ("own", "Child"), ["T_Id"], ("dbo", f"T {ODD}"), ["Id"])
    with Standin({"district_a": district, "empty": Database()}, logins={"reader": PASSWORD}) as standin:
        yield standin
