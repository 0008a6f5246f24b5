"""Take secrets out of free text, by name: what a column marked `scrub` passes before its first write.

The cleaned text is the only one ever written, the raw text is not kept: so the expression rather takes too
much than leaves a secret. Verification reads staged text that is clean already: its SQL is no twin but a
search for what must not be left.

Invariant: no cleaned text is found by the search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

# A parameter that grants access: an Azure signature, any ...token or ...signature. Separators and equals sign
# may be percent-encoded, in an address inside an address, and an ampersand an HTML entity (hence `;`).
_GRANT = r"(?:sig|[a-z0-9_.-]*token|[a-z0-9_.-]*signature)(?:=|%3D)"
_SEPARATOR = r"(?:[?&#;]|%3F|%26|%23)"
_IN_ADDRESS = r"""[^\s"'<>]"""
# From the query's question mark to the end of the address, so that the expiry and the version beside a
# signature go with it.
_QUERY = rf"(?i){_SEPARATOR}(?:{_IN_ADDRESS}*?{_SEPARATOR})?{_GRANT}{_IN_ADDRESS}*"


@dataclass(frozen=True, slots=True)
class Scrub:
    """A named scrub: the expression that cleans, and the DuckDB condition that finds what is left."""

    name: str
    hazard: str
    polars: Callable[[pl.Expr], tuple[pl.Expr, pl.Expr]]
    remains_sql: Callable[[str], str]


def access_tokens(expr: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Remove the whole query of each address whose query holds an access token (H66).

    Returns the cleaned text (null for null), and whether it differs from the raw text (false for null).
    """
    cleaned = expr.str.replace_all(_QUERY, "")
    return cleaned, (cleaned != expr).fill_null(value=False)


def has_token_sql(sql: str) -> str:
    """Find text that still holds an access token, in DuckDB; null holds none."""
    left = r"(?i)([?&#;]|%(3f|26|23))([a-z0-9_.-]*(token|signature)|sig)(=|%3d)"
    return f"coalesce(regexp_matches({sql}, '{left}'), false)"


SCRUBS: Mapping[str, Scrub] = MappingProxyType(
    {"access_tokens": Scrub("access_tokens", "H66", access_tokens, has_token_sql)}
)
