"""The scrubs by name: what is cut out of a text before anything else sees it."""

from __future__ import annotations

import re

from tests.oracle.entries import Entry

#: The query of a web address: from its `?`, or what stands in its place, to a quote, a blank, or a bracket.
_QUERY = re.compile(r"[?&#;][^\s\"'<>]*")
#: A parameter that holds a token, also where an address is written inside another's query.
_TOKEN = re.compile(r"(?:^|[?&#;]|%3F|%26)(?:sig|token|access_token|X-Amz-Signature)=", re.IGNORECASE)


def access_tokens(text: str) -> str:
    """Take out the query of each address that holds a token."""
    return _QUERY.sub(lambda query: "" if _TOKEN.search(query[0]) else query[0], text)


SCRUBS = {"access_tokens": access_tokens}


def scrub(entry: Entry, raws: dict[str, str | None]) -> tuple[dict[str, str | None], frozenset[str]]:
    clean = dict(raws)
    for column in entry.read():
        raw = raws[column.name]
        if "scrub" in column.said and raw is not None:
            clean[column.name] = SCRUBS[column.said["scrub"]](raw)
    return clean, frozenset(name for name in raws if raws[name] != clean[name])
