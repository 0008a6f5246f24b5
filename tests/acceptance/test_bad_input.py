"""Whatever is wrong with configuration, sources, target or selection is found before the first row moves.

Each case runs the command line, in this process: it must end with code 2 and a message that says where and what.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.cli import commands
from pipeline.demo.estate import Estate
from pipeline.demo.server import Server
from tests.support.site import AS_OF, USED, Site, emptied

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def empty(
    postgres: Server, estate: Estate, empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Empty service databases; nothing in this module may write to them."""
    with emptied(postgres, estate, empty_template, tmp_path_factory.mktemp("empty")) as site:
        yield site


@pytest.fixture
def site(empty: Site, tmp_path: Path) -> Site:
    """An estate and a configuration of the test's own before the module's databases."""
    for name in ("legacy", "catalog"):
        shutil.copytree(empty.directory / name, tmp_path / name)
    config = tmp_path / "migrate.toml"
    shutil.copy(empty.config, config)
    return Site(tmp_path, config, empty.pattern)


@pytest.fixture
def refused(site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused; give what it said."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["migrate", *arguments, "--config", str(site.config)])
        with pytest.raises(SystemExit) as exit_:
            commands.run()
        said = capfd.readouterr()
        assert exit_.value.code == 2, said
        assert "Traceback" not in said.err
        assert "panicked" not in said.err, "a driver's panic reached the terminal"
        assert not list((site.directory / "staging").glob("*/run.json")), "a run was begun"
        assert not list((site.directory / "staging").glob("*/raw")), "rows were extracted"
        return said.out + said.err

    return run


@pytest.fixture(scope="module", autouse=True)
def nothing_loaded(empty: Site) -> Iterator[None]:
    yield
    for service in USED:
        assert empty.rows(service, "SELECT 1 AS n FROM migration.receipt") == []


def _expect(said: str, words: tuple[str, ...]) -> None:
    for word in words:
        assert word in said, f"{word!r} is not in:\n{said}"


# -- the configuration ----------------------------------------------------------------------------------

#: (text to replace, by what, what must be said)
CONFIGURATIONS = {
    "unknown key": ("batch_rows = 10000", "batch_row = 10000", ("migrate.toml", "[run]", "'batch_row'", "batch_rows")),
    "unknown key of a source": ("tenant = 1", "tennant = 1", ("[sources.district_a]", "'tennant'", "tenant")),
    "unknown table": ("[run]", "[running]", ("migrate.toml", "unknown key 'running'", "run")),
    "value of another type": ("parallel = 2", 'parallel = "two"', ("run.parallel", "integer")),
    "value out of range": ("parallel = 2", "parallel = 0", ("run.parallel", "1")),
    "unset variable": ('staging = "staging"', 'staging = "${NO_SUCH_VARIABLE}"', ("run.staging", "NO_SUCH_VARIABLE")),
    "unclosed variable": ('staging = "staging"', 'staging = "${HOME"', ("run.staging", "${")),
    "unknown zone": ('"America/Denver"', '"America/Denvr"', ("district_b", "America/Denvr", "America/Denver")),
    "no zone": ('tenant_zone = "America/Denver"', "", ("sources.district_b.tenant_zone", "missing")),
    "no tenant": ("tenant = 1\n", "", ("sources.district_a", "needs its tenant")),
    "one tenant twice": ("tenant = 2", "tenant = 1", ("district_a and district_b", "tenant 1")),
    "one file twice": ("district_b.sqlite", "district_a.sqlite", ("district_a and district_b", "district_a.sqlite")),
    "tenant that is not registered": ("tenant = 2", "tenant = 77", ("source district_b", "77", "District")),
    "unsupported source": ('"sqlite://legacy/login', '"oracle://legacy/login', ("sources.login.dsn", "oracle://")),
    "unsupported target": ('dsn = "postgresql://', 'dsn = "mysql://', ("target.dsn", "mysql://")),
    "one database for all": ("{service}", "x", ("target.dsn", "{service}")),
    "unknown service": ("[run]", '[target.services]\nstudnt = "postgresql://h/d"\n[run]', ("'studnt'", "student")),
    "unknown consistency": ('"snapshot"', '"eventual"', ("consistency", "snapshot", "frozen")),
    "no TOML": ("[run]", "[run", ("migrate.toml", "not TOML", "line")),
}


@pytest.mark.parametrize(("old", "new", "words"), CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_a_wrong_configuration_is_refused(
    old: str, new: str, words: tuple[str, ...], site: Site, refused: Refused
) -> None:
    text = site.config.read_text(encoding="utf-8")
    assert old in text
    site.config.write_text(text.replace(old, new), encoding="utf-8")
    # Of what is one district's own the others are moved: it is refused where it is moved alone.
    alone = ("--tenant", "district_b") if "source district_b" in words else ()
    _expect(refused("run", *alone), words)


def test_a_missing_configuration_is_refused(site: Site, refused: Refused) -> None:
    site.config.unlink()
    _expect(refused("run"), ("migrate.toml", "No such file", "configuration"))


# -- the legacy databases -------------------------------------------------------------------------------


def _sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return change


def _retyped(column: str, old: str, new: str) -> Callable[[Path], None]:
    """Change a declared type where SQLite keeps it: in the text of the table's definition."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            [(text,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'Student'").fetchall()
            name, _, rest = text.partition(f'"{column}"')
            assert f'"{old}"' in rest
            text = f'{name}"{column}"{rest.replace(f"{chr(34)}{old}{chr(34)}", f"{chr(34)}{new}{chr(34)}", 1)}'
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'Student'", [text])
            connection.commit()

    return change


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


#: (file, what is done to it, what must be said)
LEGACY = {
    "missing": ("district_b", Path.unlink, ("source district_b", "there is no file", "district_b.sqlite")),
    "login missing": ("login", Path.unlink, ("source login", "there is no file", "login.sqlite")),
    "no SQLite": ("district_a", lambda p: p.write_text("no database " * 99), ("district_a", "not a SQLite database")),
    "empty file": ("district_a", lambda p: p.write_bytes(b""), ("district_a", "not a SQLite database")),
    "directory": ("district_a", _directory, ("district_a", "there is no file")),
    "cut short": ("district_a", _cut, ("source district_a", "cut short", "bytes")),
    "still written to": (
        "district_a",
        lambda p: p.with_name(p.name + "-wal").write_bytes(b"x" * 99),
        ("district_a", "-wal"),
    ),
    "table missing": ("district_a", _sql("DROP TABLE StudentNote"), ("district_a", "StudentNote", "table is missing")),
    "column missing": (
        "district_b",
        _sql("ALTER TABLE Student DROP COLUMN GradYear"),
        ("district_b", "Student.GradYear", "int"),
    ),
    "login column missing": (
        "login",
        _sql("ALTER TABLE District DROP COLUMN State"),
        ("source login", "District.State", "nvarchar(max)"),
    ),
    "column of another type": (
        "district_a",
        _retyped("GradYear", "int", "nvarchar(9)"),
        ("district_a", "Student.GradYear", "another type", "nvarchar(9)", "int"),
    ),
    "column of a type unheard of": (
        "district_a",
        _retyped("GradYear", "int", "geography"),
        ("district_a", "Student.GradYear", "geography", "int"),
    ),
    "several at once": (
        "district_a",
        _sql("DROP TABLE StudentNote", "ALTER TABLE Student DROP COLUMN GradYear"),
        ("2 problems", "StudentNote", "Student.GradYear"),
    ),
}


@pytest.mark.parametrize(("source", "damage", "words"), LEGACY.values(), ids=LEGACY.keys())
def test_a_wrong_legacy_database_is_refused(
    source: str, damage: Callable[[Path], object], words: tuple[str, ...], site: Site, refused: Refused
) -> None:
    path = site.directory / "legacy" / f"{source}.sqlite"
    damage(path)
    files = sorted(path.parent.iterdir())
    _expect(refused("run", *(("--tenant", source) if source != "login" else ())), words)
    assert sorted(path.parent.iterdir()) == files, "a source's directory was written to"


def test_plan_says_the_same_as_run(site: Site, refused: Refused) -> None:
    _sql("DROP TABLE StudentNote", "ALTER TABLE Student DROP COLUMN GradYear")(
        site.directory / "legacy" / "district_a.sqlite"
    )
    _expect(refused("plan"), ("StudentNote", "Student.GradYear"))


# -- the selection --------------------------------------------------------------------------------------

SELECTIONS = {
    "tenant": (("run", "--tenant", "district_c"), ("district_c", "district_a", "district_b")),
    "login is no tenant": (("run", "--tenant", "login"), ("login", "district_a")),
    "service": (("run", "--service", "studnt"), ("studnt", "student")),
    "entity": (("run", "--entity", "student.Studnt"), ("student.Studnt", "student.Student")),
    "run to continue": (("run", "--run-id", "20990101T000000-000000"), ("20990101T000000-000000", "no such run")),
    "run to verify": (("verify", "--run-id", "nonesuch"), ("nonesuch", "no such run", "migrate status")),
    "run of a status": (("status", "--run-id", "nonesuch"), ("nonesuch", "no such run")),
    "run of rejects": (("rejects", "--run-id", "nonesuch"), ("nonesuch", "no such run")),
    "run to purge": (("purge", "--run-id", "nonesuch"), ("nonesuch", "no such run")),
    "run outside the staging directory": (("purge", "--run-id", "../legacy"), ("no such run",)),
    "rejects before any run": (("rejects",), ("no run yet", "migrate run")),
    "plan of a service": (("plan", "--service", "studnt"), ("studnt", "student")),
}


@pytest.mark.parametrize(("arguments", "words"), SELECTIONS.values(), ids=SELECTIONS.keys())
def test_a_name_that_does_not_exist_is_refused(
    arguments: tuple[str, ...], words: tuple[str, ...], refused: Refused
) -> None:
    _expect(refused(*arguments), words)


def test_ddl_of_an_unknown_service_is_refused(refused: Refused) -> None:
    _expect(refused("plan", "--ddl", "studnt"), ("studnt", "student"))


# -- the target -----------------------------------------------------------------------------------------


def _closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _retarget(site: Site, change: Callable[[str], str]) -> None:
    text = site.config.read_text(encoding="utf-8")
    site.config.write_text(text.replace(site.pattern, change(site.pattern)), encoding="utf-8")


def test_a_missing_database_is_refused(site: Site, refused: Refused) -> None:
    _retarget(site, lambda dsn: dsn.replace("{service}", "{service}_elsewhere"))
    _expect(refused("run"), ("service assessment", "assessment_elsewhere", "does not exist"))


def test_an_unreachable_server_is_refused(site: Site, refused: Refused, postgres: Server) -> None:
    port = _closed_port()
    _retarget(site, lambda dsn: dsn.replace(f":{postgres.port}/", f":{port}/"))
    said = refused("run")
    _expect(said, ("service assessment", "host, port", str(port)))
    assert postgres.password not in said


def test_a_wrong_password_is_refused_and_not_shown(site: Site, refused: Refused, postgres: Server) -> None:
    _retarget(site, lambda dsn: dsn.replace(f":{postgres.password}@", ":zq-wrong-zq@"))
    said = refused("run")
    _expect(said, ("service assessment", "password authentication failed", "user and password"))
    assert "zq-wrong-zq" not in said


def test_an_unknown_user_is_refused(site: Site, refused: Refused) -> None:
    _retarget(site, lambda dsn: dsn.replace("//postgres:", "//nobody:"))
    _expect(refused("run"), ("service assessment", "nobody"))


#: (service, damage, its undoing, what must be said)
TABLES = {
    "table missing": (
        "student",
        "ALTER TABLE student.student_notes RENAME TO hidden",
        "ALTER TABLE student.hidden RENAME TO student_notes",
        ("service student", "student.student_notes", "lacks a table", "migrate plan --ddl student"),
    ),
    "column missing": (
        "student",
        "ALTER TABLE student.students RENAME COLUMN graduation_year TO hidden",
        "ALTER TABLE student.students RENAME COLUMN hidden TO graduation_year",
        ("service student", "student.students", "graduation_year integer", "migrate plan --ddl student"),
    ),
    "column of another type": (
        "assessment",
        "ALTER TABLE assessment.assessment_results ALTER COLUMN recorded_by TYPE text",
        "ALTER TABLE assessment.assessment_results ALTER COLUMN recorded_by TYPE uuid USING recorded_by::uuid",
        ("service assessment", "assessment.assessment_results", "recorded_by", "text", "uuid"),
    ),
    "schema missing": (
        "staff",
        "ALTER SCHEMA staff RENAME TO hidden",
        "ALTER SCHEMA hidden RENAME TO staff",
        ("service staff", "staff.staff", "lacks a table"),
    ),
}


@pytest.mark.parametrize(("service", "damage", "undo", "words"), TABLES.values(), ids=TABLES.keys())
def test_a_target_of_another_form_is_refused(
    service: str, damage: str, undo: str, words: tuple[str, ...], site: Site, refused: Refused
) -> None:
    site.execute(service, damage)
    try:
        _expect(refused("run", "--as-of", AS_OF), words)
    finally:
        site.execute(service, undo)


#: As above, but of what a run meets only when it loads.
LOADS = {
    "column that must be filled": (
        "student",
        "ALTER TABLE student.students ADD COLUMN house text NOT NULL",
        "ALTER TABLE student.students DROP COLUMN house",
        ("service student", "student.students", "house"),
    ),
    "not granted": (
        "student",
        "REVOKE INSERT ON student.students FROM migrator",
        "GRANT INSERT ON student.students TO migrator",
        ("service student", "student.students"),
    ),
}


@pytest.mark.parametrize(("service", "damage", "undo", "words"), LOADS.values(), ids=LOADS.keys())
def test_a_target_that_cannot_be_loaded_is_refused(
    service: str, damage: str, undo: str, words: tuple[str, ...], site: Site, refused: Refused
) -> None:
    site.execute(service, damage)
    try:
        _expect(refused("plan"), words)
    finally:
        site.execute(service, undo)
