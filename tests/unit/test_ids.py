"""Ids, keys and names against literal vectors, in Polars and in DuckDB."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest

from pipeline.core import ids, text
from schemas.engines import Engine
from tests.support.fleet import INSTALLATION, tenant_id

TENANT_1 = "241315cd-4efe-5724-a6b2-ba411da5b1ce"
KeyParts = list[tuple[str | None, ids.KeyKind]]

# raw key parts with their kinds; the key
KEYS: list[tuple[KeyParts, str]] = [
    ([("42", "int")], "[42]"),
    ([("-1", "int")], "[-1]"),
    ([("9223372036854775807", "int")], "[9223372036854775807]"),
    ([(None, "int")], "[null]"),
    ([("null", "text")], '["null"]'),
    ([("abc", "text"), ("7", "int")], '["abc",7]'),
    ([("", "text"), (None, "text")], '["",null]'),
    ([('q"\\/', "text")], '["q\\"\\\\/"]'),
    ([("\x00\x01\b\t\n\x0b\f\r\x1f\x7f", "text")], '["\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f"]'),
    ([("é🙂\u2028e\u0301", "text")], '["é🙂\u2028e\u0301"]'),
]

# tenant, path, key, piece; the id
IDS = [
    (TENANT_1, "district.dbo.Student", "[42]", "", "fe9d2925-0487-57be-b5c3-732f28732454"),
    (TENANT_1, "district.dbo.Student", "[42]", "#student_contacts/1", "4ff1c363-69f9-53b1-8071-d322926c6017"),
    (TENANT_1, "login.dbo.AspNetUserRoles", '["ab\\"c","é"]', "", "7efdb47e-f596-55e8-b872-6eddf15b1729"),
    (TENANT_1, "derived.assignments", "[7,null]", "", "38118788-2567-5302-b8cf-8ad7ef9d9009"),
    (str(ids.NIL), "login.dbo.NSGrade", "[3]", "", "6eb41caf-e944-5b8c-a8cf-c5523d73f747"),
]

# text; as a collation compares it
FOLDS = [
    ("ABC  ", "abc  "),
    ("  abc", "  abc"),
    ("a\t", "a\t"),
    ("ÀÉ", "àé"),
    ("ΑΣ ς", "ασ σ"),
    ("İI", "i\u0307i"),
    ("ẞß", "ßß"),
    ("", ""),
    (None, None),
]

# address; as it is matched
EMAILS = [
    (" \t\u00a0Ann.Bee@X.ORG\u3000\r\n", "ann.bee@x.org"),
    ("a b@x.org", "a b@x.org"),
    ("\x85a@x.org\u2028", "a@x.org"),
    ("\u200ba@x.org", "\u200ba@x.org"),
    ("   ", ""),
    (None, None),
]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(ids.MACROS_SQL)
        yield connection


def in_duckdb(duck: duckdb.DuckDBPyConnection, sql: str, *values: str | None) -> object:
    columns = {f"c{i}": pl.Series([value], dtype=pl.String) for i, value in enumerate(values)}
    duck.register("raw", pl.DataFrame(columns))
    return duck.execute(f"SELECT {sql} FROM raw").fetchall()[0][0]


def in_polars(expr: pl.Expr, *values: str | None) -> object:
    columns = {f"c{i}": pl.Series([value], dtype=pl.String) for i, value in enumerate(values)}
    return pl.LazyFrame(columns).select(expr.alias("made")).collect().item()


@pytest.mark.parametrize(("parts", "expected"), KEYS)
def test_a_key_is_a_json_array_without_blanks(duck: duckdb.DuckDBPyConnection, parts: KeyParts, expected: str) -> None:
    values = [value for value, _ in parts]
    kinds = [kind for _, kind in parts]
    in_expr = ids.key_json([(pl.col(f"c{i}"), kind) for i, kind in enumerate(kinds)])
    in_sql = ids.key_json_sql([(f"c{i}", kind) for i, kind in enumerate(kinds)])
    assert in_polars(in_expr, *values) == expected
    assert in_duckdb(duck, in_sql, *values) == expected
    assert json.loads(expected) == [
        int(value) if kind == "int" and value is not None else value for value, kind in parts
    ]


def test_json_text_of_null_is_null(duck: duckdb.DuckDBPyConnection) -> None:
    assert in_polars(ids.json_text(pl.col("c0")), None) is None
    assert in_duckdb(duck, ids.json_text_sql("c0"), None) is None


@pytest.mark.parametrize("case", IDS)
def test_an_id_is_the_hash_of_its_name(duck: duckdb.DuckDBPyConnection, case: tuple[str, str, str, str, str]) -> None:
    tenant, path, key, piece, expected = case
    name = ids.row_name(pl.col("c0"), path, pl.col("c1"), piece=piece)
    name_sql = ids.row_name_sql("c0", path, "c1", piece=piece)
    assert in_polars(ids.uuid5(INSTALLATION.namespace, name), tenant, key) == expected
    assert in_duckdb(duck, ids.uuid5_sql(INSTALLATION.namespace, name_sql), tenant, key) == uuid.UUID(expected)
    assert uuid.uuid5(INSTALLATION.namespace, f"{tenant}/{path}/{key}{piece}") == uuid.UUID(expected)


def test_a_tenant_may_be_a_uuid_in_duckdb(duck: duckdb.DuckDBPyConnection) -> None:
    tenant, path, key, piece, expected = IDS[0]
    name = ids.row_name_sql("c0::UUID", path, "c1", piece=piece)
    assert in_duckdb(duck, ids.uuid5_sql(INSTALLATION.namespace, name), tenant, key) == uuid.UUID(expected)


def test_an_id_of_no_key_is_null(duck: duckdb.DuckDBPyConnection) -> None:
    name = ids.row_name(pl.col("c0"), "district.dbo.Student", pl.col("c1"))
    name_sql = ids.row_name_sql("c0", "district.dbo.Student", "c1")
    assert in_polars(ids.uuid5(INSTALLATION.namespace, name), TENANT_1, None) is None
    assert in_duckdb(duck, ids.uuid5_sql(INSTALLATION.namespace, name_sql), TENANT_1, None) is None


def test_the_namespace_and_the_tenants_never_change() -> None:
    assert str(INSTALLATION.namespace) == "ee610ba7-36c2-5baf-b624-1c76988ebd4e"
    assert str(ids.NIL) == "00000000-0000-0000-0000-000000000000"
    assert str(ids.UNRESOLVED) == "ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert str(tenant_id(1)) == TENANT_1


@pytest.mark.parametrize(("raw", "expected"), FOLDS)
def test_fold(duck: duckdb.DuckDBPyConnection, raw: str | None, expected: str | None) -> None:
    assert in_polars(ids.fold(pl.col("c0"), "mssql"), raw) == expected
    assert in_duckdb(duck, ids.fold_sql("c0", "mssql"), raw) == expected


@pytest.mark.parametrize(
    ("engine", "expected"), [("mssql", "äß "), ("mysql", "äß "), ("postgresql", "äß "), ("sqlite", "Äß ")]
)
def test_each_engine_folds_in_its_own_way(duck: duckdb.DuckDBPyConnection, engine: Engine, expected: str) -> None:
    assert in_polars(ids.fold(pl.col("c0"), engine), "Äß ") == expected
    assert in_duckdb(duck, ids.fold_sql("c0", engine), "Äß ") == expected


@pytest.mark.parametrize(("raw", "expected"), EMAILS)
def test_fold_email(duck: duckdb.DuckDBPyConnection, raw: str | None, expected: str | None) -> None:
    assert in_polars(ids.fold_email(pl.col("c0")), raw) == expected
    assert in_duckdb(duck, ids.fold_email_sql("c0"), raw) == expected


def test_a_literal_is_quoted() -> None:
    assert text.quoted("O'Brien") == "'O''Brien'"
    with pytest.raises(ValueError, match=r"U\+0000"):
        text.quoted("a\x00b")
