"""Fold and trim text alike in Polars and in DuckDB, and quote constants for SQL text.

The two libraries lower-case text differently (final sigma, I with a dot above) and trim different blanks, so
nothing else in the core may call `lower` or `trim` on its own. Each function here stands beside its `_sql`
twin; the twin is written from the definition, not from the Polars expression.

Invariant: for any text, an expression and its twin give the same value, null for null. Outside of it are the
54 capital letters that the newest versions of Unicode added (Garay and the like): DuckDB does not know them.
"""

from __future__ import annotations

import string

import polars as pl

from schemas.engines import FACTS, Engine

NUL = "\x00"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Unicode's White_Space property, which is also what .NET's String.Trim removes.
BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

# Polars writes a sigma at the end of a word in its final form, DuckDB never does; and DuckDB drops the dot of
# a capital I with a dot above. Both are settled before lower-casing: one sigma, and an i that keeps its dot.
_SETTLED = {
    "\N{GREEK CAPITAL LETTER SIGMA}": "\N{GREEK SMALL LETTER SIGMA}",
    "\N{GREEK SMALL LETTER FINAL SIGMA}": "\N{GREEK SMALL LETTER SIGMA}",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}": "i\N{COMBINING DOT ABOVE}",
}


def said(sentence: str, sql: str) -> str:
    """Begin a statement with the sentence that says what it asks."""
    return f"-- {sentence}\n{sql.strip()}"


def quoted(value: str) -> str:
    """Write a text constant as an SQL literal.

    Raises ValueError for U+0000, which SQL text cannot carry.
    """
    if NUL in value:
        raise ValueError("an SQL literal cannot hold U+0000")
    return "'" + value.replace("'", "''") + "'"


def lowered(expr: pl.Expr) -> pl.Expr:
    """Lower-case text, every sigma in its one form."""
    for letter, settled in _SETTLED.items():
        expr = expr.str.replace_all(letter, settled, literal=True)
    return expr.str.to_lowercase()


def lowered_sql(sql: str) -> str:
    """Lower-case text, in DuckDB."""
    return f"lower(replace(replace(replace({sql}, 'Σ', 'σ'), 'ς', 'σ'), 'İ', 'i' || chr(775)))"


def trimmed(expr: pl.Expr) -> pl.Expr:
    """Strip blanks from both ends."""
    return expr.str.strip_chars(BLANKS)


def trimmed_sql(sql: str) -> str:
    """Strip blanks from both ends, in DuckDB."""
    # Its trim is slow with a set of its own, and most text has nothing to strip.
    blank = r"[\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
    strip = f"regexp_replace({sql}, '^{blank}+|{blank}+$', '', 'g')"
    return f"CASE WHEN regexp_matches({sql}, '^{blank}|{blank}$') THEN {strip} ELSE {sql} END"


def fold(expr: pl.Expr, engine: Engine) -> pl.Expr:
    """Fold text as an engine's case-insensitive collation compares it: case does not count."""
    if FACTS[engine].folds_ascii_alone:
        return expr.str.replace_many(list(string.ascii_uppercase), list(string.ascii_lowercase))
    return lowered(expr)


def fold_sql(sql: str, engine: Engine) -> str:
    """Fold text as an engine's case-insensitive collation compares it, in DuckDB."""
    if FACTS[engine].folds_ascii_alone:
        return f"translate({sql}, '{string.ascii_uppercase}', '{string.ascii_lowercase}')"
    return lowered_sql(sql)


def unpadded(expr: pl.Expr) -> pl.Expr:
    """Strip the spaces that a padding collation passes over: those at the end, and no other blanks."""
    return expr.str.strip_chars_end(" ")


def unpadded_sql(sql: str) -> str:
    """Strip the spaces that a padding collation passes over, in DuckDB."""
    return f"rtrim({sql}, ' ')"


def unpadded_bytes(expr: pl.Expr) -> pl.Expr:
    """Strip the zeros at the end of bytes, written as hexadecimal digits, that a padding comparison passes over."""
    return expr.str.replace("(00)+$", "")


def unpadded_bytes_sql(sql: str) -> str:
    """Strip the zeros at the end of bytes, written as hexadecimal digits, in DuckDB."""
    return f"regexp_replace({sql}, '(00)+$', '')"


_WHOLE = "^-?[0-9]+"
# Whole seconds, of a day or a duration; what has an offset or an era behind them is none.
_SECONDS = "^(?:[0-9]{4}-[0-9]{2}-[0-9]{2} )?-?[0-9]+:[0-9]{2}:[0-9]{2}"


def at_scale(expr: pl.Expr, scale: int) -> pl.Expr:
    """Write plain decimal text with as many digits behind the point; what is none, or has more, as it stands."""
    return _at_digits(expr, scale, before=_WHOLE)


def at_scale_sql(sql: str, scale: int) -> str:
    """Write plain decimal text with as many digits behind the point, in DuckDB."""
    return _at_digits_sql(sql, scale, before=_WHOLE)


def at_fraction(expr: pl.Expr, digits: int) -> pl.Expr:
    """Write a moment or time with as many digits of a second; what is none, or has more, as it stands."""
    return _at_digits(expr, digits, before=_SECONDS)


def at_fraction_sql(sql: str, digits: int) -> str:
    """Write a moment or time with as many digits of a second, in DuckDB."""
    return _at_digits_sql(sql, digits, before=_SECONDS)


def _at_digits(expr: pl.Expr, digits: int, *, before: str) -> pl.Expr:
    whole, found = expr.str.extract(f"({before})"), expr.str.extract("[.]([0-9]+)$").fill_null("")
    found = found.str.strip_chars_end("0")
    made = [whole, pl.lit("."), found.str.pad_end(digits, "0")] if digits else [whole]
    fits = expr.str.contains(f"{before}([.][0-9]+)?$") & (found.str.len_bytes() <= digits)
    return pl.when(fits).then(pl.concat_str(made)).otherwise(expr)


def _at_digits_sql(sql: str, digits: int, *, before: str) -> str:
    found = f"rtrim(regexp_extract({sql}, '[.]([0-9]+)$', 1), '0')"
    made = f"split_part({sql}, '.', 1)" + (f" || '.' || rpad({found}, {digits}, '0')" if digits else "")
    fits = f"regexp_matches({sql}, '{before}([.][0-9]+)?$') AND length({found}) <= {digits}"
    return f"CASE WHEN {fits} THEN {made} ELSE {sql} END"


def fold_email(expr: pl.Expr) -> pl.Expr:
    """Fold an e-mail address for matching: blanks at both ends and case do not count (H8)."""
    return lowered(trimmed(expr))


def fold_email_sql(sql: str) -> str:
    """Fold an e-mail address for matching, in DuckDB."""
    return lowered_sql(trimmed_sql(sql))


def fold_identifier(expr: pl.Expr) -> pl.Expr:
    """Fold an identifier for searching: trimmed, lower case, no leading zeros, `0` for zeros alone (H3)."""
    key = lowered(trimmed(expr))
    stripped = key.str.strip_chars_start("0")
    return pl.when((stripped == "") & (key != "")).then(pl.lit("0")).otherwise(stripped)


def fold_identifier_sql(sql: str) -> str:
    """Fold an identifier for searching, in DuckDB."""
    return rf"regexp_replace({lowered_sql(trimmed_sql(sql))}, '^0+(.)', '\1', 's')"
