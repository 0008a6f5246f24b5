"""Convert text, numbers, flags, bytes and identifiers, each in Polars and in DuckDB SQL.

The libraries' own casts trim, round and accept more than legacy columns may hold (`1e2`, `+5`, ` 5`, `5.0`),
so a grammar stands before each. Null, empty and zero are three things: an empty text is no number, and it
rejects the row unless the entry lists it as absent.

Invariant: no value is rounded or cut, but that decimal text becomes the nearest binary float; what does not fit its
target type is unreadable.
"""

from __future__ import annotations

import re

import polars as pl

from pipeline.core.conversion import Made, MadeSql, Setting, ZoneJoin, parsed, parsed_sql
from pipeline.core.text import (
    NUL,
    REPLACEMENT,
    fold_email,
    fold_email_sql,
    fold_identifier,
    fold_identifier_sql,
)

_INTEGERS = {"smallint": pl.Int16(), "integer": pl.Int32(), "bigint": pl.Int64()}
_FLOATS = {"real": pl.Float32(), "double precision": pl.Float64()}
_FLOATS_SQL = {"real": "FLOAT", "double precision": "DOUBLE"}
#: Decimal digits that every value of the type gives back.
_FLOAT_DIGITS = {"real": 6, "double precision": 15}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


def text(raw: pl.Expr, setting: Setting) -> Made:
    """Keep text as it stands; U+0000 rejects the row, or is replaced by U+FFFD (H48)."""
    holds_nul = raw.str.contains(NUL, literal=True)
    if setting.nul == "replace":
        replaced = raw.str.replace_all(NUL, REPLACEMENT, literal=True)
        return parsed(raw, replaced, setting, altered=holds_nul, finding=holds_nul)
    return parsed(raw, pl.when(~holds_nul).then(raw), setting)


def text_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Keep text as it stands, in DuckDB."""
    holds_nul = f"(strpos({raw}, chr(0)) > 0)"
    if setting.nul == "replace":
        replaced = f"replace({raw}, chr(0), chr(65533))"
        return parsed_sql(raw, replaced, setting, altered=holds_nul, finding=holds_nul)
    return parsed_sql(raw, f"CASE WHEN NOT {holds_nul} THEN {raw} END", setting)


def integer(raw: pl.Expr, setting: Setting) -> Made:
    """Read digits with an optional minus; what is out of the target's range is unreadable."""
    digits = pl.when(raw.str.contains(r"^-?[0-9]+$")).then(raw)
    typed = digits.cast(pl.Int64, strict=False).cast(_INTEGERS[setting.pg_type], strict=False)
    return parsed(raw, typed, setting, altered=typed.cast(pl.String) != raw)


def integer_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Read digits with an optional minus, in DuckDB."""
    cast = f"TRY_CAST({raw} AS {setting.pg_type.upper()})"
    typed = f"CASE WHEN regexp_full_match({raw}, '-?[0-9]+') THEN {cast} END"
    padded = f"(regexp_matches({raw}, '^-?0[0-9]|^-0') AND {typed} IS NOT NULL)"
    return parsed_sql(raw, typed, setting, altered=padded)


def decimal(raw: pl.Expr, setting: Setting) -> Made:
    """Read plain digits with an optional fraction; significant digits beyond the target's are unreadable."""
    precision, scale = _precision_and_scale(setting.pg_type)
    plain = raw.str.contains(r"^-?[0-9]+(\.[0-9]+)?$")
    # Stripped rather than extracted: Polars takes ten times as long for what a regular expression captures.
    digits = raw.str.strip_chars_start("-0")
    point = digits.str.find(".", literal=True)
    whole = pl.coalesce(point, digits.str.len_bytes())
    fraction = (digits.str.strip_chars_end("0").str.len_bytes() - point - 1).fill_null(0)
    fits = plain & (whole <= precision - scale) & (fraction <= scale)
    typed = pl.when(fits).then(raw).cast(pl.Decimal(precision, scale), strict=False)
    # 12.3 and 12.30 are one value at two scales, if a type says which; 012.3 and -0 are spellings that it loses.
    odd = raw.str.contains(r"^-?0[0-9]") | raw.str.contains(r"^-[0.]+$")
    return parsed(raw, typed, setting, altered=odd & typed.is_not_null(), spelt=typed.cast(pl.String) == raw)


def decimal_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Read plain digits with an optional fraction, in DuckDB."""
    precision, scale = _precision_and_scale(setting.pg_type)
    grammar = rf"-?0*[0-9]{{0,{precision - scale}}}(\.[0-9]{{0,{scale}}}0*)?"
    plain = rf"regexp_full_match({raw}, '{grammar}') AND regexp_matches({raw}, '^-?[0-9]+(\.[0-9]|$)')"
    typed = f"CASE WHEN {plain} THEN TRY_CAST({raw} AS DECIMAL({precision},{scale})) END"
    body = f"ltrim({raw}, '-')"
    spelt = f"(({body} LIKE '0%' AND {body} <> '0' AND {body} NOT LIKE '0.%')"
    minus_zero = f"({raw} LIKE '-%' AND {typed} = 0)"
    altered = f"({spelt} OR {minus_zero}) AND {typed} IS NOT NULL)"
    point = rf"\.\d{{{scale}}}" if scale else ""
    return parsed_sql(raw, typed, setting, altered=altered, spelt=rf"regexp_full_match({raw}, '-?(0|[1-9]\d*){point}')")


def _precision_and_scale(pg_type: str) -> tuple[int, int]:
    match = _NUMERIC.fullmatch(pg_type)
    if match is None:
        raise ValueError(f"a decimal is made into numeric(p,s), not into {pg_type!r}")
    return int(match[1]), int(match[2])


def floating(raw: pl.Expr, setting: Setting) -> Made:
    """Read decimal or scientific text, `Infinity`, `Inf` and `NaN` (in any case) into the nearest binary float.

    What is beyond the target's largest value, or becomes zero without being zero, is unreadable. Of what was no float
    before, the raw text is kept where it has more digits than every float gives back.
    """
    number = raw.cast(_FLOATS[setting.pg_type], strict=False)
    finite = raw.str.contains(r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
    fits = number.is_finite() & ((number != 0) | ~raw.str.contains(r"^-?[0.]*[1-9]"))
    named = raw.str.contains(r"^(?:(?i)-?inf(?:inity)?|nan)$")
    typed, digits = pl.when((finite & fits) | named).then(number), _FLOAT_DIGITS[setting.pg_type]
    # Written without an exponent and without a zero that says nothing.
    spelt = raw.str.contains(r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?|Infinity|NaN)$")
    spelt &= raw.str.replace_all("[^0-9]", "").str.len_bytes() <= digits
    if setting.family in (None, "float"):
        return parsed(raw, typed, setting)
    significant = raw.str.replace_all("[^0-9]", "").str.strip_chars("0").str.len_bytes()
    return parsed(raw, typed, setting, altered=(significant > digits) & typed.is_not_null(), spelt=spelt)


def floating_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Read decimal or scientific text, `Infinity`, `Inf` and `NaN`, in DuckDB."""
    number = f"TRY_CAST({raw} AS {_FLOATS_SQL[setting.pg_type]})"
    finite = rf"regexp_full_match({raw}, '-?(\d+|\d+\.\d*|\.\d+)([eE][-+]?\d+)?')"
    lost = f"({number} = 0 AND regexp_matches(regexp_replace({raw}, '[eE].*', ''), '[1-9]'))"
    fits = f"{finite} AND NOT isinf({number}) AND NOT {lost}"
    named = f"lower({raw}) IN ('inf', '-inf', 'infinity', '-infinity', 'nan')"
    typed = f"CASE WHEN ({fits}) OR {named} THEN {number} END"
    if setting.family in (None, "float"):
        return parsed_sql(raw, typed, setting)
    limit, digits = _FLOAT_DIGITS[setting.pg_type], rf"regexp_replace({raw}, '\D', '', 'g')"
    plain = rf"regexp_full_match({raw}, '-?(0|[1-9]\d*)(\.\d*[1-9])?') AND length({digits}) <= {limit}"
    spelt = f"({plain} OR {raw} IN ('Infinity', '-Infinity', 'NaN', '-NaN'))"
    altered = f"(length(trim({digits}, '0')) > {limit} AND {typed} IS NOT NULL)"
    return parsed_sql(raw, typed, setting, altered=altered, spelt=spelt)


def binary(raw: pl.Expr, setting: Setting) -> Made:
    """Read bytes from hex; the case of its digits is no part of them."""
    return parsed(raw, raw.str.decode("hex", strict=False), setting, spelt=~raw.str.contains("[A-F]"))


def binary_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Read bytes from hex, in DuckDB."""
    form = f"regexp_full_match({raw}, '([0-9A-Fa-f]{{2}})*')"
    return parsed_sql(raw, f"CASE WHEN {form} THEN unhex({raw}) END", setting, spelt=f"({raw} = lower({raw}))")


def boolean(raw: pl.Expr, setting: Setting) -> Made:
    """Read `0` and `1`, nothing else."""
    typed = pl.when(raw == "1").then(pl.lit(value=True)).when(raw == "0").then(pl.lit(value=False))
    return parsed(raw, typed, setting)


def boolean_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Read `0` and `1`, in DuckDB."""
    return parsed_sql(raw, f"CASE {raw} WHEN '0' THEN false WHEN '1' THEN true END", setting)


def uuid(raw: pl.Expr, setting: Setting) -> Made:
    """Read 36 characters; case is no part of a GUID's value, so lower-casing alters nothing."""
    form = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
    lower = raw.str.to_lowercase()
    return parsed(raw, pl.when(raw.str.contains(form)).then(lower), setting, spelt=lower == raw)


def uuid_sql(raw: str, setting: Setting, _join: ZoneJoin) -> MadeSql:
    """Read 36 characters, in DuckDB."""
    # Its own cast also takes braces and misplaced hyphens; a GUID reads back as it was written.
    cast = f"TRY_CAST({raw} AS UUID)"
    typed = f"CASE WHEN {cast}::VARCHAR = lower({raw}) THEN {cast} END"
    return parsed_sql(raw, typed, setting, spelt=f"({cast}::VARCHAR = {raw})")


def search_key(raw: pl.Expr, setting: Setting) -> Made:
    """Normalise an identifier for searching: trimmed, lower case, no leading zeros, `0` for zeros alone (H3).

    Nothing is altered: the text itself stands in the column beside this one.
    """
    made = text(raw, setting)
    return Made(fold_identifier(made.value), made.unreadable)


def search_key_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Normalise an identifier for searching, in DuckDB."""
    made = text_sql(raw, setting, join)
    return MadeSql(fold_identifier_sql(made.value), made.unreadable)


def email(raw: pl.Expr, setting: Setting) -> Made:
    """Normalise an e-mail address for matching: trimmed and in lower case (H8); nothing is altered."""
    made = text(raw, setting)
    return Made(fold_email(made.value), made.unreadable)


def email_sql(raw: str, setting: Setting, join: ZoneJoin) -> MadeSql:
    """Normalise an e-mail address for matching, in DuckDB."""
    made = text_sql(raw, setting, join)
    return MadeSql(fold_email_sql(made.value), made.unreadable)
