"""Damage to a finished migration, as data: which row, what is done to it, and how a verification must name it.

Every damage takes a row of its own, so that one verification can be asked about all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from pipeline.core.ids import NIL, tenant_id
from tests.conftest import Site

#: Stands where a child's data would; it may appear in no output at all.
MARKER = "zq-never-to-be-shown-zq"
TENANTS = {"a": str(tenant_id(1)), "b": str(tenant_id(2)), "shared": str(NIL)}
#: No legacy row has it.
NO_KEY = "[7654321]"
#: No district is it.
NO_TENANT = "11111111-1111-4111-8111-111111111111"


@dataclass(frozen=True)
class Difference:
    """What a verification must name."""

    service: str
    kind: str
    entity: str
    tenant: str
    key: str
    column: str


@dataclass(frozen=True)
class Damage:
    """What is done to one row of a target table, and the difference that must be reported."""

    name: str
    table: str
    entity: str
    """As the difference names it: the entity, or the table where no expected row tells which entity it is."""
    kind: str
    column: str
    sql: str
    """With {table}, {id}, {key}, {entity}, {tenant}, {foreign} and, where `other` is given, {other}."""
    tenant: str = "a"
    where: str = "true"
    other: str = ""
    """SELECT of one id; with the same names."""
    key: str = ""
    """The key that the difference names, if not the row's own."""
    owner: str = ""
    """The tenant that the difference names, if not the row's own."""
    also: tuple[tuple[str, str], ...] = ()
    """Further differences of the row, named by its table: kind, column."""


@dataclass(frozen=True)
class Note:
    """Damage to what is kept beside the rows: quarantine, finding, raw_value."""

    name: str
    table: str
    entity: str
    kind: str
    column: str
    sql: str
    """With {tenant}, {key} and {batch_id}."""
    which: str
    """Condition that finds the ledger's row; q is quarantine, f the finding or raw value."""
    key: str = ""


def _set(assignments: str) -> str:
    return f"UPDATE {{table}} SET {assignments} WHERE id = '{{id}}'"


def _another(table: str, but: str) -> str:
    return (
        f"SELECT id::text AS id FROM {table} WHERE tenant_id = '{{tenant}}' "
        f"AND id <> (SELECT {but} FROM {{table}} WHERE id = '{{id}}') LIMIT 1"
    )


def _copied(changes: str = "") -> str:
    own = f"jsonb_build_object('id', gen_random_uuid(){changes})"
    row = f"(jsonb_populate_record(t, {own})).*"
    return f"INSERT INTO {{table}} SELECT {row} FROM {{table}} t WHERE id = '{{id}}'"


_cell = partial(Damage, kind="different cell")
_OF_KEY = "tenant_id = '{tenant}' AND entity = '{entity}' AND legacy_key = '{key}'"
_FP = "storage_table = 'AssessmentFP'"
_MAP_COPY = (
    f"INSERT INTO migration.id_map SELECT tenant_id, entity, '{NO_KEY}', new_id, batch_id, source_hash, target_hash "
    f"FROM migration.id_map WHERE {_OF_KEY}"
)
_DELETE = "DELETE FROM {table} WHERE id = '{id}'"
_WRONG_NAME = "group_entity = 'section.Nothing'"

_student = partial(_cell, table="student.students", entity="student.Student")
_contact = partial(_cell, table="student.student_contacts", entity="student.Student", tenant="b")
_enrollment = partial(_cell, table="student.student_enrollments", entity="student.StudentSchool")
_staff = partial(_cell, table="staff.staff_members", entity="staff.Staff")
_benchmark = partial(_cell, table="assessment.benchmarks", entity="assessment.District_Benchmark")
_result = partial(_cell, table="assessment.assessment_results", entity="assessment.AssessmentFP")
_json = partial(_result, column="field_scores")
_note = partial(_cell, table="student.student_notes", entity="student.StudentNote", column="tenant_id")
_group = partial(Damage, table="assessment.assessment_fields", entity="assessment.AssessmentField")
_roster = partial(Damage, table="section.rosters", column="rosters")
_added = partial(_roster, entity="section.rosters", kind="extra row")
_FOREIGN_STUDENT = "SELECT id::text AS id FROM student.students WHERE tenant_id = '{foreign}' LIMIT 1"
_levels = "configuration.grade_levels"
_one_second = "created_at = created_at - interval '1 second'"
_one_tick = "updated_at = updated_at + interval '1 microsecond'"
_composed = "first_name = 'Jos\u00e9'"
_json_text = f"field_scores = jsonb_set(field_scores, '{{{{Comments}}}}', '\"{MARKER}\"')"
_json_scale = (
    "field_scores = jsonb_set(field_scores, '{{Accuracy}}', to_jsonb(trunc((field_scores->>'Accuracy')::numeric)))"
)

DAMAGES = (
    # One cell.
    _student("text", column="first_name", sql=_set(f"first_name = '{MARKER}'")),
    _student("text-longer-by-a-blank", column="last_name", sql=_set("last_name = last_name || ' '")),
    _student("text-null-for-empty", column="first_name", where="first_name = ''", sql=_set("first_name = NULL")),
    _student(
        "text-decomposed", column="first_name", where=_composed, sql=_set("first_name = normalize(first_name, NFD)")
    ),
    _student(
        "integer",
        column="graduation_year",
        where="graduation_year > 0",
        sql=_set("graduation_year = graduation_year + 1"),
    ),
    _student(
        "date",
        column="date_of_birth",
        where="date_of_birth < '2020-01-01'",
        sql=_set("date_of_birth = date_of_birth + 1"),
    ),
    _student("timestamptz-by-a-microsecond", column="updated_at", where="updated_at IS NOT NULL", sql=_set(_one_tick)),
    _student("created-at", column="created_at", sql=_set(_one_second)),
    _student("created-at-basis", column="created_at_basis", sql=_set(f"created_at_basis = '{MARKER}'")),
    _student("deleted-at", column="deleted_at", where="deleted_at IS NULL", sql=_set("deleted_at = created_at")),
    _student("legacy-id", column="legacy_id", tenant="b", sql=_set(f"legacy_id = '{NO_KEY}'")),
    _staff("boolean", column="is_power_user", sql=_set("is_power_user = NOT coalesce(is_power_user, false)")),
    _staff("boolean-unset", column="is_active", where="is_active", sql=_set("is_active = NULL")),
    _cell(
        "time",
        table="section.sections",
        entity="section.Section",
        column="start_time",
        where="start_time IS NOT NULL",
        sql=_set("start_time = start_time + interval '1 hour'"),
    ),
    _benchmark("numeric-by-a-hundredth", column="meets", where="meets IS NOT NULL", sql=_set("meets = meets + 0.01")),
    _result(
        "numeric-zero-for-null",
        column="total_score",
        where=f"{_FP} AND total_score IS NULL",
        sql=_set("total_score = 0"),
    ),
    _result("constant", column="storage_table", where=_FP, sql=_set("storage_table = 'AssessmentLID'")),
    _json("jsonb-member", where=_FP, sql=_set(_json_text)),
    _json("jsonb-member-lost", where=_FP, sql=_set("field_scores = field_scores - 'Passed'")),
    _json("jsonb-scale-of-a-number", where=f"{_FP} AND field_scores->>'Accuracy' LIKE '%.00'", sql=_set(_json_scale)),
    _cell(
        "derived-row",
        table="assessment.assessment_assignments",
        entity="assessment.FPAssignment",
        column="derived",
        where=_FP,
        sql=_set("derived = false"),
    ),
    _cell(
        "shared-row",
        table=_levels,
        entity="configuration.NSGrade",
        column="long_name",
        tenant="shared",
        sql=_set(f"long_name = '{MARKER}'"),
    ),
    _contact("piece", column="email", sql=_set(f"email = '{MARKER}'")),
    _contact("piece-position", column="position", where="position = 2", sql=_set("position = 3")),
    # References.
    _enrollment(
        "reference-to-a-sibling",
        column="student_id",
        other=_another("student.students", "student_id"),
        sql=_set("student_id = '{other}'"),
    ),
    _enrollment(
        "reference-to-another-tenant",
        column="student_id",
        other=_FOREIGN_STUDENT,
        sql=_set("student_id = '{other}'"),
        also=(("reference into another tenant", "student_id"),),
    ),
    _enrollment(
        "reference-to-nowhere",
        column="student_id",
        sql=_set("student_id = gen_random_uuid()"),
        also=(("orphan", "student_id"),),
    ),
    _enrollment(
        "reference-to-another-service-nowhere",
        column="school_id",
        sql=_set("school_id = gen_random_uuid()"),
        also=(("orphan", "school_id"),),
    ),
    _enrollment(
        "reference-lost", column="grade_level_id", where="grade_level_id IS NOT NULL", sql=_set("grade_level_id = NULL")
    ),
    _contact(
        "owner-of-a-piece",
        column="student_id",
        other=_another("student.students", "student_id"),
        sql=_set("student_id = '{other}'"),
    ),
    _cell(
        "entity-of-a-parent",
        table="intervention.session_attendance",
        entity="intervention.InterventionAttendance",
        column="group_entity",
        sql=_set(_WRONG_NAME),
    ),
    # Rows.
    _roster("row-deleted", entity="section.StudentSection", kind="missing row", sql=_DELETE),
    _added("row-added", sql=_copied(f", 'legacy_id', '{NO_KEY}'"), key=NO_KEY),
    _added("row-doubled-under-a-new-id", sql=_copied()),
    _added("row-of-an-unknown-tenant", sql=_copied(f", 'tenant_id', '{NO_TENANT}'"), owner=NO_TENANT),
    _roster(
        "row-under-another-id",
        entity="section.StudentSection",
        kind="missing row",
        sql=_set("id = gen_random_uuid()"),
        also=(("extra row", "rosters"),),
    ),
    Damage("shared-row-added", _levels, _levels, "extra row", "grade_levels", _copied(), tenant="shared"),
    Damage(
        "piece-deleted",
        "student.student_contacts",
        "student.Student",
        "missing row",
        "student_contacts",
        _DELETE,
        tenant="b",
    ),
    _note("tenants-swapped-of-a", sql=_set("tenant_id = '{foreign}'")),
    _note("tenants-swapped-of-b", tenant="b", sql=_set("tenant_id = '{foreign}'")),
    # The id map.
    _group(
        "id-map-row-removed", kind="missing in id map", column="", sql=f"DELETE FROM migration.id_map WHERE {_OF_KEY}"
    ),
    _group("id-map-row-added", kind="extra in id map", column="", key=NO_KEY, sql=_MAP_COPY),
    *(
        _group(
            f"id-map-{column}",
            kind="different in id map",
            column=column,
            sql=f"UPDATE migration.id_map SET {column} = gen_random_uuid() WHERE {_OF_KEY}",
        )
        for column in ("new_id", "source_hash", "target_hash")
    ),
)

_reject = partial(Note, table="quarantine", entity="student.StudentSchool", which="true")
_SET_REJECT = "UPDATE migration.quarantine SET"
_SET_FINDING = "UPDATE migration.finding SET"
_SET_RAW = "UPDATE migration.raw_value SET"
_HERE = "WHERE entity = 'student.StudentSchool' AND tenant_id = '{tenant}' AND legacy_key = '{key}'"
_BATCH = "WHERE batch_id = '{batch_id}' AND column_name = "

NOTES = (
    _reject("reject-removed", kind="missing in quarantine", column="", sql=f"DELETE FROM migration.quarantine {_HERE}"),
    _reject(
        "reject-reason",
        kind="different in quarantine",
        column="reasons",
        sql=f"{_SET_REJECT} reasons = ARRAY['{MARKER}'] {_HERE}",
    ),
    _reject(
        "reject-row",
        kind="different in quarantine",
        column="row",
        sql=f"{_SET_REJECT} row = to_json('{MARKER}'::text) {_HERE}",
    ),
    Note(
        "finding-key-removed",
        "finding",
        "student.Student",
        "missing in finding",
        "DOB H40",
        f"{_SET_FINDING} keys = keys[2:] {_BATCH}'DOB' AND hazard = 'H40'",
        "f.column_name = 'DOB' AND f.hazard = 'H40'",
    ),
    Note(
        "finding-key-added",
        "finding",
        "student.StudentNote",
        "extra in finding",
        "Note H66",
        f"{_SET_FINDING} keys = keys || '{NO_KEY}'::text {_BATCH}'Note' AND hazard = 'H66'",
        "f.hazard = 'H66'",
        NO_KEY,
    ),
    Note(
        "finding-of-another-hazard",
        "finding",
        "student.StudentSchool",
        "extra in finding",
        "GradeId H99",
        f"{_SET_FINDING} hazard = 'H99' {_BATCH}'GradeId'",
        "f.column_name = 'GradeId'",
    ),
    Note(
        "raw-value-changed",
        "raw_value",
        "student.Student",
        "different in raw value",
        "raw",
        f"{_SET_RAW} raws[1] = '{MARKER}'::bytea {_BATCH}'DOB'",
        "f.column_name = 'DOB'",
    ),
    Note(
        "raw-value-removed",
        "raw_value",
        "student.StudentAttributeData",
        "missing in raw value",
        "AttributeValueID absent",
        f"{_SET_RAW} keys = keys[2:], raws = raws[2:] {_BATCH}'AttributeValueID' AND rule = 'absent'",
        "f.column_name = 'AttributeValueID' AND f.rule = 'absent'",
    ),
    Note(
        "raw-value-to-another-row",
        "raw_value",
        "student.StudentNote",
        "extra in raw value",
        "Note text",
        f"{_SET_RAW} keys[1] = '{NO_KEY}' {_BATCH}'Note'",
        "f.column_name = 'Note'",
        NO_KEY,
    ),
)


def inflict(site: Site, damage: Damage, taken: set[str]) -> Iterator[Difference]:
    """Damage a row that no other damage has taken; yield what must be reported."""
    service, tenant = damage.table.partition(".")[0], TENANTS[damage.tenant]
    owner = "tenant_id IS NULL" if damage.tenant == "shared" else f"tenant_id = '{tenant}'"
    rows = site.rows(
        service, f"SELECT id::text AS id, legacy_id FROM {damage.table} WHERE {owner} AND {damage.where} ORDER BY id"
    )
    row = next(r for r in rows if r["id"] not in taken)
    taken.add(str(row["id"]))
    named = {
        "table": damage.table, "id": row["id"], "key": row["legacy_id"], "entity": damage.entity, "tenant": tenant,
        "foreign": TENANTS["b" if damage.tenant == "a" else "a"],
    }  # fmt: skip
    if damage.other:
        named["other"] = site.rows(service, damage.other.format(**named))[0]["id"]
    site.execute(service, damage.sql.format(**named))
    key = damage.key or str(row["legacy_id"])
    yield Difference(service, damage.kind, damage.entity, damage.owner or tenant, key, damage.column)
    for kind, column in damage.also:
        yield Difference(service, kind, damage.table, tenant, key, column)


def inflict_note(site: Site, note: Note, taken: set[str]) -> Iterator[Difference]:
    """Damage a row of the ledger; yield what must be reported."""
    service = note.entity.partition(".")[0]
    if note.table == "quarantine":
        named, source = "q.tenant_id::text AS tenant, q.legacy_key AS key, q.batch_id", "migration.quarantine q"
        where = f"q.entity = '{note.entity}' AND {note.which}"
    else:
        named = "r.tenant_id::text AS tenant, f.keys[1] AS key, r.batch_id"
        source = f"migration.{note.table} f JOIN migration.receipt r USING (batch_id)"
        where = f"r.entity = '{note.entity}' AND {note.which}"
    rows = site.rows(service, f"SELECT {named}::text AS batch_id FROM {source} WHERE {where} ORDER BY 1, 2")
    row = next(r for r in rows if f"{note.table}/{r['tenant']}/{r['key']}" not in taken)
    taken.add(f"{note.table}/{row['tenant']}/{row['key']}")
    site.execute(service, note.sql.format(**row))
    yield Difference(service, note.kind, note.entity, str(row["tenant"]), note.key or str(row["key"]), note.column)
