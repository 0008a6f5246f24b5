"""Every type of the table of types: what a real server holds arrives as the server itself says it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest

import pymysql
import pytest

from pipeline.connection import Dsn
from pipeline.core.verdict import Verdict
from pipeline.demo.server import Server
from pipeline.errors import TargetError
from pipeline.stores.target import TargetDatabase
from schemas.engines import ENGINES, Engine
from schemas.types import LEGACY_TYPES
from tests.standin import Database, Standin
from tests.support.drafted import Drafted, drafted
from tests.support.fidelity import Case, arrived, canonical, family_of, layout, own_words, statements, words_of
from tests.support.fidelity_cases import CASES
from tests.support.servers import MariaDb, Postgres

#: Why a server cannot have a case's type.
Lacking = Mapping[Case, str]
Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Moved:
    """All cases of an engine after one run."""

    source: Drafted
    verdict: Verdict
    places: Mapping[Case, tuple[str, str]]
    #: Case -> number of the value -> what the source says of it.
    said: Mapping[Case, Mapping[int, object]]
    lacking: Lacking
    rejected: Mapping[tuple[str, str], list[str]]
    kept: Mapping[tuple[str, str, str], str]


def told(engine: Engine, cases: Sequence[Case], rows: Callable[[str], Rows]) -> dict[Case, dict[int, object]]:
    """Ask the server for its own words."""
    return {
        case: dict(rows(f"SELECT k, {own_words(engine, family_of(engine, case.base), x, case.own)} FROM {table}"))
        for case, (table, x) in layout(cases).items()
    }


def moved(source: Drafted, said: Mapping[Case, Mapping[int, object]], lacking: Lacking) -> Moved:
    return Moved(source, source.run(), layout([*said]), said, lacking, source.rejected(), source.kept())


@pytest.fixture(scope="module")
def mssql(sqlserver: Standin, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Microsoft's server is not at hand; what its stand-in holds is compared with what was put there."""
    legacy = Database()
    said = {
        case: {
            k: words_of(case.declared, family_of("mssql", case.base), v)
            for k, v in enumerate((None, *case.values[1:]), 1)
        }
        for case in CASES["mssql"]
    }
    columns: dict[str, dict[str, Case]] = {}
    for case, (table, x) in layout([*said]).items():
        columns.setdefault(table, {})[x] = case
    for table, cases in columns.items():
        values = list(zip_longest(*((None, *c.values[1:]) for c in cases.values())))
        described = [("k", "int", False), *((x, c.declared, True) for x, c in cases.items())]
        legacy.load_table("dbo", table, described, ["k"], [(k, *row) for k, row in enumerate(values, 1)])
        for case in cases.values():  # where the others go on, there is nothing in its column
            said[case] = dict.fromkeys(range(1, len(values) + 1)) | said[case]
    sqlserver.databases["types"] = legacy
    with drafted(postgres, tmp_path_factory.mktemp("mssql"), sqlserver.dsn("types")) as source:
        yield moved(source, said, {})


@pytest.fixture(scope="module")
def mysql(mariadb: MariaDb, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    database, lacking = mariadb.create(), {}
    for case in CASES["mysql"]:
        try:
            mariadb.execute(database, *statements([case]), f"DROP TABLE {layout([case])[case][0]}")
        except pymysql.Error as error:
            lacking[case] = str(error)
    cases = [c for c in CASES["mysql"] if c not in lacking]
    mariadb.execute(database, *statements(cases))
    said = told("mysql", cases, lambda query: mariadb.rows(database, query))
    with drafted(postgres, tmp_path_factory.mktemp("mysql"), mariadb.dsn(database)) as source:
        yield moved(source, said, lacking)


@pytest.fixture(scope="module")
def postgresql(
    legacy_postgres: Postgres, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moved]:
    database, lacking = legacy_postgres.create(), {}
    for case in CASES["postgresql"]:
        try:
            legacy_postgres.execute(database, *case.needs, *statements([case]), f"DROP TABLE {layout([case])[case][0]}")
        except TargetError as error:
            lacking[case] = str(error).partition("ERROR:")[2].partition("\n")[0].strip() or str(error)
    cases = [c for c in CASES["postgresql"] if c not in lacking]
    legacy_postgres.execute(database, *statements(cases))
    said = told("postgresql", cases, lambda query: legacy_postgres.rows(database, query))
    # From here on, as unlike our own sessions as a server can be.
    hostile = {
        "TimeZone": "America/New_York",
        "DateStyle": "German",
        "IntervalStyle": "sql_standard",
        "extra_float_digits": "-3",
        "bytea_output": "escape",
    }
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        for name, value in hostile.items():
            cluster.execute(f"ALTER DATABASE {database} SET {name} = '{value}'")
    with drafted(postgres, tmp_path_factory.mktemp("postgresql"), legacy_postgres.dsn(database)) as source:
        yield moved(source, said, lacking)


@pytest.fixture(scope="module")
def sqlite(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    directory = tmp_path_factory.mktemp("sqlite")
    with closing(sqlite3.connect(directory / "legacy.sqlite")) as connection:
        for statement in statements(CASES["sqlite"]):
            connection.execute(statement)
        connection.commit()
        said = told("sqlite", CASES["sqlite"], lambda query: connection.execute(query).fetchall())
    with drafted(postgres, directory, f"sqlite://{directory / 'legacy.sqlite'}") as source:
        yield moved(source, said, {})


@pytest.mark.parametrize("engine", ENGINES)
def test_every_type_of_the_table_has_a_case(engine: Engine) -> None:
    assert {c.base for c in CASES[engine]} == set(LEGACY_TYPES[engine])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_all_types_move_to_parity(engine: Engine, request: pytest.FixtureRequest) -> None:
    run: Moved = request.getfixturevalue(engine)
    assert run.verdict.parity, run.verdict.differences
    rows = {table: len(run.said[case]) for case, (table, _) in run.places.items()}
    assert {e.entity: e.expected for e in run.verdict.entities} == {run.source.entity(t).id: n for t, n in rows.items()}


@pytest.mark.parametrize(
    ("engine", "case"),
    [pytest.param(e, c, id=f"{e}-{c.declared or 'undeclared'}") for e in ENGINES for c in CASES[e]],
)
def test_cells_arrive_as_the_server_says_them(engine: Engine, case: Case, request: pytest.FixtureRequest) -> None:
    run: Moved = request.getfixturevalue(engine)
    if case in run.lacking:
        pytest.skip(f"the server at hand has no such type: {run.lacking[case]}")
    table, x = run.places[case]
    entity = run.source.entity(table)
    family = family_of(engine, case.base)
    assert entity.legacy_type(x)[1] == LEGACY_TYPES[engine][case.called or case.base]
    (cell,) = (c for c in entity.cells if c.source == x)
    found = run.source.rows(table, f"{arrived(family, cell.pg_type, cell.place.column)} AS x")
    assert len(case.values) <= len(run.said[case])
    for number, said in run.said[case].items():
        key, value = f"[{number}]", case.values[number - 1] if number <= len(case.values) else "NULL"
        if number in case.rejected:
            assert run.rejected[entity.id, key] == [f"unreadable: {x}"], value
            assert key not in found
            continue
        raw = run.kept.get((entity.id, key, x), found[key]["x"])
        assert canonical(family, raw) == canonical(family, said), value
    if case.called is not None:
        pytest.skip(f"the server at hand has {case.base} as {case.called}; as that its cells arrived")
