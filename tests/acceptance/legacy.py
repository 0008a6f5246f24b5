"""The legacy side as Python's own sqlite3, uuid and zoneinfo see it: nothing of the product's code is used."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from uuid import NAMESPACE_DNS, UUID, uuid5
from zoneinfo import ZoneInfo

from tests.support.site import Site

#: As documented: these never change.
NAMESPACE = uuid5(NAMESPACE_DNS, "legacy-to-tenant.migration")
TENANTS = {"district_a": uuid5(NAMESPACE, "tenant/1"), "district_b": uuid5(NAMESPACE, "tenant/2")}
NIL = UUID(int=0)
#: Zone of the clock that wrote local instants (in the login database: Chicago), and zone of the district.
HOST_ZONES = {"district_a": "America/Chicago", "district_b": "UTC", "login": "America/Chicago"}
TENANT_ZONES = {"district_a": "America/Chicago", "district_b": "America/Denver"}
SERVICES = ("assessment", "configuration", "identity", "intervention", "section", "staff", "student")

Row = Mapping[str, object]


def legacy_rows(site: Site, source: str, sql: str) -> list[Row]:
    """Ask a legacy database."""
    with closing(sqlite3.connect(site.directory / "legacy" / f"{source}.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql)]


def living_students(site: Site, source: str) -> list[Row]:
    """Give the students that can live on: PostgreSQL keeps no U+0000."""
    return [s for s in legacy_rows(site, source, 'SELECT * FROM "Student"') if "\0" not in str(s["LastName"])]


def key_of(*values: object) -> str:
    """Write a legacy key as documented: a JSON array without blanks."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def row_id(tenant: UUID, path: str, *key: object, piece: str = "") -> UUID:
    """Give the id of a row as documented."""
    return uuid5(NAMESPACE, f"{tenant}/{path}/{key_of(*key)}{piece}")


def utc(stamp: object, zone: str) -> datetime | None:
    """Read a local wall clock: a skipped time moves forward, of a repeated one the first counts."""
    if stamp is None:
        return None
    return datetime.fromisoformat(str(stamp)).replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def kind_of_clock(stamp: object, zone: str) -> str:
    """Say whether a local wall clock showed this once, never (gap) or twice (overlap)."""
    local = datetime.fromisoformat(str(stamp)).replace(tzinfo=ZoneInfo(zone))
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if first == second:
        return "once"
    return (
        "gap" if local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=local.tzinfo) != local else "overlap"
    )


def by_key(site: Site, service: str, table: str, tenant: UUID, columns: str = "t.*") -> dict[object, Row]:
    """Read a tenant's rows of a target table by the one part of their legacy key."""
    rows = site.rows(
        service, f"SELECT legacy_id AS legacy_key, {columns} FROM {service}.{table} t WHERE tenant_id = '{tenant}'"
    )
    return {json.loads(str(row["legacy_key"]))[0]: row for row in rows}


def placed_users(site: Site) -> set[tuple[str, UUID]]:
    """Say which accounts belong to which migrated districts: by e-mail, else by user name, trimmed, in any case."""
    districts: dict[str, set[UUID]] = {}
    for link in legacy_rows(site, "login", 'SELECT * FROM "StaffDistrict" WHERE "StaffEmail" IS NOT NULL'):
        tenant = uuid5(NAMESPACE, f"tenant/{link['DistrictId']}")
        if tenant in TENANTS.values():
            districts.setdefault(str(link["StaffEmail"]).strip().lower(), set()).add(tenant)
    return {
        (str(user["Id"]), tenant)
        for user in legacy_rows(site, "login", 'SELECT * FROM "AspNetUsers"')
        for tenant in districts.get(str(user["Email"] or user["UserName"]).strip().lower(), ())
    }
