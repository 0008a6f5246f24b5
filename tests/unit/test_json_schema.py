"""The JSON Schemas that editors use: as the models say, named in the files, and true of them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.demo.estate import config_text
from pipeline.settings import json_schema as settings_schema
from schemas import json_schema as catalog_schema
from schemas.installation import packaged_catalog

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "pipeline" / "settings" / settings_schema.FILE
ENTRIES = packaged_catalog() / catalog_schema.FILE
INSTALLATION = packaged_catalog() / catalog_schema.INSTALLATION


def complaints(schema: Path, text: str) -> list[str]:
    """Say what an editor would underline."""
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    return sorted("/".join(map(str, error.absolute_path)) for error in validator.iter_errors(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("path", "made", "module"),
    [
        (SETTINGS, settings_schema.configuration, "pipeline.settings.json_schema"),
        (ENTRIES, catalog_schema.entries, "schemas.json_schema"),
        (INSTALLATION, catalog_schema.installation, "schemas.json_schema"),
    ],
    ids=["settings", "entries", "installation"],
)
def test_it_is_what_the_models_say(path: Path, made: Any, module: str) -> None:
    assert path.read_text(encoding="utf-8") == catalog_schema.text(made()), f"python -m {module}"
    Draft202012Validator.check_schema(made())


def properties(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in schema["$defs"].items():
        yield from ((f"{name}.{key}", field) for key, field in definition["properties"].items())


@pytest.mark.parametrize("path", [SETTINGS, ENTRIES, INSTALLATION], ids=["settings", "entries", "installation"])
def test_every_key_has_a_description(path: Path) -> None:
    fields = dict(properties(json.loads(path.read_text(encoding="utf-8"))))
    assert fields
    assert [name for name, field in fields.items() if not field.get("description", "").endswith((".", "?"))] == []


@pytest.mark.parametrize("path", sorted(packaged_catalog().glob("*.toml")), ids=lambda p: p.stem)
def test_a_file_of_the_catalog_names_it_and_is_of_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    schema = INSTALLATION if path.stem == "installation" else ENTRIES
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == schema.resolve()
    assert complaints(schema, text) == []


def test_the_configuration_of_the_demo_names_it_and_is_of_it(tmp_path: Path) -> None:
    text = config_text(tmp_path, "postgresql://localhost/{service}", "staging")
    (tmp_path / "migrate.toml").write_text(text, encoding="utf-8")
    settings_schema.write_beside(tmp_path / "migrate.toml")
    named = tmp_path / text.partition("\n")[0].removeprefix("#:schema ")
    assert complaints(named, text) == []


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "sources.md"], ids=["README", "sources"])
def test_documented_configurations_are_of_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert complaints(SETTINGS, text) == []


WRONG_SETTINGS = {
    "unknown key": ("[run]\nbatch_row = 1\n", ["run"]),
    "unknown table": ("[runs]\n", [""]),
    "out of range": ("[run]\nparallel = 65\n", ["run/parallel"]),
    "unknown choice": ('[sources.a]\nname = "A"\nreader = "odbc"\n', ["sources/a/reader"]),
    "nameless": ('[sources.a]\nkind = "district"\n', ["sources/a"]),
    "name of a source": ('[sources.A]\nname = "A"\n', ["sources"]),
    "a default of one": ("[defaults]\ntenant = 1\n", ["defaults"]),
}


@pytest.mark.parametrize(("text", "places"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_mistakes_in_a_configuration_are_underlined(text: str, places: list[str]) -> None:
    assert complaints(SETTINGS, f'{text}[target]\ndsn = "postgresql://localhost/{{service}}"\n') == places


ENTRY = '[A]\nsource = "district"\ntarget = "as"\n[A.columns]\n'
WRONG_ENTRIES = {
    "right": (f'{ENTRY}Id = {{ to = "x", references = "student.Student" }}\n', []),
    "unknown key of a column": (f'{ENTRY}Id = {{ too = "x" }}\n', ["A/columns/Id"]),
    "unknown converter": (f'{ENTRY}Id = {{ to = "x", convert = "datum" }}\n', ["A/columns/Id/convert"]),
    "no columns": (ENTRY.partition("[A.columns]")[0], ["A"]),
    "no target": ("[A]\ncolumns = {}\n", ["A"]),
    "derived": ('[A]\nderived_from = "student.B"\ntarget = "as"\ncolumns = {}\n', []),
}


@pytest.mark.parametrize(("text", "places"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES)
def test_mistakes_in_an_entry_are_underlined(text: str, places: list[str]) -> None:
    assert complaints(ENTRIES, text) == places


@pytest.mark.parametrize("shipped", [SETTINGS, ENTRIES, INSTALLATION], ids=["settings", "entries", "installation"])
def test_the_example_has_the_shipped_ones_beside_its_files(shipped: Path) -> None:
    [copy] = (ROOT / "examples" / "clinics").rglob(shipped.name)
    assert copy.read_bytes() == shipped.read_bytes()
    for path in copy.parent.glob("*.toml"):
        named = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#:schema ")
        assert complaints(path.parent / named, path.read_text(encoding="utf-8")) == []
