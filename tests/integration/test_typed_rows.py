"""A whole entity of every kind of moment, number and bytes: transformed, loaded, read back, and derived again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.connection import Dsn
from pipeline.core import keys, outputs, tenancy, transform
from pipeline.core.clock import transitions_frame
from pipeline.core.frame import BATCH, UNFIT
from pipeline.core.loss import Fate, loss_ledger
from pipeline.core.quality import Kind, verdicts
from pipeline.core.sql import compare, ddl, expected, judged, relations
from pipeline.demo import server
from pipeline.stores.arrow import to_arrow
from pipeline.stores.parity import ParityDatabase, RawFiles
from pipeline.stores.target import TargetDatabase
from pipeline.verification.target_side import selected
from schemas.catalog import load_catalog
from schemas.contracts import target_contract, violations
from tests.support.fleet import tenant_id

ENTRY = """
[Sample]
table = "Sample"
source = "district"
key = ["Id"]
target = "samples"

[Sample.columns]
Id = { type = "int", to = "number" }
Seen = { to = "seen", convert = "moment", finer = "keep", hazard = "H99" }
Sent = { to = "sent", convert = "instant", finer = "keep" }
Strict = { to = "strict", convert = "instant_utc" }
Born = { to = "born", convert = "day", absent = ["0000-00-00"] }
Opens = { to = "opens", convert = "clock" }
Score = { to = "score", convert = "float" }
Ratio = { to = "ratio", convert = "float", pg = "real" }
Photo = { to = "photo", convert = "binary" }
Both = { to = { as_moment = "moment", as_day = "date" } }
"""
#: Column -> its raw text in each row. The last three rows are rejected: a digit too fine where the entry keeps none;
#: floats beyond the largest; a day with a clock, an hour 24, odd hex.
RAW: dict[str, list[str | None]] = {
    "Id": ["1", "2", "3", "4", "5", "6", "7"],
    "Seen": ["2017-01-01 10:00:00.1234567", "2017-01-01", None, None, None, None, None],
    "Sent": [
        "2017-01-01 10:00:00.1234567 +05:30",
        "2017-01-01 10:00:00Z",
        None,
        "0001-01-01 00:00:00 +14:00",
        None,
        None,
        None,
    ],
    "Strict": [
        "2017-01-01 00:00:00.1234560",
        None,
        None,
        "9999-12-31 23:59:59.999999",
        "2017-01-01 00:00:00.1234567",
        None,
        None,
    ],
    "Born": ["2017-01-01", "0000-00-00", None, None, None, None, "2017-01-01 00:00:00"],
    "Opens": ["08:30:00.0000000", "23:59", None, None, None, None, "24:00:00"],
    "Score": ["-0", "5e-324", "Infinity", "NaN", None, "1e400", None],
    "Ratio": ["0.1", "NaN", "-Inf", "-0", None, "1e39", None],
    "Photo": ["00FF", "", None, None, None, None, "0F0"],
    "Both": ["2017-01-01", "2017-01-01 12:00:00", None, None, None, None, None],
}
#: Rows and columns whose value does not give the text back.
KEPT = [
    *(("[1]", column) for column in ("Both", "Opens", "Photo", "Seen", "Sent", "Strict")),
    *(("[2]", column) for column in ("Born", "Both", "Opens", "Score", "Seen", "Sent")),
    ("[3]", "Ratio"),
    ("[4]", "Sent"),
]
TENANT = str(tenant_id(1))


@pytest.fixture
def target(postgres: server.Server) -> TargetDatabase:
    return TargetDatabase("postgres", Dsn(postgres.dsn("postgres")), role=None)


def test_both_halves_agree_on_every_row(tmp_path: Path, target: TargetDatabase) -> None:
    (tmp_path / "student.toml").write_text(ENTRY, encoding="utf-8")
    catalog = load_catalog(tmp_path)
    entity = catalog["student.Sample"]
    columns = entity.targets[0].columns
    raw = pl.DataFrame(RAW, schema=dict.fromkeys(RAW, pl.String())).with_columns(pl.lit(None, pl.String).alias(UNFIT))
    raw.write_parquet(tmp_path / "raw.parquet")
    as_of = datetime(2026, 1, 1, tzinfo=UTC)

    tagged = tenancy.tag(
        keys.with_key(raw.lazy(), entity), entity, source_tenant=pl.lit(TENANT), routes={}, catalog=catalog
    )
    context = transform.Context("America/Chicago", "America/Chicago", as_of)
    prepared = transform.prepare(tagged, entity, catalog=catalog, parents={}, context=context).collect()
    held = {v.flag for v in verdicts(entity) if prepared[v.flag].any()}
    made = outputs.outputs(prepared.lazy().with_columns(pl.lit(0, pl.Int32).alias(BATCH)), entity, catalog, held=held)
    samples = made.targets["samples"].drop(BATCH).collect()
    assert violations(samples, target_contract(entity, entity.targets[0])) == []
    findings = made.findings.select("legacy_key", "column", "hazard").collect().rows()
    assert findings == [
        ("[1]", "Seen", "H99"),
        ("[1]", "Sent", "finer than a microsecond"),
        ("[2]", "Born", "absent"),
        ("[2]", "Both", "H40"),
    ]
    kept = made.raw_values.select("legacy_key", "column").collect().rows()
    assert kept == KEPT
    rejected = dict(made.rejects.select("legacy_key", "reasons").collect().rows())
    assert rejected == {
        "[5]": ["unreadable: Strict"],
        "[6]": ["unreadable: Ratio", "unreadable: Score"],
        "[7]": ["unreadable: Born", "unreadable: Opens", "unreadable: Photo"],
    }

    with target, ParityDatabase(tmp_path, transitions_frame(["UTC", "America/Chicago"])) as duck:
        files = [RawFiles([tmp_path / "raw.parquet"], "a", TENANT, "America/Chicago", "America/Chicago")]
        duck.raw_view(entity.id, files, dict.fromkeys(RAW, "VARCHAR"))
        duck.execute(expected.tagged(entity, catalog))
        duck.execute(judged.judged(entity, catalog, tenants=[TENANT], as_of=as_of))
        rows = expected.expected_rows(entity, entity.targets[0], 0)
        duck.execute(f"CREATE TABLE {relations.expected('student', 'samples')} AS {rows}")

        target.execute("DROP SCHEMA IF EXISTS student CASCADE")
        target.execute("CREATE SCHEMA student")
        target.execute(
            f"CREATE TABLE student.samples ({', '.join(f'{ddl.quote(c)} {pg}' for c, pg in columns.items())})"
        )
        target.ingest("student", "samples", to_arrow(samples, columns))
        shown, typed = selected(columns, stored := target.columns("student")["samples"])
        with target.stream(f"SELECT {shown} FROM student.samples") as reader:
            duck.fill(relations.actual("student", "samples"), reader, select=typed)

        duck.execute(compare.DIFFERING_TABLE)
        duck.execute(compare.rows("student", "samples", columns, stored))
        assert duck.rows(f"SELECT * FROM {relations.DIFFERING}") == []
        assert duck.rows(f"SELECT count(*) AS n FROM {relations.actual('student', 'samples')}") == [{"n": 4}]

        duck.execute(
            f"CREATE TABLE {relations.EXPECTED_RECEIPT} AS "
            f"{expected.expected_receipts(entity, run_id='', entry_hash='')}"
        )
        derived = duck.rows(f"SELECT legacy_key, target_hash FROM ({expected.expected_id_map(entity)}) ORDER BY 1")
        hashes = made.id_map.select("legacy_key", "target_hash").sort("legacy_key").collect().rows()
        assert [(r["legacy_key"], r["target_hash"].hex) for r in derived] == hashes
        told = " UNION ".join(expected.expected_notes(entity, Kind.FINDING, held))
        notes = duck.rows(f"SELECT legacy_key, column_name, label FROM ({told}) ORDER BY ALL")
        assert [tuple(n.values()) for n in notes] == findings
        told = " UNION ".join(expected.expected_notes(entity, Kind.RAW, held))
        notes = duck.rows(f"SELECT DISTINCT legacy_key, column_name FROM ({told}) ORDER BY ALL")
        assert [tuple(n.values()) for n in notes] == kept
        again = duck.rows(f"SELECT legacy_key, reasons FROM ({expected.expected_rejects(entity)})")
        assert {r["legacy_key"]: r["reasons"] for r in again} == rejected


def test_the_ledger_says_whose_raw_text_is_kept(tmp_path: Path) -> None:
    (tmp_path / "student.toml").write_text(ENTRY, encoding="utf-8")
    losses = loss_ledger(load_catalog(tmp_path), ["student.Sample"])
    assert {x.column for x in losses if x.fate is Fate.RAW_KEPT} == set(RAW) - {"Id"}
    assert {x.column for x in losses if x.fate is Fate.EXACT} == {"Id"}
