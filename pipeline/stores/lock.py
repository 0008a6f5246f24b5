"""One writing command at a time has a target: who that is, and whether he still is.

An advisory lock in every selected database, taken in the order of their names on connections that are kept, keeps other
commands away. Who takes it counts up the epoch of the ledger, and every commit reads the epoch first: it is refused to
a command whose lock went with its connection and which another has followed. Invariant: what is committed under an
epoch is committed before the next one begins.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Final, Protocol, Self

from pipeline.core.sql.ddl import MIGRATOR
from pipeline.errors import LockLost, MigrationError, TargetBusy, TargetError
from pipeline.settings import Settings
from pipeline.stores import indexes, ledger
from pipeline.stores.pooling import refuse_pooled
from pipeline.stores.target import TargetDatabase

#: The number of the advisory lock: "migrate" in ASCII.
_KEY: Final = 0x6D696772617465
#: Seconds between two attempts of a command that waits.
_PAUSE: Final = 0.5


@dataclass(slots=True)
class _Held:
    """The lock of one database, and the connection that keeps it."""

    connection: TargetDatabase
    epoch: int


class Commits(Protocol):
    """What commits are made under."""

    def confirm(self, database: TargetDatabase) -> None:
        """Check that a transaction may be committed."""

    def renew(self) -> None:
        """Take the lock again where its connection is gone."""

    def followed(self) -> Followed:
        """Give what another process needs to work under it."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The lock of another process, under which this one works; that one renews it."""

    #: Service -> the epoch of its database.
    epochs: Mapping[str, int]

    def confirm(self, database: TargetDatabase) -> None:
        """Check, as the lock's holder does."""
        _confirm(database, self.epochs[database.service])

    def renew(self) -> None:
        """Leave that to the holder."""

    def followed(self) -> Followed:
        """Give it on."""
        return self


class TargetLock:
    """The lock of the databases of some services; a context manager that takes it and gives it back."""

    def __init__(
        self, settings: Settings, services: Iterable[str], command: str, *, wait: bool, say: Callable[[str], None]
    ) -> None:
        """Prepare to take it.

        Args:
            settings: where the services' databases are.
            services: whose to take.
            command: what takes it, for others to read.
            wait: wait while another command holds it, instead of raising.
            say: told who is waited for, and of a ledger that was upgraded.
        """
        self._settings, self._command, self._wait, self._say = settings, command, wait, say
        self._places = {service: str(settings.target_dsn(service)) for service in services}
        self._held: dict[str, _Held] = {}
        self._renewing = Lock()

    def __enter__(self) -> Self:
        """Take it.

        Raises:
            TargetBusy: another command holds it.
        """
        try:
            # Services may share a database.
            for place, service in sorted({place: service for service, place in self._places.items()}.items()):
                self._held[place] = self._take(service)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def followed(self) -> Followed:
        """Give what a process needs to work under it."""
        return Followed({service: self._held[place].epoch for service, place in self._places.items()})

    def confirm(self, database: TargetDatabase) -> None:
        """Check, within a transaction that is about to be committed, that nobody has followed; it bars who would.

        Raises:
            LockLost: somebody has.
        """
        _confirm(database, self._held[self._places[database.service]].epoch)

    def renew(self) -> None:
        """Take it again where a connection that kept it is gone, unless another command has followed.

        Raises:
            LockLost: another has.
        """
        with self._renewing:
            for place, held in self._held.items():
                with suppress(MigrationError):
                    held.connection.query("SELECT 1 AS alive")
                    continue
                held.connection.close()
                connection = self._connect(held.connection.service)
                self._held[place] = _Held(connection, held.epoch)
                # Where the server has not noticed yet that the old connection is gone, that one keeps others away.
                _is_taken(connection)
                self.confirm(connection)

    def _take(self, service: str) -> _Held:
        dsn = self._settings.target_dsn(service)
        connection = TargetDatabase(service, dsn, role=None, autocommit=True)
        try:
            with TargetDatabase(service, dsn, role=None) as owner:
                refuse_pooled(connection, owner)
            connection.act_as(MIGRATOR)
            told: str | None = None
            while not _is_taken(connection):
                other = _holder(connection)
                if not self._wait:
                    raise TargetBusy(
                        where=f"service {service}",
                        got=other,
                        remedy="wait for it to end, or give the same command with --wait",
                    )
                if told != other:
                    self._say(f"service {service}: waiting for {other}")
                told = other
                time.sleep(_PAUSE)
            self._prepare(service)
            return _Held(connection, ledger.take_over(connection, holder=_who(), command=self._command))
        except BaseException:
            connection.close()
            raise

    def _connect(self, service: str) -> TargetDatabase:
        return TargetDatabase(service, self._settings.target_dsn(service), autocommit=True)

    def _prepare(self, service: str) -> None:
        with TargetDatabase(service, self._settings.target_dsn(service), role=None) as owner:
            older = ledger.prepare(owner)
            owner.commit()
            if older is not None:
                self._say(f"service {service}: the ledger was of version {older} and has been upgraded")
            for place in indexes.pending(owner):
                self._say(f"service {service}: building the indexes of {place}, which an ended command left")
                try:
                    indexes.build(owner, place)
                    owner.commit()
                except TargetError as error:
                    if not error.is_of_rows:
                        raise
                    owner.roll_back()  # whose rows they are only a load can tell

    def _release(self) -> None:
        for held in reversed(self._held.values()):
            held.connection.close()
        self._held.clear()


def _confirm(database: TargetDatabase, epoch: int) -> None:
    now = ledger.holder(database, shared=True)
    if now is None or now.epoch != epoch:
        raise LockLost(
            where=f"service {database.service}",
            got=str(now) if now else "no holder in the ledger",
            remedy="wait for the other command to end; then the same command goes on",
        )


def _is_taken(connection: TargetDatabase) -> bool:
    [row] = connection.query(f"SELECT pg_try_advisory_lock({_KEY}) AS taken").to_pylist()
    return bool(row["taken"])


def _holder(connection: TargetDatabase) -> str:
    """Say who holds the lock: by the ledger, where that speaks of the session that has it."""
    rows = connection.query(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid = 1 "
        f"AND (classid::bigint << 32) | objid::bigint = {_KEY}"
    ).to_pylist()
    backend = rows[0]["pid"] if rows else None
    known = ledger.holder(connection)
    if known is not None and known.backend == backend:
        return str(known)
    return "a command that has just begun" + (f" (server process {backend})" if backend else "")


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as containers have them
        user = f"user {os.getuid()}"
    return f"{user} on {socket.gethostname()} (process {os.getpid()})"
