"""The JSON Schema of `migrate.toml`, by which editors complete and check it.

Derived from the models, never written by hand: `python -m pipeline.settings.json_schema` writes the file that is
shipped, and a test holds it to them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pipeline.settings.file import OWN
from pipeline.settings.model import Settings
from schemas.json_schema import DIALECT, described, text

#: The file beside `migrate.toml`, and the first line of that, which names it.
FILE: Final = "migrate.schema.json"
DIRECTIVE: Final = f"#:schema ./{FILE}"
_SHIPPED: Final = Path(__file__).with_name(FILE)


def configuration() -> dict[str, Any]:
    """Describe the file: what the models say, the list of sources, and what sources have in common."""
    definitions = described(Settings)["$defs"]
    source, settings = definitions["Source"], definitions.pop("Settings")
    del source["properties"]["id"]  # the table's name
    del source["properties"]["kind"]["default"]  # the tenants', whatever they are called
    source["required"] = ["name"]  # the others may stand in [defaults]
    common = {key: value for key, value in source["properties"].items() if key not in OWN}
    definitions["Defaults"] = {
        "type": "object",
        "additionalProperties": False,
        "description": "What sources have in common; a source's own key goes before it.",
        "properties": common,
    }
    named = {"^[a-z0-9_]+$": {"$ref": "#/$defs/Source"}}
    return {
        "$schema": DIALECT,
        "title": "The configuration of a migration",
        "description": settings["description"],
        "type": "object",
        "additionalProperties": False,
        "required": ["target"],
        "properties": {
            "sources_file": {
                "type": "string",
                "description": "A CSV file of sources, one a line: the columns are `source` and keys of a source.",
            },
            **settings["properties"],
            "defaults": {"$ref": "#/$defs/Defaults"},
            "sources": {
                "type": "object",
                "description": "The legacy databases, a table each.",
                "patternProperties": named,
                "additionalProperties": False,
            },
        },
        "$defs": definitions,
    }


def write_beside(config: Path) -> None:
    """Put the schema where the first line of a configuration looks for it."""
    config.with_name(FILE).write_text(_SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    _SHIPPED.write_text(text(configuration()), encoding="utf-8")
