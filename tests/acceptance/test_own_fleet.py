"""A fleet of one's own from nothing: init, draft, run, parity; as the page "Your own fleet" says it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid5

import pytest

from pipeline.connection import Dsn
from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from schemas.catalog import load_catalog
from schemas.installation import RESERVED, namespace_of
from tests.support.commands import migrate
from tests.support.databases import EMPTY, databases
from tests.support.site import ROOT, prepared

DIRECTORY = """
CREATE TABLE Town (Id INTEGER PRIMARY KEY, Name TEXT);
CREATE TABLE Clerk (Id INTEGER PRIMARY KEY, TownId INTEGER REFERENCES Town (Id), Name TEXT);
CREATE TABLE Badge (Id INTEGER PRIMARY KEY, ClerkId INTEGER REFERENCES Clerk (Id), Number TEXT);
CREATE TABLE Setting (Id INTEGER PRIMARY KEY, Value TEXT);
INSERT INTO Town VALUES (1, 'Arden'), (2, 'Birk'), (3, 'Cleeve');
INSERT INTO Clerk VALUES (1, 1, 'Ann'), (2, 2, 'Bo'), (3, NULL, 'Cy'), (4, 3, 'Di');
INSERT INTO Badge VALUES (1, 1, 'A-1'), (2, 2, 'B-1'), (3, 3, 'C-1');
INSERT INTO Setting VALUES (1, 'on');
"""
TOWN = "CREATE TABLE Permit (Id INTEGER PRIMARY KEY, What TEXT); INSERT INTO Permit VALUES (1, '{0}'), (2, 'x');"
SHOP = """
CREATE SCHEMA {0};
CREATE TABLE {0}.item (id integer PRIMARY KEY, name text);
CREATE TABLE {0}.sale (id integer PRIMARY KEY, item_id integer REFERENCES {0}.item (id), at timestamptz);
INSERT INTO {0}.item VALUES (1, '{0}'), (2, 'two');
INSERT INTO {0}.sale VALUES (1, 1, '2024-05-01 08:00+02'), (2, NULL, NULL)
"""


def configured(postgres: Server, directory: Path, legacy: str) -> Path:
    """Say in the file that init wrote where the databases are, as a person would."""
    config = directory / "migrate.toml"
    text = config.read_text(encoding="utf-8")
    target = postgres.dsn(f"{directory.name}_{{service}}")
    text = text.replace("postgresql://migrator:${PGPASSWORD}@localhost:5432/{service}", target)
    config.write_text(text.replace("sqlite://legacy/{database}.sqlite", legacy), encoding="utf-8")
    config.chmod(0o600)
    (directory / "sources.csv").chmod(0o600)
    return config


def init(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", "init", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT)


def test_towns_that_share_a_directory(postgres: Server, tmp_path: Path) -> None:
    towns = tmp_path / "towns"
    made = init(
        str(towns),
        "--name",
        "Example towns",
        "--service",
        "office",
        "--tenant-kind",
        "town",
        "--tenant-key",
        "integer",
        "--shared",
        "hall",
        "--registry",
        "office.Town",
    )
    assert made.returncode == 0, made.stderr
    config = configured(postgres, towns, "sqlite://{database}.sqlite")
    (towns / "sources.csv").write_text("source,name,tenant,database\narden,Arden,1,one\nbirk,Birk,2,two\n")
    for name, script in {"hall": DIRECTORY, "one": TOWN.format("one"), "two": TOWN.format("two")}.items():
        with closing(sqlite3.connect(towns / f"{name}.sqlite")) as connection:
            connection.executescript(script)
    told = migrate(config, "draft", "hall").stdout
    assert "3 entries drafted" in told
    assert "Setting: no foreign key leads from it to the tenants" in " ".join(told.split())
    migrate(config, "draft", "--all")
    assert load_catalog(towns / "catalog")["office.Badge"].path == "hall.dbo.Badge"
    with prepared(postgres, config) as site:
        migrate(config, "plan")
        ended = migrate(config, "run", "--as-of", "2026-01-01").stdout
        assert "PARITY" in ended
        # Cy is of no town: set aside, with the badge. Di is of a town that is not moved, and stays where she is.
        rows = site.rows(
            "office", "SELECT c.name AS clerk, t.name FROM office.clerk c JOIN office.town t USING (tenant_id)"
        )
        assert sorted((r["clerk"], r["name"]) for r in rows) == [("Ann", "Arden"), ("Bo", "Birk")]
        aside = site.rows("office", "SELECT entity, legacy_key FROM migration.quarantine ORDER BY 1")
        assert [(r["entity"], r["legacy_key"]) for r in aside] == [("office.Badge", "[3]"), ("office.Clerk", "[3]")]


@pytest.fixture
def shops_legacy(postgres: Server) -> Iterator[str]:
    """A legacy database whose schemas are shops."""
    with databases(postgres, {"shops_legacy": EMPTY}):
        with TargetDatabase("legacy", Dsn(postgres.dsn("shops_legacy")), role=None) as legacy:
            for schema in ("tenant_1", "tenant_2"):
                for statement in SHOP.format(schema).split(";"):
                    legacy.execute(statement)
            legacy.commit()
        yield postgres.dsn("shops_legacy")


def test_shops_that_are_schemas_of_one_database(postgres: Server, shops_legacy: str, tmp_path: Path) -> None:
    shops = tmp_path / "shops"
    arguments = ("--name", "Example shops", "--service", "sales", "--tenant-kind", "shop", "--tenant-key", "text")
    assert init(str(shops), *arguments, "--shared", "").returncode == 0
    config = configured(postgres, shops, shops_legacy)
    (shops / "sources.csv").write_text(
        "source,name,tenant,schema\ncorner,The corner shop,Corner,tenant_1\nmarket,The market hall,market,tenant_2\n"
    )
    migrate(config, "draft", "--all")
    with prepared(postgres, config) as site:
        migrate(config, "plan")
        assert "PARITY" in migrate(config, "run", "--as-of", "2026-01-01").stdout
        corner = uuid5(namespace_of("Example shops"), 'tenant/"Corner"')
        rows = site.rows("sales", f"SELECT id::text, name FROM sales.item WHERE tenant_id = '{corner}' ORDER BY name")
        assert [r["name"] for r in rows] == ["tenant_1", "two"]
        assert rows[0]["id"] == str(uuid5(namespace_of("Example shops"), f"{corner}/shop.dbo.item/[1]"))


def test_what_is_missing_is_asked_for_by_its_option(tmp_path: Path) -> None:
    refused = init(str(tmp_path / "x"))
    assert (refused.returncode, "--name is missing" in refused.stderr) == (2, True)
    assert not (tmp_path / "x").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    assert init(str(tmp_path), "--name", "x", "--service", "a").returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    refused = init(str(tmp_path), "--name", "y", "--service", "b")
    assert (refused.returncode, "is there already" in refused.stderr) == (2, True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_no_service_has_a_name_that_postgresql_reserves(postgres: Server) -> None:
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None) as cluster:
        words = cluster.query("SELECT word::text AS w FROM pg_get_keywords() WHERE catcode IN ('R', 'T')").to_pylist()
    assert {row["w"] for row in words} == RESERVED


def test_the_example_began_with_init(tmp_path: Path) -> None:
    said = ("--name", "Example clinics", "--service", "patients", "--service", "billing", "--tenant-kind", "clinic")
    made = init(str(tmp_path), *said, "--tenant-key", "guid", "--shared", "directory", "--registry", "patients.Clinic")
    assert made.returncode == 0, made.stderr
    example = ROOT / "examples" / "clinics" / "catalog" / "installation.toml"
    assert (tmp_path / "catalog" / "installation.toml").read_bytes() == example.read_bytes()
