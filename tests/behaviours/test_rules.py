"""A rule says of a row what a person who looks at it would find odd; what is flagged is loaded as it is."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

PUPIL = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
rules = [
    %s
]
[Pupil.columns]
Id     = { type = "int" }
Active = { type = "bit", to = "active" }
Born   = { type = "datetime", to = "born", convert = "date", absent = ["9999-12-31"], hazard = "H45" }
Mail   = { to = "mail", absent = ["none"] }
Login  = { to = "login" }
Low    = { type = "int", to = "low" }
Middle = { to = "middle" }
High   = { type = "decimal(5,1)", to = "high" }
"""


def ruled(*rules: str) -> str:
    ended = (f'{{ {rule}, action = "flag", because = "it shows" }},' for rule in rules)
    return PUPIL % "\n    ".join(ended)


def test_a_value_that_is_not_plausible_is_flagged_of_some_rows(becomes: Becomes) -> None:
    """What is absent is not judged; what is not active is spared."""
    becomes(
        ruled(
            'rule = "between", column = "Born", low = "25 years ago", high = "2 years ago", unless = { Active = "0" }, hazard = "H45"'
        ),
        {
            "Pupil a": """
                Id | Active | Born       | Mail | Login | Low | Middle | High
                1  | 1      | 2001-01-01 | NULL | NULL  | NULL | NULL  | NULL
                2  | 1      | 2000-12-31 | NULL | NULL  | NULL | NULL  | NULL
                3  | NULL   | 2024-01-02 | NULL | NULL  | NULL | NULL  | NULL
                4  | 0      | 1950-01-01 | NULL | NULL  | NULL | NULL  | NULL
                5  | 1      | 9999-12-31 | NULL | NULL  | NULL | NULL  | NULL
                6  | 1      | NULL       | NULL | NULL  | NULL | NULL  | NULL
            """
        },
        pupils="""
            row       | born
            Pupil a 1 | 2001-01-01
            Pupil a 2 | 2000-12-31
            Pupil a 3 | 2024-01-02
            Pupil a 4 | 1950-01-01
            Pupil a 5 | NULL
            Pupil a 6 | NULL
        """,
        findings="""
            Pupil a 2 | Born | H45
            Pupil a 3 | Born | H45
            Pupil a 5 | Born | H45
        """,
        raws="Pupil a 5 | Born | 9999-12-31",
    )


MAILS = """
    Id | Active | Born | Mail       | Login      | Low  | Middle | High
    1  | 1      | NULL | " A@x.org" | a@X.org    | NULL | NULL   | NULL
    2  | 1      | NULL | b@x.org    | c@x.org    | NULL | NULL   | NULL
    3  | 0      | NULL | b@x.org    | c@x.org    | NULL | NULL   | NULL
    4  | 1      | NULL | "  "       | c@x.org    | NULL | NULL   | NULL
    5  | 1      | NULL | none       | c@x.org    | NULL | NULL   | NULL
    6  | 1      | NULL | D@x.org    | "d@x.org " | NULL | NULL   | NULL
"""


def test_two_values_of_a_row_agree_as_their_column_compares(becomes: Becomes) -> None:
    becomes(
        ruled('rule = "agrees", column = "Mail", other = "Login", hazard = "H8"'),
        {"Pupil a": MAILS},
        findings="""
            Pupil a 1 | Mail | H8
            Pupil a 2 | Mail | H8
            Pupil a 3 | Mail | H8
            Pupil a 5 | Mail | absent
        """,
        raws="Pupil a 5 | Mail | none",
    )


def test_values_may_be_made_alike_before_they_are_compared(becomes: Becomes) -> None:
    becomes(
        ruled(
            'rule = "agrees", column = "Mail", other = "Login", alike = "email", where = { Active = "1" }, hazard = "H8"'
        ),
        {"Pupil a": MAILS},
        findings="""
            Pupil a 2 | Mail | H8
            Pupil a 5 | Mail | absent
        """,
        raws="Pupil a 5 | Mail | none",
    )


def test_numbers_ascend_and_what_several_rules_say_of_one_column_is_said_once(becomes: Becomes) -> None:
    becomes(
        ruled(
            'rule = "ascending", column = "Low", other = ["Middle", "High"], hazard = "H50"',
            'rule = "between", column = "Low", low = "0", hazard = "H50"',
            'rule = "present", column = "Login", where = { Mail = [] }, hazard = "H2"',
        ),
        {
            "Pupil a": """
                Id | Active | Born | Mail    | Login | Low  | Middle | High
                1  | 1      | NULL | NULL    | NULL  | 1    | 2.5    | 2.5
                2  | 1      | NULL | a@x.org | NULL  | 3    | NULL   | 2.5
                3  | 1      | NULL | none    | NULL  | -1   | -2     | NULL
                4  | 1      | NULL | " "     | NULL  | NULL | 3      | 2.0
                5  | 1      | NULL | NULL    | NULL  | 3    | much   | 4.0
            """
        },
        findings="""
            Pupil a 2 | Low   | H50
            Pupil a 2 | Login | H2
            Pupil a 3 | Low   | H50
            Pupil a 3 | Mail  | absent
            Pupil a 4 | Low   | H50
        """,
        raws="Pupil a 3 | Mail | none",
    )


def test_what_should_be_unique_is_flagged_on_each_row_that_holds_it(becomes: Becomes) -> None:
    """Of each tenant for itself; what is blank or absent is no value."""
    becomes(
        ruled('rule = "unique", column = "Mail", alike = "email", hazard = "H5"'),
        {
            "Pupil a": """
                Id | Active | Born | Mail        | Login | Low  | Middle | High
                1  | 1      | NULL | A@x.org     | NULL  | NULL | NULL   | NULL
                2  | 1      | NULL | " a@X.org " | NULL  | NULL | NULL   | NULL
                3  | 1      | NULL | b@x.org     | NULL  | NULL | NULL   | NULL
                4  | 1      | NULL | "  "        | NULL  | NULL | NULL   | NULL
                5  | 1      | NULL | ""          | NULL  | NULL | NULL   | NULL
                6  | 1      | NULL | NULL        | NULL  | NULL | NULL   | NULL
                7  | 1      | NULL | none        | NULL  | NULL | NULL   | NULL
                8  | 1      | NULL | none        | NULL  | NULL | NULL   | NULL
            """,
            "Pupil b": "Id | Active | Born | Mail | Login | Low | Middle | High\n 1 | 1 | NULL | b@x.org | NULL | NULL | NULL | NULL",
        },
        findings="""
            Pupil a 1 | Mail | H5
            Pupil a 2 | Mail | H5
            Pupil a 7 | Mail | absent
            Pupil a 8 | Mail | absent
        """,
        raws="""
            Pupil a 7 | Mail | none
            Pupil a 8 | Mail | none
        """,
    )


def test_a_group_of_columns_should_be_unique_among_the_rows_that_are_judged(becomes: Becomes) -> None:
    """A pair is no other pair that reads alike when it is put together; case folds as the columns compare."""
    becomes(
        ruled('rule = "unique", column = "Mail", other = ["Login", "Low"], where = { Active = "1" }, hazard = "H60"'),
        {
            "Pupil a": """
                Id | Active | Born | Mail | Login | Low  | Middle | High
                1  | 1      | NULL | x    | y     | 1    | NULL   | NULL
                2  | 1      | NULL | X    | "y "  | 1    | NULL   | NULL
                3  | 0      | NULL | x    | y     | 1    | NULL   | NULL
                4  | 1      | NULL | xy   | NULL  | 1    | NULL   | NULL
                5  | 1      | NULL | xy   | NULL  | 1    | NULL   | NULL
                6  | 1      | NULL | "x,y" | z    | 2    | NULL   | NULL
                7  | 1      | NULL | x    | "y,z" | 2    | NULL   | NULL
                8  | 0      | NULL | q    | q     | 3    | NULL   | NULL
                9  | 1      | NULL | q    | q     | 3    | NULL   | NULL
            """
        },
        findings="""
            Pupil a 1 | Mail | H60
            Pupil a 2 | Mail | H60
        """,
    )


def test_rows_that_are_not_unique_may_be_set_aside(becomes: Becomes) -> None:
    becomes(
        ruled('rule = "unique", column = "Low", hazard = "H16"').replace('"flag"', '"reject"'),
        {
            "Pupil a": """
                Id | Active | Born | Mail | Login | Low  | Middle | High
                1  | 1      | NULL | NULL | NULL  | 7    | NULL   | NULL
                2  | 1      | NULL | NULL | NULL  | 7    | NULL   | NULL
                3  | 1      | NULL | NULL | NULL  | 8    | NULL   | NULL
            """
        },
        pupils="""
            row       | low
            Pupil a 3 | 8
        """,
        rejects="""
            Pupil a 1 | unique: Low
            Pupil a 2 | unique: Low
        """,
    )


STINT = """
[Stint]
source = "district"
key = ["Id"]
target = "stints"
[Stint.columns]
Id    = { type = "int" }
Code  = { to = "code" }
Pupil = { type = "int", to = "pupil", absent = ["-1"] }
Mail  = { to = "mail" }

[Attendance]
source = "district"
key = ["Id"]
target = "attendances"
rules = [
    { rule = "agrees", column = "Pupil", through = "Stint", other = "Pupil", action = "%s", hazard = "H19", because = "an attendance is of the pupil of its stint" },
    { rule = "agrees", column = "Mail", through = "Code", other = "Mail", alike = "email", action = "flag", hazard = "H10", because = "an address is one person's" },
]
[Attendance.columns]
Id    = { type = "int" }
Stint = { type = "int", to = "stint_id", references = "student.Stint" }
Code  = { to = "code_id", references = "student.Stint", by = "Code" }
Pupil = { type = "int", to = "pupil" }
Mail  = { to = "mail" }
"""
STINTS = """
    Id | Code | Pupil | Mail
    1  | k    | 7     | "A@x.org "
    2  | k    | NULL  | b@x.org
    3  | l    | -1    | NULL
    4  | m    | 8     | "  "
"""
ATTENDANCES = """
    Id | Stint | Code | Pupil | Mail
    1  | 1     | K    | 7     | a@x.org
    2  | 1     | k    | 8     | " B@x.org"
    3  | 2     | k    | 8     | c@x.org
    4  | 3     | l    | 8     | c@x.org
    5  | 4     | m    | NULL  | c@x.org
    6  | NULL  | NULL | 8     | c@x.org
    7  | 4     | k    | 7     | ""
"""


def test_a_row_agrees_with_the_one_that_it_refers_to(becomes: Becomes) -> None:
    """Nothing is said where either holds nothing; of several parents of one key one that agrees is enough."""
    becomes(
        STINT % "flag",
        {
            "Stint a": STINTS,
            "Attendance a": ATTENDANCES,
            "Stint b": "Id | Code | Pupil | Mail\n 4 | m | 7 | NULL",
            "Attendance b": "Id | Stint | Code | Pupil | Mail\n 5 | 4 | m | 7 | c@x.org",
        },
        findings="""
            Attendance a 1 | Code  | H16
            Attendance a 2 | Code  | H16
            Attendance a 2 | Pupil | H19
            Attendance a 3 | Code  | H16
            Attendance a 3 | Mail  | H10
            Attendance a 7 | Code  | H16
            Attendance a 7 | Pupil | H19
            Stint a 3      | Pupil | absent
        """,
        raws="Stint a 3 | Pupil | -1",
    )


def test_a_row_that_contradicts_its_parent_may_be_set_aside(becomes: Becomes) -> None:
    becomes(
        STINT % "reject",
        {"Stint a": STINTS, "Attendance a": ATTENDANCES},
        rejects="""
            Attendance a 2 | agrees: Pupil
            Attendance a 7 | agrees: Pupil
        """,
        findings="""
            Attendance a 1 | Code  | H16
            Attendance a 3 | Code  | H16
            Attendance a 3 | Mail  | H10
            Stint a 3      | Pupil | absent
        """,
        raws="Stint a 3 | Pupil | -1",
    )
