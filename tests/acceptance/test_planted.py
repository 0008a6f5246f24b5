"""Every row that the estate spoils on purpose, looked up in the target: rejected, normalised, told or left alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest

from pipeline.demo.estate import Estate
from tests.acceptance.planted import OUTSIDE, Expected, expected
from tests.support.site import Site

NAMESPACE = uuid5(NAMESPACE_DNS, "legacy-to-tenant.migration")
DISTRICTS = {"district_a": uuid5(NAMESPACE, "tenant/1"), "district_b": uuid5(NAMESPACE, "tenant/2")}
UNRESOLVED = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
#: To whom the rows of a source may belong.
OWNERS = {**{s: {t} for s, t in DISTRICTS.items()}, "login": {*DISTRICTS.values(), UNRESOLVED, UUID(int=0)}}
SERVICES = ("assessment", "configuration", "identity", "intervention", "section", "staff", "student")
_NOTES = (
    "SELECT r.tenant_id::text AS tenant, r.entity, unnest(n.keys) AS key, n.{1} AS label "
    "FROM migration.{0} n JOIN migration.receipt r USING (batch_id)"
)
QUERIES = {
    "mapped": "SELECT tenant_id::text AS tenant, entity, legacy_key AS key, '' AS label FROM migration.id_map",
    "rejected": "SELECT tenant_id::text AS tenant, entity, legacy_key AS key, '' AS label FROM migration.quarantine",
    "finding": _NOTES.format("finding", "hazard"),
    "raw": _NOTES.format("raw_value", "rule"),
}
EXPECTED = {e.name: e for e in expected()}


@dataclass(frozen=True)
class Told:
    """What the target says of legacy rows: (table, key) -> (tenant, label), for each kind of record."""

    records: Mapping[str, Mapping[tuple[str, str], set[tuple[UUID, str]]]]

    def of(self, kind: str, table: str, key: str, source: str) -> set[str]:
        """Give the labels of one kind for a row of a source; `mapped` and `rejected` have an empty one."""
        return {label for tenant, label in self.records[kind][table, key] if tenant in OWNERS[source]}


@pytest.fixture(scope="module")
def told(finished: Site) -> Told:
    records: dict[str, dict[tuple[str, str], set[tuple[UUID, str]]]] = {}
    for kind, sql in QUERIES.items():
        found: dict[tuple[str, str], set[tuple[UUID, str]]] = defaultdict(set)
        for service in SERVICES:
            for row in finished.rows(service, sql):
                table = str(row["entity"]).partition(".")[2]
                found[table, str(row["key"])].add((UUID(str(row["tenant"])), str(row["label"])))
        records[kind] = found
    return Told(records)


def test_everything_planted_is_expected(estate: Estate) -> None:
    recorded = {name: planted.outcome for name, planted in estate.planted.items()}
    assert {name: e.outcome for name, e in EXPECTED.items()} == recorded


@pytest.mark.parametrize("name", EXPECTED)
def test_what_becomes_of_a_planted_row(estate: Estate, told: Told, name: str) -> None:
    wanted, planted = EXPECTED[name], estate.planted[name]
    for key in planted.keys:
        said = {kind: told.of(kind, planted.entity, key, planted.source) for kind in QUERIES}
        _check(wanted, said, wanted.hazard or planted.hazard)


def _check(wanted: Expected, said: Mapping[str, set[str]], hazard: str) -> None:
    if wanted.name in OUTSIDE:
        assert not any(said.values())
        return
    assert bool(said["mapped"]) is not bool(said["rejected"])
    if wanted.is_open:
        return
    assert bool(said["rejected"]) is (wanted.outcome == "reject")
    if wanted.outcome in ("null", "raw"):
        assert said["raw"]
    if wanted.outcome in ("null", "finding"):
        assert hazard in said["finding"]
