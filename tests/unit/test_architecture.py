"""The shape of the code: which module may import what, how long it may be, what every public name owes its reader."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core.sql import relations
from schemas.engines import ENGINES
from schemas.installation import load_installation

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "schemas")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES = 400


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: A library that one module alone may import.
ONLY_IMPORTER = {
    "connectorx": "pipeline/stores/readers.py",
    "mssql_python": "pipeline/stores/readers.py",
    "adbc_driver_postgresql": "pipeline/stores/target.py",
    "adbc_driver_manager": "pipeline/stores/target.py",
    "duckdb": "pipeline/stores/parity.py",
}
#: Modules that reach files, processes, the network, the environment, the clock or chance.
IMPURE = _words("""
    asyncio glob http io logging multiprocessing os pathlib random secrets shutil socket sqlite3 subprocess sys
    tempfile threading time urllib adbc_driver_manager adbc_driver_postgresql connectorx duckdb mssql_python
    rich typer
""")
#: Calls that ask the clock, chance or the file system, whatever they are imported from.
IMPURE_CALLS = _words("""
    now utcnow today uuid1 uuid4 getenv open print input read_parquet scan_parquet sink_parquet write_parquet
    read_csv read_text write_text
""")


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(path: Path) -> Iterator[str]:
    """Give the full names of the modules that a module imports, also inside functions and by name."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and _called(node) == "import_module":
            yield from (str(a.value) for a in node.args if isinstance(a, ast.Constant))


def _public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Give a module's public functions and classes and the public methods of those, by dotted name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_the_arrows_point_one_way(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "lint-imports"
    if not program.exists():
        pytest.skip("import-linter is not installed (extra `dev`)")
    done = subprocess.run(
        [program, "--config", ROOT / "pyproject.toml", "--cache-dir", tmp_path],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=_relative)
def test_a_module_stays_small_and_obeys_the_formatter(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert not re.findall(r"# fmt: \w+$", text, re.MULTILINE)


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(_tree(path)), "no module docstring"


@pytest.mark.parametrize(("library", "importer"), ONLY_IMPORTER.items())
def test_a_driver_has_one_importer(library: str, importer: str) -> None:
    importers = {_relative(p) for p in MODULES if any(name.partition(".")[0] == library for name in _imports(p))}
    assert importers == {importer}


@pytest.mark.parametrize("path", [p for p in MODULES if _relative(p).startswith("pipeline/core/")], ids=_relative)
def test_the_core_is_pure(path: Path) -> None:
    assert not {name for name in _imports(path) if name.partition(".")[0] in IMPURE}
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    assert not [f"line {c.lineno}: {_called(c)}()" for c in calls if _called(c) in IMPURE_CALLS]


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[-2] == "schemas"], ids=_relative)
def test_the_catalog_imports_nothing_of_ours(path: Path) -> None:
    assert not {name for name in _imports(path) if name.partition(".")[0] == "pipeline"}


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_every_public_name_has_a_docstring(path: Path) -> None:
    bare = [name for name, node in _public(_tree(path)) if not ast.get_docstring(node)]  # type: ignore[arg-type]
    assert not bare


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_nothing_is_checked_by_assert(path: Path) -> None:
    """`python -O` leaves assertions out, so that none may guard anything."""
    assert not [node.lineno for node in ast.walk(_tree(path)) if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_no_row_goes_through_python(path: Path) -> None:
    slow = {"map_elements", "map_rows", "iter_rows", "apply"}
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    assert not [f"line {c.lineno}: {_called(c)}()" for c in calls if _called(c) in slow]


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_no_module_is_named_for_nothing(path: Path) -> None:
    assert path.stem not in {"util", "utils", "helper", "helpers", "common", "misc", "manager"}


def test_names_of_the_work_are_made_in_one_place() -> None:
    """A name that begins with `#`, alone or quoted in SQL, is written in core/frame.py only."""
    written = [
        f"{_relative(path)}:{node.lineno}: {node.value[:40]}"
        for path in MODULES
        if path.name != "frame.py" and "demo" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"#\w|.*\"#\w", node.value)
    ]
    assert written == []


def test_relations_of_the_proof_are_named_in_one_place() -> None:
    """No statement addresses one by a text put together elsewhere; what is put together is no name at all."""
    own = vars(relations).values()
    known = [value.name for value in own if isinstance(value, relations.Relation)]
    known += [m.__name__ for m in own if inspect.isfunction(m) and m.__module__ == relations.__name__]
    address = re.compile(rf"\b(FROM|JOIN|INTO|TABLE|VIEW)\s+\"?({'|'.join(known)})\b")
    assert address.search('CREATE TABLE "judged ')
    assert address.search("SELECT 1 FROM difference WHERE")
    places = []
    for path in (p for p in MODULES if p.name != "relations.py"):
        for node in ast.walk(_tree(path)):
            is_address = isinstance(node, ast.Constant) and isinstance(node.value, str) and address.search(node.value)
            is_named = isinstance(node, ast.Call) and (
                _called(node) == "Relation"
                or (_called(node) == "quote" and any(isinstance(a, ast.JoinedStr) for a in node.args))
            )
            if is_address or is_named:
                places.append(f"{_relative(path)}:{node.lineno}: {ast.unparse(node)[:60]}")
    assert places == []


def test_the_code_knows_no_fleet() -> None:
    """What is particular to one stands in its `installation.toml`; the demo and its legacy are of the packaged one."""
    fleet = load_installation()
    # Its services and the directory's kind are words that mean other things as well.
    own = {fleet.tenants.kind, str(fleet.namespace), fleet.name, fleet.directory and fleet.directory.registry}
    said = [
        f"{_relative(path)}:{node.lineno}: {node.value}"
        for path in MODULES
        if "pipeline/demo/" not in _relative(path)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and node.value in own
    ]
    assert said == []


#: Where code asks which engine it is, besides the dialects: how often, and why it is no fact of `schemas/engines.py`.
ASKS_FOR_AN_ENGINE = {
    "pipeline/connection.py": (3, "each driver has options of its own in its URL; a target is PostgreSQL"),
    "pipeline/settings/source.py": (1, "SQL Server alone has two readers, and one that logs in in plain text"),
    "pipeline/stores/probe.py": (2, "SQL Server's readers pass over options in silence, and give no reason"),
}


def _engines_asked_for(path: Path) -> int:
    """Count the comparisons with an engine's name, `match` included."""
    tree = ast.parse(path.read_text())
    held = [part for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)]
    held += [part for node in ast.walk(tree) if isinstance(node, ast.MatchValue) for part in ast.walk(node)]
    return sum(isinstance(part, ast.Constant) and part.value in ENGINES for part in held)


def test_an_engine_is_its_dialect_its_types_and_its_facts() -> None:
    found = {str(path.relative_to(ROOT)): _engines_asked_for(path) for path in MODULES}
    assert {path: n for path, n in found.items() if n} == {path: n for path, (n, _) in ASKS_FOR_AN_ENGINE.items()}
