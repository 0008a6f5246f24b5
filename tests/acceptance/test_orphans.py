"""References to rows of a later run: pending while it has not come, and named by it where the row does not live."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.acceptance.test_transcript import READ, replayed
from tests.support.site import AS_OF
from tests.support.small import TENANTS, Small, named, small

#: Students are of phase 2, media of phase 4. What is seen is a poster or a film.
ENTRIES = {
    "configuration": """
[District]
source = "login"
key = ["Id"]
target = "districts"
tenant = { column = "Id" }
[District.columns]
Id   = { type = "int" }
Name = { to = "name" }
""",
    "student": """
[Pupil]
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id     = { type = "int" }
Notice = { type = "int", to = "notice_id", references = "media.Notice" }
Seen   = { type = "int", to = "seen_id", references = ["media.Poster", "media.Film"] }
""",
    "media": named("Poster")
    + named("Film")
    + named("Notice").replace('"district"', '"login"').replace("key =", 'tenant = "shared"\nkey ='),
}
LEGACY = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Notice int, Seen int);
CREATE TABLE Poster (Id int PRIMARY KEY, Name nvarchar(50));
CREATE TABLE Film (Id int PRIMARY KEY, Name nvarchar(50));
INSERT INTO Pupil VALUES (1, 1, 5), (2, 2, 6), (3, NULL, NULL);
INSERT INTO Poster VALUES (5, CAST('a' || char(0) || 'b' AS TEXT)), (7, 'seven');
INSERT INTO Film VALUES (6, 'six');
"""
LOGIN = """
CREATE TABLE District (Id int PRIMARY KEY, Name nvarchar(50));
CREATE TABLE Notice (Id int PRIMARY KEY, Name nvarchar(50));
INSERT INTO District VALUES (1, 'Ash'), (2, 'Birch');
INSERT INTO Notice VALUES (1, 'one'), (2, CAST('a' || char(0) || 'b' AS TEXT));
"""


@pytest.fixture
def fleet(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    """Two districts that are alike, with a login database."""
    with small(postgres, tmp_path, ENTRIES, {"a": LEGACY, "b": LEGACY}) as made:
        with closing(sqlite3.connect(tmp_path / "login.sqlite")) as connection:
            connection.executescript(LOGIN)
        text = made.site.config.read_text(encoding="utf-8")
        login = f'\n[sources.login]\nkind = "login"\nname = "login"\ndsn = "sqlite://{tmp_path / "login.sqlite"}"\n'
        login += 'tenant_zone = "UTC"\nhost_zone = "UTC"\nconsistency = "snapshot"\n'
        made.site.config.write_text(text + login, encoding="utf-8")
        yield made


def orphans(printed: str) -> set[tuple[str, str, str, str]]:
    """Give kind, tenant, key and column of what is named of pupils."""
    found = json.loads(printed)["differences"]
    assert {d["entity"] for d in found} <= {"student.pupils"}
    return {(d["kind"], d["tenant"], d["legacy_key"], d["column"]) for d in found}


def test_of_several_parents_and_of_shared_ones_those_that_were_rejected_are_named(fleet: Small) -> None:
    for phase in ("1", "2"):
        fleet.site.migrate("run", "--as-of", AS_OF, "--phase", phase)
    named = orphans(fleet.site.migrate("run", "--as-of", AS_OF, "--phase", "4", "--json", check=1).stdout)
    assert named == {
        *(("orphan: media.Notice was rejected", tenant, "[2]", "notice_id") for tenant in TENANTS.values()),
        *(("orphan: media.Poster was rejected", tenant, "[1]", "seen_id") for tenant in TENANTS.values()),
    }


def test_a_tenant_that_comes_later_answers_for_its_own_rows_alone(fleet: Small) -> None:
    for phase in ("1", "2"):
        fleet.site.migrate("run", "--as-of", AS_OF, "--phase", phase)
    of_a = orphans(fleet.site.migrate("run", "--phase", "4", "--tenant", "a", "--json", check=1).stdout)
    assert {kind: tenant for kind, tenant, *_ in of_a}["orphan: media.Poster was rejected"] == TENANTS["a"]
    of_b = orphans(fleet.site.migrate("run", "--phase", "4", "--tenant", "b", "--json", check=1).stdout)
    assert {tenant for _, tenant, *_ in of_b} == {TENANTS["b"]}


def test_a_run_in_one_piece_has_none(fleet: Small) -> None:
    fleet.site.migrate("run", "--as-of", AS_OF)
    assert json.loads(fleet.site.migrate("verify", "--json").stdout)["parity"]


def test_the_proof_of_a_phase_can_be_run_by_hand(fleet: Small, tmp_path: Path) -> None:
    """It names every database that it reads: of parents, and of rows that refer to its own."""
    for phase in ("1", "2", "4"):
        fleet.site.migrate("run", "--as-of", AS_OF, "--phase", phase, check=None)
    for phase, code in {"2": 1, "4": 1}.items():
        proof = tmp_path / f"proof {phase}"
        printed = fleet.site.migrate("verify", "--phase", phase, "--json", "--sql", str(proof), check=code).stdout
        files = {path: path.read_text(encoding="utf-8") for path in sorted(proof.glob("*.duckdb.sql"))}
        attached = set(re.findall(r"AS service_(\w+)", next(iter(files.values()))))
        assert {asked for text in files.values() for asked, _ in READ.findall(text)} <= attached
        found = json.loads(printed)["differences"]
        assert {(d["kind"], d["legacy_key"]) for d in found} == {(d[0], d[3]) for d in replayed(proof, fleet.site)}
