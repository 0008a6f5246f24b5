"""What `migrate explain` says: of every column of the packaged catalog, and of one to the letter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.core.explained import explained
from pipeline.core.quality import verdicts
from pipeline.observe.explanation import explanation
from schemas.catalog import Catalog, entry_line
from schemas.hazards import hazards
from schemas.installation import packaged_catalog

ROOT = Path(__file__).resolve().parents[2]


def text_of(catalog: Catalog, name: str) -> str:
    return "\n".join(explanation(explained(catalog, name), None))


def test_a_target_column_is_explained_by_its_name_as_by_its_sources(catalog: Catalog) -> None:
    text = text_of(catalog, "student.students.date_of_birth")
    assert text == text_of(catalog, "student.Student.DOB")
    for said in (
        "student.students.date_of_birth date\n",
        "entry     student.Student.DOB (district.dbo.Student, DOB datetime)  [student.toml:",
        "            CONVERT(varchar(23), t.[DOB], 121)\n",
        "DOB by date, Polars  [pipeline/core/moments.py:",
        "DOB by date, DuckDB  [pipeline/core/moments.py:",
        '            "date_of_birth" date\n',
        "finding   conversion worth a finding: H40: a date that is the local midnight of a time zone",
    ):
        assert said in text


def test_every_column_of_every_entity_is_explained(catalog: Catalog) -> None:
    for entity in catalog.entities.values():
        found = explained(catalog, entity.id)
        targets = {x.target for x in found if x.target}
        assert targets == {f"{entity.service}.{t.table}.{c}" for t in entity.targets for c in t.columns}
        assert {*entity.columns} <= {s for x in found for s in x.sources}
        shown = {v.flag for x in found for v in x.verdicts}
        assert shown == {v.flag for v in verdicts(entity) if v.column}


def test_every_place_is_where_it_says(catalog: Catalog) -> None:
    places = {f.made_in for e in catalog.entities for x in explained(catalog, e) for f in x.forms}
    for place in places:
        file, _, line = place.rpartition(":")
        assert (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].lstrip().startswith("def "), place
    for entity in catalog.entities.values():
        for column in entity.columns:
            file, _, line = entry_line(entity, column).rpartition(":")
            written = (packaged_catalog() / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
            assert re.match(rf'"?{re.escape(column)}"?\s*[=.]', written), (entity.id, column, written)


def test_a_name_that_is_none_names_what_is_near(catalog: Catalog) -> None:
    with pytest.raises(LookupError, match=r"student\.Student\.DOB"):
        explained(catalog, "student.Student.DOBB")


def test_every_hazard_has_words(catalog: Catalog) -> None:
    said = {v.label for e in catalog.entities.values() for v in verdicts(e) if re.fullmatch(r"H\d+", v.label)}
    assert said <= {*hazards()}
    assert [*hazards()] == [f"H{n}" for n in range(1, 73)]
