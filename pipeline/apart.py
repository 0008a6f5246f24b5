"""What fails of one source, or is refused of one tenant, holds up nobody else: it is told once the others are through.

What concerns all (the shared database, the target, the disk) still ends a step at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.plan import RunRecord
from pipeline.errors import MigrationError, RowsRefused, SourceError, SourcesFailed, TargetError
from pipeline.stages.load import Due
from pipeline.workspace import Workspace


class SourcesApart:
    """Asks sources; of one that fails nothing more is asked."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self.failed: dict[str, MigrationError] = {}

    def ask(self, source: str, step: Callable[[], int | None]) -> int:
        """Do what asks a source, unless it has failed already; give the number that the step gives, if any."""
        if source in self.failed:
            return 0
        try:
            return step() or 0
        except SourceError as error:
            if self._ws.record.sources[source].tenant_id is None:
                raise
            self.failed.setdefault(source, error)
            return 0


class TenantsApart:
    """Loads; of a tenant whose rows are refused nothing more is loaded, as others of its rows may refer to them."""

    def __init__(self, load: Callable[[Due], int]) -> None:
        self._load = load
        self.refused: dict[str, MigrationError] = {}

    def load(self, due: Due) -> int:
        """Load what is due; where a row is refused, tenant by tenant."""
        due = due.of([t for t in due.tenants if t not in self.refused])
        if not due.receipts:
            return 0
        try:
            return self._load(due)
        except TargetError as error:
            if not error.is_of_rows:
                raise
            if len(due.tenants) > 1:
                return sum(self.load(due.of([tenant])) for tenant in due.tenants)
            if due.tenants[0] in (str(NIL), str(UNRESOLVED)):
                raise
            self.refused[due.tenants[0]] = error
            return 0


def tell_sources(record: RunRecord, failed: Mapping[str, MigrationError]) -> None:
    """Say which sources have failed.

    Raises:
        SourcesFailed: some have.
        SourceError: all have, and this is the first.
    """
    _tell(failed, {name for name, s in record.sources.items() if s.tenant_id is not None}, SourcesFailed)


def tell_tenants(record: RunRecord, refused: Mapping[str, MigrationError]) -> None:
    """Say whose rows were refused.

    Raises:
        RowsRefused: those of some tenants.
        TargetError: those of all, and this is the first.
    """
    _tell(refused, {s.tenant_id for s in record.sources.values() if s.tenant_id is not None}, RowsRefused)


def _tell(
    failed: Mapping[str, MigrationError],
    everybody: Set[str],
    several: Callable[[Mapping[str, MigrationError]], MigrationError],
) -> None:
    if failed:
        raise next(iter(failed.values())) if everybody <= failed.keys() else several(failed)
