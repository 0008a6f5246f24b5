"""Sources that leave a run which has loaded nothing yet: the others go on, and a later run moves these."""

from __future__ import annotations

from dataclasses import replace

from pipeline.errors import SourcesFailed
from pipeline.stores import ledger
from pipeline.workspace import Workspace


def leave(workspace: Workspace, failed: SourcesFailed) -> Workspace:
    """Let the tenants of sources that failed leave the run, for good.

    Raises:
        SourcesFailed: the target has the run's record, so that who is of it stands; the same run goes on later.
    """
    run_id = workspace.record.run_id
    for service in workspace.services():
        with workspace.database(service) as database:
            if ledger.exists(database) and ledger.knows_run(database, run_id):
                raise failed
    sources = workspace.record.sources
    record = workspace.record.without({s.tenant_id for name, s in sources.items() if name in failed.found})
    # Bundles are of the tenants that there are. First they go: killed between, the run makes them again.
    workspace.staging.drop_outputs()
    workspace.staging.write_record(record)
    return replace(workspace, record=record)
