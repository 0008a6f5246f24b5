"""What goes from one portion of a verification to the next: who lives on, which rows there are. All else goes at once.

Invariant: of a portion that is compared, no relation is as wide as its rows.
"""

from __future__ import annotations

from pipeline.core.sql import compare, expected, relations
from pipeline.core.sql.relations import OF_NOTES, OF_ROWS
from pipeline.core.text import said
from pipeline.verification.scope import Scope


def begin(scope: Scope) -> None:
    """Make what portions fill, with nothing in it: children that come before their parents find none."""
    scope.chapter("nothing-yet")
    for entity in (scope.catalog[e] for e in (*scope.selected, *scope.record.key_entities)):
        for statement in expected.live_none(entity, scope.catalog):
            scope.db.execute(statement)
    for entity_id in sorted(_named(scope)):
        nothing = f"CREATE TABLE {relations.referable(entity_id).typed}"
        scope.db.execute(said(f"The rows that references to {entity_id} may name, none of them known yet.", nothing))
    due = relations.EXPECTED_RECEIPT
    scope.db.execute(said("The receipts that there must be: one a batch and tenant.", f"CREATE TABLE {due.typed}"))
    for service in scope.workspace.services():
        for table in OF_NOTES:
            must_be = relations.expected_ledger(service, table)
            what = f"The rows that migration.{table} of {service} must have."
            scope.db.execute(said(what, f"CREATE TABLE {must_be.typed}"))


def keep(scope: Scope) -> None:
    """Keep which rows there are, of those that references may name."""
    named = _named(scope)
    for entity in (scope.catalog[e] for e in scope.selected if e in named):
        there = f"SELECT id, tenant_id AS tenant FROM {relations.actual(entity.service, entity.target)}"
        kept = f"CREATE OR REPLACE TABLE {relations.referable(entity.id)} AS {there}"
        scope.db.execute(said(f"The rows that references to {entity.id} may name.", kept))


def settle(scope: Scope) -> None:
    """Put what differs of the rows in hand to the rest."""
    for statement in compare.SETTLED:
        scope.db.execute(statement)


def end(scope: Scope) -> None:
    """Settle a portion, and drop what it was compared by."""
    settle(scope)
    for service in scope.workspace.services():
        for table in scope.tables(service):
            _drop(scope, "VIEW", relations.expected(service, table))
            _drop(scope, "TABLE", relations.actual(service, table))
        for table in OF_ROWS if scope.of(service) else ():
            _drop(scope, "TABLE", relations.expected_ledger(service, table))
            _drop(scope, "TABLE", relations.actual_ledger(service, table))
    for entity_id in scope.selected:
        _drop(scope, "TABLE", relations.judged(entity_id))


def _drop(scope: Scope, kind: str, relation: relations.Relation) -> None:
    scope.db.execute(said("It is compared.", f"DROP {kind} {relation}"))


def _named(scope: Scope) -> set[str]:
    """Name the entities of the run that columns of others refer to."""
    entities = [scope.catalog[e] for e in scope.whole.entities]
    columns = [c for e in entities for c in (*e.references.values(), *e.derivations.values())]
    named = {parent for c in columns for parent in (c.references or (str(c.derived),))}
    shared = (scope.catalog[e].shared for e in named)
    return (named | {s.entity for s in shared if s is not None}) & {*scope.whole.entities}
