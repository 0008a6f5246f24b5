"""Connections to the SQL Server stand-in: many at once, refused logins, TLS."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import connectorx
import pytest

from tests.integration.standin.asking import (
    GUID,
    PASSWORD,
    TABLE,
    ask,
)
from tests.standin import Database, Standin


def test_many_connections_at_once(server: Standin) -> None:
    query = f"SELECT LOWER(CONVERT(char(36), Ref)) AS g FROM {TABLE} ORDER BY Id"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(server, query)["g"].to_pylist(), range(24)))
    assert answers == [[GUID.lower(), GUID[:-1].lower() + "0", "ff" + GUID[2:].lower()]] * 24


TRY_TO_CONNECT = "import sys, connectorx; connectorx.read_sql(sys.argv[1], 'SELECT 1 AS x', return_type='arrow')"


@pytest.mark.parametrize(
    ("database", "password", "said"),
    [
        ("district_a", "wrong", "Login failed for user 'reader'. code=18456"),
        ("nope", PASSWORD, 'Cannot open database "nope" requested by the login. The login failed. code=4060'),
    ],
)
def test_refused_logins_are_named_in_connectorx_log(server: Standin, database: str, password: str, said: str) -> None:
    """ConnectorX tries on for 30 s and then names no cause: a process of its own, ended at the first line."""
    dsn = server.dsn(database, password=password)
    environment = {**os.environ, "RUST_LOG": "tiberius=error"}
    with subprocess.Popen(
        [sys.executable, "-c", TRY_TO_CONNECT, dsn], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            assert said in process.stderr.readline()
        finally:
            process.kill()


def test_the_certificate_is_checked_by_who_is_told_it(server: Standin, tmp_path: Path) -> None:
    authority = server.certificate(tmp_path)
    dsn = f"{server.dsn('district_a', trust=False)}&trust_server_certificate_ca={authority}"
    assert connectorx.read_sql(dsn, "SELECT 1 AS x", return_type="arrow")["x"].to_pylist() == [1]


def test_without_tls_nothing_is_encrypted() -> None:
    with Standin({"a": Database()}, logins={"reader": PASSWORD}, tls=False) as plain:
        assert "encrypt" not in plain.dsn("a")
        assert ask(plain, "SELECT DB_NAME() AS x", "a")["x"].to_pylist() == ["a"]


def test_mssql_python_is_told_why_a_login_is_refused(server: Standin) -> None:
    mssql_python = pytest.importorskip("mssql_python", reason="the extra `mssql` is not installed")
    with pytest.raises(mssql_python.Error, match="Login failed for user 'reader'"):
        mssql_python.connect(server.odbc("district_a", password="wrong"))
    with pytest.raises(mssql_python.Error, match="Login failed"):  # its words leave out which database
        mssql_python.connect(server.odbc("nope"))
