"""A row that cannot be taken over whole is set aside whole, with every reason; the others go on."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

PUPIL = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
rules = [
    { rule = "present", column = "Name", action = "reject", hazard = "H1", because = "a pupil has a name" },
    { rule = "one_of", column = "Kind", values = ["day", "boarding"], action = "flag", hazard = "H2", because = "there are two kinds" },
    { rule = "not_before", column = "Left", other = "Came", action = "flag", hazard = "H3", because = "nobody leaves first" },
]
[Pupil.columns]
Id    = { type = "int" }
Name  = { to = "name", max_length = 6 }
Kind  = { to = "kind" }
Score = { to = "score", convert = "decimal", pg = "numeric(5,2)" }
Came  = { type = "date", to = "came" }
Left  = { type = "date", to = "went" }
Age   = { to = "age", convert = "integer", pg = "smallint", unreadable = "keep" }
"""


def test_what_cannot_be_read_rejects_its_row_with_every_reason(becomes: Becomes) -> None:
    becomes(
        PUPIL,
        {
            "Pupil a": """
                Id | Name          | Kind | Score  | Came | Left | Age
                1  | Ada           | day  | 12.5   | NULL | NULL | 9
                2  | "  "          | day  | 1      | NULL | NULL | 9
                3  | Far too long  | day  | 12.345 | NULL | NULL | 9
                4  | Bo            | day  | 1e2    | 2020-02-30 | NULL | 9
                5  | "a\\u0000b"   | day  | 1      | NULL | NULL | 9
            """,
        },
        pupils="""
            row       | name | kind | score | age
            Pupil a 1 | Ada  | day  | 12.50 | 9
        """,
        rejects="""
            Pupil a 2 | present: Name
            Pupil a 3 | too long: Name, unreadable: Score
            Pupil a 4 | unreadable: Came, unreadable: Score
            Pupil a 5 | unreadable: Name
        """,
        raws="Pupil a 1 | Score | 12.5",
    )


def test_an_unreadable_value_may_be_kept_beside_its_row(becomes: Becomes) -> None:
    becomes(
        PUPIL,
        {"Pupil a": "Id | Name | Kind | Score | Came | Left | Age\n 1 | Ada | day | NULL | NULL | NULL | nine"},
        pupils="""
            row       | age
            Pupil a 1 | NULL
        """,
        findings="Pupil a 1 | Age | unreadable or absent",
        raws="Pupil a 1 | Age | nine",
    )


def test_a_rule_that_flags_loads_the_row_with_a_finding(becomes: Becomes) -> None:
    becomes(
        PUPIL,
        {
            "Pupil a": """
                Id | Name | Kind | Score | Came       | Left       | Age
                1  | Ada  | eve  | NULL  | 2020-01-02 | 2020-01-01 | 9
                2  | Bo   | NULL | NULL  | 2020-01-02 | 2020-01-02 | 9
                3  | Cy   | day  | NULL  | NULL       | 2020-01-01 | 9
            """,
        },
        pupils="""
            row       | kind | came       | went
            Pupil a 1 | eve  | 2020-01-02 | 2020-01-01
            Pupil a 2 | NULL | 2020-01-02 | 2020-01-02
            Pupil a 3 | day  | NULL       | 2020-01-01
        """,
        findings="""
            Pupil a 1 | Kind | H2
            Pupil a 1 | Left | H3
        """,
    )


def test_rows_that_share_a_key_are_all_set_aside(becomes: Becomes) -> None:
    rows = "Id | Name | Kind | Score | Came | Left | Age\n 1 | Ada | day | NULL | NULL | NULL | 9\n 1 | Bo | day | NULL | NULL | NULL | 9\n 2 | Cy | day | NULL | NULL | NULL | 9"
    becomes(
        PUPIL,
        {"Pupil a": rows},
        pupils="""
            row       | name
            Pupil a 2 | Cy
        """,
        rejects="""
            Pupil a 1 | doubled key
            Pupil a 1 | doubled key
        """,
    )
