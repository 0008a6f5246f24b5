"""What the target says has happened: runs, claims, receipts, id map, verdicts.

The authority for "loaded". Owns every statement on the `migration` schema but the rows that the load stage
ingests. Invariant: a receipt and its rows share one transaction; this module never commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import polars as pl
import pyarrow as pa
from pydantic import TypeAdapter

from pipeline.core.frame import TENANT
from pipeline.core.plan import Batch, RunRecord, load_batch_id
from pipeline.core.sql import ledger as ddl
from pipeline.core.structure import Baseline
from pipeline.errors import ClaimRefused, LedgerVersion
from pipeline.stores.arrow import to_frame
from pipeline.stores.target import TargetDatabase

_BASELINE = TypeAdapter(Baseline)
#: Tenant and entity: what a claim is of.
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """Which run holds an entity of a tenant, and whether it has loaded it to its end."""

    run: str
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one loaded batch moved."""

    batch: Batch
    tenant: str
    mapped: int
    rejected: int
    checksum: str
    entry_hash: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The command that writes to a database now, or did last."""

    epoch: int
    holder: str
    command: str
    backend: int
    since: str

    def __str__(self) -> str:
        """Say who, what and since when."""
        return f"`{self.command}` of {self.holder}, since {self.since}"


def exists(database: TargetDatabase) -> bool:
    """Say whether the database has a migration schema already.

    Raises:
        LedgerVersion: it is of another version.
    """
    found = version(database)
    if found not in (None, ddl.VERSION):
        raise LedgerVersion(
            where=f"service {database.service}",
            got=f"version {found}",
            expected=f"version {ddl.VERSION}",
            remedy="use the version of this program that wrote it, or a newer one"
            if found > ddl.VERSION
            else "`migrate run`, and every other command that writes, upgrades it in a transaction",
        )
    return found is not None


def version(database: TargetDatabase) -> int | None:
    """Read the version of the migration schema, None where there is none."""
    there = database.query(
        "SELECT to_regclass('migration.receipt') IS NOT NULL AS has_tables, "
        "to_regclass('migration.version') IS NOT NULL AS has_version"
    ).to_pylist()[0]
    if not there["has_version"]:
        return 1 if there["has_tables"] else None
    rows = database.query("SELECT version FROM migration.version").to_pylist()
    if len(rows) != 1:
        raise LedgerVersion(
            where=f"service {database.service}",
            got=f"{len(rows)} rows in migration.version",
            expected="one",
            remedy=f"the tables are of version {ddl.VERSION} where migration.quarantine has a column ordinal, else of "
            "version 1: leave one row that says so",
        )
    return int(rows[0]["version"])


def prepare(database: TargetDatabase) -> int | None:
    """Create the migration schema where there is none, upgrade an older one; the caller is its owner, and commits.

    Returns:
        The version that was upgraded, None where nothing was.

    Raises:
        LedgerVersion: it is newer than this program.
    """
    found = version(database)
    if found is not None and found < ddl.VERSION:
        for statement in ddl.upgrade(found):
            database.execute(statement)
        return found
    if not exists(database):
        for statement in ddl.statements():
            database.execute(statement)
    return None


def take_over(database: TargetDatabase, *, holder: str, command: str) -> int:
    """Write down who writes from now on, and give the epoch that begins; earlier holders cannot commit any more.

    The caller holds the advisory lock of the database.
    """
    rows = database.query(
        "INSERT INTO migration.holder AS h (epoch, holder, command, backend) "
        f"VALUES (1, {_text(holder)}, {_text(command)}, pg_backend_pid()) "
        "ON CONFLICT (is_only) DO UPDATE SET epoch = h.epoch + 1, holder = excluded.holder, "
        "command = excluded.command, backend = excluded.backend, since = excluded.since RETURNING epoch"
    ).to_pylist()
    return int(rows[0]["epoch"])


def holder(database: TargetDatabase, *, shared: bool = False) -> Holder | None:
    """Read who writes to the database, or did last; None where nobody has yet.

    Args:
        database: the database.
        shared: keep others from taking over until the transaction ends; the ledger is known to be there.
    """
    if not shared and not database.query("SELECT to_regclass('migration.holder') IS NOT NULL AS y").to_pylist()[0]["y"]:
        return None
    rows = database.query(
        "-- Which command holds the target, to be this one.\n"
        "SELECT epoch, holder, command, backend, "
        "to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"') AS since FROM migration.holder"
        + (" FOR SHARE" if shared else "")
    ).to_pylist()
    return Holder(**rows[0]) if rows else None


def knows_run(database: TargetDatabase, run_id: str) -> bool:
    """Say whether anything of a run has been loaded."""
    return bool(database.query(f"SELECT 1 FROM migration.run WHERE run_id = {_text(run_id)}").num_rows)


def record_run(database: TargetDatabase, record: RunRecord) -> None:
    """Copy the run record into the database, once."""
    database.execute(
        "INSERT INTO migration.run (run_id, record) VALUES ($1, $2::json) ON CONFLICT (run_id) DO NOTHING",
        [record.run_id, record.model_dump_json()],
    )


def baselines(database: TargetDatabase, service: str) -> list[Baseline]:
    """Read how the target differed from what the catalog promises when each run began, the first run first."""
    rows = database.query(
        f"SELECT (record -> 'structure' -> {_text(service)})::text AS x FROM migration.run "
        f"WHERE (record -> 'structure' -> {_text(service)}) IS NOT NULL ORDER BY started_at, run_id"
    )
    return [_BASELINE.validate_json(r["x"]) for r in rows.to_pylist()]


def claim(database: TargetDatabase, record: RunRecord, tenants: Sequence[str], entity: str) -> None:
    """Claim an entity of tenants for the run, in the order given.

    Raises:
        ClaimRefused: another run holds it, or has loaded it.
    """
    listed = ", ".join(f"({n}, {_text(tenant)}::uuid)" for n, tenant in enumerate(tenants))
    database.execute(
        f"INSERT INTO migration.claim SELECT t, $1, $2, 'open' FROM (VALUES {listed}) AS v (n, t) ORDER BY n "
        "ON CONFLICT DO NOTHING",
        [entity, record.run_id],
    )
    rows = database.query(
        "SELECT tenant_id::text AS t, run_id AS r, state = 'complete' AS c FROM migration.claim "
        f"WHERE entity = {_text(entity)} AND tenant_id IN (SELECT t FROM (VALUES {listed}) AS v (n, t))"
    ).to_pylist()
    held = {row["t"]: Claim(row["r"], row["c"]) for row in rows}
    others = [t for t in tenants if t not in held or held[t].run != record.run_id]
    if others:
        raise refused(others[0], entity, held.get(others[0]), others=len(others) - 1)


def records(database: TargetDatabase) -> list[tuple[str, str, bool]]:
    """Read the records of all runs: (run, record as JSON, whether its staged rows were purged)."""
    rows = database.query(
        "SELECT run_id AS r, record::text AS t, purged_at IS NOT NULL AS p FROM migration.run ORDER BY run_id"
    )
    return [(row["r"], row["t"], row["p"]) for row in rows.to_pylist()]


def refused(
    tenant: str, entity: str, held: Claim | None, *, others: int = 0, way_on: str | None = None
) -> ClaimRefused:
    """Say who holds an entity, and what to do."""
    run, done = (held.run, held.is_complete) if held else ("another run", False)
    return ClaimRefused(
        where=f"{entity}, tenant {tenant}" + (f" (and {others} more)" if others else ""),
        got=f"{'loaded' if done else 'being loaded'} by run {run}",
        expected="an entity that no other run holds",
        remedy=(way_on or f"continue that run: --run-id {run}")
        + (" (merging a new run into loaded rows is not built yet)" if done else ""),
    )


def claims(database: TargetDatabase) -> dict[Pair, Claim]:
    """Read all claims."""
    rows = database.query(
        "SELECT tenant_id::text AS t, entity AS e, run_id AS r, state = 'complete' AS c FROM migration.claim"
    )
    return {(row["t"], row["e"]): Claim(row["r"], row["c"]) for row in rows.to_pylist()}


def has_open_claims(database: TargetDatabase, run_id: str) -> bool:
    """Say whether the run holds an entity that it has not loaded to its end."""
    rows = database.query(
        f"SELECT EXISTS (SELECT FROM migration.claim WHERE run_id = {_text(run_id)} AND state = 'open') AS y"
    )
    return bool(rows.to_pylist()[0]["y"])


def complete(database: TargetDatabase, run_id: str, entities: Iterable[str], *, without: Collection[str] = ()) -> None:
    """Mark every claim of the run on some entities as complete, but those of some tenants."""
    for entity in entities:
        database.execute(
            "UPDATE migration.claim SET state = 'complete' WHERE run_id = $1 AND entity = $2 AND state = 'open' "
            "AND tenant_id::text <> ALL (string_to_array($3, ' '))",
            [run_id, entity, " ".join(without)],
        )


def write_receipts(database: TargetDatabase, record: RunRecord, receipts: Sequence[Receipt]) -> None:
    """Write the receipts of batches, in the transaction of their rows."""
    columns = {
        "batch_id": [load_batch_id(record.run_id, r.batch, r.tenant).bytes for r in receipts],
        "run_id": [record.run_id for _ in receipts],
        "tenant_id": [UUID(r.tenant).bytes for r in receipts],
        "entity": [r.batch.entity for r in receipts],
        "kind": ["load" for _ in receipts],
        "source": [r.batch.source for r in receipts],
        "number": [r.batch.number for r in receipts],
        "mapped": [r.mapped for r in receipts],
        "rejected": [r.rejected for r in receipts],
        "checksum": [r.checksum for r in receipts],
        "entry_hash": [r.entry_hash for r in receipts],
    }
    types = {"batch_id": pa.uuid(), "tenant_id": pa.uuid(), "number": pa.int32()}
    types |= dict.fromkeys(("mapped", "rejected"), pa.int64())
    rows = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    database.ingest("migration", "receipt", pa.table(rows))


def receipts(database: TargetDatabase, run_id: str) -> list[Receipt]:
    """Read the receipts of a run."""
    rows = database.query(
        "SELECT tenant_id::text AS tenant, entity, source, number, mapped, rejected, checksum, entry_hash "
        f"FROM migration.receipt WHERE run_id = {_text(run_id)} ORDER BY entity, source, number, tenant"
    )
    return [
        Receipt(
            Batch(r["source"], r["entity"], r["number"]),
            r["tenant"],
            r["mapped"],
            r["rejected"],
            r["checksum"],
            r["entry_hash"],
        )
        for r in rows.to_pylist()
    ]


def id_map(database: TargetDatabase, entity: str, tenants: Iterable[str]) -> pl.DataFrame:
    """Read the id map of one entity: columns TENANT, `legacy_key`, `new_id`, as text.

    A tenant whose rows of the entity are loaded has one more row, with an empty key: if only with rejects. One of whom
    a part is loaded has none, for who of the rest lives nobody knows.
    """
    return to_frame(database.query(id_map_query(entity, tenants)))


def id_map_query(entity: str, tenants: Iterable[str]) -> str:
    """Select what `id_map` reads."""
    listed = ", ".join(f"{_text(t)}::uuid" for t in tenants)
    loaded = f"migration.claim WHERE entity = {_text(entity)} AND tenant_id IN ({listed}) AND state = 'complete'"
    return (
        f'SELECT tenant_id::text AS "{TENANT}", legacy_key, new_id::text AS new_id FROM migration.id_map '
        f"WHERE entity = {_text(entity)} AND tenant_id IN (SELECT tenant_id FROM {loaded}) "
        f"UNION ALL SELECT tenant_id::text, '', NULL FROM {loaded}"
    )


def find_new_ids(database: TargetDatabase, entity: str, legacy_key: str) -> list[tuple[str, str]]:
    """Look a legacy key up: (tenant, new id) for every tenant that has it."""
    rows = database.query(
        "SELECT tenant_id::text AS t, new_id::text AS n FROM migration.id_map "
        f"WHERE entity = {_text(entity)} AND legacy_key = {_text(legacy_key)} ORDER BY 1"
    )
    return [(r["t"], r["n"]) for r in rows.to_pylist()]


def find_legacy(database: TargetDatabase, new_id: UUID) -> list[tuple[str, str, str]]:
    """Look a new id up: (tenant, entity, legacy key) of every legacy row that became it."""
    rows = database.query(
        "SELECT tenant_id::text AS t, entity AS e, legacy_key AS k FROM migration.id_map "
        f"WHERE new_id = '{new_id}'::uuid ORDER BY 1, 2, 3"
    )
    return [(r["t"], r["e"], r["k"]) for r in rows.to_pylist()]


def write_verifications(database: TargetDatabase, run_id: str, service: str, differences: Mapping[str, int]) -> None:
    """Write the verdicts in one service: tenant -> how many differences were found."""
    database.execute(
        "INSERT INTO migration.verification (run_id, tenant_id, service, parity, differences) "
        "SELECT $1, x.tenant, $2, x.n = 0, x.n FROM unnest(string_to_array($3, ',')::uuid[], "
        "string_to_array($4, ',')::bigint[]) AS x(tenant, n)",
        [run_id, service, ",".join(differences), ",".join(map(str, differences.values()))],
    )


def verified(database: TargetDatabase, run_id: str) -> set[str]:
    """Name the tenants whose last verdict of the run is parity, with no later receipt of what the run holds."""
    rows = database.query(
        "SELECT v.tenant_id::text AS t FROM (SELECT DISTINCT ON (tenant_id) * FROM migration.verification "
        f"WHERE run_id = {_text(run_id)} ORDER BY tenant_id, verified_at DESC) v WHERE v.parity AND NOT EXISTS ("
        "SELECT FROM migration.receipt r JOIN migration.claim c USING (tenant_id, entity) "
        "WHERE c.run_id = v.run_id AND r.tenant_id = v.tenant_id AND r.loaded_at > v.verified_at)"
    )
    return {r["t"] for r in rows.to_pylist()}


def loaded(database: TargetDatabase) -> dict[str, tuple[int, int]]:
    """Count what all runs have loaded of each tenant: rows mapped, and rows rejected."""
    rows = database.query(
        "SELECT tenant_id::text AS t, sum(mapped)::bigint AS m, sum(rejected)::bigint AS r "
        "FROM migration.receipt GROUP BY 1"
    )
    return {row["t"]: (row["m"], row["r"]) for row in rows.to_pylist()}


def differences(database: TargetDatabase) -> dict[str, int]:
    """Count the differences that each tenant's newest verdict found."""
    rows = database.query(
        "SELECT DISTINCT ON (tenant_id) tenant_id::text AS t, differences AS n FROM migration.verification "
        "ORDER BY tenant_id, verified_at DESC"
    )
    return {row["t"]: row["n"] for row in rows.to_pylist()}


def record_purge(database: TargetDatabase, run_id: str) -> None:
    """Note that the staged files of a run are gone."""
    database.execute("UPDATE migration.run SET purged_at = now() WHERE run_id = $1 AND purged_at IS NULL", [run_id])


def knows_purge(database: TargetDatabase, run_id: str) -> bool:
    """Say whether it is noted that the staged files of a run are gone, if anything of it was loaded."""
    rows = database.query(f"SELECT FROM migration.run WHERE run_id = {_text(run_id)} AND purged_at IS NULL")
    return not rows.to_pylist()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
