"""The command that removes staged rows: purge."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import runs
from pipeline.cli.options import DEFAULT_CONFIG, Config, Wait
from pipeline.cli.session import circumstances, opened, say
from pipeline.observe.log import AuditLog, audited
from pipeline.stores.staging import Staging


def purge(
    run_id: Annotated[str, typer.Option("--run-id", help="The run whose staged rows to remove.")],
    config: Config = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    wait: Wait = False,
) -> None:
    """Remove a verified run's staged rows, and note it once they are gone. Its record and audit log stay.

    Example: migrate purge --run-id 20260101T120000.000-a1b2
    """
    settings, catalog = opened(config)
    record = runs.read(settings, run_id)
    say(f"run {run_id}: removing raw rows, keys and outputs under {settings.run.staging / run_id}")
    if dry_run:
        return
    before = runs.is_purged(settings, run_id)
    chosen = runs.Selection()
    with (
        AuditLog(Staging(settings.run.staging, run_id).audit_path()) as log,
        audited(log, run_id, circumstances(settings, catalog)),
        runs.target_lock(settings, catalog, chosen, run_id, command="migrate purge", wait=wait, say=say) as lock,
    ):
        size = runs.purge(settings, record, lock)
    print(f"run {run_id} was purged before" if before and not size else f"run {run_id}: {size / 1e6:,.1f} MB removed")
