"""The command that looks at legacy databases before anyone trusts them: profile."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.ending import ExitCode
from pipeline.cli.options import DEFAULT_CONFIG, AsJson, Config, Tables, Tenants
from pipeline.cli.session import opened, print_json, say
from pipeline.core.profile import Profile, SourceProfile
from pipeline.core.profile.fleets import fleets
from pipeline.errors import ConfigError
from pipeline.observe import profiled, report
from pipeline.observe.profile_page import page
from pipeline.settings import Source
from pipeline.stages.profile import profile_source


def profile(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    table: Tables = None,
    structure: Annotated[
        bool, typer.Option("--structure", help="Look at tables and columns alone, and at no row.")
    ] = False,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show the least and greatest value of personal columns, too.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write it as one page of HTML, which opens from a file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what legacy databases hold, and what would become of it, before anyone trusts them. Writes nothing.

    Volumes, keys and gaps, and of each column NULLs, distinct values, extremes, sentinels and damage; references that
    lead nowhere; where a database is not what the catalog says; and what of it would be rejected, flagged or changed.
    Values of persons stay where they are.

    Example: migrate profile --tenant district_a
    """
    settings, catalog = opened(config)
    chosen = [settings.source(name) for name in dict.fromkeys(tenant or ())] or [*settings.sources]

    def look(source: Source) -> SourceProfile:
        return profile_source(
            settings, catalog, source, tables=table or (), show_values=show_values, structure_only=structure
        )

    with ThreadPoolExecutor(max_workers=settings.run.parallel) as pool:
        sources = tuple(pool.map(look, chosen))
    found = Profile(show_values, sources, fleets(sources))
    seen = {name for s in sources for t in s.tables for name in (t.table, f"{t.schema}.{t.table}")}
    if missing := [name for name in table or () if name not in seen and not found.unread]:
        raise ConfigError(
            f"no table is named {missing[0]}",
            where=f"source {', '.join(s.id for s in chosen)}",
            remedy="name it as Table or schema.Table, as its database spells it",
        )
    if html is not None:
        _write(html, page(found))
    if as_json:
        print_json(asdict(found))
    elif html is None:
        report.show(profiled.profile(found, in_detail=bool(table)))
    for source in found.unread:
        say(f"source {source.source}: {source.problem}")
    if found.unread:
        raise typer.Exit(ExitCode.REFUSED)


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read, as it may hold values of persons; a reader sees the old or the new."""
    temporary = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
    say(f"written to {path}")
