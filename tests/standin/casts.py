"""CAST and CONVERT, as DuckDB expressions on the stored forms.

Owns which macro (`macros.sql`) turns which type into which. Invariant: a conversion that is not certain to be
SQL Server's is refused; none is approximated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pysqlbridge.tds.result import QueryError
from sqlglot import exp

from tests.standin.declared import MAX, SqlType
from tests.standin.errors import not_supported
from tests.standin.values import stored

_DATETIME_STYLES: Final = frozenset({20, 21, 25, 120, 121})
#: Family of a target -> base types of the variants that become it; as text, those whose stored form is their text.
_VARIANT_BASES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": (
        "char",
        "varchar",
        "nchar",
        "nvarchar",
        "bit",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "decimal",
        "numeric",
    ),
    "float": ("float", "real"),
    "money": ("money", "smallmoney"),
    "binary": ("binary", "varbinary"),
}
#: Part of a collation's name, in capitals -> its code page; the first that fits.
_CODE_PAGES: Final = {"_UTF8": "utf-8", "LATIN1_GENERAL": "cp1252", "CYRILLIC_GENERAL": "cp1251"}
#: The widths of these families' whole text; a shorter varchar is an error there.
_GUID_LENGTH: Final = 36


def call(name: str, *arguments: exp.Expression | int) -> exp.Expression:
    """Call a macro or function of DuckDB."""
    return exp.Anonymous(
        this=name,
        expressions=[exp.Literal.number(one) if isinstance(one, int) else one for one in arguments],
    )


def duckdb_cast(value: exp.Expression, kind: str, *, safe: bool = False) -> exp.Expression:
    """Cast to a type of DuckDB's."""
    return (exp.TryCast if safe else exp.Cast)(this=value, to=exp.DataType.build(kind, dialect="duckdb"))


def literal(sql_type: SqlType, text: str) -> exp.Expression:
    """Write the stored form of a text that SQL Server converts to a type.

    Raises QueryError as SQL Server does on a text that cannot be converted.
    """
    try:
        value = stored(sql_type, text)
    except (ValueError, ArithmeticError):
        if sql_type.family == "guid":
            what = "Conversion failed when converting from a character string to uniqueidentifier."
            raise QueryError(what, number=8169) from None
        what = "Conversion failed when converting date and/or time from character string."
        raise QueryError(what, number=241) from None
    if sql_type.family == "date":
        return duckdb_cast(exp.Literal.string(str(value)), "DATE")
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(value)


def convert(
    value: exp.Expression, source: SqlType | None, target: SqlType, style: int | None, *, safe: bool
) -> exp.Expression:
    """Convert a value of a type (None: not known) to another, in a style of CONVERT.

    Raises QueryError where the stand-in cannot be sure of SQL Server's answer.
    """
    if isinstance(value, exp.Null):
        return duckdb_cast(value, target.stored)
    if source is None:
        raise not_supported(f"CAST to {target} of an expression of a type it cannot tell: {value.sql('tsql')}")
    if source.base == "sql_variant":
        return _of_variant(value, target)
    if target.base == "sql_variant":
        return _to_variant(value, source)
    if target.family == "text":
        return _to_text(value, source, target, style)
    if value.is_string and target.family in {"moment", "time", "offset", "date", "guid"}:
        return literal(target, value.name)
    match target.family:
        case "integer" | "decimal" | "money" | "float":
            return _to_number(value, source, target, safe=safe)
        case "moment" | "date" | "time" | "offset":
            return _to_moment(value, source, target)
        case "binary":
            return _to_binary(value, source, target)
    if source.family == target.family:
        return value
    raise not_supported(f"a conversion of {source} to {target}")


def narrowed(text: str, collation: str) -> str:
    """Give what is left of a text in the code page of a collation: a question mark for each character it lacks."""
    upper = collation.upper()
    for mark, code_page in _CODE_PAGES.items():
        if mark in upper:
            return text.encode(code_page, "replace").decode(code_page)
    raise not_supported(f"the code page of {collation}")


def length_of(value: exp.Expression, sql_type: SqlType | None) -> exp.Expression:
    """Give DATALENGTH: bytes."""
    if sql_type is None:
        raise not_supported("DATALENGTH of an expression of a type it cannot tell")
    if sql_type.family == "text":
        units = call("tsql_units", value) if sql_type.is_wide else call("length", value)
        return exp.Mul(this=units, expression=exp.Literal.number(2)) if sql_type.is_wide else units
    if sql_type.family == "binary":
        return call("octet_length", value)
    is_null = exp.Is(this=value.copy(), expression=exp.Null())
    return exp.Case(ifs=[exp.If(this=is_null, true=exp.Null())], default=exp.Literal.number(sql_type.max_length))


def _of_variant(value: exp.Expression, target: SqlType) -> exp.Expression:
    """Give the value of a variant whose base type is the target's; as text, of one whose text hangs on no style."""
    bases = " ".join(_VARIANT_BASES.get(target.family, (target.base,)))
    kept = call("tsql_variant_value", value, exp.Literal.string(f" {bases} "))
    match target.family:
        case "text":
            return call("tsql_cut", kept, target.length) if target.length not in {0, MAX} else kept
        case "binary":
            return call("unhex", kept)
    return duckdb_cast(kept, target.stored)


def _to_variant(value: exp.Expression, source: SqlType) -> exp.Expression:
    if source.family != "text":
        raise not_supported(f"a conversion of {source} to sql_variant")
    return call("tsql_variant", exp.Literal.string(source.base), value)


def _to_text(value: exp.Expression, source: SqlType, target: SqlType, style: int | None) -> exp.Expression:
    length = 2**30 if target.length in {0, MAX} else target.length
    match source.family:
        case "integer":
            text = call("tsql_int_text", value, length)
        case "decimal":
            text = call("tsql_number_text", value, length)
        case "money" if style == 2:
            text = call("tsql_number_text", value, length)
        case "float" if style == 3:
            text = call("tsql_float_text", value)
        case "guid":
            if length < _GUID_LENGTH:
                raise QueryError("Insufficient result space to convert uniqueidentifier value to char.", number=8170)
            text = call("tsql_guid_text", value)
        case "binary" if style in {1, 2}:
            text = exp.Upper(this=call("hex", value))
            text = call(
                "tsql_cut", text if style == 2 else exp.DPipe(this=exp.Literal.string("0x"), expression=text), length
            )
        case "text":
            text = call("tsql_cut", value, length) if target.length not in {0, MAX} else value
        case "date" | "time" | "moment" | "offset":
            text = call("tsql_cut", _moment_text(value, source, style), length)
        case _:
            raise not_supported(f"CONVERT({target}, {source}, {style if style is not None else 'no style'})")
    return call("rpad", text, length, exp.Literal.string(" ")) if target.base in {"char", "nchar"} else text


def _moment_text(value: exp.Expression, source: SqlType, style: int | None) -> exp.Expression:
    refused = not_supported(f"style {style} for {source}")
    if style is None:
        if source.base in {"datetime", "smalldatetime"}:
            raise refused  # style 0: names of months, of the session's language
        style = 121
    if source.family == "date":
        if style not in _DATETIME_STYLES | {23}:
            raise refused
        return duckdb_cast(value, "VARCHAR")
    if style == 23 and source.family == "moment":
        return call("tsql_days_text", exp.IntDiv(this=value, expression=exp.Literal.number(864_000_000_000)))
    if style not in _DATETIME_STYLES:
        raise refused
    # A smalldatetime has seconds and milliseconds in this form too, all zero.
    digits = 3 if source.base in {"datetime", "smalldatetime"} else source.scale
    if style in {20, 120}:
        digits = 0
    match source.base:
        case "time":
            return call("tsql_time_text", value, digits)
        case "datetimeoffset":
            return call("tsql_offset_text", value, digits)
        case "datetime" if digits:
            return call("tsql_datetime_text", value, digits)
    return call("tsql_moment_text", value, digits)


def _to_number(value: exp.Expression, source: SqlType, target: SqlType, *, safe: bool) -> exp.Expression:
    if source.family == "binary" and target.base == "bigint":
        # Big-endian; eight bytes that begin with a set bit would be negative, and are out of DuckDB's range: an error.
        digits = exp.DPipe(this=exp.Literal.string("0x"), expression=call("hex", value))
        return duckdb_cast(digits, "BIGINT", safe=safe)
    if source.family not in {"integer", "decimal", "money", "float", "text"}:
        raise not_supported(f"a conversion of {source} to {target}")
    if target.base == "bit":
        if source.family == "text":
            raise not_supported("text to bit")
        nonzero = exp.NEQ(this=value, expression=exp.Literal.number(0))
        return duckdb_cast(nonzero, "UTINYINT", safe=safe)
    if target.family == "integer" and source.family in {"decimal", "money", "float"}:
        value = call("trunc", value)  # DuckDB would round
    return duckdb_cast(value, target.stored, safe=safe)


def _to_moment(value: exp.Expression, source: SqlType, target: SqlType) -> exp.Expression:
    if source == target:
        return value
    if source.family == "date":
        value = call("tsql_date_ticks", value)
    elif source.family == "offset":
        if target.family == "offset" and target.scale == source.scale:
            return value
        value = call("tsql_local", value)
        if target.family == "offset":
            raise not_supported(f"a conversion of {source} to {target}")
    elif source.family != "moment":
        raise not_supported(f"a conversion of {source} to {target}")
    match target.base:
        case "date":
            return call("tsql_ticks_date", value)
        case "datetime":
            return call("tsql_as_datetime", value)
        case "smalldatetime":
            return call("tsql_round_ticks", value, 600_000_000)
    rounded = call("tsql_round_ticks", value, 10 ** (7 - target.scale))
    match target.family:
        case "time":
            return exp.Mod(this=exp.Paren(this=rounded), expression=exp.Literal.number(864_000_000_000))
        case "offset":
            shifted = exp.Mul(this=duckdb_cast(rounded, "HUGEINT"), expression=exp.Literal.number(4096))
            return exp.Add(this=shifted, expression=exp.Literal.number(2048))
    return rounded


def _to_binary(value: exp.Expression, source: SqlType, target: SqlType) -> exp.Expression:
    match source.family:
        case "binary":
            converted = value
        case "text":
            converted = call("tsql_utf16" if source.is_wide else "tsql_cp1252", value)
        case "integer":
            converted = call("tsql_int_bytes", value, source.max_length)
        case "guid":
            converted = call("tsql_guid_bytes", value)
        case _:
            raise not_supported(f"a conversion of {source} to {target}")
    if target.length in {0, MAX} or target.base != "varbinary":
        return converted
    return call("unhex", call("left", call("hex", converted), 2 * target.length))
