"""How a run stands today: what the configuration, the catalog and the sources would give now, against its record.

Looks, and writes nothing. What differs is named, whatever it is worth: it is for people to judge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict

from pipeline.core.ids import UNRESOLVED
from pipeline.core.outcome import NotMoved, Outcome, Unnamed, configuration_hash, entries_hash, left_behind, waived_rows
from pipeline.core.plan import Held
from pipeline.core.verdict import Difference, Verdict
from pipeline.errors import ConfigError
from pipeline.observe.log import AuditNote
from pipeline.runs.ended import is_finished
from pipeline.runs.plan import Selection, chosen_entities, chosen_sources
from pipeline.runs.record import claimed, moved_by, staged
from pipeline.stages.remains import unnamed
from pipeline.stores import ledger
from pipeline.workspace import Workspace
from schemas.model import Entity

#: The note that a verification leaves beside the record: what it found that a later look cannot count again.
VERDICT = "verdict"


def standing(workspace: Workspace, verdict: Verdict | None, left_out: Mapping[str, str] | None = None) -> Outcome:
    """Say how a run stands.

    Args:
        workspace: the run.
        verdict: of its verification; None says that it was loaded and verified before, and the sources are asked.
        left_out: sources that could not come along, and why.

    Raises:
        SourceError: a source cannot be asked.
    """
    moved = _moved(workspace)
    found = [
        *_configuration(workspace, moved, left_out or {}),
        *_entities(workspace, moved),
        *_entries(workspace),
        *_tables(workspace),
    ]
    seen = left_behind(verdict) if verdict is not None else _since(workspace)
    record = workspace.record
    entries = entries_hash(workspace.catalog, record.entities)
    purged = tuple(sorted(tenant.name for tenant in workspace.staging.purged_tenants().values()))
    outcome = Outcome(
        record, entries, verdict, (*seen, *found), _rest(workspace), purged, waived_rows(record, workspace.catalog)
    )
    _log(workspace, outcome)
    return outcome


def _log(workspace: Workspace, outcome: Outcome) -> None:
    """Write into the audit log how the run stands: the verdict, each difference, and each thing that is not moved."""
    verdict, run_id = outcome.verdict, workspace.record.run_id
    content: dict[str, object] = {
        "parity": outcome.is_complete,
        "moved_at_parity": outcome.is_as_read,
        "already_done": verdict is None,
        "differences": 0 if verdict is None else verdict.total_differences,
        "not_moved": len(outcome.not_moved),
        "unnamed": len(outcome.unnamed),
        "waived": sum(x.rows for x in outcome.waived),
        "purged_tenants": list(outcome.purged_tenants),
        "configuration": configuration_hash(workspace.record),
        "entries": outcome.entries,
        "seconds": None if verdict is None else round(verdict.seconds, 3),
    }
    notes = [AuditNote(kind="verdict", run_id=run_id, content=content)]
    differences = () if verdict is None else verdict.differences
    notes += [AuditNote(kind="difference", run_id=run_id, content=_plain(d)) for d in differences]
    notes += [AuditNote(kind="not moved", run_id=run_id, content=_plain(x)) for x in outcome.not_moved]
    for note in notes:
        workspace.audit.append(note)


def _plain(found: Difference | NotMoved) -> dict[str, object]:
    """Give a value's fields; its own `kind` is what it is, and the line's is that it is one."""
    return {"what" if name == "kind" else name: value for name, value in asdict(found).items()}


def _configuration(
    workspace: Workspace, moved: Collection[ledger.Pair], left_out: Mapping[str, str]
) -> Iterator[NotMoved]:
    record, settings = workspace.record, workspace.settings
    try:
        chosen = chosen_sources(settings, Selection.of(record))
    except ConfigError:  # a tenant that the run moved has another name now; its old one is told below
        chosen = list(settings.sources)
    # Of tenants whose staged rows are purged, all was moved.
    of_run = workspace.whole().sources
    for source in chosen:
        if source.id in left_out:
            yield NotMoved("source", f"source {source.id}", left_out[source.id])
        elif source.id not in of_run and source.tenant_id not in {tenant for tenant, _ in moved}:
            yield NotMoved("source", f"source {source.id}", "it is configured, and was not when the run began")
    configured = {s.id: s for s in settings.sources}
    for name, was in record.sources.items():
        if name not in configured:
            yield NotMoved("source", f"source {name}", "the run moved its rows, and it is configured no longer")
            continue
        now = configured[name]
        for kind, key, before, after in (
            ("zone", "host_zone", was.host_zone, now.host_zone),
            ("zone", "tenant_zone", was.tenant_zone, now.tenant_zone),
            ("tenant number", "tenant", was.tenant_id, now.tenant_id),
            ("source", "kind", was.kind, now.kind),
        ):
            if before != after:
                why = f"its rows were moved with {key} = {before}, which is {after} now"
                yield NotMoved(kind, f"source {name}", why)
    most = settings.run.max_value_bytes
    if record.max_value_bytes != most:
        why = f"rows were moved with max_value_bytes = {record.max_value_bytes}, which is {most} now"
        yield NotMoved("setting", "[run]", why)


def _entities(workspace: Workspace, moved: Collection[ledger.Pair]) -> Iterator[NotMoved]:
    record, catalog = workspace.record, workspace.catalog
    selection = Selection.of(record)
    for name in chosen_entities(workspace.settings, catalog, selection):
        if name in record.entities:
            continue
        if any(entity == name for _, entity in moved):
            continue
        yield NotMoved("entity", name, "the catalog describes it, and did not when the run began")


def _moved(workspace: Workspace) -> set[ledger.Pair]:
    """List what other runs have moved: what finished ones were of, and what is loaded where this one writes to."""
    others = (r for r in staged(workspace.settings) if r != workspace.record and is_finished(workspace.settings, r))
    return moved_by(others) | claimed(workspace.settings, workspace.services()).keys()


def _entries(workspace: Workspace) -> Iterator[NotMoved]:
    catalog, loaded = workspace.catalog, dict[str, set[str]]()
    for service in workspace.services():
        with workspace.database(service) as database:
            for receipt in ledger.receipts(database, workspace.record.run_id) if ledger.exists(database) else ():
                loaded.setdefault(str(receipt.batch.entity), set()).add(str(receipt.entry_hash))
    for name, versions in sorted(loaded.items()):
        now = catalog.hashes.get(name)
        if versions != {now}:
            before = ", ".join(sorted(versions))
            why = f"its rows were loaded under version {before} of its entry or of a parent, which is {now} now"
            yield NotMoved("entry", name, why)


def _tables(workspace: Workspace) -> Iterator[NotMoved]:
    """List the optional tables and columns that a source lacked when the run began, and has now."""
    record = workspace.record
    for name in record.sources:
        for entity in _own(workspace, name):
            table = workspace.source(name).find_of(entity)
            if table is None:
                continue
            if Held(name, entity.id) in record.absent:
                yield NotMoved("table", f"source {name}, {entity.table}", "it was not there when the run began")
            for column in record.lacking.get(Held(name, entity.id), ()):
                if table.find(column) is not None:
                    where = f"source {name}, {entity.table}.{column}"
                    yield NotMoved("column", where, "it was not there when the run began")


def _since(workspace: Workspace) -> Iterator[NotMoved]:
    """List what has changed in the sources since a run was verified, and what it left behind then."""
    for name, source in workspace.record.sources.items():
        where, database = f"source {name}", workspace.source(name)
        if source.consistency == "live":
            why = "it is live, and the staged rows are purged by which changes since could be told"
            yield NotMoved("rows", where, why)
        elif database.fingerprint(workspace.tables(name)) != source.fingerprint:
            why = "it has changed since the run; what is new or corrected moves only into new, empty databases"
            yield NotMoved("rows", where, why)
    for name, rows in ((workspace.staging.note(VERDICT) or {}).get("unresolved", {})).items():
        if (str(UNRESOLVED), name) not in claimed(workspace.settings, [workspace.catalog[name].service]):
            yield NotMoved("rows of no tenant", name, "they move with a run of all tenants alone", rows)


def _rest(workspace: Workspace) -> tuple[Unnamed, ...]:
    return tuple(
        rest
        for name in workspace.record.sources
        for rest in unnamed(workspace.source(name), _own(workspace, name), workspace.catalog)
    )


def _own(workspace: Workspace, source: str) -> list[Entity]:
    kind, catalog = workspace.record.sources[source].kind, workspace.catalog
    chosen = (catalog[e] for e in (*workspace.record.entities, *workspace.record.key_entities))
    return [e for e in chosen if e.source == kind and e.derived_from is None]
