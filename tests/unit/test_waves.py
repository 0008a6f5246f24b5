"""Which sources travel together, and which batches are worked on together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.plan import Batch, Held, RunRecord, SourceRecord, batches
from pipeline.core.waves import bundled, bundles, parts, portions, waves
from tests.support.sample import load_sample

PUPIL = load_sample()["student.Student"]


@pytest.mark.parametrize(
    ("rows", "most", "expected"),
    [
        (100, 9, [("login",), ("a", "b"), ("c",)]),
        (10, 9, [("login",), ("a",), ("b",), ("c",)]),
        (1000, 2, [("login",), ("a", "b"), ("c",)]),
        (1000, 9, [("login",), ("a", "b", "c")]),
    ],
)
def test_sources_travel_together_up_to_a_size(rows: int, most: int, expected: list[tuple[str, ...]]) -> None:
    counts = {Held("a", "x"): 40, Held("b", "x"): 30, Held("b", "y"): 20, Held("c", "x"): 50, Held("login", "z"): 10}
    found = waves({"a": "1", "login": None, "b": "2", "c": "3"}, counts, rows=rows, most=most)
    assert list(found) == expected


def test_all_sources_of_a_tenant_are_in_one_wave() -> None:
    assert waves({"a": "1", "b": "2", "a_too": "1"}, {}, rows=9, most=2) == (("a", "a_too"), ("b",))


def test_no_shared_database_is_no_wave() -> None:
    assert waves({"a": "1"}, {}, rows=9, most=2) == (("a",),)
    assert waves({"login": None}, {}, rows=9, most=2) == (("login",),)


def record(counts: dict[str, int], zones: dict[str, str], *, batch_rows: int, bundle_rows: int) -> RunRecord:
    sources = {
        name: SourceRecord(
            kind="district",
            title=name,
            location=name,
            consistency="snapshot",
            fingerprint="",
            tenant_id=name,
            host_zone=zones[name],
            tenant_zone="UTC",
        )
        for name in counts
    }
    held = {Held(name, PUPIL.id): n for name, n in counts.items()}
    return RunRecord(
        run_id="r",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        batch_rows=batch_rows,
        bundle_rows=bundle_rows,
        waves=(tuple(counts),),
        max_value_bytes=1,
        sources=sources,
        target={},
        selection={},
        tenants=(),
        entities=(PUPIL.id,),
        key_entities=(),
        ranges={h: tuple((k,) for k in range(batch_rows, n, batch_rows)) for h, n in held.items()},
        lacking={},
        counts=held,
    )


def test_batches_of_many_sources_are_one_bundle_up_to_its_size() -> None:
    made = record({"a": 25, "b": 3, "c": 30}, dict.fromkeys("abc", "UTC"), batch_rows=10, bundle_rows=30)
    found = [[(b.source, b.number) for b in bundle.batches] for bundle in bundles(PUPIL, made, 0)]
    assert found == [[("a", 0), ("a", 1), ("a", 2), ("b", 0)], [("c", 0), ("c", 1), ("c", 2)]]


def test_sources_of_different_clocks_are_read_apart() -> None:
    made = record({"a": 1, "b": 1, "c": 1}, {"a": "UTC", "b": "Asia/Tokyo", "c": "UTC"}, batch_rows=9, bundle_rows=99)
    found = [[b.source for b in bundle.batches] for bundle in bundles(PUPIL, made, 0)]
    assert found == [["a", "c"], ["b"]]


@given(
    counts=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50), min_size=1),
    tokyo=st.sets(st.sampled_from("abcdef")),
    batch_rows=st.integers(1, 20),
    bundle_rows=st.integers(1, 60),
)
def test_every_batch_is_in_one_bundle(
    counts: dict[str, int], tokyo: set[str], batch_rows: int, bundle_rows: int
) -> None:
    zones = {name: "Asia/Tokyo" if name in tokyo else "UTC" for name in counts}
    made = record(counts, zones, batch_rows=batch_rows, bundle_rows=bundle_rows)
    found = list(bundles(PUPIL, made, 0))
    assert sorted(b for bundle in found for b in map(_place, bundle.batches)) == sorted(
        map(_place, batches(PUPIL, made))
    )
    assert [b.number for b in found] == list(range(len(found)))


CATALOG = load_sample()


def fleet() -> RunRecord:
    """Give a run of two waves over the shared database, of every entity but some that only keys are read of."""
    made = record({"a": 3, "b": 4, "c": 5}, dict.fromkeys("abc", "UTC"), batch_rows=9, bundle_rows=99)
    login = made.sources["a"].model_copy(update={"kind": "login", "tenant_id": None})
    keys = ("school.School", "configuration.NSGrade") if "school.School" in CATALOG.entities else ()
    return made.model_copy(
        update={
            "sources": {"login": login, **made.sources},
            "waves": (("login",), ("a", "b"), ("c",)),
            "tenants": ("a", "b", "c", str(NIL), str(UNRESOLVED)),
            "entities": tuple(e for e in CATALOG.order if e not in keys),
            "key_entities": keys,
        }
    )


def test_a_part_is_of_all_tenants_rows_or_of_one_waves_tenants() -> None:
    found = list(parts(fleet(), CATALOG))
    assert [(n, [*part.sources], part.tenants) for n, part in found] == [
        (0, ["login"], (str(NIL), str(UNRESOLVED))),
        (1, ["login", "a", "b"], ("a", "b")),
        (2, ["login", "c"], ("c",)),
    ]
    assert [part.is_shared for _, part in found] == [True, False, False]


def test_every_entity_of_a_tenant_is_in_one_part_and_of_nobody_in_the_first() -> None:
    _, (first, *waves_) = zip(*parts(fleet(), CATALOG), strict=True)
    for entity in map(CATALOG.__getitem__, CATALOG.order):
        is_first = entity.id in (*first.entities, *first.key_entities)
        assert is_first is CATALOG.is_of_directory(entity.id)
        for part in waves_:
            assert (entity.id in (*part.entities, *part.key_entities)) is not entity.is_shared


def test_a_part_whose_tenants_have_left_the_run_is_none() -> None:
    left = fleet().without(["a", "b"])
    assert [n for n, _ in parts(left, CATALOG)] == [0, 2]


def test_without_a_shared_database_the_first_part_is_the_first_wave() -> None:
    made = record({"a": 3}, {"a": "UTC"}, batch_rows=9, bundle_rows=99)
    [(number, part)] = parts(made, CATALOG)
    assert (number, part.entities) == (0, made.entities)


@pytest.mark.parametrize("rows", [1, 5, 10**6])
def test_portions_take_no_table_circle_or_derivation_apart(rows: int) -> None:
    part = fleet()
    counts = {Held(s, e): 3 for s in part.sources for e in part.entities}
    found = list(portions(part.model_copy(update={"counts": counts}), CATALOG, rows=rows))
    assert [e for portion in found for e in portion] == [e for e in CATALOG.order if e in part.entities]
    of = {e: n for n, portion in enumerate(found) for e in portion}
    for entity in map(CATALOG.__getitem__, of):
        tied = {*CATALOG.circle(entity.id)} | ({entity.derived_from} if entity.derived_from else set())
        tied |= {w.id for t in entity.targets for w in CATALOG.writers(entity.service, t.table)}
        assert {of[t] for t in tied if t in of} <= {of[entity.id]}
        assert all(of[p] <= of[entity.id] for p in CATALOG.parents(entity) if p in of)
    assert (len(found) == 1) is (rows == 10**6)
    assert len(found) > 10 or rows > 1


def test_a_bundle_names_its_first_batch() -> None:
    made = record({"a": 0, "b": 0}, dict.fromkeys("ab", "UTC"), batch_rows=1, bundle_rows=9)
    two = [(Batch("a", "student.Student", 0), 1), (Batch("b", "student.Student", 0), 1)]
    assert [str(b) for b in bundled(0, "student.Student", two, made)] == ["a/student.Student/00000 and 1 more"]
    assert [str(b) for b in bundled(0, "student.Student", two[:1], made)] == ["a/student.Student/00000"]


def _place(batch: Batch) -> tuple[str, int]:
    return batch.source, batch.number
