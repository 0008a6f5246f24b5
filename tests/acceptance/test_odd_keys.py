"""Keys that no target can hold as they are: doubled, or too long. Their rows are set aside by name, all others go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.core.plan import Held
from pipeline.demo.server import Server
from schemas.catalog import load_catalog
from tests.support.drafted import drafted
from tests.support.servers import MariaDb
from tests.support.site import Site
from tests.support.small import small, told, verified_again

ENTRIES = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
[Pupil.columns]
Id   = { type = "int" }
Name = { to = "name" }

[Mark]
source = "district"
key = ["Code"]
target = "marks"
[Mark.columns]
Code  = { type = "nvarchar(max)" }
Pupil = { type = "int", to = "pupil_id", references = "media.Pupil" }
"""
#: A table whose primary key was lost, and one whose own tells texts apart that the entry holds for equal.
LOST = """
CREATE TABLE Pupil (Id int, Name "nvarchar(max)");
INSERT INTO Pupil VALUES (1, 'a'), (2, 'b'), (2, 'c'), (3, 'd'), (2, 'b');
CREATE TABLE Mark (Code "nvarchar(max)" PRIMARY KEY, Pupil int);
INSERT INTO Mark VALUES ('x', 1), ('y', 2), ('Z', 3), ('z ', 3);
"""
SOUND = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)");
INSERT INTO Pupil VALUES (1, 'a'), (2, 'b');
CREATE TABLE Mark (Code "nvarchar(max)" PRIMARY KEY, Pupil int);
INSERT INTO Mark VALUES ('x', 1), ('y', 2);
"""


def quarantined(site: Site) -> list[tuple[object, ...]]:
    rows = site.rows(
        "media", "SELECT entity, legacy_key, ordinal, reasons, \"row\" ->> 'Name' AS name FROM migration.quarantine"
    )
    return sorted((r["entity"], r["legacy_key"], r["ordinal"], r["reasons"], r["name"]) for r in rows)


@pytest.mark.parametrize("batch_rows", [1, pytest.param(10_000, marks=pytest.mark.slow)])
def test_all_rows_of_a_doubled_key_are_set_aside_and_others_go_on(
    postgres: Server, tmp_path: Path, batch_rows: int
) -> None:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LOST, "b": SOUND}) as made:
        workspace, verdict = made.run(batch_rows=batch_rows)
        assert told(verdict) == set()
        assert verdict.parity
        assert set(made.ids("media", "pupils")) == {"a [1]", "a [3]", "b [1]", "b [2]"}
        marks = made.table("media", "marks", "pupil_id::text AS pupil")
        pupils = made.ids("media", "pupils")
        assert {k: row["pupil"] for k, row in marks.items()} == {
            'a ["x"]': str(pupils["a [1]"]),
            'a ["y"]': None,
            'b ["x"]': str(pupils["b [1]"]),
            'b ["y"]': str(pupils["b [2]"]),
        }
        found = quarantined(made.site)
        assert sorted(str(name) for _, key, _, _, name in found if key == "[2]") == ["b", "b", "c"]
        assert [row[:4] for row in found] == [
            ("media.Mark", '["Z"]', 1, ["doubled key"]),
            ("media.Mark", '["z "]', 1, ["doubled key"]),
            *(("media.Pupil", "[2]", n, ["doubled key"]) for n in (1, 2, 3)),
        ]
        tenant = workspace.record.sources["a"].tenant_id
        assert [(x.entity, x.table, x.tenant, x.reason, x.rows, x.keys) for x in verdict.set_aside] == [
            ("media.Pupil", "Pupil", tenant, "doubled key", 3, ("[2]",)),
            ("media.Mark", "Mark", tenant, "doubled key", 2, ('["Z"]', '["z "]')),
        ]
        # Each of them counts: one that is missing, or told as another, is a difference.
        made.site.execute("media", "DELETE FROM migration.quarantine WHERE legacy_key = '[2]' AND ordinal = 2")
        assert told(verified_again(workspace)) == {("missing in quarantine", "media.Pupil", "[2]", "")}
        made.site.execute(
            "media", "UPDATE migration.quarantine SET ordinal = 2 WHERE legacy_key = '[2]' AND ordinal = 3"
        )
        assert told(verified_again(workspace)) >= {("missing in quarantine", "media.Pupil", "[2]", "")}


@pytest.mark.slow
@pytest.mark.parametrize("loaded", [False, True], ids=["pending", "loaded"])
def test_no_row_refers_to_one_of_a_doubled_key_that_another_run_moves(
    postgres: Server, tmp_path: Path, loaded: bool
) -> None:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LOST, "b": SOUND}) as made:
        if loaded:
            made.run("media.Pupil")
        _, verdict = made.run("media.Mark")
        assert told(verdict) == set()
        marks = made.table("media", "marks", "pupil_id IS NULL AS is_lost")
        assert {k: row["is_lost"] for k, row in marks.items()} == {
            'a ["x"]': False,
            'a ["y"]': True,
            'b ["x"]': False,
            'b ["y"]': False,
        }


def test_a_key_that_the_source_keeps_apart_is_trusted_and_no_other(
    mariadb: MariaDb, postgres: Server, tmp_path: Path
) -> None:
    database = mariadb.create()
    mariadb.execute(
        database,
        "CREATE TABLE declared (id int PRIMARY KEY)",
        "CREATE TABLE exact (code varchar(9) COLLATE utf8mb4_bin PRIMARY KEY)",
        "CREATE TABLE unpadded (code varchar(9) COLLATE utf8mb4_general_nopad_ci PRIMARY KEY)",
        "CREATE TABLE undeclared (id int NOT NULL)",
    )
    with drafted(postgres, tmp_path, mariadb.dsn(database)) as source:
        # Case is folded by our own rules, so that a key that folds is looked at in any case.
        assert source.begun().unenforced == (Held("one", "media.unpadded"),)
        # Entries that somebody has changed, to hold for equal what the source tells apart.
        entries = source.settings.run.catalog / "media.toml"
        text = entries.read_text(encoding="utf-8")
        for said, changed in ((", case_sensitive = true", ""), (", pads = false", ""), ("key = []", 'key = ["id"]')):
            assert said in text
            text = text.replace(said, changed)
        entries.write_text(text, encoding="utf-8")
        changed = replace(source, catalog=load_catalog(source.settings.run.catalog))
        assert set(changed.begun().unenforced) == {
            Held("one", f"media.{t}") for t in ("exact", "unpadded", "undeclared")
        }


def test_a_key_of_more_than_2000_bytes_rejects_its_row_by_name(postgres: Server, tmp_path: Path) -> None:
    path = tmp_path / "legacy.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE page (url TEXT PRIMARY KEY, title TEXT)")
        connection.execute("CREATE TABLE link (id INTEGER PRIMARY KEY, url TEXT REFERENCES page)")
        # As it is written, in brackets and quotes, the second is of 2,000 bytes; the third of as many letters and more bytes.
        keys = ["short", "x" * 1996, "\u00e9" * 1996, "x" * 4000, "x" * 4000 + "y"]
        connection.executemany("INSERT INTO page VALUES (?, ?)", [(key, str(n)) for n, key in enumerate(keys)])
        connection.executemany("INSERT INTO link VALUES (?, ?)", enumerate(keys))
        connection.commit()
    with drafted(postgres, tmp_path, f"sqlite://{path}") as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        assert {row["title"] for row in source.rows("page", "title").values()} == {"0", "1"}
        rejects = source.rejected()
        assert list(rejects.values()) == [["key over 2,000 bytes"]] * 3
        assert all(len(key) < 150 for _, key in rejects)
        (aside,) = verdict.set_aside
        assert (aside.entity, aside.table, aside.reason, aside.rows) == (
            "media.page",
            "page",
            "key over 2,000 bytes",
            3,
        )
        assert len(aside.keys) == 3 and all(key.startswith(('["xxx', '["\u00e9')) for key in aside.keys)
        assert sorted(k for k, row in source.rows("link", "url IS NULL AS lost").items() if row["lost"]) == [
            "[2]",
            "[3]",
            "[4]",
        ]


def test_a_key_longer_than_values_may_be_is_a_key_all_the_same(postgres: Server, tmp_path: Path) -> None:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": SOUND.replace("'x'", "'longer than five'")}) as made:
        config = made.site.config.read_text(encoding="utf-8")
        made.site.config.write_text(
            config.replace("parallel = 2", "parallel = 2\nmax_value_bytes = 5"), encoding="utf-8"
        )
        _, verdict = made.run()
        assert told(verdict) == set()
        assert set(made.ids("media", "marks")) == {'a ["longer than five"]', 'a ["y"]'}
