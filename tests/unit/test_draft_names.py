"""Names of drafts: letters of every alphabet stay, no two names fall into one, and none is longer than PostgreSQL's."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.core.draft import entries
from pipeline.core.draft.columns import Subject
from pipeline.core.draft.names import COLUMN_BYTES, TABLE_BYTES, Names, snake
from pipeline.core.draft.tenants import Home
from pipeline.core.draft.toml import to_toml
from pipeline.core.sql.source import SourceColumn, SourceTable


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Größe", "größe"),
        ("学生", "学生"),
        ("学生 表", "学生_表"),
        ("ИмяУченика", "имя_ученика"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("हिन्दी", "हिन्दी"),
        ("e\u0301tat", "état"),
        ("StudentID", "student_id"),
        ("HTTPServer2Go", "http_server2_go"),
        ("1st", "n_1st"),
        ("٣x", "n_٣x"),
        ("so “hi”", "so_hi"),
        ("\u202eevil\u200b", "evil"),
        ("😀", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_keeps_its_letters(name: str, made: str) -> None:
    assert snake(name) == made


@pytest.mark.parametrize(
    "wanted",
    [
        ["größe", "GRÖSSE", "Größe"],
        ["é", "e\u0301"],
        ["ａ", "A", "a"],
        ["学" * 30 + "一", "学" * 30 + "二"],
        ["हिन्" * 9] * 3,
    ],
)
def test_names_that_are_one_to_some_reader_are_told_apart(wanted: list[str]) -> None:
    names = Names(COLUMN_BYTES)
    given = [names.give(snake(name)) for name in wanted]
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in given}) == len(wanted)
    assert all(len(name.encode()) <= COLUMN_BYTES and not name.startswith("unnamed") for name in given)


def test_a_name_that_is_taken_is_so_in_any_case() -> None:
    assert Names(TABLE_BYTES, ["ЗАКАЗ"]).give("заказ") == "заказ_2"


def test_entities_are_named_in_the_alphabet_of_their_tables() -> None:
    tables = [SourceTable("dbo", name, (SourceColumn("x", "int"),)) for name in ("Größe", "学生", "e\u0301", "学" * 40)]
    drafted = entries(
        [Subject(t, has_key=False) for t in tables], (), engine="mssql", service="media", home=Home("district")
    ).entries
    assert list(drafted) == ["Größe", "学生", "é", "学" * 16]
    assert [fields["table"] for fields in drafted.values()] == [t.name for t in tables]
    assert '["学生"]' in to_toml(drafted)
