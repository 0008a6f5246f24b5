"""A legacy datetime is a day, a time of day, a local instant or a UTC instant, as its column says.

The clock that wrote local times stands in New York, the district in Chicago.
"""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

LESSON = """
[Lesson]
source = "district"
key = ["Id"]
target = "lessons"
[Lesson.columns]
Id    = { type = "int" }
Value = { type = "datetime", to = "value", convert = "%s"%s }
"""


def test_a_day_may_be_written_as_its_midnight(becomes: Becomes) -> None:
    """In winter Chicago's midnight is 06:00 UTC, in summer 05:00; another time of the day is kept beside."""
    becomes(
        LESSON % ("date", ', absent = ["9999-12-31"]'),
        {
            "Lesson a": """
                Id | Value
                1  | 2020-01-15 00:00:00.000
                2  | 2020-01-15 06:00:00.000
                3  | 2020-07-15 05:00:00.000
                4  | 2020-07-15 06:00:00.000
                5  | 9999-12-31 00:00:00.000
                6  | NULL
            """
        },
        lessons="""
            row        | value
            Lesson a 1 | 2020-01-15
            Lesson a 2 | 2020-01-15
            Lesson a 3 | 2020-07-15
            Lesson a 4 | 2020-07-15
            Lesson a 5 | NULL
            Lesson a 6 | NULL
        """,
        findings="""
            Lesson a 2 | Value | H40
            Lesson a 3 | Value | H40
            Lesson a 4 | Value | H40
            Lesson a 5 | Value | absent
        """,
        raws="""
            Lesson a 2 | Value | 2020-01-15 06:00:00.000
            Lesson a 3 | Value | 2020-07-15 05:00:00.000
            Lesson a 4 | Value | 2020-07-15 06:00:00.000
            Lesson a 5 | Value | 9999-12-31 00:00:00.000
        """,
    )


def test_a_time_of_day_is_the_districts(becomes: Becomes) -> None:
    becomes(
        LESSON % ("time_of_day", ""),
        {"Lesson a": "Id | Value\n 1 | 2020-01-15 14:30:00.000\n 2 | 2020-07-15 13:30:00.000"},
        lessons="""
            row        | value
            Lesson a 1 | 08:30:00
            Lesson a 2 | 08:30:00
        """,
        raws="""
            Lesson a 1 | Value | 2020-01-15 14:30:00.000
            Lesson a 2 | Value | 2020-07-15 13:30:00.000
        """,
    )


def test_a_local_instant_is_of_the_clock_that_wrote_it(becomes: Becomes) -> None:
    """In the hour that is skipped it is shifted forward, in the hour that comes twice the first; both are said."""
    becomes(
        LESSON % ("instant_local", ""),
        {
            "Lesson a": """
                Id | Value
                1  | 2020-01-15 10:00:00.003
                2  | 2020-07-15 10:00:00.000
                3  | 2020-03-08 02:30:00.000
                4  | 2020-11-01 01:30:00.000
            """
        },
        lessons="""
            row        | value
            Lesson a 1 | 2020-01-15 15:00:00.003
            Lesson a 2 | 2020-07-15 14:00:00
            Lesson a 3 | 2020-03-08 07:30:00
            Lesson a 4 | 2020-11-01 05:30:00
        """,
        findings="""
            Lesson a 3 | Value | H43
            Lesson a 4 | Value | H43
        """,
        raws="""
            Lesson a 3 | Value | 2020-03-08 02:30:00.000
            Lesson a 4 | Value | 2020-11-01 01:30:00.000
        """,
    )


def test_a_utc_instant_is_taken_as_it_stands(becomes: Becomes) -> None:
    becomes(
        LESSON % ("instant_utc", ""),
        {"Lesson a": "Id | Value\n 1 | 2020-03-08 02:30:00.007"},
        lessons="""
            row        | value
            Lesson a 1 | 2020-03-08 02:30:00.007
        """,
    )


PUPIL = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id      = { type = "int" }
Active  = { type = "bit", to = "is_active", soft_delete = true }
Changed = { type = "datetime", to = "updated_at", convert = "instant_utc" }
"""


def test_what_legacy_has_no_time_for_is_as_of_the_run(becomes: Becomes) -> None:
    """Created when it was last changed, else as of the run; archived, where a flag says so, likewise."""
    becomes(
        PUPIL,
        {
            "Pupil a": """
                Id | Active | Changed
                1  | 1      | 2020-01-15 10:00:00.000
                2  | 1      | NULL
                3  | 0      | 2020-01-15 10:00:00.000
                4  | 0      | NULL
                5  | NULL   | NULL
            """
        },
        pupils="""
            row       | created_at          | created_at_basis | updated_at          | deleted_at          | deleted_at_basis
            Pupil a 1 | 2020-01-15 10:00:00 | Changed          | 2020-01-15 10:00:00 | NULL                | NULL
            Pupil a 2 | 2026-01-01 00:00:00 | as of the run    | NULL                | NULL                | NULL
            Pupil a 3 | 2020-01-15 10:00:00 | Changed          | 2020-01-15 10:00:00 | 2020-01-15 10:00:00 | Changed
            Pupil a 4 | 2026-01-01 00:00:00 | as of the run    | NULL                | 2026-01-01 00:00:00 | as of the run
            Pupil a 5 | 2026-01-01 00:00:00 | as of the run    | NULL                | NULL                | NULL
        """,
    )
