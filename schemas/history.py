"""Who changed a legacy row, when and from where: the audit trail, as a further row beside the row itself.

An entry names the columns; what they become is written out here as a split and two constants, as if the entry had
said so itself. Values in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from schemas.files import Entry
from schemas.types import UnknownType, default_converter, legacy_type

#: The table of a service's trail.
TABLE = "audit_records"
#: What legacy tells of a row is its last change.
_ACTION = "modified"


class History(Entry):
    """The columns that tell of a row's last change. Their entry gives them targets besides, or none."""

    when: str | None = None
    """The column that holds its moment: `occurred_at` of the trail."""
    who: str | None = None
    """The column that names who made it: `user_name`."""
    origin: str | None = Field(default=None, alias="from")
    """The column that holds the address from which it was made: `address`."""

    @model_validator(mode="after")
    def _names_one(self) -> History:
        if not (self.when or self.who or self.origin):
            raise ValueError("names no column: say when, who or from")
        return self


#: Word of the entry -> column of the trail.
_FILLED = {"when": "occurred_at", "who": "user_name", "from": "address"}
#: Words of columns that have one target, or none.
_OTHERS = {"json", "excluded", "constant", "references", "derived"}


def written_out(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give an entry whose `history` is said in the other words of the catalog.

    Raises:
        ValueError: a column that it names cannot be told twice, or is none.
    """
    history, columns = entry["history"], dict(entry.get("columns", {}))
    for word, target in _FILLED.items():
        if (name := history.get(word)) is not None:
            columns[name] = _told(columns.get(name), name, word, f"{TABLE}.{target}", entry.get("engine", "mssql"))
    for name, value in (("entity_type", f"{entry['service']}.{entry['name']}"), ("action", _ACTION)):
        columns[f"_{TABLE}_{name}"] = {"constant": value, "to": f"{TABLE}.{name}"}
    splits = {**entry.get("splits", {}), TABLE: {"rows": "present", "owner": "entity_id"}}
    return {**entry, "columns": columns, "splits": splits}


def _told(column: Any, name: str, word: str, target: str, engine: Any) -> dict[str, Any]:
    """Give a column that goes to the trail, too."""
    if not isinstance(column, Mapping):
        raise ValueError(f"history.{word}: the entry has no column {name!r}")
    if said := sorted(column.keys() & _OTHERS):
        raise ValueError(f"history.{word}: {name} has {said[0]}, and cannot go to a second target")
    to, converter = column.get("to", {}), column.get("convert") or _usual(column, engine)
    others = to if isinstance(to, Mapping) else {to: converter}
    told = {target: next(iter(others.values()), converter)}
    return {**{k: v for k, v in column.items() if k != "convert"}, "to": {**others, **told}}


def _usual(column: Mapping[str, Any], engine: Any) -> str | None:
    """Give the converter that a column takes by its type alone."""
    if "type" not in column:
        return "text"
    try:
        return default_converter(*legacy_type(column["type"], engine))
    except UnknownType:
        return None  # which the entry's own model says
