"""What becomes of a legacy column, or what a target column is made of: everything that the code knows, as values.

Works nothing out: it asks the recipe, the renderers, the dialects and the verdicts, and says where each is made.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from pipeline.core import frame, recipe, transform
from pipeline.core.converters import CONVERTERS
from pipeline.core.quality import Verdict, verdicts
from pipeline.core.sql import judged
from pipeline.core.sql.columns import column
from pipeline.core.sql.ddl import column_definition, has_shared_rows, table_columns
from pipeline.core.sql.dialects import DIALECTS
from pipeline.core.sql.source import SourceColumn
from schemas.catalog import Catalog
from schemas.model import Cell, Entity
from schemas.types import UnknownType

#: Any will do: an expression says where the run's own goes.
_CONTEXT = transform.Context("UTC", "UTC", datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Form:
    """A text by which something is done, and where it is made: `file:line`, or nothing where the text says it."""

    what: str
    text: str
    made_in: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A column of a target table, or a legacy column that fills none."""

    entity: Entity
    #: The column's names in the entry; none where the value comes of the whole row.
    sources: tuple[str, ...]
    #: `service.table.column` and its type; empty where it fills none.
    target: str
    type: str
    forms: tuple[Form, ...]
    verdicts: tuple[Verdict, ...]


def explained(catalog: Catalog, name: str) -> list[Explained]:
    """Explain an entity, a column of it, a target table or a column of that.

    Args:
        catalog: the catalog.
        name: `student.Student`, `student.Student.DOB`, `student.students` or `student.students.date_of_birth`.

    Raises:
        LookupError: there is none of that name; says what is near.
    """
    entities = catalog.entities.values()
    known = {*catalog.entities, *(f"{e.service}.{t.table}" for e in entities for t in e.targets)}
    place, wanted = (name, "") if name in known else (name.rpartition(".")[0], name.rpartition(".")[2])
    found = [
        x
        for entity in entities
        if place in (entity.id, *(f"{entity.service}.{t.table}" for t in entity.targets))
        for x in _of_entity(catalog, entity)
        if (entity.id == place and wanted in ("", *x.sources))
        or (x.target.rpartition(".")[0] == place and wanted in ("", x.target.rpartition(".")[2]))
    ]
    if not found:
        names = {*known, *(f"{e.id}.{c}" for e in entities for c in e.columns)}
        names |= {f"{e.service}.{t.table}.{c}" for e in entities for t in e.targets for c in t.columns}
        near = ", ".join(difflib.get_close_matches(name, sorted(names), 3))
        raise LookupError(near or "`service.Entity`, with `.Column` if one is meant")
    return found


def _of_entity(catalog: Catalog, entity: Entity) -> Iterator[Explained]:
    types, told = table_columns(catalog, entity.service), verdicts(entity)
    filling: set[str] = set()
    for part in recipe.parts(entity):
        table = part.target.table
        for cell, node in part.cells.items():
            sources = _sources(entity, node)
            filling |= {*sources}
            type_of, shared = types[table][cell], has_shared_rows(catalog, entity.service, table)
            defined = Form("DDL", column_definition(cell, type_of, shared=shared), _place(column_definition))
            forms = (*_read(entity, sources), *_converted(node), *_rendered(entity, node), defined)
            target = f"{entity.service}.{table}.{cell}"
            own = tuple(v for v in told if v.column in sources)
            yield Explained(entity, sources, target, type_of, forms, own)
    for name in entity.columns:
        if name not in filling:
            own = tuple(v for v in told if v.column == name)
            yield Explained(entity, (name,), "", "", _read(entity, (name,)), own)


def _sources(entity: Entity, node: recipe.Node) -> tuple[str, ...]:
    """Name the columns of the entry that a node is made of."""
    match node:
        case recipe.Parent(name) | recipe.ParentEntity(name) | recipe.Derived(name):
            return (name,)
        case recipe.Key():
            return entity.key
        case recipe.Moment(flag=Cell() as flag) | recipe.Basis(recipe.Moment(flag=Cell() as flag)):
            return (*(cell.source for cell in _cells(node)), flag.source)
        case _:
            return tuple(cell.source for cell in _cells(node))


def _cells(node: recipe.Node) -> tuple[Cell, ...]:
    match node:
        case recipe.Value(cell):
            return (cell,)
        case recipe.Json(cells) | recipe.Moment(cells=cells) | recipe.Basis(recipe.Moment(cells=cells)):
            return cells
        case _:
            return ()


def _read(entity: Entity, names: tuple[str, ...]) -> tuple[Form, ...]:
    """Show how each engine that knows the column's type reads it."""
    found = []
    for name in (n for n in names if n in entity.raw_columns):
        entry = entity.columns[name]
        for engine, dialect in DIALECTS.items():
            described = SourceColumn(entry.column or name, entry.type)
            try:
                raw = dialect.raw(f"t.{dialect.quote(described.name)}", described)
            except UnknownType:
                continue
            found.append(Form(f"read from {engine}", raw, _place(type(dialect).raw)))
    return tuple(found)


def _converted(node: recipe.Node) -> Iterator[Form]:
    for cell in _cells(node):
        converter = CONVERTERS[cell.converter]
        setting = transform.setting_in(_CONTEXT, cell)
        made = converter.polars(pl.col(frame.column(cell.source)), setting)
        sql = converter.sql(column(cell.source), setting, judged.ZoneJoins())
        yield Form(f"{cell.source} by {cell.converter}, Polars", _line(made.value), _place(converter.polars))
        yield Form(f"{cell.source} by {cell.converter}, DuckDB", sql.value, _place(converter.sql))


def _rendered(entity: Entity, node: recipe.Node) -> Iterator[Form]:
    kind = type(node).__name__
    yield Form(f"{kind}, Polars", _line(transform.rendered(node, entity, _CONTEXT)), _place(transform.rendered))
    yield Form(f"{kind}, DuckDB", judged.rendered(node, entity, _CONTEXT.as_of), _place(judged.rendered))


def _line(expr: pl.Expr) -> str:
    return " ".join(str(expr).split())


def _place(function: Callable[..., object]) -> str:
    """Give file and line of a function, as the repository has them."""
    code = inspect.unwrap(function).__code__
    return f"pipeline/{code.co_filename.rpartition('/pipeline/')[2]}:{code.co_firstlineno}"
