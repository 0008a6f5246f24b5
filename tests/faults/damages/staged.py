"""Damage beside the target: to staged files, to the run's record, and to the legacy databases since the run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.reading import checksum
from tests.faults.damages.form import MARKER, TENANTS, Damage, Difference, Seen
from tests.support.sample import load_sample
from tests.support.site import Site

#: An entity whose raw file is rewritten; nothing else may touch it.
ALTERED = "assessment.TestLevelPeriod"


def raw_file(site: Site, entity: str) -> Path:
    """Find the only raw file of an entity of district A."""
    (path,) = site.directory.glob(f"staging/*/raw/district_a/{entity}/00000.parquet")
    return path


def _rewritten(site: Site, _taken: set[str]) -> list[Difference]:
    """Change one cell and leave the file's manifest as it was."""
    path = raw_file(site, ALTERED)
    table = pq.read_table(path)
    values = [MARKER, *table["Title"].to_pylist()[1:]]
    altered = table.set_column(table.schema.get_field_index("Title"), "Title", pa.array(values, pa.string()))
    pq.write_table(altered.replace_schema_metadata(table.schema.metadata), path, write_page_checksum=True)
    return [
        Difference("assessment", "raw file altered", ALTERED, TENANTS["a"], f"district_a/{ALTERED}/00000", ""),
    ]


def _refused(name: str, change: Callable[[Path], object]) -> Damage:
    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        change(raw_file(site, "student.Student"))
        return []

    return Damage(name, Seen.STAGED, ("refused: A staged file is not what its manifest says.",), inflict, apart="files")


def _in_the_record(
    name: str, column: str, old: str, new: str, apart: Literal["files", "database"] = "database"
) -> Damage:
    """Change the record beside the staged files; the one in the target stays."""

    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        (path,) = site.directory.glob("staging/*/run.json")
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
        return [Difference("section", "different run", "migration.run", key=None, column=column)]

    return Damage(name, Seen.STAGED, ("different run",), inflict, apart)


def _in_the_source(name: str, entity: str, statement: str, row: str) -> Damage:
    """Change a row of the legacy database of district A: the one that `row` selects the number of."""

    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        with closing(sqlite3.connect(site.directory / "legacy" / "district_a.sqlite")) as connection, connection:
            [(number,)] = connection.execute(row).fetchall()
            connection.execute(statement.format(number=number))
        service = entity.partition(".")[0]
        return [Difference(service, "changed since the run", entity, TENANTS["a"], f"[{number}]", "")]

    return Damage(name, Seen.SOURCE, ("changed since the run",), inflict)


def _cut(site: Site, _taken: set[str]) -> list[Difference]:
    """Take the last row out of a raw file, and make its manifest right."""
    path, entity = raw_file(site, ALTERED), load_sample()[ALTERED]
    table = pq.read_table(path)
    shorter = table.slice(0, table.num_rows - 1)
    manifest = json.loads(table.schema.metadata[b"migration.manifest"])
    manifest |= {"rows": shorter.num_rows, "checksum": checksum(shorter, entity)}
    metadata = {**table.schema.metadata, b"migration.manifest": json.dumps(manifest).encode()}
    pq.write_table(shorter.replace_schema_metadata(metadata), path, write_page_checksum=True)
    return [Difference("assessment", "legacy counts ...", ALTERED, TENANTS["a"], "", "")]


def _flip(path: Path) -> None:
    """Flip bits of a byte in the midst of a column's values."""
    table = pq.read_metadata(path)
    chunk = table.row_group(0).column(table.schema.names.index("StudentIdentifier"))
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 0x55
    path.write_bytes(content)


DAMAGES = (
    Damage("a cell of a raw file changed", Seen.STAGED, ("raw file altered",), _rewritten),
    _refused("a raw file cut at its end", lambda path: path.write_bytes(path.read_bytes()[:-100])),
    _refused("a raw file emptied", lambda path: path.write_bytes(b"")),
    _refused("a raw file removed", Path.unlink),
    _refused("a bit of a raw file turned over", _flip),
    Damage(
        "a row taken out of a raw file, its checksum made right", Seen.STAGED, ("legacy counts ...",), _cut, "database"
    ),
    _in_the_record("an entity taken out of the run record", "entities", '  "section.StaffSection",\n', "", "files"),
    _in_the_record(
        "another limit in the run record", "max_value_bytes", '"max_value_bytes": 6', '"max_value_bytes": 7'
    ),
    _in_the_record(
        "another name of a zone in the run record", "sources", '"host_zone": "UTC"', '"host_zone": "Etc/UTC"'
    ),
    _in_the_source(
        "a legacy row added",
        "student.StudentAttributeType",
        f"INSERT INTO \"StudentAttributeType\" VALUES ({{number}}, '{MARKER}')",
        "SELECT 77",
    ),
    _in_the_source(
        "a legacy row removed",
        "student.StudentSchool",
        'DELETE FROM "StudentSchool" WHERE "Id" = {number}',
        'SELECT max("Id") FROM "StudentSchool"',
    ),
    _in_the_source(
        "a legacy cell changed",
        "student.Student",
        f'UPDATE "Student" SET "FirstName" = \'{MARKER}\' WHERE "Id" = {{number}}',
        'SELECT max("Id") FROM "Student"',
    ),
    _in_the_source(
        "a legacy row that was rejected, corrected",
        "student.StudentNote",
        'UPDATE "StudentNote" SET "StudentID" = (SELECT min("Id") FROM "Student") WHERE "Id" = {number}',
        'SELECT max("Id") FROM "StudentNote" WHERE "StudentID" NOT IN (SELECT "Id" FROM "Student")',
    ),
)
