"""What must become of every row that the estate spoils on purpose, as data.

Names are those under which the estate records them, without the source. REJECT: quarantined whole, not loaded.
NULL: loaded, the value gone, its text kept, with a finding. RAW: loaded, the text kept. FINDING: loaded, with a
finding. FLAG: loaded as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BOTH, A, B, LOGIN = ("district_a", "district_b"), ("district_a",), ("district_b",), ("login",)

#: Sources, outcome, names.
_PLANTED = (
    (
        BOTH,
        "reject",
        """
        student-nul child-of-rejected-StudentSchool child-of-rejected-StudentSection child-of-rejected-StudentNote
        child-of-rejected-StudentAttributeData child-of-rejected-AssessmentFP child-of-rejected-AssessmentLID
        dead-student-StudentSchool dead-student-StudentSection dead-student-AssessmentFP dead-student-AssessmentLID
        dead-student-StudentNote staff-identifier-long child-of-rejected-StaffSchool child-of-rejected-StaffSection
        level-text score-three-decimals""",
    ),
    (
        LOGIN,
        "reject",
        """
        district-state staff-district-none staff-district-blank user-stranger user-stranger-role""",
    ),
    (
        BOTH,
        "null",
        """
        dob-never dob-never-late enrollment-sentinel enrollment-dead-grade roster-dead-due-date attribute-absent
        attribute-dead section-none section-dead recorder-dead due-date-dead taken-sentinel letters-section-none
        due-date-no-year due-date-sentinel attendance-by-section attendance-dead attendance-stint-dead""",
    ),
    (B, "null", "current-school-dead"),
    (
        BOTH,
        "raw",
        """
        active-null dob-summer-midnight dob-winter-midnight dob-other-time enrollment-midnights enrollment-other-time
        enrollment-last-tick staff-active-null note-nul attribute-unspecified taken-time-of-day due-date-time
        Section-time-summer Section-time-winter Section-time-wraps Section-time-odd-day InterventionGroup-time-summer
        InterventionGroup-time-winter InterventionGroup-time-wraps InterventionGroup-time-odd-day attendance-reason
        attendance-midday""",
    ),
    (A, "raw", "note-clock-gap clock-gap clock-gap-tick clock-overlap"),
    (B, "raw", "current-start-midnight"),
    (LOGIN, "raw", "lockout-forever link-clock-gap link-clock-overlap district-enabled-null"),
    (
        BOTH,
        "finding",
        """
        identifier-padded identifier-lower identifier-stripped identifier-duplicate inactive-undated
        staff-inactive-undated staff-email-twice note-token note-token-escaped lookup-duplicate lookup-null
        level-unknown storage-missing storage-null attendance-by-stint attendance-by-group attendance-by-both""",
    ),
    (B, "finding", "grade-spelling grade-extra"),
    (LOGIN, "finding", "user-two-districts-link user-two-districts link-address-case role-case"),
    (
        BOTH,
        "flag",
        """
        first-name-null dob-null first-name-empty middle-name-blank last-name-trailing first-name-composed
        first-name-combining first-name-supplementary comment-controls district-null district-other gender-mismatch
        student-twice student-twice-original active-one inactive-dated modified-by-marker dob-future dob-old dob-leap
        tick-3 tick-7 tick-last enrollment-reversed enrollment-no-grade enrollment-no-start enrollment-twice
        roster-pair-twice staff-pair-twice roster-dated staff-email-null staff-favorites staff-email-original note-link
        note-empty note-null attribute-leftover attribute-two-values taken-null accuracy-range comments-empty
        comments-unicode copied-null copied-edited copied score-large score-null score-zero result-twice field-previous
        cut-points-descend cut-points-missing cut-points-field cut-points-no-field cut-points-large due-date-null
        due-date-no-period due-date-twice primary-differs section-was-group section-group-twin attendance-twice
        stint-reversed stint-open""",
    ),
    (B, "flag", "contact-empty"),
    (LOGIN, "flag", "user-address-case user-lowered-differs user-by-name"),
)

#: Rows of districts that are no source of the run: they stay where they are.
OUTSIDE = {"login.district-state", "login.district-enabled-null"}
#: Findings that name the hazard of their converter instead of the rarer one of the row.
HAZARDS = {"enrollment-last-tick": "H40", "taken-time-of-day": "H40"}
#: In parity, but not told as the record of the estate asks: here only that nothing is lost is asked.
_OPEN = """
    identifier-padded identifier-lower identifier-stripped identifier-duplicate active-null inactive-undated
    staff-active-null staff-inactive-undated staff-email-twice attribute-absent lookup-duplicate lookup-null
    section-none letters-section-none level-unknown storage-missing storage-null attendance-by-stint
    attendance-by-group attendance-by-section attendance-by-both attendance-dead attendance-reason grade-extra
    user-two-districts-link user-two-districts link-address-case role-case"""
OPEN = frozenset(_OPEN.split())


@dataclass(frozen=True)
class Expected:
    """What must become of the rows planted under one name."""

    name: str
    source: str
    outcome: str
    is_open: bool
    hazard: str | None


def expected() -> Iterator[Expected]:
    """List every planted name once for each source that has it."""
    for sources, outcome, names in _PLANTED:
        for source in sources:
            for name in names.split():
                yield Expected(f"{source}.{name}", source, outcome, name in OPEN, HAZARDS.get(name))
