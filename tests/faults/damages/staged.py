"""Damage beside the target: to staged files, to the run's record, and to the legacy databases since the run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import Site
from tests.faults.damages.form import MARKER, TENANTS, Damage, Difference, Seen

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


def _in_the_source(name: str, statement: str) -> Damage:
    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        with closing(sqlite3.connect(site.directory / "legacy" / "district_a.sqlite")) as connection, connection:
            connection.execute(statement)
        return []

    kinds = ("refused: the database changed while it was read",)
    return Damage(name, Seen.SOURCE, kinds, inflict, apart="files")


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
    _in_the_source("a legacy row added", f"INSERT INTO \"StudentAttributeType\" VALUES (77, '{MARKER}')"),
    _in_the_source(
        "a legacy row removed", 'DELETE FROM "StudentSchool" WHERE "Id" = (SELECT max("Id") FROM "StudentSchool")'
    ),
    _in_the_source(
        "a legacy cell changed",
        f'UPDATE "Student" SET "FirstName" = \'{MARKER}\' WHERE "Id" = (SELECT max("Id") FROM "Student")',
    ),
)
