"""Names and hashes of entries: what is another version of an entry, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.model import Entity
from tests.catalog.written import COMPOSITE, PAIR, STUDENT, parse
from tests.support.fleet import INSTALLATION


@pytest.mark.parametrize(
    ("schema", "table", "path"),
    [
        (None, "Student", "district.dbo.Student"),
        ("Sales", "Order Details-2$", "district.Sales.Order Details-2$"),
        ("a.b", "c", 'district."a.b".c'),
        ("a", "b.c", 'district.a."b.c"'),
        ("dbo", 'x"/\\y', 'district.dbo."x\\"/\\\\y"'),
        ("dbo", "Schüler_1", "district.dbo.Schüler_1"),
        ("dbo", "a\n", 'district.dbo."a\\n"'),
    ],
)
def test_a_path_tells_schema_and_table_apart(schema: str | None, table: str, path: str) -> None:
    named = {} if schema is None else {"schema": schema}
    entity = Entity.model_validate(
        {
            "namespace": INSTALLATION.namespace,
            "service": "student",
            "name": "X",
            "source": "district",
            "table": table,
            "key": ["Id"],
            "target": "x",
        }
        | {"columns": {"Id": {"type": "int"}}, **named}
    )
    assert entity.path == path


def test_younger_keys_that_say_nothing_leave_hashes_alone(tmp_path: Path) -> None:
    """Rows loaded before such a key existed belong to the same version of the entry."""
    plain = parse(tmp_path, student=STUDENT + 'Name = { to = "name" }')
    said = STUDENT.replace("key =", 'schema = "dbo"\nengine = "mssql"\nreviewed = false\nkey =')
    explicit = parse(tmp_path, student=said + 'Name = { to = "name", case_sensitive = false, finer = "reject" }')
    for catalog in (plain, explicit):
        assert catalog.hashes["student.Student"] == "60ff5d5236c2b1f1"
        assert catalog.extract_hash("student.Student") == "98f5bf48abef0188"


def test_another_engine_is_another_raw_file_and_another_entry(tmp_path: Path) -> None:
    """The same word means another type, and the same value another raw text."""
    plain = parse(tmp_path, student=STUDENT)
    moved = parse(tmp_path, student=STUDENT.replace("key =", 'engine = "mysql"\nkey ='))
    assert plain.extract_hash("student.Student") != moved.extract_hash("student.Student")
    assert plain.hashes["student.Student"] != moved.hashes["student.Student"]


def test_another_schema_is_another_raw_file_and_another_entry(tmp_path: Path) -> None:
    plain = parse(tmp_path, student=STUDENT)
    moved = parse(tmp_path, student=STUDENT.replace("key =", 'schema = "archive"\nkey ='))
    assert plain.extract_hash("student.Student") != moved.extract_hash("student.Student")
    assert plain.hashes["student.Student"] != moved.hashes["student.Student"]


def test_a_derived_entry_speaks_of_types_as_its_origin_does(tmp_path: Path) -> None:
    stay = STUDENT.replace("Student", "Stay").replace("key =", 'engine = "mysql"\nkey =')
    visit = '[Visit]\nderived_from = "student.Stay"\nkey = ["Kind"]\ntarget = "visits"\n[Visit.columns]\n'
    text = f'{stay}Kind = {{ type = "mediumtext", to = "kind" }}\n{visit}Kind = {{ to = "kind" }}\n'
    assert parse(tmp_path, student=text)["student.Visit"].engine == "mysql"


def test_what_is_not_read_of_another_engine_needs_no_type(tmp_path: Path) -> None:
    head = 'engine = "mysql"\nkey ='
    parse(tmp_path, configuration=PAIR.replace("key =", head), student=COMPOSITE.replace("key =", head))
    constant = STUDENT.replace("key =", head) + '_kind = { constant = "x", to = "kind" }'
    assert parse(tmp_path, student=constant)["student.Student"].constants == {"_kind": "x"}


def test_case_sensitivity_is_another_version_of_an_entry(tmp_path: Path) -> None:
    plain = parse(tmp_path, student=STUDENT + 'Name = { to = "name" }')
    sensitive = parse(tmp_path, student=STUDENT + 'Name = { to = "name", case_sensitive = true }')
    assert plain.hashes["student.Student"] != sensitive.hashes["student.Student"]
