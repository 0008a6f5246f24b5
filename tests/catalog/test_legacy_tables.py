"""The catalog beside the legacy tables that it describes: no table and no column is left out."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from schemas.catalog import load_catalog
from schemas.installation import packaged_catalog
from schemas.model import Entity
from schemas.waivers import Waived

CATALOG = load_catalog()
ENTITIES = tuple(CATALOG.entities)
#: Columns of which a dead parent means another thing than whether legacy demands them.
MAY_BE_DEAD = {"StudentID", "AttendanceReasonID", "SchoolYear"}
DEMO = Path(__file__).parents[2] / "pipeline" / "demo"
#: The DDL of each kind of legacy database.
SCRIPTS = {
    "login": ("legacy_login", "legacy_login_rest"),
    "district": ("legacy_district", "legacy_district_rest", "legacy_wide_student"),
}

each_entity = pytest.mark.parametrize("entity", CATALOG.entities.values(), ids=ENTITIES)
each_source = pytest.mark.parametrize(
    "entity", [e for e in CATALOG.entities.values() if e.derived_from is None], ids=lambda e: e.id
)
each_derived = pytest.mark.parametrize(
    "entity", [e for e in CATALOG.entities.values() if e.derived_from is not None], ids=lambda e: e.id
)


@pytest.fixture(scope="module")
def legacy() -> dict[tuple[str, str], dict[str, tuple[str, bool, bool]]]:
    """(kind, table) -> column -> its declared type, whether it is NOT NULL, whether it is of the key."""
    found = {}
    for kind, names in SCRIPTS.items():
        con = sqlite3.connect(":memory:")
        for name in names:
            con.executescript((DEMO / f"{name}.sql").read_text(encoding="utf-8"))
        for (table,) in con.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            info = con.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,))
            # SQLite gives the types it knows in capitals, whatever the declaration says: INT.
            found[kind, table] = {
                column: (declared.lower(), bool(filled), bool(pk)) for column, declared, filled, pk in info
            }
        con.close()
    return found


@each_source
def test_every_legacy_column_has_a_line(entity: Entity, legacy: dict[Any, Any]) -> None:
    table = legacy[entity.source, entity.table]
    own = {n: c for n, c in entity.columns.items() if n in entity.raw_columns or c.excluded is not None}
    assert list(own) == list(table)
    assert {n: c.type for n, c in own.items()} == {n: kind for n, (kind, _, _) in table.items()}
    assert set(entity.key) == {n for n, (_, _, in_key) in table.items() if in_key}


@each_source
def test_a_column_that_legacy_demands_rejects_a_dead_parent(entity: Entity, legacy: dict[Any, Any]) -> None:
    table = legacy[entity.source, entity.table]
    for name, column in entity.references.items():
        # No constraint reaches into another database.
        is_elsewhere = any(CATALOG[parent].source != entity.source for parent in column.references)
        if name in table and not column.absent and name not in MAY_BE_DEAD and not is_elsewhere:
            assert column.required == table[name][1], name


def test_every_legacy_table_has_an_entry(legacy: dict[Any, Any]) -> None:
    described = {(e.source, e.table) for e in CATALOG.entities.values() if e.derived_from is None}
    waived = {(w.source, w.table) for w in CATALOG.waived.values()}
    assert described | waived == set(legacy)
    assert not described & waived


def test_the_shared_database_has_as_many_tables_as_are_known() -> None:
    """44 of the product, 5 of accounts."""
    described = [*CATALOG.entities.values(), *CATALOG.waived.values()]
    assert sum(d.source == "login" for d in described) == 49


@pytest.mark.parametrize("waived", CATALOG.waived.values(), ids=lambda w: w.id)
def test_a_table_that_does_not_migrate_is_described_whole(waived: Waived, legacy: dict[Any, Any]) -> None:
    columns = legacy[waived.source, waived.table].items()
    assert dict(waived.columns) == {name: declared for name, (declared, _, _) in columns}
    assert waived.description.endswith(".")


@pytest.mark.parametrize("path", sorted(packaged_catalog().glob("*.toml")), ids=lambda p: p.name)
def test_a_file_of_entries_reads_well(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 1500
    assert [number for number, line in enumerate(lines, 1) if len(line) > 200] == []


def test_what_is_optional() -> None:
    """The wide form of a student, and what one district of the rehearsal lacks."""
    optional = {(e.id, n) for e in CATALOG.entities.values() for n, c in e.columns.items() if c.optional}
    assert len({column for entity, column in optional if entity == "student.Student"}) == 34
    assert {(entity, column) for entity, column in optional if entity != "student.Student"} == {
        ("assessment.FPComparison", "DRAID"),
        ("assessment.FPComparison", "Lexiles"),
        ("intervention.InterventionTier", "TierColor"),
        ("intervention.InterventionType", "WorkshopID"),
        ("reporting.StaffAssessmentFieldVisibility", "DisplayInEditResultList"),
        ("staff.TeamMeetingAttendance", "IncludeAllStudents"),
    }
    assert {e.id for e in CATALOG.entities.values() if e.optional} == {"intervention.InterventionWorkshop"}
