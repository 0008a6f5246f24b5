"""The verification database: the only importer of DuckDB.

It lives in memory and spills into the run's private scratch directory, so that a fleet's rows need not fit. It is
made anew for every verification and ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl
import pyarrow as pa

from pipeline.core import frame
from pipeline.core.ids import MACROS_SQL
from pipeline.core.sql import relations
from pipeline.core.sql.columns import BATCH, FILE, HOST_ZONE, SOURCE, SOURCE_TENANT, TENANT_ZONE
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.judged import zone_years
from pipeline.core.sql.relations import INCOMING, ZONE, Relation
from pipeline.core.text import quoted, said
from pipeline.errors import DiskError, MigrationError, StagedFileDamaged, scrub_quoted
from pipeline.stores.transcript import Transcript

#: Megabytes that DuckDB may hold: for each of its threads, at least and at most. Of a million results with four times
#: as much a verification was a quarter quicker, and took 2.9 GB instead of 1.
_A_THREAD, _LEAST, _MOST = 300, 600, 4000


@dataclass(frozen=True, slots=True)
class RawFiles:
    """Staged files of one entity from one source, and how its rows are tagged."""

    #: In the order of their batches.
    paths: Sequence[Path]
    source: str
    tenant: str | None
    host_zone: str
    tenant_zone: str


class ParityDatabase:
    """A DuckDB database for one verification; a context manager."""

    def __init__(self, directory: Path, zones: pl.DataFrame, transcript: Transcript | None = None) -> None:
        """Open an empty database with the macros and the table of zone transitions.

        Args:
            directory: where it may spill.
            zones: the transitions.
            transcript: takes every statement.
        """
        self.transcript = transcript
        # In memory, and past the limit in the scratch directory: a database file would be compressed and synced
        # for nothing.
        self._connection = duckdb.connect(":memory:")
        # On standard output, among the results, where `python -m` looks like a person at a prompt to it.
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute(f"SET temp_directory = {quoted(str(directory / 'spill'))}")
        (threads,) = self._connection.execute("SELECT current_setting('threads')").fetchall()[0]
        self._connection.execute(f"SET memory_limit = '{max(_LEAST, min(_A_THREAD * threads, _MOST))}MB'")
        self._connection.execute("SET preserve_insertion_order = false")
        self.execute("-- Moments are read and written in UTC.\nSET TimeZone = 'UTC'")
        self.execute(said("What ids and JSON texts are written by.", MACROS_SQL.rstrip().rstrip(";")))
        table = zones.to_arrow(compat_level=pl.CompatLevel.oldest())
        origin = transcript.keep(ZONE.name, table) if transcript else ""
        self.fill(ZONE, table, what="The moments at which the clocks of the run's zones change.", origin=origin)
        for statement in zone_years():
            self.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def execute(self, sql: str) -> None:
        """Run one statement.

        Raises:
            StagedFileDamaged: a staged file cannot be read.
        """
        self._write(sql)
        self._run(sql)

    def _write(self, sql: str) -> None:
        if self.transcript is not None:
            self.transcript.duckdb(sql)

    def _run(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            raise _explain(error, sql) from None

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run a SELECT and fetch its rows."""
        self._write(sql)
        try:
            cursor = self._connection.execute(sql)
            names = [d[0] for d in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise _explain(error, sql) from None

    def fill(
        self,
        relation: Relation,
        rows: pa.Table | pa.RecordBatchReader,
        *,
        select: str = "*",
        what: str = "",
        origin: str = "",
    ) -> None:
        """Create a table from Arrow rows, which may be read only once.

        Args:
            relation: the table.
            rows: the rows.
            select: what is made of them.
            what: the sentence that says what they are, for the transcript.
            origin: the SQL by which a reader of that may have the same rows.
        """
        create = f"CREATE OR REPLACE TABLE {relation} AS SELECT {select} FROM "
        self._write(said(what, create + origin))
        self._connection.register(INCOMING.name, rows)
        self._run(f"{create}{INCOMING}")
        self._connection.unregister(INCOMING.name)

    def raw_view(self, entity_id: str, files: Iterable[RawFiles], types: Mapping[str, str]) -> None:
        """Give an entity's raw rows of all sources one name, tagged with source, tenant, zones and file."""
        staged, tags = relations.staged(entity_id), (FILE, SOURCE, SOURCE_TENANT, HOST_ZONE, TENANT_ZONE)
        rows = [
            (str(path), f.source, f.tenant, f.host_zone, f.tenant_zone, number)
            for f in files
            for number, path in enumerate(f.paths)
        ]
        if rows:
            listed = ", ".join(f"({', '.join(map(_constant, row))})" for row in rows)
            made = f"SELECT * FROM (VALUES {listed}) v({', '.join((*tags, BATCH))})"
            paths = ", ".join(quoted(row[0]) for row in rows)
            # Under a name of its own: a legacy table may have a column `filename`.
            named = f"filename = {quoted(frame.FILE)}, hive_partitioning = false, union_by_name = true"
            files_of = f"read_parquet([{paths}], {named}) r JOIN {staged} s USING ({FILE})"
            sql = f"SELECT r.*, s.* EXCLUDE ({FILE}) FROM {files_of}"
        else:
            made = f"SELECT {', '.join(f'NULL::VARCHAR AS {t}' for t in tags)}, 0::INTEGER AS {BATCH} WHERE false"
            columns = ", ".join(f"CAST(NULL AS {t}) AS {quote(c)}" for c, t in types.items())
            sql = f"SELECT {columns}, s.* FROM {staged} s"
        what = f"The staged files of {entity_id}: whose rows they hold, by which clocks, in which batch."
        self.execute(said(what, f"CREATE OR REPLACE TABLE {staged} AS {made}"))
        view = f"CREATE OR REPLACE VIEW {relations.raw(entity_id)} AS {sql}"
        self.execute(said(f"The raw rows of {entity_id}, each with its source, tenant, zones, file and batch.", view))


def _constant(value: str | int | None) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else quoted(value)


def _explain(error: duckdb.Error, sql: str) -> MigrationError:
    # The first line names what went wrong; later lines quote the statement, which is ours and holds no row.
    # What it quotes may be a value.
    first = scrub_quoted(str(error).splitlines()[0])
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in first or "File too large" in first:
        return DiskError(
            "there is no room for what verification keeps beside the staged files",
            got=first,
            remedy="free space there, or name another directory as `staging` under [run]; the same command goes on",
        )
    if isinstance(error, duckdb.IOException) or "TProtocol" in first or "parquet" in first.lower():
        return StagedFileDamaged(got=first, remedy="remove the damaged file and run the same command again")
    return MigrationError("a verification query failed", got=first, expected=" ".join(sql.split())[:120])
