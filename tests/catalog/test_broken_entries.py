"""Entries that are refused, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalog import load_catalog
from schemas.files import CatalogProblem
from schemas.targets import target_type
from schemas.types import UnknownType
from tests.catalog.written import COMPOSITE, HEAD, KEYLESS, PAIR, SCHOOL, STUDENT, YEAR

BROKEN = {
    "unknown key of a column": (
        {"student.toml": STUDENT + 'Name = { too = "name" }'},
        "student.toml: Student.columns.Name.too: unknown key; did you mean to?",
    ),
    "unknown key of an entity": (
        {"student.toml": STUDENT.replace("source", 'descripton = "x"\nsource')},
        "student.toml: Student.descripton: unknown key; did you mean description",
    ),
    "missing target": (
        {"student.toml": STUDENT.replace('target = "students"', "")},
        "student.toml: Student.target: Field required",
    ),
    "reference to rows without a key": (
        {
            "configuration.toml": KEYLESS,
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.School" }',
        },
        "student.toml: Student.columns.S.references: configuration.School has no key that tells its rows apart: "
        "name the columns of it that do (by)",
    ),
    "tenant through rows without a key": (
        {
            "configuration.toml": KEYLESS,
            "student.toml": STUDENT.replace(
                "key =", 'tenant = { columns = ["Id"], by = "Id", through = "configuration.School" }\nkey ='
            ),
        },
        "student.toml: Student.tenant.through: configuration.School has no key that tells its rows apart: "
        "no tenant can be found by it",
    ),
    "tenant without a registry": (
        {"student.toml": STUDENT.replace("key =", 'tenant = { column = "Id" }\nkey =')},
        "student.toml: Student.tenant.through: no entity 'configuration.District' in the catalog",
    ),
    "derived from rows without a key": (
        {
            "configuration.toml": KEYLESS
            + """
            [Place]
            derived_from = "configuration.School"
            key = ["Id"]
            target = "places"
            [Place.columns]
            Id = { to = "number" }
            """
        },
        "configuration.toml: Place.derived_from: configuration.School has no key that tells its rows apart: "
        "its rows cannot be grouped",
    ),
    "derived rows without a key": (
        {
            "student.toml": STUDENT
            + """
            [Visit]
            derived_from = "student.Student"
            target = "visits"
            [Visit.columns]
            Id = { to = "number" }
            """
        },
        "student.toml: Visit.key: a derived entity is named by the columns that it groups: say which",
    ),
    "parent that is named by scrubbed contents": (
        {
            "configuration.toml": KEYLESS + 'Note = { to = "note", scrub = "access_tokens" }',
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.School", by = "Id" }',
        },
        "configuration.toml: School.columns.Note.scrub: configuration.School has no key, and others refer to it: "
        "its rows are named by their contents, which no scrub may change",
    ),
    "unknown entity": (
        {
            "configuration.toml": SCHOOL,
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.Scool" }',
        },
        "student.toml: Student.columns.S.references: no entity 'configuration.Scool' in the catalog; "
        "did you mean configuration.School?",
    ),
    "unknown column of the parent": (
        {
            "configuration.toml": SCHOOL,
            "student.toml": STUDENT
            + 'S = { type = "int", to = "s", references = "configuration.School", by = ["ID"] }',
        },
        "student.toml: Student.columns.S.by: configuration.School reads no column 'ID'; known are Id",
    ),
    "two columns for a key of one": (
        {
            "configuration.toml": SCHOOL,
            "student.toml": STUDENT
            + 'S = { type = "int", to = "s", references = "configuration.School", using = ["Id", "S"] }',
        },
        "student.toml: Student.columns.S.using: 1 columns expected, as the parent's key ('Id',) has",
    ),
    "key that is not a column": (
        {"student.toml": STUDENT.replace('["Id"]', '["ID"]')},
        "student.toml: Student.key: student.Student reads no column 'ID'; known are Id",
    ),
    "required reference to itself": (
        {"student.toml": STUDENT + 'S = { type = "int", to = "s", required = true, references = "student.Student" }'},
        "student.toml: Student.columns.S.references: entries refer to each other in a circle: "
        "student.Student -> student.Student; a reference in it must be optional (required = false)",
    ),
    "required reference in a circle of two": (
        {
            "configuration.toml": SCHOOL
            + 'S = { type = "int", to = "s", required = true, references = "student.Student" }',
            "student.toml": STUDENT + 'S = { type = "int", to = "s", references = "configuration.School" }',
        },
        "configuration.toml: School.columns.S.references: entries refer to each other in a circle: "
        "configuration.School -> student.Student -> configuration.School; "
        "a reference in it must be optional (required = false)",
    ),
    "shared rows of a tenant's own database": (
        {"configuration.toml": SCHOOL.replace("key =", 'tenant = "shared"\nkey =')},
        "configuration.toml: School.tenant: district is a tenant's own database, so that its rows are that tenant's; "
        "leave it out",
    ),
    "shared rows in a circle": (
        {
            "configuration.toml": SCHOOL.replace("key =", 'tenant = "shared"\nkey =')
            + 'S = { type = "int", to = "s", references = "student.Student" }',
            "student.toml": STUDENT.replace(
                "key =", 'shared = { with = "configuration.School", on = ["Id"], compare = ["Id"] }\nkey ='
            ),
        },
        "student.toml: Student.shared.with: entries refer to each other in a circle: student.Student -> "
        "configuration.School -> student.Student; leave out a reference of the entity shared with",
    ),
    "derived rows in a circle": (
        {
            "student.toml": STUDENT
            + """S = { type = "int", to = "s", references = "student.Visit" }
            [Visit]
            derived_from = "student.Student"
            key = ["Id"]
            target = "visits"
            [Visit.columns]
            Id = { to = "number" }
            """
        },
        "student.toml: Visit.derived_from: entries refer to each other in a circle: student.Visit -> "
        "student.Student -> student.Visit; leave out a reference to the derived entity",
    ),
    "required reference in a circle of three": (
        {
            "configuration.toml": SCHOOL
            + 'S = { type = "int", to = "s", required = true, references = "student.Student" }\n'
            + YEAR
            + 'S = { type = "int", to = "s", references = "configuration.School" }',
            "student.toml": STUDENT + 'Y = { type = "int", to = "y", references = "configuration.Year" }',
        },
        "entries refer to each other in a circle: configuration.School -> student.Student -> "
        "configuration.Year -> configuration.School",
    ),
    "shared table without a discriminator": (
        {"student.toml": STUDENT + HEAD.format(name="Pupil", target="students")},
        "student.toml: Student: student.Student, student.Pupil share the table students; "
        "each needs a constant of its own in the same column",
    ),
    "shared table with the same constant": (
        {
            "student.toml": STUDENT
            + '_o = { constant = "x", to = "origin" }\n'
            + HEAD.format(name="Pupil", target="students")
            + '_o = { constant = "x", to = "origin" }'
        },
        "student.toml: Student: student.Student, student.Pupil share the table students;",
    ),
    "two fates": (
        {"student.toml": STUDENT + 'Name = { to = "name", json = "rest" }'},
        "student.toml: Student.columns.Name: has to and json; a column has one fate",
    ),
    "written and excluded": (
        {"student.toml": STUDENT + 'Name = { to = "name", excluded = "never written" }'},
        "student.toml: Student.columns.Name: has to and excluded; a column has one fate",
    ),
    "secret that is written": (
        {"student.toml": STUDENT + 'Name = { to = "name", secret = true }'},
        "student.toml: Student.columns.Name: a secret column is excluded, with its reason",
    ),
    "reference to two columns": (
        {"student.toml": STUDENT + 'S = { to = { a = "text", b = "text" }, references = "student.Student" }'},
        "student.toml: Student.columns.S: a reference goes to exactly one target column",
    ),
    "number with case": (
        {"student.toml": STUDENT.replace('"int" }', '"int", case_sensitive = true }')},
        "student.toml: Student.columns.Id: case_sensitive is for text, not for int",
    ),
    "unknown legacy type": (
        {"student.toml": STUDENT + 'Fee = { type = "currency", to = "fee" }'},
        "student.toml: Student.columns.Fee: mssql type 'currency' is not in the table of types",
    ),
    "legacy type of another engine": (
        {"student.toml": STUDENT.replace("key =", 'engine = "mysql"\nkey =') + 'Fee = { type = "money", to = "fee" }'},
        "student.toml: Student.columns.Fee: mysql type 'money' is not in the table of types",
    ),
    "unknown engine": (
        {"student.toml": STUDENT.replace("key =", 'engine = "mariadb"\nkey =')},
        "student.toml: Student.engine: Input should be 'mssql', 'mysql', 'postgresql' or 'sqlite'",
    ),
    "unknown target type": (
        {"student.toml": STUDENT + 'Fee = { type = "int", to = "fee", pg = "float8" }'},
        "student.toml: Student.columns.Fee: target type 'float8' is not one that is written exactly",
    ),
    "datetime that says no more": (
        {"student.toml": STUDENT + 'Born = { type = "datetime", to = "born" }'},
        "student.toml: Student.columns.Born: a datetime needs a converter (date, time or instant?)",
    ),
    "key that a composite reference composes": (
        {"student.toml": COMPOSITE.replace('["Id"]', '["Id", "S"]')},
        "student.toml: Student.key: student.Student reads no column 'S'",
    ),
    "composite reference made of a composite reference": (
        {"student.toml": COMPOSITE + 'T = { to = "t", references = "configuration.Pair", using = ["A", "S"] }'},
        "student.toml: Student.columns.T.using: student.Student reads no column 'S'",
    ),
    "composite reference with a constant": (
        {"student.toml": COMPOSITE.replace('to = "s",', 'to = "s", constant = "1",')},
        "student.toml: Student.columns.S: is not read, as its using names other columns: no constant and no scrub",
    ),
    "half of a key that is kept nowhere": (
        {"student.toml": COMPOSITE.replace(', to = "b"', "")},
        "student.toml: Student.columns.B: holds part of S, and where that key is half filled goes nowhere: "
        "name its target (to, json), or why it is excluded",
    ),
    "undeclared split": (
        {"student.toml": STUDENT + 'Name = { to = "student_names.name" }'},
        "student.toml: Student.columns.Name.to: no split student_names/1 is declared",
    ),
    "derived from nowhere": (
        {"student.toml": '[Visit]\nderived_from = "student.Stay"\nkey = ["Id"]\ntarget = "visits"'},
        "student.toml: Visit.derived_from: no entity 'student.Stay' in the same service",
    ),
    "rule on no column": (
        {
            "student.toml": STUDENT
            + """[[Student.rules]]
            rule = "present"
            column = "Name"
            action = "flag"
            hazard = "H1"
            because = "a student should have a name"
            """
        },
        "student.toml: Student.rules.present: student.Student reads no column 'Name'",
    ),
    "unknown service": (
        {"students.toml": STUDENT},
        "students.toml: installation.toml names no such service; did you mean student?",
    ),
    "value where an entity should be": (
        {"student.toml": 'title = "students"'},
        "student.toml: title: got str, expected a table that describes an entity",
    ),
    "not TOML": (
        {"student.toml": "[Student"},
        "student.toml: not valid TOML: ",
    ),
}


@pytest.mark.parametrize(("files", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    if "configuration.Pair" in "".join(files.values()):
        files = {"configuration.toml": PAIR, **files}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert message in str(caught.value)


def test_the_heads_of_broken_entries_are_sound(tmp_path: Path) -> None:
    (tmp_path / "configuration.toml").write_text(SCHOOL + YEAR + PAIR, encoding="utf-8")
    (tmp_path / "student.toml").write_text(COMPOSITE, encoding="utf-8")
    expected = ("configuration.Pair", "configuration.School", "configuration.Year", "student.Student")
    assert load_catalog(tmp_path).order == expected


def test_what_a_required_composite_reference_is_made_of_needs_no_column(tmp_path: Path) -> None:
    """A row whose key is half filled is rejected whole, and the parent's id gives the rest back."""
    (tmp_path / "configuration.toml").write_text(PAIR, encoding="utf-8")
    required = COMPOSITE.replace(', to = "b"', "").replace('to = "s"', 'to = "s", required = true')
    (tmp_path / "student.toml").write_text(required, encoding="utf-8")
    assert list(load_catalog(tmp_path)["student.Student"].raw_columns) == ["Id", "A", "B"]


@pytest.mark.parametrize("text", ["float8", "money", "varchar(5)", "numeric(39,2)", "numeric(5)"])
def test_target_types_that_are_not_written_exactly_are_refused(text: str) -> None:
    with pytest.raises(UnknownType, match="written exactly"):
        target_type(text)
