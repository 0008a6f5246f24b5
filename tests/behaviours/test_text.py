"""Text is taken over as it stands; what no target can hold is refused, or replaced and kept, as its column says."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

NOTE = """
[Note]
source = "district"
key = ["Id"]
target = "notes"
[Note.columns]
Id   = { type = "int" }
Text = { to = "text"%s }
"""


def test_text_is_taken_over_to_the_last_blank(becomes: Becomes) -> None:
    becomes(
        NOTE % "",
        {"Note a": 'Id | Text\n 1 | ""\n 2 | " x "\n 3 | "a\\tb\\r\\n"\n 4 | NULL\n 5 | "NULL"\n 6 | Zoë 😀 日本'},
        notes="""
            row      | text
            Note a 1 | ""
            Note a 2 | " x "
            Note a 3 | "a\\tb\\r\\n"
            Note a 4 | NULL
            Note a 5 | "NULL"
            Note a 6 | Zoë 😀 日本
        """,
    )


def test_a_word_for_nothing_is_null_and_kept(becomes: Becomes) -> None:
    becomes(
        NOTE % ', absent = ["", "N/A"]',
        {"Note a": 'Id | Text\n 1 | ""\n 2 | N/A\n 3 | n/a'},
        notes="""
            row      | text
            Note a 1 | NULL
            Note a 2 | NULL
            Note a 3 | n/a
        """,
        findings="""
            Note a 1 | Text | absent
            Note a 2 | Text | absent
        """,
        raws="""
            Note a 1 | Text | ""
            Note a 2 | Text | N/A
        """,
    )


def test_a_search_key_stands_beside_the_text_it_is_of(becomes: Becomes) -> None:
    becomes(
        NOTE.replace('to = "text"', 'to = { text = "text", text_key = "search_key", text_email = "email" }') % "",
        {"Note a": 'Id | Text\n 1 | " 00AB@X.org "'},
        notes="""
            row      | text           | text_key  | text_email
            Note a 1 | " 00AB@X.org " | ab@x.org  | 00ab@x.org
        """,
    )


def test_members_of_a_json_object_keep_their_legacy_names(becomes: Becomes) -> None:
    becomes(
        NOTE.replace('to = "text"%s', 'json = "rest"')
        + 'Size = { type = "decimal(5,2)", json = "rest" }\nIs = { type = "bit", json = "rest" }',
        {"Note a": 'Id | Text | Size | Is\n 1 | "a\\"b" | 1.50 | 1\n 2 | NULL | NULL | NULL'},
        notes="""
            row      | rest
            Note a 1 | {"Is": true, "Size": 1.50, "Text": "a\\"b"}
            Note a 2 | {"Is": null, "Size": null, "Text": null}
        """,
    )
