"""Every entry of the catalog, by itself: its columns, converters, references and rules fit one another."""

from __future__ import annotations

import re

import pytest

from schemas.catalog import load_catalog
from schemas.conversions import CONVERSIONS
from schemas.model import BASE_COLUMNS, Entity
from schemas.parts import Column
from schemas.targets import target_type
from schemas.types import parse_type

CATALOG = load_catalog()
ENTITIES = tuple(CATALOG.entities)

#: Columns that each entry reads from the source: counted by hand, so that none is dropped or added unseen.
RAW_COLUMNS = {
    "assessment.Assessment": 21,
    "assessment.AssessmentFP": 13,
    "assessment.AssessmentField": 40,
    "assessment.AssessmentFieldCategory": 16,
    "assessment.AssessmentFieldGroup": 18,
    "assessment.AssessmentFieldGroupContainer": 16,
    "assessment.AssessmentFieldSubCategory": 16,
    "assessment.AssessmentLID": 11,
    "assessment.AssessmentLookupField": 9,
    "assessment.Assessment_Benchmarks": 9,
    "assessment.District_Benchmark": 9,
    "assessment.District_YearlyAssessmentBenchmark": 8,
    "assessment.FPAssignment": 2,
    "assessment.FPComparison": 9,
    "assessment.LIDAssignment": 2,
    "assessment.SchoolAssessment": 4,
    "assessment.StaffAssessment": 4,
    "assessment.TestDueDate": 12,
    "assessment.TestLevelPeriod": 4,
    "configuration.District": 19,
    "configuration.DistrictCalendar": 8,
    "configuration.DistrictDb": 2,
    "configuration.Grade": 8,
    "configuration.NSGrade": 4,
    "configuration.School": 14,
    "configuration.SchoolCalendar": 9,
    "configuration.SchoolYear": 6,
    "configuration.StaffSetting": 7,
    "dataimport.JobBenchmarkDataImport": 19,
    "dataimport.JobInterventionDataImport": 20,
    "dataimport.JobStateTestDataImport": 17,
    "identity.AspNetRoles": 2,
    "identity.AspNetUserClaims": 4,
    "identity.AspNetUserLogins": 3,
    "identity.AspNetUserRoles": 2,
    "identity.AspNetUsers": 11,
    "intervention.AttendanceReason": 10,
    "intervention.InterventionAttendance": 12,
    "intervention.InterventionCardinality": 2,
    "intervention.InterventionCategory": 4,
    "intervention.InterventionFramework": 3,
    "intervention.InterventionGrade": 3,
    "intervention.InterventionGroup": 24,
    "intervention.InterventionSession": 2,
    "intervention.InterventionTier": 6,
    "intervention.InterventionTool": 10,
    "intervention.InterventionToolIntervention": 4,
    "intervention.InterventionToolType": 2,
    "intervention.InterventionType": 20,
    "intervention.InterventionUnitOfStudy": 3,
    "intervention.InterventionWorkshop": 3,
    "intervention.NSIntervention": 20,
    "intervention.NSInterventionCardinality": 2,
    "intervention.NSInterventionCategory": 4,
    "intervention.NSInterventionFramework": 3,
    "intervention.NSInterventionGrade": 3,
    "intervention.NSInterventionTier": 6,
    "intervention.NSInterventionTool": 10,
    "intervention.NSInterventionToolIntervention": 4,
    "intervention.NSInterventionToolType": 2,
    "intervention.NSInterventionUnitOfStudy": 3,
    "intervention.NSInterventionWorkshop": 3,
    "intervention.StaffInterventionGroup": 7,
    "intervention.StudentInterventionGroup": 11,
    "media.InterventionVideoGrade": 3,
    "media.NSInterventionVideo": 17,
    "media.NSInterventionVideoDistrict": 3,
    "media.NSInterventionVideoNSIntervention": 7,
    "media.PagePresentation": 3,
    "media.PageTool": 3,
    "media.PageVideo": 3,
    "media.Presentation": 9,
    "media.Tool": 9,
    "media.Video": 14,
    "operations.NSPage": 4,
    "operations.NSPageHelp": 12,
    "operations.NorthStarVersion": 2,
    "reporting.JobAllFieldsAssessmentDataExport": 16,
    "reporting.JobAssessmentDataExport": 16,
    "reporting.JobAttendanceExport": 14,
    "reporting.JobInterventionDataExport": 17,
    "reporting.JobPrintBatch": 16,
    "reporting.JobStaffExport": 14,
    "reporting.JobStudentExport": 14,
    "reporting.PrintSetting": 11,
    "reporting.StaffAssessmentFieldVisibility": 7,
    "reporting.StaffObservationSummaryAssessment": 4,
    "reporting.StaffObservationSummaryAssessmentField": 5,
    "reporting.StaffStudentAttribute": 4,
    "section.AutomatedRolloverDetail": 8,
    "section.JobFullRollover": 17,
    "section.JobStudentRollover": 16,
    "section.JobTeacherRollover": 16,
    "section.Section": 25,
    "section.StaffSection": 7,
    "section.StudentSection": 11,
    "staff.AttendeeGroup": 3,
    "staff.AttendeeGroupStaff": 3,
    "staff.Staff": 21,
    "staff.StaffDistrict": 6,
    "staff.StaffSchool": 8,
    "staff.StaffSchoolGrade": 8,
    "staff.TeamMeeting": 7,
    "staff.TeamMeetingAttendance": 7,
    "staff.TeamMeetingManager": 3,
    "staff.TeamMeetingStudent": 6,
    "staff.TeamMeetingStudentNote": 6,
    "student.Student": 54,
    "student.StudentAttributeData": 5,
    "student.StudentAttributeLookupValue": 8,
    "student.StudentAttributeType": 2,
    "student.StudentNote": 5,
    "student.StudentSchool": 10,
}

each_entity = pytest.mark.parametrize("entity", CATALOG.entities.values(), ids=ENTITIES)
each_source = pytest.mark.parametrize(
    "entity", [e for e in CATALOG.entities.values() if e.derived_from is None], ids=lambda e: e.id
)
each_derived = pytest.mark.parametrize(
    "entity", [e for e in CATALOG.entities.values() if e.derived_from is not None], ids=lambda e: e.id
)


def own_parents(entity: Entity) -> list[tuple[str, Column, str]]:
    return [(n, c, parent) for n, c in entity.references.items() for parent in c.references]


@each_entity
def test_is_described(entity: Entity) -> None:
    assert entity.description.endswith((".", "!"))


@each_entity
def test_targets_resolve(entity: Entity) -> None:
    main, *parts = entity.targets
    assert main.table == entity.target
    assert {t.table for t in parts} == set(entity.splits)
    for target in entity.targets:
        assert set(BASE_COLUMNS) <= set(target.columns)
        own = set(target.columns) - set(BASE_COLUMNS) - {"created_at_basis", "deleted_at_basis"}
        assert own, f"{target.table} would hold nothing of its own"
        for column, pg_type in target.columns.items():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column), column
            assert target_type(pg_type).pg == pg_type


@each_entity
def test_no_target_column_is_written_twice(entity: Entity) -> None:
    places = [cell.name for cell in entity.cells]
    for name, column in [*entity.references.items(), *entity.derivations.items()]:
        assert isinstance(column.to, str), name
        place = entity.place(column.to)
        places.append(f"{place.table}/{place.part}.{place.column}")
    assert sorted(places) == sorted(set(places))


@each_entity
def test_names_no_base_column_but_updated_at(entity: Entity) -> None:
    columns = {cell.place.column for cell in entity.cells}
    assert columns & set(BASE_COLUMNS) <= {"updated_at"}
    assert entity.modified is None or entity.modified.pg_type == "timestamptz"


@each_entity
def test_every_column_has_a_fate(entity: Entity) -> None:
    lost = [n for n, c in entity.columns.items() if c.to is None and c.json_to is None and c.excluded is None]
    referred = {n for c in entity.composites.values() if c.required for n in c.using}
    assert set(lost) <= {*entity.key, *referred}, "only a key may stay without a column: legacy_id holds it"


@each_entity
def test_reads_as_many_columns_as_counted(entity: Entity) -> None:
    assert len(entity.raw_columns) == RAW_COLUMNS[entity.id]


def test_every_entry_is_counted() -> None:
    assert set(RAW_COLUMNS) == set(ENTITIES)


@each_entity
def test_converters_exist_and_fit_their_types(entity: Entity) -> None:
    for cell in entity.cells:
        conversion = CONVERSIONS[cell.converter]
        assert entity.legacy_type(cell.source)[1].family in conversion.reads, cell.source
        assert parse_type(cell.pg_type).base in conversion.makes, cell.source


@each_entity
def test_a_moment_states_what_it_is(entity: Entity) -> None:
    for cell in entity.cells:
        if entity.legacy_type(cell.source)[1].family == "moment":
            assert cell.converter in {"date", "time_of_day", "instant_local", "instant_utc"}, cell.source


@each_entity
def test_references_name_columns_that_exist(entity: Entity) -> None:
    for name, column, parent_id in own_parents(entity):
        parent = CATALOG[parent_id]
        theirs, ours = column.by or parent.key, column.using or (name,)
        for their, our in zip(theirs, ours, strict=True):
            families = {e.legacy_type(c)[1].family for e, c in ((parent, their), (entity, our))}
            assert len(families) == 1, f"{name}: {our} and {parent_id}.{their} can never be equal"
        assert parent.is_shared or not entity.is_shared, f"{name}: a shared row cannot refer to a tenant's"
        assert (column.parent_to is not None) == (len(column.references) > 1)


@each_entity
def test_derivations_are_made_of_own_columns(entity: Entity) -> None:
    for name, column in entity.derivations.items():
        derived = CATALOG[str(column.derived)]
        assert derived.derived_from == entity.id, name
        assert set(derived.key) <= set(entity.columns), name


@each_derived
def test_a_derived_row_lives_where_its_members_do(entity: Entity) -> None:
    origin = CATALOG[str(entity.derived_from)]
    assert entity.id in {column.derived for column in origin.derivations.values()}
    for name in entity.key:
        own, theirs = entity.columns[name], origin.columns[name]
        for field in ("type", "constant", "references", "by", "using", "required", "absent", "convert"):
            assert getattr(own, field) == getattr(theirs, field), f"{name}.{field}"


@each_entity
def test_hazards_are_numbers_of_the_list(entity: Entity) -> None:
    named = [c.hazard for c in entity.columns.values() if c.hazard] + [r.hazard for r in entity.rules]
    for hazard in named:
        assert re.fullmatch(r"H([1-9]|[1-6][0-9]|7[0-2])", hazard), hazard


@each_entity
def test_no_column_with_a_secret_is_read(entity: Entity) -> None:
    for name in entity.raw_columns:
        assert not re.search(r"password|securitystamp|ftpuser|dbname", name, re.IGNORECASE), name


@each_entity
def test_sentinels_are_raw_values_of_their_type(entity: Entity) -> None:
    forms = {"integer": r"-?\d+", "moment": r"\d{4}-\d\d-\d\d"}
    for name, column in entity.columns.items():
        for value in column.absent:
            assert re.fullmatch(forms[entity.legacy_type(name)[1].family], value), name
