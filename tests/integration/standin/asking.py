"""How the stand-in is asked: names and forms of text that more than one test uses."""

from __future__ import annotations

import connectorx
import pyarrow as pa

from tests.standin import Standin

PASSWORD = "p@ss:/#wörd"
GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
ODD = "a]b 'ü\""

INT_TEXT, DECIMAL_TEXT, MONEY_TEXT = "CAST({} AS varchar(20))", "CAST({} AS varchar(50))", "CONVERT(varchar(30), {}, 2)"
FLOAT_TEXT, DATE_TEXT, TIME_TEXT = (
    "CONVERT(varchar(40), {}, 3)",
    "CONVERT(varchar(10), {}, 23)",
    "CONVERT(varchar(16), {}, 121)",
)
MOMENT_TEXT, OFFSET_TEXT = "CONVERT(varchar(30), {}, 121)", "CONVERT(varchar(40), {}, 121)"
GUID_TEXT, HEX_TEXT, TEXT = (
    "LOWER(CONVERT(char(36), {}))",
    "LOWER(CONVERT(varchar(max), {}, 2))",
    "CAST({} AS nvarchar(max))",
)


def ask(server: Standin, query: str, database: str = "district_a") -> pa.Table:
    return connectorx.read_sql(server.dsn(database), query, return_type="arrow")


def value(server: Standin, query: str) -> object:
    table = ask(server, query)
    assert table.shape == (1, 1)
    return table.column(0)[0].as_py()


TABLE = f"[dbo].[T {ODD.replace(']', ']]')}]"
NAME = f"[{ODD.replace(']', ']]')}]"
