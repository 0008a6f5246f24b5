"""The estate with all of its tables: each is filled, every reference lives until it is spoiled, all dirt has room."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.estate import Estate, build_estate
from schemas.catalog import load_catalog
from schemas.hazards import hazards
from schemas.model import Entity
from tests.acceptance.hazards import cases, grouped
from tests.unit.test_estate import HAZARDS, SMALL, assert_none_is_rejected_and_kept, count, key_columns, opened

CATALOG = load_catalog()
ROOT = Path(__file__).parents[2]
STUDENTS = {**SMALL, "e": 40}
DISTRICTS = [f"district_{letter}" for letter in STUDENTS]
#: Of tables that other estates lack.
MORE_HAZARDS = {"H6", "H9", "H10", "H11", "H13", "H42", "H54", "H64", "H69"}
ENTITIES = [e for e in CATALOG.entities.values() if e.source == "district" and e.derived_from is None]
each_entity = pytest.mark.parametrize("entity", ENTITIES, ids=lambda e: e.id)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return build_estate(tmp_path_factory.mktemp("whole"), students=STUDENTS, years=3, whole=True)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return build_estate(tmp_path_factory.mktemp("clean"), students=STUDENTS, years=3, whole=True, dirt=False)


@each_entity
def test_every_table_has_rows(whole: Estate, entity: Entity) -> None:
    for name in DISTRICTS[: 2 if entity.optional else 3]:
        with opened(whole, name) as connection:
            assert count(connection, entity.table) > 0, name


def dead(estate: Estate, name: str) -> Iterator[tuple[str, str]]:
    """Give the columns that refer to rows which are not there; of parents in the same database, by their own key."""
    with opened(estate, name) as connection:
        for entity in ENTITIES:
            has = {c for (c,) in connection.execute("SELECT name FROM pragma_table_info(?)", (entity.table,))}
            for column, said in entity.references.items():
                parents = [CATALOG[parent] for parent in said.references]
                if column not in has or said.by or any(p.source != "district" for p in parents):
                    continue
                living = " UNION ALL ".join(f'SELECT "{p.key[0]}" FROM "{p.table}"' for p in parents)
                if count(connection, entity.table, f'"{column}" NOT IN ({living})'):
                    yield entity.id, column


@pytest.mark.parametrize("name", DISTRICTS)
def test_without_dirt_every_reference_lives(clean: Estate, name: str) -> None:
    assert list(dead(clean, name)) == []


def test_the_same_arguments_give_the_same_estate(whole: Estate, tmp_path: Path) -> None:
    again = build_estate(tmp_path, students=STUDENTS, years=3, whole=True)
    assert again.planted == whole.planted
    assert [p.read_bytes() for p in sorted(again.directory.iterdir())] == [
        p.read_bytes() for p in sorted(whole.directory.iterdir())
    ]


def test_planted_keys_exist(whole: Estate) -> None:
    for name, planted in whole.planted.items():
        with opened(whole, planted.source) as connection:
            condition = " AND ".join(f'"{one}" IS ?' for one in key_columns(connection, planted.entity))
            for key in planted.keys:
                found = connection.execute(
                    f'SELECT count(*) FROM "{planted.entity}" WHERE {condition}', json.loads(key)
                ).fetchone()
                assert found == (1,), (name, key)


@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_estate_holds_all_dirt(seed: int, tmp_path: Path) -> None:
    estate = build_estate(tmp_path, students=dict.fromkeys(STUDENTS, 40), years=3, seed=seed, whole=True)
    assert {one.hazard for one in estate.planted.values()} == HAZARDS | MORE_HAZARDS
    assert_none_is_rejected_and_kept(estate)


def test_the_table_of_hazards_is_whole(whole: Estate) -> None:
    """It has a line for each hazard, for everything planted, and for nothing else; of what is open it says why."""
    table = cases()
    assert {case.hazard for case in table} - {"collation"} == hazards().keys()
    placed = [f"{case.hazard} | {case.where}" for case in table if case.test is None and case.where != "none"]
    assert sorted(placed) == sorted(grouped(whole.planted))
    assert [case for case in table if case.where == "none" and not case.is_open] == []
    assert {case.remark.partition(": ")[0] for case in table} == {"", "meant", "OPEN"}
    for file, function in filter(None, (case.test for case in table)):
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")
