"""Servers that refuse, say nothing, are killed or keep a table locked: each cause by name, soon, and no secret."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from pipeline.connection import Dsn
from pipeline.core.sql.source import SourceTable
from pipeline.demo import server as embedded
from pipeline.demo.server import Server
from pipeline.errors import MigrationError, SourceDrift, SourceError, SourceUnreachable
from pipeline.stores.legacy import LegacyDatabase
from pipeline.stores.target import TargetDatabase
from tests.support.changing import FAMILY
from tests.support.servers import MariaDb, Postgres, running_mariadb, source
from tests.support.small import Small, small

#: A password that scrubbers stumble over, in plain and in percent form.
SECRET = "zq@mark:zq"
IN_URL = "zq%40mark%3Azq"
SECONDS = 60.0
#: What each cause must be called, by class and by words.
WORDS: dict[str, tuple[type[SourceError], str]] = {
    "wrong password": (SourceError, "the login is refused"),
    "unknown database": (SourceError, "there is no such database"),
    "closed port": (SourceUnreachable, "the server cannot be reached"),
    "silent server": (SourceUnreachable, "the server cannot be reached"),
    "no TLS": (SourceError, "no encrypted connection can be made"),
    "unknown option": (SourceError, "its dsn has an option that the driver does not know"),
}


@contextmanager
def listening(*, answers: bool) -> Iterator[int]:
    """Give a port of which connections are accepted and left unanswered, or one that nothing listens on."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        if answers:
            listener.listen(8)  # the kernel accepts; nobody speaks
        yield listener.getsockname()[1]


@pytest.fixture(params=["mysql", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(engine: str, request: pytest.FixtureRequest, postgres: Server) -> Callable[..., str]:
    """Give a connection string with the secret as the password of a user who has it, but for what is said."""
    port: int
    if engine == "mysql":
        mariadb: MariaDb = request.getfixturevalue("mariadb")
        database, port = mariadb.create(), mariadb.port
        mariadb.execute(
            database,
            f"CREATE OR REPLACE USER marked@'127.0.0.1' IDENTIFIED BY '{SECRET}'",
            "GRANT SELECT ON *.* TO marked@'127.0.0.1'",
        )
    else:
        legacy: Postgres = request.getfixturevalue("legacy_postgres")
        database, port = legacy.create(), postgres.port
        with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
            if not cluster.query("SELECT 1 AS x FROM pg_roles WHERE rolname = 'marked'").num_rows:
                cluster.execute(f"CREATE ROLE marked LOGIN PASSWORD '{SECRET}'")

    def dsn(password: str = IN_URL, database: str = database, port: int = port, options: str = "") -> str:
        return f"{engine}://marked:{password}@127.0.0.1:{port}/{database}{options}"

    return dsn


@pytest.fixture(params=WORDS)
def broken(request: pytest.FixtureRequest, engine: str, account: Callable[..., str]) -> Iterator[tuple[str, str]]:
    """Give a cause, and a connection string that fails by it."""
    match cause := str(request.param):
        case "wrong password":
            yield cause, account(password=f"{IN_URL}x")
        case "unknown database":
            yield cause, account(database="nowhere")
        case "no TLS":
            yield cause, account(options="?ssl-mode=REQUIRED" if engine == "mysql" else "?sslmode=require")
        case "unknown option":
            yield cause, account(options="?require_tls=yes")
        case _:
            with listening(answers=cause == "silent server") as port:
                yield cause, account(port=port)


def traces(text: str) -> list[str]:
    return [trace for trace in ("zq@mark", "mark:zq", IN_URL) if trace in text]


def test_the_account_itself_works(account: Callable[..., str]) -> None:
    assert LegacyDatabase(source(account())).tables() == ()


def test_cause_is_named_within_seconds_and_without_the_secret(
    broken: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    cause, dsn = broken
    started = time.monotonic()
    with pytest.raises(MigrationError) as caught:
        LegacyDatabase(source(dsn)).tables()
    assert time.monotonic() - started < SECONDS
    kind, words = WORDS[cause]
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"source a: {words}")
    assert caught.value.remedy
    assert traces(f"{caught.value!r}{caught.value}{capfd.readouterr()}") == []


def test_what_goes_through_the_command_line_holds_no_secret(
    account: Callable[..., str], postgres: Server, tmp_path: Path
) -> None:
    with small(postgres, tmp_path, {"student": FAMILY}, {"a": ""}) as made:
        of_source(made, account(password=f"{IN_URL}x"))
        for command in ("plan", "run"):
            started = time.monotonic()
            done = made.site.migrate_apart(command, check=2)
            assert time.monotonic() - started < SECONDS
            assert "source a: the login is refused" in done.stderr
            assert traces(done.stdout + done.stderr) == []
            assert "Traceback" not in done.stderr


# -- a server that goes away, and a table that stays locked ---------------------------------------------

TABLES = (
    "CREATE TABLE {t}Parent (Id int NOT NULL PRIMARY KEY, Name varchar(50))",
    "CREATE TABLE {t}Child (Id int NOT NULL PRIMARY KEY, ParentId int NOT NULL)",
    "INSERT INTO {t}Parent VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    "INSERT INTO {t}Child VALUES (11, 1), (12, 2), (13, 3)",
)


def of_source(made: Small, dsn: str) -> None:
    """Let the small site read a server instead of its file; one batch after another."""
    text = made.site.config.read_text(encoding="utf-8")
    text = text.replace(f'"sqlite://{made.site.directory / "a.sqlite"}"', f'"{dsn}"')
    text = text.replace("parallel = 2", "parallel = 1")
    made.site.config.write_text(text, encoding="utf-8")


@contextmanager
def locked(server: MariaDb | Postgres, database: str) -> Iterator[None]:
    """Keep the children's table locked against readers."""
    if isinstance(server, MariaDb):
        with server.connect(database) as cursor:
            cursor.execute("LOCK TABLES Child WRITE")
            yield
    else:
        with TargetDatabase("legacy", Dsn(server.dsn(database)), role=None) as connection:
            connection.execute("LOCK TABLE dbo.Child IN ACCESS EXCLUSIVE MODE")
            yield


def filled(server: MariaDb | Postgres) -> str:
    """Create a database with the small tables in it; name it."""
    database = server.create()
    schema = "" if isinstance(server, MariaDb) else "dbo."
    create = () if isinstance(server, MariaDb) else ("CREATE SCHEMA dbo",)
    server.execute(database, *create, *(s.format(t=schema) for s in TABLES))
    return database


@pytest.fixture
def server(engine: str, request: pytest.FixtureRequest) -> MariaDb | Postgres:
    running: MariaDb | Postgres = request.getfixturevalue("mariadb" if engine == "mysql" else "legacy_postgres")
    return running


def child_of(database: LegacyDatabase) -> SourceTable:
    return database.table("dbo", "Child")


def test_query_that_waits_too_long_names_the_limit(server: MariaDb | Postgres) -> None:
    name = filled(server)
    database = LegacyDatabase(source(server.dsn(name), statement_timeout=2))
    table = child_of(database)
    started = time.monotonic()
    with locked(server, name), pytest.raises(SourceError, match="a query took too long") as caught:
        database.read(table, columns=["Id"], key=["Id"])
    assert 2 <= time.monotonic() - started < SECONDS
    assert "source a, table " in str(caught.value)
    assert "statement_timeout = 2 seconds" in str(caught.value)
    assert "statement_timeout" in (caught.value.remedy or "")
    assert database.read(table, columns=["Id"], key=["Id"])["Id"].to_pylist() == ["11", "12", "13"]


def test_table_that_was_dropped_meanwhile_is_named(server: MariaDb | Postgres) -> None:
    name = filled(server)
    database = LegacyDatabase(source(server.dsn(name)))
    table = child_of(database)
    server.execute(name, "DROP TABLE " + ("Child" if isinstance(server, MariaDb) else "dbo.Child"))
    with pytest.raises(SourceDrift, match=r"source a, table [Cc]hild: there is no such table"):
        database.read(table, columns=["Id"], key=["Id"])


def test_column_that_was_dropped_meanwhile_is_named(server: MariaDb | Postgres) -> None:
    name = filled(server)
    database = LegacyDatabase(source(server.dsn(name)))
    table = child_of(database)
    schema = "" if isinstance(server, MariaDb) else "dbo."
    server.execute(name, f"ALTER TABLE {schema}Child DROP COLUMN ParentId")
    with pytest.raises(SourceDrift, match=r"source a, table [Cc]hild: there is no column [Pp]arent[Ii]d"):
        database.read(table, columns=["Id", "ParentId"], key=["Id"])


def test_table_that_may_not_be_read_is_named(server: MariaDb | Postgres, account: Callable[..., str]) -> None:
    name = filled(server)
    if isinstance(server, MariaDb):
        server.execute(
            name, "REVOKE SELECT ON *.* FROM marked@'127.0.0.1'", f"GRANT SELECT ON {name}.Parent TO marked@'127.0.0.1'"
        )
        described = LegacyDatabase(source(server.dsn(name)))
    else:
        server.execute(name, "GRANT USAGE ON SCHEMA dbo TO marked")
        described = LegacyDatabase(source(account(database=name)))
    table = child_of(described)
    with pytest.raises(SourceError, match=r"source a, table [Cc]hild: the user may not read \S*[Cc]hild"):
        LegacyDatabase(source(account(database=name))).read(table, columns=["Id"], key=["Id"])


def test_rows_that_a_policy_hides_are_missed(legacy_postgres: Postgres, postgres: Server) -> None:
    """Else a user of few rights would read a part of the table, at parity."""
    name = filled(legacy_postgres)
    legacy_postgres.execute(
        name,
        "DROP ROLE IF EXISTS narrow",
        "CREATE ROLE narrow LOGIN PASSWORD 'narrow'",
        "GRANT USAGE ON SCHEMA dbo TO narrow",
        "GRANT SELECT ON dbo.Child TO narrow",
        "ALTER TABLE dbo.Child ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON dbo.Child USING (Id = 11)",
    )
    narrow = LegacyDatabase(source(f"postgresql://narrow:narrow@127.0.0.1:{postgres.port}/{name}"))
    with pytest.raises(SourceError, match="row-level security hides rows of child from the user"):
        narrow.count(child_of(narrow))


def test_values_in_a_server_s_words_are_not_handed_on(legacy_postgres: Postgres) -> None:
    name = filled(legacy_postgres)
    legacy_postgres.execute(
        name,
        "ALTER TABLE dbo.Child ADD ssn text, ADD n int GENERATED ALWAYS AS (ssn::int) VIRTUAL",
        "UPDATE dbo.Child SET ssn = '123-45-6789'",
    )
    database = LegacyDatabase(source(legacy_postgres.dsn(name)))
    with pytest.raises(SourceError, match="invalid input syntax for type integer") as caught:
        database.read(child_of(database), columns=["n"], key=["Id"])
    assert "6789" not in str(caught.value)


def test_values_that_native_code_prints_are_not_seen(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    """Half a surrogate pair makes ConnectorX panic, and its panic prints the value."""
    name = filled(mariadb)
    mariadb.execute(
        name,
        "ALTER TABLE Parent MODIFY Name varchar(50) CHARACTER SET ucs2",
        "UPDATE Parent SET Name = concat('Jane Roe is ill ', _ucs2 X'D83D') WHERE Id = 2",
    )
    with small(postgres, tmp_path, {"student": FAMILY}, {"a": ""}) as made:
        of_source(made, mariadb.dsn(name))
        done = made.site.migrate_apart("run", check=2)
        assert "source a, table Parent" in done.stderr
        assert "Jane" not in done.stderr + done.stdout


@pytest.fixture
def mortal(engine: str, tmp_path: Path) -> Iterator[tuple[MariaDb | Postgres, Callable[[], None], Callable[[], Any]]]:
    """Give a server of the test's own, with what kills it and what starts it again."""
    directory = tmp_path / "server"
    directory.mkdir()
    if engine == "mysql":
        with running_mariadb(directory) as mariadb:
            yield mariadb, mariadb.kill, mariadb.start
        return
    running = embedded.start(directory)

    def kill() -> None:
        pid = int((running.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)  # the servers' own word for ending without tidying up

    yield Postgres(running), kill, lambda: embedded.start(directory)
    embedded.remove(directory)


@pytest.mark.slow
def test_run_goes_on_after_its_source_was_killed(
    mortal: tuple[MariaDb | Postgres, Callable[[], None], Callable[[], Any]], postgres: Server, tmp_path: Path
) -> None:
    server, kill, start = mortal
    name = filled(server)
    with small(postgres, tmp_path, {"student": FAMILY}, {"a": ""}) as made:
        of_source(made, server.dsn(name))
        workspace = made.open()
        staged = [workspace.staging.raw_path(b) for b in workspace.raw_batches()]

        def kill_when_waiting() -> None:
            while not staged[0].exists():
                time.sleep(0.05)
            time.sleep(1)
            kill()

        with suppress(pymysql.Error, MigrationError), locked(server, name):  # the lock dies with the server
            killer = threading.Thread(target=kill_when_waiting)
            killer.start()
            done = made.site.migrate_apart("extract", check=2)
            killer.join()
        assert [path.exists() for path in staged] == [True, False]
        assert "error: source a" in done.stderr
        assert "the server cannot be reached" in done.stderr, "a lost connection is tried again, and then there is none"
        assert not [word for word in ("Traceback", "panicked", 'File "', server.dsn(name)) if word in done.stderr]

        before = staged[0].stat().st_mtime_ns
        start()
        assert "PARITY" in made.site.migrate_apart("run").stdout
        assert staged[0].stat().st_mtime_ns == before
        assert len(made.table("student", "children", "parent_id")) == 3
