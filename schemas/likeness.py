"""Which types are alike: whose equal values have one text, and which may stand for which.

Owns no type; what a type is stands in `types.py`. Invariant: types that are not known to be alike are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from schemas.engines import FACTS, Engine, declares_as
from schemas.types import LEGACY_TYPES, LegacyType, SqlType, UnknownType, legacy_type, parse_type
from schemas.widening import holds

#: The families of which a source's column may be where an entry declares another: the raw text has the same form.
_ALIKE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "boolean": frozenset({"integer"}),
        "integer": frozenset({"boolean", "decimal"}),
        "decimal": frozenset({"integer"}),
        "uuid": frozenset({"text"}),
        "moment": frozenset({"day", "utc"}),
        "day": frozenset({"moment"}),
        "instant": frozenset({"utc"}),
        "text": frozenset({"uuid"}),
    }
)


def written_alike(left: str, right: str, engine: Engine) -> bool:
    """Say whether values of two columns that the engine holds for equal have one text, once they are folded."""
    form = _form(*legacy_type(left, engine))
    return form is not None and form == _form(*legacy_type(right, engine))


def _form(sql_type: SqlType, known: LegacyType) -> tuple[object, ...] | None:
    match known.spelling:
        case "many":
            return None
        case "collated":
            return known.family, known.pads
        case "declared" if known.family == "decimal":  # a column of no declared scale holds 1 and 1.0
            return (known.family, (*sql_type.args, 0)[1]) if sql_type.args else None
        case "declared":
            return sql_type.base, sql_type.args
        case "one":
            return sql_type.base if known.family in ("decimal", "text") else known.family, ()


def fits(declared: str, engine: Engine, expected: str, vocabulary: Engine) -> bool:
    """Say whether a column can be read as an entry's type: its raw form is alike, and the entry's holds its values."""
    is_written = declares_as(engine, vocabulary) and not FACTS[vocabulary].is_loose
    return (is_written and holds(expected, declared, vocabulary)) or is_compatible(
        declared, engine, expected, vocabulary
    )


def is_compatible(declared: str, engine: Engine, expected: str, vocabulary: Engine) -> bool:
    """Say whether a source's column can be read as an entry's type, which may be written in another's vocabulary.

    A SQLite snapshot declares its columns in the words of the database that it was taken of; one that is no snapshot
    declares nothing that binds a value.
    """
    if FACTS[vocabulary].is_loose:
        return engine == vocabulary
    try:
        if declares_as(engine, vocabulary):
            return _is_alike(parse_type(declared), parse_type(expected), vocabulary)
        got, wanted = legacy_type(declared, engine)[1], legacy_type(expected, vocabulary)[1]
    except UnknownType:
        return False
    return got.family == wanted.family or got.family in _ALIKE.get(wanted.family, ())


def _is_alike(declared: SqlType, expected: SqlType, engine: Engine) -> bool:
    """Say whether two declarations of one engine are of one form: a text's length and an integer's width are not."""
    if declared == expected or declared.base != expected.base:
        return declared == expected
    known = LEGACY_TYPES[engine].get(expected.base)
    return known is not None and known.family in ("text", "integer")
