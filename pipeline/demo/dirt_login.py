"""Dirt in the login database: users of no district or of two, odd addresses, roles in other letter case."""

from __future__ import annotations

from random import Random

from pipeline.demo.login import USER_COLUMNS, guid, user_row
from pipeline.demo.planting import Planting
from pipeline.demo.tables import insert


def plant_login(planting: Planting, seed: int) -> None:
    """Spoil districts, users, their roles and their links to districts."""
    _plant_districts(planting)
    _plant_strangers(planting, Random(f"{seed}/login/strangers"))
    _plant_addresses(planting)
    _plant_instants(planting)


def _plant_districts(planting: Planting) -> None:
    planting.copy(
        "district-state",
        "District",
        {"Id": 4, "Name": "Test district", "State": "Ohio"},
        outcome="reject",
        hazard="H49",
        note="State is not two letters",
        of=(3,),
    )
    planting.copy(
        "staff-district-none",
        "StaffDistrict",
        {"StaffEmail": "nobody@unplaced.example", "DistrictId": -1},
        outcome="reject",
        hazard="H7",
        note="district -1: the tenant cannot be found",
    )
    planting.copy(
        "staff-district-blank",
        "StaffDistrict",
        {"StaffEmail": "  ", "DistrictId": 1},
        outcome="reject",
        hazard="H8",
        note="an assignment that names nobody",
    )


def _plant_strangers(planting: Planting, random: Random) -> None:
    (role,) = planting.pick("AspNetRoles", "\"Name\" = 'Teacher'")
    user = guid(random)
    insert(planting.connection, "AspNetUsers", USER_COLUMNS, [user_row(user, "stranger@nowhere.example")])
    insert(planting.connection, "AspNetUserRoles", "UserId RoleId", [(user, role)])
    planting.record(
        "user-stranger", "AspNetUsers", [(user,)], outcome="reject", hazard="H7", note="no StaffDistrict row"
    )
    planting.record(
        "user-stranger-role",
        "AspNetUserRoles",
        [(user, role)],
        outcome="reject",
        hazard="H7",
        note="its user has no district",
    )


def _plant_addresses(planting: Planting) -> None:
    in_a = '"StaffEmail" LIKE \'%@district-a.example\' AND "StaffEmail" IN (SELECT "Email" FROM "AspNetUsers")'
    link = planting.pick("StaffDistrict", in_a)
    email = planting.value("StaffDistrict", link, "StaffEmail")
    planting.copy(
        "user-two-districts-link",
        "StaffDistrict",
        {"DistrictId": 2},
        outcome="finding",
        hazard="H7",
        note="a second district for one address",
        of=link,
    )
    planting.record(
        "user-two-districts",
        "AspNetUsers",
        _users(planting, email),
        outcome="finding",
        hazard="H7",
        note="exists in each of two tenants",
    )
    padded = planting.pick("StaffDistrict", in_a)
    email = str(planting.value("StaffDistrict", padded, "StaffEmail"))
    planting.change("StaffDistrict", padded, {"StaffEmail": f" {email.title()}  "})
    planting.record(
        "link-address-case",
        "StaffDistrict",
        [padded],
        outcome="finding",
        hazard="H8",
        note="padded and capitalised; matches by trim and lower case",
    )
    planting.record(
        "user-address-case",
        "AspNetUsers",
        _users(planting, email),
        outcome="flag",
        hazard="H8",
        note="its link spells the address otherwise",
    )
    other = _user_of(planting, in_a)
    planting.change("AspNetUsers", other, {"LoweredEmail": "former.name@district-a.example"})
    planting.record(
        "user-lowered-differs",
        "AspNetUsers",
        [other],
        outcome="flag",
        hazard="H8",
        note="LoweredEmail is out of date",
    )
    nameless = _user_of(planting, in_a)
    planting.change("AspNetUsers", nameless, {"Email": None})
    planting.record(
        "user-by-name",
        "AspNetUsers",
        [nameless],
        outcome="flag",
        hazard="H8",
        note="no Email: the UserName gives the district",
    )
    key = planting.pick("AspNetUserRoles", '"RoleId" = lower("RoleId") COLLATE BINARY AND "RoleId" GLOB \'*[a-f]*\'')
    spelt = (key[0], str(key[1]).upper())
    planting.change("AspNetUserRoles", key, {"RoleId": spelt[1]})
    planting.record(
        "role-case",
        "AspNetUserRoles",
        [spelt],
        outcome="finding",
        hazard="collation",
        note="the role's id in capitals: one key under the source's collation",
    )


def _plant_instants(planting: Planting) -> None:
    user = _user_of(planting, "\"StaffEmail\" LIKE '%@district-b.example'")
    planting.change("AspNetUsers", user, {"LockoutEndDateUtc": "9999-12-31 23:59:59.997"})
    planting.record("lockout-forever", "AspNetUsers", [user], outcome="raw", hazard="H46", note="locked without end")
    for name, stamp in (("gap", "2020-03-08 02:30:00.003"), ("overlap", "2019-11-03 01:15:00.000")):
        planting.spoil(
            f"link-clock-{name}",
            "StaffDistrict",
            {"VersionLastUpdated": stamp},
            outcome="raw",
            hazard="H43",
            note=f"{stamp} on a clock of America/Chicago",
            where='"DistrictId" IN (1, 2)',
        )
    planting.spoil(
        "district-enabled-null",
        "District",
        {"Enabled": None},
        outcome="raw",
        hazard="H51",
        note="NULL means active",
        where='"Id" = 3',
    )


def _users(planting: Planting, email: object) -> list[tuple[str | int | float | None, ...]]:
    return planting.connection.execute('SELECT "Id" FROM "AspNetUsers" WHERE "Email" = ?', (email,)).fetchall()


def _user_of(planting: Planting, links: str) -> tuple[str | int | float | None, ...]:
    return planting.pick(
        "AspNetUsers",
        f'"Email" IN (SELECT "StaffEmail" FROM "StaffDistrict" WHERE {links} GROUP BY 1 HAVING count(*) = 1)',
    )
