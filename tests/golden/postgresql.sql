-- extract
SELECT (t."Id")::text AS "Id", (t."Row]Guid")::text AS "Row]Guid", (t."it's `a` ""code""")::text AS "it's `a` ""code""", CASE WHEN t."Größe" >= '0001-01-01' AND t."Größe" < '10000-01-01' THEN rtrim(left(to_char(t."Größe", 'YYYY-MM-DD HH24:MI:SS.US'), 20 + 3), '.') ELSE (t."Größe")::text END AS "Größe", (t."select")::numeric::text AS "select", CASE WHEN octet_length((t."Notes")::text) > 67108864 THEN NULL ELSE (t."Notes")::text END AS "Notes", CASE WHEN (t."At" AT TIME ZONE 'UTC') >= '0001-01-01' AND (t."At" AT TIME ZONE 'UTC') < '10000-01-01' THEN rtrim(left(to_char((t."At" AT TIME ZONE 'UTC'), 'YYYY-MM-DD HH24:MI:SS.US'), 20 + 6), '.') ELSE ((t."At" AT TIME ZONE 'UTC'))::text END AS "At", CASE WHEN octet_length((t."Notes")::text) > 67108864 THEN E'over max_value_bytes: Notes' END AS "#unfit" FROM "dbo"."Order Details" AS t WHERE (t."Id" > E'1' OR (t."Id" = E'1' AND (t."Row]Guid" > E'0e984725-c51c-4bf4-9960-e1c80e27aba0' OR (t."Row]Guid" = E'0e984725-c51c-4bf4-9960-e1c80e27aba0' AND t."it's `a` ""code""" >= E'it''s')))) AND t."Id" >= E'1' AND (t."Id" < E'5' OR (t."Id" = E'5' AND (t."Row]Guid" < E'0e984725-c51c-4bf4-9960-e1c80e27aba0' OR (t."Row]Guid" = E'0e984725-c51c-4bf4-9960-e1c80e27aba0' AND t."it's `a` ""code""" < E'''); DROP TABLE x; --')))) AND t."Id" <= E'5' ORDER BY t."Id", t."Row]Guid", t."it's `a` ""code""";

-- ranges
SELECT (r."Id")::text AS "Id", (r."Row]Guid")::text AS "Row]Guid", (r."it's `a` ""code""")::text AS "it's `a` ""code""" FROM (SELECT t."Id", t."Row]Guid", t."it's `a` ""code""", row_number() OVER (ORDER BY t."Id", t."Row]Guid", t."it's `a` ""code""") - 1 AS "#0" FROM "dbo"."Order Details" AS t) AS r WHERE r."#0" % 10000 = 0 ORDER BY r."#0";

-- count
SELECT CAST(0 AS text) AS "table", CAST(count(*) AS text) AS "count" FROM "dbo"."Order Details" AS t UNION ALL SELECT CAST(1 AS text) AS "table", CAST(count(*) AS text) AS "count" FROM "dbo"."Order Details" AS t WHERE (t."Notes" IS NULL);

-- fingerprint
SELECT '0' AS "table", count(*)::text AS "rows", coalesce(sum(hashtextextended((t.*)::text, 0)), 0)::text AS "checksum" FROM "dbo"."Order Details" AS t;

-- tables
WITH RECURSIVE domain (root, oid, typmod) AS (
    SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT d.root, t.typbasetype, CASE WHEN d.typmod >= 0 THEN d.typmod ELSE t.typtypmod END
    FROM domain d JOIN pg_type t ON t.oid = d.oid AND t.typtype = 'd'
), standing AS (
    SELECT d.root, d.oid, d.typmod FROM domain d JOIN pg_type t ON t.oid = d.oid AND t.typtype <> 'd'
)
SELECT n.nspname::text AS "schema", c.relname::text AS "table", a.attname::text AS "column",
       CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'c' THEN 'composite'
            WHEN b.typtype IN ('r', 'm') THEN 'range' WHEN b.typcategory = 'A' THEN 'array'
            WHEN b.typname = 'char' THEN 'one char' WHEN b.typname = 'interval' THEN 'interval'
            WHEN b.typnamespace = 'pg_catalog'::regnamespace
            THEN format_type(b.oid, CASE WHEN s.root IS NULL THEN a.atttypmod ELSE s.typmod END)
            ELSE b.typname::text END AS "type",
       CASE WHEN a.attnotnull THEN '1' ELSE '0' END AS "not_null",
       -- A slice counts from 1; what an index includes besides its key comes last.
       coalesce(array_position((i.indkey::int2[])[0:i.indnkeyatts - 1], a.attnum), 0)::text AS "key_position",
       -- ICU takes case for a difference of the third level, or of one of its own.
       CASE WHEN b.typname = 'citext' OR NOT l.collisdeterministic
            AND l.said ~ '(ks-level[12]|colstrength=(primary|secondary))'
            AND l.said !~ '(kc(-true|-[a-z]{2}-|$)|colcaselevel=yes)' THEN '0' ELSE '1' END AS "case_sensitive",
       CASE WHEN b.typname = 'bpchar' THEN '1' ELSE '0' END AS "pads",
       '' AS "collation",
       CASE WHEN c.relkind = 'r' AND c.relhassubclass THEN '1' ELSE '0' END AS "has_heirs"
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
JOIN pg_namespace n ON n.oid = c.relnamespace
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
     AND n.nspname NOT LIKE 'pg\_temp%'
LEFT JOIN standing s ON s.root = a.atttypid
JOIN pg_type b ON b.oid = coalesce(s.oid, a.atttypid)
LEFT JOIN (
    SELECT oid, collisdeterministic,
           -- Its locale, by the name that each version gives it.
           lower(coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate, '')) AS said
    FROM pg_collation c
) l ON l.oid = a.attcollation
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum;

-- foreign keys
SELECT k.conname::text AS "name", cn.nspname::text AS "schema", ct.relname::text AS "table",
       ca.attname::text AS "column", '' AS "parent_database",
       pn.nspname::text AS "parent_schema",
       pt.relname::text AS "parent_table", pa.attname::text AS "parent_column"
FROM pg_constraint k
JOIN pg_class ct ON ct.oid = k.conrelid
JOIN pg_namespace cn ON cn.oid = ct.relnamespace
JOIN pg_class pt ON pt.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pt.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (child, parent, position)
JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.child
JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.parent
WHERE k.contype = 'f' AND k.conparentid = 0 -- a table's own are handed down to its partitions
ORDER BY 2, 3, 1, u.position;

-- count, of one schema
SELECT CAST(0 AS text) AS "table", CAST(count(*) AS text) AS "count" FROM "Tenant '3'"."Order Details" AS t;

-- tables, of one schema
WITH RECURSIVE domain (root, oid, typmod) AS (
    SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT d.root, t.typbasetype, CASE WHEN d.typmod >= 0 THEN d.typmod ELSE t.typtypmod END
    FROM domain d JOIN pg_type t ON t.oid = d.oid AND t.typtype = 'd'
), standing AS (
    SELECT d.root, d.oid, d.typmod FROM domain d JOIN pg_type t ON t.oid = d.oid AND t.typtype <> 'd'
)
SELECT E'dbo' AS "schema", c.relname::text AS "table", a.attname::text AS "column",
       CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'c' THEN 'composite'
            WHEN b.typtype IN ('r', 'm') THEN 'range' WHEN b.typcategory = 'A' THEN 'array'
            WHEN b.typname = 'char' THEN 'one char' WHEN b.typname = 'interval' THEN 'interval'
            WHEN b.typnamespace = 'pg_catalog'::regnamespace
            THEN format_type(b.oid, CASE WHEN s.root IS NULL THEN a.atttypmod ELSE s.typmod END)
            ELSE b.typname::text END AS "type",
       CASE WHEN a.attnotnull THEN '1' ELSE '0' END AS "not_null",
       -- A slice counts from 1; what an index includes besides its key comes last.
       coalesce(array_position((i.indkey::int2[])[0:i.indnkeyatts - 1], a.attnum), 0)::text AS "key_position",
       -- ICU takes case for a difference of the third level, or of one of its own.
       CASE WHEN b.typname = 'citext' OR NOT l.collisdeterministic
            AND l.said ~ '(ks-level[12]|colstrength=(primary|secondary))'
            AND l.said !~ '(kc(-true|-[a-z]{2}-|$)|colcaselevel=yes)' THEN '0' ELSE '1' END AS "case_sensitive",
       CASE WHEN b.typname = 'bpchar' THEN '1' ELSE '0' END AS "pads",
       '' AS "collation",
       CASE WHEN c.relkind = 'r' AND c.relhassubclass THEN '1' ELSE '0' END AS "has_heirs"
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT (c.relispartition AND EXISTS (SELECT FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = c.oid AND p.relnamespace = c.relnamespace))
JOIN pg_namespace n ON n.oid = c.relnamespace
     AND n.nspname = E'Tenant ''3'''
LEFT JOIN standing s ON s.root = a.atttypid
JOIN pg_type b ON b.oid = coalesce(s.oid, a.atttypid)
LEFT JOIN (
    SELECT oid, collisdeterministic,
           -- Its locale, by the name that each version gives it.
           lower(coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate, '')) AS said
    FROM pg_collation c
) l ON l.oid = a.attcollation
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum;

-- foreign keys, of one schema
SELECT k.conname::text AS "name", E'dbo' AS "schema", ct.relname::text AS "table",
       ca.attname::text AS "column", CASE WHEN pn.nspname::text = E'Tenant ''3''' THEN '' ELSE pn.nspname::text END AS "parent_database",
       E'dbo' AS "parent_schema",
       pt.relname::text AS "parent_table", pa.attname::text AS "parent_column"
FROM pg_constraint k
JOIN pg_class ct ON ct.oid = k.conrelid
JOIN pg_namespace cn ON cn.oid = ct.relnamespace
JOIN pg_class pt ON pt.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pt.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (child, parent, position)
JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.child
JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.parent
WHERE k.contype = 'f' AND k.conparentid = 0 AND cn.nspname = E'Tenant ''3''' -- a table's own are handed down to its partitions
ORDER BY 2, 3, 1, u.position;

-- estimates, of one schema
SELECT E'dbo' AS "schema", c.relname::text AS "table", coalesce(sum(
           CASE WHEN p.reltuples >= 0 THEN p.reltuples::bigint ELSE pg_stat_get_live_tuples(p.oid) END
       )::text, '') AS "rows"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL pg_partition_tree(c.oid) t ON c.relkind = 'p' AND t.isleaf
JOIN pg_class p ON p.oid = coalesce(t.relid, c.oid)
WHERE c.relkind IN ('r', 'p') AND NOT (c.relispartition AND EXISTS (SELECT FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = c.oid AND p.relnamespace = c.relnamespace)) AND n.nspname = E'Tenant ''3'''
GROUP BY 1, 2 ORDER BY 1, 2;
