"""A legacy row, its key and id, and what becomes of it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.oracle.cells import Jsonb, checksum_text, md5
from tests.oracle.entries import INTEGERS, TEXTS, Column, Entry
from tests.oracle.families import row_name
from tests.oracle.sources import Source
from tests.oracle.values import Value, lower

Cell = Value | Jsonb | None
#: Table and part -> the cells of the row there, or no row.
Cells = dict[tuple[str, int], dict[str, Cell] | None]


@dataclass(frozen=True)
class Row:
    """A legacy row of a tenant, as text: what the source holds, and what the entry states itself."""

    entry: Entry
    source: Source
    tenant: uuid.UUID
    raws: Mapping[str, str | None]
    scrubbed: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Write the key as JSON: whole numbers as digits, all else as text."""
        return key_text([self.entry.columns[name] for name in self.entry.key], self.raws)

    @property
    def id(self) -> uuid.UUID:
        return self.piece("")

    def piece(self, suffix: str) -> uuid.UUID:
        named = f"{self._path}/{self.key}"
        if "family" in self.entry.said:
            first, *own = self.entry.key
            key = key_text([self.entry.columns[name] for name in own], self.raws)
            schema = self.entry.said.get("schema", "dbo")
            named = f"{self.source.kind}.{schema}.{row_name(self.raws[first] or '', key)}"
        return uuid.uuid5(self.source.fleet.namespace, f"{self.tenant}/{named}{suffix}")

    @property
    def _path(self) -> str:
        said = self.entry.said
        if "derived_from" in said:
            return f"derived.{self.entry.target}"
        return f"{self.source.kind}.{said.get('schema', 'dbo')}.{said.get('table', self.entry.name)}"

    def hash(self) -> str:
        return md5(self.raws[column.name] for column in self.entry.read())

    def order(self) -> list[tuple[int, str]]:
        """Say where it stands among rows of one alternate key, of which the lowest key wins."""
        return [(int(raw), "") if column.base in INTEGERS else (0, raw) for column, raw in self._keyed()]

    def _keyed(self) -> Iterator[tuple[Column, str]]:
        for name in self.entry.key:
            yield self.entry.columns[name], self.raws[name] or ""


@dataclass
class Outcome:
    """What becomes of one row: its reasons to be set aside, or its cells, with what is told beside them."""

    row: Row
    reasons: list[str] = field(default_factory=list)
    cells: Cells = field(default_factory=dict)
    findings: set[tuple[str, str]] = field(default_factory=set)
    raws: dict[tuple[str, str], str] = field(default_factory=dict)
    #: The shared row that stands for it.
    shared: uuid.UUID | None = None

    def breaks(self, rule: Mapping[str, str]) -> None:
        """Set it aside, or say it of its column, by what the rule's entry wants."""
        if rule["action"] == "reject":
            add(self.reasons, f"{rule['rule']}: {rule['column']}")
            self.reasons.sort()
        else:
            self.findings.add((rule["column"], rule["hazard"]))

    @property
    def new_id(self) -> uuid.UUID:
        return self.shared or self.row.id

    def hash(self) -> str:
        """Sum up all rows made of it: a row's hash for each table and part, or nothing where it makes none."""
        rows = self.cells.values()
        return md5("" if cells is None else md5(map(checksum_text, cells.values())) for cells in rows)


def add(reasons: list[str], reason: str) -> None:
    if reason not in reasons:
        reasons.append(reason)


def key_text(columns: Sequence[Column], raws: Mapping[str, str | None]) -> str:
    parts = [_key_part(column, raws[column.name]) for column in columns]
    return "[" + ",".join(parts) + "]"


def _key_part(column: Column, raw: str | None) -> str:
    if raw is None:
        return "null"
    if column.base in INTEGERS:
        return raw
    return json.dumps(raw.lower() if column.base == "uniqueidentifier" else raw, ensure_ascii=False)


def match(column: Column, raw: str, engine: str) -> str:
    """Write a value as the collation of a parent's column compares it."""
    if column.base not in TEXTS:
        return str(int(raw)) if re.fullmatch(r"-?[0-9]+", raw) else raw.lower()
    text = raw if column.said.get("case_sensitive") else lower(raw)
    return text.rstrip(" ") if column.said.get("pads", engine in {"mssql", "mysql"}) else text
