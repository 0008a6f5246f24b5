"""Commands that move rows and prove it: extract, transform, load, verify, run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from pipeline import runner, runs
from pipeline.cli.ending import ExitCode
from pipeline.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    AsOf,
    Config,
    Entities,
    Force,
    MetricsFile,
    MetricsPort,
    Phase,
    RunId,
    Services,
    Sql,
    Strict,
    Tenants,
    Wait,
)
from pipeline.cli.session import Gate, gate, in_hand, opened, print_json, say, selection
from pipeline.core.outcome import Outcome, together
from pipeline.core.plan import RunRecord
from pipeline.errors import ConfigError
from pipeline.observe.metrics import Metrics
from pipeline.observe.outcome import outcome, outcome_json
from pipeline.observe.progress import Progress
from pipeline.observe.report import show
from pipeline.settings import Settings
from pipeline.stores.lock import TargetLock
from pipeline.stores.transcript import Transcript
from pipeline.workers import Workers
from schemas.catalog import Catalog


def extract(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    phase: Phase = None,
    run_id: RunId = None,
    as_of: AsOf = None,
    force: Force = False,
    wait: Wait = False,
) -> None:
    """Read the legacy tables into staged Parquet. Begins a run, or continues the newest one of equal selection.

    Example: migrate extract --tenant district_a
    """
    settings, catalog = opened(config)
    chosen = selection(settings, tenant, service, entity, phase)
    with runs.target_lock(settings, catalog, chosen, run_id, command="migrate extract", wait=wait, say=say) as lock:
        gated = gate(settings, catalog, chosen, phase, run_id=run_id, force=force)
        record, left_out = runs.begin(settings, catalog, chosen, run_id, as_of, without=gated.held, say=say)
        with (
            in_hand(settings, catalog, record, lock, forced=gated.forced) as workspace,
            Progress() as progress,
            Workers(settings.run.workers) as workers,
        ):
            rows = runner.run_extract(workspace, progress, workers)
    print(f"run {record.run_id}: {rows:,} rows extracted")
    if left_out:
        raise typer.Exit(ExitCode.NOT_MOVED)


def transform(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    phase: Phase = None,
    run_id: RunId = None,
    wait: Wait = False,
) -> None:
    """Turn a run's raw Parquet into target rows, id map, rejects, findings and raw values.

    Example: migrate transform --run-id 20260101T120000.000-a1b2
    """
    settings, catalog = opened(config)
    chosen = selection(settings, tenant, service, entity, phase)
    with runs.target_lock(settings, catalog, chosen, run_id, command="migrate transform", wait=wait, say=say) as lock:
        record = runs.existing(settings, chosen, run_id, say=say)
        with (
            in_hand(settings, catalog, record, lock) as workspace,
            Progress() as progress,
            Workers(settings.run.workers) as workers,
        ):
            rows = runner.run_transform(workspace, progress, workers)
    print(f"run {record.run_id}: {rows:,} rows transformed")


def load(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    phase: Phase = None,
    run_id: RunId = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be loaded, and load nothing.")] = False,
    wait: Wait = False,
) -> None:
    """Load a run's transformed batches into PostgreSQL, each in one transaction with its receipt.

    Example: migrate load --dry-run
    """
    settings, catalog = opened(config)
    chosen = selection(settings, tenant, service, entity, phase)
    with (
        nullcontext()
        if dry_run
        else runs.target_lock(settings, catalog, chosen, run_id, command="migrate load", wait=wait, say=say)
    ) as lock:
        record = runs.existing(settings, chosen, run_id, say=say)
        with in_hand(settings, catalog, record, lock) as workspace:
            due = runner.due_to_load(workspace)
            rows, parts = sum(d.rows for d in due), sum(len(d.receipts) for d in due)
            places = ", ".join(sorted(set(record.target.values())))
            say(f"run {record.run_id}: {rows:,} rows in {parts:,} batches to load into {places}")
            if dry_run:
                return
            with Progress() as progress, Workers(settings.run.workers) as workers:
                rows = runner.run_load(workspace, progress, workers)
    print(f"run {record.run_id}: {rows:,} rows loaded")


def verify(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    phase: Phase = None,
    run_id: RunId = None,
    as_json: AsJson = False,
    strict: Strict = False,
    wait: Wait = False,
    sql: Sql = None,
) -> None:
    """Compare every loaded cell with what the raw files say it must be, and the run with today's configuration.

    Exit code 0 only for full parity, 1 if the data differ, 3 if what was moved is at parity and something is not moved.

    Example: migrate verify --json
    """
    transcript = Transcript(sql) if sql is not None else None
    settings, catalog = opened(config)
    chosen = selection(settings, tenant, service, entity, phase)
    with runs.target_lock(settings, catalog, chosen, run_id, command="migrate verify", wait=wait, say=say) as lock:
        found, records = [], runs.existing_all(settings, chosen, run_id, say=say)
        if transcript is not None and len(records) > 1:
            raise ConfigError(
                "the proof of one run at a time is written down",
                got=f"runs {', '.join(r.run_id for r in records)}",
                remedy="name one with --run-id",
            )
        for record in records:
            with in_hand(settings, catalog, record, lock) as workspace:
                with Progress() as progress:
                    verdict = runner.run_verify(workspace, progress, transcript)
                found.append(runs.standing(workspace, verdict))
    conclude(found, as_json=as_json, strict=strict)


def run(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    phase: Phase = None,
    run_id: RunId = None,
    as_of: AsOf = None,
    force: Force = False,
    as_json: AsJson = False,
    strict: Strict = False,
    wait: Wait = False,
    metrics: MetricsFile = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Bring over what is selected and not there yet: extract, transform, load and verify.

    Runs that are not finished go on first; then whatever no run has moved yet is moved. A source that cannot be read is
    left out and named, and the same command moves it once it can. So is a tenant with whom a phase does not begin yet.

    Exit code 0 only for full parity, 1 if the data differ, 3 if what was moved is at parity and something is not moved.

    Example: migrate run --tenant district_a --tenant district_b
    """
    settings, catalog = opened(config)
    chosen = selection(settings, tenant, service, entity, phase)
    counted = Metrics(metrics, metrics_port) if metrics is not None or metrics_port is not None else None
    with runs.target_lock(settings, catalog, chosen, run_id, command="migrate run", wait=wait, say=say) as lock:
        gated = gate(settings, catalog, chosen, phase, run_id=run_id, force=force)
        record, left_out = runs.begin(settings, catalog, chosen, run_id, as_of, without=gated.held, say=say)
        found, passed = list[Outcome](), list[str]()
        due: RunRecord | None = record
        while due is not None:
            passed.append(due.run_id)
            ended, left_out = _brought_over(settings, catalog, due, lock, left_out, gated, counted)
            found.append(ended)
            if run_id is not None or not ended.is_as_read:
                break
            due, left_out = runs.due(settings, catalog, chosen, as_of, without=left_out, passed=passed, say=say)
    conclude(together(found), as_json=as_json, strict=strict)


def _brought_over(
    settings: Settings,
    catalog: Catalog,
    record: RunRecord,
    lock: TargetLock,
    left_out: Mapping[str, str],
    gated: Gate,
    metrics: Metrics | None,
) -> tuple[Outcome, runs.LeftOut]:
    with in_hand(settings, catalog, record, lock, even_purged=True, metrics=metrics, forced=gated.forced) as workspace:
        with Progress(metrics=metrics) as progress:
            verified, verdict, left = runner.bring_over(workspace, progress)
        left_out = {**left_out, **left}
        failed = {s: why for s, why in left_out.items() if s not in gated.held}  # who waits has not failed
        if failed != (verified.staging.note(runs.LEFT_OUT) or {}):  # a run that is finished stays as it is
            verified.staging.mark(runs.LEFT_OUT, failed)
        return runs.standing(verified, verdict, left_out), left_out


def conclude(found: Sequence[Outcome], *, as_json: bool, strict: bool) -> None:
    """Print how runs end, and leave with the exit code that the worst of them asks for."""
    for ended in found:
        show_outcome(ended, as_json=as_json)
    if as_json:
        *earlier, last = map(outcome_json, found)
        print_json({**last, "earlier": earlier})
    codes = {exit_code(ended, strict=strict) for ended in found}
    for code in (ExitCode.DIFFERENT, ExitCode.NOT_MOVED):
        if code in codes:
            raise typer.Exit(code)


def show_outcome(found: Outcome, *, as_json: bool = False) -> None:
    """Print how a run ends; as JSON no more than that there was nothing to do."""
    if found.verdict is None and found.is_complete:
        say(f"run {found.record.run_id} is loaded and verified already; nothing to do")
    if not as_json:
        show(outcome(found))


def exit_code(found: Outcome, *, strict: bool = False) -> ExitCode:
    """Say by a number how a run ends."""
    if not found.is_as_read:
        return ExitCode.DIFFERENT
    if not found.is_complete or (strict and found.unnamed):
        return ExitCode.NOT_MOVED
    return ExitCode.DONE
