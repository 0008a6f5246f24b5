DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'migrator') THEN BEGIN CREATE ROLE migrator NOLOGIN BYPASSRLS; EXCEPTION WHEN insufficient_privilege THEN CREATE ROLE migrator NOLOGIN; GRANT migrator TO CURRENT_USER; END; END IF; END $$;

DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app NOLOGIN NOBYPASSRLS; END IF; END $$;

DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auditor') THEN CREATE ROLE auditor NOLOGIN NOBYPASSRLS; END IF; END $$;

DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'data_reader') THEN CREATE ROLE data_reader NOLOGIN NOBYPASSRLS; END IF; END $$;

CREATE SCHEMA IF NOT EXISTS student;

GRANT USAGE ON SCHEMA student TO migrator, app, data_reader;

REVOKE ALL ON SCHEMA student FROM auditor;

CREATE TABLE IF NOT EXISTS student."students" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "first_name" text,
    "middle_name" text,
    "last_name" text,
    "date_of_birth" date,
    "graduation_year" integer,
    "student_identifier" text,
    "student_identifier_key" text,
    "legacy_title_one_type_code" integer,
    "comment" text,
    "is_active" boolean,
    "district_id" uuid,
    "modified_by" text,
    "preferred_name" text,
    "home_phone" text,
    "email" text,
    "emergency_notes" text,
    "created_at" timestamptz NOT NULL,
    "created_at_basis" text NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    "deleted_at_basis" text,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "students_tenant" ON student."students" (tenant_id);

ALTER TABLE student."students" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."students";

CREATE POLICY tenant_isolation ON student."students" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."students";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."students" TO migrator, app;

GRANT SELECT ON student."students" TO data_reader;

REVOKE ALL ON student."students" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_demographics" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "legacy_ethnicity_code" integer,
    "gender" text,
    "legacy_gender_code" integer,
    "is_english_learner" boolean,
    "is_adsis" boolean,
    "is_gifted" boolean,
    "birth_city" text,
    "home_language" text,
    "ethnicity" text,
    "meal_status" text,
    "is_special_education" boolean,
    "created_at" timestamptz NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_demographics_tenant" ON student."student_demographics" (tenant_id);

ALTER TABLE student."student_demographics" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_demographics";

CREATE POLICY tenant_isolation ON student."student_demographics" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_demographics";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_demographics" TO migrator, app;

GRANT SELECT ON student."student_demographics" TO data_reader;

REVOKE ALL ON student."student_demographics" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_contacts" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "position" smallint,
    "first_name" text,
    "last_name" text,
    "relationship" text,
    "home_phone" text,
    "mobile_phone" text,
    "work_phone" text,
    "email" text,
    "is_primary" boolean,
    "created_at" timestamptz NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_contacts_tenant" ON student."student_contacts" (tenant_id);

ALTER TABLE student."student_contacts" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_contacts";

CREATE POLICY tenant_isolation ON student."student_contacts" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_contacts";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_contacts" TO migrator, app;

GRANT SELECT ON student."student_contacts" TO data_reader;

REVOKE ALL ON student."student_contacts" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_addresses" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "address_line_1" text,
    "address_line_2" text,
    "city" text,
    "state" text,
    "postal_code" text,
    "created_at" timestamptz NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_addresses_tenant" ON student."student_addresses" (tenant_id);

ALTER TABLE student."student_addresses" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_addresses";

CREATE POLICY tenant_isolation ON student."student_addresses" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_addresses";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_addresses" TO migrator, app;

GRANT SELECT ON student."student_addresses" TO data_reader;

REVOKE ALL ON student."student_addresses" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_current_enrollments" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "school_id" uuid,
    "grade_level_id" uuid,
    "enroll_date" date,
    "status" text,
    "created_at" timestamptz NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_current_enrollments_tenant" ON student."student_current_enrollments" (tenant_id);

ALTER TABLE student."student_current_enrollments" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_current_enrollments";

CREATE POLICY tenant_isolation ON student."student_current_enrollments" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_current_enrollments";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_current_enrollments" TO migrator, app;

GRANT SELECT ON student."student_current_enrollments" TO data_reader;

REVOKE ALL ON student."student_current_enrollments" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_enrollments" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "school_id" uuid,
    "school_year_id" uuid,
    "grade_level_id" uuid,
    "enroll_date" date,
    "withdraw_date" date,
    "modified_by" text,
    "created_at" timestamptz NOT NULL,
    "created_at_basis" text NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_enrollments_tenant" ON student."student_enrollments" (tenant_id);

ALTER TABLE student."student_enrollments" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_enrollments";

CREATE POLICY tenant_isolation ON student."student_enrollments" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_enrollments";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_enrollments" TO migrator, app;

GRANT SELECT ON student."student_enrollments" TO data_reader;

REVOKE ALL ON student."student_enrollments" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_notes" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "created_date" timestamptz,
    "text" text,
    "created_by" uuid,
    "created_at" timestamptz NOT NULL,
    "created_at_basis" text NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_notes_tenant" ON student."student_notes" (tenant_id);

ALTER TABLE student."student_notes" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_notes";

CREATE POLICY tenant_isolation ON student."student_notes" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_notes";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_notes" TO migrator, app;

GRANT SELECT ON student."student_notes" TO data_reader;

REVOKE ALL ON student."student_notes" FROM auditor;

CREATE TABLE IF NOT EXISTS student."attribute_types" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "attribute_name" text,
    "created_at" timestamptz NOT NULL,
    "created_at_basis" text NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "attribute_types_tenant" ON student."attribute_types" (tenant_id);

ALTER TABLE student."attribute_types" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."attribute_types";

CREATE POLICY tenant_isolation ON student."attribute_types" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."attribute_types";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."attribute_types" TO migrator, app;

GRANT SELECT ON student."attribute_types" TO data_reader;

REVOKE ALL ON student."attribute_types" FROM auditor;

CREATE TABLE IF NOT EXISTS student."attribute_values" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "attribute_type_id" uuid,
    "value_number" integer,
    "value" text,
    "description" text,
    "is_special_education" boolean,
    "is_default" boolean,
    "is_not_general_education" boolean,
    "created_at" timestamptz NOT NULL,
    "created_at_basis" text NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "attribute_values_tenant" ON student."attribute_values" (tenant_id);

ALTER TABLE student."attribute_values" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."attribute_values";

CREATE POLICY tenant_isolation ON student."attribute_values" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."attribute_values";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."attribute_values" TO migrator, app;

GRANT SELECT ON student."attribute_values" TO data_reader;

REVOKE ALL ON student."attribute_values" FROM auditor;

CREATE TABLE IF NOT EXISTS student."student_attributes" (
    "id" uuid NOT NULL,
    "tenant_id" uuid NOT NULL,
    "legacy_id" text NOT NULL,
    "student_id" uuid,
    "attribute_type_id" uuid,
    "attribute_value_id" uuid,
    "legacy_lookup_value_id" integer,
    "created_at" timestamptz NOT NULL,
    "created_at_basis" text NOT NULL,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "student_attributes_tenant" ON student."student_attributes" (tenant_id);

ALTER TABLE student."student_attributes" ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON student."student_attributes";

CREATE POLICY tenant_isolation ON student."student_attributes" USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid) WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

DROP POLICY IF EXISTS shared_rows ON student."student_attributes";

GRANT DELETE, INSERT, SELECT, UPDATE ON student."student_attributes" TO migrator, app;

GRANT SELECT ON student."student_attributes" TO data_reader;

REVOKE ALL ON student."student_attributes" FROM auditor;

DO $$ BEGIN IF NOT (SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = 'migrator') THEN
    GRANT CREATE ON SCHEMA student TO migrator;
    ALTER TABLE student."students" OWNER TO migrator;
    ALTER TABLE student."student_demographics" OWNER TO migrator;
    ALTER TABLE student."student_contacts" OWNER TO migrator;
    ALTER TABLE student."student_addresses" OWNER TO migrator;
    ALTER TABLE student."student_current_enrollments" OWNER TO migrator;
    ALTER TABLE student."student_enrollments" OWNER TO migrator;
    ALTER TABLE student."student_notes" OWNER TO migrator;
    ALTER TABLE student."attribute_types" OWNER TO migrator;
    ALTER TABLE student."attribute_values" OWNER TO migrator;
    ALTER TABLE student."student_attributes" OWNER TO migrator;
END IF; END $$;

CREATE SCHEMA IF NOT EXISTS migration;

CREATE TABLE IF NOT EXISTS migration.version (
    version integer NOT NULL,
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);

COMMENT ON TABLE migration.version IS 'one row: the version of the tables of this schema';

INSERT INTO migration.version (version)
    SELECT CASE WHEN to_regclass('migration.receipt') IS NULL THEN 2 ELSE 1 END
    ON CONFLICT DO NOTHING;

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
    'indexes that a table is filled without, and the statement that builds each again; no verdict while there are any';

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

COMMENT ON VIEW migration.audit_count IS 'how many findings, raw values and rejects there are, and of what';

GRANT USAGE ON SCHEMA migration TO migrator, auditor;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA migration TO migrator;

REVOKE INSERT, UPDATE, DELETE ON migration.pending_index FROM migrator;

REVOKE ALL ON ALL TABLES IN SCHEMA migration FROM auditor;

GRANT SELECT ON migration.version, migration.claim, migration.receipt, migration.verification, migration.audit_run, migration.audit_count TO auditor;
