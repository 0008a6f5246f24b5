"""Keys and references as a server itself compares them: what it holds for equal is found, what it tells apart is not."""

from __future__ import annotations

from pathlib import Path

from pipeline.demo.server import Server
from tests.drafted import drafted
from tests.servers import MariaDb


def test_a_key_without_a_sign_is_digits(mariadb: MariaDb, postgres: Server, tmp_path: Path) -> None:
    database = mariadb.create()
    mariadb.execute(
        database,
        "CREATE TABLE pupil (id bigint unsigned PRIMARY KEY)",
        "CREATE TABLE mark (id bigint unsigned PRIMARY KEY, pupil bigint unsigned REFERENCES pupil (id))",
        "INSERT INTO pupil VALUES (21), (18446744073709551615)",
        "INSERT INTO mark VALUES (1, 21), (9223372036854775808, 18446744073709551615)",
    )
    with drafted(postgres, tmp_path, mariadb.dsn(database), batch_rows=1) as source:
        verdict = source.run()
        assert verdict.parity, verdict.differences
        pupils = {key: row["id"] for key, row in source.rows("pupil", "id::text AS id").items()}
        assert set(pupils) == {"[21]", "[18446744073709551615]"}
        assert {key: row["pupil"] for key, row in source.rows("mark", "pupil::text AS pupil").items()} == {
            "[1]": pupils["[21]"], "[9223372036854775808]": pupils["[18446744073709551615]"],
        }  # fmt: skip
