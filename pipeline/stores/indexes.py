"""Indexes that a table is filled without, and that stand again before anything is verified.

What is dropped is recorded in the transaction that drops it, as the server writes it, and forgotten in the one that
builds it again. Invariant: the ledger names every index of ours that does not stand.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pipeline.core.sql import indexes as sql
from pipeline.core.text import quoted
from pipeline.errors import TargetDrift, TargetError
from pipeline.stores.target import LOCK_NOT_AVAILABLE, TargetDatabase

#: How long a table may be somebody else's before it is filled as it stands: nobody is to queue behind us for more.
_PATIENCE = "1s"
#: The SQLSTATE of what is not dropped, as something depends on it.
_DEPENDED_ON = "2BP01"


class Place(NamedTuple):
    """A table of a database."""

    schema: str
    table: str

    def __str__(self) -> str:
        """Name it."""
        return f"{self.schema}.{self.table}"


def empty(database: TargetDatabase, places: Collection[Place]) -> dict[Place, str | None]:
    """Name the tables that hold nothing, each with why it is not to be filled without indexes, if anything forbids."""
    rows = database.query(sql.empty(places)).to_pylist() if places else []
    return {Place(row["schema"], row["name"]): row["why"] for row in rows}


def drop(owner: TargetDatabase, place: Place) -> None:
    """Drop the indexes of a table that may be filled without, and record them; else leave it as it is. It commits."""
    try:
        owner.query(f"SELECT set_config('lock_timeout', '{_PATIENCE}', true) AS x")
        owner.execute(sql.lock(*place))
        if empty(owner, [place]) == {place: None}:
            for index in owner.query(sql.described(*place)).to_pylist():
                owner.execute(
                    "INSERT INTO migration.pending_index VALUES ($1, $2, $3, $4)",
                    [*place, index["name"], index["build"]],
                )
                owner.execute(index["drop"])
        owner.commit()
    except TargetError as error:
        if error.sqlstate not in (LOCK_NOT_AVAILABLE, _DEPENDED_ON):
            raise
        owner.roll_back()


def pending(database: TargetDatabase) -> list[Place]:
    """Name the tables whose indexes do not stand."""
    rows = database.query(
        "SELECT DISTINCT schema_name AS s, table_name AS t FROM migration.pending_index ORDER BY 1, 2"
    )
    return [Place(row["s"], row["t"]) for row in rows.to_pylist()]


def build(owner: TargetDatabase, place: Place) -> None:
    """Build the indexes of a table as they were, and forget the record; the caller commits.

    Raises:
        TargetError: rows of the table are refused, or the server cannot build them.
    """
    # Whoever else builds them waits here, and finds nothing left to do.
    statements = owner.query(
        "DELETE FROM migration.pending_index "
        f"WHERE schema_name = {quoted(place.schema)} AND table_name = {quoted(place.table)} RETURNING statement AS x"
    )
    for row in statements.to_pylist():
        owner.execute(row["x"])


def refused(owner: TargetDatabase, place: Place) -> set[str]:
    """Name the tenants whose rows the primary key of a table refuses."""
    return {row["t"] for row in owner.query(sql.refused(*place)).to_pylist()}


def demand_none_pending(database: TargetDatabase) -> None:
    """Refuse to go on where indexes do not stand.

    Raises:
        TargetDrift: some do not.
    """
    places = pending(database)
    if places:
        raise TargetDrift(
            "indexes are pending: their tables were filled without them",
            where=f"service {database.service}",
            got=f"no indexes on {', '.join(map(str, places))}",
            remedy="`migrate load` builds them, or says whose rows stand in the way",
        )
