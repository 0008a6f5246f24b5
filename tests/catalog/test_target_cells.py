"""Every target cell has one writer, which can make its type: all else is refused where the catalog is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalog import load_catalog
from schemas.files import CatalogProblem

HEAD = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
splits = {{ {splits} }}
[Pupil.columns]
Id = {{ type = "int" }}
{columns}
"""
SCHOOL = """
[School]
source = "district"
key = ["Id"]
target = "schools"
[School.columns]
Id = { type = "int" }
"""
CONTACTS = 'contacts = { rows = "present", parts = 2, owner = "pupil_id", position = "nth" }'
FILLED = 'P1 = { to = "contacts/1.phone" }\nP2 = { to = "contacts/2.phone" }\n'
MOMENT = '{{ type = "datetime", to = "{0}", convert = "instant_utc" }}'
TEXT = '{{ to = "{0}" }}'
REFERENCE = '{{ type = "int", to = "{0}", references = "configuration.School" }}'
JSON = '{{ json = "{0}" }}'
BASE = ("id", "tenant_id", "legacy_id", "created_at_basis", "deleted_at_basis")
MOMENTS = ("created_at", "updated_at", "deleted_at")


def read(directory: Path, columns: str, splits: str = "", service: str = "student") -> None:
    (directory / "configuration.toml").write_text(SCHOOL, encoding="utf-8")
    (directory / f"{service}.toml").write_text(HEAD.format(splits=splits, columns=columns), encoding="utf-8")
    load_catalog(directory)


def refusal(directory: Path, columns: str, splits: str = "") -> str:
    with pytest.raises(CatalogProblem) as caught:
        read(directory, columns, splits)
    return str(caught.value)


@pytest.mark.parametrize("column", BASE)
@pytest.mark.parametrize("form", [TEXT, REFERENCE, JSON], ids=["text", "reference", "json"])
def test_no_column_fills_what_the_migration_fills(tmp_path: Path, column: str, form: str) -> None:
    found = refusal(tmp_path, f"X = {form.format(column)}")
    assert found.startswith("student.toml: Pupil.columns.X.")
    assert f"pupils.{column} is written by the migration itself" in found


@pytest.mark.parametrize("column", ["ID", "Created_At", "LEGACY_id"])
def test_names_that_differ_in_case_alone_are_one_cell(tmp_path: Path, column: str) -> None:
    assert f"differs in case alone from {column.lower()}" in refusal(tmp_path, f"X = {TEXT.format(column)}")


@pytest.mark.parametrize("column", MOMENTS)
@pytest.mark.parametrize("form", [REFERENCE, JSON], ids=["reference", "json"])
def test_only_a_moment_fills_a_moment(tmp_path: Path, column: str, form: str) -> None:
    assert f"pupils.{column} is written by the migration itself" in refusal(tmp_path, f"X = {form.format(column)}")


@pytest.mark.parametrize("column", MOMENTS)
@pytest.mark.parametrize(
    ("said", "makes"),
    [
        ('type = "datetime", convert = "moment"', "timestamp"),
        ('type = "datetime", convert = "date"', "date"),
        ('type = "datetime", convert = "text"', "text"),
        ('type = "int"', "integer"),
        ('type = "bit"', "boolean"),
    ],
)
def test_a_moment_is_an_instant(tmp_path: Path, column: str, said: str, makes: str) -> None:
    found = refusal(tmp_path, f'X = {{ {said}, to = "{column}" }}')
    assert found.startswith(f"student.toml: Pupil.columns.X.to: {column} is timestamptz: converter ")
    assert found.endswith(f" makes {makes}")


@pytest.mark.parametrize("column", MOMENTS)
@pytest.mark.parametrize(
    "said",
    [
        'type = "datetime", convert = "instant_utc"',
        'type = "datetime", convert = "instant_local"',
        'type = "datetimeoffset"',
        'type = "date", convert = "instant_local"',
        'convert = "instant_utc"',
    ],
)
def test_an_instant_fills_a_moment(tmp_path: Path, column: str, said: str) -> None:
    read(tmp_path, f'X = {{ {said}, to = "{column}" }}')


@pytest.mark.parametrize("first", [TEXT, REFERENCE, JSON, MOMENT], ids=["text", "reference", "json", "moment"])
@pytest.mark.parametrize("second", [TEXT, REFERENCE, MOMENT], ids=["text", "reference", "moment"])
@pytest.mark.parametrize("column", ["x", *MOMENTS])
def test_a_cell_has_one_writer(tmp_path: Path, column: str, first: str, second: str) -> None:
    found = refusal(tmp_path, f"A = {first.format(column)}\nB = {second.format(column)}")
    assert found.startswith("student.toml: Pupil.columns.")
    if column == "x":
        assert "pupils.x is written by columns." in found


TWICE = {
    "two of a column's own targets": (
        'A = { to = { x = "text", X = "text" } }',
        "columns.A.to.X: pupils.X differs in case alone from x, of columns.A.to.x",
    ),
    "the name of the parent found": (
        'A = { to = "kind" }\nB = { type = "int", to = "b", parent_to = "kind", references = "configuration.School" }',
        "columns.B.parent_to: pupils.kind is written by columns.A.to",
    ),
    "the reference and the name of its parent": (
        'B = { type = "int", to = "b", parent_to = "b", references = "configuration.School" }',
        "columns.B.parent_to: pupils.b is written by columns.B.to",
    ),
    "a member of a jsonb object": (
        'A = { json = "rest" }\nB = { to = "rest:A" }',
        "columns.B.to: pupils.rest:A is written by columns.A.json",
    ),
    "a jsonb object": (
        'A = { json = "rest" }\nB = { to = "rest" }',
        "columns.B.to: pupils.rest is written by columns.A",
    ),
}


@pytest.mark.parametrize(("columns", "message"), TWICE.values(), ids=TWICE)
def test_two_writers_are_named(tmp_path: Path, columns: str, message: str) -> None:
    assert refusal(tmp_path, columns).startswith(f"student.toml: Pupil.{message}")


def test_all_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    found = refusal(
        tmp_path, 'A = { to = "x" }\nB = { to = "x" }\nC = { to = "id" }\nD = { to = "d", soft_delete = "1" }'
    )
    assert [line.partition(":")[2].split(":")[0] for line in found.splitlines()] == [
        " Pupil.columns.B.to",
        " Pupil.columns.C.to",
        " Pupil.columns.D.soft_delete",
    ]


SPLITS = {
    "the owner": (
        'X = { to = "contacts/2.pupil_id" }',
        CONTACTS,
        "columns.X.to: contacts.pupil_id (part 2) is written by splits.contacts.owner",
    ),
    "the position": (
        'X = { type = "int", to = "contacts.nth" }',
        CONTACTS,
        "columns.X.to: contacts.nth is written by splits.contacts.position",
    ),
    "a reference as the owner": (
        'X = { type = "int", to = "contacts/1.pupil_id", references = "configuration.School" }',
        CONTACTS,
        "columns.X.to: contacts.pupil_id is written by splits.contacts.owner",
    ),
    "the owner as the position": (
        "",
        CONTACTS.replace("nth", "pupil_id"),
        "splits.contacts.position: contacts.pupil_id is written by splits.contacts.owner",
    ),
    "the owner as the id": (
        "",
        CONTACTS.replace("pupil_id", "id"),
        "splits.contacts.owner: contacts.id is written by the migration itself",
    ),
    "a moment of a part": (
        'X = { type = "datetime", to = "contacts/1.updated_at", convert = "instant_utc" }',
        CONTACTS,
        "columns.X.to: contacts.updated_at is written by the migration itself",
    ),
    "parts of different columns": (
        'X = { to = "contacts/2.fax" }',
        CONTACTS,
        "splits.contacts: parts 1 and 2 differ in fax; each part has the same columns, of the same types",
    ),
    "a part without a column": (
        "",
        'addresses = { rows = "present", owner = "pupil_id" }',
        "splits.addresses: no column goes to part 1, by which a row of it would be present",
    ),
    "a part with a constant alone": (
        'X = { constant = "x", to = "addresses.x" }',
        'addresses = { rows = "present", owner = "pupil_id" }',
        "splits.addresses: no column goes to part 1, by which a row of it would be present",
    ),
    "the entry's own table": (
        'X = { to = "pupils/1.x" }',
        'pupils = { rows = "each", owner = "pupil_id" }',
        "splits.pupils: is the entry's own target: a split is a further table",
    ),
    "part 0": ('X = { to = "contacts/0.fax" }', CONTACTS, "columns.X.to: no split contacts/0/1 is declared"),
    "part -1": ('X = { to = "contacts/-1.fax" }', CONTACTS, "columns.X.to: no split contacts/-1/1 is declared"),
    "part x": ('X = { to = "contacts/x.fax" }', CONTACTS, "columns.X.to: no split contacts/x/1 is declared"),
}


@pytest.mark.parametrize(("columns", "splits", "message"), SPLITS.values(), ids=SPLITS)
def test_a_split_keeps_its_own_columns(tmp_path: Path, columns: str, splits: str, message: str) -> None:
    assert refusal(tmp_path, FILLED * ("contacts" in splits) + columns, splits) == f"student.toml: Pupil.{message}"


MISFITS = {
    "unknown": ('convert = "instant_uct"', "there is no converter 'instant_uct'"),
    "a number of bytes": (
        'type = "varbinary(9)", convert = "integer"',
        "converter 'integer' does not read varbinary(9)",
    ),
    "a number as a day": ('type = "int", convert = "date"', "converter 'date' does not read int"),
    "a day as a number": ('type = "date", pg = "integer"', "converter 'day' makes date, not integer"),
    "text as a number": ('pg = "integer"', "converter 'text' makes text, not integer"),
    "a number of no type": (
        'convert = "integer"',
        "converter 'integer' makes smallint or integer or bigint: say which",
    ),
    "a decimal of no digits": ('convert = "decimal"', "converter 'decimal' makes numeric: say which (pg = ...)"),
    "a double as a real": ('type = "float", pg = "real"', "a real does not hold every float"),
    "a long number": ('type = "int", max_length = 3', "max_length is for text, not for integer"),
    "bytes in json": ('type = "varbinary(9)"', "a member of a jsonb object cannot be bytea"),
    "an e-mail alone": ('convert = "email"', "converter 'email' does not give the value back"),
    "a search key alone": ('convert = "search_key"', "converter 'search_key' does not give the value back"),
}


@pytest.mark.parametrize(("said", "message"), MISFITS.values(), ids=MISFITS)
def test_a_conversion_can_make_the_target_type(tmp_path: Path, said: str, message: str) -> None:
    fate = 'json = "rest"' if "json" in message else 'to = "x"'
    assert refusal(tmp_path, f"X = {{ {said}, {fate} }}").startswith(f"student.toml: Pupil.columns.X: {message}")


OTHERS = {
    "no target": ("X = { to = {} }", "columns.X.to: names no target column"),
    "two words on a conversion": (
        'X = { to = { x = "text" }, convert = "integer" }',
        "columns.X: of several targets each has a converter of its own",
    ),
    "a type that no target has": (
        'X = { to = { x = "text" }, pg = "bigint" }',
        "columns.X.pg: none of its converters makes",
    ),
    "a typed reference": (
        'X = { type = "int", to = "x", pg = "bigint", references = "configuration.School" }',
        "columns.X: becomes another row's id: no convert, pg, max_length or soft_delete",
    ),
    "an empty name": ('X = { to = "" }', "pupils: '' is no name of a column: it is empty"),
    "a system column": ('X = { to = "xmin" }', "pupils: 'xmin' is no name of a column"),
    "a long name": (
        f'X = {{ to = "{"x" * 64}" }}',
        f"pupils: '{'x' * 64}' is no name of a column: it has more than 63 bytes",
    ),
    "a numeric flag": ('X = { type = "int", to = "x", soft_delete = true }', "columns.X.soft_delete: is for a flag"),
    "a text as flag": (
        'X = { to = "x", soft_delete = "1" }',
        "columns.X.soft_delete: is for a flag whose target is boolean",
    ),
    "a flag that goes nowhere": (
        'X = { type = "bit", excluded = "-", soft_delete = "1" }',
        "columns.X.soft_delete: is for",
    ),
    "two flags": (
        'X = { type = "bit", to = "x", soft_delete = true }\nY = { type = "bit", to = "y", soft_delete = "1" }',
        "columns.Y.soft_delete: X is the flag that archives a row already",
    ),
    "an excluded value required": (
        'X = { excluded = "-", required = true }',
        "columns.X: is not read: no required and no scrub",
    ),
    "an excluded value scrubbed": (
        'X = { excluded = "-", scrub = "access_tokens" }',
        "columns.X: is not read: no required",
    ),
    "a constant scrubbed": (
        'X = { constant = "x", to = "x", scrub = "access_tokens" }',
        "columns.X: is not read, as the entry",
    ),
    "a number for a flag": ('X = { type = "bit", to = "x", soft_delete = 1 }', "columns.X.soft_delete"),
}


@pytest.mark.parametrize(("columns", "message"), OTHERS.values(), ids=OTHERS)
def test_what_would_be_swallowed_is_refused(tmp_path: Path, columns: str, message: str) -> None:
    assert refusal(tmp_path, columns).startswith(f"student.toml: Pupil.{message}")


ACCEPTED = {
    "a type for one of two targets": 'X = { to = { x = "decimal", y = "text" }, pg = "numeric(9, 2)" }',
    "an e-mail beside the address": 'X = { to = { x = "text", x_key = "email" } }',
    "a flag of a number": 'X = { type = "tinyint", to = "x", convert = "boolean", soft_delete = "1" }',
    "a flag of a text": 'X = { to = "x", convert = "boolean", soft_delete = true }',
    "a flag in a jsonb object": 'X = { type = "bit", json = "rest", soft_delete = "0" }',
    "a flag among several targets": 'X = { type = "bit", to = { x = "text", y = "boolean" }, soft_delete = "1" }',
    "a double of a real": 'X = { type = "real", to = "x", pg = "double precision" }',
}


@pytest.mark.parametrize("columns", ACCEPTED.values(), ids=ACCEPTED)
def test_what_holds_every_value_is_accepted(tmp_path: Path, columns: str) -> None:
    read(tmp_path, columns)


def test_a_target_of_several_takes_the_type_it_can(tmp_path: Path) -> None:
    (tmp_path / "student.toml").write_text(
        HEAD.format(splits="", columns=ACCEPTED["a type for one of two targets"]), encoding="utf-8"
    )
    columns = load_catalog(tmp_path)["student.Pupil"].targets[0].columns
    assert (columns["x"], columns["y"]) == ("numeric(9,2)", "text")


@pytest.mark.parametrize(
    ("column", "place"),
    [
        ('c = { constant = "a\\u0000b", to = "n" }', "columns.c.constant"),
        ('c = { to = "n", absent = ["-", "\\u0000"] }', "columns.c.absent"),
        ('c = { to = { "n\\u0000" = "text" } }', "columns.c.to"),
    ],
)
def test_no_text_of_an_entry_holds_what_no_sql_can(tmp_path: Path, column: str, place: str) -> None:
    with pytest.raises(CatalogProblem, match=f"student.toml: Pupil.{place}: holds U.0000"):
        read(tmp_path, column)


def test_a_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "student.toml").write_bytes("# Größe".encode("latin-1"))
    with pytest.raises(CatalogProblem, match="not written in UTF-8"):
        load_catalog(tmp_path)
