"""Several sources described as one: which names are one, what some lack, and where they differ."""

from __future__ import annotations

import pytest

from pipeline.core.draft.columns import Subject
from pipeline.core.draft.united import Described, near, united
from pipeline.core.sql.source import ForeignKey, SourceColumn, SourceTable


@pytest.mark.parametrize(
    ("names", "others", "found"),
    [
        (["a"], ["A"], {"a": "A"}),
        (["a"], ["a", "A"], {"a": "a"}),
        (["a", "A"], ["a"], {"a": "a", "A": "A"}),
        (["aB", "Ab"], ["ab"], {"aB": "aB", "Ab": "Ab"}),
        (["ab"], ["aB", "Ab"], {"ab": "ab"}),
        (["Größe"], ["GRÖßE"], {"Größe": "GRÖßE"}),
        (["x"], [], {"x": "x"}),
    ],
)
def test_names_are_one_that_differ_in_case_alone_where_no_source_has_both(
    names: list[str], others: list[str], found: dict[str, str]
) -> None:
    assert near(names, others) == found


def described(source: str, *tables: SourceTable, hidden: tuple[str, ...] = ()) -> Described:
    keys = [
        ForeignKey("k", ("dbo", t.name), ("up",), ("dbo", t.name), ("id",)) for t in tables if t.find("up") is not None
    ]
    return Described(source, [Subject(t, has_key=bool(t.key)) for t in tables if t.name not in hidden], keys, tables)


def table(name: str, *columns: SourceColumn) -> SourceTable:
    return SourceTable("dbo", name, (SourceColumn("id", "int", nullable=False, key_position=1), *columns))


def test_a_table_that_could_not_be_looked_at_is_not_lacking() -> None:
    one, other = table("t"), table("T", SourceColumn("more", "int"))
    (subject,) = united([described("a", one), described("b", other, hidden=("T",))], "mssql").subjects
    assert not subject.is_optional
    (subject,) = united([described("a", one), described("b")], "mssql").subjects
    assert subject.is_optional


def test_a_foreign_key_that_all_declare_is_one_in_whatever_case() -> None:
    sources = [
        described("a", table("t", SourceColumn("up", "int"))),
        described("b", table("T", SourceColumn("up", "bigint"))),
    ]
    found = united(sources, "mssql")
    assert [(k.child, k.columns, k.parent, k.hindrance) for k in found.foreign_keys] == [
        (("dbo", "t"), ("up",), ("dbo", "t"), "")
    ]
    assert found.differences == ("t.up: int in a, bigint in b: drafted so that all fit",)


def test_texts_alone_are_compared_as_they_collate() -> None:
    for word, is_disputed in (("varchar(9)", True), ("int", False)):
        one = table("t", SourceColumn("x", word, case_sensitive=True))
        other = table("t", SourceColumn("x", "varchar(9)", case_sensitive=False, pads=one.columns[1].pads))
        (subject,) = united([described("a", one), described("b", other)], "mssql").subjects
        assert ("x" in subject.disputed) is is_disputed
        assert subject.table.column("x").case_sensitive is is_disputed
