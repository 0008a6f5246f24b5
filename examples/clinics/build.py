"""Build the legacy of three clinics that do not exist: `legacy/*.sqlite` beside this file, the same at every time."""

from __future__ import annotations

import random
import sqlite3
import sys
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

HERE = Path(__file__).parent
CLINICS = {
    "harbour": ("9b2f1c54-3a0e-4b7d-8f65-0d6a1e7c2b31", "Harbour Clinic", "Portland"),
    "meadow": ("C4E8A7D0-51B6-4F2A-9D13-7E0B5F8A6C42", "Meadow Family Practice", "Salem"),
    "summit": ("1f7d3e92-6c48-4ea5-b0d9-25c8f4a1e673", "Summit Health", "Bend"),
}
STANDARD = [(1, "CHK", "Check-up", 20), (2, "VAC", "Vaccination", 10), (3, "LAB", "Laboratory", 15)]
LAST = ("Abara", "Brandt", "Castro", "Dubois", "Eriksen", "Fujita", "Grigore", "Haddad", "O'Neill", "Žižek")
FIRST = ("Ada", "Ben", "Chloë", "Dario", "Esra", "Finn", "Gül", "Hana", "Ivo", "José")


def clinic(connection: sqlite3.Connection, name: str) -> None:
    """Fill one clinic's database, with the dirt that such databases have."""
    draw = random.Random(name)
    # A clinic's own copy of the kinds of visit: in one of them a title was changed, and one was added.
    kinds = [(i, code, "Jab" if (name, code) == ("meadow", "VAC") else title, m) for i, code, title, m in STANDARD]
    connection.executemany("INSERT INTO VisitType VALUES (?, ?, ?, ?)", [*kinds, (9, "TEL", "Telephone", None)])
    for n in range(1, 61):
        born = date(1940, 1, 1) + timedelta(days=draw.randrange(29000))
        created = datetime(2015, 1, 1) + timedelta(minutes=draw.randrange(5_000_000))
        row = (
            n, f"{draw.choice(('', '00'))}{4000 + n}", draw.choice(LAST), draw.choice(FIRST), born.isoformat(),
            f"503-555-0{n:03}" if n % 3 else None, "home" if n % 3 else None, "" if n % 4 else f"541-555-0{n:03}",
            None if n % 4 else "work", f" {name}.{n}@Example.org" if n % 5 else None,
            None if n % 17 == 0 else n % 11 > 0, None if n % 7 else draw.randrange(1, 61),
            created.isoformat(" ", "milliseconds"),
            (created + timedelta(days=draw.randrange(900))).isoformat(" ", "milliseconds"),
        )  # fmt: skip
        connection.execute(f"INSERT INTO Patient VALUES ({', '.join('?' * len(row))})", row)
    connection.execute("UPDATE Patient SET LastName = NULL WHERE Id = 13")
    connection.execute("UPDATE Patient SET ReferredBy = 999 WHERE Id = 14")  # of a patient who was removed
    for n in range(1, 201):
        patient = 999 if n == 77 else draw.randrange(1, 61)  # one visit is of a patient who was removed
        began = datetime(2021, 3, 1, 8) + timedelta(minutes=5 * draw.randrange(120_000))
        visit = str(uuid5(UUID(int=n), name)).upper()
        doctor = draw.choice(("dr.lind@example.org", "DR.OKORO@example.org", "nobody@example.org"))
        connection.execute(
            "INSERT INTO Visit VALUES (?, ?, ?, ?, ?, ?)",
            (
                visit,
                patient,
                draw.choice((1, 2, 3, 9)),
                doctor,
                f"{began:%F %T}.000",
                "Came in time." * (n % 3),
            ),
        )
        if n % 2:
            lines = [(f"R{n:05}", i, f"Item {i}", draw.randrange(500, 20_000)) for i in range(1, 1 + n % 4)]
            total = sum(cents for *_, cents in lines)
            paid = None if n % 19 == 0 else n % 5 > 0
            issued = (began.date() + timedelta(days=7)).isoformat()
            connection.execute(
                "INSERT INTO Invoice VALUES (?, ?, ?, ?, ?, ?)",
                (f"R{n:05}", patient, visit, issued, f"{total / 100:.2f}", paid),
            )
            connection.executemany(
                "INSERT INTO InvoiceLine VALUES (?, ?, ?, ?)", [(*line, f"{cents / 100:.2f}") for *line, cents in lines]
            )
    connection.execute("INSERT INTO InvoiceLine VALUES ('R99999', 1, 'Of an invoice that is gone', '1.00')")


def directory(connection: sqlite3.Connection) -> None:
    """Fill the database that all clinics share."""
    clinics = [(key, name, city, f"{2001 + i}-05-01") for i, (key, name, city) in enumerate(CLINICS.values())]
    connection.executemany("INSERT INTO Clinic VALUES (?, ?, ?, ?)", clinics)
    connection.executemany("INSERT INTO StandardVisitType VALUES (?, ?, ?, ?)", STANDARD)
    keys = [key for key, *_ in CLINICS.values()]
    people = [
        ("dr.lind@example.org", "Maja Lind", keys[:2]),
        ("dr.okoro@example.org", "Chidi Okoro", keys),
        ("gone@example.org", "Who left", []),
    ]
    places = 0
    for n, (email, name, where) in enumerate(people, 1):
        connection.execute("INSERT INTO Account VALUES (?, ?, ?, '2024-02-29 07:30:00.000')", (n, email, name))
        for key in where:
            places += 1
            # Clinics are written in another case here: a GUID is the same in either.
            connection.execute("INSERT INTO Membership VALUES (?, ?, ?, 'doctor')", (places, n, key.swapcase()))


def build(legacy: Path) -> None:
    """Write the four files, in place of those that are there."""
    legacy.mkdir(parents=True, exist_ok=True)
    for name in ("directory", *CLINICS):
        path = legacy / f"{name}.sqlite"
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            script = HERE / ("directory.sql" if name == "directory" else "clinic.sql")
            connection.executescript(script.read_text(encoding="utf-8"))
            if name == "directory":
                directory(connection)
            else:
                clinic(connection, name)
        print(path)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "legacy")
