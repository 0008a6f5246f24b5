"""What one verification covers, and where its differences are noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Self

from pipeline.core.ids import NIL
from pipeline.core.sql import compare
from pipeline.core.sql.ddl import APP, MIGRATOR, quote, table_columns
from pipeline.core.sql.relations import DIFFERENCE
from pipeline.core.text import quoted, said
from pipeline.errors import TargetError, TargetLocked, TargetUnreachable
from pipeline.stores.parity import ParityDatabase
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from schemas.model import Entity

#: What is said of a difference that a query of the proof did not find itself.
NOTED = "Noted by the verification, of what it asked the legacy database or PostgreSQL."


class Scope:
    """One verification: the run's selection, and the database in which expected and actual rows meet."""

    def __init__(self, workspace: Workspace, db: ParityDatabase) -> None:
        self.workspace, self.db = workspace, db
        self.record, self.catalog = workspace.record, workspace.catalog
        self.selected = [e for e in self.catalog.order if e in self.record.entities]
        #: Tenants of the run that this is no verification of: what is loaded of theirs is not all.
        self.apart = [t for t in workspace.whole().tenants if t not in self.record.tenants]
        self.tagged: set[str] = set()
        #: (entity, source) -> rows that have changed in a live source since they were read.
        self.moved: dict[tuple[str, str], int] = {}
        #: What is not as it was and changes nothing, for people.
        self.told: list[str] = []
        #: "service.table" of what has triggers or rules of its own, or is no table.
        self.triggered: set[str] = set()
        #: Service -> table -> column -> type, as PostgreSQL has them.
        self.stored: dict[str, dict[str, dict[str, str]]] = {}
        #: (service, role) -> the connection; one takes as long as hundreds of statements.
        self._open: dict[tuple[str, str], TargetDatabase] = {}
        self._stack = ExitStack()
        self.db.execute(compare.DIFFERENCE_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def chapter(self, title: str) -> None:
        """Begin a chapter of the transcript."""
        if self.db.transcript is not None:
            self.db.transcript.chapter(title)

    @contextmanager
    def database(self, service: str) -> Iterator[TargetDatabase]:
        """Connect to a service's database as the migrator."""
        with self._kept(service, MIGRATOR, partial(self.workspace.database, service)) as database:
            yield database

    def as_application(self, service: str, act: Callable[[TargetDatabase], None]) -> None:
        """Act in a service's database as the application; note where its role cannot be used."""
        try:
            dsn = self.workspace.settings.target_dsn(service)
            with self._kept(service, APP, partial(TargetDatabase, service, dsn, role=APP)) as database:
                act(database)
        except (TargetUnreachable, TargetLocked):
            raise
        except TargetError as error:
            self.note(service, "the application's role cannot be used", error.what)

    @contextmanager
    def _kept(self, service: str, role: str, connect: Callable[[], TargetDatabase]) -> Iterator[TargetDatabase]:
        """Give a connection that was made before, or make it; each use has a transaction of its own."""
        if (service, role) not in self._open:
            self._open[service, role] = self._told(self._stack.enter_context(connect()), service, role)
        try:
            yield self._open[service, role]
            self._open[service, role].roll_back()
        except BaseException:
            del self._open[service, role]  # in whatever state it is: the next use makes another
            raise

    def _told(self, database: TargetDatabase, service: str, role: str) -> TargetDatabase:
        if self.db.transcript is not None:
            database.told = partial(self.db.transcript.postgresql, service, role)
        return database

    def of(self, service: str) -> list[Entity]:
        """List the selected entities of a service."""
        return [self.catalog[e] for e in self.selected if self.catalog[e].service == service]

    def tables(self, service: str) -> dict[str, dict[str, str]]:
        """Give the target tables that the selected entities of a service write to, with all their columns."""
        used = {t.table for e in self.of(service) for t in e.targets}
        return {t: dict(c) for t, c in table_columns(self.catalog, service).items() if t in used}

    def needed(self, service: str, table: str) -> set[str]:
        """Name the columns by which the rows of a table are told apart."""
        told = (self.catalog.discriminator(w, table) for w in self.catalog.writers(service, table))
        return {"id", "tenant_id", "legacy_id", *(t[0] for t in told if t)}

    def unclaimed(self, entities: list[Entity], tenant: str) -> str:
        """Restrict rows to tenants of which no other run holds these entities: a row of no known tenant stays in."""
        listed = ", ".join(quoted(e.id) for e in entities)
        return (
            f"coalesce({tenant}::text, '{NIL}') NOT IN (SELECT c.tenant_id::text FROM migration.claim c "
            f"WHERE c.entity IN ({listed}) AND {self.of_others('c')})"
        )

    def of_others(self, alias: str) -> str:
        """Say of a claim or receipt that this verification does not answer for what it is of."""
        other = f"{alias}.run_id <> {quoted(self.record.run_id)}"
        if not self.apart:
            return other
        return f"({other} OR {alias}.tenant_id::text IN ({', '.join(map(quoted, self.apart))}))"

    def mine(self, service: str, table: str) -> str:
        """Restrict a table to what this run answers for, also where other entities or other runs write to it."""
        writers = self.catalog.writers(service, table)
        own = [w for w in writers if w.id in self.record.entities]
        unclaimed = self.unclaimed(own, "tenant_id")
        others = [t for w in writers if w not in own and (t := self.catalog.discriminator(w, table))]
        # Rows that no entity would write belong to nobody, and must not be there.
        return " AND ".join([unclaimed, *(f"coalesce({quote(c)}::text, '') <> {quoted(v)}" for c, v in others)])

    def tenant(self, source: str) -> str:
        """Give the tenant of a source, empty for the directory."""
        return self.record.sources[source].tenant_id or ""

    def note(
        self, service: str, kind: str, place: str, *, tenant: str = "", keys: Iterable[str] = ("",), column: str = ""
    ) -> None:
        """Note a difference; no value of a row goes in.

        Args:
            service: the service.
            kind: what differs.
            place: the entity, or the table as `service.table`.
            tenant: whose it is, where it is one tenant's.
            keys: the legacy keys of the rows, where it is one of rows.
            column: the column, where it is one of a column.
        """
        noted = ((service, kind, place, tenant, key, column) for key in keys)
        listed = ", ".join(f"({', '.join(map(quoted, values))})" for values in noted)
        self.db.execute(said(NOTED, f"INSERT INTO {DIFFERENCE} VALUES {listed}"))
