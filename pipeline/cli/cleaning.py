"""The command that removes staged rows: purge."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipeline import runs
from pipeline.cli.options import DEFAULT_CONFIG, Config, Tenants, Wait
from pipeline.cli.session import circumstances, opened, say
from pipeline.observe.log import AuditLog, AuditNote, audited
from pipeline.stores.staging import Staging


def purge(
    run_id: Annotated[str, typer.Option("--run-id", help="The run whose staged rows to remove.")],
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    wait: Wait = False,
) -> None:
    """Remove a verified run's staged rows, and note it once they are gone. Its record and audit log stay.

    With --tenant, the files that a tenant shares with others are written anew without its rows; the others are verified
    as before. What is loaded stays.

    Example: migrate purge --run-id 20260101T120000.000-a1b2 --tenant district_b
    """
    settings, catalog = opened(config)
    record = runs.read(settings, run_id)
    tenants = runs.named_tenants(settings, catalog, record, tenant or ())
    names, place = ", ".join(tenants.values()), settings.run.staging / run_id
    if tenants:
        say(f"run {run_id}: removing the rows of {names}, and writing what they share anew, under {place}")
    else:
        say(f"run {run_id}: removing raw rows, keys and outputs under {place}")
    if dry_run:
        return
    before = runs.is_purged(settings, run_id)
    chosen = runs.Selection()
    with (
        AuditLog(Staging(settings.run.staging, run_id).audit_path()) as log,
        audited(log, run_id, circumstances(settings, catalog)),
        runs.target_lock(settings, catalog, chosen, run_id, command="migrate purge", wait=wait, say=say) as lock,
    ):
        if tenants:
            removed = runs.purge_tenants(settings, catalog, record, tenants)
            log.append(AuditNote(kind="purge", run_id=run_id, content={"tenants": [*tenants], **asdict(removed)}))
        else:
            size = runs.purge(settings, record, lock)
    if tenants:
        shared = f"{removed.rows:,} rows of {removed.files:,} files that others share"
        print(f"run {run_id}, {names}: {removed.size / 1e6:,.1f} MB removed, and {shared}")
    elif before and not size:
        print(f"run {run_id} was purged before")
    else:
        print(f"run {run_id}: {size / 1e6:,.1f} MB removed")
