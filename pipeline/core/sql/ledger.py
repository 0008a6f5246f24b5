"""The `migration` schema of every service database, as SQL that a psql user can read. Text only.

A receipt is written in the transaction of the rows it speaks of, so that a kill leaves all of a batch or none.
Nothing here is granted to the application. The auditor reads runs, claims, receipts, verdicts and counts, and no
table that holds a row, a key or a raw value; a run's record holds the first keys of its batches. Invariant: whoever
changes a table changes it twice, in the tables and in the upgrade from the last released version; both end alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipeline.core.sql.ddl import AUDITOR, MIGRATOR

#: Table -> its columns, as PostgreSQL types; what is ingested from staged files follows these orders.
ID_MAP_COLUMNS = {
    "tenant_id": "uuid",
    "entity": "text",
    "legacy_key": "text",
    "new_id": "uuid",
    "batch_id": "uuid",
    "source_hash": "uuid",
    "target_hash": "uuid",
}

#: The version of the tables below.
VERSION = 2

# Said before the tables are made: those of the first version did not say which they are.
_VERSION = """
CREATE TABLE IF NOT EXISTS migration.version (
    version integer NOT NULL,
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);
COMMENT ON TABLE migration.version IS 'one row: the version of the tables of this schema';
INSERT INTO migration.version (version)
    SELECT CASE WHEN to_regclass('migration.receipt') IS NULL THEN {version} ELSE 1 END
    ON CONFLICT DO NOTHING
"""

_TABLES = """
CREATE TABLE IF NOT EXISTS migration.holder (
    epoch bigint NOT NULL,
    holder text NOT NULL,
    command text NOT NULL,
    backend integer NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);
COMMENT ON TABLE migration.holder IS
    'one row: the command that writes now, or did last; each commit reads its epoch, and another''s is refused';

CREATE TABLE IF NOT EXISTS migration.run (
    run_id text PRIMARY KEY,
    record json NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    purged_at timestamptz
);
COMMENT ON TABLE migration.run IS 'one row a run: what it worked on, copied here in its first commit';

CREATE TABLE IF NOT EXISTS migration.claim (
    tenant_id uuid NOT NULL,
    entity text NOT NULL,
    run_id text NOT NULL REFERENCES migration.run,
    state text NOT NULL CHECK (state IN ('open', 'complete')),
    PRIMARY KEY (tenant_id, entity)
);
COMMENT ON TABLE migration.claim IS 'which run may write an entity of a tenant; while open, no other run may';

CREATE TABLE IF NOT EXISTS migration.receipt (
    batch_id uuid PRIMARY KEY,
    run_id text NOT NULL REFERENCES migration.run,
    tenant_id uuid NOT NULL,
    entity text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    number integer NOT NULL,
    mapped bigint NOT NULL,
    rejected bigint NOT NULL,
    checksum text NOT NULL,
    entry_hash text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tenant_id, entity, run_id, kind, source, number)
);
COMMENT ON TABLE migration.receipt IS 'one row a loaded batch, committed with the rows it speaks of';
COMMENT ON COLUMN migration.receipt.checksum IS
    'sum of the first 48 bits of the target hash, over the batch''s legacy rows (or derived rows)';

CREATE TABLE IF NOT EXISTS migration.id_map (
    tenant_id uuid NOT NULL,
    entity text NOT NULL,
    legacy_key text NOT NULL,
    new_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    source_hash uuid NOT NULL,
    target_hash uuid,
    PRIMARY KEY (tenant_id, entity, legacy_key)
);
CREATE INDEX IF NOT EXISTS id_map_new_id ON migration.id_map (new_id);
COMMENT ON TABLE migration.id_map IS
    'every legacy row that lives on, and its new id; shared rows have the nil uuid as tenant';

CREATE TABLE IF NOT EXISTS migration.finding (
    batch_id uuid NOT NULL,
    column_name text NOT NULL,
    hazard text NOT NULL,
    keys text[] NOT NULL,
    PRIMARY KEY (batch_id, column_name, hazard)
);
CREATE TABLE IF NOT EXISTS migration.raw_value (
    batch_id uuid NOT NULL,
    column_name text NOT NULL,
    rule text NOT NULL,
    keys text[] NOT NULL,
    raws bytea[] NOT NULL,
    PRIMARY KEY (batch_id, column_name, rule)
);
COMMENT ON TABLE migration.raw_value IS
    'the source''s own text, where the target value cannot give it back; keys[i] belongs to raws[i]';

CREATE TABLE IF NOT EXISTS migration.quarantine (
    batch_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    entity text NOT NULL,
    legacy_key text NOT NULL,
    reasons text[] NOT NULL,
    "row" json NOT NULL,
    source_hash uuid NOT NULL,
    ordinal integer NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, entity, legacy_key, ordinal)
);
COMMENT ON TABLE migration.quarantine IS
    'rejected rows, whole; json and not jsonb, which refuses U+0000; the ordinal tells the rows of one key apart';

CREATE TABLE IF NOT EXISTS migration.verification (
    run_id text NOT NULL REFERENCES migration.run,
    tenant_id uuid NOT NULL,
    service text NOT NULL,
    parity boolean NOT NULL,
    differences bigint NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE migration.verification IS 'verdicts; void once a later receipt of the tenant exists';

CREATE TABLE IF NOT EXISTS migration.pending_index (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    name text NOT NULL,
    statement text NOT NULL,
    PRIMARY KEY (schema_name, table_name, name)
);
COMMENT ON TABLE migration.pending_index IS
    'indexes that a table is filled without, and the statement that builds each again; no verdict while there are any'
"""

_AUDIT_VIEWS = """
CREATE OR REPLACE VIEW migration.audit_run AS
    SELECT run_id, started_at, purged_at, record ->> 'as_of' AS as_of, record -> 'selection' AS selection,
        record -> 'sources' AS sources, record -> 'target' AS target, record -> 'tenants' AS tenants,
        record -> 'entities' AS entities, record -> 'counts' AS counts
    FROM migration.run;
COMMENT ON VIEW migration.audit_run IS 'runs without what of their record holds keys';

CREATE OR REPLACE VIEW migration.audit_count AS
    SELECT r.run_id, r.tenant_id, r.entity, 'finding' AS kind, f.column_name, f.hazard AS label,
        sum(cardinality(f.keys)) AS legacy_rows
    FROM migration.finding f JOIN migration.receipt r USING (batch_id) GROUP BY 1, 2, 3, 5, 6
    UNION ALL
    SELECT r.run_id, r.tenant_id, r.entity, 'raw value', v.column_name, v.rule, sum(cardinality(v.keys))
    FROM migration.raw_value v JOIN migration.receipt r USING (batch_id) GROUP BY 1, 2, 3, 5, 6
    UNION ALL
    SELECT r.run_id, q.tenant_id, q.entity, 'reject', NULL, array_to_string(q.reasons, '; '), count(*)
    FROM migration.quarantine q JOIN migration.receipt r USING (batch_id) GROUP BY 1, 2, 3, 6;
COMMENT ON VIEW migration.audit_count IS 'how many findings, raw values and rejects there are, and of what'
"""

#: What the auditor may read; nothing else of the target.
AUDITED = ("version", "claim", "receipt", "verification", "audit_run", "audit_count")

#: Version -> what brings its tables to the next one, once those that it lacked are made.
_UPGRADES: Mapping[int, str] = {
    1: """
ALTER TABLE migration.quarantine ADD COLUMN IF NOT EXISTS ordinal integer NOT NULL DEFAULT 1;
ALTER TABLE migration.quarantine DROP CONSTRAINT quarantine_pkey,
    ADD PRIMARY KEY (tenant_id, entity, legacy_key, ordinal)
""",
}


def columns() -> Mapping[str, Mapping[str, str]]:
    """Give the tables of the schema with their columns and types."""
    column = re.compile(r'^    "?([a-z_]+)"? ([a-z]+(?:\[\])?)(?=[ ,])', re.MULTILINE)
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS migration\.(\w+) \(\n(.*?)\n\);", _TABLES, re.DOTALL)
    return {name: dict(column.findall(lines)) for name, lines in tables}


def audit_views() -> Mapping[str, str]:
    """Give the SELECT of each view of the schema."""
    made = re.compile(r"CREATE OR REPLACE VIEW migration\.(\w+) AS\n(.*?);\n", re.DOTALL)
    return dict(made.findall(_AUDIT_VIEWS))


def statements() -> Iterator[str]:
    """Create the migration schema where it is missing, a statement at a time; an older one stays of its version."""
    yield "CREATE SCHEMA IF NOT EXISTS migration"
    yield from _split(_VERSION.format(version=VERSION))
    yield from _split(_TABLES)
    yield from _split(_AUDIT_VIEWS)
    yield f"GRANT USAGE ON SCHEMA migration TO {MIGRATOR}, {AUDITOR}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA migration TO {MIGRATOR}"
    # What stands there is run as a statement of the owner's.
    yield f"REVOKE INSERT, UPDATE, DELETE ON migration.pending_index FROM {MIGRATOR}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA migration FROM {AUDITOR}"
    yield f"GRANT SELECT ON {', '.join(f'migration.{name}' for name in AUDITED)} TO {AUDITOR}"


def primary_keys() -> Mapping[str, str]:
    """Give the columns of each table's primary key, as they are written."""
    keys: dict[str, str] = {}
    for statement in (*_split(_VERSION), *_split(_TABLES)):
        table = re.match(r"CREATE TABLE IF NOT EXISTS migration\.(\w+) ", statement)
        key = re.search(r"PRIMARY KEY \(([^)]*)\)|\n +(\w+) [^\n]*PRIMARY KEY", statement)
        if table and key:
            keys[table[1]] = key[1] or key[2]
    return keys


def upgrade(version: int) -> Iterator[str]:
    """Bring the schema from an older version to the present one, a statement at a time, in one transaction."""
    yield from statements()
    for older in range(version, VERSION):
        yield from _split(_UPGRADES[older])
    yield f"UPDATE migration.version SET version = {VERSION}"


def _split(script: str) -> Iterator[str]:
    for statement in script.split(";\n"):
        if statement.strip():
            yield statement.strip().removesuffix(";")
