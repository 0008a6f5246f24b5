"""What a target is made of, as facts: promised by the catalog, found on the server, and what of it opens too much.

A fact is one thing that PostgreSQL's catalog says of a place: a table, or a service's database as a whole. The types of
columns are no facts here: values are compared under them. Pure.
Invariant: what lets anyone but the tenant see or touch its rows is no fact that a run may begin with.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.core.policies import isolates
from pipeline.core.sql.ddl import APP, AUDITOR, DATA_READER, MIGRATOR, app_may, has_shared_rows, table_columns
from pipeline.core.sql.ledger import AUDITED
from pipeline.core.sql.ledger import primary_keys as ledger_keys
from schemas.catalog import Catalog
from schemas.model import is_always_filled

_OWN_ROWS = "(tenant_id = (NULLIF(current_setting('app.current_tenant'::text, true), ''::text))::uuid)"
#: The roles of the DDL that may not see past row-level security.
BOUND = (APP, AUDITOR, DATA_READER)
#: Added, these change no value and let nobody see or touch a row; a view that does is an opening.
_HARMLESS_MORE = frozenset(
    {"not null", "index", "force", "view", "constraint", "primary key", "storage", "comment", "membership"}
)
#: Lost, these take power away, or nothing of what was promised.
_HARMLESS_LESS = frozenset(
    {
        "power",
        "view",
        "definer function",
        "rule elsewhere",
        "login trigger",
        "storage",
        "comment",
        "child",
        "parent",
        "default tenant",
        "membership",
    }
)
#: These have the name of their column.
_OF_COLUMNS = frozenset({"not null", "default", "generated", "identity"})


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One thing that is so at a place."""

    place: str
    """`service.table`, `migration.table`, or the service alone."""
    aspect: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a service's target differed from what the catalog promises when its first run began."""

    places: tuple[str, ...] = ()
    """The tables that there were."""
    more: tuple[Fact, ...] = ()
    less: tuple[Fact, ...] = ()

    def told(self, places: Collection[str] | None = None) -> list[str]:
        """Say what of it could alter values or open rows, at some places or at all, and was so before the first run."""
        more = [f"{f.place}: {f.aspect}{_named(f)}" for f in self.more if f.aspect not in _HARMLESS_MORE]
        less = [f"{f.place}: no {f.aspect}{_named(f)}" for f in self.less if f.aspect not in _HARMLESS_LESS]
        kept = tuple(f"{place}:" for place in (self.places if places is None else places))
        return [f"{line}, as when the first run began" for line in (*more, *less) if line.startswith(kept)]

    def of(self, places: Collection[str]) -> Baseline:
        """Give the part that speaks of some places."""
        kept = set(places)
        return Baseline(
            tuple(p for p in self.places if p in kept),
            tuple(f for f in self.more if f.place in kept),
            tuple(f for f in self.less if f.place in kept),
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """A fact that is not as it was promised or recorded, or one that opens too much."""

    place: str
    what: str
    name: str
    judged: bool
    """Whether it can change a value, let someone see or touch a row, or takes a promise away."""


def promised(catalog: Catalog, service: str) -> Iterator[Fact]:
    """List what the catalog's own DDL makes of a service's tables."""
    for table, columns in table_columns(catalog, service).items():
        place, shared = f"{service}.{table}", has_shared_rows(catalog, service, table)
        yield Fact(place, "relation", "", "table")
        yield from (
            Fact(place, "not null", column, "") for column in columns if is_always_filled(column, shared=shared)
        )
        yield Fact(place, "primary key", "PRIMARY KEY (id)", "")
        yield Fact(place, "index", "btree (tenant_id)", "")
        yield Fact(place, "row security", "", "on")
        yield Fact(place, "policy", "tenant_isolation", _policy("ALL", _OWN_ROWS, _OWN_ROWS))
        if shared:
            yield Fact(place, "policy", "shared_rows", _policy("SELECT", "(tenant_id IS NULL)", None))
        yield Fact(place, "grant", APP, ", ".join(app_may(table)))
        yield Fact(place, "grant", DATA_READER, "SELECT")


def _policy(command: str, using: str | None, check: str | None) -> str:
    return policy_text(command=command, permissive=True, roles=["PUBLIC"], using=using, check=check)


def policy_text(*, command: str, permissive: bool, roles: Collection[str], using: str | None, check: str | None) -> str:
    """Write a policy as the value of a fact."""
    named = {"command": command, "permissive": permissive, "roles": sorted(roles), "using": using, "check": check}
    return json.dumps(named, sort_keys=True)


def baseline(catalog: Catalog, service: str, found: Collection[Fact]) -> Baseline:
    """Record how the target differs from what the catalog promises."""
    own = {f for f in found if not f.place.startswith("migration.")}
    there = {service, *(f.place for f in own)}
    wanted = {f for f in promised(catalog, service) if f.place in there}
    return Baseline(tuple(sorted(there)), tuple(sorted(own - wanted)), tuple(sorted(wanted - own)))


def first_of(baselines: Iterable[Baseline]) -> Baseline:
    """Put together what was recorded first of each place."""
    first = Baseline()
    for later in baselines:
        new = later.of(set(later.places) - set(first.places))
        first = Baseline(first.places + new.places, first.more + new.more, first.less + new.less)
    return first


def drifts(
    catalog: Catalog,
    service: str,
    found: Collection[Fact],
    *,
    since: Baseline | None,
    places: Collection[str],
    roles: Collection[str],
    login: str,
) -> Iterator[Drift]:
    """List what is not as it was when the first run began, and what opens too much whenever it came about.

    Args:
        found: what the server says.
        since: the baseline; None where no run has recorded one.
        places: the tables that are asked about; the service as a whole always is.
        roles: further roles that the site expects.
        login: the role that asked: its own powers are no drift.
    """
    asked = {*places, service}
    here = {f for f in found if f.place in asked or f.place.startswith("migration.")}
    opened = list(openings(here, shared=shared_places(catalog, service), roles=(*roles, login)))
    yield from opened
    told = {(d.place, d.name) for d in opened}
    if since is None:
        return
    wanted = {f for f in promised(catalog, service) if f.place in asked and f.place in since.places}
    wanted = (wanted - set(since.less)) | {f for f in since.more if f.place in asked}
    # A table that was not there yet, and the ledger: nothing but what is promised.
    late = {p for p in asked if p not in since.places and p != service}
    wanted |= {f for f in promised(catalog, service) if f.place in late}
    keys = {f"migration.{table}": key for table, key in ledger_keys().items()}
    ledger = {f.place for f in here if f.place.startswith("migration.")}
    wanted |= {f for f in here if f.place in ledger and f.aspect in ("relation", "grant")}
    wanted |= {Fact(p, "primary key", f"PRIMARY KEY ({keys[p]})", "") for p in ledger & set(keys)}
    columns = {(f"{service}.{t}", c) for t, named in table_columns(catalog, service).items() for c in named}
    for drift in _compared(here, wanted, {*roles, login}, columns):
        if (drift.place, drift.name) not in told:
            yield drift


def _compared(
    here: Collection[Fact],
    wanted: Collection[Fact],
    expected_roles: Collection[str],
    columns: Collection[tuple[str, str]],
) -> Iterator[Drift]:
    less = {_key(f): f for f in set(wanted) - set(here)}
    more = {_key(f): f for f in set(here) - set(wanted)}
    for key in sorted({*less, *more}):
        place, aspect, name, _ = key
        lost, new = less.get(key), more.get(key)
        if aspect in ("power", "grant", "grant on columns") and name in expected_roles:
            yield Drift(place, f"{aspect} of a role that is expected", name, judged=False)
        elif aspect in _OF_COLUMNS and (place, name) not in columns:
            yield Drift(place, f"{aspect} of a column that no entry names", name, judged=False)
        elif new is None:
            yield Drift(place, f"{aspect} is gone", name, judged=aspect not in _HARMLESS_LESS)
        elif lost is None:
            yield Drift(place, f"{_shown(new)} is new", name, judged=aspect not in _HARMLESS_MORE)
        else:
            told = f": {lost.value} became {new.value}" if aspect in ("relation", "grant") else ""
            yield Drift(place, f"{aspect} was altered{told}", name, judged=aspect not in ("storage", "comment", "view"))


def _named(fact: Fact) -> str:
    return f" {fact.name}" if fact.name else ""


def _key(fact: Fact) -> tuple[str, str, str, str]:
    # A role may have several powers; of all else there is one of a name.
    return fact.place, fact.aspect, fact.name, fact.value if fact.aspect == "power" else ""


def _shown(fact: Fact) -> str:
    return f"{fact.aspect} ({fact.value})" if fact.aspect in ("power", "grant", "grant on columns") else fact.aspect


def shared_places(catalog: Catalog, service: str) -> frozenset[str]:
    """Name the tables in which rows of no tenant may stand."""
    return frozenset(f"{service}.{t}" for t in table_columns(catalog, service) if has_shared_rows(catalog, service, t))


def openings(found: Iterable[Fact], *, shared: Collection[str], roles: Collection[str]) -> Iterator[Drift]:
    """List what lets someone see or touch more than a tenant's own rows, or keeps rows less than safe.

    Args:
        found: what the server says.
        shared: the tables in which rows of no tenant may stand, for all to read.
        roles: further roles that the site expects; what they may do is the site's own matter.
    """
    for fact in sorted(set(found)):
        for what in _opening(fact, shared=fact.place in shared, roles=roles):
            yield Drift(fact.place, what, fact.name, judged=True)


def _opening(fact: Fact, *, shared: bool, roles: Collection[str]) -> Iterator[str]:
    ledger = fact.place.startswith("migration.")
    match fact.aspect:
        case "relation" if fact.value not in ("table", "partitioned table"):
            yield f"not an ordinary table: {fact.value}"
        case "row security" if fact.value == "off" and not ledger:
            yield "row-level security is off"
        case "policy":
            policy = json.loads(fact.value)
            if {*policy["roles"]} - {MIGRATOR, *roles} and policy["permissive"] and not _is_isolating(policy, shared):
                yield f"a policy for {policy['command']} opens more than a tenant's own rows"
        case "grant" | "grant on columns":
            allowed = _allowed(fact.place, fact.name, ledger=ledger)
            more = [p for p in fact.value.split(", ") if p.partition(" ")[0] not in allowed or p.endswith("OPTION")]
            if more and fact.name not in {MIGRATOR, *roles}:
                yield f"{fact.name} may {', '.join(more)}"
        case "grant on a child" if fact.name.partition(" on ")[0] not in {MIGRATOR, *roles}:
            yield f"{fact.name} may read past the table's policies"
        case "membership" if fact.name.partition(" in ")[2] in roles:
            # What an expected role may do is not judged: nobody else may do it through it.
            yield f"{fact.name}, of which more is expected"
        case "view":
            view = json.loads(fact.value)
            readers = {*view["grantees"]} - {MIGRATOR, *roles}
            if readers and not view["invoker"]:
                yield f"a view shows its rows past row-level security to {', '.join(sorted(readers))}"
        case "default tenant":
            yield f"a tenant is set by default for {fact.name}"
        case "power" if fact.name in BOUND:
            yield f"{fact.name} {fact.value}"


def _is_isolating(policy: Mapping[str, str | None], shared: bool) -> bool:
    using, check, command = policy["using"], policy["check"], policy["command"]
    reading = shared and command == "SELECT"
    return (using is None or isolates(using, shared=reading)) and (check is None or isolates(check))


def _allowed(place: str, role: str, *, ledger: bool) -> Collection[str]:
    if ledger:
        return ("SELECT",) if role == AUDITOR and place.partition(".")[2] in AUDITED else ()
    return {APP: app_may(place.partition(".")[2]), DATA_READER: ("SELECT",)}.get(role, ())
