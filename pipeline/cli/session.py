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
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pipeline import runs
from pipeline.core.outcome import entries_hash
from pipeline.core.plan import RunRecord
from pipeline.errors import CatalogError, ConfigError, scrub_secrets
from pipeline.observe.log import audited
from pipeline.observe.metrics import Metrics
from pipeline.observe.streams import give_up
from pipeline.runs import Selection
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


def circumstances(settings: Settings, catalog: Catalog) -> Mapping[str, object]:
    """Give what an auditor asks of a command: what it was, under which configuration, of which versions, who, where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number alone
        user = ""
    return {
        "command": [scrub_secrets(argument) for argument in sys.argv[1:]],
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
) -> Iterator[Workspace]:
    """Open a run for this command, which its audit log then names, with the error that ends it if one does."""
    workspace = runs.open_run(settings, catalog, record, lock, even_purged=even_purged)
    with audited(workspace.audit, record.run_id, circumstances(settings, catalog)):
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


def selection(tenant: list[str] | None, service: list[str] | None, entity: list[str] | None) -> Selection:
    """Gather what --tenant, --service and --entity name."""
    return Selection(tuple(tenant or ()), tuple(service or ()), tuple(entity or ()))


def demand_phases(installation: Installation) -> None:
    """Check that a fleet has phases.

    Raises:
        ConfigError: it has none.
    """
    if not installation.phases:
        raise ConfigError(
            "this fleet has no phases",
            where=INSTALLATION,
            remedy='name the services of each there, as phases = [["a", "b"], ["c"]], or leave the option out',
        )


def print_json(value: Any) -> None:
    """Print a result as JSON."""
    print(visible_json(json.dumps(value, ensure_ascii=False, indent=1, default=str)))


def say(text: str) -> None:
    """Say something that is not a result."""
    try:
        print(visible(text, lines=True), file=sys.stderr, flush=True)
    except OSError:  # nobody listens; the exit code tells
        give_up(sys.stderr)
