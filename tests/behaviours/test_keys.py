"""A row's id is made of its tenant, its table and its key, and of nothing else: anyone can work it out again."""

from __future__ import annotations

import pytest

from tests.behaviours.conftest import Becomes

THING = """
[Thing]
source = "district"
key = ["Id"]
target = "things"
[Thing.columns]
Id   = { type = "%s"%s }
Name = { to = "name" }
"""


def test_an_id_is_a_uuid_of_tenant_path_and_key(becomes: Becomes) -> None:
    """UUIDv5 of `<tenant>/district.dbo.Thing/[7]` in the project's name space; the legacy key stands beside it."""
    becomes(
        THING % ("int", ""),
        {"Thing a": "Id | Name\n 7 | x"},
        things="""
            row       | legacy_id | name
            Thing a 7 | [7]       | x
        """,
    )


@pytest.mark.parametrize(
    ("declared", "raw", "key"),
    [
        ("bigint", "9223372036854775807", "[9223372036854775807]"),
        ("bigint", "-5", "[-5]"),
        ("nvarchar(20)", '"A b "', '["A b "]'),
        ("nvarchar(20)", '"a\\"b\\\\"', '["a\\"b\\\\"]'),
        ("nvarchar(20)", "é", '["é"]'),
        ("uniqueidentifier", "0F8FAD5B-D9CB-469F-A165-70867728950E", '["0f8fad5b-d9cb-469f-a165-70867728950e"]'),
        ("decimal(9,2)", "1.5", '["1.50"]'),
        ("varbinary(4)", "00ff", '["00ff"]'),
    ],
)
def test_a_key_is_written_as_json(becomes: Becomes, declared: str, raw: str, key: str) -> None:
    becomes(
        THING % (declared, ""),
        {"Thing a": f"Id | Name\n {raw} | x"},
        things=f"row | legacy_id | name\n Thing a {key[1:-1]} | {key} | x",
    )


KEYLESS = """
[Entry]
source = "district"
target = "lines"
[Entry.columns]
Day  = { type = "date", to = "day" }
Text = { to = "text" }
"""


def test_a_row_without_a_key_is_named_by_what_it_holds(becomes: Becomes) -> None:
    """Rows that are equal in all that is read are numbered, and each lives on."""
    becomes(
        KEYLESS,
        {"Entry a": "Day | Text\n 2020-01-01 | x\n 2020-01-01 | x\n 2020-01-01 | NULL"},
        lines="""
            row                                          | day        | text
            Entry a "8fdb495b05e463af2d8d2490aa634698",1 | 2020-01-01 | x
            Entry a "8fdb495b05e463af2d8d2490aa634698",2 | 2020-01-01 | x
            Entry a "d4eaae503053ddd2d16dff470d00d5cc",1 | 2020-01-01 | NULL
        """,
    )


SPLIT = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
splits = { contacts = { rows = "present", parts = 2, owner = "pupil_id", position = "nth" } }
[Pupil.columns]
Id     = { type = "int" }
Name   = { to = "name" }
Phone1 = { to = "contacts/1.phone" }
Phone2 = { to = "contacts/2.phone" }
"""


def test_further_rows_of_a_row_have_ids_of_their_own(becomes: Becomes) -> None:
    becomes(
        SPLIT,
        {"Pupil a": 'Id | Name | Phone1 | Phone2\n 1 | Ada | 11 | 22\n 2 | Bo | NULL | 33\n 3 | Cy | NULL | " "'},
        pupils="""
            row       | name
            Pupil a 1 | Ada
            Pupil a 2 | Bo
            Pupil a 3 | Cy
        """,
        contacts="""
            row                  | pupil_id  | nth | legacy_id | phone
            Pupil a 1#contacts/1 | Pupil a 1 | 1   | [1]       | 11
            Pupil a 1#contacts/2 | Pupil a 1 | 2   | [1]       | 22
            Pupil a 2#contacts/2 | Pupil a 2 | 2   | [2]       | 33
        """,
        raws='Pupil a 3 | Phone2 | " "',
    )


DERIVED = """
[Result]
source = "district"
key = ["Id"]
target = "results"
[Result.columns]
Id    = { type = "int" }
Year  = { type = "int", to = "year" }
Class = { to = "class" }
Sheet = { derived = "student.Sheet", to = "sheet_id" }

[Sheet]
derived_from = "student.Result"
key = ["Year", "Class"]
target = "sheets"
[Sheet.columns]
Year  = { to = "year" }
Class = { to = "class" }
"""


def test_a_group_of_rows_makes_one_row(becomes: Becomes) -> None:
    becomes(
        DERIVED,
        {"Result a": "Id | Year | Class\n 1 | 2020 | K\n 2 | 2020 | K\n 3 | 2021 | K\n 4 | 2020 | NULL"},
        sheets="""
            row                | year | class
            Sheet a 2020,"K"   | 2020 | K
            Sheet a 2021,"K"   | 2021 | K
            Sheet a 2020,null  | 2020 | NULL
        """,
        results="""
            row        | sheet_id
            Result a 1 | Sheet a 2020,"K"
            Result a 2 | Sheet a 2020,"K"
            Result a 3 | Sheet a 2021,"K"
            Result a 4 | Sheet a 2020,null
        """,
    )
