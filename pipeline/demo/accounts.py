"""What accounts have beside their roles, where districts' databases are, and how their rollovers run.

Secrets are made-up texts that say so; the migration must never carry one over.
"""

from __future__ import annotations

import sqlite3
from datetime import date
from random import Random

from pipeline.demo.login import UNCONFIGURED_DISTRICT
from pipeline.demo.stamps import instant
from pipeline.demo.tables import insert

_DISTRICTS = (1, 2, UNCONFIGURED_DISTRICT)


def fill_accounts(connection: sqlite3.Connection, *, seed: int, last_year: int) -> None:
    """Write claims, external sign-ins, reset requests, the routes to databases and the rules of rollovers."""
    random = Random(f"{seed}/login/accounts")
    users = [row[0] for row in connection.execute('SELECT "Id" FROM "AspNetUsers" ORDER BY rowid')]
    insert(
        connection,
        "AspNetUserClaims",
        "Id UserId ClaimType ClaimValue",
        (
            (key, user, "urn:product:theme", random.choice(("dark", "light", "")))
            for key, user in enumerate(users[::3], 1)
        ),
    )
    insert(
        connection,
        "AspNetUserLogins",
        "LoginProvider ProviderKey UserId",
        ((random.choice(("Google", "Microsoft")), str(random.getrandbits(64)), user) for user in users[::4]),
    )
    insert(
        connection,
        "PasswordResetRequest",
        "Id ResetRequestDateStamp UserName UID",
        (
            (key, instant(random, date(last_year, 9, key)), f"someone.{key}@district-a.example", str(key) * 8 + _GUID)
            for key in range(1, 6)
        ),
    )
    insert(
        connection,
        "DistrictDb",
        "Id DistrictId DbName",
        (
            (
                key,
                key,
                f"Server=not-a-real-host;Database=District{key};User Id=reader;Password=not-a-real-password-{key}",
            )
            for key in _DISTRICTS
        ),
    )
    insert(
        connection,
        "AutomatedRolloverDetail",
        "Id FtpSite FtpUsername FtpPassword RelativeUri RolloverEmail AdminEmail ForceLoad DistrictId IsActive",
        (
            (
                key,
                "ftp.lists.example",
                f"not-a-real-user-{key}",
                f"not-a-real-password-{key}",
                f"/district-{key}/rollover",
                "rollover@product.example",
                f"it@district-{letter}.example",
                key % 2,
                key,
                int(key != 2),
            )
            for key, letter in zip(_DISTRICTS, "abc", strict=True)
        ),
    )


#: What a GUID has behind its first eight digits here.
_GUID = "-0000-4000-8000-000000000000"
