"""The benchmark: 500,000 assessment results end to end, against plain COPY of the same final rows and id map.

Run by `make bench`; not a timed test. Prints seconds, rows a second and ratios of one run on one machine, the only
figures that compare. The baseline gets its rows ready-made: it reads the staged outputs and copies them, by the same
driver and as many connections, into tables with the same keys, indexes and policies.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import runner, runs
from pipeline.connection import Dsn
from pipeline.core.frame import BATCH
from pipeline.core.plan import Bundle
from pipeline.core.sql import ddl, ledger
from pipeline.demo import server
from pipeline.demo.estate import build_estate, config_text
from pipeline.demo.rehearsal import create_databases
from pipeline.observe.progress import Progress
from pipeline.runs import Selection
from pipeline.settings import Settings, load_settings
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from schemas.catalog import Catalog, load_catalog

RESULTS = ("assessment.AssessmentFP", "assessment.FPAssignment")
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def served() -> Iterator[tuple[Path, server.Server]]:
    """Give a directory and a server in it, both gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        running = server.start(directory / "postgres")
        try:
            yield directory, running
        finally:
            server.remove(directory / "postgres")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=500_000, help="rows of the results table")
    rows = parser.parse_args().results
    with served() as (directory, running):
        measured = measure(directory, running, rows)
    show(measured)
    results = Path("bench-results")
    results.mkdir(exist_ok=True)
    (results / "end_to_end.json").write_text(json.dumps(measured, indent=1))


def measure(directory: Path, running: server.Server, rows: int) -> dict[str, Any]:
    """Migrate everything else first, then time the results alone, then time the baseline."""
    catalog = load_catalog()
    create_databases(running.dsn, catalog)
    build_estate(directory / "legacy", results=rows)
    config = directory / "migrate.toml"
    config.touch(mode=0o600)  # it holds the target's password
    config.write_text(config_text(directory / "legacy", running.dsn("{service}"), "staging", relative_to=directory))
    settings = load_settings(config)
    others = Selection(entities=tuple(e for e in catalog.order if e not in RESULTS))
    quiet = Progress(quiet=True)
    found = runner.run_all(begin(settings, catalog, others), quiet)
    if not found.parity:
        raise SystemExit("the other entities did not reach parity")
    began = perf_counter()
    workspace = begin(settings, catalog, Selection(entities=RESULTS))
    stages = {"plan": perf_counter() - began}
    verdict: list[Any] = []
    steps: dict[str, Callable[[], Any]] = {
        "extract": lambda: runner.run_extract(workspace, quiet),
        "transform": lambda: runner.run_transform(workspace, quiet),
        "load": lambda: runner.run_load(workspace, quiet),
        "verify": lambda: verdict.append(runner.run_verify(workspace, quiet)),
    }
    for stage, step in steps.items():
        began = perf_counter()
        step()
        stages[stage] = perf_counter() - began
    copied = copy_again(workspace, running, catalog)
    moved = sum(workspace.record.counts[p] for p in workspace.record.counts if p.entity == RESULTS[0])
    return {
        "cpus": os.cpu_count(),
        "results": moved,
        "parity": verdict[0].parity,
        "seconds": stages,
        "copy": copied,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def begin(settings: Settings, catalog: Catalog, selection: Selection) -> Workspace:
    """Begin a run in its workspace."""
    return runs.open_run(settings, catalog, runs.new_run(settings, catalog, selection, AS_OF))


def copy_again(workspace: Workspace, running: server.Server, catalog: Catalog) -> dict[str, Any]:
    """Copy the same final rows and id map from ready files into equal empty tables; seconds and rows."""
    with TargetDatabase("postgres", Dsn(running.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute("CREATE DATABASE baseline")
    prepare_baseline(running, catalog)
    bundles = [bundle for entity in RESULTS for bundle, _ in workspace.staging.outputs(entity)]
    ready = [(bundle, load_ready(workspace, bundle)) for bundle in bundles]
    connections = workspace.settings.run.parallel
    began = perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        done = list(
            pool.map(lambda part: copy_part(running, part), [ready[n::connections] for n in range(connections)])
        )
    return {"seconds": perf_counter() - began, "rows": sum(done), "connections": connections}


def prepare_baseline(running: server.Server, catalog: Catalog) -> None:
    """Create the same tables, indexes and policies in an empty database."""
    with TargetDatabase("assessment", Dsn(running.dsn("baseline")), role=None) as database:
        for statement in (*ddl.service_tables(catalog, "assessment"), *ledger.statements()):
            database.execute(statement)
        database.commit()


def load_ready(workspace: Workspace, bundle: Bundle) -> dict[str, pa.Table]:
    """Hold a bundle's target rows and id map as Arrow, outside of the time that is measured."""
    tables = {}
    for target in workspace.catalog[bundle.entity].targets:
        tables[f"assessment.{target.table}"] = pq.read_table(
            workspace.staging.output_path(bundle, target.table)
        ).drop_columns([BATCH])
    if workspace.catalog[bundle.entity].derived_from is None:
        mapped = pq.read_table(workspace.staging.output_path(bundle, "id_map"))
        count = mapped.num_rows
        tables["migration.id_map"] = pa.table(
            {
                "tenant_id": mapped["tenant_id"],
                "entity": pa.repeat(bundle.entity, count),
                "legacy_key": mapped["legacy_key"],
                "new_id": mapped["new_id"],
                "batch_id": mapped["new_id"],
                "source_hash": mapped["source_hash"],
                "target_hash": mapped["target_hash"],
            }
        )
    return tables


def copy_part(running: server.Server, part: list[tuple[Bundle, dict[str, pa.Table]]]) -> int:
    """Copy some batches over one connection, a commit each."""
    rows = 0
    with TargetDatabase("assessment", Dsn(running.dsn("baseline"))) as database:
        for _, tables in part:
            for name, table in tables.items():
                schema, _, plain = name.partition(".")
                database.ingest(schema, plain, table)
                rows += table.num_rows
            database.commit()
    return rows


def show(measured: dict[str, Any]) -> None:
    seconds, results = measured["seconds"], measured["results"]
    whole = sum(seconds.values())
    print(f"{results:,} results, {measured['cpus']} CPUs, parity: {measured['parity']}")
    for stage, spent in {**seconds, "all": whole}.items():
        print(f"  {stage:<10}{spent:8.1f} s {results / spent:12,.0f} results/s")
    copied = measured["copy"]
    print(f"  COPY of the same {copied['rows']:,} rows, {copied['connections']} connections: {copied['seconds']:.1f} s")
    print(f"  load / COPY {seconds['load'] / copied['seconds']:.2f}    all / COPY {whole / copied['seconds']:.2f}")
    print(f"  peak memory of the pipeline's process: {measured['peak_memory_mb']:,} MB")


if __name__ == "__main__":
    main()
