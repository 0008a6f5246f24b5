"""Entries drawn at random, sound ones and others: columns of any type, to any targets, by any converters.

Each column is likely to have a target of its own and a converter that fits, and less likely anything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from schemas.conversions import CONVERSIONS
from schemas.types import parse_type

#: Legacy type -> its family, and raw texts as SQL Server's casts write them.
TYPES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "int": ("integer", ("0", "1", "-7", "2147483647")),
    "bigint": ("integer", ("1", "9007199254740993", "-9223372036854775808")),
    "bit": ("boolean", ("0", "1")),
    "decimal(9,2)": ("decimal", ("1.50", "-0.05", "0.00", "1234567.89")),
    "decimal(38,20)": ("decimal", ("0.12345678901234567890", "1.00000000000000000000")),
    "float": ("float", ("0.10000000000000001", "-0.0000000000000000e+000", "1.0000000000000001e+300")),
    "real": ("float", ("0.1", "-1.5", "3.4e+38")),
    "date": ("day", ("2020-02-29", "0001-01-01")),
    "datetime": ("moment", ("2020-01-01 00:00:00.000", "2020-05-06 07:08:09.123", "9999-12-31 23:59:59.997")),
    "datetime2(7)": ("moment", ("2020-05-06 07:08:09.1234560", "2020-05-06 07:08:09.1234567")),
    "datetimeoffset(3)": ("instant", ("2020-05-06 07:08:09.123 +00:00", "2020-05-06 07:08:09.123 +05:30")),
    "time(3)": ("clock", ("08:30:00.000", "23:59:59.999")),
    "uniqueidentifier": ("uuid", ("0e984725-c51c-4bf4-9960-e1c80e27aba0",)),
    "varbinary(9)": ("binary", ("", "00ff")),
}
_FREE = (
    "",
    " ",
    "x",
    "Ada@Example.org ",
    "a\0b",
    "007",
    "-0",
    "1.5",
    "1e3",
    "00FF",
    "2020-01-01",
    "2020-01-01T10:00",
    "2020-01-01 10:00:00",
    "2020-01-01 10:00:00+00",
    "2020-01-01 10:00:00Z",
    "08:30",
    "08:30:00",
    "0E984725-C51C-4BF4-9960-E1C80E27ABA0",
    "Infinity",
    "0.1000000000000000055",
    "2020-11-01 06:30:00",
)
#: Text may hold what any other type is written as, and more.
TEXTS = (*_FREE, *(raw for _, raws in TYPES.values() for raw in raws))
TARGETS = ("x", "X", "y", "created_at", "updated_at", "deleted_at", "extra.x", "extra/2.x")
#: What no column can have.
FORBIDDEN = (
    "id",
    "tenant_id",
    "legacy_id",
    "created_at_basis",
    "deleted_at_basis",
    "extra.owner_id",
    "extra.id",
    "xmin",
)
PG_TYPES = (
    "text",
    "smallint",
    "integer",
    "bigint",
    "numeric(9,2)",
    "numeric(38,20)",
    "numeric(4, 4)",
    "real",
    "double precision",
    "timestamptz",
    "timestamp",
    "date",
    "time",
    "boolean",
    "bytea",
    "uuid",
    "jsonb",
)
#: What a member of a jsonb object, and a moment of the migration, can be.
IN_JSON = (
    "text",
    "date",
    "smallint",
    "integer",
    "bigint",
    "boolean",
    "numeric(9,2)",
    "numeric(38,20)",
    "numeric(4, 4)",
)
INSTANT = ("timestamptz",)
NAMES = ("A", "B", 'C "c"')
MOMENTS = dict(zip(NAMES, ("created_at", "deleted_at", "updated_at"), strict=True))


@dataclass(frozen=True)
class Drawn:
    """An entry as TOML has it, and rows of raw text for its columns."""

    columns: Mapping[str, Mapping[str, Any]]
    splits: Mapping[str, Mapping[str, Any]]
    rows: tuple[tuple[str | None, ...], ...]
    #: Nothing is wrong with it, by the way it was drawn.
    is_sound: bool

    def toml(self, name: str = "Pupil") -> str:
        """Write the entry; its rows are counted by their key."""
        lines = [f"[{name}]", 'source = "district"', 'key = ["Id"]', f'target = "{name.lower()}s"']
        lines += [f"splits.{split} = {_value(fields)}" for split, fields in self.splits.items()]
        lines += [f"[{name}.columns]", 'Id = { type = "int" }']
        lines += [f"{json.dumps(column)} = {_value(fields)}" for column, fields in self.columns.items()]
        return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def _mostly(draw: st.DrawFn, usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any], *, of: int) -> Any:
    """Draw what is usual, and once in a while something else; of a sound entry (`of` is 0) never."""
    return draw(other if of and draw(st.integers(1, of)) == 1 else usual)


def _fitting(family: str, *, makes: tuple[str, ...] = PG_TYPES) -> list[str]:
    """Name the converters that read a family and keep its values, in one of some types."""
    bases = {parse_type(pg).base for pg in makes}
    return sorted(n for n, c in CONVERSIONS.items() if family in c.reads and not c.is_beside and bases & {*c.makes})


@st.composite
def _conversions(draw: st.DrawFn, family: str, makes: tuple[str, ...], of: int) -> dict[str, Any]:
    """Draw a converter and a target type for it."""
    name = _mostly(
        draw, st.sampled_from(_fitting(family, makes=makes)), st.sampled_from([*CONVERSIONS, "upper"]), of=of
    )
    made = CONVERSIONS[name].makes if name in CONVERSIONS else ()
    of_it = [pg for pg in makes if parse_type(pg).base in made and not (pg == "real" and family == "float")]
    is_needed = name in CONVERSIONS and CONVERSIONS[name].usual is None
    pg = _mostly(
        draw, st.sampled_from(of_it if is_needed and of_it else [None, *of_it]), st.sampled_from(PG_TYPES), of=of
    )
    return {k: v for k, v in (("convert", name), ("pg", pg)) if v is not None}


@st.composite
def _columns(draw: st.DrawFn, name: str, of: int) -> dict[str, Any]:
    """Draw a column: its type, its fate, and what else an entry may say of it."""
    declared = draw(st.sampled_from(["nvarchar(max)", "nvarchar(max)", *TYPES]))
    family = TYPES[declared][0] if declared in TYPES else "text"
    own = f"own_{name[0].lower()}"
    others = st.sampled_from([*TARGETS, *FORBIDDEN])
    may = ["to", "to", "several", "reference", "excluded", "part"]
    may += ["json"] * bool(_fitting(family, makes=IN_JSON)) + ["moment"] * bool(_fitting(family, makes=INSTANT))
    column: dict[str, Any] = {"type": declared}
    match draw(st.sampled_from(may)):
        case "to":
            column |= {"to": _mostly(draw, st.just(own), others, of=of), **draw(_conversions(family, PG_TYPES, of))}
        case "part":
            column |= {"to": f"extra.{own}", **draw(_conversions(family, PG_TYPES, of))}
        case "moment":
            target = _mostly(draw, st.just(MOMENTS[name]), others, of=of)
            column |= {"to": target, **draw(_conversions(family, INSTANT, of))}
        case "several":
            first = draw(st.sampled_from([n for n in _fitting(family) if CONVERSIONS[n].usual]))
            beside = [n for n, c in CONVERSIONS.items() if c.is_beside and family in c.reads] or [first]
            second = _mostly(draw, st.sampled_from(beside), st.sampled_from([*CONVERSIONS]), of=of)
            column["to"] = {_mostly(draw, st.just(own), others, of=of): first, f"{own}_2": second}
        case "json":
            column |= {"json": _mostly(draw, st.just("rest"), others, of=of), **draw(_conversions(family, IN_JSON, of))}
        case "reference":
            column |= {"to": _mostly(draw, st.just(own), others, of=of), "references": "configuration.School"}
            column |= _mostly(draw, st.just({}), _conversions(family, PG_TYPES, of), of=of)
            column |= {"parent_to": _mostly(draw, st.just(f"{own}_of"), others, of=of)} if draw(st.booleans()) else {}
        case "excluded":
            column["excluded"] = "not wanted"
    options = {
        "absent": ["", "0", "2020-01-01"],
        "unreadable": "keep",
        "finer": "keep",
        "nul": "replace",
        "required": True,
    }
    if of or "excluded" not in column:
        column |= {k: v for k, v in options.items() if draw(st.integers(0, 5)) == 0}
    is_flag = column.get("convert") == "boolean" and name == NAMES[0]
    if _mostly(draw, st.just(is_flag), st.booleans(), of=of * 2):
        column["soft_delete"] = draw(st.sampled_from([True, "0", "1"]))
    return column


@st.composite
def entries(draw: st.DrawFn) -> Drawn:
    """Draw an entry and its rows: as often a sound one as one in which anything may be wrong."""
    of = draw(st.sampled_from([0, 3]))
    drawn = {name: draw(_columns(name, of)) for name in NAMES[: draw(st.integers(1, len(NAMES)))]}
    targets = [t for c in drawn.values() for t in ([c["to"]] if isinstance(c.get("to"), str) else c.get("to", ()))]
    has_split = any(t.startswith("extra") for t in targets)
    split: dict[str, Any] = {"rows": draw(st.sampled_from(["each", "present"])), "owner": "owner_id"}
    split |= _mostly(draw, st.just({}), st.just({"parts": 2, "position": "x"}), of=of)
    values = [TYPES[c["type"]][1] if c["type"] in TYPES else TEXTS for c in drawn.values()]
    rows = draw(st.lists(st.tuples(*(st.none() | st.sampled_from(v) for v in values)), min_size=6, max_size=6))
    return Drawn(drawn, {"extra": split} if has_split else {}, tuple(rows), is_sound=of == 0)
