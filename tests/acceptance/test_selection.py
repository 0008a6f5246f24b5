"""A migration in parts: by tenant, by service, by entity; each run verified, and together the same as one run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from tests.support.contents import contents, differing
from tests.support.databases import EMPTY, databases
from tests.support.site import AS_OF, Site

#: Whole runs of many selections: minutes.
pytestmark = pytest.mark.slow

RUN = ("run", "--as-of", AS_OF)
#: Grades are shared lookups: whoever refers to one needs them in the same run or loaded before.
STUDENTS = ("--service", "student", "--entity", "configuration.Grade", "--entity", "NSGrade")
PEOPLE = ("--service", "staff", "--service", "section", "--service", "identity")
REST = (
    "--service",
    "assessment",
    "--service",
    "intervention",
    "--entity",
    "configuration.District",
    "--entity",
    "configuration.School",
    "--entity",
    "configuration.SchoolYear",
)


def _record(site: Site) -> dict[str, object]:
    """Read the newest run's record."""
    path = max((site.directory / "staging").glob("*/run.json"))
    record: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _receipts(site: Site, service: str) -> int:
    [row] = site.rows(service, "SELECT count(*) AS n FROM migration.receipt")
    return int(str(row["n"]))


def test_one_service_first_with_its_parents_pending(fresh: Site, finished: Site) -> None:
    done = fresh.migrate(*RUN, *STUDENTS)
    assert "PARITY" in done.stdout
    record = _record(fresh)
    assert {"staff.Staff", "configuration.School"} <= set(record["key_entities"])  # type: ignore[call-overload]
    assert _receipts(fresh, "staff") == 0
    # References to what is not loaded yet are formed already, and are right.
    assert differing(contents(fresh, ("student",)), contents(finished, ("student",))) == {}


def test_a_service_whose_shared_parent_is_not_there_is_refused(fresh: Site) -> None:
    done = fresh.migrate(*RUN, "--service", "student", check=2)
    assert "configuration.Grade" in done.stderr
    assert "--entity configuration.Grade" in done.stderr
    assert not list((fresh.directory / "staging").glob("*/run.json"))


@pytest.mark.slow
def test_services_one_after_another_are_the_same_as_one_run(fresh: Site, finished: Site) -> None:
    codes = [fresh.migrate(*RUN, *part, check=None).returncode for part in (STUDENTS, PEOPLE, REST)]
    assert differing(contents(fresh), contents(finished)) == {}
    assert len(list((fresh.directory / "staging").glob("*/run.json"))) == 3
    assert codes == [0, 0, 0], "a part's verification found differences where there are none"


@pytest.mark.slow
def test_either_verification_finds_children_whose_pending_parent_was_rejected_later(fresh: Site) -> None:
    """Nothing settles them yet; but no verification may keep quiet about them."""
    sections = ("--service", "section", "--entity", "configuration.Grade", "--entity", "NSGrade")
    fresh.migrate(*RUN, *sections)
    later = json.loads(fresh.migrate(*RUN, "--entity", "student.Student", "--json", check=1).stdout)
    assert {(d["kind"], d["entity"], d["column"]) for d in later["differences"]} == {
        ("orphan: student.Student was rejected", "section.rosters", "student_id")
    }
    done = fresh.migrate("verify", *sections, check=1)
    assert "NO PARITY" in done.stdout
    assert "section.StudentSection" in done.stdout


@pytest.mark.slow
def test_tenants_one_after_another_are_the_same_as_one_run(fresh: Site, finished: Site) -> None:
    for tenant in ("district_a", "district_b"):
        done = fresh.migrate(*RUN, "--tenant", tenant, check=3)
        assert "PARITY" in done.stdout
        letter = tenant[-1].upper()
        assert f"District {letter}" in done.stdout
    # Rows of no known tenant move with a run of all sources only.
    apart = differing(contents(fresh), contents(finished))
    ours = {name: rows for name, (rows, _) in apart.items() if rows}
    assert ours == {}
    assert all("ffffffff-ffff-ffff-ffff-ffffffffffff" in row for _, rows in apart.values() for row in rows)


def test_what_another_run_has_loaded_is_refused_by_name(fresh: Site) -> None:
    fresh.migrate(*RUN, "--entity", "configuration.School")
    before = contents(fresh)
    [first] = [p.parent.name for p in (fresh.directory / "staging").glob("*/run.json")]
    done = fresh.migrate(*RUN, "--entity", "School", "--tenant", "district_a", check=2)
    assert "configuration.School" in done.stderr
    assert f"loaded by run {first}" in done.stderr
    assert f"--run-id {first}" in done.stderr
    assert "Traceback" not in done.stderr
    assert differing(contents(fresh), before) == {}


def test_what_another_run_has_loaded_is_left_alone_and_the_rest_is_moved(fresh: Site, finished: Site) -> None:
    fresh.migrate(*RUN, "--entity", "configuration.SchoolYear")
    loaded = "SELECT xmin::text, id::text FROM configuration.school_years ORDER BY 2"
    before = fresh.rows("configuration", loaded)
    fresh.migrate(*RUN, "--service", "configuration")
    assert fresh.rows("configuration", loaded) == before
    assert differing(contents(fresh, ("configuration",)), contents(finished, ("configuration",))) == {}


def test_the_as_of_instant_stands_where_legacy_has_no_time(fresh: Site) -> None:
    fresh.migrate("run", "--as-of", "2024-02-03T04:05:06", "--entity", "configuration.School")
    assert str(_record(fresh)["as_of"]).startswith("2024-02-03T04:05:06")
    rows = fresh.rows("configuration", "SELECT created_at, created_at_basis AS basis FROM configuration.schools")
    undated = {r["created_at"] for r in rows if r["basis"] == "as of the run"}
    assert undated <= {datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)}
    assert all(r["created_at"] is not None for r in rows)


def test_another_as_of_instant_is_not_silently_dropped(finished: Site) -> None:
    done = finished.migrate("run", "--as-of", "2031-05-05", check=None)
    assert done.returncode == 2 or AS_OF in done.stderr


def test_a_source_that_changed_since_the_run_began_never_ends_in_parity(fresh: Site) -> None:
    """What was staged before is whole and is loaded; the verdict, which asks the source again, names the row."""
    chosen = ("--entity", "configuration.School")
    fresh.migrate("extract", "--as-of", AS_OF, *chosen)
    with closing(sqlite3.connect(fresh.directory / "legacy" / "district_a.sqlite")) as connection:
        connection.execute("UPDATE School SET Name = 'Elsewhere' WHERE Id = 1")
        connection.commit()
    done = fresh.migrate("run", *chosen, check=1)
    assert "changed since the run" in done.stdout
    assert "NO PARITY" in done.stdout
    assert fresh.rows("configuration", "SELECT sum(differences)::int AS n FROM migration.verification") == [{"n": 1}]


def test_a_service_without_entities_is_no_silent_success(fresh: Site) -> None:
    """Parity of nothing would reassure somebody who has misread the catalog."""
    done = fresh.migrate(*RUN, "--service", "media", check=None)
    assert "0 entities" in done.stderr + done.stdout or done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_plan_is_json_and_writes_nothing(fresh: Site) -> None:
    before = contents(fresh)
    planned = json.loads(fresh.migrate("plan", "--json", "--tenant", "district_b", *STUDENTS).stdout)
    record = planned["record"]
    assert record["selection"]["tenant"] == ["district_b"]
    assert set(record["sources"]) == {"login", "district_b"}
    assert {"student.Student", "configuration.Grade", "configuration.NSGrade"} <= set(record["entities"])
    assert "staff.Staff" in record["key_entities"]
    assert record["counts"]["district_b/student.Student"] == 41
    fates = {(x["entity"], x["column"]): x["fate"] for x in planned["loss_ledger"]}
    assert fates["student.Student", "Ip"] == "excluded"
    assert not (fresh.directory / "staging").exists()
    assert differing(contents(fresh), before) == {}


def test_a_plan_for_people_prints_the_loss_ledger(fresh: Site) -> None:
    done = fresh.migrate("plan")
    assert "Loss ledger" in done.stdout
    assert "never written by the application" in done.stdout
    assert "student.StudentNote" in done.stdout


def test_a_plan_can_be_asked_for_when_the_run_is_done(finished: Site) -> None:
    assert "Loss ledger" in finished.migrate("plan").stdout


def test_the_ddl_that_plan_prints_makes_the_service(finished: Site, postgres: Server, tmp_path: Path) -> None:
    script = finished.migrate("plan", "--ddl", "student").stdout
    (tmp_path / "student.sql").write_text(script, encoding="utf-8")
    statements = [s.strip() for s in script.split(";\n\n") if s.strip()]
    with databases(postgres, {"made_by_hand": EMPTY}):
        with TargetDatabase("student", Dsn(postgres.dsn("made_by_hand")), role=None) as database:
            for statement in statements * 2:  # a second time it changes nothing
                database.execute(statement)
            database.commit()
            made = {schema: database.columns(schema) for schema in ("student", "migration")}
        with finished.connect("student") as database:
            assert made == {schema: database.columns(schema) for schema in ("student", "migration")}
