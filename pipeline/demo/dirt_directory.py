"""Dirt in the rest of the login database: jobs of nobody or of strangers, dead ids, videos in circles."""

from __future__ import annotations

from pipeline.demo.planting import Planting
from pipeline.demo.tables import Cell

_DEAD = 999_999


def plant_directory(planting: Planting) -> None:
    """Spoil jobs and videos."""
    _plant_owners(planting)
    _plant_dead_ids(planting)
    _plant_videos(planting)


def _plant_owners(planting: Planting) -> None:
    """Spoil whose a job is."""
    for name, table, changes, hazard, note in (
        (
            "job-of-nobody",
            "JobStudentExport",
            {"StaffEmail": "left.long.ago@nowhere.example"},
            "H9",
            "no StaffDistrict",
        ),
        ("job-without-address", "JobStaffExport", {"StaffEmail": None}, "H9", "no address, so no tenant"),
        ("job-staff-gone", "JobFullRollover", {"StaffId": _DEAD}, "H10", "a StaffId that the district lacks"),
    ):
        planting.spoil(name, table, changes, outcome="reject", hazard=hazard, note=note)
    of_a = _of_one("JobBenchmarkDataImport")
    (other,) = planting.connection.execute(
        f'SELECT max("StaffId") FROM "JobBenchmarkDataImport" WHERE {of_a}'
    ).fetchone()
    planting.spoil(
        "job-of-a-stranger",
        "JobBenchmarkDataImport",
        {"StaffId": other},
        outcome="reject",
        hazard="H10",
        note="another's StaffId",
        where=f'{of_a} AND "StaffId" <> {other}',
    )
    key = planting.pick("JobPrintBatch", _of_one("JobPrintBatch"))
    email = str(planting.value("JobPrintBatch", key, "StaffEmail"))
    planting.change("JobPrintBatch", key, {"StaffEmail": email.upper() + " "})
    planting.record(
        "job-address-case", "JobPrintBatch", [key], outcome="flag", hazard="H8", note="in capitals, and padded"
    )
    key = planting.pick("JobStaffExport", _of_one("JobStaffExport"))
    email = str(planting.value("JobStaffExport", key, "StaffEmail"))
    (link,) = planting.connection.execute(
        'SELECT "Id" FROM "StaffDistrict" WHERE "StaffEmail" = ?', (email,)
    ).fetchall()
    planting.copy(
        "job-two-districts-link",
        "StaffDistrict",
        {"DistrictId": 2},
        outcome="flag",
        hazard="H7",
        note="a second district for the address of a job",
        of=link,
    )
    planting.record(
        "job-two-districts", "JobStaffExport", [key], outcome="finding", hazard="H7", note="follows the lower Id alone"
    )
    planting.spoil(
        "job-marker",
        "JobTeacherRollover",
        {"ModifiedBy": "useraccountcreation", "ModifiedDate": None},
        outcome="flag",
        hazard="H53",
        note="a marker in place of a person, and no date",
        where=_of_one("JobTeacherRollover"),
    )


def _plant_dead_ids(planting: Planting) -> None:
    """Let jobs name rows that their district does not have."""
    for table, column in (
        ("JobStateTestDataImport", "AssessmentId"),
        ("JobBenchmarkDataImport", "RecorderId"),
        ("JobInterventionDataImport", "InterventionGroupId"),
        ("JobInterventionDataImport", "StintId"),
        ("JobAssessmentDataExport", "BenchmarkDateId"),
        ("JobAttendanceExport", "SchoolStartYear"),
    ):
        changes: dict[str, Cell] = {column: _DEAD}
        planting.spoil(
            f"job-dead-{column}",
            table,
            changes,
            outcome="null",
            hazard="H11",
            note=f"{column} is no row of the district",
            where=_of_one(table),
        )


def _plant_videos(planting: Planting) -> None:
    planting.spoil(
        "video-parent-dead",
        "Video",
        {"ParentVideoId": _DEAD},
        outcome="null",
        hazard="H69",
        note="a chapter of a video that is gone",
        where='"Id" > 2',
    )
    planting.spoil(
        "video-parent-itself",
        "Video",
        {"ParentVideoId": 2},
        outcome="flag",
        hazard="H69",
        note="a chapter of itself",
        where='"Id" = 2',
    )
    for key, parent in ((4, 5), (5, 4)):
        planting.spoil(
            f"lesson-circle-{key}",
            "NSInterventionVideo",
            {"ParentVideoId": parent},
            outcome="flag",
            hazard="H69",
            note="two chapters of each other",
            where=f'"Id" = {key}',
        )


def _of_one(table: str) -> str:
    """Say of jobs that they are of someone whom one district has, and who is there under that address."""
    return (
        f'"{table}"."StaffEmail" IN (SELECT "StaffEmail" FROM "StaffDistrict" GROUP BY 1 HAVING count(*) = 1)'
        f' AND "{table}"."StaffEmail" LIKE \'%@district-a.example\''
    )
