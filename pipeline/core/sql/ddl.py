"""DDL of the service databases, from the catalog: tables, keys, indexes, row-level security, roles. Text only.

Invariant: every tenant table carries the policy, and nothing outside the service's schema is granted to the
application. Foreign keys are left out on purpose: integrity is logical, proved by verification, and two foreign
keys made a load 3.6 times as slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.catalog import Catalog
from schemas.model import ALWAYS_FILLED

#: The roles: who writes past row-level security, who works under it, who only reads.
MIGRATOR, APP, AUDITOR = "migrator", "app", "auditor"


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
    """Create the three roles, where they are missing; they belong to the whole server."""
    for role, options in ((MIGRATOR, "BYPASSRLS"), (APP, "NOBYPASSRLS"), (AUDITOR, "NOBYPASSRLS")):
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
            f"THEN CREATE ROLE {role} NOLOGIN {options}; END IF; END $$"
        )


def service_tables(catalog: Catalog, service: str) -> Iterator[str]:
    """Create a service's schema with its tables, indexes, policies and grants."""
    yield f"CREATE SCHEMA IF NOT EXISTS {service}"
    yield f"GRANT USAGE ON SCHEMA {service} TO {MIGRATOR}, {APP}, {AUDITOR}"
    for table, columns in table_columns(catalog, service).items():
        name = f"{service}.{quote(table)}"
        shared = has_shared_rows(catalog, service, table)
        not_null = ALWAYS_FILLED if shared else (*ALWAYS_FILLED, "tenant_id")
        lines = [f"    {quote(c)} {pg}{' NOT NULL' if c in not_null else ''}" for c, pg in columns.items()]
        yield f"CREATE TABLE IF NOT EXISTS {name} (\n" + ",\n".join([*lines, "    PRIMARY KEY (id)"]) + "\n)"
        yield f"CREATE INDEX IF NOT EXISTS {quote(table + '_tenant')} ON {name} (tenant_id)"
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        own = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid"
        seen = f"{own} OR tenant_id IS NULL" if shared else own
        yield f"DROP POLICY IF EXISTS tenant_isolation ON {name}"
        yield f"CREATE POLICY tenant_isolation ON {name} USING ({seen}) WITH CHECK ({own})"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {MIGRATOR}, {APP}"
        yield f"GRANT SELECT ON {name} TO {AUDITOR}"
