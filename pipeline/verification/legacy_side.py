"""What must be: the raw files checked, the legacy counts asked again, every expected row derived from them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Literal

from pipeline import reading
from pipeline.core import frame
from pipeline.core.plan import Held, batches, batches_in, sources_of
from pipeline.core.scrub import SCRUBS
from pipeline.core.sql import expected, judged, relations
from pipeline.core.sql.columns import TENANT, column
from pipeline.core.text import quoted, said
from pipeline.core.verdict import CHANGED_SINCE
from pipeline.stores import ledger
from pipeline.stores.parity import RawFiles
from pipeline.stores.transcript import read_of
from pipeline.verification.scope import Scope
from schemas.model import Entity
from schemas.parts import TenantRule


def raw_files(scope: Scope) -> None:
    """Name the raw files of a part's own entities, and recompute their checksums from their rows."""
    staging = scope.workspace.staging
    for entity_id in (*scope.selected, *scope.record.key_entities):
        entity = scope.catalog[entity_id]
        if entity.derived_from is not None or not _is_own(scope, entity):
            continue
        keys_only = entity_id in scope.record.key_entities
        files = []
        for name in sources_of(entity, scope.record):
            if keys_only:
                paths = [staging.keys_path(name, entity_id)]
            else:
                paths = [staging.raw_path(b) for b in batches_in(name, entity, scope.record)]
            for path in paths:
                scope.manifests[path] = staging.check(path)  # DuckDB does not look at the pages' checksums
            source = scope.record.sources[name]
            files.append(RawFiles(paths, name, source.tenant_id, source.host_zone, source.tenant_zone))
        scope.db.raw_view(
            entity_id, files, dict.fromkeys((*map(frame.column, entity.raw_columns), frame.UNFIT), "VARCHAR")
        )
        if not keys_only:
            _recompute(scope, entity)


def _is_own(scope: Scope, entity: Entity) -> bool:
    """Say whether an entity's raw rows are new to the part in hand: those of the shared database are with the first."""
    is_of_directory = scope.catalog.is_of_directory(entity.id) and any(sources_of(entity, scope.record))
    return scope.record.is_shared or not is_of_directory


def _recompute(scope: Scope, entity: Entity) -> None:
    found = {r[frame.FILE]: (r["rows"], r["checksum"]) for r in scope.db.rows(expected.source_checksum(entity))}
    for batch in batches(entity, scope.record):
        path = scope.workspace.staging.raw_path(batch)
        manifest, got = scope.manifests[path], found.get(str(path), (0, "0"))
        if got != (manifest.get("rows"), manifest.get("checksum")):
            scope.note(
                entity.service, "raw file altered", entity.id, tenant=scope.tenant(batch.source), keys=[str(batch)]
            )
    for name, entry in entity.raw_columns.items():
        if entry.scrub is not None:
            left = SCRUBS[entry.scrub].remains_sql(column(name))
            asked = said(
                f"Whether a secret is left in {entity.id}, column {name}.",
                f"SELECT 1 FROM {relations.raw(entity.id)} WHERE {left} LIMIT 1",
            )
            if scope.db.rows(asked):
                scope.note(entity.service, "secret left in raw text", entity.id, column=name)


def legacy_counts(scope: Scope) -> None:
    """Ask every source of a part again: for its counts, and one that lives for its rows."""
    staging = scope.workspace.staging
    for name, source in scope.record.sources.items():
        if source.tenant_id is None and not scope.record.is_shared:
            continue
        entities = [e for e in map(scope.catalog.__getitem__, scope.selected) if name in sources_of(e, scope.record)]
        entities = [e for e in entities if e.derived_from is None]
        if source.consistency == "live":
            scope.moved |= {(entity.id, name): 0 for entity in entities}
            own = [b for entity in entities for b in batches_in(name, entity, scope.record)]
            for errand in reading.errands(scope.workspace, own):
                for part, rows in reading.read(scope.workspace, errand):
                    before = staging.read_table(staging.raw_path(part))
                    scope.moved[part.entity, name] += reading.moved(before, rows, scope.catalog[part.entity])
            continue
        database = scope.workspace.source(name)
        # With rows of purged tenants left out, a count tells nothing.
        is_cut = source.tenant_id is None and bool(scope.workspace.purged)
        if is_cut or database.has_changed(partial(scope.workspace.tables, name), before=source.fingerprint):
            _changed_since(scope, name, entities)
            continue
        there = {e.id: table for e in entities if (table := scope.workspace.table(name, e)) is not None}
        counts = dict(zip(there, database.count(*there.values()), strict=True))
        for entity in entities:
            counted = counts.get(entity.id, 0)
            paths = (staging.raw_path(b) for b in batches_in(name, entity, scope.record))
            staged = sum(scope.manifests[path].get("rows", 0) for path in paths)
            if counted != staged:
                kind = f"legacy counts {counted}, staged {staged}"
                scope.note(entity.service, kind, entity.id, tenant=scope.tenant(name))


def _changed_since(scope: Scope, source: str, entities: Iterable[Entity]) -> None:
    """Read a source again that is not as it was, and name the rows that have changed.

    Where none has, the tables read are as they were, and so is the verdict on them.
    """
    workspace = scope.workspace
    own = [b for entity in entities for b in batches_in(source, entity, scope.record)]
    for errand in reading.errands(workspace, own):
        for part, rows in reading.read(workspace, errand):
            entity = workspace.entity(part)
            staged = workspace.staging.read_table(workspace.staging.raw_path(part))
            if keys := reading.changed_keys(staged, rows, entity):
                scope.note(entity.service, CHANGED_SINCE, entity.id, tenant=scope.tenant(source), keys=keys)
    for entity in (scope.catalog[e] for e in scope.record.key_entities):
        if source in sources_of(entity, scope.record):
            staged = workspace.staging.read_table(workspace.staging.keys_path(source, entity.id))
            if not reading.read_keys(workspace, source, entity).equals(staged):
                scope.note(entity.service, CHANGED_SINCE, entity.id, tenant=scope.tenant(source))


def loaded_before(scope: Scope) -> None:
    """Say which rows live on of the entities of which only keys are read."""
    scope.chapter("loaded-before")
    _survivors(scope)
    for entity_id in (e for e in scope.catalog.order if e in scope.record.key_entities):
        _tag(scope, scope.catalog[entity_id])
        _execute(scope, expected.live_from_keys(scope.catalog[entity_id], scope.catalog))


def derive(scope: Scope) -> None:
    """Derive values, verdicts and survivors of every entity, parents before children, and what its receipts say."""
    ready: set[str] = set()
    for entity_id in scope.selected:
        if entity_id not in ready:
            members = [m for m in scope.selected if m in scope.catalog.circle(entity_id)]
            ready.update(members)
            _derive(scope, members or [entity_id], circular=bool(members))
    scope.chapter("receipts")
    for entity_id in scope.selected:
        receipts = expected.expected_receipts(
            scope.catalog[entity_id], run_id=scope.record.run_id, entry_hash=_version(scope, entity_id)
        )
        what = f"The receipts that {entity_id} must have."
        scope.db.execute(said(what, f"INSERT INTO {relations.EXPECTED_RECEIPT} BY NAME {receipts}"))


def _version(scope: Scope, entity_id: str) -> str:
    """Give the version of an entry that its rows were transformed by: one that is another now is told, as not moved."""
    if entity_id not in scope.versions:
        scope.versions[entity_id] = {m["entry_hash"] for _, m in scope.workspace.staging.outputs(entity_id)}
    versions = scope.versions[entity_id]
    return next(iter(versions)) if len(versions) == 1 else scope.catalog.hashes[entity_id]


def _derive(scope: Scope, members: list[str], *, circular: bool) -> None:
    """Derive an entity, or those of a circle together: their survivors first, then what they refer to."""
    scope.chapter(f"{members[0]}-must-be")
    selected = [scope.catalog[m] for m in members]
    for entity in selected:
        _tag(scope, entity)
        if circular:
            _execute(scope, expected.live_none(entity, scope.catalog))
    # Inside a circle references are optional and reject no row: with none of them found, the same rows live on.
    for _ in range(2 if circular else 1):
        _execute(
            scope,
            (judged.judged(e, scope.catalog, tenants=scope.record.tenants, as_of=scope.record.as_of) for e in selected),
        )
        for entity in selected:
            _execute(scope, expected.live(entity, scope.catalog))


def _execute(scope: Scope, statements: Iterable[str]) -> None:
    for statement in statements:
        scope.db.execute(statement)


def _survivors(scope: Scope) -> None:
    """Read what is loaded of entities that are not part of this run."""
    scope.db.execute(
        said(
            "What other runs have loaded of entities that are no part of this one.",
            f"CREATE OR REPLACE TABLE {relations.SURVIVORS.typed}",
        )
    )
    for entity_id in scope.record.key_entities:
        service, asked = scope.catalog[entity_id].service, ledger.id_map_query(entity_id, scope.record.tenants)
        with scope.workspace.database(service) as database:
            mapped = database.query(asked)
        what = f"What is loaded of {entity_id}; a tenant of whom all is has one more row, with an empty key."
        scope.db.fill(relations.INCOMING_SURVIVORS, mapped, what=what, origin=read_of(service, asked))
        into = (
            f"INSERT INTO {relations.SURVIVORS} SELECT {TENANT}, {quoted(entity_id)}, legacy_key, new_id "
            f"FROM {relations.INCOMING_SURVIVORS}"
        )
        scope.db.execute(said(f"That of {entity_id} goes with the others.", into))


def _tag(scope: Scope, entity: Entity) -> None:
    if entity.derived_from is not None:
        scope.db.execute(
            expected.groups(entity, scope.catalog[str(entity.derived_from)], batch_rows=scope.record.batch_rows)
        )
        return
    if entity.id in scope.tagged:
        return
    scope.tagged.add(entity.id)
    if isinstance(entity.tenant, TenantRule) and entity.tenant.through:
        _tag(scope, scope.catalog[entity.tenant.through])
    scope.db.execute(expected.tagged(entity, scope.catalog, doubled=_doubled(scope, entity)))


def _doubled(scope: Scope, entity: Entity) -> Literal["no", "rows", "keys"]:
    """Look for doubled keys where sources themselves do not keep keys apart; say of what rows, if there are any."""
    sources = [s for s in sources_of(entity, scope.record) if Held(s, entity.id) in scope.record.unenforced]
    if not sources:
        return "no"
    scope.db.execute(expected.doubled(entity, sources))
    asked = f"SELECT 1 FROM {relations.doubled(entity.id)} LIMIT 1"
    if not scope.db.rows(said(f"Whether any key of {entity.id} is doubled.", asked)):
        return "no"
    return "keys" if entity.id in scope.record.key_entities else "rows"
