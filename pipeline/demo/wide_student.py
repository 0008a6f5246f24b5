"""The extra columns of the denormalised Student that some older districts still have.

Values agree with the narrow tables: the enrollment shown beside a student is the latest one.
"""

from __future__ import annotations

from datetime import date
from random import Random

from pipeline.demo.names import first_name, last_name
from pipeline.demo.stamps import day
from pipeline.demo.tables import Cell

CONTACT = "FirstName LastName Relationship HomePhone MobilePhone WorkPhone Email IsPrimary"
WIDE_COLUMNS = " ".join(
    (
        "PreferredName BirthCity HomeLanguage Ethnicity LunchStatus SpecialEducation",
        "AddressLine1 AddressLine2 City State PostalCode",
        *(f"Contact{number}{name}" for number in (1, 2) for name in CONTACT.split()),
        "EnrollmentSchoolID EnrollmentGradeID EnrollmentStartDate EnrollmentStatus",
        "HomePhone Email EmergencyNotes",
    )
)
TOWNS = ("Lanternford", "Cinder Hill", "San Abelo", "Fort Wendell", "Petit Ruisseau")


def wide_cells(random: Random, school: int, grade: int, year: int) -> tuple[Cell, ...]:
    """Return the cells of `WIDE_COLUMNS` for one student whose latest enrollment is given."""
    town = random.choice(TOWNS)
    return (
        first_name(random) if random.random() < 0.3 else None,
        random.choice((*TOWNS, None)),
        random.choice(("English", "Español", "Diné bizaad", None)),
        random.choice(("1", "2", "3", None)),
        random.choice(("Free", "Reduced", "Paid")),
        random.choice((0, 0, 1, None)),
        f"{random.randint(1, 999)} {random.choice(('Juniper', 'Heron', 'Quarry'))} Lane",
        f"Apt {random.randint(1, 40)}" if random.random() < 0.2 else None,
        town,
        "CO",
        f"{random.randint(99900, 99999)}",
        *_contact(random, primary=1),
        *(_contact(random, primary=0) if random.random() < 0.6 else (None,) * len(CONTACT.split())),
        school,
        grade,
        day(date(year, 9, 4)),
        "Enrolled",
        _phone(random),
        None,
        None,
    )


def _contact(random: Random, *, primary: int) -> tuple[Cell, ...]:
    first, last = first_name(random), last_name(random)
    return (
        first,
        last,
        random.choice(("Mother", "Father", "Guardian", "Abuela")),
        _phone(random),
        _phone(random) if random.random() < 0.7 else None,
        None,
        f"family{random.randrange(10**6):06}@mail.example" if random.random() < 0.8 else None,
        primary,
    )


def _phone(random: Random) -> str:
    # 555-01xx is set aside for fiction.
    return f"({random.randint(200, 989)}) 555-01{random.randrange(100):02}"
