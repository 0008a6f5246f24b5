"""The options that commands share, each said once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
Tenants = Annotated[list[str] | None, typer.Option("--tenant", help="Only this source (repeat for several).")]
Services = Annotated[list[str] | None, typer.Option("--service", help="Only this service (repeat for several).")]
Entities = Annotated[list[str] | None, typer.Option("--entity", help="Only this entity, as student.Student (repeat).")]
_PHASE = "Only the services of this phase, as installation.toml numbers them."
Phase = Annotated[int | None, typer.Option("--phase", metavar="N", min=1, help=_PHASE)]
_FORCE = "Begin with a phase of tenants of whom those before it are not verified, and name them."
Force = Annotated[bool, typer.Option("--force", help=_FORCE)]
Tables = Annotated[list[str] | None, typer.Option("--table", help="Only this one, as Table or schema.Table (repeat).")]
Ddl = Annotated[str | None, typer.Option("--ddl", help="Print the SQL that creates this service's tables, and stop.")]
RunId = Annotated[str | None, typer.Option("--run-id", help="Continue this run.")]
OfRun = Annotated[str | None, typer.Option("--run-id", help="Of this run.")]
_AS_OF = "Instant (UTC) that stands where legacy has no time; default: now."
AsOf = Annotated[datetime | None, typer.Option("--as-of", help=_AS_OF, formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another command writes to the target.")]
_STRICT = "Exit code 3 where tables or columns of the sources are left behind, for no entry names them."
Strict = Annotated[bool, typer.Option("--strict", help=_STRICT)]
_SQL = "Write every statement that the proof runs, each with a sentence, into this new or empty directory."
Sql = Annotated[Path | None, typer.Option("--sql", metavar="DIR", help=_SQL)]
_METRICS = "Keep counters for Prometheus in this file, as its node exporter reads them."
MetricsFile = Annotated[Path | None, typer.Option("--metrics", metavar="FILE", help=_METRICS)]
_PORT = "Answer Prometheus on this port of 127.0.0.1 while the command works."
MetricsPort = Annotated[int | None, typer.Option("--metrics-port", metavar="PORT", min=1, max=65535, help=_PORT)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DEFAULT_CONFIG = Path("migrate.toml")
