"""The measure of all: plain COPY of a finished run's rows and id map into tables with the same keys and indexes.

A program of its own, started by `tests.bench.volume`. The rows are read from the staged outputs and held ready before
the clock starts; they are copied by the same driver over as many connections, a commit a bundle.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import runs
from pipeline.connection import Dsn
from pipeline.core.frame import BATCH
from pipeline.core.plan import Bundle
from pipeline.demo import server
from pipeline.runs import Selection
from pipeline.settings import load_settings
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from tests.bench.ground import RESULTS, SERVICE
from tests.bench.measuring import metered
from tests.support.sample import load_sample


def main(config: Path, source: str, database: str) -> None:
    running = server.start(config.parent / "postgres")
    settings = load_settings(config)
    record = runs.find_run(settings, Selection(tenants=(source,), entities=RESULTS))
    if record is None:
        raise SystemExit(f"there is no run of the results of {source}")
    workspace = runs.open_run(settings, load_sample(), record)
    bundles = [bundle for entity in RESULTS for bundle, _ in workspace.staging.outputs(entity)]
    ready = [_ready(workspace, bundle) for bundle in bundles]
    connections, dsn = settings.run.parallel, Dsn(running.dsn(database))
    with metered(running) as spent, ThreadPoolExecutor(connections) as pool:
        list(pool.map(lambda n: _copy(dsn, ready[n::connections]), range(connections)))
    print(json.dumps(asdict(spent[0])))


def _ready(workspace: Workspace, bundle: Bundle) -> dict[tuple[str, str], pa.Table]:
    """Hold a bundle's target rows and id map as Arrow."""
    tables = {}
    for target in workspace.catalog[bundle.entity].targets:
        rows = pq.read_table(workspace.staging.output_path(bundle, target.table))
        tables[SERVICE, target.table] = rows.drop_columns([BATCH])
    if workspace.catalog[bundle.entity].derived_from is None:
        mapped = pq.read_table(workspace.staging.output_path(bundle, "id_map"))
        columns = {name: mapped[name] for name in ("tenant_id", "legacy_key", "new_id", "source_hash", "target_hash")}
        # Any 16 bytes will do for the batch's id: the load makes one for each batch and tenant.
        added = {"entity": pa.repeat(bundle.entity, mapped.num_rows), "batch_id": mapped["new_id"]}
        tables["migration", "id_map"] = pa.table({**columns, **added})
    return tables


def _copy(dsn: Dsn, bundles: list[dict[tuple[str, str], pa.Table]]) -> None:
    """Copy some bundles over one connection, a commit each."""
    with TargetDatabase(SERVICE, dsn) as database:
        for tables in bundles:
            for (schema, table), rows in tables.items():
                database.ingest(schema, table, rows)
            database.commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
