"""The shared login database: districts, system grades, roles, users and which district each belongs to.

Every secret in it is a made-up text that says so; the migration must never carry one over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from uuid import UUID

from pipeline.demo.campus import GRADES
from pipeline.demo.names import PLAIN_FIRST, PLAIN_LAST
from pipeline.demo.stamps import instant
from pipeline.demo.tables import Row, insert, keys

USER_COLUMNS = (
    "Id LoweredEmail Email EmailConfirmed PasswordHash SecurityStamp PhoneNumber PhoneNumberConfirmed "
    "TwoFactorEnabled LockoutEnabled AccessFailedCount UserName"
)
ROLES = ("Admin", "Teacher", "Data")
UNCONFIGURED_DISTRICT = 3


def fill_login(
    connection: sqlite3.Connection, *, staff: Mapping[int, Sequence[str]], seed: int, last_year: int
) -> None:
    """Write the login tables; `staff` gives the e-mail addresses of each configured district's staff."""
    random = Random(f"{seed}/login")
    insert(
        connection,
        "District",
        "Id Name Description State Enabled AccessLevel AzureContainerName ProfilePicturePrefix Extension1",
        (
            (
                key,
                f"District {letter}",
                f"Rehearsal district {letter}",
                state,
                enabled,
                1,
                f"district-{letter.lower()}",
                "pp_",
                ".pdf",
            )
            for key, letter, state, enabled in (
                (1, "A", "IL", 1),
                (2, "B", "CO", 1),
                (UNCONFIGURED_DISTRICT, "C", "OH", None),
                (5, "E", "GU", 1),
            )
            if key in staff or key == UNCONFIGURED_DISTRICT
        ),
    )
    insert(
        connection,
        "NSGrade",
        "Id ShortName LongName GradeOrder",
        ((100 + order, short, long, order) for order, (short, long) in enumerate(GRADES, 1)),
    )
    roles = [guid(random) for _ in ROLES]
    insert(connection, "AspNetRoles", "Id Name", zip(roles, ROLES, strict=True))
    emails = {**staff, UNCONFIGURED_DISTRICT: _unconfigured_staff(random)}
    link = keys(random)
    links: list[Row] = []
    users: list[Row] = []
    granted: list[Row] = []
    for district, addresses in emails.items():
        for number, email in enumerate(addresses):
            links.append(
                (
                    next(link),
                    email,
                    district,
                    random.choice((1, 1.5, 2.25, None)),
                    instant(random, date(last_year, 10, random.randint(1, 28))),
                    int(number == 0),
                )
            )
            # One in fifty of the staff never signed up: a link without a user.
            if number % 50 != 49:
                user = guid(random)
                users.append(user_row(user, email))
                granted += [(user, role) for role in random.sample(roles, random.choice((1, 1, 2)))]
    insert(connection, "StaffDistrict", "Id StaffEmail DistrictId CurrentVersion VersionLastUpdated IsSA", links)
    insert(connection, "AspNetUsers", USER_COLUMNS, users)
    insert(connection, "AspNetUserRoles", "UserId RoleId", granted)


def guid(random: Random) -> str:
    """Return a GUID as lower-case text."""
    return str(UUID(int=random.getrandbits(128), version=4))


def user_row(user: str, email: str) -> Row:
    """Return the cells of `USER_COLUMNS` for one user; the secrets are placeholders."""
    return (
        user,
        email.lower(),
        email,
        1,
        f"not-a-real-hash-{user[:8]}",
        f"not-a-real-stamp-{user[-8:]}",
        None,
        0,
        0,
        1,
        0,
        email,
    )


def _unconfigured_staff(random: Random) -> list[str]:
    return [
        f"{random.choice(PLAIN_FIRST)}.{random.choice(PLAIN_LAST)}.{number}@district-c.example".lower()
        for number in range(1, 21)
    ]
