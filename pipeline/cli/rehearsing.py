"""The command that shows the main job: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.moving import exit_code, show_outcome
from pipeline.cli.session import circumstances, read_catalog, say
from pipeline.demo import rehearsal
from pipeline.observe import report
from pipeline.settings import load_settings


def demo(
    directory: Annotated[
        Path, typer.Option("--directory", help="Where the demo keeps its files.")
    ] = rehearsal.DIRECTORY,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the demo's PostgreSQL, and do nothing else.")] = False,
) -> None:
    """Build three legacy districts, start PostgreSQL, and migrate: the main job, on real files and a real server.

    Example: migrate demo
    """
    if stop:
        print("stopped" if rehearsal.stop(directory) else "it was not running")
        return
    catalog = read_catalog(None)
    config = rehearsal.prepare(directory, catalog, say=say)
    settings = load_settings(config)
    found, rates = rehearsal.migrate(settings, catalog, circumstances(settings, catalog), say=say)
    if rates:
        report.show(report.table("What moved", ("stage", "rows", "seconds", "rows/s"), rates, numbers=3))
    show_outcome(found)
    say(rehearsal.hint(directory, config))
    if code := exit_code(found):
        raise typer.Exit(code)
