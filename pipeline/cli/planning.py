"""Commands that look before anything moves: plan, draft."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

import typer

from pipeline import runs
from pipeline.cli.options import DEFAULT_CONFIG, AsJson, Config, Ddl, Entities, Force, Phase, Services, Tables, Tenants
from pipeline.cli.session import explained, gate, opened, print_json, read_catalog, say, selection
from pipeline.core.loss import loss_ledger
from pipeline.core.outcome import waived_rows
from pipeline.core.sql import ddl
from pipeline.core.sql import ledger as ledger_ddl
from pipeline.errors import ConfigError, MigrationError
from pipeline.observe import report
from pipeline.settings import Settings
from pipeline.stages import draft as drafting
from pipeline.stages import target_profile
from schemas.catalog import Catalog


def plan(
    config: Config = DEFAULT_CONFIG,
    tenant: Tenants = None,
    service: Services = None,
    entity: Entities = None,
    phase: Phase = None,
    force: Force = False,
    as_json: AsJson = False,
    print_ddl: Ddl = None,
) -> None:
    """Check sources, target and catalog, and say what a run would do and lose. Writes nothing.

    Example: migrate plan --service student
    """
    if print_ddl is not None:
        if config.exists():
            settings, catalog = opened(config)
            _print_ddl(catalog, print_ddl, settings)
        else:
            _print_ddl(read_catalog(None), print_ddl, None)
        return
    settings, catalog = opened(config)
    chosen = selection(settings, tenant, service, entity, phase)
    held = gate(settings, catalog, chosen, phase, run_id=None, force=force).held
    made = runs.make_plan(settings, catalog, chosen, without=held)
    losses = loss_ledger(catalog, made.record.entities if made.record else catalog.order)
    if made.record is None:
        for problem in made.problems:
            say(str(problem))
        raise typer.Exit(2)
    phases, waived = settings.installation.phases, waived_rows(made.record, catalog)
    if as_json:
        print_json(report.plan_json(made.record, losses, made.unnamed, waived, made.apart, phases, held))
    else:
        entries = [catalog[e] for e in made.record.entities]
        report.show(report.plan(made.record, losses, made.unnamed, waived, made.apart, entries, phases))
    for source, why in held.items():
        say(f"source {source} is left out: {why}")
    for why, tables in _by_reason(made.in_place).items():
        shown = ", ".join(tables[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else "")
        say(f"to be filled with indexes in place, which takes longer where many rows come: {shown}: {why}")
    if made.held:
        holders = sorted({made.claims[pair].run for pair in made.held})
        say(f"{len(made.held)} pairs of entity and tenant are loaded or claimed already, by {', '.join(holders)}")


def _by_reason(in_place: Mapping[str, str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, why in in_place.items():
        found.setdefault(why, []).append(table)
    return found


def draft(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE...", help="The sources whose tables to describe, together.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    every: Annotated[bool, typer.Option("--all", help="Describe the tables of all tenants, together.")] = False,
    table: Tables = None,
    service: Annotated[
        str | None, typer.Option("--service", help="The service that gets the entries; by default the last of all.")
    ] = None,
    guess: Annotated[
        bool, typer.Option("--guess", help="Write references that nobody declares, where names and values agree.")
    ] = False,
) -> None:
    """Write catalog entries for tables that no entry names, by what their databases say of them.

    Of several sources each column is of the type that holds what all declare, and what only some have is optional.
    Entries go to the directory `catalog` beside the configuration, which replaces the packaged catalog from then on.

    Example: migrate draft district_a district_b --table Building
    """
    settings, catalog = opened(config)
    service = service or settings.installation.services[-1]
    settings.demand_service(service)
    if every == bool(sources):
        raise ConfigError("no source is named", expected="the sources to draft, or --all", remedy="migrate draft --all")
    chosen = [s.id for s in settings.own_sources] if every else [*(sources or ())]
    made = drafting.draft(settings, catalog, chosen, tables=tuple(table or ()), service=service, guess=guess)
    if made is None:
        say(f"{', '.join(chosen)}: every table has an entry; nothing to draft")
        return
    report.show(report.drafted(made, guess=guess))
    say(f"`migrate plan --ddl {service}` prints the tables they need; then `migrate plan`, `migrate run`")


def _print_ddl(catalog: Catalog, service: str, settings: Settings | None) -> None:
    explained(lambda: catalog.demand_service(service))
    there: Mapping[str, Collection[str]] = {}
    if settings is not None:
        try:
            there = target_profile.existing_columns(settings, service)
        except MigrationError as error:
            say(f"{error}\nwithout it, only what creates tables is printed, and no column that an existing one lacks")
    statements = (
        *ddl.roles(),
        *ddl.service_tables(catalog, service),
        *ddl.added_columns(catalog, service, there),
        *ledger_ddl.statements(),
    )
    for statement in ("SET client_min_messages = warning", *statements):
        print(f"{statement};\n")
