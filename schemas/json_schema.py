"""The JSON Schemas of a catalog's files, by which editors complete and check entries and what a fleet is.

Derived from the models, never written by hand: `python -m schemas.json_schema` writes the files that are shipped, and a
test holds them to them. It says what one file can be told by itself; what only the whole catalog tells, `plan` does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from schemas.conversions import CONVERSIONS
from schemas.installation import Installation, packaged_catalog
from schemas.model import Entity
from schemas.waivers import Waived

#: The file beside a catalog's files, and the first line of each, which names it.
FILE: Final = "entries.schema.json"
DIRECTIVE: Final = f"#:schema ./{FILE}"
#: The same of `installation.toml`.
INSTALLATION: Final = "installation.schema.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def entries() -> dict[str, Any]:
    """Describe a file of entries: a table each."""
    schema = described(Entity)
    entity = schema["$defs"]["Entity"]
    for name in ("namespace", "service", "name"):  # the file's name and the heading
        del entity["properties"][name]
    entity["required"] = ["target", "columns"]
    waived = described(Waived)["$defs"]["Waived"]
    for name in ("service", "name"):
        del waived["properties"][name]
    waived["required"] = ["waived", "columns"]
    column = schema["$defs"]["Column"]["properties"]
    column["convert"] |= {"enum": sorted(CONVERSIONS)}
    return {
        "$schema": DIALECT,
        "title": "Entries of a catalog",
        "description": "What becomes of the legacy tables of one service: a table each.",
        "type": "object",
        "additionalProperties": {
            "if": {"required": ["waived"]},
            "then": {"$ref": "#/$defs/Waived"},
            "else": {"$ref": "#/$defs/Entity"},
        },
        "$defs": {**schema["$defs"], "Waived": waived},
    }


def installation() -> dict[str, Any]:
    """Describe `installation.toml`."""
    definitions = described(Installation)["$defs"]
    top = definitions.pop("Installation")
    return {"$schema": DIALECT, "title": "What is particular to a fleet", **top, "$defs": definitions}


def described(model: type[BaseModel]) -> dict[str, Any]:
    """Give the definitions of a model and its parts, each field with its description in one line."""
    schema = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs", {}) | {model.__name__: schema}
    return {"$defs": {name: _plain(definitions[name]) for name in sorted(definitions)}}


def text(schema: Mapping[str, Any]) -> str:
    """Write a schema as its file has it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _plain(schema: Any) -> Any:
    """Leave out titles that only repeat names, line breaks of the models' source, and null, which TOML has not."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if isinstance(choices := plain.get("anyOf"), list):
        choices = [choice for choice in choices if choice != {"type": "null"}]
        plain = {key: value for key, value in plain.items() if key != "anyOf"}
        plain = {**choices[0], **plain} if len(choices) == 1 else {**plain, "anyOf": choices}
    if isinstance(words := plain.get("description"), str):
        plain["description"] = " ".join(words.split())
    return plain


def write_beside(catalog: Path) -> None:
    """Put the schemas into a catalog's directory, where the first lines of its files look for them."""
    for schema in (FILE, INSTALLATION):
        shutil.copy(packaged_catalog() / schema, catalog / schema)


if __name__ == "__main__":
    (packaged_catalog() / FILE).write_text(text(entries()), encoding="utf-8")
    (packaged_catalog() / INSTALLATION).write_text(text(installation()), encoding="utf-8")
