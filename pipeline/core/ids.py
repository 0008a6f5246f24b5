"""Make the deterministic ids: one function from (tenant, legacy table, legacy key) to a UUID.

An id is UUIDv5(namespace, name), the namespace the installation's, and a row's name is
`<tenant>/<kind>.<schema>.<table>/<key>`, to which a further row made from the same legacy row appends
`#<target table>/<part>`. Keys are JSON arrays without
blanks, so any reader can parse `legacy_id` back. Every function has a twin that writes DuckDB SQL for
verification; the twins of uuid5 and json_text call macros, so a connection runs MACROS_SQL first. PostgreSQL
has no twin: its core has no SHA-1 (uuid-ossp and pgcrypto have, and the embedded server lacks both).

Invariant: ids never depend on a run, a clock or an order.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final, Literal

import polars as pl
import polars_hash as plh

from pipeline.core.text import fold, fold_email, fold_email_sql, fold_sql, quoted
from schemas.installation import Installation

__all__ = [
    "BATCHES",
    "MACROS_SQL",
    "NIL",
    "UNRESOLVED",
    "KeyKind",
    "fold",
    "fold_email",
    "fold_email_sql",
    "fold_sql",
    "json_text",
    "json_text_sql",
    "key_json",
    "key_json_sql",
    "row_name",
    "row_name_sql",
    "tenant",
    "tenant_sql",
    "uuid5",
    "uuid5_sql",
]

BATCHES: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "batch.legacy-to-tenant")
"""The namespace of the ids of batches, which are of this tool and no fleet."""
NIL = uuid.UUID(int=0)
"""The tenant of shared rows."""
UNRESOLVED = uuid.UUID(int=(1 << 128) - 1)
"""The pseudo-tenant of the directory's rows whose tenant cannot be told; they count, and are never loaded."""

KeyKind = Literal["int", "text"]
"""How a key column is written in the JSON array: all but integers as text."""

#: How a whole number is written, in a key and in JSON.
_WHOLE = "^(-?[1-9][0-9]*|0)$"
#: A table's name that stands in a path as it is, as `schemas.model` has it.
_PLAIN_NAME = r"^[\p{L}\p{N}_$ -]+$"
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
# RFC 8785: backslash, quote and the controls, the five short forms where there is one, and nothing else.
_ESCAPES = {"\\": "\\\\", '"': '\\"'} | {chr(point): _SHORT.get(chr(point), f"\\u{point:04x}") for point in range(0x20)}
# Made once, as an entity's expressions name them for each key and column.
_ESCAPED, _WRITTEN = pl.lit([*_ESCAPES]), pl.lit([*_ESCAPES.values()])


def tenant(installation: Installation, key: pl.Expr) -> pl.Expr:
    """Give the tenant of a key that is written as `Installation.tenant_key` does: 36 characters, null for null."""
    written = key if installation.tenants.key == "integer" else json_text(key)
    return uuid5(installation.namespace, pl.concat_str(pl.lit("tenant/"), written))


def tenant_sql(installation: Installation, key: str) -> str:
    """Give the tenant of a key, in DuckDB."""
    written = key if installation.tenants.key == "integer" else json_text_sql(key)
    return uuid5_sql(installation.namespace, f"('tenant/' || {written})")


def json_text(expr: pl.Expr) -> pl.Expr:
    """Write text as a quoted JSON string, null for null."""
    return pl.concat_str([pl.lit('"'), expr.str.replace_many(_ESCAPED, _WRITTEN), pl.lit('"')])


def json_text_sql(sql: str) -> str:
    """Write text as a quoted JSON string, null for null, in DuckDB."""
    return f"json_text_of({sql})"


def key_json(parts: Sequence[tuple[pl.Expr, KeyKind]]) -> pl.Expr:
    """Write a legacy key as a JSON array without blanks.

    Parts are raw text in key order. An int part is taken as it stands, since raw integers are digits; what a file of
    SQLite holds instead is written as text. A null part is written `null`.
    """
    pieces = [pl.lit("[")]
    for index, (expr, kind) in enumerate(parts):
        if index:
            pieces.append(pl.lit(","))
        written = json_text(expr)
        if kind == "int":
            written = pl.when(expr.str.contains(_WHOLE)).then(expr).otherwise(written)
        pieces.append(written.fill_null("null"))
    return pl.concat_str([*pieces, pl.lit("]")])


def key_json_sql(parts: Sequence[tuple[str, KeyKind]]) -> str:
    """Write a legacy key as a JSON array without blanks, in DuckDB."""
    values = [f"coalesce({_part_sql(sql, kind)}, 'null')" for sql, kind in parts]
    return "('[' || " + " || ',' || ".join(values) + " || ']')"


def _part_sql(sql: str, kind: KeyKind) -> str:
    written = json_text_sql(sql)
    return (
        written
        if kind == "text"
        else f"CASE WHEN regexp_full_match({sql}, '{_WHOLE[1:-1]}') THEN {sql} ELSE {written} END"
    )


def row_name(tenant: pl.Expr, path: str, key: pl.Expr, *, piece: str = "", table: pl.Expr | None = None) -> pl.Expr:
    """Name a row: `<tenant>/<path>/<key><piece>`.

    `path` is `<kind>.<schema>.<table>` or `derived.<target table>`, or lacks its table where that is another for each
    row; `piece` is empty for the main row, and `#<target table>/<part>` for a further one. Null where tenant or key is
    null.
    """
    if table is None:
        return pl.concat_str([tenant, pl.lit(f"/{path}/"), key, pl.lit(piece)])
    named = pl.when(table.str.contains(_PLAIN_NAME)).then(table).otherwise(json_text(table))
    return pl.concat_str([tenant, pl.lit(f"/{path}."), named, pl.lit("/"), key, pl.lit(piece)])


def row_name_sql(tenant: str, path: str, key: str, *, piece: str = "", table: str | None = None) -> str:
    """Name a row, in DuckDB; a tenant of type UUID is written as text."""
    if table is None:
        return f"({tenant} || {quoted(f'/{path}/')} || {key} || {quoted(piece)})"
    named = f"CASE WHEN regexp_matches({table}, {quoted(_PLAIN_NAME)}) THEN {table} ELSE {json_text_sql(table)} END"
    return f"({tenant} || {quoted(f'/{path}.')} || {named} || '/' || {key} || {quoted(piece)})"


def uuid5(namespace: uuid.UUID, name: pl.Expr) -> pl.Expr:
    """Hash a name into its id: 36 characters in lower case, null for null."""
    return plh.UUIDHashNameSpace(name).uuid5(str(namespace))


def uuid5_sql(namespace: uuid.UUID, name_sql: str) -> str:
    """Hash a name into its id, a value of DuckDB's type UUID."""
    return f"uuid5_of('{namespace.hex}', {name_sql})"


# The first 16 bytes of the hash, with version and variant in place of six of their bits. Bits of a number are set in
# half the time that cutting the text takes.
MACROS_SQL = r"""
CREATE OR REPLACE TEMP MACRO uuid5_of(namespace, name) AS CAST(
    (CAST(CAST(unhex(left(sha1(unhex(namespace) || encode(name)), 32)) AS UUID) AS UHUGEINT)
    & CAST(CAST('ffffffff-ffff-0fff-3fff-ffffffffffff' AS UUID) AS UHUGEINT))
    | CAST(CAST('00000000-0000-5000-8000-000000000000' AS UUID) AS UHUGEINT) AS UUID);
CREATE OR REPLACE TEMP MACRO json_text_of(t) AS CASE
    WHEN t IS NULL THEN NULL
    WHEN NOT regexp_matches(t, '[\x00-\x1f"\\]') THEN '"' || t || '"'
    ELSE '"' || array_to_string(list_transform(string_split(t, ''), lambda c: CASE
        WHEN c = '"' THEN '\"'
        WHEN c = '\' THEN '\\'
        WHEN c = chr(8) THEN '\b'
        WHEN c = chr(9) THEN '\t'
        WHEN c = chr(10) THEN '\n'
        WHEN c = chr(12) THEN '\f'
        WHEN c = chr(13) THEN '\r'
        WHEN unicode(c) < 32 THEN printf('\u%04x', unicode(c))
        ELSE c END), '') || '"' END;
"""
