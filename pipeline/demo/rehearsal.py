"""The rehearsal: builds the legacy estate, starts PostgreSQL, creates the eleven databases, and migrates.

Everything under one directory, which may be removed. Idempotent: a second run finds the work done.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from pipeline import runner, runs
from pipeline.connection import Dsn
from pipeline.core.outcome import Outcome
from pipeline.core.sql import ddl
from pipeline.demo import server
from pipeline.demo.estate import DEFAULT_STUDENTS, build_estate, config_text
from pipeline.observe.log import audited
from pipeline.observe.progress import Progress
from pipeline.runs import Selection
from pipeline.settings import Settings
from pipeline.settings.json_schema import write_beside
from pipeline.stores import ledger
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from schemas.catalog import Catalog

#: Where legacy has no time, the demo's rows have this one, so that every run builds the same.
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
#: Where the demo keeps its files unless told otherwise.
DIRECTORY = Path("demo")
#: Districts that differ: of the usual form, with the wide form of students, and changed by hand, east of UTC.
STUDENTS = {**DEFAULT_STUDENTS, "e": 1200}
#: Marks the legacy files as complete.
BUILT = "complete"


def prepare(directory: Path, catalog: Catalog, *, say: Callable[[str], None]) -> Path:
    """Build what is not built yet: legacy files, server, databases, configuration; return the configuration's path."""
    directory = directory.absolute()
    began = perf_counter()
    legacy_files = directory / "legacy"
    if not (legacy_files / BUILT).exists():
        say(
            f"building the legacy estate: a login database and {len(STUDENTS)} districts, "
            f"{sum(STUDENTS.values()):,} students, 15 school years"
        )
        build_estate(legacy_files, students=STUDENTS, whole=True)
        (legacy_files / BUILT).touch(mode=0o600)
        say(f"  built in {perf_counter() - began:.1f} s")
    began = perf_counter()
    running = server.start(directory / "postgres")
    create_databases(running.dsn, catalog)
    say(f"PostgreSQL runs at 127.0.0.1:{running.port} ({perf_counter() - began:.1f} s)")
    config = directory / "migrate.toml"
    _write_private(
        config,
        config_text(legacy_files, running.dsn("{service}"), "staging", districts=STUDENTS, relative_to=directory),
    )
    write_beside(config)
    return config


def create_databases(dsn: Callable[[str], str], catalog: Catalog) -> None:
    """Create the databases of the eleven services, with roles, tables, policies and the migration schema."""
    with TargetDatabase("postgres", Dsn(dsn("postgres")), role=None, autocommit=True) as cluster:
        for statement in ddl.roles():
            cluster.execute(statement)
        known = {r["n"] for r in cluster.query("SELECT datname::text AS n FROM pg_database").to_pylist()}
        for service in catalog.installation.services:
            if service not in known:
                cluster.execute(f"CREATE DATABASE {service}")
    for service in catalog.installation.services:
        with TargetDatabase(service, Dsn(dsn(service)), role=None) as database:
            for statement in ddl.service_tables(catalog, service):
                database.execute(statement)
            ledger.prepare(database)
            database.commit()


def migrate(
    settings: Settings, catalog: Catalog, command: Mapping[str, object], *, say: Callable[[str], None]
) -> tuple[Outcome, list[tuple[str, int, str, int]]]:
    """Run the four stages and time them, unless all was done before; say how the run stands.

    Args:
        settings: the demo's configuration.
        catalog: the packaged catalog.
        command: what the audit log says of the command.
        say: told what is waited for.
    """
    with runs.target_lock(settings, catalog, Selection(), None, command="migrate demo", wait=False, say=say) as lock:
        record = runs.find_run(settings, Selection()) or runs.new_run(settings, catalog, Selection(), AS_OF)
        is_finished = runs.is_finished(settings, record)
        workspace = runs.open_run(settings, catalog, record, lock, even_purged=is_finished)
        with audited(workspace.audit, record.run_id, command):
            return (runs.standing(workspace, None), []) if is_finished else _moved(workspace)


def _moved(workspace: Workspace) -> tuple[Outcome, list[tuple[str, int, str, int]]]:
    rates = []
    with Progress() as progress:
        for name, stage in (
            ("extract", runner.run_extract),
            ("transform", runner.run_transform),
            ("load", runner.run_load),
        ):
            began = perf_counter()
            rows = stage(workspace, progress)
            seconds = perf_counter() - began
            rates.append((name, rows, f"{seconds:.1f}", round(rows / seconds)))
        verdict = runner.run_verify(workspace, progress)
    rows = sum(e.expected for e in verdict.entities)
    rates.append(("verify", rows, f"{verdict.seconds:.1f}", round(rows / verdict.seconds)))
    return runs.standing(workspace, verdict), rates


def stop(directory: Path) -> bool:
    """Stop the demo's server; say whether it was running."""
    return server.stop(directory.absolute() / "postgres")


def hint(directory: Path, config: Path) -> str:
    """Say how to look around, and how to stop; the password stays in files of its owner's."""
    running = server.start(directory.absolute() / "postgres")
    passwords = directory.absolute() / "pgpass"
    _write_private(passwords, f"{server.HOST}:{running.port}:*:{server.SUPERUSER}:{running.password}\n")
    shown = directory / config.name
    elsewhere = "" if directory == DIRECTORY else f" --directory {directory}"
    migrate = os.path.relpath(sys.argv[0]) if Path(sys.argv[0]).name == "migrate" else "migrate"
    psql = shutil.which("psql") or server.program("psql")
    return f"""
The server stays up: postgresql://{server.SUPERUSER}@{server.HOST}:{running.port}/<service>. Look around:
  PGPASSFILE={directory / passwords.name} {psql} -h {server.HOST} -p {running.port} -U {server.SUPERUSER} student \\
      -c 'SELECT * FROM student.students LIMIT 5'
  {migrate} status -c {shown}
  {migrate} rejects -c {shown}
  {migrate} lookup student.Student 42 -c {shown}
  notebooks/staged_parquet.ipynb opens the staged Parquet with DuckDB and Polars
Stop the server with: {migrate} demo --stop{elsewhere}"""


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte; a reader sees the old one or the new."""
    temporary = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
