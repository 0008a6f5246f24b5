"""Generated text against files that people read: a change of the generators shows as a diff.

After a change that is meant: `python -m tests.golden.test_golden`, and read the diff before committing it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.core.loss import loss_ledger
from pipeline.core.sql import checksum, ddl, judged, ledger
from pipeline.core.sql.dialect import KeyRange, SourceColumn, SourceTable
from pipeline.core.sql.sqlite import SQLITE
from schemas.catalog import Catalog, load_catalog

HERE = Path(__file__).parent
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def student_ddl(catalog: Catalog) -> str:
    return ";\n\n".join((*ddl.roles(), *ddl.service_tables(catalog, "student"), *ledger.statements())) + ";\n"


def extract_query(catalog: Catalog) -> str:
    entity = catalog["student.StudentNote"]
    columns = tuple(SourceColumn(name, column.type) for name, column in entity.raw_columns.items())
    sql = SQLITE.extract_query(
        SourceTable(entity.schema_name, entity.table, columns), columns=list(entity.raw_columns), key=entity.key,
        within=KeyRange((7,), (19,)), limited=entity.limited_columns, max_value_bytes=64 * 2**20,
    )  # fmt: skip
    return sql.replace('", ', '",\n  ') + "\n"


def expected_rows(catalog: Catalog) -> str:
    sql = judged.judged(catalog["configuration.Grade"], catalog, tenants=["a-tenant"], as_of=AS_OF)
    return sql.replace(", ", ",\n  ")


def target_checksum(catalog: Catalog) -> str:
    return checksum.by_tenant(catalog["student.StudentNote"], catalog).replace(", ", ",\n  ")


def losses(catalog: Catalog) -> str:
    rows = loss_ledger(catalog, catalog.order)
    return "\n".join(json.dumps([x.entity, x.column, x.type, x.fate.value, x.by]) for x in rows) + "\n"


GOLDEN: dict[str, Callable[[Catalog], str]] = {
    "student_ddl.sql": student_ddl,
    "extract_student_note.sql": extract_query,
    "expected_grade.sql": expected_rows,
    "checksum_student_note.sql": target_checksum,
    "loss_ledger.jsonl": losses,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_generated_text_is_as_it_was(name: str, catalog: Catalog) -> None:
    assert GOLDEN[name](catalog) == (HERE / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    for name, make in GOLDEN.items():
        (HERE / name).write_text(make(load_catalog()), encoding="utf-8")
