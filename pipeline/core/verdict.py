"""The outcome of a verification, as values: what was expected, what is there, where they differ.

Holds keys and names of columns, never a value of a row. Parity has one meaning everywhere: for every entity and
tenant the expected legacy rows are mapped or rejected, and there is no difference of any kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: The kind of a difference that is the source's: its row is not as it was when it was read.
CHANGED_SINCE: Final = "changed since the run"
#: What to do about it; merging is not built.
CHANGED_SINCE_WAY_ON: Final = (
    "what the run has loaded stands as it was read: give the source back as it was, and the same command goes on; "
    "what was corrected moves only into new, empty databases, for merging is not built"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the target is not what the legacy rows and the catalog say."""

    service: str
    kind: str
    entity: str
    tenant: str
    legacy_key: str
    column: str


@dataclass(frozen=True, slots=True)
class EntityParity:
    """Pairs (tenant, legacy key) of one entity and tenant; of a derived entity, its groups."""

    service: str
    entity: str
    tenant: str
    expected: int
    mapped: int
    rejected: int
    #: Of the target rows that must be there, as the receipts must say; `migrate checksum` asks PostgreSQL for it.
    checksum: str

    @property
    def accounted(self) -> bool:
        """Say whether every expected pair is mapped or rejected."""
        return self.expected == self.mapped + self.rejected


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows of one table and tenant that were rejected for what their keys are."""

    entity: str
    table: str
    tenant: str
    reason: str
    rows: int
    #: Some of their keys, shortened where they are long.
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run's selection."""

    run_id: str
    entities: tuple[EntityParity, ...]
    #: The first thousand; `by_service` counts all.
    differences: tuple[Difference, ...]
    #: (service, tenant) -> differences; differences that concern no tenant stand under "".
    by_service: Mapping[tuple[str, str], int]
    #: Rows of the directory, of tenants that are not part of the run.
    outside: int
    #: Entity -> rows of the directory of no known tenant that neither this run nor another has moved.
    unresolved: Mapping[str, int]
    #: (entity, source) -> rows of a live source that have changed since they were read: neither lost nor at parity.
    moved: Mapping[tuple[str, str], int]
    seconds: float
    #: What was found of rows that are loaded, by hazard or rule -> how often.
    findings: Mapping[str, int]
    #: What is not as it was, and can neither change a value nor let someone see or touch a row.
    told: tuple[str, ...] = ()
    #: Rows that their keys had set aside.
    set_aside: tuple[SetAside, ...] = ()

    @property
    def parity(self) -> bool:
        """Say whether nothing was lost, mixed or changed."""
        return self.as_read and not self.moved

    @property
    def as_read(self) -> bool:
        """Say whether the target holds all that was read, as the catalog says it should."""
        return not self.by_service and all(e.accounted for e in self.entities)

    @property
    def total_differences(self) -> int:
        """Count all differences."""
        return sum(self.by_service.values())

    def differences_of(self, service: str, tenant: str) -> int:
        """Count what stands against a tenant in a service, that of no tenant included."""
        unaccounted = sum(not e.accounted for e in self.entities if (e.service, e.tenant) == (service, tenant))
        own = sum(n for (s, t), n in self.by_service.items() if s == service and t in (tenant, "", None))
        return own + unaccounted
