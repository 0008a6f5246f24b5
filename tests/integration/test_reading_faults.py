"""What a driver raises, prints or returns in another form: translated, refused, and never shown."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import connectorx
import pyarrow as pa
import pytest

from pipeline.errors import MigrationError, SourceError, SourceUnreachable
from tests.support.sqlite_files import build, opened, table_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "legacy.sqlite"


class PanicException(BaseException):
    """Stands for the one of ConnectorX, which cannot be imported."""


RAISED = {
    "panic": (
        PanicException('called `unwrap()` on "Ada Lovelace"\nnote: run with RUST_BACKTRACE'),
        SourceError,
        "district_a, table t: ConnectorX panicked: called ... on ...$",
    ),
    "login": (RuntimeError("no route to postgresql://u:s3cret@h/d"), SourceError, r"postgresql://\*\*\*@h/d"),
    "time-out": (RuntimeError("timed out waiting for connection: x"), SourceUnreachable, "timed out"),
}


@pytest.mark.parametrize(("raised", "expected", "message"), RAISED.values(), ids=RAISED)
def test_what_the_driver_raises_is_translated(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    expected: type[MigrationError],
    message: str,
) -> None:
    def fail(*_: object, **__: object) -> pa.Table:
        raise raised

    database = build(path, "CREATE TABLE t (id int)")
    t = table_of(database)
    monkeypatch.setattr("connectorx.read_sql", fail)
    with pytest.raises(expected, match=message) as caught:
        database.count(t)
    assert caught.value.__suppress_context__
    assert "s3cret" not in str(caught.value)
    with pytest.raises(expected, match=r"source district_a: "):
        opened(path).tables()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interruption_passes(path: Path, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]) -> None:
    def interrupt(*_: object, **__: object) -> pa.Table:
        raise raised

    database = build(path, "CREATE TABLE t (id int)")
    monkeypatch.setattr("connectorx.read_sql", interrupt)
    with pytest.raises(raised):
        database.tables()


UNTYPED = {
    "no rows": pa.table({"id": pa.array([], pa.string()), "x": pa.array([], pa.string())}),
    "no sentinel": pa.table({"id": ["5"], "x": ["a"]}),
    "half a sentinel": pa.table({"id": ["", "5"], "x": ["a", "a"]}),
    "a null first": pa.table({"id": pa.array([None, "5"]), "x": pa.array([None, "a"])}),
    "not text": pa.table({"id": [0, 5], "x": ["", "a"]}),
    "no type": pa.table({"id": ["", "5"], "x": pa.nulls(2)}),
    "a column too few": pa.table({"id": ["", "5"]}),
    "a column too many": pa.table({"id": ["", "5"], "x": ["", "a"], "y": ["", "a"]}),
}


def answered(monkeypatch: pytest.MonkeyPatch, result: pa.Table) -> None:
    """Let the driver answer every question for rows with this; what a file's encoding is, it goes on to say."""
    read_sql = connectorx.read_sql

    def answer(url: str, query: str, **more: object) -> object:
        return read_sql(url, query, **more) if "pragma_encoding" in query else result

    monkeypatch.setattr("connectorx.read_sql", answer)


@pytest.mark.parametrize("result", UNTYPED.values(), ids=UNTYPED)
def test_a_result_of_another_form_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, result: pa.Table) -> None:
    database = build(path, "CREATE TABLE t (id int, x text)")
    t = table_of(database)
    answered(monkeypatch, result)
    with pytest.raises(SourceError, match=r"table t: .*(sentinel row|text columns)"):
        database.read(t, columns=["id", "x"], key=["id"])


def test_columns_are_called_as_asked_whatever_the_driver_calls_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = build(path, "CREATE TABLE t (id int, x text)")
    t = table_of(database)
    result = pa.table({"ID": pa.array(["", "5"], pa.large_string()), "?column?": ["", "a"]})
    answered(monkeypatch, result)
    found = database.read(t, columns=["id", "x"], key=["id"], rows=1)
    assert found.to_pydict() == {"id": ["5"], "x": ["a"]}
    assert found.schema == pa.schema([("id", pa.string()), ("x", pa.string())])


def test_nothing_is_written_to_stderr(path: Path) -> None:
    """A panic of the real driver (no file descriptors left), in a process of its own."""
    build(path, "CREATE TABLE t (id int)")
    program = f"""
        import resource
        from pathlib import Path
        from pipeline.errors import SourceError
        from pipeline.settings import Source
        from pipeline.stores import readers
        from pipeline.stores.legacy import LegacyDatabase
        read_sql = readers.connectorx.read_sql
        def exhausted(url, *args, **kwargs):
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            return read_sql("mssql://sa:s3cret@127.0.0.1:1/x", *args, **kwargs)
        source = Source.model_validate(dict(id="a", kind="login", name="A", dsn="sqlite://{path}",
            tenant_zone="UTC", host_zone="UTC", consistency="frozen"))
        database = LegacyDatabase(source)
        t = database.table("dbo", "t")
        readers.connectorx.read_sql = exhausted
        try:
            database.count(t)
        except SourceError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"RUST_BACKTRACE": "full", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.startswith("source a, table t: ConnectorX panicked: ")
    assert "s3cret" not in done.stdout + done.stderr
    assert "stack backtrace" not in done.stderr
