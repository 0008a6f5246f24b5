"""The form of a damage, and the ways to do one: to a target row, to a row of the ledger, by statements of its own.

A damage says in its name what is done, for the reader of docs/damages.md, and gives what a verification must say of
it. Those that hide no other take places of their own, so that one verification can be asked about all of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pipeline.core.ids import NIL
from tests.support.fleet import tenant_id
from tests.support.sample import load_sample
from tests.support.site import Site

#: Stands where a child's data would; it may appear in no output at all.
MARKER = "zq-never-to-be-shown-zq"
TENANTS = {"a": str(tenant_id(1)), "b": str(tenant_id(2)), "shared": str(NIL)}
#: What may stand in braces: of a key no legacy row has, and of a tenant that is no district.
WORDS = {"marker": MARKER, "no_key": "[7654321]", "no_tenant": "11111111-1111-4111-8111-111111111111"}
_CATALOG = load_sample()
_LEDGER_ROW = "tenant_id = '{tenant}' AND entity = '{entity}' AND legacy_key = '{key}'"


class Seen(StrEnum):
    """The rows of the table in docs/verification.md: what is promised to be seen."""

    CELL = "a cell changed, by whatever little"
    NULL = "NULL for a value, or a value for NULL"
    VALUE = "a value that a target type can hold, and no legacy row"
    TYPE = "a column of another type, with what then no longer is the same; a column or table gone"
    REFERENCE = "a reference to another row, to no row, or into another tenant"
    ROW = "a row missing, added, doubled, or under another id or tenant"
    ID_MAP = "a row of the id map missing, added, doubled or changed"
    QUARANTINE = "a rejected row missing, added, doubled or changed"
    NOTE = "a finding or raw value missing, added, doubled or changed"
    ACCESS = "a table of which a tenant sees too much or too little"
    OPENED = "a policy, grant, view, function or role that lets someone see or touch more"
    MADE = "a table made otherwise: its kind, keys, indexes, defaults, triggers, rules"
    RECEIPT = "a receipt, claim, verdict or run record missing, added, doubled or changed"
    STAGED = "a staged file altered, cut or lost; another selection in the run record"
    SOURCE = "a legacy row changed, added or removed since the run"


@dataclass(frozen=True)
class Difference:
    """What a verification names, or must name: then a kind that ends in `...` goes on, and None stands for anything."""

    service: str
    kind: str
    entity: str
    tenant: str | None = ""
    key: str | None = ""
    column: str | None = ""

    def fits(self, found: Difference) -> bool:
        """Say whether a difference that was found is this one."""
        asked = ((self.tenant, found.tenant), (self.key, found.key), (self.column, found.column))
        begins = self.kind.removesuffix(" ...")
        return (
            (self.service, self.entity) == (found.service, found.entity)
            and (found.kind == self.kind or (begins != self.kind and found.kind.startswith(begins)))
            and all(wanted is None or wanted == got for wanted, got in asked)
        )


@dataclass(frozen=True)
class Damage:
    """Something done to a finished migration, and how a verification must name it."""

    #: What is done, in a reader's words.
    name: str
    seen: Seen
    #: Of its differences, or the refusal, as a user reads them.
    kinds: tuple[str, ...]
    #: Do it to what others have not taken; give the differences that must be named.
    inflict: Callable[[Site, set[str]], list[Difference]]
    #: Where it hides others: what must be a copy of its own for it. A copy of databases takes its time.
    apart: Literal["files", "database", "small"] | None = None


def statements(name: str, seen: Seen, *sql: str, named: tuple[Difference, ...], alone: bool = False) -> Damage:
    """Run statements as the owner of a service's database: that of the first difference which must be named.

    Args:
        name: what is done.
        seen: what promises that it is seen.
        sql: the statements.
        named: every difference that it leads to, other than checksums.
        alone: it hides other damage, and gets a verification of its own.
    """

    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        site.execute(named[0].service, *sql)
        return list(named)

    return Damage(name, seen, tuple(dict.fromkeys(d.kind for d in named)), inflict, "database" if alone else None)


def listed(file: str) -> Iterator[Damage]:
    """Read the damages of a file beside this one; the file says what they are made of."""
    for group, damages in tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8")).items():
        for name, given in damages.items():
            form = _to_row if "row" in given else _to_ledger if "ledger" in given else _to_table
            yield form(name, Seen[group.upper()], given)


def _to_row(name: str, seen: Seen, given: Mapping[str, Any]) -> Damage:
    table, tenant = given["row"], given.get("tenant", "a")
    service, whose = table.partition(".")[0], TENANTS[tenant]
    entity = given.get("entity") or _CATALOG.writers(service, table.partition(".")[2])[0].id
    kind, also = given.get("kind", "different cell"), given.get("also", ())
    changes = list(given.get("sql", ()))
    if "set" in given:
        changes.append(f"UPDATE {{table}} SET {given['set']} WHERE id = '{{id}}'")
    if "copy" in given:
        copied = f"(jsonb_populate_record(t, {given['copy']})).*"
        changes.append(f"INSERT INTO {{table}} SELECT {copied} FROM {{table}} t WHERE id = '{{id}}'")
    of_table: list[Difference] = []
    if "type" in given:
        named = f"column of another type: {given['shown']}, not ..."
        of_table = [Difference(service, named, table, "", "", given["column"])]
        made = given.get("using", f"{given['column']}::{given['type']}")
        site_wide = f"ALTER TABLE {{table}} ALTER {given['column']} TYPE {given['type']} USING {made}"
        changes.insert(0, site_wide)

    def inflict(site: Site, taken: set[str]) -> list[Difference]:
        own = "tenant_id IS NULL" if tenant == "shared" else f"tenant_id = '{whose}'"
        where = given.get("where", "true")
        rows = site.rows(service, f"SELECT id::text AS id, legacy_id FROM {table} WHERE {own} AND {where} ORDER BY id")
        row = next(r for r in rows if r["id"] not in taken)
        taken.add(str(row["id"]))
        words = {
            "table": table,
            "id": str(row["id"]),
            "key": str(row["legacy_id"]),
            "entity": entity,
            "tenant": whose,
            "foreign": TENANTS["b" if tenant == "a" else "a"],
        }
        if "other" in given:
            words["other"] = str(site.rows(service, _filled(given["other"], words))[0]["id"])
        site.execute(service, *(_filled(change, words) for change in changes))
        owner, key = _filled(given.get("owner", whose), words), _filled(given.get("key", "{key}"), words)
        first = Difference(service, kind, entity, owner, key, given["column"])
        others = [replace(first, kind=k, entity=table, tenant=whose, column=c) for k, c in also]
        return [*of_table, *([first, *others] if "set" in given or "type" not in given else [])]

    kinds = [*(d.kind for d in of_table), *([kind, *(k for k, _ in also)] if "set" in given or not of_table else [])]
    return Damage(name, seen, tuple(dict.fromkeys(kinds)), inflict)


def _to_table(name: str, seen: Seen, given: Mapping[str, Any]) -> Damage:
    service = given["table"].partition(".")[0]
    words = {**{f"tenant_{letter}": tenant for letter, tenant in TENANTS.items()}, "table": given["table"]}
    named = [
        Difference(
            service, kind, _filled(entity, words), tenant if tenant is None else _filled(tenant, words), key, column
        )
        for kind, entity, tenant, key, column in (
            (d["kind"], d.get("entity", "{table}"), d.get("tenant", ""), d.get("key", ""), d.get("column", ""))
            for d in given["named"]
        )
    ]
    named = [replace(d, tenant=_any(d.tenant), key=_any(d.key), column=_any(d.column)) for d in named]
    sql = [_filled(statement, words) for statement in given["sql"]]
    return statements(name, seen, *sql, named=tuple(named), alone=given.get("alone", False))


def _any(text: str | None) -> str | None:
    return None if text == "*" else text


def _to_ledger(name: str, seen: Seen, given: Mapping[str, Any]) -> Damage:
    table, entity = given["ledger"], given["entity"]
    kind, also, elsewhere = given["kind"], given.get("also", ()), given.get("elsewhere", ())
    service = entity.partition(".")[0]
    if table in ("finding", "raw_value"):
        found = ("r.tenant_id", "x.keys[1]", f"migration.{table} x JOIN migration.receipt r USING (batch_id)")
        this = f"batch_id = '{{batch_id}}' AND {given.get('where', 'true').replace('x.', '')}"
    elif table in ("id_map", "quarantine"):
        found = ("x.tenant_id", "x.legacy_key", f"migration.{table} x")
        this = _LEDGER_ROW
    else:
        found = ("x.tenant_id", "x.source || '/' || lpad(x.number::text, 5, '0')", f"migration.{table} x")
        this = "batch_id = '{batch_id}'"
    changes = list(given.get("sql", ()))
    if "set" in given:
        changes.append(f"UPDATE migration.{table} SET {given['set']} WHERE {{this}}")

    def inflict(site: Site, taken: set[str]) -> list[Difference]:
        whose, key, source = found
        rows = site.rows(
            service,
            f"SELECT {whose}::text AS tenant, {key} AS key, x.batch_id::text AS batch_id FROM {source} "
            f"WHERE {whose.partition('.')[0]}.entity = '{entity}' AND {given.get('where', 'true')} ORDER BY 1, 2",
        )
        row = next(r for r in rows if f"{table}/{entity}/{r['tenant']}/{r['key']}" not in taken)
        taken.add(f"{table}/{entity}/{row['tenant']}/{row['key']}")
        words = {"entity": entity, **{k: str(v) for k, v in row.items()}}
        words["foreign"] = TENANTS["b" if words["tenant"] == TENANTS["a"] else "a"]
        words["this"] = _filled(this, words)
        site.execute(service, *(_filled(change, words) for change in changes))
        taken.add(
            f"{table}/{entity}/{row['tenant']}/{_filled(given.get('key', '{key}'), words)}"
        )  # where one was added
        owner, whose = (_filled(given.get(k, default), words) for k, default in (("owner", "{tenant}"), ("of", entity)))
        return [
            Difference(
                service, kind, whose, owner, _any(_filled(given.get("key", "{key}"), words)), given.get("column", "")
            ),
            *(Difference(service, k, entity, words["tenant"], _filled(o or "{key}", words), c) for k, o, c in also),
            *(Difference(service, k, entity, _filled(who, words), words["key"]) for k, who in elsewhere),
        ]

    kinds = dict.fromkeys((kind, *(k for k, _, _ in also), *(k for k, _ in elsewhere)))
    return Damage(name, seen, tuple(kinds), inflict)


def _filled(text: str, words: Mapping[str, str]) -> str:
    known = {**WORDS, **words}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], found[0]), text)
