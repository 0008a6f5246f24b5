"""The benchmark of small districts: many sources of the demo's entities, a few rows a table, all four stages.

Run by `make bench`; not a timed test. A piece is an entity of a tenant; pieces a second, by stage and over all.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from time import perf_counter

from pipeline import runner
from pipeline.demo import server
from pipeline.demo.estate import build_estate, config_text
from pipeline.demo.rehearsal import create_databases
from pipeline.observe.progress import Progress
from pipeline.runs import Selection
from pipeline.settings import load_settings
from schemas.catalog import load_catalog
from tests.bench.end_to_end import begin, served

STUDENTS = {"a": 40, "b": 40}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--districts", type=int, default=60, help="sources of tenants")
    districts = parser.parse_args().districts
    with served() as (directory, running):
        measure(directory, running, districts)


def measure(directory: Path, running: server.Server, districts: int) -> None:
    """Migrate a fleet of small districts and print what each stage took."""
    catalog = load_catalog()
    config = build_fleet(directory, running, districts)
    settings = load_settings(config)
    create_databases(running.dsn, catalog)
    began = perf_counter()
    workspace = begin(settings, catalog, Selection())
    seconds = {"plan": perf_counter() - began}
    with Progress() as progress:
        for stage in (runner.run_extract, runner.run_transform, runner.run_load, runner.run_verify):
            before = perf_counter()
            last = stage(workspace, progress)
            seconds[stage.__name__.removeprefix("run_")] = perf_counter() - before
    pieces = districts * sum(catalog[e].source != "login" for e in workspace.record.entities)
    staged = sum(path.is_file() for path in workspace.staging.run.rglob("*.parquet"))
    print(f"{districts} districts, {pieces:,} pieces, {staged:,} staged files, parity: {last.parity}")
    for stage, took in {**seconds, "all": sum(seconds.values())}.items():
        print(f"  {stage:<10} {took:8.1f} s  {pieces / took:8.1f} pieces/s")


def build_fleet(directory: Path, running: server.Server, districts: int) -> Path:
    """Write the legacy databases: the second district of the demo's estate, small, once for each tenant."""
    build_estate(directory, students=STUDENTS, years=3, dirt=False)
    with closing(sqlite3.connect(directory / "login.sqlite")) as login, login:
        columns = [row[1] for row in login.execute("PRAGMA table_info(District)") if row[1] != "Id"]
        listed = ", ".join(columns)
        for number in range(3, districts + 1):
            login.execute(
                f"INSERT INTO District (Id, {listed}) SELECT ?, {listed} FROM District WHERE Id = 2 "
                "AND NOT EXISTS (SELECT 1 FROM District WHERE Id = ?)",
                (number, number),
            )
    text = config_text(directory, running.dsn("{service}"), directory / "staging")
    zones = 'tenant_zone = "America/Chicago"\nhost_zone = "America/Chicago"\nconsistency = "snapshot"\n'
    for number in range(3, districts + 1):
        path = directory / f"district_{number}.sqlite"
        shutil.copy(directory / "district_b.sqlite", path)
        text += f'\n[sources.district_{number}]\nkind = "district"\ntenant = {number}\nname = "District {number}"\n'
        text += f'dsn = "sqlite://{path}"\n{zones}'
    config = directory / "migrate.toml"
    config.touch(mode=0o600)
    config.write_text(text, encoding="utf-8")
    return config


if __name__ == "__main__":
    main()
