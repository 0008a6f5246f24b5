"""A connection that is lost while rows come: each read is whole or an error, never a part that passes for the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
import pytest

from pipeline.errors import MigrationError, SourceError, SourceUnreachable
from pipeline.stores import asking
from pipeline.stores.legacy import LegacyDatabase, Wanted
from pipeline.stores.readers import ConnectorX
from tests.standin import Database, Standin
from tests.support.proxy import DistantProxy, Proxy
from tests.support.servers import source

ROWS = 400
#: Of the connections of a read the second brings the rows: before, they are counted.
_BRINGS_ROWS = 1
#: With this many bytes, and those of every place between the first and the last, the server has logged the reader in.
LOGGED_IN = {"mariadb": 1_000, "postgresql": 1_500, "mssql": 3_000}
COLUMNS = [
    ("Id", "int", False),
    *((f"N{n}", "int", True) for n in range(4)),
    ("Name", "varchar(200)", True),
    ("Gone", "nvarchar(max)", True),
]
CELLS = [(n, n, n, n, n, "x" * (n % 190), None) for n in range(1, ROWS + 1)]


@dataclass(frozen=True)
class Legacy:
    """A table on a server, and how to open it past a proxy."""

    kind: str
    dsn: str

    def through(self, port: int, consistency: str) -> LegacyDatabase:
        parts = urlsplit(self.dsn)
        dsn = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))
        return LegacyDatabase(source(dsn).model_copy(update={"consistency": consistency}))


@pytest.fixture(params=LOGGED_IN)
def legacy(request: pytest.FixtureRequest) -> Legacy:
    kind = str(request.param)
    if kind in ("mariadb", "postgresql"):
        server = request.getfixturevalue("mariadb" if kind == "mariadb" else "legacy_postgres")
        database = server.create()
        values = ", ".join(f"({n}, {n}, {n}, {n}, {n}, '{name}', NULL)" for n, _, _, _, _, name, _ in CELLS)
        create = "CREATE TABLE t (Id int PRIMARY KEY, N0 int, N1 int, N2 int, N3 int, Name varchar(200), Gone text)"
        server.execute(database, create, f"INSERT INTO t VALUES {values}")
        return Legacy(kind, server.dsn(database))
    standin: Standin = request.getfixturevalue("sqlserver")
    standin.databases["lost"] = Database()
    standin.databases["lost"].load_table("dbo", "t", COLUMNS, ["Id"], CELLS)
    return Legacy(kind, standin.dsn("lost"))


@contextmanager
def past_a_proxy(legacy: Legacy, consistency: str = "frozen") -> Iterator[tuple[LegacyDatabase, Wanted, Proxy]]:
    """Open the table past a proxy, the connection probed."""
    with Proxy(urlsplit(legacy.dsn).port or 0) as proxy, closing(legacy.through(proxy.port, consistency)) as database:
        (table,) = database.tables()
        names = [column.name for column in table.columns]
        proxy.cut()
        yield database, Wanted(table, names, names[:1]), proxy


def each_read_is_whole_or_an_error(legacy: Legacy, places: int) -> None:
    outcomes = {"whole": 0, "error": 0}
    with past_a_proxy(legacy) as (database, wanted, proxy):
        (whole,) = database.read_all([wanted])
        assert whole.num_rows == ROWS
        first, last = LOGGED_IN[legacy.kind], proxy.said[_BRINGS_ROWS]
        assert first < last / 2
        for place, abrupt in product(range(places), (False, True)):
            proxy.cut(_BRINGS_ROWS, first + (last - first) * place // places, abrupt=abrupt)
            try:
                (found,) = database.read_all([wanted])
            except MigrationError as error:
                assert isinstance(error, SourceUnreachable), f"{type(error).__name__}: {error}"
                outcomes["error"] += 1
            else:
                assert found.equals(whole), f"{found.num_rows} of {ROWS} rows, cut at place {place}"
                outcomes["whole"] += 1
    assert outcomes["error"] > places / 2, outcomes


def test_each_read_is_whole_or_an_error(legacy: Legacy) -> None:
    each_read_is_whole_or_an_error(legacy, 6)


@pytest.mark.slow
def test_each_read_is_whole_or_an_error_wherever_it_is_cut(legacy: Legacy) -> None:
    each_read_is_whole_or_an_error(legacy, 300)


# -- a reader that takes a lost connection for the end ----------------------------------------------------


@pytest.fixture
def cutting(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Let ConnectorX lose the second half of the rows of the next reads; give the queries that it was asked."""

    def cut(times: int) -> list[str]:
        asked: list[str] = []
        read = ConnectorX.read

        def lossy(self: ConnectorX, query: str) -> pa.Table:
            asked.append(query)
            found = read(self, query)
            is_count = "count(*)" in query.lower() or "count_big(*)" in query.lower()
            lost = not is_count and sum("count" not in q.lower() for q in asked) <= times
            return found.slice(0, found.num_rows // 2) if lost else found

        monkeypatch.setattr(ConnectorX, "read", lossy)
        return asked

    return cut


@pytest.mark.parametrize("consistency", ["snapshot", "frozen", "live"])
def test_a_part_is_read_again(legacy: Legacy, consistency: str, cutting: Callable[[int], list[str]]) -> None:
    with past_a_proxy(legacy, consistency) as (database, wanted, _):
        asked = cutting(asking.TRIES - 1)
        assert database.read_all([wanted])[0].num_rows == ROWS
        assert len(asked) == asking.TRIES * (2 if consistency == "snapshot" else 3)


def test_what_stays_a_part_is_refused(legacy: Legacy, cutting: Callable[[int], list[str]]) -> None:
    with past_a_proxy(legacy) as (database, wanted, _):
        cutting(asking.TRIES)
        with pytest.raises(SourceError, match="source a, table t: other rows were read than are counted") as caught:
            database.read_all([wanted])
        assert (caught.value.got or "").startswith("200 rows")
        assert (caught.value.expected or "").startswith("400 rows")


def test_the_second_reader_asks_its_connection_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Microsoft's driver may make a table of what came before a connection broke, and no error."""
    driver = pytest.importorskip("mssql_python", reason="the extra mssql is not installed")
    database = Database()
    database.load_table("dbo", "t", COLUMNS, ["Id"], CELLS)
    with (
        Standin({"lost": database}, logins={"reader": "legacy-pw"}) as standin,
        closing(LegacyDatabase(source(standin.dsn("lost"), reader="mssql-python"))) as legacy,
    ):
        (table,) = legacy.tables()
        arrow = driver.cursor.Cursor.arrow

        def short(self: Any) -> pa.Table:
            found = arrow(self)
            standin._server.hang_up()
            return found.slice(0, 300)

        with monkeypatch.context() as patch:
            patch.setattr(driver.cursor.Cursor, "arrow", short)
            with pytest.raises(SourceUnreachable, match="source a, table t: the database does not answer any more"):
                legacy.read(table, columns=["Id"], key=["Id"])
        assert legacy.read(table, columns=["Id"], key=["Id"]).num_rows == ROWS


def second_reader_is_whole_or_an_error(sqlserver: Standin, places: int) -> None:
    pytest.importorskip("mssql_python", reason="the extra mssql is not installed")
    database = Database()
    columns = [
        ("Id", "int", False),
        *((f"C{n}", "varchar(60)", True) for n in range(4)),
        ("Gone", "nvarchar(max)", True),
    ]
    cells = [(n, *("x" * (n % 50) for _ in range(4)), None) for n in range(1, 1_001)]
    database.load_table("dbo", "t", columns, ["Id"], cells)
    sqlserver.databases["cut"] = database
    outcomes = {"whole": 0, "error": 0}
    with DistantProxy(sqlserver.port) as proxy:
        dsn = sqlserver.dsn("cut").replace(f":{sqlserver.port}/", f":{proxy.port}/")
        with closing(LegacyDatabase(source(dsn, reader="mssql-python"))) as legacy:
            (table,) = legacy.tables()
            wanted = Wanted(table, [c.name for c in table.columns], ["Id"])
            legacy.close()
            proxy.cut()
            (whole,) = legacy.read_all([wanted])
            (last,) = proxy.said
            assert whole.num_rows == len(cells)
            for place, abrupt in product(range(places), (False, True)):
                legacy.close()
                proxy.cut(0, 3_000 + (last - 3_000) * place // places, abrupt=abrupt)
                try:
                    (found,) = legacy.read_all([wanted])
                except MigrationError as error:
                    assert isinstance(error, SourceUnreachable), f"{type(error).__name__}: {error}"
                    outcomes["error"] += 1
                else:
                    assert found.equals(whole), f"{found.num_rows} of {whole.num_rows} rows, cut at place {place}"
                    outcomes["whole"] += 1
    assert outcomes["error"] > places / 2, outcomes


def test_the_second_reader_s_reads_are_whole_or_errors(sqlserver: Standin) -> None:
    second_reader_is_whole_or_an_error(sqlserver, 6)


@pytest.mark.slow
def test_the_second_reader_s_reads_are_whole_or_errors_wherever_they_are_cut(sqlserver: Standin) -> None:
    second_reader_is_whole_or_an_error(sqlserver, 300)
