"""Whose a row is: of the district it was read from, or of those that a rule finds; never of a default."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

DISTRICT = """
[District]
source = "login"
key = ["Id"]
target = "districts"
tenant = { column = "Id" }
[District.columns]
Id   = { type = "int" }
Name = { to = "name" }
"""
LINK = """
[Link]
source = "login"
key = ["Id"]
target = "links"
tenant = { column = "DistrictId" }
[Link.columns]
Id         = { type = "int" }
Email      = { to = "email" }
DistrictId = { type = "int", to = "district_id", references = "configuration.District" }

[User]
source = "login"
key = ["Id"]
target = "users"
tenant = { columns = ["Email", "Name"], through = "identity.Link", by = "Email", match = "email" }
[User.columns]
Id    = { type = "int" }
Email = { to = "email" }
Name  = { to = "name" }
"""
ENTRIES = {"configuration": DISTRICT, "identity": LINK}
DISTRICTS = "Id | Name\n 1 | North\n 2 | South"
LINKS = """
    Id | Email       | DistrictId
    1  | ann@x.org   | 1
    2  | bo@x.org    | 2
    3  | ANN@x.org   | 2
    4  | cy@x.org    | 99
"""


def test_a_row_of_the_login_database_is_of_the_district_it_names(becomes: Becomes) -> None:
    becomes(
        ENTRIES,
        {"District login": DISTRICTS, "Link login": LINKS, "User login": "Id | Email | Name"},
        districts="""
            row          | name
            District a 1 | North
            District b 2 | South
        """,
        links="""
            row      | email     | district_id
            Link a 1 | ann@x.org | District a 1
            Link b 2 | bo@x.org  | District b 2
            Link b 3 | ANN@x.org | District b 2
        """,
        rejects="Link nobody 4 | no tenant",
    )


def test_a_row_of_several_districts_becomes_a_row_in_each(becomes: Becomes) -> None:
    """Compared as addresses are: without the blanks around them, without regard to case."""
    becomes(
        ENTRIES,
        {
            "District login": DISTRICTS,
            "Link login": LINKS,
            "User login": """
                Id | Email         | Name
                1  | " Ann@X.org " | Ann
                2  | " "           | bo@x.org
                3  | nobody@x.org  | bo@x.org
                4  | cy@x.org      | Cy
                5  | NULL          | NULL
            """,
        },
        users="""
            row      | email         | name
            User a 1 | " Ann@X.org " | Ann
            User b 1 | " Ann@X.org " | Ann
            User b 2 | " "           | bo@x.org
        """,
        rejects="""
            Link nobody 4 | no tenant
            User nobody 3 | no tenant
            User nobody 4 | no tenant
            User nobody 5 | no tenant
        """,
    )


def test_a_row_may_follow_the_first_of_several_alone(becomes: Becomes) -> None:
    """Of the lowest key: 9 before 10. What it follows is told where another row would lead elsewhere."""
    picked = LINK.replace('match = "email" }', 'match = "email", pick = "first" }')
    becomes(
        {"configuration": DISTRICT, "identity": picked},
        {
            "District login": DISTRICTS,
            "Link login": """
                Id | Email       | DistrictId
                8  | ann@x.org   | 99
                9  | ANN@x.org   | 2
                10 | ann@x.org   | 1
                11 | bo@x.org    | 1
                12 | bo@x.org    | 1
            """,
            "User login": """
                Id | Email        | Name
                1  | Ann@X.org    | Ann
                2  | bo@x.org     | Bo
                3  | nobody@x.org | Cy
            """,
        },
        users="""
            row      | email     | name
            User b 1 | Ann@X.org | Ann
            User a 2 | bo@x.org  | Bo
        """,
        rejects="""
            Link nobody 8 | no tenant
            User nobody 3 | no tenant
        """,
        findings="User b 1 | Email | H7",
    )


PUPIL = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id   = { type = "int" }
Name = { to = "name" }
"""


def test_equal_keys_of_two_districts_are_two_rows(becomes: Becomes) -> None:
    becomes(
        PUPIL,
        {"Pupil a": "Id | Name\n 1 | Ada", "Pupil b": "Id | Name\n 1 | Ada"},
        pupils="""
            row       | name | tenant_id                            | id
            Pupil a 1 | Ada  | 241315cd-4efe-5724-a6b2-ba411da5b1ce | Pupil a 1
            Pupil b 1 | Ada  | 0e7cb72d-c5d0-5889-aaf2-976447a2a0a5 | Pupil b 1
        """,
    )
