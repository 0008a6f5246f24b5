"""Servers that are somebody else's: no superuser at hand, a pooler between, limits set for other work."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline import filling
from pipeline.connection import Dsn
from pipeline.core.sql import ddl, ledger
from pipeline.demo import server as embedded
from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from tests.support.site import Site
from tests.support.small import Small, named, small

PUPIL = named("Pupil")
ROWS = "CREATE TABLE Pupil (Id int NOT NULL PRIMARY KEY, Name nvarchar(50)); INSERT INTO Pupil VALUES (1, 'Zoë');"
TABLE = "student.pupils"


@pytest.fixture
def pupils(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": PUPIL}, {"a": ROWS, "b": ROWS}) as made:
        yield made


def retargeted(site: Site, pattern: str) -> None:
    text = site.config.read_text(encoding="utf-8")
    site.config.write_text(text.replace(site.pattern, pattern), encoding="utf-8")


# -- a pooler -----------------------------------------------------------------------------------------------


@contextmanager
def pooler(postgres: Server, directory: Path, mode: str) -> Iterator[int]:
    """Start a PgBouncer before the server; give its port."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed (Debian: apt install pgbouncer)")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = directory / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host=127.0.0.1 port={postgres.port} user=postgres password={postgres.password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n"
        "unix_socket_dir =\nlogfile =\npidfile =\n"
    )
    account = ["-u", embedded.ACCOUNT] if os.geteuid() == 0 else []
    running = subprocess.Popen([program, *account, str(config)], stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        assert any("process up" in line for line in iter(running.stderr.readline, ""))
        yield port
    finally:
        running.terminate()
        running.communicate(timeout=60)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_that_shares_connections_is_refused(
    postgres: Server, pupils: Small, tmp_path: Path, mode: str
) -> None:
    site = pupils.site
    with pooler(postgres, tmp_path, mode) as port:
        retargeted(site, site.pattern.replace(f":{postgres.port}/", f":{port}/"))
        for command in ("plan", "run"):
            said = site.migrate(command, check=2).stderr
            assert "service student: A pooler gives the server's connections to others between transactions" in said
            assert "pool_mode is session" in said
        # Whoever gets the pool's connections next is who logged in, under settings of its own.
        dsn = site.dsn("student").replace(f":{postgres.port}/", f":{port}/")
        with closing(TargetDatabase("student", Dsn(dsn), role=None, autocommit=True)) as later:
            assert later.query("SELECT current_user::text AS u").to_pylist() == [{"u": "postgres"}]


@pytest.mark.slow
def test_a_pooler_that_keeps_connections_apart_will_do(postgres: Server, pupils: Small, tmp_path: Path) -> None:
    with pooler(postgres, tmp_path, "session") as port:
        retargeted(pupils.site, pupils.site.pattern.replace(f":{postgres.port}/", f":{port}/"))
        pupils.site.migrate("run")


# -- no superuser -------------------------------------------------------------------------------------------


@contextmanager
def powerless(postgres: Server, *, migrator: bool) -> Iterator[TargetDatabase]:
    """Let there be a login that may create databases and roles, and no migrator or one without BYPASSRLS."""
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        for statement in ddl.roles():
            cluster.execute(statement)
        cluster.execute("ALTER ROLE migrator RENAME TO migrator_kept")
        cluster.execute("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'maker-pw'")
        if migrator:
            cluster.execute("CREATE ROLE migrator ROLE maker")
        cluster.execute("GRANT app TO maker")
        try:
            yield cluster
        finally:
            cluster.execute("DROP DATABASE IF EXISTS managed_student WITH (FORCE)")
            cluster.execute("DROP ROLE IF EXISTS migrator")
            cluster.execute("DROP ROLE maker")
            cluster.execute("ALTER ROLE migrator_kept RENAME TO migrator")


def managed(postgres: Server, site: Site, cluster: TargetDatabase) -> str:
    """Give an empty database of the powerless login's, and name it as the target."""
    cluster.execute("CREATE DATABASE managed_student OWNER maker")
    dsn = f"postgresql://maker:maker-pw@127.0.0.1:{postgres.port}/managed_student"
    retargeted(site, dsn.replace("student", "{service}"))
    return dsn


@pytest.mark.slow
@pytest.mark.parametrize("migrator", [False, True], ids=["role made by the DDL", "role made by hand"])
def test_ownership_does_instead_of_bypassrls(
    postgres: Server, pupils: Small, monkeypatch: pytest.MonkeyPatch, *, migrator: bool
) -> None:
    monkeypatch.setattr(filling, "WORTH", 1)
    with powerless(postgres, migrator=migrator) as cluster:
        dsn = managed(postgres, pupils.site, cluster)
        script = pupils.site.migrate("plan", "--ddl", "student").stdout
        for _ in range(2):  # a second time it changes nothing
            with TargetDatabase("student", Dsn(dsn), role=None) as database:
                for statement in script.split(";\n\n"):
                    if statement.strip():
                        database.execute(statement)
                database.commit()
        assert "in place" not in pupils.site.migrate("plan").stderr
        assert "PARITY" in pupils.site.migrate("run").stdout
        with TargetDatabase("student", Dsn(dsn), role=None) as database:
            owner = database.query(
                f"SELECT relowner::regrole::text AS o, rolbypassrls AS b FROM pg_class JOIN pg_roles ON "
                f"pg_roles.oid = relowner WHERE pg_class.oid = '{TABLE}'::regclass"
            )
            assert owner.to_pylist() == [{"o": "migrator", "b": False}]


def test_row_security_that_binds_the_migrator_is_refused_by_plan(postgres: Server, pupils: Small) -> None:
    with powerless(postgres, migrator=True) as cluster:
        dsn = managed(postgres, pupils.site, cluster)
        with TargetDatabase("student", Dsn(dsn), role=None) as database:
            for statement in (*ddl.service_tables(pupils.catalog, "student"), *ledger.statements()):
                if "OWNER TO" not in statement:
                    database.execute(statement)
            database.commit()
        said = pupils.site.migrate("plan", check=2).stderr
        assert f"service student, {TABLE}: the target would refuse rows" in said
        assert "row-level security binds migrator" in said
        assert f"ALTER TABLE {TABLE} OWNER TO migrator" in said


#: What is taken away -> what plan says, and what to grant.
LACKS = {
    "REVOKE INSERT ON student.pupils FROM migrator": ("may not insert", "GRANT INSERT, SELECT ON student.pupils TO"),
    "REVOKE USAGE ON SCHEMA student FROM migrator": ("may not use its schema", "GRANT USAGE ON SCHEMA student TO"),
    "REVOKE DELETE ON migration.claim FROM migrator": ("migration.claim", "GRANT SELECT, INSERT, UPDATE, DELETE ON"),
    "REVOKE USAGE ON SCHEMA migration FROM migrator": (
        "migrator may not use the schema",
        "GRANT USAGE ON SCHEMA migration TO",
    ),
    "ALTER TABLE student.pupils OWNER TO migrator; ALTER TABLE student.pupils FORCE ROW LEVEL SECURITY; "
    "ALTER ROLE migrator NOBYPASSRLS": ("binds migrator", "NO FORCE ROW LEVEL SECURITY"),
}


@pytest.mark.parametrize("statements", LACKS)
def test_what_lacks_is_named_with_what_to_grant(pupils: Small, statements: str) -> None:
    pupils.site.execute("student", *statements.split("; "))
    try:
        said = pupils.site.migrate("plan", check=2).stderr
    finally:
        pupils.site.execute("student", "ALTER ROLE migrator BYPASSRLS")
    assert all(words in said for words in LACKS[statements]), said


def test_a_login_that_is_no_member_of_app_is_refused_by_plan(postgres: Server, pupils: Small) -> None:
    pupils.site.execute("student", "CREATE ROLE mover LOGIN PASSWORD 'mover-pw' IN ROLE migrator")
    try:
        retargeted(pupils.site, pupils.site.pattern.replace(f"postgres:{postgres.password}", "mover:mover-pw"))
        said = pupils.site.migrate("plan", check=2).stderr
    finally:
        pupils.site.execute("student", "DROP ROLE mover")
    assert "GRANT app TO the DSN's user" in said


# -- limits for other work ------------------------------------------------------------------------------------


def test_limits_for_applications_end_no_load(pupils: Small) -> None:
    name = pupils.site.dsn("student").rpartition("/")[2]
    limits = ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")
    pupils.site.execute("student", *(f"ALTER DATABASE {name} SET {limit} = '20s'" for limit in limits))
    with TargetDatabase("student", Dsn(pupils.site.dsn("student"))) as database:
        assert {limit: database.setting(limit) for limit in limits} == dict.fromkeys(limits, "0")
