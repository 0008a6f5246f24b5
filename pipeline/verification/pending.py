"""References that other runs made to rows of this one while they were pending, and that lead to no row now.

An id needs no look-up, so that a reference may name a row that is loaded later. If that is rejected then, or gone from
the source, the reference is an orphan, and stands against the run that would have loaded the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.core.sql import compare, relations
from pipeline.core.sql.ddl import quote
from pipeline.core.text import quoted, said
from pipeline.errors import ConfigError, TargetError
from pipeline.stores.transcript import read_of
from pipeline.verification import target_side
from pipeline.verification.scope import Scope
from pipeline.workspace import Workspace
from schemas.model import Entity
from schemas.parts import Column


def services(workspace: Workspace) -> set[str]:
    """Name the services whose rows may refer to those of a run."""
    mine = {*workspace.record.entities}
    catalog = workspace.catalog
    return {e.service for e in catalog.entities.values() if e.id not in mine and catalog.parents(e) & mine}


def orphaned(scope: Scope) -> None:
    """Look among the rows of other runs for references to rows of a portion that are not there."""
    for parent in (scope.catalog[e] for e in scope.selected):
        for child, column in _named_by_others(scope, parent):
            if _can_be_asked(scope, child.service):
                _look(scope, parent, child, column)


def _named_by_others(scope: Scope, parent: Entity) -> Iterator[tuple[Entity, Column]]:
    if parent.shared is not None:
        return  # which id a row of it has is known only once it is loaded, so that none is ever pending
    for child in scope.catalog.entities.values():
        if child.id not in scope.whole.entities:
            yield from ((child, c) for c in child.references.values() if parent.id in c.references)


def _can_be_asked(scope: Scope, service: str) -> bool:
    """Say whether a service's database is there; one that is no part of the run need not be, and is told."""
    if service not in scope.stored:
        try:
            with scope.database(service) as database:
                target_side.ask_columns(scope, service, database)
        except (ConfigError, TargetError) as error:
            if service in scope.workspace.services():
                raise
            scope.stored[service] = {}
            scope.told.append(f"{service}: not asked whether it refers to rows that are not there: {error.in_a_line()}")
    return bool(scope.stored[service])


def _look(scope: Scope, parent: Entity, child: Entity, column: Column) -> None:
    place = child.place(str(column.to))
    if not {"tenant_id", "legacy_id", place.column} <= {*scope.stored[child.service].get(place.table, {})}:
        return  # the verification of that run says so
    named, where = f"{quote(place.column)}::text", " AND ".join(_conditions(scope, parent, child, column))
    table = f"{child.service}.{quote(place.table)}"
    asked = f"SELECT DISTINCT {named} AS id FROM {table} WHERE {where}"
    with scope.database(child.service) as database, database.stream(asked) as reader:
        what = f"The rows of {parent.id} that {table}.{place.column}, of another run, refers to."
        scope.db.fill(relations.NAMED, reader, what=what, origin=read_of(child.service, asked))
    found = compare.not_there(parent, is_sure=len(column.references) == 1)
    if not (lost := {row["id"]: row["is_rejected"] for row in scope.db.rows(found)}):
        return
    listed = ", ".join(map(quoted, lost))
    asked = said(
        f"Which rows of {table} refer to rows of {parent.id} that are not there.",
        f"SELECT tenant_id::text AS tenant, legacy_id AS key, {named} AS id FROM {table} "
        f"WHERE {where} AND {named} IN ({listed}) ORDER BY 1, 2 LIMIT 10000",
    )
    with scope.database(child.service) as database:
        rows = database.query(asked).to_pylist()
    _note(scope, parent, f"{child.service}.{place.table}", place.column, rows, lost)


def _conditions(scope: Scope, parent: Entity, child: Entity, column: Column) -> Iterator[str]:
    """Restrict a table to the rows of an entity that refer to anything, of tenants whose rows are in hand."""
    place = child.place(str(column.to))
    yield f"{quote(place.column)} IS NOT NULL"
    if not parent.is_shared:
        is_id = scope.stored[child.service][place.table]["tenant_id"] == "uuid"  # so that an index may serve
        yield f"tenant_id{'' if is_id else '::text'} IN ({', '.join(map(quoted, scope.record.tenants))})"
    if told := scope.catalog.discriminator(child, place.table):
        yield f"{quote(told[0])}::text = {quoted(told[1])}"


def _note(
    scope: Scope,
    parent: Entity,
    place: str,
    column: str,
    rows: list[dict[str, str | None]],
    lost: Mapping[str, bool],
) -> None:
    keys: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        kind = f"orphan: {parent.id} {'was rejected' if lost[str(row['id'])] else 'is not there'}"
        keys.setdefault((kind, row["tenant"] or ""), []).append(str(row["key"]))
    for (kind, tenant), of_rows in keys.items():
        scope.note(parent.service, kind, place, tenant=tenant, keys=of_rows, column=column)
