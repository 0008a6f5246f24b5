"""The first files of a fleet of one's own, as `migrate init` writes them: text for people to go on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigError
from pipeline.settings.json_schema import DIRECTIVE, write_beside
from pipeline.settings.listed import NAME
from schemas import json_schema
from schemas.installation import FILE, Installation
from schemas.json_schema import INSTALLATION

#: Their names, beside one another; the catalog's are in a directory of its own.
CONFIG: Final = "migrate.toml"
CATALOG: Final = "catalog"
SOURCES: Final = "sources.csv"


def write_initial(directory: Path, fleet: Installation) -> tuple[Path, ...]:
    """Write what a fleet begins with; return the files that are to be gone on with.

    Raises:
        ConfigError: one of them is there already, or cannot be written.
    """
    texts = {
        directory / CONFIG: _config(fleet),
        directory / SOURCES: f"{NAME},name,tenant,database\n",
        directory / CATALOG / FILE: _installation(fleet),
    }
    for path in texts:
        if path.exists():
            raise ConfigError(
                "is there already", where=str(path), remedy="name a new directory: nothing is overwritten"
            )
    try:
        (directory / CATALOG).mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        json_schema.write_beside(directory / CATALOG)
        write_beside(directory / CONFIG)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(error.filename or directory)) from None
    return tuple(texts)


def _config(fleet: Installation) -> str:
    kind = fleet.tenants.kind
    shared = (
        f"""
# The one database that all share.
[sources.{fleet.directory.kind}]
kind = "{fleet.directory.kind}"
name = "What all share"
database = "{fleet.directory.kind}"
"""
        if fleet.directory
        else ""
    )
    return f"""\
{DIRECTIVE}
# Where the legacy databases are, and where their rows go. `migrate plan` says what is wrong, and what a run would do.
# ${{NAME}} is taken from the environment, so that no password stands here.

# One line a {kind}: the source's name (a-z, 0-9, _), what people call it, what the legacy calls it by
# ({fleet.tenants.key}), and what stands for {{database}} below. Any other key of a source may be a column, too.
sources_file = "{SOURCES}"

[target]
# A PostgreSQL database for each of the services: {", ".join(fleet.services)}.
dsn = "postgresql://migrator:${{PGPASSWORD}}@localhost:5432/{{service}}"

[defaults]
# What the sources have in common: mssql://, mysql://, postgresql:// or sqlite://path/{{database}}.sqlite.
dsn = "sqlite://legacy/{{database}}.sqlite"
# The zone of the clock that wrote their local times, and the zone in which their days are meant.
host_zone = "UTC"
tenant_zone = "UTC"
# A snapshot cannot change, a frozen source does not by agreement, a live one is in use.
consistency = "snapshot"
{shared}"""


def _installation(fleet: Installation) -> str:
    # What JSON has for texts and their lists, TOML has too.
    services = json.dumps(fleet.services)
    phases = json.dumps([[service] for service in fleet.services])
    directory = ""
    if fleet.directory is not None:
        registry = fleet.directory.registry
        named = f"registry = {json.dumps(registry)}" if registry else '# registry = "<service>.<Table>"'
        directory = f"""
# The one legacy database that all tenants share.
[directory]
kind = {json.dumps(fleet.directory.kind)}
# The entity whose rows are the tenants, and whose key is a tenant's: a tenant that is not in it is refused.
{named}
"""
    return f"""\
#:schema ./{INSTALLATION}
# What is particular to this fleet. All but services and phases is inside every id that is made:
# once rows have been moved, it never changes.

# The fleet, and the namespace of its ids, which was made of this name.
name = {json.dumps(fleet.name, ensure_ascii=False)}
namespace = "{fleet.namespace}"

# Each has a PostgreSQL database of its own, and a file of entries here, <service>.toml.
services = {services}
# Where not all can move in one go: those that move together (`migrate run --phase 1`), the first ones first.
# phases = {phases}

# A tenant's own legacy database, or schema of one. `key` is how the legacy calls a tenant: integer, text or guid.
[tenants]
kind = {json.dumps(fleet.tenants.kind)}
key = "{fleet.tenants.key}"
{directory}"""
