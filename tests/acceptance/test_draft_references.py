"""References of drafts: those that a database declares are taken or named with the reason why not, others are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.demo.server import Server
from tests.standin import Database, Standin
from tests.support.drafting import Drafting, drafting, sqlite_file
from tests.support.servers import MariaDb, Postgres

SCHOOLS = """
CREATE TABLE School (ID INTEGER PRIMARY KEY, code TEXT UNIQUE);
CREATE TABLE pupil (id INTEGER PRIMARY KEY, school_id INTEGER REFERENCES SCHOOL(iD), code REFERENCES school (Code));
CREATE TABLE guardian (id INTEGER PRIMARY KEY, pupil_id INTEGER REFERENCES pupil, empty BIGINT REFERENCES pupil (ID),
    gone INT REFERENCES nowhere (id), word TEXT REFERENCES pupil, n NUMERIC REFERENCES pupil, two INT REFERENCES pair);
CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a, b));
CREATE TABLE later (id INTEGER PRIMARY KEY, pupil_id INT REFERENCES pupil, untyped REFERENCES School);
INSERT INTO School VALUES (1, 'N'), (2, 'S');
INSERT INTO pupil VALUES (7, 2, 'N'), (8, 1, NULL);
INSERT INTO guardian (id, pupil_id) VALUES (1, 7), (2, 8);
"""


def said(site: Drafting, *arguments: str) -> str:
    return " ".join(site.migrate("draft", "old", *arguments).stdout.split())


def reference(site: Drafting, table: str, column: str) -> tuple[str, ...]:
    (entity,) = (e for e in site.catalog().entities.values() if e.table == table)
    return entity.columns[column].references


def test_references_resolve_to_entries_that_are_there_already(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", SCHOOLS)) as site:
        first = said(site, "--table", "pupil")
        assert "no reference: pupil.school_id -> School: School has no entry: draft both at once" in first
        second = said(site, "--table", "School")
        said(site)
        assert reference(site, "guardian", "pupil_id") == ("operations.pupil",)
        assert reference(site, "later", "untyped") == ("operations.School",)
        assert (
            "no reference: pupil.school_id -> School: operations.pupil has an entry already: write "
            'references = "operations.School" there' in second
        )
        site.prepare()
        assert "PARITY" in site.migrate("run").stdout
        joined = "operations.guardian g JOIN operations.pupil p ON p.id = g.pupil_id"
        assert site.rows("operations", f"SELECT count(*) AS n FROM {joined}") == [{"n": 2}]


def test_names_are_compared_and_types_declared_as_sqlite_does(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", SCHOOLS)) as site:
        told = said(site)
        assert reference(site, "pupil", "school_id") == ("operations.School",)
        # Nothing is stored in any of these.
        for table, column in (("guardian", "empty"), ("guardian", "n"), ("later", "pupil_id"), ("later", "untyped")):
            assert reference(site, table, column), column
        assert "no reference: guardian.gone -> nowhere: there is no table nowhere" in told
        assert "no reference: guardian.word -> pupil: equal values may be written in several ways" in told
        assert "no reference: guardian.two -> pair: it has 1 columns, and what it leads to has 2" in told
        assert told.count("no reference") == 3
        site.prepare()
        assert "PARITY" in site.migrate("run").stdout
        assert site.count("pupil", "school_id IS NOT NULL") == 2
        assert site.count("pupil", "code IS NOT NULL") == 1


UNDECLARED = """
CREATE TABLE tblSchools (id INTEGER PRIMARY KEY);
CREATE TABLE categories (category_no INTEGER PRIMARY KEY);
CREATE TABLE книга (id INTEGER PRIMARY KEY);
CREATE TABLE keyless (parent_id INT, keyless_id INT);
CREATE TABLE two_keys (a INT, parent_id INT, PRIMARY KEY (a, parent_id));
CREATE TABLE loan_detail (loan_id INTEGER PRIMARY KEY, home_loan_detail_id INT);
CREATE TABLE loan (id INTEGER PRIMARY KEY, home_school_id INT, schoolid INT, category_id INT, parent_id INT,
    книга_id INT, SchoolCode TEXT, book_id INT, other_school_id INT, none_school_id INT, fk_school INT);
INSERT INTO tblSchools VALUES (1), (2);
INSERT INTO categories VALUES (5);
INSERT INTO книга VALUES (3);
INSERT INTO loan_detail VALUES (2, 2);
INSERT INTO loan VALUES (1, 1, 2, 5, NULL, 3, 'x', 1, 1, NULL, 1), (2, 2, 2, NULL, 1, 3, '1', 1, 9, NULL, 2);
"""
FOUND = {
    "home_school_id": "tblSchools",
    "schoolid": "tblSchools",
    "category_id": "categories",
    "parent_id": "loan",
    "книга_id": "книга",
    "fk_school": "tblSchools",
}


def test_references_that_nobody_declares_are_listed(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", UNDECLARED)) as site:
        told = said(site)
        for column, parent in FOUND.items():
            assert f"looks like a reference: loan.{column} -> {parent}: " in told
            assert reference(site, "loan", column) == ()
        assert "loan.none_school_id -> tblSchools: without a value that could say so" in told
        assert "loan.other_school_id" not in told
        assert "loan.SchoolCode" not in told
        assert "loan.book_id" not in told
        # A key may be another table's, and the longer name is the nearer one.
        assert "loan_detail.loan_id -> loan: " in told
        assert "loan_detail.home_loan_detail_id -> loan_detail: " in told


def test_references_that_nobody_declares_of_entries_that_are_there(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", UNDECLARED)) as site:
        said(site, "--table", "loan")
        told = said(site, "--guess")
        for column, parent in FOUND.items():
            if parent != "loan":
                assert f"looks like a reference: loan.{column} -> {parent}: " in told
        assert 'operations.loan has an entry already: write references = "operations.tblSchools" there' in told
        assert reference(site, "loan", "home_school_id") == ()
        assert reference(site, "loan_detail", "-> loan_id guessed") == ("operations.loan",)


@pytest.mark.slow
def test_a_guess_writes_them_marked_and_they_move(postgres: Server, tmp_path: Path) -> None:
    with drafting(postgres, tmp_path, sqlite_file(tmp_path / "old.sqlite", UNDECLARED)) as site:
        told = said(site, "--guess")
        (loan,) = (e for e in site.catalog().entities.values() if e.table == "loan")
        assert {n for n, c in loan.columns.items() if c.references} == set(FOUND)
        for column, parent in FOUND.items():
            assert f"guessed: loan.{column} -> {parent}: " in told
            assert str(loan.columns[column].note).startswith("Guessed: ")
        assert "looks like a reference: loan.none_school_id -> tblSchools" in told
        site.prepare()
        assert "PARITY" in site.migrate("run").stdout
        joined = "operations.loan l JOIN operations.tbl_schools s ON s.id = l.home_school_id"
        assert site.rows("operations", f"SELECT count(*) AS n FROM {joined}") == [{"n": 2}]


def test_mariadb_names_a_foreign_key_into_another_database(postgres: Server, mariadb: MariaDb, tmp_path: Path) -> None:
    other, database = mariadb.create(), mariadb.create()
    mariadb.execute(other, "CREATE TABLE school (id int PRIMARY KEY)")
    mariadb.execute(
        database,
        "CREATE TABLE school (id int PRIMARY KEY, Code varchar(9) UNIQUE)",
        f"CREATE TABLE pupil (id int PRIMARY KEY, school_id int, code varchar(9), deed int,"
        f" FOREIGN KEY (school_id) REFERENCES {other}.school (id), FOREIGN KEY (CODE) REFERENCES school (CODE))",
    )
    with drafting(postgres, tmp_path, mariadb.dsn(database)) as site:
        told = said(site)
        assert f"no reference: pupil.school_id -> school: school is elsewhere, in {other}" in told
        assert reference(site, "pupil", "school_id") == ()
        assert told.count("no reference") == 1
        (pupil,) = (e for e in site.catalog().entities.values() if e.table == "pupil")
        assert [c.by for c in pupil.references.values()] == [("Code",)]


def test_values_are_looked_for_where_a_server_compares_no_such_two(
    postgres: Server, mariadb: MariaDb, tmp_path: Path
) -> None:
    database = mariadb.create()
    mariadb.execute(
        database,
        "CREATE TABLE school (code varchar(9) COLLATE utf8mb4_unicode_ci PRIMARY KEY)",
        "CREATE TABLE class (id int PRIMARY KEY)",
        "CREATE TABLE pupil (id int PRIMARY KEY, school_code varchar(9) COLLATE utf8mb4_general_ci, class_id int)",
        "INSERT INTO school VALUES ('a')",
        "INSERT INTO class VALUES (1)",
        "INSERT INTO pupil VALUES (1, 'a', 1)",
    )
    with drafting(postgres, tmp_path, mariadb.dsn(database)) as site:
        told = said(site, "--guess")
        assert "guessed: pupil.class_id -> class: 1 values, all found there" in told
        assert "school_code" not in told


def test_postgresql_names_foreign_keys_of_partitions(
    postgres: Server, legacy_postgres: Postgres, tmp_path: Path
) -> None:
    database = legacy_postgres.create()
    legacy_postgres.execute(
        database,
        "CREATE TABLE school (id int PRIMARY KEY)",
        "CREATE TABLE part (day date, id int, school int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day)",
        "CREATE TABLE part_a PARTITION OF part DEFAULT",
        "ALTER TABLE part_a ADD UNIQUE (id)",
        "ALTER TABLE part_a ADD FOREIGN KEY (school) REFERENCES school",
        "CREATE TABLE whole (id int, school int REFERENCES school, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
        "CREATE TABLE whole_a PARTITION OF whole DEFAULT",
        "CREATE TABLE uses (id int PRIMARY KEY, part int REFERENCES part_a (id), whole int REFERENCES whole)",
    )
    with drafting(postgres, tmp_path, legacy_postgres.dsn(database)) as site:
        told = said(site)
        assert "no reference: part_a.school -> school: it is declared of a part of a table" in told
        assert "no reference: uses.part -> part_a: there is no table part_a, or only as a part of another" in told
        assert told.count("no reference") == 2
        assert reference(site, "whole", "school") == ("operations.school",)
        assert reference(site, "uses", "whole") == ("operations.whole",)


def test_sql_server_lists_columns_that_look_like_references(
    postgres: Server, sqlserver: Standin, tmp_path: Path
) -> None:
    legacy = Database()
    legacy.load_table("dbo", "School", [("Id", "int", False)], ["Id"], [(1,), (2,)])
    columns = [
        ("Id", "int", False),
        ("HomeSchoolId", "int", True),
        ("OtherSchoolId", "int", True),
        ("Ref", "int", True),
    ]
    legacy.load_table("dbo", "Pupil", columns, ["Id"], [(1, 1, 1, 1), (2, 2, 9, 2), (3, None, None, None)])
    legacy.foreign_key("FK_Ref", ("dbo", "Pupil"), ["Ref"], ("dbo", "School"), ["Id"])
    sqlserver.databases["guesses"] = legacy
    with drafting(postgres, tmp_path, sqlserver.dsn("guesses")) as site:
        told = said(site, "--guess")
        assert "guessed: Pupil.HomeSchoolId -> School: 2 values, all found there" in told
        assert "OtherSchoolId" not in told
        assert reference(site, "Pupil", "HomeSchoolId") == reference(site, "Pupil", "Ref") == ("operations.School",)
