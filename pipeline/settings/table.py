"""What all tables of `migrate.toml` have in common: they are closed, and nothing that was put in is shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from pipeline.connection import Dsn
from schemas.installation import Installation, load_installation


def _as_dsn(value: object) -> Dsn:
    if isinstance(value, Dsn):
        return value
    if not isinstance(value, str):
        raise ValueError("is text: <scheme>://...")
    return Dsn(value)


#: A connection string as a table has it; written down, it is its place.
Secret = Annotated[
    Dsn,
    PlainValidator(_as_dsn),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "password", "writeOnly": True}),
]


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Name the keys that it may have."""
        return tuple(str(field.validation_alias or name) for name, field in cls.model_fields.items())


def near(word: str, known: Iterable[str]) -> str:
    """Say which of the known words are like one that is not known."""
    names = {name.lower(): name for name in sorted(known)}
    alike = difflib.get_close_matches(word.lower(), names, n=3, cutoff=0.6)
    if alike:
        return f"; near it: {', '.join(names[name] for name in alike)}"
    return f"; known: {', '.join(names.values())}" if len(names) <= 20 else ""


def fleet(context: Mapping[str, Any] | None) -> Installation:
    """Give the installation whose sources and services a configuration names."""
    return (context or {}).get("installation") or load_installation()


def folder(info: ValidationInfo) -> Path:
    """Give the directory that relative paths are relative to."""
    return (info.context or {}).get("folder") or Path.cwd()
