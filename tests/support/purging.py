"""Three districts whose staff log in by one database, moved with files that they share; and what is staged of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.demo.server import Server
from tests.support.fleet import tenant_id
from tests.support.small import Small, small

A, B, C = (str(tenant_id(n)) for n in (1, 2, 3))
#: Stands in every row of district b alone.
PLANTED = "Xanthippe"
ENTRIES = {
    "configuration": """
[District]
source = "login"
key = ["Id"]
target = "districts"
tenant = { column = "Id" }
[District.columns]
Id   = { type = "int" }
Name = { type = "nvarchar(50)", to = "name" }
""",
    "identity": """
[Link]
source = "login"
key = ["Id"]
target = "links"
tenant = { column = "DistrictId" }
[Link.columns]
Id         = { type = "int" }
Email      = { type = "nvarchar(50)", to = "email" }
DistrictId = { type = "int", to = "district_id", references = "configuration.District" }

[User]
source = "login"
key = ["Id"]
target = "users"
tenant = { columns = ["Email"], through = "identity.Link", by = "Email", match = "email" }
[User.columns]
Id    = { type = "int" }
Email = { type = "nvarchar(50)", to = "email" }

[Role]
source = "login"
key = ["Id"]
target = "roles"
tenant = { columns = ["UserId"], through = "identity.User", match = "key" }
[Role.columns]
Id     = { type = "int" }
UserId = { type = "int", to = "user_id", references = "identity.User" }
Name   = { type = "nvarchar(50)", to = "name" }
""",
    "student": """
[Pupil]
source = "district"
key = ["Code"]
target = "pupils"
[Pupil.columns]
Code = { type = "nvarchar(50)", to = "code" }
Born = { type = "datetime", to = "born", convert = "date" }
Name = { type = "nvarchar(50)", to = "name" }

[Note]
source = "district"
key = ["Id"]
target = "notes"
[Note.columns]
Id    = { type = "int" }
Pupil = { type = "nvarchar(50)", to = "pupil_id", references = "student.Pupil", required = true }
Text  = { type = "nvarchar(50)", to = "text" }
""",
}
LOGIN = f"""
CREATE TABLE District (Id int NOT NULL PRIMARY KEY, Name nvarchar(50));
INSERT INTO District VALUES (1, 'Ash'), (2, '{PLANTED} East'), (3, 'Cedar'), (4, 'nobody moves it');
CREATE TABLE Link (Id int NOT NULL PRIMARY KEY, Email nvarchar(50), DistrictId int);
INSERT INTO Link VALUES (1, 'ann@x.org', 1), (2, '{PLANTED}@x.org', 2), (3, 'both@x.org', 1), (4, 'both@x.org', 2),
    (5, 'cy@x.org', 3), (6, 'two@x.org', 2), (7, 'two@x.org', 3), (8, 'lost@x.org', 99);
CREATE TABLE User (Id int NOT NULL PRIMARY KEY, Email nvarchar(50));
INSERT INTO User VALUES (1, 'ANN@x.org'), (2, '{PLANTED}@x.org'), (3, 'both@x.org'), (4, 'cy@x.org'), (5, 'two@x.org'),
    (6, 'unknown@x.org');
CREATE TABLE Role (Id int NOT NULL PRIMARY KEY, UserId int, Name nvarchar(50));
INSERT INTO Role VALUES (1, 1, 'one'), (2, 2, '{PLANTED} role'), (3, 3, 'of both'), (4, 4, 'four'), (5, 2, '{PLANTED}'),
    (6, 5, 'of two');
"""


def district(name: str) -> str:
    """Write the rows of a district: two that live on, one with a finding, one that is set aside."""
    return f"""
CREATE TABLE Pupil (Code nvarchar(50) NOT NULL PRIMARY KEY, Born datetime, Name nvarchar(50));
INSERT INTO Pupil VALUES ('{name} 1', '2001-02-03 00:00:00.000', '{name}'), ('{name} 2', '2001-02-03 04:05:06.000', '{name}'),
    ('{name} 3', NULL, '{name}');
CREATE TABLE Note (Id int NOT NULL PRIMARY KEY, Pupil nvarchar(50), Text nvarchar(50));
INSERT INTO Note VALUES (1, '{name} 1', '{name}'), (2, 'nobody', '{name} of nobody'), (3, '{name} 3', '{name}');
"""


@contextmanager
def three(postgres: Server, directory: Path, *, consistency: str = "snapshot", login: str = LOGIN) -> Iterator[Small]:
    """Make the districts and their login database; two rows are a batch, two batches a bundle."""
    districts = {"a": district("Ada"), "b": district(PLANTED), "c": district("Cyd")}
    with small(postgres, directory, ENTRIES, districts) as made:
        path = directory / "login.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(login)
        made.configure("batch_rows = 10000", "batch_rows = 2\nbundle_rows = 4")
        with made.site.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[sources.login]\nkind = "login"\nname = "login"\ndsn = "sqlite://{path}"\ntenant_zone = "UTC"\n'
                f'host_zone = "UTC"\nconsistency = "{consistency}"\n'
            )
        yield made


def run_of(made: Small) -> Path:
    """Give the directory of the newest run."""
    return sorted((made.site.directory / "staging").glob("*/run.json"))[-1].parent


def staged_files(run: Path) -> Iterator[Path]:
    """List the files of a run that hold rows."""
    for name in ("raw", "keys", "out", "scratch"):
        yield from sorted(path for path in (run / name).rglob("*") if path.is_file())


def files_with(run: Path, word: str) -> list[str]:
    """Name the staged files in any cell or manifest of which a word or an id stands."""
    found = []
    for path in staged_files(run):
        table = pq.read_table(path)
        cells = [table.schema.metadata, *(table[name].to_pylist() for name in table.column_names)]
        if word in repr(cells):
            found.append(path.relative_to(run).as_posix())
    return found


def parts(run: Path, tenant: str) -> dict[str, Any]:
    """Give what manifests say of a tenant: of each bundle, by the place of the batch."""
    found = {}
    for path in sorted(run.glob("out/*/*/*/id_map.parquet")):
        for n, batch in enumerate(_manifest(path)["batches"]):
            if tenant in batch["tenants"]:
                found[f"{path.parent.relative_to(run)} {n}"] = batch["tenants"][tenant]
    return found


def rows_without(run: Path, tenant: str) -> dict[str, list[dict[str, Any]]]:
    """Give the rows of all outputs that are not a tenant's, in their order."""
    found = {}
    for path in sorted(run.glob("out/*/*/*/*.parquet")):
        rows = pq.read_table(path).to_pylist()
        found[path.relative_to(run).as_posix()] = [row for row in rows if str(row["tenant_id"]) != tenant]
    return found


def _manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pq.read_metadata(path).metadata[b"migration.manifest"])
    return found
