"""What the scrub of access tokens takes and leaves, and that the search of verification agrees."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from pipeline.core.scrub import SCRUBS, access_tokens, has_token_sql

BLOB = "https://x.blob.core.windows.net/notes/1.png"

# raw; cleaned
CASES = [
    (
        f'<img src="{BLOB}?sv=2017-04-17&sr=b&sig=aB%2Fc%3D&se=2018-01-01T00%3A00%3A00Z">',
        f'<img src="{BLOB}">',
    ),
    (f'<img src="{BLOB}?sv=2017&amp;sig=abc" alt="a b">', f'<img src="{BLOB}" alt="a b">'),
    (f"<img src='{BLOB}?SIG=abc'>", f"<img src='{BLOB}'>"),
    (f"<img src={BLOB}?token=abc>", f"<img src={BLOB}>"),
    (f"see {BLOB}?access_token=abc#top and https://y.org/?q=1", f"see {BLOB} and https://y.org/?q=1"),
    (f"{BLOB}#access_token=abc", BLOB),
    (f"{BLOB}?X-Amz-Date=1&X-Amz-Signature=abc", BLOB),
    (f"https://y.org/go?to={BLOB}%3Fsv%3D1%26sig%3Dabc&b=2", "https://y.org/go"),
    (
        f'<a href="{BLOB}?sig=a">1</a><a href="{BLOB}?sig=b">2</a>',
        f'<a href="{BLOB}">1</a><a href="{BLOB}">2</a>',
    ),
    ("broken&sig=abc", "broken"),
    ("broken;sig=abc", "broken"),
]

# What holds no secret stays, byte for byte.
LEFT = [
    f'<img src="{BLOB}?sv=2017&se=2018">',
    "https://y.org/?page=2&design=1&sigma=3&tokens=4#part",
    "Why? sig= is a word, token = another; signature=none of a query",
    "sig=abc",
    "",
]


@pytest.mark.parametrize(("raw", "expected"), [*CASES, *((text, text) for text in LEFT), (None, None)])
def test_the_query_of_a_token_is_removed(raw: str | None, expected: str | None) -> None:
    cleaned, changed = access_tokens(pl.col("raw"))
    lf = pl.LazyFrame({"raw": [raw]}, schema={"raw": pl.String()})
    assert lf.select(cleaned=cleaned, changed=changed).collect().row(0) == (expected, raw != expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((raw, True) for raw, _ in CASES),
        *((cleaned, False) for _, cleaned in CASES),
        *((text, False) for text in LEFT),
        (None, False),
    ],
)
def test_the_search_finds_what_is_left(value: str | None, expected: bool) -> None:
    with duckdb.connect() as duck:
        duck.register("notes", pl.DataFrame({"note": [value]}, schema={"note": pl.String()}))
        assert duck.execute(f"SELECT {has_token_sql('note')} FROM notes").fetchall() == [(expected,)]


def test_a_scrub_is_found_by_name() -> None:
    assert {name: scrub.name for name, scrub in SCRUBS.items()} == {"access_tokens": "access_tokens"}
