"""Tables that several entries write to: they agree on its columns, and names are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalog import load_catalog
from schemas.files import CatalogProblem

SHARED = """
[{0}]
source = "district"
key = ["Id"]
target = "rows"
[{0}.columns]
Id = {{ type = "int" }}
_kind = {{ constant = "{0}", to = "kind" }}
"""
SPLIT = (
    '[C]\nsource = "district"\nkey = ["Id"]\ntarget = "cs"\nsplits = { rows = { rows = "each", owner = "c_id" } }\n'
    + ('[C.columns]\nId = { type = "int" }\n_kind = { constant = "C", to = "rows.kind" }\n')
)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            'X = { to = "x" }',
            'X = { type = "int", to = "x" }',
            "student.toml: B: rows has x integer, of student.A x text;",
        ),
        ('X = { to = "x" }', 'X = { to = "X" }', "student.toml: B: rows has X text, of student.A x text;"),
    ],
)
def test_entries_that_share_a_table_agree(tmp_path: Path, first: str, second: str, message: str) -> None:
    text = SHARED.format("A") + first + SHARED.format("B") + second
    (tmp_path / "student.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert str(caught.value).startswith(message)


NAMES = {
    "a long table": (
        f'target = "{"x" * 57}"',
        "is no name of a table: it has more than 56 bytes, for an index '_tenant'",
    ),
    "a table in capitals": (
        'target = "ROWS"',
        "student.toml: B.target: ROWS differs in case alone from the table rows",
    ),
    "an entity in capitals": ("[a]", "student.toml: a: its name differs in case alone from that of A"),
}


@pytest.mark.parametrize(("said", "message"), NAMES.values(), ids=NAMES)
def test_names_are_told_apart(tmp_path: Path, said: str, message: str) -> None:
    second = SHARED.format("B").replace('target = "rows"', said if said.startswith("target") else 'target = "others"')
    if said == "[a]":
        second = second.replace("[B", "[a")
    (tmp_path / "student.toml").write_text(SHARED.format("A") + second, encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert message in str(caught.value)


def test_a_constant_moment_tells_no_rows_apart(tmp_path: Path) -> None:
    moment = '{ constant = "2020-01-01", type = "date", to = "created_at", convert = "instant_utc" }\n'
    first, second = (SHARED.format(n).replace("_kind", f"_made = {moment}_kind") for n in "AB")
    (tmp_path / "student.toml").write_text(first + second, encoding="utf-8")
    catalog = load_catalog(tmp_path)
    assert [catalog.discriminator(e, "rows") for e in catalog.entities.values()] == [("kind", "A"), ("kind", "B")]


def test_a_table_is_the_main_one_of_all_or_of_none(tmp_path: Path) -> None:
    (tmp_path / "student.toml").write_text(SHARED.format("A") + SPLIT, encoding="utf-8")
    with pytest.raises(CatalogProblem, match=r"student.toml: C.splits: rows is student.A's own table"):
        load_catalog(tmp_path)
