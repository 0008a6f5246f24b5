"""The relations of the proof in DuckDB: each is named here and nowhere else, with its columns where they stand fast.

Invariant: no two relations have one name, whatever services, entities and tables are called. A relation there is one of
is one word. The others begin with the word of their kind, which has no blank in it, and a blank; what follows tells
those of a kind apart, for no service has a point in its name, and a key's number comes last. (DuckDB tells names apart
by all but the case of ASCII letters; a catalog in which two names differ in that alone is refused.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pipeline.core.frame import AMBIGUOUS, FOUND, MATCH, TENANT
from pipeline.core.sql.ddl import quote


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view of the proof; in SQL text it is its name."""

    name: str
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Its columns and their types; none where entries and targets decide on them."""

    def __str__(self) -> str:
        return quote(self.name) if " " in self.name else self.name

    @property
    def typed(self) -> str:
        """Give what CREATE TABLE makes of it: its name, and its columns with their types."""
        return f"{self} ({', '.join(f'{quote(name)} {kind}' for name, kind in self.columns.items())})"


_KEYED = {"tenant": "VARCHAR", "entity": "VARCHAR", "legacy_key": "VARCHAR"}
_NOTE = {**_KEYED, "column_name": "VARCHAR", "label": "VARCHAR"}
#: Table of the ledger -> its columns as they are compared: of an array a row each, of an instant whether it can be.
LEDGER: Final[Mapping[str, Mapping[str, str]]] = {
    "receipt": {
        **_KEYED,
        "batch_id": "UUID",
        "run_id": "VARCHAR",
        "kind": "VARCHAR",
        "source": "VARCHAR",
        "number": "INTEGER",
        "mapped": "BIGINT",
        "rejected": "BIGINT",
        "checksum": "VARCHAR",
        "entry_hash": "VARCHAR",
        "loaded_at": "VARCHAR",
    },
    "claim": {**_KEYED, "run_id": "VARCHAR", "state": "VARCHAR", "known": "BOOLEAN"},
    "id_map": {**_KEYED, "new_id": "UUID", "source_hash": "UUID", "target_hash": "UUID", "batch_id": "UUID"},
    "quarantine": {
        **_KEYED,
        "ordinal": "BIGINT",
        "reasons": "VARCHAR[]",
        "row": "VARCHAR",
        "source_hash": "UUID",
        "batch_id": "UUID",
    },
    "finding": {**_NOTE, "batch_id": "UUID"},
    "raw_value": {**_NOTE, "raw": "BLOB", "batch_id": "UUID"},
}
#: Those of which each row is of a row, by tenant and entity; and those of notes, which have but their batch's.
OF_ROWS: Final = ("id_map", "quarantine")
OF_NOTES: Final = ("finding", "raw_value")

_DIFFERENCE = dict.fromkeys(("service", "kind", "entity", "tenant", "legacy_key", "column_name"), "VARCHAR")
#: Where what is there is not what must be there, and no value of a row.
DIFFERENCE: Final = Relation("difference", _DIFFERENCE)
#: The same of the rows in hand, into which every comparison writes.
DIFFERING: Final = Relation("differing", _DIFFERENCE)
#: What other runs have loaded of entities that are no part of this one, and those of one entity as they come.
SURVIVORS: Final = Relation(
    "survivors", {"tenant": "VARCHAR", "entity": "VARCHAR", "legacy_key": "VARCHAR", "new_id": "VARCHAR"}
)
INCOMING_SURVIVORS: Final = Relation("incoming_survivors")
#: The ids that a column of another run's rows names.
NAMED: Final = Relation("named", {"id": "VARCHAR"})
#: The moments at which the clocks of the run's zones change.
ZONE: Final = Relation("zone")
#: The same, each a row for every year in which it holds: by local time, and by UTC.
ZONE_YEARS: Final[Mapping[Literal["local", "utc"], Relation]] = {
    "local": Relation("zone_by_local"),
    "utc": Relation("zone_by_utc"),
}
#: The receipts that all services must have: one a batch and tenant.
EXPECTED_RECEIPT: Final = Relation("expected_receipt", {"service": "VARCHAR", **LEDGER["receipt"]})
#: Rows that come from outside, while a relation is made of them.
INCOMING: Final = Relation("incoming")


def staged(entity: str) -> Relation:
    """Name the staged files of an entity, each with its source, tenant, zones and batch."""
    return Relation(f"staged {entity}")


def raw(entity: str) -> Relation:
    """Name the staged rows of an entity, each with its source, zones, file and batch."""
    return Relation(f"raw {entity}")


def doubled(entity: str) -> Relation:
    """Name the keys of an entity that several rows of one source have."""
    return Relation(f"doubled {entity}")


def tagged(entity: str) -> Relation:
    """Name the raw rows of an entity, each with its legacy key and tenant."""
    return Relation(f"tagged {entity}")


def judged(entity: str) -> Relation:
    """Name the rows of an entity with values, references, verdicts, target columns and hashes."""
    return Relation(f"judged {entity}")


def live(entity: str, key: int) -> Relation:
    """Name what children join with: the rows of an entity that live on, by the n-th of the keys that find them."""
    return Relation(f"live {entity}/{key}", {TENANT: "VARCHAR", MATCH: "VARCHAR", FOUND: "UUID", AMBIGUOUS: "BOOLEAN"})


def referable(entity: str) -> Relation:
    """Name the rows that a table has and that references to an entity may name; no tenant, where they are all's."""
    return Relation(f"referable {entity}", {"id": "UUID", "tenant": "UUID"})


def elsewhere(service: str, table: str) -> Relation:
    """Name the rows of a table that are looked for by their ids among those of tenants that are not in hand."""
    return Relation(f"elsewhere {service}.{table}")


def expected(service: str, table: str) -> Relation:
    """Name the rows that a target table must have."""
    return Relation(f"expected {service}.{table}")


def actual(service: str, table: str) -> Relation:
    """Name the rows that a target table has."""
    return Relation(f"actual {service}.{table}")


def expected_ledger(service: str, table: str) -> Relation:
    """Name the rows that a table of a service's ledger must have."""
    return Relation(f"expected_ledger {service}.{table}", LEDGER[table])


def actual_ledger(service: str, table: str) -> Relation:
    """Name the rows that a table of a service's ledger has."""
    return Relation(f"actual_ledger {service}.{table}")


def tagged_ledger(service: str, table: str) -> Relation:
    """Name the same, each with the tenant and entity of its batch, where the table itself has neither."""
    return Relation(f"tagged_ledger {service}.{table}")
