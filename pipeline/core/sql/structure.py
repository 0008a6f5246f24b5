"""The query that asks a service's database what it is made of, a row a fact. Text only.

It reads the server's catalog alone, and is to run under `SETTINGS`: what PostgreSQL writes of an expression depends on
them, names on the search path most of all.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.core.sql.ddl import APP, AUDITOR, DATA_READER, MIGRATOR
from pipeline.core.sql.ledger import AUDITED
from pipeline.core.text import quoted

#: Setting -> value, for the transaction that asks.
SETTINGS = {
    "search_path": "pg_catalog",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
}

# Tables, and what of them decides on values, rows and who sees them. Of the ledger less is asked: its form is its
# version's own.
_FACTS = """
WITH RECURSIVE t AS (
    SELECT c.*, c.oid AS rel, n.nspname || '.' || c.relname AS place, n.nspname = 'migration' AS ledger
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (
        n.nspname = {schema} AND c.relname IN ({tables}) OR n.nspname = 'migration' AND c.relkind IN ('r', 'p'))
), own AS (SELECT * FROM t WHERE NOT ledger),
granted AS (
    SELECT rel, place, relowner, relacl FROM t
    UNION ALL SELECT c.oid, 'migration.' || c.relname, c.relowner, c.relacl FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('migration') AND c.relkind = 'v' AND c.relname IN ({audited})
),
seeing AS (
    SELECT rel, place, rel AS view FROM t
    UNION
    SELECT s.rel, s.place, r.ev_class FROM seeing s JOIN pg_depend d
        ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid
),
kin AS (
    SELECT place, rel AS child FROM own
    UNION ALL SELECT k.place, i.inhrelid FROM kin k JOIN pg_inherits i ON i.inhparent = k.child
),
strong AS (
    SELECT oid, rolname::text AS name FROM pg_roles WHERE rolname IN ('{migrator}', 'pg_read_all_data',
        'pg_write_all_data', 'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
    UNION ALL SELECT DISTINCT relowner, 'the owner of tables' FROM own
)
SELECT place, 'relation' AS aspect, '' AS name, CASE relkind
    WHEN 'r' THEN CASE relpersistence WHEN 'u' THEN 'unlogged table' WHEN 't' THEN 'temporary table' ELSE 'table' END
    WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END
    AS value FROM t
UNION ALL SELECT place, 'storage', '', array_to_string(reloptions, ', ') FROM own WHERE reloptions IS NOT NULL
UNION ALL SELECT place, 'comment', '', md5(obj_description(rel, 'pg_class')) FROM own
    WHERE obj_description(rel, 'pg_class') IS NOT NULL
UNION ALL SELECT place, 'row security', '', CASE WHEN relrowsecurity THEN 'on' ELSE 'off' END FROM own
UNION ALL SELECT place, 'force', '', 'on' FROM own WHERE relforcerowsecurity
UNION ALL SELECT place, 'not null', a.attname, ''
    FROM own JOIN pg_attribute a ON a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
UNION ALL SELECT place, 'identity', a.attname, a.attidentity::text
    FROM own JOIN pg_attribute a ON a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity <> ''
UNION ALL SELECT place, CASE a.attgenerated WHEN '' THEN 'default' ELSE 'generated' END, a.attname,
        pg_get_expr(d.adbin, d.adrelid)
    FROM own JOIN pg_attrdef d ON d.adrelid = rel
    JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = d.adnum AND NOT a.attisdropped
UNION ALL SELECT place, 'primary key', pg_get_constraintdef(k.oid), ''
    FROM t JOIN pg_constraint k ON k.conrelid = rel AND k.contype = 'p'
UNION ALL SELECT place, CASE WHEN k.contype = 'f' AND NOT (k.confdeltype IN ('a', 'r') AND k.confupdtype IN ('a', 'r'))
        THEN 'acting foreign key' ELSE 'constraint' END, k.conname, pg_get_constraintdef(k.oid)
    FROM own JOIN pg_constraint k ON k.conrelid = rel AND k.contype IN ('u', 'c', 'f', 'x')
UNION ALL SELECT DISTINCT place, 'index', CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || regexp_replace(
        split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2), ' (WITH \\([^)]*\\)|TABLESPACE \\S+)', '', 'g'), ''
    FROM own JOIN pg_index i ON i.indrelid = rel AND NOT i.indisprimary AND i.indisvalid AND i.indisready
UNION ALL SELECT place, 'trigger', g.tgname, md5(g.tgenabled::text || pg_get_triggerdef(g.oid) || f.prosrc)
    FROM t JOIN pg_trigger g ON g.tgrelid = rel AND NOT g.tgisinternal JOIN pg_proc f ON f.oid = g.tgfoid
UNION ALL SELECT place, 'rule', w.rulename, md5(w.ev_enabled::text || pg_get_ruledef(w.oid))
    FROM t JOIN pg_rewrite w ON w.ev_class = rel AND w.rulename <> '_RETURN'
UNION ALL SELECT place, 'child', i.inhrelid::regclass::text, c.relkind::text || c.relpersistence::text
    FROM t JOIN pg_inherits i ON i.inhparent = rel JOIN pg_class c ON c.oid = i.inhrelid
UNION ALL SELECT place, 'parent', i.inhparent::regclass::text, ''
    FROM t JOIN pg_inherits i ON i.inhrelid = rel
UNION ALL SELECT place, 'policy', p.polname, json_build_object(
        'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
            WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        'permissive', p.polpermissive,
        'roles', (SELECT json_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END)
            FROM unnest(p.polroles) r),
        'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))::text
    FROM t JOIN pg_policy p ON p.polrelid = rel
UNION ALL SELECT place, 'grant', coalesce(pg_get_userbyid(nullif(x.grantee, 0))::text, 'PUBLIC'),
        string_agg(DISTINCT x.privilege_type || {option}, ', ' ORDER BY x.privilege_type || {option})
    FROM granted, aclexplode(relacl) x
    WHERE x.grantee <> relowner AND x.grantee <> coalesce(to_regrole('{migrator}'), 0) GROUP BY place, x.grantee
UNION ALL SELECT DISTINCT k.place, 'grant on a child',
        coalesce(pg_get_userbyid(nullif(x.grantee, 0))::text, 'PUBLIC') || ' on ' || c.oid::regclass, ''
    FROM kin k JOIN pg_class c ON c.oid = k.child AND k.place <> c.relnamespace::regnamespace || '.' || c.relname,
    aclexplode(c.relacl) x WHERE x.grantee <> c.relowner AND x.grantee <> coalesce(to_regrole('{migrator}'), 0)
UNION ALL SELECT place, 'grant on columns', coalesce(pg_get_userbyid(nullif(x.grantee, 0))::text, 'PUBLIC'),
        string_agg(DISTINCT x.privilege_type || ' (' || a.attname || ')' || {option}, ', ')
    FROM granted JOIN pg_attribute a ON a.attrelid = rel AND NOT a.attisdropped, aclexplode(a.attacl) x
    WHERE x.grantee <> relowner AND x.grantee <> coalesce(to_regrole('{migrator}'), 0) GROUP BY place, x.grantee
UNION ALL SELECT DISTINCT s.place, 'view', v.oid::regclass::text, json_build_object(
        'invoker', coalesce(v.reloptions, '{{}}') && '{{security_invoker=true,security_invoker=on,security_invoker=1}}',
        'grantees', (SELECT coalesce(json_agg(g ORDER BY g), '[]') FROM (
            SELECT DISTINCT coalesce(pg_get_userbyid(nullif(x.grantee, 0))::text, 'PUBLIC') AS g
            FROM (SELECT * FROM aclexplode(v.relacl) UNION ALL SELECT y.* FROM pg_attribute a, aclexplode(a.attacl) y
                WHERE a.attrelid = v.oid AND NOT a.attisdropped) x WHERE x.grantee <> v.relowner) x),
        'definition', md5(pg_get_viewdef(v.oid)))::text
    FROM seeing s JOIN pg_class v ON v.oid = s.view AND v.relkind IN ('v', 'm') AND v.oid <> s.rel
    WHERE v.oid NOT IN (SELECT to_regclass('migration.' || a) FROM unnest(ARRAY[{audited}]) a
        WHERE to_regclass('migration.' || a) IS NOT NULL)
UNION ALL SELECT DISTINCT s.place, 'rule elsewhere', w.rulename || ' on ' || w.ev_class::regclass,
        md5(w.ev_enabled::text || pg_get_ruledef(w.oid))
    FROM seeing s JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view
        AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> s.view AND w.rulename <> '_RETURN'
UNION ALL SELECT {schema}, 'login trigger', e.evtname, md5(e.evtenabled::text || f.prosrc)
    FROM pg_event_trigger e JOIN pg_proc f ON f.oid = e.evtfoid WHERE e.evtevent = 'login'
UNION ALL SELECT {schema}, 'definer function', f.oid::regprocedure::text,
        md5(CASE f.prosrc WHEN '' THEN pg_get_functiondef(f.oid) ELSE f.prosrc END || f.proowner::regrole::text)
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
    WHERE f.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
UNION ALL SELECT {schema}, 'default tenant', coalesce(setrole::regrole::text, 'every role'), '' FROM (
        SELECT nullif(setrole, 0) AS setrole, unnest(setconfig) AS given FROM pg_db_role_setting
        WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) s
    WHERE given ~* '^app[.]current_tenant=.'
UNION ALL SELECT {schema}, 'default tenant', 'whoever connects', ''
    WHERE current_setting('app.current_tenant', true) <> ''
UNION ALL SELECT {schema}, 'membership', r.rolname || ' in ' || m.rolname, '' FROM pg_roles r JOIN pg_roles m
    ON r.rolname IN ({bound}) AND NOT r.rolsuper AND m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')
UNION ALL SELECT {schema}, 'power', r.rolname, p.power FROM pg_roles r, LATERAL (
        SELECT 'is a superuser' AS power WHERE r.rolsuper
        UNION ALL SELECT 'has BYPASSRLS' WHERE r.rolbypassrls AND NOT r.rolsuper AND (r.rolname IN ({bound})
            OR EXISTS (SELECT FROM own WHERE has_table_privilege(r.oid, rel, 'SELECT, INSERT, UPDATE, DELETE')))
        UNION ALL SELECT 'has CREATEROLE' WHERE r.rolcreaterole AND NOT r.rolsuper
            AND (r.rolname IN ({bound}) OR current_setting('server_version_num')::integer < 160000)
        UNION ALL SELECT 'has REPLICATION' WHERE r.rolreplication AND NOT r.rolsuper
        UNION ALL SELECT 'may act as ' || s.name FROM strong s
            WHERE NOT r.rolsuper AND s.oid <> r.oid AND pg_has_role(r.oid, s.oid, 'MEMBER')
        UNION ALL SELECT 'owns the schema ' || n.nspname FROM pg_namespace n
            WHERE n.nspowner = r.oid AND n.nspname IN ({schema}, 'migration') AND r.rolname IN ({bound})
        UNION ALL SELECT 'owns the database' FROM pg_database d
            WHERE d.datdba = r.oid AND d.datname = current_database() AND r.rolname IN ({bound})
        UNION ALL SELECT 'owns tables' WHERE r.rolname IN ({bound}) AND r.oid IN (SELECT relowner FROM own)
    ) p
    WHERE r.rolname !~ '^pg_' AND r.oid <> 10 AND r.rolname <> '{migrator}'
        AND (r.rolname IN ({bound}) OR r.oid NOT IN (SELECT relowner FROM own))
"""


def facts(service: str, tables: Collection[str]) -> str:
    """Select `place`, `aspect`, `name` and `value` of all that is so of a service's tables, the ledger and roles."""
    return _FACTS.format(
        schema=quoted(service),
        tables=", ".join(map(quoted, tables)) or "NULL",
        migrator=MIGRATOR,
        bound=", ".join(map(quoted, (APP, AUDITOR, DATA_READER))),
        audited=", ".join(map(quoted, AUDITED)),
        option="CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END",
    )
