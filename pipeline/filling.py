"""Which tables of a load are filled without their indexes, and how they get them back.

A row costs each index a search, and one of random ids a page; built afterwards an index is sorted once. So a table that
holds nothing is filled without, where that pays and the target allows it, and gets its indexes back once all is loaded.
Rows that a primary key refuses then are taken back with their receipts, of the whole tenant, and are to be loaded again
into the table as it stands: whose they are is said as it is elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.attempts import retried
from pipeline.errors import TargetError
from pipeline.stages import load
from pipeline.stages.load import Due
from pipeline.stores import indexes
from pipeline.stores.indexes import Place
from pipeline.stores.staging import ID_MAP
from pipeline.stores.target import TargetDatabase
from pipeline.workspace import Workspace

#: Rows of a table from which it pays: dropping and building cost 0.07 CPU-s more, which some 40,000 rows make good.
WORTH = 50_000


def drop(ws: Workspace, due: Iterable[Due]) -> bool:
    """Drop the indexes of what may be filled without; say whether there is anything that may want them back."""
    if ws.settings.target.indexes == "keep":
        return False
    rows = Counter[tuple[str, Place]]()
    for one in due:
        for place in _places(ws, one.bundle.entity):
            rows[ws.catalog[one.bundle.entity].service, place] += sum(r.mapped for r in one.receipts)
    large = [place for place, n in rows.items() if n >= WORTH]
    for service in sorted({of for of, _ in large}):
        retried(partial(_drop, ws, service, [place for of, place in large if of == service]))
    return bool(large)


def build(ws: Workspace) -> bool:
    """Build the indexes that are pending, tables side by side; say whether rows that they refuse were taken back."""
    # Services may share a database.
    databases = {str(ws.settings.target_dsn(service)): service for service in ws.services()}.values()
    due = [(service, place) for service in databases for place in retried(partial(_pending, ws, service))]
    with ThreadPoolExecutor(max_workers=ws.settings.run.parallel) as pool:
        return any([*pool.map(lambda one: retried(partial(_build, ws, *one)), due)])


def _places(ws: Workspace, entity_id: str) -> set[Place]:
    """Name the tables that most rows of an entity go to."""
    entity = ws.catalog[entity_id]
    own = {Place(entity.service, target.table) for target in entity.targets}
    return own if entity.derived_from is not None else own | {Place("migration", ID_MAP)}


def _drop(ws: Workspace, service: str, large: Sequence[Place]) -> None:
    with ws.owner(service) as owner:
        for place, why in indexes.empty(owner, large).items():
            if why is None:
                indexes.drop(owner, place)


def _pending(ws: Workspace, service: str) -> list[Place]:
    with ws.owner(service) as owner:
        return indexes.pending(owner)


def _build(ws: Workspace, service: str, place: Place) -> bool:
    with ws.owner(service) as owner:
        try:
            indexes.build(owner, place)
        except TargetError as error:
            if not error.is_of_rows:
                raise
            owner.roll_back()
            refused = _take_back(ws, owner, place)
            if not refused:
                raise
            indexes.build(owner, place)
        else:
            refused = False
        owner.commit()
    return refused


def _take_back(ws: Workspace, owner: TargetDatabase, place: Place) -> bool:
    """Take back what the run has loaded of the tenants whose rows a table refuses; say whether that is anything."""
    tenants = indexes.refused(owner, place)
    writers = (e for e in ws.record.entities if place in _places(ws, e))
    loaded = [part.of(tenants) for e in writers for part in load.done(ws, owner, e)]
    loaded = [part for part in loaded if part.receipts]
    for part in loaded:
        load.take_back(ws, owner, part)
    return bool(loaded)
