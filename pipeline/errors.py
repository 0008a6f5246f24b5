# ruff: noqa: N818 - an error is named by what happened; the tree says that it is one
"""Every error the pipeline raises on purpose, and the scrubbing of secrets from what drivers say.

    MigrationError
    ├── ConfigError              migrate.toml or the environment
    ├── CatalogError             an entry of schemas/services
    ├── MissingExtra             an optional dependency
    ├── SourceError              a legacy database
    │   ├── SourceMissing
    │   ├── SourceDrift          not of the form the catalog describes
    │   ├── NotText              though it is said to be
    │   ├── SourceUnreachable    transient
    │   ├── SourceChanged        during the run
    │   └── SourcesFailed        some of them, each for its own reason
    ├── DiskError                a directory or its disk
    ├── StagingError             the staged files
    │   └── StagedFileDamaged
    ├── ContractError            staged rows against the contract of their entry
    ├── TargetError              a PostgreSQL service database
    │   ├── TargetUnreachable    transient
    │   ├── TargetLocked         another session holds a lock
    │   ├── TargetDrift
    │   │   └── LedgerVersion
    │   ├── RowsRefused          of some tenants
    │   ├── TargetPooled         a connection is not the server's own
    │   └── LoginRefused
    ├── TargetBusy               another command writes to the target
    ├── LockLost                 another command has taken the target over
    ├── ClaimRefused             another run owns the entity
    ├── PhaseTooEarly            those before it are not verified
    ├── RunMismatch              resume under another source, target or catalog
    │   └── RunVersion           begun by another version of this program
    ├── WorkerEnded              a process of the command
    └── ParityError              verification found a difference

Only the runner catches the transient ones, and those of some sources or tenants; only the CLI turns any of them into an
exit code. Invariant: no secret and no value of a row is in any of them; what is given is scrubbed, and values are not
to be given.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from pipeline.shown import visible

# Greedy up to the last @ before a blank: a password may itself hold an @ or a slash.
_URL_LOGIN = re.compile(r"://[^\s\"'<>]*@")
_BARE_LOGIN = re.compile(r"(?<![\w/])[^\s\"'<>:@/()]+:(?!//)[^\s\"'<>@]+@(?=[\w\[])")
# The quoted forms end where the quote ends; \' and '' inside belong to the value (libpq and ODBC).
_SECRET_VALUE = re.compile(
    r"(?P<name>\w*(?:password|passwd|passphrase|pwd|secret|token|(?:api|access|account)_?key)\w*)(?P<mid>[\"']?\s*(?:=|:)\s*)"
    r"(?:'(?:[^'\\]|\\.|'')*'?|\"(?:[^\"\\]|\\.|\"\")*\"?|\{(?:[^}]|\}\})*\}?|[^\s;&,'\"]+)",
    re.IGNORECASE,
)

#: Classes of SQLSTATE that a row brings about: data exception, integrity constraint, a trigger's objection, and more
#: than an index row holds.
_OF_ROWS: Final = ("22", "23", "P0", "54")
#: Where our packages lie.
_ROOT: Final = Path(__file__).resolve().parents[1]
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")


def scrub_quoted(text: str) -> str:
    """Replace what stands in quotes by `...`: a driver quotes the value that it stumbled over."""
    return _QUOTED.sub("...", text)


def scrub_secrets(text: str) -> str:
    """Replace logins in URLs (`user:password@`) and `password=...` forms by `***`.

    Errs on the side of removing too much. Line breaks and everything else stay as they are.
    """
    text = _URL_LOGIN.sub("://***@", text)
    text = _BARE_LOGIN.sub("***@", text)
    return _SECRET_VALUE.sub(r"\g<name>\g<mid>***", text)


class MigrationError(Exception):
    """The migration cannot go on."""

    #: True where the same step may succeed if it is tried again; the runner does so.
    transient: ClassVar[bool] = False

    def __init__(
        self,
        what: str | None = None,
        *,
        where: str | None = None,
        got: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Say what went wrong, where, what was found against what was expected, and what to do.

        Without `what`, the first line of the class's docstring stands for it.
        """
        if what is None:
            what = (type(self).__doc__ or "").strip().partition("\n")[0]
        self.what = visible(scrub_secrets(what), lines=True)
        self.where = _scrubbed(where)
        self.got = _scrubbed(got)
        self.expected = _scrubbed(expected)
        self.remedy = _scrubbed(remedy)
        super().__init__(self.what)

    def __str__(self) -> str:
        """Render one line, or a few: the fault and its place, got against expected, what to do."""
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.got:
            lines.append(f"  got:      {self.got}")
        if self.remedy:
            lines.append(f"  to do:    {self.remedy}")
        return "\n".join(lines)

    def in_a_line(self) -> str:
        """Say in short what went wrong, for a list."""
        return f"{self.what}{f' ({self.got})' if self.got else ''}"


def _scrubbed(text: str | None) -> str | None:
    return None if text is None else visible(scrub_secrets(text), lines=True)


class ConfigError(MigrationError):
    """The configuration cannot be used."""


class CatalogError(MigrationError):
    """The catalog of entities contradicts itself."""


class MissingExtra(MigrationError):
    """An optional dependency is not installed."""


class SourceError(MigrationError):
    """A legacy database cannot be read."""


class SourceMissing(SourceError):
    """A legacy database is not there."""


class SourceDrift(SourceError):
    """A legacy database is not of the form that the catalog describes."""


class NotText(SourceError):
    """A text is not valid in the encoding that it is said to be in."""


class SourceUnreachable(SourceError):
    """A legacy database does not answer."""

    transient = True


class SourceChanged(SourceError):
    """A legacy database changed during the run."""


class SourcesFailed(SourceError):
    """Some sources cannot be read; the others are staged."""

    def __init__(self, found: Mapping[str, MigrationError] = MappingProxyType({})) -> None:
        """Gather what was wrong with each source."""
        self.found = found
        super().__init__(
            got="; ".join(f"source {source}: {error.in_a_line()}" for source, error in found.items()),
            remedy="`migrate run` goes on without them; once they can be read, the same command brings them over"
            if found
            else None,
        )


class DiskError(MigrationError):
    """A directory cannot be used."""


class StagingError(MigrationError):
    """The staged files cannot be used."""


class StagedFileDamaged(StagingError):
    """A staged file is not what its manifest says."""


class ContractError(MigrationError):
    """Staged rows break the contract of their entry."""


class TargetError(MigrationError):
    """A target database refused what was asked."""

    #: What the server calls the error; empty where it did not say.
    sqlstate: str = ""

    @property
    def is_of_rows(self) -> bool:
        """Say whether a row brought it about, and not what surrounds it."""
        return self.sqlstate.startswith(_OF_ROWS)


class TargetUnreachable(TargetError):
    """A target database does not answer."""

    transient = True


class TargetLocked(TargetError):
    """Another session holds a lock on the target's tables."""


class TargetDrift(TargetError):
    """A target database is not of the form that the catalog describes."""


class RowsRefused(TargetError):
    """The target refuses rows of some tenants; those of the others are loaded."""

    def __init__(self, found: Mapping[str, MigrationError] = MappingProxyType({})) -> None:
        """Gather what the target said of each tenant's rows."""
        self.found = found
        super().__init__(
            got="; ".join(f"tenant {tenant}: {error.in_a_line()}" for tenant, error in found.items()),
            remedy="mend what stands in their way; the same command loads them" if found else None,
        )


class LedgerVersion(TargetDrift):
    """The migration schema of a target database is of another version than this program writes."""


class TargetPooled(TargetError):
    """A pooler gives the server's connections to others between transactions."""


class LoginRefused(TargetError):
    """A target database refused the login."""


class TargetBusy(MigrationError):
    """Another command is writing to the target."""


class LockLost(MigrationError):
    """Another command has taken over the target, and nothing more is committed here."""


class ClaimRefused(MigrationError):
    """Another run has claimed this entity of this tenant."""


class PhaseTooEarly(MigrationError):
    """A phase begins with a tenant when those before it are loaded and verified."""


class RunMismatch(MigrationError):
    """The run was recorded under other circumstances and cannot be resumed under these."""


class RunVersion(RunMismatch):
    """The run was begun by a version of this program whose files this one does not continue."""


class WorkerEnded(MigrationError):
    """A process that worked on a wave has ended by itself; what it staged and committed is kept."""


class ParityError(MigrationError):
    """The target does not hold what the source says it should."""


def places(error: BaseException) -> list[str]:
    """Name the places that an error came through, the innermost last; of those outside the program, only that one."""
    return list(_places(error)) or ["(unknown)"]


def _places(error: BaseException) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        path = Path(frame.filename)
        is_own = path.is_relative_to(_ROOT / "pipeline") or path.is_relative_to(_ROOT / "schemas")
        if is_own or frame is frames[-1]:
            shown = path.relative_to(_ROOT) if is_own else Path(*path.parts[-2:])
            yield f"{shown}:{frame.lineno} in {frame.name}"
