"""What no run has moved yet, and what of it one run can move: each of some entities of each of some tenants."""

from __future__ import annotations

import pytest

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.runs.remaining import Rest, rest
from tests.support.sample import load_sample

CATALOG = load_sample()
SHARED, STUDENT, NOTE, USER = "configuration.NSGrade", "student.Student", "student.StudentNote", "identity.AspNetUsers"
ENTITIES = (SHARED, STUDENT, NOTE, USER)
OWN = (STUDENT, NOTE, USER)
NOBODY, EVERYBODY = str(UNRESOLVED), str(NIL)
ALL = ("a", "b", EVERYBODY, NOBODY)
OF_A = {("a", e) for e in OWN}
OF_ALL = {(t, e) for t in ALL for e in ENTITIES}


@pytest.mark.parametrize(
    ("tenants", "done", "expected"),
    [
        pytest.param(ALL, set(), Rest(ALL, ENTITIES), id="nothing is moved: all goes at once"),
        pytest.param(ALL, OF_ALL, None, id="all is moved"),
        pytest.param(("a", EVERYBODY), OF_A | {(EVERYBODY, SHARED)}, None, id="all of one tenant is moved"),
        pytest.param(("a", EVERYBODY), OF_A, Rest((EVERYBODY,), (SHARED,)), id="but what all share"),
        pytest.param(
            ALL,
            OF_A | {(EVERYBODY, SHARED)},
            Rest(("b", EVERYBODY, NOBODY), OWN),
            id="a tenant is moved: the other goes, and what is nobody's",
        ),
        pytest.param(
            ALL,
            OF_ALL - {("a", NOTE), ("b", NOTE)},
            Rest(("a", "b", EVERYBODY), (NOTE,)),
            id="an entity came later",
        ),
        pytest.param(
            ("a", "b", "c", EVERYBODY, NOBODY),
            OF_ALL - {("a", NOTE)},
            Rest(("a", EVERYBODY), (NOTE,)),
            id="of each tenant something else: the first goes first",
        ),
        pytest.param(
            ALL,
            OF_ALL - {(NOBODY, USER)},
            Rest((EVERYBODY, NOBODY), (USER,)),
            id="nothing is left but what is nobody's",
        ),
    ],
)
def test_what_is_left(tenants: tuple[str, ...], done: set[tuple[str, str]], expected: Rest | None) -> None:
    assert rest(CATALOG, tenants, ENTITIES, done) == expected
