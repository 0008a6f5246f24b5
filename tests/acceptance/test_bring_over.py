"""`migrate run` brings over what is not there yet: one district today, another tomorrow, and never one for the others."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.golden.test_contents import compared, lines
from tests.support.site import AS_OF, Site

RUN = ("run", "--as-of", AS_OF, "--json")


def run(site: Site, *arguments: str, check: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.migrate(*RUN, *arguments, check=check).stdout)
    return found


def tenants(said: dict[str, Any]) -> set[str]:
    names = {s["tenant_id"]: name for name, s in said["configuration"]["sources"].items()}
    return {names.get(e["tenant"], "") for e in said["entities"]}


def change(site: Site, source: str, statement: str) -> None:
    with closing(sqlite3.connect(site.directory / "legacy" / f"{source}.sqlite")) as connection, connection:
        connection.execute(statement)


def is_as_ever(site: Site) -> None:
    """Hold what is loaded against what one run of all loads."""
    compared("".join(f"{line}\n" for line in lines(site.rows)), "contents_small.txt")


@pytest.mark.slow
def test_one_district_today_and_the_rest_tomorrow(fresh: Site) -> None:
    first = run(fresh, "--tenant", "district_a", check=3)
    assert {x["kind"] for x in first["not_moved"]} == {"rows of no tenant"}
    loaded = fresh.rows("student", "SELECT xmin::text FROM student.students")
    second = run(fresh)
    assert second["parity"]
    assert "district_b" in tenants(second)
    assert "district_a" not in tenants(second)
    assert loaded == fresh.rows("student", f"SELECT xmin::text FROM student.students LIMIT {len(loaded)}")
    is_as_ever(fresh)
    assert run(fresh)["already_done"]


@pytest.mark.slow
def test_a_district_that_cannot_be_read_holds_up_nobody(fresh: Site) -> None:
    change(fresh, "district_b", "ALTER TABLE StudentNote RENAME TO Hidden")
    first = run(fresh, check=3)
    assert first["moved_at_parity"]
    assert "district_b" not in tenants(first)
    [left] = [x for x in first["not_moved"] if x["kind"] == "source"]
    assert left["where"] == "source district_b"
    assert "a table is missing" in left["why"]
    again = run(fresh, check=3)  # nothing has been mended: nothing is moved, and it is named again
    assert [x["why"] for x in again["not_moved"] if x["kind"] == "source"] == [left["why"]]
    change(fresh, "district_b", "ALTER TABLE Hidden RENAME TO StudentNote")
    second = run(fresh)
    assert "district_a" not in tenants(second)
    is_as_ever(fresh)


@pytest.mark.slow
def test_rows_of_another_number_are_nobody_elses(migrated: Site) -> None:
    """A district that was moved under one number is not moved again under another: they would be two tenants' rows."""
    text = migrated.config.read_text(encoding="utf-8")
    migrated.config.write_text(text.replace("tenant = 2", "tenant = 3"), encoding="utf-8")
    before = migrated.rows("student", "SELECT count(*) AS n FROM student.students")
    said = run(migrated, check=3)
    assert [x["where"] for x in said["not_moved"] if x["kind"] == "tenant number"] == ["source district_b"]
    assert migrated.rows("student", "SELECT count(*) AS n FROM student.students") == before
