"""A case of a converter: one raw text and what must come of it, in Polars and in DuckDB alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.core.converters import Setting

CHICAGO, TOKYO, LORD_HOWE = "America/Chicago", "Asia/Tokyo", "Australia/Lord_Howe"
UNREADABLE, ALTERED, FINDING, FINER = "unreadable", "altered", "finding", "finer"
#: Of a value cut to a microsecond.
CUT = (ALTERED, FINER)
GAP = (ALTERED, FINDING)


@dataclass(frozen=True, slots=True)
class Case:
    """One raw text and what must come of it; a moment with a zone is given as naive UTC."""

    converter: str
    raw: str | None
    value: object
    told: frozenset[str] = frozenset()
    setting: Setting = field(default_factory=lambda: Setting("text"))

    def __str__(self) -> str:
        return f"{self.converter}-{self.raw!r}"


def cases(converter: str, setting: Setting, *rows: tuple[Any, ...]) -> list[Case]:
    return [Case(converter, raw, value, frozenset(told), setting) for raw, value, *told in rows]
