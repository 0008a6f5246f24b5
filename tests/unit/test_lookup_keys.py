"""A key as somebody types it, and as the id map has it."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.stages.inspect import legacy_key
from schemas.catalog import Catalog
from schemas.model import Entity
from tests.support.fleet import INSTALLATION


def _catalog(*types: str) -> Catalog:
    columns = {f"K{n}": {"type": t, "to": f"k{n}"} for n, t in enumerate(types)}
    entity = Entity.model_validate(
        {
            "namespace": INSTALLATION.namespace,
            "service": "student",
            "name": "X",
            "source": "district",
            "table": "X",
            "target": "x",
        }
        | {"key": list(columns), "columns": columns or {"A": {"to": "a"}}}
    )
    return Catalog({entity.id: entity}, INSTALLATION)


EIGHT = ("int", "nvarchar(9)", "uniqueidentifier", "datetime", "decimal(9,2)", "bit", "bigint", "char(2)")
#: Types of the key's columns, what is typed, what the id map has.
TYPED = {
    "number": (("int",), "42", "[42]"),
    "number in an array": (("bigint",), "[-9223372036854775808]", "[-9223372036854775808]"),
    "text": (("varchar(9)",), "abc", '["abc"]'),
    "text of digits": (("varchar(9)",), "42", '["42"]'),
    "text that begins like an array": (("varchar(9)",), "[a", '["[a"]'),
    "text in an array with blanks": (("varchar(9)", "int"), '[ "q\\"é", 7 ]', '["q\\"é",7]'),
    "guid": (("uniqueidentifier",), "B4927097-587F-4C9D-A8D4-9F8C19589A29", '["b4927097-587f-4c9d-a8d4-9f8c19589a29"]'),
    "date": (("datetime",), "2018-10-03 17:00:00.000", '["2018-10-03 17:00:00.000"]'),
    "decimal": (("decimal(9,2)",), "1.50", '["1.50"]'),
    "eight columns": (
        EIGHT,
        '[1,"a","AB","2018-10-03","0.10","0",2,"x "]',
        '[1,"a","ab","2018-10-03","0.10","0",2,"x "]',
    ),
    "no key": ((), '["9e107d9d372bb6826bd81d3542a419d6", 2]', '["9e107d9d372bb6826bd81d3542a419d6",2]'),
}


@pytest.mark.parametrize(("types", "typed", "written"), TYPED.values(), ids=TYPED)
def test_a_key_is_looked_up_as_the_id_map_has_it(types: tuple[str, ...], typed: str, written: str) -> None:
    assert legacy_key(_catalog(*types), "student.X", typed) == written


#: Types of the key's columns, what is typed, what is said.
MISTYPED = {
    "no number": (("int",), "abc", "an integer"),
    "number that is none": (("int",), "[1.5]", "an integer"),
    "truth value": (("int",), "[true]", "an integer"),
    "too many parts": (("int",), "[1,2]", "has 1 part"),
    "too few parts": (("int", "varchar(9)"), "1", '[1,"a"]'),
    "number for a text": (("varchar(9)",), "[1]", "a text, in quotes"),
    "no hash": ((), "7", "has 2 parts"),
}


@pytest.mark.parametrize(("types", "typed", "said"), MISTYPED.values(), ids=MISTYPED)
def test_what_is_no_key_is_refused(types: tuple[str, ...], typed: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        legacy_key(_catalog(*types), "student.X", typed)
    assert said in str(caught.value)
