"""What is: the target's rows and ledger read back, its checksums, and what the application's role sees."""

from __future__ import annotations

from pipeline.core.ids import NIL
from pipeline.core.sql import checksum
from pipeline.core.sql.ddl import APP, has_shared_rows, quote
from pipeline.core.text import quoted
from pipeline.errors import TargetError, TargetLocked, TargetUnreachable
from pipeline.stages.verify.scope import Scope
from pipeline.stores import ledger
from pipeline.stores.target import TargetDatabase
from schemas.targets import target_type


def read_back(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Read every target row and every row of the ledger that no other run answers for."""
    for table, columns in scope.tables(service).items():
        shown = ", ".join(_readable(c, pg) for c, pg in columns.items())
        typed = ", ".join(f"CAST({quote(c)} AS {target_type(pg).duckdb}) AS {quote(c)}" for c, pg in columns.items())
        mine = scope.mine(service, table)
        with database.stream(f"SELECT {shown} FROM {service}.{quote(table)} WHERE {mine}") as reader:
            scope.db.fill(f"actual {service}.{table}", reader, select=typed)
    entities = ", ".join(quoted(e.id) for e in scope.of(service))
    run = quoted(scope.record.run_id)
    own = (
        f"x.entity IN ({entities}) AND NOT EXISTS (SELECT FROM migration.claim c "
        f"WHERE c.tenant_id = x.tenant_id AND c.entity = x.entity AND c.run_id <> {run})"
    )
    # A note whose batch has no receipt belongs to nobody, and must not be there.
    notes = (
        "SELECT coalesce(r.tenant_id::text, '(no receipt)') AS tenant, coalesce(r.entity, '(no receipt)') AS entity, "
        "unnest(x.keys) AS legacy_key, x.column_name"
    )
    noted = (
        "LEFT JOIN migration.receipt r USING (batch_id) "
        f"WHERE r.run_id IS NULL OR (r.run_id = {run} AND r.entity IN ({entities}))"
    )
    for name, sql in {
        "id_map": "SELECT tenant_id::text AS tenant, entity, legacy_key, new_id::text AS new_id, source_hash::text "
        f"AS source_hash, target_hash::text AS target_hash FROM migration.id_map x WHERE {own}",
        "quarantine": 'SELECT tenant_id::text AS tenant, entity, legacy_key, ordinal, reasons, "row"::text AS "row" '
        f"FROM migration.quarantine x WHERE {own}",
        "finding": f"{notes}, x.hazard AS label FROM migration.finding x {noted}",
        "raw_value": f"{notes}, x.rule AS label, unnest(x.raws) AS raw FROM migration.raw_value x {noted}",
    }.items():
        with database.stream(sql) as reader:
            scope.db.fill(f"{service} {name}", reader)
    _recompute_in_postgres(scope, service, database)


def _recompute_in_postgres(scope: Scope, service: str, database: TargetDatabase) -> None:
    """Compare the checksums of the receipts with what PostgreSQL computes from its rows."""
    receipts: dict[tuple[str, str], int] = {}
    for receipt in ledger.receipts(database, scope.record.run_id):
        key = (receipt.batch.entity, receipt.tenant)
        receipts[key] = receipts.get(key, 0) + int(receipt.checksum)
    for entity in scope.of(service):
        found = {
            r["tenant"] or str(NIL): int(r["checksum"])
            for r in database.query(checksum.by_tenant(entity, scope.catalog)).to_pylist()
        }
        for tenant in scope.record.tenants:
            scope.checksums[entity.id, tenant] = found.get(tenant, 0)
            if receipts.get((entity.id, tenant), 0) != found.get(tenant, 0):
                scope.note(service, "checksum of the target rows", entity.id, tenant, "", "")


def application_view(scope: Scope) -> None:
    """Count, under the application's role, what each tenant sees in every table: its own rows and no other."""
    tenants = [t for t in scope.record.tenants if t in {s.tenant_id for s in scope.record.sources.values()}]
    for service in scope.workspace.services():
        tables = {t: has_shared_rows(scope.catalog, service, t) for t in scope.tables(service)}
        with scope.workspace.database(service) as owner:
            true = {
                (r["tenant"], r["t"]): r["n"]
                for r in owner.query(
                    " UNION ALL ".join(
                        f"SELECT tenant_id::text AS tenant, '{t}' AS t, count(*) AS n "
                        f"FROM {service}.{quote(t)} GROUP BY 1"
                        for t in tables
                    )
                ).to_pylist()
            }
        try:
            with TargetDatabase(service, scope.workspace.settings.target_dsn(service), role=APP) as app:
                for tenant in (*tenants, ""):
                    _seen(scope, service, app, tenant, tables, true)
        except (TargetUnreachable, TargetLocked):
            raise
        except TargetError as error:
            scope.note(service, "the application's role cannot be used", error.what, "", "", "")


def _seen(
    scope: Scope,
    service: str,
    app: TargetDatabase,
    tenant: str,
    tables: dict[str, bool],
    true: dict[tuple[str | None, str], int],
) -> None:
    app.query(f"SELECT set_config('app.current_tenant', {quoted(tenant)}, true) AS x")
    counts = app.query(
        " UNION ALL ".join(
            f"SELECT '{t}' AS t, count(*) AS n, "
            f"count(*) FILTER (WHERE tenant_id::text <> {quoted(tenant)}) AS foreign_rows FROM {service}.{quote(t)}"
            for t in tables
        )
    )
    app.commit()
    for row in counts.to_pylist():
        table = row["t"]
        own = true.get((tenant, table), 0) + (true.get((None, table), 0) if tables[table] else 0)
        if row["n"] != own or row["foreign_rows"]:
            scope.note(
                service,
                f"the application sees {row['n']} rows, {row['foreign_rows']} of others; {own} are its own",
                f"{service}.{table}",
                tenant,
                "",
                "",
            )


def _readable(column: str, pg: str) -> str:
    """Read what the driver cannot give exactly as text; uuids too, whose form DuckDB parses itself."""
    return f"{quote(column)}::text AS {quote(column)}" if pg.startswith(("numeric", "jsonb", "uuid")) else quote(column)
