"""The commands, and what runs one of them: everything that is there to be imported comes with this module."""

from __future__ import annotations

import resource
from threading import enumerate as enumerate_threads

import typer

from pipeline.cli import beginning, cleaning, looking, moving, planning, profiling, rehearsing
from pipeline.cli.ending import ExitCode, ended
from pipeline.cli.watching import leave, watched
from pipeline.observe.streams import quiet_native_code

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Move per-tenant legacy databases into multi-tenant PostgreSQL, and prove that nothing was lost or mixed.",
    epilog="Exit codes: 0 done, and for verify, run and demo parity; 1 the data differ, or lookup found nothing; "
    "2 input or surroundings are wrong, and the message says what to do; 3 what was moved is at parity, and something "
    "is not moved; 130 interrupted, and the same command goes on.",
)
#: In the order in which the help lists them.
for command in (
    beginning.init,
    profiling.profile,
    planning.plan,
    planning.draft,
    moving.extract,
    moving.transform,
    moving.load,
    moving.verify,
    moving.run,
    looking.status,
    looking.lookup,
    looking.rejects,
    looking.checksum,
    looking.explain,
    cleaning.purge,
    rehearsing.demo,
):
    app.command()(command)
#: Put together once: `app` itself would do it for each call.
migrate = typer.main.get_command(app)


def run() -> None:
    """Run the command that was given, and leave."""
    before = enumerate_threads()
    quiet_native_code()
    # What a crash would leave on the disk is the memory, and rows of children are in it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Outside its standalone mode typer returns the code of an Exit instead of raising it, 130 for an interrupt.
    leave(ended(lambda: watched(lambda: migrate(standalone_mode=False) or ExitCode.DONE)), before=before)
