"""An interrupt ends the process whatever native call is running, and what it left behind in the target ends too."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from adbc_driver_postgresql import dbapi

from pipeline.demo.server import Server
from tests.faults.processes import started
from tests.faults.test_lost_connections import ENTRY, ROWS, over
from tests.faults.wire import End, Wire
from tests.integration.test_connection_failures import filled, locked, of_source
from tests.support.changing import FAMILY
from tests.support.servers import Postgres
from tests.support.small import Small, small

#: Far below the minutes that each of these would take by itself, far above the two seconds that are promised.
SECONDS = 20
#: Bytes: a load of the forty rows hears 200,000 from its server, half of them what types there are.
_MIDWAY = 150_000


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRY}, {"a": ROWS}) as made:
        yield made


def _interrupted(made: Small, moment: Callable[[], bool], *command: str) -> str:
    """Start a command, interrupt it when the moment has come, and give its standard error."""
    with started(made.site, *command) as process:
        while not moment():
            assert process.poll() is None, process.communicate()
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "error:" not in errors
    assert "interrupted; the same command goes on from here" in errors
    return errors


@contextmanager
def _sessions(dsn: str) -> Iterator[tuple[dbapi.Cursor, dbapi.Cursor]]:
    """One session that looks, and one with a transaction; neither is the tool's."""
    with (
        dbapi.connect(dsn, autocommit=True) as one,
        one.cursor() as looking,
        dbapi.connect(dsn) as two,
        two.cursor() as other,
    ):
        yield looking, other


def _waiting(cursor: dbapi.Cursor) -> bool:
    """Say whether a session of the database waits for a lock."""
    cursor.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    [(found,)] = cursor.fetchall()
    return bool(found)


def test_a_statement_that_waits_for_a_lock_is_cancelled(made: Small) -> None:
    with _sessions(made.site.dsn("student")) as (looking, other):
        other.execute("LOCK TABLE student.students IN SHARE MODE")
        _interrupted(made, lambda: _waiting(looking), "run")
        while _waiting(looking):  # until the server has ended it
            pass
    assert made.table("student", "students", "name") == {}
    assert "PARITY" in made.site.migrate_apart("run").stdout


def test_a_command_that_waits_for_another_ends(made: Small) -> None:
    with dbapi.connect(made.site.dsn("student")) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(x'6D696772617465'::bigint)")
        cursor.fetchall()
        with started(made.site, "run", "--wait") as process:
            assert process.stderr is not None
            assert "waiting for" in process.stderr.readline()
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=SECONDS)
    assert process.returncode == 130


@pytest.mark.slow
def test_a_dead_connection_keeps_nobody(made: Small, postgres: Server) -> None:
    with Wire(postgres.port) as wire:
        made.site.config.write_text(over(wire, made.site.config.read_text(encoding="utf-8")), encoding="utf-8")
        for command in ("extract", "transform"):
            made.site.migrate_apart(command)
        dead = Event()
        wire.cut(_MIDWAY, End.DEAD, dead.set)
        _interrupted(made, dead.is_set, "load")
        wire.cut(10**9)
        made.site.migrate_apart("load")
        assert "PARITY" in made.site.migrate_apart("verify").stdout


@pytest.mark.slow
def test_a_query_of_a_source_keeps_nobody(legacy_postgres: Postgres, postgres: Server, tmp_path: Path) -> None:
    name = filled(legacy_postgres)
    with small(postgres, tmp_path, {"student": FAMILY}, {"a": ""}) as made:
        of_source(made, legacy_postgres.dsn(name))
        with _sessions(legacy_postgres.dsn(name)) as (looking, _), locked(legacy_postgres, name):
            _interrupted(made, lambda: _waiting(looking), "run")
        assert "PARITY" in made.site.migrate_apart("run").stdout


def test_a_second_interrupt_is_one_too(made: Small) -> None:
    with _sessions(made.site.dsn("student")) as (looking, other):
        other.execute("LOCK TABLE student.students IN SHARE MODE")
        with started(made.site, "run") as process:
            while not _waiting(looking):
                assert process.poll() is None
            for _ in range(3):
                os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.slow
def test_a_connection_that_swallows_everything_ends_the_process(made: Small, postgres: Server) -> None:
    """As a process of its own that looks early; by itself it looks after 20 seconds."""
    program = (
        "from pipeline.stores import heartbeat, target\n"
        "heartbeat._EVERY, heartbeat._ANSWER, target._CONNECT = 0.5, 2.0, 2.0\n"
        "from pipeline.cli import main\nmain()\n"
    )
    with Wire(postgres.port) as wire:
        made.site.config.write_text(over(wire, made.site.config.read_text(encoding="utf-8")), encoding="utf-8")
        for command in ("extract", "transform"):
            made.site.migrate_apart(command)
        wire.cut(_MIDWAY, End.DEAD)
        with started(made.site, "load", program=(sys.executable, "-c", program)) as process:
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 2, errors
        assert "error: service student: " in errors
        wire.cut(10**9)
        made.site.migrate_apart("load")


@pytest.mark.slow
def test_a_source_that_swallows_everything_ends_the_process(
    legacy_postgres: Postgres, postgres: Server, tmp_path: Path
) -> None:
    program = "from pipeline.stores import readers\nreaders._SLACK = 1.0\nfrom pipeline.cli import main\nmain()\n"
    name = filled(legacy_postgres)
    with Wire(postgres.port) as wire, small(postgres, tmp_path, {"student": FAMILY}, {"a": ""}) as made:
        of_source(made, over(wire, legacy_postgres.dsn(name)))
        text = made.site.config.read_text(encoding="utf-8")
        made.site.config.write_text(text.replace('kind = "district"', 'kind = "district"\nstatement_timeout = 3'))
        made.site.migrate_apart("plan")
        with (
            locked(legacy_postgres, name),
            _sessions(legacy_postgres.dsn(name)) as (looking, _),
            started(made.site, "run", program=(sys.executable, "-c", program)) as process,
        ):
            while not _waiting(looking):
                assert process.poll() is None
            wire.cut(1, End.DEAD)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 2, errors
        assert "error: source a: the database does not answer any more" in errors
