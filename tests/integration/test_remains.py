"""What no entry names is told with the rows that the engine itself says: an estimate of a server, a count of SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.core.outcome import Unnamed
from pipeline.stages.remains import unnamed
from pipeline.stores.legacy import LegacyDatabase
from schemas.catalog import Catalog, load_catalog
from tests.standin import Standin
from tests.standin.database import Database
from tests.support.servers import MariaDb, Postgres, source

ENTRY = """
[Pupil]
source = "district"
{schema}key = ["id"]
target = "pupils"
[Pupil.columns]
id = {{ type = "{number}" }}
"""


def _catalog(directory: Path, schema: str = "", number: str = "int") -> Catalog:
    (directory / "media.toml").write_text(ENTRY.format(schema=schema, number=number), encoding="utf-8")
    return load_catalog(directory)


def _told(dsn: str, catalog: Catalog) -> dict[str, Unnamed]:
    database = LegacyDatabase(source(dsn))
    found = unnamed(database, catalog.entities.values(), catalog)
    database.close()
    return {x.name: x for x in found}


def test_of_sqlite_they_are_counted(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.executescript(
            "CREATE TABLE Pupil (id int PRIMARY KEY, pet text); INSERT INTO Pupil VALUES (1, 'x'), (2, 'y');"
            "CREATE TABLE Toys (id int); INSERT INTO Toys VALUES (1), (2), (3); CREATE TABLE \"[x] 'y'\" (id int);"
        )
    found = _told(f"sqlite://{tmp_path / 'a.sqlite'}", _catalog(tmp_path))
    assert {name: (x.rows, x.is_estimate) for name, x in found.items()} == {
        "Pupil.pet": (2, False),
        "Toys": (3, False),
        "[x] 'y'": (0, False),
    }


def test_of_postgresql_they_are_estimated_also_before_it_was_analysed(
    legacy_postgres: Postgres, tmp_path: Path
) -> None:
    name = legacy_postgres.create()
    legacy_postgres.execute(
        name,
        'CREATE TABLE public."Pupil" (id int PRIMARY KEY, pet text)',
        'INSERT INTO public."Pupil" SELECT n FROM generate_series(1, 40) n',
        "CREATE SCHEMA other",
        "CREATE TABLE other.toys (id int)",
        "INSERT INTO other.toys SELECT n FROM generate_series(1, 300) n",
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (1000)",
        "INSERT INTO parts SELECT n FROM generate_series(1, 500) n",
    )
    catalog = _catalog(tmp_path, 'engine = "postgresql"\nschema = "public"\n', "integer")
    assert set(_told(legacy_postgres.dsn(name), catalog)) == {"public.Pupil.pet", "other.toys", "public.parts"}
    legacy_postgres.execute(name, "ANALYZE")
    found = _told(legacy_postgres.dsn(name), catalog)
    assert {n: (x.rows, x.is_estimate) for n, x in found.items()} == {
        "public.Pupil.pet": (40, True),
        "other.toys": (300, True),
        "public.parts": (500, True),
    }


def test_of_mariadb_they_are_estimated(mariadb: MariaDb, tmp_path: Path) -> None:
    name = mariadb.create()
    mariadb.execute(
        name, "CREATE TABLE Pupil (id int PRIMARY KEY, pet text)", "CREATE TABLE Toys (id int) ENGINE=MyISAM"
    )
    mariadb.insert(name, "Pupil", [(n, None) for n in range(30)])
    mariadb.insert(name, "Toys", [(n,) for n in range(7)])
    mariadb.execute(name, "ANALYZE TABLE Pupil, Toys")
    found = _told(mariadb.dsn(name), _catalog(tmp_path, 'engine = "mysql"\n'))
    assert {n: (x.rows, x.is_estimate) for n, x in found.items()} == {"Pupil.pet": (30, True), "Toys": (7, True)}


def test_of_sql_server_they_are_estimated(sqlserver: Standin, tmp_path: Path) -> None:
    sqlserver.databases["remains"] = database = Database()
    database.load_table("dbo", "Pupil", [("id", "int", False), ("pet", "nvarchar(9)", True)], ["id"], [(1, "x")])
    database.load_table("old", "Toys", [("id", "int", False)], [], [(n,) for n in range(12)])
    found = _told(sqlserver.dsn("remains"), _catalog(tmp_path))
    assert {n: (x.rows, x.is_estimate) for n, x in found.items()} == {"Pupil.pet": (1, True), "old.Toys": (12, True)}
