"""What a run did not move is named beside its verdict, and has an exit code of its own.

0 says that nothing is left behind, 3 that what was moved is at parity and something is not moved.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.sql import ddl
from pipeline.demo.server import Server
from schemas.catalog import load_catalog
from tests.support.commands import migrate
from tests.support.site import Site, cloned
from tests.support.small import Small, named, small

ENTRIES = (
    named("Pupil", name="nvarchar(max)")
    + """\
Born = { type = "datetime", to = "born", convert = "instant_local" }
Nick = { type = "nvarchar(max)", to = "nick", optional = true }

[Club]
source = "district"
key = ["Id"]
target = "clubs"
optional = true
[Club.columns]
Id   = { type = "int" }
Name = { type = "nvarchar(max)", to = "name" }
"""
)
ANOTHER = """
[House]
source = "district"
key = ["Id"]
target = "houses"
[House.columns]
Id = { type = "int" }
"""
LEGACY = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)", Born "datetime");
INSERT INTO Pupil VALUES (1, 'Ada', '2001-02-03 04:05:06.000'), (2, '[old] Lincoln', NULL);
CREATE TABLE House (Id int PRIMARY KEY);
INSERT INTO House VALUES (7);
"""
NAMED = f"{ENTRIES}{ANOTHER}"


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": NAMED}, {"a": LEGACY, "b": LEGACY}) as site:
        yield site


def _describe(made: Small, old: str, new: str) -> None:
    file = made.site.directory / "services" / "media.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def _source(made: Small, letter: str, number: int) -> str:
    path = made.site.directory / f"{letter}.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(LEGACY)
    return (
        f'\n[sources.{letter}]\nkind = "district"\ntenant = {number}\nname = "{letter}"\ndsn = "sqlite://{path}"\n'
        'tenant_zone = "UTC"\nhost_zone = "UTC"\nconsistency = "snapshot"\n'
    )


Change = Callable[[Small], None]


#: What is done after a finished run -> (kind, where) that must be named; what its source holds is seen by `run` alone.
CHANGES: dict[str, tuple[Change, str, str, bool]] = {
    "an entity was changed": (
        lambda m: _describe(m, 'to = "name" }\nBorn', 'to = "name", absent = ["Zoe"] }\nBorn'),
        "entry",
        "media.Pupil",
        True,
    ),
    "a zone was changed": (
        lambda m: m.configure('host_zone = "UTC"', 'host_zone = "America/Chicago"'),
        "zone",
        "source a",
        True,
    ),
    "a tenant number was changed": (
        lambda m: m.configure("tenant = 2", "tenant = 3"),
        "tenant number",
        "source b",
        True,
    ),
    "a limit was changed": (
        lambda m: m.configure("parallel = 2", "parallel = 2\nmax_value_bytes = 4"),
        "setting",
        "[run]",
        True,
    ),
    "a source was corrected": (
        lambda m: m.legacy("b", "UPDATE Pupil SET Name = 'Eve' WHERE Id = 1"),
        "rows",
        "source b",
        False,
    ),
    "a source has new rows": (
        lambda m: m.legacy("b", "INSERT INTO Pupil VALUES (3, NULL, NULL)"),
        "rows",
        "source b",
        False,
    ),
    "a source has an optional table": (
        lambda m: m.legacy("b", 'CREATE TABLE Club (Id int PRIMARY KEY, Name "nvarchar(max)")'),
        "table",
        "source b, Club",
        False,
    ),
    "a source has an optional column": (
        lambda m: m.legacy("b", 'ALTER TABLE Pupil ADD COLUMN Nick "nvarchar(max)"'),
        "column",
        "source b, Pupil.Nick",
        False,
    ),
}


@pytest.mark.parametrize("verified", [True, False], ids=["in the configuration", "in a source"])
def test_what_was_added_or_changed_since_is_not_nothing_to_do(verified: bool, made: Small) -> None:
    made.run()
    changes = [change for change in CHANGES.values() if change[3] is verified]
    for change, *_ in changes:
        change(made)
    done = migrate(made.site.config, "run", "--json", check=3)
    said: dict[str, Any] = json.loads(done.stdout)
    assert {(x["kind"], x["where"]) for x in said["not_moved"]} >= {(kind, where) for _, kind, where, _ in changes}
    assert said["parity"] is False
    assert said["moved_at_parity"] is True
    assert "nothing to do" not in done.stderr
    if verified:
        shown = migrate(made.site.config, "verify", check=3).stdout
        for _, kind, where, _ in changes:
            assert f"NOT MOVED: {kind}: {where}" in shown
        assert "NO FULL PARITY" in shown
        assert "lost" not in shown


def test_a_source_that_was_added_is_moved_by_the_same_command(made: Small) -> None:
    made.run()
    before = made.site.rows("media", "SELECT id::text FROM media.pupils ORDER BY 1")
    text = made.site.config.read_text(encoding="utf-8")
    made.site.config.write_text(text + _source(made, "c", 4), encoding="utf-8")
    said = json.loads(migrate(made.site.config, "run", "--json").stdout)
    assert (_names(said), said["parity"], said["not_moved"]) == ({"c"}, True, [])
    after = made.site.rows("media", "SELECT id::text FROM media.pupils ORDER BY 1")
    assert (len(before), len(after), [row for row in before if row not in after]) == (4, 6, [])
    assert "nothing to do" in migrate(made.site.config, "run").stderr
    both = json.loads(migrate(made.site.config, "verify", "--json").stdout)
    assert [_names(x) for x in (*both["earlier"], both)] == [{"a", "b"}, {"c"}]
    done = migrate(made.site.config, "verify", "--sql", str(made.site.directory / "proof"), check=2)
    assert f"runs {both['earlier'][0]['run_id']}, {both['run_id']}" in done.stderr
    migrate(made.site.config, "verify", "--sql", str(made.site.directory / "proof"), "--run-id", both["run_id"])


def _names(said: dict[str, Any]) -> set[str]:
    """Name the sources whose tenants have rows."""
    names = {s["tenant_id"]: name for name, s in said["configuration"]["sources"].items()}
    return {names[e["tenant"]] for e in said["entities"]}


def test_an_entity_that_was_added_is_moved_by_the_same_command(made: Small) -> None:
    made.run()
    _describe(made, ANOTHER, ANOTHER + ANOTHER.replace("House", "Home").replace("houses", "homes"))
    done = migrate(made.site.config, "run", check=2)
    assert "table media.homes: the target lacks a table" in done.stderr
    made.site.execute("media", *ddl.service_tables(load_catalog(made.site.directory / "services"), "media"))
    for letter in "ab":
        made.legacy(letter, "CREATE TABLE Home AS SELECT * FROM House")
    said = json.loads(migrate(made.site.config, "run", "--json").stdout)
    assert {e["entity"] for e in said["entities"]} == {"media.Home"}


def test_a_finished_run_of_an_unchanged_configuration_has_nothing_to_do(made: Small) -> None:
    made.run()
    done = migrate(made.site.config, "run", "--json")
    said = json.loads(done.stdout)
    assert (said["parity"], said["not_moved"], said["already_done"]) == (True, [], True)
    assert "nothing to do" in done.stderr
    made.configure('name = "a"', 'name = "another name"')
    made.configure("batch_rows = 10000", "batch_rows = 500")
    migrate(made.site.config, "run")


def test_a_source_that_is_written_anew_with_the_same_rows_is_no_other(made: Small) -> None:
    path = made.site.directory / "a.sqlite"
    made.run()
    before = path.read_bytes()
    made.legacy("a", "CREATE INDEX harmless ON Pupil (Name)", "VACUUM")
    assert path.read_bytes() != before
    assert "PARITY" in migrate(made.site.config, "verify").stdout


@pytest.mark.slow
def test_new_rows_of_a_living_source_are_named_by_table(made: Small) -> None:
    made.configure('consistency = "snapshot"', 'consistency = "live"')
    made.run()
    migrate(made.site.config, "run")
    made.legacy("b", "INSERT INTO Pupil VALUES (3, NULL, NULL), (4, NULL, NULL)", "DELETE FROM Pupil WHERE Id = 1")
    for command in ("run", "verify", "run"):
        done = migrate(made.site.config, command, check=3)
        assert "NOT MOVED: rows: media.Pupil, source b, 3 rows: changed in the source since" in done.stdout
        assert "NO FULL PARITY" in done.stdout


def test_an_entry_of_other_columns_is_named_and_not_compared(made: Small) -> None:
    made.run()
    _describe(made, 'Nick = { type = "nvarchar(max)", to = "nick", optional = true }', "")
    assert "NOT MOVED: entry: media.Pupil" in migrate(made.site.config, "run", check=3).stdout
    done = migrate(made.site.config, "verify", check=2)
    assert "media.Pupil" in done.stderr
    assert "another version of its entry" in done.stderr


def test_a_run_whose_entry_is_gone_is_still_looked_at(made: Small) -> None:
    made.run()
    _describe(made, ANOTHER, "")
    run = next((made.site.directory / "staging").glob("*/run.json")).parent.name
    assert run in migrate(made.site.config, "status").stdout
    assert "no entry" in migrate(made.site.config, "status", "--run-id", run).stdout
    migrate(made.site.config, "purge", "--run-id", run)


def test_data_that_differ_keep_their_exit_code_whatever_else_is_left_behind(made: Small) -> None:
    made.run()
    made.configure('host_zone = "UTC"', 'host_zone = "America/Chicago"')
    made.site.execute("media", "UPDATE media.pupils SET name = 'x'")
    done = migrate(made.site.config, "verify", check=1)
    assert "NO PARITY: " in done.stdout
    assert "NOT MOVED: zone: source a" in done.stdout


def test_a_verdict_names_what_it_is_about(made: Small) -> None:
    made.run()
    said = json.loads(migrate(made.site.config, "verify", "--json").stdout)
    source = said["configuration"]["sources"]["a"]
    assert (source["host_zone"], source["tenant_zone"], source["consistency"]) == ("UTC", "UTC", "snapshot")
    assert said["configuration"]["as_of"].startswith("2026-01-01")
    assert len(said["entries"]) == 16
    shown = migrate(made.site.config, "verify").stdout
    assert said["run_id"] in shown
    assert said["entries"] in shown


# -- what no entry names ----------------------------------------------------------------------------------


@pytest.fixture
def partly(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    b = f'{LEGACY} ALTER TABLE Pupil ADD COLUMN Pet "nvarchar(max)"; CREATE TABLE "[x] Toys" (Id int); INSERT INTO "[x] Toys" VALUES (1), (2);'
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY, "b": b}) as site:
        yield site


def test_unnamed_tables_and_columns_stand_beside_the_verdict(partly: Small) -> None:
    for command in ("run", "verify", "run"):
        shown = " ".join(migrate(partly.site.config, command).stdout.split())
        assert "a: no entry names House (1 rows); left where they are" in shown
        assert "b: no entry names House (1 rows), [x] Toys (2 rows), Pupil.Pet (2 rows); left where they are" in shown
        assert "PARITY: nothing lost" not in shown
    for command in ("run", "verify"):
        done = migrate(partly.site.config, command, "--strict", "--json", check=3)
        said = json.loads(done.stdout)
        assert {"source": "b", "name": "Pupil.Pet", "rows": 2, "is_estimate": False} in said["unnamed"]


def test_strict_asks_for_no_more_than_entries(made: Small) -> None:
    migrate(made.site.config, "run", "--strict")
    migrate(made.site.config, "verify", "--strict")


# -- rows of no tenant ------------------------------------------------------------------------------------


@pytest.fixture
def by_tenant(postgres: Server, finished: Site, tmp_path: Path) -> Iterator[Site]:
    """The finished migration, its target emptied."""
    with cloned(postgres, finished, tmp_path) as site:
        for path in (site.directory / "staging").glob("2*"):
            for file in sorted(path.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            path.rmdir()
        for service in ("identity", "configuration", "staff"):
            tables = site.rows(
                service,
                "SELECT format('%I.%I', schemaname, tablename) AS t FROM pg_tables WHERE schemaname IN "
                f"('{service}', 'migration') AND tablename <> 'version'",
            )
            site.execute(service, f"TRUNCATE {', '.join(str(t['t']) for t in tables)} CASCADE")
        yield site


@pytest.mark.slow
def test_rows_of_no_tenant_are_named_as_not_moved_by_runs_of_some(by_tenant: Site) -> None:
    chosen = ("--service", "identity", "--service", "staff")
    for tenant in ("district_a", "district_b"):
        for command in ("run", "run", "verify"):
            done = migrate(by_tenant.config, command, "--tenant", tenant, *chosen, "--json", check=3)
            said = json.loads(done.stdout)
            left = {x["where"]: x["rows"] for x in said["not_moved"] if x["kind"] == "rows of no tenant"}
            assert left == {"identity.AspNetUsers": 1, "identity.AspNetUserRoles": 1, "staff.StaffDistrict": 1}
            assert said["moved_at_parity"] is True
    assert (
        "NOT MOVED: rows of no tenant: identity.AspNetUsers, 1 rows"
        in migrate(by_tenant.config, "verify", "--tenant", "district_a", *chosen, check=3).stdout
    )


def test_two_customers_of_one_name_have_a_line_each(made: Small) -> None:
    made.configure('name = "a"', 'name = "[bold]Lincoln"')
    made.configure('name = "b"', 'name = "[bold]Lincoln"')
    shown = migrate(made.site.config, "run").stdout
    for source in "ab":
        [line] = [line for line in shown.splitlines() if f"[bold]Lincoln ({source})" in line]
        assert line.split()[-3:] == ["3", "3", "0"]
