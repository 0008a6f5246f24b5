-- extract
/*M! SET STATEMENT max_statement_time = 60, time_zone = '+00:00', sql_mode = '', max_sort_length = 8388608 FOR */ SELECT /*+ MAX_EXECUTION_TIME(60000) */ CAST(t.`Id` + 0 AS CHAR) AS `Id`, CONVERT(t.`Row]Guid` USING utf8mb4) AS `Row]Guid`, CONVERT(t.`it's ``a`` "code"` USING utf8mb4) AS `it's ``a`` "code"`, CAST(t.`Größe` AS CHAR) AS `Größe`, CAST(t.`select` + 0 AS CHAR) AS `select`, CASE WHEN (LENGTH(t.`Notes`) > 67108864 OR (t.`Notes` IS NOT NULL AND CONVERT(t.`Notes` USING utf8mb4) IS NULL)) THEN NULL ELSE CONVERT(t.`Notes` USING utf8mb4) END AS `Notes`, CASE WHEN UNIX_TIMESTAMP(t.`At`) = 0 THEN '0000-00-00 00:00:00' ELSE CAST(TIMESTAMP'1970-01-01 00:00:00' + INTERVAL UNIX_TIMESTAMP(t.`At`) SECOND AS CHAR) END AS `At`, CASE WHEN (LENGTH(t.`Notes`) > 67108864 OR (t.`Notes` IS NOT NULL AND CONVERT(t.`Notes` USING utf8mb4) IS NULL)) THEN _utf8mb4 X'6f766572206d61785f76616c75655f62797465733a204e6f746573' END AS `#unfit` FROM `Order Details` AS t WHERE (t.`Id` > 1 OR (t.`Id` = 1 AND (t.`Row]Guid` > _utf8mb4 X'30653938343732352d633531632d346266342d393936302d653163383065323761626130' OR (t.`Row]Guid` = _utf8mb4 X'30653938343732352d633531632d346266342d393936302d653163383065323761626130' AND t.`it's ``a`` "code"` >= _utf8mb4 X'69742773')))) AND t.`Id` >= 1 AND (t.`Id` < 5 OR (t.`Id` = 5 AND (t.`Row]Guid` < _utf8mb4 X'30653938343732352d633531632d346266342d393936302d653163383065323761626130' OR (t.`Row]Guid` = _utf8mb4 X'30653938343732352d633531632d346266342d393936302d653163383065323761626130' AND t.`it's ``a`` "code"` < _utf8mb4 X'27293b2044524f50205441424c4520783b202d2d')))) AND t.`Id` <= 5 ORDER BY t.`Id`, t.`Row]Guid`, t.`it's ``a`` "code"`;

-- ranges
/*M! SET STATEMENT max_statement_time = 60, time_zone = '+00:00', sql_mode = '', max_sort_length = 8388608 FOR */ SELECT /*+ MAX_EXECUTION_TIME(60000) */ CAST(r.`Id` + 0 AS CHAR) AS `Id`, CONVERT(r.`Row]Guid` USING utf8mb4) AS `Row]Guid`, CONVERT(r.`it's ``a`` "code"` USING utf8mb4) AS `it's ``a`` "code"` FROM (SELECT t.`Id`, t.`Row]Guid`, t.`it's ``a`` "code"`, row_number() OVER (ORDER BY t.`Id`, t.`Row]Guid`, t.`it's ``a`` "code"`) - 1 AS `#0` FROM `Order Details` AS t) AS r WHERE MOD(r.`#0`, 10000) = 0 ORDER BY r.`#0`;

-- count
/*M! SET STATEMENT max_statement_time = 60, time_zone = '+00:00', sql_mode = '', max_sort_length = 8388608 FOR */ SELECT /*+ MAX_EXECUTION_TIME(60000) */ CAST(0 AS CHAR) AS `table`, CAST(count(*) AS CHAR) AS `count` FROM `Order Details` AS t UNION ALL SELECT CAST(1 AS CHAR) AS `table`, CAST(count(*) AS CHAR) AS `count` FROM `Order Details` AS t WHERE (t.`Notes` IS NULL);

-- fingerprint
/*M! SET STATEMENT max_statement_time = 60, time_zone = '+00:00', sql_mode = '', max_sort_length = 8388608 FOR */ SELECT /*+ MAX_EXECUTION_TIME(60000) */ CAST(0 AS CHAR) AS `table`, CAST(count(*) AS CHAR) AS `rows`, CAST(COALESCE(SUM(CAST(CONV(LEFT(MD5(CONCAT(COALESCE(CONCAT(LENGTH(CAST(t.`Id` + 0 AS CHAR)), ':', CAST(t.`Id` + 0 AS CHAR)), '-'), COALESCE(CONCAT(LENGTH(CONVERT(t.`Row]Guid` USING utf8mb4)), ':', CONVERT(t.`Row]Guid` USING utf8mb4)), '-'), COALESCE(CONCAT(LENGTH(CONVERT(t.`it's ``a`` "code"` USING utf8mb4)), ':', CONVERT(t.`it's ``a`` "code"` USING utf8mb4)), '-'), COALESCE(CONCAT(LENGTH(CAST(t.`Größe` AS CHAR)), ':', CAST(t.`Größe` AS CHAR)), '-'), COALESCE(CONCAT(LENGTH(CAST(t.`select` + 0 AS CHAR)), ':', CAST(t.`select` + 0 AS CHAR)), '-'), COALESCE(CONCAT(LENGTH(MD5(t.`Notes`)), ':', MD5(t.`Notes`)), '-'), COALESCE(CONCAT(LENGTH(CASE WHEN UNIX_TIMESTAMP(t.`At`) = 0 THEN '0000-00-00 00:00:00' ELSE CAST(TIMESTAMP'1970-01-01 00:00:00' + INTERVAL UNIX_TIMESTAMP(t.`At`) SECOND AS CHAR) END), ':', CASE WHEN UNIX_TIMESTAMP(t.`At`) = 0 THEN '0000-00-00 00:00:00' ELSE CAST(TIMESTAMP'1970-01-01 00:00:00' + INTERVAL UNIX_TIMESTAMP(t.`At`) SECOND AS CHAR) END), '-'))), 12), 16, 10) AS UNSIGNED)), 0) AS CHAR) AS `checksum` FROM `Order Details` AS t;

-- tables
/*M! SET STATEMENT max_statement_time = 60, time_zone = '+00:00', sql_mode = '', max_sort_length = 8388608 FOR */ SELECT /*+ MAX_EXECUTION_TIME(60000) */ 'dbo' AS `schema`, CONVERT(c.TABLE_NAME USING utf8mb4) AS `table`,
       CONVERT(c.COLUMN_NAME USING utf8mb4) AS `column`,
       CONVERT(CASE WHEN c.DATA_TYPE IN ('enum', 'set') THEN c.DATA_TYPE
            WHEN c.DATA_TYPE = 'bit' AND c.NUMERIC_PRECISION > 1 THEN CONCAT('bits(', c.NUMERIC_PRECISION, ')')
            WHEN c.DATA_TYPE IN ('double', 'float') AND c.NUMERIC_SCALE IS NOT NULL
            THEN CONCAT('fixed ', REPLACE(c.COLUMN_TYPE, ' zerofill', ''))
            ELSE SUBSTRING_INDEX(c.COLUMN_TYPE, ' /*', 1) END USING utf8mb4) AS `type`,
       CASE c.IS_NULLABLE WHEN 'YES' THEN '0' ELSE '1' END AS `not_null`,
       CAST(COALESCE(k.SEQ_IN_INDEX, 0) AS CHAR) AS `key_position`,
       CASE WHEN RIGHT(c.COLLATION_NAME, 3) IN ('_ci', '_w2') THEN '0' ELSE '1' END AS `case_sensitive`,
       CASE WHEN c.COLLATION_NAME IS NULL OR INSTR(c.COLLATION_NAME, '_nopad_') OR INSTR(c.COLLATION_NAME, '_0900_')
            THEN '0' ELSE '1' END AS `pads`,
       '' AS `collation`, '0' AS `has_heirs`
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
     AND BINARY t.TABLE_NAME = c.TABLE_NAME
LEFT JOIN information_schema.STATISTICS k ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
     AND BINARY k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME AND k.INDEX_NAME = 'PRIMARY'
WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION;

-- foreign keys
/*M! SET STATEMENT max_statement_time = 60, time_zone = '+00:00', sql_mode = '', max_sort_length = 8388608 FOR */ SELECT /*+ MAX_EXECUTION_TIME(60000) */ CONVERT(CONSTRAINT_NAME USING utf8mb4) AS `name`, 'dbo' AS `schema`,
       CONVERT(TABLE_NAME USING utf8mb4) AS `table`, CONVERT(COLUMN_NAME USING utf8mb4) AS `column`,
       CASE WHEN REFERENCED_TABLE_SCHEMA = DATABASE() THEN ''
            ELSE CONVERT(REFERENCED_TABLE_SCHEMA USING utf8mb4) END AS `parent_database`,
       'dbo' AS `parent_schema`, CONVERT(REFERENCED_TABLE_NAME USING utf8mb4) AS `parent_table`,
       CONVERT(REFERENCED_COLUMN_NAME USING utf8mb4) AS `parent_column`
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION;
