"""The command line explains itself: every command with an example, every option with a help text."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import commands

COMMANDS = (
    "profile",
    "plan",
    "extract",
    "transform",
    "load",
    "verify",
    "run",
    "status",
    "lookup",
    "rejects",
    "checksum",
    "explain",
    "purge",
    "draft",
    "demo",
)
#: Options that mean the same wherever they occur, and which commands must have them.
OPTIONS = {
    "--config": set(COMMANDS) - {"demo"},
    "--tenant": {
        "profile",
        "plan",
        "extract",
        "transform",
        "load",
        "verify",
        "run",
        "lookup",
        "rejects",
        "checksum",
        "purge",
    },
    "--service": {"init", "plan", "extract", "transform", "load", "verify", "run", "rejects", "checksum", "draft"},
    "--entity": {"plan", "extract", "transform", "load", "verify", "run", "rejects", "checksum"},
    "--phase": {"plan", "extract", "transform", "load", "verify", "run"},
    "--force": {"plan", "extract", "run"},
    "--run-id": {"extract", "transform", "load", "verify", "run", "status", "rejects", "purge"},
    "--as-of": {"extract", "run"},
    "--json": {"profile", "plan", "verify", "run", "status", "lookup", "rejects", "checksum"},
    "--dry-run": {"load", "purge"},
}


def _commands() -> dict[str, typer.core.TyperCommand]:
    group = typer.main.get_command(commands.app)
    return dict(group.commands)  # type: ignore[attr-defined]


def _parameters() -> Iterator[tuple[str, str, str | None]]:
    for name, command in _commands().items():
        for parameter in command.params:
            if "--help" not in parameter.opts:
                yield name, parameter.opts[0], getattr(parameter, "help", None)


def test_every_command_is_there() -> None:
    assert set(COMMANDS) <= set(_commands())


@pytest.mark.parametrize("name", sorted(_commands()))
def test_a_command_has_help_with_an_example_of_itself(name: str) -> None:
    text = _commands()[name].help or ""
    first = text.partition("\n")[0]
    examples = [line.strip() for line in text.splitlines() if line.strip().startswith("Example:")]
    assert first.endswith("."), first
    assert len(examples) == 1, text
    assert examples[0].startswith(f"Example: migrate {name}"), examples[0]


@pytest.mark.parametrize("name", sorted(_commands()))
def test_the_example_names_options_that_exist(name: str) -> None:
    text = _commands()[name].help or ""
    example = next(line for line in text.splitlines() if "Example:" in line)
    known = {opt for p in _commands()[name].params for opt in (*p.opts, *p.secondary_opts)}
    assert {word for word in example.split() if word.startswith("--")} <= known


@pytest.mark.parametrize(("command", "option", "help_text"), list(_parameters()))
def test_an_option_has_help(command: str, option: str, help_text: str | None) -> None:
    assert help_text, f"{command} {option}"
    assert help_text.endswith("."), f"{command} {option}: {help_text}"


@pytest.mark.parametrize(("option", "expected"), OPTIONS.items())
def test_an_option_is_where_it_belongs(option: str, expected: set[str]) -> None:
    having = {name for name, command in _commands().items() if any(option in p.opts for p in command.params)}
    assert having == expected


@pytest.mark.parametrize("name", sorted(_commands()))
def test_help_is_printed_and_needs_no_configuration(name: str) -> None:
    done = CliRunner().invoke(commands.app, [name, "--help"])
    assert done.exit_code == 0
    assert "Example:" in done.stdout


WRONG_USE = {
    "unknown command": ["migrat"],
    "unknown option": ["plan", "--tennant", "district_a"],
    "option without its value": ["plan", "--tenant"],
    "no date": ["run", "--as-of", "yesterday"],
    "lookup of nothing": ["lookup"],
    "purge of no run": ["purge"],
    "an argument too many": ["plan", "everything"],
}


@pytest.mark.parametrize("arguments", WRONG_USE.values(), ids=WRONG_USE.keys())
def test_wrong_use_ends_with_2_and_says_which_word(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["migrate", *arguments])
    with pytest.raises(SystemExit) as exit_:
        commands.run()
    said = capfd.readouterr()
    assert exit_.value.code == 2
    assert "Traceback" not in said.err
    assert said.err.strip()


def test_no_command_prints_the_help(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["migrate"])
    with pytest.raises(SystemExit):
        commands.run()
    said = capfd.readouterr()
    assert "verify" in said.out + said.err
    assert "Traceback" not in said.err
