"""Each converter, and each other step of the transformation, broken in turn: a verification notices.

A converter is a pair, one half for the transformation and one for the verification. Here the first half is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from pipeline.core.converters import CONVERTERS
from pipeline.demo.server import Server
from schemas.catalog import Catalog
from tests.faults.lab import CHANGES, SECTION, SHIFTED, STUDENT, USERS, Case, Entities, Lab, broken_converter, others
from tests.support.site import Site
from tests.support.small import small

pytestmark = pytest.mark.slow

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
#: What the packaged entries have no use for, and drafts have: tried with a table of its own.
TYPED = "student.Typed"
ENTRY = """
[Typed]
source = "district"
key = ["Id"]
target = "typed"

[Typed.columns]
Id     = { type = "int", to = "number" }
Guid   = { type = "uniqueidentifier", to = "guid" }
Seen   = { type = "datetime2(7)", to = "seen", convert = "moment", finer = "keep" }
Sent   = { type = "datetimeoffset(7)", to = "sent", finer = "keep" }
Born   = { type = "date", to = "born" }
Opens  = { type = "time(7)", to = "opens", finer = "keep" }
Ratio  = { type = "float", to = "ratio" }
Photo  = { type = "varbinary(40)", to = "photo" }

[Kind]
source = "district"
key = ["Id"]
target = "kinds"
[Kind.columns]
Id      = { type = "int" }
OfTable = { to = "of_table" }

[Many]
key = ["_table", "Id"]
target = "many"
[Many.family]
registry = "student.Kind"
tables = { OfTable = "" }
[Many.columns]
_table  = { family = "table", to = "of_table" }
_fields = { family = "fields", to = "fields", convert = "fields" }
Id      = { type = "int" }
"""
ROWS = """
CREATE TABLE Typed (Id int PRIMARY KEY, Guid uniqueidentifier, Seen datetime2(7), Sent datetimeoffset(7), Born date,
                    Opens time(7), Ratio float, Photo varbinary(40));
INSERT INTO Typed VALUES
 (1, 'fe9d2925-0487-57be-b5c3-732f28732454', '2017-01-01 10:00:00.1234567', '2017-01-01 10:00:00.1234567 +05:30',
  '2017-01-01', '08:30:00.1234567', 0.5, X'00FF'),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE Kind (Id int PRIMARY KEY, OfTable nvarchar(20));
INSERT INTO Kind VALUES (1, 'Things');
CREATE TABLE Things (Id int PRIMARY KEY, What nvarchar(20), Blob int);
INSERT INTO Things VALUES (1, 'thing', NULL), (2, 'odd', X'00FF');
"""
TYPED_USES = {
    "uuid": ("guid", "Guid"),
    "moment": ("seen", "Seen"),
    "instant": ("sent", "Sent"),
    "day": ("born", "Born"),
    "clock": ("opens", "Opens"),
    "float": ("ratio", "Ratio"),
    "binary": ("photo", "Photo"),
}
USES |= {name: ((TYPED,), TYPED, column, legacy) for name, (column, legacy) in TYPED_USES.items()}
USES["fields"] = (TYPED, "student.Kind", "student.Many"), "student.Many", "fields", "_fields"
CUTTING = ("moment", "instant", "clock")
ALTERING = (*CUTTING, "fields", "date", "instant_local", "instant_utc", "time_of_day")
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
        if name in CUTTING:
            breaking, told = broken_converter(name, "finer-dropped"), f"{legacy} finer than a microsecond"
            yield Case(f"{name}-finer-dropped", entities, breaking, "missing in finding", entity, told)
        if name in TELLING:
            breaking, told = broken_converter(name, "finding-dropped"), f"{legacy} {TELLING[name]}"
            yield Case(f"{name}-finding-dropped", entities, breaking, "missing in finding", entity, told)
    breaking = broken_converter("text", "unreadable-dropped")
    yield Case("text-unreadable-dropped", STUDENT, breaking, "missing in quarantine", "student.Student", "")
    yield from others()


CASES = {case.name: case for case in _cases()}


@pytest.fixture(scope="module")
def labs(
    bench: Site, catalog: Catalog, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Entities], Lab]]:
    """Give the lab that has the entities: the estate's, or that of the table of further types."""
    # The only lockout of the estate has no end, and so no instant.
    with closing(sqlite3.connect(bench.directory / "legacy" / "login.sqlite")) as connection, connection:
        connection.execute(
            'UPDATE "AspNetUsers" SET "LockoutEndDateUtc" = \'2020-05-04 03:02:01.007\' '
            'WHERE "LockoutEndDateUtc" IS NULL'
        )
    estate = Lab(bench, catalog)
    with small(postgres, tmp_path_factory.mktemp("typed"), {"student": ENTRY}, {"a": ROWS}) as typed:
        other = Lab(typed.site, typed.catalog)
        yield lambda entities: other if TYPED in entities else estate


def test_every_converter_is_broken() -> None:
    assert set(USES) == set(SHIFTED) == set(CONVERTERS)
    assert {name.removeprefix(f"{c}-") for c in USES for name in CASES if name.startswith(f"{c}-")} >= {*CHANGES}


@pytest.mark.parametrize("entities", sorted({case.entities for case in CASES.values()}), ids="+".join)
def test_whole_steps_end_in_parity(labs: Callable[[Entities], Lab], entities: Entities) -> None:
    verdict = labs(entities).verdict(entities)
    assert verdict.parity, verdict.differences


@pytest.mark.parametrize("name", CASES)
def test_a_broken_step_is_noticed(labs: Callable[[Entities], Lab], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    case = CASES[name]
    case.breaking(monkeypatch)
    verdict = labs(case.entities).verdict(case.entities)
    assert not verdict.parity
    named = {(d.kind, d.entity, d.column) for d in verdict.differences}
    assert (case.kind, case.entity, case.column) in named
    assert all(d.tenant for d in verdict.differences if d.kind == case.kind)
    assert all(d.legacy_key for d in verdict.differences if d.kind == case.kind)
