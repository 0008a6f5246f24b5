"""The estate on real servers becomes, cell by cell, what the same estate in SQLite files becomes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from pipeline.demo import server as embedded
from pipeline.demo.estate import Estate
from schemas.catalog import Catalog
from tests.support.contents import Contents, contents, differing
from tests.support.elsewhere import SOURCES, Elsewhere, OnMariaDb, OnPostgres, OnSqlServer, copy, tame
from tests.support.site import AS_OF, Site, emptied

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Pair:
    """The same rows migrated out of files and out of a server."""

    server: Elsewhere
    files: Site
    elsewhere: Site
    #: Cells that the server's columns cannot hold, replaced in the files too.
    tamed: int


#: Fixture of a running server -> how it takes the estate.
SERVERS: Mapping[str, Callable[[Any], Elsewhere]] = {
    "mariadb": OnMariaDb,
    "legacy_postgres": OnPostgres,
    "sqlserver": OnSqlServer,
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Elsewhere:
    return SERVERS[request.param](request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def pair(
    server: Elsewhere,
    postgres: embedded.Server,
    estate: Estate,
    empty_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    tamed = tmp_path_factory.mktemp(f"tamed_{server.name}")
    shutil.copytree(estate.directory, tamed, dirs_exist_ok=True)
    replaced = sum(tame(tamed / f"{source}.sqlite", server) for source in SOURCES)
    dsns = {source: server.dsn(copy(tamed / f"{source}.sqlite", server)) for source in SOURCES}
    with ExitStack() as stack:
        files, elsewhere = (
            stack.enter_context(
                emptied(postgres, Estate(tamed, estate.planted), empty_template, tmp_path_factory.mktemp(server.name))
            )
            for _ in range(2)
        )
        shutil.rmtree(elsewhere.directory / "legacy")
        config = elsewhere.config.read_text(encoding="utf-8")
        for source, dsn in dsns.items():
            config = config.replace(f'"sqlite://legacy/{source}.sqlite"', f'"{dsn}"')
        elsewhere.config.write_text(config, encoding="utf-8")
        for site in (files, elsewhere):
            site.migrate("run", "--as-of", AS_OF)
        yield Pair(server, files, elsewhere, replaced)


def alike(found: Contents, catalog: Catalog) -> Contents:
    """Write decimals as numbers where the ledger keeps raw text, and leave out the hashes of rows that hold one.

    SQLite keeps 47.00 as the integer 47: its file has lost the scale that a typed column gives back, and the raw text
    is what the source says.
    """
    decimals = {
        e.id: {n for n, c in e.raw_columns.items() if c.type.startswith("decimal")} for e in catalog.entities.values()
    }
    made: dict[str, Counter[str]] = {}
    for name, rows in found.items():
        _, _, ledger = name.partition(":")
        made[name] = Counter()
        for line, n in rows.items():
            cells = json.loads(line)
            if ledger in ("id_map", "quarantine") and decimals[cells["entity"]]:
                del cells["source_hash"]
            if ledger == "quarantine":
                row = json.loads(cells["row"])
                numbers = {c: str(Decimal(row[c]).normalize()) for c in decimals[cells["entity"]] if row.get(c)}
                cells["row"] = row | numbers
            made[name][json.dumps(cells, sort_keys=True)] += n
    return made


def test_only_what_no_typed_column_holds_was_replaced(pair: Pair) -> None:
    # In each district: a word in a number's column, a third digit; and for PostgreSQL two texts with U+0000.
    assert pair.tamed == {"mariadb": 4, "postgresql": 8, "mssql": 4}[pair.server.name]


def test_target_is_that_of_the_files(pair: Pair, catalog: Catalog) -> None:
    files, elsewhere = (alike(contents(site), catalog) for site in (pair.files, pair.elsewhere))
    assert sum(map(len, files.values())) > 5_000  # nothing is equal to nothing
    assert differing(files, elsewhere) == {}
