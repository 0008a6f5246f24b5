"""Entries as a test writes them: a head with a key, and what follows it are columns."""

from __future__ import annotations

from pathlib import Path

from schemas.catalog import Catalog, load_catalog

HEAD = """
[{name}]
source = "district"
key = ["Id"]
target = "{target}"
[{name}.columns]
Id = {{ type = "int" }}
"""
STUDENT = HEAD.format(name="Student", target="students")
SCHOOL = HEAD.format(name="School", target="schools")
YEAR = HEAD.format(name="Year", target="years")
KEYLESS = SCHOOL.replace('key = ["Id"]', "key = []").replace('"int" }', '"int", to = "number" }')
PAIR = HEAD.format(name="Pair", target="pairs").replace('["Id"]', '["Id", "Of"]') + 'Of = { type = "int" }\n'
COMPOSITE = (
    STUDENT
    + """
A = { type = "int", to = "a" }
B = { type = "int", to = "b" }
S = { to = "s", references = "configuration.Pair", using = ["A", "B"] }
"""
)


def parse(directory: Path, **files: str) -> Catalog:
    for service, text in files.items():
        (directory / f"{service}.toml").write_text(text, encoding="utf-8")
    return load_catalog(directory)
