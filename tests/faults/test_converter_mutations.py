"""Each converter, and each other step of the transformation, broken in turn: a verification notices.

A converter is a pair, one half for the transformation and one for the verification. Here the first half is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from pipeline.core.converters import CONVERTERS
from schemas.catalog import Catalog
from tests.conftest import Site
from tests.faults.lab import CHANGES, SECTION, SHIFTED, STUDENT, USERS, Case, Entities, Lab, broken_converter, others

pytestmark = pytest.mark.slow

#: No entry of the slice uses them; tests/properties/test_pairs.py compares their two halves.
UNUSED = {"uuid", "moment", "instant", "day", "clock", "float", "binary"}
#: Converter -> entities it is tried with, the entity and column that only it fills, and the column's legacy name.
USES = {
    "text": (STUDENT, "student.Student", "last_name", "LastName"),
    "integer": (STUDENT, "student.Student", "graduation_year", "GradYear"),
    "boolean": (STUDENT, "student.Student", "is_active", "IsActive"),
    "search_key": (STUDENT, "student.Student", "student_identifier_key", "StudentIdentifier"),
    "date": (STUDENT, "student.Student", "date_of_birth", "DOB"),
    "instant_local": (STUDENT, "student.Student", "updated_at", "ModifiedDate"),
    "decimal": (USERS, "staff.StaffDistrict", "current_version", "CurrentVersion"),
    "email": (USERS, "staff.StaffDistrict", "staff_email_key", "StaffEmail"),
    "instant_utc": (USERS, "identity.AspNetUsers", "lockout_end", "LockoutEndDateUtc"),
    "time_of_day": (SECTION, "section.Section", "start_time", "StartTime"),
}
ALTERING = ("date", "instant_local", "instant_utc", "time_of_day")
TELLING = {"date": "H40", "instant_local": "H43", "instant_utc": "H46"}


def _cases() -> Iterator[Case]:
    for name, (entities, entity, column, legacy) in USES.items():
        for how in ("shifted", "nullified"):
            yield Case(f"{name}-{how}", entities, broken_converter(name, how), "different cell", entity, column)
        if name in ALTERING:
            breaking = broken_converter(name, "altered-dropped")
            yield Case(
                f"{name}-altered-dropped", entities, breaking, "missing in raw value", entity, f"{legacy} {name}"
            )
        if name in TELLING:
            breaking, told = broken_converter(name, "finding-dropped"), f"{legacy} {TELLING[name]}"
            yield Case(f"{name}-finding-dropped", entities, breaking, "missing in finding", entity, told)
    breaking = broken_converter("text", "unreadable-dropped")
    yield Case("text-unreadable-dropped", STUDENT, breaking, "missing in quarantine", "student.Student", "")
    yield from others()


CASES = {case.name: case for case in _cases()}


@pytest.fixture(scope="module")
def lab(bench: Site, catalog: Catalog) -> Lab:
    # The only lockout of the estate has no end, and so no instant.
    with closing(sqlite3.connect(bench.directory / "legacy" / "login.sqlite")) as connection, connection:
        connection.execute(
            'UPDATE "AspNetUsers" SET "LockoutEndDateUtc" = \'2020-05-04 03:02:01.007\' '
            'WHERE "LockoutEndDateUtc" IS NULL'
        )
    return Lab(bench, catalog)


def test_every_converter_is_broken(catalog: Catalog) -> None:
    used = {cell.converter for entity in catalog.entities.values() for cell in entity.cells}
    assert set(CONVERTERS) - used == UNUSED
    assert set(USES) == set(SHIFTED) == used
    assert {name.removeprefix(f"{c}-") for c in USES for name in CASES if name.startswith(f"{c}-")} >= {*CHANGES}


@pytest.mark.parametrize("entities", sorted({case.entities for case in CASES.values()}), ids="+".join)
def test_whole_steps_end_in_parity(lab: Lab, entities: Entities) -> None:
    verdict = lab.verdict(entities)
    assert verdict.parity, verdict.differences


@pytest.mark.parametrize("name", CASES)
def test_a_broken_step_is_noticed(lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    case = CASES[name]
    case.breaking(monkeypatch)
    verdict = lab.verdict(case.entities)
    assert not verdict.parity
    named = {(d.kind, d.entity, d.column) for d in verdict.differences}
    assert (case.kind, case.entity, case.column) in named
    assert all(d.tenant for d in verdict.differences if d.kind == case.kind)
    if case.kind != "checksum of the target rows":
        assert all(d.legacy_key for d in verdict.differences if d.kind == case.kind)
