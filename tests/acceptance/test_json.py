"""What `--json` prints is what docs/json.md says: every key of every command's output, and its type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.support.site import ROOT, Site

PAGE = ROOT / "docs" / "json.md"
COMMANDS = {
    "profile": ("profile",),
    "plan": ("plan",),
    "status": ("status",),
    "status --run-id": ("status", "--run-id"),
    "status --by-tenant": ("status", "--by-tenant"),
    "status --by-phase": ("status", "--by-phase"),
    "lookup": ("lookup", "student.Student", "7"),
    "rejects": ("rejects",),
    "checksum": ("checksum",),
}
TYPES = {str: "text", bool: "true or false", int: "integer", float: "number"}


def documented(command: str) -> dict[str, tuple[str, str]]:
    """Give each path that the page lists for a command, with its type and meaning."""
    section = re.search(rf"^## `{re.escape(command)}`.*?\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S)
    assert section, command
    rows = (line.strip("| ").split(" | ") for line in section[1].splitlines() if line.startswith("| `"))
    return {path.strip("`"): (kind, meaning) for path, kind, meaning in rows}


def found(value: object, path: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """Give the paths of a value; `*` stands for a name, where the page says so."""
    if isinstance(value, dict):
        for key, inner in value.items():
            named = (
                f"{path}.*" if any(k == f"{path}.*" or k.startswith(f"{path}.*") for k in known) else f"{path}.{key}"
            )
            yield from found(inner, named.lstrip("."), known)
    elif isinstance(value, list):
        for inner in value:
            yield from found(inner, f"{path}[]", known)
    elif value is not None:
        yield path, TYPES[type(value)]


def undocumented(command: str, printed: str) -> dict[str, str]:
    """Give the paths of what a command printed that the page lists otherwise, with their types."""
    said = documented(command)
    return {
        path: kind
        for path, kind in found(json.loads(printed), "", set(said))
        if said.get(path, ("",))[0].removesuffix(" or null") != kind
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_says_what_is_printed(finished: Site, command: str) -> None:
    arguments = COMMANDS[command]
    if arguments[-1] == "--run-id":
        [record] = (finished.directory / "staging").glob("*/run.json")
        arguments = (*arguments, record.parent.name)
    assert undocumented(command, finished.migrate(*arguments, "--json").stdout) == {}


def test_the_page_says_what_a_run_prints(ran: tuple[Site, str]) -> None:
    assert undocumented("verify", ran[1]) == {}


@pytest.mark.slow
def test_the_page_says_what_a_verification_prints(finished: Site) -> None:
    assert undocumented("verify", finished.migrate("verify", "--json").stdout) == {}
