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
from pipeline.core.sql.counting import Part, count_query
from pipeline.core.sql.dialects import DIALECTS, dialect_of
from pipeline.core.sql.source import KeyRange, SourceColumn, SourceTable
from pipeline.core.sql.sqlite import SQLITE
from schemas.catalog import Catalog
from schemas.engines import FACTS, Engine
from tests.support.sample import load_sample

HERE = Path(__file__).parent
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def student_ddl(catalog: Catalog) -> str:
    return ";\n\n".join((*ddl.roles(), *ddl.service_tables(catalog, "student"), *ledger.statements())) + ";\n"


def extract_query(catalog: Catalog) -> str:
    entity = catalog["student.StudentNote"]
    columns = tuple(SourceColumn(name, column.type) for name, column in entity.raw_columns.items())
    sql = SQLITE.extract_query(
        SourceTable(entity.schema_name, entity.table, columns),
        columns=list(entity.raw_columns),
        key=entity.key,
        within=KeyRange((7,), (19,)),
        limited=entity.limited_columns,
        max_value_bytes=64 * 2**20,
    )
    return sql.replace('", ', '",\n  ') + "\n"


def expected_rows(catalog: Catalog) -> str:
    sql = judged.judged(catalog["configuration.Grade"], catalog, tenants=["a-tenant"], as_of=AS_OF)
    return sql.replace(", ", ",\n  ")


def target_checksum(catalog: Catalog) -> str:
    return checksum.by_tenant(catalog["student.StudentNote"], catalog).replace(", ", ",\n  ")


def losses(catalog: Catalog) -> str:
    rows = loss_ledger(catalog, catalog.order)
    return "\n".join(json.dumps([x.entity, x.column, x.type, x.fate.value, x.by]) for x in rows) + "\n"


#: A table as awkward as its engine lets it be: a key of three kinds, names to be quoted, a value of any length.
TYPES = {
    "mssql": ("int", "uniqueidentifier", "varchar(20)", "datetime", "money", "nvarchar(max)", "datetimeoffset(7)"),
    "mysql": (
        "int(5) unsigned zerofill",
        "uuid",
        "varchar(20)",
        "datetime(3)",
        "decimal(65,30)",
        "longtext",
        "timestamp",
    ),
    "postgresql": (
        "integer",
        "uuid",
        "character varying(20)",
        "timestamp(3) without time zone",
        "money",
        "text",
        "timestamp with time zone",
    ),
}
AWKWARD = ("Id", "Row]Guid", 'it\'s `a` "code"', "Größe", "select", "Notes", "At")


def dialect_queries(engine: Engine) -> Callable[[Catalog], str]:
    def queries(_: Catalog) -> str:
        dialect = DIALECTS[engine]
        columns = [
            SourceColumn(
                name,
                declared,
                nullable=n > 2,
                key_position=n + 1 if n < 3 else None,
                case_sensitive=False,
                collation="Cyrillic_General_CI_AS" if "varchar(20)" in declared else "",
            )
            for n, (name, declared) in enumerate(zip(AWKWARD, TYPES[engine], strict=True))
        ]
        table = SourceTable("dbo", "Order Details", tuple(columns))
        guid = "0e984725-c51c-4bf4-9960-e1c80e27aba0"
        within = KeyRange((1, guid, "it's"), (5, guid, "'); DROP TABLE x; --"))
        asked = {
            "extract": dialect.extract_query(
                table, columns=AWKWARD, key=table.key, within=within, limited=["Notes"], max_value_bytes=64 * 2**20
            ),
            "ranges": dialect.range_query(table, key=table.key, batch_rows=10_000),
            "count": count_query(dialect, [Part(table), Part(table, absent=("Notes",))]),
            "fingerprint": dialect.fingerprint_query([table]),
            "tables": dialect.tables_query(),
            "foreign keys": dialect.foreign_keys_query(),
        }
        if FACTS[engine].has_schemas:
            alone = dialect_of(engine, "Tenant '3'")
            asked |= {
                "count, of one schema": count_query(alone, [Part(table)]),
                "tables, of one schema": alone.tables_query(),
                "foreign keys, of one schema": alone.foreign_keys_query(),
                "estimates, of one schema": alone.estimates_query(),
            }
        return "\n\n".join(f"-- {name}\n{dialect.limited(sql.strip(), 60)};" for name, sql in asked.items()) + "\n"

    return queries


GOLDEN: dict[str, Callable[[Catalog], str]] = {
    "student_ddl.sql": student_ddl,
    "extract_student_note.sql": extract_query,
    "expected_grade.sql": expected_rows,
    "checksum_student_note.sql": target_checksum,
    "loss_ledger.jsonl": losses,
    **{f"{engine}.sql": dialect_queries(engine) for engine in ("mssql", "mysql", "postgresql")},
}


@pytest.mark.parametrize("name", GOLDEN)
def test_generated_text_is_as_it_was(name: str, catalog: Catalog) -> None:
    assert GOLDEN[name](catalog) == (HERE / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    for name, make in GOLDEN.items():
        (HERE / name).write_text(make(load_sample()), encoding="utf-8")
