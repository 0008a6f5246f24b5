"""Write the tables of docs/catalog.md that say how a row is judged, and what each hazard is.

Run `python -m tests.catalog_page` after verdicts, converters, hazards or entries have changed; a test holds the page to
them. The words stand here, labels and hazards are asked of the code: of an entry that has every kind of verdict.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.core.converters import CONVERTERS
from pipeline.core.quality import Kind, Test, Verdict, verdicts
from schemas.catalog import load_catalog
from schemas.conversions import CONVERSIONS
from schemas.hazards import hazards
from schemas.types import LEGACY_TYPES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "catalog.md"
#: Stands before a table that is written here.
MARK = "<!-- {name}: written by `python -m tests.catalog_page` -->\n"
_TABLE = re.compile(r"\A\n(?:\|.*\n)*\n?")
#: Columns that the table of hazards names; of more it says how many there are.
_MOST_NAMED = 2

#: What each converter takes a text for.
MEANINGS = {
    "text": "anything, as it stands",
    "integer": "digits with an optional minus, within the target's range",
    "decimal": "plain digits with an optional fraction that fits the target's digits",
    "boolean": "`0` and `1`",
    "uuid": "36 characters",
    "search_key": "an identifier: trimmed, lower case, without leading zeros; only beside a target of the value itself",
    "email": "an address: trimmed, lower case; only beside a target of the value itself",
    "date": "a datetime that means a day. Local midnight written as UTC is that local day.",
    "time_of_day": "a UTC instant that means an hour of the day in the district's zone",
    "instant_local": "a local time of the host's clock",
    "instant_utc": "a time that is UTC already",
    "moment": "a date and time as they stand, without a zone",
    "instant": "a time with its offset (`+05:30`, `+00`, `Z`); the raw text is kept where the offset is not zero",
    "day": "a bare day, nothing behind it",
    "clock": "a bare time before 24:00",
    "float": "decimal or scientific text, `Infinity`, `NaN`; the nearest value, never too large or lost to zero. Of what was no float, the raw text is kept beyond 15 digits (`real`: 6).",
    "binary": "hex",
    "fields": "what a family's row holds besides its own columns: an object, each value by the kind of its field",
}
#: Why a row is set aside.
REASONS = {
    Test.TENANT: "a login row whose tenant no rule finds",
    Test.UNFIT: "a value that cannot be taken as it was read",
    Test.DOUBLED: "a key that other rows of the source have",
    Test.LONG_KEY: "a key that no index of PostgreSQL holds",
    Test.REQUIRED: "NULL in a `required` column",
    Test.UNREADABLE: 'a value that its converter cannot read, without `unreadable = "keep"`',
    Test.TOO_LONG: "a text longer than `max_length`",
    Test.PARENT: "a `required` reference to no living row",
    Test.RULE: "a rule whose action is `reject`",
}
#: What extract says of a value that cannot be taken, and what the rules say, each with its own name.
SAID = {
    Test.UNFIT: "`over max_value_bytes: X`, `stored as blob: X` (or another type), `no text, kept as base64: X`",
    Test.RULE: "`<rule>: X`",
}
#: What a conversion finds by itself, and what becomes of it.
NOTEWORTHY = {
    "text": ('U+0000 where `nul = "replace"`', "replaced, raw text kept"),
    "date": ("a day that carries a time", "its day by the rule of `date`, raw text kept"),
    "instant_local": (
        "a local time that the clock skipped or had twice",
        "shifted forward, or the first; raw text kept",
    ),
}
#: What is worth a finding, and what becomes of it.
FINDINGS = {
    Test.ABSENT: ("a value that is `absent` (of a reference no finding)", "NULL, raw text kept"),
    Test.UNREADABLE: ('a value that `unreadable = "keep"` made NULL, or that is `absent` there', "NULL, raw text kept"),
    Test.FINER: ('digits that `finer = "keep"` cut', "cut toward the past, raw text kept"),
    Test.SCRUBBED: ("an access token", "cut out before the first write, kept nowhere"),
    Test.RESTORED: ("a deletion time of a row that its flag does not archive", "`deleted_at` NULL, raw text kept"),
    Test.DEAD: ("an optional reference to no living row", "NULL, raw text kept"),
    Test.AMBIGUOUS: ("a reference by a key that several rows have", "the lowest key wins"),
    Test.RULE: ("a rule whose action is `flag`", "loaded as it is"),
    Test.CONTESTED: ("a row found by several that lead to several tenants, of which it picks one", "its row alone"),
    Test.ODD: ("a field of a family's row that is odd, as *Family* has it", "NULL or as it says, raw text kept"),
    Test.DIFFERS: ("a lookup row that differs from the shared one, for each column that does", "the tenant's own row"),
}
#: What is kept as raw text.
RAW = {
    Test.ALTERED: "a text that the target value does not give back, or that became NULL",
    Test.UNFILLED: "a blank, or a flag that is off, in a part of a `present` split that makes no row",
    Test.RESTORED: "a deletion time of a row that its flag does not archive",
    Test.DEAD: "an optional reference to no living row",
    Test.ABSENT: "a reference whose raw value is `absent`",
}

#: An entry that has every kind of verdict; `{h}` is a hazard of the column's own, or nothing.
_EVERY = """
[Parent]
source = "district"
key = ["Id"]
target = "parents"
[Parent.columns]
Id = { type = "int" }
Code = { to = "code" }

[Every]
source = "district"
key = ["Id"]
target = "every"
rules = [
    { rule = "present", column = "Ruled", action = "reject", hazard = "of the rule", because = "it shows" },
    { rule = "present", column = "Ruled", action = "flag", hazard = "of the rule", because = "it shows" },
]
[Every.splits]
part = { rows = "present", owner = "every_id" }
[Every.columns]
Id       = { type = "int" }
Needed   = { to = "needed", required = true }
Ruled    = { to = "ruled" }
Short    = { to = "short", max_length = 5 }
Token    = { to = "token", scrub = "access_tokens"{h} }
Absent   = { to = "absent", absent = ["none"]{h} }
Kept     = { type = "int", to = "kept", unreadable = "keep"{h} }
Finer    = { type = "datetime2(7)", to = "finer", convert = "moment", finer = "keep"{h} }
Nul      = { to = "nul", nul = "replace"{h} }
Day      = { type = "datetime", to = "day", convert = "date"{h} }
Local    = { type = "datetime", to = "local", convert = "instant_local"{h} }
InPart   = { to = "part.in_part" }
Gone     = { type = "bit", to = "gone", soft_delete = "1" }
GoneOn   = { type = "datetime", to = "deleted_at", convert = "instant_utc"{h} }
Owner    = { type = "int", to = "owner_id", references = "student.Parent", required = true }
Friend   = { type = "int", to = "friend_id", references = "student.Parent", absent = ["-1"]{h} }
Code     = { to = "code_id", references = "student.Parent", by = "Code"{h} }

[Link]
source = "login"
key = ["Id"]
target = "links"
tenant = "shared"
[Link.columns]
Id   = { type = "int" }
Mail = { to = "mail" }

[Led]
source = "login"
key = ["Id"]
target = "led"
tenant = { columns = ["Mail"], through = "student.Link", by = "Mail", match = "email", pick = "first" }
[Led.columns]
Id   = { type = "int" }
Mail = { to = "mail" }

[Many]
key = ["_table", "Id"]
target = "many"
[Many.family]
registry = "student.Parent"
tables = { Code = "" }
[Many.columns]
_table  = { family = "table" }
_fields = { family = "fields", to = "fields", convert = "fields" }
Id      = { type = "int" }
"""


def tables() -> dict[str, str]:
    """Give each table by its name."""
    own, plain = (every(hazard) for hazard in (', hazard = "own"', ""))
    return {
        "converters": _table(("converter", "makes", "reads", "by default of", "what it reads, and how"), _converters()),
        "reasons": _table(("a row is set aside for", "reason"), _reasons(plain)),
        "findings": _table(("found", "what becomes of it", "hazard"), _findings(plain, own)),
        "raw values": _table(("raw text is kept of", "rule"), _raw(plain)),
        "hazards": _table(("hazard", "what it is", "filed by", "on"), _hazards()),
    }


def page(text: str) -> str:
    """Write every table anew into the text of the page."""
    for name, table in tables().items():
        before, mark, behind = text.partition(MARK.format(name=name))
        if not mark:
            raise LookupError(f"{PAGE.name} has no place for the table of {name}")
        text = f"{before}{mark}\n{table}\n{_TABLE.sub('', behind, count=1)}"
    return text


def every(hazard: str = "") -> list[Verdict]:
    """List the verdicts of the entry that has every kind; `hazard` is what its columns say of one."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "student.toml").write_text(_EVERY.replace("{h}", hazard), encoding="utf-8")
        catalog = load_catalog(Path(directory))
    return [v for name in ("Every", "Led", "Many") for v in verdicts(catalog[f"student.{name}"])]


def _labels(found: Iterable[Verdict], kind: Kind, test: Test) -> list[str]:
    """List how verdicts of a kind are called, the column as X."""
    return list(
        dict.fromkeys(v.label.replace(v.column or "\0", "X") for v in found if (v.kind, v.test) == (kind, test))
    )


def _code(labels: Iterable[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


def _converters() -> Iterator[tuple[str, ...]]:
    types = [known for of_engine in LEGACY_TYPES.values() for known in of_engine.values()]
    every = {known.family for known in types}
    for name, meaning in MEANINGS.items():
        reads = CONVERSIONS[name].reads
        usual = sorted({known.family for known in types if known.converter == name})
        yield (
            f"`{name}`",
            _code(CONVERSIONS[name].makes),
            "any" if reads == every else _code(sorted(reads)),
            _code(usual),
            meaning,
        )


def _reasons(plain: list[Verdict]) -> Iterator[tuple[str, str]]:
    for test, words in REASONS.items():
        yield words, SAID.get(test) or _code(_labels(plain, Kind.REJECT, test))


def _findings(plain: list[Verdict], own: list[Verdict]) -> Iterator[tuple[str, str, str]]:
    for converter, words in NOTEWORTHY.items():
        yield *words, f"`{CONVERTERS[converter].hazard}`, whatever the column's"
    for test, words in FINDINGS.items():
        usual, with_own = (_labels(_of(found, test), Kind.FINDING, _filed_as(test)) for found in (plain, own))
        if test in (Test.CONTESTED, Test.DIFFERS, Test.RULE):
            yield *words, "its own"
        elif test is Test.ODD:
            yield *words, f"the family's, else {_code(usual)}"
        else:
            yield *words, f"the column's, else {_code(usual)}" if usual != with_own else _code(usual)


def _filed_as(test: Test) -> Test:
    """Give the verdict under which a finding is filed: a value that cannot be read is then taken for absent."""
    return Test.ABSENT if test is Test.UNREADABLE else test


def _of(found: list[Verdict], test: Test) -> list[Verdict]:
    keeps = test is Test.UNREADABLE
    return [v for v in found if not v.cell or (v.cell.column.unreadable == "keep") is keeps]


def _raw(plain: list[Verdict]) -> Iterator[tuple[str, str]]:
    for test, words in RAW.items():
        yield words, "the converter's name" if test is Test.ALTERED else _code(_labels(plain, Kind.RAW, test))


def _hazards() -> Iterator[tuple[str, str, str, str]]:
    filed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entity in load_catalog().entities.values():
        for verdict in verdicts(entity, Kind.FINDING):
            by = verdict.test.value
            if verdict.cell and verdict.test is Test.NOTEWORTHY:
                by = f"`{verdict.cell.converter}`"
            filed[verdict.label][by].append(f"{entity.id}.{verdict.column}")
    for hazard, words in hazards().items():
        places = filed[hazard]
        yield f"`{hazard}`", words, "; ".join(places) or "nothing", "; ".join(map(_places, places.values()))


def _places(columns: list[str]) -> str:
    different = dict.fromkeys(columns)
    return _code(different) if len(different) <= _MOST_NAMED else f"{len(different)} columns"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
