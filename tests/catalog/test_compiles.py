"""Every entry without a row: its query reads the legacy table, both renderings compile, and agree with the target's DDL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipeline.core import outputs, transform
from pipeline.core.clock import transitions_frame
from pipeline.core.sql import ddl, expected, judged, relations
from pipeline.core.sql.source import EVERY_KEY, SourceColumn, SourceTable
from pipeline.core.sql.sqlite import SQLITE
from pipeline.stores.arrow import to_arrow
from pipeline.stores.parity import ParityDatabase
from schemas.catalog import load_catalog
from schemas.model import Entity
from tests.catalog.test_legacy_tables import DEMO, SCRIPTS
from tests.mutations.rows import TENANTS, ZONE, generated

CATALOG = load_catalog()
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
each_entity = pytest.mark.parametrize("entity", CATALOG.entities.values(), ids=list(CATALOG.entities))
each_source = pytest.mark.parametrize(
    "entity", [e for e in CATALOG.entities.values() if e.derived_from is None], ids=lambda e: e.id
)


@pytest.fixture(scope="module")
def legacy() -> Iterator[dict[str, sqlite3.Connection]]:
    """Every legacy table, empty."""
    found = {kind: sqlite3.connect(":memory:") for kind in SCRIPTS}
    for kind, names in SCRIPTS.items():
        for name in names:
            found[kind].executescript((DEMO / f"{name}.sql").read_text(encoding="utf-8"))
    yield found
    for connection in found.values():
        connection.close()


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParityDatabase]:
    with ParityDatabase(tmp_path_factory.mktemp("parity"), transitions_frame([ZONE])) as database:
        yield database


@pytest.fixture(scope="module")
def tables() -> dict[str, list[str]]:
    """The definitions of a target table's columns, as the DDL has them."""
    found = {}
    for service in CATALOG.installation.services:
        for statement in ddl.service_tables(CATALOG, service):
            if statement.startswith("CREATE TABLE"):
                head, *lines = statement.splitlines()
                found[head.removeprefix("CREATE TABLE IF NOT EXISTS ").removesuffix(" (")] = [
                    line.strip().removesuffix(",") for line in lines
                ]
    return found


@each_source
def test_its_query_reads_the_legacy_table(entity: Entity, legacy: dict[str, sqlite3.Connection]) -> None:
    columns = tuple(SourceColumn(name, column.type) for name, column in entity.raw_columns.items())
    sql = SQLITE.extract_query(
        SourceTable(entity.schema_name, entity.table, columns),
        columns=list(entity.raw_columns),
        key=entity.key,
        within=EVERY_KEY,
        limited=entity.limited_columns,
        max_value_bytes=1000,
    )
    [sentinel] = legacy[entity.source].execute(sql).fetchall()
    assert set(sentinel) == {""}, "which tells the reader that all is text"


@each_entity
def test_both_renderings_compile(entity: Entity, duck: ParityDatabase) -> None:
    rows = generated(entity, CATALOG)
    tagged, parents = rows.tagged.clear(), {key: living.clear() for key, living in rows.parents.items()}
    lazy = {key: living.lazy() for key, living in parents.items()}
    context = transform.Context(ZONE, ZONE, AS_OF)
    prepared = transform.prepare(tagged.lazy(), entity, catalog=CATALOG, parents=lazy, context=context)
    made = outputs.target_rows(prepared, entity)
    duck.fill(relations.tagged(entity.id), tagged.to_arrow())
    for (parent, key), living in parents.items():
        duck.fill(relations.live(parent, CATALOG.match_keys[parent].index(key)), living.to_arrow())
    duck.execute(judged.judged(entity, CATALOG, tenants=TENANTS, as_of=AS_OF))
    for number, target in enumerate(entity.targets):
        duck.execute(f"CREATE OR REPLACE TABLE expected AS {expected.expected_rows(entity, target, number)}")
        # Which refuses a frame whose types are not the target's.
        assert to_arrow(made[target.table].collect(), target.columns).num_rows == 0


@each_entity
def test_its_types_agree_with_the_ddl(entity: Entity, tables: dict[str, list[str]]) -> None:
    for target in entity.targets:
        defined = tables[f'{entity.service}."{target.table}"']
        for column, pg in target.columns.items():
            assert {f'"{column}" {pg}', f'"{column}" {pg} NOT NULL'} & set(defined), (target.table, column)
