"""The catalog as a whole: order, shared tables, target types, selection."""

from __future__ import annotations

import pytest

from schemas.catalog import Catalog, load_catalog
from schemas.files import CatalogProblem
from schemas.parts import TenantRule

CATALOG = load_catalog()
ENTITIES = tuple(CATALOG.entities)


@pytest.mark.parametrize("entity_id", ENTITIES)
def test_comes_after_all_that_it_depends_on(entity_id: str) -> None:
    earlier = CATALOG.order[: CATALOG.order.index(entity_id)]
    assert CATALOG.dependencies(CATALOG[entity_id]) <= set(earlier)


def test_the_order_does_not_depend_on_the_order_of_entries() -> None:
    assert Catalog({e: CATALOG[e] for e in reversed(ENTITIES)}, CATALOG.installation).order == CATALOG.order


def test_writers_of_one_table_agree_on_its_columns() -> None:
    seen: dict[tuple[str, str, str], tuple[str, str]] = {}
    for entity in CATALOG.entities.values():
        for target in entity.targets:
            for column, pg_type in target.columns.items():
                place = (entity.service, target.table, column)
                first, expected = seen.setdefault(place, (entity.id, pg_type))
                assert pg_type == expected, f"{target.table}.{column}: {first} against {entity.id}"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("grade_levels", {"configuration.Grade": "Grade", "configuration.NSGrade": "NSGrade"}),
        (
            "assessment_results",
            {"assessment.AssessmentFP": "AssessmentFP", "assessment.AssessmentLID": "AssessmentLID"},
        ),
        (
            "assessment_assignments",
            {"assessment.FPAssignment": "AssessmentFP", "assessment.LIDAssignment": "AssessmentLID"},
        ),
    ],
)
def test_shared_tables_are_told_apart_by_one_column(table: str, told: dict[str, str]) -> None:
    found = {e: CATALOG.discriminator(CATALOG[e], table) for e in told}
    assert {e: d[1] for e, d in found.items() if d} == told
    assert len({d[0] for d in found.values() if d}) == 1


def test_every_login_entity_says_whose_its_rows_are() -> None:
    for entity in CATALOG.entities.values():
        if entity.source == "login":
            assert entity.is_shared or isinstance(entity.tenant, TenantRule), entity.id
        else:
            assert entity.tenant == "source", entity.id


@pytest.mark.parametrize(
    ("entity_id", "column", "pg_type"),
    [
        ("section.Section", "section_number", "text"),
        ("section.Section", "start_time", "time"),
        ("student.Student", "date_of_birth", "date"),
        ("student.Student", "student_identifier_key", "text"),
        ("student.Student", "deleted_at_basis", "text"),
        ("staff.StaffDistrict", "current_version", "numeric(18,2)"),
        ("assessment.AssessmentFP", "field_scores", "jsonb"),
        ("assessment.AssessmentFP", "assignment_id", "uuid"),
        ("assessment.AssessmentFP", "total_score", "numeric(18,2)"),
        ("assessment.FPAssignment", "derived", "boolean"),
        ("intervention.InterventionAttendance", "group_entity", "text"),
        ("intervention.InterventionSession", "group_entity", "text"),
        ("identity.AspNetUsers", "lockout_end", "timestamptz"),
    ],
)
def test_target_types(entity_id: str, column: str, pg_type: str) -> None:
    assert CATALOG[entity_id].targets[0].columns[column] == pg_type


def test_scores_are_in_the_order_of_jsonb() -> None:
    cells = CATALOG["assessment.AssessmentFP"].json_columns["field_scores"]
    assert [c.source for c in cells] == ["Passed", "Accuracy", "Comments", "TextLevel", "WordsPerMinute"]


def test_a_wide_student_fills_five_tables_beside_the_audit_trail() -> None:
    tables = [(t.table, t.part) for t in CATALOG["student.Student"].targets]
    assert tables == [
        ("students", 0),
        ("student_demographics", 1),
        ("student_contacts", 1),
        ("student_contacts", 2),
        ("student_addresses", 1),
        ("student_current_enrollments", 1),
        ("audit_records", 1),
    ]


def test_both_contacts_have_the_same_columns() -> None:
    first, second = (t.columns for t in CATALOG["student.Student"].targets if t.table == "student_contacts")
    assert first == second


def test_a_selection_is_in_dependency_order() -> None:
    chosen = CATALOG.select(services=["identity"], entities=["Student", "configuration.School"])
    assert chosen == tuple(e for e in CATALOG.order if e in set(chosen))
    assert set(chosen) == {
        "identity.AspNetUsers",
        "identity.AspNetRoles",
        "identity.AspNetUserRoles",
        "identity.AspNetUserClaims",
        "identity.AspNetUserLogins",
        "student.Student",
        "configuration.School",
    }


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"services": ["studnet"]}, "no service 'studnet'; did you mean student"),
        ({"entities": ["Studnet"]}, "no entity 'Studnet' in the catalog; did you mean"),
    ],
)
def test_an_unknown_selection_names_the_nearest(selection: dict[str, list[str]], message: str) -> None:
    with pytest.raises(CatalogProblem, match=message):
        CATALOG.select(**selection)
