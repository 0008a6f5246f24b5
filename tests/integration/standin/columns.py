"""Columns of every type: the value put there, how it is selected, and what comes back.

Expected texts are those of Microsoft's documentation of CAST and CONVERT, not of the stand-in's code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tests.integration.standin.asking import (
    DATE_TEXT,
    DECIMAL_TEXT,
    FLOAT_TEXT,
    GUID,
    GUID_TEXT,
    HEX_TEXT,
    INT_TEXT,
    MOMENT_TEXT,
    MONEY_TEXT,
    OFFSET_TEXT,
    TEXT,
    TIME_TEXT,
)

#: A column's declared type, the value put there, how it is selected, and what comes back.
TEXTS: list[tuple[str, object, str, str | None]] = [
    ("bit", True, INT_TEXT, "1"),
    ("bit", 0, INT_TEXT, "0"),
    ("bit", True, "CONVERT(varchar(20), {})", "1"),
    ("tinyint", 255, INT_TEXT, "255"),
    ("smallint", -32768, INT_TEXT, "-32768"),
    ("int", -2147483648, INT_TEXT, "-2147483648"),
    ("int", -123, "CAST({} AS varchar(3))", "*"),
    ("bigint", -(2**63), INT_TEXT, "-9223372036854775808"),
    ("decimal(18,2)", "0.5", DECIMAL_TEXT, "0.50"),
    (
        "decimal(38,10)",
        "-1234567890123456789012345678.0000000001",
        DECIMAL_TEXT,
        "-1234567890123456789012345678.0000000001",
    ),
    ("decimal(38,38)", "0." + "9" * 38, DECIMAL_TEXT, "0." + "9" * 38),
    ("decimal(9,0)", "-7", DECIMAL_TEXT, "-7"),
    ("money", "922337203685477.5807", MONEY_TEXT, "922337203685477.5807"),
    ("money", "-1234567.5", MONEY_TEXT, "-1234567.5000"),
    ("smallmoney", "-214748.3648", MONEY_TEXT, "-214748.3648"),
    ("float", 0.1, FLOAT_TEXT, "1.0000000000000001e-001"),
    ("float", -1.7976931348623157e308, FLOAT_TEXT, "-1.7976931348623157e+308"),
    ("float", 0, FLOAT_TEXT, "0.0000000000000000e+000"),
    ("real", 0.1, FLOAT_TEXT, "1.0000000149011612e-001"),
    ("date", "0001-01-01", DATE_TEXT, "0001-01-01"),
    ("date", "9999-12-31", DATE_TEXT, "9999-12-31"),
    ("time(7)", "23:59:59.9999999", TIME_TEXT, "23:59:59.9999999"),
    ("time(3)", "01:02:03.0455", TIME_TEXT, "01:02:03.046"),
    ("time(0)", "01:02:03", TIME_TEXT, "01:02:03"),
    ("datetime", "2020-01-01 10:11:12.998", MOMENT_TEXT, "2020-01-01 10:11:12.997"),
    ("datetime", "2020-01-01 10:11:12.999", MOMENT_TEXT, "2020-01-01 10:11:13.000"),
    ("datetime", "2020-01-01 10:11:12.004", MOMENT_TEXT, "2020-01-01 10:11:12.003"),
    ("datetime", "2020-01-01 10:11:12.005", MOMENT_TEXT, "2020-01-01 10:11:12.007"),
    ("datetime", "1753-01-01", MOMENT_TEXT, "1753-01-01 00:00:00.000"),
    ("datetime", "9999-12-31 23:59:59.997", MOMENT_TEXT, "9999-12-31 23:59:59.997"),
    (
        "datetime",
        "2020-01-01 10:11:12.997",
        "CONVERT(varchar(30), CAST({} AS datetime2(7)), 121)",
        "2020-01-01 10:11:12.9966667",
    ),
    ("smalldatetime", "2020-01-01 10:11:29.998", MOMENT_TEXT, "2020-01-01 10:11:00.000"),
    ("smalldatetime", "2079-06-06 23:59:00", MOMENT_TEXT, "2079-06-06 23:59:00.000"),
    ("datetime2(7)", "0001-01-01 00:00:00.0000001", MOMENT_TEXT, "0001-01-01 00:00:00.0000001"),
    ("datetime2(7)", "9999-12-31 23:59:59.9999999", MOMENT_TEXT, "9999-12-31 23:59:59.9999999"),
    ("datetime2(3)", "2020-02-29 23:59:59.1236", MOMENT_TEXT, "2020-02-29 23:59:59.124"),
    ("datetime2(0)", "2020-02-29 23:59:59", MOMENT_TEXT, "2020-02-29 23:59:59"),
    ("datetimeoffset(7)", "2020-01-01 13:14:15.1234567 +05:30", OFFSET_TEXT, "2020-01-01 13:14:15.1234567 +05:30"),
    ("datetimeoffset(0)", "2020-01-01 00:14:15 -08:00", OFFSET_TEXT, "2020-01-01 00:14:15 -08:00"),
    ("uniqueidentifier", GUID, GUID_TEXT, GUID.lower()),
    ("uniqueidentifier", GUID, "CONVERT(char(36), {})", GUID),
    ("varbinary(max)", b"\x00\xabZ", HEX_TEXT, "00ab5a"),
    ("varbinary(max)", b"\x00\xabZ", "CONVERT(varchar(max), {}, 2)", "00AB5A"),
    ("varbinary(max)", b"\x00\xabZ", "CONVERT(varchar(max), {}, 1)", "0x00AB5A"),
    ("varbinary(8)", b"", HEX_TEXT, ""),
    ("binary(4)", b"\x01", HEX_TEXT, "01000000"),
    ("timestamp", b"\x00\x00\x00\x00\x00\x00\x07\xd1", HEX_TEXT, "00000000000007d1"),
    ("nvarchar(max)", "", TEXT, ""),
    ("nvarchar(50)", "Zoë 😀 日本'\0", TEXT, "Zoë 😀 日本'\0"),
    ("nvarchar(max)", "é" * 70_000, TEXT, "é" * 70_000),
    ("varchar(8000)", "x" * 8000, TEXT, "x" * 8000),
    ("char(5)", "ab", TEXT, "ab   "),
    ("nchar(3)", "é", TEXT, "é  "),
    ("text", "a\r\nb", TEXT, "a\r\nb"),
    ("ntext", "日", TEXT, "日"),
    ("xml", "<a b='ü'/>", TEXT, "<a b='ü'/>"),
    ("sql_variant", "five", TEXT, "five"),
    ("sql_variant", ("decimal(5,2)", "5.5"), TEXT, "5.50"),
    (
        "sql_variant",
        ("datetime", "2020-01-01 10:11:12.997"),
        "CONVERT(varchar(30), CONVERT(datetime, {}), 121)",
        "2020-01-01 10:11:12.997",
    ),
    ("sql_variant", ("money", "5"), "CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({}, 'BaseType'))", "money"),
    ("nvarchar(50)", "abcdef", "CAST({} AS varchar(3))", "abc"),
]

#: Bare columns of a type, and what ConnectorX makes of them: its own errors included.
BARE: list[tuple[str, object, object]] = [
    ("bit", True, True),
    ("tinyint", 255, 255),
    ("smallint", -2, -2),
    ("int", -3, -3),
    ("bigint", -(2**63), -(2**63)),
    ("decimal(18,2)", "-12.5", Decimal("-12.5000000000")),
    ("numeric(5,0)", "12", Decimal("12.0000000000")),
    ("money", "922337203685477.5807", 922337203685477.6),  # rounded by ConnectorX
    ("money", "-1.5", -1.5),
    ("real", 0.5, 0.5),
    ("float", 0.1, 0.1),
    ("date", "2020-02-29", datetime(2020, 2, 29).date()),
    ("time(7)", "23:59:59.9999999", datetime(1, 1, 1, 23, 59, 59, 999_999).time()),  # its 7th digit is dropped
    ("datetime", "2020-01-01 10:11:12.997", datetime(2020, 1, 1, 10, 11, 12, 996_666)),  # its tick is cut
    ("smalldatetime", "2020-01-01 10:11:00", datetime(2020, 1, 1, 10, 11)),
    ("datetime2(7)", "2020-01-01 10:11:12.1234567", datetime(2020, 1, 1, 10, 11, 12, 123_456)),
    # The offset is subtracted twice: 07:44:15Z would be right.
    ("datetimeoffset(7)", "2020-01-01 13:14:15 +05:30", datetime(2020, 1, 1, 2, 14, 15, tzinfo=UTC)),
    ("uniqueidentifier", GUID, GUID.lower()),
    ("char(4)", "é", "é   "),
    ("varchar(10)", "€ß", "€ß"),
    ("varchar(max)", "", ""),
    ("nchar(2)", "日", "日 "),
    ("nvarchar(10)", "😀", "😀"),
    ("nvarchar(max)", "", ""),
    ("nvarchar(max)", "日" * 40_000, "日" * 40_000),
    ("text", "abc", "abc"),
    ("binary(3)", b"\x01", b"\x01\0\0"),
    ("varbinary(max)", b"", b""),
    ("image", b"\xff", b"\xff"),
    ("timestamp", b"\0" * 7 + b"\x01", b"\0" * 7 + b"\x01"),
]
