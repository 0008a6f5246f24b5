"""SQL Server's types as a column declares them.

Owns what a declaration means: its sizes in the `sys` catalog, its family, and the DuckDB type that keeps its
values exactly. Knows neither bytes nor queries. Invariant: `SqlType.parse(str(t)) == t`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["integer", "decimal", "money", "float", "text", "binary", "date", "time", "moment", "offset", "guid"]

DEFAULT_COLLATION: Final = "SQL_Latin1_General_CP1_CI_AS"
MAX: Final = -1

#: base type: (user_type_id, bytes, precision, scale); 0 bytes where the declaration says them.
BASES: Final[dict[str, tuple[int, int, int, int]]] = {
    "image": (34, 16, 0, 0),
    "text": (35, 16, 0, 0),
    "uniqueidentifier": (36, 16, 0, 0),
    "date": (40, 3, 10, 0),
    "time": (41, 5, 16, 7),
    "datetime2": (42, 8, 27, 7),
    "datetimeoffset": (43, 10, 34, 7),
    "tinyint": (48, 1, 3, 0),
    "smallint": (52, 2, 5, 0),
    "int": (56, 4, 10, 0),
    "smalldatetime": (58, 4, 16, 0),
    "real": (59, 4, 24, 0),
    "money": (60, 8, 19, 4),
    "datetime": (61, 8, 23, 3),
    "float": (62, 8, 53, 0),
    "sql_variant": (98, 8016, 0, 0),
    "ntext": (99, 16, 0, 0),
    "bit": (104, 1, 1, 0),
    "decimal": (106, 0, 18, 0),
    "numeric": (108, 0, 18, 0),
    "smallmoney": (122, 4, 10, 4),
    "bigint": (127, 8, 19, 0),
    "varbinary": (165, 0, 0, 0),
    "varchar": (167, 0, 0, 0),
    "binary": (173, 0, 0, 0),
    "char": (175, 0, 0, 0),
    "timestamp": (189, 8, 0, 0),
    "nvarchar": (231, 0, 0, 0),
    "nchar": (239, 0, 0, 0),
    "xml": (241, MAX, 0, 0),
    "hierarchyid": (128, 892, 0, 0),
    "geometry": (129, MAX, 0, 0),
    "geography": (130, MAX, 0, 0),
    "json": (244, MAX, 0, 0),
}
#: Types of the CLR: they share one system_type_id, and hold bytes of their own forms.
CLR: Final = frozenset({"hierarchyid", "geometry", "geography"})
_CLR_ID: Final = 240
_SYNONYMS: Final = {
    "integer": "int",
    "boolean": "bit",
    "dec": "decimal",
    "rowversion": "timestamp",
    "sysname": "nvarchar(128)",
    "double precision": "float",
}
_FAMILIES: Final[dict[str, Family]] = {
    **dict.fromkeys(("bit", "tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("decimal", "numeric"), "decimal"),
    **dict.fromkeys(("money", "smallmoney"), "money"),
    **dict.fromkeys(("real", "float"), "float"),
    **dict.fromkeys(("char", "varchar", "text", "nchar", "nvarchar", "ntext", "xml", "json", "sql_variant"), "text"),
    **dict.fromkeys(("binary", "varbinary", "image", "timestamp", *CLR), "binary"),
    **dict.fromkeys(("datetime", "smalldatetime", "datetime2"), "moment"),
    "date": "date",
    "time": "time",
    "datetimeoffset": "offset",
    "uniqueidentifier": "guid",
}
_STORED: Final[dict[str, str]] = {
    "bit": "UTINYINT",
    "tinyint": "UTINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "money": "DECIMAL(19,4)",
    "smallmoney": "DECIMAL(10,4)",
    "real": "FLOAT",
    "float": "DOUBLE",
    "date": "DATE",
}
_STORED_BY_FAMILY: Final[dict[Family, str]] = {
    "text": "VARCHAR",
    "binary": "BLOB",
    "moment": "BIGINT",  # 100 ns since 0001-01-01, which is also how SQL Server compares its moments
    "time": "BIGINT",  # 100 ns since midnight
    "offset": "HUGEINT",  # instant in 100 ns * 4096 + (offset in minutes + 2048): sorts by the instant
    "guid": "VARCHAR",  # 32 digits in the order in which SQL Server compares them
}
_FORM: Final = re.compile(r"([a-z_][a-z_0-9 ]*?)\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SqlType:
    """A declared type: `length` in characters or bytes (`MAX` for max), `precision` and `scale` as in `sys.columns`."""

    base: str
    length: int = 0
    precision: int = 0
    scale: int = 0

    @classmethod
    def parse(cls, declared: str) -> SqlType:
        """Read a declaration such as `decimal(18,2)` or `nvarchar(max)`.

        Raises ValueError on one that SQL Server does not have.
        """
        form = _FORM.fullmatch(declared.strip())
        name = "" if form is None else form[1].lower()
        if "(" in (synonym := _SYNONYMS.get(name, name)):
            return cls.parse(synonym)
        if form is None or synonym not in BASES:
            raise ValueError(f"{declared!r} is no type of SQL Server")
        _, _, precision, scale = BASES[synonym]
        first, second = form[2], form[3]
        match synonym:
            case "decimal" | "numeric":
                return cls(synonym, 0, int(first or precision), int(second or 0))
            case "time" | "datetime2" | "datetimeoffset":
                digits = int(first) if first else 7
                whole = {"time": 8, "datetime2": 19, "datetimeoffset": 26}[synonym]
                return cls(synonym, 0, whole + digits + (digits > 0), digits)
            case "char" | "nchar" | "varchar" | "nvarchar" | "binary" | "varbinary":
                return cls(synonym, MAX if (first or "").lower() == "max" else int(first or 1))
            case "float" if first and int(first) <= 24:
                return cls.parse("real")
        return cls(synonym, 0, precision, scale)

    def __str__(self) -> str:
        match self.base:
            case "decimal" | "numeric":
                return f"{self.base}({self.precision},{self.scale})"
            case "time" | "datetime2" | "datetimeoffset":
                return f"{self.base}({self.scale})"
            case _ if self.length:
                return f"{self.base}({'max' if self.length == MAX else self.length})"
        return self.base

    @property
    def family(self) -> Family:
        """The family whose members are stored and compared alike."""
        return _FAMILIES[self.base]

    @property
    def is_wide(self) -> bool:
        """Whether text takes two bytes for each UTF-16 unit."""
        return self.base in {"nchar", "nvarchar", "ntext", "xml", "json", "sql_variant"}

    @property
    def is_collated(self) -> bool:
        """Whether columns of the type have a collation."""
        return self.family == "text" and self.base not in {"xml", "json", "sql_variant"}

    @property
    def stored(self) -> str:
        """The DuckDB type that keeps the values."""
        if self.family == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        return _STORED.get(self.base) or _STORED_BY_FAMILY[self.family]

    @property
    def user_type_id(self) -> int:
        """`user_type_id`, each type's own."""
        return BASES[self.base][0]

    @property
    def system_type_id(self) -> int:
        """`system_type_id`: the same, but for types of the CLR."""
        return _CLR_ID if self.base in CLR else self.user_type_id

    @property
    def max_length(self) -> int:
        """`max_length` of `sys.columns`: bytes, -1 for max."""
        match self.family:
            case "decimal":
                return decimal_bytes(self.precision)
            case "time" | "moment" | "offset" if self.base in {"time", "datetime2", "datetimeoffset"}:
                time_bytes = 3 + (self.scale > 2) + (self.scale > 4)
                return time_bytes + {"time": 0, "datetime2": 3, "datetimeoffset": 5}[self.base]
        if self.length == MAX:
            return MAX
        return BASES[self.base][1] or self.length * (2 if self.is_wide else 1)


def decimal_bytes(precision: int) -> int:
    """Give the bytes that a decimal of some precision takes, its sign included."""
    return 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17
