"""What changes no value and lets nobody see more is no difference: all of it at once, and still parity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline import runner, runs
from pipeline.connection import Dsn
from pipeline.core.sql.ddl import table_columns
from pipeline.demo.server import Server
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog
from tests.support.site import USED, Site

#: What a database or a login may be set to; every one of them changes how some value is written or found.
SETTINGS = {
    "datestyle": "'German, DMY'",
    "intervalstyle": "'iso_8601'",
    "extra_float_digits": "-15",
    "timezone": "'Asia/Kathmandu'",
    "search_path": "'nowhere'",
    "bytea_output": "'escape'",
    "xmlbinary": "'hex'",
    "lc_numeric": "'C'",
}
OWNER = "harmless_owner"
#: On every table of a service.
ON_TABLES = (
    "ALTER TABLE {table} OWNER TO " + OWNER,
    "REINDEX TABLE {table}",
    "CLUSTER {table} USING {index}",
    "VACUUM FULL {table}",
    "ANALYZE {table}",
    "ALTER TABLE {table} SET (fillfactor = 70)",
    "COMMENT ON TABLE {table} IS 'looked at'",
    "CREATE INDEX ON {table} (legacy_id)",
)
#: A column that comes last from now on.
MOVED = (
    "ALTER TABLE student.students ADD COLUMN moved text",
    "UPDATE student.students SET moved = first_name",
    "ALTER TABLE student.students DROP COLUMN first_name",
    "ALTER TABLE student.students RENAME moved TO first_name",
    "ALTER TABLE assessment.benchmarks ADD COLUMN moved numeric(18,2)",
    "UPDATE assessment.benchmarks SET moved = meets",
    "ALTER TABLE assessment.benchmarks DROP COLUMN meets",
    "ALTER TABLE assessment.benchmarks RENAME moved TO meets",
)


@pytest.fixture
def owner(postgres: Server, migrated: Site) -> Iterator[str]:
    """A role that is to own the tables; it goes when they do."""
    with TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None, autocommit=True) as cluster:
        cluster.execute(f"CREATE ROLE {OWNER} NOLOGIN")
        yield OWNER
        for service in USED:
            with TargetDatabase(service, Dsn(migrated.dsn(service)), role=None, autocommit=True) as database:
                database.execute(f"DROP OWNED BY {OWNER}")
        cluster.execute(f"DROP ROLE {OWNER}")


@pytest.mark.slow
@pytest.mark.usefixtures("owner")
def test_what_changes_nothing_is_no_difference(migrated: Site, catalog: Catalog) -> None:
    for service in USED:
        with TargetDatabase(service, Dsn(migrated.dsn(service)), role=None, autocommit=True) as database:
            for table in table_columns(catalog, service):
                for statement in ON_TABLES:
                    database.execute(statement.format(table=f"{service}.{table}", index=f"{table}_pkey"))
            for statement in MOVED:
                if statement.partition(".")[0].endswith(f" {service}"):
                    database.execute(statement)
            database.execute("VACUUM FULL migration.id_map")
            database.execute("REINDEX SCHEMA migration")
            name = migrated.dsn(service).rpartition("/")[2]
            for setting, value in SETTINGS.items():
                database.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')
                database.execute(f'ALTER ROLE CURRENT_USER IN DATABASE "{name}" SET {setting} = {value}')
    settings = load_settings(migrated.config)
    record = runs.find_run(settings, runs.Selection())
    assert record is not None
    verdict = runner.run_verify(runs.open_run(settings, catalog, record), Progress(quiet=True))
    assert verdict.differences == ()
    assert verdict.parity
