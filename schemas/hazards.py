"""What the hazards are, in words: `hazards.toml` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def hazards() -> Mapping[str, str]:
    """Read what each code means."""
    words: dict[str, str] = tomllib.loads((Path(__file__).parent / "hazards.toml").read_text(encoding="utf-8"))
    return words


def in_words(label: str) -> str:
    """Give a finding's label with what it means beside it, where it is a hazard's code."""
    words = hazards().get(label)
    return label if words is None else f"{label}: {words}"
