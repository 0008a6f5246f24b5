"""Verify: derive every expected cell from the raw files by SQL, read the target back, and compare all of it.

Trusts neither the transformation nor the ledger: legacy is asked for its counts again, raw files for their
checksums, PostgreSQL for what its tables are made of, and the application's role for what each tenant sees and may
change. "The data differ" is a value, not an exception. Invariant: a verdict of parity
means that every comparison below ran over every row of the selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from time import perf_counter

from pipeline.connection import Dsn
from pipeline.core.clock import transitions_frame
from pipeline.core.plan import Held
from pipeline.core.verdict import Verdict
from pipeline.core.waves import parts, portions
from pipeline.errors import ConfigError
from pipeline.stores import ledger
from pipeline.stores.parity import ParityDatabase
from pipeline.stores.transcript import Transcript
from pipeline.verification import (
    carried,
    comparison,
    isolation,
    ledger_side,
    legacy_side,
    pending,
    structure,
    target_side,
)
from pipeline.verification.scope import Scope
from pipeline.workspace import Workspace

#: Legacy rows that are derived and compared together, about; rows of one table are never taken apart.
_PORTION_ROWS = 1_000_000


def verify(
    workspace: Workspace,
    transcript: Transcript | None = None,
    advance: Callable[[int], None] = lambda rows: None,
) -> Verdict:
    """Compare the whole selection of the run; write the verdict of each tenant into its service databases.

    Args:
        workspace: the run.
        transcript: takes every statement that the proof runs.
        advance: told the legacy rows of each portion that is compared.
    """
    started = perf_counter()
    zones = {z for s in workspace.record.sources.values() for z in (s.host_zone, s.tenant_zone)}
    if transcript is not None:
        transcript.begin(dict(_asked(workspace)))
    with (
        ParityDatabase(workspace.staging.scratch(), transitions_frame(zones), transcript) as parity,
        Scope(workspace, parity) as scope,
    ):
        carried.begin(scope)
        compared = set[str]()
        for wave, record in parts(workspace.record, workspace.catalog):
            part = scope.part(record)
            part.chapter("raw-rows")
            legacy_side.raw_files(part)
            legacy_side.legacy_counts(part)
            legacy_side.loaded_before(part)
            for entities in portions(record, workspace.catalog, rows=_PORTION_ROWS):
                _compare(part.portion(entities))
                compared.update(entities)
                own = (Held(s, e) for s in record.waves[wave] for e in entities)
                advance(sum(record.counts.get(held, 0) for held in own))
        for left in set(workspace.record.entities) - compared:
            scope.note(workspace.catalog[left].service, "not compared", left)
        _compare_rest(scope)
        scope.chapter("structure")
        structure.made_of(scope)
        scope.chapter("what-tenants-see")
        target_side.application_view(scope)
        scope.chapter("what-tenants-can-change")
        isolation.tried(scope)
        verdict = comparison.verdict(scope, seconds=perf_counter() - started)
    _write(workspace, verdict)
    for e in verdict.entities:
        workspace.log(
            "verify",
            e.entity,
            e.tenant,
            None,
            count=e.mapped,
            rejected=e.rejected,
            seconds=perf_counter() - started,
            checksum=e.checksum,
        )
    return verdict


def _asked(workspace: Workspace) -> Iterator[tuple[str, Dsn]]:
    """Say where the databases are that are asked: the run's own, of parents, and of rows that may refer to its own."""
    of_parents = {workspace.catalog[e].service for e in workspace.record.key_entities}
    for service in sorted({*workspace.services(), *of_parents, *pending.services(workspace)}):
        with suppress(ConfigError):  # one that is not configured has no rows
            yield service, workspace.settings.target_dsn(service)


def _compare(portion: Scope) -> None:
    """Derive the rows of a portion, read back what is there of them, and compare."""
    legacy_side.derive(portion)
    services = [s for s in portion.workspace.services() if portion.of(s)]
    for service in services:
        portion.chapter(f"{service}-as-it-is")
        with portion.database(service) as database:
            target_side.read_back(portion, service, database)
            ledger_side.read_rows(portion, service, database)
        portion.chapter(f"{service}-compared")
        comparison.compare_service(portion, service)
        ledger_side.compare_rows(portion, service)
    portion.chapter("references")
    carried.keep(portion)
    comparison.references(portion)
    pending.orphaned(portion)
    comparison.sum_up(portion)
    carried.end(portion)


def _compare_rest(scope: Scope) -> None:
    """Compare what is of the whole run: the ledger's rows of batches, and of runs."""
    for service in scope.workspace.services():
        scope.chapter(f"{service}-ledger")
        with scope.database(service) as database:
            ledger_side.read_back(scope, service, database)
        ledger_side.compare_service(scope, service)
    carried.settle(scope)


def _write(workspace: Workspace, verdict: Verdict) -> None:
    for service in workspace.services():
        with workspace.database(service) as database:
            if not ledger.knows_run(database, workspace.record.run_id):
                continue  # nothing was loaded here; or the run was taken out, which is a difference, and is not mended
            loaded = {r.tenant for r in ledger.receipts(database, workspace.record.run_id)}
            due = {e.tenant for e in verdict.entities if e.service == service}
            differences = {
                tenant: verdict.differences_of(service, tenant) + _moved(workspace, verdict, service, tenant)
                for tenant in sorted((loaded | due) & {*workspace.record.tenants})
            }
            ledger.write_verifications(database, workspace.record.run_id, service, differences)
            database.commit()


def _moved(workspace: Workspace, verdict: Verdict, service: str, tenant: str) -> int:
    """Count the rows that a living source has changed since: parity was not reached, whoever asks later."""
    # Any tenant's row may be among those of the directory.
    return sum(
        rows
        for (entity, source), rows in verdict.moved.items()
        if workspace.catalog[entity].service == service and workspace.record.sources[source].tenant_id in (tenant, None)
    )
