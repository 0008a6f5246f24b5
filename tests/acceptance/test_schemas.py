"""Tenants that share one PostgreSQL database, a schema each: all move, and nobody's rows are read for another's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.demo.server import Server
from pipeline.errors import ConfigError
from pipeline.settings import load_settings
from pipeline.stores.legacy import LegacyDatabase
from tests.standin import Database, Standin
from tests.support.drafting import Drafting, drafting
from tests.support.fleet import INSTALLATION
from tests.support.servers import Postgres, source
from tests.support.small import Small, small

ENTRIES = """
[Author]
source = "district"
schema = "library"
table = "author"
engine = "postgresql"
key = ["id"]
target = "authors"
[Author.columns]
id   = { type = "integer" }
name = { type = "text", to = "name" }

[Book]
source = "district"
schema = "library"
table = "book"
engine = "postgresql"
key = ["id"]
target = "books"
[Book.columns]
id        = { type = "integer" }
author_id = { type = "integer", to = "author_id", references = "student.Author" }
country   = { type = "integer", to = "country" }
"""
#: A fourth tenant has a schema beside them, and no source; a table of it inherits one of another's.
SCHEMAS = ("tenant_1", "tenant_2", 'Tenant "3"', "tenant_4")
LIST = 'source,name,tenant,schema\na,A,1,tenant_1\nb,B,2,tenant_2\nc,C,3,"Tenant ""3"""\n'


def tables(number: int) -> list[str]:
    schema = '"' + SCHEMAS[number - 1].replace('"', '""') + '"'
    names = f"SELECT n, 'author ' || n || ' of {number}' FROM generate_series(1, {number + 1}) n"
    return [
        f"CREATE SCHEMA {schema}",
        f"CREATE TABLE {schema}.author (id int PRIMARY KEY, name text)",
        f"INSERT INTO {schema}.author {names}",
        f"CREATE TABLE {schema}.book (id int PRIMARY KEY, author_id int REFERENCES {schema}.author,"
        " country int REFERENCES public.country)",
        f"INSERT INTO {schema}.book SELECT n, 1 + n % 2, 1 FROM generate_series(1, {10 * number}) n",
    ]


DATABASE = (
    "CREATE TABLE country (id int PRIMARY KEY)",
    "INSERT INTO country VALUES (1)",
    *(statement for number in range(1, 5) for statement in tables(number)),
    "CREATE TABLE tenant_4.poet (verses int) INHERITS (tenant_1.author)",
    "INSERT INTO tenant_4.poet VALUES (99, 'author of 4', 3)",
)


@pytest.fixture
def shared(legacy_postgres: Postgres) -> str:
    """A database of a schema a tenant."""
    name = legacy_postgres.create()
    legacy_postgres.execute(name, *DATABASE)
    return name


def configure(config: Path, dsn: str, consistency: str = "snapshot", listed: str = LIST) -> None:
    """Replace the sources of a configuration by a list of schemas."""
    head = config.read_text(encoding="utf-8").partition("[sources.")[0]
    defaults = f"""
[defaults]
kind = "district"
dsn = "{dsn}"
tenant_zone = "UTC"
host_zone = "UTC"
consistency = "{consistency}"
"""
    config.write_text('sources_file = "tenants.csv"\n' + head + defaults, encoding="utf-8")
    (config.parent / "tenants.csv").write_text(listed, encoding="utf-8")


@pytest.fixture
def fleet(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": ENTRIES}, {}) as made:
        yield made


def test_three_schemas_move_to_parity(fleet: Small, shared: str, legacy_postgres: Postgres) -> None:
    configure(fleet.site.config, legacy_postgres.dsn(shared))
    plan = json.loads(fleet.site.migrate("plan", "--json").stdout)
    place = plan["record"]["sources"]["c"]["location"]
    assert place.endswith(f'/{shared}, schema Tenant "3"')
    assert plan["unnamed"] == []
    _, verdict = fleet.run()
    assert verdict.parity, verdict.differences
    loaded = "SELECT id::text, tenant_id::text AS t, legacy_id AS k, name FROM student.authors"
    authors = fleet.site.rows("student", loaded)
    tenants = {number: uuid.uuid5(INSTALLATION.namespace, f"tenant/{number}") for number in (1, 2, 3)}
    assert {(r["t"], r["k"], r["name"], r["id"]) for r in authors} == {
        (
            str(t),
            f"[{k}]",
            f"author {k} of {number}",
            str(uuid.uuid5(INSTALLATION.namespace, f"{t}/district.library.author/[{k}]")),
        )
        for number, t in tenants.items()
        for k in range(1, number + 2)
    }
    own = "SELECT b.tenant_id = a.tenant_id AS own FROM student.books b JOIN student.authors a ON a.id = b.author_id"
    books = fleet.site.rows("student", own)
    assert [b["own"] for b in books] == [True] * 60


@pytest.mark.parametrize("consistency", ["snapshot", "frozen", "live"])
def test_a_neighbours_rows_are_never_read(
    fleet: Small, shared: str, legacy_postgres: Postgres, consistency: str
) -> None:
    """Its user may not even enter the neighbour's schema, and the server counts no scan of its tables."""
    role = f"{shared}_reader"
    legacy_postgres.command(f"CREATE ROLE {role} LOGIN PASSWORD 'legacy-pw'")
    for schema in ("public", *SCHEMAS[:3]):
        name = '"' + schema.replace('"', '""') + '"'
        legacy_postgres.execute(
            shared, f"GRANT USAGE ON SCHEMA {name} TO {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {role}"
        )
    dsn = legacy_postgres.dsn(shared)
    configure(fleet.site.config, f"postgresql://{role}:legacy-pw@{dsn.partition('@')[2]}", consistency)
    scans = "SELECT sum(seq_scan + coalesce(idx_scan, 0))::text FROM pg_stat_user_tables WHERE schemaname = 'tenant_4'"
    before = legacy_postgres.rows(shared, scans)
    _, verdict = fleet.run()
    assert verdict.parity, verdict.differences
    assert legacy_postgres.rows(shared, scans) == before


@pytest.mark.parametrize(("schema", "has_changed"), [("tenant_1", True), ("tenant_4", False)])
def test_a_fingerprint_is_of_the_schema(
    fleet: Small, shared: str, legacy_postgres: Postgres, schema: str, has_changed: bool
) -> None:
    configure(fleet.site.config, legacy_postgres.dsn(shared), "frozen")
    database = LegacyDatabase(load_settings(fleet.site.config).source("a"))
    before = database.fingerprint(database.tables())
    legacy_postgres.execute(shared, f"UPDATE {schema}.author SET name = 'another' WHERE id = 1")
    assert database.has_changed(database.tables, before=before) is has_changed
    database.close()


def test_what_verify_asks_again_is_the_schema(fleet: Small, shared: str, legacy_postgres: Postgres) -> None:
    configure(fleet.site.config, legacy_postgres.dsn(shared), "live")
    workspace = fleet.open()
    legacy_postgres.execute(shared, "DELETE FROM tenant_4.book", "INSERT INTO tenant_2.author VALUES (77, 'late')")
    settings = load_settings(fleet.site.config)
    assert [LegacyDatabase(s).count(*LegacyDatabase(s).tables()) for s in settings.sources] == [
        [2, 10],
        [4, 20],
        [4, 30],
    ]
    assert workspace.record.sources["b"].location.endswith("schema tenant_2")


def test_a_schema_that_is_not_there_is_named(fleet: Small, shared: str, legacy_postgres: Postgres) -> None:
    configure(fleet.site.config, legacy_postgres.dsn(shared), listed="source,name,tenant,schema\na,A,1,tenant_9\n")
    told = fleet.site.migrate("plan", check=2).stderr
    assert "source a: no table is in its schema" in told
    assert "schema tenant_9" in told


def test_entries_of_several_schemas_are_not_one_table(fleet: Small, shared: str, legacy_postgres: Postgres) -> None:
    path = fleet.site.directory / "services" / "student.toml"
    again = ENTRIES.replace("[Author", "[Writer").replace('"library"', '"other"').replace('"authors"', '"writers"')
    path.write_text(ENTRIES + again.partition("[Book]")[0], encoding="utf-8")
    configure(fleet.site.config, legacy_postgres.dsn(shared))
    told = fleet.site.migrate("plan", check=2).stderr
    assert "table author: entries of several schemas would read one table" in told


REFUSED = {
    "twice": (
        LIST + "d,D,4,tenant_2\n",
        r"b \(tenants.csv, line 3\) and d \(tenants.csv, line 5\) read in .* the schema tenant_2",
    ),
    "as a whole too": (LIST + "d,D,4,\n", r"and d \(tenants.csv, line 5\) read, d all of it, the database"),
}


@pytest.mark.parametrize(("listed", "message"), REFUSED.values(), ids=REFUSED)
def test_no_table_is_read_for_two_tenants(tmp_path: Path, listed: str, message: str) -> None:
    config = tmp_path / "migrate.toml"
    config.write_text('[target]\ndsn = "postgresql://localhost/{service}"\n', encoding="utf-8")
    configure(config, "postgresql://u:s3cret@h/fleet", listed=listed)
    with pytest.raises(ConfigError, match=message):
        load_settings(config)


@pytest.fixture
def undescribed(postgres: Server, tmp_path: Path, shared: str, legacy_postgres: Postgres) -> Iterator[Drafting]:
    with drafting(postgres, tmp_path, "sqlite://none.sqlite") as site:
        configure(site.config, legacy_postgres.dsn(shared))
        yield site


def test_schemas_are_drafted_together(undescribed: Drafting) -> None:
    told = undescribed.migrate("draft", "--all").stdout
    assert "book.country -> country: country is elsewhere, in public" in told
    assert {(e.schema_name, e.table) for e in undescribed.catalog().entities.values()} == {
        ("dbo", "author"),
        ("dbo", "book"),
    }
    undescribed.prepare()
    undescribed.migrate("plan")
    assert "PARITY" in undescribed.migrate("run", "--as-of", "2026-01-01").stdout
    assert (undescribed.count("author"), undescribed.count("book")) == (9, 60)
    assert undescribed.count("book", "author_id IS NULL") == 0


def test_a_schema_of_a_sql_server(sqlserver: Standin) -> None:
    """Both have a table `dbo.Common`: the one of another schema is not taken for the own."""
    there = sqlserver.databases["shared"] = Database()
    for number, schema in enumerate(("dbo", "tenant_1", "tenant_2")):
        there.load_table(schema, "Common", [("Id", "int", False)], ["Id"], [(n,) for n in range(10 * number + 1)])
    there.load_table("tenant_1", "Item", [("Id", "int", False), ("CommonId", "int", True)], ["Id"], [(1, 2), (2, 2)])
    for name, schema in (("theirs", "dbo"), ("own", "tenant_1")):
        there.foreign_key(name, ("tenant_1", "Item"), ["CommonId"], (schema, "Common"), ["Id"])
    with closing(LegacyDatabase(source(sqlserver.dsn("shared"), schema_name="TENANT_1"))) as database:
        tables = database.tables()
        assert [(t.schema, t.name) for t in tables] == [("dbo", "Common"), ("dbo", "Item")]
        assert database.count(*tables) == database.about_rows(tables) == [11, 2]
        keys = {key.name: (key.parent, key.elsewhere) for key in database.foreign_keys()}
        assert keys == {"theirs": (("dbo", "Common"), "dbo"), "own": (("dbo", "Common"), "")}
        rows = database.read(tables[0], columns=["Id"], key=["Id"], rows=11)
        assert rows.column(0).to_pylist() == [str(n) for n in range(11)]


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        ("mysql://u:s3cret@h/x", "in mysql it is the database: write it in dsn, or as database"),
        ("sqlite://x.sqlite", "in sqlite it is the database: leave schema out"),
    ],
)
def test_a_database_without_schemas_has_none(dsn: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        source(dsn, schema_name="x")


def test_a_partition_of_a_table_elsewhere_is_a_table(shared: str, legacy_postgres: Postgres) -> None:
    legacy_postgres.execute(
        shared,
        "CREATE TABLE public.log (tenant int, word text) PARTITION BY LIST (tenant)",
        "CREATE TABLE tenant_2.log PARTITION OF public.log FOR VALUES IN (2)",
        "CREATE TABLE tenant_1.log PARTITION OF public.log FOR VALUES IN (1)",
        "INSERT INTO public.log VALUES (1, 'one'), (2, 'two'), (2, 'three')",
    )
    with closing(LegacyDatabase(source(legacy_postgres.dsn(shared), schema_name="tenant_2"))) as database:
        assert {t.name: n for t, n in zip(database.tables(), database.count(*database.tables()), strict=True)} == {
            "author": 3,
            "book": 20,
            "log": 2,
        }
