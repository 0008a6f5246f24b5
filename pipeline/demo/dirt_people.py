"""Dirt in what surrounds a district's students: enrollments, rosters, staff, notes and attributes."""

from __future__ import annotations

from datetime import date, time

from pipeline.demo.dirt_students import DEAD
from pipeline.demo.planting import Case, Planting
from pipeline.demo.stamps import utc
from pipeline.demo.tables import Profile


def plant_people(planting: Planting, profile: Profile) -> None:
    """Spoil enrollments, rosters, staff, notes and attributes."""
    _plant_enrollments(planting, profile)
    _plant_staff(planting)
    _plant_notes(planting)
    _plant_attributes(planting)


def _plant_enrollments(planting: Planting, profile: Profile) -> None:
    summer = utc(date(2018, 9, 4), time(0, 0), profile.tenant_zone)
    winter = utc(date(2019, 1, 15), time(0, 0), profile.tenant_zone)
    no_grade: Case = ("enrollment-no-grade", {"GradeId": None}, "flag", "H61", "no grade")
    planting.spoil_each(
        "StudentSchool",
        [
            (
                "enrollment-midnights",
                {"StartDate": summer, "EndDate": winter},
                "raw",
                "H40",
                "local midnights as UTC",
            ),
            ("enrollment-other-time", {"StartDate": "2018-09-04 20:10:00.000"}, "raw", "H40", "its own day"),
            (
                "enrollment-last-tick",
                {"EndDate": "2019-06-05 23:59:59.997"},
                "raw",
                "H44",
                "end of the day, not midnight",
            ),
            (
                "enrollment-sentinel",
                {"StartDate": "1900-01-01 00:00:00.000"},
                "null",
                "H25",
                "an empty string once",
            ),
            (
                "enrollment-reversed",
                {"StartDate": "2019-06-05 00:00:00.000", "EndDate": "2018-09-04 00:00:00.000"},
                "flag",
                "H61",
                "end before start",
            ),
            *([] if profile.changed_by_hand else [no_grade]),
            ("enrollment-no-start", {"StartDate": None}, "flag", "H61", "no start"),
            ("enrollment-dead-grade", {"GradeId": DEAD}, "null", "H39", "optional grade that does not exist"),
        ],
    )
    planting.copy(
        "enrollment-twice",
        "StudentSchool",
        {},
        outcome="flag",
        hazard="H61",
        note="two rows for one year; both kept",
    )
    planting.copy(
        "roster-pair-twice",
        "StudentSection",
        {},
        outcome="flag",
        hazard="H60",
        note="repeated pair; both kept",
    )
    planting.copy("staff-pair-twice", "StaffSchool", {}, outcome="flag", hazard="H60", note="repeated pair; both kept")
    planting.spoil(
        "roster-dead-due-date",
        "StudentSection",
        {"LastAssociatedTDDID": DEAD},
        outcome="null",
        hazard="H39",
        note="optional due date that does not exist",
    )
    planting.spoil(
        "roster-dated",
        "StudentSection",
        {"StartDate": "2018-09-04 00:00:00.000"},
        outcome="flag",
        hazard="H62",
        note="a start date, which rosters almost never have",
    )


def _plant_staff(planting: Planting) -> None:
    planting.spoil_each(
        "Staff",
        [
            ("staff-email-null", {"Email": None}, "flag", "H1", "no e-mail address"),
            ("staff-active-null", {"IsActive": None}, "raw", "H51", "NULL means active"),
            (
                "staff-inactive-undated",
                {"IsActive": 0, "ModifiedDate": None},
                "finding",
                "H52",
                "deletion date by rule",
            ),
            (
                "staff-favorites",
                {"NavigationFavorites": '[{"student":17,"url":"/students/17"}]'},
                "flag",
                "H65",
                "ids inside text",
            ),
        ],
        where='"Id" > 5',
    )
    key = planting.pick("Staff", '"Email" IS NOT NULL')
    email = str(planting.value("Staff", key, "Email"))
    planting.record("staff-email-original", "Staff", [key], outcome="flag", hazard="H5", note="shares its address")
    planting.copy(
        "staff-email-twice",
        "Staff",
        {"Email": f" {email.upper()} ", "TeacherIdentifier": "T90001"},
        outcome="finding",
        hazard="H5",
        note="the same address in other case, padded; the lowest Id is the sign-in candidate",
        of=key,
    )


def _plant_notes(planting: Planting) -> None:
    signed = "https://files.example.org/n.png?sv=2019-12-12&sig=AbC%2bdEf%2FgHi%3D&se=2021-01-01"
    escaped = "https://files.example.org/n%20two.png?sv=2019-12-12&amp;sig=ZyX%2bwVu&amp;sp=r"
    link = "https://example.org/page?id=7"
    planting.spoil_each(
        "StudentNote",
        [
            (
                "note-nul",
                {"Note": "<p>Lost\0letter.</p>"},
                "raw",
                "H48",
                "U+0000 replaced by rule, text kept",
            ),
            (
                "note-token",
                {"Note": f'<p>See <img src="{signed}"> here.</p>'},
                "finding",
                "H66",
                "token, never kept",
            ),
            (
                "note-token-escaped",
                {"Note": f"<img src='{escaped}' alt='é'/>"},
                "finding",
                "H66",
                "the same, escaped",
            ),
            (
                "note-link",
                {"Note": f'<p><a href="{link}">plan</a></p>'},
                "flag",
                "H66",
                "a link without a token",
            ),
            ("note-empty", {"Note": ""}, "flag", "H2", "'' stays ''"),
            ("note-null", {"Note": None}, "flag", "H2", "NULL stays NULL"),
        ],
    )


def _plant_attributes(planting: Planting) -> None:
    planting.spoil_each(
        "StudentAttributeData",
        [
            ("attribute-unspecified", {"AttributeValueID": 0}, "raw", "H15", "sentinel: unspecified"),
            ("attribute-absent", {"AttributeValueID": -1}, "null", "H15", "sentinel: absent"),
            ("attribute-dead", {"AttributeValueID": 77}, "null", "H15", "value without a lookup row"),
            (
                "attribute-leftover",
                {"LookupValue_Id": 1},
                "flag",
                "H14",
                "leftover column, not the reference",
            ),
        ],
        where='"AttributeID" = 1',
    )
    # The sentinel 0 must have no lookup row for one attribute, and one for the others.
    planting.connection.execute(
        'DELETE FROM "StudentAttributeLookupValue" WHERE "AttributeID" = 1 AND "LookupValueID" = 0'
    )
    planting.copy(
        "attribute-two-values",
        "StudentAttributeData",
        {"AttributeValueID": 3},
        outcome="flag",
        hazard="H17",
        note="two values of a single-valued attribute",
        where='"AttributeID" = 2 AND "AttributeValueID" <> 3',
    )
    planting.copy(
        "lookup-duplicate",
        "StudentAttributeLookupValue",
        {"LookupValue": "Duplicated"},
        outcome="finding",
        hazard="H16",
        note="LookupValueID repeated within its attribute; the lowest Id wins",
        where='"AttributeID" = 2 AND "LookupValueID" = 2',
    )
    planting.copy(
        "lookup-null",
        "StudentAttributeLookupValue",
        {"LookupValueID": None, "LookupValue": "Unnumbered"},
        outcome="finding",
        hazard="H16",
        note="no LookupValueID: nothing can refer to it",
        where='"AttributeID" = 2',
    )
