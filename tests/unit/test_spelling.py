"""Which values have one text, for every type of the table of types: a reference is told from texts, and from these alone."""

from __future__ import annotations

import pytest

from schemas.engines import ENGINES, Engine
from schemas.likeness import written_alike
from schemas.types import LEGACY_TYPES, Spelling

#: What is not of the first kind, which is the most of them: equal values have one text, whatever was declared.
SPELLINGS: dict[Engine, dict[Spelling, set[str]]] = {
    "mssql": {
        "declared": {"decimal", "numeric", "time", "datetime", "smalldatetime", "datetime2"},
        "collated": {"char", "varchar", "nchar", "nvarchar", "sysname", "text", "ntext", "binary", "varbinary"},
        # 0 and -0; one instant at two offsets; what is no key of any table.
        "many": {"float", "real", "datetimeoffset", "sql_variant", "xml", "json"},
    },
    "mysql": {
        "declared": {"decimal", "decimal unsigned", "datetime", "timestamp", "time"},
        "collated": {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"},
        "many": {
            "float",
            "float unsigned",
            "double",
            "double unsigned",
            "fixed double",
            "fixed double unsigned",
            "fixed float",
            "fixed float unsigned",
            "json",
            "enum",
            "set",
        },
    },
    "postgresql": {
        "declared": {"numeric", "timestamp without time zone", "timestamp with time zone"},
        "collated": {"character", "bpchar", "character varying", "text", "citext"},
        "many": {
            "real",
            "double precision",
            "interval",
            "json",
            "jsonb",
            "xml",
            "array",
            "composite",
            "range",
            "point",
            "line",
            "lseg",
            "box",
            "path",
            "polygon",
            "circle",
        },
    },
    "sqlite": {"collated": {"text"}, "many": {"real"}},
}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_table_of_types_says_of_each_whether_equal_values_have_one_text(engine: Engine) -> None:
    found: dict[str, set[str]] = {}
    for base, known in LEGACY_TYPES[engine].items():
        found.setdefault(known.spelling, set()).add(base)
    found.pop("one")
    assert found == SPELLINGS[engine]


@pytest.mark.parametrize(("engine", "base"), [(engine, base) for engine in ENGINES for base in LEGACY_TYPES[engine]])
def test_columns_of_one_type_are_written_alike_where_equal_values_have_one_text(engine: Engine, base: str) -> None:
    spelling = LEGACY_TYPES[engine][base].spelling
    declared = f"{base}(6)" if spelling == "declared" else base
    assert written_alike(declared, declared, engine) is (spelling != "many")


@pytest.mark.parametrize(
    ("engine", "left", "right", "is_alike"),
    [
        ("mssql", "money", "money", True),
        ("mssql", "datetime2(3)", "datetime2(7)", False),
        ("mssql", "datetimeoffset(7)", "datetimeoffset(7)", False),
        ("mssql", "float", "float", False),
        ("mssql", "decimal(9,2)", "decimal(18,2)", True),
        ("mssql", "decimal(9,2)", "decimal(9,3)", False),
        ("mssql", "char(5)", "varchar(9)", True),
        ("mysql", "bigint unsigned", "bigint(20) unsigned", True),
        ("mysql", "int unsigned", "int(6) unsigned zerofill", True),
        ("mysql", "enum", "enum", False),
        ("mysql", "time(3)", "time", False),
        ("postgresql", "money", "money", True),
        ("postgresql", "numeric", "numeric", False),
        ("postgresql", "numeric(5)", "numeric(9,0)", True),
        ("postgresql", "character(5)", "character(9)", True),
        ("postgresql", "character(5)", "text", False),
        ("postgresql", "timestamp(3) without time zone", "timestamp without time zone", False),
    ],
)
def test_columns_are_written_alike(engine: Engine, left: str, right: str, is_alike: bool) -> None:
    assert written_alike(left, right, engine) is is_alike
    assert written_alike(right, left, engine) is is_alike
