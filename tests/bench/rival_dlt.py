"""Copies a table of a SQLite file by dlt: Arrow batches, CSV for COPY. Run by the Python that has the package."""

import os
import sys
from pathlib import Path

import dlt
from dlt.sources.sql_database import sql_table

plain, name = sys.argv[1:]
table = sql_table(credentials=f"sqlite:///{plain}", table=name, backend="pyarrow", chunk_size=100_000)
pipeline = dlt.pipeline(
    "bench",
    destination=dlt.destinations.postgres(os.environ["TARGET"]),
    dataset_name="copied",
    pipelines_dir=str(Path(plain).with_suffix(".dlt")),
)
pipeline.run(table, table_name=name, loader_file_format="csv", write_disposition="replace")
