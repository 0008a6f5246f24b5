"""The table of hazards: where the case of each is, and what comes out of it.

`hazards.txt` is written by hand, a case a line: hazard | table and name of the planted case, or the test that stands for
it | what comes out, of every row so planted | a remark. `OPEN` in a remark says what is missing, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from pipeline.demo.planting import Planted
from tests.acceptance.planted import HAZARDS

TABLE = Path(__file__).with_name("hazards.txt")
#: Rules of raw values that stand for no value: what they are kept of is NULL in the target.
_GONE = ("absent", "dead reference", "part without a row")


@dataclass(frozen=True, slots=True)
class Told:
    """What a finished migration says of one row: (column, hazard) of findings, (column, rule) of raw values."""

    is_mapped: bool
    reasons: Set[str]
    findings: Set[tuple[str, str]]
    raws: Set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the table."""

    hazard: str
    where: str
    what: str
    remark: str

    @property
    def is_open(self) -> bool:
        """Say whether something is missing."""
        return self.remark.startswith("OPEN: ")

    @property
    def test(self) -> tuple[str, str] | None:
        """Give file and function of the test that stands for a case that no row carries."""
        file, is_test, function = self.where.partition("::")
        return (file, function) if is_test else None


def cases() -> list[Case]:
    """Read the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [Case(*(part.strip() for part in f"{line} |".split("|")[:4])) for line in lines]


def place(planted: Planted, name: str) -> str:
    """Write where a case is, as the table does; `name` is that under which the estate records it."""
    return f"{planted.entity} {name.partition('.')[2]}"


def outcome(planted: Planted, rows: Iterable[Told]) -> str:
    """Say in words what comes out of all rows planted alike: what is told of some of them only is not of their dirt."""
    words = [dict.fromkeys(_words(planted, told)) for told in rows]
    return "; ".join(word for word in words[0] if all(word in others for others in words)) or "as is"


def _words(planted: Planted, told: Told) -> Iterator[str]:
    yield from (f"rejected ({reason})" for reason in sorted(told.reasons))
    if not told.is_mapped and not told.reasons:
        yield "not moved"
    for column, rule in sorted(told.raws):
        is_made = planted.outcome == "raw" and rule not in _GONE
        yield f"normalised ({column} by {rule}), raw kept" if is_made else f"raw kept ({column}: {rule})"
    yield from (f"flagged ({column} {hazard})" for column, hazard in sorted(told.findings))


def is_as_recorded(name: str, planted: Planted, told: Told) -> bool:
    """Say whether of a row becomes what the estate's record asks."""
    hazard = HAZARDS.get(name.partition(".")[2], planted.hazard)
    fits = bool(told.reasons) is (planted.outcome == "reject") and told.is_mapped is (planted.outcome != "reject")
    fits &= planted.outcome not in ("null", "raw") or bool(told.raws)
    return fits and (planted.outcome not in ("null", "finding") or hazard in {h for _, h in told.findings})


def grouped(planted: Mapping[str, Planted]) -> dict[str, list[tuple[str, Planted]]]:
    """Gather what was planted alike in several sources, by hazard and place."""
    found: dict[str, list[tuple[str, Planted]]] = {}
    for name, one in planted.items():
        found.setdefault(f"{one.hazard} | {place(one, name)}", []).append((name, one))
    return found
