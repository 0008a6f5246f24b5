"""Tenants whose staged rows are removed from a run, while those of the others stay and can be verified.

What a tenant has to itself is removed. What it shares with others is rewritten without its rows, a file at a time, each
whole before and after. Invariant: what a row finds its tenant by is rewritten after that row; so the same command goes
on wherever it was killed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.frame import MATCH, TENANT
from pipeline.core.keys import match_text, of_doubled, with_key
from pipeline.core.plan import RunRecord, batches, sources_of
from pipeline.errors import ConfigError, RunMismatch, StagedFileDamaged, StagingError
from pipeline.owners import Owners
from pipeline.reading import checksum
from pipeline.runs.ended import is_finished
from pipeline.runs.record import demand_entries
from pipeline.settings import LOADED, Settings
from pipeline.stores.arrow import to_frame
from pipeline.stores.staging import PURGED_TENANTS, PurgedTenant, Staging
from schemas.catalog import Catalog, MatchKey
from schemas.model import Entity
from schemas.parts import TenantRule


@dataclass(frozen=True, slots=True)
class Removed:
    """What a purge of tenants has removed."""

    #: Bytes of the files that were theirs alone.
    size: int
    #: Files that others share, and that were rewritten.
    files: int
    #: Rows that are no more in those.
    rows: int


def named_tenants(settings: Settings, catalog: Catalog, record: RunRecord, names: Collection[str]) -> dict[str, str]:
    """Give the tenants of sources that a run may have staged rows of: tenant -> the source's name.

    Raises:
        ConfigError: a source is not known, or is no tenant's.
        StagingError: the run has no rows of it.
    """
    known = {s.id: s.tenant_id for s in settings.own_sources if s.tenant_id is not None}
    staged = {name: s.tenant_id for name, s in record.sources.items() if s.tenant_id is not None}
    found = {}
    for name in names:
        tenant = staged.get(name, known.get(name))
        if tenant is None:
            raise ConfigError(
                f"no source of a tenant is named {name!r}",
                where=f"run {record.run_id}",
                expected=f"one of {', '.join(sorted(staged))}",
                remedy="name it as `[sources]` does",
            )
        # Of the directory, rows of all tenants are staged, whether the run moves them or not.
        if name not in staged and not any(_of_directory(catalog, record)):
            raise StagingError(
                "the tenant is not in the run",
                where=f"run {record.run_id}",
                got=f"--tenant {name}",
                expected=f"one of {', '.join(sorted(staged))}",
                remedy="no row of it is staged in this run; `migrate status` lists the others",
            )
        found[tenant] = name
    return found


def purge_tenants(settings: Settings, catalog: Catalog, record: RunRecord, tenants: Mapping[str, str]) -> Removed:
    """Remove the staged rows of some tenants of a verified run; note it beside the run record, before and after.

    Args:
        settings: the configuration.
        catalog: the entries.
        record: the run, with all its tenants.
        tenants: tenant -> the source's name.

    Raises:
        StagingError: the run is not loaded and verified, or others share keys with these tenants.
        StagedFileDamaged: a file that is to be written anew is not what was staged.
        RunMismatch: the catalog is not the one that the rows were read by.
        DiskError: something could not be removed or written.
    """
    staging = Staging(settings.run.staging, record.run_id)
    if staging.note("purged") is not None:
        return Removed(0, 0, 0)
    before = staging.purged_tenants()
    if not (tenants.keys() <= before.keys() or is_finished(settings, record)):
        raise StagingError(
            "only tenants of a loaded and verified run are purged",
            where=f"run {record.run_id}",
            got="a run that is not",
            expected="every tenant of it at parity",
            remedy="`migrate verify` must end in parity first",
        )
    demand_entries(catalog, record)
    _demand_versions(staging, catalog, record)
    # Rows of several tenants go with the last of them.
    gone = before.keys() | tenants.keys()
    shared = _Shared(staging, catalog, record, gone)
    shared.demand_whole()
    shared.demand_keys_apart()
    shared.demand_picks_apart()
    noted = before | {t: before.get(t, PurgedTenant(name, None)) for t, name in tenants.items()}
    _note(staging, noted)
    own = [name for name, source in record.sources.items() if source.tenant_id in tenants]
    empty = [n for n, wave in enumerate(record.waves) if wave and {record.sources[s].tenant_id for s in wave} <= gone]
    size = staging.purge_of(own, empty)
    files = [*shared.raw(), *shared.loaded(), *shared.outputs()]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _note(staging, noted | {t: replace(noted[t], at=noted[t].at or now) for t in tenants})
    return Removed(size, sum(rows > 0 for rows in files), sum(files))


def _note(staging: Staging, tenants: Mapping[str, PurgedTenant]) -> None:
    staging.mark(PURGED_TENANTS, {tenant: asdict(purged) for tenant, purged in tenants.items()})


def _of_directory(catalog: Catalog, record: RunRecord) -> Iterator[Entity]:
    """Give the entities whose rows a rule deals out to tenants, each before what its rows find theirs by."""
    chosen = [catalog[e] for e in (*record.entities, *record.key_entities)]
    ruled = [e for e in chosen if isinstance(e.tenant, TenantRule) and any(sources_of(e, record))]
    yield from sorted(ruled, key=lambda e: _steps(e, catalog), reverse=True)


def _steps(entity: Entity, catalog: Catalog) -> int:
    """Count the entities that a row's way to its tenant goes through."""
    rule = entity.tenant
    if not isinstance(rule, TenantRule) or catalog.through(rule) == entity:
        return 0
    return 1 + _steps(catalog.through(rule), catalog)


def _demand_versions(staging: Staging, catalog: Catalog, record: RunRecord) -> None:
    """Refuse to tell whose rows are by a rule that may have changed since they were loaded."""
    for entity in _of_directory(catalog, record):
        versions = {manifest["entry_hash"] for _, manifest in staging.outputs(entity.id)}
        if not versions <= {catalog.hashes[entity.id]}:
            raise RunMismatch(
                where=f"run {record.run_id}, {entity.id}",
                got=f"rows transformed under version {', '.join(sorted(versions))} of its entry",
                expected=f"version {catalog.hashes[entity.id]}",
                remedy="restore the catalog that the run began with; or purge the whole run: leave --tenant out",
            )


class _Shared:
    """The files of a run that tenants share."""

    def __init__(self, staging: Staging, catalog: Catalog, record: RunRecord, gone: Set[str]) -> None:
        self._staging, self._catalog, self._record, self._gone = staging, catalog, record, gone
        self._owners = Owners(catalog, self._rows)

    def demand_whole(self) -> None:
        """Refuse to write anew what is damaged: its checksum would be true again; and tell it while nothing is gone."""
        for entity in _of_directory(self._catalog, self._record):
            self._owners.routes(entity)
            for path, table, manifest in self._raw(entity):
                if "checksum" in manifest and manifest["checksum"] != checksum(table, entity):
                    raise StagedFileDamaged(
                        where=str(path),
                        got="other rows than were staged",
                        expected=f"rows of checksum {manifest['checksum']}",
                        remedy=f"remove the file; `migrate extract --run-id {self._record.run_id}` stages it anew",
                    )

    def demand_keys_apart(self) -> None:
        """Refuse to take out rows whose keys others have too: what those are depends on how many there are."""
        for held in self._record.unenforced:
            entity = self._catalog[held.entity]
            if not isinstance(entity.tenant, TenantRule):
                continue
            rows = self._rows(entity)
            are_others = self._owners.are_of_others(entity, rows, self._gone)
            key = match_text(entity, MatchKey(entity.key), using=entity.key).alias(MATCH)
            removed = with_key(rows.filter(~are_others).lazy(), entity).select(key)
            if n := of_doubled(rows.filter(are_others).lazy(), entity, removed).collect().height:
                raise StagingError(
                    "rows of tenants that stay have keys of rows that would be removed",
                    where=f"run {self._record.run_id}, {entity.id}",
                    got=f"{n:,} rows with such keys",
                    expected="keys of one tenant's rows alone: rows of one key are set aside by how many there are",
                    remedy="purge the whole run: leave --tenant out",
                )

    def demand_picks_apart(self) -> None:
        """Refuse to take out rows that others might have followed: that there are several is found of those."""
        for entity in _of_directory(self._catalog, self._record):
            if n := self._owners.contested(entity, self._rows(entity), self._gone):
                raise StagingError(
                    "rows of tenants that stay are found by rows that would be removed",
                    where=f"run {self._record.run_id}, {entity.id}",
                    got=f"{n:,} rows that lead to several tenants, of which one was picked",
                    expected="rows that lead to one tenant: a finding says of the others that there are several",
                    remedy="purge the whole run: leave --tenant out",
                )

    def raw(self) -> Iterator[int]:
        """Rewrite raw rows and keys of the directory; give for each file how many rows it lost."""
        for entity in _of_directory(self._catalog, self._record):
            for path, table, manifest in self._raw(entity):
                kept = table.filter(self._owners.are_of_others(entity, to_frame(table), self._gone).to_arrow())
                said = {"rows": kept.num_rows}
                if "checksum" in manifest:
                    said["checksum"] = checksum(kept, entity)
                yield self._rewritten(path, table, kept, manifest | said)

    def _raw(self, entity: Entity) -> Iterator[tuple[Path, pa.Table, dict[str, Any]]]:
        for path in self._paths(entity):
            if (manifest := self._staging.manifest(path)) is not None:
                yield path, self._staging.read_table(path), manifest

    def loaded(self) -> Iterator[int]:
        """Rewrite what is known of rows that were loaded before."""
        for entity_id in self._record.key_entities:
            path = self._staging.keys_path(LOADED, entity_id)
            if (manifest := self._staging.manifest(path)) is not None:
                table = self._staging.read_table(path)
                kept = table.filter(pc.invert(pc.is_in(table[TENANT], pa.array(self._gone, table[TENANT].type))))
                yield self._rewritten(path, table, kept, manifest)

    def outputs(self) -> Iterator[int]:
        """Rewrite what was made of rows."""
        gone = pa.array([UUID(tenant).bytes for tenant in self._gone], pa.binary(16))
        for number, wave in enumerate(self._record.waves):
            if self._gone.isdisjoint(self._record.sources[s].tenant_id or "" for s in wave):
                continue
            for path in self._staging.output_files(number):
                table, manifest = self._staging.read_table(path), self._staging.manifest(path) or {}
                owners = table["tenant_id"].combine_chunks()
                kept = table.filter(pc.invert(pc.is_in(owners.storage, gone)))
                if "batches" in manifest:
                    manifest = manifest | {"batches": [self._of_others(batch) for batch in manifest["batches"]]}
                yield self._rewritten(path, table, kept, manifest)

    def _of_others(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        return {**batch, "tenants": {t: part for t, part in batch["tenants"].items() if t not in self._gone}}

    def _rows(self, entity: Entity) -> pl.DataFrame:
        return pl.concat(to_frame(self._staging.read_table(path)) for path in self._paths(entity))

    def _paths(self, entity: Entity) -> list[Path]:
        record, staging = self._record, self._staging
        if entity.id in record.key_entities:
            return [staging.keys_path(source, entity.id) for source in sources_of(entity, record)]
        return [staging.raw_path(batch) for batch in batches(entity, record)]

    def _rewritten(self, path: Path, table: pa.Table, kept: pa.Table, manifest: Mapping[str, Any]) -> int:
        """Write a file without the rows that are not kept, if any are there still; say how many those were."""
        if manifest != self._staging.manifest(path) or kept.num_rows < table.num_rows:
            self._staging.write_table(path, kept, manifest)
        return int(table.num_rows - kept.num_rows)
