"""Changes to what a finished target is made of: each with its undoing, and what a verification says of it.

They are done to a small migration of one table, for what they do to roles concerns a whole server.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.damages.form import Damage, Difference, Seen
from tests.support.site import Site

TABLE = "student.pupils"
OWN = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid"


@dataclass(frozen=True)
class Change:
    """Something done to a finished target, its undoing, and what a verification says of it."""

    name: str
    do: tuple[str, ...]
    undo: tuple[str, ...]
    what: str
    named: str = ""
    place: str = TABLE


def _listed(group: str) -> list[Change]:
    changes = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[group]
    return [Change(name, tuple(c.pop("do")), tuple(c.pop("undo")), **c) for name, c in changes.items()]


DIFFERENCES, HARMLESS = _listed("differences"), _listed("harmless")


def _inflict(change: Change) -> Callable[[Site, set[str]], list[Difference]]:
    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        site.execute("student", *change.do)
        return [Difference("student", f"structure: {change.what}", change.place, "", "", change.named)]

    return inflict


#: What a difference that lets someone see or touch more has in its name.
_OPENS = (
    "opens",
    "may",
    "shows",
    "row-level",
    "app ",
    "auditor ",
    "power",
    "policy",
    "definer",
    "rule elsewhere",
    "login",
    "a tenant is set",
)
DAMAGES = tuple(
    Damage(
        c.name,
        Seen.OPENED if any(word in c.what for word in _OPENS) else Seen.MADE,
        (f"structure: {c.what}",),
        _inflict(c),
        apart="small",
    )
    for c in DIFFERENCES
)
