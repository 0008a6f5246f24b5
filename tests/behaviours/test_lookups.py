"""A tenant's copy of a shared lookup: where it is equal the shared row stands for it, else it keeps its own."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

ENTRIES = """
[Common]
source = "login"
key = ["Id"]
target = "grades"
tenant = "shared"
[Common.columns]
Id    = { type = "int" }
Code  = { to = "code" }
Label = { to = "label" }
_of   = { constant = "common", to = "origin" }

[Grade]
source = "district"
key = ["Id"]
target = "grades"
shared = { with = "student.Common", on = ["Code"], compare = ["Label"] }
[Grade.columns]
Id    = { type = "int" }
Code  = { to = "code" }
Label = { to = "label" }
_of   = { constant = "own", to = "origin" }

[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id    = { type = "int" }
Grade = { type = "int", to = "grade_id", references = "student.Grade" }
"""


def test_an_equal_row_is_the_shared_one_and_another_stays_the_tenants(becomes: Becomes) -> None:
    becomes(
        ENTRIES,
        {
            "Common login": "Id | Code | Label\n 1 | K | Kindergarten\n 2 | 1 | First",
            "Grade a": "Id | Code | Label\n 7 | K | Kindergarten\n 8 | 1 | Grade 1\n 9 | P | Pre",
            "Pupil a": "Id | Grade\n 1 | 7\n 2 | 8\n 3 | 9",
        },
        grades="""
            row             | code | label        | origin
            Common shared 1 | K    | Kindergarten | common
            Common shared 2 | 1    | First        | common
            Grade a 8       | 1    | Grade 1      | own
            Grade a 9       | P    | Pre          | own
        """,
        pupils="""
            row       | grade_id
            Pupil a 1 | Common shared 1
            Pupil a 2 | Grade a 8
            Pupil a 3 | Grade a 9
        """,
        findings="Grade a 8 | Label | H68",
    )
