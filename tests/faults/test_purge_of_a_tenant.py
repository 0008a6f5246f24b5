"""A tenant's staged rows vanish, whatever file they share; those of the others stay as they are, and are verified."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import runs
from pipeline.core.ids import UNRESOLVED
from pipeline.core.verdict import CHANGED_SINCE
from pipeline.demo.server import Server
from pipeline.settings import Settings, load_settings
from pipeline.stores.staging import Staging
from tests.faults.processes import staged, stop_at
from tests.support.fleet import tenant_id
from tests.support.purging import (
    PLANTED,
    A,
    B,
    C,
    files_with,
    parts,
    rows_without,
    run_of,
    staged_files,
    three,
)
from tests.support.site import Site
from tests.support.small import Small, named, small


@pytest.fixture(scope="module")
def moved(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Three districts and their login database, moved once."""
    directory = tmp_path_factory.mktemp("moved")
    with three(postgres, directory) as site:
        site.site.migrate("run")
        shutil.copytree(directory / "staging", directory / "kept")
        yield site


@pytest.fixture
def made(moved: Small) -> Small:
    """The same, all of it staged."""
    _stage_again(moved)
    return moved


def _stage_again(made: Small) -> None:
    shutil.rmtree(made.site.directory / "staging")
    shutil.copytree(made.site.directory / "kept", made.site.directory / "staging")


def purge(made: Small, *names: str, run: str = "", check: int = 0, options: tuple[str, ...] = ()) -> str:
    tenants = [option for name in names for option in ("--tenant", name)]
    done = made.site.migrate("purge", "--run-id", run or run_of(made).name, *tenants, *options, check=check)
    return done.stdout + done.stderr


def verified(made: Small, *options: str, check: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.site.migrate("verify", "--json", *options, check=check).stdout)
    return found


def login(made: Small, *statements: str) -> None:
    with closing(sqlite3.connect(made.site.directory / "login.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def differences(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(d["kind"], d["entity"], d["legacy_key"]) for d in found["differences"]}


def test_no_byte_of_a_purged_tenant_is_left_and_what_is_of_others_stays(made: Small) -> None:
    run = run_of(made)
    record, others = (run / "run.json").read_bytes(), [parts(run, t) for t in (A, C, str(UNRESOLVED))]
    rows = rows_without(run, B)
    unfinished = run / "raw" / "login" / "identity.User" / ".00000.parquet.0123abcd"
    shutil.copy(unfinished.with_name("00000.parquet"), unfinished)
    assert len(files_with(run, PLANTED)) == 21
    assert (run / "raw" / "b").exists()
    assert "removing the rows of b" in purge(made, "b", options=("--dry-run",))
    assert len(files_with(run, PLANTED)) == 21
    said = purge(made, "b")
    assert "b: " in said
    assert "42 rows of 28 files that others share" in said
    assert (files_with(run, PLANTED), files_with(run, B), files_with(run, f"UUID('{B}')")) == ([], [], [])
    assert not (run / "raw" / "b").exists()
    assert not unfinished.exists()
    assert [parts(run, t) for t in (A, C, str(UNRESOLVED))] == others
    assert rows_without(run, B) == rows
    assert (run / "run.json").read_bytes() == record
    noted = json.loads((run / "purged_tenants.json").read_text())
    assert (list(noted), noted[B]["name"], noted[B]["at"] is None) == ([B], "b", False)
    [line] = [x for x in map(json.loads, (run / "audit.jsonl").read_text().splitlines()) if x["kind"] == "purge"]
    assert (line["tenants"], line["files"], line["rows"]) == ([B], 28, 42)
    before = {path: path.stat().st_mtime_ns for path in staged_files(run)}
    assert "0 rows of 0 files" in purge(made, "b")
    assert {path: path.stat().st_mtime_ns for path in staged_files(run)} == before


def test_what_is_looked_at_says_that_a_tenant_is_purged(made: Small) -> None:
    run = run_of(made)
    purge(made, "b")
    [state] = json.loads(made.site.migrate("status", "--json").stdout)
    assert (state["purged_tenants"], state["is_purged"]) == (["b"], False)
    assert "the staged rows of b are purged" in made.site.migrate("status").stdout
    for entity in json.loads(made.site.migrate("status", "--run-id", run.name, "--json").stdout):
        for stage in ("extracted", "transformed", "loaded"):
            assert entity[stage]["done"] == entity[stage]["due"], entity
    assert {x["tenant"] for x in json.loads(made.site.migrate("rejects", "--json").stdout)} == {
        "a",
        "c",
        "(unresolved)",
    }
    refused = made.site.migrate("rejects", "--tenant", "b", check=2).stderr
    assert "the staged rows of b have been purged" in refused
    assert "migration.quarantine" in refused
    stands = json.loads(made.site.migrate("status", "--by-tenant", "--json").stdout)
    assert {x["stand"] for x in stands} == {"done"}


def test_the_others_are_still_verified_and_nothing_is_moved_again(made: Small) -> None:
    purge(made, "b")
    done = made.site.migrate("run")
    assert "nothing to do" in done.stderr
    assert "The staged rows of b are purged" in done.stdout
    configured = made.site.config.read_text(encoding="utf-8")
    for text in (configured, re.sub(r"(?s)\[sources.b\].*?(?=\[sources)", "", configured)):
        made.site.config.write_text(text, encoding="utf-8")
        found = verified(made)
        assert (found["parity"], found["purged_tenants"], found["outside"]) == (True, ["b"], 1)
        assert {e["tenant"] for e in found["entities"]} == {A, C, str(UNRESOLVED)}
    made.site.config.write_text(configured, encoding="utf-8")


@pytest.mark.slow
def test_what_differs_of_the_others_is_still_found_in_source_and_target(made: Small) -> None:
    purge(made, "b")
    path = made.site.directory / "login.sqlite"
    before = path.read_bytes()
    made.site.execute("student", f"UPDATE student.pupils SET name = 'x' WHERE tenant_id = '{C}' AND code = 'Cyd 2'")
    login(made, "UPDATE Role SET Name = 'other' WHERE Id IN (1, 2)")
    try:
        assert differences(verified(made, check=1)) == {
            ("different cell", "student.Pupil", '["Cyd 2"]'),
            (CHANGED_SINCE, "identity.Role", "[1]"),
        }
        assert "The staged rows of b are purged" in made.site.migrate("run", check=1).stdout
        assert "only tenants of a loaded and verified run are purged" in purge(made, "c", check=2)
    finally:
        path.write_bytes(before)
        made.site.execute("student", f"UPDATE student.pupils SET name = 'Cyd' WHERE tenant_id = '{C}'")
        assert verified(made)["parity"] is True


def test_rows_of_a_purged_tenant_are_not_staged_again(made: Small) -> None:
    run = run_of(made)
    purge(made, "b")
    lost = [run / "raw" / "login" / entity / "00000.parquet" for entity in ("identity.User", "identity.Link")]
    before = [path.read_bytes() for path in lost]
    for path in lost:
        path.unlink()
    made.site.migrate("extract", "--run-id", run.name)
    assert [path.read_bytes() for path in lost] == before
    assert files_with(run, PLANTED) == []


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_wherever_a_purge_is_killed_the_same_command_goes_on(
    step: int, made: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, left = run_of(made), [1000]
    write, note = Staging.write_table, Staging.mark

    def one_less() -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1

    def written(staging: Staging, path: Path, table: pa.Table, manifest: dict[str, Any]) -> None:
        one_less()
        write(staging, path, table, manifest)

    def marked(staging: Staging, name: str, content: dict[str, Any]) -> None:
        one_less()
        note(staging, name, content)

    monkeypatch.setattr(Staging, "write_table", written)
    monkeypatch.setattr(Staging, "mark", marked)
    settings = load_settings(made.site.config)
    _purged(settings, made)
    writes, whole = 1000 - left[0], _bytes(run)
    assert writes > 28
    for before in range(0, writes, step):
        _stage_again(made)
        left[0] = before
        with pytest.raises(KeyboardInterrupt):
            _purged(settings, made)
        if before == 11:
            refused = made.site.migrate("verify", check=2).stderr
            assert "the purge of a tenant has not come to its end" in refused
            assert f"`migrate purge --run-id {run.name} --tenant b` goes on" in refused
            assert "not come to its end" in made.site.migrate("run", check=2).stderr
            assert f"`migrate purge --run-id {run.name}` goes on" in made.site.migrate("status").stdout
        left[0] = writes
        _purged(settings, made)
        assert _bytes(run) == whole, f"killed before write {before}"


def _purged(settings: Settings, made: Small) -> None:
    runs.purge_tenants(settings, made.catalog, runs.latest(settings), {B: "b"})


def _bytes(run: Path) -> dict[str, bytes]:
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in staged_files(run)}


def test_a_damaged_file_is_not_made_true_by_a_purge(made: Small) -> None:
    path = run_of(made) / "raw" / "login" / "identity.Role" / "00001.parquet"
    table = pq.read_table(path)
    changed = table.set_column(table.column_names.index("Name"), "Name", pa.array(["altered"] * table.num_rows))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path, write_page_checksum=True)
    said = purge(made, "b", check=2)
    assert "identity.Role/00001.parquet" in said
    assert f"`migrate extract --run-id {run_of(made).name}` stages it anew" in said
    assert not (run_of(made) / "purged_tenants.json").exists()
    path.unlink()
    made.site.migrate("extract", "--run-id", run_of(made).name)
    purge(made, "b")
    assert files_with(run_of(made), PLANTED) == []


@pytest.mark.slow
def test_a_purge_of_a_tenant_that_is_killed_as_a_process_goes_on(made: Small) -> None:
    run = run_of(made)
    code, _ = stop_at(
        made.site,
        lambda site: bool(staged(site, "purged_tenants.json")) and not staged(site, "raw/b"),
        signal.SIGKILL,
        *("purge", "--run-id", run.name, "--tenant", "b"),
    )
    assert code == -signal.SIGKILL
    purge(made, "b")
    assert (files_with(run, PLANTED), files_with(run, B)) == ([], [])


@pytest.mark.slow
def test_tenants_are_purged_one_after_another_and_then_the_rest(made: Small) -> None:
    run = run_of(made)
    purge(made, "b")
    assert files_with(run, "two@x.org"), "a user of two tenants stays with the other"
    purge(made, "c")
    assert files_with(run, "two@x.org") == []
    assert verified(made)["purged_tenants"] == ["b", "c"]
    purge(made, "a")
    assert [t for t in (A, B, C) if files_with(run, t)] == []
    assert "nothing to do" in made.site.migrate("run").stderr
    assert "have been purged" in made.site.migrate("verify", check=2).stderr
    assert "MB removed" in purge(made)
    assert [*staged_files(run)] == []
    assert "0 rows of 0 files" in purge(made, "b")
    for service in ("configuration", "identity", "student"):
        made.site.execute(service, "UPDATE migration.run SET purged_at = NULL")


@pytest.mark.slow
def test_rows_that_are_not_the_runs_own_and_keys_go_too(postgres: Server, tmp_path: Path) -> None:
    with three(postgres, tmp_path) as made:
        made.site.migrate("run", "--service", "configuration")
        first = run_of(made)
        made.site.migrate("run", "--service", "identity", "--tenant", "a", "--tenant", "c", check=3)
        run = run_of(made)
        assert {path.split("/")[0] for path in files_with(run, PLANTED)} == {"raw"}
        keys = run / "keys" / "login" / "configuration.District.parquet"
        assert pq.read_table(keys)["Id"].to_pylist() == ["1", "2", "3", "4"]
        purge(made, "b")
        assert files_with(run, PLANTED) == []
        assert pq.read_table(keys)["Id"].to_pylist() == ["1", "3", "4"]
        assert files_with(first, PLANTED)
        assert files_with(run, C)
        purge(made, "c")
        assert files_with(run, C) == []
        found = verified(made, "--run-id", run.name, check=3)
        assert (found["moved_at_parity"], {e["tenant"] for e in found["entities"]}) == (True, {A})
        assert {x["kind"] for x in found["not_moved"]} == {"rows of no tenant"}


@pytest.mark.slow
def test_a_live_source_is_read_again_without_the_rows_of_a_purged_tenant(postgres: Server, tmp_path: Path) -> None:
    with three(postgres, tmp_path, consistency="live") as made:
        made.site.migrate("run")
        purge(made, "b")
        assert (verified(made)["parity"], verified(made)["moved"]) == (True, [])
        login(
            made,
            "INSERT INTO Link VALUES (20, 'new@x.org', 2), (21, 'new@x.org', 1)",
            "INSERT INTO User VALUES (20, 'new@x.org')",
            "DELETE FROM Role WHERE UserId = 2",
            f"UPDATE District SET Name = '{PLANTED} West' WHERE Id = 2",
        )
        found = verified(made, check=3)
        assert {m["entity"]: m["rows"] for m in found["moved"]} == {"identity.Link": 1, "identity.User": 1}
        assert files_with(run_of(made), PLANTED) == []


@pytest.mark.slow
def test_rows_that_share_a_key_with_another_tenants_are_not_taken_from_it(postgres: Server, tmp_path: Path) -> None:
    script = f"""
        CREATE TABLE District (Id int NOT NULL PRIMARY KEY, Name nvarchar(50));
        INSERT INTO District VALUES (1, 'Ash'), (2, '{PLANTED} East'), (3, 'Cedar');
        CREATE TABLE Link (Id int NOT NULL, Email nvarchar(50), DistrictId int);
        INSERT INTO Link VALUES (1, 'ann@x.org', 1), (1, 'bo@x.org', 2), (2, 'cy@x.org', 3);
        CREATE TABLE User (Id int NOT NULL PRIMARY KEY, Email nvarchar(50));
        CREATE TABLE Role (Id int NOT NULL PRIMARY KEY, UserId int, Name nvarchar(50));
    """
    with three(postgres, tmp_path, login=script) as made:
        made.site.migrate("run")
        said = purge(made, "b", check=2)
        assert "rows of tenants that stay have keys of rows that would be removed" in said
        assert "identity.Link" in said
        assert "leave --tenant out" in said
        assert not (run_of(made) / "purged_tenants.json").exists()
        purge(made, "c")
        assert verified(made)["parity"] is True
        purge(made, "a", "b")
        assert files_with(run_of(made), PLANTED) == []


MISASKED = {
    "no source": ("nonesuch", ("no source of a tenant is named 'nonesuch'", "one of a, b, c")),
    "the login database": ("login", ("no source of a tenant is named 'login'", "one of a, b, c")),
}


@pytest.mark.parametrize(("name", "words"), MISASKED.values(), ids=MISASKED.keys())
def test_what_is_no_tenant_is_not_purged(name: str, words: tuple[str, ...], made: Small) -> None:
    said = purge(made, name, check=2)
    assert [word for word in words if word not in said] == []


def test_a_tenant_of_which_nothing_is_staged_or_proven_is_not_purged(postgres: Server, tmp_path: Path) -> None:
    entries = {"media": named("Pupil")}
    legacy = 'CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(50)"); INSERT INTO Pupil VALUES (1, NULL);'
    with small(postgres, tmp_path, entries, {"a": legacy, "b": legacy}) as made:
        made.site.migrate("extract", "--tenant", "a")
        assert "the tenant is not in the run" in purge(made, "b", check=2)
        said = purge(made, "a", check=2)
        assert "only tenants of a loaded and verified run are purged" in said
        assert "`migrate verify` must end in parity first" in said
        assert [*staged_files(run_of(made))]


@pytest.mark.slow
def test_a_district_of_the_estate_is_purged_and_the_other_verified(migrated: Site) -> None:
    [record] = (migrated.directory / "staging").glob("*/run.json")
    run, b = record.parent, str(tenant_id(2))
    assert files_with(run, b)
    others = rows_without(run, b)
    migrated.migrate("purge", "--run-id", run.name, "--tenant", "district_b")
    assert (files_with(run, b), files_with(run, f"UUID('{b}')")) == ([], [])
    assert rows_without(run, b) == others
    found = json.loads(migrated.migrate("verify", "--json").stdout)
    assert (found["parity"], found["purged_tenants"]) == (True, ["district_b"])
    assert b not in {e["tenant"] for e in found["entities"]}
    assert "nothing to do" in migrated.migrate("run").stderr
