"""A reference becomes the id of the row it names, in the row's own tenant; what names no living row is said."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

SCHOOL = """
[School]
source = "district"
key = ["Id"]
target = "schools"
[School.columns]
Id   = { type = "int" }
Name = { to = "name", max_length = 5 }
"""
PUPIL = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id     = { type = "int" }
School = { type = "int", to = "school_id", references = "student.School"%s }
"""
SCHOOLS = """
    Id | Name
    1  | North
    2  | Far too long
"""


def test_a_reference_stays_in_its_tenant(becomes: Becomes) -> None:
    becomes(
        SCHOOL + PUPIL % "",
        {
            "School a": SCHOOLS,
            "School b": "Id | Name\n 1 | South",
            "Pupil a": "Id | School\n 7 | 1",
            "Pupil b": "Id | School\n 7 | 1",
        },
        pupils="""
            row       | school_id
            Pupil a 7 | School a 1
            Pupil b 7 | School b 1
        """,
        rejects="School a 2 | too long: Name",
    )


PUPILS = """
    Id | School
    7  | 1
    8  | 2
    9  | 99
    10 | NULL
"""


def test_an_optional_reference_to_no_living_row_becomes_null_and_is_kept(becomes: Becomes) -> None:
    becomes(
        SCHOOL + PUPIL % "",
        {"School a": SCHOOLS, "Pupil a": PUPILS},
        pupils="""
            row        | school_id
            Pupil a 7  | School a 1
            Pupil a 8  | NULL
            Pupil a 9  | NULL
            Pupil a 10 | NULL
        """,
        rejects="School a 2 | too long: Name",
        findings="""
            Pupil a 8 | School | H39
            Pupil a 9 | School | H39
        """,
        raws="""
            Pupil a 8 | School | 2
            Pupil a 9 | School | 99
        """,
    )


def test_a_required_reference_to_no_living_row_rejects_the_row(becomes: Becomes) -> None:
    becomes(
        SCHOOL + PUPIL % ", required = true",
        {"School a": SCHOOLS, "Pupil a": PUPILS},
        pupils="""
            row       | school_id
            Pupil a 7 | School a 1
        """,
        rejects="""
            School a 2 | too long: Name
            Pupil a 8  | parent: School
            Pupil a 9  | parent: School
            Pupil a 10 | required: School
        """,
    )


def test_an_alternate_key_of_several_rows_means_the_lowest(becomes: Becomes) -> None:
    becomes(
        SCHOOL + PUPIL.replace('type = "int", to = "school_id"', 'to = "school_id"') % ', by = "Name"',
        {
            "School a": "Id | Name\n 10 | North\n 9 | North\n 3 | South",
            "Pupil a": "Id | School\n 1 | North\n 2 | South\n 3 | NORTH\n 4 | East",
        },
        pupils="""
            row       | school_id
            Pupil a 1 | School a 9
            Pupil a 2 | School a 3
            Pupil a 3 | School a 9
            Pupil a 4 | NULL
        """,
        findings="""
            Pupil a 1 | School | H16
            Pupil a 3 | School | H16
            Pupil a 4 | School | H39
        """,
        raws="Pupil a 4 | School | East",
    )


TEAM = """
[Team]
source = "district"
key = ["Year", "Code"]
target = "teams"
[Team.columns]
Year = { type = "int" }
Code = { type = "nvarchar(9)" }

[Player]
source = "district"
key = ["Id"]
target = "players"
[Player.columns]
Id   = { type = "int" }
Year = { type = "int", to = "year" }
Code = { type = "nvarchar(9)", to = "code" }
Team = { to = "team_id", references = "student.Team", using = ["Year", "Code"] }
"""


def test_a_key_of_two_columns_is_found_by_two(becomes: Becomes) -> None:
    """Text folds as SQL Server compares it, without regard to case and trailing blanks."""
    becomes(
        TEAM,
        {
            "Team a": "Year | Code\n 2020 | Red\n 2021 | Red",
            "Player a": 'Id | Year | Code\n 1 | 2021 | Red\n 2 | 2020 | "RED  "\n 3 | 2022 | Red\n 4 | 2020 | NULL',
        },
        players="""
            row        | year | code    | team_id
            Player a 1 | 2021 | Red     | Team a 2021,"Red"
            Player a 2 | 2020 | "RED  " | Team a 2020,"Red"
            Player a 3 | 2022 | Red     | NULL
            Player a 4 | 2020 | NULL    | NULL
        """,
        findings="Player a 3 | Team | H39",
        raws='Player a 3 | Team | [2022,"Red"]',
    )


OWNED = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id  = { type = "int" }
_as = { constant = "Pupil" }

[Room]
source = "district"
key = ["Id"]
target = "rooms"
[Room.columns]
Id  = { type = "int" }
_as = { constant = "App.Room" }

[Attachment]
source = "district"
key = ["Id"]
target = "attachments"
[Attachment.columns]
Id        = { type = "int" }
OwnerType = { to = "kind" }
OwnerId   = { type = "int", to = "number" }
Owner     = { to = "owner_id", references = ["student.Pupil", "student.Room"], by = ["_as", "Id"], using = ["OwnerType", "OwnerId"], parent_to = "owner_entity" }
"""


def test_a_type_column_says_which_table_an_id_is_of(becomes: Becomes) -> None:
    becomes(
        OWNED,
        {
            "Pupil a": "Id\n 1\n 2",
            "Room a": "Id\n 1\n 3",
            "Attachment a": """
                Id | OwnerType | OwnerId
                1  | Pupil     | 1
                2  | App.Room  | 1
                3  | App.Room  | 2
                4  | Bus       | 1
                5  | Pupil     | NULL
                6  | NULL      | 2
                7  | pupil     | 2
            """,
        },
        attachments="""
            row            | kind     | number | owner_id  | owner_entity
            Attachment a 1 | Pupil    | 1      | Pupil a 1 | student.Pupil
            Attachment a 2 | App.Room | 1      | Room a 1  | student.Room
            Attachment a 3 | App.Room | 2      | NULL      | NULL
            Attachment a 4 | Bus      | 1      | NULL      | NULL
            Attachment a 5 | Pupil    | NULL   | NULL      | NULL
            Attachment a 6 | NULL     | 2      | NULL      | NULL
            Attachment a 7 | pupil    | 2      | Pupil a 2 | student.Pupil
        """,
        findings="""
            Attachment a 3 | Owner | H39
            Attachment a 4 | Owner | H39
        """,
        raws="""
            Attachment a 3 | Owner | ["App.Room",2]
            Attachment a 4 | Owner | ["Bus",1]
        """,
    )
