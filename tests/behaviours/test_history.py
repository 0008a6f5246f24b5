"""Who changed a row, when and from where becomes a row of the audit trail, beside the row itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.files import CatalogProblem
from tests.behaviours.conftest import Becomes
from tests.support.promise import read_catalog

PUPIL = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
history = { when = "ModifiedDate", who = "ModifiedBy", from = "Ip" }
[Pupil.columns]
Id           = { type = "int" }
Name         = { to = "name" }
ModifiedDate = { type = "datetime", to = "updated_at", convert = "instant_local" }
ModifiedBy   = { to = "modified_by" }
Ip           = {}
"""
ROOM = PUPIL.replace("Pupil", "Room").replace("pupils", "rooms")


def test_each_row_that_says_who_when_or_from_where_has_a_record(becomes: Becomes) -> None:
    becomes(
        PUPIL + ROOM,
        {
            "Pupil a": """
                Id | Name | ModifiedDate        | ModifiedBy | Ip
                1  | Ada  | 2020-01-02 08:00:00 | ann@x.org  | 10.0.0.1
                2  | Bo   | NULL                | rollover   | NULL
                3  | Cy   | NULL                | NULL       | 10.0.0.2
                4  | Di   | NULL                | NULL       | NULL
            """,
            "Room a": """
                Id | Name | ModifiedDate        | ModifiedBy | Ip
                1  | Gym  | 2020-07-02 08:00:00 | NULL       | NULL
            """,
        },
        pupils="""
            row       | name | modified_by | updated_at
            Pupil a 1 | Ada  | ann@x.org   | 2020-01-02 13:00:00
            Pupil a 2 | Bo   | rollover    | NULL
            Pupil a 3 | Cy   | NULL        | NULL
            Pupil a 4 | Di   | NULL        | NULL
        """,
        audit_records="""
            row                       | entity_type   | action   | occurred_at         | user_name | address
            Pupil a 1#audit_records/1 | student.Pupil | modified | 2020-01-02 13:00:00 | ann@x.org | 10.0.0.1
            Pupil a 2#audit_records/1 | student.Pupil | modified | NULL                | rollover  | NULL
            Pupil a 3#audit_records/1 | student.Pupil | modified | NULL                | NULL      | 10.0.0.2
            Room a 1#audit_records/1  | student.Room  | modified | 2020-07-02 12:00:00 | NULL      | NULL
        """,
    )


def test_what_is_odd_about_a_moment_is_filed_once(becomes: Becomes) -> None:
    becomes(
        PUPIL,
        {
            "Pupil a": """
                Id | Name | ModifiedDate        | ModifiedBy | Ip
                1  | Ada  | 2020-03-08 02:30:00 | "  "       | NULL
                2  | Bo   | never               | ann@x.org  | NULL
                3  | Cy   | NULL                | "  "       | NULL
            """,
        },
        audit_records="""
            row                       | occurred_at         | user_name
            Pupil a 1#audit_records/1 | 2020-03-08 07:30:00 | "  "
        """,
        rejects="Pupil a 2 | unreadable: ModifiedDate",
        findings="Pupil a 1 | ModifiedDate | H43",
        raws="""
            Pupil a 1 | ModifiedDate | 2020-03-08 02:30:00
            Pupil a 3 | ModifiedBy   | "  "
        """,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{ when = "Modified" }', "student.toml: Pupil.history.when: the entry has no column 'Modified'"),
        (
            '{ who = "Secret" }',
            "student.toml: Pupil.history.who: Secret has excluded, and cannot go to a second target",
        ),
        ('{ whom = "ModifiedBy" }', "student.toml: Pupil.history.whom: unknown key; did you mean who?"),
        ("{}", "student.toml: Pupil.history: names no column"),
    ],
)
def test_a_history_that_cannot_be_told_is_refused(given: str, said: str, tmp_path: Path) -> None:
    entry = PUPIL.replace('{ when = "ModifiedDate", who = "ModifiedBy", from = "Ip" }', given)
    entry = entry.replace("Ip           = {}", 'Secret = { excluded = "it is one", secret = true }')
    with pytest.raises(CatalogProblem) as caught:
        read_catalog(tmp_path, {"student": entry})
    assert said in str(caught.value)
