"""SQL Server's second reader gives what ConnectorX gives, and keeps its connection."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import MissingExtra, SourceError, SourceUnreachable
from pipeline.settings import Source
from pipeline.stores import readers
from pipeline.stores.legacy import LegacyDatabase
from tests.standin import Database, Standin
from tests.standin.tsql import Translated, translate
from tests.standin.types import Characters

READERS = ("connectorx", "mssql-python")
#: A character of private use, which the wire is made to carry as half a surrogate pair.
STANDS_FOR_HALF = "\uf8ff"
#: Opens a database by a reader.
Opening = Callable[..., LegacyDatabase]
COLUMNS = [
    ("Id", "int", False),
    ("Line", "smallint", False),
    ("Big", "bigint", True),
    ("Flag", "bit", True),
    ("Money", "money", True),
    ("Small", "smallmoney", True),
    ("Wide", "decimal(38,20)", True),
    ("Double", "float", True),
    ("Single", "real", True),
    ("Day", "date", True),
    ("Clock", "time(7)", True),
    ("Old", "datetime", True),
    ("Smaller", "smalldatetime", True),
    ("New", "datetime2(7)", True),
    ("Offset", "datetimeoffset(7)", True),
    ("Guid", "uniqueidentifier", True),
    ("Text", "nvarchar(max)", True),
    ("Narrow", "varchar(20)", True),
    ("Padded", "nchar(6)", True),
    ("Bytes", "varbinary(max)", True),
    ("Xml", "xml", True),
]
FULL = (
    -1,
    "922337203685477.5807",
    "-214748.3648",
    "123456789012345678.12345678901234567890",
    1.1,
    0.1,
    "0001-01-01",
    "23:59:59.9999999",
    "2024-01-01 10:00:00.997",
    "2024-01-01 10:00:00",
    "9999-12-31 23:59:59.9999999",
    "2024-01-01 13:14:15.1234567 +05:30",
    "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
    "Zoë 😀 e\u0301 ",
    "trailing  ",
    "ab",
    b"\x00\xff",
    "<a>1</a>",
)
ROWS = [
    (n, line, None if line == 2 else -(2**63) + n, n % 2 == 0, *(FULL[1:] if line == 1 else [None] * 17))
    for n in range(1, 40)
    for line in (1, 2)
]


@pytest.fixture(scope="module")
def database(sqlserver: Standin) -> str:
    sqlserver.databases["readers"] = Database()
    sqlserver.databases["readers"].load_table("dbo", "Order Lines", COLUMNS, ["Id", "Line"], ROWS)
    return "readers"


def source(dsn: str, reader: str, **more: Any) -> Source:
    return Source.model_validate(
        {
            "id": "district_a",
            "kind": "district",
            "tenant": 1,
            "name": "A",
            "dsn": dsn,
            "reader": reader,
            "host_zone": "UTC",
            "tenant_zone": "UTC",
            "consistency": "frozen",
            **more,
        }
    )


@pytest.fixture
def opened(sqlserver: Standin) -> Iterator[Opening]:
    """Open a database of the stand-in by a reader; closed when the test is over."""
    with ExitStack() as stack:

        def opening(database: str, reader: str, **more: Any) -> LegacyDatabase:
            if reader == "mssql-python" and importlib.util.find_spec("mssql_python") is None:
                pytest.skip("the extra mssql is not installed (pip install 'legacy-to-tenant[mssql]')")
            dsn = more.pop("dsn", None) or sqlserver.dsn(database)
            return stack.enter_context(closing(LegacyDatabase(source(dsn, reader, **more))))

        yield opening


@pytest.fixture
def second(opened: Opening, database: str) -> LegacyDatabase:
    return opened(database, "mssql-python")


def test_both_readers_give_equal_rows(sqlserver: Standin, database: str, second: LegacyDatabase) -> None:
    first = LegacyDatabase(source(sqlserver.dsn(database), "connectorx"))
    assert second.tables() == first.tables()
    (table,) = first.tables()
    names = [c.name for c in table.columns]
    assert second.count(table) == first.count(table) == [len(ROWS)]
    assert second.fingerprint([table]) == first.fingerprint([table])
    ranges = first.cut_ranges(table, key=table.key, batch_rows=7)
    assert second.cut_ranges(table, key=table.key, batch_rows=7) == ranges
    read = 0
    for within in ranges:
        asked = {"columns": names, "key": table.key, "within": within, "limited": ["Text"], "max_value_bytes": 1000}
        rows = first.read(table, **asked)
        assert second.read(table, **asked).equals(rows)
        read += rows.num_rows
    assert read == len(ROWS)


@pytest.mark.parametrize("reader", READERS)
def test_keys_that_hold_nul_are_in_one_range_each(sqlserver: Standin, opened: Opening, reader: str) -> None:
    """A statement of Microsoft's driver ends at U+0000, wherever in it that stands."""
    keys = ["\0", "a\0", "a\0b", "a\0\0b", "a\0c", "it's\0'", "b"]
    sqlserver.databases["nul"] = Database()
    sqlserver.databases["nul"].load_table("dbo", "t", [("k", "nvarchar(20)", False)], ["k"], [(k,) for k in keys])
    legacy = opened("nul", reader)
    (table,) = legacy.tables()
    ranges = legacy.cut_ranges(table, key=["k"], batch_rows=1)
    found = [legacy.read(table, columns=["k"], key=["k"], within=within)["k"].to_pylist() for within in ranges]
    assert found == [[key] for key in sorted(keys)]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("declared", ["varchar(20)", "char(8)"])
def test_keys_of_another_code_page_are_in_one_range_each(
    sqlserver: Standin, opened: Opening, reader: str, declared: str
) -> None:
    """Converted in the database's own code page, each bound would be question marks."""
    keys = ["Анна", "Борис", "it's", "Яна", "Яна\0"]
    legacy = Database(collation="SQL_Latin1_General_CP1_CI_AS")
    legacy.load_table("dbo", "t", [("k", declared, False, "Cyrillic_General_CI_AS")], ["k"], [(k,) for k in keys])
    sqlserver.databases["cyrillic"] = legacy
    asked = opened("cyrillic", reader)
    (table,) = asked.tables()
    assert table.columns[0].collation == "Cyrillic_General_CI_AS"
    ranges = asked.cut_ranges(table, key=["k"], batch_rows=1)
    found = [asked.read(table, columns=["k"], key=["k"], within=within)["k"].to_pylist() for within in ranges]
    assert sorted([text.rstrip(" ") for text in texts] for texts in found) == [[key] for key in sorted(keys)]


def test_a_disabled_primary_key_is_none(sqlserver: Standin, opened: Opening) -> None:
    """Nothing enforces it: its values may repeat."""
    legacy = Database()
    legacy.load_table("dbo", "t", [("Id", "int", False)], ["Id"], [(1,)])
    sqlserver.databases["disabled"] = legacy
    assert opened("disabled", "connectorx").table("dbo", "t").key == ("Id",)
    legacy.connection.execute("UPDATE sys.indexes SET is_disabled = 1")
    assert opened("disabled", "connectorx").table("dbo", "t").key == ()


@pytest.fixture
def broken(sqlserver: Standin, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a database of a text that holds half a surrogate pair, which the wire carries and DuckDB cannot hold."""
    encode = Characters.encode

    def halved(kind: Characters, value: object) -> bytes:
        return encode(kind, value.replace(STANDS_FOR_HALF, "\ud83d") if isinstance(value, str) else value)

    monkeypatch.setattr(Characters, "encode", halved)
    broken = Database()
    columns = [("Id", "int", False), ("Name", "nvarchar(20)", True), ("Note", "nvarchar(max)", True)]
    broken.load_table("dbo", "Half", columns, ["Id"], [(1, "a", "a"), (2, None, f"secret {STANDS_FOR_HALF}")])
    broken.load_table("dbo", "Whole", columns, ["Id"], [(1, "\ufffd", "😀")])
    sqlserver.databases["broken"] = broken
    return "broken"


HALF = {"connectorx": "a text holds half a surrogate pair", "mssql-python": "column Note holds U.FFFD"}


@pytest.mark.parametrize(("reader", "words"), HALF.items())
def test_half_a_surrogate_pair_is_never_read_as_another_text(
    broken: str, opened: Opening, reader: str, words: str
) -> None:
    legacy = opened(broken, reader)
    table = legacy.table("dbo", "Half")
    with pytest.raises(SourceError, match=f"source district_a, table Half: {words}") as caught:
        legacy.read(table, columns=["Id", "Name", "Note"], key=["Id"])
    assert "correct" in (caught.value.remedy or "")
    assert "secret" not in str(caught.value)
    assert legacy.read(table, columns=["Id", "Name"], key=["Id"])["Name"].to_pylist() == ["a", None]


def test_only_connectorx_tells_half_a_pair_from_the_sign_that_replaces_it(broken: str, opened: Opening) -> None:
    asked = {"columns": ["Name", "Note"], "key": ["Id"]}
    legacy = opened(broken, "connectorx")
    table = legacy.table("dbo", "Whole")
    assert legacy.read(table, **asked).to_pylist() == [{"Name": "\ufffd", "Note": "😀"}]
    with pytest.raises(SourceError, match="table Whole: column Name holds") as caught:
        opened(broken, "mssql-python").read(table, **asked)
    assert "leave `reader` out" in (caught.value.remedy or "")


def test_one_connection_serves_many_queries(sqlserver: Standin, second: LegacyDatabase) -> None:
    (table,) = second.tables()
    before = sqlserver.connections
    for _ in range(20):
        second.count(table)
    assert sqlserver.connections == before


def test_no_transaction_is_left_open(sqlserver: Standin, database: str, second: LegacyDatabase) -> None:
    """One that no commit ends would keep its locks, or the versions of all rows, for as long as the run."""
    before = len(sqlserver.statements)
    second.count(*second.tables())
    said = " ".join(sqlserver.statements[before:])
    assert "COUNT_BIG" in said
    assert "BEGIN TRAN" not in said.upper()


def test_query_that_takes_too_long_names_the_limit(
    database: str, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = opened(database, "mssql-python", statement_timeout=1)
    (table,) = limited.tables()

    def slowly(*arguments: Any) -> Translated:
        threading.Event().wait(2)  # as behind a lock
        return translate(*arguments)

    monkeypatch.setattr("tests.standin.server.translate", slowly)
    with pytest.raises(SourceError, match="table Order Lines: a query took too long") as caught:
        limited.count(table)
    assert "statement_timeout = 1 seconds" in str(caught.value)


REFUSED = {
    "password": ("readers", {"password": "wr0ng-pw"}, "the login is refused", "password"),
    # Its words are those of a wrong password.
    "database": ("nowhere", {}, "the login is refused", "database"),
    "certificate": ("readers", {"trust": False}, "no encrypted connection can be made", "certificate"),
}


@pytest.mark.parametrize(("name", "options", "words", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_refused_connection_is_named_with_its_remedy(
    sqlserver: Standin, database: str, opened: Opening, name: str, options: dict[str, Any], words: str, remedy: str
) -> None:
    wrong = opened(name, "mssql-python", dsn=sqlserver.dsn(name, **options))
    for _ in range(2):
        with pytest.raises(SourceError, match=f"source district_a: {words}") as caught:
            wrong.tables()
        assert remedy in (caught.value.remedy or "")
        assert "wr0ng-pw" not in str(caught.value)


@pytest.mark.slow
def test_a_server_that_says_nothing_cannot_be_reached(opened: Opening) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        dsn = f"mssql://reader:legacy-pw@127.0.0.1:{silent.getsockname()[1]}/a?encrypt=true"
        with pytest.raises(SourceUnreachable, match="source district_a: the server cannot be reached"):
            opened("a", "mssql-python", dsn=dsn).tables()


def test_a_server_without_encryption_is_named_as_such(opened: Opening) -> None:
    with Standin({"a": Database()}, logins={"reader": "legacy-pw"}, tls=False) as plain:
        legacy = opened("a", "mssql-python", dsn=f"{plain.dsn('a')}?encrypt=true")
        with pytest.raises(SourceError, match="source district_a: no encrypted connection can be made"):
            legacy.tables()


@pytest.mark.parametrize("answers", [True, False])
def test_a_pinned_certificate_and_a_server_that_is_too_old_for_it_are_named_soon(
    opened: Opening, tmp_path: Path, answers: bool
) -> None:
    """The driver itself tries for a minute, and then names host and port."""
    with ExitStack() as stack:
        if answers:
            plain = stack.enter_context(Standin({"a": Database()}, logins={"reader": "legacy-pw"}, tls=False))
            port = plain.port
        else:
            port = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0)))).getsockname()[1]
        (tmp_path / "own.pem").write_text("")
        dsn = f"mssql://reader:legacy-pw@127.0.0.1:{port}/a?encrypt=true&trust_server_certificate_ca={tmp_path}/own.pem"
        started = time.monotonic()
        with pytest.raises(SourceError, match="source district_a: no encrypted connection can be made") as caught:
            opened("a", "mssql-python", dsn=dsn).tables()
        assert time.monotonic() - started < 10
    assert "strict encryption (TDS 8.0)" in str(caught.value)
    assert "trust_server_certificate_ca" in str(caught.value.remedy)


@pytest.mark.slow
def test_an_untrusted_certificate_is_named_by_the_other_reader_too(
    sqlserver: Standin, database: str, opened: Opening
) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match="source district_a: no encrypted connection can be made") as caught:
        opened(database, "connectorx", dsn=sqlserver.dsn(database, trust=False)).tables()
    assert time.monotonic() - started < 10
    assert "does not trust the certificate" in str(caught.value)
    assert "trust_server_certificate" in str(caught.value.remedy)


@pytest.mark.parametrize("reader", READERS)
def test_an_option_that_no_reader_knows_is_refused(
    sqlserver: Standin, database: str, opened: Opening, reader: str
) -> None:
    wrong = opened(database, reader, dsn=f"{sqlserver.dsn(database)}&trustservercertificate=true")
    with pytest.raises(
        SourceError, match="source district_a: its dsn has an option that the driver does not know"
    ) as caught:
        wrong.tables()
    assert caught.value.got == "trustservercertificate"


def test_a_missing_driver_is_named_with_its_remedy(
    sqlserver: Standin, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(readers.importlib, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"legacy-to-tenant\[mssql\]"):
        LegacyDatabase(source(sqlserver.dsn(database), "mssql-python"))
