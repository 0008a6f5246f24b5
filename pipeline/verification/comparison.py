"""Where they differ: rows and references compared, and the verdict summed up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.core.ids import NIL, UNRESOLVED
from pipeline.core.sql import compare, expected, relations
from pipeline.core.sql.columns import ENTITY, FOUND, TENANT
from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted, said
from pipeline.core.verdict import Difference, EntityParity, SetAside, Verdict
from pipeline.stores import ledger
from pipeline.verification import target_side
from pipeline.verification.scope import Scope
from schemas.model import Entity
from schemas.targets import target_type


def compare_service(scope: Scope, service: str) -> None:
    """Compare the rows of every table of one service."""
    entities = scope.of(service)
    for table, columns in scope.tables(service).items():
        selects = [
            expected.expected_rows(e, target, n)
            for e in entities
            for n, target in enumerate(e.targets)
            if target.table == table
        ]
        # A column that only another entry fills is NULL in these rows.
        blank = ", ".join(f"CAST(NULL AS {target_type(pg).duckdb}) AS {quote(c)}" for c, pg in columns.items())
        union = " UNION ALL BY NAME ".join([f"(SELECT {blank} WHERE false)", *selects])
        view = f"CREATE OR REPLACE VIEW {relations.expected(service, table)} AS {union}"
        scope.db.execute(said(f"The rows that {service}.{table} must have, of all entities that write to it.", view))
        lost = [row["id"] for row in scope.db.rows(compare.lost(service, table))]
        if lost and target_side.read_elsewhere(scope, service, table, lost):
            found = f"INSERT INTO {relations.actual(service, table)} FROM {relations.elsewhere(service, table)}"
            scope.db.execute(said("They are compared as what they are.", found))
        scope.db.execute(compare.rows(service, table, columns, scope.stored[service].get(table, {})))
        wanted, found = (f"SELECT id FROM {side(service, table)}" for side in (relations.expected, relations.actual))
        agree = compare.counts_agree(service, "row", expected=wanted, actual=found, table=table)
        if not scope.db.rows(agree)[0]["agree"]:
            scope.db.execute(compare.duplicates(service, table))


def references(scope: Scope) -> None:
    """Look for references to no row, and into another tenant, within and across services."""
    for service in scope.workspace.services():
        for entity in scope.of(service):
            for column in (*entity.references.values(), *entity.derivations.values()):
                place = entity.place(str(column.to))
                parents = column.references or (str(column.derived),)
                known = " UNION ALL ".join(_rows_of(scope, scope.catalog[p]) for p in parents)
                if not scope.db.rows(compare.led_astray(service, place.table, place.column, known)):
                    continue
                asked = compare.lost_references(service, place.table, place.column, known)
                if lost := [row["id"] for row in scope.db.rows(asked)]:
                    known += "".join(_elsewhere(scope, [scope.catalog[p] for p in parents], lost))
                for statement in compare.references(service, place.table, place.column, known):
                    scope.db.execute(statement)


def _elsewhere(scope: Scope, parents: Iterable[Entity], lost: Sequence[str]) -> Iterator[str]:
    """Look for rows that are named and not in hand, in the tables of what may be named."""
    for service, table in dict.fromkeys((p.service, p.target) for p in parents if p.id in scope.whole.entities):
        if target_side.read_elsewhere(scope, service, table, lost):
            yield f" UNION ALL SELECT id, tenant_id AS tenant FROM {relations.elsewhere(service, table)}"


def _rows_of(scope: Scope, parent: Entity) -> str:
    """Select `id` and `tenant` of every row that a reference to an entity may name."""
    if parent.id in scope.whole.entities:
        rows = f"FROM {relations.referable(parent.id)}"
    else:
        # A parent outside the selection: loaded earlier, or pending and known by its key.
        # Its own key finds every row of it; without one, each alternate key those that children may name by it.
        tenant = f"CASE WHEN {TENANT} <> '{NIL}' THEN CAST({TENANT} AS UUID) END"
        rows = " UNION ALL ".join(
            f"SELECT {FOUND} AS id, {tenant} AS tenant FROM {relations.live(parent.id, i)}"
            for i in range(1 if parent.key else len(scope.catalog.match_keys[parent.id]))
        )
    if parent.shared is None:
        return rows
    return f"{rows} UNION ALL {_rows_of(scope, scope.catalog[parent.shared.entity])}"


def verdict(scope: Scope, *, seconds: float) -> Verdict:
    """Sum up what was expected, found and different."""
    scope.chapter("verdict")
    listed = scope.db.rows(
        said(
            "What differs: the first thousand.",
            f"SELECT * FROM {relations.DIFFERENCE} ORDER BY service, entity, tenant, kind, legacy_key LIMIT 1000",
        )
    )
    # What is told of no tenant of the run concerns all of them.
    known = ", ".join(quoted(t) for t in scope.record.tenants)
    counted = scope.db.rows(
        said(
            "How much differs, by service and tenant.",
            f"SELECT service, CASE WHEN tenant IN ({known}) THEN tenant ELSE '' END AS tenant, count(*) AS n "
            f"FROM {relations.DIFFERENCE} GROUP BY 1, 2",
        )
    )
    place = {entity: n for n, entity in enumerate(scope.selected)}
    return Verdict(
        run_id=scope.record.run_id,
        entities=tuple(sorted(scope.parity, key=lambda e: (place[e.entity], e.tenant))),
        differences=tuple(
            Difference(d["service"], d["kind"], d["entity"], d["tenant"], d["legacy_key"], d["column_name"])
            for d in listed
        ),
        outside=_outside(scope),
        unresolved=_unresolved(scope),
        moved={place: rows for place, rows in scope.moved.items() if rows},
        by_service={(c["service"], c["tenant"]): c["n"] for c in counted},
        findings=_findings(scope),
        told=tuple(scope.told),
        set_aside=tuple(sorted(scope.set_aside, key=lambda s: place[s.entity])),
        seconds=seconds,
    )


def sum_up(scope: Scope) -> None:
    """Count the rows of a portion: what was expected, mapped and rejected, and what was set aside for its keys."""
    scope.parity += _entity_parity(scope)
    scope.set_aside += _set_aside(scope)


def _set_aside(scope: Scope) -> Iterator[SetAside]:
    """Name the tables and tenants of which rows were set aside for their keys, and some of the keys."""
    for entity in (scope.catalog[e] for e in scope.selected):
        for row in scope.db.rows(expected.set_aside(entity)) if entity.key and entity.derived_from is None else ():
            yield SetAside(entity.id, entity.table, row["tenant"], row["reason"], row["rows"], tuple(row["keys"]))


def _findings(scope: Scope) -> dict[str, int]:
    """Count the findings that are kept beside rows, by what they are called."""
    told = " UNION ALL ".join(
        f"SELECT label FROM {relations.tagged_ledger(s, 'finding')}" for s in scope.workspace.services()
    )
    asked = f"SELECT label, count(*) AS n FROM ({told}) GROUP BY 1 ORDER BY n DESC, label"
    rows = scope.db.rows(said("How often each finding is kept.", asked))
    return {row["label"]: row["n"] for row in rows}


def _outside(scope: Scope) -> int:
    """Count the rows of the directory that were left where they are, for their tenant is not part of the run."""
    chosen = ", ".join(quoted(t) for t in (*scope.record.tenants, str(UNRESOLVED)))
    return sum(
        scope.db.rows(
            said(
                f"How many rows of {e} belong to tenants that are no part of the run.",
                f"SELECT count(*) AS n FROM {relations.tagged(e)} WHERE {TENANT} NOT IN ({chosen})",
            )
        )[0]["n"]
        for e in scope.selected
        if scope.catalog.is_of_directory(e)
    )


def _unresolved(scope: Scope) -> dict[str, int]:
    """Count the rows of the directory whose tenant is unknown, by entity, where no run has moved them."""
    if str(UNRESOLVED) in scope.record.tenants:
        return {}
    found = {}
    for entity in (scope.catalog[e] for e in scope.selected if scope.catalog.is_of_directory(e)):
        tagged = relations.tagged(entity.id)
        asked = f"SELECT count(*) AS n FROM {tagged} WHERE {TENANT} = {quoted(str(UNRESOLVED))}"
        rows = scope.db.rows(said(f"How many rows of {entity.id} are of no known tenant.", asked))[0]["n"]
        if rows:
            with scope.database(entity.service) as database:
                if (str(UNRESOLVED), entity.id) not in ledger.claims(database):
                    found[entity.id] = rows
    return found


def _entity_parity(scope: Scope) -> Iterable[EntityParity]:
    for entity_id in scope.selected:
        entity = scope.catalog[entity_id]
        where = f"entity = {quoted(entity_id)}"
        id_map, quarantine = (relations.actual_ledger(entity.service, t) for t in ("id_map", "quarantine"))
        if entity.derived_from is None:
            mapped = f"SELECT tenant, count(*) AS n FROM {id_map} WHERE {where} GROUP BY 1"
        else:
            mapped = (
                "SELECT CAST(a.tenant_id AS VARCHAR) AS tenant, count(*) AS n "
                f"FROM {relations.actual(entity.service, entity.target)} a "
                f"JOIN {relations.expected(entity.service, entity.target)} e ON e.id = a.id "
                f"WHERE e.{ENTITY} = {quoted(entity_id)} GROUP BY 1"
            )
        rows = scope.db.rows(
            said(
                f"The legacy rows of {entity_id} by tenant: expected, mapped, rejected, and the sum of its checksums.",
                "SELECT x.tenant, x.n AS expected, coalesce(m.n, 0) AS mapped, coalesce(q.n, 0) AS rejected, "
                f"r.checksum FROM (SELECT {TENANT} AS tenant, count(*) AS n FROM {relations.judged(entity_id)} "
                "GROUP BY 1) x "
                f"LEFT JOIN ({mapped}) m ON m.tenant = x.tenant LEFT JOIN (SELECT tenant, count(*) AS n "
                f"FROM {quarantine} WHERE {where} GROUP BY 1) q "
                "ON q.tenant = x.tenant LEFT JOIN (SELECT tenant, sum(CAST(checksum AS HUGEINT)) AS checksum "
                f"FROM {relations.EXPECTED_RECEIPT} WHERE {where} GROUP BY 1) r ON r.tenant = x.tenant ORDER BY 1",
            )
        )
        for r in rows:
            yield EntityParity(
                entity.service, entity_id, r["tenant"], r["expected"], r["mapped"], r["rejected"], str(r["checksum"])
            )
