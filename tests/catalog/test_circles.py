"""Entries that refer to each other: found, ordered and hashed as one."""

from __future__ import annotations

from pathlib import Path

from tests.catalog.written import HEAD, parse


def _refers(name: str, *parents: str) -> str:
    lines = [f'R{n} = {{ type = "int", to = "r{n}", references = "student.{p}" }}' for n, p in enumerate(parents)]
    return HEAD.format(name=name, target=name.lower()) + "\n".join(lines) + "\n"


#: A and B refer to each other, B also to itself and A to C; F depends on A, C and D on nobody, B on D; E stands alone.
KNOTTED = "".join(
    (_refers("A", "B", "C"), _refers("B", "A", "B", "D"), _refers("C"), _refers("D"), _refers("E"), _refers("F", "A"))
)


def test_circles_are_found_by_who_reaches_whom(tmp_path: Path) -> None:
    catalog = parse(tmp_path, student=KNOTTED)
    both = {"student.A", "student.B"}
    assert {e: catalog.circle(e) for e in catalog.entities} == {
        **dict.fromkeys(both, both),
        **dict.fromkeys(("student.C", "student.D", "student.E", "student.F"), frozenset()),
    }
    assert parse(tmp_path, student=_refers("A", "A")).circle("student.A") == {"student.A"}


def test_a_circle_depends_on_what_any_of_it_depends_on(tmp_path: Path) -> None:
    catalog = parse(tmp_path, student=KNOTTED)
    for name in ("A", "B"):
        assert catalog.dependencies(catalog[f"student.{name}"]) == {"student.C", "student.D"}
    assert catalog.order == tuple(f"student.{e}" for e in "CDEABF")
    assert catalog.levels(catalog.entities) == [[f"student.{e}" for e in level] for level in ("CDE", "AB", "F")]
    assert catalog.levels(["student.F", "student.B"]) == [["student.B"], ["student.F"]]


def test_a_part_of_a_circle_needs_the_keys_of_what_it_names_itself(tmp_path: Path) -> None:
    catalog = parse(tmp_path, student=KNOTTED)
    assert catalog.parents_of(["student.A"]) == {"student.B", "student.C"}
    assert catalog.parents_of(["student.F"]) == {"student.A"}
    assert catalog.select(entities=["B"]) == ("student.B",)


def test_the_hash_of_an_entry_covers_its_circle(tmp_path: Path) -> None:
    before = parse(tmp_path, student=KNOTTED).hashes
    for changed, concerned in (("a", "ABF"), ("b", "ABF"), ("d", "ABDF"), ("e", "E"), ("f", "F")):
        after = parse(tmp_path, student=KNOTTED.replace(f'target = "{changed}"', 'target = "z"')).hashes
        assert {e for e in before if before[e] != after[e]} == {f"student.{e}" for e in concerned}
