"""What the target's tables are made of: as the catalog promises, or as it was when the first run into them began."""

from __future__ import annotations

from pipeline.core.sql.ddl import table_columns
from pipeline.core.structure import drifts
from pipeline.stores.structure import read_structure
from pipeline.verification.scope import Scope

#: What the application's writes are tried on.
_TRIED = ("table", "unlogged table", "partitioned table")


def made_of(scope: Scope) -> None:
    """Note what can change a value or let someone see or touch a row, and tell what cannot."""
    for service in scope.workspace.services():
        with scope.database(service) as database:
            found = read_structure(database, service, list(table_columns(scope.catalog, service)))
        scope.triggered |= {
            f.place
            for f in found.facts
            if f.aspect in ("trigger", "rule") or (f.aspect == "relation" and f.value not in _TRIED)
        }
        since, places = scope.record.structure.get(service), [f"{service}.{t}" for t in scope.tables(service)]
        if since is not None:
            scope.told += since.told((service, *places))
        for drift in drifts(
            scope.catalog,
            service,
            found.facts,
            since=since,
            places=places,
            roles=scope.workspace.settings.target.roles,
            login=found.login,
        ):
            if drift.judged:
                scope.note(service, f"structure: {drift.what}", drift.place, column=drift.name)
            else:
                scope.told.append(f"{drift.place}: {drift.what}{f' ({drift.name})' if drift.name else ''}")
