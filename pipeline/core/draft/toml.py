"""Entries as the text of a catalog's file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: A key of TOML that needs no quotes.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(drafted: Mapping[str, Mapping[str, Any]]) -> str:
    """Write entries as the catalog's files are written: a table each, one column a line."""
    lines: list[str] = []
    for name, fields in drafted.items():
        lines += ["", f"[{_key(name)}]"]
        lines += [f"{_key(k)} = {_value(v)}" for k, v in fields.items() if k != "columns"]
        lines += ["", f"[{_key(name)}.columns]"]
        lines += [f"{_key(column)} = {_value(entry)}" for column, entry in fields["columns"].items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())} }}"
    raise TypeError(f"{type(value).__name__} is not written")
