"""Planted damage in databases, staged files and sources: a verification finds each, and names where it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import runner, runs
from pipeline.core.verdict import Verdict
from pipeline.errors import MigrationError, SourceChanged, StagedFileDamaged
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from schemas.catalog import Catalog
from tests.conftest import Site
from tests.faults.damages import DAMAGES, MARKER, NOTES, TENANTS, Difference, inflict, inflict_note

#: On tables that nothing else touches: statement; the table that it opens or closes.
POLICIES = {
    "policy-dropped": ("DROP POLICY tenant_isolation ON student.attribute_types", "student.attribute_types"),
    "row-security-off": ("ALTER TABLE configuration.schools DISABLE ROW LEVEL SECURITY", "configuration.schools"),
    "policy-too-wide": ("CREATE POLICY everything ON section.sections USING (true)", "section.sections"),
}
NAMES = [*(d.name for d in DAMAGES), *(n.name for n in NOTES)]
ALTERED = "assessment.TestLevelPeriod"


@dataclass(frozen=True)
class Outcome:
    """What one verification said of a site with all the damage in it."""

    expected: Mapping[str, tuple[Difference, ...]]
    verdict: Mapping[str, Any]
    found: frozenset[Difference]
    said: str


@pytest.fixture(scope="module")
def outcome(damaged: Site) -> Outcome:
    taken: set[str] = set()
    expected = {d.name: tuple(inflict(damaged, d, taken)) for d in DAMAGES}
    expected |= {n.name: tuple(inflict_note(damaged, n, taken)) for n in NOTES}
    for statement, table in POLICIES.values():
        damaged.execute(table.partition(".")[0], statement)
    _rewrite(_raw_file(damaged, ALTERED), "Title", MARKER)
    done = damaged.migrate("verify", "--json", check=1)
    verdict = json.loads(done.stdout)
    found = frozenset(
        Difference(d["service"], d["kind"], d["entity"], _tenant(d["tenant"]), d["legacy_key"], d["column"])
        for d in verdict["differences"]
    )
    logs = "".join(p.read_text() for p in damaged.directory.glob("staging/*/audit.jsonl"))
    return Outcome(expected, verdict, found, done.stdout + done.stderr + logs)


def _tenant(named: str | None) -> str:
    return TENANTS["shared"] if named is None else named


def _raw_file(site: Site, entity: str) -> Path:
    (path,) = site.directory.glob(f"staging/*/raw/district_a/{entity}/00000.parquet")
    return path


def _rewrite(path: Path, column: str, value: str) -> None:
    """Change one cell and leave the file's manifest as it was."""
    table = pq.read_table(path)
    values = [value, *table[column].to_pylist()[1:]]
    altered = table.set_column(table.schema.get_field_index(column), column, pa.array(values, pa.string()))
    pq.write_table(altered.replace_schema_metadata(table.schema.metadata), path, write_page_checksum=True)


def test_damage_is_no_parity(outcome: Outcome) -> None:
    assert outcome.verdict["parity"] is False
    assert outcome.verdict["total_differences"] == len(outcome.verdict["differences"]) >= len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_named(outcome: Outcome, name: str) -> None:
    wanted = outcome.expected[name]
    near = [astuple(d) for d in outcome.found if d.key in {w.key for w in wanted} and d.service == wanted[0].service]
    for difference in wanted:
        assert difference in outcome.found, near


def test_nothing_else_is_accused(outcome: Outcome) -> None:
    damaged = {(d.service, d.key) for wanted in outcome.expected.values() for d in wanted}
    sums = ("checksum of the target rows", "the application sees", "raw file altered")
    others = [
        astuple(d)
        for d in sorted(outcome.found, key=astuple)
        if (d.service, d.key) not in damaged and not d.kind.startswith(sums) and d.entity != ALTERED
    ]
    # A raw value moved to a key that is nowhere is missing where it was.
    assert [o[:3] for o in others] == [("student", "missing in raw value", "student.StudentNote")]


@pytest.mark.parametrize("name", POLICIES)
def test_a_tenant_that_sees_too_much_or_too_little_is_noticed(outcome: Outcome, name: str) -> None:
    seen = [d for d in outcome.found if d.kind.startswith("the application sees") and d.entity == POLICIES[name][1]]
    assert {d.tenant for d in seen} >= {TENANTS["a"], TENANTS["b"]}


def test_only_the_damaged_policies_are_noticed(outcome: Outcome) -> None:
    seen = {d.entity for d in outcome.found if d.kind.startswith("the application sees")}
    assert seen == {table for _, table in POLICIES.values()}


def test_an_altered_cell_of_a_raw_file_is_noticed(outcome: Outcome) -> None:
    batch = f"district_a/{ALTERED}/00000"
    assert Difference("assessment", "raw file altered", ALTERED, TENANTS["a"], batch, "") in outcome.found


def test_no_value_of_a_row_is_ever_shown(outcome: Outcome) -> None:
    assert MARKER not in outcome.said


def _verify(site: Site, catalog: Catalog) -> Verdict:
    settings = load_settings(site.config)
    record = runs.find_run(settings, runs.Selection())
    assert record is not None
    return runner.run_verify(runs.open_run(settings, catalog, record), Progress(quiet=True))


@contextmanager
def _changed(path: Path) -> Iterator[None]:
    before = path.read_bytes()
    try:
        yield
    finally:
        path.write_bytes(before)


def _flip(path: Path, column: str) -> None:
    """Flip bits of a byte in the midst of a column's values."""
    table = pq.read_metadata(path)
    chunk = table.row_group(0).column(table.schema.names.index(column))
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 0x55
    path.write_bytes(content)


STAGED: Mapping[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": Path.unlink,
}


@pytest.mark.parametrize("how", STAGED)
@pytest.mark.usefixtures("outcome")
def test_a_damaged_raw_file_is_refused(damaged: Site, catalog: Catalog, how: str) -> None:
    path = _raw_file(damaged, "student.Student")
    with _changed(path):
        STAGED[how](path)
        with pytest.raises(StagedFileDamaged) as raised:
            _verify(damaged, catalog)
    assert "student.Student" in str(raised.value)


@pytest.mark.usefixtures("outcome")
def test_a_flipped_byte_of_a_raw_file_is_noticed(damaged: Site, catalog: Catalog) -> None:
    path = _raw_file(damaged, "student.Student")
    with _changed(path):
        _flip(path, "StudentIdentifier")
        try:
            found = {(d.kind, d.entity) for d in _verify(damaged, catalog).differences}
        except MigrationError:
            return  # it cannot even be read
    assert ("raw file altered", "student.Student") in found


LEGACY = {
    "row-added": f"INSERT INTO \"StudentAttributeType\" VALUES (77, '{MARKER}')",
    "row-removed": 'DELETE FROM "StudentSchool" WHERE "Id" = (SELECT max("Id") FROM "StudentSchool")',
    "cell-changed": f'UPDATE "Student" SET "FirstName" = \'{MARKER}\' WHERE "Id" = (SELECT max("Id") FROM "Student")',
}


@pytest.mark.parametrize("how", LEGACY)
@pytest.mark.usefixtures("outcome")
def test_a_source_that_changed_after_the_run_is_refused(damaged: Site, catalog: Catalog, how: str) -> None:
    path = damaged.directory / "legacy" / "district_a.sqlite"
    with _changed(path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(LEGACY[how])
        with pytest.raises(SourceChanged) as raised:
            _verify(damaged, catalog)
    assert "source district_a" in str(raised.value)
    assert MARKER not in str(raised.value)


@pytest.mark.usefixtures("outcome")
def test_the_command_line_says_which_source_changed(damaged: Site) -> None:
    path = damaged.directory / "legacy" / "district_b.sqlite"
    with _changed(path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(LEGACY["cell-changed"])
        done = damaged.migrate("verify", check=2)
    assert done.stdout == ""
    assert "source district_b: the database changed" in done.stderr
    assert MARKER not in done.stderr
