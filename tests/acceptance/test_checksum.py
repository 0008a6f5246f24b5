"""Anyone can recompute what the receipts say, from the target alone: `migrate checksum`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.support.site import Site

Told = Mapping[tuple[str, str], Mapping[str, object]]


def told(site: Site, *arguments: str, check: int = 0) -> Told:
    """Run the command: (tenant, entity) -> what is said of it."""
    found = json.loads(site.migrate("checksum", "--json", *arguments, check=check).stdout)
    return {(x["tenant"], x["entity"]): x for x in found}


def different(found: Told) -> Sequence[tuple[str, str]]:
    return [pair for pair, x in found.items() if x["checksum"] != x["receipts"]]


def test_the_rows_are_those_of_the_receipts(finished: Site, verdict: Mapping[str, Any]) -> None:
    found, proven = told(finished), verdict["entities"]
    assert different(found) == []
    # What verification derives from the raw files is what PostgreSQL computes from its rows.
    digits = sorted((e["entity"], e["checksum"]) for e in proven if e["checksum"] != "0")
    assert sorted((entity, str(x["checksum"])) for (_, entity), x in found.items() if x["checksum"] != "0") == digits


def test_the_statements_are_plain_and_say_the_same(finished: Site) -> None:
    chosen = ("--entity", "student.StudentNote", "--tenant", "district_a")
    [head, note, receipts] = finished.migrate("checksum", "--sql", *chosen).stdout.split("-- ")
    assert head == ""
    assert [part.partition("\n")[0] for part in (note, receipts)] == [
        "student: student.StudentNote",
        "student: receipts",
    ]
    [row], [said] = (finished.rows("student", part.partition("\n")[2].strip().rstrip(";")) for part in (note, receipts))
    [(pair, x)] = told(finished, *chosen).items()
    assert pair == ("district_a", "student.StudentNote")
    assert (row["rows"], str(row["checksum"]), said["checksum"]) == (x["rows"], x["checksum"], x["receipts"])


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE student.student_notes SET text = text || ' ' WHERE legacy_id = '[10]'",
        "DELETE FROM student.student_notes WHERE legacy_id = '[10]'",
        "UPDATE migration.receipt SET checksum = '1' WHERE entity = 'student.StudentNote'",
    ],
    ids=["a cell", "a row", "a receipt"],
)
def test_what_differs_is_named(migrated: Site, damage: str) -> None:
    migrated.execute("student", damage)
    assert {entity for _, entity in different(told(migrated, check=1))} == {"student.StudentNote"}
    shown = migrated.migrate("checksum", "--service", "student", check=1).stdout
    lines = [line.split() for line in shown.splitlines() if "differs" in line]
    assert {tuple(line[1:3]) for line in lines} == {("student.StudentNote", "differs")}
