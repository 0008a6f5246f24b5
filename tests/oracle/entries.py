"""The catalog as docs/catalog.md describes it: its tables, read by `tomllib` and given their defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Legacy type, without its length -> the converter, the target type. Dates and times have no default.
DEFAULTS = {
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname"), ("text", "text")),
    **dict.fromkeys(("tinyint", "smallint"), ("integer", "smallint")),
    "int": ("integer", "integer"),
    "bigint": ("integer", "bigint"),
    "bit": ("boolean", "boolean"),
    "decimal": ("decimal", "numeric"),
    "numeric": ("decimal", "numeric"),
    "uniqueidentifier": ("uuid", "uuid"),
    "integer": ("integer", "bigint"),
    "float": ("float", "double precision"),
    "real": ("float", "real"),
    "date": ("day", "date"),
    "time": ("clock", "time"),
    "datetimeoffset": ("instant", "timestamptz"),
    **dict.fromkeys(("binary", "varbinary"), ("binary", "bytea")),
    "blob": ("binary", "bytea"),
}
#: The type that a converter makes where neither column nor default says one.
MAKES = {
    **dict.fromkeys(("text", "search_key", "email"), "text"),
    **dict.fromkeys(("date", "day"), "date"),
    **dict.fromkeys(("time_of_day", "clock"), "time"),
    **dict.fromkeys(("instant_local", "instant_utc", "instant"), "timestamptz"),
    "moment": "timestamp",
    "integer": "integer",
    "boolean": "boolean",
    "uuid": "uuid",
    "float": "double precision",
    "binary": "bytea",
    "fields": "jsonb",
}
TEXTS = {"char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname"}
FLOATS = {"float", "real"}
INTEGERS = {"tinyint", "smallint", "int", "bigint", "integer"}


@dataclass(frozen=True)
class Target:
    """A cell that a column fills: of the main table where `table` is empty."""

    table: str
    part: int
    name: str
    converter: str
    pg: str


def names_of(said: str | Sequence[str]) -> list[str]:
    """Give the names of a list, for which one may stand alone."""
    return [said] if isinstance(said, str) else list(said)


@dataclass(frozen=True)
class Column:
    """A line of an entry's `columns`; what it says stands in `said`, by the words of the docs."""

    name: str
    legacy: str
    type: str
    said: Mapping[str, Any]
    targets: tuple[Target, ...]

    @property
    def base(self) -> str:
        """The legacy type without its length."""
        return self.type.partition("(")[0].strip()

    @property
    def is_read(self) -> bool:
        """Whether the source is asked for it: not for what is left out, stated, derived, or made of others' keys."""
        no_column = "constant" in self.said or "excluded" in self.said or "derived" in self.said
        return not no_column and ("using" not in self.said or self.name in names_of(self.said["using"]))

    @property
    def references(self) -> list[str]:
        return names_of(self.said.get("references", []))


@dataclass(frozen=True)
class Entry:
    """A table of the catalog's file: an entity."""

    service: str
    name: str
    said: Mapping[str, Any]
    columns: Mapping[str, Column]

    @property
    def full(self) -> str:
        return f"{self.service}.{self.name}"

    @property
    def target(self) -> str:
        return str(self.said["target"])

    @property
    def key(self) -> list[str]:
        return names_of(self.said.get("key", []))

    @property
    def tables(self) -> list[tuple[str, int]]:
        """Its tables and parts: the main one, then the splits in the order of the entry."""
        splits = self.said.get("splits", {}).items()
        return [("", 1), *((name, part) for name, split in splits for part in range(1, split.get("parts", 1) + 1))]

    def read(self) -> list[Column]:
        return [column for column in self.columns.values() if column.is_read]


def _default(kind: str) -> tuple[str, str] | None:
    base, _, size = kind.partition("(")
    made = DEFAULTS.get(base.strip())
    if made and made[1] == "numeric":
        digits = [*size.rstrip(")").replace(" ", "").split(","), "0"]
        return "decimal", f"numeric({digits[0]},{digits[1]})"
    return made


def _targets(kind: str, said: Mapping[str, Any]) -> tuple[Target, ...]:
    to = said.get("json") or said.get("to", {})
    default = _default(kind)
    found = []
    for place, converter in ({to: said.get("convert")} if isinstance(to, str) else to).items():
        table, _, name = place.rpartition(".")
        table, _, part = table.partition("/")
        convert = converter or (default[0] if default else "")
        pg = said.get("pg") or (default[1] if default and default[0] == convert else MAKES.get(convert, ""))
        found.append(Target(table, int(part or 1), name, convert, pg))
    return tuple(found)


def _column(name: str, said: Mapping[str, Any]) -> Column:
    kind = str(said.get("type", "nvarchar(max)")).lower()
    if not re.fullmatch(r"[a-z0-9 ]+(\([a-z0-9, ]+\))?", kind):
        raise ValueError(f"a type that is not understood: {kind}")
    return Column(name, str(said.get("column", name)), kind, said, _targets(kind, said))


def _with_history(full: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Say of each row's last change what a split would: a row of audit_records where any of its columns is filled."""
    columns = dict(entry["columns"])
    for word, target in (("when", "occurred_at"), ("who", "user_name"), ("from", "address")):
        if word not in entry["history"]:
            continue
        name = entry["history"][word]
        said = dict(columns[name])
        converter = said.pop("convert", None) or (_default(str(said.get("type", "nvarchar(max)"))) or ("text",))[0]
        to = said.get("to", {})
        also = {f"audit_records.{target}": converter}
        columns[name] = said | {"to": ({to: converter} if isinstance(to, str) else to) | also}
    columns["_entity"] = {"constant": full, "to": "audit_records.entity_type"}
    columns["_action"] = {"constant": "modified", "to": "audit_records.action"}
    splits = entry.get("splits", {}) | {"audit_records": {"rows": "present", "owner": "entity_id"}}
    return {**entry, "columns": columns, "splits": splits}


def read_catalog(directory: Path) -> dict[str, Entry]:
    """Read every service's entries, by their full names; a derived entity has its origin's types and constants."""
    said = {
        f"{path.stem}.{name}": entry
        for path in sorted(directory.glob("*.toml"))
        for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()
        if isinstance(entry, dict) and "columns" in entry and "waived" not in entry
    }
    said = {full: _with_history(full, entry) if "history" in entry else entry for full, entry in said.items()}
    entries = {}
    for full, entry in said.items():
        origin = said[entry["derived_from"]]["columns"] if "derived_from" in entry else {}
        taken = {
            name: {k: v for k, v in column.items() if k in {"type", "constant"}} for name, column in origin.items()
        }
        columns = {name: _column(name, taken.get(name, {}) | column) for name, column in entry["columns"].items()}
        service, _, name = full.partition(".")
        entries[full] = Entry(service, name, entry, columns)
    return entries
