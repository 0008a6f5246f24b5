"""The rehearsal's legacy estate: one login database and two or three districts, as SQLite files.

Writes whole files only: each is built under a temporary name, synced and renamed. Invariant: the same
arguments
give the same bytes. Nobody in it exists.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from pipeline.demo.accounts import fill_accounts
from pipeline.demo.campus import fill_campus
from pipeline.demo.catalogue import fill_catalogue
from pipeline.demo.choices import fill_choices
from pipeline.demo.dirt_directory import plant_directory
from pipeline.demo.dirt_login import plant_login
from pipeline.demo.dirt_people import plant_people
from pipeline.demo.dirt_rest import plant_rest
from pipeline.demo.dirt_students import plant_students
from pipeline.demo.dirt_work import plant_work
from pipeline.demo.intervention import fill_interventions
from pipeline.demo.jobs import Named, fill_jobs, read_named
from pipeline.demo.leftovers import fill_leftovers
from pipeline.demo.login import fill_login
from pipeline.demo.media import fill_media
from pipeline.demo.meetings import fill_meetings
from pipeline.demo.offered import fill_offered
from pipeline.demo.planting import Planted, Planting
from pipeline.demo.results import fill_results
from pipeline.demo.roster import fill_roster
from pipeline.demo.tables import Profile
from pipeline.settings.json_schema import DIRECTIVE

LAST_YEAR = 2020
FEWEST_STUDENTS = 40
FEWEST_YEARS = 3
DEFAULT_STUDENTS: Mapping[str, int] = MappingProxyType({"a": 5000, "b": 3000})
#: Each district by its letter, and by the number that it has in the login database.
NUMBERS: Mapping[str, int] = MappingProxyType({"a": 1, "b": 2, "e": 5})
#: Whose tables were changed by hand; only of an estate with all tables.
CHANGED_BY_HAND = "e"
#: The district's own zone, and that of the clock on which its application ran. Guam is east of UTC and has no daylight
#: saving; Sydney's begins in October.
ZONES = {
    "login": ("America/Chicago",) * 2,
    "a": ("America/Chicago",) * 2,
    "b": ("America/Denver", "UTC"),
    "e": ("Pacific/Guam", "Australia/Sydney"),
}


@dataclass(frozen=True, slots=True)
class Estate:
    """A written estate: where it is, and what was spoiled in it by `<source>.<name>`."""

    directory: Path
    planted: Mapping[str, Planted]


def build_estate(
    directory: Path,
    *,
    students: Mapping[str, int] = DEFAULT_STUDENTS,
    years: int = 15,
    results: int | None = None,
    dirt: bool = True,
    whole: bool = False,
    seed: int = 20200901,
) -> Estate:
    """Write login.sqlite and a district_<letter>.sqlite each into a directory, replacing earlier ones.

    `students` gives the number for "a" and "b" (at least 40 each), and may for "e" if the estate is whole; `years` the
    school years up to 2020 (at least 3), `results` the exact number of rows in district A's AssessmentFP; `whole` adds
    the tables that few tests need. Raises ValueError on anything smaller.
    """
    wanted = {"a", "b"} | ({CHANGED_BY_HAND} & students.keys() if whole else set())
    if set(students) != wanted or min(students.values()) < FEWEST_STUDENTS:
        raise ValueError(f"students: want a and b with at least {FEWEST_STUDENTS} each, got {dict(students)}")
    if years < FEWEST_YEARS:
        raise ValueError(f"years: want at least {FEWEST_YEARS}, got {years}")
    if results is not None and results < FEWEST_STUDENTS:
        raise ValueError(f"results: want at least {FEWEST_STUDENTS}, got {results}")
    if not directory.exists():
        directory.mkdir(parents=True, mode=0o700)
    planted: dict[str, Planted] = {}
    staff: dict[int, tuple[str, ...]] = {}
    named: dict[int, Named] = {}
    for letter in students:
        district_id = NUMBERS[letter]
        tenant_zone, host_zone = ZONES[letter]
        profile = Profile(
            source=f"district_{letter}",
            district_id=district_id,
            students=students[letter],
            first_year=LAST_YEAR - years + 1,
            last_year=LAST_YEAR,
            tenant_zone=tenant_zone,
            host_zone=host_zone,
            wide=letter == "b",
            changed_by_hand=letter == CHANGED_BY_HAND,
            results=results if letter == "a" else None,
            seed=seed,
        )
        with _new_database(directory / f"{profile.source}.sqlite") as connection:
            staff[district_id] = _fill_district(connection, profile, whole=whole)
            if dirt:
                planting = Planting(connection, profile.source, seed)
                plant_students(planting, profile)
                plant_people(planting, profile)
                plant_work(planting, profile)
                if whole:
                    plant_rest(planting, profile)
                planted |= planting.planted
            if whole:
                named[district_id] = read_named(connection)
    with _new_database(directory / "login.sqlite") as connection:
        connection.executescript(_ddl("legacy_login.sql"))
        if whole:
            connection.executescript(_ddl("legacy_login_rest.sql"))
        connection.execute("BEGIN")
        fill_login(connection, staff=staff, seed=seed, last_year=LAST_YEAR)
        if whole:
            fill_catalogue(connection, seed=seed, last_year=LAST_YEAR)
            fill_media(connection, districts=staff, seed=seed, last_year=LAST_YEAR)
            fill_accounts(connection, seed=seed, last_year=LAST_YEAR)
            fill_jobs(connection, districts=named, seed=seed, last_year=LAST_YEAR)
        if dirt:
            planting = Planting(connection, "login", seed)
            plant_login(planting, seed)
            if whole:
                plant_directory(planting)
            planted |= planting.planted
    return Estate(directory, MappingProxyType(planted))


def _fill_district(connection: sqlite3.Connection, profile: Profile, *, whole: bool) -> tuple[str, ...]:
    connection.executescript(_ddl("legacy_district.sql"))
    if whole:
        connection.executescript(_ddl("legacy_district_rest.sql"))
    if profile.wide:
        connection.executescript(_ddl("legacy_wide_student.sql"))
    connection.execute("BEGIN")
    campus = fill_campus(connection, profile)
    enrollments = fill_roster(connection, profile, campus)
    fill_results(connection, profile, campus, enrollments)
    fill_interventions(connection, profile, campus, enrollments)
    if whole:
        fill_offered(connection, profile, campus)
        fill_meetings(connection, profile, campus, enrollments)
        fill_choices(connection, profile, campus)
        fill_leftovers(connection, profile)
    if profile.changed_by_hand:
        # A script ends the transaction that it finds.
        connection.executescript(_ddl("legacy_changed_by_hand.sql"))
        connection.execute("BEGIN")
    return campus.emails


@contextmanager
def _new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a new database under a temporary name; commit, sync and rename it, or remove it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            # No journal and no sync while building: an interrupted build leaves only the temporary file.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -65536")
            yield connection
            connection.execute("COMMIT")
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ddl(name: str) -> str:
    return files("pipeline.demo").joinpath(name).read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, as long as DEL does not occur in it.
    return json.dumps(text, ensure_ascii=False)


def config_text(
    directory: Path,
    target_dsn: str,
    staging: str | Path,
    *,
    districts: Iterable[str] = DEFAULT_STUDENTS,
    relative_to: Path | None = None,
) -> str:
    """Return the text of a `migrate.toml` that migrates the estate of a directory.

    `target_dsn` holds `{service}` where the database's name goes; `districts` names them by their letters. Paths to the
    snapshots are absolute, or relative to the directory `relative_to`, where the text is to be saved.
    """
    lines = [DIRECTIVE, "[target]", f"dsn = {_quoted(target_dsn)}", ""]
    lines += ["[run]", f"staging = {_quoted(str(staging))}", "batch_rows = 10000", "parallel = 2", ""]
    own = [(f"district_{letter}", "district", NUMBERS[letter], f"District {letter.upper()}") for letter in districts]
    for source, kind, tenant, name in (("login", "login", None, "Shared logins"), *own):
        path = (directory / f"{source}.sqlite").absolute()
        if relative_to is not None:
            path = Path(os.path.relpath(path, relative_to))
        tenant_zone, host_zone = ZONES[source.removeprefix("district_")]
        lines += [f"[sources.{source}]", f'kind = "{kind}"']
        lines += [] if tenant is None else [f"tenant = {tenant}"]
        lines += [
            f"name = {_quoted(name)}",
            f"dsn = {_quoted(f'sqlite://{path.as_posix()}')}",
            f'tenant_zone = "{tenant_zone}"',
            f'host_zone = "{host_zone}"',
            'consistency = "snapshot"',
            "",
        ]
    return "\n".join(lines)
