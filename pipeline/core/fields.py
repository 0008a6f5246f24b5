"""Convert the fields of a family's row, each in Polars and in DuckDB SQL: one text of many values into a jsonb object.

The text is `name:kind:value` for each field, with `|` between them, in the order that jsonb has. A value is told by its
field's kind; what cannot be read is null in the object, and the row's whole text is kept beside it.

Invariant: no field rejects a row, and where the object does not give every value back the text is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.core.conversion import Made, MadeSql, Setting, ZoneJoin
from pipeline.core.ids import json_text, json_text_sql
from pipeline.core.text import NUL, quoted
from schemas.family import Oddity

BETWEEN: Final = "|"
#: What of a value would be taken for what stands between values -> how it is written; the first one first.
ESCAPES: Final[Mapping[str, str]] = {"~": "~0", "|": "~1"}
_IN_NAMES: Final[Mapping[str, str]] = {**ESCAPES, ":": "~2"}
#: In place of a value: NULL, and what stands before the digits of bytes where a field holds none.
NOTHING, BYTES = "~n", "~b"

#: The sign before each member that was read: as it stands, spelt otherwise than the object gives it back, a day with
#: and without a time, what cannot be read, a list that is not written as one.
_PLAIN, _SPELT, _DAY, _DATED, _UNREADABLE, _LISTED = "=~dt?l"
_ABSENT: Final = "0"
_SIGNS: Final[Mapping[Oddity, str]] = {
    "unreadable": _UNREADABLE,
    "absent": _ABSENT,
    "dated": _DATED,
    "listed": _LISTED,
}
_CLOCK: Final = r"[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
#: A day's own text, behind its name.
_DAY_BEHIND: Final = len('"2000-01-01"')


def head(name: str, kind: str) -> str:
    """Write what stands before a field's value."""
    for sign, instead in _IN_NAMES.items():
        name = name.replace(sign, instead)
    return f"{name}:{kind}:"


def members(raw: pl.Expr) -> pl.Expr:
    """Read every field: the members of the object, each behind its sign."""
    # In steps, as Polars works nothing out once that stands twice in what is done for each of a list; and an empty
    # text has no fields, where a split would give it one.
    read = raw.replace("", None).str.split(BETWEEN)
    for step in (_parted, _written, _spelt, _told):
        read = read.list.eval(step(pl.element()))
    return read.fill_null(pl.lit([], pl.List(pl.String)))


def fields(raw: pl.Expr, setting: Setting) -> Made:
    """Make an object of all fields, in jsonb's own text form."""
    read = members(raw) if setting.read is None else setting.read
    if setting.absent:
        read = read.list.eval(_or_absent(pl.element(), setting.absent))
    sign = pl.element().str.slice(0, 1)
    text = pl.concat_str(pl.lit("{"), read.list.eval(pl.element().str.slice(1)).list.join(", "), pl.lit("}"))
    return Made(
        value=pl.when(raw.is_not_null()).then(text),
        unreadable=pl.lit(value=False),
        altered=read.list.eval(~sign.is_in([_PLAIN, _DAY])).list.any().fill_null(value=False),
        odd={o: read.list.eval(sign == s).list.any().fill_null(value=False) for o, s in _SIGNS.items()},
    )


def _or_absent(member: pl.Expr, absent: tuple[str, ...]) -> pl.Expr:
    """Take a day that means nothing is here for null."""
    is_day = member.str.slice(0, 1).is_in([_DAY, _DATED])
    is_absent = member.str.slice(-_DAY_BEHIND).is_in([f'"{day}"' for day in absent])
    name = member.str.slice(1, member.str.len_chars() - 1 - _DAY_BEHIND)
    return pl.when(is_day & is_absent).then(pl.concat_str(pl.lit(_ABSENT), name, pl.lit("null"))).otherwise(member)


def _parted(field: pl.Expr) -> pl.Expr:
    return field.str.splitn(":", 3).struct.rename_fields(["name", "kind", "said"])


def _written(field: pl.Expr) -> pl.Expr:
    """Give a field's name as JSON, its kind, and its value as text."""
    name, kind, said = (field.struct.field(part) for part in ("name", "kind", "said"))
    is_nothing, is_bytes = said == NOTHING, said.str.starts_with(BYTES)
    kind = pl.when(is_nothing).then(pl.lit("")).when(is_bytes).then(pl.lit(_UNREADABLE)).otherwise(kind)
    return pl.struct(
        json_text(_unescaped(name.str.replace_all("~2", ":", literal=True))).alias("name"),
        kind.alias("kind"),
        _unescaped(said).alias("value"),
    )


def _unescaped(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all("~1", "|", literal=True).str.replace_all("~0", "~", literal=True)


def _spelt(field: pl.Expr) -> pl.Expr:
    """Give a field's text as the object has it, if it is of its kind; and null where it is not."""
    name, kind, value = (field.struct.field(part) for part in ("name", "kind", "value"))
    number = value.str.replace(r"^-([0.]*)$", "$1").str.replace(r"^(-?)0+([0-9])", "$1$2")
    day = value.str.slice(0, 10)
    is_day = value.str.contains(rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:{_CLOCK})?$") & (day >= "0001")
    listed = value.str.replace_all(r"[ \t\r\n]", "").str.replace_all(",+", ",").str.strip_chars(",")
    listed = listed.str.replace_all(r"(^|,)-(0+)(,|$)", "$1$2$3").str.replace_all(r"(^|,)(-?)0+([0-9])", "$1$2$3")
    readings = {
        "text": (~value.str.contains(NUL, literal=True), value),
        "integer": (value.str.contains(r"^-?[0-9]+(?:\.0+)?$"), number.str.replace(r"\.0*$", "")),
        "decimal": (value.str.contains(r"^-?[0-9]+(?:\.[0-9]+)?$"), number),
        "boolean": (value.is_in(["0", "1"]), value),
        "date": (is_day & day.str.to_date("%Y-%m-%d", strict=False).is_not_null(), day),
        "list": (listed.str.contains(r"^(?:-?[0-9]+(?:,-?[0-9]+)*)?$"), listed),
    }
    texts = (pl.when((kind == of) & is_one).then(text) for of, (is_one, text) in readings.items())
    return pl.struct(name.alias("name"), kind.alias("kind"), value.alias("value"), pl.coalesce(texts).alias("text"))


def _told(field: pl.Expr) -> pl.Expr:
    """Give the member of the object behind its sign."""
    name, kind, value, text = (field.struct.field(part) for part in ("name", "kind", "value", "text"))
    other = pl.when(kind == "list").then(pl.lit(_LISTED)).otherwise(pl.lit(_SPELT))
    has_time = value.str.slice(10).str.contains("[1-9]")
    sign = (
        pl.when(kind == "")
        .then(pl.lit(_PLAIN))
        .when(text.is_null())
        .then(pl.lit(_UNREADABLE))
        .when(kind == "date")
        .then(pl.when(has_time).then(pl.lit(_DATED)).otherwise(pl.lit(_DAY)))
        .when(text != value)
        .then(other)
        .otherwise(pl.lit(_PLAIN))
    )
    written = (
        pl.when(kind.is_in(["text", "date"]))
        .then(json_text(text))
        .when(kind == "list")
        .then(pl.concat_str(pl.lit("["), text.str.replace_all(",", ", ", literal=True), pl.lit("]")))
        .when(kind == "boolean")
        .then(pl.when(text == "1").then(pl.lit("true")).when(text == "0").then(pl.lit("false")))
        .otherwise(text)
    )
    return pl.concat_str(sign, name, pl.lit(": "), written.fill_null("null"))


def members_sql(raw: str) -> str:
    """Read every field, in DuckDB: a list of structs of a sign, the name as JSON, and the value's text."""
    f, said = "string_split(f, ':')", "array_to_string(string_split(f, ':')[3:], ':')"
    name = json_text_sql(f"replace(replace(replace({f}[1], '~2', ':'), '~1', '|'), '~0', '~')")
    value = f"replace(replace({said}, '~1', '|'), '~0', '~')"
    parts = f"{{'n': {name}, 'k': {f}[2], 's': {said}, 'v': {value}}}"
    split = f"list_transform(string_split({raw}, '{BETWEEN}'), lambda f: {parts})"
    read = f"list_transform({split}, lambda m: {{'name': m.n, 'read': {_read_sql()}}})"
    return f"CASE WHEN {raw} <> '' THEN {read} ELSE [] END"


def _read_sql() -> str:
    """Read a value by its kind: its sign and its text, as one text."""
    cases = [
        f"WHEN m.s = '{NOTHING}' THEN '{_PLAIN}null'",
        f"WHEN starts_with(m.s, '{BYTES}') THEN '{_UNREADABLE}null'",
    ]
    whole = r"regexp_extract(m.v, '^-?0*(\d+?)(\.0+)?$', 1)"
    head, tail = r"regexp_extract(m.v, '^-?0*(\d+)', 1)", r"regexp_extract(m.v, '^-?\d+(\.\d+)?$', 1)"
    is_zero = "NOT regexp_matches(m.v, '[1-9]')"
    minus = f"CASE WHEN m.v LIKE '-%' AND NOT ({is_zero}) THEN '-' ELSE '' END"

    def spelt(text: str) -> str:
        return f"CASE WHEN {text} = m.v THEN '{_PLAIN}' ELSE '{_SPELT}' END || {text}"

    cases.append(f"WHEN m.k = 'text' AND strpos(m.v, chr(0)) = 0 THEN '{_PLAIN}' || {json_text_sql('m.v')}")
    cases.append(
        rf"WHEN m.k = 'integer' AND regexp_full_match(m.v, '-?\d+(\.0+)?') THEN {spelt(f'concat({minus}, {whole})')}"
    )
    cases.append(
        rf"WHEN m.k = 'decimal' AND regexp_full_match(m.v, '-?\d+(\.\d+)?') "
        f"THEN {spelt(f'concat({minus}, {head}, {tail})')}"
    )
    cases += [f"WHEN m.k = 'boolean' AND m.v = '{n}' THEN '{_PLAIN}{text}'" for n, text in ((0, "false"), (1, "true"))]
    clock = r"[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
    is_day = rf"regexp_full_match(m.v, '\d{{4}}-\d\d-\d\d({clock})?') AND left(m.v, 4) <> '0000'"
    is_day += " AND TRY_CAST(left(m.v, 10) AS DATE) IS NOT NULL"
    has_time = "CASE WHEN trim(substr(m.v, 11), ' T:.0') = '' THEN '" + _DAY + "' ELSE '" + _DATED + "' END"
    cases.append(f"""WHEN m.k = 'date' AND {is_day} THEN {has_time} || '"' || left(m.v, 10) || '"'""")
    entries = r"list_filter(string_split(regexp_replace(m.v, '[ \t\r\n]', '', 'g'), ','), lambda e: e <> '')"
    numbers = f"list_transform({entries}, lambda e: CAST(TRY_CAST(e AS HUGEINT) AS VARCHAR))"
    is_list = rf"len(list_filter({entries}, lambda e: NOT regexp_full_match(e, '-?\d{{1,38}}'))) = 0"
    sign = f"CASE WHEN array_to_string({numbers}, ',') = m.v THEN '{_PLAIN}' ELSE '{_LISTED}' END"
    cases.append(f"WHEN m.k = 'list' AND {is_list} THEN {sign} || '[' || array_to_string({numbers}, ', ') || ']'")
    return f"CASE {' '.join(cases)} ELSE '{_UNREADABLE}null' END"


def fields_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Make an object of all fields, in DuckDB."""
    read = members_sql(raw) if setting.read_sql is None else setting.read_sql
    if setting.absent:
        days = ", ".join(quoted(f'"{day}"') for day in setting.absent)
        is_absent = f"left(m.read, 1) IN ('{_DAY}', '{_DATED}') AND substr(m.read, 2) IN ({days})"
        told = f"CASE WHEN {is_absent} THEN '{_ABSENT}null' ELSE m.read END"
        read = f"list_transform({read}, lambda m: {{'name': m.name, 'read': {told}}})"
    text = f"array_to_string(list_transform({read}, lambda m: m.name || ': ' || substr(m.read, 2)), ', ')"
    signs = f"list_transform({read}, lambda m: left(m.read, 1))"
    plain = f"'{_PLAIN}', '{_DAY}'"
    return MadeSql(
        value=f"CASE WHEN {raw} IS NOT NULL THEN '{{' || {text} || '}}' END",
        unreadable="false",
        altered=f"coalesce(len(list_filter({signs}, lambda s: s NOT IN ({plain}))) > 0, false)",
        odd={oddity: f"coalesce(list_contains({signs}, '{sign}'), false)" for oddity, sign in _SIGNS.items()},
    )
