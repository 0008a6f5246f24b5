"""The documents say what is so: commands, options, keys, examples and links in them are checked against the product."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest
import typer
from pydantic import BaseModel

from pipeline.cli.commands import app
from pipeline.connection import libpq_uri
from pipeline.core.quality import Kind, Verdict, verdicts
from pipeline.core.quality import Test as Judgement
from pipeline.core.scrub import SCRUBS
from pipeline.settings import load_settings
from schemas import fidelity, installation, model
from schemas.catalog import Catalog, load_catalog
from schemas.cells import IN_JSON
from schemas.conversions import CONVERSIONS
from schemas.parts import Entry, Names
from schemas.waivers import Waived
from tests import catalog_page
from tests.support.fleet import SERVICES

ROOT = Path(__file__).resolve().parents[2]
README, CATALOG, VERIFICATION = ROOT / "README.md", ROOT / "docs" / "catalog.md", ROOT / "docs" / "verification.md"
CHANGELOG, CONTRIBUTING, DECISIONS = ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "decisions"
BESIDE = (ROOT / "staging" / "README.md", ROOT / "bench-results" / "README.md")
DOCUMENTS = (README, CHANGELOG, CONTRIBUTING, *BESIDE, *sorted((ROOT / "docs").rglob("*.md")))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: Words that belong to the place where the product is built, not to the product.
FOREIGN = re.compile(r"/work\b|/tmp/|/root\b|/home/|\bsessions?\b|\bhelpers?\b|\bagents?\b|\bissue \d", re.IGNORECASE)
#: Heading in docs/catalog.md -> the model whose keys its table lists.
SECTIONS = {
    "Entity": model.Entity,
    "Column": model.Column,
    "Split": model.Split,
    "Tenant rule": model.TenantRule,
    "Shared lookup": model.Shared,
    "Rule": model.RowRule,
    "History": model.History,
    "Waived table": Waived,
    "Family": model.Family,
}
#: Keys that the loader fills in: what the document says in place of a default.
FILLED_IN = {
    "service": "the file's name",
    "name": "the heading",
    "namespace": "the installation's",
    "source": "the tenants'",
    "table": "the heading",
}
#: Defaults that stand for something else than nothing.
EXPLAINED = {
    ("Column", "convert"): "by type",
    ("Column", "pg"): "by converter",
    ("Column", "by"): "the parent's key",
    ("Column", "using"): "this column",
    ("Column", "pads"): "by engine",
    ("Tenant rule", "by"): "its key",
    ("Entity", "description"): "empty",
    ("Waived table", "description"): "empty",
}

#: What a table of an entry holds, as the document says it.
TABLES = {str: "text", Names: "list of text", model.Column: "columns", model.Split: "splits"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))


def text_of(document: Path) -> str:
    if document.suffix != ".ipynb":
        return document.read_text(encoding="utf-8")
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(document.read_bytes())["cells"])


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(document), re.DOTALL | re.MULTILINE)


def tables_under(heading: str, document: Path = CATALOG) -> list[list[list[str]]]:
    """Give the tables of a section of a document, by default docs/catalog.md: rows of cells, without the head."""
    section = re.search(rf"^## {heading}\b.*?\n(.*?)(?=^## |\Z)", text_of(document), re.DOTALL | re.MULTILINE)
    assert section is not None, heading
    found = re.findall(r"(?:^\|.*\n)+", section[1], re.MULTILINE)
    return [[[c.strip() for c in line.strip("|").split(" | ")] for line in t.splitlines()[2:]] for t in found]


def names_in(rows: list[list[str]]) -> list[str]:
    return [row[0].strip("`| ") for row in rows]


# -- commands ---------------------------------------------------------------------------------------


def commands() -> Mapping[str, Any]:
    group: Any = typer.main.get_command(app)
    return group.commands


def options(command: str) -> set[str]:
    return {opt for p in commands()[command].params for opt in (*p.opts, *p.secondary_opts)} | {"--help"}


def mentioned(document: Path) -> Iterator[tuple[str, str]]:
    """Give every `migrate <command> ...` of a document: the command and the rest of its line or code span."""
    prose = re.sub(r"^```.*?^```$", "", text_of(document), flags=re.DOTALL | re.MULTILINE)
    for span in [*blocks(document, "sh"), *re.findall(r"`([^`\n]+)`", prose)]:
        for line in span.splitlines():
            code = line.split("#")[0]
            for found in re.finditer(r"(?:^|[\s/&])migrate (?P<command>[a-z]+)(?P<rest>[^|&;]*)", code):
                yield found["command"], found["rest"]


@pytest.mark.parametrize("document", [*DOCUMENTS, *NOTEBOOKS], ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_and_options_exist(document: Path) -> None:
    for name, rest in mentioned(document):
        assert name in commands(), f"migrate {name}"
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= options(name), f"migrate {name}{rest}"


def test_the_readme_shows_every_command() -> None:
    shown = {name for name, _ in mentioned(README)}
    listed = re.findall(r"^- `([a-z]+)`: ", text_of(README), re.MULTILINE)
    assert {*shown, *listed, "demo"} == set(commands()), "`make demo` stands for migrate demo"
    assert {"run", "verify", "lookup", "purge"} <= shown


def test_options_in_prose_exist() -> None:
    every = set().union(*map(options, commands()))
    for document in DOCUMENTS:
        assert set(re.findall(r"`(--[a-z-]+)`", text_of(document))) <= every


@pytest.mark.parametrize("document", [*DOCUMENTS, *NOTEBOOKS], ids=lambda p: str(p.relative_to(ROOT)))
def test_make_verbs_exist(document: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = text_of(document)
    code = [*blocks(document, "sh"), *re.findall(r"`(make [^`\n]+)`", text)]
    assert {verb for c in code for verb in re.findall(r"^make ([a-z-]+)", c, re.MULTILINE)} <= verbs


def test_the_readme_names_every_service_to_create() -> None:
    (loop,) = re.findall(r"^for s in (.*); do$", text_of(README), re.MULTILINE)
    assert tuple(loop.split()) == SERVICES


# -- links and words --------------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text_of(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(document)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path) if path else document
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@pytest.mark.parametrize("document", [*DOCUMENTS, *NOTEBOOKS], ids=lambda p: str(p.relative_to(ROOT)))
def test_speaks_of_the_product_alone(document: Path) -> None:
    assert FOREIGN.findall(text_of(document)) == []


def test_the_readme_stays_short() -> None:
    assert len(text_of(README).splitlines()) < 300


# -- examples ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [README, VERIFICATION], ids=lambda p: p.name)
def test_examples_hold(document: Path) -> None:
    examples = [b for b in blocks(document, "python") if "assert " in b]
    assert examples
    for example in examples:
        exec(compile(example, document.name, "exec"), {})


def test_the_example_configuration_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "a-password")
    path = tmp_path / "migrate.toml"
    path.write_text(blocks(README, "toml")[0], encoding="utf-8")
    settings = load_settings(path)
    assert settings.directory is not None
    assert [s.id for s in settings.own_sources] == ["district_a"]
    assert "a-password" in libpq_uri(settings.target_dsn("student"))


@pytest.mark.parametrize("document", [README, CATALOG], ids=lambda p: p.name)
def test_the_example_entry_is_one_of_the_catalog(document: Path, tmp_path: Path) -> None:
    """It is a part of the real entry: every line of it stands there alike (notes left out)."""
    (example,) = [b for b in blocks(document, "toml") if "[Student]" in b]
    entry = tomllib.loads(example)["Student"]
    real = tomllib.loads((ROOT / "schemas" / "services" / "student.toml").read_text(encoding="utf-8"))["Student"]
    assert entry["splits"].items() <= real["splits"].items()
    assert all(rule in real["rules"] for rule in entry.get("rules", []))
    for name, column in entry["columns"].items():
        assert column.items() <= real["columns"][name].items(), name


@pytest.mark.parametrize("document", [README, CHANGELOG], ids=lambda p: p.name)
def test_counts_of_the_catalog_are_right(document: Path) -> None:
    catalog = load_catalog()
    counted = re.search(r"(\d+) entities\*{0,2} in (\w+)|(\d+) entities in (\w+) services", text_of(document))
    assert counted is not None
    words = {"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11}
    services = {e.service for e in catalog.entities.values()}
    entities, number = (g for g in counted.groups() if g)
    assert (int(entities), words.get(number) or int(number)) == (len(catalog.entities), len(services))


def test_the_changelog_knows_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.search(rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", text_of(CHANGELOG), re.MULTILINE)


def test_the_changelog_has_the_form_that_it_claims() -> None:
    """Of Keep a Changelog: what is not released first, then versions with their dates; six kinds of change, in order."""
    unreleased, *versions = re.split(r"^## ", text_of(CHANGELOG), flags=re.MULTILINE)[1:]
    assert unreleased.startswith("Unreleased\n")
    dates = [date.fromisoformat(version.splitlines()[0].partition(" - ")[2]) for version in versions]
    assert dates == sorted(dates, reverse=True)
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for version in (unreleased, *versions):
        found = re.findall(r"^### (.*)$", version, re.MULTILINE)
        assert found == [kind for kind in kinds if kind in found]


def test_every_decision_is_listed_and_has_its_parts() -> None:
    listed = dict(
        re.findall(r"^\| \[\d\d\]\(([\w-]+\.md)\) \| (.*) \| .* \|$", text_of(DECISIONS / "README.md"), re.MULTILINE)
    )
    records = {path.name: text_of(path) for path in sorted(DECISIONS.glob("[0-9]*.md"))}
    assert list(listed) == list(records)
    for name, text in records.items():
        assert text.startswith(f"# {listed[name]}\n\nStatus: "), name
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], name


@each_document
def test_paths_of_the_code_exist(document: Path) -> None:
    named = re.findall(r"`((?:pipeline|schemas|tests|core)/[\w/.*-]+)(?::[\w.]+)?`", text_of(document))
    for path in named:
        assert list(ROOT.glob(path)) or list((ROOT / "pipeline").glob(path)), path


def test_hooks_check_what_lint_checks() -> None:
    hooks = re.findall(r"entry: (\.venv/bin/.*)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (lint,) = re.findall(r"^lint:.*\n\t(.*)$", makefile, re.MULTILINE)
    assert (
        lint.replace("$(BIN)", ".venv/bin").replace("check .", "check").replace("--check .", "--check").split(" && ")
        == hooks
    )


# -- docs/catalog.md against the models --------------------------------------------------------------


def forms(annotation: Any) -> Iterator[str]:
    """Say in the document's words what TOML a field takes."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from forms(arguments[0])
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from forms(argument)
    elif origin is Literal:
        yield from (f"`{a}`" for a in arguments)
    elif origin is tuple:
        yield "list of rules" if arguments[0] is model.RowRule else "list of text"
    elif origin is Mapping:
        of = next((name for named, name in TABLES.items() if named == arguments[1]), None)
        yield f"table of {of}"
    elif annotation is not NoneType:
        yield {
            model.TenantRule: "`tenant` table",
            model.Shared: "`shared` table",
            model.History: "`history` table",
            model.Family: "`family` table",
            str: "text",
            bool: "true or false",
            int: "number",
            UUID: "GUID",
        }[annotation]


def fields(section: str, described: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Give key, form and default of each field, as the document writes them."""
    for name, field in described.model_fields.items():
        *first, last = forms(field.annotation)
        default = "required" if field.is_required() else "none"
        if section in ("Entity", "Waived table") and name in FILLED_IN:
            default = FILLED_IN[name]
        elif (section, name) in EXPLAINED:
            default = EXPLAINED[section, name]
        elif isinstance(field.default, bool | int):
            default = str(field.default).lower()
        elif isinstance(field.default, str):
            default = f"`{field.default}`"
        yield field.alias or name, f"{', '.join(first)} or {last}" if first else last, default


@pytest.mark.parametrize(("section", "described"), SECTIONS.items(), ids=SECTIONS)
def test_every_key_is_described(section: str, described: type[BaseModel]) -> None:
    rows = tables_under(section)[0]
    documented = [(row[0].strip("`| "), row[1], row[2]) for row in rows]
    assert documented == list(fields(section, described))
    meanings = [" ".join((field.description or "").split()) for field in described.model_fields.values()]
    assert [row[3].strip("| ") for row in rows] == meanings
    assert all(meaning.endswith(".") for meaning in meanings)


def test_every_key_of_the_installation_is_described() -> None:
    rows = tables_under("The file", ROOT / "docs" / "your-own-fleet.md")[0]
    parts = {"tenants": installation.Tenants, "directory": installation.Directory}
    described = [
        (f"{prefix}{name}", field)
        for prefix, model_ in {"": installation.Installation, **{f"{k}.": v for k, v in parts.items()}}.items()
        for name, field in model_.model_fields.items()
        if name not in parts
    ]
    assert [row[0].strip("`| ") for row in rows] == [name for name, _ in described]
    assert [row[2].strip("| ") for row in rows] == [" ".join((f.description or "").split()) for _, f in described]
    defaults = ["required" if f.is_required() else f"`{f.default}`" if f.default else "none" for _, f in described]
    assert [row[1] for row in rows] == defaults


def test_no_model_is_left_out() -> None:
    closed = {m for m in vars(model).values() if isinstance(m, type) and issubclass(m, Entry)}
    assert closed - {Entry} | {Waived} == set(SECTIONS.values())


def test_rules_converters_and_scrubs_are_described() -> None:
    assert sorted(names_in(tables_under("Rule")[1])) == sorted(get_args(model.RowRule.model_fields["rule"].annotation))
    converters, scrubs = tables_under("Converters")
    assert sorted(names_in(scrubs)) == sorted(SCRUBS)
    assert sorted(names_in(converters)) == sorted(CONVERSIONS)


def test_types_that_an_object_holds_are_described() -> None:
    (named,) = re.findall(r"Members of other types than (.*?) are refused", text_of(CATALOG), re.DOTALL)
    assert set(re.findall(r"`(\w+)`", named)) == IN_JSON


@pytest.fixture(scope="module")
def found() -> list[Verdict]:
    catalog: Catalog = load_catalog()
    return [*catalog_page.every(), *(v for e in catalog.entities.values() for v in verdicts(e))]


def test_every_hazard_that_files_a_finding_is_described(found: list[Verdict]) -> None:
    labels = {v.label for v in found if v.kind is Kind.FINDING}
    filing = {row[0].strip("`| "): row[2] != "nothing" for row in tables_under("Hazards")[0]}
    assert {label for label in labels if re.fullmatch(r"H\d+", label)} == {h for h, files in filing.items() if files}
    assert list(filing) == sorted(set(filing), key=lambda h: int(h[1:]))


def test_whatever_can_be_said_of_a_row_is_described(found: list[Verdict]) -> None:
    described = {
        Kind.REJECT: set(catalog_page.REASONS),
        Kind.FINDING: {*catalog_page.FINDINGS, Judgement.NOTEWORTHY} - {Judgement.UNREADABLE},
        Kind.RAW: set(catalog_page.RAW),
    }
    assert {kind: {v.test for v in found if v.kind is kind} for kind in Kind} == described
    saying = {v.cell.converter for v in found if v.test is Judgement.NOTEWORTHY and v.cell}
    assert saying == set(catalog_page.NOTEWORTHY)


def test_the_tables_of_the_catalog_page_are_what_the_code_says() -> None:
    assert text_of(CATALOG) == catalog_page.page(text_of(CATALOG)), "python -m tests.catalog_page"


def test_the_page_of_types_is_what_the_table_of_types_says() -> None:
    found = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert found == fidelity.page(), "python -m schemas.fidelity > docs/fidelity.md"
