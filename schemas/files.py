"""The TOML files of a catalog: read, and what is wrong in them said by file, table and key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

#: Names that an error lists at the most.
_SHOWN = 12


class CatalogProblem(ValueError):  # noqa: N818 - named by what it is; every one is an error
    """Something in a catalog is wrong; the message says file, entity and key."""


class Entry(BaseModel):
    """What the tables of the files have in common: they are frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


def read_tables(path: Path) -> dict[str, Any]:
    """Read a file.

    Raises:
        CatalogProblem: it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CatalogProblem(f"{path.name}: not valid TOML: it is not written in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogProblem(f"{path.name}: not valid TOML: {error}") from None


def near(name: str, known: Iterable[str]) -> str:
    """Name the known names that come nearest to a wrong one, or the first of all."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known are {', '.join(names[:_SHOWN])}" + (
        f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    )


def explained(file: str, table: str, error: ValidationError, models: Mapping[str, type[Entry]]) -> str:
    """Say what a model finds wrong, a line each.

    Args:
        table: where in the file it was read; empty for the whole of it.
        models: those of the tables inside by their key, and that of the table itself under "".
    """
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(str(p) for p in (*filter(None, [table]), *problem["loc"]))
        if problem["type"] == "extra_forbidden":
            model = next((m for key, m in models.items() if key in problem["loc"][:-1]), models[""])
            known = [f.alias or n for n, f in model.model_fields.items()]
            lines.append(f"{file}: {place}: unknown key; {near(str(problem['loc'][-1]), known)}")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{file}: {place}{': ' if problem['loc'] or not table else '.'}{said}")
    return "\n".join(lines)


def nul_place(value: object, place: str) -> str:
    """Name the first place of an entry that holds U+0000; empty where none does."""
    match value:
        case str():
            return place if "\0" in value else ""
        case dict():
            places = (nul_place(k, place) or nul_place(v, f"{place}.{k}") for k, v in value.items())
            return next(filter(None, places), "")
        case list():
            return next(filter(None, (nul_place(v, place) for v in value)), "")
    return ""
