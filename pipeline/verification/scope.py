"""What one verification covers, a part or portion of it at a time, and where its differences are noted.

A part is of some tenants, a portion of a part of some entities. Invariant: every row of the target is asked for in one
portion; a row of nobody's in the first that asks its table at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, Self

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.plan import RunRecord
from pipeline.core.sql import compare, relations
from pipeline.core.sql.ddl import APP, MIGRATOR, quote, table_columns
from pipeline.core.text import quoted, said
from pipeline.core.verdict import EntityParity, SetAside
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
        self.workspace, self.db, self.catalog = workspace, db, workspace.catalog
        #: Of what is in hand: all, a part or a portion.
        self.record = workspace.record
        #: Tenants of the run that this is no verification of: what is loaded of theirs is not all.
        self.apart = [t for t in workspace.whole().tenants if t not in self.record.tenants]
        self._part = self.record
        #: What is asked -> the part or portion that answers for rows of nobody in it.
        self._answering: dict[tuple[str, ...], RunRecord] = {}
        #: Entities whose rows are tagged: of the shared database for all parts, of the others for the one in hand.
        self.tagged: set[str] = set()
        #: What was found of the portions compared so far.
        self.parity: list[EntityParity] = []
        self.set_aside: list[SetAside] = []
        #: (entity, source) -> rows that have changed in a live source since they were read.
        self.moved: dict[tuple[str, str], int] = {}
        #: What is not as it was and changes nothing, for people.
        self.told: list[str] = []
        #: "service.table" of what has triggers or rules of its own, or is no table.
        self.triggered: set[str] = set()
        #: Service -> table -> column -> type, as PostgreSQL has them.
        self.stored: dict[str, dict[str, dict[str, str]]] = {}
        #: Staged file of raw rows -> its manifest, of those of the part in hand.
        self.manifests: dict[Path, dict[str, Any]] = {}
        #: Entity -> the versions of its entry by which the bundles of all waves were transformed.
        self.versions: dict[str, set[str]] = {}
        #: (service, role) -> the connection; one takes as long as hundreds of statements.
        self._open: dict[tuple[str, str], TargetDatabase] = {}
        self._stack = ExitStack()
        for statement in (compare.DIFFERENCE_TABLE, compare.DIFFERING_TABLE):
            self.db.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def whole(self) -> RunRecord:
        """Give the run, of all that is verified."""
        return self.workspace.record

    @property
    def selected(self) -> list[str]:
        """List the entities in hand, parents first."""
        return [e for e in self.catalog.order if e in self.record.entities]

    def part(self, record: RunRecord) -> Scope:
        """Take a part in hand; what is noted goes where all goes."""
        self.tagged -= {e for e in self.tagged if not self.catalog.is_of_directory(e)}
        own = copy(self)
        own.record = own._part = record
        own.manifests = {}
        return own

    def portion(self, entities: Sequence[str]) -> Scope:
        """Take some entities of the part in hand."""
        own = copy(self)
        own.record = self.record.model_copy(update={"entities": tuple(entities)})
        return own

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

    def can_be_told(self, service: str, table: str) -> bool:
        """Say whether a table has the columns by which its rows are told apart."""
        told = (self.catalog.discriminator(w, table) for w in self.catalog.writers(service, table))
        return {"id", "tenant_id", "legacy_id", *(t[0] for t in told if t)} <= {*self.stored[service].get(table, {})}

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
        return f"({other} OR {alias}.tenant_id::text IN ({_listed(self.apart)}))"

    def mine(self, service: str, table: str) -> str:
        """Restrict a table to what this run answers for, also where other entities or other runs write to it."""
        writers = self.catalog.writers(service, table)
        own = [w for w in writers if w.id in self.whole.entities]
        unclaimed = self.unclaimed(own, "tenant_id")
        others = [t for w in writers if w not in own and (t := self.catalog.discriminator(w, table))]
        # Rows that no entity would write belong to nobody, and must not be there.
        apart = (f"coalesce({quote(c)}::text, '') <> {quoted(v)}" for c, v in others)
        is_id = self.stored[service][table].get("tenant_id") == "uuid"
        in_hand = self.tenants_in_hand("tenant_id", (service, table), own, is_id=is_id)
        return " AND ".join([*in_hand, unclaimed, *apart])

    def tenants_in_hand(
        self, column: str, place: tuple[str, str], entities: Iterable[Entity], *, is_id: bool
    ) -> Iterator[str]:
        """Restrict what is asked of a place to the tenants in hand, and to rows of nobody if no part has asked it yet.

        Args:
            column: the column of the tenant.
            place: what is asked.
            entities: whose rows may be there; where all of them are shared, no other part asks.
            is_id: whether the column is of a tenant's type, so that an index may serve.
        """
        mine = self._part.tenants
        if not self.answers(place):
            yield f"{column}{'' if is_id else '::text'} IN ({_listed(mine)})"
            return
        others = [t for t in self.whole.tenants if t not in (*mine, str(NIL), str(UNRESOLVED))]
        # Shared rows of a table have no tenant, so that they are with the first part.
        if others and not all(e.is_shared for e in entities):
            yield f"coalesce({column}::text, '') NOT IN ({_listed(others)})"

    def entities_in_hand(self, column: str, service: str) -> Iterator[str]:
        """Restrict rows of a ledger to the entities in hand, and to those of none if no portion has asked it yet."""
        mine = self.record.entities
        if self._answering.setdefault((service, *self._part.tenants), self.record) is not self.record:
            yield f"{column} IN ({_listed(mine)})"
        elif others := [e for e in self._part.entities if e not in mine]:
            yield f"coalesce({column}, '') NOT IN ({_listed(others)})"

    def answers(self, place: tuple[str, str]) -> bool:
        """Say whether the part in hand is the first that asks a place, so that it answers for rows of nobody there."""
        return self._answering.setdefault(place, self._part) is self._part

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
        listed = ", ".join(f"({_listed(values)})" for values in noted)
        self.db.execute(said(NOTED, f"INSERT INTO {relations.DIFFERENCE} VALUES {listed}"))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(quoted, values))
