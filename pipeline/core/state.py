"""How far a run is, and which rows became which: the answers of `status`, `lookup` and `rejects`. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.core.plan import LegacyEntities


@dataclass(frozen=True, slots=True)
class Share:
    """So many batches, receipts or tenants as are done, of so many as are due."""

    done: int
    due: int | None
    """None where it is not known beforehand."""

    @staticmethod
    def sum(shares: Iterable[Share]) -> Share:
        """Add up shares; those of which it is not known how many are due count for nothing."""
        known = [(share.done, share.due) for share in shares if share.due is not None]
        return Share(sum(done for done, _ in known), sum(due for _, due in known))


class Read(StrEnum):
    """Where an entity's rows come from."""

    SOURCE = "source"
    DERIVED = "derived"
    WAIVED = "waived"
    """Not at all: the entry says why. They are counted."""
    NO_ENTRY = "no entry"
    """It was taken out of the catalog since the run began."""


@dataclass(frozen=True, slots=True)
class EntityState:
    """How far an entity of a run is, in batches; what was staged of a run that is purged is not known any more."""

    entity: str
    read: Read
    legacy_rows: int | None
    is_purged: bool
    extracted: Share | None
    transformed: Share | None
    loaded: Share
    """Of the parts of its batches, one a tenant."""
    mapped: int
    """Rows that live on in the target."""
    rejected: int
    """Rows that were set aside."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is."""

    run: str
    as_of: str
    """Instant (UTC) that stands where legacy has no time."""
    legacy_entities: LegacyEntities
    """The tables that it moves."""
    legacy_rows: int
    is_purged: bool
    purged_tenants: tuple[str, ...]
    """Sources whose tenants' staged rows were removed, while those of others stayed."""
    is_purge_pending: bool
    """Whether a purge was ended before its end: files are left, or the target does not know of it yet."""
    pending_indexes: tuple[str, ...]
    """Tables of the databases it writes to whose indexes do not stand, as they were filled without."""
    extracted: Share | None
    transformed: Share | None
    receipts: int
    """Parts of batches, one a tenant, that are loaded."""
    verified: Share
    """Of the pairs of tenant and service that have rows loaded."""


@dataclass(frozen=True, slots=True)
class WaveState:
    """How far a wave of a run is in each stage."""

    sources: tuple[str, ...]
    legacy_rows: int
    extracted: Share
    """In batches."""
    transformed: Share
    """In batches; those that are derived are not known beforehand, and not counted."""
    loaded: Share
    """Of the parts of its batches, one a tenant, as far as they are transformed."""
    verified: Share
    """Of the pairs of tenant and service that have rows loaded."""


class Stand(StrEnum):
    """How far the rows of a tenant are in a service."""

    DONE = "done"
    """All is loaded and verified."""
    IN_PART = "in part"
    """What runs have moved is verified, and other entities no run has moved."""
    UNDER_WAY = "under way"
    """A run has begun with it, and has not verified all of it."""
    WAITING = "waiting"
    """No run has begun with it."""
    FAILED = "failed"
    """The newest run could not move it, or the newest verdict found differences."""


@dataclass(frozen=True, slots=True)
class TenantState:
    """How far a tenant is in a service."""

    tenant: str
    """The source's name."""
    service: str
    stand: Stand
    mapped: int
    """Rows that live on in the target."""
    rejected: int
    """Rows that were set aside."""
    why: str | None
    """Of what failed: the cause."""


class Where(StrEnum):
    """Where the rows of a tenant and phase are."""

    LEGACY = "legacy"
    """Not all of them are loaded: the legacy system alone has them all."""
    LOADED = "loaded"
    """All are loaded, and not all of that is verified."""
    VERIFIED = "verified"
    """All are loaded and verified."""


@dataclass(frozen=True, slots=True)
class PhaseState:
    """How far a tenant is in a phase; the rows that all tenants share count with each."""

    tenant: str
    """The source's name."""
    phase: int
    services: tuple[str, ...]
    where: Where
    entities: int
    """Entities of the phase, of which a tenant may have rows or not."""
    loaded: int
    """Those of which all is loaded."""
    verified: int
    """Those of which all is loaded and verified."""


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """A run that another version of this program began, and that cannot be read."""

    run: str
    begun_by: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A legacy row, and the id that it has in the target."""

    tenant: str
    """The source's name, or the tenant's id where no source is configured for it."""
    entity: str
    legacy_key: str
    new_id: str


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the target holds of an entity and a tenant, and what its receipts say."""

    tenant: str
    entity: str
    rows: int
    """Main rows."""
    checksum: str
    """As PostgreSQL computes it from the rows, as digits."""
    receipts: str
    """As the receipts say."""

    @property
    def agrees(self) -> bool:
        """Say whether the rows are those that the receipts speak of."""
        return self.checksum == self.receipts


@dataclass(frozen=True, slots=True, order=True)
class Reject:
    """A row that was set aside, and why."""

    tenant: str
    entity: str
    legacy_key: str
    reasons: tuple[str, ...]
