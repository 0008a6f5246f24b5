"""The exception tree: default messages, rendering, transience, and that no secret survives."""

from __future__ import annotations

import pickle

import pytest

from pipeline import errors
from pipeline.errors import MigrationError, SourceDrift, SourceUnreachable, scrub_secrets

ALL = sorted(
    (c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, MigrationError)),
    key=lambda c: c.__name__,
)
TRANSIENT = {"SourceUnreachable", "TargetUnreachable"}


@pytest.mark.parametrize("error", ALL, ids=lambda c: c.__name__)
def test_docstring_is_the_default_message(error: type[MigrationError]) -> None:
    assert error.__doc__
    assert str(error()) == error.__doc__.splitlines()[0]
    assert error.transient is (error.__name__ in TRANSIENT)
    assert error.__name__ in (errors.__doc__ or "")


def test_all_parts_are_rendered_and_kept() -> None:
    error = SourceDrift(
        "table is missing",
        where="district_a, Student",
        expected="63 tables",
        got="62 tables",
        remedy="look at it",
    )
    assert str(error) == (
        "district_a, Student: table is missing\n  expected: 63 tables\n  got:      62 tables\n  to do:    look at it"
    )
    assert (error.what, error.where, error.got) == ("table is missing", "district_a, Student", "62 tables")
    assert (error.expected, error.remedy) == ("63 tables", "look at it")


def test_one_line_where_there_is_no_more_to_say() -> None:
    assert str(SourceUnreachable(where="login")) == "login: A legacy database does not answer."


def test_survives_pickling() -> None:
    error = SourceDrift("odd", where="here", got="a", expected="b", remedy="c")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (SourceDrift, str(error))


SECRETS = [
    "postgresql://postgres:s3cret@localhost/student",
    "connect to postgresql://u:p@s3cret/w@localhost/student failed",
    "mssql://sa:s3cret@[::1]:1433/NorthStar?encrypt=true",
    "login u:s3cret@db.example.org refused",
    "host=localhost password=s3cret dbname=student",
    "host=localhost password = 's3cret with \\' blanks s3cret' dbname=student",
    'password="s3cret"',
    "Server=x;Uid=sa;Pwd=s3cret;Database=y",
    "Server=x;Uid=sa;PWD={s3cret;s3cret};Database=y",
    "PGPASSWORD=s3cret",
    "{'password': 's3cret', 'host': 'h'}",
    '{"sslpassword": "s3cret"}',
    "postgresql://h/db?user=u&password=s3cret&x=1",
    "AccountKey=s3cret==;EndpointSuffix=x",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_removed(text: str) -> None:
    assert "s3cret" not in scrub_secrets(text)
    error = MigrationError(text, where=text, got=text, expected=text, remedy=text)
    assert "s3cret" not in str(error) + repr(error) + repr(vars(error))


HARMLESS = [
    'FATAL:  password authentication failed for user "postgres"',
    "postgresql://localhost:5432/student",
    "sqlite:///srv/legacy/district_a.sqlite",
    "no such column: t.Nope",
    "at 12:30 the source changed",
    "student.students, tenant 1, batch 3: 10 rows",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_all_else_stays(text: str) -> None:
    assert scrub_secrets(text) == text


def test_what_surrounds_a_secret_stays() -> None:
    assert scrub_secrets("host=h password=s3cret dbname=d") == "host=h password=*** dbname=d"
    assert scrub_secrets("to postgresql://u:p@h/d now") == "to postgresql://***@h/d now"
