"""A table that does not migrate: named with its reason, its rows counted by source, and never read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from schemas.catalog import load_catalog
from schemas.files import CatalogProblem
from tests.support.small import Small, named, small

WAIVED = """
[Draft]
waived = "transient: what was typed and not saved"
description = "What somebody typed last."
[Draft.columns]
Id         = "int"
"Its Text" = "nvarchar(max)"
"""
LEGACY = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(50)");
INSERT INTO Pupil VALUES (1, 'Ada');
"""
DRAFTS = """
CREATE TABLE Draft (Id int, "Its Text" "nvarchar(max)");
INSERT INTO Draft VALUES (1, 'a-secret-word'), (1, 'a-secret-word'), (NULL, NULL);
"""


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    """Two districts, of which the second lacks the table."""
    entries = {"media": named("Pupil") + WAIVED}
    with small(postgres, tmp_path, entries, {"a": LEGACY + DRAFTS, "b": LEGACY}) as site:
        yield site


def test_its_rows_are_counted_and_never_read(made: Small) -> None:
    listed = [{"source": "a", "entity": "media.Draft", "rows": 3, "why": "transient: what was typed and not saved"}]
    plan = made.site.migrate("plan", "--json").stdout
    assert (json.loads(plan)["waived"], json.loads(plan)["unnamed"]) == (listed, [])
    run = json.loads(made.site.migrate("run", "--json").stdout)
    assert (run["waived"], run["unnamed"], run["parity"]) == (listed, [], True)
    [*_, state] = json.loads(made.site.migrate("status", "--run-id", run["run_id"], "--json").stdout)
    assert (state["entity"], state["read"], state["legacy_rows"]) == ("media.Draft", "waived", 3)
    said = made.site.migrate("verify").stdout
    assert "PARITY: nothing lost but 3 rows waived by name, nothing mixed" in said
    assert "transient: what was typed and not saved" in said
    staged = [path for path in (made.site.directory / "staging").rglob("*") if path.is_file()]
    assert staged
    assert not [path for path in staged if b"a-secret-word" in path.read_bytes() or "Draft" in path.name]


def test_a_selection_of_entities_leaves_it_out(made: Small) -> None:
    assert json.loads(made.site.migrate("plan", "--entity", "Pupil", "--json").stdout)["waived"] == []
    assert "media.Draft" in made.site.migrate("plan", "--service", "media").stdout


def test_it_is_told_why_it_does_not_move(made: Small) -> None:
    why = "the rows of media.Draft are counted, and do not migrate: transient: what was typed and not saved"
    for what in ("media.Draft", "media.Draft.Id"):
        assert made.site.migrate("explain", what).stdout == f"{why}\n"
    assert f"no entity 'Draft' in the catalog; {why}" in made.site.migrate("plan", "--entity", "Draft", check=2).stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('waived = "', 'waivd = "', "media.toml: Draft.waivd: unknown key"),
        ("description", "descriptoin", "media.toml: Draft.descriptoin: unknown key; did you mean description?"),
        (
            'waived = "transient: what was typed and not saved"',
            'waived = ""',
            "media.toml: Draft.waived: String should",
        ),
        (
            "[Draft]",
            '[Draft]\nsource = "klinik"',
            "media.toml: Draft.source: installation.toml names no kind of database",
        ),
        ("[Draft]", '[Draft]\nservice = "media"', "media.toml: Draft.service: unknown key; it is never written"),
    ],
)
def test_what_is_wrong_in_it_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "media.toml").write_text(WAIVED.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(tmp_path)
    assert message in str(caught.value)
