"""No name of a source collides with one of the work: tables whose columns bear every such name, from every engine."""

from __future__ import annotations

import inspect
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.core import frame
from pipeline.core.sql.ddl import quote
from pipeline.demo.server import Server
from tests.standin.server import Standin
from tests.support.drafting import Drafting, drafting
from tests.support.elsewhere import Elsewhere, OnMariaDb, OnPostgres, OnSqlServer, copy
from tests.support.sample import load_sample
from tests.support.servers import MariaDb, Postgres
from tests.support.site import AS_OF, Site

#: Columns of the relations that the proof makes, of the ledger and of the staged files.
PLAIN = (
    "match",
    "tenant",
    "tenant_id",
    "source",
    "source_hash",
    "target_hash",
    "new_id",
    "legacy_key",
    "legacy_id",
    "number",
    "batch_id",
    "rows",
    "checksum",
    "row",
    "reasons",
    "ordinal",
    "entity",
    "label",
    "raw",
    "column_name",
    "hazard",
    "rule",
    "ambiguous",
    "loaded",
    "zone",
    "filename",
    "kind",
    "columns",
    "name",
    "n",
    "k0",
    "k0 type",
    "len",
    "literal",
    "digits",
)
TABLES = ("zone", "survivors", "difference", "expected_receipt", "raw operations.named", "judged operations.named")


def made_by_the_work() -> list[str]:
    """List every name that the code makes: each constant, and each function's answer to what it is asked in a run."""
    names = [value for value in vars(frame).values() if isinstance(value, str) and value.startswith("#")]
    for make in (f for f in vars(frame).values() if inspect.isfunction(f) and f is not frame.column):
        asked = [0 if p.annotation == "int" else "up" for p in inspect.signature(make).parameters.values()]
        names.append(make(*asked))
    assert len(names) > 40
    return names


#: The names themselves, as they stand where one is escaped, and without their sign.
NAMES = list(dict.fromkeys([*(n for m in made_by_the_work() for n in (m, f"#{m}", m[1:])), *PLAIN]))
#: What differs in its case alone can stand in no table of SQLite.
COLUMNS = list({name.lower(): name for name in NAMES if name.lower() not in ("id", "up", "must")}.values())


def build(path: Path) -> None:
    """Write the tables into a SQLite file: two rows that live, and one that refers to nothing that it must."""
    declared = ", ".join(f'{quote(c)} "nvarchar(max)"' for c in COLUMNS)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE named (id int PRIMARY KEY, up int, must int NOT NULL, {declared})")
        for key, up, must in ((1, None, 1), (2, 9, 1), (3, 2, 9)):
            cells = [f"{key} {n}" for n in range(len(COLUMNS))]
            holders = ", ".join("?" * (3 + len(cells)))
            connection.execute(f"INSERT INTO named VALUES ({holders})", (key, up, must, *cells))
        for table in TABLES:
            connection.execute(f"CREATE TABLE {quote(table)} (id int PRIMARY KEY, {quote(table)} nvarchar(50))")
            connection.execute(f"INSERT INTO {quote(table)} VALUES (1, 'x')")
        connection.commit()


def moved(site: Drafting) -> None:
    site.migrate("draft", "old")
    (service,) = (site.directory / "catalog").rglob("operations.toml")
    lines = service.read_text(encoding="utf-8").splitlines()
    for name, more in (("up", 'named"'), ("must", 'zone", required = true')):
        (at,) = (i for i, line in enumerate(lines) if line.startswith(f"{name} "))
        entry = lines[at].partition(" }")[0].partition(", to")[0]
        lines[at] = f'{entry}, to = "{name}_id", references = "operations.{more} }}'
    service.write_text("\n".join(lines), encoding="utf-8")
    site.prepare()
    site.migrate("plan")
    assert "PARITY" in site.migrate("run", "--as-of", "2026-01-01").stdout


def check(site: Drafting) -> None:
    entry = site.catalog()["operations.named"]
    stored = site.rows("operations", "SELECT n.* FROM operations.named n ORDER BY legacy_id")
    assert [r["legacy_id"] for r in stored] == ["[1]", "[2]"]
    for number, name in enumerate(COLUMNS):
        ((called, column),) = ((n, c) for n, c in entry.columns.items() if (c.column or n) == name)
        assert [r[str(column.to)] for r in stored] == [f"{key} {number}" for key in (1, 2)], called
    (reject,) = site.rows("operations", "SELECT legacy_key, reasons, row::text AS row FROM migration.quarantine")
    assert (reject["legacy_key"], reject["reasons"]) == ("[3]", ["parent: must"])
    row = json.loads(str(reject["row"]))
    wanted = {name: f"3 {number}" for number, name in enumerate(COLUMNS)}
    assert {entry.columns[n].column or n: v for n, v in row.items() if n not in ("id", "up", "must")} == wanted
    assert site.count("zone") == site.count("difference") == 1


def test_sqlite(postgres: Server, tmp_path: Path) -> None:
    build(tmp_path / "old.sqlite")
    with drafting(postgres, tmp_path, f"sqlite://{tmp_path / 'old.sqlite'}") as site:
        moved(site)
        check(site)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["mariadb", "postgresql", "mssql"])
def test_servers(engine: str, postgres: Server, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    build(tmp_path / "old.sqlite")
    server = _server(engine, request)
    with drafting(postgres, tmp_path, server.dsn(copy(tmp_path / "old.sqlite", server))) as site:
        moved(site)
        check(site)


#: Entities with a shared lookup, the registry, and those that find their tenant through others or lead others to it.
ROUTED = (
    "configuration.District",
    "configuration.NSGrade",
    "configuration.Grade",
    "identity.AspNetUsers",
    "identity.AspNetUserRoles",
    "staff.StaffDistrict",
)


@pytest.mark.slow
def test_lookups_and_routes(fresh: Site) -> None:
    entries = fresh.directory / "catalog"
    entities = [load_sample()[e] for e in ROUTED]
    taken = {name.lower() for entity in entities for name in entity.columns}
    added = {f"x{n}": name for n, name in enumerate(COLUMNS) if name.lower() not in taken}
    lines = "".join(f'{json.dumps(c)} = {{ type = "nvarchar(max)", to = "{to}" }}\n' for to, c in added.items())
    columns = ", ".join(f"ADD COLUMN IF NOT EXISTS {to} text" for to in added)
    for entity in entities:
        path, heading = entries / f"{entity.service}.toml", f"[{entity.name}.columns]\n"
        before, found, after = path.read_text(encoding="utf-8").partition(heading)
        assert found
        path.write_text(before + heading + lines + after, encoding="utf-8")
        fresh.execute(entity.service, f"ALTER TABLE {entity.service}.{entity.target} {columns}")
        for file in (fresh.directory / "legacy").glob("*.sqlite"):
            with closing(sqlite3.connect(file)) as legacy:
                if legacy.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", [entity.table]).fetchone():
                    for column in added.values():
                        legacy.execute(f'ALTER TABLE "{entity.table}" ADD COLUMN {quote(column)} "nvarchar(max)"')
                        legacy.execute(f'UPDATE "{entity.table}" SET {quote(column)} = ?', [column])
                    legacy.commit()
    assert "PARITY" in fresh.migrate("run", "--as-of", AS_OF).stdout
    for entity in entities:
        (row,) = fresh.rows(entity.service, f"SELECT * FROM {entity.service}.{entity.target} LIMIT 1")
        assert {to: row[to] for to in added} == added


def _server(engine: str, request: pytest.FixtureRequest) -> Elsewhere:
    if engine == "mariadb":
        mariadb: MariaDb = request.getfixturevalue("mariadb")
        return OnMariaDb(mariadb)
    if engine == "postgresql":
        legacy: Postgres = request.getfixturevalue("legacy_postgres")
        return OnPostgres(legacy)
    standin: Standin = request.getfixturevalue("sqlserver")
    return OnSqlServer(standin)
