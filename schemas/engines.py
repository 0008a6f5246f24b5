"""The engines that are read, and what of each matters beyond its SQL and its types.

Owns the list of engines and the facts that code asks for by name. Invariant: no other module asks which engine it is,
but the dialects and the few that tests/unit/test_architecture.py lists with their reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

#: Whose vocabulary a type is written in: `timestamp` is a row version, an instant or a local time.
Engine = Literal["mssql", "mysql", "postgresql", "sqlite"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


@dataclass(frozen=True, slots=True)
class Facts:
    """What of an engine matters beyond its SQL and its types."""

    #: Is a database a file, read where it lies: without server, network and login?
    is_file: bool = False
    #: May a column hold values of any type, so that what it declares binds none?
    is_loose: bool = False
    #: Does a database have schemas, of which a source can be one?
    has_schemas: bool = False
    #: May a table be a part of another: a partition, or one that inherits?
    has_parts: bool = False
    #: Are databases and schemas whose names differ in case alone the same?
    folds_names: bool = False
    #: Does a collation without regard to case know the letters of ASCII alone?
    folds_ascii_alone: bool = False
    #: Are all its texts compared without regard to trailing blanks, where nothing else is said?
    pads: bool = False
    #: May a date be none of the calendar's, or of a year that no other type holds?
    has_odd_dates: bool = False


FACTS: Mapping[Engine, Facts] = MappingProxyType(
    {
        "mssql": Facts(has_schemas=True, folds_names=True, pads=True),
        "mysql": Facts(pads=True, has_odd_dates=True),
        "postgresql": Facts(has_schemas=True, has_parts=True, has_odd_dates=True),
        "sqlite": Facts(is_file=True, is_loose=True, folds_ascii_alone=True),
    }
)


def declares_as(engine: Engine, vocabulary: Engine) -> bool:
    """Say whether an engine's columns are declared in the words of another: its own, or where they bind nothing any.

    A SQLite file declares its columns in the words of the database that it is a snapshot of.
    """
    return engine == vocabulary or FACTS[engine].is_loose
