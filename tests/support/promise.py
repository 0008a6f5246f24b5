"""A promise as text: entries in TOML, raw rows as tables, and what becomes of them as tables.

A table is a line a row with bars between cells. NULL is no value; a value in double quotes is what is inside, with
escapes. The id of a new row stands as the row that it was made of, so that it can be read: `Pupil a 1`, a further row
of that `Pupil a 1#contacts/2`.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

from pipeline.core import ids
from pipeline.demo.server import Server
from schemas.catalog import Catalog, load_catalog
from schemas.model import Entity
from tests.support.moves import HOST_ZONE, TENANT_ZONE, TENANTS, Moved, Raw
from tests.support.small import Small, small, told

Table = list[tuple[str, ...]]
LETTERS = {**{t: name for name, t in TENANTS.items() if t}, str(ids.NIL): "shared", str(ids.UNRESOLVED): "nobody"}
#: What is said of rows beside the target tables: nothing, where a promise does not name it.
LEDGER = ("rejects", "findings", "raws")


def read_catalog(directory: Path, entries: Mapping[str, str]) -> Catalog:
    """Read entries: TOML by service."""
    for service, text in entries.items():
        (directory / f"{service}.toml").write_text(text, encoding="utf-8")
    return load_catalog(directory)


def read_rows(catalog: Catalog, tables: Mapping[str, str]) -> dict[tuple[str, str], Raw]:
    """Read raw rows: `Pupil a` is the table of that entity in source a; its first line names columns."""
    found: dict[tuple[str, str], Raw] = {}
    for place, text in tables.items():
        name, _, source = place.partition(" ")
        (entity,) = (e for e in catalog.entities.values() if e.name == name)
        head, *rows = _lines(text)
        found[source, entity.id] = [dict(zip(head, map(_value, row), strict=True)) for row in rows]
    return found


def broken(catalog: Catalog, moved: Moved, promised: Mapping[str, str]) -> list[str]:
    """List what was promised and did not become, and what became and was not promised."""
    lines = []
    for what, text in {**dict.fromkeys(LEDGER, ""), **promised}.items():
        if what in LEDGER:
            expected, became = Counter(_lines(text)), Counter(_of_ledger(moved, what))
        else:
            head, *rows = _lines(text)
            expected, became = Counter(rows), Counter(_of_table(catalog, moved, what, head[1:]))
        lines += [f"{what}, promised: {' | '.join(row)}" for row in (expected - became).elements()]
        lines += [f"{what}, became: {' | '.join(row)}" for row in (became - expected).elements()]
    return lines


def moved_to_postgresql(
    postgres: Server, directory: Path, entries: Mapping[str, str], catalog: Catalog, rows: Mapping[tuple[str, str], Raw]
) -> Moved:
    """Move the rows by a whole run: from SQLite files into PostgreSQL, verified."""
    scripts = dict.fromkeys(sorted({source for source, _ in rows}), "")
    for (source, entity_id), raw in rows.items():
        scripts[source] += _script(catalog[entity_id], raw)
    with small(postgres, directory, entries, scripts) as made:
        made.configure('tenant_zone = "UTC"', f'tenant_zone = "{TENANT_ZONE}"')
        made.configure('host_zone = "UTC"', f'host_zone = "{HOST_ZONE}"')
        _, verdict = made.run()
        assert told(verdict) == set()
        return _read_back(made, catalog)


def _script(entity: Entity, rows: Raw) -> str:
    """Write a legacy table and its rows as SQLite stores them."""
    names = [name for name, c in entity.columns.items() if c.constant is None and c.derived is None and not c.using]
    columns = [f'"{name}" "{entity.columns[name].type}"' for name in names]
    key = [row[name] for row in rows for name in entity.key]
    if entity.key and len(set(key)) == len(key):
        columns.append(f"PRIMARY KEY ({', '.join(entity.key)})")
    cells = [f"({', '.join(_literal(entity, name, row.get(name)) for name in names)})" for row in rows]
    filled = f'INSERT INTO "{entity.table}" VALUES {", ".join(cells)};' if cells else ""
    return f'CREATE TABLE "{entity.table}" ({", ".join(columns)}); {filled}\n'


def _literal(entity: Entity, name: str, raw: str | None) -> str:
    if raw is None:
        return "NULL"
    family = entity.legacy_type(name)[1].family
    if family in ("integer", "boolean", "decimal", "float"):
        return raw
    if family == "binary":
        return f"x'{raw}'"
    # A script ends at U+0000.
    return " || char(0) || ".join("'" + part.replace("'", "''") + "'" for part in raw.split("\0"))


def _read_back(made: Small, catalog: Catalog) -> Moved:
    found = Moved()
    ledger = {
        "id_map": "SELECT tenant_id::text, entity, legacy_key, new_id::text FROM migration.id_map",
        "rejects": "SELECT tenant_id::text, entity, legacy_key, array_to_string(reasons, ', ') FROM migration.quarantine",
        "findings": "SELECT r.tenant_id::text, r.entity, k, f.column_name, f.hazard FROM migration.finding f "
        "JOIN migration.receipt r USING (batch_id), unnest(f.keys) k",
        "raws": "SELECT r.tenant_id::text, r.entity, v.k, f.column_name, f.rule, v.r FROM migration.raw_value f "
        "JOIN migration.receipt r USING (batch_id), unnest(f.keys, f.raws) v (k, r)",
    }
    for service in {e.service for e in catalog.entities.values()}:
        for what, sql in ledger.items():
            getattr(found, what).extend(tuple(row.values()) for row in made.site.rows(service, sql))
        for entity in (e for e in catalog.entities.values() if e.service == service):
            for target in entity.targets:
                texts = ", ".join(f'{_as_text(c, pg)} AS "{c}"' for c, pg in target.columns.items())
                rows = made.site.rows(service, f'SELECT {texts} FROM {service}."{target.table}"')
                found.tables[f"{service}.{target.table}"] = rows
    return found


def _as_text(column: str, pg: str) -> str:
    match pg:
        case "timestamptz":
            return f"(\"{column}\" AT TIME ZONE 'UTC')::text"
        case "bytea":
            return f"encode(\"{column}\", 'hex')"
    return f'"{column}"::text'


def _of_ledger(moved: Moved, what: str) -> Table:
    """Say of each line which row it speaks of, and what: reasons, column and hazard, or column and raw text."""
    lines = []
    for tenant, entity_id, key, *said in getattr(moved, what):
        rest = said[:1] if what == "rejects" else said if what == "findings" else (said[0], said[-1].decode())
        lines.append((_name(tenant, entity_id, key), *map(_shown, rest)))
    return lines


def _of_table(catalog: Catalog, moved: Moved, table: str, columns: Iterable[str]) -> Table:
    (rows,) = (rows for name, rows in moved.tables.items() if name.partition(".")[2] == table)
    names = _names(catalog, moved)
    return [tuple(names.get(str(row[c]), _shown(row[c])) for c in ("id", *columns)) for row in rows]


def _names(catalog: Catalog, moved: Moved) -> dict[str, str]:
    """Name every new id by what it was made of; one that others were mapped to, by its own row."""
    names: dict[str, str] = {}
    for tenant, entity_id, key, new_id, *_ in sorted(moved.id_map, key=lambda row: row[0] != str(ids.NIL)):
        entity, name = catalog[entity_id], _name(tenant, entity_id, key)
        names.setdefault(new_id, name)
        for target in entity.targets:
            piece = f"#{target.table}/{target.part}"
            names[str(uuid.uuid5(catalog.installation.namespace, f"{tenant}/{entity.path}/{key}{piece}"))] = (
                name + piece
            )
    for entity in (e for e in catalog.entities.values() if e.derived_from):  # has no line in the id map
        for row in moved.tables.get(f"{entity.service}.{entity.target}", []):
            names[str(row["id"])] = _name(row["tenant_id"], entity.id, row["legacy_id"])
    return names


def _name(tenant: str, entity_id: str, key: str) -> str:
    return f"{entity_id.partition('.')[2]} {LETTERS[tenant]} {key.removeprefix('[').removesuffix(']')}"


def _lines(text: str) -> Table:
    return [tuple(c.strip() for c in line.split("|")) for line in text.splitlines() if line.strip()]


def _value(text: str) -> str | None:
    if text == "NULL":
        return None
    return str(json.loads(text)) if text.startswith('"') else text


def _shown(value: Any) -> str:
    """Write a value as PostgreSQL would, and as it can stand between bars."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case datetime() | time():
            text = str(value).removesuffix("+00:00")
            return text.rstrip("0") if value.microsecond else text
        case bytes():
            return value.hex()
        case str():
            plain = value.isprintable() and value.strip() == value and value not in ("", "NULL") and value[0] != '"'
            return value if plain else json.dumps(value, ensure_ascii=False)
    return str(value)
