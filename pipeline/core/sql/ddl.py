"""DDL of the service databases, from the catalog: tables, keys, indexes, row-level security, roles. Text only.

Invariant: every tenant table carries the policies, and nothing outside the service's schema is granted to the
application. Foreign keys are left out on purpose: integrity is logical, proved by verification, and two foreign
keys made a load 3.6 times as slow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from schemas.catalog import Catalog
from schemas.history import TABLE as TRAIL
from schemas.model import is_always_filled

#: The roles: who writes past row-level security, who works under it, who reads the ledger's counts and no row, and who
#: reads rows, under row-level security.
MIGRATOR, APP, AUDITOR, DATA_READER = "migrator", "app", "auditor", "data_reader"
#: What the application may do with a row of its tenant.
APP_MAY = ("DELETE", "INSERT", "SELECT", "UPDATE")
#: Rows of the tenant that the application has set; none where it has set none.
OWN_ROWS = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid"


def quote(name: str) -> str:
    """Quote an identifier for PostgreSQL or DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def table_columns(catalog: Catalog, service: str) -> Mapping[str, Mapping[str, str]]:
    """Give each target table of a service with all its columns and types, over all entries that write to it."""
    tables: dict[str, dict[str, str]] = {}
    for entity in catalog.entities.values():
        if entity.service == service:
            for target in entity.targets:
                tables.setdefault(target.table, {}).update(target.columns)
    return tables


def has_shared_rows(catalog: Catalog, service: str, table: str) -> bool:
    """Say whether rows without a tenant may stand in a table."""
    return any(e.is_shared for e in catalog.writers(service, table))


def roles() -> Iterator[str]:
    """Create the roles, where they are missing; they belong to the whole server.

    Who may create roles but not with BYPASSRLS, as on a managed server, makes a migrator without it, and becomes its
    member: `service_tables` then gives it the tables, for an owner is not bound by their policies.
    """
    made = f"CREATE ROLE {MIGRATOR} NOLOGIN"
    yield (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{MIGRATOR}') THEN "
        f"BEGIN {made} BYPASSRLS; EXCEPTION WHEN insufficient_privilege THEN "
        f"{made}; GRANT {MIGRATOR} TO CURRENT_USER; END; END IF; END $$"
    )
    for role in (APP, AUDITOR, DATA_READER):
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
            f"THEN CREATE ROLE {role} NOLOGIN NOBYPASSRLS; END IF; END $$"
        )


def app_may(table: str) -> tuple[str, ...]:
    """Say what an application may do with a table's rows: records of the audit trail are added, and stay."""
    return ("INSERT", "SELECT") if table == TRAIL else APP_MAY


def service_tables(catalog: Catalog, service: str) -> Iterator[str]:
    """Create a service's schema with its tables, indexes, policies and grants."""
    yield f"CREATE SCHEMA IF NOT EXISTS {service}"
    yield f"GRANT USAGE ON SCHEMA {service} TO {MIGRATOR}, {APP}, {DATA_READER}"
    yield f"REVOKE ALL ON SCHEMA {service} FROM {AUDITOR}"
    tables = table_columns(catalog, service)
    for table, columns in tables.items():
        name = f"{service}.{quote(table)}"
        shared = has_shared_rows(catalog, service, table)
        lines = [f"    {column_definition(c, pg, shared=shared)}" for c, pg in columns.items()]
        yield f"CREATE TABLE IF NOT EXISTS {name} (\n" + ",\n".join([*lines, "    PRIMARY KEY (id)"]) + "\n)"
        yield f"CREATE INDEX IF NOT EXISTS {quote(table + '_tenant')} ON {name} (tenant_id)"
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield f"DROP POLICY IF EXISTS tenant_isolation ON {name}"
        yield f"CREATE POLICY tenant_isolation ON {name} USING ({OWN_ROWS}) WITH CHECK ({OWN_ROWS})"
        yield f"DROP POLICY IF EXISTS shared_rows ON {name}"
        if shared:
            # For reading alone: nobody's rows are not a tenant's to change or delete.
            yield f"CREATE POLICY shared_rows ON {name} FOR SELECT USING (tenant_id IS NULL)"
        yield f"GRANT {', '.join(APP_MAY)} ON {name} TO {MIGRATOR}, {APP}"
        if kept := sorted({*APP_MAY} - {*app_may(table)}):
            yield f"REVOKE {', '.join(kept)} ON {name} FROM {APP}"
        yield f"GRANT SELECT ON {name} TO {DATA_READER}"
        yield f"REVOKE ALL ON {name} FROM {AUDITOR}"
    if tables:
        yield _owned(service, tables)


def added_columns(catalog: Catalog, service: str, there: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Add the columns that the catalog describes and existing tables lack.

    Args:
        there: the tables that exist, with the columns that they have.
    """
    for table, columns in table_columns(catalog, service).items():
        shared = has_shared_rows(catalog, service, table)
        for column, pg in columns.items():
            if table in there and column not in there[table]:
                yield f"ALTER TABLE {service}.{quote(table)} ADD COLUMN {column_definition(column, pg, shared=shared)}"


def column_definition(name: str, pg: str, *, shared: bool) -> str:
    """Define a column of a table; `shared` says whether rows of no tenant may stand in it."""
    return f"{quote(name)} {pg}{' NOT NULL' if is_always_filled(name, shared=shared) else ''}"


def _owned(service: str, tables: Iterable[str]) -> str:
    """Give the tables to a migrator that has no BYPASSRLS: their owner is not bound by their policies."""
    given = "\n".join(f"    ALTER TABLE {service}.{quote(table)} OWNER TO {MIGRATOR};" for table in tables)
    return (
        f"DO $$ BEGIN IF NOT (SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = '{MIGRATOR}') THEN\n"
        f"    GRANT CREATE ON SCHEMA {service} TO {MIGRATOR};\n{given}\nEND IF; END $$"
    )
