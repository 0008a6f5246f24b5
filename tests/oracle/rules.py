"""The rules by name: is a row's raw text as its entry says?"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.oracle.values import BLANKS, Asked, UnreadableError, convert


def is_blank(raw: str | None) -> bool:
    return raw is None or not raw.strip(BLANKS)


def is_broken(rule: Mapping[str, str], raws: Mapping[str, str | None]) -> bool:
    raw = raws[rule["column"]]
    if rule["rule"] == "present":
        return is_blank(raw)
    if raw is None:
        return False
    match rule["rule"]:
        case "one_of":
            return raw not in rule["values"]
        case "pattern":
            return not re.search(rule["pattern"].replace("$", r"\Z"), raw)
        case _:
            other = raws[rule["other"]]
            return other is not None and _earlier(raw, other)


def _earlier(raw: str, other: str) -> bool:
    try:
        found = [convert("moment", text, Asked("timestamp", finer="keep")).value for text in (raw, other)]
    except UnreadableError:
        return False
    return bool(found[0] < found[1])  # type: ignore[operator]
