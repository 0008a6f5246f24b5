"""The legacy databases, read only.

Owns describing, identifying and asking a source, whatever its engine. Never writes to one. Every query comes from the
dialects in `core.sql`, every row through a reader. Invariant: what `read` returns is text as the source said it, in
the order of the key; no error that leaves this module holds a secret or a value of a row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import Any, Final

import pyarrow as pa

from pipeline.core import frame
from pipeline.core.family import Member, united
from pipeline.core.frame import UNFIT
from pipeline.core.sql import dialect as sql
from pipeline.core.sql.counting import Part, reach_query
from pipeline.core.sql.described import APART, by_constraint, by_table, orphans_query
from pipeline.core.sql.source import EVERY_KEY, ForeignKey, Key, KeyRange, SourceTable
from pipeline.core.sql.sqlite import SQLITE, STORAGE_COLUMNS
from pipeline.errors import NotText, SourceChanged, SourceDrift, SourceError, SourceUnreachable
from pipeline.settings import Source
from pipeline.stores import sqlite_file, texts
from pipeline.stores.asking import TRIES, Asking, each, parted
from pipeline.stores.failures import IF_LACKING
from schemas.model import DEFAULT_SCHEMA, Entity

_HOLD_STILL: Final = "keep it from changing while a run reads it, and start the run again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read of a table."""

    table: SourceTable
    #: What to select; the result has them in this order and spelling, all of type string.
    columns: Sequence[str]
    key: Sequence[str]
    within: KeyRange = EVERY_KEY
    #: Those of `columns` that the source does not have; they are null.
    missing: Collection[str] = ()
    #: Those of `columns` whose values may be too long.
    limited: Collection[str] = ()
    #: Longer values are not fetched; a last column, `UNFIT`, tells.
    max_value_bytes: int | None = None
    #: What columns hold by their entry.
    families: Mapping[str, str] | None = None
    #: How many rows were counted when the run began, where that is known.
    rows: int | None = None


class LegacyDatabase:
    """A legacy database of a source; opens its connections when it is asked."""

    def __init__(self, source: Source, families: Mapping[str, tuple[Member, ...]] | None = None) -> None:
        self.source = source
        #: Entity of a family -> the tables of it that the source has, where they have been looked for.
        self.families = dict(families or {})
        self._where = f"source {source.id}"
        self.asking = Asking(source)
        self.dialect = self.asking.dialect
        self._lock = Lock()
        self._tables: tuple[SourceTable, ...] | None = None
        self._apart: tuple[list[SourceTable], dict[tuple[str, str], str]] | None = None

    def close(self) -> None:
        """Close what is open."""
        self.asking.close()

    # -- what there is --------------------------------------------------------------------------------

    def tables(self) -> tuple[SourceTable, ...]:
        """Describe every table, in order of schema and name; asked once."""
        with self._lock:
            if self._tables is None:
                found = by_table(self.asking.described(self.dialect.tables_query(), sql.TABLES_COLUMNS))
                virtual = self._look_apart()[0] if self.dialect.has_virtual_tables else ()
                self._tables = tuple(sorted((*found, *virtual), key=lambda t: (t.schema, t.name)))
            return self._tables

    def apart(self) -> Mapping[tuple[str, str], str]:
        """Name the tables that are none to be moved, or that nothing can be told of: (schema, name) -> why."""
        with self._lock:
            return self._look_apart()[1]

    def find(self, schema: str, name: str) -> SourceTable | None:
        """Find a table by its name: exactly, else the only one that differs in case alone."""
        if exact := [t for t in self.tables() if (t.schema, t.name) == self.place_of(schema, name)]:
            return exact[0]
        wanted = [word.lower() for word in self.place_of(schema, name)]
        near = [t for t in self.tables() if [t.schema.lower(), t.name.lower()] == wanted]
        return near[0] if len(near) == 1 else None

    def table(self, schema: str, name: str) -> SourceTable:
        """Give a table.

        Raises:
            SourceDrift: the source has none of that name.
        """
        found = self.find(schema, name)
        if found is None:
            why = self.apart().get(self.place_of(schema, name))
            raise SourceDrift("there is no such table", where=f"{self._where}, table {name}", got=why)
        return found

    def find_of(self, entity: Entity) -> SourceTable | None:
        """Find the table of an entry, its columns called as the entry calls them; of a family all of its tables."""
        if entity.family is not None:
            try:
                return united(entity, self.families.get(entity.id, ()), self.tables(), self.source.engine)
            except LookupError as error:
                raise SourceDrift("a table of a family has changed", where=self._where, got=f"no {error}") from None
        found = self.find(entity.schema_name, entity.table)
        return found and found.spelled(entity.spellings)

    def place_of(self, schema: str, name: str) -> tuple[str, str]:
        """Say where a table is that an entry names: in the only schema, where the source is one."""
        return (schema if self.source.schema_name is None else DEFAULT_SCHEMA), name

    def table_of(self, entity: Entity) -> SourceTable:
        """Give the table of an entry, its columns called as the entry calls them; raises as `table` does."""
        return self.table(entity.schema_name, entity.table).spelled(entity.spellings)

    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        """List the foreign keys that the source declares."""
        rows = self.asking.described(self.dialect.foreign_keys_query(), sql.FOREIGN_KEY_COLUMNS)
        return by_constraint(rows, self.tables(), self.dialect.same_name)

    def orphans(self, guesses: Sequence[ForeignKey]) -> list[tuple[int, int] | None]:
        """Count the values of columns that may be foreign keys, and those that the parent's key does not hold.

        None stands for what the source itself does not compare.
        """
        pairs = [(self.table(*g.child), g.columns[0], self.table(*g.parent), g.parent_columns[0]) for g in guesses]

        def ask(part: Sequence[tuple[SourceTable, str, SourceTable, str]]) -> list[tuple[int, int] | None]:
            query = orphans_query(self.dialect, part)
            counts = [int(row["count"]) for row in self.asking.numbered(query, sql.COUNT_COLUMNS, 2 * len(part))]
            return list(zip(counts[::2], counts[1::2], strict=True))

        return each(pairs, ask, lambda _: None)

    def storage(self, table: SourceTable) -> dict[str, set[str]]:
        """Say how the values of each column of a SQLite table are stored: integer, real, text, blob, null."""
        found: dict[str, set[str]] = {c.name: set() for c in table.columns}
        for row in self.asking.ask(SQLITE.storage_query(table), STORAGE_COLUMNS, table).to_pylist():
            found[table.columns[int(row["column"])].name].add(row["storage"])
        return found

    # -- how much, and the same as before? ------------------------------------------------------------

    def unreadable(self, tables: Sequence[SourceTable]) -> dict[tuple[str, str], str]:
        """Say which of some tables cannot be read, and why not."""

        def ask(part: Sequence[SourceTable]) -> list[str | None]:
            self.asking.ask(reach_query(self.dialect, part), sql.COUNT_COLUMNS)
            return [None] * len(part)

        reasons = each(tables, ask, lambda error: error.what)
        return {(t.schema, t.name): why for t, why in zip(tables, reasons, strict=True) if why is not None}

    def count(self, *tables: SourceTable) -> list[int]:
        """Count the rows of tables."""
        return self.asking.counted([Part(table) for table in tables])

    def about_rows(self, tables: Sequence[SourceTable]) -> list[int | None]:
        """Say about how many rows tables have, as the engine estimates; exactly, where it estimates nothing."""
        if (query := self.dialect.estimates_query()) is None:
            return list(self.count(*tables))
        rows = self.asking.ask(query, sql.ESTIMATE_COLUMNS).to_pylist()
        known = {(r["schema"], r["table"]): int(r["rows"]) for r in rows if r["rows"]}
        return [known.get((t.schema, t.name)) for t in tables]

    def keyless_rows(self, table: SourceTable, key: Sequence[str]) -> int:
        """Count the rows of which a key column is NULL; no range holds them."""
        nullable = tuple(name for name in key if table.column(name).nullable)
        return self.asking.counted([Part(table, absent=nullable)])[0] if nullable else 0

    def fingerprint(self, tables: Collection[SourceTable]) -> str:
        """Identify what the source holds in these tables.

        A file by all its bytes. A server by its description and its counts; where it is frozen by agreement only, by a
        checksum of every row besides. Of a live source nothing is promised but its description.
        """
        if self.source.is_file and self.source.consistency != "live":
            return sqlite_file.fingerprint(self.source.path, self._where)
        chosen = sorted(tables, key=lambda t: (t.schema, t.name))
        said: list[Any] = [[t.schema, t.name, [[c.name, c.declared_type] for c in t.columns]] for t in chosen]
        if self.source.consistency == "snapshot":
            said.append(self.count(*chosen))
        elif self.source.consistency == "frozen":
            for part in parted([self._readable(t) for t in chosen]):
                said += self.asking.numbered(self.dialect.fingerprint_query(part), sql.FINGERPRINT_COLUMNS, len(part))
        return f"sha256:{hashlib.sha256(json.dumps(said).encode()).hexdigest()}"

    def confirm_unchanged(self, tables: Callable[[], Collection[SourceTable]], *, before: str) -> None:
        """Check, while a run reads it, that the source still has the fingerprint that was taken before.

        Args:
            tables: gives the tables, asked for only where the fingerprint is theirs.

        Raises:
            SourceChanged: it has not, or something is writing to it.
        """
        if self.has_changed(tables, before=before):
            raise SourceChanged(
                "the database changed while it was read", where=self._where, expected=before, remedy=_HOLD_STILL
            )

    def has_changed(self, tables: Callable[[], Collection[SourceTable]], *, before: str) -> bool:
        """Say whether the source has another fingerprint than was taken before; the arguments are the same.

        Raises:
            SourceChanged: something is writing to it.
        """
        try:
            return self.fingerprint(() if self.source.is_file else tables()) != before
        except SourceUnreachable:
            raise
        except SourceError as error:
            if not self.source.is_file:
                raise
            raise SourceChanged(error.what, where=self._where, remedy=_HOLD_STILL) from None

    def _readable(self, table: SourceTable) -> SourceTable:
        """Give a table without the columns of types that cannot be read, which no entry takes."""
        return replace(table, columns=tuple(c for c in table.columns if self.dialect.knows(c)))

    # -- its rows -------------------------------------------------------------------------------------

    def cut_ranges(self, table: SourceTable, *, key: Sequence[str], batch_rows: int) -> tuple[KeyRange, ...]:
        """Cut a table into ranges of `batch_rows` keys; together they hold every key once, even one added later.

        An empty table is one range, and so is one without a key. Where keys repeat, so may a bound, and that range
        holds nothing.

        Raises:
            SourceDrift: a key is NULL, or of no type that can be one.
        """
        if not key:
            return (EVERY_KEY,)
        self.demand_keys(table, key)
        names = [*map(frame.column, key)]
        if self.dialect.has_sentinel:
            names = [name for column in key for name in (frame.column(column), frame.storage(column))]
        starts = self.asking.ask(self.dialect.range_query(table, key=key, batch_rows=batch_rows), names, table)
        parts = [self._key_values(table, column, starts) for column in key]
        bounds: list[Key | None] = [*list(zip(*parts, strict=True))[1:]]
        return tuple(KeyRange(lower, upper) for lower, upper in pairwise((None, *bounds, None)))

    def demand_keys(self, table: SourceTable, key: Sequence[str]) -> None:
        """Check that every row has a key.

        Raises:
            SourceDrift: a key column is NULL somewhere.
        """
        if keyless := self.keyless_rows(table, key):
            raise SourceDrift(
                "rows have no key",
                where=f"{self._where}, table {table.name}",
                expected=f"no NULL in {', '.join(key)}",
                got=f"{keyless} rows with one",
                remedy="correct them in the source, or name another key in the catalog",
            )

    def read(self, table: SourceTable, *, columns: Sequence[str], key: Sequence[str], **more: Any) -> pa.Table:
        """Read one part of a table; the arguments are the fields of `Wanted`."""
        (found,) = self.read_all([Wanted(table, columns, key, **more)])
        return found

    def read_all(self, wanted: Sequence[Wanted]) -> list[pa.Table]:
        """Read tables or ranges of them, in the order of the key, each value as text in its raw form.

        No read is believed by itself: a reader may take a lost connection for the end. What does not see the end itself
        is counted before and after, all in one query; of a snapshot once, as it cannot change.

        Raises:
            SourceDrift: a column is not there.
            SourceError: a value cannot be read, the column is named; or the rows read are not as many as are counted.
        """
        found: dict[int, pa.Table] = {}
        waiting = dict(enumerate(wanted))
        is_still = self.source.consistency == "snapshot"
        before: dict[int, int | None] = {}
        after: dict[int, int] = {}
        for _ in range(TRIES):
            before = {n: w.rows for n, w in waiting.items()} if is_still else {**self._rows_of(waiting)}
            found |= {n: self._read(w) for n, w in waiting.items()}
            if self.asking.sees_the_end:
                break
            if is_still:
                waiting = {n: w for n, w in waiting.items() if found[n].num_rows != before[n]}
            after = self._rows_of(waiting)
            waiting = {
                n: w
                for n, w in waiting.items()
                if found[n].num_rows != after[n] or not (is_still or before[n] == after[n])
            }
            if not waiting:
                break
        else:
            number, first = next(iter(waiting.items()))
            raise SourceError(
                "other rows were read than are counted",
                where=f"{self._where}, table {first.table.name}",
                expected=f"{after[number]:,} rows, as many as it counts before and after",
                got=f"{found[number].num_rows:,} rows, and {before[number]:,} counted before",
                remedy="rows came and went, or the connection was lost without a word, three times: see what stands "
                "between, or read it when nothing writes; then the same command goes on",
            )
        return [found[n] for n in range(len(wanted))]

    def _rows_of(self, wanted: Mapping[int, Wanted]) -> dict[int, int]:
        """Count the rows that each should have; none where the reader needs no count."""
        if self.asking.sees_the_end:
            return {}
        parts = [Part(w.table, tuple(w.key), w.within) for w in wanted.values()]
        return dict(zip(wanted, self.asking.counted(parts), strict=True))

    def _read(self, wanted: Wanted) -> pa.Table:
        table = wanted.table
        for name in (*wanted.columns, *wanted.key):
            if name not in wanted.missing and table.find(name) is None:
                where = f"{self._where}, table {table.name}"
                raise SourceDrift(f"there is no column {name}", where=where, remedy=IF_LACKING)
        names = [*map(frame.column, wanted.columns), *([UNFIT] if wanted.max_value_bytes is not None else [])]

        def query(*, in_bytes: bool) -> str:
            return self.dialect.extract_query(
                table,
                columns=wanted.columns,
                key=wanted.key,
                within=wanted.within,
                limited=wanted.limited,
                max_value_bytes=wanted.max_value_bytes,
                families=wanted.families,
                in_bytes=in_bytes,
            )

        encoding = self._encoding if self.source.is_file else "UTF-8"
        # SQLite makes UTF-8 of UTF-16 without a word, and of half a surrogate pair another letter.
        if encoding == "UTF-8":
            with suppress(NotText):
                return self.asking.ask(query(in_bytes=False), names, table)
        digits = self.asking.ask(query(in_bytes=True), names, table)
        return texts.decoded(digits, encoding=encoding, where=f"{self._where}, table {table.name}")

    @cached_property
    def _encoding(self) -> str:
        """Name the encoding of a SQLite file's texts, which never changes: UTF-8, UTF-16le or UTF-16be."""
        (row,) = self.asking.ask(SQLITE.encoding_query(), ["encoding"]).to_pylist()
        return str(row["encoding"])

    def _look_apart(self) -> tuple[list[SourceTable], dict[tuple[str, str], str]]:
        """Describe the virtual tables that can be read, and say why other tables stand apart; asked once."""
        if self._apart is None:
            query, virtual, why = self.dialect.apart_query(), list[SourceTable](), {}
            for row in self.asking.described(query, sql.APART_COLUMNS) if query else ():
                try:
                    if row["why"] == "virtual":
                        virtual += self._virtual_table(row["table"])
                        continue
                except SourceUnreachable:
                    raise
                except SourceError:  # there is one, of which this is all that can be told
                    pass
                why[row["schema"], row["table"]] = APART[row["why"]]
            self._apart = virtual, why
        return self._apart

    def _virtual_table(self, name: str) -> tuple[SourceTable, ...]:
        found = by_table(self.asking.ask(SQLITE.virtual_query(name), sql.TABLES_COLUMNS).to_pylist())
        self.count(*found)
        return found

    def _key_values(self, table: SourceTable, column: str, starts: pa.Table) -> list[int | str]:
        texts = starts[frame.column(column)].to_pylist()
        if not self.dialect.has_sentinel:
            is_number = self.dialect.legacy_type(table.column(column)).family == "integer"
            return [int(text) if is_number else text for text in texts]
        kinds = starts[frame.storage(column)].to_pylist()
        if strange := set(kinds) - {"integer", "text"}:
            raise SourceDrift(
                f"key column {column} holds {' and '.join(sorted(strange))} values",
                where=f"{self._where}, table {table.name}",
                expected="integers or text",
            )
        return [int(text) if kind == "integer" else text for text, kind in zip(texts, kinds, strict=True)]
