"""What a service's database is made of, asked of the server's own catalog. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from pipeline.core.sql import structure as sql
from pipeline.core.structure import Fact, policy_text
from pipeline.core.text import said
from pipeline.stores.target import TargetDatabase


@dataclass(frozen=True, slots=True)
class Structure:
    """What a database is made of, and the login that asked."""

    facts: frozenset[Fact]
    login: str


def read_structure(database: TargetDatabase, service: str, tables: Collection[str]) -> Structure:
    """Read what is so of a service's tables, of the ledger and of roles; ends the transaction."""
    for name, value in sql.SETTINGS.items():
        sentence = f"What follows is written with {name} set to {value}."
        database.query(said(sentence, f"SELECT set_config('{name}', '{value}', true) AS x"))
    rows = database.query(
        said(
            f"What the tables of {service}, the ledger and the roles are made of.",
            "SELECT place::text AS place, aspect::text AS aspect, name::text AS name, value::text AS value "
            f"FROM ({sql.facts(service, tables)}) f",
        )
    ).to_pylist()
    login = database.query(
        said("As whom this connection has logged in.", "SELECT session_user::text AS x")
    ).to_pylist()[0]["x"]
    database.commit()
    return Structure(frozenset(_fact(row) for row in rows), login)


def _fact(row: dict[str, str]) -> Fact:
    value = policy_text(**json.loads(row["value"])) if row["aspect"] == "policy" else row["value"] or ""
    return Fact(row["place"], row["aspect"], row["name"], value)
