"""The specification's scenarios, each checked with SQLite on one side and plain SQL on the other."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.legacy import (
    HOST_ZONES,
    NIL,
    SERVICES,
    TENANT_ZONES,
    TENANTS,
    Row,
    by_key,
    key_of,
    kind_of_clock,
    legacy_rows,
    living_students,
    placed_users,
    row_id,
    utc,
)
from tests.support.site import Site

BOTH = pytest.mark.parametrize("source", TENANTS)
#: Column of the wide Student -> column of its contact row.
CONTACT = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Relationship": "relationship",
    "HomePhone": "home_phone",
    "MobilePhone": "mobile_phone",
    "WorkPhone": "work_phone",
    "Email": "email",
}
#: Table, column of the wide Student -> column of that table.
WIDE = {
    "students": {
        "FirstName": "first_name",
        "MiddleName": "middle_name",
        "LastName": "last_name",
        "GradYear": "graduation_year",
        "StudentIdentifier": "student_identifier",
        "TitleOnetypeID": "legacy_title_one_type_code",
        "Comment": "comment",
        "ModifiedBy": "modified_by",
        "PreferredName": "preferred_name",
        "HomePhone": "home_phone",
        "Email": "email",
        "EmergencyNotes": "emergency_notes",
    },
    "student_demographics": {
        "EthnicityID": "legacy_ethnicity_code",
        "Gender": "gender",
        "GenderID": "legacy_gender_code",
        "BirthCity": "birth_city",
        "HomeLanguage": "home_language",
        "Ethnicity": "ethnicity",
        "LunchStatus": "meal_status",
    },
    "student_addresses": {
        "AddressLine1": "address_line_1",
        "AddressLine2": "address_line_2",
        "City": "city",
        "State": "state",
        "PostalCode": "postal_code",
    },
    "student_current_enrollments": {"EnrollmentStatus": "status"},
}
FLAGS = {
    "students": {"IsActive": "is_active"},
    "student_demographics": {
        "ELL": "is_english_learner",
        "ADSIS": "is_adsis",
        "Gifted": "is_gifted",
        "SpecialEducation": "is_special_education",
    },
}
STUDENT = "district.dbo.Student"


def _contacts(student: Row) -> set[int]:
    """Say which contacts a wide row describes: a flag that is off describes nobody."""
    return {
        n
        for n in (1, 2)
        if student.get(f"Contact{n}IsPrimary") == 1
        or any(str(student.get(f"Contact{n}{c}") or "").strip(" ") for c in CONTACT)
    }


def _flag(value: object) -> bool | None:
    return None if value is None else bool(value)


@BOTH
def test_scenario_1_students_with_demographics_contacts_and_enrollments(finished: Site, source: str) -> None:
    tenant = TENANTS[source]
    legacy = {s["Id"]: s for s in living_students(finished, source)}
    loaded = by_key(finished, "student", "students", tenant)
    assert loaded.keys() == legacy.keys()
    demographics = by_key(finished, "student", "student_demographics", tenant)
    assert demographics.keys() == legacy.keys()
    for key, student in legacy.items():
        assert loaded[key]["id"] == row_id(tenant, STUDENT, key)
        assert (loaded[key]["first_name"], loaded[key]["last_name"]) == (student["FirstName"], student["LastName"])
        assert demographics[key]["student_id"] == loaded[key]["id"]
        assert demographics[key]["gender"] == student["Gender"]
    contacts = finished.rows(
        "student", f"SELECT legacy_id, student_id, position FROM student.student_contacts WHERE tenant_id = '{tenant}'"
    )
    described = {(key_of(key), row_id(tenant, STUDENT, key), n) for key, s in legacy.items() for n in _contacts(s)}
    assert {(c["legacy_id"], c["student_id"], c["position"]) for c in contacts} == described
    assert len(contacts) == len(described)
    assert bool(contacts) is (source == "district_b")
    enrollments = by_key(finished, "student", "student_enrollments", tenant)
    enrolled = [e for e in legacy_rows(finished, source, 'SELECT * FROM "StudentSchool"') if e["StudentID"] in legacy]
    assert enrollments.keys() == {e["Id"] for e in enrolled}
    for e in enrolled:
        row = enrollments[e["Id"]]
        assert row["student_id"] == row_id(tenant, STUDENT, e["StudentID"])
        assert row["school_id"] == row_id(tenant, "district.dbo.School", e["SchoolID"])
        assert row["school_year_id"] == row_id(tenant, "district.dbo.SchoolYear", e["SchoolStartYear"])


def test_scenario_3_references_are_uuids_and_none_crosses_tenants(finished: Site) -> None:
    owners: dict[UUID, UUID | None] = {}
    references: list[tuple[str, UUID, UUID]] = []
    for service in SERVICES:
        columns = finished.rows(
            service,
            "SELECT table_name::text AS t, column_name::text AS c, data_type::text AS y "
            f"FROM information_schema.columns WHERE table_schema = '{service}'",
        )
        named_so = [c for c in columns if str(c["c"]).endswith("_id") and not str(c["c"]).startswith("legacy_")]
        assert {c["y"] for c in named_so} == {"uuid"}
        for table in {str(c["t"]) for c in columns}:
            names = [str(c["c"]) for c in columns if c["t"] == table and c["y"] == "uuid"]
            for row in finished.rows(service, f"SELECT {', '.join(names)} FROM {service}.{table}"):
                values = {name: UUID(str(value)) for name, value in row.items() if value is not None}
                tenant = values.pop("tenant_id", None)
                owners[values.pop("id")] = tenant
                references += [(f"{service}.{table}.{name}", value, tenant or NIL) for name, value in values.items()]
    assert len({place for place, _, _ in references}) > 40
    assert [place for place, value, _ in references if value not in owners] == []
    assert [place for place, value, tenant in references if owners[value] not in (tenant, None)] == []
    shared = Counter(place for place, value, _ in references if owners[value] is None)
    assert set(shared) >= {"section.sections.grade_level_id", "identity.user_roles.role_id"}


#: Entity, source, legacy table, key columns.
KEYED = (
    ("student.Student", "district_a", STUDENT, ("Id",)),
    ("configuration.SchoolYear", "district_b", "district.dbo.SchoolYear", ("SchoolStartYear",)),
    ("assessment.AssessmentFP", "district_b", "district.dbo.AssessmentFP", ("ID",)),
    ("identity.AspNetRoles", "login", "login.dbo.AspNetRoles", ("Id",)),
    ("identity.AspNetUsers", "login", "login.dbo.AspNetUsers", ("Id",)),
    ("identity.AspNetUserRoles", "login", "login.dbo.AspNetUserRoles", ("UserId", "RoleId")),
)


@pytest.mark.parametrize(("entity", "source", "path", "columns"), KEYED, ids=[k[0] for k in KEYED])
def test_scenario_7_ids_follow_from_the_legacy_keys(
    finished: Site, entity: str, source: str, path: str, columns: tuple[str, ...]
) -> None:
    listed, service = ", ".join(f'"{c}"' for c in columns), entity.partition(".")[0]
    legacy = legacy_rows(finished, source, f'SELECT {listed} FROM "{path.rpartition(".")[2]}"')
    keys = [tuple(row.values()) for row in legacy]
    owners = [TENANTS[source]] if source in TENANTS else [NIL]
    pairs = {(tenant, key) for tenant in owners for key in keys}
    if columns[0] == "UserId" or entity == "identity.AspNetUsers":
        users = placed_users(finished)
        pairs = {(tenant, key) for key in keys for user, tenant in users if user == key[0]}
    tenants = ", ".join(f"'{t}'" for t in {p[0] for p in pairs})
    within = f"entity = '{entity}' AND tenant_id IN ({tenants})"
    mapped = finished.rows(service, f"SELECT tenant_id, legacy_key, new_id FROM migration.id_map WHERE {within}")
    rejected = finished.rows(service, f"SELECT tenant_id, legacy_key FROM migration.quarantine WHERE {within}")
    gone = {(r["tenant_id"], r["legacy_key"]) for r in rejected}
    wanted = {(t, key_of(*k)): row_id(t, path, *k) for t, k in pairs if (t, key_of(*k)) not in gone}
    assert {(m["tenant_id"], m["legacy_key"]): m["new_id"] for m in mapped} == wanted
    assert len(mapped) == len(wanted) > 2


def test_scenario_7_pieces_and_derived_rows_have_ids_of_the_same_kind(finished: Site) -> None:
    tenant = TENANTS["district_b"]
    pieces = finished.rows("student", "SELECT id, legacy_id, position, tenant_id FROM student.student_contacts")
    assert {p["tenant_id"] for p in pieces} == {tenant}
    for p in pieces:
        key = json.loads(str(p["legacy_id"]))
        assert p["id"] == row_id(tenant, STUDENT, *key, piece=f"#student_contacts/{p['position']}")
    derived = finished.rows("assessment", "SELECT id, legacy_id, tenant_id FROM assessment.assessment_assignments")
    for d in derived:
        key = json.loads(str(d["legacy_id"]))
        assert d["id"] == row_id(UUID(str(d["tenant_id"])), "derived.assessment_assignments", *key)


def test_scenario_7_the_identity_map_answers_both_ways(finished: Site) -> None:
    wanted = row_id(TENANTS["district_b"], STUDENT, 7)
    [row] = json.loads(finished.migrate("lookup", "student.Student", "7", "--tenant", "district_b", "--json").stdout)
    assert UUID(row["new_id"]) == wanted
    [back] = json.loads(finished.migrate("lookup", str(wanted), "--json").stdout)
    assert (back["tenant"], back["entity"], back["legacy_key"]) == ("district_b", "student.Student", "[7]")


@BOTH
def test_scenario_8_a_local_datetime_becomes_its_utc_instant(finished: Site, source: str) -> None:
    zone, tenant = HOST_ZONES[source], TENANTS[source]
    kinds: Counter[str] = Counter()
    for table, target in (("Student", "students"), ("StudentSchool", "student_enrollments")):
        loaded = by_key(finished, "student", target, tenant, "updated_at, created_at, created_at_basis")
        for row in legacy_rows(finished, source, f'SELECT "Id", "ModifiedDate" FROM "{table}"'):
            if row["Id"] not in loaded:
                continue
            wanted, got = utc(row["ModifiedDate"], zone), loaded[row["Id"]]
            assert got["updated_at"] == wanted
            assert got["created_at"] == (wanted or datetime(2026, 1, 1, tzinfo=UTC))
            assert (got["created_at_basis"] == "as of the run") is (wanted is None)
            if wanted is not None:
                kinds[kind_of_clock(row["ModifiedDate"], zone)] += 1
                kinds[f"{wanted.microsecond // 1000 % 10}"] += 1
    assert kinds["3"] and kinds["7"]
    assert (kinds["gap"], kinds["overlap"]) == ((2, 1) if source == "district_a" else (0, 0))


@BOTH
def test_scenario_8_a_date_stays_the_same_date(finished: Site, source: str) -> None:
    loaded = by_key(finished, "student", "students", TENANTS[source], "date_of_birth")
    told: Counter[str] = Counter()
    for student in living_students(finished, source):
        stamp, got = student["DOB"], loaded[student["Id"]]["date_of_birth"]
        if stamp is None or str(stamp).startswith("9999-12-31"):
            assert got is None
            continue
        moment = datetime.fromisoformat(str(stamp))
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(TENANT_ZONES[source]))
        # A local midnight that was stored as UTC is that local day; everything else is the day it says.
        is_midnight = moment.time() != datetime.min.time() and local.time() == datetime.min.time()
        assert got == (local.date() if is_midnight else moment.date())
        told["midnight" if is_midnight else "plain"] += 1
    assert told["midnight"] == 2
    assert told["plain"] > 30
    assert date(2012, 2, 29) in {row["date_of_birth"] for row in loaded.values()}


#: Service, legacy table, target, legacy columns and target columns of decimals.
DECIMALS = (
    (
        "assessment",
        "District_Benchmark",
        "benchmarks",
        {"DoesNotMeet": "does_not_meet", "Approaches": "approaches", "Meets": "meets", "Exceeds": "exceeds"},
    ),
    ("assessment", "AssessmentFP", "assessment_results", {"TotalScore": "total_score"}),
)


@BOTH
@pytest.mark.parametrize(("service", "table", "target", "columns"), DECIMALS, ids=[d[1] for d in DECIMALS])
def test_scenario_8_a_decimal_is_exact(
    finished: Site, source: str, service: str, table: str, target: str, columns: dict[str, str]
) -> None:
    shown = ", ".join(f"{c}::text AS {c}" for c in columns.values())
    only = "storage_table = 'AssessmentFP'" if target == "assessment_results" else "true"
    rows = finished.rows(
        service, f"SELECT legacy_id, {shown} FROM {service}.{target} WHERE tenant_id = '{TENANTS[source]}' AND {only}"
    )
    loaded = {json.loads(str(r["legacy_id"]))[0]: r for r in rows}
    compared, largest = 0, Decimal(0)
    for row in legacy_rows(finished, source, f'SELECT * FROM "{table}"'):
        got = loaded.get(row["Id"] if "Id" in row else row["ID"])
        for legacy, column in columns.items() if got else ():
            assert got is not None
            value = None if row[legacy] is None else Decimal(repr(row[legacy]))
            assert (None if got[column] is None else Decimal(str(got[column]))) == value
            assert got[column] is None or str(got[column])[-3] == "."
            compared, largest = compared + 1, max(largest, value or Decimal(0))
    assert compared > 20
    assert largest == Decimal("9999999999999.99")


def test_scenario_11_equal_lookups_are_shared_and_others_stay(finished: Site) -> None:
    system = {g["ShortName"]: g for g in legacy_rows(finished, "login", 'SELECT * FROM "NSGrade"')}
    shared = {name: row_id(NIL, "login.dbo.NSGrade", g["Id"]) for name, g in system.items()}
    assert {
        r["id"]
        for r in finished.rows("configuration", "SELECT id FROM configuration.grade_levels WHERE tenant_id IS NULL")
    } == set(shared.values())
    own: dict[str, set[str]] = {}
    used: dict[str, set[UUID]] = {}
    for source, tenant in TENANTS.items():
        mapped = finished.rows(
            "configuration",
            "SELECT legacy_key, new_id FROM migration.id_map "
            f"WHERE entity = 'configuration.Grade' AND tenant_id = '{tenant}'",
        )
        new_ids = {json.loads(str(m["legacy_key"]))[0]: m["new_id"] for m in mapped}
        rows = by_key(finished, "configuration", "grade_levels", tenant)
        own[source], used[source] = {str(r["name"]) for r in rows.values()}, set()
        for grade in legacy_rows(finished, source, 'SELECT * FROM "Grade"'):
            name = str(grade["ShortName"])
            if name in system and all(grade[c] == system[name][c] for c in ("LongName", "GradeOrder")):
                assert new_ids[grade["Id"]] == shared[name]
                assert grade["Id"] not in rows
                used[source].add(shared[name])
            else:
                assert (
                    new_ids[grade["Id"]] == rows[grade["Id"]]["id"] == row_id(tenant, "district.dbo.Grade", grade["Id"])
                )
    assert own == {"district_a": set(), "district_b": {"K", "TK"}}
    assert used["district_a"] - used["district_b"] == {shared["K"]}
    [finding] = finished.rows(
        "configuration",
        "SELECT f.column_name, f.keys, r.tenant_id FROM migration.finding f "
        "JOIN migration.receipt r USING (batch_id) WHERE f.hazard = 'H68'",
    )
    kindergarten = legacy_rows(finished, "district_b", 'SELECT "Id" FROM "Grade" WHERE "LongName" = \'Kdg\'')[0]["Id"]
    assert (finding["column_name"], finding["keys"], finding["tenant_id"]) == (
        "LongName",
        [key_of(kindergarten)],
        TENANTS["district_b"],
    )


@BOTH
def test_scenario_11_a_lookup_value_is_found_by_its_number_not_its_id(finished: Site, source: str) -> None:
    tenant, path = TENANTS[source], "district.dbo.StudentAttributeLookupValue"
    lowest: dict[tuple[object, object], int] = {}
    for value in legacy_rows(finished, source, 'SELECT * FROM "StudentAttributeLookupValue" ORDER BY "Id"'):
        lowest.setdefault((value["AttributeID"], value["LookupValueID"]), int(str(value["Id"])))
    loaded = by_key(finished, "student", "student_attributes", tenant, "attribute_value_id")
    found: Counter[bool] = Counter()
    for row in legacy_rows(finished, source, 'SELECT * FROM "StudentAttributeData"'):
        if row["Id"] in loaded:
            key = lowest.get((row["AttributeID"], row["AttributeValueID"]))
            assert loaded[row["Id"]]["attribute_value_id"] == (None if key is None else row_id(tenant, path, key))
            found[key is not None] += 1
    assert found[True] > 20
    assert found[False] >= 2


def test_scenario_12_a_denormalised_student_becomes_rows_of_five_tables(finished: Site) -> None:
    tenant = TENANTS["district_b"]
    students = living_students(finished, "district_b")
    assert len(students[0]) == 54
    tables = {t: by_key(finished, "student", t, tenant) for t in WIDE}
    for s in students:
        for table, columns in WIDE.items():
            row = tables[table][s["Id"]]
            assert {c: row[c] for c in columns.values()} == {c: s[name] for name, c in columns.items()}
            for name, column in FLAGS.get(table, {}).items():
                assert row[column] == _flag(s[name])
        current = tables["student_current_enrollments"][s["Id"]]
        assert current["grade_level_id"] is not None
        dead = not legacy_rows(finished, "district_b", f'SELECT 1 FROM "School" WHERE "Id" = {s["EnrollmentSchoolID"]}')
        school = row_id(tenant, "district.dbo.School", s["EnrollmentSchoolID"])
        assert current["school_id"] == (None if dead else school)
    contacts = finished.rows("student", "SELECT * FROM student.student_contacts")
    found = {(json.loads(str(c["legacy_id"]))[0], c["position"]): c for c in contacts}
    for s in students:
        for n in _contacts(s):
            row = found[s["Id"], n]
            assert {c: row[c] for c in CONTACT.values()} == {c: s[f"Contact{n}{name}"] for name, c in CONTACT.items()}
            assert row["is_primary"] == _flag(s[f"Contact{n}IsPrimary"])


@pytest.mark.parametrize("table", ["student_contacts", "student_addresses", "student_current_enrollments"])
def test_scenario_12_a_narrow_student_makes_no_rows_of_what_it_lacks(finished: Site, table: str) -> None:
    assert len(legacy_rows(finished, "district_a", 'SELECT * FROM "Student" LIMIT 1')[0]) == 20
    rows = finished.rows("student", f"SELECT id FROM student.{table} WHERE tenant_id = '{TENANTS['district_a']}'")
    assert rows == []
