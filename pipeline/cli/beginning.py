"""The command that begins a migration of a fleet of one's own: init."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.session import explained, say
from pipeline.errors import ConfigError
from pipeline.settings.initial import CONFIG, write_initial
from schemas.installation import Installation, as_installation, namespace_of


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new directory, or one without such files.")],
    name: Annotated[str | None, typer.Option("--name", help="What the fleet is called; it is inside every id.")] = None,
    service: Annotated[
        list[str] | None, typer.Option("--service", help="A service, which has a database (repeat for several).")
    ] = None,
    key: Annotated[
        Literal["integer", "text", "guid"] | None, typer.Option("--tenant-key", help="How the legacy calls a tenant.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--tenant-kind", help="What a tenant is: clinic, district, ... (tenant).")
    ] = None,
    shared: Annotated[
        str | None, typer.Option("--shared", help="What the database is called that all tenants share; '' for none.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option("--registry", help="The entity in it that lists the tenants, as service.Table.")
    ] = None,
) -> None:
    """Begin with a fleet of one's own: write the configuration and a catalog to be filled. Asks what no option says.

    Example: migrate init clinics --name "Example clinics" --service patients --service billing --shared ""
    """
    name = _asked(name, "--name", "What is the fleet called?")
    services = service or _asked(None, "--service", "Its services, each with a database (a b c)?").split()
    kind = _asked(kind, "--tenant-kind", "What is a tenant (clinic, district, ...)?", "tenant")
    form = _asked(key, "--tenant-key", "How does the legacy call one: integer, text or guid?", "integer")
    shared = _asked(shared, "--shared", "What is the database called that all of them share, if there is one?", "")
    if shared and registry is None:
        registry = _asked(None, "--registry", "Its table that lists them, as service.Table, if there is one?", "")
    written = write_initial(directory, _fleet(name, services, kind, form, shared, registry or None))
    for path in written:
        print(path)
    config = directory / CONFIG
    say(
        f"name the sources in {written[1]}, and where they are in {config}; then "
        f"`migrate draft --all --service {services[0]} -c {config}` describes their tables, "
        f"and `migrate plan -c {config}` says what a run would do"
    )


def _asked(given: str | None, option: str, question: str, default: str | None = None) -> str:
    """Take what an option says, ask a person who sits there, or take what is said where nobody says otherwise."""
    if given is not None:
        return given
    if sys.stdin.isatty():
        return str(typer.prompt(question, default=default, err=True))
    if default is None:
        raise ConfigError(f"{option} is missing, and there is nobody to ask", remedy=f"say {option}; see init --help")
    return default


def _fleet(name: str, services: Sequence[str], kind: str, key: str, shared: str, registry: str | None) -> Installation:
    said = {
        "name": name,
        "namespace": namespace_of(name),
        "services": services,
        "tenants": {"kind": kind, "key": key},
        **({"directory": {"kind": shared, "registry": registry}} if shared else {}),
    }
    return explained(lambda: as_installation(said, "what is said of the fleet"))
