"""Property: whatever a server can hold arrives, cell by cell, as the server itself says it.

A cell may differ only where its row was rejected by a named reason, or where raw text was kept that gives the source's
text back. Values are drawn a table at a time and inserted with plain drivers; the entries are drafted once an engine.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.demo.server import Server
from pipeline.stores.target import TargetDatabase
from schemas.types import Engine
from tests.drafted import Drafted, drafted
from tests.fidelity import arrived, canonical, own_words
from tests.servers import MariaDb, Postgres

pytestmark = pytest.mark.slow

#: Rows of an example, and values compared at the least in all examples of an engine: together more than 10,000.
ROWS, EXAMPLES = 16, 14
LEAST = {"mysql": 5_000, "postgresql": 5_500, "sqlite": 500}
#: No shrinking: an example is a whole migration.
drawn = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
Values = st.SearchStrategy[object]


@dataclass(frozen=True)
class Field:
    """A column: its type, how its family is compared, and the values it may take."""

    declared: str
    family: str
    values: Values
    own: str | None = None


def field(declared: str, family: str, values: st.SearchStrategy[object], own: str | None = None) -> Field:
    return Field(declared, family, st.one_of(st.none(), *[values] * 9), own)


@dataclass(frozen=True)
class Table:
    """Columns, and of each of its cells whether no target holds it."""

    fields: Mapping[str, Field]
    #: Family and the server's own text -> there is no such value in the target.
    is_refused: Callable[[str, object], bool]

    def rows(self) -> st.SearchStrategy[list[tuple[object, ...]]]:
        return st.lists(st.tuples(*(f.values for f in self.fields.values())), min_size=ROWS, max_size=ROWS)

    def create(self, name: str) -> str:
        return f"CREATE TABLE {name} (k integer PRIMARY KEY, {', '.join(f'{x} {f.declared}' for x, f in self)})"

    def __iter__(self) -> Iterator[tuple[str, Field]]:
        return iter(self.fields.items())


# -- values -----------------------------------------------------------------------------------------

#: Around the hours that New York's clocks leave out, and have twice.
CHANGES = st.builds(
    lambda change, offset: change + timedelta(microseconds=offset),
    st.sampled_from([datetime(2024, 3, 10, 7), datetime(2024, 11, 3, 6), datetime(1987, 4, 5, 7)]),
    st.integers(-7_200_000_000, 7_200_000_000),
)
DAYS = st.one_of(st.dates(), st.sampled_from([date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29)])).map(str)
MOMENTS = st.one_of(st.datetimes(), CHANGES).map(str)
_SPECIAL = st.sampled_from(
    ["", " ", "a ", "\t", "\r\n", "\x01\x7f\x85", "NULL", "\\N", "\\", "'\"`", "é", "e\u0301",
     "\U0001f469\u200d\U0001f467", "\U0010ffff", "\ufeff", "\u212b\u00c5", "İı", "0000-00-00", "%s", "{x}"]
)  # fmt: skip
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9), _SPECIAL)
BYTES = st.binary(max_size=9)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
REALS = st.floats(width=32, allow_nan=False, allow_infinity=False)
UUIDS = st.uuids().map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('aé\U0001f600\\" ', max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
).map(lambda value: json.dumps(value, ensure_ascii=False))


def whole(bits: int, *, signed: bool = True) -> Values:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.one_of(st.integers(low, high), st.sampled_from([low, high])).map(str)


def decimals(precision: int, scale: int, *, signed: bool = True) -> Values:
    most = 10**precision - 1
    unscaled = st.one_of(st.integers(-most if signed else 0, most), st.sampled_from([most, 0, 1]))
    return unscaled.map(lambda n: f"{'-' * (n < 0)}{abs(n) // 10**scale}.{abs(n) % 10**scale:0{scale}}")


def spans(most: timedelta) -> Values:
    """Give lengths of time as `-838:59:59.999999`."""
    limit = most // timedelta(microseconds=1)
    return st.one_of(st.integers(-limit, limit), st.sampled_from([limit, -limit, -1])).map(_span)


def _span(microseconds: int) -> str:
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    return f"{'-' * (microseconds < 0)}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


def _array(items: Sequence[str | None]) -> str:
    escaped = ("NULL" if i is None else '"' + i.replace("\\", "\\\\").replace('"', '\\"') + '"' for i in items)
    return f"{{{','.join(escaped)}}}"


def _dotted(bits: int) -> Values:
    return st.lists(st.booleans(), min_size=bits, max_size=bits).map(lambda b: "".join("01"[i] for i in b))


# -- tables -----------------------------------------------------------------------------------------


def never(_family: str, _said: object) -> bool:
    return False


def mysql_refuses(family: str, said: object) -> bool:
    """Days in no month and U+0000 in text have no target; a whole zero date means that there is none."""
    if family == "text":
        digits = str(said)
        return "00" in (digits[i : i + 2] for i in range(0, len(digits), 2))
    return not str(said).startswith("0000-00-00") and (str(said)[:4] == "0000" or "-00" in str(said)[:10])


def postgresql_refuses(_family: str, said: object) -> bool:
    """Days before the year 1 and after 9999 have no target; infinity means that there is none."""
    text = str(said)
    return text.endswith("BC") or (text[:1] != "-" and text[:1].isdigit() and text.index("-") > 4)


def sqlite_refuses(_family: str, said: object) -> bool:
    """Beyond these bounds SQLite makes no exact text of a number."""
    size = abs(float(str(said)))
    return 0 < size < 1e-80 or 1e80 < size < float("inf")


_UTF8 = "CHARACTER SET utf8mb4"
_BITS = "CONV(HEX({x}), 16, 10)"
_PARTIAL = st.builds(
    lambda y, m, d: f"{y:04}-{m:02}-{d:02}", st.sampled_from([0, 1, 2024]), st.integers(0, 12), st.integers(0, 28)
)
MYSQL = {
    "plain": Table(
        {
            "i8": field("tinyint", "integer", whole(8)),
            "u8": field("tinyint unsigned zerofill", "integer", whole(8, signed=False)),
            "i16": field("smallint", "integer", whole(16)),
            "i24": field("mediumint", "integer", whole(24)),
            "i32": field("int", "integer", whole(32)),
            "u32": field("int unsigned", "integer", whole(32, signed=False)),
            "i64": field("bigint", "integer", whole(64)),
            "u64": field("bigint unsigned", "decimal", whole(64, signed=False)),
            "b1": field("bit(1)", "boolean", st.booleans()),
            "b64": field("bit(64)", "decimal", st.integers(0, 2**64 - 1), _BITS),
            "y": field("year", "integer", st.integers(1901, 2155) | st.just(0)),
            "d38": field("decimal(38,10)", "decimal", decimals(38, 10)),
            "d38_38": field("decimal(38,38)", "decimal", decimals(38, 38)),
            "d65": field("decimal(65,30)", "decimal", decimals(65, 30)),
            "du": field("decimal(10,3) unsigned zerofill", "decimal", decimals(10, 3, signed=False)),
            "f": field("float", "float", REALS),
            "g": field("double", "float", DOUBLES),
            "d": field("date", "day", DAYS | st.just("0000-00-00")),
            "dt": field("datetime(6)", "moment", MOMENTS | st.just("0000-00-00 00:00:00")),
            "dt0": field("datetime", "moment", st.one_of(st.datetimes(), CHANGES).map(lambda m: str(m)[:19])),
            "ts": field("timestamp(6) NULL", "utc", st.one_of(
                st.datetimes(datetime(1970, 1, 2), datetime(2038, 1, 18)), CHANGES, CHANGES).map(str)
                | st.just("0000-00-00 00:00:00")),
            "t": field("time(6)", "text", spans(timedelta(hours=838, minutes=59, seconds=59))),
            "c": field(f"char(9) {_UTF8}", "text", TEXTS),
            "v": field(f"varchar(9) {_UTF8}", "text", TEXTS),
            "l": field("varchar(9) CHARACTER SET latin1", "text", TEXTS),
            "x": field(f"longtext {_UTF8}", "text", TEXTS),
            "j": field("json", "text", JSON),
            "e": field(f"enum('a', '', 'é', 'x ') {_UTF8}", "text", st.sampled_from(["a", "", "é", "x", "none"])),
            "s": field(f"set('a', 'b', 'é') {_UTF8}", "text", st.sampled_from(["", "a", "a,b,é", "é,a"])),
            "u": field("uuid", "uuid", UUIDS),
            "vb": field("varbinary(9)", "binary", BYTES),
            "bn": field("binary(9)", "binary", BYTES),
            "lb": field("longblob", "binary", BYTES),
        },
        never,
    ),
    "odd": Table(
        {
            "d": field("date", "day", _PARTIAL),
            "dt": field("datetime(3)", "moment", _PARTIAL.map(lambda d: f"{d} 01:02:03.456") | MOMENTS),
            "v": field(f"varchar(9) {_UTF8}", "text", TEXTS | st.text("a\0 ", max_size=5)),
        },
        mysql_refuses,
    ),
}  # fmt: skip

_ENDLESS = st.sampled_from(["infinity", "-infinity"])
_NAN = st.sampled_from(["NaN"])
_NUMERICS = st.builds("{}e{}".format, st.integers(), st.integers(-200, 200)) | decimals(60, 30)
_INTERVALS = st.builds(
    "{} months {} days {} microseconds".format, st.integers(-(10**7), 10**7), st.integers(-(10**6), 10**6),
    st.integers(-(10**17), 10**17),
)  # fmt: skip
POSTGRESQL = {
    "plain": Table(
        {
            "i16": field("smallint", "integer", whole(16)),
            "i32": field("integer", "integer", whole(32)),
            "i64": field("bigint", "integer", whole(64)),
            "b": field("boolean", "boolean", st.booleans()),
            "n": field("numeric", "text", _NUMERICS | _NAN | _ENDLESS),
            "n38": field("numeric(38,10)", "decimal", decimals(38, 10) | _NAN),
            "n60": field("numeric(60,30)", "text", decimals(60, 30)),
            "m": field("money", "decimal", st.integers(-(2**63), 2**63 - 1).map(
                lambda n: f"{'-' * (n < 0)}{abs(n) // 100}.{abs(n) % 100:02}"), "{x}::numeric(20,3)::text"),
            "f": field("real", "float", st.floats(width=32)),
            "g": field("double precision", "float", st.floats()),
            "d": field("date", "day", DAYS | _ENDLESS),
            "ts": field("timestamp", "moment", MOMENTS | _ENDLESS),
            "ts3": field("timestamp(3)", "moment", CHANGES.map(str)),
            "tz": field("timestamptz", "utc", MOMENTS.map(lambda m: f"{m}+00") | _ENDLESS),
            "t": field("time", "clock", st.times().map(str) | st.just("24:00:00")),
            "tt": field("timetz", "text", st.builds("{}{:+03}:30".format, st.times(), st.integers(-15, 14))),
            "iv": field("interval", "text", _INTERVALS),
            "c": field("char(9)", "text", TEXTS, "encode(convert_to(rpad({x}::text, 9), 'UTF8'), 'hex')"),
            "v": field("varchar(9)", "text", TEXTS),
            "x": field("text", "text", TEXTS),
            "j": field("json", "text", JSON),
            "jb": field("jsonb", "text", JSON),
            "a": field("text[]", "text", st.lists(st.none() | TEXTS, max_size=4).map(_array)),
            "az": field("timestamptz[]", "text", st.lists(CHANGES, max_size=3).map(
                lambda m: _array([f"{i}+00" for i in m]))),
            "e": field("mood", "text", st.sampled_from(["glad", "Größe", ""])),
            "ip": field("inet", "text", st.ip_addresses().map(str)),
            "b64": field("bit(64)", "text", _dotted(64)),
            "vb": field("varbit", "text", st.integers(0, 9).flatmap(_dotted)),
            "u": field("uuid", "uuid", UUIDS),
            "by": field("bytea", "binary", BYTES),
            "r": field("int8range", "text", st.tuples(whole(32), whole(32)).map(
                lambda p: f"[{min(map(int, p))},{max(map(int, p))})")),
        },
        never,
    ),
    "odd": Table(
        {
            "d": field("date", "day", DAYS | DAYS.map(lambda d: f"{d} BC") | st.just("5874897-12-31")),
            "ts": field("timestamp", "moment", MOMENTS | MOMENTS.map(lambda m: f"{m} BC")),
            "tz": field("timestamptz", "utc", MOMENTS.map(lambda m: f"{m}+00") | st.just("294276-12-31 00:00:00+00")),
        },
        postgresql_refuses,
    ),
}  # fmt: skip

SQLITE = {
    "plain": Table(
        {
            "i": field("INTEGER", "integer", st.integers(-(2**63), 2**63 - 1)),
            "r": field(
                "REAL", "float", st.floats(1e-80, 1e80) | st.floats(-1e80, -1e-80) | st.sampled_from([0.0, -0.0])
            ),
            "x": field("TEXT", "text", TEXTS),
            "b": field("BLOB", "binary", BYTES),
        },
        never,
    ),
    "odd": Table({"r": field("REAL", "float", st.floats(allow_nan=False))}, sqlite_refuses),
}


# -- moving them ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lane:
    """A source whose tables were drafted once: filled anew for each example."""

    engine: Engine
    tables: Mapping[str, Table]
    source: Drafted
    fill: Callable[[str, list[tuple[object, ...]]], None]
    ask: Callable[[str], Sequence[Sequence[object]]]

    def compared(self, examples: Mapping[str, list[tuple[object, ...]]]) -> int:
        """Move the rows; say how many values were compared."""
        for name, rows in examples.items():
            self.fill(name, [(k, *row) for k, row in enumerate(rows, 1)])
        self.source.empty()
        verdict = self.source.run()
        assert verdict.parity, verdict.differences
        rejected, kept = self.source.rejected(), self.source.kept()
        return sum(self._compare(name, table, rejected, kept) for name, table in self.tables.items())

    def _compare(
        self, name: str, table: Table, rejected: Mapping[tuple[str, str], list[str]],
        kept: Mapping[tuple[str, str, str], str],
    ) -> int:  # fmt: skip
        entity = self.source.entity(name)
        words = ", ".join(f"{own_words(self.engine, f.family, x, f.own)} AS {x}" for x, f in table)
        pg_types = {c.source: (c.place.column, c.pg_type) for c in entity.cells}
        cells = ", ".join(f"{arrived(f.family, pg_types[x][1], pg_types[x][0])} AS {x}" for x, f in table)
        found, values = self.source.rows(name, cells), 0
        for number, *said in self.ask(f"SELECT k, {words} FROM {name}"):
            key = f"[{number}]"
            told = dict(zip(table.fields, said, strict=True))
            refused = [x for x, f in table if told[x] is not None and table.is_refused(f.family, told[x])]
            assert rejected.get((entity.id, key), []) == sorted(f"unreadable: {x}" for x in refused), told
            assert (key in found) is not bool(refused)
            for x, f in table:
                values += told[x] is not None
                if not refused:
                    got = kept.get((entity.id, key, x), found[key][x])
                    assert canonical(f.family, got) == canonical(f.family, told[x]), (x, told[x], got)
        return values


def moved(lane: Lane) -> int:
    """Draw examples and move them; say how many values were compared."""
    values = 0

    @drawn
    # Deferred, or a failure would be told with all strategies spelled out.
    @given(st.deferred(lambda: st.fixed_dictionaries({name: table.rows() for name, table in lane.tables.items()})))
    def move(examples: dict[str, list[tuple[object, ...]]]) -> None:
        nonlocal values
        values += lane.compared(examples)

    move()
    return values


def test_mariadb(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    database = mariadb.create()
    mariadb.execute(database, *(table.create(name) for name, table in MYSQL.items()))

    def fill(name: str, rows: list[tuple[object, ...]]) -> None:
        mariadb.execute(database, f"TRUNCATE {name}")
        mariadb.insert(database, name, rows)

    with drafted(postgres, tmp_path, mariadb.dsn(database)) as source:
        lane = Lane("mysql", MYSQL, source, fill, lambda sql: mariadb.rows(database, sql))
        assert moved(lane) >= LEAST["mysql"]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def test_postgresql(legacy_postgres: Postgres, postgres: Server, tmp_path: Path) -> None:
    database = legacy_postgres.create()
    creation = (table.create(name) for name, table in POSTGRESQL.items())
    legacy_postgres.execute(database, "CREATE TYPE mood AS ENUM ('glad', 'Größe', '')", *creation)
    with TargetDatabase("postgres", postgres.dsn("postgres"), role=None, autocommit=True) as cluster:
        cluster.execute(f"ALTER DATABASE {database} SET TimeZone = 'America/New_York'")

    def fill(name: str, rows: list[tuple[object, ...]]) -> None:
        listed = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        legacy_postgres.execute(database, f"TRUNCATE {name}", f"INSERT INTO {name} VALUES {listed}")

    def ask(sql: str) -> list[tuple[object, ...]]:
        with TargetDatabase("legacy", legacy_postgres.dsn(database), role=None) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return [tuple(row.values()) for row in connection.query(sql).to_pylist()]

    with drafted(postgres, tmp_path, legacy_postgres.dsn(database)) as source:
        assert moved(Lane("postgresql", POSTGRESQL, source, fill, ask)) >= LEAST["postgresql"]


def test_sqlite(postgres: Server, tmp_path: Path) -> None:
    path = tmp_path / "legacy.sqlite"

    def fill(name: str, rows: list[tuple[object, ...]]) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"DELETE FROM {name}")
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            connection.commit()

    def ask(sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(sql).fetchall()

    with closing(sqlite3.connect(path)) as connection:
        for name, table in SQLITE.items():
            connection.execute(table.create(name))
        # A draft names the type that the values have.
        connection.execute("INSERT INTO plain VALUES (1, 1, 0.5, 'a', x'00')")
        connection.execute("INSERT INTO odd VALUES (1, 0.5)")
        connection.commit()
    with drafted(postgres, tmp_path, f"sqlite://{path}") as source:
        assert moved(Lane("sqlite", SQLITE, source, fill, ask)) >= LEAST["sqlite"]
