-- T-SQL's conversions as DuckDB macros, on the stored forms of `declared.SqlType.stored`.
-- Every text is what Microsoft's documentation of CAST and CONVERT says.

-- Text cut to n characters, as a conversion to varchar(n) cuts it.
CREATE OR REPLACE MACRO tsql_cut(s, n) AS CASE WHEN length(s) > n THEN left(s, n) ELSE s END;

-- Integers that do not fit become an asterisk; other numbers are an error.
CREATE OR REPLACE MACRO tsql_int_text(x, n) AS
    CASE WHEN length(CAST(x AS VARCHAR)) > n THEN '*' ELSE CAST(x AS VARCHAR) END;
-- DuckDB writes no zero before the point where all digits stand behind it.
CREATE OR REPLACE MACRO tsql_digits(x) AS regexp_replace(CAST(x AS VARCHAR), '^(-?)\.', '\10.');
CREATE OR REPLACE MACRO tsql_number_text(x, n) AS
    CASE WHEN length(tsql_digits(x)) > n THEN error('8115 Arithmetic overflow error converting numeric to data type varchar.')
         ELSE tsql_digits(x) END;
-- Style 3: 17 digits and an exponent of three; C writes two.
CREATE OR REPLACE MACRO tsql_float_text(x) AS
    regexp_replace(format('{:.16e}', CAST(x AS DOUBLE)), 'e([+-])(\d\d)$', 'e\10\2');

CREATE OR REPLACE MACRO tsql_time_text(t, digits) AS
    format('{:02d}:{:02d}:{:02d}', CAST(t // 36000000000 AS INTEGER), CAST(t // 600000000 % 60 AS INTEGER),
           CAST(t // 10000000 % 60 AS INTEGER))
    || CASE WHEN digits = 0 THEN '' ELSE '.' || left(format('{:07d}', CAST(t % 10000000 AS INTEGER)), digits) END;
CREATE OR REPLACE MACRO tsql_days_text(days) AS CAST(DATE '0001-01-01' + CAST(days AS INTEGER) AS VARCHAR);
CREATE OR REPLACE MACRO tsql_moment_text(t, digits) AS
    tsql_days_text(t // 864000000000) || ' ' || tsql_time_text(t % 864000000000, digits);
-- A datetime is kept in 100 ns; its 1/300 s are shown as .000, .003 or .007.
CREATE OR REPLACE MACRO tsql_datetime_text(t, digits) AS tsql_moment_text((t + 5000) // 10000 * 10000, digits);
CREATE OR REPLACE MACRO tsql_minutes(v) AS CAST(v % 4096 AS INTEGER) - 2048;
CREATE OR REPLACE MACRO tsql_local(v) AS CAST(v // 4096 AS BIGINT) + tsql_minutes(v) * CAST(600000000 AS BIGINT);
CREATE OR REPLACE MACRO tsql_offset_text(v, digits) AS
    tsql_moment_text(tsql_local(v), digits) || ' ' || CASE WHEN tsql_minutes(v) < 0 THEN '-' ELSE '+' END
    || format('{:02d}:{:02d}', abs(tsql_minutes(v)) // 60, abs(tsql_minutes(v)) % 60);

-- A variant is kept as the name of its base type, a mark, and the stored form of its value.
CREATE OR REPLACE MACRO tsql_variant(base, s) AS base || chr(31) || s;
CREATE OR REPLACE MACRO tsql_variant_base(v) AS split_part(v, chr(31), 1);
CREATE OR REPLACE MACRO tsql_variant_value(v, bases) AS
    CASE WHEN v IS NULL THEN NULL WHEN instr(bases, ' ' || tsql_variant_base(v) || ' ') > 0 THEN substr(v, instr(v, chr(31)) + 1)
         ELSE error('50000 the stand-in does not support this conversion of a variant that is a ' || tsql_variant_base(v)) END;

CREATE OR REPLACE MACRO tsql_guid_text(k) AS
    upper(substr(k, 31, 2) || substr(k, 29, 2) || substr(k, 27, 2) || substr(k, 25, 2) || '-' || substr(k, 23, 2)
    || substr(k, 21, 2) || '-' || substr(k, 19, 2) || substr(k, 17, 2) || '-' || substr(k, 13, 4) || '-' || substr(k, 1, 12));
CREATE OR REPLACE MACRO tsql_guid_bytes(k) AS
    unhex(substr(k, 25, 8) || substr(k, 21, 4) || substr(k, 17, 4) || substr(k, 13, 4) || substr(k, 1, 12));

CREATE OR REPLACE MACRO tsql_round_ticks(t, unit) AS (t + unit // 2) // unit * unit;
CREATE OR REPLACE MACRO tsql_as_datetime(t) AS
    t // 864000000000 * 864000000000 + ((t % 864000000000 * 3 + 50000) // 100000 * 100000 + 1) // 3;
CREATE OR REPLACE MACRO tsql_date_ticks(d) AS CAST(d - DATE '0001-01-01' AS BIGINT) * 864000000000;
CREATE OR REPLACE MACRO tsql_ticks_date(t) AS DATE '0001-01-01' + CAST(t // 864000000000 AS INTEGER);

-- UTF-16 units: characters beyond the first 65,536 take two.
CREATE OR REPLACE MACRO tsql_units(s) AS
    2 * length(s) - length(regexp_replace(s, '[\x{10000}-\x{10FFFF}]', '', 'g'));
CREATE OR REPLACE MACRO tsql_len(s) AS tsql_units(rtrim(s, ' '));
CREATE OR REPLACE MACRO tsql_int_bytes(x, size) AS
    unhex(right(repeat('0', 16) || to_hex(CAST(x AS BIGINT)), 2 * size));
-- A number that depends on every value, not the one that Microsoft's (unpublished) sum gives.
CREATE OR REPLACE MACRO tsql_checksum(x) AS CAST(hash(x) % 4294967296 AS BIGINT) - 2147483648;

-- Text as the bytes of nvarchar (UTF-16, low byte first) and of varchar (code page 1252, ? for what it lacks).
CREATE OR REPLACE MACRO tsql_unit(n) AS format('{:02x}{:02x}', n % 256, n // 256);
CREATE OR REPLACE MACRO tsql_utf16(s) AS
    unhex(list_aggregate(list_transform(string_split(s, ''), lambda c:
        CASE WHEN c = '' THEN '' WHEN ord(c) < 65536 THEN tsql_unit(ord(c))
             ELSE tsql_unit(55296 + (ord(c) - 65536) // 1024) || tsql_unit(56320 + ord(c) % 1024) END), 'string_agg', ''));
CREATE OR REPLACE MACRO tsql_cp1252(s) AS
    unhex(list_aggregate(list_transform(string_split(s, ''), lambda c:
        CASE WHEN c = '' THEN '' WHEN ord(c) < 128 OR ord(c) BETWEEN 160 AND 255 THEN format('{:02x}', ord(c))
             WHEN instr('€_‚ƒ„…†‡ˆ‰Š‹Œ_Ž__‘’“”•–—˜™š›œ_žŸ', c) > 0
             THEN format('{:02x}', 127 + instr('€_‚ƒ„…†‡ˆ‰Š‹Œ_Ž__‘’“”•–—˜™š›œ_žŸ', c)) ELSE '3f' END), 'string_agg', ''));
