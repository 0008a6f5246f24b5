from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from schemas.catalog import Catalog, CatalogProblem, load_catalog
from schemas.conversions import CONVERSIONS
from schemas.model import BASE_COLUMNS, Entity
from schemas.parts import Column, TenantRule
from schemas.targets import target_type
from schemas.types import UnknownType, parse_type

CATALOG = load_catalog()
ENTITIES = tuple(CATALOG.entities)
DEMO = Path(__file__).parents[2] / "pipeline" / "demo"
RULES = {"not_before", "pattern", "present", "one_of"}

#: Columns that each entry reads from the source: counted by hand, so that none is dropped or added unseen.
RAW_COLUMNS = {
    "assessment.Assessment": 20,
    "assessment.AssessmentFP": 13,
    "assessment.AssessmentField": 39,
    "assessment.AssessmentFieldCategory": 15,
    "assessment.AssessmentFieldGroup": 17,
    "assessment.AssessmentFieldGroupContainer": 15,
    "assessment.AssessmentFieldSubCategory": 15,
    "assessment.AssessmentLID": 11,
    "assessment.AssessmentLookupField": 8,
    "assessment.District_Benchmark": 9,
    "assessment.FPAssignment": 2,
    "assessment.LIDAssignment": 2,
    "assessment.TestDueDate": 11,
    "assessment.TestLevelPeriod": 4,
    "configuration.District": 19,
    "configuration.Grade": 7,
    "configuration.NSGrade": 4,
    "configuration.School": 13,
    "configuration.SchoolYear": 5,
    "identity.AspNetRoles": 2,
    "identity.AspNetUserRoles": 2,
    "identity.AspNetUsers": 11,
    "intervention.InterventionAttendance": 11,
    "intervention.InterventionGroup": 23,
    "intervention.InterventionSession": 2,
    "intervention.StudentInterventionGroup": 10,
    "section.Section": 24,
    "section.StaffSection": 6,
    "section.StudentSection": 10,
    "staff.Staff": 20,
    "staff.StaffDistrict": 6,
    "staff.StaffSchool": 7,
    "student.Student": 53,
    "student.StudentAttributeData": 5,
    "student.StudentAttributeLookupValue": 8,
    "student.StudentAttributeType": 2,
    "student.StudentNote": 5,
    "student.StudentSchool": 9,
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
    scripts = {"login": ["legacy_login"], "district": ["legacy_district", "legacy_wide_student"]}
    found = {}
    for kind, names in scripts.items():
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


def own_parents(entity: Entity) -> list[tuple[str, Column, str]]:
    return [(n, c, parent) for n, c in entity.references.items() for parent in c.references]


# One entry at a time ----------------------------------------------------------------------------------------


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
    assert set(lost) <= set(entity.key), "only a key may stay without a column: legacy_id holds it"


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
def test_rules_are_known(entity: Entity) -> None:
    for rule in entity.rules:
        assert rule.rule in RULES
        assert (rule.other is not None) == (rule.rule == "not_before")
        assert (rule.pattern is not None) == (rule.rule == "pattern")
        assert bool(rule.values) == (rule.rule == "one_of")
        if rule.pattern is not None:
            re.compile(rule.pattern)


@each_entity
def test_hazards_are_numbers_of_the_list(entity: Entity) -> None:
    named = [c.hazard for c in entity.columns.values() if c.hazard] + [r.hazard for r in entity.rules]
    for hazard in named:
        assert re.fullmatch(r"H([1-9]|[1-6][0-9]|7[0-2])", hazard), hazard


@each_entity
def test_no_column_with_a_secret_is_read(entity: Entity) -> None:
    for name in entity.raw_columns:
        assert not re.search(r"password|securitystamp|ftp|dbname", name, re.IGNORECASE), name


@each_entity
def test_sentinels_are_raw_values_of_their_type(entity: Entity) -> None:
    forms = {"integer": r"-?\d+", "moment": r"\d{4}-\d\d-\d\d"}
    for name, column in entity.columns.items():
        for value in column.absent:
            assert re.fullmatch(forms[entity.legacy_type(name)[1].family], value), name


# Against the legacy tables ----------------------------------------------------------------------------------


@each_source
def test_every_legacy_column_has_a_line(entity: Entity, legacy: dict[Any, Any]) -> None:
    table = legacy[entity.source, entity.table]
    own = {n: c for n, c in entity.columns.items() if c.constant is None and c.derived is None}
    assert list(own) == list(table)
    assert {n: c.type for n, c in own.items()} == {n: kind for n, (kind, _, _) in table.items()}
    assert set(entity.key) == {n for n, (_, _, in_key) in table.items() if in_key}


@each_source
def test_a_column_that_legacy_demands_rejects_a_dead_parent(entity: Entity, legacy: dict[Any, Any]) -> None:
    table = legacy[entity.source, entity.table]
    for name, column in entity.references.items():
        if name in table and not column.absent and name != "StudentID":
            assert column.required == table[name][1], name


def test_every_legacy_table_has_an_entry(legacy: dict[Any, Any]) -> None:
    assert {(e.source, e.table) for e in CATALOG.entities.values() if e.derived_from is None} == set(legacy)


def test_only_the_wide_student_is_optional() -> None:
    optional = {(e.id, n) for e in CATALOG.entities.values() for n, c in e.columns.items() if c.optional}
    assert {entity for entity, _ in optional} == {"student.Student"}
    assert len(optional) == 34


# The catalog as a whole -------------------------------------------------------------------------------------


@pytest.mark.parametrize("entity_id", ENTITIES)
def test_comes_after_all_that_it_depends_on(entity_id: str) -> None:
    earlier = CATALOG.order[: CATALOG.order.index(entity_id)]
    assert CATALOG.dependencies(CATALOG[entity_id]) <= set(earlier)


def test_the_order_does_not_depend_on_the_order_of_entries() -> None:
    assert Catalog({e: CATALOG[e] for e in reversed(ENTITIES)}).order == CATALOG.order


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


def test_a_wide_student_fills_five_tables() -> None:
    tables = [(t.table, t.part) for t in CATALOG["student.Student"].targets]
    assert tables == [
        ("students", 0),
        ("student_demographics", 1),
        ("student_contacts", 1),
        ("student_contacts", 2),
        ("student_addresses", 1),
        ("student_current_enrollments", 1),
    ]


def test_both_contacts_have_the_same_columns() -> None:
    first, second = (t.columns for t in CATALOG["student.Student"].targets if t.table == "student_contacts")
    assert first == second


# Broken entries ---------------------------------------------------------------------------------------------

HEAD = """
[{name}]
source = "district"
key = ["Id"]
target = "{target}"
[{name}.columns]
Id = {{ type = "int" }}
"""
STUDENT = HEAD.format(name="Student", target="students")
SCHOOL = HEAD.format(name="School", target="schools")
YEAR = HEAD.format(name="Year", target="years")
KEYLESS = SCHOOL.replace('key = ["Id"]', "key = []").replace('"int" }', '"int", to = "number" }')
PAIR = HEAD.format(name="Pair", target="pairs").replace('["Id"]', '["Id", "Of"]') + 'Of = { type = "int" }\n'
COMPOSITE = (
    STUDENT
    + """
A = { type = "int", to = "a" }
B = { type = "int", to = "b" }
S = { to = "s", references = "configuration.Pair", using = ["A", "B"] }
"""
)

BROKEN = {
    "unknown key of a column": (
        {"student.toml": STUDENT + 'Name = { too = "name" }'},
        "student.toml: Student.columns.Name.too: unknown key; did you mean to?",
    ),
    "unknown key of an entity": (
        {"student.toml": STUDENT.replace("source", 'descripton = "x"\nsource')},
        "student.toml: Student.descripton: unknown key; did you mean description",
    ),
    "missing target": (
        {"student.toml": STUDENT.replace('target = "students"', "")},
        "student.toml: Student.target: Field required",
    ),
    "reference to rows without a key": (
        {
            "configuration.toml": KEYLESS,
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.School" }',
        },
        "student.toml: Student.columns.S.references: configuration.School has no key that tells its rows apart: "
        "name the columns of it that do (by)",
    ),
    "tenant through rows without a key": (
        {
            "configuration.toml": KEYLESS,
            "student.toml": STUDENT.replace(
                "key =", 'tenant = { columns = ["Id"], by = "Id", through = "configuration.School" }\nkey ='
            ),
        },
        "student.toml: Student.tenant.through: configuration.School has no key that tells its rows apart: "
        "no tenant can be found by it",
    ),
    "tenant without a registry": (
        {"student.toml": STUDENT.replace("key =", 'tenant = { column = "Id" }\nkey =')},
        "student.toml: Student.tenant.through: no entity 'configuration.District' in the catalog",
    ),
    "derived from rows without a key": (
        {
            "configuration.toml": KEYLESS
            + """
            [Place]
            derived_from = "configuration.School"
            key = ["Id"]
            target = "places"
            [Place.columns]
            Id = { to = "number" }
            """
        },
        "configuration.toml: Place.derived_from: configuration.School has no key that tells its rows apart: "
        "its rows cannot be grouped",
    ),
    "derived rows without a key": (
        {
            "student.toml": STUDENT
            + """
            [Visit]
            derived_from = "student.Student"
            target = "visits"
            [Visit.columns]
            Id = { to = "number" }
            """
        },
        "student.toml: Visit.key: a derived entity is named by the columns that it groups: say which",
    ),
    "parent that is named by scrubbed contents": (
        {
            "configuration.toml": KEYLESS + 'Note = { to = "note", scrub = "access_tokens" }',
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.School", by = "Id" }',
        },
        "configuration.toml: School.columns.Note.scrub: configuration.School has no key, and others refer to it: "
        "its rows are named by their contents, which no scrub may change",
    ),
    "unknown entity": (
        {
            "configuration.toml": SCHOOL,
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.Scool" }',
        },
        "student.toml: Student.columns.S.references: no entity 'configuration.Scool' in the catalog; "
        "did you mean configuration.School?",
    ),
    "unknown column of the parent": (
        {
            "configuration.toml": SCHOOL,
            "student.toml": STUDENT
            + 'S = { type = "int", to = "s", references = "configuration.School", by = ["ID"] }',
        },
        "student.toml: Student.columns.S.by: configuration.School reads no column 'ID'; known are Id",
    ),
    "two columns for a key of one": (
        {
            "configuration.toml": SCHOOL,
            "student.toml": STUDENT
            + 'S = { type = "int", to = "s", references = "configuration.School", using = ["Id", "S"] }',
        },
        "student.toml: Student.columns.S.using: 1 columns expected, as the parent's key ('Id',) has",
    ),
    "key that is not a column": (
        {"student.toml": STUDENT.replace('["Id"]', '["ID"]')},
        "student.toml: Student.key: student.Student reads no column 'ID'; known are Id",
    ),
    "required reference to itself": (
        {"student.toml": STUDENT + 'S = { type = "int", to = "s", required = true, references = "student.Student" }'},
        "student.toml: Student.columns.S.references: entries refer to each other in a circle: "
        "student.Student -> student.Student; a reference in it must be optional (required = false)",
    ),
    "required reference in a circle of two": (
        {
            "configuration.toml": SCHOOL
            + 'S = { type = "int", to = "s", required = true, references = "student.Student" }',
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.School" }',
        },
        "configuration.toml: School.columns.S.references: entries refer to each other in a circle: "
        "configuration.School -> student.Student -> configuration.School; "
        "a reference in it must be optional (required = false)",
    ),
    "shared rows in a circle": (
        {
            "configuration.toml": SCHOOL.replace("key =", 'tenant = "shared"\nkey =')
            + 'S = { type = "int", to = "s", references = "student.Student" }',
            "student.toml": STUDENT.replace(
                "key =", 'shared = { with = "configuration.School", on = ["Id"], compare = ["Id"] }\nkey ='
            ),
        },
        "student.toml: Student.shared.with: entries refer to each other in a circle: student.Student -> "
        "configuration.School -> student.Student; leave out a reference of the entity shared with",
    ),
    "derived rows in a circle": (
        {
            "student.toml": STUDENT
            + """S = { type = "int", to = "s", references = "student.Visit" }
            [Visit]
            derived_from = "student.Student"
            key = ["Id"]
            target = "visits"
            [Visit.columns]
            Id = { to = "number" }
            """
        },
        "student.toml: Visit.derived_from: entries refer to each other in a circle: student.Visit -> "
        "student.Student -> student.Visit; leave out a reference to the derived entity",
    ),
    "required reference in a circle of three": (
        {
            "configuration.toml": SCHOOL
            + 'S = { type = "int", to = "s", required = true, references = "student.Student" }\n'
            + YEAR
            + 'S = { type = "int", to = "s", references = "configuration.School" }',
            "student.toml": STUDENT + 'Y = { type = "int", to = "y", references = "configuration.Year" }',
        },
        "entries refer to each other in a circle: configuration.School -> student.Student -> "
        "configuration.Year -> configuration.School",
    ),
    "shared table without a discriminator": (
        {"student.toml": STUDENT + HEAD.format(name="Pupil", target="students")},
        "student.toml: Student: student.Student, student.Pupil share the table students; "
        "each needs a constant of its own in the same column",
    ),
    "shared table with the same constant": (
        {
            "student.toml": STUDENT
            + '_o = { constant = "x", to = "origin" }\n'
            + HEAD.format(name="Pupil", target="students")
            + '_o = { constant = "x", to = "origin" }'
        },
        "student.toml: Student: student.Student, student.Pupil share the table students;",
    ),
    "two fates": (
        {"student.toml": STUDENT + 'Name = { to = "name", json = "rest" }'},
        "student.toml: Student.columns.Name: has to and json; a column has one fate",
    ),
    "written and excluded": (
        {"student.toml": STUDENT + 'Name = { to = "name", excluded = "never written" }'},
        "student.toml: Student.columns.Name: has to and excluded; a column has one fate",
    ),
    "secret that is written": (
        {"student.toml": STUDENT + 'Name = { to = "name", secret = true }'},
        "student.toml: Student.columns.Name: a secret column is excluded, with its reason",
    ),
    "reference to two columns": (
        {"student.toml": STUDENT + 'S = { to = { a = "text", b = "text" }, references = "student.Student" }'},
        "student.toml: Student.columns.S: a reference goes to exactly one target column",
    ),
    "number with case": (
        {"student.toml": STUDENT.replace('"int" }', '"int", case_sensitive = true }')},
        "student.toml: Student.columns.Id: case_sensitive is for text, not for int",
    ),
    "unknown legacy type": (
        {"student.toml": STUDENT + 'Fee = { type = "currency", to = "fee" }'},
        "student.toml: Student.columns.Fee: mssql type 'currency' is not in the table of types",
    ),
    "legacy type of another engine": (
        {"student.toml": STUDENT.replace("key =", 'engine = "mysql"\nkey =') + 'Fee = { type = "money", to = "fee" }'},
        "student.toml: Student.columns.Fee: mysql type 'money' is not in the table of types",
    ),
    "unknown engine": (
        {"student.toml": STUDENT.replace("key =", 'engine = "mariadb"\nkey =')},
        "student.toml: Student.engine: Input should be 'mssql', 'mysql', 'postgresql' or 'sqlite'",
    ),
    "unknown target type": (
        {"student.toml": STUDENT + 'Fee = { type = "int", to = "fee", pg = "float8" }'},
        "student.toml: Student.columns.Fee: target type 'float8' is not one that is written exactly",
    ),
    "datetime that says no more": (
        {"student.toml": STUDENT + 'Born = { type = "datetime", to = "born" }'},
        "student.toml: Student.columns.Born: a datetime needs a converter (date, time or instant?)",
    ),
    "key that a composite reference composes": (
        {"student.toml": COMPOSITE.replace('["Id"]', '["Id", "S"]')},
        "student.toml: Student.key: student.Student reads no column 'S'",
    ),
    "composite reference made of a composite reference": (
        {"student.toml": COMPOSITE + 'T = { to = "t", references = "configuration.Pair", using = ["A", "S"] }'},
        "student.toml: Student.columns.T.using: student.Student reads no column 'S'",
    ),
    "composite reference with a constant": (
        {"student.toml": COMPOSITE.replace('to = "s",', 'to = "s", constant = "1",')},
        "student.toml: Student.columns.S: is not read, as its using names other columns: no constant and no scrub",
    ),
    "half of a key that is kept nowhere": (
        {"student.toml": COMPOSITE.replace(', to = "b"', "")},
        "student.toml: Student.columns.B: holds part of S, and where that key is half filled goes nowhere: "
        "name its target (to, json), or why it is excluded",
    ),
    "undeclared split": (
        {"student.toml": STUDENT + 'Name = { to = "student_names.name" }'},
        "student.toml: Student.columns.Name.to: no split student_names/1 is declared",
    ),
    "derived from nowhere": (
        {"student.toml": '[Visit]\nderived_from = "student.Stay"\nkey = ["Id"]\ntarget = "visits"'},
        "student.toml: Visit.derived_from: no entity 'student.Stay' in the same service",
    ),
    "rule on no column": (
        {
            "student.toml": STUDENT
            + """[[Student.rules]]
            rule = "present"
            column = "Name"
            action = "flag"
            hazard = "H1"
            because = "a student should have a name"
            """
        },
        "student.toml: Student.rules.present: student.Student reads no column 'Name'",
    ),
    "unknown service": (
        {"students.toml": STUDENT},
        "students.toml: not a service; did you mean student?",
    ),
    "value where an entity should be": (
        {"student.toml": 'title = "students"'},
        "student.toml: title: got str, expected a table that describes an entity",
    ),
    "not TOML": (
        {"student.toml": "[Student"},
        "student.toml: not valid TOML: ",
    ),
}


@pytest.mark.parametrize(("files", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    if "configuration.Pair" in "".join(files.values()):
        files = {"configuration.toml": PAIR, **files}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert message in str(caught.value)


def test_the_heads_of_broken_entries_are_sound(tmp_path: Path) -> None:
    (tmp_path / "configuration.toml").write_text(SCHOOL + YEAR + PAIR, encoding="utf-8")
    (tmp_path / "student.toml").write_text(COMPOSITE, encoding="utf-8")
    expected = ("configuration.Pair", "configuration.School", "configuration.Year", "student.Student")
    assert load_catalog(tmp_path).order == expected


def test_what_a_required_composite_reference_is_made_of_needs_no_column(tmp_path: Path) -> None:
    """A row whose key is half filled is rejected whole, and the parent's id gives the rest back."""
    (tmp_path / "configuration.toml").write_text(PAIR, encoding="utf-8")
    required = COMPOSITE.replace(', to = "b"', "").replace('to = "s"', 'to = "s", required = true')
    (tmp_path / "student.toml").write_text(required, encoding="utf-8")
    assert list(load_catalog(tmp_path)["student.Student"].raw_columns) == ["Id", "A", "B"]


@pytest.mark.parametrize("text", ["float8", "money", "varchar(5)", "numeric(39,2)", "numeric(5)"])
def test_target_types_that_are_not_written_exactly_are_refused(text: str) -> None:
    with pytest.raises(UnknownType, match="written exactly"):
        target_type(text)


# Circles ----------------------------------------------------------------------------------------------------


def _refers(name: str, *parents: str) -> str:
    lines = [f'R{n} = {{ type = "int", to = "r{n}", references = "student.{p}" }}' for n, p in enumerate(parents)]
    return HEAD.format(name=name, target=name.lower()) + "\n".join(lines) + "\n"


#: A and B refer to each other, B also to itself and A to C; F depends on A, C and D on nobody, B on D; E stands alone.
KNOTTED = "".join(
    (_refers("A", "B", "C"), _refers("B", "A", "B", "D"), _refers("C"), _refers("D"), _refers("E"), _refers("F", "A"))
)


def test_circles_are_found_by_who_reaches_whom(tmp_path: Path) -> None:
    catalog = parse(tmp_path, student=KNOTTED)
    both = {"student.A", "student.B"}
    assert {e: catalog.circle(e) for e in catalog.entities} == {
        **dict.fromkeys(both, both), **dict.fromkeys(("student.C", "student.D", "student.E", "student.F"), frozenset()),
    }  # fmt: skip
    assert parse(tmp_path, student=_refers("A", "A")).circle("student.A") == {"student.A"}


def test_a_circle_depends_on_what_any_of_it_depends_on(tmp_path: Path) -> None:
    catalog = parse(tmp_path, student=KNOTTED)
    for name in ("A", "B"):
        assert catalog.dependencies(catalog[f"student.{name}"]) == {"student.C", "student.D"}
    assert catalog.order == tuple(f"student.{e}" for e in "CDEABF")
    assert catalog.levels(catalog.entities) == [[f"student.{e}" for e in level] for level in ("CDE", "AB", "F")]
    assert catalog.levels(["student.F", "student.B"]) == [["student.B"], ["student.F"]]


def test_a_part_of_a_circle_needs_the_keys_of_what_it_names_itself(tmp_path: Path) -> None:
    catalog = parse(tmp_path, student=KNOTTED)
    assert catalog.parents_of(["student.A"]) == {"student.B", "student.C"}
    assert catalog.parents_of(["student.F"]) == {"student.A"}
    assert catalog.select(entities=["B"]) == ("student.B",)


def test_the_hash_of_an_entry_covers_its_circle(tmp_path: Path) -> None:
    before = parse(tmp_path, student=KNOTTED).hashes
    for changed, concerned in (("a", "ABF"), ("b", "ABF"), ("d", "ABDF"), ("e", "E"), ("f", "F")):
        after = parse(tmp_path, student=KNOTTED.replace(f'target = "{changed}"', 'target = "z"')).hashes
        assert {e for e in before if before[e] != after[e]} == {f"student.{e}" for e in concerned}


# Names and hashes --------------------------------------------------------------------------------------------


def parse(directory: Path, **files: str) -> Catalog:
    for service, text in files.items():
        (directory / f"{service}.toml").write_text(text, encoding="utf-8")
    return load_catalog(directory)


@pytest.mark.parametrize(
    ("schema", "table", "path"),
    [
        (None, "Student", "district.dbo.Student"),
        ("Sales", "Order Details-2$", "district.Sales.Order Details-2$"),
        ("a.b", "c", 'district."a.b".c'),
        ("a", "b.c", 'district.a."b.c"'),
        ("dbo", 'x"/\\y', 'district.dbo."x\\"/\\\\y"'),
        ("dbo", "Schüler_1", "district.dbo.Schüler_1"),
        ("dbo", "a\n", 'district.dbo."a\\n"'),
    ],
)
def test_a_path_tells_schema_and_table_apart(schema: str | None, table: str, path: str) -> None:
    named = {} if schema is None else {"schema": schema}
    entity = Entity.model_validate(
        {"service": "student", "name": "X", "source": "district", "table": table, "key": ["Id"], "target": "x"}
        | {"columns": {"Id": {"type": "int"}}, **named}
    )
    assert entity.path == path


def test_younger_keys_that_say_nothing_leave_hashes_alone(tmp_path: Path) -> None:
    """Rows loaded before such a key existed belong to the same version of the entry."""
    plain = parse(tmp_path, student=STUDENT + 'Name = { to = "name" }')
    said = STUDENT.replace("key =", 'schema = "dbo"\nengine = "mssql"\nreviewed = false\nkey =')
    explicit = parse(tmp_path, student=said + 'Name = { to = "name", case_sensitive = false, finer = "reject" }')
    for catalog in (plain, explicit):
        assert catalog.hashes["student.Student"] == "77327e6018a1f942"
        assert catalog.extract_hash("student.Student") == "98f5bf48abef0188"


def test_another_engine_is_another_raw_file_and_another_entry(tmp_path: Path) -> None:
    """The same word means another type, and the same value another raw text."""
    plain = parse(tmp_path, student=STUDENT)
    moved = parse(tmp_path, student=STUDENT.replace("key =", 'engine = "mysql"\nkey ='))
    assert plain.extract_hash("student.Student") != moved.extract_hash("student.Student")
    assert plain.hashes["student.Student"] != moved.hashes["student.Student"]


def test_another_schema_is_another_raw_file_and_another_entry(tmp_path: Path) -> None:
    plain = parse(tmp_path, student=STUDENT)
    moved = parse(tmp_path, student=STUDENT.replace("key =", 'schema = "archive"\nkey ='))
    assert plain.extract_hash("student.Student") != moved.extract_hash("student.Student")
    assert plain.hashes["student.Student"] != moved.hashes["student.Student"]


def test_a_derived_entry_speaks_of_types_as_its_origin_does(tmp_path: Path) -> None:
    stay = STUDENT.replace("Student", "Stay").replace("key =", 'engine = "mysql"\nkey =')
    visit = '[Visit]\nderived_from = "student.Stay"\nkey = ["Kind"]\ntarget = "visits"\n[Visit.columns]\n'
    text = f'{stay}Kind = {{ type = "mediumtext", to = "kind" }}\n{visit}Kind = {{ to = "kind" }}\n'
    assert parse(tmp_path, student=text)["student.Visit"].engine == "mysql"


def test_what_is_not_read_of_another_engine_needs_no_type(tmp_path: Path) -> None:
    head = 'engine = "mysql"\nkey ='
    parse(tmp_path, configuration=PAIR.replace("key =", head), student=COMPOSITE.replace("key =", head))
    constant = STUDENT.replace("key =", head) + '_kind = { constant = "x", to = "kind" }'
    assert parse(tmp_path, student=constant)["student.Student"].constants == {"_kind": "x"}


def test_case_sensitivity_is_another_version_of_an_entry(tmp_path: Path) -> None:
    plain = parse(tmp_path, student=STUDENT + 'Name = { to = "name" }')
    sensitive = parse(tmp_path, student=STUDENT + 'Name = { to = "name", case_sensitive = true }')
    assert plain.hashes["student.Student"] != sensitive.hashes["student.Student"]


# Selection --------------------------------------------------------------------------------------------------


def test_a_selection_is_in_dependency_order() -> None:
    chosen = CATALOG.select(services=["identity"], entities=["Student", "configuration.School"])
    assert chosen == tuple(e for e in CATALOG.order if e in set(chosen))
    assert set(chosen) == {
        "identity.AspNetUsers",
        "identity.AspNetRoles",
        "identity.AspNetUserRoles",
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
