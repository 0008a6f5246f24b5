"""`migrate profile --html`: one page that opens from a file, asks nothing of anybody, and shows no value of a person."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemas.hazards import in_words
from tests.support.commands import migrate
from tests.support.profiled import VALUES, planted


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def page(config: Path) -> str:
    path = config.parent / "profile.html"
    done = migrate(config, "profile", "--html", str(path))
    assert (done.stdout, path.stat().st_mode & 0o777) == ("", 0o600)
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Reads a page: its tables by their first rows, its attributes, and whether what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, ...]] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self._open.append(tag)
        if tag == "tr":
            self._cells = []
        if tag in ("td", "th"):
            self._cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "tr":
            self.rows.append(tuple(self._cells))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self._cells[-1] += data


def test_the_page_holds_what_the_terminal_does(page: str) -> None:
    rows = Page(page).rows
    assert ("rejects", "Pupil.Name", "text that holds U+0000", "", in_words("H48"), "1") in rows
    assert ("Name", "nvarchar(max)", "masked", MARKS, "moves", "1", "7", "14") in rows
    assert ("own table", "Cupboard", "", "", "1") in rows


MARKS = "1 empty, 1 blank, 1 padded, 1 of a broken code page, 1 with U+0000"


def test_the_page_asks_nothing_of_anybody(page: str) -> None:
    read = Page(page)
    assert not read.tags & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "a",
        "base",
        "svg",
        "audio",
        "video",
    }
    assert not {a for a in read.attributes if a.startswith("on") or a in ("src", "href", "action", "style")}
    assert not re.findall(r"https?:|//[a-z]|url\(|@import", page.replace("sqlite://", ""))
    assert "default-src 'none'" in page


def test_the_page_shows_no_value_of_a_person(page: str) -> None:
    assert [value for value in VALUES if value in page] == []


def test_names_of_a_database_are_text_in_the_page(config: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.execute("""CREATE TABLE "<script>alert('x')</script>" ("<b>&amp;" "<i>", "\u202e" int)""")
    (tmp_path / "migrate.toml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    path = tmp_path / "profile.html"
    migrate(tmp_path / "migrate.toml", "profile", "--html", str(path))
    read = Page(text := path.read_text(encoding="utf-8"))
    assert not read.tags & {"script", "b", "i"}
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in text
    assert "&lt;b&gt;&amp;amp;" in text
    assert "\u202e" not in text
