CREATE SCHEMA IF NOT EXISTS migration;

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
    PRIMARY KEY (tenant_id, entity, legacy_key)
);

COMMENT ON TABLE migration.quarantine IS 'rejected rows, whole; json and not jsonb, which refuses U+0000';

CREATE TABLE IF NOT EXISTS migration.verification (
    run_id text NOT NULL REFERENCES migration.run,
    tenant_id uuid NOT NULL,
    service text NOT NULL,
    parity boolean NOT NULL,
    differences bigint NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE migration.verification IS 'verdicts; void once a later receipt of the tenant exists';

GRANT USAGE ON SCHEMA migration TO migrator, auditor;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA migration TO migrator;

GRANT SELECT ON migration.run, migration.claim, migration.receipt, migration.verification TO auditor;
