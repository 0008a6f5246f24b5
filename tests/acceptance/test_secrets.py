"""The password of the target is in no output, no log, no staged file and no table, whatever the run comes to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from pipeline.connection import Dsn
from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from tests.support.site import USED, Site

#: It holds what makes scrubbers stumble: an @, a slash, a colon, a quote and a blank.
MARKER = "zq@mark/er:zq 'qz"
#: No part of it may be seen, in plain or in percent form.
TRACES = ("zq@mark", "er:zq", "'qz", quote(MARKER, safe=""), "zq%40mark", "%27qz")
USER = "marked_in_urls"


@pytest.fixture
def marked(fresh: Site, postgres: Server) -> Iterator[Site]:
    """A site whose target is reached with the marker as password, which the environment gives."""
    secret = MARKER.replace("'", "''")
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute(f"CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{secret}'")
    text = fresh.config.read_text(encoding="utf-8")
    pattern = fresh.pattern.replace(f"postgres:{postgres.password}@", f"{USER}:${{MARKED_PASSWORD}}@")
    assert pattern != fresh.pattern
    fresh.config.write_text(text.replace(fresh.pattern, pattern), encoding="utf-8")
    yield fresh
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute(f"DROP ROLE {USER}")


def _said(site: Site, *arguments: str, password: str = MARKER, code: int = 0) -> str:
    environment = {"MARKED_PASSWORD": quote(password, safe="")}
    done = site.migrate_apart(*arguments, env=environment, check=code)
    return done.stdout + done.stderr


def _traces(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


def _file_text(path: Path) -> str:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return f"{table.schema.metadata} {table.to_pylist()}"
    return path.read_bytes().decode("utf-8", errors="replace")


def _table_text(site: Site, service: str) -> str:
    tables = site.rows(
        service,
        "SELECT format('%I.%I', table_schema, table_name) AS t FROM information_schema.tables "
        f"WHERE table_schema IN ('{service}', 'migration') AND table_type = 'BASE TABLE'",
    )
    union = " UNION ALL ".join(f"SELECT x::text AS line FROM {t['t']} x" for t in tables)
    return "\n".join(str(row["line"]) for row in site.rows(service, union)) if union else ""


@pytest.mark.slow
def test_a_run_leaves_no_trace_of_the_password(marked: Site) -> None:
    chosen = ("--service", "configuration")
    said = [_said(marked, "plan", *chosen), _said(marked, "plan", "--json", *chosen)]
    said += [_said(marked, stage, *chosen) for stage in ("extract", "transform", "load", "verify")]
    said += [_said(marked, "run", *chosen), _said(marked, "status"), _said(marked, "rejects")]
    assert "PARITY" in "".join(said)
    assert _traces("".join(said)) == []
    files = [path for path in (marked.directory / "staging").rglob("*") if path.is_file()]
    assert {"run.json", "audit.jsonl"} <= {path.name for path in files}
    assert {path: found for path in files if (found := _traces(_file_text(path)))} == {}
    assert {service: found for service in USED if (found := _traces(_table_text(marked, service)))} == {}


def test_a_refused_password_is_not_shown(marked: Site) -> None:
    wrong = MARKER + "x"
    said = _said(marked, "run", "--service", "configuration", password=wrong, code=2)
    assert "password authentication failed" in said
    assert _traces(said) == []


def _unreachable(dsn: str) -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    start, _, database = dsn.rpartition("/")
    return f"{start.rpartition(':')[0]}:{port}/{database}"


#: What a connection string may look like; libpq repeats parts of one that it cannot read.
UNUSABLE = {
    "unreachable": _unreachable,
    "missing database": lambda dsn: dsn.replace("{service}", "{service}_elsewhere"),
    "password as option": lambda _: "postgresql://127.0.0.1:1/{service}?user=marked&password=${MARKED_PASSWORD}",
    "not encoded": lambda dsn: dsn.replace("${MARKED_PASSWORD}", MARKER),
    "slash not encoded": lambda dsn: dsn.replace("${MARKED_PASSWORD}", "er:zq/x"),
    "blank not encoded": lambda dsn: dsn.replace("${MARKED_PASSWORD}", "er:zq x"),
    "port of letters": lambda dsn: f"{dsn.rpartition(':')[0]}:port/{{service}}",
    "unknown option": lambda dsn: f"{dsn}?pasword=${{MARKED_PASSWORD}}",
    "blank in it": lambda dsn: dsn.replace("@", " @"),
}


@pytest.fixture
def unusable(finished: Site, postgres: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    """A configuration over the finished estate whose connection string is of no use."""
    pattern = finished.pattern.replace(f"postgres:{postgres.password}@", f"{USER}:${{MARKED_PASSWORD}}@")
    text = finished.config.read_text(encoding="utf-8").replace(finished.pattern, UNUSABLE[request.param](pattern))
    config = tmp_path / "migrate.toml"
    config.write_text(text.replace("sqlite://", f"sqlite://{finished.directory}/"), encoding="utf-8")
    return replace(finished, directory=tmp_path, config=config)


@pytest.mark.parametrize("unusable", UNUSABLE, indirect=True)
def test_an_unusable_connection_string_is_refused_without_its_password(unusable: Site) -> None:
    said = _said(unusable, "run", "--service", "configuration", code=2)
    assert "Traceback" not in said
    assert _traces(said) == []
    assert "postgresql://" not in said or "***" in said or "marked" not in said
