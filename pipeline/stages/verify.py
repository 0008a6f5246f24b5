"""Verify: derive every expected cell from the raw files by SQL, read the target back, and compare all of it.

Trusts neither the transformation nor the ledger: legacy is asked for its counts again, raw files for their
checksums, PostgreSQL for the checksum of its rows, and the application's role for what each tenant sees. "The
data differ" is a value, not an exception. Invariant: a verdict of parity means that every comparison below ran
over every row of the selection.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from pipeline.core.clock import transitions_frame
from pipeline.core.ids import NIL
from pipeline.core.plan import batches, sources_of
from pipeline.core.quality import Kind
from pipeline.core.scrub import SCRUBS
from pipeline.core.sql import checksum, compare, expected
from pipeline.core.sql.ddl import APP, has_shared_rows, quote, table_columns
from pipeline.core.text import quoted
from pipeline.core.verdict import Difference, EntityParity, Verdict
from pipeline.errors import TargetError
from pipeline.stages.workspace import Workspace
from pipeline.stores import ledger, legacy
from pipeline.stores.parity import ParityDatabase, RawFiles
from pipeline.stores.target import TargetDatabase
from schemas.model import Entity, TenantRule
from schemas.types import target_type


def verify(workspace: Workspace) -> Verdict:
    """Compare the whole selection of the run; write the verdict of each tenant into its service databases."""
    started = perf_counter()
    zones = {z for s in workspace.record.sources.values() for z in (s.host_zone, s.tenant_zone)}
    with ParityDatabase(workspace.staging.scratch(), transitions_frame(zones)) as parity:
        check = _Check(workspace, parity)
        check.raw_files()
        check.legacy_counts()
        check.derive()
        for service in workspace.services():
            with workspace.database(service) as database:
                check.read_back(service, database)
        for service in workspace.services():
            check.compare_service(service)
        check.references()
        check.application_view()
        verdict = check.verdict(seconds=perf_counter() - started)
    _write(workspace, verdict)
    return verdict


class _Check:
    """One verification: what is expected, what is there, and where they differ."""

    def __init__(self, workspace: Workspace, parity: ParityDatabase) -> None:
        self._ws, self._db = workspace, parity
        self._record, self._catalog = workspace.record, workspace.catalog
        self._selected = [e for e in self._catalog.order if e in self._record.entities]
        self._tagged: set[str] = set()
        self._db.execute(compare.DIFFERENCE_TABLE)

    # -- the legacy side ----------------------------------------------------------------------------

    def raw_files(self) -> None:
        """Name the raw files of every entity, and recompute their checksums from their rows."""
        staging = self._ws.staging
        for entity_id in (*self._selected, *self._record.key_entities):
            entity = self._catalog[entity_id]
            if entity.derived_from is not None:
                continue
            keys_only = entity_id in self._record.key_entities
            files = []
            for name in sources_of(entity, self._record):
                own = [b for b in batches(entity, self._record) if b.source == name] if not keys_only else []
                paths = [staging.raw_path(b) for b in own] or [staging.keys_path(name, entity_id)]
                source = self._record.sources[name]
                files.append(RawFiles(paths, name, source.tenant_id, source.host_zone, source.tenant_zone))
            self._db.raw_view(entity_id, files, dict.fromkeys(entity.raw_columns, "VARCHAR"))
            if not keys_only:
                self._recompute(entity)

    def _recompute(self, entity: Entity) -> None:
        staging = self._ws.staging
        found = {r["#file"]: (r["rows"], r["checksum"]) for r in self._db.rows(expected.source_checksum(entity))}
        for batch in batches(entity, self._record):
            manifest = staging.manifest(staging.raw_path(batch)) or {}
            got = found.get(str(staging.raw_path(batch)), (0, "0"))
            if got != (manifest.get("rows"), manifest.get("checksum")):
                self._note(entity.service, "raw file altered", entity.id, self._tenant(batch.source), str(batch), "")
        for name, column in entity.raw_columns.items():
            if column.scrub is not None:
                left = SCRUBS[column.scrub].remains_sql(quote(name))
                if self._db.rows(f"SELECT 1 FROM {quote(f'raw {entity.id}')} WHERE {left} LIMIT 1"):
                    self._note(entity.service, "secret left in raw text", entity.id, "", "", name)

    def legacy_counts(self) -> None:
        """Ask every source for its counts again."""
        for entity_id in self._selected:
            entity = self._catalog[entity_id]
            if entity.derived_from is not None:
                continue
            for name in sources_of(entity, self._record):
                staged = sum(
                    (self._ws.staging.manifest(self._ws.staging.raw_path(b)) or {}).get("rows", 0)
                    for b in batches(entity, self._record)
                    if b.source == name
                )
                counted = legacy.count(self._ws.settings.source(name), entity.table)
                if counted != staged:
                    self._note(
                        entity.service,
                        f"legacy counts {counted}, staged {staged}",
                        entity_id,
                        self._tenant(name),
                        "",
                        "",
                    )

    def derive(self) -> None:
        """Derive values, verdicts and survivors of every entity, parents before children."""
        self._survivors()
        for entity_id in self._catalog.order:
            entity = self._catalog[entity_id]
            if entity_id in self._record.key_entities:
                self._tag(entity)
                for statement in expected.live_from_keys(entity, self._catalog, "survivors"):
                    self._db.execute(statement)
            elif entity_id in self._record.entities:
                self._tag(entity)
                self._db.execute(
                    expected.judged(entity, self._catalog, tenants=self._record.tenants, as_of=self._record.as_of)
                )
                for statement in expected.live(entity, self._catalog):
                    self._db.execute(statement)

    def _survivors(self) -> None:
        """Read what is loaded of entities that are not part of this run."""
        self._db.execute("CREATE TABLE survivors (tenant VARCHAR, entity VARCHAR, legacy_key VARCHAR, new_id VARCHAR)")
        for entity_id in self._record.key_entities:
            with self._ws.database(self._catalog[entity_id].service) as database:
                mapped = ledger.id_map(database, entity_id, self._record.tenants)
            self._db.fill("incoming_map", mapped.to_arrow())
            self._db.execute(
                f'INSERT INTO survivors SELECT "#tenant", {quoted(entity_id)}, legacy_key, new_id FROM incoming_map'
            )

    def _tag(self, entity: Entity) -> None:
        if entity.id in self._tagged:
            return
        self._tagged.add(entity.id)
        if entity.derived_from is not None:
            self._db.execute(expected.groups(entity))
            return
        if isinstance(entity.tenant, TenantRule) and entity.tenant.through:
            self._tag(self._catalog[entity.tenant.through])
        self._db.execute(expected.tagged(entity, self._catalog))

    # -- the target side ----------------------------------------------------------------------------

    def read_back(self, service: str, database: TargetDatabase) -> None:
        """Read every target table of the selection, and the ledger's rows of the selected tenants."""
        listed = ", ".join(f"{quoted(t)}::uuid" for t in self._record.tenants)
        for table, columns in self._tables(service).items():
            shown = ", ".join(_readable(c, pg) for c, pg in columns.items())
            typed = ", ".join(
                f"CAST({quote(c)} AS {target_type(pg).duckdb}) AS {quote(c)}" for c, pg in columns.items()
            )
            mine = self._mine(service, table, listed)
            with database.stream(f"SELECT {shown} FROM {service}.{quote(table)} WHERE {mine}") as reader:
                self._db.fill(f"actual {service}.{table}", reader, select=typed)
        entities = ", ".join(quoted(e.id) for e in self._of(service))
        own = f"entity IN ({entities}) AND tenant_id IN ({listed})"
        run = quoted(self._record.run_id)
        for name, sql in {
            "id_map": "SELECT tenant_id::text AS tenant, entity, legacy_key, new_id::text AS new_id, source_hash::text "
            f"AS source_hash, target_hash::text AS target_hash FROM migration.id_map WHERE {own}",
            "quarantine": 'SELECT tenant_id::text AS tenant, entity, legacy_key, reasons, "row"::text AS "row" '
            f"FROM migration.quarantine WHERE {own}",
            "finding": "SELECT r.tenant_id::text AS tenant, r.entity, unnest(f.keys) AS legacy_key, f.column_name, "
            "f.hazard AS label FROM migration.finding f JOIN migration.receipt r USING (batch_id) "
            f"WHERE r.run_id = {run} AND r.{own.replace(' AND tenant_id', ' AND r.tenant_id')}",
            "raw_value": "SELECT r.tenant_id::text AS tenant, r.entity, unnest(f.keys) AS legacy_key, f.column_name, "
            "f.rule AS label, unnest(f.raws) AS raw FROM migration.raw_value f JOIN migration.receipt r USING (batch_id) "
            f"WHERE r.run_id = {run} AND r.{own.replace(' AND tenant_id', ' AND r.tenant_id')}",
        }.items():
            with database.stream(sql) as reader:
                self._db.fill(f"{service} {name}", reader)
        self._recompute_in_postgres(service, database)

    def _recompute_in_postgres(self, service: str, database: TargetDatabase) -> None:
        """Compare the checksums of the receipts with what PostgreSQL computes from its rows."""
        receipts: dict[tuple[str, str], int] = {}
        for receipt in ledger.receipts(database, self._record.run_id):
            key = (receipt.batch.entity, receipt.tenant)
            receipts[key] = receipts.get(key, 0) + int(receipt.checksum)
        for entity in self._of(service):
            found = {
                r["tenant"] or str(NIL): int(r["checksum"])
                for r in database.query(checksum.by_tenant(entity, self._catalog)).to_pylist()
            }
            for tenant in self._record.tenants:
                if receipts.get((entity.id, tenant), 0) != found.get(tenant, 0):
                    self._note(service, "checksum of the target rows", entity.id, tenant, "", "")

    def compare_service(self, service: str) -> None:
        """Compare rows, id map, quarantine, findings and raw values of one service."""
        entities = self._of(service)
        for table, columns in self._tables(service).items():
            selects = [
                expected.expected_rows(e, target, n)
                for e in entities
                for n, target in enumerate(e.targets)
                if target.table == table
            ]
            # A column that only another entry fills is NULL in these rows.
            blank = ", ".join(f"CAST(NULL AS {target_type(pg).duckdb}) AS {quote(c)}" for c, pg in columns.items())
            union = " UNION ALL BY NAME ".join([f"(SELECT {blank} WHERE false)", *selects])
            self._db.execute(f"CREATE VIEW {quote(f'expected {service}.{table}')} AS {union}")
            self._db.execute(compare.rows(service, table, columns))
            self._db.execute(compare.duplicates(service, table))
        mapped = [e for e in entities if e.derived_from is None]
        key = ("tenant", "entity", "legacy_key")
        note = (*key, "column_name", "label")
        for name, selects, keys, cells in (
            (
                "id_map",
                [expected.expected_id_map(e) for e in mapped],
                key,
                ("new_id", "source_hash", "target_hash"),
            ),
            ("quarantine", [expected.expected_rejects(e) for e in entities], key, ("reasons", "row")),
            ("finding", [s for e in entities for s in expected.expected_notes(e, Kind.FINDING)], note, ()),
            (
                "raw_value",
                [s for e in entities for s in expected.expected_notes(e, Kind.RAW)],
                note,
                ("raw",),
            ),
        ):
            unique = "UNION" if name in ("finding", "raw_value") else "UNION ALL"
            want = f" {unique} ".join(selects) or f"SELECT * FROM {quote(f'{service} {name}')} WHERE false"
            actual = f"SELECT * FROM {quote(f'{service} {name}')}"
            self._db.execute(
                compare.keyed(service, name.replace("_", " "), expected=want, actual=actual, keys=keys, cells=cells)
            )

    def references(self) -> None:
        """Look for references to no row, and into another tenant, within and across services."""
        for service in self._ws.services():
            for entity in self._of(service):
                for column in (*entity.references.values(), *entity.derivations.values()):
                    place = entity.place(str(column.to))
                    parents = column.references or (str(column.derived),)
                    known = " UNION ALL ".join(self._rows_of(self._catalog[p]) for p in parents)
                    for statement in compare.references(service, place.table, place.column, known):
                        self._db.execute(statement)

    def _rows_of(self, parent: Entity) -> str:
        if parent.id in self._record.entities:
            return f"SELECT id, tenant_id AS tenant FROM {quote(f'actual {parent.service}.{parent.target}')}"
        # A parent outside the selection: loaded earlier, or pending and known by its key.
        return (
            f"SELECT CAST(new_id AS UUID) AS id, CASE WHEN tenant <> '{NIL}' THEN CAST(tenant AS UUID) END AS tenant "
            f"FROM {quote(f'live {parent.id}/0')}"
        )

    def application_view(self) -> None:
        """Count, under the application's role, what each tenant sees in every table: its own rows and no other."""
        tenants = [t for t in self._record.tenants if t in {s.tenant_id for s in self._record.sources.values()}]
        for service in self._ws.services():
            tables = {t: has_shared_rows(self._catalog, service, t) for t in self._tables(service)}
            with self._ws.database(service) as owner:
                true = {
                    (r["tenant"], r["t"]): r["n"]
                    for r in owner.query(
                        " UNION ALL ".join(
                            f"SELECT tenant_id::text AS tenant, '{t}' AS t, count(*) AS n FROM {service}.{quote(t)} GROUP BY 1"
                            for t in tables
                        )
                    ).to_pylist()
                }
            try:
                with TargetDatabase(service, self._ws.settings.target_dsn(service), role=APP) as app:
                    for tenant in (*tenants, ""):
                        self._seen(service, app, tenant, tables, true)
            except TargetError as error:
                self._note(service, "the application's role cannot be used", error.what, "", "", "")

    def _seen(
        self,
        service: str,
        app: TargetDatabase,
        tenant: str,
        tables: dict[str, bool],
        true: dict[tuple[str | None, str], int],
    ) -> None:
        app.query(f"SELECT set_config('app.current_tenant', {quoted(tenant)}, true) AS x")
        counts = app.query(
            " UNION ALL ".join(f"SELECT '{t}' AS t, count(*) AS n FROM {service}.{quote(t)}" for t in tables)
        )
        app.commit()
        for row in counts.to_pylist():
            table = row["t"]
            own = true.get((tenant, table), 0) + (true.get((None, table), 0) if tables[table] else 0)
            if row["n"] != own:
                self._note(
                    service,
                    f"the application sees {row['n']} rows, {own} are its own",
                    f"{service}.{table}",
                    tenant,
                    "",
                    "",
                )

    # -- the verdict --------------------------------------------------------------------------------

    def verdict(self, *, seconds: float) -> Verdict:
        """Sum up what was expected, found and different."""
        listed = self._db.rows("SELECT * FROM difference ORDER BY service, entity, tenant, kind, legacy_key LIMIT 1000")
        counted = self._db.rows("SELECT service, tenant, count(*) AS n FROM difference GROUP BY 1, 2")
        return Verdict(
            run_id=self._record.run_id,
            entities=tuple(self._entity_parity()),
            differences=tuple(
                Difference(d["service"], d["kind"], d["entity"], d["tenant"], d["legacy_key"], d["column_name"])
                for d in listed
            ),
            outside=self._outside(),
            by_service={(c["service"], c["tenant"]): c["n"] for c in counted},
            seconds=seconds,
        )

    def _outside(self) -> int:
        """Count the login rows that were left where they are, for their district is not part of the run."""
        chosen = ", ".join(quoted(t) for t in self._record.tenants)
        return sum(
            self._db.rows(f'SELECT count(*) AS n FROM {quote(f"tagged {e}")} WHERE "#tenant" NOT IN ({chosen})')[0]["n"]
            for e in self._selected
            if self._catalog[e].source == "login"
        )

    def _entity_parity(self) -> Iterable[EntityParity]:
        for entity_id in self._selected:
            entity = self._catalog[entity_id]
            where = f"entity = {quoted(entity_id)}"
            if entity.derived_from is None:
                mapped = (
                    f"SELECT tenant, count(*) AS n FROM {quote(f'{entity.service} id_map')} WHERE {where} GROUP BY 1"
                )
            else:
                mapped = (
                    f"SELECT CAST(a.tenant_id AS VARCHAR) AS tenant, count(*) AS n FROM {quote(f'actual {entity.service}.{entity.target}')} a "
                    f'JOIN {quote(f"expected {entity.service}.{entity.target}")} e ON e.id = a.id WHERE e."#entity" = {quoted(entity_id)} GROUP BY 1'
                )
            rows = self._db.rows(
                f"SELECT x.tenant, x.n AS expected, coalesce(m.n, 0) AS mapped, coalesce(q.n, 0) AS rejected "
                f'FROM (SELECT "#tenant" AS tenant, count(*) AS n FROM {quote(f"judged {entity_id}")} GROUP BY 1) x '
                f"LEFT JOIN ({mapped}) m ON m.tenant = x.tenant LEFT JOIN (SELECT tenant, count(*) AS n "
                f"FROM {quote(f'{entity.service} quarantine')} WHERE {where} GROUP BY 1) q ON q.tenant = x.tenant ORDER BY 1"
            )
            for r in rows:
                yield EntityParity(entity.service, entity_id, r["tenant"], r["expected"], r["mapped"], r["rejected"])

    # -- small things -------------------------------------------------------------------------------

    def _of(self, service: str) -> list[Entity]:
        return [self._catalog[e] for e in self._selected if self._catalog[e].service == service]

    def _tables(self, service: str) -> dict[str, dict[str, str]]:
        used = {t.table for e in self._of(service) for t in e.targets}
        return {t: dict(c) for t, c in table_columns(self._catalog, service).items() if t in used}

    def _mine(self, service: str, table: str, tenants: str) -> str:
        """Restrict a table to the selection: its tenants, and its entities where others write there too."""
        shared = str(NIL) in self._record.tenants and has_shared_rows(self._catalog, service, table)
        where = f"(tenant_id IN ({tenants}){' OR tenant_id IS NULL' if shared else ''})"
        writers = self._catalog.writers(service, table)
        if all(w.id in self._record.entities for w in writers):
            return where
        told = [self._catalog.discriminator(w, table) for w in writers if w.id in self._record.entities]
        return where + " AND (" + " OR ".join(f"{quote(t[0])} = {quoted(t[1])}" for t in told if t) + ")"

    def _tenant(self, source: str) -> str:
        return self._record.sources[source].tenant_id or ""

    def _note(self, service: str, kind: str, entity: str, tenant: str, key: str, column: str) -> None:
        values = ", ".join(quoted(v) for v in (service, kind, entity, tenant, key, column))
        self._db.execute(f"INSERT INTO difference VALUES ({values})")


def _readable(column: str, pg: str) -> str:
    """Read what the driver cannot give exactly as text; uuids too, whose form DuckDB parses itself."""
    return f"{quote(column)}::text AS {quote(column)}" if pg.startswith(("numeric", "jsonb", "uuid")) else quote(column)


def _write(workspace: Workspace, verdict: Verdict) -> None:
    for service in workspace.services():
        with workspace.database(service) as database:
            loaded = {r.tenant for r in ledger.receipts(database, workspace.record.run_id)}
            for tenant in sorted(loaded):
                ledger.write_verification(
                    database,
                    workspace.record.run_id,
                    tenant,
                    service,
                    differences=verdict.differences_of(service, tenant),
                )
            database.commit()
