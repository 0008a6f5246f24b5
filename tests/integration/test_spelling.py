"""Equal values have one raw text where the table of types says so: asked of the servers themselves, for every type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pymysql
import pytest

from pipeline.core.sql.dialects import DIALECTS
from pipeline.core.sql.source import SourceColumn
from pipeline.errors import TargetError
from schemas.engines import Engine
from schemas.types import LEGACY_TYPES
from tests.support.fidelity_cases import CASES
from tests.support.servers import MariaDb, Postgres

pytestmark = pytest.mark.slow

#: Values beside those that the tests of fidelity have: each is written in another way than one that is equal to it.
SAME: Mapping[Engine, Mapping[str, tuple[str, ...]]] = {
    "mysql": {
        "decimal": ("1.5", "1.50", "-0"),
        "time": ("'-00:00:00'", "'00:00:00'", "'1:2:3'", "'01:02:03'"),
        "year": ("24", "2024"),
        "bits": ("1", "b'01'"),
        "inet4": ("'127.0.0.1'", "'127.0.0.01'"),
        "inet6": ("'::1'", "'0:0:0:0:0:0:0:1'"),
        "datetime": ("'2024-01-01'", "'20240101000000'"),
    },
    "postgresql": {
        "money": ("1.5::money", "1.50::money"),
        "inet": ("'10.0.0.1'", "'10.0.0.1/32'"),
        "cidr": ("'10/8'", "'10.0.0.0/8'"),
        "macaddr": ("'08:00:2b:01:02:03'", "'08002b-010203'"),
        "time with time zone": ("'12:00+00'", "'13:00+01'"),
        "time without time zone": ("'12:00'", "'12:00:00.000'"),
        "tsvector": ("'a b'", "'b a'"),
        "numeric": ("1.5", "1.50"),
        "uuid": (f"'{'aA' * 16}'", f"'{'Aa' * 16}'"),
        "pg_lsn": ("'0/1'", "'00/01'"),
        "bit varying": ("B'1'", "B'01'"),
        "boolean": ("true", "'yes'"),
    },
}


def differing(
    engine: Engine, execute: Callable[[Sequence[str]], None], count: Callable[[str], int], failure: type[Exception]
) -> dict[str, int]:
    """Count, for each type, pairs of equal values whose raw texts differ; of the types that have one text for each."""
    found, tried = {}, set()
    for n, case in enumerate(CASES[engine]):
        known = LEGACY_TYPES[engine][case.base]
        is_of_any_scale = known.family == "decimal" and known.spelling == "declared" and "(" not in case.declared
        if known.spelling not in ("one", "declared") or is_of_any_scale:
            continue
        values = [*case.values, *SAME[engine].get(case.base, ())]
        try:
            execute([*case.needs, f"CREATE TABLE t{n} (x {case.declared})"])
        except failure:
            continue  # of an extension that is not there
        for value in values:
            try:
                execute([f"INSERT INTO t{n} VALUES ({value})"])
            except failure:
                continue  # longer than the declared type
        column = SourceColumn("x", case.base)
        left, right = (DIALECTS[engine].raw(f"{side}.x", column) for side in "ab")
        found[case.declared] = count(
            f"SELECT count(*) AS n FROM t{n} a JOIN t{n} b ON a.x = b.x WHERE {left} <> {right}"
        )
        tried.add(case.base)
    assert len(tried) > 15
    return found


def test_mariadb(mariadb: MariaDb) -> None:
    database = mariadb.create()
    found = differing(
        "mysql",
        lambda statements: mariadb.execute(database, *statements),
        lambda sql: int(str(mariadb.rows(database, sql)[0][0])),
        pymysql.Error,
    )
    assert {declared for declared, n in found.items() if n} == set()


def test_postgresql(legacy_postgres: Postgres) -> None:
    database = legacy_postgres.create()
    found = differing(
        "postgresql",
        lambda statements: legacy_postgres.execute(database, *statements),
        lambda sql: int(str(legacy_postgres.rows(database, sql)[0][0])),
        TargetError,
    )
    assert {declared for declared, n in found.items() if n} == set()
