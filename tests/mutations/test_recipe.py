"""Each node of each recipe dropped, or swapped with another of its type, in the Polars renderer: it is noticed.

The recipe of the entry is mutated, no source text is; the DuckDB renderer has it whole. Both renderings are compared as
verification compares them. A mutant that makes the same rows is listed, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from shutil import copy

import polars as pl
import pytest

from pipeline.core import frame, outputs, recipe, transform
from pipeline.core.clock import transitions_frame
from pipeline.core.sql import compare, expected, judged, relations
from pipeline.stores.arrow import to_arrow
from pipeline.stores.parity import ParityDatabase
from schemas.catalog import Catalog, load_catalog
from schemas.model import Entity
from tests.mutations.mutants import Mutant, mutants
from tests.mutations.rows import ZONE, Generated, generated

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXT = transform.Context(ZONE, ZONE, AS_OF)
#: What was done -> why the rows are the same.
EQUIVALENT = {
    "moment of nothing dropped": "no column tells the moment, and none is made up: it is NULL in every row",
    "Tenant(shared=True) dropped": "the rows of a shared lookup belong to no tenant: it is NULL in every row",
}
#: Each so many mutants of one entry a shape of recipe are tried in the fast suite.
SAMPLED = 19


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParityDatabase]:
    with ParityDatabase(tmp_path_factory.mktemp("parity"), transitions_frame([ZONE])) as database:
        yield database


class Lab:
    """The rows of an entry: what DuckDB makes of them by its recipe, and Polars by a mutant of it."""

    def __init__(self, duck: ParityDatabase, entity: Entity, catalog: Catalog) -> None:
        self.duck, self.entity, self.catalog = duck, entity, catalog
        self.parts = recipe.parts(entity)
        rows = generated(entity, catalog)
        self.tagged = rows.tagged.lazy()
        self.parents = {key: living.lazy() for key, living in rows.parents.items()}
        self.whole = self.prepared()
        self._judge(rows)
        assert not self.differs(self.whole, {t.table for t in entity.targets})

    def _judge(self, rows: Generated) -> None:
        entity, service = self.entity, self.entity.service
        self.duck.fill(relations.tagged(entity.id), rows.tagged.to_arrow())
        for (parent, key), living in rows.parents.items():
            self.duck.fill(relations.live(parent, self.catalog.match_keys[parent].index(key)), living.to_arrow())
        tenants = rows.tagged[frame.TENANT].unique().to_list()
        self.duck.execute(judged.judged(entity, self.catalog, tenants=tenants, as_of=AS_OF))
        for table in {t.table for t in entity.targets}:
            parts = (expected.expected_rows(entity, t, n) for n, t in enumerate(entity.targets) if t.table == table)
            union = " UNION ALL BY NAME ".join(parts)
            self.duck.execute(f"CREATE OR REPLACE TABLE {relations.expected(service, table)} AS {union}")

    def prepared(self) -> pl.DataFrame:
        lf = transform.prepare(self.tagged, self.entity, catalog=self.catalog, parents=self.parents, context=CONTEXT)
        return lf.collect()

    def is_noticed(self, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> bool:
        """Make the rows by a mutant, and say whether any differs."""
        changed = {self.parts[n].target.table for n in {*mutant.presences, *(n for n, _ in mutant.nodes)}}
        if mutant.presences:
            made = tuple(replace(p, presence=mutant.presences.get(n, p.presence)) for n, p in enumerate(self.parts))
            with monkeypatch.context() as patch:
                patch.setattr(recipe, "parts", lambda _: made)
                return self.differs(self.prepared(), changed)
        cells = (self._rendered(frame.laid_out(*place), node) for place, node in mutant.nodes.items())
        return self.differs(self.whole.with_columns(cells), changed)

    def _rendered(self, name: str, node: recipe.Node | None) -> pl.Expr:
        dtype = self.whole.schema[name]
        expr = pl.lit(None, dtype) if node is None else transform.rendered(node, self.entity, CONTEXT)
        return expr.alias(name)

    def differs(self, prepared: pl.DataFrame, tables: Iterable[str]) -> bool:
        """Say whether some tables have other rows than DuckDB makes."""
        good = prepared.lazy().filter(~pl.col(frame.REJECTED))
        made = outputs.target_rows(good, self.entity)
        self.duck.execute(compare.DIFFERING_TABLE)
        for table in tables:
            columns = next(t.columns for t in self.entity.targets if t.table == table)
            self.duck.fill(relations.actual(self.entity.service, table), to_arrow(made[table].collect(), columns))
            self.duck.execute(compare.rows(self.entity.service, table, columns, stored=columns))
        return self.duck.rows(f"SELECT count(*) AS n FROM {relations.DIFFERING}") != [{"n": 0}]


def noticed(
    duck: ParityDatabase, entries: Iterable[tuple[Entity, Catalog]], monkeypatch: pytest.MonkeyPatch, *, every: int
) -> set[str]:
    """See each so many mutants of some entries noticed, or listed; give what was done to those that were not."""
    counts: Counter[str] = Counter()
    wrong = []
    for entity, catalog in entries:
        lab = Lab(duck, entity, catalog)
        for mutant in islice(mutants(entity), 0, None, every):
            is_noticed = lab.is_noticed(mutant, monkeypatch)
            counts["noticed" if is_noticed else mutant.what] += 1
            if is_noticed == (mutant.what in EQUIVALENT):
                wrong.append(f"{entity.id}: {mutant.place}: {mutant.what}{' is noticed' * is_noticed}")
    print(f"{counts.total()} mutants: {dict(counts)}")
    assert wrong == []
    return {*counts} - {"noticed"}


def shape(entity: Entity) -> frozenset[object]:
    """Say of what an entry's recipe consists."""
    parts = recipe.parts(entity)
    moments = {
        (len(n.cells), n.or_as_of, n.flag is None)
        for p in parts
        for n in p.cells.values()
        if isinstance(n, recipe.Moment)
    }
    return frozenset({*moments, *(type(n) for p in parts for n in (*p.cells.values(), p.presence)), entity.is_shared})


@pytest.fixture(scope="module")
def entries(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Entity, Catalog]]:
    """Give the packaged entries, and those of further shapes."""
    directory = tmp_path_factory.mktemp("services")
    copy(Path(__file__).parent / "shapes.toml", directory / "student.toml")
    return [(entity, c) for c in (catalog, load_catalog(directory)) for entity in c.entities.values()]


def test_a_sample_of_mutants_is_noticed(
    duck: ParityDatabase, entries: list[tuple[Entity, Catalog]], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_a_shape = {shape(entity): (entity, catalog) for entity, catalog in entries}
    noticed(duck, one_a_shape.values(), monkeypatch, every=SAMPLED)


@pytest.mark.slow
def test_every_mutant_is_noticed(
    duck: ParityDatabase, entries: list[tuple[Entity, Catalog]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert noticed(duck, entries, monkeypatch, every=1) == {*EQUIVALENT}
