"""What every command begins and ends with: configuration and catalog read, results and messages printed.

Standard output is for results, standard error for everything else.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pipeline import runs
from pipeline.core.outcome import entries_hash
from pipeline.core.plan import RunRecord
from pipeline.errors import CatalogError, ConfigError, scrub_secrets
from pipeline.observe.log import audited
from pipeline.observe.metrics import Metrics
from pipeline.observe.streams import give_up
from pipeline.runs import LeftOut, Selection
from pipeline.settings import Settings, load_settings
from pipeline.shown import visible, visible_json
from pipeline.stores.lock import TargetLock
from pipeline.stores.root import check_root
from pipeline.workspace import Workspace
from schemas.catalog import Catalog, load_catalog
from schemas.files import CatalogProblem
from schemas.installation import FILE as INSTALLATION
from schemas.installation import Installation

#: The distributions whose versions stand in the audit log: ours, and those that read, convert, load and compare.
_VERSIONS = (
    "legacy-to-tenant",
    "polars",
    "polars-hash",
    "pyarrow",
    "connectorx",
    "adbc-driver-postgresql",
    "duckdb",
    "tzdata",
)
T = TypeVar("T")


def opened(config: Path) -> tuple[Settings, Catalog]:
    """Read the configuration, and the catalog that it names."""
    settings = load_settings(config)
    check_root(settings.run.staging)
    return settings, read_catalog(settings.run.catalog if settings.run.catalog.is_dir() else None)


def read_catalog(directory: Path | None) -> Catalog:
    """Read and check a catalog; by default the packaged one."""
    return explained(lambda: load_catalog(directory))


@cache
def _versions() -> Mapping[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}}


def circumstances(settings: Settings, catalog: Catalog, forced: LeftOut = MappingProxyType({})) -> Mapping[str, object]:
    """Give what an auditor asks of a command: what it was, under which configuration, of which versions, who, where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number alone
        user = ""
    return {
        "command": [scrub_secrets(argument) for argument in sys.argv[1:]],
        "forced": dict(forced),
        "configuration": settings.version(),
        "catalog": entries_hash(catalog, catalog.entities),
        "versions": _versions(),
        "user": user,
        "user_id": os.geteuid(),
        "host": socket.gethostname(),
        "process": os.getpid(),
    }


@contextmanager
def in_hand(
    settings: Settings,
    catalog: Catalog,
    record: RunRecord,
    lock: TargetLock | None,
    *,
    even_purged: bool = False,
    metrics: Metrics | None = None,
    forced: LeftOut = MappingProxyType({}),
) -> Iterator[Workspace]:
    """Open a run for this command, which its audit log then names, with the error that ends it if one does.

    The log names whom the command was `forced` to go on with, as far as they are of the run.
    """
    workspace = runs.open_run(settings, catalog, record, lock, even_purged=even_purged)
    of_run = {source: why for source, why in forced.items() if source in record.sources}
    with audited(workspace.audit, record.run_id, circumstances(settings, catalog, of_run)):
        try:
            yield replace(workspace, counted=None if metrics is None else metrics.count)
        finally:
            if metrics is not None:
                metrics.close()


def selected(catalog: Catalog, **names: Any) -> tuple[str, ...]:
    """List the entities that names select."""
    return explained(lambda: catalog.select(**names))


def explained(ask: Callable[[], T]) -> T:
    """Turn a problem of the catalog into the error that the command line shows."""
    try:
        return ask()
    except CatalogProblem as error:
        raise CatalogError(str(error)) from None


def selection(
    settings: Settings,
    tenant: list[str] | None,
    service: list[str] | None,
    entity: list[str] | None,
    phase: int | None,
) -> Selection:
    """Gather what --tenant, --service, --entity and --phase name.

    Raises:
        ConfigError: there is no such phase, or something else says which services.
    """
    if phase is not None:
        phases = demand_phases(settings.installation)
        if service or entity:
            other = "--service" if service else "--entity"
            raise ConfigError("--phase says which services", got=f"{other} beside it", remedy="leave one of them out")
        if phase > len(phases):
            raise ConfigError(f"there is no phase {phase}", where=INSTALLATION, expected=f"1 to {len(phases)}")
        service = [*phases[phase - 1]]
    return Selection(tuple(tenant or ()), tuple(service or ()), tuple(entity or ()))


@dataclass(frozen=True, slots=True)
class Gate:
    """With whom a phase does not begin yet: sources, and what of an earlier phase is missing."""

    held: LeftOut = field(default_factory=dict)
    """They are left out."""
    forced: LeftOut = field(default_factory=dict)
    """They go on all the same."""


def gate(
    settings: Settings, catalog: Catalog, chosen: Selection, phase: int | None, *, run_id: str | None, force: bool
) -> Gate:
    """Find with whom a phase does not begin; with `force` say so, and go on. A run that is named has begun.

    Raises:
        ConfigError: there is nothing that could be forced.
        PhaseTooEarly: it begins with none of those that are chosen.
    """
    if phase is None or run_id is not None:
        if force:
            got = "no --phase" if phase is None else "--run-id, of a run that has begun"
            raise ConfigError("--force is for a phase that begins", got=got, remedy="leave --force out")
        return Gate()
    found = runs.held_back(settings, catalog, chosen, phase)
    if not force:
        runs.demand_some(settings, chosen, found)
        return Gate(held={source: error.in_a_line() for source, error in found.items()})
    for source, error in found.items():
        say(f"--force: source {source} goes on with phase {phase} all the same: {error.got}")
    return Gate(forced={source: str(error.got) for source, error in found.items()})


def demand_phases(installation: Installation) -> tuple[tuple[str, ...], ...]:
    """Give the services of each phase of a fleet.

    Raises:
        ConfigError: it has none.
    """
    if not installation.phases:
        raise ConfigError(
            "this fleet has no phases",
            where=INSTALLATION,
            remedy='name the services of each there, as phases = [["a", "b"], ["c"]], or leave the option out',
        )
    return installation.phases


def print_json(value: Any) -> None:
    """Print a result as JSON."""
    print(visible_json(json.dumps(value, ensure_ascii=False, indent=1, default=str)))


def say(text: str) -> None:
    """Say something that is not a result."""
    try:
        print(visible(text, lines=True), file=sys.stderr, flush=True)
    except OSError:  # nobody listens; the exit code tells
        give_up(sys.stderr)
