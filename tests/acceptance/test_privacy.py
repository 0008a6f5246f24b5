"""Who may see or change what: directories, the configuration's passwords, names that lie, memory left by a crash."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.core.draft import entries
from pipeline.core.draft.columns import Subject
from pipeline.core.draft.tenants import Home
from pipeline.core.sql.source import SourceColumn, SourceTable
from pipeline.demo.server import Server
from pipeline.errors import ConfigError
from pipeline.settings import load_settings
from pipeline.shown import visible, visible_json
from schemas.catalog import load_catalog
from schemas.files import CatalogProblem
from tests.support.commands import migrate
from tests.support.small import Small, named, small

#: A name that would clear the screen, turn the line around and end in nothing.
WICKED = "a\x1b[2J\u202eb\u200b[red]c\x9b\u2066"
SHOWN = r"a\u001b[2J\u202eb\u200b[red]c\u009b\u2066"
ENTRIES = named("Pupil", key="nvarchar(max)", name="nvarchar(max)")
LEGACY = 'CREATE TABLE Pupil (Id "nvarchar(max)" PRIMARY KEY, Name "nvarchar(max)");'


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY}) as site:
        with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
            connection.execute("INSERT INTO Pupil VALUES (?, 'x')", [WICKED])
            connection.execute(f'CREATE TABLE "{WICKED}" (Id int)')
            connection.commit()
        yield site


# -- the staging directory --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702])
@pytest.mark.parametrize("command", ["plan", "run", "status", "verify"])
def test_a_staging_directory_that_others_can_write_is_refused(command: str, mode: int, made: Small) -> None:
    staging = made.site.directory / "staging"
    staging.mkdir()
    staging.chmod(mode)
    done = migrate(made.site.config, command, check=2)
    assert f"chmod go-w {staging}" in done.stderr
    assert list(staging.iterdir()) == []
    staging.chmod(0o755)
    migrate(made.site.config, "plan")


def test_a_staging_directory_of_another_user_is_refused(made: Small) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another user")
    staging = made.site.directory / "staging"
    staging.mkdir()
    os.chown(staging, 12345, -1)
    done = migrate(made.site.config, "run", check=2)
    assert "belongs to another user" in done.stderr
    assert f"chown {os.geteuid()} {staging}" in done.stderr


# -- the configuration ------------------------------------------------------------------------------------

TARGET = '[target]\nallow_plaintext = true\ndsn = "{dsn}"\n'
SOURCE = '[sources.a]\nkind = "district"\ntenant = 1\nname = "a"\ndsn = "{source}"\n'
ZONES = 'host_zone = "UTC"\ntenant_zone = "UTC"\nconsistency = "snapshot"\n'
SECRET = {
    "target": ("postgresql://mover:zq@h/{service}", "sqlite://x"),
    "target, with signs": ("postgresql://mover:z/q@z@h/{service}", "sqlite://x"),
    "option": ("postgresql://mover@h/{service}?password=zq", "sqlite://x"),
    "source": ("postgresql://h/{service}", "mysql://u:zq@h/d"),
    "half of it": ("postgresql://mover:${PATH}zq@h/{service}", "sqlite://x"),
}
OPEN = {
    "none": ("postgresql://h/{service}", "sqlite://x"),
    "user alone": ("postgresql://mover@h:5432/{service}", "postgresql://h:1/d"),
    "environment": ("postgresql://mover:${PATH}@h/{service}", "sqlite://x"),
}


def _config(directory: Path, dsn: str, source: str, mode: int) -> Path:
    path = directory / "migrate.toml"
    path.write_text(TARGET.replace("{dsn}", dsn) + SOURCE.replace("{source}", source) + ZONES, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
@pytest.mark.parametrize(("dsn", "source"), SECRET.values(), ids=SECRET.keys())
def test_a_password_that_others_can_read_is_refused(dsn: str, source: str, mode: int, tmp_path: Path) -> None:
    path = _config(tmp_path, dsn, source, mode)
    with pytest.raises(ConfigError, match="others may read it") as error:
        load_settings(path)
    assert f"chmod 600 {path}" in str(error.value)
    assert "zq" not in str(error.value)


@pytest.mark.parametrize(("dsn", "source"), SECRET.values(), ids=SECRET.keys())
def test_a_password_that_the_owner_alone_can_read_is_taken(
    dsn: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "x")
    load_settings(_config(tmp_path, dsn, source, 0o600))


@pytest.mark.parametrize(("dsn", "source"), OPEN.values(), ids=OPEN.keys())
def test_a_file_without_a_password_may_be_read(
    dsn: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "x")
    load_settings(_config(tmp_path, dsn, source, 0o644))


# -- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../up", "a/b", "/etc/x", "..\\\\up", "\\u0000", "x" * 201])
@pytest.mark.parametrize("part", ["[Pupil", '"pupils"'])
def test_a_name_that_leads_out_of_the_staging_directory_is_refused(name: str, part: str, tmp_path: Path) -> None:
    text = ENTRIES.replace(part, f'["{name}"' if part.startswith("[") else f'"{name}"')
    (tmp_path / "media.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogProblem, match=r"cannot name a file|holds U\+0000"):
        load_catalog(tmp_path)


@pytest.mark.parametrize("name", ["id_map", "rejects", "findings", "raw_values"])
def test_a_target_called_like_a_staged_file_is_refused_and_not_drafted(name: str, tmp_path: Path) -> None:
    (tmp_path / "media.toml").write_text(ENTRIES.replace('"pupils"', f'"{name}"'), encoding="utf-8")
    with pytest.raises(CatalogProblem, match=f"'{name}' is what a staged file is called"):
        load_catalog(tmp_path)
    table = SourceTable("dbo", name, (SourceColumn("id", "int", nullable=False, key_position=1),))
    [entry] = entries(
        [Subject(table, has_key=True)], [], engine="mssql", service="media", home=Home("district")
    ).entries.values()
    assert entry["target"] == f"{name}_2"


def test_a_source_called_like_the_staged_keys_of_loaded_rows_is_refused(tmp_path: Path) -> None:
    path = _config(tmp_path, *OPEN["none"], 0o600)
    path.write_text(path.read_text().replace("[sources.a]", "[sources.loaded]"))
    with pytest.raises(ConfigError, match="call the source otherwise"):
        load_settings(path)


@pytest.mark.parametrize("run_id", ["..", "../..", "/etc", "."])
@pytest.mark.parametrize("command", ["purge", "status", "verify", "rejects"])
def test_a_run_that_leads_out_of_the_staging_directory_is_none(command: str, run_id: str, made: Small) -> None:
    (made.site.directory / "run.json").write_text("{}")
    assert "no such run" in migrate(made.site.config, command, "--run-id", run_id, check=2).stderr


def test_what_would_steer_a_terminal_is_shown_escaped(made: Small) -> None:
    shown = migrate(made.site.config, "plan").stdout
    assert f"a: no entry names {SHOWN} (0 rows)" in shown
    migrate(made.site.config, "run", "--json")
    made.site.execute("media", "UPDATE media.pupils SET name = 'y'")
    for options in ((), ("--json",)):
        done = migrate(made.site.config, "verify", *options, check=1)
        assert SHOWN in done.stdout.replace("\\\\", "\\")
        assert not set(done.stdout + done.stderr) & set(WICKED) - set("a[2Jb[red]c")
    keys = {d["legacy_key"] for d in json.loads(done.stdout)["differences"]} - {""}
    assert {json.loads(key)[0] for key in keys} == {WICKED}
    log = next((made.site.directory / "staging").glob("*/audit.jsonl")).read_text(encoding="utf-8")
    assert not set(log) & set(WICKED) - set("a[2Jb[red]c")
    for arguments in (("lookup", WICKED), ("run", "--tenant", WICKED), ("run", "--run-id", WICKED)):
        done = migrate(made.site.config, *arguments, check=2)
        assert not set(done.stderr) & set(WICKED) - set("a[2Jb[red]c")


def test_only_what_is_not_seen_is_escaped() -> None:
    assert visible("Größe 表 Ж [x] 😀 é") == "Größe 表 Ж [x] 😀 é"
    assert visible("a\nb\tc") == "a\\u000ab\\u0009c"
    assert visible("a\nb", lines=True) == "a\nb"
    assert visible("\ud800\U000e0041") == "\\ud800\\udb40\\udc41"
    text = json.dumps({"\u202e": ["\x7f", "\ud800"]}, ensure_ascii=False)
    assert json.loads(visible_json(text)) == json.loads(text)


# -- a crash ----------------------------------------------------------------------------------------------


def test_a_crash_leaves_no_memory_on_the_disk() -> None:
    program = "import resource, pipeline.cli.commands as c; c.migrate = lambda **_: print(resource.getrlimit(resource.RLIMIT_CORE)); c.run()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2),
    )
    assert done.stdout == "(0, 0)\n"
