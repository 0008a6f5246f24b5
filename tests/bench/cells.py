"""How many cells of two tables differ, by value: what a copy is worth."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa


def differing(expected: pa.Table, found: pa.Table, types: Mapping[str, str], *, key: str) -> int:
    """Count the cells that differ, all those of rows that only one side has among them.

    Args:
        expected: columns of text.
        found: columns of text, by the same names.
        types: of each column the type that its text is read as; where it is none such, it differs from all that is.
        key: the column whose text tells which row is which.
    """
    differs = " + ".join(
        f'(TRY_CAST(e."{c}" AS {t}) IS DISTINCT FROM TRY_CAST(f."{c}" AS {t}) '
        f'OR (e."{c}" IS NULL) <> (f."{c}" IS NULL))::INTEGER'
        for c, t in types.items()
    )
    only = f'e."{key}" IS NULL OR f."{key}" IS NULL'
    with duckdb.connect() as connection:
        connection.register("expected", expected)
        connection.register("found", found)
        counted = connection.execute(
            f"SELECT sum(CASE WHEN {only} THEN {len(types)} ELSE {differs} END) "
            f'FROM expected e FULL JOIN found f ON e."{key}" = f."{key}"'
        ).fetchone()
    return int((counted or (0,))[0] or 0)
