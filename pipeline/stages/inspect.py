"""Answers for `status`, `lookup`, `rejects`, `checksum`: what files and target say, as values. Writes nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from pipeline.core.ids import NIL
from pipeline.core.keys import key_kind
from pipeline.core.plan import PSEUDO, RunRecord, batches, tenant_names
from pipeline.core.sql import checksum
from pipeline.core.state import (
    Checksum,
    EntityState,
    Identity,
    OtherVersion,
    Read,
    Reject,
    RunState,
    Share,
    WaveState,
)
from pipeline.core.waves import parts
from pipeline.errors import ConfigError, RunVersion, StagingError
from pipeline.settings import Settings
from pipeline.stores import indexes, ledger
from pipeline.stores.staging import Staging
from pipeline.stores.target import TargetDatabase
from schemas.catalog import Catalog, is_guid

#: What the receipts' own query is called among those of entities.
RECEIPTS = "receipts"
_REJECTS_ARE = "the rejected rows are in migration.quarantine of each service's database"


def run_state(settings: Settings, catalog: Catalog, run_id: str) -> RunState | OtherVersion:
    """Sum up one run: batches done of batches due in each stage, and the tenants verified."""
    staging = Staging(settings.run.staging, run_id)
    try:
        record = staging.read_record()
    except RunVersion as error:
        return OtherVersion(run_id, str(error.got))
    rows = entity_states(settings, catalog, record, loaded=False)
    receipts, verified, tenants, bare = 0, 0, 0, list[str]()
    gone, is_purged = staging.purged_tenants().values(), staging.note("purged") is not None
    is_purge_pending = any(tenant.at is None for tenant in gone)
    for service in sorted(record.target):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if ledger.exists(database):
                known = ledger.receipts(database, run_id)
                receipts += len(known)
                tenants += len({r.tenant for r in known})
                verified += len(ledger.verified(database, run_id))
                bare += map(str, indexes.pending(database))
                is_purge_pending |= is_purged and not ledger.knows_purge(database, run_id)
    return RunState(
        run_id,
        record.as_of.isoformat(),
        record.legacy_entities,
        sum(record.counts.values()),
        is_purged,
        tuple(sorted(tenant.name for tenant in gone)),
        is_purge_pending,
        tuple(bare),
        None if is_purged else Share.sum(r.extracted for r in rows if r.extracted),
        None if is_purged else Share.sum(r.transformed for r in rows if r.transformed),
        receipts,
        Share(verified, tenants),
    )


def entity_states(settings: Settings, catalog: Catalog, record: RunRecord, *, loaded: bool = True) -> list[EntityState]:
    """Sum up each entity of a run: batches staged, transformed and loaded, rows mapped and rejected.

    Tenants whose staged rows were purged are left out.
    """
    staging = Staging(settings.run.staging, record.run_id)
    gone = staging.purged_tenants()
    record = record.without(gone)
    receipts: dict[str, list[ledger.Receipt]] = {}
    for service in sorted(record.target) if loaded else ():
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if ledger.exists(database):
                for receipt in (r for r in ledger.receipts(database, record.run_id) if r.tenant not in gone):
                    receipts.setdefault(receipt.batch.entity, []).append(receipt)
    is_purged = staging.note("purged") is not None
    waived = Counter[str]()
    for held, rows in record.waived.items():
        waived[held.entity] += rows
    return [
        *(_entity_state(staging, catalog, record, e, receipts.get(e, []), is_purged) for e in record.entities),
        *(EntityState(e, Read.WAIVED, n, is_purged, None, None, Share(0, 0), 0, 0) for e, n in waived.items()),
    ]


def _entity_state(
    staging: Staging,
    catalog: Catalog,
    record: RunRecord,
    entity_id: str,
    receipts: Sequence[ledger.Receipt],
    is_purged: bool,
) -> EntityState:
    entity = catalog.entities.get(entity_id)
    outputs = [manifest["batches"] for _, manifest in staging.outputs(entity_id)]
    made = Counter((b["source"], b["number"]) for listed in outputs for b in listed if b["source"] in record.sources)
    read, rows = Read.SOURCE, None
    extracted = transformed = None
    if entity is None:
        read = Read.NO_ENTRY
    elif entity.derived_from is not None:
        read, transformed = Read.DERIVED, Share(len(made), None)
    else:
        due = list(batches(entity, record))
        extracted = Share(sum(staging.raw_path(b).exists() for b in due), len(due))
        # A batch of the shared database is transformed once a wave, each time for other tenants.
        times = 1 if entity.is_shared or not catalog.is_of_directory(entity_id) else sum(map(bool, record.waves))
        transformed = Share(sum(n == times for n in made.values()), len(due))
        rows = sum(n for table, n in record.counts.items() if table.entity == entity_id)
    parts = sum(len(batch["tenants"]) for listed in outputs for batch in listed)
    return EntityState(
        entity_id,
        read,
        rows,
        is_purged,
        None if is_purged else extracted,
        None if is_purged else transformed,
        Share(len(receipts), None if is_purged else parts),
        sum(r.mapped for r in receipts),
        sum(r.rejected for r in receipts),
    )


def wave_states(settings: Settings, catalog: Catalog, record: RunRecord) -> list[WaveState]:
    """Sum up each wave of a run: batches staged, transformed and loaded, and the tenants verified."""
    staging, receipts, verified = Staging(settings.run.staging, record.run_id), Counter[str](), Counter[str]()
    record = record.without(staging.purged_tenants())
    loaded_in = Counter[str]()
    for service in sorted(record.target):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if ledger.exists(database):
                of_tenants = Counter(r.tenant for r in ledger.receipts(database, record.run_id))
                receipts += of_tenants
                loaded_in.update(of_tenants.keys())
                verified.update(ledger.verified(database, record.run_id) & of_tenants.keys())
    made: dict[int, list[tuple[str, list[dict[str, Any]]]]] = {}
    for entity in record.entities:
        for bundle, manifest in staging.outputs(entity):
            made.setdefault(bundle.wave, []).append((entity, manifest["batches"]))
    found = []
    for wave, part in parts(record, catalog):
        due = [b for e in part.entities if catalog[e].derived_from is None for b in batches(catalog[e], part)]
        read = [b for b in due if b.source in record.waves[wave]]
        staged = [(catalog[e], b) for e, listed in made.get(wave, ()) for b in listed if b["source"] in part.sources]
        found.append(
            WaveState(
                record.waves[wave],
                sum(n for held, n in record.counts.items() if held.source in record.waves[wave]),
                Share(sum(staging.raw_path(b).exists() for b in read), len(read)),
                Share(sum(entity.derived_from is None for entity, _ in staged), len(due)),
                Share(sum(receipts[t] for t in part.tenants), sum(len(batch["tenants"]) for _, batch in staged)),
                Share(sum(verified[t] for t in part.tenants), sum(loaded_in[t] for t in part.tenants)),
            )
        )
    return found


def new_ids_of(
    settings: Settings, catalog: Catalog, entity_id: str, text: str, sources: tuple[str, ...]
) -> list[Identity]:
    """Find the new id of a legacy key, for every tenant that has it.

    Raises:
        ConfigError: the text is no key of the entity.
    """
    key = legacy_key(catalog, entity_id, text)
    names = _tenants(settings)
    wanted = {settings.source(s).tenant_id for s in sources}
    service = catalog[entity_id].service
    with TargetDatabase(service, settings.target_dsn(service)) as database:
        if not ledger.exists(database):
            return []
        found = ledger.find_new_ids(database, entity_id, key)
    return [Identity(names.get(t, t), entity_id, key, n) for t, n in found if not wanted or t in wanted]


def legacy_of(settings: Settings, catalog: Catalog, text: str) -> list[Identity]:
    """Find the legacy rows of a new id, in whichever service it is.

    Raises:
        ConfigError: the text is no id.
    """
    try:
        new_id = UUID(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no id",
            expected="a UUID, or an entity and a legacy key",
            remedy="migrate lookup student.Student 42",
        ) from None
    names = _tenants(settings)
    rows = []
    for service in sorted({e.service for e in catalog.entities.values()}):
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if ledger.exists(database):
                rows += [
                    Identity(names.get(t, t), e, k, str(new_id)) for t, e, k in ledger.find_legacy(database, new_id)
                ]
    return rows


def rejected(
    settings: Settings, catalog: Catalog, record: RunRecord, entities: Iterable[str], sources: tuple[str, ...]
) -> list[Reject]:
    """List the rejected rows of a run."""
    return sorted(_rejected(settings, catalog, record, entities, sources))


def _rejected(
    settings: Settings, catalog: Catalog, record: RunRecord, entities: Iterable[str], sources: tuple[str, ...]
) -> Iterator[Reject]:
    staging, names = Staging(settings.run.staging, record.run_id), tenant_names(record)
    if staging.note("purged"):
        raise StagingError(
            "the staged files of this run have been purged",
            where=f"run {record.run_id}",
            remedy=_REJECTS_ARE,
        )
    wanted, gone = {settings.source(s).tenant_id for s in sources}, staging.purged_tenants()
    if names_gone := [tenant.name for t, tenant in gone.items() if t in wanted]:
        raise StagingError(
            f"the staged rows of {', '.join(names_gone)} have been purged from this run",
            where=f"run {record.run_id}",
            remedy=_REJECTS_ARE,
        )
    for entity_id in entities:
        for bundle, _ in staging.outputs(entity_id):
            rows = staging.read_table(staging.output_path(bundle, "rejects"), ["tenant_id", "legacy_key", "reasons"])
            for owner, key, reasons in zip(*(rows[c].to_pylist() for c in rows.column_names), strict=True):
                if not wanted or str(owner) in wanted:
                    yield Reject(names.get(str(owner), str(owner)), entity_id, key, tuple(reasons))


def checksums(
    settings: Settings, catalog: Catalog, entities: Iterable[str], sources: tuple[str, ...]
) -> list[Checksum]:
    """Have PostgreSQL sum up the rows of each entity and tenant, and put what the receipts say beside it."""
    names, found = {**_tenants(settings), **PSEUDO}, []
    for service, asked in checksum_queries(settings, catalog, entities, sources).items():
        with TargetDatabase(service, settings.target_dsn(service)) as database:
            if not ledger.exists(database):
                continue
            there, said, held = (
                database.columns(service),
                dict[ledger.Pair, str](),
                dict[ledger.Pair, tuple[int, str]](),
            )
            for entity_id, sql in asked.items():
                if entity_id == RECEIPTS:
                    said = {(r["tenant"], r["entity"]): r["checksum"] for r in database.query(sql).to_pylist()}
                elif catalog[entity_id].target in there:
                    rows = database.query(sql).to_pylist()
                    held |= {(r["tenant"] or str(NIL), entity_id): (r["rows"], str(r["checksum"])) for r in rows}
            for tenant, entity_id in sorted({*held, *(pair for pair, digits in said.items() if digits != "0")}):
                count, digits = held.get((tenant, entity_id), (0, "0"))
                receipts = said.get((tenant, entity_id), "0")
                found.append(Checksum(names.get(tenant, tenant), entity_id, count, digits, receipts))
    return found


def checksum_queries(
    settings: Settings, catalog: Catalog, entities: Iterable[str], sources: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """Give what PostgreSQL is asked for checksums: by service, by entity, and under `RECEIPTS` for what those say."""
    tenants = [tenant for s in sources if (tenant := settings.source(s).tenant_id) is not None]
    asked: dict[str, dict[str, str]] = {}
    for entity_id in entities:
        own = asked.setdefault(catalog[entity_id].service, {})
        own[entity_id] = checksum.by_tenant(catalog[entity_id], catalog, tenants)
    return {service: {**own, RECEIPTS: checksum.receipted([*own], tenants)} for service, own in asked.items()}


def _tenants(settings: Settings) -> dict[str, str]:
    return {s.tenant_id: s.id for s in settings.sources if s.tenant_id is not None}


def legacy_key(catalog: Catalog, entity_id: str, key: str) -> str:
    """Write a key given at the command line as the id map has it: `42` or `abc` stands for a key of one part.

    Raises:
        ConfigError: it has not as many parts as the entity's key, or a part is not of its type.
    """
    entity = catalog[entity_id]
    # A row of a table without a key is named by a hash and a number.
    kinds = [key_kind(entity, c) for c in entity.key] or ["text", "int"]
    parts = _parts(key)
    if parts is None and len(kinds) == 1:
        parts = [key]
    if parts is None or len(parts) != len(kinds):
        form = ",".join("1" if kind == "int" else '"a"' for kind in kinds)
        raise ConfigError(
            f"the key of {entity_id} has {len(kinds)} {'part' if len(kinds) == 1 else 'parts'}",
            got=key,
            expected=f"a JSON array such as [{form}]",
        )
    guids = [is_guid(entity, c) for c in entity.key] or [False] * len(kinds)
    written = []
    for part, kind, guid in zip(parts, kinds, guids, strict=True):
        if kind == "int" and re.fullmatch(r"-?[0-9]+", str(part)):
            written.append(str(part))
        elif kind == "text" and isinstance(part, str):
            written.append(json.dumps(part.lower() if guid else part, ensure_ascii=False))
        else:
            raise ConfigError(
                f"{json.dumps(part)} is no part of a key of {entity_id}",
                expected="an integer" if kind == "int" else "a text, in quotes",
            )
    return f"[{','.join(written)}]"


def _parts(key: str) -> list[object] | None:
    """Read a key that is given as a JSON array; None where it is none."""
    try:
        found = json.loads(key) if key.startswith("[") else None
    except ValueError:
        return None
    return found if isinstance(found, list) else None
