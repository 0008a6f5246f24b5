"""What every command begins and ends with: configuration and catalog read, results and messages printed.

Standard output is for results, standard error for everything else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import CatalogError
from pipeline.observe.streams import give_up
from pipeline.runs import Selection
from pipeline.settings import Settings, load_settings
from pipeline.shown import visible, visible_json
from pipeline.stores.root import check_root
from schemas.catalog import Catalog, CatalogProblem, load_catalog

T = TypeVar("T")


def opened(config: Path) -> tuple[Settings, Catalog]:
    """Read the configuration, and the catalog that it names."""
    settings = load_settings(config)
    check_root(settings.run.staging)
    return settings, read_catalog(settings.run.catalog if settings.run.catalog.is_dir() else None)


def read_catalog(directory: Path | None) -> Catalog:
    """Read and check a catalog; by default the packaged one."""
    return explained(lambda: load_catalog(directory))


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


def print_json(value: Any) -> None:
    """Print a result as JSON."""
    print(visible_json(json.dumps(value, ensure_ascii=False, indent=1, default=str)))


def say(text: str) -> None:
    """Say something that is not a result."""
    try:
        print(visible(text, lines=True), file=sys.stderr, flush=True)
    except OSError:  # nobody listens; the exit code tells
        give_up(sys.stderr)
