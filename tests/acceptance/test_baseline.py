"""A target that the catalog's DDL did not make: what was there when the first run began is no drift, what came later is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import runner, runs
from pipeline.core.structure import Drift
from pipeline.demo.server import Server
from pipeline.errors import MigrationError
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from pipeline.workspace import Workspace
from tests.support.small import AS_OF, Small, made_of, named, small, told, verified_again

PUPIL = named("Pupil") + named("House")
TABLE = "student.pupils"
ROWS = (
    "CREATE TABLE Pupil (Id int NOT NULL PRIMARY KEY, Name nvarchar(50)); INSERT INTO Pupil VALUES (1, 'Zoë');"
    "CREATE TABLE House (Id int NOT NULL PRIMARY KEY, Name nvarchar(50)); INSERT INTO House VALUES (1, 'Red');"
)
#: A table as a site's own migrations might make it.
OWN = (
    "DROP TABLE student.pupils",
    "CREATE TABLE student.pupils (legacy_id text NOT NULL, name text DEFAULT 'nobody', id uuid PRIMARY KEY, "
    "tenant_id uuid NOT NULL, created_at timestamptz NOT NULL, created_at_basis text NOT NULL, updated_at timestamptz, "
    "deleted_at timestamptz, house text DEFAULT 'red', CONSTRAINT named CHECK (name <> 'x'))",
    "ALTER TABLE student.pupils ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY apart ON student.pupils TO app USING (tenant_id::text = current_setting('app.current_tenant', true)) "
    "WITH CHECK ((SELECT current_setting('app.current_tenant', true)) = tenant_id::text AND house IS NOT NULL)",
    "CREATE FUNCTION student.touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$",
    "CREATE TRIGGER touch BEFORE UPDATE ON student.pupils FOR EACH ROW EXECUTE FUNCTION student.touched()",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON student.pupils TO app, migrator",
)


@pytest.fixture
def own(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": PUPIL}, {"a": ROWS, "b": ROWS}) as made:
        made.site.execute("student", *OWN)
        yield made


def test_what_was_there_when_the_run_began_is_no_difference(own: Small) -> None:
    _, verdict = own.run()
    assert verdict.parity
    assert "student.pupils: has triggers or rules of its own, so writing was not tried" in verdict.told
    shown = own.site.migrate("plan").stdout
    for what in ("trigger touch", "policy apart", "default name", "no policy tenant_isolation"):
        assert f"student.pupils: {what}, as when the first run began" in verdict.told
        assert f"student.pupils: {what}, as when the first run began" in " ".join(shown.split())


_APART = (
    "USING (tenant_id::text = current_setting('app.current_tenant', true)) WITH CHECK "
    "((SELECT current_setting('app.current_tenant', true)) = tenant_id::text AND house IS NOT NULL)"
)
_TOUCHED = "FUNCTION student.touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN {}; END $$"
_TRIGGER = "TRIGGER touch BEFORE UPDATE ON student.pupils FOR EACH ROW EXECUTE FUNCTION student.touched()"
_OPENS = "a policy for ALL opens more than a tenant's own rows"
#: What is done to it later, its undoing, the difference.
LATER = (
    (
        "ALTER TABLE {t} ALTER name SET DEFAULT 'one'",
        "ALTER TABLE {t} ALTER name SET DEFAULT 'nobody'",
        "default was altered",
        "name",
    ),
    (
        "ALTER TABLE {t} ALTER name DROP DEFAULT",
        "ALTER TABLE {t} ALTER name SET DEFAULT 'nobody'",
        "default is gone",
        "name",
    ),
    (
        "ALTER TABLE {t} DROP CONSTRAINT named",
        "ALTER TABLE {t} ADD CONSTRAINT named CHECK (name <> 'x')",
        "constraint is gone",
        "named",
    ),
    ("DROP TRIGGER touch ON {t}", f"CREATE {_TRIGGER}", "trigger is gone", "touch"),
    ("ALTER TABLE {t} DISABLE TRIGGER touch", "ALTER TABLE {t} ENABLE TRIGGER touch", "trigger was altered", "touch"),
    (
        f"CREATE OR REPLACE {_TOUCHED.format('old')}",
        f"CREATE OR REPLACE {_TOUCHED.format('new')}",
        "trigger was altered",
        "touch",
    ),
    ("ALTER POLICY apart ON {t} WITH CHECK (true)", f"ALTER POLICY apart ON {{t}} {_APART}", _OPENS, "apart"),
    ("DROP POLICY apart ON {t}", f"CREATE POLICY apart ON {{t}} TO app {_APART}", "policy is gone", "apart"),
)


@pytest.fixture(scope="module")
def drifting(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Small, Workspace]]:
    with small(postgres, tmp_path_factory.mktemp("drifting"), {"student": PUPIL}, {"a": ROWS, "b": ROWS}) as made:
        made.site.execute("student", *OWN)
        yield made, made.run("student.Pupil")[0]


@pytest.mark.parametrize(("do", "undo", "what", "name"), LATER)
def test_what_came_later_is_a_difference(
    drifting: tuple[Small, Workspace], do: str, undo: str, what: str, name: str
) -> None:
    made, workspace = drifting
    made.site.execute("student", do.format(t=TABLE))
    try:
        drift = made_of(workspace)
    finally:
        made.site.execute("student", undo.format(t=TABLE))
    assert drift == [Drift(TABLE, what, name, judged=True)]
    assert made_of(workspace) == []


def test_no_later_run_blesses_what_came_after_the_first(own: Small) -> None:
    workspace, _ = own.run("student.Pupil")
    own.site.execute("student", f"ALTER TABLE {TABLE} ALTER name SET DEFAULT 'somebody'")
    settings, house = load_settings(own.site.config), runs.Selection(entities=("student.House",))
    again = runs.open_run(settings, own.catalog, runs.new_run(settings, own.catalog, house, AS_OF))
    assert again.record.structure == workspace.record.structure
    assert runner.run_all(again, Progress(quiet=True)).parity, "the table that drifted is not this run's"
    assert told(verified_again(workspace)) == {("structure: default was altered", TABLE, "", "name")}


#: What is done before -> what plan says.
OPEN = {
    "CREATE POLICY more ON student.pupils FOR DELETE USING (true)": "a policy for DELETE opens more",
    "ALTER POLICY apart ON student.pupils USING (true)": "a policy for ALL opens more",
    "ALTER TABLE student.pupils DISABLE ROW LEVEL SECURITY": "row-level security is off",
    "ALTER TABLE student.pupils SET UNLOGGED": "not an ordinary table: unlogged table",
    "GRANT SELECT ON student.pupils TO PUBLIC": "PUBLIC may SELECT",
    "GRANT TRUNCATE ON student.pupils TO app": "app may TRUNCATE",
    "GRANT SELECT ON migration.raw_value TO app": "app may SELECT",
}


def test_what_opens_more_than_isolation_is_refused_by_plan(own: Small) -> None:
    settings = load_settings(own.site.config)
    for statement, words in OPEN.items():
        own.site.execute("student", statement)
        with pytest.raises(MigrationError) as refused:
            runs.new_run(settings, own.catalog, runs.Selection(), AS_OF)
        assert "the target does not keep its tenants apart" in str(refused.value)
        assert words in str(refused.value)
        assert "student.pupils" in str(refused.value) or "migration.raw_value" in str(refused.value)


@pytest.mark.parametrize("power", ["BYPASSRLS", "SUPERUSER", "CREATEROLE"])
def test_an_application_that_may_do_more_is_refused_by_plan(own: Small, power: str) -> None:
    settings = load_settings(own.site.config)
    own.site.execute("student", f"ALTER ROLE app {power}")
    try:
        with pytest.raises(MigrationError, match="does not keep its tenants apart"):
            runs.new_run(settings, own.catalog, runs.Selection(), AS_OF)
    finally:
        own.site.execute("student", f"ALTER ROLE app NO{power}")


def test_a_role_that_is_configured_may_have_what_others_may_not(own: Small) -> None:
    own.site.execute(
        "student",
        "CREATE ROLE reporting",
        "GRANT SELECT ON student.pupils TO reporting",
        "CREATE POLICY reports ON student.pupils FOR SELECT TO reporting USING (true)",
    )
    try:
        assert "reporting may SELECT" in own.site.migrate("plan", check=2).stderr
        own.configure("[target]", '[target]\nroles = ["reporting"]')
        workspace, verdict = own.run()
        assert verdict.parity
        own.site.execute("student", "GRANT INSERT ON student.houses TO reporting")
        assert verified_again(workspace).parity
        own.site.execute("student", "GRANT reporting TO app")
        named = ("structure: app in reporting, of which more is expected", "student", "", "app in reporting")
        assert named in told(verified_again(workspace))
    finally:
        own.site.execute("student", "DROP OWNED BY reporting", "DROP ROLE reporting")


#: A table in parts by tenant, as a site of many rows has it.
PARTS = (
    "DROP TABLE student.houses",
    "CREATE TABLE student.houses (id uuid, tenant_id uuid NOT NULL, legacy_id text NOT NULL, name text, "
    "created_at timestamptz NOT NULL, created_at_basis text NOT NULL, updated_at timestamptz, deleted_at timestamptz, "
    "PRIMARY KEY (id, tenant_id)) PARTITION BY LIST (tenant_id)",
    "CREATE TABLE student.houses_of_all PARTITION OF student.houses DEFAULT",
    "ALTER TABLE student.houses ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY apart ON student.houses {_APART.replace(' AND house IS NOT NULL', '')}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON student.houses TO app, migrator",
)


def test_a_table_in_parts_is_a_table(own: Small) -> None:
    own.site.execute("student", *PARTS)
    workspace, verdict = own.run("student.House")
    assert told(verdict) == set()
    own.site.execute("student", "GRANT SELECT ON student.houses_of_all TO app")
    what = "app on student.houses_of_all"
    named = ("structure: " + what + " may read past the table's policies", "student.houses", "", what)
    assert told(verified_again(workspace)) == {named}
    assert what in own.site.migrate("plan", check=2).stderr


@pytest.mark.parametrize("role", ["app", "App", "auditor", "data_reader", "migrator", "PUBLIC"])
def test_what_the_known_roles_may_do_is_never_a_sites_own_matter(own: Small, role: str) -> None:
    text = own.site.config.read_text(encoding="utf-8")
    own.site.config.write_text(text.replace("[target]", f'[target]\nroles = ["{role}"]'), encoding="utf-8")
    with pytest.raises(MigrationError, match=f"{role} is no further role"):
        load_settings(own.site.config)
