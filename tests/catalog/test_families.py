"""Families that are refused, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalog import load_catalog
from schemas.files import CatalogProblem

FAMILY = """
[Product]
key = ["Id"]
target = "products"
[Product.columns]
Id        = { type = "int" }
TableName = { to = "table_name" }

[Sale]
key = ["_table", "ID"]
target = "sales"
[Sale.family]
registry = "media.Product"
tables = { TableName = "" }
[Sale.columns]
_table  = { family = "table", to = "sold_as" }
_fields = { family = "fields", to = "fields", convert = "fields" }
ID      = { type = "int" }
"""
BROKEN = {
    "no such registry": ("media.Product", "media.Produkt", "family.registry: no entity 'media.Produkt' in the catalog"),
    "no such column": ("TableName = ", "Table = ", "family.tables: media.Product reads no column 'TableName'"),
    "no table's name": ('family = "table", ', "", "columns: one column of a family is its `table`"),
    "a key without it": ('["_table", "ID"]', '["ID", "_table"]', "key: a family's rows are known by their table"),
    "fields as text": (', convert = "fields"', "", "columns._fields.convert: the fields of a row, and they alone"),
    "no such column of its own": ('"" }\n', '"" }\nlike = ["Id"]\n', "family.like: its tables have no column 'Id'"),
    "kinds of nothing": ('"" }\n', '"" }\nkinds = { list = "x" }\n', "kinds need `kind`, and places need `place`"),
    "an unknown kind": ('"" }\n', '"" }\nkinds = { lists = "x" }\n', "family.kinds.lists"),
    "fields without their row": ('"" }\n', '"" }\nfields = "media.Product"\n', "fields needs `of` and `column`"),
    "no expression": ('"" }\n', '"" }\nplaces = { x = "(" }\n', "x: no regular expression"),
    "a role in no family": (
        "Id        = {",
        'Id        = { family = "row",',
        "Product.columns.Id.family: the entry is of",
    ),
    "fields of no family": (
        '{ to = "table_name" }',
        '{ to = "t", convert = "fields" }',
        "is for the fields of a family",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_family_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in FAMILY
    (tmp_path / "media.toml").write_text(FAMILY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert message in str(caught.value)


def test_a_family_may_have_no_tables_and_tells_their_names_by_case(tmp_path: Path) -> None:
    (tmp_path / "media.toml").write_text(FAMILY, encoding="utf-8")
    sale = load_catalog(tmp_path)["media.Sale"]
    assert sale.optional
    assert sale.columns["_table"].case_sensitive
    assert sale.targets[0].columns["fields"] == "jsonb"
