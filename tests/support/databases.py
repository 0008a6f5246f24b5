"""Databases on the tests' PostgreSQL, made and dropped by the hundred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pipeline.connection import Dsn
from pipeline.demo.server import SUPERUSER, Server
from pipeline.stores.target import TargetDatabase

#: What every database is a copy of that is to be empty.
EMPTY = "template1"


@contextmanager
def cluster(postgres: Server) -> Iterator[TargetDatabase]:
    """Connect for statements that are for no transaction, such as those on databases."""
    with TargetDatabase("postgres", Dsn(postgres.dsn()), role=None, autocommit=True) as connected:
        yield connected


def hurry(postgres: Server) -> None:
    """Let a server sync nothing, as none of its databases outlives it, and be quick to check a password."""
    with cluster(postgres) as connected:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connected.execute(f"ALTER SYSTEM SET {setting} = off")
        connected.query("SELECT pg_reload_conf()")
        # A connection's time is two thirds the hashing of its password, 4,096 times by default.
        connected.execute("SET scram_iterations = 1")
        connected.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{postgres.password}'")


def create_database(postgres: Server, name: str, template: str = EMPTY) -> None:
    """Copy a template by its files: through the log, as is the default, it costs fifteen times as much."""
    with cluster(postgres) as connected:
        connected.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')


def drop_database(postgres: Server, name: str) -> None:
    """Drop a database, if it is there, whoever is connected."""
    with cluster(postgres) as connected:
        connected.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def databases(postgres: Server, templates: Mapping[str, str]) -> Iterator[None]:
    """Make databases for a while: by the name of each what it is a copy of."""
    try:
        for name, template in templates.items():
            create_database(postgres, name, template)
        yield
    finally:
        for name in templates:
            drop_database(postgres, name)
