"""The sample: the entries that most tests move, cut out of the packaged catalog, for an estate of their tables alone.

A run of the whole catalog costs three times as much, and shows no more of how a run behaves.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from schemas.catalog import Catalog, load_catalog
from schemas.installation import FILE, packaged_catalog

#: Service -> its entries, by their names.
ENTRIES: Mapping[str, Sequence[str]] = {
    "assessment": (
        "Assessment",
        "AssessmentFieldCategory",
        "AssessmentFieldSubCategory",
        "AssessmentFieldGroupContainer",
        "AssessmentFieldGroup",
        "AssessmentField",
        "AssessmentLookupField",
        "TestLevelPeriod",
        "TestDueDate",
        "District_Benchmark",
        "AssessmentFP",
        "AssessmentLID",
        "FPAssignment",
        "LIDAssignment",
    ),
    "configuration": ("District", "NSGrade", "Grade", "School", "SchoolYear"),
    "identity": ("AspNetUsers", "AspNetRoles", "AspNetUserRoles"),
    "intervention": ("InterventionGroup", "StudentInterventionGroup", "InterventionAttendance", "InterventionSession"),
    "section": ("Section", "StudentSection", "StaffSection"),
    "staff": ("Staff", "StaffSchool", "StaffDistrict"),
    "student": (
        "Student",
        "StudentSchool",
        "StudentNote",
        "StudentAttributeType",
        "StudentAttributeLookupValue",
        "StudentAttributeData",
    ),
}

#: The rules that the sample has, each of one row; those that look at several are tried on rows of their own.
_RULES = re.compile(
    r'rule = "(pattern", column = "State|not_before|one_of", column = "StaffHierarchyPermissionID'
    r'|present", column = "(FirstName|LastName|DOB|Name|Email|StaffEmail|AssessmentName|DueDate)")'
)
#: Lines of columns whose parents are not in the sample, or that it does without.
_WITHOUT_PARENT = {
    "_field": "",
    "InterventionTypeID": 'InterventionTypeID = { type = "int", to = "legacy_intervention_type_id" }\n',
    "InterventionTierID": 'InterventionTierID = { type = "int", to = "legacy_intervention_tier_id" }\n',
    "AttendanceReasonID": 'AttendanceReasonID = { type = "int", to = "legacy_attendance_reason_id" }\n',
}
_WITHOUT_TRAIL = 'Ip = { type = "nvarchar(max)", excluded = "never written by the application" }\n'


def write_sample(directory: Path) -> None:
    """Write the sample as a catalog of its own."""
    packaged = packaged_catalog()
    directory.mkdir()
    shutil.copy(packaged / FILE, directory)
    for service, names in ENTRIES.items():
        text = (packaged / f"{service}.toml").read_text(encoding="utf-8")
        (directory / f"{service}.toml").write_text("".join(_entries(text, names)), encoding="utf-8")


def _entries(text: str, names: Sequence[str]) -> Iterator[str]:
    """Give the lines of the entries that bear some names; without an audit trail, which is a row more for each row."""
    is_named = False
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            is_named = line.strip("[]\n").partition(".")[0] in names
        if "{ rule =" in line and not _RULES.search(line):
            continue
        if is_named and not line.startswith("history ="):
            name = line.partition(" ")[0]
            yield _WITHOUT_TRAIL if name == "Ip" else _WITHOUT_PARENT.get(name, line)


@cache
def load_sample() -> Catalog:
    """Read the sample, which stays as it is while the tests run."""
    with tempfile.TemporaryDirectory() as directory:
        write_sample(Path(directory) / "catalog")
        return load_catalog(Path(directory) / "catalog")
