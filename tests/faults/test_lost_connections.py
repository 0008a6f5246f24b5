"""A connection to the target that is cut, reset or dead at any byte: named as what it is, tried again, never waited for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi
from tenacity import wait_none

from pipeline import attempts, runner, runs
from pipeline.connection import Dsn, libpq_uri
from pipeline.core.clock import transitions_frame
from pipeline.core.sql import relations
from pipeline.demo.server import Server
from pipeline.errors import MigrationError, TargetError, TargetLocked, TargetUnreachable
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from pipeline.stores import heartbeat, target, underway
from pipeline.stores.lock import TargetLock
from pipeline.stores.parity import ParityDatabase
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace
from tests.faults.wire import End, Wire
from tests.integration.test_connection_failures import filled, of_source
from tests.support.changing import FAMILY
from tests.support.servers import Postgres
from tests.support.small import Small, named, small

ENTRY = named("Student")
ROWS = """
CREATE TABLE Student (Id int PRIMARY KEY, Name nvarchar(50));
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO Student SELECT i, 'name ' || i FROM n;
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": ROWS}) as made:
        yield made


@pytest.fixture
def wire(postgres: Server) -> Iterator[Wire]:
    with Wire(postgres.port) as wire:
        yield wire


def over(wire: Wire, dsn: str) -> str:
    """Let a connection string go over the wire."""
    return re.sub(r":\d+/", f":{wire.port}/", dsn)


def _work(dsn: str) -> int:
    """Connect, write, read and commit; give what was read."""
    with TargetDatabase("student", Dsn(dsn), role=None) as database:
        database.execute("CREATE TEMP TABLE cut (n bigint)")
        database.ingest("pg_temp", "cut", pa.table({"n": list(range(500))}))
        read = database.query("SELECT n, repeat('x', 40) AS x FROM cut").num_rows
        database.commit()
        return int(read)


@pytest.mark.parametrize("how", [End.CLOSED, pytest.param(End.RESET, marks=pytest.mark.slow)], ids=["closed", "reset"])
@pytest.mark.parametrize("places", [24, pytest.param(400, marks=pytest.mark.slow)], ids=["some", "many"])
def test_a_cut_at_any_byte_is_a_lost_connection(places: int, how: End, made: Small, wire: Wire) -> None:
    dsn = over(wire, made.site.dsn("student"))
    wire.cut(10**9)
    assert _work(dsn) == 500
    # Before the login, after it, and in what the statements say.
    total, login, statements = wire.said, 500, 45_000
    ranges = ((1, login), (login, total - statements), (total - statements, total))
    ends = set()
    for first, last in ranges:
        for place in range(first, last, max(1, (last - first) * 3 // places)):
            wire.cut(place, how)
            try:
                assert _work(dsn) == 500
                ends.add("done")
            except TargetUnreachable as error:
                assert error.transient
                assert "percent-encode" not in str(error)
                assert made.site.pattern.partition("@")[0].rpartition(":")[2] not in str(error)
                ends.add(error.what)
    assert ends - {"done"} == {"the connection to the server was lost", "A target database does not answer."}


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://u:p%zz@127.0.0.1/x", "postgresql://u:p@127.0.0.1:99999/x", "postgresql://u:p@127.0.0.1/x?foo=bar"],
)
def test_only_a_string_that_cannot_be_read_is_to_be_encoded(dsn: str) -> None:
    with pytest.raises(TargetError, match="the connection string cannot be used") as caught:
        TargetDatabase("student", Dsn(dsn))
    assert "percent-encoded" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("dsn", "added"),
    [
        ("postgresql://u:p@h/d", "?connect_timeout=10&keepalives_idle="),
        ("postgresql://u:p?w@h/d", "?connect_timeout=10&"),
        ("postgresql://h/d?", "connect_timeout=10&"),
        ("postgresql://u:p@h/d?sslmode=require", "&connect_timeout=10&"),
        ("postgresql://u:p@h/d?connect_timeout=3&application_name=x", "&keepalives_idle="),
    ],
)
def test_limits_are_added_to_a_connection_string_that_says_none(dsn: str, added: str) -> None:
    limited = libpq_uri(Dsn(dsn))
    assert limited.startswith(f"{dsn}{added}")
    assert limited.count("connect_timeout=") == 1
    assert libpq_uri(Dsn(limited)) == limited


# -- tried again --------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between two attempts."""
    monkeypatch.setattr(attempts, "WAIT", wait_none())


@contextmanager
def _locked_workspace(made: Small, wire: Wire) -> Iterator[Workspace]:
    """A run that is staged and transformed, its target at the other end of the wire."""
    text = made.site.config.read_text(encoding="utf-8").replace(
        "batch_rows = 10000", "batch_rows = 10\nbundle_rows = 10"
    )
    made.site.config.write_text(over(wire, text), encoding="utf-8")
    settings = load_settings(made.site.config)
    with TargetLock(settings, ["student"], "migrate test", wait=False, say=lambda _: None) as lock:
        record = runs.new_run(settings, made.catalog, runs.Selection())
        workspace = runs.open_run(settings, made.catalog, record, lock)
        runner.run_extract(workspace, Progress(quiet=True))
        runner.run_transform(workspace, Progress(quiet=True))
        yield workspace


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("places", [3, pytest.param(20, marks=pytest.mark.slow)], ids=["some", "many"])
@pytest.mark.parametrize("how", [End.CLOSED, pytest.param(End.RESET, marks=pytest.mark.slow)], ids=["closed", "reset"])
def test_a_load_goes_on_after_its_connections_were_cut(how: End, places: int, made: Small, wire: Wire) -> None:
    with _locked_workspace(made, wire) as workspace:
        wire.cut(10**9)
        runner.run_load(workspace, Progress(quiet=True))
        whole = wire.said
        for place in range(whole // places // 2, whole, whole // places):
            made.site.execute("student", "TRUNCATE student.students, migration.run, migration.id_map CASCADE")
            wire.cut(place, how)
            assert runner.run_load(workspace, Progress(quiet=True)) == 40
            assert runner.run_verify(workspace, Progress(quiet=True)).parity


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("places", [3, pytest.param(20, marks=pytest.mark.slow)], ids=["some", "many"])
def test_a_verification_goes_on_after_its_connection_was_cut(places: int, made: Small, wire: Wire) -> None:
    with _locked_workspace(made, wire) as workspace:
        runner.run_load(workspace, Progress(quiet=True))
        wire.cut(10**9)
        assert runner.run_verify(workspace, Progress(quiet=True)).parity
        whole = wire.said
        for place in range(whole // places // 2, whole, whole // places):
            wire.cut(place, End.RESET)
            assert runner.run_verify(workspace, Progress(quiet=True)).differences == ()


def test_a_cut_within_what_duckdb_reads_is_a_lost_connection(made: Small, wire: Wire, tmp_path: Path) -> None:
    with (
        TargetDatabase("student", Dsn(over(wire, made.site.dsn("student")))) as database,
        ParityDatabase(tmp_path, transitions_frame(set())) as parity,
    ):
        wire.cut(100_000)
        with (
            pytest.raises(TargetUnreachable, match="lost"),
            database.stream("SELECT n FROM generate_series(1, 1_000_000) n") as reader,
        ):
            parity.fill(relations.actual("student", "students"), reader)


@pytest.mark.usefixtures("hasty")
def test_what_is_lost_again_and_again_is_given_up(made: Small, wire: Wire) -> None:
    cuts = []

    def again() -> None:
        cuts.append(1)
        wire.cut(100, End.RESET, again)

    with _locked_workspace(made, wire) as workspace:
        again()
        with pytest.raises(TargetUnreachable):
            runner.run_load(workspace, Progress(quiet=True))
    assert len(cuts) == 1 + 5
    assert made.table("student", "students", "name") == {}


# -- a lock that somebody else holds --------------------------------------------------------------------


@contextmanager
def _other(made: Small) -> Iterator[dbapi.Cursor]:
    """A session that is not the tool's."""
    with dbapi.connect(made.site.dsn("student")) as connection, connection.cursor() as cursor:
        yield cursor


def test_the_number_of_a_closed_connection_may_be_anothers(made: Small) -> None:
    """Servers number their processes anew: one's own of today must not hide who holds a lock tomorrow."""
    before = set(target._OWN)
    with TargetDatabase("student", Dsn(made.site.dsn("student"))) as database:
        [own] = database.query("SELECT pg_backend_pid() AS pid").to_pylist()
        assert own["pid"] in target._OWN
    assert before == target._OWN


def test_who_holds_a_lock_is_named(made: Small) -> None:
    impatient = made.site.dsn("student") + "?options=-c%20lock_timeout%3D200ms"
    with _other(made) as other:
        other.execute("SET application_name = 'nightly report'")
        other.execute("LOCK TABLE student.students IN ACCESS EXCLUSIVE MODE")
        other.execute("SELECT pg_backend_pid(), current_user::text")
        [(pid, login)] = other.fetchall()
        with TargetDatabase("student", Dsn(impatient)) as database, pytest.raises(TargetLocked) as caught:
            database.query("SELECT count(*) AS n FROM student.students")
    assert caught.value.where == "service student"
    assert (caught.value.got or "").startswith(
        f"server process {pid} (login {login}, nightly report, idle in transaction, in a transaction since 20"
    )
    assert "locks students" in (caught.value.got or "")


def test_a_command_says_who_holds_the_lock_that_it_waited_for(made: Small) -> None:
    text = made.site.config.read_text(encoding="utf-8")
    made.site.config.write_text(
        text.replace("{service}", "{service}?options=-c%20lock_timeout%3D200ms"), encoding="utf-8"
    )
    with _other(made) as other:
        other.execute("LOCK TABLE student.students IN SHARE MODE")
        other.execute("SELECT pg_backend_pid()")
        [(pid,)] = other.fetchall()
        done = made.site.migrate_apart("run", check=2)
    assert "service student: Another session holds a lock on the target's tables" in done.stderr
    assert f"server process {pid} " in done.stderr
    assert "PARITY" in made.site.migrate_apart("run").stdout


def test_a_limit_that_the_site_has_set_stays(made: Small) -> None:
    for options, limit in (("", "30s"), ("?options=-c%20lock_timeout%3D5min", "5min")):
        with TargetDatabase("student", Dsn(made.site.dsn("student") + options)) as database:
            assert database.setting("lock_timeout") == limit


def test_a_lock_of_our_own_is_only_waited_for(made: Small) -> None:
    impatient = made.site.dsn("student") + "?options=-c%20lock_timeout%3D100ms"
    with TargetDatabase("student", Dsn(impatient)) as one, TargetDatabase("student", Dsn(impatient)) as two:
        one.execute("LOCK TABLE student.students IN SHARE MODE")
        with pytest.raises(TargetUnreachable, match="a lock was held too long"):
            two.execute("DELETE FROM student.students")


# -- a connection that swallows what is sent ------------------------------------------------------------------


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at statements early and often."""
    monkeypatch.setattr(heartbeat, "_EVERY", 0.2)
    monkeypatch.setattr(heartbeat, "_ANSWER", 2.0)
    monkeypatch.setattr(target, "_CONNECT", 1.0)


def _hopeless() -> MigrationError:
    while (error := underway.hopeless()) is None:
        pass
    return error


def _aside(step: Callable[[], object]) -> Thread:
    """Do what does not come back while the wire is dead."""

    def work() -> None:
        with suppress(MigrationError):
            step()

    thread = Thread(target=work)
    thread.start()
    return thread


@pytest.mark.usefixtures("watchful")
@pytest.mark.parametrize(
    "doing", ["asking", "loading", *(pytest.param(d, marks=pytest.mark.slow) for d in ("committing", "connecting"))]
)
def test_a_dead_connection_is_noticed(doing: str, made: Small, wire: Wire) -> None:
    dsn = over(wire, made.site.dsn("student"))
    database = TargetDatabase("student", Dsn(dsn))
    rows = pa.table({"n": list(range(3_000_000))})
    database.execute("CREATE TEMP TABLE dead (n bigint)")
    wire.cut(1, End.DEAD)
    thread = _aside(
        {
            "asking": lambda: database.query("SELECT 1 AS x"),
            "loading": lambda: database.ingest("pg_temp", "dead", rows),
            "committing": database.commit,
            "connecting": lambda: TargetDatabase("student", Dsn(dsn)),
        }[doing]
    )
    error = _hopeless()
    wire.close()
    thread.join()
    database.close()
    assert isinstance(error, TargetUnreachable)
    assert str(error).startswith("service student: ")
    assert error.remedy


@pytest.mark.usefixtures("watchful")
def test_a_statement_that_takes_long_is_left_alone(made: Small) -> None:
    with TargetDatabase("student", Dsn(made.site.dsn("student"))) as database, made.site.connect("student") as other:
        other.execute("LOCK TABLE student.students IN ACCESS EXCLUSIVE MODE")
        waiting = Thread(target=lambda: database.query("SELECT count(*) AS n FROM student.students"))
        waiting.start()
        looks = [underway.hopeless() for _ in range(2_000)]
        assert set(looks) == {None}
        other.commit()
        waiting.join()


# -- a source whose connection is cut -----------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("how", [End.CLOSED, pytest.param(End.RESET, marks=pytest.mark.slow)], ids=["closed", "reset"])
def test_an_extract_goes_on_after_its_connection_was_cut(
    how: End, legacy_postgres: Postgres, postgres: Server, wire: Wire, tmp_path: Path
) -> None:
    name = filled(legacy_postgres)
    with small(postgres, tmp_path, {"student": FAMILY}, {"a": ""}) as made:
        of_source(made, over(wire, legacy_postgres.dsn(name)))
        workspace = made.open()
        batches = list(workspace.raw_batches())
        # Opened before, so that it is a query that is cut and not the first look.
        workspace.source("a").tables()
        wire.cut(500, how)
        runner.run_extract(workspace, Progress(quiet=True))
        assert [workspace.staging.manifest(workspace.staging.raw_path(b))["rows"] for b in batches] == [3, 3]
