"""Commands that look at what is moved, and what it is made of: status, lookup, rejects, checksum, explain."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from pipeline import runs
from pipeline.cli.ending import ExitCode
from pipeline.cli.options import DEFAULT_CONFIG, AsJson, Config, Entities, OfRun, Services, Tenants
from pipeline.cli.session import demand_phases, opened, print_json, read_catalog, say, selected
from pipeline.core.explained import explained
from pipeline.core.plan import RunRecord
from pipeline.errors import ConfigError
from pipeline.observe import report, states
from pipeline.observe.explanation import explanation
from pipeline.observe.watching import Watch, is_done
from pipeline.settings import Settings
from pipeline.stages import inspect
from schemas.catalog import Catalog
from schemas.waivers import why_waived

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Seconds between two looks, at least.
_PAUSE = 2.0


def status(
    config: Config = DEFAULT_CONFIG,
    run_id: OfRun = None,
    by_tenant: Annotated[
        bool, typer.Option("--by-tenant", help="Show how far each tenant is in each service, over all runs.")
    ] = False,
    by_phase: Annotated[
        bool, typer.Option("--by-phase", help="Show of each tenant and phase whether its rows are in the target yet.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show how far each wave of a run is, until it is verified or you stop it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far each run is, each entity of one, each tenant, its phases; or watch the newest run, or the one named.

    Example: migrate status --watch
    """
    settings, catalog = opened(config)
    over_all = [option for option, is_given in {"--by-tenant": by_tenant, "--by-phase": by_phase}.items() if is_given]
    if watch and (over_all or as_json):
        other = over_all[0] if over_all else "--json"
        raise ConfigError("--watch is for people, and of one run", got=f"{other} beside it", remedy="leave one out")
    if watch:
        _watch(settings, catalog, runs.latest(settings) if run_id is None else runs.read(settings, run_id))
        return
    if len([*over_all, *filter(None, [run_id])]) > 1:
        other = "--run-id" if run_id is not None else over_all[1]
        raise ConfigError(f"{over_all[0]} is of all runs", got=f"{other} beside it", remedy="leave one of them out")
    if by_phase:
        demand_phases(settings.installation)
        of_phases = runs.phase_states(settings, catalog)
        _print(of_phases, as_json, lambda: states.phases(of_phases))
    elif by_tenant:
        of_tenants = runs.tenant_states(settings, catalog)
        _print(of_tenants, as_json, lambda: states.tenants(of_tenants))
    elif run_id is None:
        found = [inspect.run_state(settings, catalog, r) for r in runs.known(settings)]
        _print(found, as_json, lambda: states.runs(f"Runs under {settings.run.staging}", found))
    else:
        rows = inspect.entity_states(settings, catalog, runs.read(settings, run_id))
        _print(rows, as_json, lambda: states.entities(f"Run {run_id}", rows))


def _watch(settings: Settings, catalog: Catalog, record: RunRecord) -> None:
    if runs.is_purged(settings, record.run_id):
        raise runs.purged(record)
    seen, is_terminal = Watch(record.run_id), sys.stdout.isatty()
    with Live(auto_refresh=False) if is_terminal else nullcontext() as live, suppress(KeyboardInterrupt):
        while True:
            began = monotonic()
            waves = inspect.wave_states(settings, catalog, record)
            if live is not None:
                live.update(seen.look(waves), refresh=True)
            else:
                report.show(seen.look(waves))
            if is_done(waves):
                return
            # Looking must cost the work little: of ten seconds no more than one.
            sleep(max(_PAUSE, 10 * (monotonic() - began)))


def lookup(
    what: Annotated[str, typer.Argument(help="A new id, or an entity such as student.Student.")],
    key: Annotated[str | None, typer.Argument(help='With an entity: the legacy key, as 42 or [1,"a"].')] = None,
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    as_json: AsJson = False,
) -> None:
    """Find the new id of a legacy row, or the legacy rows of a new id.

    Example: migrate lookup student.Student 42 --tenant district_a
    """
    settings, catalog = opened(config)
    if key is None:
        found = inspect.legacy_of(settings, catalog, what)
    else:
        found = inspect.new_ids_of(settings, catalog, selected(catalog, entities=[what])[0], key, tuple(tenant or ()))
    _print(found, as_json, lambda: states.identities(found))
    if not found:
        say("nothing found")
        raise typer.Exit(ExitCode.DIFFERENT)


def rejects(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    run_id: OfRun = None,
    as_json: AsJson = False,
) -> None:
    """List the rejected rows of a run by key and reason. The rows themselves are in migration.quarantine.

    Example: migrate rejects --entity student.StudentSchool
    """
    settings, catalog = opened(config)
    record = runs.read(settings, run_id) if run_id else runs.latest(settings)
    chosen = selected(catalog, services=service or (), entities=entity or ())
    for name in tenant or ():
        settings.source(name)
    rows = inspect.rejected(settings, catalog, record, chosen, tuple(tenant or ()))
    _print(rows, as_json, lambda: states.rejects(f"Rejected rows of run {record.run_id}: {len(rows):,}", rows))


def checksum(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print what PostgreSQL is asked, and ask nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have PostgreSQL compute the checksum of the rows it holds, and compare it with what the receipts say.

    Needs neither the legacy databases nor staged files. An auditor may run the statements by a role of their own.

    Example: migrate checksum --service student --tenant district_a
    """
    settings, catalog = opened(config)
    chosen = selected(catalog, services=service or (), entities=entity or ())
    if sql:
        for database, asked in inspect.checksum_queries(settings, catalog, chosen, tuple(tenant or ())).items():
            for what, statement in asked.items():
                print(f"-- {database}: {what}\n{statement};")
        return
    found = inspect.checksums(settings, catalog, chosen, tuple(tenant or ()))
    _print(found, as_json, lambda: states.checksums(found))
    if not all(x.agrees for x in found):
        raise typer.Exit(ExitCode.DIFFERENT)


def _print(found: Sequence[DataclassInstance], as_json: bool, shown: Callable[[], RenderableType]) -> None:
    """Print values: as JSON with their fields' names, or as people read them."""
    if as_json:
        print_json([asdict(value) for value in found])
    else:
        report.show(shown())


def explain(
    what: Annotated[str, typer.Argument(help="An entity, a column of it, a target table or a column of that.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Show what becomes of a legacy column, or what a target column is made of, and where in the code.

    Without a configuration the packaged catalog is explained.

    Example: migrate explain student.Student.DOB
    """
    directory = None
    if config.exists():
        settings, catalog = opened(config)
        directory = settings.run.catalog if settings.run.catalog.is_dir() else None
    else:
        catalog = read_catalog(None)
    if (why := why_waived(what, catalog.waived)) is not None:
        print(why)
        return
    try:
        found = explained(catalog, what)
    except LookupError as error:
        raise ConfigError(f"nothing is called {what}", expected=str(error)) from None
    for text in explanation(found, directory):
        print(text)
