"""Families as docs/catalog.md words them: the tables that a registry's rows name, and a row's fields as one text."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.oracle.cells import Jsonb, jsonb
from tests.oracle.entries import Column, Entry, names_of
from tests.oracle.sources import Source, text_of

if TYPE_CHECKING:
    from tests.oracle.rows import Outcome

#: What each oddity is filed under, where the family names no number.
WORDS = {
    "unreadable": "a field that cannot be read",
    "absent": "a field that means nothing is here",
    "dated": "a day with a time",
    "listed": "a list that is not written as one",
}
Raws = dict[str, str | None]


def legacy_rows(source: Source, entry: Entry, catalog: Mapping[str, Entry]) -> Iterator[Raws]:
    """Read the rows of an entity, of a table or a family of them."""
    return _family_rows(source, entry, catalog) if "family" in entry.said else source.rows(entry)


def _family_rows(source: Source, entry: Entry, catalog: Mapping[str, Entry]) -> Iterator[Raws]:
    """Read the rows of every table of a family, as one table has them whose columns are the entry's."""
    family = entry.said["family"]
    with closing(sqlite3.connect(f"file:{source.file}?mode=ro", uri=True)) as database:
        listed = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        tables = {name: _columns(database, name) for name in listed}
        for table, (part, row, described) in sorted(_named(database, entry, catalog, tables).items()):
            own = {name: _spelt(name, tables[table]) for name in _fixed(entry)}
            kinds = dict.fromkeys(sorted(set(tables[table]) - set(own.values()), key=_order), "text")
            for field in reversed(described):
                named, kind = _spelt((field[family["column"]] or "").strip(), tables[table]), _kind(family, field)
                if named in kinds:
                    kinds[named] = "text" if kind == "none" else kind
            filled = {"table": table, "part": part, "row": row}
            for cells in database.execute(f'SELECT * FROM "{table}"'):
                values = dict(zip(tables[table], cells, strict=True))
                found: Raws = {name: text_of(values[theirs]) if theirs else None for name, theirs in own.items()}
                for column in entry.columns.values():
                    if (role := column.said.get("family")) in filled:
                        found[column.name] = filled[role]
                    elif role == "fields":
                        found[column.name] = "|".join(
                            f"{_escaped(name).replace(':', '~2')}:{kind}:{_value(values[name], tables[table][name])}"
                            for name, kind in kinds.items()
                        )
                yield found


def _columns(database: sqlite3.Connection, table: str) -> dict[str, str]:
    quoted = table.replace('"', '""')
    return {row[1]: row[2] for row in database.execute(f'PRAGMA table_info("{quoted}")')}


def _fixed(entry: Entry) -> list[str]:
    return [c.name for c in entry.read() if "family" not in c.said]


def _order(name: str) -> tuple[int, bytes]:
    return len(name.encode()), name.encode()


def _spelt(name: str, among: Mapping[str, Any]) -> str:
    """Find a name as it stands, or the only one that differs in case; nothing where there is none."""
    alike = [other for other in among if other.lower() == name.lower()]
    return name if name in among else alike[0] if len(alike) == 1 else ""


def _named(
    database: sqlite3.Connection, entry: Entry, catalog: Mapping[str, Entry], tables: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[str, str | None, list[dict[str, str | None]]]]:
    """Give the family's tables: the part that each is, the key of the row that names it, and the rows of its fields."""
    family = entry.said["family"]
    registry, fields = catalog[family["registry"]], catalog.get(family.get("fields", ""))
    others = {e.said.get("table", e.name) for e in catalog.values() if "derived_from" not in e.said and e != entry}
    taken = {_spelt(str(name), tables) for name in others}
    found: dict[str, tuple[str, str | None, list[dict[str, str | None]]]] = {}
    (key,) = registry.key
    described = _rows(database, fields) if fields else []
    for row in _rows(database, registry):
        parts = {part: said.strip() for column, part in family["tables"].items() if (said := row[column] or "").strip()}
        of_part: dict[str, list[dict[str, str | None]]] = {part: [] for part in parts}
        for field in described if parts else []:
            if field[family["of"]] == row[key]:
                of_part[_part(family, field, [*parts])].append(field)
        for part, said in parts.items():
            table = _spelt(said, tables)
            if table and table not in taken:
                found.setdefault(table, (part, row[key], []))[2].extend(of_part[part])
    for table, columns in tables.items():
        like = names_of(family.get("like", []))
        if like and table not in taken and all(_spelt(name, columns) for name in like):
            found.setdefault(table, ("", None, []))
    return found


def _rows(database: sqlite3.Connection, entry: Entry) -> list[dict[str, str | None]]:
    """Read an entity's rows in the order of its key."""
    table = entry.said.get("table", entry.name)
    order = ", ".join(f'"{name}"' for name in entry.key)
    cursor = database.execute(f'SELECT * FROM "{table}" ORDER BY {order}')
    names = [name for name, *_ in cursor.description]
    return [dict(zip(names, map(text_of, row), strict=True)) for row in cursor]


def _part(family: Mapping[str, Any], field: Mapping[str, str | None], parts: Sequence[str]) -> str:
    said = (field[family["place"]] or "").strip() if "place" in family else ""
    found = [part for part, pattern in family.get("places", {}).items() if re.search(pattern, said)]
    return found[0] if found and found[0] in parts else parts[0]


def _kind(family: Mapping[str, Any], field: Mapping[str, str | None]) -> str:
    said = (field[family["kind"]] or "").strip().casefold() if "kind" in family else ""
    kinds = family.get("kinds", {}).items()
    return next((kind for kind, names in kinds if said in [n.casefold() for n in names_of(names)]), "text")


def _escaped(text: str) -> str:
    return text.replace("~", "~0").replace("|", "~1")


def _value(value: str | int | float | bytes | None, declared: str) -> str:
    if value is None:
        return "~n"
    if isinstance(value, bytes):
        return value.hex() if re.search("blob|binary", declared.lower()) else f"~b{value.hex()}"
    return _escaped(text_of(value) or "") if isinstance(value, str) else text_of(value) or ""


def fields_of(column: Column, outcome: Outcome) -> Jsonb:
    """Give the object of a row's fields, and say what is odd about them."""
    raw = outcome.row.raws[column.name] or ""
    made, is_kept, odd = _read_fields(raw, column.said.get("absent", ()))
    hazards = outcome.row.entry.said["family"].get("hazards", {})
    outcome.findings |= {(column.name, hazards.get(oddity, WORDS[oddity])) for oddity in odd}
    if is_kept:
        outcome.raws[column.name, "fields"] = raw
    return made


def _read_fields(raw: str, absent: Sequence[str]) -> tuple[Jsonb, bool, set[str]]:
    """Read a row's fields: the object, whether the text is kept, and what is odd."""
    members, kept, odd = dict[str, Any](), False, set[str]()
    for field in raw.split("|") if raw else []:
        name, kind, said = field.split(":", 2)
        made, is_kept, oddity = _member(kind, said, absent)
        members[_plain(name.replace("~2", ":"))] = made
        kept |= is_kept
        odd |= {oddity} if oddity else set()
    return jsonb(members), kept, odd


def _plain(text: str) -> str:
    return text.replace("~1", "|").replace("~0", "~")


def _member(kind: str, said: str, absent: Sequence[str]) -> tuple[object, bool, str]:
    """Give a field's value, whether it does not give its text back, and what is odd about it."""
    value = _plain(said)
    if said == "~n":
        return None, False, ""
    if said.startswith("~b"):
        return None, True, "unreadable"
    match kind:
        case "text" if "\0" not in value:
            return value, False, ""
        case "integer" if found := re.fullmatch(r"(-?[0-9]+)(\.0+)?", value):
            return int(found[1]), str(int(found[1])) != value, ""
        case "decimal" if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            made = Decimal(value) if Decimal(value) else abs(Decimal(value))
            return made, f"{made:f}" != value, ""
        case "boolean" if value in {"0", "1"}:
            return value == "1", False, ""
        case "date" if re.fullmatch(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?", value
        ):
            try:
                moment = datetime.fromisoformat(value[:19])
            except ValueError:
                return None, True, "unreadable"
            if value[:10] in absent:
                return None, True, "absent"
            has_time = bool(re.search("[1-9]", value[10:]))
            return moment.date(), has_time, "dated" if has_time else ""
        case "list" if re.fullmatch(r"[-0-9, \t\r\n]*", value):
            texts = [text for text in re.sub(r"[ \t\r\n]", "", value).split(",") if text]
            if all(re.fullmatch("-?[0-9]+", text) for text in texts):
                is_odd = ",".join(str(int(text)) for text in texts) != value
                return [int(text) for text in texts], is_odd, "listed" if is_odd else ""
    return None, True, "unreadable"


def row_name(table: str, key: str) -> str:
    """Name a row behind the schema of its table: by the table, and its key there."""
    named = table if re.fullmatch(r"[\w$ -]+", table) else json.dumps(table, ensure_ascii=False)
    return f"{named}/{key}"
