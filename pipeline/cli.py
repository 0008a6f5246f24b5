"""The command line: the one place that turns an error into an exit code.

Results go to standard output (`--json` where it makes sense), progress and errors to standard error. Exit codes:
0 done, and for `verify`, `run` and `demo` full parity; 1 the data differ; 2 something is wrong with the input or
the surroundings, and the message says what to do; 130 interrupted (the same command goes on).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from pipeline import runner, runs
from pipeline.core.converters import misfits
from pipeline.core.loss import loss_ledger
from pipeline.core.plan import RunRecord
from pipeline.core.sql import ddl
from pipeline.core.sql import ledger as ledger_ddl
from pipeline.core.verdict import Verdict
from pipeline.demo import rehearsal
from pipeline.errors import CatalogError, ConfigError, MigrationError
from pipeline.observe import report
from pipeline.observe.progress import Progress
from pipeline.observe.stderr import quiet_native_code
from pipeline.runs import Selection
from pipeline.settings import Settings, load_settings
from pipeline.stages import draft as drafting
from pipeline.stages import inspect
from schemas.catalog import SERVICES, Catalog, CatalogProblem, load_catalog

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Move legacy district databases into multi-tenant PostgreSQL, and prove that nothing was lost or mixed.",
)
T = TypeVar("T")

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
Tenants = Annotated[list[str] | None, typer.Option("--tenant", help="Only this source (repeat for several).")]
Services = Annotated[list[str] | None, typer.Option("--service", help="Only this service (repeat for several).")]
Entities = Annotated[list[str] | None, typer.Option("--entity", help="Only this entity, as student.Student (repeat).")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="Only this one, as Table or schema.Table (repeat).")]
Ddl = Annotated[str | None, typer.Option("--ddl", help="Print the SQL that creates this service's tables, and stop.")]
RunId = Annotated[str | None, typer.Option("--run-id", help="Continue this run.")]
OfRun = Annotated[str | None, typer.Option("--run-id", help="Of this run.")]
_AS_OF = "Instant (UTC) that stands where legacy has no time; default: now."
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", help=_AS_OF, formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
]  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
_INTERRUPTED = 130
DEFAULT_CONFIG = Path("migrate.toml")


@app.command()
def plan(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    as_json: AsJson = False, print_ddl: Ddl = None,
) -> None:  # fmt: skip
    """Check sources, target and catalog, and say what a run would do and lose. Writes nothing.

    Example: migrate plan --service student
    """
    if print_ddl is not None:
        _print_ddl(_opened(config)[1] if config.exists() else _catalog(None), print_ddl)
        return
    settings, catalog = _opened(config)
    made = runs.make_plan(settings, catalog, _selection(tenant, service, entity))
    losses = loss_ledger(catalog, made.record.entities if made.record else catalog.order)
    if made.record is None:
        for problem in made.problems:
            _say(str(problem))
        raise typer.Exit(2)
    if as_json:
        _print_json(report.plan_json(made.record, losses, made.unnamed))
    else:
        report.show(report.plan(made.record, losses, made.unnamed, [catalog[e] for e in made.record.entities]))
    if made.held:
        holders = sorted({made.claims[pair][0] for pair in made.held})
        _say(f"{len(made.held)} pairs of entity and tenant are loaded or claimed already, by {', '.join(holders)}")


@app.command()
def draft(
    source: Annotated[str, typer.Argument(help="The source whose tables to describe.")],
    config: Config = DEFAULT_CONFIG,
    table: Tables = None,
    service: Annotated[str, typer.Option("--service", help="The service that gets the entries.")] = "operations",
) -> None:
    """Write catalog entries for tables that no entry names, by what their database says of them.

    They go to the directory `catalog` beside the configuration, which replaces the packaged catalog from then on.

    Example: migrate draft district_a --table Building
    """
    settings, catalog = _opened(config)
    if service not in SERVICES:
        raise ConfigError(f"there is no service {service!r}", expected=f"one of {', '.join(SERVICES)}")
    made = drafting.draft(settings, catalog, source, tables=tuple(table or ()), service=service)
    if made is None:
        _say(f"source {source}: every table has an entry; nothing to draft")
        return
    report.show(report.drafted(made.path, made.entities, made.keyless, made.left_out))
    _say(f"`migrate plan --ddl {service}` prints the tables they need; then `migrate plan`, `migrate run`")


@app.command()
def extract(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    run_id: RunId = None, as_of: AsOf = None,
) -> None:  # fmt: skip
    """Read the legacy tables into staged Parquet. Begins a run, or continues the newest one of equal selection.

    Example: migrate extract --tenant district_a
    """
    settings, catalog = _opened(config)
    record = runs.begin(settings, catalog, _selection(tenant, service, entity), run_id, as_of, say=_say)
    with Progress() as progress:
        rows = runner.run_extract(runs.open_run(settings, catalog, record), progress)
    print(f"run {record.run_id}: {rows:,} rows extracted")


@app.command()
def transform(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    run_id: RunId = None,
) -> None:  # fmt: skip
    """Turn a run's raw Parquet into target rows, id map, rejects, findings and raw values.

    Example: migrate transform --run-id 20260101T120000.000-a1b2
    """
    settings, catalog = _opened(config)
    record = runs.existing(settings, _selection(tenant, service, entity), run_id, say=_say)
    with Progress() as progress:
        rows = runner.run_transform(runs.open_run(settings, catalog, record), progress)
    print(f"run {record.run_id}: {rows:,} rows transformed")


@app.command()
def load(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    run_id: RunId = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be loaded, and load nothing.")] = False,
) -> None:  # fmt: skip
    """Load a run's transformed batches into PostgreSQL, each in one transaction with its receipt.

    Example: migrate load --dry-run
    """
    settings, catalog = _opened(config)
    record = runs.existing(settings, _selection(tenant, service, entity), run_id, say=_say)
    workspace = runs.open_run(settings, catalog, record)
    due = runner.due_to_load(workspace)
    rows = sum(r.mapped + r.rejected for r in due)
    places = ", ".join(sorted(set(record.target.values())))
    _say(f"run {record.run_id}: {rows:,} rows in {len(due):,} batches to load into {places}")
    if dry_run:
        return
    with Progress() as progress:
        rows = runner.run_load(workspace, progress)
    print(f"run {record.run_id}: {rows:,} rows loaded")


@app.command()
def verify(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    run_id: RunId = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Compare every loaded cell with what the raw files say it must be. Exit code 0 only for full parity.

    Example: migrate verify --json
    """
    settings, catalog = _opened(config)
    record = runs.existing(settings, _selection(tenant, service, entity), run_id, say=_say)
    with Progress() as progress:
        found = runner.run_verify(runs.open_run(settings, catalog, record), progress)
    _conclude(found, record, as_json=as_json)


@app.command()
def run(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    run_id: RunId = None, as_of: AsOf = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Extract, transform, load and verify. Without --run-id it continues the newest run of equal selection.

    Example: migrate run --tenant district_a --tenant district_b
    """
    settings, catalog = _opened(config)
    selection = _selection(tenant, service, entity)
    record = runs.begin(settings, catalog, selection, run_id, as_of, say=_say)
    if runner.is_finished(settings, catalog, record):
        _say(f"run {record.run_id} is loaded and verified already; nothing to do")
        if as_json:
            _print_json({"run_id": record.run_id, "parity": True, "already_done": True})
        return
    with Progress() as progress:
        found = runner.run_all(runs.open_run(settings, catalog, record), progress)
    _conclude(found, record, as_json=as_json)


@app.command()
def status(config: Config = DEFAULT_CONFIG, run_id: OfRun = None, as_json: AsJson = False) -> None:
    """Show how far each run is, or how far each entity of one run is.

    Example: migrate status --run-id 20260101T120000.000-a1b2
    """
    settings, catalog = _opened(config)
    if run_id is None:
        rows = [inspect.run_state(settings, catalog, r) for r in runs.known(settings)]
        columns: tuple[str, ...] = inspect.RUN_COLUMNS
        title = f"Runs under {settings.run.staging}"
    else:
        record = runs.read(settings, run_id)
        rows = inspect.entity_states(settings, catalog, record)
        columns, title = inspect.ENTITY_COLUMNS, f"Run {run_id}"
    if as_json:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        report.show(report.table(title, columns, rows))


@app.command()
def lookup(
    what: Annotated[str, typer.Argument(help="A new id, or an entity such as student.Student.")],
    key: Annotated[str | None, typer.Argument(help="With an entity: the legacy key, as 42 or [1,\"a\"].")] = None,
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Find the new id of a legacy row, or the legacy rows of a new id.

    Example: migrate lookup student.Student 42 --tenant district_a
    """
    settings, catalog = _opened(config)
    if key is None:
        found = inspect.legacy_of(settings, catalog, what)
    else:
        found = inspect.new_ids_of(settings, catalog, _select(catalog, entities=[what])[0], key, tuple(tenant or ()))
    columns = ("tenant", "entity", "legacy key", "new id")
    if as_json:
        _print_json([dict(zip(columns, row, strict=True)) for row in found])
    else:
        report.show(report.table("Identity map", columns, found))
    if not found:
        _say("nothing found")
        raise typer.Exit(1)


@app.command()
def rejects(
    config: Config = DEFAULT_CONFIG, tenant: Tenants = None, service: Services = None, entity: Entities = None,
    run_id: OfRun = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """List the rejected rows of a run by key and reason. The rows themselves are in migration.quarantine.

    Example: migrate rejects --entity student.StudentSchool
    """
    settings, catalog = _opened(config)
    record = runs.read(settings, run_id) if run_id else runs.latest(settings)
    chosen = _select(catalog, services=service or (), entities=entity or ())
    for name in tenant or ():
        settings.source(name)
    rows = inspect.rejected(settings, catalog, record, chosen, tuple(tenant or ()))
    columns = ("tenant", "entity", "legacy key", "reasons")
    if as_json:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        shown = [(*row[:3], "; ".join(row[3])) for row in rows]
        report.show(report.table(f"Rejected rows of run {record.run_id}: {len(rows):,}", columns, shown))


@app.command()
def purge(
    run_id: Annotated[str, typer.Option("--run-id", help="The run whose staged rows to remove.")],
    config: Config = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove a verified run's staged files. Its record and audit log stay, and the removal is noted.

    Example: migrate purge --run-id 20260101T120000.000-a1b2
    """
    settings, catalog = _opened(config)
    record = runs.read(settings, run_id)
    _say(f"run {run_id}: removing raw rows, keys and outputs under {settings.run.staging / run_id}")
    if dry_run:
        return
    if runs.is_purged(settings, run_id):
        print(f"run {run_id} was purged before")
        return
    size = runner.purge(settings, catalog, record)
    print(f"run {run_id}: {size / 1e6:,.1f} MB removed")


@app.command()
def demo(
    directory: Annotated[
        Path, typer.Option("--directory", help="Where the demo keeps its files.")
    ] = rehearsal.DIRECTORY,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the demo's PostgreSQL, and do nothing else.")] = False,
) -> None:
    """Build two legacy districts, start PostgreSQL, and migrate: the main job, on real files and a real server.

    Example: migrate demo
    """
    if stop:
        print("stopped" if rehearsal.stop(directory) else "it was not running")
        return
    catalog = _catalog(None)
    config = rehearsal.prepare(directory, catalog, say=_say)
    settings = load_settings(config)
    found, record, rates = rehearsal.migrate(settings, catalog, say=_say)
    if found is not None:
        if rates:
            report.show(report.table("What moved", ("stage", "rows", "seconds", "rows/s"), rates, numbers=3))
        _conclude(found, record, as_json=False, leave=False)
    _say(rehearsal.hint(directory, config))
    if found is not None and not found.parity:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; the entry point of `migrate`."""
    quiet_native_code()
    try:
        # Outside its standalone mode typer returns the code of an Exit instead of raising it, 130 for an interrupt.
        code = app(standalone_mode=False) or 0
        if code == _INTERRUPTED:
            _say("interrupted; the same command goes on from here")
        sys.exit(code)
    except MigrationError as error:
        _say(f"error: {error}")
        sys.exit(2)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "show"):
            error.show()
            sys.exit(2)
        raise


def _opened(config: Path) -> tuple[Settings, Catalog]:
    settings = load_settings(config)
    return settings, _catalog(settings.run.catalog if settings.run.catalog.is_dir() else None)


def _catalog(directory: Path | None) -> Catalog:
    catalog = _explained(lambda: load_catalog(directory))
    if wrong := [line for entity in catalog.entities.values() for line in misfits(entity)]:
        raise CatalogError("\n".join(wrong))
    return catalog


def _select(catalog: Catalog, **names: Any) -> tuple[str, ...]:
    return _explained(lambda: catalog.select(**names))


def _explained(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except CatalogProblem as error:
        raise CatalogError(str(error)) from None


def _selection(tenant: list[str] | None, service: list[str] | None, entity: list[str] | None) -> Selection:
    return Selection(tuple(tenant or ()), tuple(service or ()), tuple(entity or ()))


def _conclude(found: Verdict, record: RunRecord, *, as_json: bool, leave: bool = True) -> None:
    if as_json:
        _print_json(report.verdict_json(found))
    else:
        report.show(report.verdict(found, record))
    if leave and not found.parity:
        raise typer.Exit(1)


def _print_ddl(catalog: Catalog, service: str) -> None:
    if service not in SERVICES:
        raise ConfigError(f"there is no service {service!r}", expected=f"one of {', '.join(SERVICES)}")
    tables = (*ddl.service_tables(catalog, service), *ledger_ddl.statements())
    for statement in ("SET client_min_messages = warning", *ddl.roles(), *tables):
        print(f"{statement};\n")


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
