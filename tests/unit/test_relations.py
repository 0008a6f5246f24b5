"""No two relations of the proof have one name, whatever services, entities and tables are called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.sql import relations
from pipeline.core.sql.relations import LEDGER, Relation

ONLY = [value for value in vars(relations).values() if isinstance(value, Relation)]
MAKERS = [
    value
    for name, value in vars(relations).items()
    if inspect.isfunction(value) and value.__module__ == relations.__name__ and not name.startswith("_")
]
WORDS = [
    *(word for r in ONLY for word in (r.name, *r.name.split("_"))),
    *(m.__name__ for m in MAKERS),
    *LEDGER,
    "main",
    "temp",
]
#: What services may be called, and legacy tables and target tables: these by anything.
services = st.sampled_from(WORDS) | st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
tables = st.sampled_from([*WORDS, "receipt of batches", "a/0", "a.b", 'a"b', " "]) | st.text(min_size=1, max_size=8)


def made(service: str, table: str) -> Iterator[tuple[object, ...]]:
    """Give every relation that is made for a service and a table of it, with what it is made of."""
    known = {"entity": [f"{service}.{table}"], "service": [service], "key": [0, 1, 10]}
    for make in MAKERS:
        names = inspect.signature(make).parameters
        of = LEDGER if "ledger" in make.__name__ else [table]
        for asked in product(*(known.get(name, of) for name in names)):
            yield make, asked, make(*asked)


def check(places: set[tuple[str, str]]) -> None:
    found: dict[str, object] = {r.name: r for r in ONLY}
    assert len(found) == len(ONLY)
    for make, asked, relation in {m for place in places for m in made(*place)}:
        assert isinstance(relation, Relation)
        assert found.setdefault(relation.name, (make, asked)) == (make, asked)


def test_a_service_may_be_called_by_any_word_of_the_names() -> None:
    check(set(product(WORDS, [*WORDS, "receipt of batches"])))


@given(st.lists(st.tuples(services, tables), min_size=1, max_size=6))
def test_names_are_apart(places: list[tuple[str, str]]) -> None:
    check(set(places))


def test_the_name_of_one_begins_with_no_blank_and_a_kind_with_its_word() -> None:
    assert not [r.name for r in ONLY if " " in r.name]
    for make, _, relation in made("expected", "receipt"):
        assert str(relation).startswith(f'"{make.__name__} '), relation
