"""docs/architecture.md names what there is: every package, every arrow, every function on a thing's way."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def defined(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    """Give every name that a module or class defines, methods by their dotted name."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield within + node.name
        if isinstance(node, ast.ClassDef):
            yield from defined(node.body, f"{within}{node.name}.")
        if isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            yield from (within + target.id for target in targets if isinstance(target, ast.Name))


def packages() -> Iterator[str]:
    """Name the packages, and the modules that stand beside them."""
    yield "schemas"
    for path in (ROOT / "pipeline").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if path.name == "__init__.py" and len(parts) > 2:
            yield ".".join(parts[:-1])
        elif path.name != "__init__.py" and len(parts) == 2:
            yield ".".join(parts)


def test_every_place_on_a_way_exists() -> None:
    places = re.findall(r"`([a-z_/]+\.py):([\w.]+)`", PAGE)
    assert len(places) > 50
    for path, name in places:
        assert name in set(defined(ast.parse((ROOT / path).read_text(encoding="utf-8")).body)), f"{path}:{name}"


def test_every_path_exists() -> None:
    for path in re.findall(r"`((?:pipeline|schemas|tests)/[\w/.]+\.py)", PAGE):
        assert (ROOT / path).exists(), path


def test_every_package_is_told() -> None:
    told = re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(packages())


def test_the_arrows_are_those_that_are_kept() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (arrows,) = re.findall(r"^```text\npipeline\.cli\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert ["pipeline.cli", *arrows.splitlines()] == contracts[0]["layers"]
