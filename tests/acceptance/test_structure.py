"""What a target is made of is part of the proof: against the catalog, or as it was when the first run began."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.core.structure import Drift
from pipeline.demo.server import Server
from pipeline.workspace import Workspace
from tests.faults.damages.made_of import DIFFERENCES, HARMLESS, OWN, TABLE, Change
from tests.support.small import Small, made_of, named, small, told, verified_again

ENTRY = named("Pupil") + 'Born = { type = "date", to = "born" }\n'
ROWS = (
    "CREATE TABLE Pupil (Id int NOT NULL PRIMARY KEY, Name nvarchar(50), Born date);"
    "INSERT INTO Pupil VALUES (1, 'Zoë', '2010-02-03'), (2, 'Łucja', NULL);"
)


@pytest.fixture(scope="module")
def moved(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Small, Workspace]]:
    """Two tenants of one table, migrated and verified."""
    with small(postgres, tmp_path_factory.mktemp("made_of"), {"student": ENTRY}, {"a": ROWS, "b": ROWS}) as made:
        workspace, verdict = made.run()
        assert verdict.parity
        assert verdict.told == ()
        yield made, workspace


def _while(change: Change, moved: tuple[Small, Workspace]) -> list[Drift]:
    """Say how the target is made while something in it is changed."""
    made, workspace = moved
    made.site.execute("student", *change.do)
    try:
        return made_of(workspace)
    finally:
        made.site.execute("student", *change.undo)


@pytest.mark.parametrize("change", DIFFERENCES, ids=lambda c: c.name)
def test_what_opens_or_alters_is_a_difference(moved: tuple[Small, Workspace], change: Change) -> None:
    drift = _while(change, moved)
    assert Drift(change.place, change.what, change.named, judged=True) in drift, drift
    assert made_of(moved[1]) == []


@pytest.mark.parametrize("change", HARMLESS, ids=lambda c: c.name)
def test_what_is_harmless_is_told_at_most(moved: tuple[Small, Workspace], change: Change) -> None:
    drift = _while(change, moved)
    assert not [d for d in drift if d.judged]
    assert {(d.what, d.name) for d in drift} == ({(change.what, change.named)} if change.what else set())
    assert made_of(moved[1]) == []


#: How a policy that opens more is named by what the application can then do.
TRIED = {
    "a second policy that lets every row be deleted": "the application can delete rows of another tenant",
    "a second policy that lets every row be changed": "the application can change rows of another tenant",
    "a second policy that lets a row of any tenant be written": "the application can write rows of another tenant",
    "the policy's WITH CHECK loosened": "the application can give rows to another tenant",
    "row security taken off": "the application can delete rows of another tenant",
    "the application's role given BYPASSRLS": "the application can write rows of another tenant",
}


@pytest.mark.parametrize("name", TRIED)
def test_what_the_application_can_do_to_another_tenant_is_tried(moved: tuple[Small, Workspace], name: str) -> None:
    made, workspace = moved
    before = made.table("student", "pupils")
    (change,) = (c for c in DIFFERENCES if c.name == name)
    made.site.execute("student", *change.do)
    try:
        verdict = verified_again(workspace)
    finally:
        made.site.execute("student", *change.undo)
    assert (TRIED[name], TABLE, "", "") in told(verdict)
    assert (f"structure: {change.what}", change.place, "", change.named) in told(verdict)
    assert not verdict.parity
    assert made.table("student", "pupils") == before, "all of it was undone"


def test_a_table_with_triggers_is_told_and_not_tried(moved: tuple[Small, Workspace]) -> None:
    made, workspace = moved
    made.site.execute(
        "student",
        "CREATE FUNCTION student.boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$",
        f"CREATE TRIGGER boom BEFORE INSERT OR UPDATE OR DELETE ON {TABLE} EXECUTE FUNCTION student.boom()",
    )
    try:
        verdict = verified_again(workspace)
    finally:
        made.site.execute("student", "DROP FUNCTION student.boom CASCADE")
    assert told(verdict) == {("structure: trigger is new", TABLE, "", "boom")}
    assert verdict.told == (f"{TABLE}: has triggers or rules of its own, so writing was not tried",)


def test_a_tenant_of_another_type_is_named_and_ends_no_verification(moved: tuple[Small, Workspace]) -> None:
    made, workspace = moved
    policy = f"POLICY tenant_isolation ON {TABLE}"
    made.site.execute(
        "student", f"DROP {policy}", f"ALTER TABLE {TABLE} ALTER tenant_id TYPE text USING upper(tenant_id::text)"
    )
    try:
        verdict = verified_again(workspace)
    finally:
        made.site.execute(
            "student",
            f"ALTER TABLE {TABLE} ALTER tenant_id TYPE uuid USING tenant_id::uuid",
            f"CREATE {policy} USING ({OWN}) WITH CHECK ({OWN})",
        )
    assert ("column of another type: text, not uuid", TABLE, "", "tenant_id") in told(verdict)
    assert not verdict.parity


#: What a database may be set to.
SETTINGS = (
    "DateStyle = 'SQL, DMY'",
    "TimeZone = 'Asia/Kathmandu'",
    "IntervalStyle = 'sql_standard'",
    "extra_float_digits = -15",
    "search_path = student, public",
    "statement_timeout = '60s'",
)


def test_other_settings_are_no_difference(moved: tuple[Small, Workspace]) -> None:
    made, workspace = moved
    name = made.site.dsn("student").rpartition("/")[2]
    made.site.execute("student", *(f"ALTER DATABASE {name} SET {setting}" for setting in SETTINGS))
    try:
        verdict = verified_again(workspace)
    finally:
        made.site.execute("student", f"ALTER DATABASE {name} RESET ALL")
    assert verdict.parity
    assert verdict.told == ()
