"""Vectors for whoever recomputes an id: documented name in, literal UUID out, in Python, Polars and DuckDB.

The names are written out whole, so that nothing of the product decides what is hashed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest

from pipeline.core import ids
from tests.support.fleet import INSTALLATION, tenant_id

NAMESPACE = "ee610ba7-36c2-5baf-b624-1c76988ebd4e"
TENANT_1 = "241315cd-4efe-5724-a6b2-ba411da5b1ce"
TENANT_2 = "0e7cb72d-c5d0-5889-aaf2-976447a2a0a5"
SHARED = "00000000-0000-0000-0000-000000000000"

#: What it is; name; id.
VECTORS = {
    "tenant": ("tenant/1", TENANT_1),
    "other-tenant": ("tenant/2", TENANT_2),
    "int": (f"{TENANT_1}/district.dbo.Student/[42]", "fe9d2925-0487-57be-b5c3-732f28732454"),
    "int-of-another-tenant": (f"{TENANT_2}/district.dbo.Student/[42]", "3f8171d4-9095-5cd8-bbf9-137a52d89c5c"),
    "smallest-bigint": (
        f"{TENANT_1}/district.dbo.Student/[-9223372036854775808]",
        "843f58ed-f738-5b7b-abb9-d108cfee983b",
    ),
    "piece": (
        f"{TENANT_1}/district.dbo.Student/[42]#student_demographics/1",
        "863241d1-5c5c-5e3b-adba-3bb056f7e08c",
    ),
    "second-part-of-a-piece": (
        f"{TENANT_1}/district.dbo.Student/[42]#student_contacts/2",
        "460321ba-02d6-5594-a424-05dcca978537",
    ),
    "text": (
        f'{TENANT_1}/login.dbo.AspNetUsers/["b4927097-587f-4c9d-a8d4-9f8c19589a29"]',
        "9e899cfe-fe3c-5003-aaa4-d1328287ac67",
    ),
    "text-in-other-case": (
        f'{TENANT_1}/login.dbo.AspNetUsers/["B4927097-587F-4C9D-A8D4-9F8C19589A29"]',
        "e9c1c788-a417-5254-9f38-ea986ac3ad75",
    ),
    "two-texts-with-escapes": (
        f'{TENANT_2}/login.dbo.AspNetUserRoles/["u-1","r,\\"2\\""]',
        "9eed677b-1ec8-5b5f-b8b0-ac0e04f9a09c",
    ),
    "int-and-text-beyond-ascii": (
        f'{TENANT_1}/district.dbo.Pair/[7,"\u00e9\\u0000\\n\\\\"]',
        "c2b63cc3-e793-5922-ae88-b67bc1725ef4",
    ),
    "schema-and-guid": (
        f'{TENANT_1}/district.Sales.Order Details/[1,"b4927097-587f-4c9d-a8d4-9f8c19589a29"]',
        "c7e2f779-d558-552e-a4a7-fb0b3aa6f798",
    ),
    "schema-with-a-dot-and-instant": (
        f'{TENANT_1}/district."a.b".c/["2018-10-03 17:00:00.000"]',
        "064beeaf-5b87-509f-92ad-b5d4405f20a0",
    ),
    "table-with-a-dot-and-decimal": (
        f'{TENANT_1}/district.a."b.c"/["-0.50"]',
        "22e0fc6e-43dc-5741-8303-07f7884e71e4",
    ),
    "binary": (f'{TENANT_1}/district.dbo.Blob/["00ff"]', "5317cc66-3edc-587d-93bb-b918739d7d09"),
    "eight-columns": (
        f'{TENANT_1}/district.dbo.Wide/[1,"a","b4927097-587f-4c9d-a8d4-9f8c19589a29","2018-10-03","0.10","1",-2,"x "]',
        "75fdca63-536e-559c-a114-adc997d18792",
    ),
    # The second of the equal rows ("a", NULL): the hash is the MD5 of `1:a-`.
    "no-key": (
        f'{TENANT_1}/district.dbo.Log/["2fda78e71b819af7f1b76b836438d609",2]',
        "f5d83fed-f784-5697-ac60-46aec2fdd528",
    ),
    "shared": (f"{SHARED}/login.dbo.NSGrade/[101]", "f152be7b-5c32-52e0-835a-08ce06e5d9af"),
    "derived-with-a-null": (
        f'{TENANT_1}/derived.assessment_assignments/["AssessmentFP",17,null]',
        "0928f13a-1d1f-526a-9e79-b17fa8eb6541",
    ),
    "derived-with-a-date": (
        f'{TENANT_1}/derived.intervention_sessions/[1,"2018-10-03 17:00:00.000"]',
        "844cd663-7a6b-569a-9c41-306000a4c841",
    ),
}

#: Vector -> tenant, path, key columns as raw text with their kinds, piece.
PARTS: dict[str, tuple[str, str, list[tuple[str | None, ids.KeyKind]], str]] = {
    "int": (TENANT_1, "district.dbo.Student", [("42", "int")], ""),
    "smallest-bigint": (TENANT_1, "district.dbo.Student", [("-9223372036854775808", "int")], ""),
    "piece": (TENANT_1, "district.dbo.Student", [("42", "int")], "#student_demographics/1"),
    "text-in-other-case": (
        TENANT_1,
        "login.dbo.AspNetUsers",
        [("B4927097-587F-4C9D-A8D4-9F8C19589A29", "text")],
        "",
    ),
    "two-texts-with-escapes": (TENANT_2, "login.dbo.AspNetUserRoles", [("u-1", "text"), ('r,"2"', "text")], ""),
    "int-and-text-beyond-ascii": (TENANT_1, "district.dbo.Pair", [("7", "int"), ("\u00e9\0\n\\", "text")], ""),
    "schema-and-guid": (
        TENANT_1,
        "district.Sales.Order Details",
        [("1", "int"), ("b4927097-587f-4c9d-a8d4-9f8c19589a29", "text")],
        "",
    ),
    "schema-with-a-dot-and-instant": (TENANT_1, 'district."a.b".c', [("2018-10-03 17:00:00.000", "text")], ""),
    "table-with-a-dot-and-decimal": (TENANT_1, 'district.a."b.c"', [("-0.50", "text")], ""),
    "binary": (TENANT_1, "district.dbo.Blob", [("00ff", "text")], ""),
    "eight-columns": (
        TENANT_1,
        "district.dbo.Wide",
        [
            ("1", "int"),
            ("a", "text"),
            ("b4927097-587f-4c9d-a8d4-9f8c19589a29", "text"),
            ("2018-10-03", "text"),
            ("0.10", "text"),
            ("1", "text"),
            ("-2", "int"),
            ("x ", "text"),
        ],
        "",
    ),
    "no-key": (TENANT_1, "district.dbo.Log", [("2fda78e71b819af7f1b76b836438d609", "text"), ("2", "int")], ""),
    "shared": (SHARED, "login.dbo.NSGrade", [("101", "int")], ""),
    "derived-with-a-null": (
        TENANT_1,
        "derived.assessment_assignments",
        [("AssessmentFP", "text"), ("17", "int"), (None, "int")],
        "",
    ),
}


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(ids.MACROS_SQL)
        yield connection


@pytest.mark.parametrize("what", VECTORS)
def test_a_name_hashes_to_its_vector(duck: duckdb.DuckDBPyConnection, what: str) -> None:
    name, expected = VECTORS[what]
    assert str(uuid.uuid5(uuid.UUID(NAMESPACE), name)) == expected
    assert pl.select(ids.uuid5(INSTALLATION.namespace, pl.lit(name))).item() == expected
    duck.register("given", pl.DataFrame({"name": [name]}))
    assert (
        str(duck.execute(f"SELECT {ids.uuid5_sql(INSTALLATION.namespace, 'name')} FROM given").fetchall()[0][0])
        == expected
    )


@pytest.mark.parametrize("what", PARTS)
def test_tenant_path_and_key_make_that_name(duck: duckdb.DuckDBPyConnection, what: str) -> None:
    tenant, path, key, piece = PARTS[what]
    raw = pl.DataFrame({f"c{n}": pl.Series([value], dtype=pl.String) for n, (value, _) in enumerate(key)})
    parts = [(f"c{n}", kind) for n, (_, kind) in enumerate(key)]
    made = ids.row_name(pl.lit(tenant), path, ids.key_json([(pl.col(c), k) for c, k in parts]), piece=piece)
    assert raw.select(made.alias("name")).item() == VECTORS[what][0]
    duck.register("given", raw)
    sql = ids.row_name_sql(f"'{tenant}'", path, ids.key_json_sql(parts), piece=piece)
    assert duck.execute(f"SELECT {sql} FROM given").fetchall() == [(VECTORS[what][0],)]


def test_the_namespace_is_the_documented_one() -> None:
    assert str(uuid.uuid5(uuid.NAMESPACE_DNS, "legacy-to-tenant.migration")) == NAMESPACE == str(INSTALLATION.namespace)
    assert [str(tenant_id(n)) for n in (1, 2)] == [TENANT_1, TENANT_2]


def test_every_vector_is_another_id() -> None:
    assert len({expected for _, expected in VECTORS.values()}) == len(VECTORS)
