"""What a source is asked of its rows before anyone trusts them: statements, and how their answers are read.

A table is summed up by one statement that passes over its rows once, whatever its columns; only keys and references
need others. Invariant: the engine computes, and what comes back of a table is one row for each question; values come
where they are asked for by name, and nothing else leaves the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.core.sql.dialect import MAX_KEY_COLUMNS, Dialect
from pipeline.core.sql.source import SourceColumn, SourceTable
from schemas.types import UnknownType, parse_type

#: What `keys_query` yields; `widest` is the largest number of keys that are missing in a row, or nothing.
KEYS_COLUMNS: Final = ("table", "count", "rows")
#: Families of which least and greatest say something, and those that may be a day.
ORDERED: Final = frozenset({"integer", "decimal", "float", "day", "moment", "utc", "instant", "clock"})
NUMBERS: Final = frozenset({"integer", "decimal", "float"})
DAYS: Final = frozenset({"day", "moment", "utc", "instant"})
#: Families of a day and a time of which no zone is known, or that are UTC.
CLOCKS: Final = frozenset({"moment", "utc"})
HOURS: Final = range(1, 24)
#: Dates outside are no date that anybody meant; the last of all stands for "never", as the first of 1900 for "none".
FIRST_DAY, END_OF_DAYS, NO_DAY, LAST_DAY = "1900-01-01", "2100-01-01", "1900-01-01", "9999-12-31"
#: What the columns of a parent's key are called.
_KEYS: Final = tuple(f"k{n}" for n in range(MAX_KEY_COLUMNS))
#: Expressions of one statement: every engine's limit is higher.
MOST_EXPRESSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A column of which something is asked."""

    column: SourceColumn
    #: What its values are; None where nothing may be asked but how many there are.
    family: str | None
    #: Are its least and greatest value asked for?
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate of a table: of which question it is, and what it is called."""

    number: int
    name: str
    aggregate: str
    #: The column in whose raw form the value is written; None of a number, and of what is text already.
    like: SourceColumn | None = None
    is_text: bool = False

    @property
    def reads_text(self) -> bool:
        """Say whether it fails where a text holds what its encoding, or that of the source, does not."""
        return self.is_text or self.name == "broken"


def measures(
    dialect: Dialect, asked: Sequence[Asked], conditions: Sequence[str], *, max_value_bytes: int
) -> list[Measure]:
    """List what is asked of a table: its rows, all of each column, and for how many rows each condition holds.

    Args:
        dialect: the source's.
        asked: its columns, which the numbers count.
        conditions: they are numbered behind the columns.
        max_value_bytes: what longer values are counted by.
    """
    found = [Measure(-1, "rows", "count(*)")]
    for number, one in enumerate(asked):
        found += [Measure(number, *more) for more in _of_column(dialect, one, max_value_bytes)]
        found += [Measure(number, *more) for more in _extremes(dialect, one)]
    return found + [Measure(len(asked) + n, "rows", _where(condition)) for n, condition in enumerate(conditions)]


def _extremes(dialect: Dialect, asked: Asked) -> Iterator[tuple[str, str, SourceColumn | None, bool]]:
    x, family = f"t.{dialect.quote(asked.column.name)}", asked.family
    if not asked.is_shown or family is None:
        return
    if family == "text":
        text = dialect.text(x, asked.column)
        yield "least", f"min({text})", None, True
        yield "greatest", f"max({text})", None, True
    elif family in ORDERED and is_compared(dialect, asked.column, family):
        yield "least", f"min({x})", asked.column, False
        yield "greatest", f"max({x})", asked.column, False


def _of_column(dialect: Dialect, asked: Asked, max_value_bytes: int) -> Iterator[tuple[str, str]]:
    column, family = asked.column, asked.family
    x = f"t.{dialect.quote(column.name)}"
    yield "filled", f"count({x})"
    if family is None:
        return
    text, compares = dialect.text(x, column), is_compared(dialect, column, family)
    yield "bytes", dialect.summed(dialect.size(x))
    if compares or family == "boolean":
        yield "distinct", f"count(DISTINCT {x})"
    if family in NUMBERS and compares:
        yield "zeros", _where(f"{x} = 0")
        yield "minus_ones", _where(f"{x} = -1")
    if family == "boolean":
        yield "zeros", _where(f"{dialect.raw(x, column)} = '0'")
    if family == "text":
        yield from _of_text(dialect, text)
    elif family == "binary":
        yield "longest", f"max({dialect.size(x)})"
    elif family in DAYS:
        yield from _of_days(dialect, text, family)
    if (odd := dialect.is_odd(x, column, family)) is not None:
        yield "odd", _where(odd)
    if family in ("text", "binary") and dialect.is_long(column):
        yield "too_long", _where(f"{dialect.size(x)} > {max_value_bytes}")


def _of_text(dialect: Dialect, text: str) -> Iterator[tuple[str, str]]:
    length, inner = dialect.characters(text), dialect.characters(dialect.trimmed(text))
    yield "longest", f"max({length})"
    yield "empty", _where(f"{length} = 0")
    yield "blank", _where(f"{length} > 0 AND {inner} = 0")
    yield "padded", _where(f"{inner} > 0 AND {inner} < {length}")
    yield "broken", _where(dialect.is_broken(text))
    if (nul := dialect.has_nul(text)) is not None:
        yield "nul", _where(nul)


def _of_days(dialect: Dialect, text: str, family: str) -> Iterator[tuple[str, str]]:
    day, time = dialect.part(text, 1, 10), dialect.part(text, 12, 8)
    yield "no_day", _where(f"{day} = '{NO_DAY}'")
    yield "last_day", _where(f"{day} = '{LAST_DAY}'")
    yield "out_of_range", _where(f"({day} < '{FIRST_DAY}' OR {day} >= '{END_OF_DAYS}') AND {day} <> '{LAST_DAY}'")
    if family in CLOCKS:
        yield "midnight", _where(f"{time} IN ('', '00:00:00')")
        for hour in HOURS:
            yield f"hour_{hour}", _where(f"{time} = '{hour:02}:00:00'")


def _where(condition: str) -> str:
    return f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def is_compared(dialect: Dialect, column: SourceColumn, family: str) -> bool:
    """Say whether the engine tells values of a column apart, and knows which is the lesser."""
    try:
        base = parse_type(column.declared_type).base
        spelling = dialect.legacy_type(column).spelling
    except UnknownType:  # of a file, whose columns hold anything
        return family != "binary"
    # One number, or one instant, may be spelled in many ways, and is compared all the same.
    is_number = family in NUMBERS | {"instant"}
    return family not in ("binary", "boolean") and base not in dialect.uncompared and (spelling != "many" or is_number)


def table_queries(
    dialect: Dialect, table: SourceTable, asked: Sequence[Measure]
) -> list[tuple[str, Sequence[Measure]]]:
    """Sum a table up: one statement, or several where it has very many columns, each with what it answers in a row."""
    parts = [asked[at : at + MOST_EXPRESSIONS] for at in range(0, len(asked), MOST_EXPRESSIONS)]
    return [(_table_query(dialect, table, part), part) for part in parts]


def names(asked: Sequence[Measure]) -> list[str]:
    """Name the columns of such a row."""
    return [f"m{n}" for n in range(len(asked))]


def _table_query(dialect: Dialect, table: SourceTable, asked: Sequence[Measure]) -> str:
    columns, inner, outer = names(asked), [], []
    for name, measure in zip(columns, asked, strict=True):
        inner.append(f"{measure.aggregate} AS {dialect.quote(name)}")
        value = f"a.{dialect.quote(name)}"
        text = value if measure.is_text else dialect.number_text(value)
        if measure.like is not None:
            text = dialect.raw(value, measure.like)
        outer.append(f"{text} AS {dialect.quote(name)}")
    sums = f"SELECT {', '.join(inner)} FROM {dialect.table(table)} AS t"
    return dialect.finish(columns, f"SELECT {', '.join(outer)} FROM ({sums}) AS a")


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that are to tell rows apart; or one column of whole numbers, of which gaps are looked for."""

    table: SourceTable
    columns: tuple[str, ...]
    #: Are texts that differ in case or in blanks at their ends one key?
    is_folded: bool = False
    is_gaps: bool = False
    #: Of which rows `t` it is asked; empty of all.
    condition: str = ""


def keys_query(dialect: Dialect, keys: Sequence[Key]) -> str:
    """Count the keys that several rows have, and those rows; of gaps, how many there are, and the widest.

    Of both, `KEYS_COLUMNS`: the key as its number in the list. A row of which a column is NULL has no key.
    """
    selects = []
    for number, key in enumerate(keys):
        columns = [key.table.column(name) for name in key.columns]
        there = " AND ".join(f"t.{dialect.quote(c.name)} IS NOT NULL" for c in columns)
        there += f" AND {key.condition}" if key.condition else ""
        rows = f"FROM {dialect.table(key.table)} AS t WHERE {there}"
        if key.is_gaps:
            x = f"t.{dialect.quote(columns[0].name)}"
            inner = f"SELECT {x} - lag({x}) OVER (ORDER BY {x}) AS n {rows}"
            counted, last = f"FROM ({inner}) AS d WHERE d.n > 1", "max(d.n)"
        else:
            by = ", ".join(_key_value(dialect, c, is_folded=key.is_folded) for c in columns)
            counted, last = f"FROM (SELECT count(*) AS n {rows} GROUP BY {by} HAVING count(*) > 1) AS d", "sum(d.n)"
        values = (str(number), "count(*)", f"coalesce({last}, 0)")
        cells = (
            f"{dialect.number_text(value)} AS {dialect.quote(name)}"
            for value, name in zip(values, KEYS_COLUMNS, strict=True)
        )
        selects.append(f"SELECT {', '.join(cells)} {counted}")
    return dialect.finish(KEYS_COLUMNS, " UNION ALL ".join(selects))


def _key_value(dialect: Dialect, column: SourceColumn, *, is_folded: bool) -> str:
    x = f"t.{dialect.quote(column.name)}"
    return dialect.grouped(f"lower({dialect.trimmed(dialect.text(x, column))})") if is_folded else x


@dataclass(frozen=True, slots=True)
class Parent:
    """A table in which a reference may find its row: by which of its columns, or by what its entry says of all rows."""

    table: SourceTable
    #: For each of the child's columns: the parent's column, or a text in quotes of its own.
    by: tuple[str | Constant, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A text that stands in every row of a parent, by its entry."""

    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a table that are to name a row of one of some tables, the first that has it."""

    columns: tuple[str, ...]
    parents: tuple[Parent, ...]
    #: Which of the columns hold text of which case and trailing blanks are no matter.
    folded: frozenset[str] = frozenset()


def reference_names(references: Sequence[Reference]) -> list[str]:
    """Name what `references_query` yields: for each reference how many rows have one, and how many lead nowhere."""
    return [f"{name}{n}" for n in range(len(references)) for name in ("filled", "orphans")]


def references_query(dialect: Dialect, table: SourceTable, references: Sequence[Reference]) -> str:
    """Count the references of a table that lead nowhere, in one pass over its rows."""
    cells, joins = [], []
    for n, reference in enumerate(references):
        own = [(table.column(name), name in reference.folded) for name in reference.columns]
        filled = [f"t.{dialect.quote(column.name)} IS NOT NULL" for column, _ in own]
        absent = list(filled)
        for m, parent in enumerate(reference.parents):
            alias, pairs, chosen = f"p{n}x{m}", [], []
            for key, (column, is_folded), by in zip(_KEYS, own, parent.by, strict=False):
                x = _found_by(dialect, "t", column, is_folded=is_folded)
                if isinstance(by, Constant):
                    pairs.append(f"{x} = {dialect.text_literal(by.text.lower() if is_folded else by.text)}")
                    continue
                theirs = _found_by(dialect, "p", parent.table.column(by), is_folded=is_folded)
                chosen.append(f"{theirs} AS {dialect.quote(key)}")
                pairs.append(f"{alias}.{dialect.quote(key)} = {x}")
            found = f"SELECT DISTINCT {', '.join([*chosen, '1 AS is_there'])} FROM {dialect.table(parent.table)} AS p"
            joins.append(f"LEFT JOIN ({found}) AS {alias} ON {' AND '.join(pairs)}")
            absent.append(f"{alias}.is_there IS NULL")
        cells += [_where(" AND ".join(filled)), _where(" AND ".join(absent))]
    called = reference_names(references)
    outer = ", ".join(
        f"{dialect.number_text(f'coalesce(a.{dialect.quote(n)}, 0)')} AS {dialect.quote(n)}" for n in called
    )
    inner = ", ".join(f"{cell} AS {dialect.quote(n)}" for cell, n in zip(cells, called, strict=True))
    sums = f"SELECT {inner} FROM {dialect.table(table)} AS t {' '.join(joins)}"
    return dialect.finish(called, f"SELECT {outer} FROM ({sums}) AS a")


def _found_by(dialect: Dialect, alias: str, column: SourceColumn, *, is_folded: bool) -> str:
    x = f"{alias}.{dialect.quote(column.name)}"
    return f"lower(rtrim({dialect.text(x, column)}))" if is_folded else x
