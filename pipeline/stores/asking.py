"""One question to a legacy database at a time, and whether its answer is the whole of it.

Owns the connection's probe, the limit of connections and what every result must look like. Invariant: an answer that
can be told to be cut short is an error; no error holds a secret or a value of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import BoundedSemaphore, Lock
from typing import Final, TypeVar

import pyarrow as pa

from pipeline.core.sql import dialect as sql
from pipeline.core.sql.counting import Part, count_query
from pipeline.core.sql.dialects import dialect_of
from pipeline.core.sql.source import SourceTable
from pipeline.errors import SourceChanged, SourceError, SourceUnreachable
from pipeline.settings import Source
from pipeline.stores import sqlite_file
from pipeline.stores.failures import explained
from pipeline.stores.probe import check_options, check_strict, knock, probe, unconnected
from pipeline.stores.readers import ConnectFailed, ReadFailed, connection_url, reader_of

#: Times that the same is asked before an answer that cannot be right is refused.
TRIES: Final = 3
#: Tables asked about in one statement.
_TOGETHER: Final = 50
T = TypeVar("T")
Answer = TypeVar("Answer")


class Asking:
    """Asks one source; opens its connections when it is asked."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.dialect = dialect_of(source.engine, source.dsn.schema)
        self._where = f"source {source.id}"
        self._reader = reader_of(source)
        self._free, self._probing = BoundedSemaphore(source.connections), Lock()
        self._is_probed = False

    @property
    def sees_the_end(self) -> bool:
        """Say whether a lost connection is never taken for the end of a result."""
        return self._reader.sees_the_end

    def close(self) -> None:
        """Close what is open."""
        self._reader.close()

    def counted(self, parts: Sequence[Part]) -> list[int]:
        """Count the rows of tables, or of parts of them."""
        found: list[int] = []
        for some in parted(parts):
            query, table = count_query(self.dialect, some), some[0].table if len(some) == 1 else None
            rows = self.numbered(query, sql.COUNT_COLUMNS, len(some), table)
            found += [int(row["count"]) for row in rows]
        return found

    def numbered(
        self, query: str, names: Sequence[str], tables: int, table: SourceTable | None = None
    ) -> list[dict[str, str]]:
        """Run a query that says something of each of some tables, in any order; give it in theirs.

        Raises:
            SourceUnreachable: something is missing.
        """
        found = {int(row["table"]): row for row in self.ask(query, names, table).to_pylist()}
        if len(found) != tables:
            raise SourceUnreachable(
                "an answer came in part",
                where=self._where,
                expected=f"a row for each of {tables} tables",
                got=f"{len(found)}",
                remedy="the same command goes on",
            )
        return [found[number] for number in range(tables)]

    def described(self, query: str, names: Sequence[str]) -> list[dict[str, str]]:
        """Ask the source's own catalog, until two answers agree: a part of one would look like a smaller database."""
        found: list[dict[str, str]] = self.ask(query, names).to_pylist()
        for _ in range(TRIES):
            if self._reader.sees_the_end:
                return found
            before, found = found, self.ask(query, names).to_pylist()
            if found == before:
                return found
        raise SourceChanged(
            "its catalog changes while it is read",
            where=self._where,
            remedy="run again when nobody changes its tables any more",
        )

    def ask(self, query: str, names: Sequence[str], table: SourceTable | None = None) -> pa.Table:
        """Run a query of the dialect; take its sentinel row off, where it has one."""
        where = self._where if table is None else f"{self._where}, table {table.name}"
        if self.source.is_file:
            sqlite_file.check(self.source.path, self._where, settled=self.source.consistency != "live")
        self._probe_once()
        with self._free:
            try:
                result = self._reader.read(self.dialect.limited(query, self.source.statement_timeout))
            except ConnectFailed as failure:
                raise unconnected(self.source, str(failure)) from None
            except ReadFailed as failure:
                raise explained(self.source, str(failure), names, where) from None
        if len(result.schema) != len(names) or not all(
            pa.types.is_string(t) or pa.types.is_large_string(t) for t in result.schema.types
        ):
            raise SourceError("the reader did not return the text columns asked for", where=where)
        result = result.rename_columns(list(names))
        if self.dialect.has_sentinel:
            if result.num_rows == 0 or any(value != "" for value in result.slice(0, 1).to_pylist()[0].values()):
                raise SourceError("the sentinel row did not come first", where=where)
            result = result.slice(1)
        return result.cast(pa.schema([(name, pa.string()) for name in names]))

    def _probe_once(self) -> None:
        """Try the connection before the first query, for then a failure names its cause at once."""
        if self.source.is_file:
            return
        with self._probing:
            if not self._is_probed:
                check_options(self.source)
                knock(self.source)
                if self.source.reader == "connectorx":
                    probe(self.source, connection_url(self.source))
                else:
                    check_strict(self.source)
            self._is_probed = True


def parted(items: Sequence[T]) -> list[Sequence[T]]:
    """Divide into as many as are asked about in one statement."""
    return [items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER)]


def each(
    items: Sequence[T], ask: Callable[[Sequence[T]], list[Answer]], failed: Callable[[SourceError], Answer]
) -> list[Answer]:
    """Ask about many things in as few statements as may be; one that fails is asked about by halves."""
    found: list[Answer] = []
    for part in parted(items):
        try:
            found += ask(part)
        except SourceUnreachable:
            raise
        except SourceError as error:
            halves = (part[: len(part) // 2], part[len(part) // 2 :]) if len(part) > 1 else ()
            found += [a for half in halves for a in each(half, ask, failed)] or [failed(error)]
    return found
