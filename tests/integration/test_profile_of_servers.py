"""What servers count of their rows is what a SQLite file counts of the same ones."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.estate import Estate, config_text
from tests.support.commands import migrate
from tests.support.elsewhere import SOURCES, Elsewhere, OnMariaDb, OnPostgres, OnSqlServer, copy, tame
from tests.support.servers import Postgres

pytestmark = pytest.mark.slow

#: Fixture of a running server -> how it takes the estate.
SERVERS: Mapping[str, Callable[[Any], Elsewhere]] = {
    "mariadb": OnMariaDb,
    "legacy_postgres": OnPostgres,
    "sqlserver": OnSqlServer,
}
#: Texts that were broken, by the character that tells so, and others that were not.
BROKEN = ("Ren\u00c3\u00a9", "na\u00efve\ufffd", "it\u0092s", "\u00e2\u20ac\u2122")
SOUND = ("Ren\u00e9", "S\u00c3O", "\u65e5\u672c", "\u00e2ge", "a\\b[c]%_'\"")
#: What is not the same everywhere: how values are stored, and which texts a collation tells apart.
_OWN = ("type", "nullable", "bytes", "odd", "too_long")


def _planted(path: Path) -> None:
    """Add what the estate has none of."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            'CREATE TABLE Odd (Id "int" PRIMARY KEY, Said "nvarchar(max)", At "datetime", Much "decimal(10,2)", Off "bit")'
        )
        rows = [(n, said, "2020-07-01 05:00:00.000", -1, 0) for n, said in enumerate((*BROKEN, *SOUND))]
        rows += [(20, "", "1900-01-01 00:00:00.000", 0, 1), (21, "  ", "9999-12-31 00:00:00.000", 2.5, None)]
        rows += [(22, " a ", "1899-12-31 23:00:00.000", None, None), (30, None, None, None, None)]
        connection.executemany("INSERT INTO Odd VALUES (?, ?, ?, ?, ?)", rows)


def _profile(config: Path) -> list[dict[str, Any]]:
    done = migrate(config, "profile", "--show-values", "--json")
    sources: list[dict[str, Any]] = json.loads(done.stdout)["sources"]
    return sources


def _same(table: dict[str, Any]) -> dict[str, Any]:
    """Give what must be the same of a table everywhere."""
    columns = []
    for column in table["columns"]:
        said = {k: v for k, v in column.items() if k not in _OWN}
        if column["longest"] is not None:
            # Collations tell texts apart, and sort them, each in its own way.
            said |= {"distinct": None, "least": None, "greatest": None}
        for name in ("least", "greatest"):
            # Of a decimal as many digits as are stored, of a moment as many as the type has.
            value = said[name]
            said[name] = value.rstrip("0").rstrip(".") if value is not None and "." in value else value
        columns.append(said)
    keys = [k for k in table["keys"] if k["is_folded"]]
    return {**table, "columns": columns, "keys": keys}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_counts_what_a_file_counts(
    name: str, request: pytest.FixtureRequest, estate: Estate, tmp_path: Path
) -> None:
    server = SERVERS[name](request.getfixturevalue(name))
    legacy = tmp_path / "legacy"
    shutil.copytree(estate.directory, legacy)
    _planted(legacy / "district_a.sqlite")
    for source in SOURCES:
        tame(legacy / f"{source}.sqlite", server)
    files, servers = tmp_path / "files.toml", tmp_path / "servers.toml"
    files.write_text(config_text(legacy, "postgresql://nobody@127.0.0.1:1/{service}", "staging"), encoding="utf-8")
    text = files.read_text(encoding="utf-8")
    for source in SOURCES:
        dsn = server.dsn(copy(legacy / f"{source}.sqlite", server))
        text = text.replace(f'"sqlite://{legacy}/{source}.sqlite"', f'"{dsn}"')
    servers.write_text(text, encoding="utf-8")
    for of_file, of_server in zip(_profile(files), _profile(servers), strict=True):
        tables = {t["table"].lower(): t for t in of_server["tables"]}
        for table in of_file["tables"]:
            other = tables[table["table"].lower()]
            assert other["problem"] is None, table["table"]
            expected, got = _same(table), _same(other)
            flags = {c["name"] for c in table["columns"] if c["type"] == "bit"}
            for one, theirs in zip(expected.pop("columns"), got.pop("columns"), strict=True):
                # A number to MySQL.
                number = dict.fromkeys(("least", "greatest", "minus_ones")) if one["name"] in flags else {}
                two = {**theirs, **number}
                assert two == {**one, "nul": two["nul"] if one["nul"] == 0 else one["nul"]}, table["table"]
            assert got == expected
        if of_file["source"] == "district_a":
            said = next(c for c in tables["odd"]["columns"] if c["name"] == "Said")
            assert (said["broken"], said["empty"], said["blank"], said["padded"]) == (len(BROKEN), 1, 1, 1)


@pytest.mark.parametrize(("encoding", "broken"), [("LATIN1", None), ("SQL_ASCII", 0)])
def test_a_database_of_another_encoding_is_counted(
    encoding: str, broken: int | None, legacy_postgres: Postgres, tmp_path: Path
) -> None:
    """Only how texts were broken is not told where the server cannot write the letters that would tell."""
    name = f"legacy_of_{encoding.lower()}"
    legacy_postgres.command(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    legacy_postgres.execute(
        name,
        "CREATE TABLE public.room (id integer PRIMARY KEY, label text)",
        f"INSERT INTO public.room VALUES (1, ' a '), (2, convert_from('\\x5a6feb', '{encoding}')), (3, '')",
    )
    text = config_text(tmp_path, "postgresql://nobody@127.0.0.1:1/{service}", "staging", districts="a")
    dsn = legacy_postgres.dsn(name)
    (tmp_path / "migrate.toml").write_text(text.replace(f"sqlite://{tmp_path}/district_a.sqlite", dsn), "utf-8")
    done = migrate(tmp_path / "migrate.toml", "profile", "--tenant", "district_a", "--json")
    (table,) = json.loads(done.stdout)["sources"][0]["tables"]
    label = table["columns"][1]
    assert (table["problem"], table["rows"], label["broken"]) == (None, 3, broken)
    assert (label["longest"], label["empty"], label["padded"], label["distinct"]) == (3, 1, 1, 3)
