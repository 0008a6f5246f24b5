"""The command line: the one place that turns an error into an exit code.

Results go to standard output (`--json` where it makes sense), progress and errors to standard error. Exit codes:
0 done, and for `verify`, `run` and `demo` full parity; 1 the data differ; 2 something is wrong with the input or
the surroundings, and the message says what to do; 130 interrupted (the same command goes on).
"""

from __future__ import annotations

import sys

import typer

from pipeline.cli import cleaning, looking, moving, planning, rehearsing
from pipeline.cli.session import say
from pipeline.errors import MigrationError
from pipeline.observe.stderr import quiet_native_code

__all__ = ["app", "main"]

_INTERRUPTED = 130
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Move legacy district databases into multi-tenant PostgreSQL, and prove that nothing was lost or mixed.",
)
#: In the order in which the help lists them.
for command in (
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
    cleaning.purge,
    rehearsing.demo,
):
    app.command()(command)


def main() -> None:
    """Run the command line; the entry point of `migrate`."""
    quiet_native_code()
    try:
        # Outside its standalone mode typer returns the code of an Exit instead of raising it, 130 for an interrupt.
        code = app(standalone_mode=False) or 0
        if code == _INTERRUPTED:
            say("interrupted; the same command goes on from here")
        sys.exit(code)
    except MigrationError as error:
        say(f"error: {error}")
        sys.exit(2)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "show"):
            error.show()
            sys.exit(2)
        raise
