"""The ledger: what receipts, claims, id map, rejects and notes must be, what they are, and where they differ.

Every column is worked out from the raw files and the run's record, but instants, which must only be possible. A row of
the ledger that belongs to no run is nobody's, and must not be there.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from pipeline.core import frame
from pipeline.core.plan import RunRecord
from pipeline.core.quality import Kind
from pipeline.core.sql import compare, expected, relations
from pipeline.core.sql import ledger as ddl
from pipeline.core.sql.ddl import quote
from pipeline.core.sql.relations import OF_NOTES, OF_ROWS
from pipeline.core.text import quoted, said
from pipeline.stores.target import TargetDatabase
from pipeline.stores.transcript import read_of
from pipeline.verification.scope import Scope
from pipeline.verification.target_side import set_plain, types_differ

_NOTE = ("tenant", "entity", "legacy_key", "column_name", "label")
#: Table -> how the report ends, the columns that tell its rows apart, and those that are compared.
_COMPARED = {
    "receipt": (
        "receipt",
        ("tenant", "entity", "legacy_key"),
        ("batch_id", "run_id", "kind", "mapped", "rejected", "checksum", "entry_hash", "loaded_at"),
    ),
    "claim": ("claim", ("tenant", "entity", "legacy_key"), ("run_id", "state")),
    "id_map": (
        "in id map",
        ("tenant", "entity", "legacy_key"),
        ("new_id", "source_hash", "target_hash", "batch_id"),
    ),
    "quarantine": (
        "in quarantine",
        ("tenant", "entity", "legacy_key"),
        ("reasons", "row", "source_hash", "batch_id"),
    ),
    "finding": ("in finding", _NOTE, ("batch_id",)),
    "raw_value": ("in raw value", _NOTE, ("raw", "batch_id")),
}


#: Ledger table -> columns that are more than the stored one of their name, as its type.
_MADE = {
    "receipt": {
        "loaded_at": "CASE WHEN loaded_at THEN NULL ELSE 'impossible' END",
        "legacy_key": "concat(source, '/', printf('%05d', TRY_CAST(number AS INTEGER)))",
    },
    "claim": {"legacy_key": "''"},
}
#: What is read of the tables whose rows are of rows.
_ROWS = {
    "id_map": "SELECT tenant_id, entity, legacy_key, new_id, batch_id, source_hash, target_hash",
    "quarantine": 'SELECT tenant_id, entity, legacy_key, ordinal, reasons, "row"::text AS "row", source_hash, batch_id',
}
_OWNER = {"tenant": "coalesce(CAST(tenant_id AS VARCHAR), '(none)')", "entity": "coalesce(entity, '(none)')"}


def read_rows(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Read the id map and the rejects in hand that no other run answers for."""
    there = database.columns("migration")
    for table in OF_ROWS:
        is_id = there.get(table, {}).get("tenant_id") == "uuid"
        own = [e for e in map(scope.catalog.__getitem__, scope.whole.entities) if e.service == service]
        in_hand = [*scope.tenants_in_hand("x.tenant_id", ("migration", service), own, is_id=is_id)]
        where = " AND ".join([*in_hand, *scope.entities_in_hand("x.entity", service), _unclaimed(scope)])
        _fill(scope, service, database, table, f"{_ROWS[table]} FROM migration.{table} x WHERE {where}")


def read_back(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Read the rest of the ledger that no other run answers for: all that is of batches, not of rows."""
    set_plain(database)
    there = database.columns("migration")
    for table, columns in ddl.columns().items():
        types_differ(scope, service, f"migration.{table}", columns, there.get(table))
    for table, sql in _of_batches(scope).items():
        _fill(scope, service, database, table, sql)
    _run_record(scope, service, database)
    _verdicts(scope, service, database)
    _audit_views(scope, service, database)


def _fill(scope: Scope, service: str, database: TargetDatabase, table: str, sql: str) -> None:
    what, origin = f"The rows of migration.{table} of {service}, as they are.", read_of(service, sql)
    with database.stream(sql) as reader:
        there = relations.actual_ledger(service, table)
        scope.db.fill(there, reader, select=_select(table), what=what, origin=origin)


def _select(table: str) -> str:
    """Give what is made of a table's columns to compare them."""
    made = _OWNER | _MADE.get(table, {})
    columns = {c: kind for c, kind in relations.LEDGER[table].items() if table not in OF_NOTES or c not in _OWNER}
    return ", ".join(f"{made.get(c, f'TRY_CAST({quote(c)} AS {kind})')} AS {quote(c)}" for c, kind in columns.items())


def _unclaimed(scope: Scope) -> str:
    return (
        "NOT EXISTS (SELECT FROM migration.claim c "
        f"WHERE c.tenant_id = x.tenant_id AND c.entity = x.entity AND {scope.of_others('c')})"
    )


def _of_batches(scope: Scope) -> dict[str, str]:
    """Give the SELECT of each table whose rows are of batches."""
    is_unknown = "NOT EXISTS (SELECT FROM migration.run r WHERE r.run_id = x.run_id)"
    others = f"NOT EXISTS (SELECT FROM migration.receipt r WHERE r.batch_id = x.batch_id AND {scope.of_others('r')})"
    note = "SELECT x.batch_id, u.legacy_key, x.column_name"
    return {
        "receipt": "SELECT batch_id, run_id, tenant_id, entity, kind, source, number, mapped, rejected, checksum, "
        "entry_hash, loaded_at <= clock_timestamp() AS loaded_at "
        f"FROM migration.receipt x WHERE NOT {scope.of_others('x')} OR {is_unknown}",
        "claim": f"SELECT tenant_id, entity, run_id, state, {scope.of_others('x')} AND NOT {is_unknown} AS known "
        "FROM migration.claim x",
        # An array that holds nothing is a row all the same.
        "finding": f"{note}, x.hazard AS label FROM migration.finding x "
        f"LEFT JOIN LATERAL unnest(x.keys) AS u(legacy_key) ON true WHERE {others}",
        "raw_value": f"{note}, x.rule AS label, u.raw FROM migration.raw_value x "
        f"LEFT JOIN LATERAL unnest(x.keys, x.raws) AS u(legacy_key, raw) ON true WHERE {others}",
    }


def compare_rows(scope: Scope, service: str) -> None:
    """Compare the id map and the rejects in hand with what they must be; keep which notes there must be."""
    for table in OF_ROWS:
        due = relations.expected_ledger(service, table)
        scope.db.execute(said(f"The rows that migration.{table} of {service} must have.", f"CREATE TABLE {due.typed}"))
    for entity_id, table, select in _expected(scope, service):
        # One statement an entity: a union of hundreds takes longer to plan than all of them to run.
        what = f"Of those that migration.{table} must have, rows of {entity_id}."
        into = f"INSERT INTO {relations.expected_ledger(service, table)} BY NAME"
        scope.db.execute(said(what, f"{into} {select}"))
    for table in OF_ROWS:
        due, there = relations.expected_ledger(service, table), relations.actual_ledger(service, table)
        _compare(scope, service, table, str(due), str(there))


def compare_service(scope: Scope, service: str) -> None:
    """Compare the rest of the ledger of one service with what it must be."""
    # Rows that were all loaded under another version of their entry are told as that, and no difference of receipts.
    receipts = (
        "(SELECT e.* EXCLUDE (service) REPLACE (coalesce(v.version, e.entry_hash) AS entry_hash) "
        f"FROM {relations.EXPECTED_RECEIPT} e LEFT JOIN (SELECT entity, any_value(entry_hash) AS version "
        f"FROM {relations.actual_ledger(service, 'receipt')} GROUP BY entity HAVING min(entry_hash) = max(entry_hash) "
        "AND bool_and(coalesce(regexp_full_match(entry_hash, '[0-9a-f]{16}'), false))) v ON v.entity = e.entity "
        f"WHERE service = {quoted(service)})"
    )
    for table in OF_NOTES:
        scope.db.execute(
            said(
                f"Each {table} of {service} with the tenant and entity of its batch.",
                f"CREATE TABLE {relations.tagged_ledger(service, table)} AS SELECT "
                "coalesce(r.tenant, '(no receipt)') AS tenant, coalesce(r.entity, '(no receipt)') AS entity, x.* "
                f"FROM {relations.actual_ledger(service, table)} x LEFT JOIN {receipts} r ON r.batch_id = x.batch_id",
            )
        )
    sides = {
        "receipt": (receipts, str(relations.actual_ledger(service, "receipt"))),
        # What another run holds is its own, unless it must be this one's.
        "claim": (
            f"(SELECT DISTINCT tenant, entity, '' AS legacy_key, run_id, 'complete' AS state FROM {receipts})",
            f"(SELECT * FROM {relations.actual_ledger(service, 'claim')} c WHERE NOT known "
            f"OR EXISTS (SELECT 1 FROM {receipts} r WHERE r.tenant = c.tenant AND r.entity = c.entity))",
        ),
    }
    for table in OF_NOTES:
        sides[table] = str(relations.expected_ledger(service, table)), str(relations.tagged_ledger(service, table))
    for table, (must_be, is_there) in sides.items():
        _compare(scope, service, table, must_be, is_there)


def _compare(scope: Scope, service: str, table: str, must_be: str, is_there: str) -> None:
    name, keys, cells = _COMPARED[table]
    # Two conversions of one column may say the same of a row; the ledger keeps it once.
    wanted, found = f"SELECT {'DISTINCT ' if keys == _NOTE else ''}* FROM {must_be}", f"SELECT * FROM {is_there}"
    ordinal = ("ordinal",) if table == "quarantine" else ()
    scope.db.execute(
        compare.keyed(service, name, expected=wanted, actual=found, keys=keys, cells=cells, ordinal=ordinal)
    )
    if not scope.db.rows(compare.counts_agree(service, name, expected=wanted, actual=found))[0]["agree"]:
        scope.db.execute(compare.doubled(service, name, actual=found, keys=keys, ordinal=ordinal))


def _expected(scope: Scope, service: str) -> Iterator[tuple[str, str, str]]:
    """Give entity, table, and a SELECT of rows of the entity that the table must have."""
    for entity in scope.of(service):
        held = [flag for flag, holds in scope.db.rows(expected.held(entity))[0].items() if holds]
        if entity.derived_from is None:
            yield entity.id, "id_map", expected.expected_id_map(entity)
        if frame.REJECTED in held:
            yield entity.id, "quarantine", expected.expected_rejects(entity)
        yield from ((entity.id, "finding", sql) for sql in expected.expected_notes(entity, Kind.FINDING, held))
        yield from ((entity.id, "raw_value", sql) for sql in expected.expected_notes(entity, Kind.RAW, held))


def _run_record(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Compare the record of the run beside the staged files with the one in the target."""
    run = quoted(scope.record.run_id)
    asked = f"SELECT 1 FROM {relations.EXPECTED_RECEIPT} WHERE service = {quoted(service)} LIMIT 1"
    due = scope.db.rows(said(f"Whether {service} must have a receipt at all.", asked))
    found = database.query(
        said(
            "The run's record, to be the one beside the staged files.",
            "SELECT record::text AS record, started_at <= clock_timestamp() AS begun, purged_at IS NULL AS staged "
            f"FROM migration.run WHERE run_id = {run}",
        )
    ).to_pylist()
    if len(found) != (1 if due else min(len(found), 1)):
        scope.note(service, "doubled run" if found else "missing run", "migration.run", keys=[scope.record.run_id])
    for row in found:
        odd = [c for c, right in (("started_at", row["begun"]), ("purged_at", row["staged"])) if not right]
        for column in [*odd, *_record_differs(scope.workspace.whole(), row["record"])]:
            scope.note(service, "different run", "migration.run", keys=[scope.record.run_id], column=column)


def _record_differs(record: RunRecord, text: str) -> list[str]:
    try:
        other = RunRecord.model_validate_json(text)
    except ValidationError:
        return ["record"]
    return [name for name in RunRecord.model_fields if getattr(record, name) != getattr(other, name)]


def _verdicts(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Look for verdicts that no verification of this run can have written."""
    tenants = ", ".join(quoted(t) for t in scope.workspace.whole().tenants)
    run = quoted(scope.record.run_id)
    rows = database.query(
        said(
            "Verdicts that no verification of this run can have written.",
            "SELECT tenant_id::text AS tenant, CASE "
            f"WHEN tenant_id IS NULL OR tenant_id::text NOT IN ({tenants}) THEN 'tenant_id' "
            f"WHEN service IS DISTINCT FROM {quoted(service)} THEN 'service' "
            "WHEN differences IS NULL OR differences < 0 THEN 'differences' "
            "WHEN parity IS DISTINCT FROM (differences = 0) THEN 'parity' "
            "WHEN verified_at IS NULL OR verified_at > clock_timestamp() THEN 'verified_at' "
            f"WHEN run_id IS DISTINCT FROM {run} THEN 'run_id' END AS odd "
            f"FROM migration.verification x WHERE run_id = {run} "
            "OR NOT EXISTS (SELECT FROM migration.run r WHERE r.run_id = x.run_id)",
        )
    )
    for row in rows.to_pylist():
        if row["odd"] is not None:
            place = "migration.verification"
            scope.note(service, "impossible verdict", place, tenant=row["tenant"] or "", column=row["odd"])


def _audit_views(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Look for views that show the auditor anything but what they are made for."""
    for view, select in ddl.audit_views().items():
        there = said(
            f"Whether there is a view {view}.", f"SELECT 1 AS x WHERE to_regclass('migration.{view}') IS NOT NULL"
        )
        if not database.query(there).num_rows:
            continue
        shown, due = f"SELECT v::text FROM migration.{view} v", f"SELECT v::text FROM ({select}) v"
        other = f"({shown} EXCEPT ALL {due}) UNION ALL ({due} EXCEPT ALL {shown})"
        if database.query(
            said(f"Whether the view {view} shows other rows than it must.", f"SELECT 1 AS x FROM ({other}) o LIMIT 1")
        ).num_rows:
            scope.note(service, "structure: view was altered", f"migration.{view}")
