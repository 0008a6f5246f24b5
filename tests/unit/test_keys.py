"""How a row names itself and is found, by the type of its key columns: in Polars and in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5

import duckdb
import polars as pl
import pytest

from pipeline.core import ids, keys, tenancy
from pipeline.core.sql import expected
from pipeline.core.sql import keys as sql_keys
from schemas.catalog import Catalog, MatchKey
from schemas.engines import Engine
from schemas.model import Entity
from tests.support.fleet import INSTALLATION

TENANT = "241315cd-4efe-5724-a6b2-ba411da5b1ce"

#: Type of the key column, whether it is case sensitive, raw text; the key, what it is found by.
CASES = {
    "text": ("nvarchar(9)", False, "Ab ", '["Ab "]', '["ab"]'),
    "case-sensitive-text": ("nvarchar(9)", True, "Ab ", '["Ab "]', '["Ab"]'),
    "bytes": ("varbinary(9)", False, "a000000a0000", '["a000000a0000"]', '["a000000a"]'),
    "integer": ("bigint", False, "-7", "[-7]", "[-7]"),
    "guid": (
        "uniqueidentifier",
        False,
        "B4927097-587F-4C9D-A8D4-9F8C19589A29",
        '["b4927097-587f-4c9d-a8d4-9f8c19589a29"]',
        '["b4927097-587f-4c9d-a8d4-9f8c19589a29"]',
    ),
    "date": (
        "datetime",
        False,
        "2018-10-03 17:00:00.000",
        '["2018-10-03 17:00:00.000"]',
        '["2018-10-03 17:00:00.000"]',
    ),
    "decimal": ("decimal(9,2)", False, "1.50", '["1.50"]', '["1.50"]'),
    # As a source shows them whose own column has other digits.
    "decimal-of-fewer-digits": ("decimal(9,2)", False, "-1.5", '["-1.50"]', '["-1.50"]'),
    "decimal-of-more-digits": ("decimal(9,2)", False, "0.1500", '["0.15"]', '["0.15"]'),
    "decimal-without-digits": ("decimal(9,2)", False, "7", '["7.00"]', '["7.00"]'),
    "decimal-of-whole-numbers": ("decimal(9)", False, "70.0", '["70"]', '["70"]'),
    "decimal-of-hundreds": ("decimal(5,-2)", False, "12300", '["12300"]', '["12300"]'),
    "decimal-that-does-not-fit": ("decimal(9,2)", False, "1.505", '["1.505"]', '["1.505"]'),
    "no-decimal": ("decimal(9,2)", False, "NaN", '["NaN"]', '["NaN"]'),
    "moment-of-fewer-digits": (
        "datetime2(3)",
        False,
        "2018-10-03 17:00:00",
        '["2018-10-03 17:00:00.000"]',
        '["2018-10-03 17:00:00.000"]',
    ),
    "moment-of-more-digits": (
        "datetime2(1)",
        False,
        "2018-10-03 17:00:00.2500000",
        '["2018-10-03 17:00:00.2500000"]',
        '["2018-10-03 17:00:00.2500000"]',
    ),
    "moment-of-more-zeros": (
        "datetime2(2)",
        False,
        "2018-10-03 17:00:00.2500000",
        '["2018-10-03 17:00:00.25"]',
        '["2018-10-03 17:00:00.25"]',
    ),
    "moment-of-no-digits": (
        "smalldatetime",
        False,
        "2018-10-03 17:00:00.000",
        '["2018-10-03 17:00:00"]',
        '["2018-10-03 17:00:00"]',
    ),
    "moment-of-digits-unsaid": ("time", False, "17:00:00.5", '["17:00:00.5000000"]', '["17:00:00.5000000"]'),
    "no-moment": (
        "datetime2(3)",
        False,
        "0001-01-01 00:00:00 BC",
        '["0001-01-01 00:00:00 BC"]',
        '["0001-01-01 00:00:00 BC"]',
    ),
    "bit": ("bit", False, "1", '["1"]', '["1"]'),
}


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(ids.MACROS_SQL)
        yield connection


def entity_of(columns: dict[str, dict[str, object]], **fields: object) -> Entity:
    return Entity.model_validate(
        {
            "namespace": INSTALLATION.namespace,
            "service": "student",
            "name": "X",
            "source": "district",
            "table": "X",
            "target": "x",
        }
        | {"key": list(columns), "columns": columns, **fields}
    )


def both(duck: duckdb.DuckDBPyConnection, raw: pl.DataFrame, expr: pl.Expr, sql: str) -> list[object]:
    """Evaluate an expression and its twin; they agree."""
    duck.register("raw", raw)
    found = raw.select(expr.alias("made"))["made"].to_list()
    assert [row[0] for row in duck.execute(f"SELECT {sql} FROM raw").fetchall()] == found
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_key_is_written_and_found_by_its_type(duck: duckdb.DuckDBPyConnection, case: str) -> None:
    kind, sensitive, raw, key, match = CASES[case]
    entity = entity_of({"K": {"type": kind, "case_sensitive": sensitive, "to": "k"}})
    frame = pl.DataFrame({"K": [raw]})
    own = MatchKey(("K",))
    assert keys.with_key(frame.lazy(), entity).collect()["#key"].to_list() == [key]
    assert both(duck, frame, keys.key_text(entity, ["K"]), sql_keys.key_text(entity, ["K"])) == [key]
    found = both(duck, frame, keys.match_text(entity, own, using=("K",)), sql_keys.match_text(entity, own, ['"K"']))
    assert found == [match]


#: Engine, type, what the entry says of its collation; groups of texts, each of which the source holds for one.
COLLATED: dict[str, tuple[Engine, str | None, dict[str, object], list[list[str]]]] = {
    "sql server": ("mssql", "varchar(9)", {}, [["x", "X ", "x  "], [" x"], ["x\t"]]),
    "sql server, case-sensitive": ("mssql", "varchar(9)", {"case_sensitive": True}, [["x", "x "], ["X", "X  "]]),
    "sql server, type unsaid": ("mssql", None, {}, [["x", "X "]]),
    "utf8mb4_general_ci": ("mysql", "varchar(9)", {}, [["x", "X "]]),
    "utf8mb4_bin": ("mysql", "varchar(9)", {"case_sensitive": True}, [["x", "x "], ["X"]]),
    "utf8mb4_general_nopad_ci": ("mysql", "varchar(9)", {"pads": False}, [["x", "X"], ["x ", "X "]]),
    "utf8mb4_nopad_bin": (
        "mysql",
        "varchar(9)",
        {"pads": False, "case_sensitive": True},
        [["x"], ["X"], ["x "], ["X "]],
    ),
    "postgresql, text": ("postgresql", "text", {"case_sensitive": True}, [["x"], ["X"], ["x "]]),
    "postgresql, citext": ("postgresql", "citext", {}, [["x", "X"], ["x "]]),
    "postgresql, char(n)": ("postgresql", "character(9)", {"case_sensitive": True}, [["x", "x "], ["X", "X  "]]),
    "sqlite, BINARY": ("sqlite", "text", {"case_sensitive": True}, [["x"], ["X"], ["x "]]),
    "sqlite, NOCASE": ("sqlite", "text", {}, [["x", "X"], ["x "]]),
    "sqlite, RTRIM": ("sqlite", "text", {"case_sensitive": True, "pads": True}, [["x", "x "], ["X"]]),
    "sqlite, type unsaid": ("sqlite", None, {}, [["x", "X"], ["x "]]),
}


@pytest.mark.parametrize("collation", COLLATED)
def test_texts_are_one_key_where_the_collation_holds_them_for_equal(
    duck: duckdb.DuckDBPyConnection, collation: str
) -> None:
    engine, kind, said, groups = COLLATED[collation]
    entity = entity_of({"K": {"to": "k", **said} | ({"type": kind} if kind else {})}, engine=engine)
    own = MatchKey(("K",))
    frame = pl.DataFrame({"K": [text for group in groups for text in group]})
    matches = both(duck, frame, keys.match_text(entity, own, using=("K",)), sql_keys.match_text(entity, own, ['"K"']))
    by_match: dict[object, list[str]] = {}
    for text, match in zip(frame["K"], matches, strict=True):
        by_match.setdefault(match, []).append(text)
    assert [*by_match.values()] == groups


#: Every type of every engine whose values are whole numbers and nothing else.
INTEGERS: dict[Engine, tuple[str, ...]] = {
    "mssql": ("tinyint", "smallint", "int", "bigint"),
    "mysql": (
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "bigint",
        "tinyint unsigned",
        "smallint unsigned",
        "mediumint unsigned",
        "int unsigned",
        "bigint unsigned",
        "bigint(20) unsigned",
        "int(6) unsigned zerofill",
        "bits(64)",
        "year",
    ),
    "postgresql": ("smallint", "integer", "bigint", "oid"),
    "sqlite": ("integer",),
}


@pytest.mark.parametrize(("engine", "kind"), [(e, kind) for e, kinds in INTEGERS.items() for kind in kinds])
def test_a_whole_number_stands_in_a_key_as_digits(duck: duckdb.DuckDBPyConnection, engine: Engine, kind: str) -> None:
    entity = entity_of({"K": {"type": kind, "to": "k"}}, engine=engine)
    frame = pl.DataFrame({"K": ["21", "18446744073709551615"]})
    found = both(duck, frame, keys.key_text(entity, ["K"]), sql_keys.key_text(entity, ["K"]))
    assert found == ["[21]", "[18446744073709551615]"]


@pytest.mark.parametrize(("sensitive", "living"), [(True, 2), (False, 1)])
def test_keys_that_differ_in_case_are_two_where_the_source_says_so(
    duck: duckdb.DuckDBPyConnection, sensitive: bool, living: int
) -> None:
    entity = entity_of({"K": {"case_sensitive": sensitive, "to": "k"}})
    frame = pl.DataFrame({"K": ["abc", "ABC"]})
    own = MatchKey(("K",))
    matches = both(duck, frame, keys.match_text(entity, own, using=("K",)), sql_keys.match_text(entity, own, ['"K"']))
    assert len(set(matches)) == living


def test_a_key_of_eight_columns_of_every_kind(duck: duckdb.DuckDBPyConnection) -> None:
    types = ("int", "nvarchar(9)", "uniqueidentifier", "datetime", "decimal(9,2)", "bit", "bigint", "char(2)")
    raw = ("1", 'q"', "AB0C", "2018-10-03", "0.10", "0", "9223372036854775807", "x ")
    entity = entity_of({f"K{n}": {"type": t, "to": f"k{n}"} for n, t in enumerate(types)})
    frame = pl.DataFrame({f"K{n}": [value] for n, value in enumerate(raw)})
    own = MatchKey(entity.key)
    written = '[1,"q\\"","ab0c","2018-10-03","0.10","0",9223372036854775807,"x "]'
    assert both(duck, frame, keys.key_text(entity, own.columns), sql_keys.key_text(entity, own.columns)) == [written]
    match = both(
        duck,
        frame,
        keys.match_text(entity, own, using=own.columns),
        sql_keys.match_text(entity, own, [f'"{c}"' for c in own.columns]),
    )
    assert match == [written.replace('"x "', '"x"')]


@pytest.mark.parametrize(("sensitive", "found"), [(True, [str(ids.UNRESOLVED)]), (False, [TENANT])])
def test_a_tenant_is_found_by_a_key_as_the_source_compares_it(sensitive: bool, found: list[str]) -> None:
    """A row of ABC is not given to the tenant of abc."""
    parent = entity_of({"K": {"case_sensitive": sensitive, "to": "k"}}, name="Parent")
    rule = {"columns": ["P"], "through": "student.Parent"}
    child = entity_of({"P": {"to": "p"}}, name="Child", tenant=rule)
    catalog = Catalog({e.id: e for e in (parent, child)}, INSTALLATION)
    assert not isinstance(child.tenant, str)
    route = tenancy.route(pl.LazyFrame({"K": ["abc"], "#tenant": [TENANT]}), parent, child.tenant)
    tagged = tenancy.tag(
        pl.LazyFrame({"P": ["ABC"]}),
        child,
        source_tenant=pl.lit(None, pl.String),
        catalog=catalog,
        routes={tenancy.route_name(child.tenant, catalog): route},
    )
    assert tagged.collect()["#tenant"].to_list() == found


def test_equal_rows_of_several_tenants_are_numbered_before_they_become_several(duck: duckdb.DuckDBPyConnection) -> None:
    parent = entity_of({"K": {"to": "k"}}, name="Parent")
    child = entity_of({"P": {"to": "p"}}, name="Child", key=[], tenant={"columns": ["P"], "through": "student.Parent"})
    catalog = Catalog({e.id: e for e in (parent, child)}, INSTALLATION)
    assert not isinstance(child.tenant, str)
    raw = pl.DataFrame({"P": ["x", "y", "x"]})
    owners = pl.DataFrame({"K": ["x", "x", "z"], "#tenant": ["t1", "t2", "t1"]})
    route = tenancy.route(owners.lazy(), parent, child.tenant)
    tagged = tenancy.tag(
        keys.with_key(raw.lazy(), child),
        child,
        source_tenant=pl.lit(None, pl.String),
        catalog=catalog,
        routes={tenancy.route_name(child.tenant, catalog): route},
    ).collect()
    x, y = (md5(f"1:{text}".encode()).hexdigest() for text in "xy")
    wanted = [(f'["{x}",{n}]', t) for n in (1, 2) for t in ("t1", "t2")] + [(f'["{y}",1]', str(ids.UNRESOLVED))]
    assert sorted(tagged.select("#key", "#tenant").rows()) == sorted(wanted)
    duck.register("raw student.Child", raw.with_columns(pl.lit("login").alias("#source")))
    duck.register("tagged student.Parent", owners)
    duck.execute(expected.tagged(child, catalog))
    found = duck.execute('SELECT "#key", "#tenant" FROM "tagged student.Child"').fetchall()
    assert sorted(found) == sorted(wanted)
