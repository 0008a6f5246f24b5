"""A family: tables that the rows of a registry name, one a product here, move into one table with all their fields."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core.family import Oddity
from pipeline.core.plan import Held
from pipeline.demo.server import Server
from schemas.installation import packaged_catalog
from tests.oracle.contents import differing, expected, loaded
from tests.oracle.entries import read_catalog
from tests.oracle.migration import Migration
from tests.oracle.sources import read_fleet, read_sources
from tests.support.fleet import INSTALLATION
from tests.support.small import AS_OF, TENANTS, Small, small, told

ENTRIES = """
[Product]
source = "district"
key = ["Id"]
target = "products"
[Product.columns]
Id        = { type = "int" }
Name      = { to = "name" }
TableName = { to = "table_name" }
SpareName = { to = "spare_name" }

[Attribute]
source = "district"
key = ["Id"]
target = "attributes"
[Attribute.columns]
Id         = { type = "int" }
ProductId  = { type = "int", to = "product_id", references = "media.Product" }
ColumnName = { to = "column_name" }
Kind       = { to = "kind" }
Where      = { to = "part" }

[Buyer]
source = "district"
key = ["Id"]
target = "buyers"
[Buyer.columns]
Id   = { type = "int" }
Name = { to = "name" }

[Sale]
key = ["_table", "ID"]
target = "sales"
[Sale.family]
registry = "media.Product"
tables = { TableName = "main", SpareName = "spare" }
fields = "media.Attribute"
of = "ProductId"
column = "ColumnName"
kind = "Kind"
kinds = { integer = ["count", "number"], decimal = "price", boolean = "yes or no", date = "day", list = "choices", none = "title" }
place = "Where"
places = { spare = "Spare" }
like = ["ID", "BuyerId"]
hazards = { unreadable = "H29", absent = "H25", listed = "H30" }
[Sale.columns]
_table   = { family = "table", to = "sold_as" }
_part    = { family = "part", to = "part" }
_product = { type = "int", family = "row", to = "product_id", references = "media.Product" }
_fields  = { family = "fields", to = "fields", convert = "fields", absent = ["1900-01-01"] }
ID       = { type = "int" }
BuyerId  = { type = "int", to = "buyer_id", references = "media.Buyer" }
Note     = { to = "note", optional = true }
"""

REGISTRY = """
CREATE TABLE Product (Id int PRIMARY KEY, Name nvarchar(50), TableName nvarchar(50), SpareName nvarchar(50));
CREATE TABLE Attribute (Id int PRIMARY KEY, ProductId int, ColumnName nvarchar(50), Kind nvarchar(50), "Where" nvarchar(50));
CREATE TABLE Buyer (Id int PRIMARY KEY, Name nvarchar(50));
INSERT INTO Buyer VALUES (1, 'Ann'), (2, 'Bo');
"""
SHOP = (
    REGISTRY
    + """
INSERT INTO Product VALUES (1, 'Lamp', 'SoldLamp', 'SpareLamp'), (2, 'Bed', 'soldbed', NULL), (3, 'Idea', NULL, ''),
    (4, 'Lamp copy', 'SoldLamp', NULL), (5, 'Ghost', 'SoldGhost', NULL), (6, 'Buyers', 'Buyer', NULL);
INSERT INTO Attribute VALUES (1, 1, 'Watts', ' Count', NULL), (2, 1, 'Price', 'price', NULL),
    (3, 1, 'Left', 'number', 'in Spare'), (4, 2, 'Soft', 'yes or no', 'in Spare'), (5, 2, 'Made', 'day', NULL),
    (6, 2, 'Gone', 'day', NULL), (7, 2, 'Head', 'title', NULL), (8, 2, 'Extras', 'choices', NULL), (9, 1, NULL, 'x', NULL);
CREATE TABLE SoldLamp (ID int PRIMARY KEY, BuyerId int, Watts int, Price decimal(10,2), Colour nvarchar(20));
INSERT INTO SoldLamp VALUES (1, 1, 40, '12.75', 'a|b~n:c'), (2, 9, 'dim', NULL, NULL);
CREATE TABLE SpareLamp (ID int PRIMARY KEY, BUYERID int, "Left" int, Note nvarchar(20));
INSERT INTO SpareLamp VALUES (1, 2, 7, 'one');
CREATE TABLE SoldBed (ID int PRIMARY KEY, BuyerId int, Soft bit, Made datetime, Extras nvarchar(20));
INSERT INTO SoldBed VALUES (1, 2, 1, '2020-02-03 00:00:00.000', '1, 2'), (2, 2, 0, '1900-01-01 00:00:00.000', '3,4');
CREATE TABLE SoldOld (ID int PRIMARY KEY, BuyerId int, What nvarchar(20));
INSERT INTO SoldOld VALUES (1, 1, 'thing');
CREATE TABLE Other (ID int PRIMARY KEY, What nvarchar(20));
"""
)


@pytest.fixture
def shops(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": SHOP, "b": REGISTRY}) as made:
        yield made


def test_rows_of_all_tables_of_a_family_move_with_all_their_fields(shops: Small) -> None:
    _, verdict = shops.run()
    assert told(verdict) == set()
    assert verdict.parity
    sales = shops.table("media", "sales", "sold_as, part, product_id, buyer_id, note, fields::text, id::text")
    products, buyers = shops.ids("media", "products"), shops.ids("media", "buyers")
    assert {key: row["fields"] for key, row in sales.items()} == {
        'a ["SoldLamp",1]': '{"Price": 12.75, "Watts": 40, "Colour": "a|b~n:c"}',
        'a ["SoldLamp",2]': '{"Price": null, "Watts": null, "Colour": null}',
        'a ["SpareLamp",1]': '{"Left": 7}',
        'a ["SoldBed",1]': '{"Made": "2020-02-03", "Soft": true, "Extras": [1, 2]}',
        'a ["SoldBed",2]': '{"Made": null, "Soft": false, "Extras": [3, 4]}',
        'a ["SoldOld",1]': '{"What": "thing"}',
    }
    spare = sales['a ["SpareLamp",1]']
    assert (spare["sold_as"], spare["part"], spare["note"]) == ("SpareLamp", "spare", "one")
    assert spare["product_id"] == products["a [1]"]
    assert spare["buyer_id"] == buyers["a [2]"]
    assert sales['a ["SoldOld",1]']["product_id"] is None
    assert sales['a ["SoldLamp",2]']["buyer_id"] is None
    name = f"{TENANTS['a']}/district.dbo.SoldLamp/[1]"
    assert sales['a ["SoldLamp",1]']["id"] == str(uuid.uuid5(INSTALLATION.namespace, name))


def test_what_the_registry_does_not_lead_one_to_expect_is_named_and_stops_nothing(shops: Small) -> None:
    record = shops.open().record
    found = record.families[Held("a", "media.Sale")]
    assert [m.table for m in found.members] == ["SoldBed", "SoldLamp", "SoldOld", "SpareLamp"]
    assert set(found.oddities) == {
        Oddity("a row names a table that has an entry of its own", "Buyer"),
        Oddity("a row names a table that is not there", "SoldGhost"),
        Oddity("a row spells its name soldbed", "SoldBed"),
        Oddity("a field's column is not there", "SoldBed", "Gone"),
        Oddity("several rows name the table, which is the first one's", "SoldLamp"),
        Oddity("no field describes the column, which is taken as text", "SoldLamp", "Colour"),
        Oddity("no row names the table", "SoldOld"),
        Oddity("no field describes the column, which is taken as text", "SoldOld", "What"),
    }
    assert record.families[Held("b", "media.Sale")].members == ()
    assert record.legacy_entities.sources == {"a": 7, "b": 3}
    assert record.legacy_entities.total == 10


@pytest.mark.parametrize("batch_rows", [1, 2, 10_000])
def test_batches_of_any_size_hold_what_the_oracle_says(shops: Small, batch_rows: int) -> None:
    _, verdict = shops.run(batch_rows=batch_rows)
    assert told(verdict) == set()
    sources = read_sources(shops.site.config, read_fleet(packaged_catalog()))
    migration = Migration(read_catalog(shops.site.directory / "services"), sources, AS_OF)
    oracle, target = expected(migration), loaded(shops.site.rows, ["media"])
    assert differing(oracle, target) == []
    assert {key[2:] for key in target.ledger["findings"] if key[1] == "media.Sale"} == {
        ('["SoldLamp",2]', "BuyerId", "H39"),
        ('["SoldLamp",2]', "_fields", "H29"),
        ('["SoldBed",1]', "_fields", "H30"),
        ('["SoldBed",2]', "_fields", "H25"),
    }


@pytest.mark.parametrize("tables", [0, 1, 300])
def test_a_source_may_have_any_number_of_tables(postgres: Server, tmp_path: Path, tables: int) -> None:
    """They are one entity's rows: of three hundred tables there is one file, as there is of one."""
    script = REGISTRY
    for n in range(tables):
        script += (
            f"INSERT INTO Product VALUES ({n}, 'Thing', 'Sold{n}', NULL);"
            f"INSERT INTO Attribute VALUES ({n}, {n}, 'Size{n}', 'number', NULL);"
            f"CREATE TABLE Sold{n} (ID int PRIMARY KEY, BuyerId int, Size{n} int);"
            f"INSERT INTO Sold{n} VALUES (1, 1, {n}), (2, 2, NULL);"
        )
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": script}) as made:
        workspace, verdict = made.run()
        assert told(verdict) == set()
        assert verdict.parity
        assert workspace.record.legacy_entities.total == 3 + tables
        assert len([b for b in workspace.raw_batches() if b.entity == "media.Sale"]) == 1
        sales = made.table("media", "sales", "fields::text")
    assert sales == {
        f'a ["Sold{n}",{key}]': {"fields": f'{{"Size{n}": {value}}}'}
        for n in range(tables)
        for key, value in ((1, n), (2, "null"))
    }
