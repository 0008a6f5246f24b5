"""The type that holds all that several do: where sources do not declare a column alike."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from schemas.engines import ENGINES, Engine
from schemas.types import LEGACY_TYPES, legacy_type
from schemas.widening import holds, widest

CASES: list[tuple[Engine, list[str], str | None]] = [
    ("mssql", ["decimal(8,2)", "numeric(10,4)"], "decimal(10,4)"),
    ("mssql", ["decimal(10,0)", "decimal(10,8)"], "decimal(18,8)"),
    ("mssql", ["decimal(38,0)", "decimal(38,10)"], "nvarchar(max)"),
    ("mssql", ["int", "decimal(8,2)"], "decimal(12,2)"),
    ("mssql", ["money", "int"], "decimal(19,4)"),
    ("mssql", ["bit", "tinyint"], "tinyint"),
    ("mssql", ["int", "bigint", "smallint"], "bigint"),
    ("mssql", ["datetime", "datetime2(7)"], "datetime2(7)"),
    ("mssql", ["datetime", "smalldatetime"], "datetime"),
    ("mssql", ["date", "smalldatetime"], "datetime2(0)"),
    ("mssql", ["time(3)", "time(7)"], "time(7)"),
    ("mssql", ["varchar(10)", "varchar(20)"], "varchar(20)"),
    ("mssql", ["varchar(10)", "nvarchar(20)"], "nvarchar(max)"),
    ("mssql", ["varchar(10)", "varchar(max)"], "varchar(max)"),
    ("mssql", ["int", "varchar(10)"], "nvarchar(max)"),
    ("mssql", ["varbinary(8)", "image"], "varbinary(max)"),
    ("mssql", ["geography", "varbinary(8)"], None),
    ("mssql", ["datetimeoffset(7)", "datetime2(7)"], None),
    ("mysql", ["datetime", "datetime(6)"], "datetime(6)"),
    ("mysql", ["timestamp", "datetime"], None),
    ("mysql", ["int(11)", "bigint(20)"], "bigint"),
    ("mysql", ["int", "int(10) unsigned zerofill"], "bigint"),
    ("mysql", ["bigint", "bigint unsigned"], "decimal(20,0)"),
    ("mysql", ["tinyint(1)", "tinyint(4)"], "tinyint"),
    ("mysql", ["bit(1)", "tinyint(1)"], "tinyint"),
    ("mysql", ["decimal(8,2) unsigned", "decimal(10,4)"], "decimal(10,4)"),
    ("mysql", ["float", "double"], "double"),
    ("mysql", ["varchar(10)", "text"], "longtext"),
    ("mysql", ["enum", "varchar(9)"], "longtext"),
    ("mysql", ["blob", "text"], None),
    ("postgresql", ["numeric(8,2)", "numeric"], "numeric"),
    ("postgresql", ["integer", "bigint"], "bigint"),
    ("postgresql", ["boolean", "smallint"], "smallint"),
    ("postgresql", ["oid", "integer"], "bigint"),
    ("postgresql", ["character varying(9)", "text"], "text"),
    ("postgresql", ["character varying(9)", "character varying"], "character varying"),
    ("postgresql", ["timestamp(3) without time zone", "timestamp without time zone"], "timestamp without time zone"),
    ("postgresql", ["timestamp with time zone", "timestamp without time zone"], None),
    ("postgresql", ["uuid", "text"], "text"),
    ("postgresql", ["real", "double precision"], "text"),
    ("postgresql", ["no such type", "text"], None),
    ("postgresql", ["no such type", "no such type"], "no such type"),
]


@pytest.mark.parametrize(("engine", "declared", "common"), CASES)
def test_the_type_that_holds_all(engine: Engine, declared: list[str], common: str | None) -> None:
    assert {widest(order, engine) for order in permutations(declared)} == {common}
    if common is not None:
        assert all(holds(common, name, engine) for name in declared)


@pytest.mark.parametrize("engine", ENGINES)
def test_of_any_two_types_the_common_one_holds_both(engine: Engine) -> None:
    for one, other in product(LEGACY_TYPES[engine], repeat=2):
        common = widest((one, other), engine)
        assert common == widest((other, one), engine)
        if common is None:
            continue
        legacy_type(common, engine)
        assert holds(common, one, engine), (one, other, common)
        assert holds(common, other, engine), (one, other, common)
        assert widest((common, one, other), engine) == common
